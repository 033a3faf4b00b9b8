"""Auditing judges of runs and files against people: the tables are gathered here, the room `audit` reads them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from criterial.audit.judge import JudgeAudit, JudgeAuditOptions, audit_judge
from criterial.core.builder import table_of
from criterial.core.table import CHECK, VerdictTable
from criterial.core.task import Case
from criterial.errors import ConfigError
from criterial.formats.load import read_verdicts
from criterial.run.ranking import Source, verdicts_of

__all__ = ["Sides", "audit", "chosen_layers", "labels_of", "sides_of"]


@dataclass(frozen=True)
class Sides:
    """Judges on one side, people on the other."""

    cases: Sequence[Case]
    """What both judged."""
    judged: VerdictTable
    """The judges' verdicts."""
    labels: VerdictTable
    """People's."""

    @property
    def judges(self) -> list[str]:
        """Names of the judges."""
        return list(dict.fromkeys(layer.judge for layer in self.judged.layers))

    def by(self, judge: str) -> VerdictTable:
        """Return one judge's verdicts.

        Parameters
        ----------
        judge : str
            Its name.

        Returns
        -------
        VerdictTable
        """
        return self.judged.layer(*(i for i, layer in enumerate(self.judged.layers) if layer.judge == judge))


def audit(
    source: Source,
    labels: str | Path | None = None,
    people: Sequence[str] = (),
    judges: Sequence[str] = (),
    store: str | None = None,
    format: str | None = None,
    options: JudgeAuditOptions | None = None,
    progress: Callable[[str], None] | None = None,
) -> list[JudgeAudit]:
    """Return an audit of each judge of a run or a file.

    Parameters
    ----------
    source : Run, path or str
        A run, its name, or a file or folder of cases that carry verdicts.
    labels : path, optional
        People's verdicts: lines as ``criterial export`` writes them, or cases that carry them.
    people : sequence of str
        Names of those in the source who are people, and not judges; ``*`` in a name stands for anything.
    judges : sequence of str
        Only these judges.
    store : str, optional
        URL of the store that a run is in.
    format : str, optional
        Format of a file.
    options : JudgeAuditOptions, optional
        How they are audited.
    progress : callable, optional
        Told whose turn it is.

    Returns
    -------
    list of JudgeAudit
        In the order in which the judges come.

    Raises
    ------
    CriterialError
        If something cannot be read, or nobody can be told to be a person or a judge.
    """
    sides = sides_of(source, labels, people, judges, store, format)
    out = []
    for judge in sides.judges:
        if progress is not None:
            progress(judge)
        out.append(audit_judge(sides.by(judge), sides.labels, sides.cases, options))
    return out


def sides_of(
    source: Source,
    labels: str | Path | None = None,
    people: Sequence[str] = (),
    judges: Sequence[str] = (),
    store: str | None = None,
    format: str | None = None,
) -> Sides:
    """Return the two sides of a run or a file.

    Parameters
    ----------
    source, labels, people, judges, store, format
        As for `audit`.

    Returns
    -------
    Sides

    Raises
    ------
    CriterialError
        As for `audit`.
    """
    _, cases, table = verdicts_of(source, store, format)
    if labels is not None:
        label_table = labels_of(labels, cases, table)
    elif people:
        label_table = chosen_layers(table, people, "people")
    else:
        raise ConfigError(f"who are the people? Pass --labels FILE, or --people NAME: there are {_listed(table)}")
    judged = chosen_layers(table, judges, "judges") if judges else _others(table, people)
    return Sides(cases, judged, label_table)


def labels_of(path: str | Path, cases: Sequence[Case], table: VerdictTable) -> VerdictTable:
    """Return people's verdicts from a file.

    Parameters
    ----------
    path : path
        Lines of verdicts, or cases that carry them.
    cases : sequence of Case
        What they are about.
    table : VerdictTable
        The judges' verdicts on these cases.

    Returns
    -------
    VerdictTable
        Of the same rows.

    Raises
    ------
    CriterialError
        If it cannot be read, or brings other responses along.
    """
    labelled, verdicts = read_verdicts(path, list(cases))
    if [r.id for c in labelled for r in c.responses] != list(table.responses):
        raise ConfigError(f"{path} has responses that the verdicts are not about: audit verdicts on the labelled responses")
    return table_of(labelled, verdicts)


def chosen_layers(table: VerdictTable, patterns: Sequence[str], what: str) -> VerdictTable:
    """Return the verdicts of some judges.

    Parameters
    ----------
    table : VerdictTable
        All verdicts.
    patterns : sequence of str
        Names; ``*`` stands for anything.
    what : str
        What they are, for the error.

    Returns
    -------
    VerdictTable

    Raises
    ------
    ConfigError
        If there are none.
    """
    at = [i for i, layer in enumerate(table.layers) if any(fnmatchcase(layer.judge, p) for p in patterns)]
    if not at:
        raise ConfigError(f"no verdict is by {' or '.join(patterns)}: {what} are to be chosen among {_listed(table)}")
    return table.layer(*at)


def _others(table: VerdictTable, people: Sequence[str]) -> VerdictTable:
    at = [i for i, layer in enumerate(table.layers) if layer.judge != CHECK and not any(fnmatchcase(layer.judge, p) for p in people)]
    if not at:
        raise ConfigError("there are only people and no judge in it")
    return table.layer(*at)


def _listed(table: VerdictTable) -> str:
    names = list(dict.fromkeys(layer.judge or "(unnamed)" for layer in table.layers))
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
