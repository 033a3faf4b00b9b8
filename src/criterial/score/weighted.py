"""The weighted sum of signed points: the rule of HealthBench, of autorubric and of rubric."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from criterial.core.method import Method
from criterial.errors import ConfigError
from criterial.score.cells import Cells
from criterial.score.points import Abstained, coverage_of, points_of
from criterial.score.rows import Gated, RowScores

__all__ = ["METHOD", "Weighted", "weighted"]


@dataclass(frozen=True)
class Weighted(Gated):
    """Options of `weighted`."""

    normalise: bool = True
    """Divide by the positive points; False gives the raw sum of points."""
    clip: Literal["response", "mean", "none"] = "response"
    """What is kept within [0, 1]: each normalised score, only the mean over responses (HealthBench's rule), or nothing."""
    negative_only: bool = True
    """Score a rubric without positive points as 1 minus the share of points lost; False leaves it without a score."""
    abstained: Abstained = "skip"
    """What a cell counts where the judge abstained: nothing on either side; no credit; a part of the credit, of positive
    points alone; or the worst."""
    partial: float = 0.5
    """The credit of ``partial``."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0.0 <= self.partial <= 1.0:
            raise ConfigError(f"the credit of a cell that was abstained from is in [0, 1], not {self.partial:g}")


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
    points = points_of(cells, abstained=options.abstained, partial=options.partial)
    sum_R, top_R, lost_R = (cells.total(np.where(points.counted_N, a, 0.0)) for a in (points.value_N, points.top_N, points.worst_N))
    all_top_R, all_lost_R = (cells.total(np.where(points.open_N, a, 0.0)) for a in (points.top_N, points.worst_N))
    low_sum_R, high_sum_R = (cells.total(np.where(points.open_N, a, 0.0)) for a in (points.low_N, points.high_N))
    value_R, known_R = _normalised(sum_R, top_R, lost_R, options)
    low_R, low_known_R = _normalised(low_sum_R, all_top_R, all_lost_R, options)
    high_R, _ = _normalised(high_sum_R, all_top_R, all_lost_R, options)
    known_R &= cells.total(points.counted_N.astype(np.float64)) > 0
    if options.normalise:
        known_R &= (top_R > 0) | (all_top_R <= 0)
    scale_R = np.where(top_R > 0, top_R, -lost_R) if options.normalise else np.ones_like(top_R)
    variance_R = cells.total(np.where(points.open_N, points.variance_N, 0.0))
    graded_R = cells.total((cells.graded_N & points.open_N).astype(np.float64)) > 0
    low_R, high_R = np.where(low_known_R, low_R, 0.0), np.where(low_known_R, high_R, 1.0)
    scores = RowScores(
        value_R=np.where(known_R, np.clip(value_R, low_R, high_R), 0.0),
        known_R=known_R,
        low_R=low_R,
        high_R=high_R,
        se_R=np.sqrt(variance_R) / np.where(scale_R > 0, scale_R, 1.0),
        graded_R=graded_R & known_R,
        coverage_R=coverage_of(cells, cells.weight_N),
        capped_N=points.capped_N,
        clip_mean=options.normalise and options.clip != "none",
    )
    return scores.with_gates(cells, options.floor)


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


METHOD = Method(
    name="weighted",
    room="score",
    call=weighted,
    options=Weighted,
    says="weighted sum of signed points over the positive points, gates and capped deductions included",
    cites="HealthBench; autorubric 1.6.1; rubric 2.2",
)
