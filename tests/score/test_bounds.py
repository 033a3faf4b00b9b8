"""Whatever the missing verdicts turn out to be, the score lies within its bounds, both of which can be reached."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from criterial.core.rubric import Rubric
from criterial.core.scale import Binary, Choice, Level, Numeric, Ordinal, Scale
from tests.helpers_tables import (
    ABSTAINED,
    COUNT,
    FAILED,
    NA,
    QUICK,
    THREE,
    Cell,
    binary,
    close,
    crit,
    rows_of,
    rubric,
    score_of,
    scores,
    values_of,
)

FULL: tuple[Scale, ...] = (Binary(), THREE, Numeric(-1.0, 1.0), COUNT)
"""Scales whose credits reach from 0 to 1."""
SLACK = 1e-9


def completions(made: Rubric, row: Sequence[Cell]) -> list[list[Cell]]:
    """Return the row with every combination of values in its open cells."""
    choices: list[list[Cell]] = []
    for criterion, cell in zip(made.criteria, row, strict=True):
        known = cell is NA or isinstance(cell, float)
        choices.append([cell] if known else [*values_of(criterion.scale)])
    return [list(chosen) for chosen in product(*choices)]


def check_bounds(made: Rubric, row: Sequence[Cell], reached: bool) -> None:
    """Assert that every completion's score lies within the bounds of the row and, if asked, that both are reached."""
    found = score_of(made, row)
    values = [s.value for s in scores(made, completions(made, row))]
    if None in values:  # a rubric without points has no score however it is completed
        return
    least, most = min(v for v in values if v is not None), max(v for v in values if v is not None)
    assert found.low <= least + SLACK
    assert most <= found.high + SLACK
    if reached:
        assert (found.low, found.high) == close((least, most))
    if found.value is not None:
        assert found.low - SLACK <= found.value <= found.high + SLACK


OPTIONS = st.fixed_dictionaries({"clip": st.sampled_from(["response", "mean", "none"]), "normalise": st.booleans()})
OVER_FLOOR = st.sampled_from([{}, {"clip": "none", "floor": -99.0}, {"normalise": False, "floor": -99.0}])
"""Options under which no score lies below the floor: see below for where one does."""
OPEN_OR_NA = st.sampled_from([FAILED, ABSTAINED, None, NA])
WEIGHT = st.sampled_from([-3.0, -1.0, 0.0, 1.0, 2.0, 5.0])


@st.composite
def mixed(draw: Callable[..., Any], effects: Sequence[str]) -> Rubric:
    made = []
    for i in range(draw(st.integers(1, 5))):
        effect = draw(st.sampled_from(effects))
        scale = draw(st.sampled_from((Binary(), COUNT) if effect == "deduct" else FULL))
        cap = draw(st.sampled_from([None, 1.5])) if effect == "deduct" else None
        made.append(
            crit(f"c{i}", draw(WEIGHT), effect=effect, scale=scale, cap=cap, all_or_nothing=effect == "add" and draw(st.booleans()))
        )
    anchor = crit("anchor", all_or_nothing=True)  # keeps numbers from being alone: see test_weighted
    return rubric(anchor, *made, **draw(OVER_FLOOR if "gate" in effects else OPTIONS))


@given(mixed(["add", "add", "deduct"]), st.data())
@QUICK
def test_merits_faults_and_deductions_stay_within_bounds_that_are_reached(made: Rubric, data: st.DataObject) -> None:
    check_bounds(made, data.draw(rows_of(made, nothing=OPEN_OR_NA))[0], reached=True)


@given(mixed(["add", "add", "gate"]), st.data())
@QUICK
def test_gates_stay_within_bounds_that_reach_down_to_the_floor(made: Rubric, data: st.DataObject) -> None:
    check_bounds(made, data.draw(rows_of(made, nothing=OPEN_OR_NA))[0], reached=True)


@given(st.data())
@QUICK
def test_requirements_stay_within_bounds_that_are_reached_where_all_points_have_one_sign(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, 5))
    weights = data.draw(st.lists(WEIGHT, min_size=size, max_size=size))
    needs = [tuple(f"c{j}" for j in range(i) if data.draw(st.booleans())) for i in range(size)]
    order = data.draw(st.permutations(range(size)))
    criteria = [crit(f"c{i}", weights[i], requires=needs[i], scale=data.draw(st.sampled_from(FULL))) for i in order]
    made = rubric(*criteria, crit("anchor", 3.0), **data.draw(OPTIONS))
    row = data.draw(rows_of(made, nothing=OPEN_OR_NA))[0]
    check_bounds(made, row, reached=min(weights) >= 0)


