"""The geometric penalty: every check that is missed leaves a share of what its criterion was worth. The rule of ProImage-Bench."""

from __future__ import annotations

from dataclasses import dataclass

from criterial.core.method import Method
from criterial.score.board import within
from criterial.score.cells import Cells
from criterial.score.composed import run_steps
from criterial.score.operators import Group
from criterial.score.rows import Gated, RowScores
from criterial.score.totals import Total

__all__ = ["METHOD", "Geometric", "geometric"]


@dataclass(frozen=True)
class Geometric(Gated):
    """Options of `geometric`."""

    rho: float = 0.5
    """What is left where one check of weight 1 is missed."""
    by: str = "category"
    """What makes a criterion of the checks: ``category``, ``subcategory``, ``parent`` (a node of the tree), ``tier`` ..."""
    typical_points: float = 0.0
    """Where positive, the penalty is for a group of that many points: one of twice as many loses half as much a check. 0 is the
    published rule, which is harsher on criteria with more checks."""

    def __post_init__(self) -> None:
        super().__post_init__()
        within("rho", self.rho, 1e-6, 1.0)
        within("the points of the usual group", self.typical_points, 0.0, 1e9)


def geometric(cells: Cells, options: Geometric | None = None) -> RowScores:
    """Return the mean over criteria of rho to the power of the checks missed.

    Parameters
    ----------
    cells : Cells
        The cells: the checks.
    options : Geometric, optional
        See there.

    Returns
    -------
    RowScores

    Notes
    -----
    s_g = rho^z, z = sum(|w| (1 - v)) over the merits of group g plus sum(|w| v) over its faults; the score is the mean of s_g. What is
    not known is taken to miss at the rate of what is. The share of checks met (the benchmark's Acc) is the policy ``weighted``,
    pooled over responses.

    References
    ----------
    ProImage-Bench (arXiv 2512.12220).
    """
    options = options or Geometric()
    steps = (Group(options.by, "geometric", options.rho, options.typical_points), Total("mean"))
    return run_steps(cells, steps, options.floor)


METHOD = Method(
    name="geometric",
    room="score",
    call=geometric,
    options=Geometric,
    says="each check that is missed halves (rho) what its criterion is worth; mean over criteria",
    cites="ProImage-Bench",
)
