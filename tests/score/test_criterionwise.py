"""criterial.score.criterionwise: criteria weigh, critical ones veto, and a pair is won where both orders say so."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest

import criterial as cr
from criterial.core.builder import table_of
from criterial.core.criterion import Criterion
from criterial.core.ports import Answer, DecisionReply, DecisionRequest, Usage
from criterial.core.rubric import Policy, Rubric
from criterial.core.scale import Level, Ordinal
from criterial.core.verdict import State, Verdict
from criterial.errors import ConfigError
from criterial.score.criterionwise import METHOD, both_orders, hybrid_results, pair_totals
from criterial.score.scoring import score
from tests.helpers_tables import FAILED, Cell, case, crit, response, verdict

BETTER = Ordinal((Level("lost"), Level("tied"), Level("won")))
FIVE = Ordinal(tuple(map(Level, ("far worse", "worse", "same", "better", "far better"))))
WEIGHTS = {"core": 5.0, "important": 2.0, "highlight": 1.0}


def total(*items: tuple[str, float]) -> float:
    """Return the total of one pair from its criteria's types and scores."""
    kinds, scores = [k for k, _ in items], np.array([s for _, s in items])
    weight, critical = np.array([WEIGHTS.get(k, 0.0) for k in kinds]), np.array([k == "critical" for k in kinds], dtype=np.bool_)
    return float(pair_totals(scores, weight, critical, np.zeros(len(items), dtype=np.int64), 1)[0])


# ---------------------------------------------------------------------------------------------------------------- the card's arithmetic


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([("core", 2.0), ("highlight", -2.0)], 8 / 6),  # the card: 1.333
        ([("core", 2.0), ("highlight", -2.0), ("critical", -1.0)], -1.0),
        ([("core", 2.0), ("core", 2.0), ("critical", -1.0), ("important", 2.0)], -1.0),
        ([("critical", -1.0), ("critical", 2.0), ("core", -2.0)], 1.0),
        ([("critical", -1.0), ("critical", 1.0), ("core", 2.0)], 0.0),
        ([("core", 0.0), ("highlight", 0.0), ("critical", 0.0)], 0.0),
        ([("core", 0.0), ("highlight", 1.0)], 1.0),  # what ties has no weight
        ([("core", 1.0), ("important", -2.0), ("highlight", -1.0)], 0.0),
        ([("core", 2.0), ("important", 2.0), ("critical", 0.0)], 2.0),
    ],
)
def test_totals_are_those_of_the_cards_table(items: list[tuple[str, float]], expected: float) -> None:
    assert total(*items) == pytest.approx(expected, abs=1e-12)


def test_rows_are_totalled_apart_and_one_without_criteria_is_even() -> None:
    found = pair_totals(np.array([2.0, -2.0, 1.0]), np.array([5.0, 1.0, 1.0]), np.array([False] * 3), np.array([0, 0, 2]), 3)
    assert found == pytest.approx([8 / 6, 0.0, 1.0])


TRUTH = {
    # shown first, shown second: strict, compat
    (1, 1): (1.0, 1.0),
    (1, 0): (0.5, 1.0),
    (1, -1): (0.5, 0.5),
    (0, 1): (0.5, 0.5),
    (0, 0): (0.5, 0.5),
    (0, -1): (0.5, 0.0),
    (-1, 1): (0.5, 0.5),
    (-1, 0): (0.5, 0.5),
    (-1, -1): (0.0, 0.0),
}


def test_two_orders_follow_the_cards_table_of_nine() -> None:
    for (first, second), expected in TRUTH.items():
        assert tuple(float(both_orders(np.array([first]), np.array([second]), c)[0]) for c in (False, True)) == expected
        # good if F > 0 and B <= 0, bad if F <= 0 and B > 0, with B as the other response, shown first, has it
        backward = -second
        assert expected[1] == (1.0 if first > 0 and backward <= 0 else 0.0 if first <= 0 and backward > 0 else 0.5)


def test_what_one_response_of_a_pair_wins_the_other_loses() -> None:
    first, second = (np.array(v, dtype=np.float64) for v in zip(*TRUTH, strict=True))
    for compat in (False, True):
        # the other response is shown first where this one is shown second
        assert both_orders(first, second, compat).tolist() == (1 - both_orders(-second, -first, compat)).tolist()


def test_labels_and_votes_together_make_a_winner() -> None:
    labels = np.array([[[4, 4, 5], [5, 5, 5]]] * 3, dtype=np.float64)
    found = hybrid_results(labels, np.array([[2, 0], [1, 1], [0, 2]]))
    assert found.total_P2.tolist() == [[23, 15], [18, 20], [13, 25]]  # the first two are the card's
    assert found.result_P.tolist() == [1.0, 0.0, 0.0]
    assert hybrid_results(labels, np.array([[1, 1]] * 3), bonus=0.0).result_P.tolist() == [0.0] * 3
    assert hybrid_results(labels[:1, :, [2, 2]], np.array([[1, 1]])).result_P.tolist() == [0.5]


