"""Grading and scoring: from cases to a run. `agrade` is the one way; `grade` is its synchronous edge."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from criterial.core.digest import digest, short
from criterial.core.method import load
from criterial.core.ports import Decider
from criterial.core.rubric import Policy, Rubric
from criterial.core.score import Finding
from criterial.core.table import Layer, TableBuilder, VerdictTable, table_of
from criterial.core.task import Case
from criterial.core.verdict import Verdict
from criterial.errors import ConfigError, FormatError
from criterial.formats.load import read_cases as read_case_file
from criterial.formats.load import read_responses, read_rubric, read_verdicts
from criterial.formats.native import case_of, case_to_dict, rubric_of, verdict_of
from criterial.judge.checks import check_options
from criterial.model.spec import JudgeSettings, make_decider
from criterial.run.admission import Budget, Gate
from criterial.run.engine import fill, items_of
from criterial.run.plan import CountingDecider, Plan
from criterial.run.progress import Progress, Silent
from criterial.score.record import Run
from criterial.store.database import Database
from criterial.store.journal import Journal
from criterial.store.journaled import JournaledDecider, RecordedDecider
from criterial.store.runs import StoredRun, begin_run, find_run, finish_run, lost_calls, read_cases, read_table, total_usage

__all__ = ["GradeOptions", "agrade", "grade", "load_cases", "open_run", "plan", "sample_cases", "score_verdicts"]

Cases = str | Path | Sequence[Case | Mapping[str, Any]]
"""A file, or cases as nouns or plain data."""


@dataclass(frozen=True)
class GradeOptions:
    """How a set of cases is graded."""

    judge: str | Decider = "embedded"
    """Name of the judge (`criterial.model.spec`), or one that was made elsewhere."""
    settings: JudgeSettings = field(default_factory=JudgeSettings)
    """How a judge given by name is asked."""
    repeats: int = 1
    """How often each response is judged."""
    store: str | None = None
    """URL of the store; None takes `CRITERIAL_STORE`, then ``.criterial/store.sqlite`` in the working folder."""
    budget: Budget | None = None
    """The most that this sitting may spend."""
    policy: Policy | None = None
    """Scores all rows in place of their rubrics' own policies."""
    method: str = "pointwise"
    """Name of the judge method."""
    method_options: Mapping[str, Any] = field(default_factory=dict)
    """Its options."""
    allow_python: tuple[str, ...] = ()
    """Modules whose functions ``python`` checks may call."""


def load_cases(
    cases: Cases, rubric: str | Path | Rubric | Sequence[Any] | None = None, format: str | None = None, responses: str | Path | None = None
) -> list[Case]:
    """Return cases from a file or from Python objects.

    Parameters
    ----------
    cases : path, or sequence of Case or mapping
        Where they are.
    rubric : path, Rubric or list, optional
        Judges all cases in place of their own.
    format : str, optional
        The file's format; None recognises it.
    responses : path, optional
        A file of responses that take the place of the cases' own.

    Returns
    -------
    list of Case

    Raises
    ------
    FormatError
        At the first fault.
    """
    common = rubric if isinstance(rubric, Rubric) or rubric is None else read_rubric(rubric) if isinstance(rubric, (str, Path)) else rubric_of(rubric)
    if isinstance(cases, (str, Path)):
        loaded = read_case_file(cases, format, common)
        if common is not None:
            loaded = [c if c.rubric is common else replace(c, rubric=common, verdicts=()) for c in loaded]
    else:
        seen: dict[str, Rubric] = {}
        loaded = [_case(c, common, seen) for c in cases]
    return read_responses(responses, loaded) if responses is not None else loaded


def sample_cases(cases: Sequence[Case], size: int) -> list[Case]:
    """Return a sample of cases that depends on their ids alone: the same in every process.

    Parameters
    ----------
    cases : sequence of Case
        All of them.
    size : int
        How many to keep, at most.

    Returns
    -------
    list of Case
        In their order; cases without responses are left out.
    """
    graded = [c for c in cases if c.responses]
    drawn = {c.task.id for c in sorted(graded, key=lambda c: digest("sample", c.task.id))[:size]}
    return [c for c in graded if c.task.id in drawn]


def _case(given: Case | Mapping[str, Any], rubric: Rubric | None, seen: dict[str, Rubric]) -> Case:
    if isinstance(given, Case):
        return replace(given, rubric=rubric, verdicts=()) if rubric is not None else given
    return case_of(given, None, rubric, seen)


