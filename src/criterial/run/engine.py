"""The engine: a fixed number of workers that take one response after another until none is left."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from criterial.core.builder import TableBuilder
from criterial.core.ports import Decider, Usage
from criterial.core.task import Case, Response
from criterial.core.verdict import State, Verdict
from criterial.run.progress import Progress

__all__ = ["GRACE", "Item", "fill", "items_of"]

GRACE = 3.0
"""Seconds that calls in flight are given when a run is stopped."""

JudgeMethod = Callable[[Case, Response, Decider, int], Awaitable[Sequence[Verdict]]]
"""The signature of the judge room, options bound."""


@dataclass(frozen=True)
class Item:
    """One response to be judged once."""

    row: int
    case: Case
    response: Response
    repeat: int
    judge: int = 0


def items_of(cases: Sequence[Case], repeats: int, judges: int = 1) -> Iterator[Item]:
    """Yield what is to be judged: all responses once, then all again for each judge and repeat, so that a stopped run covers all rows.

    Parameters
    ----------
    cases : sequence of Case
        The cases.
    repeats : int
        How often each judge judges each response.
    judges : int
        How many judges there are.

    Yields
    ------
    Item
    """
    for repeat in range(repeats):
        for judge in range(judges):
            row = 0
            for case in cases:
                for response in case.responses:
                    yield Item(row, case, response, repeat, judge)
                    row += 1


async def fill(
    items: Iterator[Item],
    judge: JudgeMethod,
    deciders: Sequence[Decider],
    builder: TableBuilder,
    workers: int,
    progress: Progress,
    spent: Callable[[], Usage],
    stop: asyncio.Event,
) -> None:
    """Judge all items and write their verdicts into a table.

    Parameters
    ----------
    items : iterator of Item
        What to judge, in order.
    judge : callable
        The judge method.
    deciders : sequence of Decider
        The judges.
    builder : TableBuilder
        Where verdicts go; its layers are the repeats of one judge after another.
    workers : int
        How many responses are worked on at once.
    progress : Progress
        Hears of every response.
    spent : callable
        Gives what is spent so far.
    stop : asyncio.Event
        When set, no further response is begun, and those begun have `GRACE` seconds to end.
    """
    repeats = len(builder.layers) // len(deciders)

    async def work() -> None:
        for item in items:
            if stop.is_set():
                return
            verdicts = await judge(item.case, item.response, deciders[item.judge], item.repeat)
            layer = item.judge * repeats + item.repeat
            for column, verdict in enumerate(verdicts):
                builder.put(item.row, column, layer, verdict)
            progress.advance(len(verdicts), sum(v.state == State.FAILED for v in verdicts), spent())

    with _old_objects_left_alone():
        tasks = [asyncio.create_task(work()) for _ in range(workers)]
        stopping = asyncio.create_task(stop.wait())
        try:
            ended: asyncio.Future[list[None]] = asyncio.gather(*tasks)
            await asyncio.wait([ended, stopping], return_when=asyncio.FIRST_COMPLETED)  # type: ignore[type-var]
            if not ended.done():
                await asyncio.wait([ended], timeout=GRACE)
            if ended.done():
                await ended
        finally:
            stopping.cancel()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, stopping, return_exceptions=True)


@contextmanager
def _old_objects_left_alone() -> Iterator[None]:
    """Keep the garbage collector from walking over modules and cases again and again: 8 % of a run's time, measured."""
    ours = gc.get_freeze_count() == 0
    if ours:
        gc.freeze()
    try:
        yield
    finally:
        if ours:
            gc.unfreeze()
