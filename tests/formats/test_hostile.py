"""Files made to break a reader end in a FormatError with their name, in under a second, and in nothing else."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from criterial.errors import FormatError
from criterial.formats.load import read_cases, read_responses, read_rubric, read_verdicts
from criterial.formats.native import case_to_dict
from criterial.formats.reading import Document
from tests.helpers_files import case, write

ZEROS = gzip.compress(bytes(1 << 20))
SPACES = gzip.compress(b" " * (1 << 20))
OPEN = '{"id": "t", "prompt": "p", "rubric": ["a"], "responses": [], "tags": %s}'
DIGITS = "9" * 5000

JSON = {
    "lists without end": "[" * 100_000,
    "objects without end": '{"a":' * 100_000,
    "lists that end": "[" * 100_000 + "]" * 100_000,
    "a tag without end": OPEN % ("[" * 100_000),
    "an integer of 5000 digits": OPEN % DIGITS,
    "a negative integer of 5000 digits": OPEN % f"-{DIGITS}",
    "a float of 5000 digits and more": OPEN % f"{DIGITS}.5",
    "2^63": OPEN % (2**63),
    "-2^63-1": OPEN % (-(2**63) - 1),
    "NaN": OPEN % "[NaN]",
    "Infinity": OPEN % "[Infinity]",
    "-Infinity": OPEN % "[-Infinity]",
    "1e999": OPEN % "1e999",
    "-1e400": OPEN % "-1e400",
    "a key twice": '{"id": "t", "id": "u", "prompt": "p", "rubric": ["a"]}',
    "a weight twice": '{"id": "t", "prompt": "p", "rubric": [{"text": "a", "weight": 1, "weight": -5}]}',
    "half a surrogate pair": OPEN % '["\\ud800"]',
    "the other half": OPEN % '["\\uDC00x"]',
    "half a surrogate pair in a key": '{"id": "t", "prompt": "p", "rubric": ["a"], "\\udbff": 1}',
    "NUL in a text": OPEN % '["a\\u0000b"]',
    "a raw NUL": OPEN % '["a\x00b"]',
    "a raw control character": OPEN % '["a\x01b"]',
    "a comment": OPEN % "[] // so",
    "a comma too many": OPEN % "[1,]",
    "single quotes": "{'id': 't'}",
    "two values": "{} {}",
    "half a value": '{"id": "t", "pro',
    "a number": "5",
    "a text": '"text"',
    "null": "null",
    "an empty list": "[]",
    "an empty object": "{}",
    "nothing": "",
    "blanks": " \n \n",
    "a byte order mark": "\ufeff",
    "a pickle": "\x80\x04\x95",
    "HTML": "<!doctype html><script>alert(1)</script>",
}
YAML = {
    "lists without end": "[" * 20_000,
    "maps without end": "{a: " * 20_000,
    "dashes without end": "- " * 20_000,
    "question marks without end": "? " * 20_000,
    "steps without end": "".join(" " * i + "a:\n" for i in range(500)),
    "an alias bomb": "a: &a [x, x]\n" + "".join(f"{c}: &{c} [*{p}, *{p}]\n" for p, c in zip("abcdefgh", "bcdefghi", strict=True)),
    "an alias": "a: &x 1\nb: *x\n",
    "an anchor alone": "a: &x 1\n",
    "a list that contains itself": "&a [*a]",
    "a map that contains itself": "&a {b: *a}",
    "a merge of an alias": "a: &x {b: 1}\nc: {<<: *x}\n",
    "a tag": "a: !!python/object/apply:os.system ['true']",
    "a tag of its own": "a: !mine 1",
    "the tag of no meaning": "a: ! x",
    "binary": "a: !!binary aGk=",
    "a set": "a: !!set {x, y}",
    "a key twice": "id: t\nid: u\n",
    "a key twice in other words": "'1': a\n1: b\n",
    "a key that is a list": "? [a, b]\n: c\n",
    "a key that is a map": "{{a: b}: c}",
    "an integer of 5000 digits": f"id: t\nx: {DIGITS}\n",
    "2^63": f"x: {2**63}\n",
    "1e999": "x: 1e999\n",
    "half a surrogate pair": 'x: "\\ud800"\n',
    "NUL": 'x: "\\0"\n',
    "a raw NUL": "x: a\x00b\n",
    "a raw control character": "x: a\x01b\n",
    "two documents": "a: 1\n---\na: 2\n",
    "a tab": "a:\n\t- b\n",
    "a directive": "%YAML 9.9\n---\na: 1\n",
    "an unknown directive and a tag of it": "%TAG ! tag:x,2000:\n---\na: !y 1\n",
    "half a text": 'a: "x',
    "an open list": "a: [1, 2",
    "nothing": "",
    "a comment": "# nothing\n",
    "a text": "no\n",
    "over 4 MB": "a: " + "x" * (4 << 20),
    "two million values": "[" + "1," * 2_000_000 + "1]",
}
TOML = {
    "lists without end": "a = " + "[" * 100_000,
    "tables without end": "a = " + "{a = " * 100_000,
    "an integer of 5000 digits": f"a = {DIGITS}",
    "a key twice": "a = 1\na = 2\n",
    "a table twice": "[a]\n[a]\n",
    "half a surrogate pair": 'a = "\\ud800"',
    "a raw NUL": 'a = "x\x00"',
    "half a text": 'a = "x',
    "no value": "a =",
    "JSON": '{"id": "t"}',
    "nothing": "",
    "a comment": "# nothing\n",
}
RAW = {
    "not UTF-8": b'{"id": "\xff\xfe"}',
    "UTF-16": '{"id": "t"}'.encode("utf-16"),
    "latin-1": '{"id": "é"}'.encode("latin-1"),
    "overlong slash": b'{"id": "\xc0\xaf"}',
    "a surrogate in UTF-8": b'{"id": "\xed\xa0\x80"}',
}
FILES = [
    *((f"{k} in {s}", f"c{s}", v) for s in (".json", ".jsonl", ".txt") for k, v in JSON.items()),
    *((f"{k} in .yaml", "c.yaml", v) for k, v in YAML.items()),
    *((f"{k} in .toml", "c.toml", v) for k, v in TOML.items()),
    *((f"{k} in {s}", f"c{s}", v) for s in (".json", ".jsonl", ".yaml", ".toml", ".txt") for k, v in RAW.items()),
    *((f"zeros in {s}.gz", f"c{s}.gz", ZEROS * 30) for s in (".json", ".jsonl", ".yaml", ".toml", "")),
    *((f"blanks in {s}.gz", f"c{s}.gz", SPACES * 30) for s in (".json", ".jsonl", ".yaml")),
    *((f"gzip cut off in {s}.gz", f"c{s}.gz", gzip.compress(OPEN.encode() * 99)[:-20]) for s in (".json", ".jsonl", ".yaml", ".toml", "")),
    *((f"no gzip in {s}.gz", f"c{s}.gz", OPEN.encode()) for s in (".json", ".jsonl", ".yaml", ".toml", "")),
    *((f"gzip with a tail in {s}.gz", f"c{s}.gz", gzip.compress(b"[]") + b"tail") for s in (".json", ".jsonl", "")),
    ("gzip within gzip", "c.json.gz", gzip.compress(gzip.compress(b"{}"))),
    ("a broken check sum", "c.json.gz", gzip.compress(OPEN.encode())[:-8] + bytes(8)),
]


def refused(read: Callable[[], Any], path: Path) -> FormatError:
    """Assert that reading ends in a FormatError that names the file, in under a second of work; return it."""
    start = time.process_time()
    with pytest.raises(FormatError) as caught:
        read()
    assert time.process_time() - start < 1.0
    assert caught.value.file == str(path)
    assert "Traceback" not in str(caught.value)
    assert len(str(caught.value)) < 2000
    return caught.value


@pytest.mark.parametrize(("name", "content"), [pytest.param(n, c, id=i) for i, n, c in FILES])
def test_hostile_cases_are_refused_in_time(name: str, content: str | bytes, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    refused(lambda: read_cases(path), path)


KNOWN = [case("a")]


@pytest.mark.parametrize(
    "reader", [read_rubric, lambda p: read_responses(p, KNOWN), lambda p: read_verdicts(p, KNOWN)], ids=["rubric", "responses", "verdicts"]
)
@pytest.mark.parametrize(
    ("name", "content"), [pytest.param(n, c, id=i) for i, n, c in FILES if n in ("c.json", "c.yaml", "c.toml", "c.json.gz") and c != "[]"]
)
def test_hostile_rubrics_responses_and_verdicts_are_refused_in_time(reader: Any, name: str, content: str | bytes, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    refused(lambda: reader(path), path)


@pytest.mark.parametrize(
    ("name", "text", "line", "says"),
    [
        ("c.jsonl", '{"a": 1}\n\n{"b": NaN}\n', 3, "NaN is not a number"),
        ("c.jsonl", '{"a": 1}\n{"b": 1, "b": 2}\n', 2, "'b' occurs twice"),
        ("c.jsonl", '{"a": 1}\n{"b": "\\ud800"}\n', 2, "half a surrogate pair"),
        ("c.jsonl", '{"a": 1}\n{"b": "x\x00"}\n', 2, "NUL"),
        ("c.jsonl", '{"a": 1}\n5\n', 2, "found a number"),
        ("c.jsonl", '{"a": 1}\n{"b"}\n', 2, "not JSON"),
        ("c.jsonl", '{"a": 1}\n{"b": "é"}\n'.encode("latin-1"), 2, "not UTF-8"),
        ("c.json", '{\n"a": 1,\n"b": "é"}'.encode("latin-1"), 3, "not UTF-8"),
        ("c.json", '{\n"a": 1,\n"b": \x00}', 3, "NUL"),
        ("c.json", '{\n"a": 1,\n"b" 2}', 3, "not JSON"),
        ("c.yaml", "a: 1\nb: *x\n", 2, "aliases"),
        ("c.yaml", "a: 1\nb: !t x\n", 2, "the tag"),
        ("c.yaml", "a: 1\n? [b]\n: c\n", 2, "a key must be a plain word"),
        ("c.yaml", "a: 1\nb: 2\na: 3\n", 3, "occurs twice"),
        ("c.yaml", f"a: 1\nb: {2**64}\n", 2, "more than 64 bits"),
        ("c.yaml", "a: 1\nb: [1\nc: 2", 3, "not YAML"),
        ("c.toml", "a = 1\nb = \n", 2, "not TOML"),
    ],
)
def test_the_line_of_a_hostile_value_is_named(name: str, text: str | bytes, line: int, says: str, tmp_path: Path) -> None:
    path = write(tmp_path, name, text)
    with pytest.raises(FormatError, match=says) as caught:
        list(Document(path).objects())
    assert caught.value.line == line


@pytest.mark.parametrize("read", [read_cases, read_rubric], ids=["cases", "rubric"])
@pytest.mark.parametrize("name", ["folder", "folder.json", "folder.jsonl", "folder.yaml", "folder.toml", "folder.json.gz"])
def test_a_directory_is_refused(read: Any, name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    refused(lambda: read(tmp_path / name), tmp_path / name)


@pytest.mark.parametrize("name", ["c.json.gz", "c.txt.gz"])
def test_a_bomb_beyond_the_limit_is_refused_without_unpacking_all_of_it(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(ZEROS * 3000)
    with pytest.raises(FormatError, match="larger than 256 MB"):
        read_cases(path)


@pytest.mark.parametrize("unit", [ZEROS, SPACES], ids=["zeros", "blanks"])
def test_a_line_beyond_the_limit_is_refused_in_time(unit: bytes, tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl.gz"
    path.write_bytes(unit * 3000)
    assert "a line over 64 MB" in refused(lambda: read_cases(path), path).message


def test_what_json_still_reads_but_nothing_after_it_can_walk_is_refused(tmp_path: Path) -> None:
    schema: dict[str, Any] = {}
    for _ in range(480):
        schema = {"not": schema}
    rubric = [{"text": "x", "check": {"kind": "json_schema", "schema": schema}}]
    path = tmp_path / "c.jsonl"
    path.write_text(json.dumps({"id": "t", "prompt": "p", "rubric": rubric}))
    assert refused(lambda: read_cases(path), path).message == "nested too deeply"


NAMES = ["no", "yes", "on", "12:30:45", "2020-01-01", "1_000", "0x1F", ".inf", "~x", "True"]


def test_words_that_yaml_would_turn_into_other_things_stay_labels(tmp_path: Path) -> None:
    path = write(tmp_path, "c.yaml", "- text: x\n  scale:\n" + "".join(f"    - {n}\n" for n in NAMES))
    assert [v.label for v in read_rubric(path).criteria[0].scale.levels] == NAMES  # type: ignore[union-attr]


# -------------------------------------------------------------------------------------------------------------------- TOML, names and lines

CHECKED = 'id = "t"\nprompt = "p"\nresponses = ["x"]\n[[rubric]]\ntext = "a"\n[rubric.check]\nkind = "length"\nmin = '


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1979-05-27", "07:32:00", "1979-05-27T07:32:00Z", str(2**63), "9" * 400])
def test_values_that_json_does_not_have_are_refused_in_toml(value: str, tmp_path: Path) -> None:
    path = write(tmp_path, "c.toml", CHECKED + value)
    refused(lambda: read_cases(path), path)


def test_nul_is_refused_in_toml(tmp_path: Path) -> None:
    path = write(tmp_path, "c.toml", 'id = "t"\nprompt = "a\\u0000b"\nrubric = ["a"]\nresponses = ["x"]\n')
    refused(lambda: read_cases(path), path)


@pytest.mark.parametrize(
    "text",
    [
        "a" + ".a" * 16_000 + " = 1\n",
        "[a" + ".a" * 16_000 + "]\n",
        "x = {a" + ".a" * 16_000 + " = 1}\n",
        "'a' . " * 100_000,
        '"a".' * 100_000,
        '"\\"".' + "a." * 30_000 + '"x" = 1\n',
        'b = {x = """\n"""""' + ", " + "a." * 30_000 + '"x" = 1}\n',
    ],
    ids=["key", "table", "inline", "single quotes", "double quotes", "an escaped quote", "after a long text"],
)
def test_a_toml_key_of_many_parts_is_refused_in_time(text: str, tmp_path: Path) -> None:
    path = write(tmp_path, "c.toml", text)
    assert "parts" in refused(lambda: read_cases(path), path).message


def test_a_toml_text_with_many_points_is_no_key(tmp_path: Path) -> None:
    text = "a.b" + " . . . " * 100 + "don't. so" * 100
    path = write(tmp_path, "c.toml", f'id = "t"\nprompt = "{text}"\nrubric = ["a"]\nresponses = ["""\n{text}\n{text}"""]\n')
    assert read_cases(path)[0].task.messages[0].content == text


def test_blanks_in_toml_are_refused_in_time(tmp_path: Path) -> None:
    path = tmp_path / "c.toml.gz"
    path.write_bytes(SPACES * 60)
    refused(lambda: read_cases(path), path)


def test_a_name_that_no_file_can_have_is_a_format_error() -> None:
    with pytest.raises(FormatError):
        read_cases("n" * 5000)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('{\n"a": 1,\n"b": {"c": 1,\n"c": 2}}', 4),
        ('{\n"a": "{\\"a\\": 1",\n"\\u0061": 2}', 3),
        ('{\n"a": [1,\nNaN]}', 3),
        ('{\n"a": [1,\n1e999]}', 3),
        ('{\n"a": "9223372036854775808",\n"b":\n9223372036854775808}', 4),
        ('{\n"a": {"b":\n"x"},\n"c": ["\\ud800"]}', 4),
    ],
)
def test_what_is_refused_in_a_json_is_told_with_its_line(text: str, line: int, tmp_path: Path) -> None:
    path = write(tmp_path, "c.json", text)
    assert refused(lambda: read_cases(path), path).line == line


def test_what_was_written_here_is_not_refused(tmp_path: Path) -> None:
    """The control: the same checks let a sound file through."""
    made = case("a")
    path = write(tmp_path, "c.json", case_to_dict(made))
    assert read_cases(path) == [made]
    assert json.loads(path.read_text())["id"] == "t"
