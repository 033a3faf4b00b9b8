"""What every score method starts from: one credit a cell, pooled over layers, with what is known and what is not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from criterial.core.criterion import Criterion
from criterial.core.rubric import Rubric
from criterial.core.scale import Likert, Numeric, Scale, levels_of
from criterial.core.table import CAUSE_CODES, VerdictTable
from criterial.core.verdict import State

__all__ = ["Cells", "Columns", "cells_of", "columns_of", "vote_entropy"]

_NOT_ASKED = CAUSE_CODES.index("not_asked")


@dataclass(frozen=True)
class Columns:
    """The criteria of a table as arrays, C of them (and U rubrics one after another)."""

    weight_C: NDArray[np.float64]
    """Signed points."""
    deduct_C: NDArray[np.bool_]
    """Whether the criterion deducts an occurrence."""
    fault_C: NDArray[np.bool_]
    """Whether meeting it is bad."""
    gate_C: NDArray[np.bool_]
    """Whether it is a gate."""
    cap_C: NDArray[np.float64]
    """Most points that a deduction takes; inf is no cap."""
    limit_C: NDArray[np.float64]
    """Most credit that counts: of a capped deduction its cap as a share of its points, elsewhere inf."""
    threshold_C: NDArray[np.float64]
    """Credit from which it counts as met."""
    required_C: NDArray[np.bool_]
    """Whether it is required."""
    whole_C: NDArray[np.bool_]
    """Whether anything less than full credit earns none."""
    numeric_C: NDArray[np.bool_]
    """Whether its scale is numeric."""
    low_C: NDArray[np.float64]
    """Least value of a numeric scale, 0 elsewhere."""
    span_C: NDArray[np.float64]
    """Range of a numeric scale, 1 elsewhere."""
    base_C: NDArray[np.int64]
    """Value of the first level."""
    credit_CK: NDArray[np.float64]
    """Credit of each level as it counts (`Criterion.all_or_nothing` applied), 0 beyond the last."""
    least_C: NDArray[np.float64]
    """Least credit that a value of the scale earns."""
    most_C: NDArray[np.float64]
    """Most credit that a value of the scale earns."""
    requires: tuple[tuple[int, int, int], ...]
    """Triples (rubric, place of a criterion in it, place of one that it requires), in an order in which every requirement
    is settled before what rests on it."""


@lru_cache(maxsize=4096)
def _credits(scale: Scale, whole: bool) -> tuple[float, ...]:
    credits = tuple(v.credit or 0.0 for v in levels_of(scale))
    return tuple(float(c >= 1.0) for c in credits) if whole else credits


def columns_of(rubrics: Sequence[Rubric]) -> Columns:
    """Return the criteria of rubrics as arrays.

    Parameters
    ----------
    rubrics : sequence of Rubric
        In the table's order.

    Returns
    -------
    Columns
    """
    criteria = [c for r in rubrics for c in r.criteria]
    column = partial(_column, criteria)
    levels = [_credits(c.scale, c.all_or_nothing) for c in criteria]
    return Columns(
        weight_C=column(lambda c: c.weight, np.float64),
        deduct_C=column(lambda c: c.effect == "deduct", np.bool_),
        fault_C=column(lambda c: c.is_fault, np.bool_),
        gate_C=column(lambda c: c.effect == "gate", np.bool_),
        cap_C=column(lambda c: np.inf if c.cap is None else c.cap, np.float64),
        limit_C=column(_limit, np.float64),
        threshold_C=column(lambda c: c.threshold, np.float64),
        required_C=column(lambda c: c.required, np.bool_),
        whole_C=column(lambda c: c.all_or_nothing, np.bool_),
        numeric_C=column(lambda c: isinstance(c.scale, Numeric), np.bool_),
        low_C=column(lambda c: _range(c)[0], np.float64),
        span_C=column(lambda c: _range(c)[1], np.float64),
        base_C=column(lambda c: isinstance(c.scale, Likert), np.int64),
        credit_CK=_credit_table(levels),
        least_C=np.array([min(row, default=0.0) for row in levels], dtype=np.float64),
        most_C=np.array([max(row, default=1.0) for row in levels], dtype=np.float64),
        requires=tuple((u, i, j) for u, r in enumerate(rubrics) for i, j in _requirements(r)),
    )


def _column(criteria: Sequence[Criterion], take: Callable[[Criterion], float], kind: type[Any]) -> NDArray[Any]:
    return np.fromiter((take(c) for c in criteria), dtype=kind, count=len(criteria))


def _limit(criterion: Criterion) -> float:
    if criterion.cap is None or criterion.effect != "deduct" or not criterion.weight:
        return np.inf
    return criterion.cap / abs(criterion.weight)


def _range(criterion: Criterion) -> tuple[float, float]:
    scale = criterion.scale
    return (scale.low, scale.high - scale.low) if isinstance(scale, Numeric) else (0.0, 1.0)


def _credit_table(rows: Sequence[tuple[float, ...]]) -> NDArray[np.float64]:
    credit_CK = np.zeros((len(rows), max(map(len, rows), default=0)))
    for i, row in enumerate(rows):
        credit_CK[i, : len(row)] = row
    return credit_CK


def _requirements(rubric: Rubric) -> list[tuple[int, int]]:
    return [(place, rubric.index[other]) for place in rubric.settling_order for other in rubric.criteria[place].requires]


@dataclass(frozen=True)
class Cells:
    """The cells of a table, N of them, each with its credit or what is left open."""

    table: VerdictTable
    """Where they come from."""
    columns: Columns
    """Their criteria."""
    state_N: NDArray[np.uint8]
    """`State` of each cell as it was judged, before requirements."""
    known_N: NDArray[np.bool_]
    """Whether the credit is known: the cell is decided, or what it requires is not met."""
    applies_N: NDArray[np.bool_]
    """Whether its criterion applies to its response."""
    abstained_N: NDArray[np.bool_]
    """Whether the judge abstained and nothing else settles the cell."""
    moot_N: NDArray[np.bool_]
    """Whether what it requires is not met."""
    unsure_N: NDArray[np.bool_]
    """Whether it is not known if what it requires is met."""
    value_N: NDArray[np.float64]
    """Value in the criterion's scale, 0 where not known or moot."""
    credit_N: NDArray[np.float64]
    """Credit in [0, 1], 0 where not known or moot."""
    least_N: NDArray[np.float64]
    """Least credit possible: the credit where known and sure, else the least of the scale, 0 where unsure."""
    most_N: NDArray[np.float64]
    """Most credit possible: the credit where known, else the most of the scale."""
    variance_N: NDArray[np.float64]
    """Variance of the credit by the judge's own probabilities, 0 where it gave none."""
    graded_N: NDArray[np.bool_]
    """Whether there were probabilities."""

    @property
    def rows(self) -> int:
        """How many rows."""
        return len(self.table.responses)

    @cached_property
    def weight_N(self) -> NDArray[np.float64]:
        """Signed points of each cell."""
        return self.columns.weight_C[self.table.column_N]

    def of(self, array_C: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return a property of criteria for each cell.

        Parameters
        ----------
        array_C : (C,) bool
            The property.

        Returns
        -------
        (N,) bool
        """
        return array_C[self.table.column_N]

    def only(self, inside_N: NDArray[np.bool_]) -> Cells:
        """Return the cells with all others left out, as if they did not apply.

        Parameters
        ----------
        inside_N : (N,) bool
            Which cells stay.

        Returns
        -------
        Cells
        """
        return replace(self, known_N=self.known_N & inside_N, applies_N=self.applies_N & inside_N, abstained_N=self.abstained_N & inside_N)

    def total(self, values_N: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the sum over each row.

        Parameters
        ----------
        values_N : (N,) float
            A number a cell.

        Returns
        -------
        (R,) float
        """
        return np.bincount(self.table.row_N, values_N, minlength=self.rows).astype(np.float64, copy=False)


def cells_of(table: VerdictTable, layer: int | None = None, settle: bool = True) -> Cells:
    """Return a table's cells, pooled over its layers.

    A cell is decided where at least half of the layers that were not lost decided it; its value is then the one most layers
    gave, of equals the one that scores lower (numbers: the mean).

    Parameters
    ----------
    table : VerdictTable
        The verdicts.
    layer : int, optional
        Take this layer alone.
    settle : bool
        Whether a criterion earns nothing where what it requires is not met; False gives the verdicts as they were given.

    Returns
    -------
    Cells
    """
    columns = columns_of(table.rubrics)
    picked = slice(None) if layer is None else slice(layer, layer + 1)
    state_LN, value_LN, probs_LNK = table.state_LN[picked], table.value_LN[picked], table.probs_LNK[picked]
    single = len(state_LN) == 1
    state_N = state_LN[0] if single else _pooled_state(state_LN)
    value_N = value_LN[0] if single else _pooled_value(state_LN, value_LN, columns, table.column_N)
    known_N = state_N == State.DECIDED
    credit_N = np.where(known_N, _credit(value_N, columns, table.column_N), 0.0)
    variance_N, graded_N = _variance(probs_LNK, known_N, columns, table.column_N)
    cells = Cells(
        table=table,
        columns=columns,
        state_N=state_N,
        known_N=known_N,
        applies_N=state_N != State.NOT_APPLICABLE,
        abstained_N=state_N == State.ABSTAINED,
        moot_N=np.zeros(len(known_N), dtype=np.bool_),
        unsure_N=np.zeros(len(known_N), dtype=np.bool_),
        value_N=np.where(known_N, value_N, 0.0),
        credit_N=credit_N,
        least_N=np.where(known_N, credit_N, columns.least_C[table.column_N]),
        most_N=np.where(known_N, credit_N, columns.most_C[table.column_N]),
        variance_N=variance_N,
        graded_N=graded_N,
    )
    if not (settle and columns.requires):
        return cells
    unasked_N = ((table.cause_LN[picked] == _NOT_ASKED) & (state_LN == State.NOT_APPLICABLE)).any(axis=0) & ~cells.applies_N
    return _with_requirements(cells, unasked_N)


def vote_entropy(table: VerdictTable) -> NDArray[np.float64]:
    """Return how much the layers disagree on each cell: the entropy of their votes in bits, 0 where they agree.

    Parameters
    ----------
    table : VerdictTable
        With several layers.

    Returns
    -------
    (N,) float
    """
    decided_LN = table.state_LN == State.DECIDED
    count_N = decided_LN.sum(axis=0)
    entropy_N = np.zeros(decided_LN.shape[1])
    order = np.where(decided_LN, table.value_LN, np.inf)
    order.sort(axis=0)
    for value_N, votes_N in _votes(order):
        share_N = np.where(np.isfinite(value_N), votes_N, 0) / np.maximum(count_N, 1)
        entropy_N -= np.where(share_N > 0, share_N * np.log2(np.maximum(share_N, 1e-300)), 0.0)
    return np.abs(entropy_N)


def _votes(sorted_LN: NDArray[np.float64]) -> list[tuple[NDArray[np.float64], NDArray[np.int64]]]:
    """Return each layer's value with how many layers gave it, counted once: at the first of its equals."""
    out = []
    for i, value_N in enumerate(sorted_LN):
        same_LN = sorted_LN == value_N
        first_N = ~same_LN[:i].any(axis=0)
        out.append((value_N, same_LN.sum(axis=0) * first_N))
    return out


def _pooled_state(state_LN: NDArray[np.uint8]) -> NDArray[np.uint8]:
    decided = (state_LN == State.DECIDED).sum(axis=0)
    apart = (state_LN == State.NOT_APPLICABLE).sum(axis=0)
    abstained = (state_LN == State.ABSTAINED).sum(axis=0)
    heard = decided + apart + abstained
    undecided = np.where(apart > abstained, State.NOT_APPLICABLE, State.ABSTAINED)
    return np.where(heard == 0, State.FAILED, np.where(2 * decided >= heard, State.DECIDED, undecided)).astype(np.uint8)


def _pooled_value(
    state_LN: NDArray[np.uint8], value_LN: NDArray[np.float64], columns: Columns, column_N: NDArray[np.int64]
) -> NDArray[np.float64]:
    decided_LN = state_LN == State.DECIDED
    count_N = np.maximum(decided_LN.sum(axis=0), 1)
    mean_N = np.where(decided_LN, value_LN, 0.0).sum(axis=0) / count_N
    falling_N = columns.fault_C[column_N]
    best_N, most_N, lowest_N = np.zeros(len(column_N)), np.zeros(len(column_N)), np.zeros(len(column_N))
    for value_N, votes_N in _votes(np.sort(np.where(decided_LN, value_LN, np.inf), axis=0)):
        finite_N = np.where(np.isfinite(value_N), value_N, 0.0)
        credit_N = _credit(finite_N, columns, column_N)
        worth_N = np.where(falling_N, -credit_N, credit_N)
        votes_N = np.where(np.isfinite(value_N), votes_N, 0)
        better_N = (votes_N > most_N) | ((votes_N == most_N) & (votes_N > 0) & (worth_N < lowest_N))
        best_N, most_N, lowest_N = (np.where(better_N, a, b) for a, b in ((finite_N, best_N), (votes_N, most_N), (worth_N, lowest_N)))
    pooled_N: NDArray[np.float64] = np.where(columns.numeric_C[column_N], mean_N, best_N)
    return pooled_N


def _credit(value_N: NDArray[np.float64], columns: Columns, column_N: NDArray[np.int64]) -> NDArray[np.float64]:
    numeric_N = columns.numeric_C[column_N]
    share_N = np.clip((value_N - columns.low_C[column_N]) / columns.span_C[column_N], 0.0, 1.0)
    share_N = np.where(columns.whole_C[column_N], (share_N >= 1.0).astype(np.float64), share_N)
    if not columns.credit_CK.shape[1]:
        return share_N
    level_N = np.where(numeric_N, 0.0, value_N).astype(np.int64) - columns.base_C[column_N]
    level_N = np.clip(level_N, 0, columns.credit_CK.shape[1] - 1)  # a cell that is not decided holds 0, which a Likert scale lacks
    return np.where(numeric_N, share_N, columns.credit_CK[column_N, level_N])


def _variance(
    probs_LNK: NDArray[np.float32], known_N: NDArray[np.bool_], columns: Columns, column_N: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    if probs_LNK.shape[2] == 0:
        return np.zeros(len(known_N)), np.zeros(len(known_N), dtype=np.bool_)
    given_LN = probs_LNK.sum(axis=2) > 0
    count_N = given_LN.sum(axis=0)
    graded_N = (count_N > 0) & known_N
    counted_CK = np.minimum(columns.credit_CK, columns.limit_C[:, None])
    credit_NK = counted_CK[column_N][:, : probs_LNK.shape[2]]
    mean_LN = (probs_LNK * credit_NK).sum(axis=2)
    within_LN = np.maximum((probs_LNK * credit_NK**2).sum(axis=2) - mean_LN**2, 0.0)
    variance_N = np.where(given_LN, within_LN, 0.0).sum(axis=0) / np.maximum(count_N, 1) / np.maximum(count_N, 1)
    return np.where(graded_N, variance_N, 0.0), graded_N


def _with_requirements(cells: Cells, unasked_N: NDArray[np.bool_]) -> Cells:
    """Return the cells with no credit where a requirement is not met, and less least credit where that is not known.

    A cell that was not asked because of a requirement is one that earns nothing; one that does not apply stays out.
    """
    table = cells.table
    credit, least, most = cells.credit_N.copy(), cells.least_N.copy(), cells.most_N.copy()
    applies, moot, unsure = cells.applies_N.copy(), cells.moot_N.copy(), cells.unsure_N.copy()
    for rubric, place, required in cells.columns.requires:
        rows = np.flatnonzero(table.rubric_R == rubric)
        here, there = table.start_R[rows] + place, table.start_R[rows] + required
        threshold = cells.columns.threshold_C[table.column_N[there]]
        counts = applies[here] | unasked_N[here]
        unmet = counts & applies[there] & (most[there] < threshold)
        applies[here] |= unmet
        moot[here] |= unmet
        unsure[here] |= counts & applies[there] & ~unmet & (least[there] < threshold)
        for array in (credit, most, least):
            array[here] = np.where(unmet, 0.0, array[here])
        least[here] = np.where(unsure[here], 0.0, least[here])
    known = cells.known_N | moot
    return replace(
        cells,
        known_N=known,
        applies_N=applies,
        abstained_N=cells.abstained_N & ~known,
        moot_N=moot,
        unsure_N=unsure & ~moot,
        value_N=np.where(moot, 0.0, cells.value_N),
        credit_N=credit,
        least_N=least,
        most_N=most,
        variance_N=np.where(moot, 0.0, cells.variance_N),
    )
