"""The verdict table: every response under every criterion of its rubric, in layers of judges and repeats.

Rows are responses (R). A row holds one cell for each criterion of its own rubric, in the rubric's order, so the cells (N)
are ragged where rubrics differ and a plain R x C matrix where they do not. Layers (L) lie behind a cell: one for each judge
and repeat. A value stands for something only where the state is `State.DECIDED`; elsewhere it is 0 and means nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from criterial.core.criterion import Criterion
from criterial.core.rubric import Rubric
from criterial.core.scale import Binary, credit_of, levels_of
from criterial.core.task import Case
from criterial.core.verdict import CAUSES, State, Verdict
from criterial.errors import TableError

__all__ = ["CAUSE_CODES", "CHECK", "Layer", "TableBuilder", "VerdictTable", "check_verdict", "table_of"]

CAUSE_CODES: tuple[str, ...] = ("", *CAUSES)
"""Cause by its code in `VerdictTable.cause_LN`; 0 is none."""
CHECK = "check"
"""The judge of verdicts that a program gave."""
_CODE = {cause: code for code, cause in enumerate(CAUSE_CODES)}


class Layer(NamedTuple):
    """One judge's one pass over the cells."""

    judge: str
    """The judge's name."""
    repeat: int = 0
    """Which repeat, from 0."""
    calibrated: bool = True
    """False where the judge was never checked against people on this kind of criterion."""