def grade(cases: Cases, judge: str | Decider = "embedded", rubric: Any = None, progress: Progress | None = None, **options: Any) -> Run:
    """Return the run of judging cases and scoring what comes of it.

    Parameters
    ----------
    cases : path, or sequence of Case or mapping
        What to judge.
    judge : str or Decider
        Who judges.
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
    judge: str | Decider = "embedded",
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
    judge : str or Decider
        Who judges.
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
    decider = _decider(chosen, loaded)
    database = Database(chosen.store)
    try:
        return await _Grading(loaded, chosen, decider, database).run(progress or Silent(), stop or asyncio.Event())
    finally:
        await decider.close()
        database.close()


def plan(cases: Cases, judge: str | Decider = "embedded", rubric: Any = None, **options: Any) -> Plan:
    """Return what `grade` would do with the same arguments, without a call.

    Parameters
    ----------
    cases : path, or sequence of Case or mapping
        What would be judged.
    judge : str or Decider
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
    counting = CountingDecider(_decider(chosen, loaded), database)
    try:
        verdicts = asyncio.run(_count(loaded, chosen, counting))
    finally:
        if database is not None:
            database.close()
    return counting.plan(sum(len(c.responses) for c in loaded), verdicts)


async def _count(cases: Sequence[Case], options: GradeOptions, counting: CountingDecider) -> list[Verdict]:
    judge = _judge(options.method, options.method_options)
    verdicts: list[Verdict] = []
    for item in items_of(cases, options.repeats):
        verdicts += await judge(item.case, item.response, counting, item.repeat)
    return verdicts


def open_run(named: str, store: str | None = None) -> Run:
    """Return a run from a store; one that was cut off comes with what is on record.

    Parameters
    ----------
    named : str
        Its name, the beginning of it, or ``last``.
    store : str, optional
        URL of the store.

    Returns
    -------
    Run

    Raises
    ------
    StoreError
        If there is no such store or run.
    """
    database = Database(store, create=False)
    try:
        stored = find_run(database, named)
        cases = [case_of(c) for c in read_cases(database, stored.id)]
        table = read_table(database, stored.id, cases)
        if table is None:
            table = asyncio.run(_from_record(database, stored, cases))
        made = _run(stored.id, cases, table, stored.config)
        stopped = str(stored.summary.get("stopped", "")) if stored.state != "running" else "stopped"
        return replace(made, total=total_usage(database, stored.id), stopped=stopped, lost_calls=lost_calls(database, stored.id))
    finally:
        database.close()


async def _from_record(database: Database, stored: StoredRun, cases: Sequence[Case]) -> VerdictTable:
    config = stored.config
    decider = RecordedDecider(database, config["judge"], config["name"], config["calibrated"])
    builder = TableBuilder(cases, [Layer(decider.name, k, decider.calibrated) for k in range(config["repeats"])])
    judge = _judge(config["method"], config["method_options"])
    for item in items_of(cases, config["repeats"]):
        for column, verdict in enumerate(await judge(item.case, item.response, decider, item.repeat)):
            builder.put(item.row, column, item.repeat, verdict)
    return builder.build()


def score_verdicts(
    cases: Cases,
    verdicts: str | Path | Sequence[Verdict | Mapping[str, Any]] | None = None,
    rubric: Any = None,
    policy: Policy | None = None,
    store: str | None = None,
    format: str | None = None,
) -> Run:
    """Return the run of verdicts that came from elsewhere: people, another judge, a benchmark's own files.

    Parameters
    ----------
    cases : path, or sequence of Case or mapping
        What they are about.
    verdicts : path, or sequence of Verdict or mapping, optional
        The verdicts; None takes those that came with the cases.
    rubric : path, Rubric or list, optional
        The rubric of all cases, in place of their own.
    policy : Policy, optional
        Scores all rows in place of their rubrics' own policies.
    store : str, optional
        URL of the store in which the run is kept.
    format : str, optional
        Format of the cases file.

    Returns
    -------
    Run

    Raises
    ------
    CriterialError
        If cases, verdicts or store cannot be used.
    """
    loaded = load_cases(cases, rubric, format)
    if verdicts is None:
        given = [v for c in loaded for v in c.verdicts]
        if not given:
            raise FormatError("the cases carry no verdicts", str(cases) if isinstance(cases, (str, Path)) else "", hint="pass a file of them with --verdicts FILE")
    elif isinstance(verdicts, (str, Path)):
        loaded, given = read_verdicts(verdicts, loaded)
    else:
        given = list(_verdicts(verdicts, loaded))
    table = table_of(loaded, given)
    names = ", ".join(dict.fromkeys(layer.judge or "unnamed" for layer in table.layers))
    config = {"judge": "", "name": names, "calibrated": True, "repeats": len(table.layers), "policy": _policy_to_dict(policy)}
    content = [[str(v.response), v.criterion, int(v.state), v.value, v.judge, v.repeat, v.task] for v in given]
    made = _run(short(digest("scored", config, [c.digest for c in loaded], content)), loaded, table, config)
    database = Database(store)
    try:
        begin_run(database, made.id, config, _stored_cases(loaded))
        finish_run(database, made.id, table, "finished", _summary(made))
    finally:
        database.close()
    return made


def _verdicts(given: Sequence[Verdict | Mapping[str, Any]], cases: Sequence[Case]) -> Iterator[Verdict]:
    criteria = {(r.id, k.id): k for c in cases for r in c.responses for k in c.rubric.criteria}
    for item in given:
        if isinstance(item, Verdict):
            yield item
        else:
            response = str(item.get("response"))
            yield verdict_of(item, lambda c, r=response: criteria.get((r, c)))  # type: ignore[misc]


