"""Grading: from cases to a run. `agrade` is the one way; `grade` is its synchronous edge."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from criterial.core.criterion import Check
from criterial.core.digest import digest, short
from criterial.core.method import load
from criterial.core.ports import Decider, Sandbox, Usage
from criterial.core.task import Case
from criterial.core.verdict import Verdict
from criterial.errors import ConfigError, CriterialError, FormatError
from criterial.formats.load import read_verdicts
from criterial.judge.checks import check_options
from criterial.judge.program import is_program, misplaced
from criterial.model.spec import make_decider
from criterial.model.tracing import grade_span
from criterial.run.engine import items_of
from criterial.run.keeping import code_digest, judge_method, make_run, scoring_to_dict, stored_cases
from criterial.run.loading import Cases, load_cases
from criterial.run.options import GradeOptions, Judges
from criterial.run.plan import CountingDecider, Plan, plan_of
from criterial.run.progress import Progress, Silent
from criterial.run.seeding import known_rows
from criterial.run.sitting import Engine, Work, apart, judge_here
from criterial.sandbox.find import find_sandbox
from criterial.sandbox.programs import SandboxDecider
from criterial.score.record import Run
from criterial.store.database import Database
from criterial.store.runs import begin_run, finish_run, lost_calls, save_table, total_usage

__all__ = ["agrade", "grade", "plan", "sandbox_for"]

_LOG = logging.getLogger(__name__)
_MOST_REPEATS = 10_000


def grade(cases: Cases, judge: Judges = "embedded", rubric: Any = None, progress: Progress | None = None, **options: Any) -> Run:
    """Return the run of judging cases and scoring what comes of it.

    Parameters
    ----------
    cases : path, or sequence of Case or mapping
        What to judge.
    judge : str, Decider, or sequence of them
        Who judges; the verdicts of several are pooled by the panel.
    rubric : path, Rubric or list, optional
        Judges all cases in place of their own rubrics.
    progress : Progress, optional
        Hears of progress; see `criterial.run.progress`.
    **options : object
        Further fields of `GradeOptions`.

    Returns
    -------
    Run

    Raises
    ------
    CriterialError
        If cases, judge, options or store cannot be used. A call that fails is no error: its verdicts are failed, with the cause.

    Notes
    -----
    Run again, it asks only for what is not on record: answers are kept in the store as they come.
    """
    return asyncio.run(agrade(cases, judge, rubric, progress, **options))


async def agrade(
    cases: Cases,
    judge: Judges = "embedded",
    rubric: Any = None,
    progress: Progress | None = None,
    stop: asyncio.Event | None = None,
    **options: Any,
) -> Run:
    """Return the run of judging cases: `grade` for callers inside an event loop.

    Parameters
    ----------
    cases : path, or sequence of Case or mapping
        What to judge.
    judge : str, Decider, or sequence of them
        Who judges; the verdicts of several are pooled by the panel.
    rubric : path, Rubric or list, optional
        Judges all cases in place of their own rubrics.
    progress : Progress, optional
        Hears of progress.
    stop : asyncio.Event, optional
        Set it to end the run early; what is done is kept.
    **options : object
        Further fields of `GradeOptions`.

    Returns
    -------
    Run

    Raises
    ------
    CriterialError
        If cases, judge, options or store cannot be used.
    """
    chosen = GradeOptions(judge=judge, **options)
    loaded = load_cases(cases, rubric)
    _check(loaded, chosen)
    programs = await _programs(chosen, loaded)
    deciders = _deciders(chosen, loaded)
    database = Database(chosen.store)
    try:
        return await _Grading(loaded, chosen, deciders, programs, database).run(progress or Silent(), stop or asyncio.Event())
    finally:
        for decider in deciders:
            await decider.close()
        database.close()


def plan(cases: Cases, judge: Judges = "embedded", rubric: Any = None, **options: Any) -> Plan:
    """Return what `grade` would do with the same arguments, without a call.

    Parameters
    ----------
    cases : path, or sequence of Case or mapping
        What would be judged.
    judge : str, Decider, or sequence of them
        Who would judge.
    rubric : path, Rubric or list, optional
        Judges all cases in place of their own rubrics.
    **options : object
        Further fields of `GradeOptions`.

    Returns
    -------
    Plan

    Raises
    ------
    CriterialError
        If cases, judge, options or store cannot be used.
    """
    chosen = GradeOptions(judge=judge, **options)
    loaded = load_cases(cases, rubric)
    _check(loaded, chosen)
    database = Database(chosen.store) if Database.exists(chosen.store) else None
    counting = [CountingDecider(d, database) for d in _deciders(chosen, loaded)]
    try:
        return asyncio.run(_count(loaded, chosen, counting, database))
    finally:
        if database is not None:
            database.close()


async def _count(cases: Sequence[Case], options: GradeOptions, judges: Sequence[CountingDecider], database: Database | None) -> Plan:
    made = await _programs(options, cases)
    programs = CountingDecider(made, database) if made is not None else None
    deciders = apart(judges, programs)
    judge = judge_method(options.method, options.method_options)
    verdicts: list[Verdict] = []
    for item in items_of(cases, options.repeats, len(deciders)):
        verdicts += await judge(item.case, item.response, deciders[item.judge], item.repeat)
    return plan_of(judges, sum(len(c.responses) for c in cases), verdicts, programs)


async def sandbox_for(cases: Sequence[Case]) -> Sandbox | None:
    """Return a sandbox for the programs that the rubrics of cases hold as checks.

    Parameters
    ----------
    cases : sequence of Case
        What is to be graded.

    Returns
    -------
    Sandbox or None
        None where there is no program.

    Raises
    ------
    SandboxUnavailable
        If there is one, and no sandbox works here.
    """
    return await find_sandbox() if _hold_programs(cases) else None


def _hold_programs(cases: Sequence[Case]) -> bool:
    rubrics = {id(c.rubric): c.rubric for c in cases}.values()
    return any(is_program(c.check) for r in rubrics for c in r.criteria)


async def _programs(options: GradeOptions, cases: Sequence[Case]) -> SandboxDecider | None:
    return SandboxDecider(options.sandbox or await find_sandbox()) if _hold_programs(cases) else None


def _check(cases: Sequence[Case], options: GradeOptions) -> None:
    """Raise before anything is spent where a part of the work cannot be done."""
    if not any(c.responses for c in cases):
        raise FormatError("the cases have no responses", hint="write them in the cases, or pass a file of them with --responses FILE")
    _check_options(options)
    for case in {id(c.rubric): c for c in cases}.values():
        policy = options.policy or case.rubric.policy
        load("score", policy.name).with_options(dict(policy.options))
        _check_checks(case, options.allow_python)


def _check_options(options: GradeOptions) -> None:
    if not 1 <= options.repeats <= _MOST_REPEATS:
        raise ConfigError(f"repeats must be 1 to {_MOST_REPEATS}")
    if options.engine == "local" and (options.workers is not None or options.blocks is not None):
        raise ConfigError("workers and blocks are for --engine ray; the local engine has --concurrency")
    if not 0 < options.settings.timeout < math.inf:
        raise ConfigError("a timeout is a number of seconds above 0")
    if options.budget is not None and options.budget.money is not None and _has_no_price(options):
        raise ConfigError("a budget in money needs the model's price: pass --price IN,OUT (US dollars a million tokens)")


def _check_checks(case: Case, allowed: Sequence[str]) -> None:
    for criterion in case.rubric.criteria:
        for check in (criterion.check, criterion.applies_when):
            fault = (check_options(check, allowed) if isinstance(check, Check) else "") or misplaced(criterion)
            if fault:
                raise ConfigError(f"task {case.task.id!r}, criterion {criterion.id!r}: {fault}")


def _has_no_price(options: GradeOptions) -> bool:
    named = [part for judge in _judges(options) if isinstance(judge, str) for part in judge.removeprefix("cascade:").split(">")]
    kinds = [name.strip().partition(":")[0] for name in named]
    return options.settings.price is None and any(kind in ("chat", "decisions", "systemone") for kind in kinds)


def _judges(options: GradeOptions) -> Sequence[str | Decider]:
    given = options.judge
    return given if isinstance(given, Sequence) and not isinstance(given, str) else [given]


def _deciders(options: GradeOptions, cases: Sequence[Case]) -> list[Decider]:
    made = [_decider(judge, options, cases) for judge in _judges(options)]
    if not made:
        raise ConfigError("name at least one judge")
    names = [d.name for d in made]
    twice = next((n for n in names if names.count(n) > 1), None)
    if twice is not None:
        raise ConfigError(f"two judges are called {twice}: their verdicts could not be told apart; use --repeats to ask one judge often")
    return made


def _decider(judge: str | Decider, options: GradeOptions, cases: Sequence[Case]) -> Decider:
    if not isinstance(judge, str):
        return judge
    script: Sequence[Verdict] = ()
    if judge.startswith("scripted:"):
        _, script = read_verdicts(judge.partition(":")[2], cases)
    return make_decider(judge, options.settings, script)


class _Grading:
    """One sitting of a run."""

    def __init__(
        self, cases: Sequence[Case], options: GradeOptions, deciders: Sequence[Decider], programs: SandboxDecider | None, database: Database
    ) -> None:
        self._config = {
            "judges": [{"identity": d.identity, "name": d.name, "calibrated": d.calibrated} for d in deciders],
            "name": ", ".join(d.name for d in deciders),
            "calibrated": all(d.calibrated for d in deciders),
            "repeats": options.repeats,
            "method": options.method,
            "method_options": dict(options.method_options),
            **({"programs": programs.identity} if programs is not None else {}),
            **scoring_to_dict(options.policy, options.panel),
        }
        run = short(digest("run", self._config, [c.digest for c in cases]))
        self._work = Work(run, cases, options, deciders, programs, database)

    async def run(self, progress: Progress, stop: asyncio.Event) -> Run:
        """Judge what is not on record, and return the run."""
        work, began = self._work, time.monotonic()
        judges = [d.name for d in work.deciders]
        cells = sum(len(c.responses) * len(c.rubric.criteria) for c in work.cases) * len(work.layers)
        _LOG.info("run begun", extra={"run": work.run, "judges": judges, "verdicts": cells})
        try:
            with grade_span(work.run, judges) as ended:
                made = await self._judged(cells, progress, stop)
                ended(made.verdicts, made.stopped)
        except CriterialError as error:
            _LOG.error("run broke off", extra={"run": work.run, "error": f"{type(error).__name__}: {error}"})
            raise
        told = {"verdicts": made.verdicts, "causes": made.causes, "stopped": made.stopped, "usage": asdict(made.usage)}
        _LOG.info("run ended", extra={"run": work.run, **told, "seconds": round(time.monotonic() - began, 3)})
        return made

    async def _judged(self, cells: int, progress: Progress, stop: asyncio.Event) -> Run:
        work = self._work
        begin_run(work.database, work.run, self._config, len(work.cases), stored_cases(work.cases))
        known = known_rows(work)
        progress.start(cells)
        try:
            if known is not None:
                progress.advance(int(known.cells_LN.sum()), 0, Usage())
            done = await _engine(work.options.engine)(work, known, progress, stop)
        finally:
            progress.finish()
        made = replace(
            make_run(work.run, work.cases, done.table, self._config),
            usage=done.spent,
            total=total_usage(work.database, work.run),
            stopped=done.stopped,
            lost_calls=lost_calls(work.database, work.run),
        )
        if known is None or not known.rows_LR.all():
            save_table(work.database, work.run, done.table, code_digest())
        finish_run(work.database, work.run, "stopped" if done.stopped else "finished", made.summary())
        return made


def _engine(name: str) -> Engine:
    if name == "ray":
        from criterial.run.ray_engine import judge_on_ray  # needs the extra `ray`

        return judge_on_ray
    if name != "local":
        raise ConfigError(f"there is no engine {name!r}: choose local or ray")
    return judge_here
