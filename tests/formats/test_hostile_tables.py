"""Tables, packed files and outlines made to break a reader: a small file may neither hold a process up nor fill its memory."""

from __future__ import annotations

import datetime
import decimal
import gzip
import io
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from criterial.errors import FormatError
from criterial.formats.leaderboard import read_leaderboard
from criterial.formats.load import read_cases, read_responses, read_verdict_table
from criterial.formats.parquet_size import parquet_size
from tests.formats.seeds import either_way
from tests.helpers_files import case, write

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

KNOWN = [case("a")]
CASE = {"task": ["t"], "criterion_text": ["x"]}


def parquet(table: Any, **options: Any) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out, **options)
    return out.getvalue()


def repeated(rows: int, **texts: str) -> Any:
    """A table of texts that are the same in all rows, which Parquet stores once."""
    at = pa.array([0] * rows, type=pa.int32())
    return pa.table({name: pa.DictionaryArray.from_arrays(at, pa.array([text])) for name, text in texts.items()})


def nested(depth: int, struct: bool) -> Any:
    kind, value = pa.int64(), 1
    for _ in range(depth):
        kind, value = (pa.struct([("a", kind)]), {"a": value}) if struct else (pa.list_(kind), [value])  # type: ignore[dict-item]
    return pa.table({**CASE, "tags": pa.array([value], type=kind)})


def column(value: Any, kind: Any = None, name: str = "weight") -> Any:
    return pa.table({**CASE, name: pa.array([value], type=kind)})


PARQUET: dict[str, Any] = {
    "lists 40 deep": nested(40, False),
    "lists 150 deep": nested(150, False),
    "objects 40 deep": nested(40, True),
    "objects 150 deep": nested(150, True),
    "a column twice": pa.Table.from_arrays([pa.array(["t"])] * 3, names=["task", "criterion_text", "task"]),
    "a column without a name": pa.Table.from_arrays([pa.array(["t"])] * 3, names=["task", "criterion_text", ""]),
    "columns without end": pa.table({**CASE, **{f"c{i}": [1] for i in range(11_000)}}),
    "a decimal": column(decimal.Decimal("1.5")),
    "bytes": column(b"\xff", name="texts"),
    "bytes for a text": pa.table({"task": ["t"], "criterion_text": [b"\xff\xfe"]}),
    "a duration": column(datetime.timedelta(1)),
    "a date that no calendar has": column(10**9, pa.date32(), "title"),
    "nanoseconds": column(1, pa.timestamp("ns"), "weight"),
    "a map": column([("a", 1)], pa.map_(pa.string(), pa.int64()), "tags"),
    "NaN": column(float("nan")),
    "infinity": column(float("inf")),
    "2^64 - 1": column(2**64 - 1, pa.uint64()),
    "NUL": column("a\0b", name="title"),
    "an object for a text": column({"a": 1}, name="title"),
    "a list for an id": pa.table({"task": [["t"]], "criterion_text": ["x"]}),
    "truth for a text": column(True, name="title"),
}


@pytest.mark.parametrize("name", PARQUET)
def test_hostile_parquet_is_refused_in_time(name: str, tmp_path: Path) -> None:
    path = write(tmp_path, "c.parquet", parquet(PARQUET[name]))
    for read in (read_cases, lambda p: read_responses(p, KNOWN), either_way, read_leaderboard):
        start = time.process_time()
        with pytest.raises(FormatError) as caught:
            read(path)  # type: ignore[operator]
        assert time.process_time() - start < 2.0
        assert caught.value.file == str(path) and len(str(caught.value)) < 2000


@pytest.mark.parametrize(
    "table", [pa.table({name: pa.array([], type=pa.string()) for name in CASE}), pa.table({})], ids=["rows", "columns"]
)
def test_parquet_without_anything_in_it_has_no_cases(table: Any, tmp_path: Path) -> None:
    with pytest.raises(FormatError):
        read_cases(write(tmp_path, "c.parquet", parquet(table)))


DAMAGE = """
import sys
from pathlib import Path
from criterial.errors import FormatError
from criterial.formats.parquet_size import parquet_size
from tests.formats.seeds import either_way
path, refused = Path(sys.argv[1]), 0
raw = path.read_bytes()
size = int.from_bytes(raw[-8:-4], "little")
for place in range(len(raw) - 8 - size, len(raw)):
    for other in (9, 255):
        path.write_bytes(raw[:place] + bytes([other]) + raw[place + 1 :])
        try:
            either_way(path)
        except FormatError:
            refused += 1
print(refused / size)
"""


