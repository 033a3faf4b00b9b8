"""Layers are pooled by majority with ties to the lower score, and the judge's noise is measured as its formulas say."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from criterial.core.criterion import Criterion
from criterial.core.rubric import Rubric
from criterial.core.scale import Likert, Numeric
from criterial.core.verdict import State
from criterial.score.cells import cells_of
from criterial.score.panel import vote_entropy
from criterial.score.scoring import score
from tests.helpers_tables import (
    ABSTAINED,
    COUNT,
    FAILED,
    NA,
    POSITIVE,
    QUICK,
    SCALES,
    THREE,
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
    table,
    values_of,
)

VOTES = st.sampled_from([FAILED, ABSTAINED, NA, None])


def pooled(criterion: Criterion, votes: Sequence[Cell]) -> tuple[State, float | None]:
    """Return state and value of a cell from its votes, by the words of `cells_of`."""
    heard = [v for v in votes if v is not None and v is not FAILED]
    given_ = [v for v in heard if isinstance(v, float)]
    if not heard:
        return State.FAILED, None
    if 2 * len(given_) < len(heard):
        apart = sum(v is NA for v in heard)
        return (State.NOT_APPLICABLE if apart > sum(v is ABSTAINED for v in heard) else State.ABSTAINED), None
    if isinstance(criterion.scale, Numeric):
        return State.DECIDED, statistics.fmean(given_)
    counts = Counter(given_)
    tied = [v for v in counts if counts[v] == max(counts.values())]
    credits = credits_of(criterion.scale)
    sign = -1 if criterion.weight < 0 else 1
    return State.DECIDED, min(tied, key=lambda v: sign * credits[v])


@given(flat_rubrics(), st.data())
@QUICK
def test_a_cell_is_the_majority_of_its_layers_and_a_tie_goes_to_the_lower_score(made: Rubric, data: st.DataObject) -> None:
    layers = [data.draw(rows_of(made, nothing=VOTES)) for _ in range(data.draw(st.integers(2, 5)))]
    if all(cell is None for layer in layers for cell in layer[0]):
        return  # no verdict, no layer
    cells = cells_of(table(made, *layers))
    for i, criterion in enumerate(made.criteria):
        credits = credits_of(criterion.scale)
        votes = [layer[0][i] for layer in layers]
        tied = Counter(credits[v] for v in votes if isinstance(v, float))
        assume(len(tied) == len({v for v in votes if isinstance(v, float)}))  # levels of equal credit may stand for one another
        state, value = pooled(criterion, votes)
        assert cells.known_N[i] == (state == State.DECIDED)
        assert cells.applies_N[i] == (state != State.NOT_APPLICABLE)
        assert cells.abstained_N[i] == (state == State.ABSTAINED)
        if value is not None:
            assert cells.value_N[i] == close(value)
            expected = (
                (value - criterion.scale.low) / (criterion.scale.high - criterion.scale.low)
                if isinstance(criterion.scale, Numeric)
                else credits[value]
            )
            assert cells.credit_N[i] == cells.least_N[i] == cells.most_N[i] == close(expected)
        else:
            assert (cells.value_N[i], cells.credit_N[i], cells.least_N[i], cells.most_N[i]) == (0.0, 0.0, 0.0, 1.0)


@pytest.mark.parametrize(
    ("criterion", "votes", "value"),
    [
        (crit("a", 1.0), [1, 0], 0.0),
        (crit("a", -1.0), [1, 0], 1.0),  # a fault: met scores lower
        (crit("a", 1.0), [1, 1, 0], 1.0),
        (crit("a", -1.0), [0, 0, 1], 0.0),
        (crit("a", 1.0, scale=Likert(5)), [5, 2, 4], 2.0),
        (crit("a", 1.0, scale=Likert(5)), [5, 5, 2, 2, 4], 2.0),
        (crit("a", -1.0, scale=Likert(5)), [5, 5, 2, 2, 4], 5.0),
        (crit("a", 1.0, scale=COUNT), [1, 2, 3], 2.0),
        (crit("a", 1.0, scale=COUNT), [1, 2, FAILED, None], 1.5),
        (crit("a", effect="gate"), [1, 0], 0.0),
        (crit("a", -1.0, effect="gate"), [1, 0], 1.0),
    ],
)
@pytest.mark.parametrize("turn", [1, -1])
def test_ties_in_either_order(criterion: Criterion, votes: list[Cell], value: float, turn: int) -> None:
    assert cells_of(table(rubric(criterion), *([[v]] for v in votes[::turn]))).value_N.tolist() == [value]


@pytest.mark.parametrize("layer", [0, 1])
def test_a_single_layer_can_be_taken_alone(layer: int) -> None:
    cells = cells_of(table(binary(1, 1), [[1, FAILED]], [[0, 1]]), layer)
    assert cells.known_N.tolist() == [[True, False], [True, True]][layer]
    assert cells.credit_N.tolist() == [[1, 0], [0, 1]][layer]


@given(st.data())
@QUICK
def test_vote_entropy_is_that_of_the_shares_of_the_values_in_bits(data: st.DataObject) -> None:
    scales = data.draw(st.lists(st.sampled_from(SCALES), min_size=1, max_size=3))
    layers = data.draw(st.integers(1, 6))
    votes = [data.draw(st.lists(st.one_of(st.sampled_from(values_of(s)), VOTES), min_size=layers, max_size=layers)) for s in scales]
    assume(all(any(column[k] is not None for column in votes) for k in range(layers)))
    shares = [list(Counter(v for v in column if isinstance(v, float)).values()) for column in votes]
    expected = tuple(float(stats.entropy(s, base=2)) if s else 0.0 for s in shares)
    made = rubric(*(crit(f"c{i}", scale=s) for i, s in enumerate(scales)))
    assert tuple(vote_entropy(table(made, *([list(layer)] for layer in zip(*votes, strict=True))))) == close(expected)


@pytest.mark.parametrize(
    ("votes", "bits"), [([1, 1, 1], 0.0), ([1, 0], 1.0), ([1, 0, 0, 0], 0.8112781244591328), ([FAILED, 1], 0.0), ([FAILED], 0.0)]
)
def test_vote_entropy_of_known_votes(votes: list[Cell], bits: float) -> None:
    assert vote_entropy(table(binary(1), *([[v]] for v in votes))).tolist() == [close(bits)]


@given(flat_rubrics(weights=POSITIVE), st.data())
@QUICK
def test_the_standard_error_of_repeats_is_their_spread_over_the_root_of_their_number(made: Rubric, data: st.DataObject) -> None:
    layers = [data.draw(rows_of(made)) for _ in range(data.draw(st.integers(2, 5)))]
    each = [score_of(made, layer[0]).value for layer in layers]
    found = score_of(made, *(layer[0] for layer in layers))
    assert found.se == pytest.approx(statistics.stdev([v for v in each if v is not None]) / math.sqrt(len(each)), abs=1e-12)


def test_repeats_that_were_lost_do_not_count_as_repeats() -> None:
    lost = score_of(binary(1, 1), [1, 1], [FAILED, FAILED], [0, 1])
    assert lost.se == close(statistics.stdev([1.0, 0.5]) / math.sqrt(2))
    once = score_of(binary(1, 1), [1, 1], [FAILED, None])
    assert (once.value, once.se) == (1.0, None)
    assert score_of(binary(1, 1), [FAILED, None], [None, FAILED]).se is None


@st.composite
def graded_rows(draw: Callable[..., Any]) -> tuple[Rubric, list[Any]]:
    """Draw merits on levels, each with the judge's probabilities."""
    made = []
    row = []
    for i in range(draw(st.integers(1, 4))):
        scale = draw(st.sampled_from([s for s in SCALES if not isinstance(s, Numeric)]))
        made.append(crit(f"c{i}", draw(POSITIVE), scale=scale))
        parts = draw(st.lists(st.integers(0, 8), min_size=len(values_of(scale)), max_size=len(values_of(scale))).filter(any))
        row.append({"value": draw(st.sampled_from(values_of(scale))), "probs": tuple(p / sum(parts) for p in parts)})
    return rubric(*made), row


