"""One sitting of a run: what there is to do, what came of it, and the engine that does it in this process."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from criterial.core.builder import TableBuilder
from criterial.core.ports import Admission, Decider, Usage
from criterial.core.table import Layer, VerdictTable
from criterial.core.task import Case
from criterial.model.tracing import in_run
from criterial.run.admission import Gate
from criterial.run.engine import fill, items_of
from criterial.run.keeping import judge_method
from criterial.run.options import GradeOptions
from criterial.run.progress import Progress
from criterial.sandbox.programs import ProgramDecider
from criterial.store.database import Database
from criterial.store.journal import Journal
from criterial.store.journaled import JournaledDecider

__all__ = ["Done", "Engine", "Work", "apart", "judge_cases", "judge_here"]


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
class Done:
    """What came of it."""

    table: VerdictTable
    """A verdict in every cell; those that were not asked for have failed as ``stopped``."""
    spent: Usage
    """What this sitting spent."""
    stopped: str
    """Why it ended early, or nothing."""


Engine = Callable[[Work, Progress, asyncio.Event], Awaitable[Done]]
"""Does the work; when the event is set it ends early."""


async def judge_here(work: Work, progress: Progress, stop: asyncio.Event) -> Done:
    """Judge everything in this process.

    Parameters
    ----------
    work : Work
        What there is to do.
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
    watcher = asyncio.create_task(_pass_on(stop, gate, cores))
    try:
        async with Journal(work.database, work.run) as journal:
            table = await judge_cases(work, journal, (gate, cores), progress, lambda: gate.spent, stop)
    finally:
        watcher.cancel()
    return Done(table, gate.spent, gate.stopped)


async def judge_cases(
    work: Work,
    journal: Journal,
    admissions: tuple[Admission, Admission],
    progress: Progress,
    spent: Callable[[], Usage],
    stop: asyncio.Event,
) -> VerdictTable:
    """Return the verdicts on cases, from the record where it has them.

    Parameters
    ----------
    work : Work
        What there is to do.
    journal : Journal
        The record.
    admissions : tuple of (Admission, Admission)
        Say when a call may go out to a judge, and when a program may run: programs take processors, not places at an endpoint.
    progress : Progress
        Hears of every response.
    spent : callable
        Gives what is spent so far.
    stop : asyncio.Event
        Set to end early.

    Returns
    -------
    VerdictTable
    """
    options, (calls, cores) = work.options, admissions
    programs = JournaledDecider(work.programs, journal, cores) if work.programs is not None else None
    deciders = apart([JournaledDecider(d, journal, calls) for d in work.deciders], programs)
    judge = judge_method(options.method, options.method_options)
    builder = TableBuilder(work.cases, work.layers)
    items = items_of(work.cases, options.repeats, len(deciders))
    most = sum(len(c.responses) for c in work.cases) * len(work.layers)
    with in_run(work.run):
        await fill(items, judge, deciders, builder, min(options.settings.concurrency, most), progress, spent, stop)
    return builder.fill_absent("stopped").build()


async def _pass_on(stop: asyncio.Event, *gates: Gate) -> None:
    await stop.wait()
    for gate in gates:
        gate.stop("stopped")


def apart(deciders: Sequence[Decider], programs: Decider | None) -> Sequence[Decider]:
    """Return deciders that hand programs to the one that runs them, where there is one."""
    return deciders if programs is None else [ProgramDecider(d, programs) for d in deciders]
