"""The weighted sum of signed points: the rule of HealthBench, of autorubric and of rubric."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from criterial.core.method import Method
from criterial.errors import ConfigError
from criterial.score.cells import Cells
from criterial.score.rows import RowScores

__all__ = ["METHOD", "Weighted", "weighted"]


@dataclass(frozen=True)
class Weighted:
    """Options of `weighted`."""

    normalise: bool = True
    """Divide by the positive points; False gives the raw sum of points."""
    clip: Literal["response", "mean", "none"] = "response"
    """What is kept within [0, 1]: each normalised score, only the mean over responses (HealthBench's rule), or nothing."""
    negative_only: bool = True
    """Score a rubric without positive points as 1 minus the share of points lost; False leaves it without a score."""
    abstained: Literal["skip", "zero", "partial", "fail"] = "skip"
    """What a cell counts where the judge abstained: nothing on either side; no credit; a part of the credit, of positive
    points alone; or the worst."""
    partial: float = 0.5
    """The credit of ``partial``."""
    floor: float = 0.0
    """The score where a gate fails."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.partial <= 1.0:
            raise ConfigError(f"the credit of a cell that was abstained from is in [0, 1], not {self.partial:g}")
        if not math.isfinite(self.floor):
            raise ConfigError(f"the floor is a finite score, not {self.floor}")


def weighted(cells: Cells, options: Weighted | None = None) -> RowScores:
    """Return the weighted score of every row.

    Parameters
    ----------
    cells : Cells
        The cells.
    options : Weighted, optional
        See there.

    Returns
    -------
    RowScores

    Notes
    -----
    With w the signed points, v the credit and all sums over the cells that are known and apply,
    S = sum(w v) / sum(max(w, 0)). A deduction takes min(cap, |w| n) points for n occurrences. A gate adds no points; where it
    fails the score is the floor. The bounds let every cell that is not known take each credit it may have, with the points
    of all cells that apply in the denominator; a score from the known cells alone never leaves them. Where points can be
    earned but nothing that earns them is known, there is no score.

    References
    ----------
    HealthBench (simple-evals, `calculate_score`); autorubric 1.6.1, its four strategies for cells that cannot be assessed.
    """
    options = options or Weighted()
    points = _Points(cells, options)
    counted_N = cells.known_N | (cells.abstained_N & (options.abstained != "skip"))
    counted_N &= cells.applies_N & ~points.gate_N
    open_N = cells.applies_N & ~points.gate_N
    sum_R, top_R, lost_R = (cells.total(np.where(counted_N, a, 0.0)) for a in (points.value_N, points.top_N, points.worst_N))
    all_top_R, all_lost_R = (cells.total(np.where(open_N, a, 0.0)) for a in (points.top_N, points.worst_N))
    low_sum_R, high_sum_R = (cells.total(np.where(open_N, a, 0.0)) for a in (points.least_N, points.most_N))
    value_R, known_R = _normalised(sum_R, top_R, lost_R, options)
    low_R, low_known_R = _normalised(low_sum_R, all_top_R, all_lost_R, options)
    high_R, _ = _normalised(high_sum_R, all_top_R, all_lost_R, options)
    known_R &= cells.total(counted_N.astype(np.float64)) > 0
    if options.normalise:
        known_R &= (top_R > 0) | (all_top_R <= 0)
    scale_R = np.where(top_R > 0, top_R, -lost_R) if options.normalise else np.ones_like(top_R)
    variance_R = cells.total(np.where(cells.known_N & open_N, points.unit_N**2 * cells.variance_N, 0.0))
    graded_R = cells.total((cells.graded_N & open_N).astype(np.float64)) > 0
    low_R, high_R = np.where(low_known_R, low_R, 0.0), np.where(low_known_R, high_R, 1.0)
    scores = RowScores(
        value_R=np.where(known_R, np.clip(value_R, low_R, high_R), 0.0),
        known_R=known_R,
        low_R=low_R,
        high_R=high_R,
        se_R=np.sqrt(variance_R) / np.where(scale_R > 0, scale_R, 1.0),
        graded_R=graded_R & known_R,
        coverage_R=_coverage(cells),
        capped_N=points.capped_N & cells.known_N,
        clip_mean=options.normalise and options.clip != "none",
    )
    return scores.with_gates(cells, options.floor)


class _Points:
    """Points of each cell: what it gives, the most and least it can give, and what its criterion is worth."""

    def __init__(self, cells: Cells, options: Weighted) -> None:
        weight_N, columns, at_N = cells.weight_N, cells.columns, cells.table.column_N
        self.gate_N = columns.gate_C[at_N]
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
        self.capped_N = deduct_N & (loss_N * count_N > cap_N)
        credit_N = np.where(cells.known_N, cells.credit_N, _abstained_credit(cells, options))
        loses_N = cells.abstained_N & (options.abstained == "fail")
        taken_N = np.where(cells.known_N, taken(count_N), np.where(loses_N, worst_taken_N, 0.0))
        self.unit_N = np.where(deduct_N, loss_N, weight_N)
        self.value_N = np.where(deduct_N, -taken_N, weight_N * credit_N)
        self.top_N = np.where(deduct_N, 0.0, np.maximum(weight_N, 0.0))
        self.worst_N = np.where(deduct_N, -worst_taken_N, np.minimum(weight_N, 0.0))
        ends = weight_N * cells.least_N, weight_N * cells.most_N
        self.least_N = np.where(deduct_N, -most_taken_N, np.minimum(*ends))
        self.most_N = np.where(deduct_N, -least_taken_N, np.maximum(*ends))


def _abstained_credit(cells: Cells, options: Weighted) -> NDArray[np.float64]:
    if options.abstained == "partial":
        return np.where(cells.weight_N > 0, options.partial, 0.0)
    if options.abstained == "fail":
        return np.where(cells.weight_N < 0, 1.0, 0.0)
    return np.zeros(len(cells.weight_N))


def _normalised(
    sum_R: NDArray[np.float64], top_R: NDArray[np.float64], lost_R: NDArray[np.float64], options: Weighted
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    if not options.normalise:
        return sum_R, np.ones(len(sum_R), dtype=np.bool_)
    share_R = sum_R / np.where(top_R > 0, top_R, 1.0)
    falls_R = 1.0 + sum_R / np.where(lost_R < 0, -lost_R, 1.0)
    value_R = np.where(top_R > 0, share_R, falls_R)
    known_R = (top_R > 0) | ((lost_R < 0) & options.negative_only)
    return (np.clip(value_R, 0.0, 1.0) if options.clip == "response" else value_R), known_R


def _coverage(cells: Cells) -> NDArray[np.float64]:
    weight_N = np.abs(cells.weight_N) * cells.applies_N
    all_R = cells.total(weight_N)
    return cells.total(weight_N * cells.known_N) / np.where(all_R > 0, all_R, 1.0)


METHOD = Method(
    name="weighted",
    room="score",
    call=weighted,
    options=Weighted,
    says="weighted sum of signed points over the positive points, gates and capped deductions included",
    cites="HealthBench; autorubric 1.6.1; rubric 2.2",
)
