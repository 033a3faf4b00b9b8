"""A run tells its scores, causes and costs as plain data, and writes the report that its file's ending asks for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from criterial.core.ports import Usage
from criterial.core.rubric import Policy
from criterial.core.score import Finding
from criterial.core.verdict import State
from criterial.errors import ConfigError
from criterial.score.record import Run
from tests.helpers_tables import ABSTAINED, FAILED, NA, binary, cases_of, table

MADE = binary(1, 1, -1)
ROWS = [[1, 0, FAILED], [1, ABSTAINED, NA], [None, None, None]]
SYSTEMS = ["good", "bad", "bad"]


def run(**told: object) -> Run:
    given = {
        "usage": Usage(5, 1, 100, 0, 20, 0.25),
        "total": Usage(9, 1, 200, 0, 40, None),
        "notes": (Finding("n", "note", "", "mind this"),),
    }
    return Run("abc", cases_of(MADE, 3, SYSTEMS), table(MADE, ROWS, systems=SYSTEMS), "judge", **{**given, **told})  # type: ignore[arg-type]


def test_a_run_is_told_as_json_types_with_scores_bounds_states_and_costs() -> None:
    told = run(stopped="budget").to_dict()
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert [(r["id"], r["task"], r["score"], r["low"], r["high"]) for r in told["responses"]] == [
        ("r0", "t0", 0.5, 0.0, 0.5),
        ("r1", "t1", 1.0, 0.5, 1.0),
        ("r2", "t2", None, 0.0, 1.0),
    ]
    assert [(s["system"], s["mean"], s["n"], s["unscored"]) for s in told["systems"]] == [("bad", 1.0, 1, 1), ("good", 0.5, 1, 0)]
    assert told["verdicts"] == {"decided": 3, "abstained": 1, "not_applicable": 1, "failed": 4}
    assert (told["calls"], told["tokens"], told["cost"]) == (5, 120, 0.25)
    assert told["total"] == {"calls": 9, "tokens": 240, "cost": None}
    assert (told["run"], told["judge"], told["stopped"], told["notes"]) == ("abc", "judge", "budget", ["mind this"])


def test_causes_are_counted_over_all_layers_and_what_nobody_asked_for_is_missing() -> None:
    assert run().causes == {"cannot_assess": 1, "missing": 3, "timeout": 1}
    untold = {"state": State.FAILED}
    layers = [[[1, FAILED, untold]], [[1, FAILED, None]]]
    assert Run("x", cases_of(MADE, 1), table(MADE, *layers), "judge").causes == {"missing": 1, "timeout": 2}
    assert Run("x", cases_of(MADE, 1), table(MADE, [[1, 0, 1]]), "judge").causes == {}


def test_a_policy_takes_the_place_of_the_rubrics_own() -> None:
    assert [s.value for s in run(policy=Policy("weighted", {"normalise": False})).scores] == [1.0, 1.0, None]


def test_criteria_are_told_with_their_pass_rates() -> None:
    assert [(c.criterion, c.rate.value, c.decided) for c in run().criteria] == [("c0", 1.0, 2), ("c1", 0.0, 1), ("c2", None, 0)]


@pytest.mark.parametrize(
    ("name", "begins"), [("a/b/run.html", "<!doctype html>"), ("run.HTM", "<!doctype html>"), ("run.md", "#"), ("run.json", "{")]
)
def test_the_ending_of_a_report_s_file_says_what_is_written(name: str, begins: str, tmp_path: Path) -> None:
    path = run().report(tmp_path / name)
    assert path == tmp_path / name
    assert path.read_text(encoding="utf-8").lower().startswith(begins)


@pytest.mark.parametrize("name", ["run.pdf", "run"])
def test_a_report_of_another_ending_is_refused_before_anything_is_written(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"a report is .html, .md or .json"):
        run().report(tmp_path / "new" / name)
    assert list(tmp_path.iterdir()) == []
