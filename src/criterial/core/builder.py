"""Filling a verdict table: cell by cell as verdicts come, and from verdicts that came from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from criterial.core.criterion import Criterion
from criterial.core.rubric import Rubric
from criterial.core.scale import Binary, credit_of, levels_of
from criterial.core.table import CAUSE_CODES, CHECK, Layer, VerdictTable
from criterial.core.task import Case
from criterial.core.verdict import CAUSES, State, Verdict
from criterial.errors import TableError

__all__ = ["Addresses", "CellValues", "TableBuilder", "check_verdict", "homes_of", "table_of"]

_CODE = {cause: code for code, cause in enumerate(CAUSE_CODES)}


class CellValues(NamedTuple):
    """Verdicts as arrays, one layer's V of them."""

    state_V: NDArray[np.uint8]
    """`State` of each."""
    value_V: NDArray[np.float64]
    """Value in the criterion's scale, 0 where not decided."""
    cause_V: NDArray[np.uint8]
    """Code into `CAUSE_CODES`."""
    probs_VK: NDArray[np.float32]
    """Probability of each level, K the most levels of any criterion; zeros where there are none."""
    checked: bool
    """Whether a program gave them."""
    reasons: Sequence[str]
    """The reason of each."""


class TableBuilder:
    """Collects verdicts for a set of cases and makes the table of them.

    Parameters
    ----------
    cases : iterable of Case
        The cases, whose rubrics and responses give the rows and cells.
    layers : sequence of Layer
        The layers that the verdicts will lie in.
    """

    def __init__(self, cases: Iterable[Case], layers: Sequence[Layer]) -> None:
        rubrics: dict[str, int] = {}
        self._rubrics: list[Rubric] = []
        self._tasks: list[str] = []
        self._responses: list[str] = []
        self._systems: list[str] = []
        task_R: list[int] = []
        rubric_R: list[int] = []
        for case in cases:
            use = rubrics.setdefault(case.rubric.digest, len(rubrics))
            if use == len(self._rubrics):
                self._rubrics.append(case.rubric)
            self._tasks.append(case.task.id)
            for response in case.responses:
                self._responses.append(response.id)
                self._systems.append(response.system)
                task_R.append(len(self._tasks) - 1)
                rubric_R.append(use)
        self.task_R = np.array(task_R, dtype=np.int64)
        self.rubric_R = np.array(rubric_R, dtype=np.int64)
        self.layers = tuple(layers)
        widths = [len(self._rubrics[u].criteria) for u in rubric_R]
        self.start_R = np.concatenate([[0], np.cumsum(widths)]).astype(np.int64)
        shape = (len(self.layers), int(self.start_R[-1]))
        self._state = np.zeros(shape, dtype=np.uint8)
        self._value = np.zeros(shape, dtype=np.float64)
        self._cause = np.zeros(shape, dtype=np.uint8)
        self._checked = np.zeros(shape, dtype=np.bool_)
        most = max((len(levels_of(c.scale)) for r in self._rubrics for c in r.criteria), default=0)
        self._most = most
        self._probs: NDArray[np.float32] | None = None
        self._reasons: list[list[str]] = [[""] * shape[1] for _ in self.layers]

    def put(self, row: int, column: int, layer: int, verdict: Verdict) -> None:
        """Write one verdict into its cell.

        Parameters
        ----------
        row : int
            The response, counted over all cases.
        column : int
            The criterion's place in that response's rubric.
        layer : int
            The layer.
        verdict : Verdict
            What to write.

        Raises
        ------
        TableError
            If the verdict does not fit the criterion: see `check_verdict`.
        """
        cell = int(self.start_R[row]) + column
        check_verdict(verdict, self._rubrics[self.rubric_R[row]].criteria[column])
        self._state[layer, cell] = verdict.state
        self._value[layer, cell] = verdict.value if verdict.value is not None else 0.0
        self._cause[layer, cell] = _CODE[verdict.cause]
        self._checked[layer, cell] = verdict.judge == CHECK
        if verdict.reason:
            self._reasons[layer][cell] = verdict.reason
        if verdict.probs:
            if self._probs is None:
                self._probs = np.zeros((*self._state.shape, self._most), dtype=np.float32)
            self._probs[layer, cell, : len(verdict.probs)] = verdict.probs

    def put_cells(self, layer: int, cells_V: NDArray[np.int64], verdicts: CellValues) -> None:
        """Write many verdicts, whose values were checked before, into cells of one layer.

        Parameters
        ----------
        layer : int
            The layer.
        cells_V : (V,) int
            Where each lies, counted over all rows.
        verdicts : CellValues
            What to write.
        """
        self._state[layer, cells_V] = verdicts.state_V
        self._value[layer, cells_V] = verdicts.value_V
        self._cause[layer, cells_V] = verdicts.cause_V
        self._checked[layer, cells_V] = verdicts.checked
        told = self._reasons[layer]
        for cell, reason in zip(cells_V.tolist(), verdicts.reasons, strict=True):
            if reason:
                told[cell] = reason
        if verdicts.probs_VK.any():
            if self._probs is None:
                self._probs = np.zeros((*self._state.shape, self._most), dtype=np.float32)
            self._probs[layer, cells_V] = verdicts.probs_VK

    def take(self, table: VerdictTable, cells_LN: NDArray[np.bool_]) -> TableBuilder:
        """Take some cells over from a table of the same cases and layers.

        Parameters
        ----------
        table : VerdictTable
            The table.
        cells_LN : (L, N) bool
            Which cells.

        Returns
        -------
        TableBuilder
            Itself.
        """
        for ours, theirs in (
            (self._state, table.state_LN),
            (self._value, table.value_LN),
            (self._cause, table.cause_LN),
            (self._checked, table.checked_LN),
        ):
            np.copyto(ours, theirs, where=cells_LN)
        if table.probs_LNK.shape[2]:
            if self._probs is None:
                self._probs = np.zeros((*self._state.shape, self._most), dtype=np.float32)
            np.copyto(self._probs, table.probs_LNK, where=cells_LN[:, :, None])
        for layer, reasons in enumerate(table.reasons):
            told = self._reasons[layer]
            for cell in np.flatnonzero(cells_LN[layer]).tolist():
                told[cell] = reasons[cell]
        return self

    def fill_absent(self, cause: str) -> TableBuilder:
        """Mark every cell that was never written as failed.

        Parameters
        ----------
        cause : str
            Why: one of `criterial.core.verdict.CAUSES`.

        Returns
        -------
        TableBuilder
            Itself.
        """
        absent = self._state == State.ABSENT
        self._state[absent] = State.FAILED
        self._cause[absent] = _CODE[cause]
        return self

    def build(self) -> VerdictTable:
        """Return the table of what was put in; cells never written are absent.

        Returns
        -------
        VerdictTable
        """
        probs = self._probs.copy() if self._probs is not None else np.zeros((*self._state.shape, 0), dtype=np.float32)
        return VerdictTable(
            rubrics=tuple(self._rubrics),
            tasks=tuple(self._tasks),
            responses=tuple(self._responses),
            systems=tuple(self._systems),
            task_R=self.task_R,
            rubric_R=self.rubric_R,
            layers=self.layers,
            state_LN=self._state.copy(),
            value_LN=self._value.copy(),
            cause_LN=self._cause.copy(),
            probs_LNK=probs,
            checked_LN=self._checked.copy(),
            reasons=tuple(tuple(r) for r in self._reasons),
        )


