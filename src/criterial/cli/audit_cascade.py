"""`criterial audit cascade`: the threshold of a cascade from stored verdicts, at no call."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from criterial.audit.cascading import CascadeOptions
from criterial.cli.options import FormatOption, HtmlOption, JsonOption, StoreOption
from criterial.cli.output import write_page
from criterial.report.cascading import cascade_page
from criterial.report.json import as_json
from criterial.run.cascading import cascade_of

__all__ = ["app"]

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command("cascade")
def _cascade(
    cheap: Annotated[str, typer.Argument(metavar="CHEAP", help="Run of the cheap judge; or a file or folder with verdicts of both.")],
    dear: Annotated[str | None, typer.Argument(metavar="DEAR", help="Run of the dear judge on the same cases.")] = None,
    labels: Annotated[Path | None, typer.Option("--labels", help="People's verdicts: what is right, in place of the dear judge.")] = None,
    cheap_judge: Annotated[str, typer.Option("--cheap", metavar="NAME", help="The cheap judge, where CHEAP holds several.")] = "",
    dear_judge: Annotated[str, typer.Option("--dear", metavar="NAME", help="The dear judge, or people, where several hold verdicts.")] = "",
    error: Annotated[float, typer.Option("--error", help="The most that may be wrong among verdicts that stand.")] = 0.05,
    confidence: Annotated[float, typer.Option("--confidence", help="How sure that must be.")] = 0.95,
    format: FormatOption = None,
    store: StoreOption = None,
    html: HtmlOption = None,
    json: JsonOption = False,
) -> None:
    """Fit the threshold of a cascade on stored verdicts: what may stand, the error that is promised, and the calls that are saved."""
    found = cascade_of(cheap, dear, labels, cheap_judge, dear_judge, CascadeOptions(error, confidence), store, format)
    write_page(cascade_page(found, dear_judge or "the dear judge"), as_json(found), json, html)
