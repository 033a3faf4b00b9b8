"""Exported verdicts: JSON lines that read back as the same table, CSV that no spreadsheet runs, Parquet with its types."""

from __future__ import annotations

import csv
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from criterial.core.builder import table_of
from criterial.core.criterion import Check, Criterion
from criterial.core.scale import Choice, Level, Likert, Numeric, Ordinal, credit_of
from criterial.core.table import VerdictTable
from criterial.core.task import Case
from criterial.core.verdict import State, Verdict
from criterial.errors import ConfigError, FormatError, MissingExtra
from criterial.formats.export import export_verdicts
from criterial.formats.load import read_verdicts
from criterial.score.scoring import score
from tests.helpers_files import answer, case, cases, task, verdict

COLUMNS = "task response system criterion judge repeat state value credit probs reason cause calibrated".split()
SCALED = case(
    Criterion("bin", "a"),
    Criterion("ord", "b", Ordinal((Level("poor"), Level("fine"), Level("best")))),
    Criterion("pick", "c", Choice((Level("x", credit=0.5), Level("y")))),
    Criterion("five", "d", Likert(5)),
    Criterion("num", "e", Numeric(0.0, 10.0)),
    responses=[answer(system="s")],
)
MARKS = [
    Verdict("r", "bin", value=1.0, probs=(0.25, 0.75), reason="so", judge="j", task="t"),
    Verdict("r", "ord", value=1.0, judge="j", task="t"),
    Verdict("r", "pick", value=0.0, judge="j", task="t"),
    Verdict("r", "five", State.ABSTAINED, cause="uncertain", judge="j", task="t"),
    Verdict("r", "num", value=2.5, judge="j", task="t", reason='a,\n"b"'),
]


def assert_same(one: VerdictTable, two: VerdictTable) -> None:
    """Assert that two tables hold the same verdicts in the same cells."""
    assert one.layers == two.layers
    for name in ("state_LN", "value_LN", "cause_LN", "probs_LNK"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    assert list(one.verdicts()) == list(two.verdicts())


def unchecked(made: Case) -> Case:
    """Return a case without checks, whose verdicts all come from judges."""
    criteria = tuple(replace(c, check=None) for c in made.rubric.criteria)
    return replace(made, rubric=replace(made.rubric, criteria=criteria), verdicts=())


@settings(max_examples=60)
@given(data=st.data())
def test_json_lines_read_back_as_the_same_table(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    made = unchecked(data.draw(cases()))
    asked = [data.draw(st.lists(st.tuples(st.sampled_from(["j", "k"]), st.integers(0, 1)), max_size=2, unique=True)) for _ in range(9)]
    marks = [
        data.draw(verdict(k, response=r.id, task=made.task.id, judge=j, repeat=n))
        for r in made.responses for i, k in enumerate(made.rubric.criteria) for j, n in asked[i]
    ]  # fmt: skip
    flags = {(v.judge, v.repeat): v.calibrated for v in reversed(marks)}
    table = table_of([made], [Verdict(**{**vars(v), "calibrated": flags[v.judge, v.repeat]}) for v in marks])
    path = tmp_path_factory.mktemp("export") / "v.jsonl"
    assert export_verdicts(table, path) == len(marks)
    if marks:
        assert_same(table_of(*read_verdicts(path, [made])), table)


def test_json_lines_say_values_in_words(tmp_path: Path) -> None:
    export_verdicts(table_of([SCALED], MARKS), tmp_path / "deep" / "v.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "deep" / "v.jsonl").read_text().splitlines()]
    assert [(line["criterion"], line["state"], line.get("value")) for line in lines] == [
        ("bin", "decided", 1),
        ("ord", "decided", "fine"),
        ("pick", "decided", "x"),
        ("five", "abstained", None),
        ("num", "decided", 2.5),
    ]


def test_csv_has_one_row_a_verdict_with_its_credit(tmp_path: Path) -> None:
    export_verdicts(table_of([SCALED], MARKS), tmp_path / "v.csv")
    with (tmp_path / "v.csv").open(newline="", encoding="utf-8") as file:
        head, *rows = list(csv.reader(file))
    assert head == COLUMNS
    found = [dict(zip(head, row, strict=True)) for row in rows]
    assert [(r["value"], r["credit"]) for r in found] == [("1", "1.0"), ("fine", "0.5"), ("x", "0.5"), ("", ""), ("2.5", "0.25")]
    assert found[0]["probs"] == "0.25 0.75"
    assert (found[3]["state"], found[3]["cause"]) == ("abstained", "uncertain")
    assert (found[4]["reason"], found[4]["system"]) == ('a,\n"b"', "s")


RISKY = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "=cmd|' /C calc'!A0", '=HYPERLINK("http://a")']


@pytest.mark.parametrize("risk", RISKY)
def test_no_text_cell_of_a_csv_begins_a_formula(risk: str, tmp_path: Path) -> None:
    made = case(
        Criterion(f"{risk}c", "x", Ordinal((Level(risk.strip()), Level("z")))),
        of=task(identity=f"{risk}t"),
        responses=[answer(identity=f"{risk}r", system=f"{risk}s")],
    )
    marks = [Verdict(f"{risk}r", f"{risk}c", value=0.0, judge=f"{risk}j", reason=risk, task=f"{risk}t")]
    export_verdicts(table_of([made], marks), tmp_path / "v.csv")
    with (tmp_path / "v.csv").open(newline="", encoding="utf-8") as file:
        _, row = list(csv.reader(file))
    assert [cell for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))] == []
    assert [cell.removeprefix("'") for cell in row[:5]] == [f"{risk}t", f"{risk}r", f"{risk}s", f"{risk}c", f"{risk}j"]
    assert row[COLUMNS.index("reason")] == f"'{risk}"


