"""The matrix that an audit of items looks at: responses under one rubric's criteria, or systems on all criteria of all tasks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from criterial.compare.evidence import Marks
from criterial.core.criterion import Criterion
from criterial.core.table import VerdictTable
from criterial.core.verdict import State
from criterial.errors import ConfigError
from criterial.score.cells import cells_of
from criterial.score.columns import columns_of, credit_of_values

__all__ = ["Flips", "ItemMatrix", "Rows", "matrix_of_marks", "matrix_of_table"]

Array = NDArray[np.float64]
Rows = Literal["auto", "responses", "systems"]
"""What a row is; ``auto``: responses where most criteria are asked about in several tasks, systems elsewhere."""
_SAME = 1e-9


class Flips(NamedTuple):
    """Cells that a judge judged several times, F of them."""

    item_F: NDArray[np.int64]
    """The item."""
    cluster_F: NDArray[np.int64]
    """The task; the response where there is one task alone."""
    share_F: Array
    """Share of pairs of repeats that differ."""


@dataclass(frozen=True)
class ItemMatrix:
    """Marks of R rows on I items, higher always better."""

    rows: tuple[str, ...]
    """Names of the rows."""
    items: tuple[str, ...]
    """Names of the items."""
    texts: tuple[str, ...]
    """What each item asks; empty where not known."""
    unit: Literal["responses", "systems"]
    """What the rows are."""
    value_RI: Array
    """Marks in [0, 1], 0 where not known; turned round where meeting the criterion is bad."""
    known_RI: NDArray[np.bool_]
    """Which are known."""
    cluster_R: NDArray[np.int64]
    """Rows of one cluster depend on one another: responses to one task; each system is its own."""
    fault_I: NDArray[np.bool_]
    """Items that were turned round."""
    weight_I: Array
    """What each counts in a row's score."""
    flips: Flips | None = None
    """Cells judged several times; None where there are none."""

    @cached_property
    def right_RI(self) -> Array:
        """(R, I) 1 where the mark is 1, or at least the item's middle where it has other marks; else 0.

        The middle of an item is the mark, above its least, that the share nearest to one half of the rows reaches.
        """
        right = np.zeros_like(self.value_RI)
        for i, known_R in enumerate(self.known_RI.T):
            marks = self.value_RI[known_R, i]
            levels, count = np.unique(marks.round(9), return_counts=True)
            cut = 1.0
            if len(levels) > 1 and not np.isin(levels, (0.0, 1.0)).all():
                reach = np.cumsum(count[::-1])[::-1][1:] / count.sum()
                cut = float(levels[1:][np.argmin(np.abs(reach - 0.5))])
            elif len(levels) == 1:
                cut = 0.5
            right[known_R, i] = marks >= cut - _SAME
        return right

    @property
    def binary(self) -> bool:
        """Whether all marks are 0 or 1."""
        return bool(np.isin(self.value_RI, (0.0, 1.0)).all())

    @property
    def counted_I(self) -> Array:
        """(I,) what each item counts in a row's score: its weight, or 1 where no two have any."""
        return self.weight_I if np.count_nonzero(self.weight_I) > 1 else np.ones(len(self.weight_I))

    @property
    def clusters(self) -> str:
        """What intervals are over."""
        return "tasks" if self.unit == "responses" and len(np.unique(self.cluster_R)) > 1 else self.unit


def matrix_of_marks(marks: Marks) -> ItemMatrix:
    """Return the matrix of marks of systems.

    Parameters
    ----------
    marks : Marks
        In [0, 1], such as 1 for right and 0 for wrong.

    Returns
    -------
    ItemMatrix

    Raises
    ------
    ConfigError
        A mark is outside [0, 1].
    """
    given = marks.value_SI[marks.known_SI]
    if len(given) and (given.min() < 0 or given.max() > 1):
        raise ConfigError(
            f"marks run from {given.min():g} to {given.max():g}; an audit of items takes marks from 0 to 1: divide by the most"
        )
    count = len(marks.items)
    return _checked(
        ItemMatrix(
            marks.systems,
            marks.items,
            ("",) * count,
            "systems",
            np.where(marks.known_SI, marks.value_SI, 0.0),
            marks.known_SI,
            np.arange(len(marks.systems)),
            np.zeros(count, dtype=np.bool_),
            np.ones(count),
        )
    )


