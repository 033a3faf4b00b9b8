"""How commands end: tables or JSON on standard output, paths and what to do next on standard error."""

from __future__ import annotations

import sys
from pathlib import Path

import typer

from criterial.report.json import render
from criterial.report.page import Page
from criterial.report.page_html import html_page
from criterial.report.page_terminal import show_page
from criterial.report.terminal import show
from criterial.score.record import Run

__all__ = ["INCOMPLETE", "finish", "write_page"]

INCOMPLETE, _INTERRUPTED = 3, 130
"""Status of a command that stopped before its end, with what is done kept."""


def finish(run: Run, json: bool, html: Path | None) -> None:
    """Show a run and leave with the status that says whether it is complete.

    Parameters
    ----------
    run : Run
        The run.
    json : bool
        Whether standard output gets JSON.
    html : Path or None
        Where an HTML report goes.

    Raises
    ------
    Exit
        With 3 where the run is not complete, 130 where it was interrupted.
    """
    if json:
        sys.stdout.write(render(run))
    else:
        show(run, sys.stdout)
    if html is not None:
        written = run.report(html)
        typer.echo(f"report: {written}", err=json)
    if run.lost_calls:
        typer.echo(
            f"{len(run.lost_calls)} calls were in flight when an earlier sitting was killed: `criterial runs show {run.id}` lists them",
            err=True,
        )
    if run.stopped:
        typer.echo(_not_complete(run), err=True)
        raise typer.Exit(_INTERRUPTED if run.stopped == "stopped" else INCOMPLETE)


def write_page(page: Page, as_json: str, json: bool, html: Path | None) -> None:
    """Show a page of figures.

    Parameters
    ----------
    page : Page
        The page.
    as_json : str
        The same for programs.
    json : bool
        Whether standard output gets that.
    html : Path or None
        Where it goes as HTML.
    """
    if json:
        sys.stdout.write(as_json)
    else:
        show_page(page, sys.stdout)
    if html is not None:
        html.parent.mkdir(parents=True, exist_ok=True)
        html.write_text(html_page(page), encoding="utf-8")
        typer.echo(f"report: {html}", err=json)


def _not_complete(run: Run) -> str:
    why = {"stopped": "stopped", "budget": "the budget is used up"}.get(run.stopped, run.stopped)
    open_cells = sum(run.causes.get(c, 0) for c in ("stopped", "budget"))
    return f"not complete ({why}): {open_cells} verdicts are open. What is done is kept; run the same command again to go on."
