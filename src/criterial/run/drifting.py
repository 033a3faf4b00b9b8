"""Drift and red-team audits of rubrics: cases are graded under each rubric, and what is on record is not asked again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from criterial.audit.drift import Drift, drift
from criterial.audit.drift_items import counterpart
from criterial.audit.red_team import Attack, AttackOptions, Editor, red_team, text_editor
from criterial.core.builder import table_of
from criterial.core.digest import digest, short
from criterial.core.ports import Decider
from criterial.core.rubric import Rubric
from criterial.core.table import VerdictTable
from criterial.core.task import Case
from criterial.core.verdict import Verdict
from criterial.errors import ConfigError, CriterialError, FormatError
from criterial.model.spec import JudgeSettings, make_decider
from criterial.run.admission import Gate
from criterial.run.existing import given_verdicts
from criterial.run.grading import agrade, plan
from criterial.run.loading import Cases, load_cases
from criterial.run.options import Judges
from criterial.run.plan import Plan
from criterial.run.progress import Progress
from criterial.score.record import Run
from criterial.store.database import Database
from criterial.store.journal import Journal
from criterial.store.journaled import JournaledDecider

__all__ = ["AttackPlan", "Drifted", "adrift_of", "ared_team_of", "drift_of", "drift_plans", "red_team_of", "red_team_plan"]

_EDITING = 0.7
_EDITS_AT_ONCE = 16
RubricSource = str | Path | Rubric | Sequence[Any]
"""A rubric, its file, or its criteria as plain data."""
Labels = str | Path | Sequence[Verdict | Mapping[str, Any]]
"""Verdicts, or a file of them."""


@dataclass(frozen=True)
class Drifted:
    """A drift audit with the runs that it rests on."""

    drift: Drift | None
    """The audit; None where a run was stopped before its end. What is on record is kept: the same call goes on."""
    before: Run
    """The cases graded under the old rubric."""
    after: Run | None
    """The same under the new one; None where the first run was stopped."""

    @property
    def stopped(self) -> str:
        """Why it is not complete; empty at its end."""
        return self.before.stopped or (self.after.stopped if self.after else "")


def drift_of(
    before: RubricSource | None,
    after: RubricSource,
    cases: Cases,
    judge: Judges = "embedded",
    labels: Labels | None = None,
    tolerance: float = 0.02,
    progress: Progress | None = None,
    format: str | None = None,
    **options: Any,
) -> Drifted:
    """Return what an edit of a rubric does to a judge's verdicts on cases.

    Parameters
    ----------
    before : path, Rubric or list, or None
        The old rubric; None takes each case's own.
    after : path, Rubric or list
        The new one.
    cases : path, or sequence of Case or mapping
        What is judged under both.
    judge : str, Decider, or sequence of them
        Who judges.
    labels : path, or sequence of Verdict or mapping, optional
        What is right; None takes the verdicts that came with the cases, where they are about criteria of the rubrics or about pairs.
    tolerance : float
        The drop of accuracy that is tolerated, as a share.
    progress : Progress, optional
        Hears of progress.
    format : str, optional
        Format of the cases file.
    **options : object
        Further fields of `criterial.run.options.GradeOptions`; a budget is for both runs together.

    Returns
    -------
    Drifted

    Raises
    ------
    CriterialError
        If rubrics, cases, judge, labels or options cannot be used.
    """
    return asyncio.run(adrift_of(before, after, cases, judge, labels, tolerance, progress, format, **options))


async def adrift_of(
    before: RubricSource | None,
    after: RubricSource,
    cases: Cases,
    judge: Judges = "embedded",
    labels: Labels | None = None,
    tolerance: float = 0.02,
    progress: Progress | None = None,
    format: str | None = None,
    **options: Any,
) -> Drifted:
    """Return what an edit of a rubric does, as `drift_of` says, for callers inside an event loop."""
    loaded, right = _labelled(cases, before, labels, format)
    first = await agrade(loaded, judge, before, progress, **options)
    if first.stopped:
        return Drifted(None, first, None)
    if options.get("budget") is not None:
        options["budget"] = options["budget"].left(first.usage)
    second = await agrade(loaded, judge, after, progress, **options)
    if second.stopped:
        return Drifted(None, first, second)
    if labels is None and right is not None and not _bears_on(right, first.table, second.table):
        right = None
    return Drifted(drift(first.table, second.table, right, loaded, tolerance), first, second)


def drift_plans(
    before: RubricSource | None,
    after: RubricSource,
    cases: Cases,
    judge: Judges = "embedded",
    labels: Labels | None = None,
    format: str | None = None,
    **options: Any,
) -> tuple[Plan, Plan]:
    """Return what `drift_of` would ask under each rubric, without a call.

    Parameters
    ----------
    before : path, Rubric or list, or None
        The old rubric.
    after : path, Rubric or list
        The new one.
    cases : path, or sequence of Case or mapping
        What would be judged.
    judge : str, Decider, or sequence of them
        Who would judge.
    labels : path, or sequence of Verdict or mapping, optional
        What is right.
    format : str, optional
        Format of the cases file.
    **options : object
        As in `drift_of`.

    Returns
    -------
    tuple of (Plan, Plan)

    Raises
    ------
    CriterialError
        If rubrics, cases, judge, labels or options cannot be used.
    """
    loaded, _ = _labelled(cases, before, labels, format)
    one, two = (plan(loaded, judge, rubric, **options) for rubric in (before, after))
    return one, two


def _labelled(
    cases: Cases, before: RubricSource | None, labels: Labels | None, format: str | None
) -> tuple[list[Case], VerdictTable | None]:
    """Return the cases without verdicts, and what is right of them by their own criteria or, failing that, by the old rubric's."""
    faults: list[CriterialError] = []
    for rubric in (None, before) if before is not None else (None,):
        try:
            loaded = load_cases(cases, rubric, format)
            if labels is None and not any(c.verdicts for c in loaded):
                return loaded, None
            loaded, given = given_verdicts(loaded, labels)
            return [replace(c, verdicts=()) for c in loaded], table_of(loaded, given)
        except CriterialError as error:
            faults.append(error)
    raise faults[0]


