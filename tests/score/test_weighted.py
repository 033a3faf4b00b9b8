"""The weighted score is HealthBench's and autorubric's rule to the last digit, and deductions, gates and options act as they say."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from criterial.core.criterion import Criterion
from criterial.core.scale import Numeric
from criterial.core.score import Score
from criterial.core.verdict import State
from criterial.errors import ConfigError
from criterial.score.systems import system_scores
from tests.helpers_tables import (
    ABSTAINED,
    COUNT,
    FAILED,
    MANY,
    NA,
    QUICK,
    THREE,
    WEIGHTS,
    Cell,
    binary,
    close,
    credits_of,
    crit,
    figures,
    flat_rubrics,
    rows_of,
    rubric,
    score_of,
    scores,
)


def healthbench(items: Sequence[tuple[float, bool]]) -> float | None:
    """Return a HealthBench example's score: points of what is met over the positive points, not clipped; None without positive points."""
    possible = sum(points for points, _ in items if points > 0)
    return None if possible == 0 else sum(points for points, met in items if met) / possible


@given(st.lists(st.lists(st.tuples(WEIGHTS, st.booleans()), min_size=1, max_size=8), min_size=1, max_size=5))
@MANY
def test_healthbench_scores_are_not_clipped_one_by_one_but_their_mean_is(examples: list[list[tuple[float, bool]]]) -> None:
    found = scores(
        [binary(*(w for w, _ in e), clip="mean", negative_only=False) for e in examples], [[float(met) for _, met in e] for e in examples]
    )
    expected = [healthbench(e) for e in examples]
    assert [s.value for s in found] == [close(v) for v in expected]
    scored = [v for v in expected if v is not None]
    mean = system_scores(found)[0].mean.value
    assert mean == close(min(1.0, max(0.0, statistics.fmean(scored))) if scored else None)


def autorubric(cells: Sequence[tuple[float, float | State | None]], strategy: str, partial: float) -> float | None:
    """Return autorubric's score of one row of (weight, credit or why there is none)."""
    counted: list[tuple[float, float]] = []
    for weight, cell in cells:
        if isinstance(cell, float):
            counted.append((weight, cell))
        elif cell is ABSTAINED and strategy != "skip":
            worst = 1.0 if weight < 0 else 0.0
            counted.append((weight, {"zero": 0.0, "partial": partial if weight > 0 else 0.0, "fail": worst}[strategy]))
    positive = sum(w for w, _ in counted if w > 0)
    negative = sum(-w for w, _ in counted if w < 0)
    points = sum(w * credit for w, credit in counted)
    if positive > 0:
        return min(1.0, max(0.0, points / positive))
    return min(1.0, max(0.0, 1.0 + points / negative)) if negative > 0 else None


@given(st.data())
@MANY
def test_scores_are_those_of_autorubric_under_each_of_its_strategies(data: st.DataObject) -> None:
    made = data.draw(flat_rubrics())
    strategy = data.draw(st.sampled_from(["skip", "zero", "partial", "fail"]))
    partial = data.draw(st.floats(0, 1))
    row: list[Any] = data.draw(rows_of(made, nothing=st.sampled_from([FAILED, ABSTAINED, NA, None])))[0]
    found = score_of(rubric(*made.criteria, abstained=strategy, partial=partial), row)
    credits = [credits_of(c.scale)[v] if isinstance(v, float) else v for c, v in zip(made.criteria, row, strict=True)]
    weights = [c.weight for c in made.criteria]
    if lost_all_merits(list(zip(weights, credits, strict=True)), strategy):
        return  # see test_a_score_from_faults_alone_stays_within_its_bounds
    expected = autorubric(list(zip(weights, credits, strict=True)), strategy, partial)
    assert found.value == close(expected)


def lost_all_merits(cells: Sequence[tuple[float, float | State | None]], strategy: str) -> bool:
    """Return whether points can be earned, but none of the cells that could earn them counts."""
    counts = [isinstance(v, float) or (v is ABSTAINED and strategy != "skip") for _, v in cells]
    earning = [n for (w, v), n in zip(cells, counts, strict=True) if w > 0 and v is not NA]
    return bool(earning) and not any(earning)