@given(st.data())
@QUICK
def test_a_tree_stays_within_bounds_that_are_reached(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 5))
    weights = data.draw(st.lists(st.sampled_from([0.5, 1.0, 4.0]), min_size=size, max_size=size))
    made = rubric(*(crit(f"c{i}", w, scale=data.draw(st.sampled_from(FULL))) for i, w in enumerate(weights)), policy="tree")
    row = data.draw(rows_of(made, nothing=OPEN_OR_NA))[0]
    assume(any(cell is not NA for cell in row))
    check_bounds(made, row, reached=True)


@given(mixed(["add", "deduct", "gate"]), st.data())
@QUICK
def test_bounds_are_one_number_where_all_is_decided_and_only_narrow_as_verdicts_come_in(made: Rubric, data: st.DataObject) -> None:
    row = data.draw(rows_of(made, nothing=st.sampled_from([FAILED, None])))[0]
    open_cells = [i for i, cell in enumerate(row) if not isinstance(cell, float)]
    before = score_of(made, row)
    for i in data.draw(st.permutations(open_cells)):
        row = [*row[:i], data.draw(st.sampled_from(values_of(made.criteria[i].scale))), *row[i + 1 :]]
        after = score_of(made, row)
        assert before.low - SLACK <= after.low
        assert after.high <= before.high + SLACK
        assert after.coverage >= before.coverage
        before = after
    if before.value is not None:
        assert (before.low, before.high) == close((before.value, before.value))


def test_a_missing_cell_widens_the_bounds_and_is_never_a_number() -> None:
    whole, part, none = scores(binary(2, 1, -1), [[1, 0, 0], [1, FAILED, None], [FAILED] * 3])
    assert (whole.value, whole.low, whole.high, whole.coverage) == close((2 / 3, 2 / 3, 2 / 3, 1.0))
    assert (part.value, part.low, part.high, part.coverage) == close((1.0, 1 / 3, 1.0, 0.5))
    assert (none.value, none.low, none.high, none.coverage) == (None, 0.0, 1.0, 0.0)


GREYS = Ordinal((Level("poor", credit=0.25), Level("fine", credit=0.75)))
COLOURS = Choice((Level("red"), Level("green", credit=0.5)))


@pytest.mark.parametrize(("scale", "end", "value"), [(GREYS, "low", 0.625), (GREYS, "high", 0.875), (COLOURS, "high", 0.75)])
def test_bounds_are_those_of_the_scale(scale: Scale, end: str, value: float) -> None:
    assert getattr(score_of(rubric(crit("a", scale=scale), crit("b")), [FAILED, 1]), end) == value


def test_an_open_gate_reaches_the_floor_from_below_too() -> None:
    check_bounds(rubric(crit("a"), crit("gate", effect="gate"), floor=0.5), [0.0, FAILED], reached=True)


def test_a_gate_that_requires_what_is_not_known_reaches_the_floor() -> None:
    check_bounds(rubric(crit("a"), crit("gate", effect="gate", requires=("a",)), crit("b")), [FAILED, 1.0, 1.0], reached=True)


def test_a_deduction_that_requires_what_is_not_known_may_take_nothing() -> None:
    made = rubric(crit("a", 4.0), crit("cites", 0.0), crit("misquotes", -1.0, effect="deduct", requires=("cites",)))
    check_bounds(made, [1.0, FAILED, 1.0], reached=True)


def test_a_tree_in_which_nothing_applies_may_be_anything() -> None:
    found = score_of(rubric(crit("a"), policy="tree"), [NA])
    assert (found.value, found.low, found.high) == (None, 0.0, 1.0)


def test_a_tree_score_of_points_below_zero_is_refused_or_within_bounds() -> None:
    check_bounds(rubric(crit("a", 3.0), crit("b", -1.0), policy="tree"), [1.0, FAILED], reached=False)


def test_a_deduction_in_a_tree_never_earns() -> None:
    made = rubric(crit("a", 1.0), crit("slip", 1.0, effect="deduct"), policy="tree")
    clean, faulty = (s.value for s in scores(made, [[1, 0], [1, 1]]))
    assert clean is not None
    assert faulty is not None
    assert faulty < clean