def _bears_on(labels: VerdictTable, before: VerdictTable, after: VerdictTable) -> bool:
    shared = (counterpart(before, labels) >= 0) & (counterpart(before, after) >= 0)
    return bool(shared.any()) or any(c.scope == "pair" for c in labels.criteria)


def red_team_of(
    rubric: RubricSource | None,
    cases: Cases,
    bench: str,
    target: str,
    editor: str | Decider | Editor,
    judge: Judges = "embedded",
    labels: Labels | None = None,
    attack: AttackOptions | None = None,
    format: str | None = None,
    **options: Any,
) -> Attack:
    """Return how far edits that keep a benchmark can push a judge away from people on other traffic.

    Parameters
    ----------
    rubric : path, Rubric or list, or None
        The rubric that is attacked; None takes that of the cases, which must be one.
    cases : path, or sequence of Case or mapping
        Labelled cases of both domains.
    bench : str
        Tag of the tasks that edits are checked on.
    target : str
        Tag of the tasks that matter.
    editor : str, Decider or callable
        Proposes edits: a model by name (asked at temperature .7) or made elsewhere, or an `criterial.audit.red_team.Editor`. What a model
        wrote is kept in the store, so that the same search goes on where it was.
    judge : str, Decider, or sequence of them
        Who judges.
    labels : path, or sequence of Verdict or mapping, optional
        What is right; None takes the verdicts that came with the cases.
    attack : AttackOptions, optional
        How the search goes, and its budget of judgements.
    format : str, optional
        Format of the cases file.
    **options : object
        Further fields of `criterial.run.options.GradeOptions`.

    Returns
    -------
    Attack

    Raises
    ------
    CriterialError
        If cases, rubric, judge or options cannot be used.
    """
    return asyncio.run(ared_team_of(rubric, cases, bench, target, editor, judge, labels, attack, format, **options))


