"""criterial.audit.turns: a planted fall per turn is found though long conversations are harder; drops are paired by question."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import statsmodels.api as sm
from typer.testing import CliRunner

from criterial.audit.turns import robustness_drop, turn_decay
from criterial.cli.audit_turns import app
from criterial.core.builder import table_of
from criterial.core.criterion import Criterion
from criterial.core.rubric import Rubric
from criterial.core.scale import Numeric
from criterial.core.task import Case, Message, Response, Task
from criterial.core.verdict import State, Verdict
from criterial.errors import ConfigError
from criterial.report.page import Grid
from criterial.report.page_html import html_page
from criterial.report.turns import turns_json, turns_page
from criterial.score.scoring import Scores, score
from tests.helpers_files import write


def rubric(turns: int) -> Rubric:
    return Rubric(tuple(Criterion(f"c{t}", f"turn {t}", Numeric(0, 1), scope="turn", turn=t) for t in range(turns)))


RUBRICS = {n: rubric(n) for n in range(1, 10)}


def missions(marks: Sequence[Sequence[float | None]], systems: Sequence[str] = ()) -> Scores:
    """Return the scores of conversations written as a mark a turn, None where the judge failed."""
    cases, verdicts = [], []
    for i, row in enumerate(marks):
        answer = Response("r", (Message("assistant", "x"),), system=systems[i] if systems else "s")
        cases.append(Case(Task(f"m{i}", (Message("user", "q"),)), RUBRICS[len(row)], (answer,)))
        for t, mark in enumerate(row):
            state = {"state": State.FAILED, "cause": "timeout"} if mark is None else {"value": mark}
            verdicts.append(Verdict("r", f"c{t}", judge="j", task=f"m{i}", **state))  # type: ignore[arg-type]
    return score(table_of(cases, verdicts))


def falling(rng: np.random.Generator, count: int, harder: float = 0.015) -> list[list[float]]:
    """Return missions of 2 to 9 turns that lose 3 points a turn, where each turn of length makes all turns harder."""
    lengths = rng.integers(2, 10, count)
    return [
        [float(np.clip(0.85 - 0.03 * t - harder * n + effect + rng.normal(0, 0.05), 0, 1)) for t in range(n)]
        for n, effect in zip(lengths, rng.normal(0, 0.03, count), strict=True)
    ]


def test_the_planted_slope_is_found_where_a_naive_one_is_biased() -> None:
    marks = falling(np.random.default_rng(0), 400)
    (found,) = turn_decay(missions(marks), resamples=300)
    assert abs(100 * found.slope.value + 3) < 0.5  # the card: -3 within .5 points
    assert found.slope.low < -0.03 < found.slope.high and found.slope.high - found.slope.low < 0.005
    naive = np.polyfit(np.concatenate([np.arange(len(m)) for m in marks]), np.concatenate(marks), 1)[0]
    assert 100 * naive == pytest.approx(-3.7, abs=0.2)  # measured on the card: -3.7
    assert not found.slope.low < naive < found.slope.high


def test_the_slope_is_that_of_a_regression_with_an_effect_for_each_mission() -> None:
    marks = falling(np.random.default_rng(1), 20)
    (found,) = turn_decay(missions(marks), resamples=20)
    mission = np.repeat(np.arange(20), [len(m) for m in marks])
    turn = np.concatenate([np.arange(len(m)) for m in marks]).astype(float)
    peer = sm.OLS(np.concatenate(marks), np.column_stack([turn, mission[:, None] == np.arange(20)])).fit()
    assert found.slope.value == pytest.approx(peer.params[0])


def test_the_intervals_hold_the_planted_slope_as_often_as_they_say() -> None:
    rng = np.random.default_rng(2)
    held = 0
    for seed in range(60):
        (found,) = turn_decay(missions(falling(rng, 40)), resamples=300, seed=seed)
        held += found.slope.low <= -0.03 <= found.slope.high
    assert 52 <= held <= 60  # 57 expected, 3 standard deviations below


def test_decay_is_the_first_turn_less_the_last() -> None:
    (found,) = turn_decay(missions([[1.0, 0.5, 0.25], [0.5, 0.5], [0.25]]), resamples=50)
    assert (found.conversations, found.decay.n, found.decay.value) == (2, 2, pytest.approx((0.75 + 0.0) / 2))
    assert [(t.turn, t.mean.value, t.mean.n) for t in found.turns] == [(1, 0.75, 2), (2, 0.5, 2), (3, 0.25, 1)]
    assert found.slope.method == "bootstrap of 2 tasks"


def test_a_turn_without_a_score_is_no_last_turn_of_another() -> None:
    (found,) = turn_decay(missions([[1.0, 0.5, None], [1.0, None, 0.0], [1.0, 0.75, 0.5]]), resamples=50)
    assert (found.incomplete, found.decay.n, found.decay.value) == (2, 2, 0.75)
    # the slope takes what there is: (-.25, -.5 over one step), (-.5 a step), (-.25 a step)
    assert found.slope.value == pytest.approx((-0.5 * 0.5 + 2 * -0.5 + 2 * -0.25) / (0.5 + 2 + 2))


def test_systems_are_apart_and_the_page_shows_them() -> None:
    marks = [[1.0, 0.5], [0.5, 0.5], [1.0, 0.75], [0.75, 0.75]]
    found = turn_decay(missions(marks, ["falls", "stays"] * 2), resamples=50)
    assert [(d.system, d.slope.value) for d in found] == [("falls", -0.375), ("stays", 0.0)]
    page = turns_page(found, ())
    assert [len(b.rows) for b in page.blocks if isinstance(b, Grid)] == [2] and "falls" in html_page(page)
    assert json.loads(turns_json(found, ()))["conversations"][0]["decay"]["value"] == 0.375


def test_without_two_turns_there_is_nothing_to_fall() -> None:
    with pytest.raises(ConfigError, match="no conversation has two turns"):
        turn_decay(missions([[1.0], [0.5]]))


# ---------------------------------------------------------------------------------------------------------------- perturbation

ASKED = "Name the capital of France"
WRONG = "Since Lyon is the capital of France, name its capital"


def echo(prompt: str) -> str:
    """A scripted answerer that takes over what the question claims."""
    return prompt.partition("Since ")[2].partition(" is")[0] or "Paris"


def honest(prompt: str) -> str:
    return "Paris"


def asked(answerers: dict[str, Callable[[str], str]], questions: int = 6) -> tuple[list[Case], Scores]:
    ways = {"P0": ASKED, "P1": f"Hello! {ASKED}, please.", "P3": WRONG}
    made = Rubric((Criterion("right", "says Paris"),))
    cases, verdicts = [], []
    for q in range(questions):
        for level, prompt in ways.items():
            name = f"q{q}/{level}"
            answers = tuple(Response(s, (Message("assistant", a(prompt)),), system=s) for s, a in answerers.items())
            cases.append(Case(Task(name, (Message("user", prompt),), tags=(f"base:q{q}", f"perturbation:{level}")), made, answers))
            verdicts += [Verdict(r.id, "right", value=float(r.text == "Paris"), judge="j", task=name) for r in answers]
    return cases, score(table_of(cases, verdicts))


def test_an_answerer_that_echoes_premises_falls_at_p3_and_not_at_p1() -> None:
    found = {(d.system, d.level): d for d in robustness_drop(*asked({"echo": echo, "honest": honest}), resamples=50)}
    assert set(found) == {(s, p) for s in ("echo", "honest") for p in ("P1", "P3")}
    assert found["echo", "P3"].lost.value >= 0.5 and found["echo", "P1"].drop.value == 0.0
    assert {found["honest", p].drop.value for p in ("P1", "P3")} == {0.0}
    assert found["echo", "P3"].clean.value == 1.0 and found["echo", "P3"].drop.n == 6


def test_drops_are_paired_by_question() -> None:
    cases, scores = asked({"echo": echo})
    keep = np.array([n not in ("q0/P3", "q1/P0") for n in scores.table.tasks])
    kept = score(scores.table.rows(keep[scores.table.task_R]))
    found = {d.level: d for d in robustness_drop(cases, kept, resamples=50)}
    assert (found["P3"].drop.n, found["P3"].unpaired) == (4, 2)
    assert (found["P1"].drop.n, found["P1"].unpaired) == (5, 1)


def test_a_share_of_nothing_is_not_a_number() -> None:
    (drop, _) = robustness_drop(*asked({"wrong": lambda prompt: "Lyon"}), resamples=50)
    assert (drop.drop.value, drop.drop.n, drop.lost.value, drop.lost.n) == (0.0, 6, None, 6)
    assert drop.lost.method == "nothing is scored where asked plainly"


def test_tags_that_cannot_be_paired_say_what_is_there() -> None:
    cases, scores = asked({"echo": echo}, 1)
    with pytest.raises(ConfigError, match="P9 and others; the levels are P0, P1, P3"):
        robustness_drop(cases, scores, clean="P9")
    bare = [replace(c, task=replace(c.task, tags=())) for c in cases]
    with pytest.raises(ConfigError, match="the levels are none"):
        robustness_drop(bare, scores)
    with pytest.raises(ConfigError, match="of other cases"):
        robustness_drop(cases[1:], scores)


def test_the_command_shows_both(tmp_path: Path) -> None:
    both = [
        {
            "id": f"q{q}/{level}",
            "prompt": "p",
            "tags": [f"base:q{q}", f"perturbation:{level}"],
            "rubric": {"criteria": [{"id": f"c{t}", "text": f"turn {t}", "scope": "turn", "turn": t} for t in range(2)]},
            "responses": [{"id": "r", "system": "s", "text": "x", "verdicts": {"c0": 1, "c1": int(level == "P0")}}],
        }
        for q in range(3)
        for level in ("P0", "P2")
    ]
    source = str(write(tmp_path, "cases.jsonl", both))
    shown = CliRunner().invoke(app, [source, "--html", str(tmp_path / "o.html")])
    assert shown.exit_code == 0 and "Along conversations" in shown.stdout and "Asked in harder ways" in shown.stdout
    told = json.loads(CliRunner().invoke(app, [source, "--json"]).stdout)
    assert told["perturbations"][0]["drop"]["value"] == 0.5 and told["conversations"][0]["slope"]["value"] == -0.5
    plain = str(write(tmp_path, "plain.jsonl", [{"id": "t", "prompt": "p", "rubric": ["is right"],
                                                 "responses": [{"id": "r", "text": "x", "verdicts": {"c1": 1}}]}]))  # fmt: skip
    assert isinstance(CliRunner().invoke(app, [plain]).exception, ConfigError)
