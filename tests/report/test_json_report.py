"""A run as JSON has the keys that were promised, the figures of the run, and null where nothing is known."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings

from criterial.core.criterion import Criterion
from criterial.core.ports import Usage
from criterial.core.rubric import Policy
from criterial.core.score import Finding
from criterial.core.task import Case
from criterial.core.verdict import State, Verdict
from criterial.report.json import METHOD, render
from tests.helpers_files import answer, case, cases, run_of, task, verdicts_of

ROWS = [
    case("a", Criterion("c2", "b", weight=3.0), of=task(identity=f"t{i}"), responses=[answer(identity=f"{s}{i}", system=s) for s in "xy"])
    for i in range(3)
]
MARKS = [v for v in verdicts_of(ROWS, lambda row, column: float(row % 2 == 0 or column == 0)) if (v.task, v.criterion) != ("t2", "c2")]
LOST = [
    Verdict("x2", "c2", State.ABSTAINED, cause="uncertain", task="t2"),
    Verdict("y2", "c2", State.FAILED, cause="timeout", task="t2"),
]
RUN = run_of(ROWS, [*MARKS, *LOST], usage=Usage(3, 1, 100, 50, 20, 0.5), total=Usage(9, 1, 900, 0, 90, None))


def told() -> dict[str, Any]:
    """Return the report as a program reads it."""
    return json.loads(render(RUN))  # type: ignore[no-any-return]


def test_the_promised_keys_are_there() -> None:
    report = told()
    assert {"run", "responses", "systems", "verdicts", "calls", "tokens", "cost"} <= set(report)
    assert all({"id", "task", "system", "score", "low", "high", "coverage"} <= set(r) for r in report["responses"])
    assert all({"system", "mean", "low", "high", "n"} <= set(s) for s in report["systems"])
    assert set(report["verdicts"]) == {"decided", "abstained", "not_applicable", "failed"}


def test_the_figures_are_those_worked_out_by_hand() -> None:
    report = told()
    rows = [(r["id"], r["task"], r["system"], r["score"], r["low"], r["high"], r["coverage"]) for r in report["responses"]]
    assert rows == [
        ("x0", "t0", "x", 1.0, 1.0, 1.0, 1.0),
        ("y0", "t0", "y", 0.25, 0.25, 0.25, 1.0),
        ("x1", "t1", "x", 1.0, 1.0, 1.0, 1.0),
        ("y1", "t1", "y", 0.25, 0.25, 0.25, 1.0),
        ("x2", "t2", "x", 1.0, 0.25, 1.0, 0.25),
        ("y2", "t2", "y", 1.0, 0.25, 1.0, 0.25),
    ]
    assert [(s["system"], s["mean"], s["n"]) for s in report["systems"]] == [("x", 1.0, 3), ("y", 0.5, 3)]
    assert report["verdicts"] == {"decided": 10, "abstained": 1, "not_applicable": 0, "failed": 1}
    assert report["causes"] == {"timeout": 1, "uncertain": 1}
    assert (report["calls"], report["tokens"], report["cost"]) == (3, 120, 0.5)
    assert report["total"] == {"calls": 9, "tokens": 990, "cost": None}


def test_what_is_not_known_is_null_and_no_number() -> None:
    one = case("a", responses=[answer(system="s")])
    report = json.loads(render(run_of([one], [Verdict("r", "c1", State.FAILED, cause="timeout")])))
    (row,), (system,) = report["responses"], report["systems"]
    assert (row["score"], row["low"], row["high"], row["coverage"]) == (None, 0.0, 1.0, 0.0)
    assert (system["mean"], system["low"], system["high"], system["n"]) == (None, None, None, 0)


@settings(max_examples=60)
@given(made=cases())
def test_any_run_is_strict_json_with_every_count_adding_up(made: Case) -> None:
    criteria = tuple(replace(c, weight=round(c.weight, 3)) for c in made.rubric.criteria)
    made = replace(made, rubric=replace(made.rubric, criteria=criteria, policy=Policy()))
    marks = [replace(v, calibrated=True) for v in made.verdicts]
    report = json.loads(render(run_of([made], marks)), parse_constant=lambda word: pytest.fail(f"{word} in JSON"))
    assert sum(report["verdicts"].values()) == len(made.responses) * len(made.rubric.criteria)
    assert [r["id"] for r in report["responses"]] == [r.id for r in made.responses]
    for row in report["responses"]:
        assert row["score"] is None or row["low"] - 1e-9 <= row["score"] <= row["high"] + 1e-9


def test_notes_and_texts_of_all_languages_stand_as_they_are() -> None:
    one = case("a", responses=[answer(system="systéme 😀 <b>")])
    text = render(run_of([one], verdicts_of([one]), notes=[Finding("x", "warning", "judge", "Not calibrated.")], stopped="budget"))
    report = json.loads(text)
    assert "systéme 😀 <b>" in text
    assert (report["notes"], report["stopped"]) == (["Not calibrated."], "budget")
    assert (METHOD.room, METHOD.name) == ("report", "json")
