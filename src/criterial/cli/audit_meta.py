"""`criterial audit meta`: whether metrics can be trusted, by people's preferences between two."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from criterial.audit.meta import meta_evaluation
from criterial.cli.options import CasesArgument, FormatOption, HtmlOption, JsonOption
from criterial.cli.output import write_page
from criterial.core.builder import table_of
from criterial.maths.preferences import Strategy
from criterial.report.json import as_json
from criterial.report.meta import meta_page
from criterial.run.existing import given_verdicts
from criterial.run.loading import load_cases

__all__ = ["app"]

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command("meta")
def _meta(
    cases: CasesArgument,
    people: Annotated[list[str], typer.Option("--people", metavar="PATTERN", help="Judges that are people; may be repeated.")],
    metric: Annotated[
        list[str] | None,
        typer.Option("--metric", metavar="NAME", help="A criterion or another judge of pairs, else all of them; may be repeated."),
    ] = None,
    stratum: Annotated[
        list[str] | None,
        typer.Option("--stratum", metavar="PATTERN", help="Tasks with such a tag, else one stratum a tag set:NAME; may be repeated."),
    ] = None,
    strategy: Annotated[Strategy, typer.Option("--strategy", help="What counts as agreement where a side ties.")] = "threshold",
    tie: Annotated[float | None, typer.Option("--tie", min=0, help="Credits no further apart tie, else as often as people.")] = None,
    verdicts: Annotated[Path | None, typer.Option("--verdicts", metavar="FILE", help="Verdicts in place of those in CASES.")] = None,
    compat: Annotated[str, typer.Option("--compat", help="released: also how the script of ScholarQA-CS2 counts people's agreement.")] = "",
    format: FormatOption = None,
    html: HtmlOption = None,
    json: JsonOption = False,
) -> None:
    """Hold metrics against people's preferences between two: on single pairs, beside chance and people's own agreement, and on systems."""
    loaded, given = given_verdicts(load_cases(cases, format=format), verdicts)
    found = meta_evaluation(loaded, table_of(loaded, given), people, metric or (), strategy, tie, stratum or (), compat)
    write_page(meta_page(found), as_json(found), json, html)
