"""Who may call now: slots, a budget that is never passed, and a stop sign."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass

from criterial.core.ports import DecisionReply, Usage
from criterial.errors import ConfigError, JudgeError
from criterial.model.tracing import RUN

__all__ = ["Budget", "Gate"]

_LOG = logging.getLogger(__name__)
_HOPELESS = frozenset({"auth", "bad_request"})
_HOPELESS_CALLS = 8
_LIMIT = re.compile(r"([\d.]+(?:e\d+)?)\s*([km]?)\s*(usd|\$|calls?|tokens?)")


@dataclass(frozen=True)
class Budget:
    """The most that a sitting may spend. A call that is expected to pass a limit is not made."""

    money: float | None = None
    """US dollars."""
    calls: int | None = None
    """Requests, repeats after faults included."""
    tokens: int | None = None
    """Tokens read and written."""

    @classmethod
    def parse(cls, text: str) -> Budget:
        """Return the budget in words such as ``2.50usd``, ``1000calls`` or ``1.5usd,200ktokens``.

        Parameters
        ----------
        text : str
            Limits, with commas between them; a bare number is US dollars.

        Returns
        -------
        Budget

        Raises
        ------
        ConfigError
            If it cannot be read.
        """
        limits: dict[str, float] = {}
        for part in text.lower().replace(" ", "").removeprefix("$").split(","):
            match = _LIMIT.fullmatch(part if re.search(r"[a-z$]$", part) else f"{part}usd")
            if match is None:
                raise ConfigError(f"{part!r} is no budget: write 2.50usd, 1000calls or 200ktokens, with commas between them")
            number = float(match.group(1)) * {"": 1, "k": 1e3, "m": 1e6}[match.group(2)]
            limits[{"u": "money", "$": "money", "c": "calls", "t": "tokens"}[match.group(3)[0]]] = number
        calls, tokens = limits.get("calls"), limits.get("tokens")
        return cls(limits.get("money"), None if calls is None else int(calls), None if tokens is None else int(tokens))

    def left(self, spent: Usage) -> Budget:
        """Return what is left of the budget.

        Parameters
        ----------
        spent : Usage
            What was spent; a sum of money that is not known leaves none.

        Returns
        -------
        Budget
        """
        money = None if self.money is None else max(self.money - (self.money if spent.money is None else spent.money), 0.0)
        calls = None if self.calls is None else max(self.calls - spent.calls, 0)
        return Budget(money, calls, None if self.tokens is None else max(self.tokens - spent.tokens, 0))

    def refuses(self, spent: Usage) -> str:
        """Return which limit a sum passes, or nothing. A sum of money that is not known passes every limit on money.

        Parameters
        ----------
        spent : Usage
            What is spent and reserved.

        Returns
        -------
        str
        """
        if self.money is not None and (spent.money is None or spent.money > self.money):
            return "money"
        if self.calls is not None and spent.calls > self.calls:
            return "calls"
        return "tokens" if self.tokens is not None and spent.tokens > self.tokens else ""


class Gate:
    """Admits calls one by one.

    Parameters
    ----------
    slots : int
        Calls in flight at most.
    budget : Budget, optional
        The most that is spent.
    """

    def __init__(self, slots: int, budget: Budget | None = None) -> None:
        self._slots = asyncio.Semaphore(slots)
        self._budget = budget
        self._reserved = Usage()
        self._hopeless = 0
        self._answered = False
        self.spent = Usage()
        self.stopped = ""

    def stop(self, why: str) -> None:
        """Admit no further call.

        Parameters
        ----------
        why : str
            ``stopped``, ``budget``, or a fault in words.
        """
        if not self.stopped and why != "stopped":  # who asked for the stop knows of it
            _LOG.warning("judge stopped", extra={"run": RUN.get(), "why": why})
        self.stopped = self.stopped or why

    async def enter(self, expected: Callable[[], Usage]) -> Usage:
        """Wait for a slot and take it.

        Parameters
        ----------
        expected : callable
            Gives what the call is expected to cost; asked only where there is a budget, and reserved until the call is settled.

        Returns
        -------
        Usage
            What is reserved.

        Raises
        ------
        JudgeError
            With cause ``budget`` or ``stopped`` where the call must not go out.
        """
        await self._slots.acquire()
        reserve = _NOTHING
        if self._budget is not None and not self.stopped:
            reserve = expected()
            if self._budget.refuses(self.spent + self._reserved + reserve):
                self.stop("budget")
        if self.stopped:
            self._slots.release()
            raise JudgeError("budget" if self.stopped == "budget" else "stopped")
        self._reserved += reserve
        return reserve

    def leave(self, receipt: Usage, reply: DecisionReply | None) -> None:
        """Give the slot back and book what the call cost.

        Parameters
        ----------
        receipt : Usage
            What `enter` returned.
        reply : DecisionReply or None
            What came of the call.
        """
        self._slots.release()
        if receipt is not _NOTHING:
            self._reserved = _less(self._reserved, receipt)
        if reply is not None:
            self.book(reply)

    def book(self, reply: DecisionReply) -> None:
        """Book what a call cost, and stop where the first calls all fail for a reason that will not go away.

        Parameters
        ----------
        reply : DecisionReply
            What came of the call.
        """
        self.spent += reply.usage
        if any(a.outcome != "failed" for a in reply.answers):
            self._answered = True
        elif not self._answered and reply.answers and reply.answers[0].cause in _HOPELESS:
            self._hopeless += 1
            if self._hopeless >= _HOPELESS_CALLS:
                self.stop(f"the first {self._hopeless} calls all failed: {reply.answers[0].reason or reply.answers[0].cause}")


_NOTHING = Usage()


def _less(a: Usage, b: Usage) -> Usage:
    money = None if a.money is None or b.money is None else a.money - b.money
    return Usage(
        a.calls - b.calls,
        a.retries - b.retries,
        a.input_tokens - b.input_tokens,
        a.cached_tokens - b.cached_tokens,
        a.output_tokens - b.output_tokens,
        money,
    )
