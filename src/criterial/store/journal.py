"""The journal: no answer reaches a caller before it is on disk, and none is asked for twice.

Around each call stand two transactions: one writes the *intent*, one writes the reply with its cost and removes the intent.
An answer is acknowledged only after the second. So an acknowledged answer is never lost, and after a crash at most the calls
that were in flight are paid again; they are the intents that stay behind. One thread owns the connection, and whatever is
waiting goes into one transaction (group commit), since a commit costs a sync of the disk.
"""

from __future__ import annotations

import asyncio
import json
import queue
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select, update
from sqlalchemy.exc import SQLAlchemyError

from criterial.core.ports import Answer, Usage
from criterial.errors import StoreError
from criterial.store.database import Database, insert_new
from criterial.store.schema import answers, calls, intents, sessions

__all__ = ["Journal", "recorded"]

_GATHER = 0.001
"""Seconds that the owner thread waits for company before it commits, while several calls are in flight."""
_KEYS_A_QUERY = 500


@dataclass
class _Batch:
    """What one transaction will write, and who waits for it."""

    intents: list[dict[str, Any]] = field(default_factory=list)
    settled: list[dict[str, str]] = field(default_factory=list)
    calls: list[dict[str, Any]] = field(default_factory=list)
    answers: list[dict[str, str]] = field(default_factory=list)
    reads: list[tuple[Callable[[Connection], Any], asyncio.Future[Any]]] = field(default_factory=list)
    waiters: list[asyncio.Future[Any]] = field(default_factory=list)


class Journal:
    """Keeps the answers and the bill of one run in a store. Use it inside one event loop, as an async context manager.

    Parameters
    ----------
    database : Database
        The open store.
    run : str
        The run that calls are booked to.
    """

    def __init__(self, database: Database, run: str) -> None:
        self._database = database
        self._run = run
        self.session = uuid.uuid4().hex
        self._queue: queue.SimpleQueue[Callable[[_Batch], None] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._open = 0

    async def __aenter__(self) -> Journal:
        self._loop = asyncio.get_running_loop()
        with self._database.begin() as connection:
            row = {"id": self.session, "run": self._run, "started": time.time(), "ended": None, "outcome": "running"}
            insert_new(connection, sessions, [row])
        self._thread = threading.Thread(target=self._serve, name="criterial-journal", daemon=True)
        self._thread.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self._queue.put(None)
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)
        outcome = "finished" if kind is None else "stopped"
        with self._database.begin() as connection:
            connection.execute(update(sessions).where(sessions.c.id == self.session).values(ended=time.time(), outcome=outcome))

    async def known(self, keys: Sequence[str]) -> dict[str, Answer]:
        """Return the answers that are on record.

        Parameters
        ----------
        keys : sequence of str
            Fingerprints.

        Returns
        -------
        dict of str to Answer
            Those that are known, by fingerprint.
        """

        def read(connection: Connection) -> dict[str, Answer]:
            return recorded(connection, keys)

        result: dict[str, Answer] = await self._submit(lambda batch, future: batch.reads.append((read, future)))
        return result

    async def intend(self, label: str, questions: Sequence[str]) -> str:
        """Write down that a call is about to go out, and return its id once that is on disk.

        Parameters
        ----------
        label : str
            Who is judged.
        questions : sequence of str
            What is asked.

        Returns
        -------
        str
            Id of the call, for `settle`.
        """
        call = uuid.uuid4().hex
        row = {
            "id": call,
            "run": self._run,
            "session": self.session,
            "started": time.time(),
            "label": label,
            "questions": json.dumps(list(questions), ensure_ascii=False),
        }

        def add(batch: _Batch, future: asyncio.Future[Any]) -> None:
            batch.intents.append(row)
            batch.waiters.append(future)

        await self._submit(add)
        return call

    async def settle(self, call: str, started: float, replies: Sequence[tuple[str, Answer]], usage: Usage) -> None:
        """Write a call's answers and cost and remove its intent, and return once that is on disk.

        Parameters
        ----------
        call : str
            What `intend` returned.
        started : float
            When the call began, seconds since the epoch.
        replies : sequence of (str, Answer)
            Each answer with its fingerprint. Failed ones are counted by cause but not kept as answers, so that they are asked again.
        usage : Usage
            What it cost.
        """
        row = {
            "id": call,
            "run": self._run,
            "session": self.session,
            "started": started,
            "seconds": time.time() - started,
            "questions": len(replies),
            "calls": usage.calls,
            "retries": usage.retries,
            "input_tokens": usage.input_tokens,
            "cached_tokens": usage.cached_tokens,
            "output_tokens": usage.output_tokens,
            "money": usage.money,
            "causes": json.dumps([a.cause for _, a in replies if a.outcome == "failed"]),
        }
        kept = [{"key": key, "call": call, "body": _body_of(answer)} for key, answer in replies if answer.outcome != "failed"]

        def add(batch: _Batch, future: asyncio.Future[Any]) -> None:
            batch.calls.append(row)
            batch.answers.extend(kept)
            batch.settled.append({"intent": call})
            batch.waiters.append(future)

        await self._submit(add)

    async def _submit(self, add: Callable[[_Batch, asyncio.Future[Any]], None]) -> Any:
        if self._loop is None:
            raise StoreError("the journal is not open: use it as `async with Journal(...)`")
        future: asyncio.Future[Any] = self._loop.create_future()
        self._open += 1
        self._queue.put(lambda batch: add(batch, future))
        try:
            return await future
        finally:
            self._open -= 1

    def _serve(self) -> None:
        running = True
        while running:
            item = self._queue.get()
            if item is None:
                return
            batch = _Batch()
            item(batch)
            if self._open > 2:
                time.sleep(_GATHER)
            while True:
                try:
                    item = self._queue.get_nowait()
                except queue.Empty:
                    break
                if item is None:
                    running = False
                    break
                item(batch)
            self._commit(batch)

    def _commit(self, batch: _Batch) -> None:
        error: Exception | None = None
        results: list[Any] = []
        try:
            with self._database.begin(write=bool(batch.waiters)) as connection:
                insert_new(connection, intents, batch.intents)
                insert_new(connection, calls, batch.calls)
                insert_new(connection, answers, batch.answers)
                if batch.settled:
                    connection.execute(_SETTLE, batch.settled)
                results = [read(connection) for read, _ in batch.reads]
        except (SQLAlchemyError, StoreError, OSError) as caught:
            error = caught if isinstance(caught, StoreError) else StoreError(f"{self._database.url}: {caught}")
        outcome: list[tuple[asyncio.Future[Any], Any]] = [(f, None) for f in batch.waiters]
        outcome += [(f, r) for (_, f), r in zip(batch.reads, results or [None] * len(batch.reads), strict=True)]
        assert self._loop is not None
        self._loop.call_soon_threadsafe(_resolve, outcome, error)


