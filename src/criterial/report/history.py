"""The calls of a run on a terminal: failures by cause, how long calls took, and their pace as a line of bars."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from criterial.core.verdict import CAUSES
from criterial.store.history import Bar, History

__all__ = ["lines", "told"]

_BLOCKS = " \u2581\u2582\u2583\u2584\u2585\u2586\u2587\u2588"
_WIDE = 100


def told(history: History) -> dict[str, Any]:
    """Return the calls of a run as JSON types.

    Parameters
    ----------
    history : History
        Any.

    Returns
    -------
    dict
        The pace as arrays, one entry a bar.
    """
    bars = history.bars
    return {
        "calls": history.calls,
        "questions": history.questions,
        "failures": {cause: {"count": n, "share": n / history.questions} for cause, n in history.failures.items()},
        "seconds": {"median": history.median, "p95": history.p95},
        "pace": {
            "sitting": [b.sitting for b in bars],
            "began": [b.began for b in bars],
            "seconds": [b.seconds for b in bars],
            "questions": [b.questions for b in bars],
            "per_minute": [b.per_minute for b in bars],
        },
    }


def lines(history: History) -> Iterator[str]:
    """Yield the calls of a run as lines of text.

    Parameters
    ----------
    history : History
        Any.

    Yields
    ------
    str
    """
    if history.median is None or history.p95 is None:
        return
    yield f"{history.calls:,} calls of {history.questions:,} questions; half took {history.median:.3g} s at most, 95 % {history.p95:.3g} s"
    failed = sum(history.failures.values())
    yield f"{failed:,} questions came back without an answer, {failed / history.questions:.1%}" + (":" if failed else "")
    for cause, number in history.failures.items():
        yield f"  {number:7,} {number / history.questions:6.1%} {cause}: {CAUSES.get(cause, '')}"
    yield from _pace(history.bars)


def _pace(bars: Sequence[Bar]) -> Iterator[str]:
    """Yield the pace as bars from 0 to the highest, with what full height means."""
    seconds = sum(b.seconds for b in bars)
    rates = [b.per_minute for b in bars]
    most, mean = max(rates), 60.0 * sum(b.questions for b in bars) / seconds
    yield f"{mean:,.0f} questions a minute over {_duration(seconds)}"
    if len(bars) == 1:
        return
    drawn = "".join(
        "|" * (bar.sitting != before.sitting) + _BLOCKS[math.ceil(8 * bar.per_minute / most - 1e-9)]
        for bar, before in zip(bars, (bars[0], *bars), strict=False)
    )
    yield from (f"  {drawn[i : i + _WIDE]}" for i in range(0, len(drawn), _WIDE))
    between = " and | between sittings" if bars[-1].sitting else ""
    yield f"  from 0 to {most:,.0f} a minute, least {min(rates):,.0f}; a bar is {_duration(seconds / len(bars))}{between}"


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.1f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
