"""`criterial audit weights`: what criteria weigh by which of two responses people prefer."""

from __future__ import annotations

from typing import Annotated

import typer

from criterial.audit.weights import By, WeightOptions, learn_weights
from criterial.cli.options import FormatOption, HtmlOption, JsonOption, StoreOption
from criterial.cli.output import write_page
from criterial.report.weights import weights_json, weights_page, weights_patch
from criterial.run.auditing import chosen_layers
from criterial.run.ranking import verdicts_of

__all__ = ["app"]

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command("weights")
def _weights(
    source: Annotated[str, typer.Argument(metavar="RUN_OR_FILE", help="A run; or a file or folder of cases with verdicts.")],
    people: Annotated[list[str], typer.Option("--people", metavar="PATTERN", help="Judges that are people; may be repeated.")],
    labels: Annotated[
        str | None,
        typer.Option("--labels", metavar="RUN_OR_FILE", help="Where people's preferences are, as cases of two responses each."),
    ] = None,
    judge: Annotated[list[str] | None, typer.Option("--judge", metavar="NAME", help="Only these judges' scores; may be repeated.")] = None,
    by: Annotated[By, typer.Option("--by", help="What gets a weight: each criterion, or each group of them.")] = "criterion",
    format: FormatOption = None,
    store: StoreOption = None,
    html: HtmlOption = None,
    json: JsonOption = False,
) -> None:
    """Learn what criteria weigh from which of two responses people prefer, beside equal weights; print a patch for the rubric."""
    _, cases, table = verdicts_of(source, store, format)
    preferences = table if labels is None else verdicts_of(labels, store)[2]
    found = learn_weights(cases, chosen_layers(table, judge, "judges") if judge else table, people, preferences, WeightOptions(by))
    write_page(weights_page(found), weights_json(found), json, html)
    if not json:
        typer.echo(weights_patch(found), nl=False)
