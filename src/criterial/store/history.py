"""What a store tells of a run's calls: failures by cause, how long calls took, and how fast they went over time.

All of it is summed by the database, so that a million verdicts are told of in a blink and never loaded.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import BigInteger, cast, func, select

from criterial.store.database import Database
from criterial.store.schema import calls

__all__ = ["Bar", "History", "history"]

_BARS = 60
_LEAST_BAR = 5.0
"""Seconds; the database counts by the second, so shorter bars would be uneven."""


@dataclass(frozen=True)
class Bar:
    """A stretch of a sitting."""

    sitting: int
    """Which of the sittings that asked anything, from 0."""
    began: float
    """Seconds since the epoch."""
    seconds: float
    """How long it is."""
    questions: int
    """Questions whose call ended in it, answered or not."""

    @property
    def per_minute(self) -> float:
        """Questions a minute."""
        return 60.0 * self.questions / self.seconds


@dataclass(frozen=True)
class History:
    """The calls of a run, over all its sittings."""

    calls: int
    """Calls; each may be several requests."""
    questions: int
    """Questions in them. One that failed and was asked again counts again."""
    failures: dict[str, int]
    """Questions that came back without an answer, by cause, most first."""
    median: float | None
    """Seconds that half of the calls took at most, repeats after faults included; None where there was no call."""
    p95: float | None
    """Seconds that 95 % of the calls took at most."""
    bars: Sequence[Bar]
    """Its pace, without the time between sittings."""


def history(database: Database, run: str) -> History:
    """Return what became of a run's calls.

    Parameters
    ----------
    database : Database
        The store.
    run : str
        The run's full name.

    Returns
    -------
    History
    """
    took = _took(database, run)
    number = sum(took.values())
    bars = _bars(database, run)
    questions = sum(b.questions for b in bars)
    return History(number, questions, _failures(database, run), _at(took, 0.5), _at(took, 0.95), bars)


def _failures(database: Database, run: str) -> dict[str, int]:
    """Return failed questions by cause; calls that failed alike come as one row."""
    query = select(calls.c.causes, func.count()).where(calls.c.run == run, calls.c.causes != "").group_by(calls.c.causes)
    found: Counter[str] = Counter()
    with database.begin(write=False) as connection:
        for causes, number in connection.execute(query):
            for cause in causes.splitlines():
                found[cause] += number
    return dict(found.most_common())


def _took(database: Database, run: str) -> dict[float, int]:
    """Return how many calls took how many seconds, to the millisecond, shortest first."""
    milliseconds = cast(calls.c.seconds * 1000, BigInteger)  # whole numbers are grouped twice as fast
    query = select(milliseconds, func.count()).where(calls.c.run == run).group_by(milliseconds).order_by(milliseconds)
    with database.begin(write=False) as connection:
        return {ms / 1000: number for ms, number in connection.execute(query)}


def _at(took: dict[float, int], share: float) -> float | None:
    """Return the least time within which a share of the calls ended."""
    left = share * sum(took.values())
    for seconds, number in took.items():
        left -= number
        if left <= 0:
            return seconds
    return None


def _bars(database: Database, run: str) -> list[Bar]:
    """Return the pace of a run, in bars of one length within a sitting and nearly so over all."""
    ended = calls.c.started + calls.c.seconds
    second = cast(ended, BigInteger)
    columns = (calls.c.session, second, func.sum(calls.c.questions), func.min(calls.c.started), func.max(ended))
    sittings: dict[str, _Sitting] = defaultdict(_Sitting)
    with database.begin(write=False) as connection:
        for session, at, questions, began, end in connection.execute(
            select(*columns).where(calls.c.run == run).group_by(calls.c.session, second)
        ):
            sittings[session].add(at, int(questions), began, end)
    in_order = sorted(sittings.values(), key=lambda s: s.began)
    width = max(_LEAST_BAR, sum(s.seconds for s in in_order) / _BARS)
    return [bar for place, sitting in enumerate(in_order) for bar in sitting.bars(place, width)]


class _Sitting:
    """Questions by the second in which their call ended, from the first call's beginning to the last one's end."""

    def __init__(self) -> None:
        self.began, self.ended = math.inf, -math.inf
        self._questions: list[tuple[int, int]] = []

    @property
    def seconds(self) -> float:
        return max(self.ended - self.began, 1e-3)

    def add(self, at: int, questions: int, began: float, ended: float) -> None:
        self._questions.append((at, questions))
        self.began, self.ended = min(self.began, began), max(self.ended, ended)

    def bars(self, place: int, width: float) -> list[Bar]:
        number = max(1, round(self.seconds / width))
        length = self.seconds / number
        counts = [0] * number
        for at, questions in self._questions:
            counts[min(number - 1, max(0, int((at - self.began) / length)))] += questions
        return [Bar(place, self.began + i * length, length, count) for i, count in enumerate(counts)]
