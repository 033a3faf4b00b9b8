"""Panels: every rule is its definition, severity is ordered, clones count as one judge, and probabilities are read as expected credit."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from criterial.core.builder import table_of
from criterial.core.rubric import Panel, Policy, Rubric
from criterial.core.table import VerdictTable
from criterial.errors import FormatError
from criterial.score.cells import cells_of
from criterial.score.columns import columns_of, credit_of_values
from criterial.score.panel import layer_weights
from criterial.score.scoring import score
from tests.helpers_tables import ABSTAINED, COUNT, FAILED, NA, QUICK, THREE, Cell, cases_of, crit, rows_of, rubric, scores, table

OPEN = st.sampled_from([FAILED, ABSTAINED, None])
MADE = rubric(crit("a"), crit("b", scale=THREE), crit("fault", -1.0), crit("slip", 0.5, effect="deduct"))


def judged(made: Rubric, *rows: list[Cell]) -> VerdictTable:
    """Return one row as each of several judges sees it."""
    return table(made, *([row] for row in rows), judges=[f"j{i}" for i in range(len(rows))])


def credits(built: VerdictTable, **panel: Any) -> list[float]:
    cells = cells_of(built, panel=Panel(**panel))
    return [float(c) if k else math.nan for c, k in zip(cells.credit_N, cells.known_N, strict=True)]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"rule": "majority"}, [1.0, 0.0, 1.0, 0.0]),  # of three values the one that scores lower
        ({"rule": "mean"}, [2 / 3, 0.5, 2 / 3, 1 / 3]),
        ({"rule": "any"}, [1.0, 1.0, 1.0, 1.0]),
        ({"rule": "all"}, [0.0, 0.0, 0.0, 0.0]),
        ({"rule": "conservative"}, [0.0, 0.0, 1.0, 1.0]),
        ({"rule": "lenient"}, [1.0, 1.0, 0.0, 0.0]),
        ({"rule": "at_least", "need": 2}, [1.0, 0.5, 1.0, 0.0]),
        ({"rule": "at_least", "need": 9}, [0.0, 0.0, 0.0, 0.0]),
        ({"rule": "majority", "weights": {"j2": 5.0}}, [0.0, 0.0, 1.0, 0.0]),
        ({"rule": "mean", "weights": {"j0": 2.0, "j1": 1.0, "j2": 1.0}}, [3 / 4, 0.625, 0.5, 0.5]),
    ],
    ids=str,
)
def test_every_rule_is_its_definition(rule: dict[str, Any], expected: list[float]) -> None:
    assert credits(judged(MADE, [1, 2, 0, 1], [1, 1, 1, 0], [0, 0, 1, 0]), **rule) == pytest.approx(expected)


@given(st.data(), st.sampled_from(["majority", "mean", "any", "all", "conservative", "lenient", "at_least"]))
@QUICK
def test_judges_that_failed_have_no_say(data: st.DataObject, rule: Any) -> None:
    rows = [data.draw(rows_of(MADE))[0] for _ in range(2)]
    silent = [FAILED] * len(MADE.criteria)
    heard, with_silent = judged(MADE, *rows), judged(MADE, silent, *rows, silent)
    assert credits(with_silent, rule=rule, need=2) == pytest.approx(credits(heard, rule=rule, need=2), nan_ok=True)


@given(st.data(), st.integers(1, 5))
@QUICK
def test_a_conservative_panel_never_scores_above_the_majority_nor_that_above_a_lenient_one(data: st.DataObject, judges: int) -> None:
    rows = [data.draw(rows_of(MADE))[0] for _ in range(judges)]
    built = judged(MADE, *rows)
    strict, usual, kind = (score(built, panel=Panel(rule)).rows.value_R.item() for rule in ("conservative", "majority", "lenient"))
    assert strict <= usual + 1e-12 <= kind + 2e-12


@given(st.data(), st.sampled_from(["majority", "mean", "any", "all", "conservative", "lenient", "at_least"]))
@QUICK
def test_one_judge_or_many_who_agree_are_what_each_of_them_says(data: st.DataObject, rule: Any) -> None:
    row = data.draw(rows_of(MADE, nothing=OPEN))[0]
    alone = score(judged(MADE, row))
    for built in (judged(MADE, row), judged(MADE, row, row, row)):
        together = score(built, panel=Panel(rule))
        assert together.rows.value_R == pytest.approx(alone.rows.value_R)
        assert together.cells.state_N.tolist() == alone.cells.state_N.tolist()


@given(st.data(), st.permutations([0, 1, 2, 3]), st.sampled_from([{"rule": "majority"}, {"rule": "mean"}, {"rule": "conservative"}]))
@QUICK
def test_the_order_of_judges_does_not_matter(data: st.DataObject, order: list[int], rule: dict[str, Any]) -> None:
    rows = [data.draw(rows_of(MADE, nothing=OPEN))[0] for _ in range(4)]
    one, other = (credits(judged(MADE, *each), **rule) for each in (rows, [rows[i] for i in order]))
    assert one == pytest.approx(other, nan_ok=True)


def test_a_judges_repeats_share_its_vote() -> None:
    made = rubric(crit("a"))
    verdicts = [v for built in (table(made, *[[[1]]] * 3, judges=["often"]), table(made, [[0]], judges=["once"])) for v in built.verdicts()]
    built = table_of(cases_of(made, 1), verdicts)
    assert credits(built, rule="mean") == [0.5]
    assert credits(built, rule="mean", weights={"once": 3.0}) == [0.25]


def test_most_of_the_weight_decides_whether_a_cell_is_decided() -> None:
    built = judged(rubric(crit("a")), [1], [ABSTAINED], [NA])
    assert math.isnan(credits(built)[0])
    assert credits(built, weights={"j0": 2.0}) == [1.0]


def test_numbers_are_averaged_by_majority_and_picked_by_the_other_rules() -> None:
    built = judged(rubric(crit("n", scale=COUNT)), [0], [1], [3])
    cells = cells_of(built)
    assert (cells.value_N.item(), cells.credit_N.item()) == pytest.approx((4 / 3, 4 / 9))
    assert credits(built, rule="any") == [1.0]
    assert credits(built, rule="all") == [0.0]


def planted(rng: np.random.Generator, cells: int, right: list[float], clones: int) -> tuple[np.ndarray, VerdictTable]:
    """Return truth and a table of judges who are right so often; the last of them is copied."""
    truth = rng.random(cells) < 0.5
    says = [np.where(rng.random(cells) < p, truth, ~truth) for p in right]
    says += [says[-1]] * clones
    built = table(rubric(crit("a")), *([[float(v)] for v in s] for s in says), judges=[f"j{i}" for i in range(len(says))])
    return truth, built


def test_clones_of_a_judge_count_as_one_where_correlated_judges_are_weighed_down() -> None:
    _, built = planted(np.random.default_rng(0), 2000, [0.8, 0.8, 0.8], 3)
    credit = np.stack([credit_of_values(v, columns_of(built.rubrics), built.column_N) for v in built.value_LN])
    weight = layer_weights(built, Panel(independent=True), credit)
    assert weight[2:].sum() == pytest.approx(weight[0], rel=0.15)
    assert layer_weights(built, Panel(), credit).tolist() == [1.0] * 6


def test_weighing_clones_down_brings_the_panel_nearer_to_the_truth() -> None:
    truth, built = planted(np.random.default_rng(1), 4000, [0.8, 0.8, 0.7], 3)
    plain, weighed = (np.mean((cells_of(built, panel=Panel("mean", independent=i)).credit_N >= 0.5) == truth) for i in (False, True))
    assert plain == pytest.approx(0.7, abs=0.03)  # four votes of one judge outvote the two others
    assert weighed > 0.83


def test_judges_that_share_few_cells_count_as_uncorrelated() -> None:
    _, built = planted(np.random.default_rng(2), 10, [0.8, 0.8], 1)
    credit = np.stack([credit_of_values(v, columns_of(built.rubrics), built.column_N) for v in built.value_LN])
    assert layer_weights(built, Panel(independent=True), credit) == pytest.approx([1.0] * 3)


GRADED: list[Cell] = [
    {"value": 1.0, "probs": (0.25, 0.75)},
    {"value": 1.0, "probs": (0.25, 0.5, 0.25)},
    0,
    {"value": 0.0, "probs": (0.5, 0.5)},
]


def test_an_expected_reading_is_the_mean_by_the_judges_probabilities() -> None:
    assert credits(judged(MADE, GRADED), reading="expected") == pytest.approx([0.75, 0.5, 0.0, 0.5])
    assert credits(judged(MADE, GRADED)) == pytest.approx([1.0, 0.5, 0.0, 0.0])


def test_risk_takes_standard_deviations_off_a_merit_and_adds_them_to_a_fault() -> None:
    spread = math.sqrt(0.25 * 0.75)
    found = credits(judged(MADE, GRADED), reading="expected", risk=0.5)
    assert found == pytest.approx([0.75 - spread / 2, 0.5 - math.sqrt(0.125) / 2, 0.0, 0.75])


@given(st.data(), st.floats(0, 2), st.floats(0, 2))
@QUICK
def test_more_risk_never_raises_a_score(data: st.DataObject, one: float, other: float) -> None:
    parts = st.lists(st.integers(0, 8), min_size=2, max_size=2).filter(lambda p: sum(p) > 0)
    row: list[Cell] = []
    for _ in range(3):
        p = data.draw(parts)
        row.append({"value": 1.0, "probs": tuple(x / sum(p) for x in p)})
    built = judged(rubric(crit("a"), crit("b", 2.0), crit("f", -1.0)), row)
    low, high = (score(built, panel=Panel(reading="expected", risk=r)).rows.value_R.item() for r in sorted((one, other)))
    assert high <= low + 1e-12


def test_policies_with_panels_of_their_own_stand_side_by_side_and_one_given_takes_their_place() -> None:
    severe, plain = (
        replace(rubric(crit("a"), crit(name)), policy=Policy(panel=Panel(rule))) for name, rule in (("b", "conservative"), ("c", "mean"))
    )
    layers = [[[1, 1], [1, 1]], [[0, 1], [0, 1]]]
    built = table([severe, plain], *layers, judges=["j0", "j1"])
    assert [s.value for s in score(built)] == pytest.approx([0.5, 0.75])
    assert score(built).cells.credit_N == pytest.approx([0.0, 1.0, 0.5, 1.0])
    assert [s.value for s in score(built, panel=Panel("lenient"))] == pytest.approx([1.0, 1.0])
    assert scores(severe, layers[0][:1]).rows.value_R.tolist() == [1.0]


@pytest.mark.parametrize(
    "options", [{"need": 0}, {"weights": {"j": -1.0}}, {"weights": {"j": float("nan")}}, {"risk": -0.1}, {"risk": float("nan")}], ids=repr
)
def test_a_panel_that_means_nothing_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(FormatError):
        Panel(**options)
