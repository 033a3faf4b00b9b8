"""`criterial grade`: the main job."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine
from typing import Annotated, Any

import typer

from criterial.cli.options import (
    AttemptsOption,
    BlocksOption,
    BudgetOption,
    CasesArgument,
    ConcurrencyOption,
    DryRunOption,
    EngineOption,
    FetchOption,
    FormatOption,
    HtmlOption,
    JsonOption,
    JudgesOption,
    LogprobsOption,
    MethodOption,
    PanelOption,
    ParameterOption,
    PassBelowOption,
    PerCallOption,
    PolicyOption,
    PriceOption,
    PythonOption,
    RepeatsOption,
    ResponsesOption,
    RubricOption,
    SampleOption,
    StoreOption,
    TemperatureOption,
    TimeoutOption,
    WorkersOption,
    parse_choice,
    parse_fields,
    parse_panel,
    parse_policy,
    parse_price,
    parse_temperature,
)
from criterial.cli.output import finish
from criterial.core.task import Case
from criterial.formats.fetch_policy import FetchPolicy
from criterial.model.exchange import Patience
from criterial.model.spec import JudgeSettings
from criterial.run.admission import Budget
from criterial.run.grading import agrade, plan, sandbox_for
from criterial.run.loading import load_cases, sample_cases
from criterial.run.progress import Silent, progress_for
from criterial.score.record import Run

__all__ = ["app"]

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command("grade")
def _grade(
    cases: CasesArgument,
    rubric: RubricOption = None,
    judge: JudgesOption = None,
    repeats: RepeatsOption = 1,
    store: StoreOption = None,
    budget: BudgetOption = None,
    dry_run: DryRunOption = False,
    html: HtmlOption = None,
    json: JsonOption = False,
    format: FormatOption = None,
    responses: ResponsesOption = None,
    sample: SampleOption = None,
    concurrency: ConcurrencyOption = 64,
    criteria_per_call: PerCallOption = None,
    temperature: TemperatureOption = "0",
    logprobs: LogprobsOption = False,
    parameter: ParameterOption = None,
    price: PriceOption = None,
    attempts: AttemptsOption = 8,
    timeout: TimeoutOption = 120.0,
    pass_below: PassBelowOption = 0.0,
    method: MethodOption = "pointwise",
    policy: PolicyOption = None,
    panel: PanelOption = None,
    allow_python: PythonOption = None,
    engine: EngineOption = "local",
    workers: WorkersOption = None,
    blocks: BlocksOption = None,
    fetch: FetchOption = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> None:
    """Judge the responses of a cases file and score them.

    Answers are kept as they come: killed and started again, the same command goes on where it was; with another criterion it asks for that
    column alone, and with other weights for nothing.
    """
    asked = {"concurrency": concurrency, "criteria_per_call": criteria_per_call, "timeout": timeout, "pass_below": pass_below}
    chosen: dict[str, Any] = {
        **dict(zip(("method", "method_options"), parse_choice(method), strict=True)),
        "settings": _settings({**asked, "logprobs": logprobs}, temperature, parameter, attempts, price),
        "repeats": repeats,
        "store": store,
        "budget": Budget.parse(budget) if budget else None,
        "policy": parse_policy(policy),
        "panel": parse_panel(panel),
        "allow_python": _allowed(allow_python or []),
        **{"engine": engine, "workers": workers, "blocks": blocks},
    }
    judges = judge or ["embedded"]
    loaded = sample_cases(load_cases(cases, rubric, format, responses, FetchPolicy(tuple(fetch)) if fetch else None), sample)
    if dry_run:
        _dry_run(loaded, judges, chosen, json)
    else:
        finish(_until_stopped(loaded, judges, quiet, chosen), json, html)


def _settings(plain: dict[str, Any], temperature: str, parameters: list[str] | None, attempts: int, price: str | None) -> JudgeSettings:
    """Return how judges are asked: what needs no reading, and what does."""
    return JudgeSettings(
        temperature=parse_temperature(temperature),
        parameters=parse_fields(parameters or []),
        patience=Patience(attempts=attempts),
        price=parse_price(price),
        **plain,
    )


def _allowed(modules: list[str]) -> tuple[str, ...]:
    """Return modules whose functions checks may call, importable from the working folder too."""
    if modules and os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    return tuple(modules)


def _dry_run(cases: list[Case], judges: list[str], options: dict[str, Any], json: bool) -> None:
    made = plan(cases, judges, **options)
    if json:
        typer.echo(made.to_json())
    else:
        for line in made.lines():
            typer.echo(line)
        typer.echo("Nothing was asked and nothing was spent.")


def _until_stopped(cases: list[Case], judges: list[str], quiet: bool, options: dict[str, Any]) -> Run:
    """Run to the end, or until Ctrl-C or SIGTERM asks for it: the first keeps what is done, a second leaves at once."""
    sandbox = asyncio.run(sandbox_for(cases))
    if sandbox is not None:
        typer.echo(f"programs run in a sandbox, {sandbox.level}", err=True)
    if options["repeats"] > 1 and any(j.startswith("chat:") for j in judges) and options["settings"].temperature == 0:
        typer.echo("note: repeats at temperature 0 show little of a judge's noise; try --temperature 0.7", err=True)

    async def body() -> Run:
        loop, stop = asyncio.get_running_loop(), asyncio.Event()

        def asked() -> None:
            if stop.is_set():
                os._exit(130)
            typer.echo("\nstopping: calls in flight may end; once more to leave at once", err=True)
            stop.set()

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, asked)
        return await agrade(cases, judges, progress=Silent() if quiet else progress_for(), stop=stop, sandbox=sandbox, **options)

    coroutine: Coroutine[Any, Any, Run] = body()
    return asyncio.run(coroutine)