def _check(cases: Sequence[Case], options: GradeOptions) -> None:
    """Raise before anything is spent where a part of the work cannot be done."""
    if not any(c.responses for c in cases):
        raise FormatError("the cases have no responses", hint="write them in the cases, or pass a file of them with --responses FILE")
    if options.repeats < 1:
        raise ConfigError("repeats must be 1 or more")
    remote = isinstance(options.judge, str) and options.judge.partition(":")[0] in ("chat", "decisions", "systemone")
    if options.budget is not None and options.budget.money is not None and remote and options.settings.price is None:
        raise ConfigError("a budget in money needs the model's price: pass --price IN,OUT (US dollars a million tokens)")
    seen: set[int] = set()
    for case in cases:
        if id(case.rubric) in seen:
            continue
        seen.add(id(case.rubric))
        for criterion in case.rubric.criteria:
            checks = [c for c in (criterion.check, criterion.applies_when) if c is not None and not isinstance(c, str)]
            for check in checks:
                if fault := check_options(check, options.allow_python):
                    raise ConfigError(f"task {case.task.id!r}, criterion {criterion.id!r}: {fault}")


def _decider(options: GradeOptions, cases: Sequence[Case]) -> Decider:
    if not isinstance(options.judge, str):
        return options.judge
    script: Sequence[Verdict] = ()
    if options.judge.startswith("scripted:"):
        _, script = read_verdicts(options.judge.partition(":")[2], cases)
    return make_decider(options.judge, options.settings, script)


def _judge(name: str, options: Mapping[str, Any]) -> Callable[..., Any]:
    card = load("judge", name)
    return partial(card.call, options=card.with_options(dict(options)))


def _stored_cases(cases: Sequence[Case]) -> list[tuple[str, dict[str, Any]]]:
    return [(c.digest, case_to_dict(replace(c, verdicts=()))) for c in cases]


def _summary(run: Run) -> dict[str, Any]:
    whole = run.to_dict()
    return {key: whole[key] for key in ("verdicts", "systems", "stopped")}


def _policy_to_dict(policy: Policy | None) -> dict[str, Any] | None:
    return None if policy is None else {"name": policy.name, "options": dict(policy.options)}


def _run(identity: str, cases: Sequence[Case], table: VerdictTable, config: Mapping[str, Any]) -> Run:
    notes = [] if config["calibrated"] else [UNCALIBRATED]
    policy = Policy(**config["policy"]) if config["policy"] else None
    return Run(identity, cases, table, config["name"], policy=policy, notes=notes)


UNCALIBRATED = Finding(
    "uncalibrated",
    "warning",
    "judge",
    "The embedded judge measures whether a response covers what a criterion mentions, and was never checked against people on your criteria.",
    "calibrate it on about 50 labels of your own (criterial judge calibrate), or name a judge that reads (--judge chat:MODEL@URL)",
)


class _Grading:
    """One sitting of a run."""

    def __init__(self, cases: Sequence[Case], options: GradeOptions, decider: Decider, database: Database) -> None:
        self._cases = cases
        self._options = options
        self._decider = decider
        self._database = database
        self._config = {
            "judge": decider.identity,
            "name": decider.name,
            "calibrated": decider.calibrated,
            "repeats": options.repeats,
            "method": options.method,
            "method_options": dict(options.method_options),
            "policy": _policy_to_dict(options.policy),
        }
        self.id = short(digest("run", self._config, [c.digest for c in cases]))

    async def run(self, progress: Progress, stop: asyncio.Event) -> Run:
        """Judge what is not on record, and return the run."""
        repeats, slots = self._options.repeats, self._options.settings.concurrency
        gate = Gate(slots, self._options.budget)
        begin_run(self._database, self.id, self._config, _stored_cases(self._cases))
        builder = TableBuilder(self._cases, [Layer(self._decider.name, k, self._decider.calibrated) for k in range(repeats)])
        rows = sum(len(c.responses) for c in self._cases)
        progress.start(sum(len(c.responses) * len(c.rubric.criteria) for c in self._cases) * repeats)
        watcher = asyncio.create_task(_pass_on(stop, gate))
        try:
            async with Journal(self._database, self.id) as journal:
                decider = JournaledDecider(self._decider, journal, gate)
                judge = _judge(self._options.method, self._options.method_options)
                workers = min(slots, rows * repeats)
                await fill(items_of(self._cases, repeats), judge, decider, builder, workers, progress, lambda: gate.spent, stop)
        finally:
            watcher.cancel()
            progress.finish()
        table = builder.fill_absent("stopped").build()
        made = replace(
            _run(self.id, self._cases, table, self._config),
            usage=gate.spent,
            total=total_usage(self._database, self.id),
            stopped=gate.stopped,
            lost_calls=lost_calls(self._database, self.id, journal.session),
        )
        finish_run(self._database, self.id, table, "stopped" if gate.stopped else "finished", _summary(made))
        return made


async def _pass_on(stop: asyncio.Event, gate: Gate) -> None:
    await stop.wait()
    gate.stop("stopped")
