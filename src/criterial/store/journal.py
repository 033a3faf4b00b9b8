"""The journal: no answer reaches a caller before it is on disk, and none is asked for twice.

Around each call stand two transactions: one writes the *intent*, one writes the reply with its cost and removes the intent.
An answer is acknowledged only after the second. So an acknowledged answer is never lost, and after a crash at most the calls
that were in flight are paid again; they are the intents that stay behind.

A commit costs a sync of the disk, so all that is waiting goes into one (group commit), and the sync runs in a thread of its own
while the loop goes on. The rows of a SQLite store are written from the loop itself: row by row from a second thread, each would
wait for the interpreter's lock.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, bindparam, delete, update
from sqlalchemy.exc import ResourceClosedError

from criterial.core.ports import Answer, Usage
from criterial.errors import StoreError
from criterial.store.database import Database, insert_new
from criterial.store.schema import answers, calls, intents, sessions

__all__ = ["Journal", "recorded"]

_KEYS_A_QUERY = 500


@dataclass
class _Batch:
    """What one transaction will write, and who waits for it."""

    intents: list[dict[str, Any]] = field(default_factory=list)
    settled: list[dict[str, str]] = field(default_factory=list)
    calls: list[dict[str, Any]] = field(default_factory=list)
    answers: list[dict[str, str]] = field(default_factory=list)
    waiters: list[asyncio.Future[None]] = field(default_factory=list)


class Journal:
    """Keeps the answers and the bill of one run in a store. Use it inside one event loop, as an async context manager.

    Parameters
    ----------
    database : Database
        The open store.
    run : str
        The run that calls are booked to.
    session : str, optional
        A sitting that another process has begun and will end; else this is a sitting of its own.
    """

    def __init__(self, database: Database, run: str, session: str | None = None) -> None:
        self._database = database
        self._run = run
        self._joined = session is not None
        self._name = uuid.uuid4().hex[:20]
        self.session = session or uuid.uuid4().hex
        self._waiting = _Batch()
        self._flusher: asyncio.Task[None] | None = None
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="criterial-journal")
        self._calls = itertools.count()

    async def __aenter__(self) -> Journal:
        if not self._joined:
            with self._database.begin() as connection:
                row = {"id": self.session, "run": self._run, "started": time.time(), "ended": None, "outcome": "running"}
                insert_new(connection, sessions, [row])
        with self._database.faults(), ExitStack() as opened:
            self._writer = opened.enter_context(self._database.engine.connect())
            self._reader = opened.enter_context(self._database.engine.connect().execution_options(writes=False))
            self._stack = opened.pop_all()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if self._flusher is not None:
            await self._flusher
        self._disk.shutdown()
        self._stack.close()
        if self._joined:
            return
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
        with self._database.faults(), self._reader.begin():
            return recorded(self._reader, keys)

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
        call = f"{self._name}{next(self._calls):012d}"
        row = {
            "id": call,
            "run": self._run,
            "session": self.session,
            "started": time.time(),
            "label": label,
            "questions": "\n".join(questions),
        }
        self._waiting.intents.append(row)
        await self._on_disk()
        return call

    def settle(self, call: str, started: float, replies: Sequence[tuple[str, Answer]], usage: Usage) -> asyncio.Future[None]:
        """Have a call's answers and cost written and its intent removed; what is written down later comes to disk later.

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

        Returns
        -------
        Future
            Done once all of it is on disk.
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
            "causes": "\n".join(a.cause for _, a in replies if a.outcome == "failed"),
        }
        kept = [{"key": key, "call": call, "body": _body_of(answer)} for key, answer in replies if answer.outcome != "failed"]
        self._waiting.calls.append(row)
        self._waiting.answers.extend(kept)
        self._waiting.settled.append({"intent": call})
        return self._on_disk()

    def _on_disk(self) -> asyncio.Future[None]:
        """Return a future that is done once everything that waits now is on disk."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.waiters.append(future)
        if self._flusher is None or self._flusher.done():
            self._flusher = asyncio.create_task(self._flush())
        return future

    async def _flush(self) -> None:
        await asyncio.sleep(0)  # let those that are ready now come along
        while self._waiting.waiters:
            batch, self._waiting = self._waiting, _Batch()
            error: Exception | None = None
            try:
                with self._database.faults():
                    await self._commit(batch)
            except ResourceClosedError:  # a call that was broken off settles after the journal has ended
                error = StoreError("the journal has ended")
            except Exception as caught:  # those who wait hear of it, whatever it is, or would wait for ever
                error = caught
            for future in batch.waiters:
                if not future.done():
                    future.set_exception(error) if error is not None else future.set_result(None)

    async def _commit(self, batch: _Batch) -> None:
        loop = asyncio.get_running_loop()
        try:
            transaction = self._writer.begin()
            if self._database.is_file:
                _write(self._writer, batch)
            else:
                await loop.run_in_executor(self._disk, _write, self._writer, batch)
            await loop.run_in_executor(self._disk, transaction.commit)
        except BaseException:
            # What a failed commit (a full disk) left open in the database is not known: the next batch begins on a fresh connection.
            self._writer.invalidate()
            self._writer.rollback()
            raise


def _write(connection: Connection, batch: _Batch) -> None:
    insert_new(connection, intents, batch.intents)
    insert_new(connection, calls, batch.calls)
    insert_new(connection, answers, batch.answers)
    if batch.settled:
        connection.execute(_SETTLE, batch.settled)


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
    mark = "?" if connection.dialect.paramstyle == "qmark" else "%s"
    found: dict[str, Answer] = {}
    for start in range(0, len(keys), _KEYS_A_QUERY):
        part = tuple(keys[start : start + _KEYS_A_QUERY])
        marks = ",".join([mark] * len(part))
        for key, body in connection.exec_driver_sql(f"SELECT key, body FROM answers WHERE key IN ({marks})", part):  # noqa: S608
            found[key] = _answer_of(body)
    return found


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
    return _encode(body)


_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


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