def matrix_of_table(table: VerdictTable, rows: Rows = "auto") -> ItemMatrix:
    """Return the matrix of verdicts, pooled over judges and repeats.

    Parameters
    ----------
    table : VerdictTable
        The verdicts; those on criteria of scope ``pair`` are left out.
    rows : {"auto", "responses", "systems"}
        What a row is.

    Returns
    -------
    ItemMatrix
        Criteria of the same id and text are one item where rows are responses; where they are systems, an item is a criterion of a task,
        and several responses of a system are averaged.

    Raises
    ------
    ConfigError
        There are fewer than two items or four rows, or rows are systems and a response names none.
    """
    kept_C = np.array([c.scope != "pair" for c in table.criteria], dtype=np.bool_)
    keys = [(c.id, c.text) for c in table.criteria]
    rows = _told_rows(table, rows, _shared(table, keys, kept_C))
    cells = cells_of(table, settle=False)
    fault_C, weight_C = cells.columns.fault_C, np.abs(cells.columns.weight_C)
    keep_N = kept_C[table.column_N]
    column_M, row_M = table.column_N[keep_N], table.row_N[keep_N]
    task_M = table.task_R[row_M]
    if rows == "responses":
        names, cluster_R = _labels(table), table.task_R if len(table.tasks) > 1 else np.arange(len(table.responses))
        item_M, first_I = _numbered([keys[c] for c in column_M.tolist()])
    else:
        names = sorted(set(table.systems))
        cluster_R = np.arange(len(names))
        row_M = np.searchsorted(names, np.array(table.systems))[row_M]
        item_M, first_I = _numbered(list(zip(task_M.tolist(), column_M.tolist(), strict=True)))
    known_M = (cells.known_N & cells.applies_N)[keep_N]
    credit_M = np.where(fault_C[column_M], 1.0 - cells.credit_N[keep_N], cells.credit_N[keep_N])
    value_RI, known_RI = _averaged(row_M[known_M], item_M[known_M], credit_M[known_M], (len(names), len(first_I)))
    column_I = column_M[first_I]
    criteria = [table.criteria[c] for c in column_I]
    return _checked(
        ItemMatrix(
            tuple(names),
            _names(criteria, [table.tasks[t] for t in task_M[first_I]], rows),
            tuple(c.text for c in criteria),
            rows,
            value_RI,
            known_RI,
            cluster_R,
            fault_C[column_I],
            weight_C[column_I],
            _flips(table, keep_N, item_M),
        )
    )


def _told_rows(table: VerdictTable, rows: Rows, shared: bool) -> Literal["responses", "systems"]:
    """Return what a row is: responses where they share most criteria, unless it was said."""
    if rows == "auto":
        rows = "responses" if shared else "systems"
    if rows == "systems" and "" in table.systems:
        raise ConfigError("few criteria are shared by tasks, so that rows are systems, and a response has none: name the system of each")
    return rows


def _averaged(
    row_M: NDArray[np.int64], item_M: NDArray[np.int64], credit_M: Array, shape: tuple[int, int]
) -> tuple[Array, NDArray[np.bool_]]:
    """Return the mean of each row's credits on each item, and where there are any."""
    at_M = row_M * shape[1] + item_M
    count_RI = np.bincount(at_M, minlength=shape[0] * shape[1]).reshape(shape)
    total_RI = np.bincount(at_M, credit_M, minlength=shape[0] * shape[1]).reshape(shape)
    return total_RI / np.maximum(count_RI, 1), count_RI > 0