@pytest.mark.parametrize(
    ("strategy", "value"),
    # +4 met, +1 and -3 abstained, +3 unmet
    [("skip", 4 / 7), ("zero", 4 / 8), ("partial", (4 + 0.25) / 8), ("fail", (4 - 3) / 8)],
)
def test_what_an_abstention_counts_is_chosen(strategy: str, value: float) -> None:
    found = score_of(binary(4, 1, -3, 3, abstained=strategy, partial=0.25), [1, ABSTAINED, ABSTAINED, 0])
    assert found.value == close(value)
    assert (found.low, found.high, found.coverage) == close((1 / 8, 5 / 8, 7 / 11))


def test_a_partial_credit_is_a_half_unless_said_otherwise() -> None:
    assert score_of(binary(1, 3, abstained="partial"), [ABSTAINED, 0]).value == 0.125


@pytest.mark.parametrize("strategy", ["skip", "zero", "partial", "fail"])
def test_a_failed_call_is_never_treated_as_an_abstention(strategy: str) -> None:
    assert score_of(binary(1, 1, abstained=strategy), [1, FAILED]).value == 1.0
    assert score_of(binary(1, 1, abstained=strategy), [FAILED, None]).value is None


@pytest.mark.parametrize(
    ("options", "value"),
    [
        ({}, 0.0),
        ({"clip": "none"}, -0.75),
        ({"clip": "mean"}, -0.75),
        ({"normalise": False}, -3.0),
        ({"normalise": False, "clip": "mean"}, -3.0),
    ],
)
def test_a_score_below_zero_is_clipped_or_not_as_asked(options: dict[str, Any], value: float) -> None:
    assert score_of(binary(2, 2, -5, **options), [1, 0, 1]).value == value


def test_a_rubric_of_faults_alone_starts_at_one_or_has_no_score() -> None:
    assert score_of(binary(-1, -3), [0, 0]).value == 1.0
    assert score_of(binary(-1, -3), [1, 0]).value == 0.75
    assert score_of(binary(-1, -3), [1, 1]).value == 0.0
    without = score_of(binary(-1, -3, negative_only=False), [1, 0])
    assert (without.value, without.low, without.high) == (None, 0.0, 1.0)


def test_a_rubric_without_points_has_no_score() -> None:
    found = score_of(binary(0, 0), [1, 1])
    assert (found.value, found.low, found.high, found.coverage) == (None, 0.0, 1.0, 0.0)


@given(flat_rubrics(), st.data())
@QUICK
def test_what_does_not_apply_leaves_both_sums(made: Any, data: st.DataObject) -> None:
    row = data.draw(rows_of(made, nothing=st.sampled_from([NA, FAILED])))[0]
    staying = [i for i, cell in enumerate(row) if cell is not NA]
    whole = score_of(made, row)
    if not staying:
        assert (whole.value, whole.low, whole.high, whole.coverage) == (None, 0.0, 1.0, 0.0)
        return
    assert figures(whole) == close(figures(score_of(rubric(*(made.criteria[i] for i in staying)), [row[i] for i in staying])))


# Deductions


@pytest.mark.parametrize(
    ("weight", "cap", "count", "taken", "capped"),
    [
        (-1.0, 2.0, 3, 2.0, True),
        (-1.0, 2.0, 2, 2.0, False),
        (-1.0, 2.0, 1, 1.0, False),
        (-1.0, 2.0, 0, 0.0, False),
        (-1.0, None, 3, 3.0, False),
        (1.0, 2.0, 3, 2.0, True),  # |weight| an occurrence, whatever its sign
        (-0.5, 2.0, 3, 1.5, False),
        (-2.0, 0.0, 3, 0.0, True),
    ],
)
def test_a_deduction_takes_its_points_for_every_occurrence_up_to_its_cap(
    weight: float, cap: float | None, count: int, taken: float, capped: bool
) -> None:
    made = rubric(crit("good", 4.0), crit("slip", weight, effect="deduct", scale=COUNT, cap=cap), normalise=False)
    found = score_of(made, [1, count])
    assert found.value == pytest.approx(4.0 - taken)
    assert found.capped == (("slip",) if capped else ())
    assert (found.low, found.high) == (found.value, found.value)


