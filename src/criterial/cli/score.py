"""`criterial score`: verdicts from elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from criterial.cli.options import (
    CasesArgument,
    FormatOption,
    HtmlOption,
    JsonOption,
    PanelOption,
    PolicyOption,
    RubricOption,
    StoreOption,
    parse_panel,
    parse_policy,
)
from criterial.cli.output import finish
from criterial.run.existing import score_verdicts

__all__ = ["app"]

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command("score")
def _score(
    cases: CasesArgument,
    verdicts: Annotated[Path | None, typer.Option("--verdicts", help="File of verdicts; else those that stand in CASES.")] = None,
    rubric: RubricOption = None,
    policy: PolicyOption = None,
    panel: PanelOption = None,
    format: FormatOption = None,
    store: StoreOption = None,
    html: HtmlOption = None,
    json: JsonOption = False,
) -> None:
    """Score verdicts that came from people, another judge or a benchmark's own files. No judge is needed.

    A verdict is a line {"response": "r1", "criterion": "c1", "value": 1, "judge": "...", "reason": "..."}, with "state" where it is
    not decided.
    """
    finish(score_verdicts(cases, verdicts, rubric, parse_policy(policy), store, format, parse_panel(panel)), json, html)
