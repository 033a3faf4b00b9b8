"""One sitting of a run: what there is to do, what came of it, and the engine that does it in this process."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from criterial.core.builder import TableBuilder
from criterial.core.ports import Admission, Decider, Usage
from criterial.core.table import Layer, VerdictTable
from criterial.core.task import Case
from criterial.model.tracing import in_run
from criterial.run.admission import Gate
from criterial.run.engine import fill, items_of
from criterial.run.keeping import code_digest, judge_method
from criterial.run.options import GradeOptions
from criterial.run.progress import Progress
from criterial.sandbox.programs import ProgramDecider
from criterial.store.database import Database
from criterial.store.journal import Journal
from criterial.store.journaled import JournaledDecider
from criterial.store.runs import save_table

__all__ = ["Done", "Engine", "Known", "Work", "apart", "judge_cases", "judge_here"]


_SAVE_AFTER = 60.0
_SAVE_SHARE = 50.0
"""How often the table is saved while a run goes on: after so many seconds at least, and so many times as long as the last time took."""


@dataclass(frozen=True)
class Work:
    """What there is to do."""

    run: str
    """Name of the run."""
    cases: Sequence[Case]
    """What is judged."""
    options: GradeOptions
    """How."""
    deciders: Sequence[Decider]
    """By whom."""
    programs: Decider | None
    """Who runs the programs that rubrics hold as checks; None where there are none."""
    database: Database
    """Where it is kept."""

    @cached_property
    def layers(self) -> list[Layer]:
        """The repeats of one judge after another."""
        return [Layer(d.name, k, d.calibrated) for d in self.deciders for k in range(self.options.repeats)]


@dataclass(frozen=True)
class Known:
    """Rows that are settled already."""

    table: VerdictTable
    """The table that they stand in, of the same cases and layers."""
    rows_LR: NDArray[np.bool_]
    """Which rows, in each layer."""

    @cached_property
    def cells_LN(self) -> NDArray[np.bool_]:
        """Their cells."""
        return self.rows_LR[:, self.table.row_N]


@dataclass(frozen=True)
class Done:
    """What came of it."""

    table: VerdictTable
    """A verdict in every cell; those that were not asked for have failed as ``stopped``."""
    spent: Usage
    """What this sitting spent."""
    stopped: str
    """Why it ended early, or nothing."""


Engine = Callable[[Work, Known | None, Progress, asyncio.Event], Awaitable[Done]]
"""Does the work that is not settled; when the event is set it ends early."""


async def judge_here(work: Work, known: Known | None, progress: Progress, stop: asyncio.Event) -> Done:
    """Judge everything in this process.

    Parameters
    ----------
    work : Work
        What there is to do.
    known : Known or None
        What of it is settled.
    progress : Progress
        Hears of it.
    stop : asyncio.Event
        Set to end early.

    Returns
    -------
    Done
    """
    gate = Gate(work.options.settings.concurrency, work.options.budget)
    cores = Gate(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1)
    builder = TableBuilder(work.cases, work.layers)
    if known is not None:
        builder.take(known.table, known.cells_LN)
    beside = [asyncio.create_task(_pass_on(stop, gate, cores)), asyncio.create_task(_save_now_and_then(work, builder))]
    try:
        async with Journal(work.database, work.run) as journal:
            await judge_cases(work, known, journal, (gate, cores), builder, (progress, lambda: gate.spent), stop)
    finally:
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
    return Done(builder.fill_absent("stopped").build(), gate.spent, gate.stopped)


async def judge_cases(
    work: Work,
    known: Known | None,
    journal: Journal,
    admissions: tuple[Admission, Admission],
    builder: TableBuilder,
    watcher: tuple[Progress, Callable[[], Usage]],
    stop: asyncio.Event,
) -> None:
    """Judge what is not settled, from the record where it has answers.

    Parameters
    ----------
    work : Work
        What there is to do.
    known : Known or None
        What of it is settled.
    journal : Journal
        The record.
    admissions : tuple of (Admission, Admission)
        Say when a call may go out to a judge, and when a program may run: programs take processors, not places at an endpoint.
    builder : TableBuilder
        Where verdicts go.
    watcher : tuple of (Progress, callable)
        Who hears of every response, and what gives the sum that is spent so far.
    stop : asyncio.Event
        Set to end early.
    """
    options, (calls, cores) = work.options, admissions
    programs = JournaledDecider(work.programs, journal, cores) if work.programs is not None else None
    deciders = apart([JournaledDecider(d, journal, calls) for d in work.deciders], programs)
    judge = judge_method(options.method, options.method_options)
    items = items_of(work.cases, options.repeats, len(deciders))
    if known is not None:
        settled_LR = known.rows_LR
        items = (item for item in items if not settled_LR[item.judge * options.repeats + item.repeat, item.row])
    most = sum(len(c.responses) for c in work.cases) * len(work.layers)
    with in_run(work.run):
        await fill(items, judge, deciders, builder, min(options.settings.concurrency, most), *watcher, stop)


async def _save_now_and_then(work: Work, builder: TableBuilder) -> None:
    """Save the table as far as it has come, so seldom that it takes a fiftieth of the time at most."""
    pause = _SAVE_AFTER
    while True:
        await asyncio.sleep(pause)
        began = time.monotonic()
        saving = asyncio.ensure_future(asyncio.to_thread(save_table, work.database, work.run, builder.build(), code_digest()))
        try:
            await asyncio.shield(saving)
        except asyncio.CancelledError:
            await saving  # it must not be saved after the table of the end
            raise
        pause = max(_SAVE_AFTER, _SAVE_SHARE * (time.monotonic() - began))


async def _pass_on(stop: asyncio.Event, *gates: Gate) -> None:
    await stop.wait()
    for gate in gates:
        gate.stop("stopped")


def apart(deciders: Sequence[Decider], programs: Decider | None) -> Sequence[Decider]:
    """Return deciders that hand programs to the one that runs them, where there is one."""
    return deciders if programs is None else [ProgramDecider(d, programs) for d in deciders]