def check_verdict(verdict: Verdict, criterion: Criterion) -> None:
    """Raise where a verdict does not fit its criterion.

    Parameters
    ----------
    verdict : Verdict
        The verdict.
    criterion : Criterion
        What it is about.

    Raises
    ------
    TableError
        If a decided verdict has no value of the criterion's scale, another state has one, the probabilities are not one a
        level, at least 0 and 1 in sum, or the cause is none of `criterial.core.verdict.CAUSES`.
    """
    fault = _misfit(verdict, criterion)
    if fault:
        raise TableError(f"verdict on {verdict.response}/{verdict.criterion}: {fault}")


def _misfit(verdict: Verdict, criterion: Criterion) -> str:
    """Return what is wrong with a verdict, or nothing."""
    value, probs = verdict.value, verdict.probs
    if (verdict.state == State.DECIDED) != (value is not None):
        return "a value exists exactly where the state is decided"
    if verdict.cause not in _CODE:
        return f"{verdict.cause[:40]!r} is no cause; the causes are {', '.join(CAUSES)}"
    if value is not None and not (isinstance(criterion.scale, Binary) and value in (0.0, 1.0)):
        try:
            credit_of(criterion.scale, value)
        except TableError as error:
            return str(error)
    return _odd(probs, len(levels_of(criterion.scale))) if probs else ""


