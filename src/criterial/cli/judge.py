"""`criterial judge`: the embedded judge, and any judge against labels."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import Annotated

import typer

from criterial.audit.judge import audit_judge
from criterial.cli.options import ConcurrencyOption, FormatOption, HtmlOption, JsonOption, JudgeOption, PerCallOption, StoreOption
from criterial.cli.output import write_page
from criterial.formats.labels import read_labels
from criterial.model.floor_head import default_head
from criterial.model.floor_judge import calibrate as calibrate_head
from criterial.model.spec import JudgeSettings
from criterial.report.judge_audit import audits_json, audits_page
from criterial.run.existing import score_verdicts
from criterial.run.grading import grade
from criterial.run.loading import load_cases
from criterial.run.progress import progress_for

__all__ = ["app"]

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

_WHAT = """\
The embedded judge (FloorJudge) works offline. It measures whether a response COVERS what a criterion mentions: token vectors
of a frozen MiniLM encoder are matched with those of the response, and a small logistic head turns that and a few word
features into a probability.

It answers yes/no criteria that ask whether the response says something ("states", "mentions", "recommends", "fails to
mention"), abstains from all others with the reason, and abstains between {low:g} and {high:g}. It cannot tell whether something
is right, good, polite or well written. Do not use it as a reward.

Trained on: {note}.
Its threshold was not checked on your criteria, so its verdicts are marked uncalibrated. Calibrate it on about 50 labels of
your own (criterial judge calibrate --labels FILE), or name a judge that reads (--judge chat:MODEL@URL)."""


@app.callback()
def _judge() -> None:
    """Look after judges."""


@app.command("info")
def _info() -> None:
    """Say what the embedded judge can and cannot do."""
    head = default_head()
    typer.echo(_WHAT.format(low=head.band[0], high=head.band[1], note=head.note))


@app.command("calibrate")
def _calibrate(
    labels: Annotated[
        Path,
        typer.Option("--labels", help="Lines of {criterion, response, value} with texts; or cases with verdicts; or verdicts on --cases."),
    ],
    cases: Annotated[Path | None, typer.Option("--cases", help="Cases that the labels speak of, where they hold ids only.")] = None,
    out: Annotated[Path, typer.Option("--out", help="Where the head goes.")] = Path("criterial-judge.json"),
) -> None:
    """Refit the embedded judge on labels of your own; about 50 are enough, and it takes seconds."""
    given = read_labels(labels, cases)
    head, used = calibrate_head(given)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json_module.dumps(head.to_dict(), indent=1) + "\n", encoding="utf-8")
    typer.echo(f"{used} of {len(given)} labels used ({head.note}); judge with --judge embedded:{out}")


@app.command("check")
def _check(
    cases: Annotated[Path, typer.Argument(metavar="CASES", help="Cases that people have labelled.")],
    labels: Annotated[Path | None, typer.Option("--labels", help="Verdicts of people; else those that stand in CASES.")] = None,
    name: JudgeOption = "embedded",
    format: FormatOption = None,
    criteria_per_call: PerCallOption = None,
    concurrency: ConcurrencyOption = 64,
    store: StoreOption = None,
    html: HtmlOption = None,
    json: JsonOption = False,
) -> None:
    """Judge cases that people have labelled, and audit the judge: `criterial audit` of the run that this makes."""
    loaded = load_cases(cases, format=format)
    people = score_verdicts(loaded, labels, store="sqlite://")
    settings = JudgeSettings(concurrency=concurrency, criteria_per_call=criteria_per_call)
    run = grade(people.cases, name, store=store, progress=progress_for(), settings=settings)
    typer.echo(f"run {run.id}: {run.verdicts['decided']} of {sum(run.verdicts.values())} verdicts decided", err=True)
    found = [audit_judge(run.table, people.table, people.cases)]
    write_page(audits_page(found), audits_json(found), json, html)
