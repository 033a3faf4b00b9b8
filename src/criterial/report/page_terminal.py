"""A page of figures on a terminal: tables and words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from criterial.core.score import Estimate
from criterial.report.page import Grid, Page, Words
from criterial.report.terminal import plain
from criterial.report.view import cell_text

__all__ = ["show_page"]

_BAR = 36
_MOST_ROWS = 40


def show_page(page: Page, stream: TextIO) -> None:
    """Write a page.

    Parameters
    ----------
    page : Page
        Any. Of long tables the first rows are shown; plots are left to HTML.
    stream : file
        Where to; colours are left out where it is no terminal.
    """
    console = Console(file=stream, highlight=False, width=None if stream.isatty() else 140)
    console.print(plain(page.title, "bold"))
    for block in page.blocks:
        if isinstance(block, Grid):
            console.print(_grid(block))
            console.print(plain(_under(block), "dim"))
        elif isinstance(block, Words):
            console.print(plain(block.text))
    for note in page.notes:
        text = f"{note.message}; {note.hint}" if note.hint else note.message
        console.print(plain(text) if note.severity == "note" else plain(f"Mind: {text}", "yellow"))


def _grid(grid: Grid) -> Table:
    table = Table(title=plain(grid.title), title_justify="left", box=None, pad_edge=False)
    shown = grid.rows[:_MOST_ROWS]
    for place, name in enumerate(grid.columns):
        numbers = any(isinstance(row[place], (int, float)) for row in grid.rows)
        table.add_column(plain(name), justify="right" if numbers else "left", overflow="fold")
    bars = list(_bars(grid, shown)) if grid.bars else []
    if bars:
        table.add_column("", no_wrap=True)
    for place, row in enumerate(shown):
        table.add_row(*(plain(cell_text(cell, grid.digits)) for cell in row), *bars[place : place + 1])
    return table


def _under(grid: Grid) -> str:
    more = f"{len(grid.rows) - _MOST_ROWS} more rows: see the HTML report, or --json" if len(grid.rows) > _MOST_ROWS else ""
    return " ".join(line for line in (grid.caption, more) if line)


def _bars(grid: Grid, rows: Sequence[Sequence[object]]) -> Iterator[Text]:
    """Yield each row's first figure as a line on one axis."""
    figures = [next((c for c in row if isinstance(c, Estimate)), None) for row in rows]
    ends = [v for f in figures for v in _ends(f)]
    low, wide = (min(ends), max(ends) - min(ends) or 1.0) if ends else (0.0, 1.0)
    for figure in figures:
        places = [min(_BAR - 1, int((v - low) / wide * _BAR)) for v in _ends(figure)]
        yield _line(*places) if places else Text("")


def _ends(figure: Estimate | None) -> list[float]:
    """Return the lower end, the value and the upper end of a figure: the value alone where there is no interval."""
    if figure is None or figure.value is None:
        return []
    return [figure.value if v is None else v for v in (figure.low, figure.value, figure.high)]


def _line(first: int, middle: int, last: int) -> Text:
    marks = ["\u2500" if first <= i <= last else "\u00b7" for i in range(_BAR)]
    marks[middle] = "\u25cf"
    return Text("".join(marks))
