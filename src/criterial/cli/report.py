"""`criterial report`: a run, once more."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from criterial.cli.options import HtmlOption, JsonOption, StoreOption
from criterial.cli.output import finish
from criterial.run.existing import open_run

__all__ = ["app"]

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command("report")
def _report(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run's name, the beginning of it, or last.")] = "last",
    html: HtmlOption = None,
    markdown: Annotated[Path | None, typer.Option("--markdown", metavar="FILE", help="Write a Markdown report.")] = None,
    json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """Show a run, or write it as HTML, Markdown or JSON."""
    found = open_run(run, store)
    if markdown is not None:
        typer.echo(f"report: {found.report(markdown)}", err=json)
    finish(found, json, html)