def test_an_item_without_a_label_for_one_answer_counts_for_neither() -> None:
    labels = np.array([[[4, 4, 0], [5, 5, 5]]], dtype=np.float64)
    known = np.array([[[True, True, False], [True, True, True]]])
    assert hybrid_results(labels, np.array([[1, 1]]), known).total_P2.tolist() == [[13, 15]]


# ---------------------------------------------------------------------------------------------------------------- tables


def paired(*criteria: Criterion, **options: Any) -> Rubric:
    return Rubric(criteria, None, Policy("criterionwise", options))


def about(name: str, tier: str = "", weight: float = 1.0, scale: Any = BETTER, **fields: Any) -> Criterion:
    return crit(name, weight, scale=scale, scope="pair", tier=tier, **fields)


def judged(made: Rubric, *repeats: Sequence[Cell], mirrored: bool = True, judges: Sequence[str] = ()) -> list[Any]:
    """Return the scores of a pair, given the first response's verdicts in each repeat (or each judge's one)."""
    owner = case(made, 2)
    told: list[Verdict] = []
    for k, row in enumerate(repeats):
        where = {"judge": judges[k]} if judges else {"repeat": k}
        for criterion, cell in zip(made.criteria, row, strict=True):
            mine = verdict(owner, owner.responses[0], criterion, cell, **where)
            if mine is None:
                continue
            top = 1.0 if criterion.scale.type == "binary" else len(criterion.scale.levels) - 1.0  # type: ignore[union-attr]
            value = None if mine.value is None else top - mine.value
            told += [mine, *([replace(mine, response="r1", value=value)] if mirrored else [])]
    return list(score(table_of([owner], told)))


TYPED = paired(about("core", "core"), about("highlight", "highlight"), about("critical", "critical"))


@pytest.mark.parametrize(
    ("cells", "value"),
    [([2, 0, 1], 1.0), ([2, 0, 0], 0.0), ([0, 2, 1], 0.0), ([0, 0, 2], 1.0), ([1, 1, 1], 0.5), ([1, 0, 1], 0.0), ([1, 2, 1], 1.0)],
)
def test_a_core_criterion_outweighs_a_highlight_and_a_critical_one_all(cells: list[Cell], value: float) -> None:
    one, other = judged(TYPED, cells, cells)
    assert (one.value, other.value) == (value, 1.0 - value)
    assert (one.low, one.high, one.coverage) == (value, value, 1.0)


def test_weights_come_from_the_tier_and_else_from_the_criterion() -> None:
    own = paired(about("a", weight=5.0), about("b", weight=4.0), about("c", weight=-2.0))
    assert [s.value for s in judged(own, [2, 0, 1], [2, 0, 1])] == [1.0, 0.0]
    assert [s.value for s in judged(own, [2, 0, 2], [2, 0, 2])] == [0.0, 1.0]  # to win on a fault is to lose
    given = paired(about("a", "x"), about("b", "y"), weights={"x": 1.0, "y": 3.0})
    assert judged(given, [2, 0], [2, 0])[0].value == 0.0
    veto = paired(about("a", weight=9.0), about("b", "must"), critical="must")
    assert judged(veto, [2, 0], [2, 0])[0].value == 0.0


@pytest.mark.parametrize(("first", "second"), TRUTH)
@pytest.mark.parametrize("compat", [False, True])
def test_both_orders_decide_for_the_first_response_of_a_case_and_for_the_second(first: int, second: int, compat: bool) -> None:
    made = paired(about("a"), orders="compat" if compat else "strict")
    expected = TRUTH[first, second][compat]
    one, other = judged(made, [first + 1], [second + 1])
    assert (one.value, other.value) == (expected, 1.0 - expected)


def test_one_order_alone_decides() -> None:
    for cell, value in ((2, 1.0), (1, 0.5), (0, 0.0)):
        assert judged(paired(about("a")), [cell])[0].value == value


def test_where_one_of_two_orders_has_no_verdict_there_is_no_result_and_its_bounds_say_what_is_left() -> None:
    one, other = judged(paired(about("a")), [2], [FAILED])
    assert (one.value, one.low, one.high) == (None, 0.5, 1.0)
    assert (other.value, other.low, other.high) == (None, 0.0, 0.5)


def test_judges_and_repeats_of_one_order_vote() -> None:
    made = paired(about("a"))
    assert judged(made, [2], [0], [2], [2], [2], [2])[0].value == 1.0
    assert judged(made, [2], [0], [2], [0], [2], [2])[0].value == 0.5
    assert judged(made, [2], [2], [0], judges=("x", "y", "z"))[0].value == 1.0


