"""Means as estimates: with an interval over tasks, or with the reason why there is none."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from criterial.core.score import Estimate
from criterial.maths.intervals import cluster_mean, share_interval
from criterial.maths.sums import Figure, Sums, estimates

__all__ = ["as_estimate", "bootstrap_estimates", "mean_estimate"]


def as_estimate(figure: Figure, noun: str = "tasks") -> Estimate:
    """Return a figure of maths as an estimate.

    Parameters
    ----------
    figure : Figure
        With an interval over clusters, or a reason.
    noun : str
        What the clusters are.

    Returns
    -------
    Estimate
    """
    method = figure.reason or f"bootstrap of {figure.clusters} {noun}"
    if figure.low is not None and figure.low == figure.high:
        return Estimate(figure.value, None, None, figure.items, f"no interval: the same in every resample of {figure.clusters} {noun}")
    return Estimate(figure.value, figure.low, figure.high, figure.items, method, figure.se)


def bootstrap_estimates(
    figures: Sequence[Sums], cluster_I: NDArray[np.int64], resamples: int = 2000, seed: int = 0, noun: str = "tasks"
) -> list[Estimate]:
    """Return figures of the same items with bootstrap intervals over clusters.

    Parameters
    ----------
    figures : sequence of Sums
        The figures; all see the same resamples.
    cluster_I : (I,) int
        The cluster of each item.
    resamples : int
        How many.
    seed : int
        Their seed.
    noun : str
        What the clusters are.

    Returns
    -------
    list of Estimate
        In the order given.
    """
    return [as_estimate(f, noun) for f in estimates(figures, cluster_I, resamples, seed)]


def mean_estimate(value_I: NDArray[np.float64], cluster_I: NDArray[np.int64], noun: str = "tasks", unit: bool = False) -> Estimate:
    """Return a mean with a 95 % interval over clusters.

    Parameters
    ----------
    value_I : (I,) float
        A number an item; none is fine.
    cluster_I : (I,) int
        The cluster of each item.
    noun : str
        What the clusters are.
    unit : bool
        Whether the mean lies in [0, 1] by its nature, so that neither it nor its interval may leave that. Where every item is
        0 or 1 the mean is a share, and the interval is Wilson's.

    Returns
    -------
    Estimate
        Without an interval where there are fewer than two clusters.
    """
    if not len(value_I):
        return Estimate(None, None, None, 0, "nothing to take a mean of")
    found = cluster_mean(value_I, cluster_I)
    ends = (0.0, 1.0) if unit else (-np.inf, np.inf)
    mean = float(np.clip(found.mean, *ends))
    if found.se is None or found.half is None:
        return Estimate(mean, None, None, len(value_I), f"no interval: all from one of the {noun}")
    if unit and np.isin(value_I, (0.0, 1.0)).all():
        low, high = share_interval(mean, found.se, len(value_I), found.clusters)
        return Estimate(mean, low, high, len(value_I), f"Wilson interval over {found.clusters} {noun}", found.se)
    low, high = np.clip((found.mean - found.half, found.mean + found.half), *ends)
    return Estimate(mean, float(low), float(high), len(value_I), f"t interval over {found.clusters} {noun}", found.se)