@given(graded_rows())
@QUICK
def test_the_standard_error_of_probabilities_is_that_of_the_score_over_every_outcome(drawn: tuple[Rubric, list[Any]]) -> None:
    made, row = drawn
    total = sum(c.weight for c in made.criteria)
    outcomes = [list(zip(cell["probs"], credits_of(c.scale).values(), strict=True)) for c, cell in zip(made.criteria, row, strict=True)]
    drawn_scores = [
        (math.prod(p for p, _ in joint), sum(c.weight * v for c, (_, v) in zip(made.criteria, joint, strict=True)) / total)
        for joint in product(*outcomes)
    ]
    mean = sum(p * v for p, v in drawn_scores)
    expected = math.sqrt(sum(p * (v - mean) ** 2 for p, v in drawn_scores))
    assert score_of(made, row).se == pytest.approx(expected, abs=2e-4)  # probabilities are kept as float32


EVEN = {"value": 1.0, "probs": (0.5, 0.5)}


@pytest.mark.parametrize(
    ("made", "row", "se"),
    [
        (binary(1, 1), [1, 0], None),  # no probabilities, no error
        (binary(1), [EVEN], 0.5),
        (binary(3, 1), [EVEN, 1], 0.375),
        (binary(3, 4), [EVEN, EVEN], 2.5 / 7),
        (binary(2, -1), [1, EVEN], 0.25),
        (binary(-1, -3), [EVEN, 0], 0.125),
        (binary(1, 1, normalise=False), [EVEN, EVEN], math.sqrt(0.5)),
        (rubric(crit("a", 4.0), crit("b", -2.0, effect="deduct")), [1, EVEN], 0.25),
        (rubric(crit("a"), crit("b", scale=THREE)), [1, {"value": 0.0, "probs": (0.5, 0.0, 0.5)}], 0.25),
        (rubric(crit("a"), crit("g", effect="gate")), [1, EVEN], None),  # a gate earns nothing
        (rubric(crit("a"), crit("b", requires=("a",))), [0, EVEN], 0.0),
        (binary(1, 1), [EVEN, FAILED], 0.5),
        (binary(1, 1), [EVEN, {"state": ABSTAINED, "cause": "uncertain", "probs": (0.5, 0.5)}], 0.5),
    ],
)
def test_the_standard_error_counts_what_counts(made: Rubric, row: list[Cell], se: float | None) -> None:
    assert score_of(made, row).se == close(se)


