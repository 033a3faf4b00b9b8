"""A page of figures: what a ranking or an audit shows, said once for the terminal and for HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from criterial.core.score import Estimate, Finding

__all__ = ["Block", "Curve", "Curves", "Grid", "Intervals", "Page", "Points", "Row", "Words"]


@dataclass(frozen=True)
class Words:
    """A paragraph."""

    text: str
    """Plain text."""


@dataclass(frozen=True)
class Grid:
    """A table."""

    title: str
    """What it shows."""
    columns: tuple[str, ...]
    """Names of the columns."""
    rows: Sequence[Sequence[str | float | int | Estimate | None]]
    """Cells: texts, numbers, figures with intervals, or None for what there is not."""
    caption: str = ""
    """What a reader must know of it."""
    digits: int = 3
    """Decimals of numbers."""
    bars: bool = False
    """Whether a terminal draws the first column of figures as lines beside them, where HTML has a plot."""


@dataclass(frozen=True)
class Row:
    """One line of a plot of intervals."""

    label: str
    """What it is."""
    figure: Estimate
    """Its value and interval."""
    group: int = 0
    """Rows of one group share a shade, such as a tier."""


@dataclass(frozen=True)
class Intervals:
    """A plot of values with intervals, one under the other."""

    title: str
    """What it shows."""
    unit: str
    """What the axis is in."""
    rows: tuple[Row, ...]
    """The lines, from the top."""
    marks: tuple[tuple[str, float], ...] = ()
    """Values to mark on the axis, such as chance."""


@dataclass(frozen=True)
class Points:
    """A plot of points."""

    title: str
    """What it shows."""
    x_unit: str
    """What the horizontal axis is in."""
    y_unit: str
    """What the vertical axis is in."""
    points: tuple[tuple[float, float, str], ...]
    """Where they are, and what they are called."""


@dataclass(frozen=True)
class Curve:
    """One line of a plot of curves."""

    label: str
    """What it is."""
    points: tuple[tuple[float, float], ...]
    """Where it goes, from left to right."""
    dashed: bool = False
    """Whether it is a line to compare with."""


@dataclass(frozen=True)
class Curves:
    """A plot of curves."""

    title: str
    """What it shows."""
    x_unit: str
    """What the horizontal axis is in."""
    y_unit: str
    """What the vertical axis is in."""
    curves: tuple[Curve, ...]
    """The lines."""


Block = Words | Grid | Intervals | Points | Curves
"""What a page is made of."""


@dataclass(frozen=True)
class Page:
    """A report."""

    title: str
    """What it is about."""
    blocks: tuple[Block, ...]
    """What it shows, in order."""
    notes: tuple[Finding, ...] = ()
    """What a reader must know first."""