@dataclass(frozen=True)
class VerdictTable:
    """Verdicts as arrays. Build one with `table_of` or `TableBuilder`; it is never changed in place."""

    rubrics: tuple[Rubric, ...]
    """Distinct rubrics, U of them."""
    tasks: tuple[str, ...]
    """Task ids."""
    responses: tuple[str, ...]
    """Response id of each row, R of them."""
    systems: tuple[str, ...]
    """System of each row."""
    task_R: NDArray[np.int64]
    """Index of each row's task."""
    rubric_R: NDArray[np.int64]
    """Index of each row's rubric."""
    layers: tuple[Layer, ...]
    """The layers, L of them."""
    state_LN: NDArray[np.uint8]
    """`State` of each cell in each layer."""
    value_LN: NDArray[np.float64]
    """Value in the criterion's scale, 0 where not decided."""
    cause_LN: NDArray[np.uint8]
    """Code into `CAUSE_CODES` of why there is no value."""
    probs_LNK: NDArray[np.float32]
    """Probability of each level, K the most levels of any criterion; 0 on all levels where the judge gave none. K = 0: none anywhere."""
    checked_LN: NDArray[np.bool_]
    """Whether a program gave the verdict and not the layer's judge."""
    reasons: tuple[Sequence[str], ...] = field(default=(), repr=False)
    """For each layer the reason of each cell; empty where none were kept."""

    @cached_property
    def width_R(self) -> NDArray[np.int64]:
        """Number of cells of each row."""
        sizes = np.array([len(r.criteria) for r in self.rubrics], dtype=np.int64)
        return sizes[self.rubric_R] if len(sizes) else np.zeros(0, dtype=np.int64)

    @cached_property
    def start_R(self) -> NDArray[np.int64]:
        """Index of each row's first cell."""
        return np.cumsum(self.width_R) - self.width_R

    @cached_property
    def row_N(self) -> NDArray[np.int64]:
        """Row of each cell."""
        return np.repeat(np.arange(len(self.responses)), self.width_R)

    @cached_property
    def column_N(self) -> NDArray[np.int64]:
        """Column of each cell: an index into `criteria`."""
        sizes = np.array([len(r.criteria) for r in self.rubrics], dtype=np.int64)
        first_U = np.cumsum(sizes) - sizes
        within_N = np.arange(len(self.row_N)) - self.start_R[self.row_N]
        return first_U[self.rubric_R[self.row_N]] + within_N

    @cached_property
    def about_pair_N(self) -> NDArray[np.bool_]:
        """Whether each cell's criterion is about a pair of responses."""
        return np.array([c.scope == "pair" for c in self.criteria], dtype=np.bool_)[self.column_N]

    @cached_property
    def criteria(self) -> tuple[Criterion, ...]:
        """The criteria of all rubrics, one rubric after another: the columns, C of them."""
        return tuple(c for r in self.rubrics for c in r.criteria)

    @property
    def values_RC(self) -> NDArray[np.float64]:
        """First layer's values as a matrix; read them through `state_RC`.

        Raises
        ------
        TableError
            If the rows have different rubrics.
        """
        return self._matrix(self.value_LN[0])

    @property
    def state_RC(self) -> NDArray[np.uint8]:
        """First layer's states as a matrix.

        Raises
        ------
        TableError
            If the rows have different rubrics.
        """
        return self._matrix(self.state_LN[0])

    def _matrix(self, cells_N: NDArray[Any]) -> NDArray[Any]:
        if len(self.rubrics) != 1:
            raise TableError(f"the table has {len(self.rubrics)} rubrics, so it is no matrix: take the rows of one with .rows()")
        return cells_N.reshape(len(self.responses), len(self.criteria))

    def layer(self, *indices: int) -> VerdictTable:
        """Return the table with some of its layers alone.

        Parameters
        ----------
        *indices : int
            Which layers.

        Returns
        -------
        VerdictTable
        """
        at = list(indices)
        return replace(
            self,
            layers=tuple(self.layers[i] for i in at),
            state_LN=self.state_LN[at],
            value_LN=self.value_LN[at],
            cause_LN=self.cause_LN[at],
            probs_LNK=self.probs_LNK[at],
            checked_LN=self.checked_LN[at],
            reasons=tuple(self.reasons[i] for i in at) if self.reasons else (),
        )

    def rows(self, keep_R: NDArray[np.bool_]) -> VerdictTable:
        """Return the table of some rows, in their order.

        Parameters
        ----------
        keep_R : (R,) bool
            Which rows to keep.

        Returns
        -------
        VerdictTable
            With the rubrics that are still used.
        """
        keep_N = np.repeat(keep_R, self.width_R)
        used, rubric_R = np.unique(self.rubric_R[keep_R], return_inverse=True)
        picked = np.flatnonzero(keep_R)
        return replace(
            self,
            rubrics=tuple(self.rubrics[u] for u in used),
            responses=tuple(self.responses[r] for r in picked),
            systems=tuple(self.systems[r] for r in picked),
            task_R=self.task_R[keep_R],
            rubric_R=rubric_R.astype(np.int64),
            state_LN=self.state_LN[:, keep_N],
            value_LN=self.value_LN[:, keep_N],
            cause_LN=self.cause_LN[:, keep_N],
            probs_LNK=self.probs_LNK[:, keep_N],
            checked_LN=self.checked_LN[:, keep_N],
            reasons=tuple([r[int(i)] for i in np.flatnonzero(keep_N)] if len(r) else () for r in self.reasons),
        )

    def verdicts(self) -> Iterator[Verdict]:
        """Yield every cell that was asked for, layer by layer and row by row; a check's verdict once a repeat.

        Yields
        ------
        Verdict
        """
        told: dict[int, NDArray[np.bool_]] = {}
        for layer_index, layer in enumerate(self.layers):
            checked_N = self.checked_LN[layer_index]
            before_N = told.setdefault(layer.repeat, np.zeros_like(checked_N))
            for cell in np.flatnonzero((self.state_LN[layer_index] != State.ABSENT) & ~(checked_N & before_N)):
                yield self.verdict(layer_index, int(cell), layer)
            before_N |= checked_N

    def verdict(self, layer_index: int, cell: int, layer: Layer | None = None) -> Verdict:
        """Return one cell of one layer.

        Parameters
        ----------
        layer_index : int
            Which layer.
        cell : int
            Which cell, 0 to N - 1.
        layer : Layer, optional
            That layer, where the caller has it at hand.

        Returns
        -------
        Verdict
        """
        layer = layer or self.layers[layer_index]
        row = int(self.row_N[cell])
        criterion = self.criteria[self.column_N[cell]]
        state = State(int(self.state_LN[layer_index, cell]))
        checked = bool(self.checked_LN[layer_index, cell])
        return Verdict(
            response=self.responses[row],
            criterion=criterion.id,
            state=state,
            value=float(self.value_LN[layer_index, cell]) if state == State.DECIDED else None,
            probs=self._probs(layer_index, cell, criterion),
            reason=self._reason(layer_index, cell),
            cause=CAUSE_CODES[self.cause_LN[layer_index, cell]],
            judge=CHECK if checked else layer.judge,
            repeat=layer.repeat,
            task=self.tasks[self.task_R[row]],
            calibrated=layer.calibrated or checked,
        )

    def _probs(self, layer_index: int, cell: int, criterion: Criterion) -> tuple[float, ...]:
        probs = self.probs_LNK[layer_index, cell, : len(levels_of(criterion.scale))]
        return tuple(float(p) for p in probs) if probs.any() else ()

    def _reason(self, layer_index: int, cell: int) -> str:
        reasons = self.reasons[layer_index] if self.reasons else ()
        return reasons[cell] if len(reasons) else ""


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
        self._start = np.concatenate([[0], np.cumsum(widths)]).astype(np.int64)
        shape = (len(self.layers), int(self._start[-1]))
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
        cell = int(self._start[row]) + column
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
    where, rows_of, columns = _addresses(cases)
    pending: list[tuple[int, int, tuple[str, int], Verdict]] = []
    layers: dict[tuple[str, int], Layer] = {}
    cells: dict[tuple[str, int], set[tuple[int, int]]] = {}
    for verdict in verdicts:
        row = _row(verdict, where, rows_of)
        column = columns[row].get(verdict.criterion)
        if column is None:
            raise TableError(f"response {verdict.response!r} has no criterion {verdict.criterion!r} in its rubric")
        key = (verdict.judge, verdict.repeat)
        layers.setdefault(key, Layer(verdict.judge, verdict.repeat, verdict.calibrated))
        if (row, column) in cells.setdefault(key, set()):
            raise TableError(f"two verdicts on response {verdict.response!r}, criterion {verdict.criterion!r} by the same judge and repeat")
        cells[key].add((row, column))
        pending.append((row, column, key, verdict))
    homes = _homes(cells)
    kept = sorted(set(chain.from_iterable(homes.values())))
    place = {key: i for i, key in enumerate(kept)}
    builder = TableBuilder(cases, [layers[k] for k in kept] or [Layer("")])
    for row, column, key, verdict in pending:
        for home in homes[key]:
            builder.put(row, column, place[home], verdict)
    return builder.build()