def test_numbers_of_a_csv_stay_numbers(tmp_path: Path) -> None:
    made = case(Criterion("n", "x", Numeric(-5.0, 5.0)))
    export_verdicts(table_of([made], [Verdict("r", "n", value=-2.0)]), tmp_path / "v.csv")
    assert (tmp_path / "v.csv").read_text().splitlines()[1].split(",")[7:9] == ["-2", "0.3"]


def test_parquet_keeps_columns_types_and_values(tmp_path: Path) -> None:
    export_verdicts(table_of([SCALED], MARKS), tmp_path / "v.parquet")
    table = pq.read_table(tmp_path / "v.parquet")
    assert table.column_names == COLUMNS
    types = {n: str(t) for n, t in zip(table.column_names, table.schema.types, strict=True)}
    assert {n: types[n] for n in ("repeat", "credit", "probs", "calibrated")} == {
        "repeat": "int64",
        "credit": "double",
        "probs": "list<element: double>",
        "calibrated": "bool",
    }
    assert {types[n] for n in COLUMNS if n not in ("repeat", "credit", "probs", "calibrated")} == {"string"}
    rows = table.to_pylist()
    assert [r["value"] for r in rows] == ["1", "fine", "x", None, "2.5"]
    assert [r["credit"] for r in rows] == [1.0, 0.5, 0.5, None, 0.25]
    assert (rows[0]["probs"], rows[0]["repeat"], rows[0]["calibrated"]) == ([0.25, 0.75], 0, True)


