"""The threshold of a cascade: the promise is kept on planted judges as often as it says, and on real verdicts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from criterial.audit.cascading import CascadeOptions, fit_cascade
from criterial.core.table import VerdictTable
from criterial.errors import ConfigError
from criterial.model.scripted import ScriptedProvider
from tests.helpers_cli import Command
from tests.helpers_runs import planted_cases
from tests.helpers_tables import ABSTAINED, Cell, binary, table


def planted(rng: np.random.Generator, tasks: int, honest: bool = True, silent: float = 0.0) -> tuple[VerdictTable, VerdictTable]:
    """A judge whose probability is how often it is right (or says nothing of that), four criteria a task, and the truth."""
    sure, truth = 0.5 + 0.5 * rng.random((tasks, 4)), rng.random((tasks, 4)) < 0.5
    right = rng.random((tasks, 4)) < (sure if honest else 0.75)
    said = np.where(right, truth, ~truth)
    rows: list[list[Cell]] = []
    for row in range(tasks):
        cells: list[Cell] = []
        for yes, p in zip(said[row], sure[row], strict=True):
            probs = (1 - p, p) if yes else (p, 1 - p)
            cells.append({"state": ABSTAINED, "cause": "uncertain"} if rng.random() < silent else {"value": float(yes), "probs": probs})
        rows.append(cells)
    made = binary(1, 1, 1, 1)
    return table(made, rows), table(made, truth.astype(float).tolist())


def test_the_promise_is_kept_in_as_many_runs_as_it_says_and_much_stands() -> None:
    """P(right) = p, uniform on [.5, 1]: what stands above t is wrong in (1 - t) / 2, so that 10 % allows t = .8, and .4 stand."""
    rng = np.random.default_rng(0)
    broken, below = 0, []
    for _ in range(60):
        found = fit_cascade(*planted(rng, 300), options=CascadeOptions(error=0.1))
        if found.chosen is not None:
            below.append(found.chosen.below)
            broken += (1 - found.chosen.below) / 2 > 0.1
    assert len(below) >= 48
    assert broken <= 3
    assert 0.8 < np.mean(below) < 0.9


def test_a_judge_whose_probabilities_say_nothing_gets_no_threshold() -> None:
    found = fit_cascade(*planted(np.random.default_rng(1), 300, honest=False), options=CascadeOptions(error=0.1))
    assert found.chosen is None and found.responses == 0.0
    assert found.everything.error.value == pytest.approx(0.25, abs=0.03)


def test_on_tasks_that_it_was_not_chosen_on_the_error_is_within_what_is_promised() -> None:
    found = fit_cascade(*planted(np.random.default_rng(2), 500, silent=0.2), options=CascadeOptions(error=0.1))
    assert found.tried.value is not None and found.tried.value < 0.1
    assert found.tried_kept.low <= found.chosen.kept <= found.tried_kept.high  # type: ignore[union-attr, operator]
    assert found.everything.kept == pytest.approx(0.8, abs=0.03)  # what it abstained from is passed on anyhow


def test_what_cannot_be_fitted_is_told() -> None:
    made = binary(1)
    bare = table(made, [[1.0], [0.0]])
    with pytest.raises(ConfigError, match="no probabilities"):
        fit_cascade(bare, bare)
    with pytest.raises(ConfigError, match="between 0 and 1"):
        CascadeOptions(error=1.5)


def test_two_runs_give_a_threshold_that_a_cascade_takes(criterial: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cases.jsonl").write_text("\n".join(json.dumps(c) for c in planted_cases(tasks=150)))
    with ScriptedProvider() as provider:
        runs = [
            json.loads(criterial("grade", "cases.jsonl", "--judge", f"{kind}:m@{provider.url}", "--json"))["run"]
            for kind in ("decisions", "chat")
        ]
    text = criterial("audit", "cascade", *runs, "--error", "0.05", "--html", "cascade.html")
    assert "Pass on below" in text and "--pass-below" in text
    found = json.loads(criterial("audit", "cascade", *runs, "--json"))
    assert found["chosen"]["bound"] <= 0.05 and found["chosen"]["error"]["value"] == 0.0
    criterial("audit", "cascade", runs[0], status=2)
    assert "what is right?" in criterial.err
