"""JSON, JSON lines, TOML, YAML and gzip on top are read alike: the same content is the same case, down to the digest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from criterial.core.task import Case
from criterial.errors import FormatError
from criterial.formats.load import read_cases, read_rubric
from criterial.formats.native import case_to_dict
from criterial.formats.reading import Document, parse_json
from tests.helpers_files import DUMPERS, cases, write

ENDINGS = [".json", ".jsonl", ".yaml", ".yml", ".toml"]
CASE = {
    "id": "capital",
    "prompt": "Name the capital of France.\nGive a reason.",
    "references": ["Paris", "It is \"Paris\" – 'the' city"],
    "context": "tab\there, emoji 😀, backslash \\",
    "tags": ["lang:en", "no", "12:30:45", "2020-01-01", "1e3", "0x10", "~", ""],
    "rubric": {
        "id": "r",
        "criteria": [
            {"id": "a", "text": "Says Paris", "weight": -2.5, "scale": "likert:5"},
            {"id": "b", "text": "Short", "check": {"kind": "length", "max": 100, "unit": "words"}, "scale": ["no", "yes", "on"]},
        ],
    },
    "responses": [{"id": "x", "system": "s", "text": "Paris.", "verdicts": {"a": 4, "b": "yes"}}, "Lyon."],
}


@pytest.mark.parametrize("packed", ["", ".gz"])
@pytest.mark.parametrize("ending", ENDINGS)
def test_one_case_reads_alike_in_every_container(ending: str, packed: str, tmp_path: Path) -> None:
    content = DUMPERS.get(ending, DUMPERS[".yaml"])(CASE)
    (read,) = read_cases(write(tmp_path, f"cases{ending}{packed}", content))
    (expected,) = read_cases(write(tmp_path, "expected.json", CASE))
    assert read == expected
    assert read.digest == expected.digest
    assert read.task.tags == tuple(CASE["tags"])  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["c.json", "c.jsonl", "c.yaml", "c.json.gz", "c.jsonl.gz", "c.yaml.gz"])
def test_several_cases_read_alike_in_every_container_that_holds_several(name: str, tmp_path: Path) -> None:
    several = [{**CASE, "id": f"t{i}"} for i in range(3)]
    assert [c.task.id for c in read_cases(write(tmp_path, name, several))] == ["t0", "t1", "t2"]


@pytest.mark.parametrize(
    ("text", "count"), [(DUMPERS[".jsonl"]([CASE, {**CASE, "id": "2"}]), 2), (DUMPERS[".json"](CASE), 1), (json.dumps(CASE), 1)]
)
@pytest.mark.parametrize("name", ["cases", "cases.txt", "cases.ndjson", "cases.txt.gz"])
def test_without_an_ending_that_tells_the_first_bytes_do(name: str, text: str, count: int, tmp_path: Path) -> None:
    assert len(read_cases(write(tmp_path, name, text))) == count


@settings(max_examples=60)
@given(made=cases())
def test_any_case_is_the_same_after_any_container(made: Case, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("containers")
    plain = case_to_dict(made)
    for name in ("c.json", "c.jsonl.gz", "c.yaml", "c.toml"):
        (read,) = read_cases(write(folder, name, plain), format="native")
        assert read == made
        assert read.digest == made.digest


def test_a_byte_order_mark_windows_lines_and_blank_lines_do_no_harm(tmp_path: Path) -> None:
    for name, text in (
        ("c.json", DUMPERS[".json"](CASE)),
        ("c.jsonl", DUMPERS[".jsonl"](CASE) + "\n \n\n"),
        ("c.yaml", DUMPERS[".yaml"](CASE)),
    ):
        raw = b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode()
        assert len(read_cases(write(tmp_path, name, raw))) == 1


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: [no, yes, on, off, y, n]", {"a": ["no", "yes", "on", "off", "y", "n"]}),
        ("a: [true, false, null, ~, ]", {"a": [True, False, None, None]}),
        ("a: [True, NULL, FALSE]", {"a": ["True", "NULL", "FALSE"]}),
        ("a: 12:30:45\nb: 2020-01-01\nc: 2020-01-01T10:00:00Z", {"a": "12:30:45", "b": "2020-01-01", "c": "2020-01-01T10:00:00Z"}),
        ("a: [1, -2, +3, 1.5, 1e3, -0.5E-1]", {"a": [1, -2, 3, 1.5, 1000.0, -0.05]}),
        ("a: [0x10, 0o17, 017, 1_000, .5, 5., .inf, .nan]", {"a": ["0x10", "0o17", "017", "1_000", ".5", "5.", ".inf", ".nan"]}),
        ("a: ['1', \"true\"]\nb: |\n  1\nc: >\n  no\n", {"a": ["1", "true"], "b": "1\n", "c": "no\n"}),
        ("a:\n<<: {b: 1}", {"a": None, "<<": {"b": 1}}),
        ("1: a\ntrue: b", {"1": "a", "true": "b"}),
        ("a: '=x'\nb: =", {"a": "=x", "b": "="}),
    ],
)
def test_yaml_has_no_types_but_true_false_null_and_decimal_numbers(text: str, value: Any, tmp_path: Path) -> None:
    found = Document(write(tmp_path, "c.yaml", text)).whole()
    assert found == value
    assert json.dumps(found) == json.dumps(value)  # 1 is not True and not 1.0


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775808", -(2**63)),
        ("1e308", 1e308),
        ('"\\ud83d\\ude00"', "😀"),
        ('"\\\\u0000"', "\\u0000"),
        ('"\u2028"', "\u2028"),
        ('{"a": {"a": 1}}', {"a": {"a": 1}}),
        ('[{"a": 1}, {"a": 2}]', [{"a": 1}, {"a": 2}]),
    ],
)
def test_strict_reading_keeps_what_is_sound(text: str, value: Any) -> None:
    assert parse_json(text) == value


def test_the_stem_of_a_file_is_its_name_without_endings(tmp_path: Path) -> None:
    for name in ("set.json", "set.jsonl.gz", "set.yml", "set"):
        assert Document(write(tmp_path, name, "{}")).stem == "set"


@pytest.mark.parametrize("name", ["r.json", "r.yaml", "r.toml", "r.json.gz"])
def test_a_rubric_reads_alike_in_every_container(name: str, tmp_path: Path) -> None:
    read = read_rubric(write(tmp_path, name, CASE["rubric"]))
    assert read == read_cases(write(tmp_path, "c.json", CASE))[0].rubric


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="no such file") as caught:
        read_cases(tmp_path / "absent.json")
    assert caught.value.file == str(tmp_path / "absent.json")