@settings(max_examples=40)
@given(made=cases())
def test_all_three_kinds_hold_the_same_rows(made: Case, tmp_path_factory: pytest.TempPathFactory) -> None:
    flags = {(v.judge, v.repeat): v.calibrated for v in reversed(made.verdicts)}
    table = table_of([made], [Verdict(**{**vars(v), "calibrated": flags[v.judge, v.repeat]}) for v in made.verdicts])
    folder = tmp_path_factory.mktemp("export")
    told = {kind: export_verdicts(table, folder / f"v.{kind}") for kind in ("jsonl", "csv", "parquet")}
    assert set(told.values()) == {len(made.verdicts)}
    lines = [json.loads(line) for line in (folder / "v.jsonl").read_text(encoding="utf-8").split("\n")[:-1]]
    rows = pq.read_table(folder / "v.parquet").to_pylist()
    with (folder / "v.csv").open(newline="", encoding="utf-8") as file:
        cells = list(csv.DictReader(file))
    criteria = {c.id: c for c in made.rubric.criteria}
    for verdict_, line, row, cell in zip(table.verdicts(), lines, rows, cells, strict=True):
        assert (row["response"], row["criterion"], row["state"]) == (verdict_.response, verdict_.criterion, verdict_.state.name.lower())
        assert (line["response"], line["criterion"], line["state"]) == (row["response"], row["criterion"], row["state"])
        assert row["credit"] == (None if verdict_.value is None else credit_of(criteria[verdict_.criterion].scale, verdict_.value))
        assert (cell["state"], cell["credit"]) == (row["state"], "" if row["credit"] is None else str(row["credit"]))


@pytest.mark.parametrize("name", ["v.json", "v.xlsx", "v", "v.jsonl.gz"])
def test_another_ending_is_refused_before_anything_is_written(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"written as \.jsonl, \.csv or \.parquet"):
        export_verdicts(table_of([SCALED], MARKS), tmp_path / name)
    assert not (tmp_path / name).exists()


def test_without_pyarrow_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match=r"criterial\[parquet\]"):
        export_verdicts(table_of([SCALED], MARKS), tmp_path / "v.parquet")


CHECKED = case("a", Criterion("len", "x", check=Check("length", {"max": 9})), "b")
MIXED = [
    Verdict("r", "c1", value=1.0, judge="j", task="t"),
    Verdict("r", "len", value=1.0, judge="j", task="t"),
    Verdict("r", "c3", value=0.0, judge="j", task="t"),
]


def test_a_table_with_checks_reads_back_as_the_same_table(tmp_path: Path) -> None:
    table = table_of([CHECKED], MIXED)
    export_verdicts(table, tmp_path / "v.jsonl")
    assert_same(table_of(*read_verdicts(tmp_path / "v.jsonl", [CHECKED])), table)


def test_a_score_with_checks_has_no_standard_error_after_a_round_trip_that_it_had_not_before(tmp_path: Path) -> None:
    table = table_of([CHECKED], MIXED)
    export_verdicts(table, tmp_path / "v.jsonl")
    (before,), (after,) = (score(t) for t in (table, table_of(*read_verdicts(tmp_path / "v.jsonl", [CHECKED]))))
    assert after.value == before.value
    assert after.se == before.se


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_verdicts_written_as_a_table_are_read_back(ending: str, tmp_path: Path) -> None:
    made = case("a", Criterion("n", "How many", Numeric(0.0, 9.0, True)), responses=[answer(identity="r", system="=s")])
    marks = [
        Verdict("r", "c1", value=1.0, probs=(0.25, 0.75), judge="j", repeat=1, reason="=1+1", task=made.task.id, calibrated=False),
        Verdict("r", "n", value=4.0, judge="j", repeat=1, reason="-", task=made.task.id, calibrated=False),
        Verdict("r", "n", State.FAILED, cause="timeout", judge="k", task=made.task.id),
    ]
    out = tmp_path / f"v{ending}"
    export_verdicts(table_of([made], marks), out)
    assert sorted(map(repr, read_verdicts(out, [made])[1])) == sorted(map(repr, marks))


@pytest.mark.parametrize("cell", ["repeat,x", "probs,0.5 half", "calibrated,maybe"])
def test_a_cell_that_is_none_is_told_with_its_column(cell: str, tmp_path: Path) -> None:
    column, value = cell.split(",")
    (tmp_path / "v.csv").write_text(f"response,criterion,value,{column}\nr,c1,1,{value}\n")
    with pytest.raises(FormatError, match=f"is no {column}") as caught:
        read_verdicts(tmp_path / "v.csv", [case("a", responses=[answer(identity="r")])])
    assert (caught.value.line, caught.value.path) == (2, column)