def test_a_footer_that_is_damaged_anywhere_is_read_or_refused(tmp_path: Path) -> None:
    """In a process of its own: what pyarrow says of a column whose statistics are damaged ends the process."""
    rows = {"response": ["r"], "criterion": ["c1"], "value": ["1"], "probs": [[0.5, 0.5]]}
    path = write(tmp_path, "v.parquet", parquet(pa.table(rows)))
    done = subprocess.run([sys.executable, "-c", DAMAGE, str(path)], cwd=Path(__file__).parents[2], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert 0.2 < float(done.stdout) < 2.0


def varint(number: int) -> bytes:
    """A signed number as Parquet's footer has it."""
    number, out = 2 * number, b""
    while number > 127:
        number, out = number >> 7, out + bytes([number & 127 | 128])
    return out + bytes([number])


@pytest.mark.parametrize("said", [2**31, 2**62])
def test_a_file_that_says_it_holds_billions_of_rows_is_refused(said: int, tmp_path: Path) -> None:
    raw = parquet(repeated(12_345, task="t", response="r", criterion="c1", value="1"), store_schema=False)
    size = int.from_bytes(raw[-8:-4], "little")
    body, footer = raw[: -8 - size], raw[-8 - size : -8].replace(b"\x16" + varint(12_345), b"\x16" + varint(said))
    path = write(tmp_path, "v.parquet", body + footer + len(footer).to_bytes(4, "little") + raw[-4:])
    assert pq.read_metadata(path).num_rows == said
    for read in (read_cases, lambda p: read_verdict_table(p, KNOWN)):
        with pytest.raises(FormatError, match="100 million values"):
            read(path)  # type: ignore[operator]


@pytest.mark.parametrize("lies", [False, True], ids=["as it says", "though it says that there are two"])
def test_a_list_of_a_billion_numbers_in_a_small_file_is_refused(lies: bool, tmp_path: Path) -> None:
    """Numbers that are alike take no room. The head of a page is believed by whoever unpacks it, so it is what counts."""
    count = 1_000_003
    rows = {"response": ["r"], "criterion": ["c1"], "value": ["1"], "probs": [[0.0] * count]}
    raw = parquet(pa.table(rows), compression="zstd", store_schema=False)
    size = int.from_bytes(raw[-8:-4], "little")
    said = [part.replace(b"\x15" + varint(count), b"\x15" + varint(2_000_000_011)) for part in (raw[: -8 - size], raw[-8 - size : -8])]
    assert said[0] != raw[: -8 - size] and len(raw) < 2000
    body, footer = said[0], raw[-8 - size : -8].replace(b"\x16" + varint(count), b"\x16" + varint(2 if lies else 2_000_000_011))
    path = write(tmp_path, "v.parquet", body + footer + len(footer).to_bytes(4, "little") + raw[-4:])
    for read in (read_cases, lambda p: read_verdict_table(p, KNOWN)):
        with pytest.raises(FormatError, match=r"100 million values|not Parquet"):
            read(path)  # type: ignore[operator]


def test_what_a_sound_file_holds_is_what_pyarrow_says(tmp_path: Path) -> None:
    rows = {"a": ["x", "y"] * 500, "probs": [[0.5, 0.5], [1.0]] * 500, "s": [{"q": 1}, None] * 500}
    for options in ({}, {"compression": "zstd", "use_dictionary": False}, {"data_page_version": "2.0", "row_group_size": 100}):
        path = write(tmp_path, "c.parquet", parquet(pa.table(rows), data_page_size=64, **options))
        about = pq.read_metadata(path)
        chunks = [about.row_group(i).column(k) for i in range(about.num_row_groups) for k in range(about.num_columns)]
        found = parquet_size(path, "c")
        assert found.values == sum(chunk.num_values for chunk in chunks)
        assert 0 < found.bytes <= sum(chunk.total_uncompressed_size for chunk in chunks)


PEAK = """
import sys
from pathlib import Path
from criterial.errors import FormatError
from criterial.formats.load import read_cases, read_verdict_table
from tests.formats.fuzz import peak
from tests.helpers_files import case
path, before = Path(sys.argv[1]), peak()
try:
    print(read_verdict_table(path, [case("a")])[1].responses if "v." in path.name else len(read_cases(path)))
except FormatError as error:
    print(error.message)
print(peak() - before)
"""


def told(path: Path) -> tuple[str, int]:
    """What a process of its own says of a file, and how many MB reading it took."""
    done = subprocess.run(
        [sys.executable, "-c", PEAK, str(path)], cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True, timeout=100
    )
    said, grown = done.stdout.splitlines()
    return said, int(grown)


def test_a_text_that_stands_in_thousands_of_verdicts_is_held_once(tmp_path: Path) -> None:
    """A file of a few kB that would be 4 GB, were each of its reasons a text of its own."""
    table = repeated(2000, response="r", criterion="c1", value="1", reason="x" * (2 << 20)).append_column("repeat", pa.array(range(2000)))
    path = write(tmp_path, "v.parquet", parquet(table, compression="zstd", store_schema=False, dictionary_pagesize_limit=1 << 26))
    assert path.stat().st_size < 100_000
    said, grown = told(path)
    assert said == "('r',)" and grown < 300


def test_a_table_that_is_larger_than_it_says_is_refused_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("criterial.formats.reading.MOST_BYTES", 8 << 20)
    table = repeated(200, task="t", criterion_text="c", prompt="x" * (1 << 20))
    path = write(tmp_path, "c.parquet", parquet(table, compression="zstd", store_schema=False, dictionary_pagesize_limit=1 << 26))
    with pytest.raises(FormatError, match="larger than 8 MB"):
        read_cases(path)


PACKED: dict[str, tuple[str, bytes]] = {
    "lists in JSON": ("c.json.gz", b"[" + b"[]," * (20 << 20) + b"1]"),
    "objects in JSON": ("c.json.gz", b"[" + b'{"":{}},' * (8 << 20) + b"1]"),
    "lists in a line": ("c.jsonl.gz", b'{"a":[' + b"[]," * (20 << 20) + b"1]}"),
    "cells of a header": ("c.csv.gz", b"task,criterion_text" + b"," * (8 << 20) + b"\nt,x\n"),
    "cells of a row": ("c.csv.gz", b"task,criterion_text\nt,x" + b"," * (20 << 20) + b"\n"),
    "a cell": ("c.tsv.gz", b"task\tcriterion_text\nt\t" + b"x" * (70 << 20) + b"\n"),
    "quotes": ("c.csv.gz", b'task,criterion_text\nt,"' + b'""' * (20 << 20) + b"\n"),
    "blank lines": ("c.csv.gz", b"task,criterion_text\n" + b"\n" * (2 << 20)),
    "a feature": ("c.feature.gz", b"Feature: f\n" + b" " * (30 << 20)),
    "YAML": ("c.yaml.gz", b"- a\n" * (8 << 20)),
}


@pytest.mark.parametrize("name", PACKED)
def test_a_small_packed_file_that_would_fill_the_memory_is_refused(name: str, tmp_path: Path) -> None:
    file, raw = PACKED[name]
    path = tmp_path / file
    path.write_bytes(gzip.compress(raw, 1))
    start = time.process_time()
    with pytest.raises(FormatError) as caught:
        read_cases(path)
    assert time.process_time() - start < 5.0 and caught.value.file == str(path)


def test_what_a_packed_file_of_values_takes_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "c.json.gz"
    path.write_bytes(gzip.compress(b"[" + b'{"":{}},' * 1_600_000 + b"1]", 1))  # just below the limit
    said, grown = told(path)
    assert "not a format" in said and grown < 700


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("task," + ",".join(f"c{i}" for i in range(1_000_000)) + "\n", "1000001 columns; 10000 are the most"),
        ("task,criterion_text,task\nt,x,t\n", "two columns are called 'task'"),
        ("task,,criterion_text\nt,x,t\n", "a column has no name"),
        ('task,criterion_text\nt,"x\n', "not a table"),
        ('task,criterion_text\nt,"x"y\n', "not a table"),
        ("task,criterion_text\nt,x,y\n", "expected 2 cells"),
        ("task,criterion_text\nt,a\0b\n", "NUL"),
        ("task,criterion_text\rt,x\ry\r", "expected 2 cells"),
    ],
)
def test_a_hostile_csv_is_refused_in_time_with_its_line(text: str, says: str, tmp_path: Path) -> None:
    path = write(tmp_path, "c.csv", text)
    start = time.process_time()
    with pytest.raises(FormatError, match=says) as caught:
        read_cases(path)
    assert time.process_time() - start < 2.0 and caught.value.file == str(path) and caught.value.line


