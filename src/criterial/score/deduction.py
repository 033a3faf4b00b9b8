"""Exam marking: points earned less points deducted, from 0 to full marks. The rule of SedarEval."""

from __future__ import annotations

import math
from dataclasses import dataclass

from criterial.core.method import Method
from criterial.errors import ConfigError
from criterial.score.cells import Cells
from criterial.score.composed import run_steps
from criterial.score.rows import Gated, RowScores
from criterial.score.totals import Clip, Total

__all__ = ["METHOD", "Deduction", "deduction"]


@dataclass(frozen=True)
class Deduction(Gated):
    """Options of `deduction`."""

    full: float = 5.0
    """Full marks: no score is higher."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (math.isfinite(self.full) and self.full > 0):
            raise ConfigError(f"full marks are a positive number, not {self.full}")


def deduction(cells: Cells, options: Deduction | None = None) -> RowScores:
    """Return the marks of every row.

    Parameters
    ----------
    cells : Cells
        The cells.
    options : Deduction, optional
        See there.

    Returns
    -------
    RowScores

    Notes
    -----
    marks = clip(sum(w v) - sum(min(cap, |w| n)), 0, full) over scoring points of weight w and credit v, and deductions of |w| points
    for each of n occurrences. Conditions ("only if 1 and 2 are both full") are requirements of a criterion, "any error costs all" is
    its `all_or_nothing`. The judge never states the total.

    References
    ----------
    SedarEval (arXiv 2501.15595).
    """
    options = options or Deduction()
    return run_steps(cells, (Total("sum"), Clip(0.0, options.full)), options.floor)


METHOD = Method(
    name="deduction",
    room="score",
    call=deduction,
    options=Deduction,
    says="exam marks: points earned less deductions by occurrence, each with its cap, from 0 to full marks",
    cites="SedarEval",
)