def test_a_veto_is_certain() -> None:
    found = score_of(rubric(crit("a"), crit("g", effect="gate")), [EVEN, 0])
    assert found.se == 0.0


def test_probabilities_of_repeats_are_averaged_where_one_of_them_alone_has_a_score() -> None:
    cells = cells_of(table(binary(1), [[EVEN]], [[EVEN]]))
    assert cells.variance_N.tolist() == [0.125]  # the mean of two draws
    assert cells.graded_N.tolist() == [True]


def test_pooling_writes_nothing_into_the_table() -> None:
    made = table(binary(1, -1), [[1, ABSTAINED]], [[0, 1]])
    before = [a.copy() for a in (made.state_LN, made.value_LN, made.cause_LN)]
    score(made)
    assert all(np.array_equal(a, b) for a, b in zip(before, (made.state_LN, made.value_LN, made.cause_LN), strict=True))


def test_several_equal_repeats_score_as_one() -> None:
    once, thrice = score_of(binary(2, -1, 1), [1, 1, FAILED]), score_of(binary(2, -1, 1), *([[1, 1, FAILED]] * 3))
    assert figures(once) == figures(thrice)
    assert (once.se, thrice.se) == (None, 0.0)


def test_a_tied_deduction_goes_to_the_lower_score() -> None:
    made = rubric(crit("a", 2.0), crit("slip", 1.0, effect="deduct"))
    assert score_of(made, [1, 1], [1, 0]).value == 0.5


def test_the_standard_error_of_all_or_nothing_is_that_of_nothing_or_all() -> None:
    made = rubric(crit("a", scale=THREE, all_or_nothing=True))
    assert score_of(made, [{"value": 2.0, "probs": (0.0, 0.5, 0.5)}]).se == 0.5


def test_the_standard_error_of_a_deduction_is_within_its_cap() -> None:
    made = rubric(crit("a", 4.0), crit("slip", -4.0, effect="deduct", cap=1.0))
    assert score_of(made, [1, EVEN]).se == 0.125