@pytest.mark.parametrize("made", [TYPED, paired(about("a", weight=2.0), about("b", weight=-1.0), about("c", scale=FIVE))])
@pytest.mark.parametrize("orders", ["strict", "compat"])
def test_the_bounds_are_reached_by_some_completion_and_left_by_none(made: Rubric, orders: str) -> None:
    made = replace(made, policy=Policy("criterionwise", {"orders": orders}))
    tops = [len(c.scale.levels) for c in made.criteria]  # type: ignore[union-attr]
    rng = np.random.default_rng(0)
    for _ in range(8):
        cells: list[list[Cell]] = [[float(rng.integers(t)) for t in tops] for _ in range(2)]
        gaps = [divmod(int(g), 3) for g in rng.choice(6, 2, replace=False)]
        for repeat, place in gaps:
            cells[repeat][place] = FAILED
        found = judged(made, *cells)[0]
        every = []
        for fill in product(*(range(tops[place]) for _, place in gaps)):
            for (repeat, place), value in zip(gaps, fill, strict=True):
                cells[repeat][place] = float(value)
            every.append(judged(made, *cells)[0].value)
        assert (min(every), max(every)) == (found.low, found.high)


def test_beside_criteria_about_the_pair_only_gates_count() -> None:
    made = paired(about("better"), crit("long", 99.0), crit("gate", effect="gate"))
    owner = case(made, 2)
    cells = {"r0": [2, 0, 1], "r1": [0, 1, 1]}
    told = [
        verdict(owner, r, c, cell, repeat=k)
        for k in (0, 1)
        for r in owner.responses
        for c, cell in zip(made.criteria, cells[r.id], strict=True)
    ]
    assert [s.value for s in score(table_of([owner], [v for v in told if v]))] == [1.0, 0.0]
    failed = [replace(v, value=0.0) if v and (v.response, v.criterion) == ("r0", "gate") else v for v in told]
    assert [s.value for s in score(table_of([owner], [v for v in failed if v]))] == [0.0, 0.0]


def test_a_criterion_that_does_not_apply_says_nothing() -> None:
    found = judged(TYPED, [2, 2, State.NOT_APPLICABLE], [2, 2, State.NOT_APPLICABLE])[0]
    assert (found.value, found.low, found.high, found.coverage) == (1.0, 1.0, 1.0, 1.0)


def test_options_that_make_no_sense_are_refused() -> None:
    for wrong in ({"weights": {"core": -1.0}}, {"orders": "both"}):
        with pytest.raises(ConfigError, match="criterionwise"):
            METHOD.with_options(wrong)


# ------------------------------------------------------------------------------------------------------------- a habit of the first place


def test_a_habit_of_the_first_place_costs_accuracy_in_one_order_and_only_ties_in_both() -> None:
    """The card's 60/40 habit: a fifth of the verdicts go to the response shown first, whatever it is."""
    rng, pairs = np.random.default_rng(3), 20_000
    truth = np.where(np.arange(pairs) % 2, 1.0, -1.0)
    shown_first, shown_second = (np.where(rng.random(pairs) < 0.2, place, truth) for place in (1.0, -1.0))
    single, both = both_orders(shown_first, shown_first), both_orders(shown_first, shown_second)
    assert (single == 1.0).mean() == pytest.approx(0.6, abs=0.01)
    assert (single == (truth + 1) / 2).mean() == pytest.approx(0.9, abs=0.01)
    decided = both != 0.5
    assert (both[decided] == (truth[decided] + 1) / 2).all()
    assert abs((both == 1.0).sum() / decided.sum() - 0.5) < 0.02
    assert (~decided).mean() == pytest.approx(0.2, abs=0.01)


class Habitual:
    """Prefers the response that holds the criterion's id, and between equals the one shown first."""

    name = identity = "habitual"
    calibrated, questions_per_call = True, 100

    async def decide(self, request: DecisionRequest) -> DecisionReply:
        await asyncio.sleep(0)
        text = {b.label: b.text for b in request.input.blocks}
        leads = [(q.name in text["first"]) - (q.name in text["second"]) for q in request.questions]
        return DecisionReply(tuple(Answer("decided", tuple(float(i == (1 + v if v else 2)) for i in range(3))) for v in leads), Usage(1))

    def estimate(self, request: DecisionRequest) -> Usage:
        return Usage(1)

    async def close(self) -> None:
        pass


def test_a_run_over_pairs_is_scored_by_criterion_and_order() -> None:
    made = [
        case(TYPED, [response("r0", one), response("r1", other)], f"t{i}")
        for i, (one, other) in enumerate([("core", "highlight"), ("core", "critical"), ("same", "same"), ("highlight core", "core")])
    ]
    values = [s.value for s in cr.grade(made, Habitual(), store="sqlite://", repeats=2).scores]
    # between equals the habit of the first place makes a critical win of one order and a loss of the other: a tie
    assert values == [0.5, 0.5, 0.0, 1.0, 0.5, 0.5, 0.5, 0.5]
    single = [s.value for s in cr.grade(made, Habitual(), store="sqlite://").scores]
    assert single == [1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.0]