def _labels(table: VerdictTable) -> list[str]:
    """Return a name for each row."""
    names = list(table.responses)
    return names if len(set(names)) == len(names) else [f"{table.tasks[t]}/{r}" for t, r in zip(table.task_R, names, strict=True)]


def _shared(table: VerdictTable, keys: list[tuple[str, str]], kept_C: NDArray[np.bool_]) -> bool:
    """Return whether most criteria are asked about in several tasks, or there is one task alone."""
    pairs = {(keys[c], t) for c, t in zip(table.column_N.tolist(), table.task_R[table.row_N].tolist(), strict=True) if kept_C[c]}
    tasks = Counter(key for key, _ in pairs)
    several = sum(n > 1 for n in tasks.values()) * 2 >= len(tasks)
    return len(tasks) > 1 and (several or len(table.tasks) == 1)


def _numbered(keys: Sequence[Hashable]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return each key's number, in the order in which they come, and where each number comes first."""
    place: dict[Hashable, int] = {}
    first: list[int] = []
    number = np.empty(len(keys), dtype=np.int64)
    for n, key in enumerate(keys):
        if key not in place:
            place[key] = len(place)
            first.append(n)
        number[n] = place[key]
    return number, np.array(first, dtype=np.int64)


def _names(criteria: list[Criterion], tasks: list[str], rows: Rows) -> tuple[str, ...]:
    """Return names that differ: the criterion's id, with its task where rows are systems, and a number where that occurs twice."""
    wanted = [c.id if rows == "responses" else f"{task}/{c.id}" for c, task in zip(criteria, tasks, strict=True)]
    seen: Counter[str] = Counter()
    out = []
    for name in wanted:
        seen[name] += 1
        out.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return tuple(out)


def _flips(table: VerdictTable, keep_N: NDArray[np.bool_], column_N: NDArray[np.int64]) -> Flips | None:
    """Return how often repeats of one judge differ, a cell and judge."""
    columns = columns_of(table.rubrics)
    parts = []
    for layers in _repeated(table):
        credit_LN = np.stack([credit_of_values(table.value_LN[layer], columns, table.column_N)[keep_N] for layer in layers])
        decided_LN = ((table.state_LN[layers] == State.DECIDED) & ~table.checked_LN[layers])[:, keep_N]
        pairs_N, differ_N = np.zeros(keep_N.sum()), np.zeros(keep_N.sum())
        for one, two in combinations(range(len(layers)), 2):
            both_N = decided_LN[one] & decided_LN[two]
            pairs_N += both_N
            differ_N += both_N & (np.abs(credit_LN[one] - credit_LN[two]) > _SAME)
        there_N = pairs_N > 0
        task_N = table.task_R[table.row_N][keep_N] if len(table.tasks) > 1 else table.row_N[keep_N]
        parts.append((column_N[there_N], task_N[there_N], differ_N[there_N] / pairs_N[there_N]))
    if not parts or not any(len(p[0]) for p in parts):
        return None
    item_F, cluster_F, share_F = (np.concatenate(of) for of in zip(*parts, strict=True))
    return Flips(item_F, cluster_F, share_F)


def _repeated(table: VerdictTable) -> Iterator[list[int]]:
    for judge in sorted({layer.judge for layer in table.layers}):
        layers = [i for i, layer in enumerate(table.layers) if layer.judge == judge]
        if len(layers) > 1:
            yield layers


def _checked(matrix: ItemMatrix) -> ItemMatrix:
    rows, items = int(matrix.known_RI.any(axis=1).sum()), int(matrix.known_RI.any(axis=0).sum())
    if items < 2 or rows < 4:
        raise ConfigError(
            f"an audit compares items over rows: it needs 2 items and 4 {matrix.unit}, and there are {items} items with marks of {rows}"
        )
    if matrix.known_RI.sum(axis=0).max() < 4:
        raise ConfigError(f"no item has verdicts on 4 {matrix.unit} or more, so that nothing can be said of any: judge more {matrix.unit}")
    return matrix
