"""Intervals for means over clusters, and for shares."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from criterial.errors import ConfigError
from criterial.maths.finite import LARGEST, check_finite, check_shares

__all__ = ["ClusterMean", "cluster_mean", "share_interval", "wilson"]


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

    Raises
    ------
    ConfigError
        If there is no item, or a number is not finite.

    Notes
    -----
    With S_t and n_t the sum and number of cluster t, the mean is sum(S) / sum(n) and its linearised variance
    T / (T - 1) * sum((S_t - n_t mean)^2) / sum(n)^2, with T - 1 degrees of freedom.
    """
    if not len(value_I):
        raise ConfigError("there are no items to take a mean of")
    check_finite(value_I)
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


def share_interval(share: float, se: float, items: int, clusters: int, level: float = 0.95) -> tuple[float, float]:
    """Return an interval for a share of clustered items.

    Parameters
    ----------
    share : float
        The share, in [0, 1].
    se : float
        Its standard error over clusters.
    items : int
        How many items.
    clusters : int
        How many clusters; at least 2.
    level : float
        Level of the interval.

    Returns
    -------
    tuple of (float, float)
        Within [0, 1].

    Raises
    ------
    ConfigError
        If the share, its error or the clusters are none.

    Notes
    -----
    Wilson's interval for p (1 - p) / se^2 effective trials, at most one an item, with the quantile of Student's t of
    clusters - 1 degrees of freedom. Where all items agree the error tells nothing, and each cluster counts as one trial.

    References
    ----------
    Korn and Graubard (1998), Survey Methodology 24, for the effective number of trials.
    """
    check_shares(share)
    check_finite(se)
    if se < 0 or items < 1 or clusters < 2:
        raise ConfigError(f"a share of {items} items in {clusters} clusters, with an error of {se:g}: two clusters are the least")
    if share in (0.0, 1.0):
        trials = float(clusters)
    else:
        trials = max(min(share * (1.0 - share) / se / se, items), 1 / LARGEST) if se > 0 else float(items)
    return wilson(share * trials, trials, level, clusters - 1)


def wilson(successes: float, trials: float, level: float = 0.95, degrees: float = np.inf) -> tuple[float, float]:
    """Return Wilson's interval for a share of independent trials.

    Parameters
    ----------
    successes : float
        How often.
    trials : float
        Of how many; more than 0.
    level : float
        Level of the interval.
    degrees : float
        Degrees of freedom of the quantile; infinite is the normal one.

    Returns
    -------
    tuple of (float, float)

    Raises
    ------
    ConfigError
        If there are no trials, more successes than these, or no degrees of freedom.

    Notes
    -----
    For clustered items use `share_interval`.
    """
    check_finite(successes, trials)
    if not (trials >= 1 / LARGEST and 0 <= successes <= trials and degrees > 0):
        raise ConfigError(f"{successes:g} of {trials:g} trials, with {degrees:g} degrees of freedom, are no share")
    z = float(stats.t.ppf(0.5 + level / 2, degrees))
    share = successes / trials
    centre = share + z * z / (2 * trials)
    half = z * np.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    wide = 1 + z * z / trials
    return max(0.0, float((centre - half) / wide)), min(1.0, float((centre + half) / wide))
