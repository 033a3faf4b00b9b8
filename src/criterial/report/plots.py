"""Plots as SVG text: intervals, points and curves, with labels that are escaped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

import numpy as np

from criterial.core.score import Estimate
from criterial.report.page import Curves, Intervals, Points

__all__ = ["bar_svg", "curves_svg", "intervals_svg", "points_svg", "ticks"]

_WIDTH, _HEIGHT = 760, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 16, 12, 40
_ROW = 22
_BAR = 220
_LINE = 13
_LABEL = 220
_LETTERS = 34
_SHADES = 6
Scale = Callable[[float], float]


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Return round numbers that span an axis.

    Parameters
    ----------
    low : float
        Its lower end.
    high : float
        Its upper end.
    most : int
        How many, about.

    Returns
    -------
    list of float
        Multiples of 1, 2 or 5 times a power of ten, within the axis.
    """
    rough = (high - low) / most
    power = 10.0 ** np.floor(np.log10(rough))
    step = power * next(m for m in (1, 2, 5, 10) if m * power >= rough * (1 - 1e-9))
    first = int(np.ceil(low / step - 1e-9))
    return [round(k * step, 12) for k in range(first, int(np.floor(high / step + 1e-9)) + 1)]


def bar_svg(figure: Estimate, low: float, high: float, ends: tuple[float, float]) -> str:
    """Return a figure as one line of a table shows it; the script of a run's page draws the same of its rows.

    Parameters
    ----------
    figure : Estimate
        Its value is a dot and its interval a thick line.
    low, high : float
        Where it can be whatever is missing: a thin line.
    ends : tuple of float
        The ends of the axis.

    Returns
    -------
    str
    """
    scale = _scale(*ends, 4, _BAR - 4)

    def place(value: float) -> float:
        return scale(max(ends[0], min(ends[1], value)))

    lines: list[tuple[str, float | None, float | None]] = [("axis", *ends), ("band", low, high), ("range", figure.low, figure.high)]
    parts = [
        f'<line class="{shade}" x1="{place(a):.1f}" x2="{place(b):.1f}" y1="9" y2="9"/>'
        for shade, a, b in lines
        if a is not None and b is not None
    ]
    if figure.value is not None:
        parts.append(f'<circle class="dot" cx="{place(figure.value):.1f}" cy="9" r="4"/>')
    says = f"{'undefined' if figure.value is None else f'{figure.value:.3f}'}, between {low:.3f} and {high:.3f}"
    return f'<svg width="{_BAR}" height="18" role="img" aria-label="{says}">{"".join(parts)}</svg>'


def intervals_svg(plot: Intervals) -> str:
    """Return a plot of intervals.

    Parameters
    ----------
    plot : Intervals
        Any.

    Returns
    -------
    str
    """
    shown = [r for r in plot.rows if r.figure.value is not None]
    ends = [v for r in shown for v in (r.figure.value, r.figure.low, r.figure.high) if v is not None] + [v for _, v in plot.marks]
    if not ends:
        return ""
    low, high = _widened(ends)
    x = _scale(low, high, _LABEL, _WIDTH - _RIGHT)
    bottom = _TOP + _ROW * len(shown)
    parts = [*_x_axis(x, low, high, bottom, plot.unit)]
    for place, (name, value) in enumerate(plot.marks):
        parts.append(f'<line class="band" x1="{x(value):.1f}" x2="{x(value):.1f}" y1="{_TOP}" y2="{bottom}"/>')
        parts.append(_beside(x(value), _TOP + 8 + 12 * place, name))
    for place, row in enumerate(shown):
        y = _TOP + _ROW * (place + 0.5)
        figure, shade = row.figure, f"g{row.group % _SHADES}"
        parts.append(f'<text class="label" x="{_LABEL - 10}" y="{y + 4:.1f}" text-anchor="end">{escape(_clip(row.label))}</text>')
        if figure.low is not None and figure.high is not None:
            parts.append(f'<line class="range {shade}" x1="{x(figure.low):.1f}" x2="{x(figure.high):.1f}" y1="{y:.1f}" y2="{y:.1f}"/>')
        dot = f'<circle class="dot {shade}" cx="{x(figure.value or 0.0):.1f}" cy="{y:.1f}" r="4.5">'
        parts.append(f"{dot}<title>{escape(row.label)}</title></circle>")
    return _svg(plot.title, bottom + _BOTTOM, parts)