def test_a_deduction_adds_nothing_to_what_can_be_earned() -> None:
    made = rubric(crit("good", 4.0), crit("slip", 2.0, effect="deduct"))
    assert [s.value for s in scores(made, [[1, 0], [1, 1], [0, 1]])] == [1.0, 0.5, 0.0]


def test_a_rubric_of_deductions_alone_loses_shares_of_the_most_that_they_can_take() -> None:
    made = rubric(crit("slips", -1.0, effect="deduct", scale=COUNT, cap=2.0), crit("lies", 2.0, effect="deduct"))
    assert [s.value for s in scores(made, [[0, 0], [1, 0], [3, 0], [0, 1], [3, 1]])] == [1.0, 0.75, 0.5, 0.5, 0.0]


@pytest.mark.parametrize(("cap", "low"), [(None, (4 - 3) / 4), (2.0, (4 - 2) / 4)])
def test_a_deduction_that_is_not_known_may_take_all_that_its_cap_lets_it(cap: float | None, low: float) -> None:
    found = score_of(rubric(crit("good", 4.0), crit("slip", -1.0, effect="deduct", scale=COUNT, cap=cap)), [1, FAILED])
    assert (found.value, found.low, found.high) == close((1.0, low, 1.0))
    assert found.capped == ()


def test_a_deduction_the_judge_abstained_on_takes_its_worst_under_fail_and_nothing_else_wise() -> None:
    slip = crit("slip", -1.0, effect="deduct", scale=COUNT, cap=2.0)
    found = {s: score_of(rubric(crit("good", 4.0), slip, abstained=s), [1, ABSTAINED]).value for s in ("skip", "zero", "partial", "fail")}
    assert found == {"skip": 1.0, "zero": 1.0, "partial": 1.0, "fail": 0.5}


# Gates


@pytest.mark.parametrize(("weight", "fatal"), [(1.0, 0), (0.0, 0), (-1.0, 1)])
def test_a_good_gate_must_be_met_and_a_bad_one_must_not_be(weight: float, fatal: int) -> None:
    made = rubric(crit("a", 1.0), crit("b", 3.0), crit("gate", weight, effect="gate"), floor=-0.5, clip="none")
    failed, passed, unknown = scores(made, [[1, 1, fatal], [1, 0, 1 - fatal], [1, 0, FAILED]])
    assert (failed.value, failed.low, failed.high, failed.vetoed_by) == (-0.5, -0.5, -0.5, ("gate",))
    assert (passed.value, passed.low, passed.high, passed.vetoed_by) == (0.25, 0.25, 0.25, ())
    assert (unknown.value, unknown.low, unknown.high, unknown.vetoed_by) == (0.25, -0.5, 0.25, ())


def test_a_gate_that_fails_decides_even_where_nothing_else_is_known() -> None:
    found = score_of(rubric(crit("a"), crit("gate", effect="gate")), [FAILED, 0])
    assert (found.value, found.low, found.high) == (0.0, 0.0, 0.0)


def test_a_gate_that_does_not_apply_is_no_gate() -> None:
    found = score_of(rubric(crit("a"), crit("gate", effect="gate")), [1, NA])
    assert (found.value, found.low, found.vetoed_by) == (1.0, 1.0, ())


@pytest.mark.parametrize(("threshold", "level", "vetoed"), [(0.5, 0, True), (0.5, 1, False), (0.75, 1, True), (0.75, 2, False)])
def test_a_gate_counts_as_met_from_its_threshold(threshold: float, level: int, vetoed: bool) -> None:
    made = rubric(crit("a"), crit("gate", effect="gate", scale=THREE, threshold=threshold))
    assert bool(score_of(made, [1, level]).vetoed_by) == vetoed


def test_all_gates_that_failed_are_named_and_gates_earn_no_points() -> None:
    made = rubric(crit("g1", 9.0, effect="gate"), crit("a", 1.0), crit("g2", -9.0, effect="gate"), crit("b", 1.0))
    assert score_of(made, [0, 1, 1, 1]).vetoed_by == ("g1", "g2")
    assert score_of(made, [1, 1, 0, 0]).value == 0.5


