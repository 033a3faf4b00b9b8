"""Intervals for means over clusters, and for shares."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

__all__ = ["ClusterMean", "cluster_mean", "wilson"]


class ClusterMean(NamedTuple):
    """A mean over items with what is known of its error."""

    mean: float
    """The mean."""
    se: float | None
    """Standard error, or None for a single cluster."""
    half: float | None
    """Half the width of the interval, or None for a single cluster."""
    clusters: int
    """How many clusters."""


def cluster_mean(value_I: NDArray[np.float64], cluster_I: NDArray[np.int64], level: float = 0.95) -> ClusterMean:
    """Return a mean over items with Student's t interval over clusters.

    Parameters
    ----------
    value_I : (I,) float
        A number an item; at least one.
    cluster_I : (I,) int
        The cluster of each item; items of one cluster may depend on one another.
    level : float
        Level of the interval.

    Returns
    -------
    ClusterMean

    Notes
    -----
    With S_t and n_t the sum and number of cluster t, the mean is sum(S) / sum(n) and its linearised variance
    T / (T - 1) * sum((S_t - n_t mean)^2) / sum(n)^2, with T - 1 degrees of freedom.
    """
    _, cluster = np.unique(cluster_I, return_inverse=True)
    sum_T = np.bincount(cluster, value_I)
    n_T = np.bincount(cluster).astype(np.float64)
    mean = float(value_I.mean())
    clusters = len(sum_T)
    if clusters < 2:
        return ClusterMean(mean, None, None, clusters)
    residual_T = sum_T - n_T * mean
    se = float(np.sqrt(clusters / (clusters - 1) * np.sum(residual_T**2)) / len(value_I))
    return ClusterMean(mean, se, float(stats.t.ppf(0.5 + level / 2, clusters - 1)) * se, clusters)


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