def _odd(probs: Sequence[float], levels: int) -> str:
    """Return what is wrong with probabilities, or nothing."""
    if len(probs) != levels:
        return f"{len(probs)} probabilities for {levels} levels"
    if not (min(probs) >= 0.0 and abs(sum(probs) - 1.0) <= 1e-3):
        return f"probabilities are 0 or more and 1 in sum, not {', '.join(f'{p:g}' for p in probs[:5])}"
    return ""


def table_of(cases: Sequence[Case], verdicts: Iterable[Verdict]) -> VerdictTable:
    """Return the table of verdicts that came from elsewhere.

    Parameters
    ----------
    cases : sequence of Case
        The cases that the verdicts speak of.
    verdicts : iterable of Verdict
        In any order. Each (judge, repeat) becomes a layer. What checks gave belongs to the layers of its repeat, and forms
        one of its own only where there are none, or where they hold another verdict of the same cell.

    Returns
    -------
    VerdictTable
        Cells without a verdict are absent.

    Raises
    ------
    TableError
        If a verdict names a response or criterion that is not there, names a response id that two tasks share without
        saying which task, repeats a cell or does not fit its criterion, or if two responses share task and id.
    """
    known = Addresses(cases)
    pending: list[tuple[int, int, tuple[str, int], Verdict]] = []
    layers: dict[tuple[str, int], Layer] = {}
    cells: dict[tuple[str, int], set[tuple[int, int]]] = {}
    for verdict in verdicts:
        row = known.row(verdict.task, verdict.response)
        column = known.columns[row].get(verdict.criterion)
        if column is None:
            raise TableError(f"response {verdict.response!r} has no criterion {verdict.criterion!r} in its rubric")
        key = (verdict.judge, verdict.repeat)
        layers.setdefault(key, Layer(verdict.judge, verdict.repeat, verdict.calibrated))
        if (row, column) in cells.setdefault(key, set()):
            raise TableError(f"two verdicts on response {verdict.response!r}, criterion {verdict.criterion!r} by the same judge and repeat")
        cells[key].add((row, column))
        pending.append((row, column, key, verdict))
    homes = homes_of(cells)
    kept = sorted(set(chain.from_iterable(homes.values())))
    place = {key: i for i, key in enumerate(kept)}
    builder = TableBuilder(cases, [layers[k] for k in kept] or [Layer("")])
    for row, column, key, verdict in pending:
        for home in homes[key]:
            builder.put(row, column, place[home], verdict)
    return builder.build()


def homes_of(cells: Mapping[tuple[str, int], Set[Any]]) -> dict[tuple[str, int], list[tuple[str, int]]]:
    """Return the layers in which the verdicts of each judge and repeat lie: their own, those of checks the judges' they ran beside.

    Parameters
    ----------
    cells : mapping of (str, int) to set
        The cells that each judge and repeat filled.

    Returns
    -------
    dict of (str, int) to list of (str, int)
    """
    homes = {key: [key] for key in cells}
    for checks in cells:
        beside = [key for key in cells if key[1] == checks[1] and key[0] not in (CHECK, "")]
        if checks[0] == CHECK and beside and all(cells[checks].isdisjoint(cells[key]) for key in beside):
            homes[checks] = beside
    return homes


class Addresses:
    """Where each response's cells lie, by its id and that of its task.

    Parameters
    ----------
    cases : sequence of Case
        The cases.

    Raises
    ------
    TableError
        If two responses share task and id.
    """

    def __init__(self, cases: Sequence[Case]) -> None:
        self._where: dict[tuple[str, str], int] = {}
        self._rows_of: dict[str, list[int]] = {}
        self.columns: list[dict[str, int]] = []
        for case in cases:
            for response in case.responses:
                row = len(self.columns)
                if self._where.setdefault((case.task.id, response.id), row) != row:
                    raise TableError(f"two responses of task {case.task.id!r} have the id {response.id!r}")
                self._rows_of.setdefault(response.id, []).append(row)
                self.columns.append(case.rubric.index)

    def row(self, task: str, response: str) -> int:
        """Return the row of a response.

        Parameters
        ----------
        task : str
            The task's id; empty where the response's says enough.
        response : str
            The response's id.

        Returns
        -------
        int

        Raises
        ------
        TableError
            If there is none, or more than one.
        """
        if task:
            row = self._where.get((task, response))
            if row is None:
                raise TableError(f"no response {response!r} of task {task!r} in the cases")
            return row
        rows = self._rows_of.get(response, [])
        if not rows:
            raise TableError(f"no response {response!r} in the cases")
        if len(rows) > 1:
            raise TableError(f'response id {response!r} occurs in {len(rows)} tasks: say which with "task"')
        return rows[0]