# Requirements

NOT_ASKED = {"state": NA, "cause": "not_asked"}


def chain(*names: str, weight: float = 1.0, **fields: Any) -> list[Criterion]:
    """Return criteria each of which requires the one before it."""
    return [crit(n, weight, requires=names[i - 1 : i], **fields) for i, n in enumerate(names)]


@pytest.mark.parametrize(
    ("row", "value", "low", "high"),
    [
        ([1, 1, 1], 1.0, 1.0, 1.0),
        ([0, 1, 1], 0.0, 0.0, 0.0),  # nothing down the chain earns, and all of it stays in the denominator
        ([1, 0, 1], 1 / 3, 1 / 3, 1 / 3),
        ([1, 1, 0], 2 / 3, 2 / 3, 2 / 3),
        ([0, FAILED, FAILED], 0.0, 0.0, 0.0),  # what cannot earn is decided without a verdict
        ([0, NOT_ASKED, NOT_ASKED], 0.0, 0.0, 0.0),
        ([FAILED, 1, 1], 1.0, 0.0, 1.0),  # not known: it may take the whole chain with it
        ([1, FAILED, 1], 1.0, 1 / 3, 1.0),
        ([ABSTAINED, 0, 1], 0.0, 0.0, 1 / 3),
        ([NA, 1, 0], 0.5, 0.5, 0.5),  # a requirement that does not apply binds nobody
        ([None, None, None], None, 0.0, 1.0),
    ],
)
def test_what_requires_earns_only_where_what_is_required_is_met(row: list[Cell], value: float | None, low: float, high: float) -> None:
    found = score_of(rubric(*chain("a", "b", "c")), row)
    assert found.value == close(value)
    assert (found.low, found.high) == close((low, high))


def test_requirements_are_settled_whatever_the_order_of_criteria() -> None:
    rows = [[0, 1, 1], [1, 0, 1], [FAILED, 1, 1]]
    forward = scores(rubric(*chain("a", "b", "c")), rows)
    backward = scores(rubric(*reversed(chain("a", "b", "c"))), [row[::-1] for row in rows])
    assert [figures(s) for s in forward] == [close(figures(s)) for s in backward]


def test_all_of_several_requirements_must_be_met() -> None:
    made = rubric(crit("a", 0.0), crit("b", 0.0), crit("c", requires=("a", "b")))
    assert [s.value for s in scores(made, [[1, 1, 1], [1, 0, 1], [0, 1, 1], [0, 0, 1]])] == [1.0, 0.0, 0.0, 0.0]


@pytest.mark.parametrize(("threshold", "level", "value"), [(0.5, 1, 1.0), (0.75, 1, 0.0), (0.75, 2, 1.0)])
def test_a_requirement_is_met_from_its_threshold(threshold: float, level: int, value: float) -> None:
    made = rubric(crit("a", 0.0, scale=THREE, threshold=threshold), crit("b", requires=("a",)))
    assert score_of(made, [level, 1]).value == value


def test_a_fault_that_requires_something_costs_nothing_without_it() -> None:
    made = rubric(crit("cites"), crit("misquotes", -1.0, requires=("cites",)), crit("answers"), clip="none")
    assert [s.value for s in scores(made, [[1, 1, 1], [0, 1, 1]])] == [0.5, 0.5]


# Whole credit, and parts


@pytest.mark.parametrize(("scale", "value", "credit"), [(THREE, 1, 0.0), (THREE, 2, 1.0), (COUNT, 2, 0.0), (COUNT, 3, 1.0)])
def test_all_or_nothing_earns_only_for_full_credit(scale: Any, value: float, credit: float) -> None:
    made = rubric(crit("a", scale=scale, all_or_nothing=True), crit("b", 3.0))
    assert score_of(made, [value, 0]).value == credit / 4


def parts_of(found: Score) -> dict[str, float | None]:
    return {name: part.value for name, part in found.parts.items()}


