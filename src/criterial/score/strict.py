"""Strict completion: 1 where every required criterion is met, else 0."""

from __future__ import annotations

from dataclasses import dataclass

from criterial.core.method import Method
from criterial.score.cells import Cells
from criterial.score.composed import run_steps
from criterial.score.operators import Group, Met
from criterial.score.rows import Gated, RowScores
from criterial.score.totals import Total

__all__ = ["METHOD", "Strict", "strict"]


@dataclass(frozen=True)
class Strict(Gated):
    """Options of `strict`."""

    required_only: bool = True
    """Whether optional criteria may fail."""


def strict(cells: Cells, options: Strict | None = None) -> RowScores:
    """Return whether each row meets every criterion that counts.

    Parameters
    ----------
    cells : Cells
        The cells. A fault counts as met where it is absent.
    options : Strict, optional
        See there.

    Returns
    -------
    RowScores
        1 or 0. Where all that is decided is met but something is open, the score is 1 with 0 as its lower bound.

    References
    ----------
    Shopping Reasoning Bench (arXiv 2606.12608); POW3R.
    """
    options = options or Strict()
    if options.required_only:
        cells = cells.only(cells.of(cells.columns.required_C) | cells.of(cells.columns.gate_C))
    return run_steps(cells, (Met(), Group("criterion", "balance"), Total("least")), options.floor)


METHOD = Method(
    name="strict",
    room="score",
    call=strict,
    options=Strict,
    says="whether every required criterion is met: 1 or 0",
    cites="Shopping Reasoning Bench; POW3R",
)
