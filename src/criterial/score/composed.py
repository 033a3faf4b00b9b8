"""A policy made of small operators, one after another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from criterial.core.method import Method
from criterial.score.board import Board
from criterial.score.cells import Cells
from criterial.score.operators import Operator, step_of
from criterial.score.rows import Gated, RowScores

__all__ = ["METHOD", "Composed", "composed", "run_steps"]


@dataclass(frozen=True)
class Composed(Gated):
    """Options of `composed`."""

    steps: tuple[Mapping[str, Any], ...] = ()
    """The steps in order: of each the operator's name as ``op``, and its options (`criterial.score.operators.OPERATORS`)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for step in self.steps:
            step_of(step)


def composed(cells: Cells, options: Composed | None = None) -> RowScores:
    """Return the score of every row by a policy of small operators.

    Parameters
    ----------
    cells : Cells
        The cells.
    options : Composed, optional
        The steps. None of them gives the share of points, signed and not clipped.

    Returns
    -------
    RowScores
        With what each operator did in `RowScores.acted`.

    Notes
    -----
    Bounds go through every step by interval arithmetic: they hold whatever the missing verdicts are, and are reached where each
    criterion enters one group and the steps rise with it. The standard error follows the steps to first order.
    """
    options = options or Composed()
    return run_steps(cells, [step_of(s) for s in options.steps], options.floor)


def run_steps(cells: Cells, steps: Sequence[Operator], floor: float = 0.0) -> RowScores:
    """Return the scores that steps give, gates last.

    Parameters
    ----------
    cells : Cells
        The cells.
    steps : sequence of Operator
        The steps, in order.
    floor : float
        The score where a gate fails.

    Returns
    -------
    RowScores
    """
    board = Board(cells, cells.weight_N)
    for step in steps:
        board = step(board)
    return board.scores().with_gates(cells, floor)


METHOD = Method(
    name="composed",
    room="score",
    call=composed,
    options=Composed,
    says="a policy of small operators: points, groups, caps, truncation, saturation, totals, shaping, vetoes",
)
