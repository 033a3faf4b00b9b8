"""`criterial runs`: what a store holds."""

from __future__ import annotations

import json as json_module
import sys
import time
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from criterial.cli.options import JsonOption, StoreOption
from criterial.report.history import lines, told
from criterial.store.database import Database
from criterial.store.history import history
from criterial.store.runs import StoredRun, find_run, list_runs, lost_calls, session_history, total_usage

__all__ = ["app"]

app = typer.Typer(add_completion=False, rich_markup_mode=None, invoke_without_command=True)


@app.callback()
def _runs(context: typer.Context, store: StoreOption = None, json: JsonOption = False) -> None:
    """List the runs of a store, newest first; `runs show RUN` tells one run's calls, retries and spend."""
    if context.invoked_subcommand is not None:
        return
    database = Database(store, create=False)
    try:
        found = list_runs(database)
    finally:
        database.close()
    if json:
        typer.echo(json_module.dumps([_row(r) for r in found], indent=2))
    else:
        Console(file=sys.stdout, highlight=False, width=None if sys.stdout.isatty() else 140).print(_table(found))


def _table(found: list[StoredRun]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("run", "when", "state", "judge", "decided", "open", "best system"):
        table.add_column(name, no_wrap=True)
    for run in found:
        verdicts = run.summary.get("verdicts", {})
        open_cells = verdicts.get("abstained", 0) + verdicts.get("failed", 0)
        row = (
            run.id,
            _when(run.updated),
            run.state,
            str(run.config["name"]),
            str(verdicts.get("decided", "")),
            str(open_cells),
            _best(run),
        )
        table.add_row(*(Text(cell) for cell in row))
    return table


def _best(run: StoredRun) -> str:
    systems = run.summary.get("systems", [])
    return f"{systems[0]['system'] or '(unnamed)'} {systems[0]['mean']:.3f}" if systems and systems[0]["mean"] is not None else ""


@app.command("show")
def _show(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run's name, the beginning of it, or last.")] = "last",
    store: StoreOption = None,
    json: JsonOption = False,
) -> None:
    """Show a run's calls, retries, failures, spend and pace, its sittings, and the calls whose replies were lost when it was killed."""
    database = Database(store, create=False)
    try:
        found = find_run(database, run)
        usage, lost, sittings = total_usage(database, found.id), lost_calls(database, found.id), session_history(database, found.id)
        past = history(database, found.id)
    finally:
        database.close()
    if json:
        whole = {**_row(found), "usage": usage.__dict__, "history": told(past), "lost_calls": lost, "sittings": sittings}
        typer.echo(json_module.dumps(whole, indent=2))
        return
    money = "not known" if usage.money is None else f"${usage.money:.4f}"
    typer.echo(f"run {found.id}: {found.state}, judged by {found.config['name']}, begun {_when(found.created)}")
    typer.echo(f"{usage.calls:,} requests, {usage.retries:,} of them repeats after faults")
    typer.echo(f"{usage.input_tokens:,} tokens read ({usage.cached_tokens:,} from cache), {usage.output_tokens:,} written; money: {money}")
    for line in lines(past):
        typer.echo(line)
    for sitting in sittings:
        typer.echo(f"sitting of {_when(sitting['started'])}: {sitting['outcome']}" + ("" if sitting["ended"] else ", never ended"))
    for call in lost:
        typer.echo(f"in flight when killed, may have been paid: {call}")


def _row(run: StoredRun) -> dict[str, object]:
    return {"run": run.id, "created": run.created, "updated": run.updated, "state": run.state, "judge": run.config["name"], **run.summary}


def _when(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
