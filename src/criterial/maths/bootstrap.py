"""The cluster bootstrap: intervals for figures that are functions of sums over items, with whole clusters drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from criterial.errors import ConfigError
from criterial.maths.finite import check_finite

__all__ = ["cluster_bootstrap", "cluster_weights", "percentile_interval"]


def cluster_weights(cluster_I: NDArray[np.int64], resamples: int, seed: int = 0, chunk: int = 64) -> Iterator[NDArray[np.float64]]:
    """Yield how often each item is drawn in each resample, some resamples at a time.

    Parameters
    ----------
    cluster_I : (I,) int
        Cluster of each item.
    resamples : int
        How many resamples in all, B.
    seed : int
        Seed of the draws.
    chunk : int
        Resamples in one array.

    Yields
    ------
    (b, I) float
        Whole numbers; the clusters of a resample are drawn with replacement, as many as there are.
    """
    _, cluster = np.unique(cluster_I, return_inverse=True)
    count = int(cluster.max()) + 1 if len(cluster) else 0
    rng = np.random.default_rng(seed)
    for start in range(0, resamples, chunk):
        size = min(chunk, resamples - start)
        drawn = rng.multinomial(count, np.full(count, 1.0 / count), size=size) if count else np.zeros((size, 0))
        yield drawn[:, cluster].astype(np.float64)


def cluster_bootstrap(
    sums_IM: NDArray[np.float64],
    statistic: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    cluster_I: NDArray[np.int64],
    resamples: int = 2000,
    seed: int = 0,
) -> NDArray[np.float64]:
    """Return a statistic of column sums in every resample of clusters.

    Parameters
    ----------
    sums_IM : (I, M) float
        What is summed, M numbers an item.
    statistic : callable
        From sums (B, M) to the statistic (B,); not a number where it is undefined.
    cluster_I : (I,) int
        Cluster of each item.
    resamples : int
        How many, B.
    seed : int
        Seed of the draws.

    Returns
    -------
    (B,) float
        One value a resample. The cost does not depend on the number of items: they are summed within clusters first.

    Raises
    ------
    ConfigError
        If there are no items, or what is summed is not finite.
    """
    if not len(cluster_I):
        raise ConfigError("there are no items to draw from")
    check_finite(sums_IM, most=np.sqrt(np.finfo(np.float64).max))
    _, cluster = np.unique(cluster_I, return_inverse=True)
    count = int(cluster.max()) + 1
    within_TM = np.stack([np.bincount(cluster, column, minlength=count) for column in sums_IM.T], axis=1)
    rng = np.random.default_rng(seed)
    drawn_BT = rng.multinomial(count, np.full(count, 1.0 / count), size=resamples).astype(np.float64)
    return statistic(drawn_BT @ within_TM)


def percentile_interval(values_B: NDArray[np.float64], level: float = 0.95) -> tuple[float, float] | None:
    """Return the percentile interval of bootstrap values.

    Parameters
    ----------
    values_B : (B,) float
        One value a resample; those that are not numbers were undefined.
    level : float
        Level of the interval.

    Returns
    -------
    tuple of (float, float), or None
        None where more than one in twenty resamples was undefined.
    """
    finite = values_B[np.isfinite(values_B)]
    if len(finite) < 0.95 * len(values_B) or not len(finite):
        return None
    low, high = np.quantile(finite, [0.5 - level / 2, 0.5 + level / 2])
    return float(low), float(high)