def _homes(cells: Mapping[tuple[str, int], set[tuple[int, int]]]) -> dict[tuple[str, int], list[tuple[str, int]]]:
    """Return the layers in which the verdicts of each judge and repeat lie: their own, those of checks the judges' they ran beside."""
    homes = {key: [key] for key in cells}
    for checks in cells:
        beside = [key for key in cells if key[1] == checks[1] and key[0] not in (CHECK, "")]
        if checks[0] == CHECK and beside and all(cells[checks].isdisjoint(cells[key]) for key in beside):
            homes[checks] = beside
    return homes


def _addresses(cases: Sequence[Case]) -> tuple[dict[tuple[str, str], int], dict[str, list[int]], list[dict[str, int]]]:
    where: dict[tuple[str, str], int] = {}
    rows_of: dict[str, list[int]] = {}
    columns: list[dict[str, int]] = []
    for case in cases:
        for response in case.responses:
            row = len(columns)
            if where.setdefault((case.task.id, response.id), row) != row:
                raise TableError(f"two responses of task {case.task.id!r} have the id {response.id!r}")
            rows_of.setdefault(response.id, []).append(row)
            columns.append(case.rubric.index)
    return where, rows_of, columns


def _row(verdict: Verdict, where: dict[tuple[str, str], int], rows_of: dict[str, list[int]]) -> int:
    if verdict.task:
        row = where.get((verdict.task, verdict.response))
        if row is None:
            raise TableError(f"no response {verdict.response!r} of task {verdict.task!r} in the cases")
        return row
    rows = rows_of.get(verdict.response, [])
    if not rows:
        raise TableError(f"no response {verdict.response!r} in the cases")
    if len(rows) > 1:
        raise TableError(f'response id {verdict.response!r} occurs in {len(rows)} tasks: say which with "task"')
    return rows[0]
