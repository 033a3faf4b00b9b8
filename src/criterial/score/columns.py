"""The criteria of a table as arrays, and the credit of values under them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from criterial.core.criterion import Criterion
from criterial.core.rubric import Rubric
from criterial.core.scale import Likert, Numeric, Scale, levels_of

__all__ = ["Columns", "columns_of", "credit_of_values"]


@dataclass(frozen=True)
class Columns:
    """The criteria of a table as arrays, C of them (and U rubrics one after another)."""

    weight_C: NDArray[np.float64]
    """Signed points."""
    deduct_C: NDArray[np.bool_]
    """Whether the criterion deducts an occurrence."""
    fault_C: NDArray[np.bool_]
    """Whether meeting it is bad."""
    gate_C: NDArray[np.bool_]
    """Whether it is a gate."""
    cap_C: NDArray[np.float64]
    """Most points that a deduction takes; inf is no cap."""
    limit_C: NDArray[np.float64]
    """Most credit that counts: of a capped deduction its cap as a share of its points, elsewhere inf."""
    threshold_C: NDArray[np.float64]
    """Credit from which it counts as met."""
    required_C: NDArray[np.bool_]
    """Whether it is required."""
    whole_C: NDArray[np.bool_]
    """Whether anything less than full credit earns none."""
    numeric_C: NDArray[np.bool_]
    """Whether its scale is numeric."""
    low_C: NDArray[np.float64]
    """Least value of a numeric scale, 0 elsewhere."""
    span_C: NDArray[np.float64]
    """Range of a numeric scale, 1 elsewhere."""
    base_C: NDArray[np.int64]
    """Value of the first level."""
    credit_CK: NDArray[np.float64]
    """Credit of each level as it counts (`Criterion.all_or_nothing` applied), 0 beyond the last."""
    least_C: NDArray[np.float64]
    """Least credit that a value of the scale earns."""
    most_C: NDArray[np.float64]
    """Most credit that a value of the scale earns."""
    requires: tuple[tuple[int, int, int], ...]
    """Triples (rubric, place of a criterion in it, place of one that it requires), in an order in which every requirement
    is settled before what rests on it."""


@lru_cache(maxsize=4096)
def _credits(scale: Scale, whole: bool) -> tuple[float, ...]:
    credits = tuple(v.credit or 0.0 for v in levels_of(scale))
    return tuple(float(c >= 1.0) for c in credits) if whole else credits


def columns_of(rubrics: Sequence[Rubric]) -> Columns:
    """Return the criteria of rubrics as arrays.

    Parameters
    ----------
    rubrics : sequence of Rubric
        In the table's order.

    Returns
    -------
    Columns
    """
    criteria = [c for r in rubrics for c in r.criteria]
    column = partial(_column, criteria)
    levels = [_credits(c.scale, c.all_or_nothing) for c in criteria]
    return Columns(
        weight_C=column(lambda c: c.weight, np.float64),
        deduct_C=column(lambda c: c.effect == "deduct", np.bool_),
        fault_C=column(lambda c: c.is_fault, np.bool_),
        gate_C=column(lambda c: c.effect == "gate", np.bool_),
        cap_C=column(lambda c: np.inf if c.cap is None else c.cap, np.float64),
        limit_C=column(_limit, np.float64),
        threshold_C=column(lambda c: c.threshold, np.float64),
        required_C=column(lambda c: c.required, np.bool_),
        whole_C=column(lambda c: c.all_or_nothing, np.bool_),
        numeric_C=column(lambda c: isinstance(c.scale, Numeric), np.bool_),
        low_C=column(lambda c: _range(c)[0], np.float64),
        span_C=column(lambda c: _range(c)[1], np.float64),
        base_C=column(lambda c: isinstance(c.scale, Likert), np.int64),
        credit_CK=_credit_table(levels),
        least_C=np.array([min(row, default=0.0) for row in levels], dtype=np.float64),
        most_C=np.array([max(row, default=1.0) for row in levels], dtype=np.float64),
        requires=tuple((u, i, j) for u, r in enumerate(rubrics) for i, j in _requirements(r)),
    )


def _column(criteria: Sequence[Criterion], take: Callable[[Criterion], float], kind: type[Any]) -> NDArray[Any]:
    return np.fromiter((take(c) for c in criteria), dtype=kind, count=len(criteria))


def _limit(criterion: Criterion) -> float:
    if criterion.cap is None or criterion.effect != "deduct" or not criterion.weight:
        return np.inf
    return criterion.cap / abs(criterion.weight)


def _range(criterion: Criterion) -> tuple[float, float]:
    scale = criterion.scale
    return (scale.low, scale.high - scale.low) if isinstance(scale, Numeric) else (0.0, 1.0)


def _credit_table(rows: Sequence[tuple[float, ...]]) -> NDArray[np.float64]:
    credit_CK = np.zeros((len(rows), max(map(len, rows), default=0)))
    for i, row in enumerate(rows):
        credit_CK[i, : len(row)] = row
    return credit_CK


def _requirements(rubric: Rubric) -> list[tuple[int, int]]:
    return [(place, rubric.index[other]) for place in rubric.settling_order for other in rubric.criteria[place].requires]


def credit_of_values(value_N: NDArray[np.float64], columns: Columns, column_N: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the credit of each value as it counts.

    Parameters
    ----------
    value_N : (N,) float
        Values of the criteria's scales; 0 where there is none.
    columns : Columns
        The criteria.
    column_N : (N,) int
        Which of them each value is of.

    Returns
    -------
    (N,) float
        In [0, 1]; without meaning where there is no value.
    """
    numeric_N = columns.numeric_C[column_N]
    share_N = np.clip((value_N - columns.low_C[column_N]) / columns.span_C[column_N], 0.0, 1.0)
    share_N = np.where(columns.whole_C[column_N], (share_N >= 1.0).astype(np.float64), share_N)
    if not columns.credit_CK.shape[1]:
        return share_N
    level_N = np.where(numeric_N, 0.0, value_N).astype(np.int64) - columns.base_C[column_N]
    level_N = np.clip(level_N, 0, columns.credit_CK.shape[1] - 1)  # a cell that is not decided holds 0, which a Likert scale lacks
    return np.where(numeric_N, share_N, columns.credit_CK[column_N, level_N])
