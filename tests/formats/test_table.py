"""Long tables: rows gathered by task, criterion and response, from CSV, TSV, Parquet and JSON lines alike."""

from __future__ import annotations

import builtins
import csv
import datetime
from pathlib import Path
from typing import Any

import pytest

from criterial.core.builder import table_of
from criterial.core.scale import Likert
from criterial.core.verdict import State
from criterial.errors import FormatError, MissingExtra
from criterial.formats.export import export_verdicts
from criterial.formats.load import FORMATS, read_cases, read_rubric
from criterial.formats.reading import Document
from tests.helpers_files import write

ROWS: list[dict[str, Any]] = [
    {
        "task": "t1",
        "prompt": "Greet Ann,\nin two lines.",
        "criterion": "a",
        "criterion_text": 'Says "hello"',
        "weight": "2.5",
        "category": "form/words",
        "tags": "x; y",
        "response": "r1",
        "system": "s",
        "text": "Hello,\nAnn",
        "value": "yes",
        "judge": "Bo",
        "reason": "=it does",
    },
    {"task": "t1", "criterion": "b", "criterion_text": "Is kind", "scale": "likert:3", "weight": "-1", "response": "r1", "value": "2"},
    {"task": "t1", "criterion": "a", "response": "r2", "system": "t", "text": "Hi", "state": "abstained"},
    {"task": "t2", "prompt": "Part.", "criterion_text": "Says bye", "required": "no", "tier": "A1", "kind": "rule"},
]
COLUMNS = list(dict.fromkeys(k for row in ROWS for k in row))


def as_csv(rows: list[dict[str, Any]], delimiter: str = ",", columns: list[str] = COLUMNS) -> str:
    def quoted(cell: str) -> str:
        return '"' + cell.replace('"', '""') + '"' if set(cell) & set('",\n\t') else cell

    lines = [delimiter.join(columns), *(delimiter.join(quoted(str(r.get(c, ""))) for c in columns) for r in rows)]
    return "\r\n".join(lines) + "\r\n"


def parquet(path: Path, rows: list[dict[str, Any]]) -> Path:
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    pq.write_table(pa.Table.from_pylist(rows, schema=None), path)
    return path


def csv_file(where: Path, text: str) -> Path:
    return write(where, "c.csv", text)


def test_rows_are_gathered_by_task_criterion_and_response(tmp_path: Path) -> None:
    first, second = read_cases(csv_file(tmp_path, as_csv(ROWS)))
    assert (first.task.id, first.task.messages[0].content) == ("t1", "Greet Ann,\nin two lines.")
    a, b = first.rubric.criteria
    assert (a.id, a.text, a.weight, a.category, a.tags) == ("a", 'Says "hello"', 2.5, ("form", "words"), ("x", "y"))
    assert (b.scale, b.weight) == (Likert(3), -1.0)
    assert [(r.id, r.system, r.text) for r in first.responses] == [("r1", "s", "Hello,\nAnn"), ("r2", "t", "Hi")]
    assert [(v.response, v.criterion, v.state, v.value, v.judge, v.cause) for v in first.verdicts] == [
        ("r1", "a", State.DECIDED, 1.0, "Bo", ""),
        ("r1", "b", State.DECIDED, 2.0, "", ""),
        ("r2", "a", State.ABSTAINED, None, "", "cannot_assess"),
    ]
    (bye,) = second.rubric.criteria
    assert (bye.id, bye.required, bye.tier, bye.kind, second.responses) == ("c1", False, "A1", "rule", ())


