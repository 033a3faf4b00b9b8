"""`criterial audit probe` and `criterial audit injection`: what moves a judge that should not, by asking it again on changed cases."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from criterial.audit.injection_tasks import tasks
from criterial.cli.options import (
    BudgetOption,
    CasesArgument,
    ConcurrencyOption,
    DryRunOption,
    FormatOption,
    HtmlOption,
    JsonOption,
    JudgeOption,
    LogprobsOption,
    PerCallOption,
    PriceOption,
    RepeatsOption,
    SampleOption,
    StoreOption,
    TimeoutOption,
    parse_price,
)
from criterial.cli.output import INCOMPLETE, write_page
from criterial.model.spec import JudgeSettings
from criterial.report.injection import injection_page
from criterial.report.json import as_json
from criterial.report.probing import probed_page
from criterial.run.admission import Budget
from criterial.run.injecting import inject, plan_injection
from criterial.run.loading import load_cases, sample_cases
from criterial.run.probing import plan_probes
from criterial.run.probing import probe as probe_judge
from criterial.run.progress import Progress, progress_for

__all__ = ["app"]

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command("probe")
def _probe(
    cases: CasesArgument,
    judge: JudgeOption = "embedded",
    names: Annotated[
        list[str] | None, typer.Option("--probe", metavar="NAME", help="Only this probe; may be repeated (criterial methods --room audit).")
    ] = None,
    repeats: RepeatsOption = 1,
    sample: SampleOption = None,
    budget: BudgetOption = None,
    dry_run: DryRunOption = False,
    concurrency: ConcurrencyOption = 64,
    criteria_per_call: PerCallOption = None,
    logprobs: LogprobsOption = False,
    timeout: TimeoutOption = 120.0,
    price: PriceOption = None,
    format: FormatOption = None,
    store: StoreOption = None,
    html: HtmlOption = None,
    json: JsonOption = False,
) -> None:
    """Ask a judge again on cases changed in ways that should not matter, or that should: length, format, order, injection, loss."""
    loaded = sample_cases(load_cases(cases, format=format), sample)
    settings = JudgeSettings(
        concurrency=concurrency, criteria_per_call=criteria_per_call, logprobs=logprobs, timeout=timeout, price=parse_price(price)
    )
    chosen = {"settings": settings, "repeats": repeats, "store": store, "budget": Budget.parse(budget) if budget else None}
    if dry_run:
        spent = plan_probes(loaded, judge, names or (), **chosen)
        typer.echo(spent.to_json() if json else "\n".join(spent.lines()))
        return
    found = probe_judge(loaded, judge, names or (), _told, **chosen)
    write_page(probed_page(found), as_json(found), json, html)
    _say_whether(found.complete)


@app.command("injection")
def _injection(
    cases: Annotated[
        Path | None, typer.Argument(metavar="[CASES]", help="File or folder of cases; without it 25 tasks that come with the attacks.")
    ] = None,
    judge: JudgeOption = "embedded",
    undefended: Annotated[
        bool, typer.Option("--undefended", help="Ask the same chat model without a fence around what is judged, too.")
    ] = False,
    repeats: RepeatsOption = 1,
    sample: SampleOption = None,
    budget: BudgetOption = None,
    dry_run: DryRunOption = False,
    concurrency: ConcurrencyOption = 64,
    criteria_per_call: PerCallOption = None,
    logprobs: LogprobsOption = False,
    timeout: TimeoutOption = 120.0,
    price: PriceOption = None,
    format: FormatOption = None,
    store: StoreOption = None,
    html: HtmlOption = None,
    json: JsonOption = False,
) -> None:
    """Attack a judge: responses that order it to credit them, in twelve families, and how often it does."""
    loaded = sample_cases(load_cases(cases, format=format) if cases else tasks(), sample)
    settings = JudgeSettings(
        concurrency=concurrency, criteria_per_call=criteria_per_call, logprobs=logprobs, timeout=timeout, price=parse_price(price)
    )
    chosen = {"settings": settings, "repeats": repeats, "store": store, "budget": Budget.parse(budget) if budget else None}
    if dry_run:
        spent = plan_injection(loaded, judge, undefended, **chosen)
        typer.echo(spent.to_json() if json else "\n".join(spent.lines()))
        return
    found = inject(loaded, judge, undefended, _told, **chosen)
    write_page(injection_page(found), as_json(found), json, html)
    _say_whether(found.complete)


def _say_whether(complete: bool) -> None:
    if not complete:
        typer.echo("not complete: run the same command again to go on; what is done is kept", err=True)
        raise typer.Exit(INCOMPLETE)


def _told(what: str) -> Progress:
    typer.echo(what, err=True)
    return progress_for()
