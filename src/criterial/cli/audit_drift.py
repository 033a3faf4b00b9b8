"""`criterial audit drift` and `criterial audit attack`: what an edit of a rubric does, and what edits could do."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from criterial.audit.drift import Drift
from criterial.audit.red_team import AttackOptions
from criterial.cli.options import (
    BudgetOption,
    CasesArgument,
    DryRunOption,
    FormatOption,
    HtmlOption,
    JsonOption,
    JudgeOption,
    PriceOption,
    RepeatsOption,
    RubricOption,
    StoreOption,
    TemperatureOption,
    parse_price,
    parse_temperature,
)
from criterial.cli.output import INCOMPLETE, write_page
from criterial.model.spec import JudgeSettings
from criterial.report.drift import attack_json, attack_page, drift_json, drift_page
from criterial.run.admission import Budget
from criterial.run.drifting import Drifted, drift_of, drift_plans, red_team_of, red_team_plan
from criterial.run.progress import progress_for

__all__ = ["app"]

app = typer.Typer(add_completion=False, rich_markup_mode=None)

LabelsOption = Annotated[
    Path | None, typer.Option("--labels", metavar="FILE", help="What is right: verdicts of people; else those that stand in CASES.")
]
ToleranceOption = Annotated[
    float, typer.Option("--tolerance", min=0.01, max=99, help="Points of agreement, of a hundred, that an edit may lose.")
]


@app.command("drift")
def _drift(
    cases: CasesArgument,
    after: Annotated[Path, typer.Option("--after", metavar="RUBRIC", help="The rubric after the edit.")],
    before: Annotated[
        Path | None, typer.Option("--before", metavar="RUBRIC", help="The rubric before the edit; else each case's own.")
    ] = None,
    judge: JudgeOption = "embedded",
    labels: LabelsOption = None,
    tolerance: ToleranceOption = 2.0,
    repeats: RepeatsOption = 1,
    temperature: TemperatureOption = "0",
    dry_run: DryRunOption = False,
    budget: BudgetOption = None,
    price: PriceOption = None,
    format: FormatOption = None,
    store: StoreOption = None,
    html: HtmlOption = None,
    json: JsonOption = False,
) -> None:
    """Say whether an edit of a rubric may pass, by what `criterial grade` makes of cases before and after it; leaves with 1 where not.

    It blocks where the judge agrees less with people's labels, on the whole or on a slice. Warnings go to standard error.
    """
    options: dict[str, Any] = {
        "settings": JudgeSettings(temperature=parse_temperature(temperature), price=parse_price(price)),
        "repeats": repeats,
        "store": store,
        "budget": Budget.parse(budget) if budget else None,
    }
    if dry_run:
        _show_plans(before, after, cases, judge, labels, format, options)
        return
    found = drift_of(before, after, cases, judge, labels, tolerance / 100, progress_for(), format, **options)
    if found.drift is None:
        typer.echo(f"not complete ({found.stopped}): what is done is kept; run the same command again to go on.", err=True)
        raise typer.Exit(INCOMPLETE)
    write_page(drift_page(found.drift), drift_json(found.drift), json, html)
    _leave(found, found.drift)


def _show_plans(
    before: Path | None, after: Path, cases: Path, judge: str, labels: Path | None, format: str | None, options: dict[str, Any]
) -> None:
    for name, made in zip(("before", "after"), drift_plans(before, after, cases, judge, labels, format, **options), strict=True):
        for line in made.lines():
            typer.echo(f"{name}: {line}")
    typer.echo("Nothing was asked and nothing was spent.")


def _leave(made: Drifted, found: Drift) -> None:
    """Say the decision where a script or a person watches, and leave with the status that gates."""
    after = f" and {made.after.id}" if made.after else ""
    typer.echo(f"runs {made.before.id}{after}", err=True)
    for finding in found.why:
        if finding.severity != "note":
            typer.echo(f"{'block' if finding.severity == 'error' else 'warning'}: {finding.message}; {finding.hint}".rstrip("; "), err=True)
    raise typer.Exit(1 if found.decision == "block" else 0)


@app.command("attack")
def _attack(
    cases: CasesArgument,
    bench: Annotated[str, typer.Option("--bench", metavar="TAG", help="Tag of the tasks that an edit is checked on.")],
    target: Annotated[str, typer.Option("--target", metavar="TAG", help="Tag of the tasks that matter.")],
    editor: Annotated[str, typer.Option("--editor", metavar="NAME", help="Who rewrites the rubric: chat:MODEL@URL.")],
    rubric: RubricOption = None,
    judge: JudgeOption = "embedded",
    labels: LabelsOption = None,
    budget: Annotated[int, typer.Option("--budget", min=1, help="Judgements (one response or pair under one rubric) at most.")] = 100_000,
    generations: Annotated[int, typer.Option("--generations", min=1, help="Rounds of the search.")] = 5,
    seed: Annotated[int, typer.Option("--seed", help="Seed of splits and samples.")] = 0,
    tolerance: ToleranceOption = 2.0,
    dry_run: DryRunOption = False,
    format: FormatOption = None,
    store: StoreOption = None,
    html: HtmlOption = None,
    json: JsonOption = False,
) -> None:
    """Search edits of your own rubric that pass `--bench` and lose people's agreement on `--target`; leaves with 1 where one is found.

    The report says which criteria to mend. It holds no rewritten rubric.
    """
    options = AttackOptions(generations=generations, budget=budget, seed=seed, tolerance=tolerance / 100)
    if dry_run:
        plan = red_team_plan(rubric, cases, bench, target, labels, options, format)
        typer.echo(f"{plan.bench} labelled cases of {bench}, {plan.target} of {target}")
        typer.echo(f"at most {plan.judgements:,} judgements and {plan.edits} edits by the editor; what is on record is not asked again")
        return
    found = red_team_of(rubric, cases, bench, target, editor, judge, labels, options, format, store=store)
    write_page(attack_page(found), attack_json(found), json, html)
    raise typer.Exit(1 if found.exposed else 0)
