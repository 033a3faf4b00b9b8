"""Many lines of JSON at once must be what one after another is, or be left to be read one by one."""

from __future__ import annotations

import gzip
import random
from pathlib import Path
from typing import Any

import pytest

from criterial.errors import FormatError
from criterial.formats.json_text import parse_json, parse_lines
from criterial.formats.reading import Document

PIECES = ['{"a":1', '{"b":"', "}", "}", '"', ",", ":", "[", "]", '"c":2', '"c":', '"a":1', '"a" :1', "\n", "\n", "\\", "{", " ", "1e999"]
PIECES += ["9" * 20, "NaN", "\\u0000", "\\ud800", "\x00", "\ufeff", "\u2028", "\xa0", "\r", "\x0b", "null"]
PIECES += ['{"a":1}', '{"b":"x"}\n', '{"c":[0.5]}\n']

ALIKE = {
    "two objects in a line, and a line that is none": '{"a":1},{"b":2\n"c":3}',
    "two objects in a line": '{"a":1},{"b":2}\n{"c":3}',
    "an object over two lines": '{"a":1\n"b":2}',
    "a list over two lines": '{"a":[{}\n{}]}',
    "a text over three lines": '{"a":"}\n{","b":"},{"}\n{"c":1}',
    "a key twice": '{"a":1,"a":2}',
    "a key twice, one of them spaced": '{"a" :1,"a":2}',
    "a key twice, and a quoted colon": '{"a":"\\":","a":2}',
    "beyond floats": '{"a":1e999}',
    "beyond 64 bits": '{"a":99999999999999999999}',
    "more digits than Python reads": '{"a":' + "9" * 5000 + "}",
    "no number": '{"a":NaN}',
    "half a surrogate pair": '{"a":"\\ud800"}',
    "NUL": '{"a":"\\u0000"}',
    "a raw NUL": '{"a":"\x00"}',
    "a space of another alphabet": '{"a":1}\xa0',
    "a list": "[1]",
    "nested without end": '{"a":' + "[" * 10**5,
}


def one_by_one(text: str) -> list[dict[str, Any]]:
    values = [parse_json(line) for line in text.split("\n") if line.strip(" \t\r")]
    if not all(isinstance(value, dict) for value in values):
        raise FormatError("expected an object")
    return values


@pytest.mark.parametrize("name", ALIKE)
def test_what_one_by_one_refuses_is_never_taken_at_once(name: str) -> None:
    text = ALIKE[name]
    with pytest.raises(FormatError):
        one_by_one(text)
    assert parse_lines(text) is None


def test_random_lines_at_once_are_what_they_are_one_by_one() -> None:
    draw = random.Random(7)
    taken = 0
    for _ in range(50_000):
        text = "".join(draw.choices(PIECES, k=draw.randint(1, 8)))
        at_once = parse_lines(text)
        if at_once is not None:
            assert at_once == one_by_one(text), text
            taken += bool(at_once)
    assert taken > 500


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz"])
def test_lines_keep_their_numbers_over_the_ends_of_blocks(suffix: str, tmp_path: Path) -> None:
    draw = random.Random(3)
    lines = [f'{{"n":{n},"text":"{"x" * draw.choice([1, 9_000, 900_000 if n % 40 == 0 else 50])}"}}' for n in range(1, 400)]
    for empty in (17, 170, 300):
        lines[empty - 1] = ""
    file = tmp_path / f"lines{suffix}"
    raw = "\n".join(lines).encode()
    file.write_bytes(gzip.compress(raw) if suffix.endswith("gz") else raw)
    found = [(place.line, item["n"]) for place, item in Document(file).objects()]
    assert found == [(n, n) for n in range(1, 400) if lines[n - 1]]
    assert [item["n"] for batch in Document(file).batches() for item in batch] == [n for _, n in found]
