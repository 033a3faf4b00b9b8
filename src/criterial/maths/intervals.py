"""Intervals for means over clusters, and for shares."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from criterial.core.score import Estimate

__all__ = ["cluster_mean", "wilson"]


def cluster_mean(value_I: NDArray[np.float64], cluster_I: NDArray[np.int64], noun: str = "tasks", level: float = 0.95) -> Estimate:
    """Return a mean over items with an interval over clusters.

    Parameters
    ----------
    value_I : (I,) float
        A number an item.
    cluster_I : (I,) int
        The cluster of each item; items of one cluster may depend on one another.
    noun : str
        What the clusters are, for the note on the method.
    level : float
        Level of the interval.

    Returns
    -------
    Estimate
        With Student's t over the clusters; without an interval where there are fewer than two.

    Notes
    -----
    With S_t and n_t the sum and number of cluster t, the mean is sum(S) / sum(n) and its linearised variance
    T / (T - 1) * sum((S_t - n_t mean)^2) / sum(n)^2, with T - 1 degrees of freedom.
    """
    count = len(value_I)
    if count == 0:
        return Estimate(None, None, None, 0, "nothing to take a mean of")
    _, cluster = np.unique(cluster_I, return_inverse=True)
    sum_T = np.bincount(cluster, value_I)
    n_T = np.bincount(cluster).astype(np.float64)
    mean = float(value_I.mean())
    clusters = len(sum_T)
    if clusters < 2:
        return Estimate(mean, None, None, count, f"no interval: one of the {noun} only")
    residual_T = sum_T - n_T * mean
    se = float(np.sqrt(clusters / (clusters - 1) * np.sum(residual_T**2)) / count)
    half = float(stats.t.ppf(0.5 + level / 2, clusters - 1)) * se
    return Estimate(mean, mean - half, mean + half, count, f"t interval over {clusters} {noun}", se)


def wilson(successes: float, trials: float, level: float = 0.95) -> tuple[float, float]:
    """Return Wilson's interval for a share.

    Parameters
    ----------
    successes : float
        How often.
    trials : float
        Of how many; more than 0.
    level : float
        Level of the interval.

    Returns
    -------
    tuple of (float, float)

    Notes
    -----
    Trials must be independent; for clustered items use `cluster_mean`.
    """
    z = float(stats.norm.ppf(0.5 + level / 2))
    share = successes / trials
    centre = share + z * z / (2 * trials)
    half = z * np.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    wide = 1 + z * z / trials
    return max(0.0, float((centre - half) / wide)), min(1.0, float((centre + half) / wide))