def test_required_optional_categories_and_tiers_are_scored_apart() -> None:
    made = rubric(
        crit("a", 1.0, category=("style",), tier="A"),
        crit("b", 3.0, category=("facts", "dates"), tier="A"),
        crit("c", 2.0, category=("facts", "names"), tier="B", required=False),
        crit("d", -2.0, required=False),
        crit("g", effect="gate", category=("facts",)),
    )
    found = score_of(made, [1, 0, 1, FAILED, 1])
    assert parts_of(found) == {
        "category:facts": 2 / 5,
        "category:facts/dates": 0.0,
        "category:facts/names": 1.0,
        "category:style": 1.0,
        "optional": 1.0,
        "required": 1 / 4,
        "tier:A": 1 / 4,
        "tier:B": 1.0,
    }
    optional = found.parts["optional"]
    assert (optional.low, optional.high, optional.coverage) == (0.0, 1.0, 0.5)


@given(flat_rubrics(effects=("add", "deduct")), st.data())
@QUICK
def test_a_part_is_scored_as_a_rubric_of_its_criteria_alone(made: Any, data: st.DataObject) -> None:
    kinds = data.draw(st.lists(st.sampled_from(["x", "y"]), min_size=len(made.criteria), max_size=len(made.criteria)))
    row = data.draw(rows_of(made, nothing=st.sampled_from([NA, FAILED, ABSTAINED])))[0]
    tiered = [crit(c.id, c.weight, scale=c.scale, effect=c.effect, cap=c.cap, tier=k) for c, k in zip(made.criteria, kinds, strict=True)]
    whole = score_of(rubric(*tiered), row)
    for kind in set(kinds):
        inside = [i for i, k in enumerate(kinds) if k == kind]
        alone = score_of(rubric(*(made.criteria[i] for i in inside)), [row[i] for i in inside])
        assert figures(whole.parts[f"tier:{kind}"]) == close(figures(alone))


def test_a_part_belongs_to_the_rows_whose_rubric_has_it_and_is_none_where_nothing_in_it_is_decided() -> None:
    with_x, without = rubric(crit("a", tier="x"), crit("b", tier="y")), rubric(crit("a", tier="y"))
    first, second = scores([with_x, without], [[FAILED, 1], [1]])
    assert parts_of(first) == {"tier:x": None, "tier:y": 1.0}
    assert parts_of(second) == {"tier:y": 1.0}


def test_a_rubric_whose_criteria_are_all_required_has_no_parts_for_that() -> None:
    assert score_of(binary(1, 1), [1, 0]).parts == {}
    assert set(score_of(rubric(crit("a", required=False)), [1]).parts) == {"optional"}


@pytest.mark.parametrize(
    ("policy", "options", "message"),
    [("weighted", {"floors": 1}, "no option floors"), ("weighted", {"clip": "row"}, "clip"), ("median", {}, "no method 'median'")],
)
def test_a_policy_that_does_not_exist_or_has_other_options_is_refused(policy: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        score_of(rubric(crit("a"), policy=policy, **options), [1])


def test_a_score_from_faults_alone_stays_within_its_bounds() -> None:
    found = score_of(binary(-1, -9, 1), [1, 0, FAILED])
    assert found.value is None or found.low <= found.value <= found.high


def test_all_or_nothing_holds_in_a_table_of_numbers_alone() -> None:
    assert score_of(rubric(crit("a", scale=COUNT, all_or_nothing=True)), [2]).value == 0.0


def test_a_counted_deduction_that_requires_something_takes_nothing_without_it() -> None:
    made = rubric(crit("a", 4.0), crit("cites", 0.0), crit("misquotes", -1.0, effect="deduct", scale=COUNT, requires=("cites",)))
    assert score_of(made, [1, 0, 3]).value == 1.0


def test_what_does_not_apply_stays_out_even_where_what_it_requires_is_not_met() -> None:
    assert score_of(rubric(crit("a"), crit("b", requires=("a",)), crit("c")), [0, NA, 1]).value == 0.5


def test_a_chain_of_two_thousand_requirements_is_settled() -> None:
    names = [f"c{i}" for i in range(2000)]
    assert score_of(rubric(*reversed(chain(*names))), [1] * 2000).value == 1.0


def test_a_great_number_beside_a_yes_no_criterion_is_scored() -> None:
    assert score_of(rubric(crit("a", scale=Numeric(0, 1e20)), crit("b")), [1e20, 1]).value == 1.0
