"""`criterial export`: verdicts out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from criterial.cli.options import StoreOption
from criterial.formats.export import export_verdicts
from criterial.run.existing import open_run

__all__ = ["app"]

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command("export")
def _export(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run's name, the beginning of it, or last.")],
    to: Annotated[Path, typer.Option("--to", metavar="FILE", help="FILE.jsonl, FILE.csv or FILE.parquet.")],
    store: StoreOption = None,
) -> None:
    """Write a run's verdicts as JSON lines (which `score --verdicts` reads back), CSV or Parquet."""
    count = export_verdicts(open_run(run, store).table, to)
    typer.echo(f"{count} verdicts: {to}")
