"""What every score method starts from: one credit a cell, pooled over layers, with what is known and what is not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from criterial.core.rubric import Panel
from criterial.core.table import CAUSE_CODES, VerdictTable
from criterial.core.verdict import State
from criterial.score.columns import Columns, columns_of, credit_of_values
from criterial.score.panel import pooled

__all__ = ["MAJORITY", "Cells", "cells_of"]

MAJORITY = Panel()
"""Each judge one vote, of equals the value that scores lower, numbers by their mean."""
_NOT_ASKED = CAUSE_CODES.index("not_asked")


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


def cells_of(table: VerdictTable, layer: int | None = None, settle: bool = True, panel: Panel = MAJORITY) -> Cells:
    """Return a table's cells, pooled over its layers as a panel says.

    Parameters
    ----------
    table : VerdictTable
        The verdicts.
    layer : int, optional
        Take this layer alone.
    settle : bool
        Whether a criterion earns nothing where what it requires is not met; False gives the verdicts as they were given.
    panel : Panel
        How layers become one verdict a cell.

    Returns
    -------
    Cells
    """
    columns = columns_of(table.rubrics)
    if layer is not None:
        table = table.layer(layer)
    state_LN = table.state_LN
    if len(state_LN) == 1 and panel.reading == "verdict":
        state_N = np.where(state_LN[0] == State.ABSENT, np.uint8(State.FAILED), state_LN[0])
        value_N, credit_N = table.value_LN[0], credit_of_values(table.value_LN[0], columns, table.column_N)
    else:
        state_N, value_N, credit_N = pooled(table, columns, panel)
    known_N = state_N == State.DECIDED
    credit_N = np.where(known_N, credit_N, 0.0)
    variance_N, graded_N = _variance(table.probs_LNK, known_N, columns, table.column_N)
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
    unasked_N = ((table.cause_LN == _NOT_ASKED) & (state_LN == State.NOT_APPLICABLE)).any(axis=0) & ~cells.applies_N
    return _with_requirements(cells, unasked_N)


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
