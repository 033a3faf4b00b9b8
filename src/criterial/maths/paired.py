"""Paired comparisons: the same items before and after, tested exactly where that can be done, with intervals over clusters and power."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from criterial.errors import ConfigError
from criterial.maths.finite import check_finite
from criterial.maths.intervals import cluster_mean

__all__ = ["Paired", "mcnemar", "mcnemar_power", "mcnemar_sample", "mean_power", "mean_sample", "paired_difference", "sign_flip"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_EXACT_CLUSTERS = 14  # 2^14 flips take no longer than the usual number of draws
_CHUNK = 2048
_SAME = 1e-9
_LARGEST = 10**9
_TABLED = 4096
_ASYMPTOTIC = 10**5  # from here on the normal distribution is as good


class Paired(NamedTuple):
    """A difference of paired means with what is known of its error."""

    difference: float
    """Mean after less mean before."""
    low: float | None
    """Lower end of the interval, or None for a single cluster."""
    high: float | None
    """Upper end."""
    se: float | None
    """Standard error over clusters."""
    lost: int
    """Items whose value fell: b of a table of pairs."""
    gained: int
    """Items whose value rose: c."""
    clusters: int
    """How many clusters."""
    effective: float
    """How many independent items would tell as much; at most the number of items."""


def mcnemar(lost_H: NDArray[np.int64] | int, gained_H: NDArray[np.int64] | int) -> Floats:
    """Return the exact two-sided p-value of McNemar's test.

    Parameters
    ----------
    lost_H : (H,) int, or int
        Items right before and wrong after.
    gained_H : (H,) int, or int
        Items wrong before and right after.

    Returns
    -------
    (H,) float
        1 where nothing changed.

    Notes
    -----
    Twice the smaller tail of a fair binomial over the items that changed, at most 1. The items must be independent: where clusters hold
    several, use `sign_flip`, which is the same test where they hold one.

    References
    ----------
    McNemar (1947), Psychometrika 12.
    """
    lost, gained = np.asarray(lost_H), np.asarray(gained_H)
    return np.asarray(np.minimum(2.0 * stats.binom.cdf(np.minimum(lost, gained), lost + gained, 0.5), 1.0))


def sign_flip(difference_I: Floats, cluster_I: Ints, draws: int = 9999, seed: int = 0) -> float:
    """Return the two-sided p-value of a mean difference by flipping the signs of whole clusters.

    Parameters
    ----------
    difference_I : (I,) float
        After less before, a number an item.
    cluster_I : (I,) int
        Cluster of each item; clusters are independent, and by the hypothesis each is as likely to have come out the other way round.
    draws : int
        Random flips, where there are more than 14 clusters whose sum is not 0; of fewer all flips are counted, and of sums that are all
        of one size too, which is McNemar's test.
    seed : int
        Seed of the draws.

    Returns
    -------
    float
        In (0, 1]; of random flips (1 + as extreme) / (1 + draws), so that it is never too small.

    Raises
    ------
    ConfigError
        If a difference is not finite.
    """
    check_finite(difference_I)
    _, cluster = np.unique(cluster_I, return_inverse=True)
    sum_T = np.bincount(cluster, difference_I) if len(cluster) else np.zeros(0)
    scale = float(np.abs(sum_T).max(initial=0.0))
    sum_T = sum_T[np.abs(sum_T) > _SAME * scale]
    if not len(sum_T):
        return 1.0
    if np.ptp(np.abs(sum_T)) <= _SAME * scale:
        return float(mcnemar(int((sum_T < 0).sum()), int((sum_T > 0).sum())))
    bound = abs(float(sum_T.sum())) - _SAME * float(np.abs(sum_T).sum())
    if len(sum_T) <= _EXACT_CLUSTERS:
        flips = np.arange(2 ** len(sum_T))[:, None] >> np.arange(len(sum_T)) & 1
        return float((np.abs((1.0 - 2.0 * flips) @ sum_T) >= bound).mean())
    rng = np.random.default_rng(seed)
    extreme = 0
    for start in range(0, draws, _CHUNK):
        flips = rng.integers(0, 2, size=(min(_CHUNK, draws - start), len(sum_T)), dtype=np.int8)
        extreme += int((np.abs((1.0 - 2.0 * flips) @ sum_T) >= bound).sum())
    return (1 + extreme) / (1 + draws)


def paired_difference(before_I: Floats, after_I: Floats, cluster_I: Ints, level: float = 0.95) -> Paired:
    """Return the difference of paired means with an interval over clusters.

    Parameters
    ----------
    before_I : (I,) float
        A number an item; at least one.
    after_I : (I,) float
        The same items' numbers afterwards.
    cluster_I : (I,) int
        Cluster of each item.
    level : float
        Level of the interval.

    Returns
    -------
    Paired

    Raises
    ------
    ConfigError
        If there are no items.

    Notes
    -----
    Student's t interval of the differences over clusters. Where every value is 0 or 1 that interval has no width once nothing
    changed, so it is Bonett and Price's there: one item is added to each count of changes and two to the items, for as many effective
    items as the error over clusters allows (one a cluster where the error tells nothing).

    References
    ----------
    Bonett and Price (2012), Journal of Educational and Behavioral Statistics 37; Korn and Graubard (1998) for effective items.
    """
    if not len(before_I):
        raise ConfigError("there are no items to compare")
    check_finite(before_I, after_I)
    moved_I = after_I - before_I
    lost, gained = int((moved_I < -_SAME).sum()), int((moved_I > _SAME).sum())
    found = cluster_mean(moved_I, cluster_I, level)
    if found.se is None or found.half is None:
        return Paired(found.mean, None, None, None, lost, gained, found.clusters, 1.0)
    items = len(moved_I)
    variance = float(moved_I.var()) / items
    effective = min(variance / found.se**2, 1.0) * items if found.se > _SAME and variance > 0 else float(found.clusters)
    if np.isin(before_I, (0.0, 1.0)).all() and np.isin(after_I, (0.0, 1.0)).all():
        t = found.half / found.se if found.se > 0 else float(stats.t.ppf(0.5 + level / 2, found.clusters - 1))
        fell, rose = ((count * effective / items + 1) / (effective + 2) for count in (lost, gained))
        half = t * float(np.sqrt((fell + rose - (rose - fell) ** 2) / (effective + 2)))
        low, high = rose - fell - half, rose - fell + half
        return Paired(found.mean, max(low, -1.0), min(high, 1.0), found.se, lost, gained, found.clusters, effective)
    return Paired(found.mean, found.mean - found.half, found.mean + found.half, found.se, lost, gained, found.clusters, effective)


def mcnemar_power(items: int, discordance: float, drop: float, level: float = 0.05) -> float:
    """Return the chance that McNemar's exact test finds a drop.

    Parameters
    ----------
    items : int
        Paired items.
    discordance : float
        Share of them that change, either way.
    drop : float
        Share right before less share right after; at most the discordance.
    level : float
        Level of the test, two-sided.

    Returns
    -------
    float

    Raises
    ------
    ConfigError
        If the shares are not 0 <= drop <= discordance <= 1.

    Notes
    -----
    Exact but for numbers of changed items so far from the expected one that they are as good as impossible (beyond 6 standard deviations).
    """
    if not 0.0 <= drop <= discordance <= 1.0:
        raise ConfigError(f"a drop of {drop:g} with a discordance of {discordance:g}: write shares with 0 <= drop <= discordance <= 1")
    if items < 1 or discordance == 0.0:
        return 0.0
    centre, wide = items * discordance, 6.0 * np.sqrt(items * discordance) + 20.0
    changed_M = np.arange(max(1, int(centre - wide)), min(items, int(centre + wide)) + 1)
    edge_M = _edges(level / 2)[changed_M] if changed_M[-1] < _TABLED else _edge(changed_M, level / 2)
    worse = (discordance + drop) / (2.0 * discordance)
    rejects_M = sum(np.where(edge_M >= 0, special.bdtr(np.maximum(edge_M, 0), changed_M, q), 0.0) for q in (worse, 1.0 - worse))
    return float(np.clip(stats.binom.pmf(changed_M, items, discordance) @ rejects_M, 0.0, 1.0))


@lru_cache(maxsize=16)
def _edges(tail: float) -> Ints:
    return _edge(np.arange(_TABLED), tail)


def _edge(changed_M: Ints, tail: float) -> Ints:
    """Return the largest smaller count whose tail is no larger; -1 where there is none."""
    edge_M = np.floor(changed_M / 2 + stats.norm.ppf(tail) * np.sqrt(changed_M) / 2).astype(np.int64)
    while True:
        up_M = special.bdtr(np.maximum(edge_M + 1, 0), changed_M, 0.5) <= tail
        down_M = (edge_M >= 0) & (special.bdtr(np.maximum(edge_M, 0), changed_M, 0.5) > tail)
        if not (up_M.any() or down_M.any()):
            return np.asarray(np.maximum(edge_M, -1))
        edge_M = edge_M + up_M - down_M


def mcnemar_sample(power: float, discordance: float, drop: float, level: float = 0.05) -> int:
    """Return how many paired items McNemar's exact test needs to find a drop.

    Parameters
    ----------
    power : float
        Chance of finding it, in (0, 1).
    discordance : float
        Share of items that change, either way.
    drop : float
        The drop, more than 0 and at most the discordance.
    level : float
        Level of the test, two-sided.

    Returns
    -------
    int
        To within the steps of an exact test, whose power is not quite monotone; by the normal distribution beyond 10^5; at most
        10^9.

    Raises
    ------
    ConfigError
        If power or shares are out of range.
    """
    if not (0.0 < power < 1.0 and 0.0 < drop <= discordance <= 1.0):
        raise ConfigError(
            f"a power of {power:g} for a drop of {drop:g} where {discordance:g} change: the power lies between 0 and 1, and the drop is "
            "more than 0 and at most the share that changes"
        )
    z, beyond = stats.norm.ppf([1.0 - level / 2, power])
    root = float(z * np.sqrt(discordance) + beyond * np.sqrt(max(discordance - drop**2, 0.0))) / drop
    about = float(np.clip(root, 0.0, _LARGEST)) ** 2
    if about > _ASYMPTOTIC:
        return int(min(np.ceil(about), _LARGEST))
    low, high = 0, int(1.1 * about) + 8
    while mcnemar_power(high, discordance, drop, level) < power:
        if high >= _LARGEST:
            return high
        low, high = high, min(2 * high, _LARGEST)
    if mcnemar_power(least := int(0.9 * about), discordance, drop, level) < power:
        low = max(low, least)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if mcnemar_power(middle, discordance, drop, level) >= power else (middle, high)
    return high


def mean_power(se: float, drop: float, level: float = 0.05) -> float:
    """Return the chance that a mean difference of a known error is found, by the normal distribution.

    Parameters
    ----------
    se : float
        Standard error of the difference, more than 0.
    drop : float
        Its true size.
    level : float
        Level of the test, two-sided.

    Returns
    -------
    float

    Raises
    ------
    ConfigError
        If the error is not above 0, or a number is not finite.
    """
    check_finite(se, drop)
    if se <= 0:
        raise ConfigError(f"an error of {se:g}: it is more than 0")
    z = float(stats.norm.ppf(1.0 - level / 2))
    return float(stats.norm.cdf(drop / se - z) + stats.norm.cdf(-drop / se - z))


def mean_sample(power: float, se: float, items: int, drop: float, level: float = 0.05) -> int:
    """Return how many items a mean difference needs to be found, by the normal distribution.

    Parameters
    ----------
    power : float
        Chance of finding it, above the level and below 1.
    se : float
        Standard error that `items` items gave.
    items : int
        How many they were.
    drop : float
        True size of the difference, more than 0.
    level : float
        Level of the test, two-sided.

    Returns
    -------
    int
        At most 10^9.

    Raises
    ------
    ConfigError
        If the power is none, the drop not above 0, or a number is not finite.
    """
    check_finite(se, drop)
    if not (0.0 < power < 1.0 and drop > 0.0 and se >= 0.0):
        raise ConfigError(f"a power of {power:g} for a drop of {drop:g}: the power lies between 0 and 1, and the drop is more than 0")
    z = float(stats.norm.ppf(1.0 - level / 2) + stats.norm.ppf(power))
    return int(min(np.ceil(max(items, 0) * float(np.clip(z * se / drop, 0.0, _LARGEST)) ** 2), _LARGEST))
