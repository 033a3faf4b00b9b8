"""Means as estimates: with an interval over tasks, or with the reason why there is none."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from criterial.core.score import Estimate
from criterial.maths.intervals import cluster_mean

__all__ = ["mean_estimate"]


def mean_estimate(value_I: NDArray[np.float64], cluster_I: NDArray[np.int64], noun: str = "tasks") -> Estimate:
    """Return a mean with a 95 % interval over clusters.

    Parameters
    ----------
    value_I : (I,) float
        A number an item; none is fine.
    cluster_I : (I,) int
        The cluster of each item.
    noun : str
        What the clusters are.

    Returns
    -------
    Estimate
        Without an interval where there are fewer than two clusters.
    """
    if not len(value_I):
        return Estimate(None, None, None, 0, "nothing to take a mean of")
    found = cluster_mean(value_I, cluster_I)
    if found.half is None:
        return Estimate(found.mean, None, None, len(value_I), f"no interval: all from one of the {noun}")
    low, high = found.mean - found.half, found.mean + found.half
    return Estimate(found.mean, low, high, len(value_I), f"t interval over {found.clusters} {noun}", found.se)
