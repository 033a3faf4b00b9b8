"""Points by tier alone: A1 to A3 earn, S1 to S4 cost. The rule of GAPS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from criterial.core.method import Method
from criterial.score.cells import Cells
from criterial.score.composed import run_steps
from criterial.score.operators import Operator, Reweigh
from criterial.score.rows import Gated, RowScores
from criterial.score.totals import Clip, Total

__all__ = ["METHOD", "TierPoints", "tier_points"]


def _points() -> dict[str, float]:
    return {"A1": 5.0, "A2": 3.0, "A3": 1.0, "S1": -1.0, "S2": -2.0, "S3": -3.0, "S4": -4.0}


@dataclass(frozen=True)
class TierPoints(Gated):
    """Options of `tier_points`."""

    points: Mapping[str, float] = field(default_factory=_points)
    """Signed points by tier; a tier that is not named keeps its criteria's own."""
    clip: bool = True
    """Whether the score is kept within [0, 1]; clipped scores hide how bad the worst answers are."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.steps()

    def steps(self) -> list[Operator]:
        """Return the steps that these options stand for.

        Returns
        -------
        list of Operator
        """
        steps: list[Operator] = [Reweigh(self.points), Total("points")]
        return [*steps, Clip()] if self.clip else steps


def tier_points(cells: Cells, options: TierPoints | None = None) -> RowScores:
    """Return the points of every row over those that can be earned.

    Parameters
    ----------
    cells : Cells
        The cells. Several judges are best pooled by the panel ``conservative``, as published.
    options : TierPoints, optional
        See there.

    Returns
    -------
    RowScores

    Notes
    -----
    score = clip(sum(points of criteria met) / sum(positive points), 0, 1). What an answer says beyond the rubric costs points too:
    give it a criterion with the effect ``deduct``, and look at the score with and without, for it rewards terse answers.

    References
    ----------
    GAPS (arXiv 2510.13734).
    """
    options = options or TierPoints()
    return run_steps(cells, options.steps(), options.floor)


METHOD = Method(
    name="tier_points",
    room="score",
    call=tier_points,
    options=TierPoints,
    says="points by tier: A1 +5, A2 +3, A3 +1, S1 -1 to S4 -4, or your own",
    cites="GAPS",
)