async def ared_team_of(
    rubric: RubricSource | None,
    cases: Cases,
    bench: str,
    target: str,
    editor: str | Decider | Editor,
    judge: Judges = "embedded",
    labels: Labels | None = None,
    attack: AttackOptions | None = None,
    format: str | None = None,
    **options: Any,
) -> Attack:
    """Return how far edits can push a judge, as `red_team_of` says, for callers inside an event loop."""
    seed, domains = _domains(rubric, cases, (bench, target), labels, format)

    async def judged(edited: Rubric, some: Sequence[Case]) -> VerdictTable:
        return (await agrade(list(some), judge, edited, **options)).table

    async with _editing(editor, seed, options.get("store")) as edits:
        return await red_team(seed, judged, edits, domains[0], domains[1], attack)


class AttackPlan(NamedTuple):
    """The most that a search would take."""

    bench: int
    """Labelled cases of the benchmark."""
    target: int
    """And of the target."""
    judgements: int
    """Judgements (one case under one rubric) at most; what is on record already is not asked again."""
    edits: int
    """Edits that are asked of the editor at most."""


def red_team_plan(
    rubric: RubricSource | None,
    cases: Cases,
    bench: str,
    target: str,
    labels: Labels | None = None,
    attack: AttackOptions | None = None,
    format: str | None = None,
) -> AttackPlan:
    """Return the most that `red_team_of` would take with the same arguments, without a call.

    Parameters
    ----------
    rubric, cases, bench, target, labels, attack, format
        As for `red_team_of`.

    Returns
    -------
    AttackPlan

    Raises
    ------
    CriterialError
        As for `red_team_of`.
    """
    chosen = attack or AttackOptions()
    _, domains = _domains(rubric, cases, (bench, target), labels, format)
    search, selection, report = ([int(len(d) * share) for d in domains] for share in chosen.split)
    later = max(chosen.generations - 1, 0)
    edits = chosen.first_children + later * chosen.keep * chosen.children
    scored = edits + chosen.generations + later * chosen.keep  # the rubric itself and those that breed are scored anew each time
    judgements = scored * sum(min(n, chosen.sample) for n in search) + chosen.generations * chosen.keep * sum(selection) + 2 * sum(report)
    return AttackPlan(len(domains[0]), len(domains[1]), min(judgements, chosen.budget), edits)


def _domains(
    rubric: RubricSource | None, cases: Cases, tags: tuple[str, str], labels: Labels | None, format: str | None
) -> tuple[Rubric, list[list[Case]]]:
    """Return the rubric that is attacked, and the labelled cases of each domain."""
    loaded, right = _labelled(cases, rubric, labels, format)
    if right is None:
        raise FormatError("the cases carry no labels", hint="a red team needs to know what is right: pass a file of verdicts with --labels")
    seed = load_cases(loaded[:1], rubric)[0].rubric
    if rubric is None and any(c.rubric.digest != seed.digest for c in loaded):
        raise ConfigError("the cases have several rubrics: say which one is attacked with --rubric FILE")
    told: dict[str, list[Verdict]] = {}
    for verdict in right.verdicts():
        told.setdefault(verdict.task, []).append(verdict)
    labelled = [replace(c, verdicts=tuple(told[c.task.id])) for c in loaded if c.task.id in told]
    domains = [[c for c in labelled if tag in c.task.tags] for tag in tags]
    for tag, domain in zip(tags, domains, strict=True):
        if not domain:
            raise ConfigError(f"no labelled task has the tag {tag!r}")
    return seed, domains


@asynccontextmanager
async def _editing(editor: str | Decider | Editor, seed: Rubric, store: str | None) -> AsyncIterator[Editor]:
    """Give an editor whose model, where it is one, is asked through the journal."""
    if isinstance(editor, str):
        editor = make_decider(editor, JudgeSettings(temperature=_EDITING))
    if callable(editor):
        yield editor
        return
    database = Database(store)
    try:
        async with Journal(database, short(digest("red team", seed.digest, editor.identity))) as journal:
            yield text_editor(JournaledDecider(editor, journal, Gate(_EDITS_AT_ONCE)))
    finally:
        await editor.close()
        database.close()
