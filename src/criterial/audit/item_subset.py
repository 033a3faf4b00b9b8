"""A few items in place of all: which, and how far the order of rows by them agrees with that by all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from criterial.audit.item_matrix import ItemMatrix
from criterial.core.score import Estimate
from criterial.maths.association import kendall
from criterial.maths.item_response import ItemFit, fit_items, shrink
from criterial.maths.sums import Figure, estimates

__all__ = ["RESAMPLES", "agreements", "curve_sizes", "estimate_of", "order_of"]

Array = NDArray[np.float64]
Places = NDArray[np.int64]
RESAMPLES = 400
"""Of the bootstrap."""
# for a standard error alone; tau of many rows takes its time
_FEW_RESAMPLES = 100
_Z = float(stats.norm.ppf(0.975))
_LEAST_HALF = 10
_MOST_SIZES = 14


def order_of(fit: ItemFit, able_K: Places, k: int) -> Places:
    """Return the items that tell most about the rows at hand, the most telling first.

    Parameters
    ----------
    fit : ItemFit
        The fit of all.
    able_K : (K,) int
        The items to choose from.
    k : int
        How many.

    Returns
    -------
    (k,) int

    Raises
    ------
    ConfigError
        k is out of range.
    """
    cut = replace(
        fit,
        value_SI=fit.value_SI[:, able_K],
        known_SI=fit.known_SI[:, able_K],
        slope_I=fit.slope_I[able_K],
        difficulty_I=fit.difficulty_I[able_K],
    )
    order: Places = able_K[shrink(cut, k).item_K]
    return order


def curve_sizes(most: int) -> tuple[int, ...]:
    """Return from 1 to `most`, in equal ratios, how many items a curve looks at."""
    return tuple(sorted({round(float(k)) for k in np.geomspace(1, most, min(most, _MOST_SIZES))}))


def agreements(matrix: ItemMatrix, fit: ItemFit, able_K: Places, sizes: Sequence[int], seed: int = 0) -> tuple[Estimate, ...]:
    """Return Kendall's tau of rows' scores on the first few items with their scores on all.

    Parameters
    ----------
    matrix : ItemMatrix
        The marks.
    fit : ItemFit
        The fit of all.
    able_K : (K,) int
        The items to choose from.
    sizes : sequence of int
        How many items.
    seed : int
        Seed of the halves and resamples.

    Returns
    -------
    tuple of Estimate
        For each size.

    Notes
    -----
    Items chosen on the rows that they are then tried on flatter themselves: with ten of ZeroEval's 828 questions of gsm, chosen on 18
    systems, tau is .88 on these and .79 on the other 18. So they are chosen on each half of the rows and tried on the other, and the figure
    is the mean of both. Below 20 clusters there is no other half to speak of, and the method of the estimate says so.
    """
    names, of_R = np.unique(matrix.cluster_R, return_inverse=True)
    half_R = np.random.default_rng(seed).permutation(len(names))[of_R] < len(names) // 2
    if len(names) // 2 < _LEAST_HALF or not all(fit.known_SI[h].any() for h in (half_R, ~half_R)):
        every_R = np.ones(len(of_R), dtype=np.bool_)
        tried = _tried(matrix, order_of(fit, able_K, max(sizes)), every_R, sizes, RESAMPLES, seed)
        how = f"on the {matrix.unit} that chose the items; bootstrap of {matrix.clusters}"
        return tuple(estimate_of(figure, how) for figure in tried)
    halves = []
    for here_R in (half_R, ~half_R):
        own = fit_items(fit.value_SI[here_R], fit.known_SI[here_R], fit.model, "none")
        halves.append(_tried(matrix, order_of(own, able_K, max(sizes)), ~here_R, sizes, _FEW_RESAMPLES, seed))
    return tuple(_joined(one, two, matrix.clusters) for one, two in zip(*halves, strict=True))


def _tried(
    matrix: ItemMatrix, order_K: Places, here_R: NDArray[np.bool_], sizes: Sequence[int], resamples: int, seed: int
) -> tuple[Figure, ...]:
    value, known, weight_I = matrix.value_RI[here_R], matrix.known_RI[here_R], matrix.counted_I

    def score(at: Places) -> tuple[Array, NDArray[np.bool_]]:
        weight_R = known[:, at] @ weight_I[at]
        score_R = np.divide(value[:, at] @ weight_I[at], weight_R, out=np.zeros(len(value)), where=weight_R > 0)
        return score_R.round(9), weight_R > 0

    whole_R, there_R = score(np.arange(len(weight_I)))
    few = [score(order_K[:k]) for k in sizes]
    return estimates([kendall(f, whole_R, some & there_R) for f, some in few], matrix.cluster_R[here_R], resamples, seed)


def _joined(one: Figure, two: Figure, clusters: str) -> Estimate:
    n = one.items + two.items
    if one.value is None or two.value is None:
        return Estimate(None, None, None, n, "so few items put no rows in order")
    mean = (one.value + two.value) / 2
    how = f"chosen on one half of the {clusters} and tried on the other; bootstrap of {clusters}"
    if one.se is None or two.se is None:
        return Estimate(mean, None, None, n, f"no interval: {one.reason or two.reason}")
    se = float(np.hypot(one.se, two.se)) / 2
    return Estimate(mean, max(-1.0, mean - _Z * se), min(1.0, mean + _Z * se), n, how, se)


def estimate_of(figure: Figure, how: str) -> Estimate:
    """Return a figure as an estimate, made as `how` says."""
    return Estimate(figure.value, figure.low, figure.high, figure.items, figure.reason or how, figure.se)