def recorded(connection: Connection, keys: Sequence[str]) -> dict[str, Answer]:
    """Return the answers that are on record.

    Parameters
    ----------
    connection : Connection
        An open transaction.
    keys : sequence of str
        Fingerprints.

    Returns
    -------
    dict of str to Answer
        Those that are known, by fingerprint.
    """
    found: dict[str, Answer] = {}
    for start in range(0, len(keys), _KEYS_A_QUERY):
        for key, body in connection.execute(_KNOWN, {"keys": list(keys[start : start + _KEYS_A_QUERY])}):
            found[key] = _answer_of(body)
    return found


def _resolve(outcome: list[tuple[asyncio.Future[Any], Any]], error: Exception | None) -> None:
    for future, result in outcome:
        if future.done():
            continue
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)


_KNOWN = select(answers.c.key, answers.c.body).where(answers.c.key.in_(bindparam("keys", expanding=True)))
_SETTLE = delete(intents).where(intents.c.id == bindparam("intent"))


def _body_of(answer: Answer) -> str:
    body: dict[str, Any] = {"o": answer.outcome}
    if answer.probs:
        body["p"] = answer.probs
    if answer.number is not None:
        body["n"] = answer.number
    if answer.graded:
        body["g"] = 1
    if answer.reason:
        body["r"] = answer.reason
    if answer.cause:
        body["c"] = answer.cause
    return json.dumps(body, ensure_ascii=False, allow_nan=False)


def _answer_of(text: str) -> Answer:
    body = json.loads(text)
    return Answer(
        outcome=body["o"],
        probs=tuple(body.get("p", ())),
        number=body.get("n"),
        graded=bool(body.get("g")),
        reason=body.get("r", ""),
        cause=body.get("c", ""),
    )
