"""Figures as functions of sums over items, so that their resamples cost nothing; with bootstrap intervals over clusters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from criterial.maths.bootstrap import cluster_weights, percentile_interval
from criterial.maths.finite import check_finite

__all__ = ["Figure", "Sums", "divided", "estimate", "estimates", "standardised"]

Floats = NDArray[np.float64]


class Sums(NamedTuple):
    """A figure that is a function of sums over items."""

    sums_IM: Floats
    """(I, M): what each item adds; a row of zeros for an item that tells nothing."""
    statistic: Callable[[Floats], Floats]
    """From sums (B, M) to the figure (B,); not a number where it is undefined."""
    undefined: str
    """What is the matter where it is undefined."""

    @property
    def value(self) -> float | None:
        """The figure of all items, or None where it is undefined."""
        value = float(self.statistic(self.sums_IM.sum(axis=0, keepdims=True))[0])
        return value if np.isfinite(value) else None


class Figure(NamedTuple):
    """A figure with its interval."""

    value: float | None
    """The figure, or None where it is undefined."""
    low: float | None
    """Lower end of its interval, or None where there is none."""
    high: float | None
    """Upper end."""
    se: float | None
    """Standard error, where the method gives one."""
    items: int
    """How many items tell something."""
    clusters: int
    """How many clusters they are of."""
    reason: str = ""
    """Why there is no figure, or no interval."""


def estimates(
    figures: Sequence[Sums], cluster_I: NDArray[np.int64], resamples: int = 2000, seed: int = 0, level: float = 0.95
) -> tuple[Figure, ...]:
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
    level : float
        Level of the intervals.

    Returns
    -------
    tuple of Figure
        In the order given.

    Notes
    -----
    Percentile intervals, widened for T clusters as Hesterberg (2015, The American Statistician 69) advises: the level is that at which
    the interval of a mean is Student's with T - 1 degrees of freedom and the unbiased variance. Below 10 clusters they still hold the
    truth too seldom (benchmarks/agreement.py).
    """
    _, cluster = np.unique(cluster_I, return_inverse=True)
    count = int(cluster.max()) + 1 if len(cluster) else 0
    sums_IM = np.hstack([f.sums_IM for f in figures])
    within_TM = np.empty((count, sums_IM.shape[1]))
    for column in range(sums_IM.shape[1]):
        within_TM[:, column] = np.bincount(cluster, sums_IM[:, column], minlength=count)
    ends = np.cumsum([f.sums_IM.shape[1] for f in figures])
    drawn: list[list[Floats]] = [[] for _ in figures]
    for weights_BT in cluster_weights(np.arange(count), resamples, seed) if count > 1 else ():
        sums_BM = weights_BT @ within_TM
        for values, figure, end in zip(drawn, figures, ends, strict=True):
            values.append(figure.statistic(sums_BM[:, end - figure.sums_IM.shape[1] : end]))
    return tuple(_figure(figure, np.concatenate([*values, []]), cluster, level) for figure, values in zip(figures, drawn, strict=True))


def estimate(figure: Sums, cluster_I: NDArray[np.int64], resamples: int = 2000, seed: int = 0, level: float = 0.95) -> Figure:
    """Return a figure with its bootstrap interval over clusters: `estimates` of one."""
    return estimates([figure], cluster_I, resamples, seed, level)[0]


def _figure(figure: Sums, value_B: Floats, cluster_I: NDArray[np.int64], level: float) -> Figure:
    tells_I = figure.sums_IM.any(axis=1)
    items, clusters = int(tells_I.sum()), len(np.unique(cluster_I[tells_I]))
    value = figure.value if items else None
    if value is None:
        return Figure(None, None, None, None, items, clusters, figure.undefined if items else "there is nothing to take it of")
    if clusters < 2:
        return Figure(value, None, None, None, items, clusters, "no interval: all from one cluster")
    quantile = float(stats.t.ppf(0.5 + level / 2, clusters - 1)) * np.sqrt(clusters / (clusters - 1))
    ends = percentile_interval(value_B, 1.0 - 2.0 * float(stats.norm.sf(quantile)))
    if ends is None:
        return Figure(value, None, None, None, items, clusters, f"no interval: in more than one resample in twenty {figure.undefined}")
    return Figure(value, *ends, float(np.nanstd(value_B)), items, clusters)


def divided(top_B: Floats, bottom_B: Floats, least: float = 1e-12) -> Floats:
    """Return a ratio, not a number where the bottom is nothing.

    Parameters
    ----------
    top_B, bottom_B : (B,) float
        What is divided by what.
    least : float
        A bottom that is not above it is 0 but for rounding.

    Returns
    -------
    (B,) float
    """
    return np.where(bottom_B > least, top_B / np.where(bottom_B > least, bottom_B, 1.0), np.nan)


def standardised(value_I: Floats, known_I: NDArray[np.bool_]) -> Floats:
    """Return values moved and scaled to lie around 0 and within [-1, 1], so that sums of their squares keep their digits.

    Parameters
    ----------
    value_I : (..., I) float
        Values.
    known_I : (..., I) bool
        Where there is one.

    Returns
    -------
    (..., I) float
        0 where there is none.

    Raises
    ------
    ConfigError
        If a value is not finite.
    """
    kept_N = np.asarray(value_I, dtype=np.float64)[known_I]
    check_finite(kept_N)
    out = np.zeros(np.shape(known_I))
    if len(kept_N):
        apart_N = kept_N - kept_N.mean()
        out[known_I] = apart_N / max(np.abs(apart_N).max(), 1e-300)
    return out