@pytest.mark.parametrize("name", ["c.tsv", "c.csv.gz", "c.jsonl", "c.parquet"])
def test_each_container_holds_the_same(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if name == "c.parquet":
        parquet(path, [{c: row.get(c) for c in COLUMNS} for row in ROWS])
    else:
        write(tmp_path, name, ROWS if name == "c.jsonl" else as_csv(ROWS, "\t" if name == "c.tsv" else ","))
    assert read_cases(path) == read_cases(csv_file(tmp_path, as_csv(ROWS)))


def test_parquet_keeps_numbers_lists_and_flags(tmp_path: Path) -> None:
    row = {
        "prompt": "p",
        "criterion_text": "x",
        "weight": 3,
        "tags": ["u", "v"],
        "required": False,
        "scale": {"type": "likert", "points": 4},
    }
    (case,) = read_cases(parquet(tmp_path / "c.parquet", [row]))
    (made,) = case.rubric.criteria
    assert (case.task.id, made.weight, made.tags, made.required, made.scale) == ("c-1", 3.0, ("u", "v"), False, Likert(4))


def test_a_table_without_ids_is_told_apart_by_prompt_text_and_response(tmp_path: Path) -> None:
    columns = ["prompt", "criterion_text", "text", "value"]
    rows = [
        dict(zip(columns, r, strict=True))
        for r in [("p", "x", "one", 1), ("p", "y", "one", 0), ("q", "x", "two", 1), ("p", "x", "three", 0)]
    ]
    first, second = read_cases(csv_file(tmp_path, as_csv(rows, columns=columns)))
    assert (first.task.id, second.task.id) == ("c-1", "c-2")
    assert [(v.response, v.criterion, v.value) for v in first.verdicts] == [("r1", "c1", 1.0), ("r1", "c2", 0.0), ("r2", "c1", 0.0)]


def test_a_formula_that_was_quoted_for_spreadsheets_is_read_as_it_was(tmp_path: Path) -> None:
    (case, _) = read_cases(csv_file(tmp_path, as_csv([{**ROWS[0], "reason": "'=it does"}, ROWS[3]])))
    assert case.verdicts[0].reason == "=it does"
    path = tmp_path / "out.csv"
    export_verdicts(table_of([case], case.verdicts), path)
    assert [row["reason"] for _, row in Document(path).objects()] == ["=it does"]


def test_a_rubric_can_be_a_table(tmp_path: Path) -> None:
    rubric = read_rubric(write(tmp_path, "r.csv", "id,text,weight\na,Is kind,2\nb,Is rude,-1\n"))
    assert [(c.id, c.text, c.weight) for c in rubric.criteria] == [("a", "Is kind", 2.0), ("b", "Is rude", -1.0)]


@pytest.mark.parametrize(
    ("changes", "says", "path", "line"),
    [
        ({"wieght": "2"}, "unknown column 'wieght'", "wieght", 2),
        ({"weight": "much"}, "expected a number", "weight", 2),
        ({"weight": "nan"}, "not a finite number", "weight", 2),
        ({"required": "maybe"}, "expected true or false", "required", 2),
        ({"scale": "stars"}, "no scale 'stars'", ".scale", 2),
        ({"kind": "law"}, "'rule'", "kind", 2),
        ({"value": "perhaps"}, "not a value of this scale", "value", 2),
        ({"repeat": "0.5", "value": "yes"}, "integer", "repeat", 2),
        ({"state": "sleeping", "value": ""}, "no state 'sleeping'", "state", 2),
        ({"response": "", "system": "", "text": ""}, "a verdict and no response", "response", 2),
        ({"text": ""}, "has no text", "text", 2),
        ({"criterion_text": ""}, "has no criterion_text", "criterion_text", 2),
        ({"task": "", "prompt": ""}, "neither a task nor a prompt", "task", 2),
    ],
)
def test_a_fault_is_found_by_its_column_and_line(changes: dict[str, str], says: str, path: str, line: int, tmp_path: Path) -> None:
    row = {**ROWS[0], **changes}
    with pytest.raises(FormatError, match=says) as caught:
        read_cases(csv_file(tmp_path, as_csv([row], columns=list(row))), format="table")
    assert (caught.value.path.lstrip("."), caught.value.line) == (path.lstrip("."), line)


def test_rows_that_disagree_and_verdicts_that_stand_twice_are_refused(tmp_path: Path) -> None:
    for second, says, path in [
        ({**ROWS[0], "weight": "3"}, "weight differs", "weight"),
        ({**ROWS[0], "prompt": "Another"}, "prompt differs", "prompt"),
        ({**ROWS[0], "text": "Another"}, "text differs", "text"),
        (ROWS[0], "a second verdict on response 'r1' under 'a'", "value"),
    ]:
        with pytest.raises(FormatError, match=says) as caught:
            read_cases(csv_file(tmp_path, as_csv([ROWS[0], second])))
        assert caught.value.path == path
        assert caught.value.line == 5  # after the header and a row of three lines


@pytest.mark.parametrize(
    ("text", "says", "line"),
    [
        ("task,criterion_text\nt\n", "expected 2 cells", 2),
        ("task,criterion_text\nt,x,y\n", "expected 2 cells", 2),
        ("task,task\nt,x\n", "two columns are called 'task'", 1),
        ("task,\nt,x\n", "a column has no name", 1),
        ('task,criterion_text\nt,"x\n', "not a table", 2),
        ('task,criterion_text\nt,"x"y\n', "not a table", 2),
        ("task;criterion_text\nt;x\n", "not a format that is known", 1),
    ],
)
def test_what_is_no_table_is_refused(text: str, says: str, line: int, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=says) as caught:
        read_cases(csv_file(tmp_path, text))
    assert caught.value.line == line


def test_a_cell_may_be_long_and_the_limit_of_the_process_stays(tmp_path: Path) -> None:
    before = csv.field_size_limit()
    (case,) = read_cases(csv_file(tmp_path, f"task,criterion_text\n\n , \nt,{'x' * 300_000}\n"))
    assert (len(case.rubric.criteria[0].text), csv.field_size_limit()) == (300_000, before)


def test_parquet_that_is_none_or_holds_what_no_store_takes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="not Parquet that can be read"):
        read_cases(write(tmp_path, "c.parquet", "task"))
    with pytest.raises(FormatError, match="not a number") as caught:
        read_cases(parquet(tmp_path / "c.parquet", [{"task": "t", "criterion_text": "x", "weight": float("nan")}]))
    assert (caught.value.path, caught.value.line) == ("weight", 1)
    with pytest.raises(FormatError, match="unknown column 'when'"):
        read_cases(parquet(tmp_path / "c.parquet", [{"task": "t", "criterion_text": "x", "when": datetime.date(2026, 1, 1)}]))


def test_parquet_that_would_not_fit_into_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = parquet(tmp_path / "c.parquet", [{"task": "t", "criterion_text": "x" * 5000}])
    monkeypatch.setattr("criterial.formats.reading.MOST_BYTES", 100)
    with pytest.raises(FormatError, match="larger than"):
        read_cases(path)


def test_parquet_without_pyarrow_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = parquet(tmp_path / "c.parquet", [{"task": "t", "criterion_text": "x"}])
    found = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return found(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtra, match="parquet"):
        read_cases(path)


def test_it_is_recognised_and_lines_of_verdicts_are_not_taken_for_one() -> None:
    assert [f.name for f in FORMATS.values() if f.matches(ROWS[0])] == ["table"]
    assert not [f for f in FORMATS.values() if f.matches({"task": "t", "response": "r", "criterion": "c", "value": 1})]
