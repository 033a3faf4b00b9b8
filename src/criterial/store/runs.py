"""Keeping runs: their cases by content, and their tables as arrays."""

from __future__ import annotations

import io
import json
import time
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sqlalchemy import Row, delete, func, insert, select, update

from criterial.core.builder import TableBuilder
from criterial.core.ports import Usage
from criterial.core.table import Layer, VerdictTable
from criterial.core.task import Case
from criterial.errors import StoreError, UnknownRun
from criterial.store.database import Database, insert_new
from criterial.store.schema import blobs, calls, intents, run_blocks, run_cases, runs, sessions

__all__ = [
    "StoredRun",
    "begin_run",
    "code_of_table",
    "find_run",
    "finish_run",
    "list_runs",
    "lost_calls",
    "read_cases",
    "read_table",
    "save_table",
    "session_history",
    "total_usage",
]

_ARRAYS = ("state_LN", "value_LN", "cause_LN", "probs_LNK", "checked_LN")


@dataclass(frozen=True)
class StoredRun:
    """What the store says of a run."""

    id: str
    """Its name."""
    created: float
    """When it began, seconds since the epoch."""
    updated: float
    """When it last changed."""
    state: str
    """``running``, ``finished`` or ``stopped``."""
    config: Mapping[str, Any]
    """Judge, repeats, policy and what else it was begun with."""
    summary: Mapping[str, Any]
    """Systems and counts at its end; empty before."""


