"""Fifteen thousand seeded mutants of small sound files: each is read, or refused by a FormatError with the file's name, and quickly."""

from __future__ import annotations

import copy
import json
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from criterial.errors import FormatError
from criterial.formats.load import read_cases, read_responses, read_rubric, read_verdicts
from tests.formats.samples import BIGGEN, NATIVE, REALSUMM, SINGLE, UNGRADED, folder
from tests.helpers_files import case, write

BYTES_EACH, VALUES_EACH = 400, 600
WORDS = rb'null|[]|{}|"|\|\ud800|\u0000|1e999|NaN|- |: |&a |*a|!!x |[|]|{|}|#|,|999999999999999999999999'
TOKENS = [*WORDS.split(b"|"), b"\n", b"\x00", b"\xff"]
VALUES = [None, True, False, 0, -1, 5, 2.5, 1e308, "", "x", "é😀", [], {}, [5], ["x"], [None], {"a": 1}, {"text": 1}, [[1]], [{}]]
RUBRIC = {"criteria": [{"id": "a", "text": "x", "scale": {"type": "likert", "points": 3}}, "y"], "policy": "weighted"}
OPTIONS = [{"label": "a", "value": 0}, {"label": "b", "value": 1}]
SECTIONS = {"sections": [{"name": "s", "criteria": [{"requirement": "x", "options": OPTIONS}]}]}
RESPONSES = [{"task": "t", "system": "s", "text": "x"}, {"task": "t", "id": "y", "messages": [{"role": "assistant", "content": "z"}]}]
VERDICTS = [{"task": "t", "response": "r", "criterion": "c1", "value": 1, "probs": [0.1, 0.9], "judge": "j", "repeat": 1, "reason": "so"}]
KNOWN = [case("a")]
READERS = {
    **{name: (file, content, read_cases) for name, (file, content, _) in SINGLE.items()},
    "rubric": ("rubric.json", RUBRIC, read_rubric),
    "autorubric rubric": ("rubric.json", SECTIONS, read_rubric),
    "tree rubric": ("rubric.json", UNGRADED, read_rubric),
    "rubric.yaml": ("rubric.yaml", NATIVE[0]["rubric"], read_rubric),
    "responses": ("responses.jsonl", RESPONSES, lambda p: read_responses(p, KNOWN)),
    "verdicts": ("verdicts.jsonl", VERDICTS, lambda p: read_verdicts(p, KNOWN)),
}


def damaged(raw: bytes, chance: random.Random) -> bytes:
    """Return bytes with one to three small faults."""
    out = bytearray(raw)
    for _ in range(chance.randint(1, 3)):
        at, size = chance.randrange(len(out) + 1), chance.randint(1, 12)
        match chance.randrange(5):
            case 0 if at < len(out):
                out[at] ^= 1 << chance.randrange(8)
            case 1:
                del out[at : at + size]
            case 2:
                out[at:at] = out[at : at + size]
            case 3:
                out[at:at] = chance.choice(TOKENS)
            case _:
                out[at:] = out[at:][: chance.randint(0, len(out))]
    return bytes(out)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every container with every key in it."""
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, key
        yield from places(value[key])


def changed(content: Any, chance: random.Random) -> Any:
    """Return plain data in which one or two values are others, are gone, or stand twice."""
    out = copy.deepcopy(content)
    for _ in range(chance.randint(1, 2)):
        spots = list(places(out))
        if not spots:
            break
        owner, key = chance.choice(spots)
        match chance.randrange(6):
            case 0:
                del owner[key]
            case 1 if isinstance(owner, list):
                owner.append(copy.deepcopy(owner[key]))
            case 2 if isinstance(owner, dict):
                owner[str(key) + "s"] = owner[key]
            case _:
                owner[key] = copy.deepcopy(chance.choice(VALUES))
    return out


def assert_read_or_refused(read: Any, path: Path) -> bool:
    """Assert that a file is read, or refused as it should be; return whether it was read."""
    error = None
    start = time.process_time()
    try:
        read(path)
    except FormatError as caught:
        error = caught
    assert time.process_time() - start < 1.0
    assert error is None or (error.file.startswith(str(path)) and str(error))
    return error is None


@pytest.mark.parametrize("name", READERS)
def test_damaged_bytes_never_end_in_a_traceback(name: str, tmp_path: Path) -> None:
    file, content, read = READERS[name]
    path = write(tmp_path, file, content)
    raw, chance = path.read_bytes(), random.Random(f"bytes {name}")
    outcomes = []
    for _ in range(BYTES_EACH):
        path.write_bytes(damaged(raw, chance))
        outcomes.append(assert_read_or_refused(read, path))
    assert 0 < sum(outcomes) < BYTES_EACH  # the faults are small enough that both happen


@pytest.mark.parametrize("name", READERS)
def test_values_of_the_wrong_type_never_end_in_a_traceback(name: str, tmp_path: Path) -> None:
    file, content, read = READERS[name]
    chance = random.Random(f"values {name}")
    for _ in range(VALUES_EACH):
        assert_read_or_refused(read, write(tmp_path, file, _writable(changed(content, chance), file)))


def _writable(content: Any, file: str) -> Any:
    """Return content that the container can hold: TOML has no null."""
    if not file.endswith(".toml"):
        return content if isinstance(content, (dict, list)) else json.dumps(content)
    return (
        json.loads(json.dumps(content), object_hook=lambda d: {k: v for k, v in d.items() if v is not None})
        if isinstance(content, dict)
        else ""
    )


def test_values_of_the_wrong_type_in_a_folder_never_end_in_a_traceback(tmp_path: Path) -> None:
    chance = random.Random("realsumm")
    for _ in range(VALUES_EACH):
        content = changed(REALSUMM, chance)
        rows = {k: v for k, v in content.items() if isinstance(v, list)}
        assert_read_or_refused(read_cases, folder(tmp_path / "set", **rows))


@pytest.mark.parametrize("name", ["c.json", "c.yaml"])
def test_random_bytes_are_refused(name: str, tmp_path: Path) -> None:
    chance = random.Random(name)
    for size in range(200):
        assert not assert_read_or_refused(read_cases, write(tmp_path, name, chance.randbytes(size)))


def test_the_fuzzer_would_notice_a_traceback(tmp_path: Path) -> None:
    """The control: a reader that fails in another way fails these tests."""
    path = write(tmp_path, "c.json", BIGGEN)
    with pytest.raises(KeyError):
        assert_read_or_refused(lambda p: {}["x"], path)
    with pytest.raises(AssertionError):
        assert_read_or_refused(lambda p: (_ for _ in ()).throw(FormatError("no name")).__next__(), path)
