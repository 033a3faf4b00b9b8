"""Scores do not hang on what should not matter (order, company, the unit of points) and rise with what should."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from criterial.core.rubric import Policy, Rubric
from criterial.core.score import Score
from tests.helpers_tables import (
    ABSTAINED,
    FAILED,
    NA,
    POSITIVE,
    QUICK,
    SCALES,
    WEIGHTS,
    close,
    credits_of,
    crit,
    figures,
    flat_rubrics,
    rows_of,
    rubric,
    score_of,
    scores,
    values_of,
)

ANY = st.sampled_from([FAILED, ABSTAINED, NA, None])
EFFECTS = ("add", "add", "deduct", "gate")


def told(found: Score) -> tuple[Any, ...]:
    """Return all of a score that does not name its response."""
    return (*figures(found), found.se, set(found.vetoed_by), set(found.capped))


@given(flat_rubrics(effects=EFFECTS), st.data())
@QUICK
def test_the_order_of_criteria_does_not_matter(made: Rubric, data: st.DataObject) -> None:
    row = data.draw(rows_of(made, nothing=ANY))[0]
    order = data.draw(st.permutations(range(len(row))))
    turned = rubric(*(made.criteria[i] for i in order))
    one, other = score_of(made, row), score_of(turned, [row[i] for i in order])
    assert figures(other) == close(figures(one))
    assert told(one)[5:] == told(other)[5:]


@given(flat_rubrics(effects=EFFECTS), flat_rubrics(effects=EFFECTS, weights=POSITIVE), st.data())
@QUICK
def test_a_response_scores_the_same_in_any_company(first: Rubric, second: Rubric, data: st.DataObject) -> None:
    rubrics = data.draw(st.lists(st.sampled_from([first, second]), min_size=1, max_size=6))
    rows = [data.draw(rows_of(r, nothing=ANY))[0] for r in rubrics]
    together = scores(rubrics, rows)
    assert [told(s) for s in together] == [told(score_of(r, row)) for r, row in zip(rubrics, rows, strict=True)]
    order = data.draw(st.permutations(range(len(rows))))
    turned = scores([rubrics[i] for i in order], [rows[i] for i in order])
    assert [told(s) for s in turned] == [told(together[i]) for i in order]


@given(flat_rubrics(), st.data())
@QUICK
def test_copies_of_a_response_score_alike_and_change_no_other(made: Rubric, data: st.DataObject) -> None:
    rows = data.draw(rows_of(made, rows=3, nothing=ANY))
    alone = [told(s) for s in scores(made, rows)]
    assert [told(s) for s in scores(made, [rows[0], *rows, rows[0]], one_task=True)] == [alone[0], *alone, alone[0]]


@given(flat_rubrics(effects=("add", "deduct")), st.data())
@QUICK
def test_the_unit_of_points_does_not_matter(made: Rubric, data: st.DataObject) -> None:
    unit = data.draw(st.sampled_from([0.125, 3.0, 1000.0]))
    row = data.draw(rows_of(made, nothing=ANY))[0]
    scaled = rubric(*(replace(c, weight=c.weight * unit, cap=None if c.cap is None else c.cap * unit) for c in made.criteria))
    assert figures(score_of(scaled, row)) == close(figures(score_of(made, row)))


@st.composite
def two_levels(draw: Callable[..., Any], policy: str, weights: st.SearchStrategy[float]) -> tuple[Rubric, list[Any], list[Any], float]:
    """Draw a rubric and two rows that differ in one cell, the second with more credit there, and that criterion's weight."""
    made = draw(flat_rubrics(weights))
    row = draw(rows_of(made, nothing=ANY))[0]
    at = draw(st.integers(0, len(row) - 1))
    credits = credits_of(made.criteria[at].scale)
    less, more = draw(st.tuples(st.sampled_from(list(credits)), st.sampled_from(list(credits))))
    assume(credits[less] < credits[more])
    rows = [[*row[:at], v, *row[at + 1 :]] for v in (less, more)]
    return replace(made, policy=Policy(policy)), rows[0], rows[1], made.criteria[at].weight


@given(st.one_of(two_levels("weighted", WEIGHTS), two_levels("tree", POSITIVE)))
@QUICK
def test_a_score_rises_with_the_credit_of_a_merit_and_falls_with_that_of_a_fault(drawn: tuple[Rubric, list[Any], list[Any], float]) -> None:
    made, less, more, weight = drawn
    before, after = score_of(made, less), score_of(made, more)
    for name in ("value", "low", "high"):
        a, b = getattr(before, name), getattr(after, name)
        if a is not None:
            assert (b >= a - 1e-12) if weight >= 0 else (b <= a + 1e-12), name


@given(flat_rubrics(weights=POSITIVE), st.data())
@QUICK
def test_a_score_of_merits_lies_between_its_least_and_its_greatest_credit(made: Rubric, data: st.DataObject) -> None:
    row = data.draw(rows_of(made, nothing=ANY))[0]
    credits = [credits_of(c.scale)[v] for c, v in zip(made.criteria, row, strict=True) if isinstance(v, float)]
    for policy in ("weighted", "tree"):
        found = score_of(replace(made, policy=Policy(policy)), row)
        if not credits:
            assert found.value is None
        else:
            assert min(credits) - 1e-12 <= (found.value or 0.0) <= max(credits) + 1e-12


@pytest.mark.parametrize("policy", ["weighted", "tree"])
@given(flat_rubrics(weights=POSITIVE), st.data())
@QUICK
def test_a_flat_tree_of_merits_is_the_weighted_mean(policy: str, made: Rubric, data: st.DataObject) -> None:
    row = data.draw(rows_of(made, nothing=st.sampled_from([FAILED, NA])))[0]
    known = [(c.weight, credits_of(c.scale)[v]) for c, v in zip(made.criteria, row, strict=True) if isinstance(v, float)]
    expected = sum(w * v for w, v in known) / sum(w for w, _ in known) if known else None
    assert score_of(replace(made, policy=Policy(policy)), row).value == close(expected)


@pytest.mark.parametrize("scale", SCALES, ids=lambda s: s.type)
@pytest.mark.parametrize("policy", ["weighted", "tree"])
def test_a_lone_criterion_scores_its_credit_on_every_scale(scale: Any, policy: str) -> None:
    found = scores(rubric(crit("a", 7.0, scale=scale), policy=policy), [[v] for v in values_of(scale)])
    assert [s.value for s in found] == pytest.approx(list(credits_of(scale).values()))


EXTREME = st.sampled_from([0.0, 1e-100, -1e-100, 1e-50, 1.0, -1.0, 1e50, 1e100, -1e100])


@pytest.mark.parametrize("policy", [Policy("weighted"), Policy("weighted", {"clip": "none"}), Policy("tree")], ids=repr)
@given(flat_rubrics(weights=EXTREME, effects=EFFECTS), st.data())
@QUICK
def test_weights_of_any_size_that_is_let_in_give_finite_numbers_in_order_and_no_warning(
    policy: Policy, made: Rubric, data: st.DataObject
) -> None:
    row = data.draw(rows_of(made, nothing=ANY))[0]
    probs = [
        {"value": 1.0, "probs": (0.25, 0.75)} if c.scale == SCALES[0] and cell == 1.0 else cell
        for c, cell in zip(made.criteria, row, strict=True)
    ]
    found = score_of(replace(made, policy=policy), probs)
    numbers = [n for n in (found.value, found.se, found.low, found.high, found.coverage) if n is not None]
    assert all(abs(n) < float("inf") for n in numbers)
    assert found.low <= found.high
