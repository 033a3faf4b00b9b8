"""The smaller policies against the arithmetic of their cards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from criterial.core.scale import Likert, Numeric
from criterial.errors import ConfigError
from criterial.formats.load import read_rubric
from criterial.score.axes import METHOD as AXES
from criterial.score.deduction import METHOD as DEDUCTION
from criterial.score.geometric import METHOD as GEOMETRIC
from criterial.score.nuggets import METHOD as NUGGETS
from criterial.score.strict import METHOD as STRICT
from criterial.score.tier_points import METHOD as TIER_POINTS
from tests.helpers_tables import COUNT, FAILED, NA, THREE, close, crit, rubric, score_of, scores


def exam(*criteria: Any, **options: Any) -> Any:
    return rubric(*criteria, policy="deduction", **options)


POINT = {"scale": Numeric(0.0, 3.0, integer=True)}


@pytest.mark.parametrize(
    ("made", "row", "marks"),
    [
        (exam(crit("a", 3.0), crit("b", 2.0)), [1, 1], 5.0),
        (exam(crit("a", 3.0), crit("b", 2.0)), [1, 0], 3.0),
        (exam(crit("each", 3.0, **POINT), crit("b", 2.0)), [2, 1], 4.0),  # each of three symptoms +1
        (exam(crit("a", 5.0), crit("slip", -1.0, effect="deduct", scale=COUNT)), [1, 2], 3.0),
        (exam(crit("a", 5.0), crit("slip", -1.0, effect="deduct", scale=COUNT, cap=2.0)), [1, 3], 3.0),  # three times 1, at most 2
        (exam(crit("a", 2.0), crit("slip", -1.0, effect="deduct", scale=COUNT)), [1, 3], 0.0),  # never below 0
        (exam(crit("a", 4.0), crit("b", 4.0)), [1, 1], 5.0),  # never above full marks
        (exam(crit("a", 4.0), crit("b", 4.0), full=10.0), [1, 1], 8.0),
        (exam(crit("a", 2.0), crit("b", 2.0), crit("both", 1.0, requires=("a", "b"))), [1, 0, 1], 2.0),
        (exam(crit("a", 2.0), crit("b", 2.0), crit("both", 1.0, requires=("a", "b"))), [1, 1, 1], 5.0),
        (exam(crit("a", 3.0, scale=THREE, all_or_nothing=True), crit("b", 2.0)), [1, 1], 2.0),  # any error in it costs all of it
        (exam(crit("a", 3.0, scale=THREE), crit("b", 2.0)), [1, 1], 3.5),
    ],
    ids=range(12),
)
def test_an_exam_is_marked_as_an_examiner_would(made: Any, row: list[float], marks: float) -> None:
    assert score_of(made, row).value == pytest.approx(marks)


def test_an_exam_with_a_point_that_was_not_marked_has_bounds_and_no_silent_zero() -> None:
    found = score_of(exam(crit("a", 3.0), crit("b", 2.0)), [1, FAILED])
    assert (found.value, found.low, found.high) == close((5.0, 3.0, 5.0))


@pytest.mark.parametrize(("fails", "left"), [(0, 1.0), (1, 0.5), (2, 0.25), (5, 0.03125)])
def test_each_check_that_fails_halves_its_criterion_however_many_it_has(fails: int, left: float) -> None:
    made = rubric(*(crit(f"c{i}", category=("one",)) for i in range(8)), policy="geometric")
    row = [0] * fails + [1] * (8 - fails)
    assert score_of(made, row).value == pytest.approx(left)
    assert score_of(rubric(*made.criteria, policy="geometric", rho=1.0), row).value == 1.0


def test_the_score_may_lie_on_either_side_of_the_share_of_checks_met() -> None:
    many = rubric(*(crit(f"c{i}", category=("one",)) for i in range(10)), policy="geometric")
    assert score_of(many, [0] + [1] * 9).value == 0.5
    assert score_of(rubric(crit("c", category=("one",)), policy="geometric"), [0]).value == 0.5


def test_independent_failures_give_the_expected_score_of_the_binomial() -> None:
    rng = np.random.default_rng(3)
    made = rubric(*(crit(f"c{i}", category=("one",)) for i in range(7)), policy="geometric")
    rows = (rng.random((4000, 7)) >= 0.209).astype(float)
    values = np.array([s.value for s in scores(made, rows.tolist())])
    assert abs(values.mean() - (1 - 0.209 / 2) ** 7) < 3 * values.std() / np.sqrt(len(values))


def test_with_the_usual_number_of_checks_given_a_longer_criterion_is_no_harsher() -> None:
    def half_failed(size: int) -> float:
        made = rubric(*(crit(f"c{i}", category=("one",)) for i in range(size)), policy="geometric", typical_points=4.0)
        return score_of(made, [0] * (size // 2) + [1] * (size // 2)).value or 0.0

    assert half_failed(4) == pytest.approx(half_failed(8)) == pytest.approx(0.25)


def test_points_by_tier_are_those_of_the_published_table() -> None:
    made = rubric(*(crit(f"c{i}", tier=t) for i, t in enumerate(("A1", "A1", "A2", "S3"))), policy="tier_points")
    met, bad = scores(made, [[1, 0, 1, 1], [0, 0, 0, 1]])
    assert met.value == pytest.approx(5 / 13)
    assert bad.value == 0.0
    assert score_of(rubric(*made.criteria, policy="tier_points", clip=False), [0, 0, 0, 1]).value == pytest.approx(-3 / 13)


def test_axes_count_alike_however_many_items_they_have_and_only_those_that_apply() -> None:
    made = rubric(
        *(crit(f"a{i}", category=("a",)) for i in range(4)), crit("b", category=("b",)), crit("c", category=("c",)), policy="axes"
    )
    assert score_of(made, [1, 1, 0, 0, 1, NA]).value == pytest.approx((0.5 + 1.0) / 2)
    assert score_of(made, [NA] * 6).value is None


def test_items_of_both_polarities_are_averaged_by_polarity() -> None:
    made = rubric(crit("p"), crit("q"), crit("n", -1.0), policy="axes", by="all")
    assert [s.value for s in scores(made, [[1, 0, 0], [1, 1, 1], [0, 0, 1]])] == pytest.approx([0.75, 0.5, 0.0])


def test_five_point_scales_are_told_in_their_own_points_and_marks_in_bands() -> None:
    made = [crit(f"c{i}", scale=Likert(5), category=("d" if i < 2 else "e",)) for i in range(3)]
    assert score_of(rubric(*made, policy="axes", marks=[1, 5]), [5, 4, 2]).value == pytest.approx((4.5 + 2) / 2)
    cuts = [0.2, 0.4, 0.6, 0.8]
    assert [s.value for s in scores(rubric(*made, policy="axes", marks=[1, 5], cuts=cuts), [[5, 5, 5], [3, 3, 3], [1, 1, 1]])] == [
        5.0,
        3.0,
        1.0,
    ]


def test_partial_support_is_half_a_fact_and_strictly_none() -> None:
    made = [crit("v", tier="vital", scale=THREE), crit("o", tier="okay", scale=THREE)]
    assert score_of(rubric(*made, policy="nuggets"), [1, 2]).value == pytest.approx((2 * 0.5 + 1) / 3)
    assert score_of(rubric(*made, policy="nuggets", strict=True), [1, 2]).value == pytest.approx(1 / 3)


def test_strict_completion_is_one_where_all_that_is_required_is_met() -> None:
    made = rubric(crit("a"), crit("b"), crit("extra", required=False), policy="strict")
    assert [s.value for s in scores(made, [[1, 1, 0], [1, 0, 1], [1, 1, 1]])] == [1.0, 0.0, 1.0]
    whole = score_of(rubric(*made.criteria, policy="strict", required_only=False), [1, 1, 0]).value
    assert whole == 0.0
    unknown = score_of(made, [1, FAILED, 1])
    assert (unknown.value, unknown.low, unknown.high) == (1.0, 0.0, 1.0)


@pytest.mark.parametrize(
    ("method", "options"),
    [
        (DEDUCTION, {"full": 0.0}),
        (DEDUCTION, {"floor": float("nan")}),
        (GEOMETRIC, {"rho": 0.0}),
        (GEOMETRIC, {"typical_points": -1.0}),
        (AXES, {"marks": [1]}),
        (AXES, {"marks": [5, 1]}),
        (AXES, {"weights": {"a": -1.0}}),
        (NUGGETS, {"weights": {"vital": float("inf")}}),
        (STRICT, {"nothing": 1}),
        (TIER_POINTS, {"points": {"A1": 1e200}}),
    ],
    ids=lambda v: getattr(v, "name", repr(v)),
)
def test_options_that_mean_nothing_are_refused(method: Any, options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        method.with_options(options)


def test_the_nine_axes_of_a_prompt_and_its_response_are_scored_in_marks_with_both_sides_apart() -> None:
    made = read_rubric(Path(__file__).resolve().parents[2] / "examples" / "peem.yaml")
    assert [c.scope for c in made.criteria].count("task") == 3
    found = score_of(made, [5, 4, 5, 2, 3, 2, 5, 3, 3])
    assert found.value == pytest.approx((14 / 3 + 18 / 6) / 2)
    assert (found.parts["category:prompt"].value, found.parts["category:response"].value) == close((14 / 3, 3.0))
    assert score_of(made, [FAILED] * 9).value is None
