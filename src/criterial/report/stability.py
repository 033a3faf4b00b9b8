"""Stability of a ranking for people: what so many tasks, drawn at random, would have said."""

from __future__ import annotations

from criterial.compare.stability import Stability
from criterial.core.score import Estimate
from criterial.report.page import Block, Curve, Curves, Grid

__all__ = ["stability_blocks"]

_Cells = tuple[int | float | Estimate | None, ...]


def stability_blocks(found: Stability) -> tuple[Block, ...]:
    """Return stability as blocks for the page of a ranking.

    Parameters
    ----------
    found : Stability
        Any.

    Returns
    -------
    tuple of Block
    """
    rows: list[_Cells] = [(s.tasks, s.same, s.best, s.pairs, s.twice) for s in found.subsets]
    chance = f"{found.by_chance:.2g}" if found.by_chance >= 1e-4 else "less than 0.0001"
    caption = (
        f"Share of draws with the order by all {found.tasks} tasks; intervals are for the number of draws. {len(found.systems)} systems "
        f"stand in one order by chance with {chance}. Subsets of nearly all tasks agree with all by construction; two sets that share no "
        "task tell what so many others would say."
    )
    columns = ("tasks", "same order [95 %]", "same best [95 %]", "pairs in the same order", "two sets that share none [95 %]")
    curves = (
        Curve("same order", tuple((float(s.tasks), s.same.value or 0.0) for s in found.subsets)),
        Curve("pairs in the same order", tuple((float(s.tasks), s.pairs) for s in found.subsets), dashed=True),
    )
    grid = Grid("Does the order depend on which tasks they met on?", columns, rows, caption)
    return grid, Curves("Same order by fewer tasks", "tasks", "share", curves)
