"""One gate for the calls of several processes: it stands in a process of its own (a Ray actor), and each worker sees it as its own."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from criterial.core.ports import DecisionReply, Usage
from criterial.errors import JudgeError
from criterial.run.admission import Budget, Gate

__all__ = ["RemoteGate", "SharedGate", "Told"]

_SILENT = 15.0
_TELL = 0.5
_BEAT = 3.0
_LEASE = 1.0


@dataclass
class News:
    """What a worker has done since it was last heard."""

    verdicts: int = 0
    """Verdicts that came in."""
    failed: int = 0
    """How many of them have failed."""
    replies: list[DecisionReply] = field(default_factory=list)
    """What calls cost, each with one answer that says whether any was given."""
    tickets: list[int] = field(default_factory=list)
    """Slots that are given back."""


class _Slot(NamedTuple):
    """A slot that a worker holds."""

    ticket: int
    since: float


class Told(NamedTuple):
    """What a gate knows of the run."""

    verdicts: int
    """Verdicts that came in."""
    failed: int
    """How many of them have failed."""
    spent: Usage
    """What was spent."""
    stopped: str
    """Why no further call is admitted, or nothing."""


class SharedGate:
    """Holds the slots, the budget and the stop sign of a run for all its workers.

    A worker that dies keeps nothing: its slots are free again when it says hello after its restart, or when it was silent for long.

    Parameters
    ----------
    slots : int
        Calls in flight at most, over all workers.
    budget : Budget, optional
        The most that is spent.
    silent : float
        Seconds without a sign after which a worker counts as dead.
    """

    def __init__(self, slots: int, budget: Budget | None = None, silent: float = _SILENT) -> None:
        self._gate = Gate(slots, budget)
        self._silent = silent
        self._held: dict[str, dict[int, Usage]] = {}
        self._seen: dict[str, float] = {}
        self._tickets = 0
        self._verdicts = self._failed = 0

    async def hello(self, worker: str) -> None:
        """Begin with a worker; an earlier life of it is over.

        Parameters
        ----------
        worker : str
            Its name, a slash, and what tells this life from others: calls of an earlier one may still stand in line here.
        """
        name = worker.partition("/")[0]
        self._seen.update({w: float("-inf") for w in self._seen if w.partition("/")[0] == name})
        self._seen[worker] = time.monotonic()

    async def enter(self, worker: str, expected: Usage) -> int | str:
        """Wait for a slot and take it.

        Parameters
        ----------
        worker : str
            Who asks.
        expected : Usage
            What the call is expected to cost; looked at only where there is a budget.

        Returns
        -------
        int or str
            A ticket, or why no call must go out.
        """
        try:
            reserved = await self._gate.enter(lambda: expected)
        except JudgeError as refused:
            return refused.cause
        self._tickets += 1
        self._held.setdefault(worker, {})[self._tickets] = reserved
        return self._tickets

    async def hear(self, worker: str, news: News) -> None:
        """Take a sign of life and what a worker has done since its last.

        Parameters
        ----------
        worker : str
            Who.
        news : News
            Tickets given back, replies, progress.
        """
        self._seen[worker] = time.monotonic()
        self._verdicts += news.verdicts
        self._failed += news.failed
        for ticket in news.tickets:
            reserved = self._held.get(worker, {}).pop(ticket, None)
            if reserved is not None:
                self._gate.leave(reserved, None)
        for reply in news.replies:
            self._gate.book(reply)

    async def told(self) -> Told:
        """Return what is known, and free the slots of workers that are silent; to be asked now and then.

        Returns
        -------
        Told
        """
        now = time.monotonic()
        for worker in [w for w, at in self._seen.items() if now - at > self._silent]:
            self._free(worker)
        return Told(self._verdicts, self._failed, self._gate.spent, self._gate.stopped)

    async def stop(self, why: str) -> None:
        """Admit no further call.

        Parameters
        ----------
        why : str
            As for `Gate.stop`.
        """
        self._gate.stop(why)

    def _free(self, worker: str) -> None:
        for reserved in self._held.pop(worker, {}).values():
            self._gate.leave(reserved, None)


class RemoteGate:
    """A worker's view of a `SharedGate`: it admits calls and hears of progress.

    Without a budget a slot goes from one call of the worker to its next for a while, so that the gate is not asked for every call.

    Parameters
    ----------
    gate : actor handle
        The shared gate.
    worker : str
        This worker's name.
    budgeted : bool
        Whether there is a budget, so that every call is reserved for.
    gone : type of exception
        What asking raises when the gate is no more; calls are then refused as ``stopped``.
    """

    def __init__(self, gate: Any, worker: str, budgeted: bool, gone: type[Exception]) -> None:
        self._gate = gate
        self._worker = worker
        self._budgeted = budgeted
        self._gone = gone
        self._waiting: deque[asyncio.Future[_Slot]] = deque()
        self._asked = 0
        self._asking: set[asyncio.Task[None]] = set()
        self._news = News()
        self._told = time.monotonic()

    async def enter(self, expected: Callable[[], Usage]) -> _Slot:
        """Take a slot (`Admission.enter`): ``expected`` gives what the call is expected to cost."""
        turn: asyncio.Future[_Slot] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        if self._asked < len(self._waiting):
            self._asked += 1
            asked = asyncio.create_task(self._ask(expected() if self._budgeted else Usage()))
            self._asking.add(asked)
            asked.add_done_callback(self._asking.discard)
        return await turn

    async def _ask(self, expected: Usage) -> None:
        try:
            ticket = await self._gate.enter.remote(self._worker, expected)
        except self._gone:
            ticket = "stopped"
        finally:
            self._asked -= 1
        if isinstance(ticket, str):
            while self._waiting:
                turn = self._waiting.popleft()
                if not turn.done():
                    turn.set_exception(JudgeError(ticket))
        elif not self._hand(_Slot(ticket, time.monotonic())):
            self._give_back(ticket)

    def leave(self, receipt: _Slot, reply: DecisionReply | None) -> None:
        """Give a slot to the next call, or back (`Admission.leave`): the receipt, and what came of the call."""
        if reply is not None:  # of the answers, one that was given, else the first, says all that the gate wants to know
            telling = sorted(reply.answers, key=lambda a: a.outcome == "failed")[:1]
            self._news.replies.append(DecisionReply(tuple(replace(a, reason=a.reason[:200]) for a in telling), reply.usage))
        fresh = time.monotonic() - receipt.since < _LEASE and not self._budgeted
        if not (fresh and self._hand(receipt)):
            self._give_back(receipt.ticket)

    def _hand(self, slot: _Slot) -> bool:
        """Give a slot to the call that waits longest; return whether one does."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(slot)
                return True
        return False

    def _give_back(self, ticket: int) -> None:
        self._news.tickets.append(ticket)
        self.finish()

    def start(self, total: int) -> None:
        """Begin with a total; the gate knows it."""

    def advance(self, verdicts: int, failed: int, spent: Usage) -> None:
        """Note verdicts, and how many have failed; the gate hears of them now and then, and knows what is spent."""
        self._news.verdicts += verdicts
        self._news.failed += failed
        if time.monotonic() - self._told >= _TELL:
            self.finish()

    def finish(self) -> None:
        """Tell the gate what it has not heard yet."""
        self._told = time.monotonic()
        news, self._news = self._news, News()
        self._gate.hear.remote(self._worker, news)

    async def beat(self) -> None:
        """Give signs of life until cancelled."""
        while True:
            await asyncio.sleep(_BEAT)
            self.finish()
