"""The one retry layer: attempts at one call until it is answered, with full jitter, Retry-After and a deadline."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from criterial.core.ports import DecisionRequest, Usage
from criterial.model.endpoint import Endpoint, Fault
from criterial.model.limiter import Limiter
from criterial.model.tracing import RUN, CallSpan, call_span

__all__ = ["Exchange", "Patience", "Price", "converse"]

_LOG = logging.getLogger(__name__)
_MOST_TOKENS = 10**9
_CROWDED = frozenset({"rate_limit", "overloaded"})
"""Causes that ask for fewer requests at once."""
_UNHURRIED = _CROWDED | {"connection", "timeout"}
"""Causes after which an immediate repeat would make things worse."""


@dataclass(frozen=True)
class Patience:
    """How long one call is tried."""

    attempts: int = 8
    """Requests in all."""
    refusals: int = 3
    """Refusals after which the judge is taken at its word."""
    base: float = 0.5
    """Seconds; the n-th wait is drawn from [0, base * 2^n]."""
    longest: float = 30.0
    """Seconds; the longest wait that is drawn."""
    deadline: float = 600.0
    """Seconds after which no further attempt starts and a running one is cut off."""


@dataclass(frozen=True)
class Price:
    """What a model costs, in US dollars for a million tokens."""

    input: float
    """Tokens read."""
    output: float
    """Tokens written."""
    cached: float | None = None
    """Tokens read from the provider's cache; None is the price of other input."""

    def money(self, read: int, cached: int, written: int) -> float:
        """Return what tokens cost.

        Parameters
        ----------
        read : int
            Tokens read, cached ones included.
        cached : int
            Tokens read from cache.
        written : int
            Tokens written.

        Returns
        -------
        float
            US dollars.
        """
        cheap = self.input if self.cached is None else self.cached
        return ((read - cached) * self.input + cached * cheap + written * self.output) / 1e6


class Exchange(Protocol):
    """One call in the making: it knows what is still to be asked, and takes what comes back."""

    path: str
    model: str
    request: DecisionRequest

    def payload(self) -> Mapping[str, Any]:
        """Return the next request's body: whatever is still open, after the faults so far."""
        ...

    def take(self, reply: Mapping[str, Any]) -> None:
        """Take a reply.

        Parameters
        ----------
        reply : mapping
            The provider's object.

        Raises
        ------
        Fault
            If something is still open.
        """
        ...

    def fault(self, fault: Fault) -> bool:
        """Hear of a fault; return whether the next request will be a different one because of it.

        Parameters
        ----------
        fault : Fault
            What went wrong.

        Returns
        -------
        bool
            True makes a fault worth another attempt that would be final otherwise.
        """
        ...


