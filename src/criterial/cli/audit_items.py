"""`criterial audit items`: which criteria, or items of a benchmark, are broken, and which few will do."""

from __future__ import annotations

from typing import Annotated

import typer

from criterial.audit.item_matrix import Rows
from criterial.audit.items import items as audited
from criterial.cli.options import FormatOption, HtmlOption, JsonOption, StoreOption
from criterial.cli.output import write_page
from criterial.errors import ConfigError
from criterial.formats.leaderboard import is_leaderboard
from criterial.report.items import items_json, items_page
from criterial.run.ranking import gather, of_judges, verdicts_of

__all__ = ["app"]

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command("items")
def _items(
    source: Annotated[
        str,
        typer.Argument(metavar="RUN_OR_FILE", help="A run; a file or folder of cases with verdicts; a CSV file with a row a system."),
    ],
    judge: Annotated[
        list[str] | None,
        typer.Option("--judge", metavar="NAME", help="Only this judge's verdicts; * is any text; may be repeated."),
    ] = None,
    rows: Annotated[
        Rows, typer.Option("--rows", help="What a row is; auto takes responses where most criteria are asked in several tasks.")
    ] = "auto",
    shrink: Annotated[int | None, typer.Option("--shrink", metavar="K", min=1, help="Show the K items that tell most.")] = None,
    format: FormatOption = None,
    store: StoreOption = None,
    html: HtmlOption = None,
    json: JsonOption = False,
) -> None:
    """Find criteria that are reversed, saturated, redundant or else broken, by their verdicts; leave with 1 where one is reversed."""
    leaderboard = is_leaderboard(source)
    if leaderboard and judge:
        raise ConfigError(f"{source} holds marks and no judges: leave --judge out")
    given = gather([source]).marks if leaderboard else of_judges(verdicts_of(source, store, format)[2], judge or [])
    audit = audited(given, rows)
    subset = None if shrink is None else audit.shrink(shrink)
    write_page(items_page(audit, subset), items_json(audit, subset), json, html)
    if any(f.severity == "error" for f in audit.findings):
        raise typer.Exit(1)
