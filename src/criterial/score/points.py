"""Signed points: what each cell gives, what it may give, and what its criterion is worth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from criterial.score.cells import Cells

__all__ = ["Abstained", "Points", "coverage_of", "points_of"]

Abstained = Literal["skip", "zero", "partial", "fail"]
"""What a cell counts where the judge abstained: nothing on either side; no credit; a part of the credit, of positive points
alone; or the worst."""


@dataclass(frozen=True)
class Points:
    """The points of each cell, N of them. A gate has none."""

    value_N: NDArray[np.float64]
    """What the cell gives: weight times credit, or what a deduction takes, as a negative number."""
    low_N: NDArray[np.float64]
    """The least it can give."""
    high_N: NDArray[np.float64]
    """The most it can give."""
    variance_N: NDArray[np.float64]
    """Variance of what it gives, by the judge's own probabilities."""
    top_N: NDArray[np.float64]
    """What its criterion adds to the points that can be earned."""
    worst_N: NDArray[np.float64]
    """What its criterion adds to the points that can be lost, as a negative number."""
    counted_N: NDArray[np.bool_]
    """Whether the cell counts: it applies, is no gate, and is known or stands for something."""
    open_N: NDArray[np.bool_]
    """Whether it applies and is no gate."""
    capped_N: NDArray[np.bool_]
    """Whether the cap of a deduction acted."""


def points_of(cells: Cells, weight_N: NDArray[np.float64] | None = None, abstained: Abstained = "skip", partial: float = 0.5) -> Points:
    """Return the points of every cell.

    Parameters
    ----------
    cells : Cells
        The cells.
    weight_N : (N,) float, optional
        Signed points of each cell in place of its criterion's.
    abstained : str
        What a cell counts where the judge abstained: see `Abstained`.
    partial : float
        The credit of ``partial``.

    Returns
    -------
    Points
    """
    columns, at_N = cells.columns, cells.table.column_N
    weight_N = cells.weight_N if weight_N is None else weight_N
    deduct_N, numeric_N = columns.deduct_C[at_N], columns.numeric_C[at_N]
    loss_N, cap_N = np.abs(weight_N), columns.cap_C[at_N]
    low_N, high_N = columns.low_C[at_N], columns.low_C[at_N] + columns.span_C[at_N]

    def taken(count_N: NDArray[np.float64]) -> NDArray[np.float64]:
        points_N: NDArray[np.float64] = np.minimum(cap_N, loss_N * np.maximum(count_N, 0.0))
        return points_N

    count_N = np.where(numeric_N, cells.value_N, cells.credit_N)
    least_count_N = np.where(numeric_N, np.where(cells.known_N, cells.value_N, low_N), cells.least_N)
    least_taken_N = taken(np.where(cells.unsure_N, 0.0, least_count_N))
    most_taken_N = taken(np.where(numeric_N, np.where(cells.known_N, cells.value_N, high_N), cells.most_N))
    worst_taken_N = taken(np.where(numeric_N, high_N, columns.most_C[at_N]))
    loses_N = cells.abstained_N & (abstained == "fail")
    taken_N = np.where(cells.known_N, taken(count_N), np.where(loses_N, worst_taken_N, 0.0))
    credit_N = np.where(cells.known_N, cells.credit_N, _abstained_credit(weight_N, abstained, partial))
    ends = weight_N * cells.least_N, weight_N * cells.most_N
    open_N = cells.applies_N & ~columns.gate_C[at_N]
    return Points(
        value_N=np.where(deduct_N, -taken_N, weight_N * credit_N),
        low_N=np.where(deduct_N, -most_taken_N, np.minimum(*ends)),
        high_N=np.where(deduct_N, -least_taken_N, np.maximum(*ends)),
        variance_N=np.where(cells.known_N, weight_N**2 * cells.variance_N, 0.0),
        top_N=np.where(deduct_N, 0.0, np.maximum(weight_N, 0.0)),
        worst_N=np.where(deduct_N, -worst_taken_N, np.minimum(weight_N, 0.0)),
        counted_N=open_N & (cells.known_N | (cells.abstained_N & (abstained != "skip"))),
        open_N=open_N,
        capped_N=deduct_N & cells.known_N & (loss_N * count_N > cap_N),
    )


def coverage_of(cells: Cells, weight_N: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of each row's weight that is known.

    Parameters
    ----------
    cells : Cells
        The cells.
    weight_N : (N,) float
        Their points.

    Returns
    -------
    (R,) float
        In [0, 1].
    """
    size_N = np.abs(weight_N) * cells.applies_N
    all_R = cells.total(size_N)
    return cells.total(size_N * cells.known_N) / np.where(all_R > 0, all_R, 1.0)


def _abstained_credit(weight_N: NDArray[np.float64], abstained: Abstained, partial: float) -> NDArray[np.float64]:
    if abstained == "partial":
        return np.where(weight_N > 0, partial, 0.0)
    if abstained == "fail":
        return np.where(weight_N < 0, 1.0, 0.0)
    return np.zeros(len(weight_N))
