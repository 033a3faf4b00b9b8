"""A decider behind the journal: what is on record is not asked again, and nothing is acknowledged before it is on record."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from criterial.core.ports import Admission, Answer, Decider, DeciderInFront, DecisionReply, DecisionRequest, Usage
from criterial.errors import JudgeError
from criterial.store.database import Database
from criterial.store.journal import Journal, recorded

__all__ = ["JournaledDecider", "RecordedDecider", "split"]


_STOPPED = Answer("failed", cause="stopped")


class JournaledDecider(DeciderInFront):
    """Wraps a decider: known answers come from the journal; the rest is split into calls, admitted, asked and written down.

    What is being asked already is not asked a second time: the same question about the same text waits for its answer.

    Parameters
    ----------
    inner : Decider
        Who answers.
    journal : Journal
        Where answers are kept.
    admission : Admission
        Slots, budget and stop sign.
    """

    def __init__(self, inner: Decider, journal: Journal, admission: Admission) -> None:
        super().__init__(inner)
        self._journal = journal
        self._admission = admission
        self._asking: dict[str, asyncio.Future[dict[str, Answer]]] = {}

    async def decide(self, request: DecisionRequest) -> DecisionReply:
        """Answer every question of a request, from the journal where it can.

        Parameters
        ----------
        request : DecisionRequest
            Input and any number of questions.

        Returns
        -------
        DecisionReply
            One answer a question; the usage is what this call of the method spent.
        """
        keys = [request.fingerprint(self.identity, q) for q in request.questions]
        waited = {key: self._asking[key] for key in keys if key in self._asking}
        mine = {key: i for i, key in enumerate(keys) if key not in waited}
        known: dict[str, Answer] = {}
        # before the record is read: whoever asks the same now waits for this one
        answered: asyncio.Future[dict[str, Answer]] = asyncio.get_running_loop().create_future()
        self._asking.update(dict.fromkeys(mine, answered))
        try:
            usage = await self._answer(request, mine, known)
        finally:
            for key in mine:
                del self._asking[key]
            answered.set_result(known)
        for key, others in waited.items():
            known[key] = (await asyncio.shield(others)).get(key, _STOPPED)
        return DecisionReply(tuple(known[key] for key in keys), usage)

    async def _answer(self, request: DecisionRequest, places: Mapping[str, int], known: dict[str, Answer]) -> Usage:
        """Put the answer to each question, by its key, among those that are known; return what it took."""
        known.update(await self._journal.known(list(places)))
        keys = {place: key for key, place in places.items()}
        parts = split(request, [place for key, place in places.items() if key not in known], self.questions_per_call)
        usage = Usage()
        for (where, _), reply in zip(parts, await self._ask_all(parts, keys), strict=True):
            usage += reply.usage
            known.update(zip([keys[i] for i in where], reply.answers, strict=True))
        return usage

    async def _ask_all(self, parts: Sequence[tuple[list[int], DecisionRequest]], keys: Mapping[int, str]) -> Sequence[DecisionReply]:
        asking = [self._ask(part, [keys[i] for i in where]) for where, part in parts]
        return [await asking[0]] if len(asking) == 1 else await asyncio.gather(*asking)

    async def _ask(self, part: DecisionRequest, keys: Sequence[str]) -> DecisionReply:
        try:
            receipt = await self._admission.enter(partial(self._inner.estimate, part))
        except JudgeError as refused:
            return DecisionReply(tuple(Answer("failed", cause=refused.cause) for _ in keys))
        reply: DecisionReply | None = None
        try:
            call = await self._journal.intend("/".join(part.input.label), [q.name for q in part.questions])
            started = time.time()
            reply = await self._inner.decide(part)
            on_disk = self._journal.settle(call, started, list(zip(keys, reply.answers, strict=True)), reply.usage)
        finally:
            self._admission.leave(receipt, reply)
        # The slot is free: the next call's intent may go into the same transaction as this reply, but never before it.
        await on_disk
        return reply


class RecordedDecider:
    """Answers from the record alone, as one certain decider did: for reading a run that was cut off.

    Parameters
    ----------
    database : Database
        The store.
    identity : str
        Identity of the decider whose answers are read.
    name : str
        Its name.
    calibrated : bool
        Whether it was calibrated.
    """

    questions_per_call = 1 << 30

    def __init__(self, database: Database, identity: str, name: str, calibrated: bool) -> None:
        self._database = database
        self.identity = identity
        self.name = name
        self.calibrated = calibrated

    async def decide(self, request: DecisionRequest) -> DecisionReply:
        """Answer what is on record; the rest has failed with cause ``stopped``.

        Parameters
        ----------
        request : DecisionRequest
            Input and questions.

        Returns
        -------
        DecisionReply
        """
        keys = [request.fingerprint(self.identity, q) for q in request.questions]
        with self._database.begin(write=False) as connection:
            known = recorded(connection, keys)
        return DecisionReply(tuple(known.get(k) or Answer("failed", cause="stopped") for k in keys))

    def estimate(self, request: DecisionRequest) -> Usage:
        """Return nothing: it costs nothing.

        Parameters
        ----------
        request : DecisionRequest
            Any.

        Returns
        -------
        Usage
        """
        return Usage()

    async def close(self) -> None:
        """Do nothing."""


def split(request: DecisionRequest, wanted: Sequence[int], most: int) -> list[tuple[list[int], DecisionRequest]]:
    """Return the calls that ask some of a request's questions, at most so many in each.

    Parameters
    ----------
    request : DecisionRequest
        The whole request.
    wanted : sequence of int
        Which questions are asked.
    most : int
        Questions a call may carry.

    Returns
    -------
    list of (list of int, DecisionRequest)
        The questions' places in the whole request, and the call.
    """
    chunks = [list(wanted[i : i + most]) for i in range(0, len(wanted), most)]
    return [(c, replace(request, questions=tuple(request.questions[i] for i in c))) for c in chunks]