def begin_run(database: Database, run: str, config: Mapping[str, Any], count: int, cases: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
    """Write a run down with its cases, or find it there already; it is running then.

    Parameters
    ----------
    database : Database
        The store.
    run : str
        Its name.
    config : mapping
        What it is begun with, as JSON.
    count : int
        How many cases there are.
    cases : iterable of (str, mapping)
        Digest and plain data of each case; looked at only where they are not known.
    """
    now = time.time()
    with database.begin() as connection:
        row = {"id": run, "created": now, "updated": now, "state": "running", "config": json.dumps(config), "summary": "{}"}
        insert_new(connection, runs, [row])
        connection.execute(update(runs).where(runs.c.id == run).values(state="running"))
        known = connection.execute(select(func.count()).select_from(run_cases).where(run_cases.c.run == run)).scalar_one()
        if known != count:
            packed = [{"digest": d, "body": _pack(data)} for d, data in cases]
            insert_new(connection, blobs, packed)
            insert_new(connection, run_cases, [{"run": run, "position": i, "digest": b["digest"]} for i, b in enumerate(packed)])


def save_table(database: Database, run: str, table: VerdictTable, code: str) -> None:
    """Write down a table as far as a run has come.

    Parameters
    ----------
    database : Database
        The store.
    run : str
        The run's name.
    table : VerdictTable
        Its verdicts.
    code : str
        Digest of the code that they were made with.
    """
    arrays = io.BytesIO()
    np.savez_compressed(arrays, **{name: getattr(table, name) for name in _ARRAYS})
    layers = [list(layer) for layer in table.layers]
    reasons = [list(r) for r in table.reasons]
    blocks = {"arrays": arrays.getvalue(), "layers": _pack(layers), "reasons": _pack(reasons), "code": code.encode()}
    with database.begin() as connection:
        connection.execute(delete(run_blocks).where(run_blocks.c.run == run))
        connection.execute(insert(run_blocks), [{"run": run, "name": n, "body": b} for n, b in blocks.items()])


def finish_run(database: Database, run: str, state: str, summary: Mapping[str, Any]) -> None:
    """Write down that a run, whose table is saved, has ended.

    Parameters
    ----------
    database : Database
        The store.
    run : str
        Its name.
    state : str
        ``finished`` or ``stopped``.
    summary : mapping
        As JSON.
    """
    with database.begin() as connection:
        values = {"updated": time.time(), "state": state, "summary": json.dumps(summary)}
        connection.execute(update(runs).where(runs.c.id == run).values(**values))


def find_run(database: Database, named: str) -> StoredRun:
    """Return a run by its name, the beginning of its name, or ``last``.

    Parameters
    ----------
    database : Database
        The store.
    named : str
        What the user wrote.

    Returns
    -------
    StoredRun

    Raises
    ------
    UnknownRun
        If there is none, or more than one begins so.
    """
    with database.begin(write=False) as connection:
        if named == "last":
            found = connection.execute(select(runs).order_by(runs.c.updated.desc()).limit(1)).all()
        else:
            found = connection.execute(select(runs).where(runs.c.id.startswith(named, autoescape=True)).limit(2)).all()
    if len(found) > 1:
        raise UnknownRun(f"more than one run begins with {named!r}")
    if not found:
        raise UnknownRun(f"there is no run {named!r} in {database.url}: see `criterial runs`")
    return _stored(found[0])


def list_runs(database: Database) -> list[StoredRun]:
    """Return all runs, newest first.

    Parameters
    ----------
    database : Database
        The store.

    Returns
    -------
    list of StoredRun
    """
    with database.begin(write=False) as connection:
        return [_stored(row) for row in connection.execute(select(runs).order_by(runs.c.updated.desc()))]


def _stored(row: Row[Any]) -> StoredRun:
    return StoredRun(row.id, row.created, row.updated, row.state, json.loads(row.config), json.loads(row.summary))


def read_cases(database: Database, run: str) -> list[dict[str, Any]]:
    """Return a run's cases as plain data, in their order.

    Parameters
    ----------
    database : Database
        The store.
    run : str
        Its full name.

    Returns
    -------
    list of dict
    """
    joined = select(blobs.c.body).join(run_cases, run_cases.c.digest == blobs.c.digest)
    with database.begin(write=False) as connection:
        found = connection.execute(joined.where(run_cases.c.run == run).order_by(run_cases.c.position)).scalars()
        return [_unpack(body) for body in found]


def read_table(database: Database, run: str, cases: Sequence[Case]) -> VerdictTable | None:
    """Return a run's table, or None where the run never came to its end.

    Parameters
    ----------
    database : Database
        The store.
    run : str
        Its full name.
    cases : sequence of Case
        Its cases.

    Returns
    -------
    VerdictTable or None

    Raises
    ------
    StoreError
        If what is stored does not fit the cases.
    """
    with database.begin(write=False) as connection:
        found = {n: b for n, b in connection.execute(select(run_blocks.c.name, run_blocks.c.body).where(run_blocks.c.run == run))}
    if not found:
        return None
    layers = [Layer(*item) for item in _unpack(found["layers"])]
    empty = TableBuilder(cases, layers).build()
    with np.load(io.BytesIO(found["arrays"]), allow_pickle=False) as arrays:
        loaded = {name: arrays[name] for name in _ARRAYS if name in arrays}  # older tables do not say which cells were checked
    if loaded["state_LN"].shape != empty.state_LN.shape:
        raise StoreError(f"{database.url}: the table of run {run} does not fit its cases; grade it again")
    return replace(empty, **loaded, reasons=tuple(map(tuple, _unpack(found["reasons"]))))


def code_of_table(database: Database, run: str) -> str:
    """Return the digest of the code that a run's saved table was made with; empty where there is none.

    Parameters
    ----------
    database : Database
        The store.
    run : str
        The run's full name.

    Returns
    -------
    str
    """
    query = select(run_blocks.c.body).where(run_blocks.c.run == run, run_blocks.c.name == "code")
    with database.begin(write=False) as connection:
        found = connection.execute(query).scalar_one_or_none()
    return bytes(found).decode() if found is not None else ""


def total_usage(database: Database, run: str, session: str | None = None) -> Usage:
    """Return what all sittings of a run spent, or one of them.

    Parameters
    ----------
    database : Database
        The store.
    run : str
        Its full name.
    session : str, optional
        The one.

    Returns
    -------
    Usage
    """
    names = ("calls", "retries", "input_tokens", "cached_tokens", "output_tokens")
    sums = [func.coalesce(func.sum(calls.c[n]), 0) for n in names]
    query = select(*sums, func.sum(calls.c.money), func.count(), func.count(calls.c.money)).where(calls.c.run == run)
    if session is not None:
        query = query.where(calls.c.session == session)
    with database.begin(write=False) as connection:
        row = connection.execute(query).one()
    money = None if row[7] < row[6] else float(row[5] or 0.0)
    calls_made, retries, read, cached, written = (int(n) for n in row[:5])
    return Usage(calls_made, retries, read, cached, written, money)


def lost_calls(database: Database, run: str) -> list[str]:
    """Return the calls of a run whose replies never came in: they were in flight when their sitting ended.

    Parameters
    ----------
    database : Database
        The store.
    run : str
        The run's full name.

    Returns
    -------
    list of str
        Task, response and criteria of each call.
    """
    query = select(intents.c.label, intents.c.questions).where(intents.c.run == run)
    with database.begin(write=False) as connection:
        found = connection.execute(query.order_by(intents.c.started, intents.c.id)).all()
    return [f"{label}: {', '.join(questions.splitlines())}" for label, questions in found]


def session_history(database: Database, run: str) -> list[dict[str, Any]]:
    """Return a run's sittings, first to last.

    Parameters
    ----------
    database : Database
        The store.
    run : str
        Its full name.

    Returns
    -------
    list of dict
    """
    query = select(sessions).where(sessions.c.run == run).order_by(sessions.c.started)
    with database.begin(write=False) as connection:
        return [dict(row) for row in connection.execute(query).mappings()]


def _pack(value: Any) -> bytes:
    return zlib.compress(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass"), 6)


def _unpack(body: bytes) -> Any:
    return json.loads(zlib.decompress(body))
