"""Ranking the systems of runs and files: what is known of them is gathered, and a method of the room `compare` ranks it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np

from criterial.compare.evidence import Contest, Evidence, Mark, contests_of_pairs, evidence_of
from criterial.core.builder import table_of
from criterial.core.method import load
from criterial.core.rubric import Policy
from criterial.core.score import Ranking
from criterial.core.table import CHECK, VerdictTable
from criterial.core.task import Case, Task
from criterial.errors import ConfigError, FormatError
from criterial.formats.leaderboard import is_leaderboard, read_leaderboard
from criterial.run.existing import given_verdicts, open_run
from criterial.run.loading import load_cases
from criterial.score.record import Run
from criterial.score.scoring import score

__all__ = ["Source", "gather", "of_judges", "rank", "rank_evidence", "verdicts_of"]

Source = str | Path | Run
"""A run, its name in a store, or a file or folder of cases with verdicts, or of marks."""


def rank(
    *sources: Source,
    method: str = "",
    judges: Sequence[str] = (),
    policy: Policy | None = None,
    tie: float = 0.0,
    store: str | None = None,
    format: str | None = None,
    **options: Any,
) -> Ranking:
    """Return systems in order, with intervals and tiers of those that cannot be told apart.

    Parameters
    ----------
    *sources : Run, path or str
        Runs, names of runs, files or folders of cases that carry verdicts, or CSV files of marks (a row a system, a column a
        benchmark). Systems of several sources are ranked together; the tasks of each belong to a benchmark of its own.
    method : str
        A method of the room ``compare``; left out, ``bradley_terry`` where pairs were judged and ``mean`` elsewhere.
    judges : sequence of str
        Only verdicts of these judges; ``*`` in a name stands for anything.
    policy : Policy, optional
        Scores all rows in place of their rubrics' own policies.
    tie : float
        Marks that lie no further apart count as a tie, for methods that need contests.
    store : str, optional
        URL of the store that runs are in.
    format : str, optional
        Format of files.
    **options
        Options of the method.

    Returns
    -------
    Ranking

    Raises
    ------
    CriterialError
        If a source cannot be read, or what it holds cannot be ranked so.
    """
    return rank_evidence(gather(sources, judges, policy, tie, store, format), method, **options)


def rank_evidence(evidence: Evidence, method: str = "", **options: Any) -> Ranking:
    """Return systems in order by what `gather` found.

    Parameters
    ----------
    evidence : Evidence
        What is known of them.
    method, **options
        As for `rank`.

    Returns
    -------
    Ranking

    Raises
    ------
    CriterialError
        If the method cannot rank by this evidence.
    """
    card = load("compare", method or ("mean" if evidence.judged is None else "bradley_terry"))
    ranking: Ranking = card.call(evidence, card.with_options(options))
    return ranking


def gather(
    sources: Sequence[Source],
    judges: Sequence[str] = (),
    policy: Policy | None = None,
    tie: float = 0.0,
    store: str | None = None,
    format: str | None = None,
) -> Evidence:
    """Return what is known of the systems of some sources.

    Parameters
    ----------
    sources : sequence of Run, path or str
        As in `rank`.
    judges : sequence of str
        Only verdicts of these judges.
    policy : Policy, optional
        Scores all rows.
    tie : float
        Marks that lie no further apart count as a tie.
    store : str, optional
        URL of the store.
    format : str, optional
        Format of files.

    Returns
    -------
    Evidence

    Raises
    ------
    CriterialError
        If a source cannot be read or there are fewer than two systems.
    """
    if not sources:
        raise ConfigError("nothing to rank: name runs or files")
    marks: list[Mark] = []
    contests: list[Contest] = []
    known: dict[str, tuple[Task, str]] = {}
    for source in sources:
        if isinstance(source, (str, Path)) and is_leaderboard(source):
            marks += [Mark(*cell) for cell in read_leaderboard(source)]
            continue
        name, cases, table = verdicts_of(source, store, format)
        table = of_judges(table, judges)
        prefix, suite = _place(name, cases, known)
        marks += _marks(table, policy, suite, prefix)
        contests += contests_of_pairs(table, prefix=prefix)
    return evidence_of(marks, contests, tie)


def verdicts_of(source: Source, store: str | None = None, format: str | None = None) -> tuple[str, Sequence[Case], VerdictTable]:
    """Return the name, the cases and the verdicts of a source.

    Parameters
    ----------
    source : Run, path or str
        A run, its name in a store, or a file or folder of cases with verdicts.
    store : str, optional
        URL of the store.
    format : str, optional
        Format of a file.

    Returns
    -------
    tuple of (str, sequence of Case, VerdictTable)

    Raises
    ------
    CriterialError
        If it cannot be read.
    """
    if not isinstance(source, Run) and Path(source).exists():
        cases, verdicts = given_verdicts(load_cases(source, format=format))
        return Path(source).name, cases, table_of(cases, verdicts)
    if not isinstance(source, Run) and (isinstance(source, Path) or Path(source).suffix):
        raise FormatError("there is no such file", str(source), hint="check the path; a run is named by letters and digits alone")
    run = source if isinstance(source, Run) else open_run(source, store)
    return run.id, run.cases, run.table


def of_judges(table: VerdictTable, judges: Sequence[str]) -> VerdictTable:
    """Return the verdicts of some judges, and those of checks.

    Parameters
    ----------
    table : VerdictTable
        All verdicts.
    judges : sequence of str
        Names; ``*`` stands for anything. None keeps all.

    Returns
    -------
    VerdictTable

    Raises
    ------
    ConfigError
        If no verdict is by them.
    """
    if not judges:
        return table
    there = sorted({layer.judge for layer in table.layers})
    kept = [name for name in there if name == CHECK or any(fnmatchcase(name, j) for j in judges)]
    if not kept:
        listed = ", ".join(there[:8]) + (" ..." if len(there) > 8 else "")
        raise ConfigError(f"no verdict is by {' or '.join(judges)}: the judges are {listed}")
    return table.layer(*(i for i, layer in enumerate(table.layers) if layer.judge in kept))


def _place(name: str, cases: Sequence[Case], known: dict[str, tuple[Task, str]]) -> tuple[str, str]:
    """Return what a source's tasks are called apart from others', and the benchmark that they belong to.

    Runs of several systems on the same tasks share these; tasks that only have a name in common do not.
    """
    before = [(known[c.task.id], c.task) for c in cases if c.task.id in known]
    if any(was[0] != task for was, task in before):
        return f"{name}/", name
    suite = before[0][0][1] if before else name
    known.update({c.task.id: (c.task, suite) for c in cases})
    return "", suite


def _marks(table: VerdictTable, policy: Policy | None, suite: str, prefix: str) -> Iterator[Mark]:
    """Yield the scores of responses whose rubrics ask about more than pairs."""
    alone_U = np.array([any(c.scope != "pair" for c in r.criteria) for r in table.rubrics], dtype=np.bool_)
    keep_R = alone_U[table.rubric_R] if len(table.rubrics) else np.zeros(0, dtype=np.bool_)
    if not keep_R.any():
        return
    kept = table.rows(keep_R)
    scores = score(kept, policy, parts=False)
    for row in np.flatnonzero(scores.rows.known_R).tolist():
        yield Mark(kept.systems[row], prefix + kept.tasks[kept.task_R[row]], float(scores.rows.value_R[row]), suite)
