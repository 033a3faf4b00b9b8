"""What rankings are made of: marks of systems on items, and contests between two systems."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from criterial.core.table import VerdictTable
from criterial.core.verdict import State
from criterial.errors import ConfigError
from criterial.maths.finite import check_finite, check_shares

__all__ = ["Contest", "Contests", "Evidence", "Mark", "Marks", "contests_of_marks", "contests_of_pairs", "evidence_of"]

_SAME = 1e-12


class Mark(NamedTuple):
    """What one system got on one item."""

    system: str
    """Its name."""
    item: str
    """The task."""
    value: float
    """The mark."""
    suite: str = ""
    """The benchmark that the item belongs to."""


class Contest(NamedTuple):
    """One comparison of two systems."""

    first: str
    """The system that was shown first."""
    second: str
    """The other."""
    result: float
    """1 where the first won, 0 where it lost, 0.5 for a tie."""
    task: str
    """What they were compared on."""


@dataclass(frozen=True)
class Marks:
    """What systems got on items, S systems and I items."""

    systems: tuple[str, ...]
    """Names."""
    items: tuple[str, ...]
    """Names of the items; an item is a task."""
    value_SI: NDArray[np.float64]
    """The mean mark where there is one, else 0."""
    known_SI: NDArray[np.bool_]
    """Where there is one."""
    suites: tuple[str, ...]
    """Names of the benchmarks that the items belong to, in the order in which they came."""
    suite_I: NDArray[np.int64]
    """Benchmark of each item."""


@dataclass(frozen=True)
class Contests:
    """Comparisons of two systems, P of them."""

    systems: tuple[str, ...]
    """Names, S of them."""
    first_P: NDArray[np.int64]
    """The system that was shown first."""
    second_P: NDArray[np.int64]
    """The other."""
    result_P: NDArray[np.float64]
    """1 where the first won, 0 where it lost, 0.5 for a tie."""
    cluster_P: NDArray[np.int64]
    """The task, from 0: contests of one task are not independent of each other."""

    @cached_property
    def clusters(self) -> int:
        """How many tasks."""
        return len(np.unique(self.cluster_P))

    @property
    def n_S(self) -> NDArray[np.int64]:
        """How many contests each system had."""
        size = len(self.systems)
        return np.bincount(self.first_P, minlength=size) + np.bincount(self.second_P, minlength=size)


@dataclass(frozen=True)
class Evidence:
    """All that is known of some systems; a method takes what it is made for."""

    systems: tuple[str, ...]
    """Names, in alphabetical order."""
    judged: Contests | None
    """Contests that somebody judged as such."""
    scored: Marks | None
    """Marks of responses that were judged one by one."""
    tie: float = 0.0
    """Marks that lie no further apart count as a tie where contests are made of them."""

    @cached_property
    def contests(self) -> Contests:
        """The contests that were judged, or those that marks on the same items amount to.

        Raises
        ------
        ConfigError
            If no two systems met.
        """
        found = contests_of_marks(self.marks, self.tie) if self.judged is None else self.judged
        if not len(found.result_P):
            raise ConfigError("no two systems met: they have no task in common, so nothing compares them")
        return found

    @property
    def marks(self) -> Marks:
        """The marks.

        Raises
        ------
        ConfigError
            If only contests are known.
        """
        if self.scored is None:
            raise ConfigError("there are comparisons of pairs and no scores: rank them with a method for pairs, such as bradley_terry")
        return self.scored


def contests_of_pairs(table: VerdictTable, judge: str = "", prefix: str = "") -> Iterator[Contest]:
    """Yield the contests of a table.

    Parameters
    ----------
    table : VerdictTable
        Verdicts; those on criteria of scope ``pair`` count, of every judge and repeat. Odd repeats saw the pair the other way round.
    judge : str
        Only this judge's; empty takes every judge's.
    prefix : str
        Begins the names of tasks.

    Yields
    ------
    Contest
    """
    rows: dict[int, list[int]] = {}
    for row, task in enumerate(table.task_R.tolist()):
        rows.setdefault(task, []).append(row)
    layers = [(i, layer.repeat % 2 == 1) for i, layer in enumerate(table.layers) if judge in ("", layer.judge)]
    for task, pair in rows.items():
        criteria = table.rubrics[table.rubric_R[pair[0]]].criteria
        places = [i for i, c in enumerate(criteria) if c.scope == "pair" and len(pair) == 2]
        for (layer, swapped), place in product(layers, places):
            shown = pair[::-1] if swapped else pair
            result = _result(table, layer, shown, place)
            if result is not None:
                yield Contest(table.systems[shown[0]], table.systems[shown[1]], result, prefix + table.tasks[task])


def _result(table: VerdictTable, layer: int, shown: Sequence[int], place: int) -> float | None:
    """Return what one verdict on each of two responses amounts to for the first, or None where one is missing."""
    cells = [int(table.start_R[row]) + place for row in shown]
    if any(table.state_LN[layer, c] != State.DECIDED for c in cells):
        return None
    one, two = (float(table.value_LN[layer, c]) for c in cells)
    if table.rubrics[table.rubric_R[shown[0]]].criteria[place].weight < 0:
        one, two = two, one
    return 0.5 if one == two else float(one > two)


def contests_of_marks(marks: Marks, tie: float = 0.0) -> Contests:
    """Return the contests that marks amount to: every two systems on every item that both have a mark on.

    Parameters
    ----------
    marks : Marks
        The marks.
    tie : float
        Marks that lie no further apart count as a tie.

    Returns
    -------
    Contests
    """
    firsts, seconds, results, clusters = [], [], [], []
    for one, two in combinations(range(len(marks.systems)), 2):
        items = np.flatnonzero(marks.known_SI[one] & marks.known_SI[two])
        ahead = marks.value_SI[one, items] - marks.value_SI[two, items]
        results.append(np.where(np.abs(ahead) <= tie + _SAME, 0.5, (ahead > 0).astype(np.float64)))
        clusters.append(items)
        firsts.append(np.full(len(items), one))
        seconds.append(np.full(len(items), two))
    first_P, second_P, cluster_P = (np.concatenate(a).astype(np.int64) for a in (firsts, seconds, clusters))
    return Contests(marks.systems, first_P, second_P, np.concatenate(results), cluster_P)


def evidence_of(marks: Sequence[Mark], contests: Sequence[Contest], tie: float = 0.0) -> Evidence:
    """Return evidence from its pieces.

    Parameters
    ----------
    marks : sequence of Mark
        Several of one system on one item are averaged.
    contests : sequence of Contest
        Those between two responses of one system say nothing of systems, and are left out.
    tie : float
        Marks that lie no further apart count as a tie.

    Returns
    -------
    Evidence

    Raises
    ------
    ConfigError
        If a system has no name, there are fewer than two systems, or a mark or a result is not finite.
    """
    check_finite([m.value for m in marks], tie)
    check_shares([c.result for c in contests])
    names = {m.system for m in marks} | {c.first for c in contests} | {c.second for c in contests}
    if "" in names:
        raise ConfigError("a response has no system: rankings are of systems, so name the system of each response")
    systems = tuple(sorted(names))
    if len(systems) < 2:
        raise ConfigError(f"a ranking needs two systems or more, and there {'is one' if systems else 'are none'}")
    place = {name: i for i, name in enumerate(systems)}
    return Evidence(systems, _contests(systems, place, contests), _marks(systems, place, marks), tie)


def _contests(systems: tuple[str, ...], place: Mapping[str, int], given: Sequence[Contest]) -> Contests | None:
    apart = [c for c in given if c.first != c.second]
    if not apart:
        return None
    tasks = {task: i for i, task in enumerate(dict.fromkeys(c.task for c in apart))}
    return Contests(
        systems,
        np.array([place[c.first] for c in apart], dtype=np.int64),
        np.array([place[c.second] for c in apart], dtype=np.int64),
        np.array([c.result for c in apart], dtype=np.float64),
        np.array([tasks[c.task] for c in apart], dtype=np.int64),
    )


def _marks(systems: tuple[str, ...], place: Mapping[str, int], given: Sequence[Mark]) -> Marks | None:
    if not given:
        return None
    items = {item: i for i, item in enumerate(dict.fromkeys((m.suite, m.item) for m in given))}
    suites = {suite: i for i, suite in enumerate(dict.fromkeys(m.suite for m in given))}
    shape = (len(systems), len(items))
    cell_P = np.array([place[m.system] * shape[1] + items[m.suite, m.item] for m in given], dtype=np.int64)
    count_SI = np.bincount(cell_P, minlength=shape[0] * shape[1]).reshape(shape)
    total_SI = np.bincount(cell_P, [m.value for m in given], minlength=shape[0] * shape[1]).reshape(shape)
    suite_I = np.array([suites[suite] for suite, _ in items], dtype=np.int64)
    return Marks(systems, tuple(i for _, i in items), total_SI / np.maximum(count_SI, 1), count_SI > 0, tuple(suites), suite_I)
