"""`criterial audit turns`: how scores fall along conversations, and when questions are asked in harder ways."""

from __future__ import annotations

from typing import Annotated

import typer

from criterial.audit.turns import Drop, robustness_drop, turn_decay
from criterial.cli.options import FormatOption, HtmlOption, JsonOption, PolicyOption, StoreOption, parse_policy
from criterial.cli.output import write_page
from criterial.errors import ConfigError
from criterial.report.turns import turns_json, turns_page
from criterial.run.ranking import verdicts_of
from criterial.score.scoring import score

__all__ = ["app"]

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command("turns")
def _turns(
    source: Annotated[str, typer.Argument(metavar="RUN_OR_FILE", help="A run, or a file or folder of cases with verdicts.")],
    clean: Annotated[str, typer.Option("--clean", metavar="LEVEL", help="The perturbation:LEVEL that stands for asking plainly.")] = "P0",
    policy: PolicyOption = None,
    format: FormatOption = None,
    store: StoreOption = None,
    html: HtmlOption = None,
    json: JsonOption = False,
) -> None:
    """Show how scores fall along conversations, by criteria that name their turn, and under perturbation, by tags of tasks."""
    _, cases, table = verdicts_of(source, store, format)
    scores = score(table, parse_policy(policy))
    decays = turn_decay(scores) if any(name.startswith("turn:") for name in scores.rows.parts) else ()
    perturbed = any(t.startswith("perturbation:") for c in cases for t in c.task.tags)
    drops: tuple[Drop, ...] = robustness_drop(cases, scores, clean) if perturbed else ()
    if not decays and not drops:
        raise ConfigError("nothing degrades here: no criterion names a turn, and no task has a tag perturbation:LEVEL")
    write_page(turns_page(decays, drops), turns_json(decays, drops), json, html)
