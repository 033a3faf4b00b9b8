"""Runs that need no judge: verdicts that came from elsewhere, and runs that are in a store already."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from criterial.core.builder import TableBuilder, table_of
from criterial.core.digest import digest, short
from criterial.core.ports import Decider
from criterial.core.rubric import Panel, Policy
from criterial.core.table import CHECK, Layer, VerdictTable
from criterial.core.task import Case
from criterial.core.verdict import Verdict
from criterial.errors import FormatError
from criterial.formats.load import read_verdict_table, read_verdicts
from criterial.formats.native import case_of, verdict_of
from criterial.run.engine import items_of
from criterial.run.keeping import code_digest, judge_method, make_run, scoring_to_dict, stored_cases
from criterial.run.loading import Cases, load_cases
from criterial.sandbox.programs import ProgramDecider
from criterial.score.record import Run
from criterial.store.database import Database
from criterial.store.journaled import RecordedDecider
from criterial.store.runs import StoredRun, begin_run, find_run, finish_run, lost_calls, read_cases, read_table, save_table, total_usage

__all__ = ["given_verdicts", "open_run", "score_verdicts", "table_on_record"]

_SHOWN_JUDGES = 8


def open_run(named: str, store: str | None = None) -> Run:
    """Return a run from a store; one that was cut off comes with what is on record.

    Parameters
    ----------
    named : str
        Its name, the beginning of it, or ``last``.
    store : str, optional
        URL of the store.

    Returns
    -------
    Run

    Raises
    ------
    StoreError
        If there is no such store or run.
    """
    database = Database(store, create=False)
    try:
        stored = find_run(database, named)
        cases = [case_of(c) for c in read_cases(database, stored.id)]
        table = read_table(database, stored.id, cases) if stored.state != "running" else None
        if table is None:
            table = asyncio.run(table_on_record(database, stored, cases))
        made = make_run(stored.id, cases, table, stored.config)
        stopped = str(stored.summary.get("stopped", "")) if stored.state != "running" else "stopped"
        return replace(made, total=total_usage(database, stored.id), stopped=stopped, lost_calls=lost_calls(database, stored.id))
    finally:
        database.close()


async def table_on_record(database: Database, stored: StoredRun, cases: Sequence[Case]) -> VerdictTable:
    """Return what is on record of a run that did not come to its end.

    Parameters
    ----------
    database : Database
        The store.
    stored : StoredRun
        The run.
    cases : sequence of Case
        Its cases.

    Returns
    -------
    VerdictTable
    """
    config = stored.config
    repeats = int(config["repeats"])
    deciders: list[Decider] = [RecordedDecider(database, **judge) for judge in config["judges"]]
    if "programs" in config:
        programs = RecordedDecider(database, config["programs"], CHECK, True)
        deciders = [ProgramDecider(d, programs) for d in deciders]
    builder = TableBuilder(cases, [Layer(d.name, k, d.calibrated) for d in deciders for k in range(repeats)])
    judge = judge_method(config["method"], config["method_options"])
    for item in items_of(cases, repeats, len(deciders)):
        for column, verdict in enumerate(await judge(item.case, item.response, deciders[item.judge], item.repeat)):
            builder.put(item.row, column, item.judge * repeats + item.repeat, verdict)
    return builder.build()


def score_verdicts(
    cases: Cases,
    verdicts: str | Path | Sequence[Verdict | Mapping[str, Any]] | None = None,
    rubric: Any = None,
    policy: Policy | None = None,
    store: str | None = None,
    format: str | None = None,
    panel: Panel | None = None,
) -> Run:
    """Return the run of verdicts that came from elsewhere: people, another judge, a benchmark's own files.

    Parameters
    ----------
    cases : path, or sequence of Case or mapping
        What they are about.
    verdicts : path, or sequence of Verdict or mapping, optional
        The verdicts; None takes those that came with the cases.
    rubric : path, Rubric or list, optional
        The rubric of all cases, in place of their own.
    policy : Policy, optional
        Scores all rows in place of their rubrics' own policies.
    store : str, optional
        URL of the store in which the run is kept.
    format : str, optional
        Format of the cases file.
    panel : Panel, optional
        How judges and repeats become one verdict a cell, in place of the policies' own panels.

    Returns
    -------
    Run

    Raises
    ------
    CriterialError
        If cases, verdicts or store cannot be used.
    """
    loaded, table = _given_table(load_cases(cases, rubric, format), verdicts)
    config = {"judges": [], "name": _named(table), "calibrated": True, "repeats": len(table.layers), **scoring_to_dict(policy, panel)}
    arrays = [hashlib.sha256(a.tobytes()).hexdigest() for a in (table.state_LN, table.value_LN, table.checked_LN)]
    content = [[list(layer) for layer in table.layers], arrays]
    made = make_run(short(digest("scored", config, [c.digest for c in loaded], content)), loaded, table, config)
    database = Database(store)
    try:
        begin_run(database, made.id, config, len(loaded), stored_cases(loaded))
        save_table(database, made.id, table, code_digest())
        finish_run(database, made.id, "finished", made.summary())
    finally:
        database.close()
    return made


def _given_table(cases: list[Case], verdicts: str | Path | Sequence[Verdict | Mapping[str, Any]] | None) -> tuple[list[Case], VerdictTable]:
    if isinstance(verdicts, (str, Path)):
        return read_verdict_table(verdicts, cases)
    loaded, given = given_verdicts(cases, verdicts)
    return loaded, table_of(loaded, given)


def _named(table: VerdictTable) -> str:
    """Return who judged; of a crowd, the first few and how many more."""
    names = list(dict.fromkeys(layer.judge or "unnamed" for layer in table.layers))
    return (
        ", ".join(names)
        if len(names) <= _SHOWN_JUDGES
        else f"{', '.join(names[: _SHOWN_JUDGES - 2])} and {len(names) - _SHOWN_JUDGES + 2} others"
    )


def given_verdicts(
    cases: list[Case], verdicts: str | Path | Sequence[Verdict | Mapping[str, Any]] | None = None
) -> tuple[list[Case], list[Verdict]]:
    """Return cases with the verdicts on them.

    Parameters
    ----------
    cases : list of Case
        The cases.
    verdicts : path, or sequence of Verdict or mapping, optional
        The verdicts; None takes those that came with the cases.

    Returns
    -------
    tuple of (list of Case, list of Verdict)
        With the responses that a file of verdicts brings along.

    Raises
    ------
    FormatError
        If there are none, or they do not fit the cases.
    """
    if isinstance(verdicts, (str, Path)):
        return read_verdicts(verdicts, cases)
    if verdicts is not None:
        return cases, list(_verdicts(verdicts, cases))
    given = [v for c in cases for v in c.verdicts]
    if not given:
        raise FormatError("the cases carry no verdicts", hint="pass a file of them with --verdicts FILE")
    return cases, given


def _verdicts(given: Sequence[Verdict | Mapping[str, Any]], cases: Sequence[Case]) -> Iterator[Verdict]:
    criteria = {(r.id, k.id): k for c in cases for r in c.responses for k in c.rubric.criteria}
    for item in given:
        if isinstance(item, Verdict):
            yield item
        else:
            response = str(item.get("response"))
            yield verdict_of(item, lambda c, r=response: criteria.get((r, c)))  # type: ignore[misc]