def test_thousands_of_texts_without_ids_are_found_by_a_key(tmp_path: Path) -> None:
    """Each was once compared with all before it: 20,000 of them took minutes."""
    rows = [{"task": "t", "criterion_text": f"text {i}", "response": f"r{i}", "text": "x"} for i in range(20_000)]
    path = write(tmp_path, "c.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    start = time.process_time()
    (made,) = read_cases(path)
    assert len(made.rubric.criteria) == len(made.responses) == 20_000
    assert time.process_time() - start < 8.0


def outline(then: str, examples: str) -> str:
    return f"Feature: f\n  Scenario Outline: o\n    When x\n    Then {then}\n    Examples:\n      | a |\n{examples}"


@pytest.mark.parametrize(
    "text",
    [outline("<a>" * 200_000, f"      | {'y' * 500_000} |\n"), outline("x" * 1_500_000 + "<a>", "      | 1 |\n" * 100)],
    ids=["a long value in many places", "a long outline of many examples"],
)
def test_an_outline_that_its_examples_multiply_is_refused(text: str, tmp_path: Path) -> None:
    path = write(tmp_path, "c.feature", text)
    with pytest.raises(FormatError, match="64 million characters") as caught:
        read_cases(path)
    assert caught.value.file == str(path) and caught.value.line == 2