async def converse(
    endpoint: Endpoint, limiter: Limiter, patience: Patience, price: Price | None, exchange: Exchange
) -> tuple[Usage, Fault | None]:
    """Make attempts at a call until it is answered or patience ends. Whatever is billed is counted, answered or not.

    Parameters
    ----------
    endpoint : Endpoint
        Where to.
    limiter : Limiter
        The endpoint's window.
    patience : Patience
        Attempts and deadline.
    price : Price or None
        What tokens cost; None is not known.
    exchange : Exchange
        The call.

    Returns
    -------
    tuple of (Usage, Fault or None)
        What was spent, and the last fault where something stayed open.
    """
    began = time.monotonic()
    bill = _Bill(price)
    asked = len(exchange.request.questions)
    with call_span(endpoint.url, exchange.path.partition("/")[0], exchange.model, asked, bill.usage) as span:
        fault = await _attempts(endpoint, limiter, patience, exchange, bill, span)
        if fault is not None:
            span.failed(fault.cause)
    usage = bill.usage()
    if fault is not None or _LOG.isEnabledFor(logging.DEBUG):
        told = {**_about(exchange), "questions": asked, "requests": usage.calls, "seconds": round(time.monotonic() - began, 3)}
        if fault is not None:
            _LOG.warning("call failed", extra={**told, "cause": fault.cause, "detail": fault.detail})
        else:
            _LOG.debug("call answered", extra={**told, "input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens})
    return usage, fault


async def _attempts(
    endpoint: Endpoint, limiter: Limiter, patience: Patience, exchange: Exchange, bill: _Bill, span: CallSpan
) -> Fault | None:
    """Make attempts until nothing is open; return the last fault where something stayed so."""
    loop = asyncio.get_running_loop()
    end = loop.time() + patience.deadline
    seen: Counter[str] = Counter()
    last: Fault | None = None
    for attempt in range(1, patience.attempts + 1):
        try:
            async with limiter:
                body = exchange.payload()
                span.sent(body)
                bill.sent += 1
                reply = await endpoint.post(exchange.path, body, end - loop.time())
                bill.add(reply.get("usage"))
            limiter.answered()
            span.replied(reply)
            exchange.take(reply)
            return None
        except Fault as fault:
            last = fault
        changed = exchange.fault(last)
        seen[last.cause] += 1
        final = not (last.again or changed) or seen["refusal"] >= patience.refusals or attempt == patience.attempts
        wait = 0.0 if final else _wait(last, attempt, patience)
        _tell(exchange, limiter, span, attempt, last, wait)
        if final or loop.time() + wait >= end:
            break
        if wait:
            await asyncio.sleep(wait)
    return last


def _wait(fault: Fault, attempt: int, patience: Patience) -> float:
    if fault.cause not in _UNHURRIED:
        return 0.0
    # Jitter spreads requests in time; it needs no cryptographic source.
    drawn = random.uniform(0.0, min(patience.longest, patience.base * 2.0 ** (attempt - 1)))  # noqa: S311
    return fault.wait + drawn if fault.wait else drawn


def _tell(exchange: Exchange, limiter: Limiter, span: CallSpan, attempt: int, fault: Fault, wait: float) -> None:
    """Tell the endpoint's window, the span and the log of an attempt that failed."""
    about = {**_about(exchange), "cause": fault.cause}
    told = {"attempt": attempt, "status": fault.status, "wait": round(wait, 3), "detail": fault.detail}
    _LOG.info("attempt failed", extra={**about, **told})
    span.attempt_failed(attempt, fault.cause, fault.status, wait)
    if fault.cause in _CROWDED and limiter.refused(fault.wait):
        _LOG.info("window shrank", extra={**about, "window": int(limiter.window)})


def _about(exchange: Exchange) -> dict[str, str]:
    """Return which call a log record is about."""
    task, response = exchange.request.input.label
    return {"run": RUN.get(), "model": exchange.model, "task": task, "response": response}


class _Bill:
    """Adds up what attempts cost; an attempt whose tokens nobody tells makes the money unknown."""

    def __init__(self, price: Price | None) -> None:
        self._price = price
        self.sent = 0
        self._tokens = [0, 0, 0]
        self._told = True

    def add(self, usage: object) -> None:
        if not isinstance(usage, Mapping):
            self._told = False
            return
        details = usage.get("input_tokens_details", usage.get("prompt_tokens_details"))
        cached = details.get("cached_tokens") if isinstance(details, Mapping) else 0
        told = (usage.get("input_tokens", usage.get("prompt_tokens")), cached, usage.get("output_tokens", usage.get("completion_tokens")))
        read, cached, written = (_count(n) for n in told)
        if read is None or cached is None or written is None or cached > read:
            self._told = False
            return
        self._tokens = [a + b for a, b in zip(self._tokens, (read, cached, written), strict=True)]

    def usage(self) -> Usage:
        read, cached, written = self._tokens
        money = self._price.money(read, cached, written) if self._price and self._told else None
        return Usage(self.sent, max(0, self.sent - 1), read, cached, written, money)


def _count(told: object) -> int | None:
    """Return a number of tokens, 0 where none is told; None where what is told cannot be one."""
    if told is None:
        return 0
    return told if type(told) is int and 0 <= told <= _MOST_TOKENS else None
