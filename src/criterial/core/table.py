"""The verdict table: every response under every criterion of its rubric, in layers of judges and repeats.

Rows are responses (R). A row holds one cell for each criterion of its own rubric, in the rubric's order, so the cells (N)
are ragged where rubrics differ and a plain R x C matrix where they do not. Layers (L) lie behind a cell: one for each judge
and repeat. A value stands for something only where the state is `State.DECIDED`; elsewhere it is 0 and means nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from criterial.core.criterion import Criterion
from criterial.core.rubric import Rubric
from criterial.core.scale import levels_of
from criterial.core.verdict import CAUSES, State, Verdict
from criterial.errors import TableError

__all__ = ["CAUSE_CODES", "CHECK", "Layer", "VerdictTable"]

CAUSE_CODES: tuple[str, ...] = ("", *CAUSES)
"""Cause by its code in `VerdictTable.cause_LN`; 0 is none."""
CHECK = "check"
"""The judge of verdicts that a program gave."""


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

    rubrics: tuple[Rubric, ...] = field(repr=False)
    """Distinct rubrics, U of them."""
    tasks: tuple[str, ...] = field(repr=False)
    """Task ids."""
    responses: tuple[str, ...] = field(repr=False)
    """Response id of each row, R of them."""
    systems: tuple[str, ...] = field(repr=False)
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
