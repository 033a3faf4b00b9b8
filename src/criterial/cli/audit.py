"""`criterial audit`: can this judge, this edit and these criteria be believed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from criterial.audit.judge import JudgeAuditOptions
from criterial.cli import audit_cascade, audit_drift, audit_items, audit_meta, audit_probe, audit_turns, audit_weights
from criterial.cli.options import FormatOption, HtmlOption, JsonOption, StoreOption
from criterial.cli.output import write_page
from criterial.report.judge_audit import audits_json, audits_page
from criterial.run.auditing import audit

__all__ = ["app"]


class _JudgeByDefault(TyperGroup):
    """What is no command of this group is a run or a file whose judge is audited."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and not args[0].startswith("-") and args[0] not in self.list_commands(ctx):
            args.insert(0, "judge")
        return super().parse_args(ctx, args)


app = typer.Typer(cls=_JudgeByDefault, add_completion=False, rich_markup_mode=None, no_args_is_help=True)


@app.callback()
def _audit() -> None:
    """Tell whether this judge, this edit of a rubric and these criteria can be believed.

    `criterial audit RUN --labels FILE` audits the judge of a run; see `criterial audit judge --help`.
    """


@app.command("judge")
def _judge(
    source: Annotated[str, typer.Argument(metavar="RUN_OR_FILE", help="A run; or a file or folder of cases with verdicts.")],
    labels: Annotated[Path | None, typer.Option("--labels", help="People's verdicts, as lines or as cases that carry them.")] = None,
    people: Annotated[
        list[str] | None, typer.Option("--people", metavar="NAME", help="Who in RUN_OR_FILE is a person; * is any text; may be repeated.")
    ] = None,
    judge: Annotated[list[str] | None, typer.Option("--judge", metavar="NAME", help="Only these judges; may be repeated.")] = None,
    own: Annotated[str, typer.Option("--own", metavar="SYSTEM", help="Systems of the judge's own family, for self-preference.")] = "",
    abstain: Annotated[float, typer.Option("--abstain", help="Worth of a verdict not given: right is 1, wrong 0.", min=0, max=1)] = 0.0,
    resamples: Annotated[int, typer.Option("--resamples", help="Bootstrap resamples of tasks.", min=100)] = 2000,
    format: FormatOption = None,
    store: StoreOption = None,
    html: HtmlOption = None,
    json: JsonOption = False,
) -> None:
    """Is this judge good enough: agreement with people, calibration, threshold, noise and biases, each with an interval."""
    options = JudgeAuditOptions(resamples=resamples, own=own, abstain=abstain)
    shown = (lambda name: typer.echo(f"auditing {name}", err=True)) if sys.stderr.isatty() else None
    found = audit(source, labels, people or (), judge or (), store, format, options, shown)
    write_page(audits_page(found), audits_json(found), json, html)


for part in (audit_probe, audit_cascade, audit_items, audit_drift, audit_meta, audit_weights, audit_turns):
    app.add_typer(part.app)