def points_svg(plot: Points) -> str:
    """Return a plot of points.

    Parameters
    ----------
    plot : Points
        Any.

    Returns
    -------
    str
    """
    if not plot.points:
        return ""
    x, y, parts = _axes([p[0] for p in plot.points], [p[1] for p in plot.points], plot.x_unit, plot.y_unit)
    few = len(plot.points) <= 30
    for across, up, name in plot.points:
        parts.append(f'<circle class="dot g0" cx="{x(across):.1f}" cy="{y(up):.1f}" r="4"><title>{escape(name)}</title></circle>')
        if few and name:
            parts.append(_beside(x(across), y(up) - 5, name))
    return _svg(plot.title, _HEIGHT, parts)


def curves_svg(plot: Curves) -> str:
    """Return a plot of curves.

    Parameters
    ----------
    plot : Curves
        Any.

    Returns
    -------
    str
    """
    across, up = ([p[i] for c in plot.curves for p in c.points] for i in (0, 1))
    if not across:
        return ""
    x, y, parts = _axes(across, up, plot.x_unit, plot.y_unit)
    taken: list[float] = []
    for place, curve in enumerate(plot.curves):
        line = " ".join(f"{x(a):.1f},{y(b):.1f}" for a, b in curve.points)
        shade = "band dashed" if curve.dashed else f"curve g{place % _SHADES}"
        parts.append(f'<polyline class="{shade}" points="{line}"><title>{escape(curve.label)}</title></polyline>')
        if not curve.dashed and len(curve.points) <= 20:
            parts += [f'<circle class="dot g{place % _SHADES}" cx="{x(a):.1f}" cy="{y(b):.1f}" r="3"/>' for a, b in curve.points]
        if curve.label and len(plot.curves) <= 8:
            end = curve.points[-1]
            taken.append(_free(y(end[1]) - 6, taken))
            parts.append(f'<text x="{x(end[0]) - 4:.1f}" y="{taken[-1]:.1f}" text-anchor="end">{escape(_clip(curve.label))}</text>')
    return _svg(plot.title, _HEIGHT, parts)


def _free(y: float, taken: Sequence[float]) -> float:
    """Return the first height at or below ``y`` where a label covers no other."""
    while any(abs(y - other) < _LINE for other in taken):
        y += _LINE
    return y


def _beside(x: float, y: float, text: str) -> str:
    """Return a label on the side of a place that has more room."""
    side, anchor = (4, "start") if x < (_LEFT + _WIDTH) / 2 else (-4, "end")
    return f'<text x="{x + side:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(_clip(text))}</text>'


def _clip(text: str) -> str:
    return text if len(text) <= _LETTERS else text[: _LETTERS - 1] + "\u2026"


def _widened(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    room = 0.04 * (high - low) or 0.5
    return low - room, high + room


def _scale(low: float, high: float, start: float, end: float) -> Scale:
    return lambda value: start + (end - start) * (value - low) / (high - low)


def _axes(across: Sequence[float], up: Sequence[float], x_unit: str, y_unit: str) -> tuple[Scale, Scale, list[str]]:
    (left, right), (low, high) = _widened(across), _widened(up)
    x, y = _scale(left, right, _LEFT, _WIDTH - _RIGHT), _scale(low, high, _HEIGHT - _BOTTOM, _TOP)
    parts = _x_axis(x, left, right, _HEIGHT - _BOTTOM, x_unit)
    for value in ticks(low, high, 5):
        parts.append(f'<line class="axis" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{value:g}</text>')
    middle = (_TOP + _HEIGHT - _BOTTOM) / 2
    parts.append(f'<text transform="translate(12 {middle}) rotate(-90)" text-anchor="middle">{escape(y_unit)}</text>')
    return x, y, parts


def _x_axis(x: Scale, low: float, high: float, bottom: float, unit: str) -> list[str]:
    parts = []
    for value in ticks(low, high):
        parts.append(f'<line class="axis" x1="{x(value):.1f}" x2="{x(value):.1f}" y1="{_TOP}" y2="{bottom}"/>')
        parts.append(f'<text x="{x(value):.1f}" y="{bottom + 14}" text-anchor="middle">{value:g}</text>')
    parts.append(f'<text x="{(x(low) + x(high)) / 2:.1f}" y="{bottom + 32}" text-anchor="middle">{escape(unit)}</text>')
    return parts


def _svg(title: str, height: float, parts: Sequence[str]) -> str:
    size = f'viewBox="0 0 {_WIDTH} {height:.0f}" width="{_WIDTH}" height="{height:.0f}"'
    return f'<svg {size} role="img" aria-label="{escape(title)}">{"".join(parts)}</svg>'
