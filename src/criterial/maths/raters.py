"""Agreement of many raters, some cells missing; each coefficient is a function of sums over items, so that its resamples cost nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from criterial.errors import ConfigError
from criterial.maths.finite import check_counts, check_finite, check_levels
from criterial.maths.sums import Sums, divided, standardised

__all__ = ["Metric", "Weights", "alpha", "alpha_of_counts", "cohen", "fleiss", "gwet", "tally", "weights"]

Floats = NDArray[np.float64]
Metric = Literal["nominal", "ordinal", "interval", "ratio"]
"""What two ratings differ by: that they do, the ratings between them, their distance, or their distance over their sum."""
Weights = Literal["identity", "linear", "quadratic", "ordinal"]
"""How much two levels agree: not at all unless equal, by their distance, by its square, or by how many levels lie between."""
_SAME = "all ratings are the same"
_PAIRED = 40  # levels up to which every pair of them has a sum of its own
_LEVELS = 1000
_GLANCE = 500


def tally(value_JI: Floats, known_JI: NDArray[np.bool_], level_L: Floats | None = None) -> tuple[Floats, Floats]:
    """Count the ratings of each item.

    Parameters
    ----------
    value_JI : (J, I) float
        Ratings of J raters.
    known_JI : (J, I) bool
        Where there is one.
    level_L : (L,) float, optional
        All levels of the scale, ascending; without them, the levels that occur.

    Returns
    -------
    counts_IL : (I, L) float
        How many raters gave each item each level.
    level_L : (L,) float
        The levels, ascending.

    Raises
    ------
    ConfigError
        If a rating is not finite or none of the levels, or more than 1,000 different ones occur.
    """
    value_JI, known_JI = np.asarray(value_JI, dtype=np.float64), np.asarray(known_JI, dtype=np.bool_)
    given, total = level_L is not None, np.count_nonzero(known_JI)
    if level_L is None:
        level_L = np.unique(value_JI[:, :_GLANCE][known_JI[:, :_GLANCE]])  # most often all; sorting all would take most of the time
    counts_IL = _counted(value_JI, known_JI, level_L)
    if counts_IL.sum() == total:
        return counts_IL, level_L
    if given:
        raise ConfigError("a rating is none of the levels of the scale")
    level_L = np.unique(value_JI[known_JI])
    return _counted(value_JI, known_JI, level_L), level_L


def _counted(value_JI: Floats, known_JI: NDArray[np.bool_], level_L: Floats) -> Floats:
    if len(level_L) > _LEVELS:
        raise ConfigError(f"more than {_LEVELS:,} different ratings: treat them as an interval scale")
    check_finite(level_L)
    counts_IL = np.empty((known_JI.shape[1], len(level_L)))
    count = np.uint8 if len(known_JI) < 256 else np.int64
    for place, level in enumerate(level_L):
        counts_IL[:, place] = np.add.reduce((value_JI == level) & known_JI, axis=0, dtype=count)
    return counts_IL


def alpha(value_JI: Floats, known_JI: NDArray[np.bool_], metric: Metric = "nominal") -> Sums:
    """Return Krippendorff's alpha: 1 less the disagreement within items over that of ratings put together at random.

    Parameters
    ----------
    value_JI : (J, I) float
        Ratings of J raters.
    known_JI : (J, I) bool
        Where there is one. Items with fewer than two tell nothing.
    metric : Metric
        What two ratings differ by.

    Returns
    -------
    Sums
        With an ordinal metric and more than 40 levels, resamples keep the ranks of the whole.

    Raises
    ------
    ConfigError
        For another metric, a rating that is not finite, or ratings below 0 with the ratio metric.

    References
    ----------
    Krippendorff (2011), Computing Krippendorff's alpha-reliability.
    """
    if metric != "interval":
        return alpha_of_counts(*tally(value_JI, known_JI), metric)
    known_JI = np.asarray(known_JI, dtype=np.bool_)
    kept_JI = known_JI & (known_JI.sum(axis=0) > 1)
    value_JI = standardised(np.asarray(value_JI, dtype=np.float64), kept_JI)
    return _alpha_of_moments(kept_JI.sum(axis=0).astype(np.float64), value_JI.sum(axis=0), (value_JI**2).sum(axis=0))


def alpha_of_counts(counts_IL: Floats, level_L: Floats, metric: Metric = "nominal") -> Sums:
    """Return Krippendorff's alpha of counted ratings.

    Parameters
    ----------
    counts_IL : (I, L) float
        How many raters gave each item each level.
    level_L : (L,) float
        The levels, ascending.
    metric : Metric
        As for `alpha`.

    Returns
    -------
    Sums

    Raises
    ------
    ConfigError
        As for `alpha`.
    """
    check_counts(counts_IL)
    check_levels(level_L)
    counts_IL = counts_IL * (_totals(counts_IL) > 1)[:, None]
    if metric == "nominal" or not len(level_L):
        return _alpha_of_differences(counts_IL, 1.0 - np.eye(len(level_L)))
    if metric == "ratio":
        if (level_L < 0).any():
            raise ConfigError("the ratio metric is for ratings from 0 up")
        total_LL = level_L[:, None] + level_L
        return _alpha_of_differences(counts_IL, ((level_L[:, None] - level_L) / np.where(total_LL > 0, total_LL, 1.0)) ** 2)
    if metric == "ordinal":
        if len(level_L) <= _PAIRED:
            return _alpha_of_ranks(counts_IL)
        total_L = counts_IL.sum(axis=0)
        level_L = np.cumsum(total_L) - total_L / 2
    elif metric != "interval":
        raise ConfigError(f"no metric {metric!r}: one of {', '.join(get_args(Metric))}")
    level_L = (level_L - level_L.mean()) / max(np.ptp(level_L), 1e-300)
    return _alpha_of_moments(_totals(counts_IL), counts_IL @ level_L, counts_IL @ level_L**2)


def _totals(counts_IL: Floats) -> Floats:
    return counts_IL @ np.ones(counts_IL.shape[1])  # a product is ten times as fast as a sum over a short last axis


def _alpha_of_differences(counts_IL: Floats, differ_LL: Floats) -> Sums:
    """Return alpha where it is known beforehand what two levels differ by."""
    others_I = np.maximum(_totals(counts_IL) - 1, 1)
    observed_I = np.einsum("il,il->i", counts_IL @ differ_LL, counts_IL) / others_I

    def statistic(sums_BM: Floats) -> Floats:
        total_BL = sums_BM[:, 1:]
        expected_B = ((total_BL @ differ_LL) * total_BL).sum(axis=1)
        return 1.0 - divided((total_BL.sum(axis=1) - 1) * sums_BM[:, 0], expected_B, 0.0)

    return Sums(np.column_stack([observed_I, counts_IL]), statistic, _SAME)


def _alpha_of_moments(count_I: Floats, sum_I: Floats, square_I: Floats) -> Sums:
    """Return alpha where two ratings differ by the square of their distance."""
    observed_I = (count_I * square_I - sum_I**2) / np.maximum(count_I - 1, 1)

    def statistic(sums_B4: Floats) -> Floats:
        observed_B, count_B, sum_B, square_B = sums_B4.T
        spread_B = count_B * square_B - sum_B**2
        return 1.0 - divided((count_B - 1) * observed_B, np.where(spread_B > 1e-12 * count_B * square_B, spread_B, 0.0), 0.0)

    return Sums(np.column_stack([observed_I, count_I, sum_I, square_I]), statistic, _SAME)


def _alpha_of_ranks(counts_IL: Floats) -> Sums:
    """Return alpha where two ratings differ by the ratings between them, which each resample counts anew."""
    lower, upper = np.triu_indices(counts_IL.shape[1], 1)
    others_I = np.maximum(_totals(counts_IL) - 1, 1)
    observed_IP = counts_IL[:, lower] * counts_IL[:, upper] / others_I[:, None]

    def statistic(sums_BM: Floats) -> Floats:
        observed_BP, total_BL = np.split(sums_BM, [len(lower)], axis=1)
        rank_BL = np.cumsum(total_BL, axis=1) - total_BL / 2
        differ_BP = (rank_BL[:, upper] - rank_BL[:, lower]) ** 2
        expected_B = (total_BL[:, upper] * total_BL[:, lower] * differ_BP).sum(axis=1)
        return 1.0 - divided((total_BL.sum(axis=1) - 1) * (observed_BP * differ_BP).sum(axis=1), expected_B, 0.0)

    return Sums(np.column_stack([observed_IP, counts_IL]), statistic, _SAME)


def weights(kind: Weights, level_L: Floats) -> Floats:
    """Return how much each two levels agree.

    Parameters
    ----------
    kind : Weights
        How.
    level_L : (L,) float
        The levels, ascending.

    Returns
    -------
    (L, L) float
        1 on the diagonal, 0 for the two that lie furthest apart.

    Raises
    ------
    ConfigError
        For another kind, or if the levels are not finite or do not ascend.

    References
    ----------
    Gwet (2014), Handbook of inter-rater reliability, 4th edition, chapter 3.
    """
    if kind not in get_args(Weights):
        raise ConfigError(f"no weights {kind!r}: one of {', '.join(get_args(Weights))}")
    check_levels(level_L)
    if kind == "identity" or len(level_L) < 2:
        return np.eye(len(level_L))
    apart_LL: Floats = np.abs(level_L[:, None] - level_L) / (level_L[-1] - level_L[0])
    if kind == "ordinal":
        steps_LL = np.abs(np.subtract.outer(np.arange(len(level_L)), np.arange(len(level_L)))).astype(np.float64)
        apart_LL = steps_LL * (steps_LL + 1) / (len(level_L) * (len(level_L) - 1))
    return np.asarray(1.0 - (apart_LL**2 if kind == "quadratic" else apart_LL))


def fleiss(counts_IL: Floats, level_L: Floats, kind: Weights = "identity") -> Sums:
    """Return Fleiss' kappa, for any number of raters an item.

    Parameters
    ----------
    counts_IL : (I, L) float
        How many raters gave each item each level.
    level_L : (L,) float
        The levels, ascending.
    kind : Weights
        Which `weights`.

    Returns
    -------
    Sums

    Raises
    ------
    ConfigError
        As for `weights`, or if they are no counts.

    References
    ----------
    Fleiss (1971); Gwet (2014) for weights and missing cells: an item weighs the same in the shares however many rated it.
    """
    weight_LL = weights(kind, level_L)
    return _beyond_chance(counts_IL, weight_LL, lambda share_BL: ((share_BL @ weight_LL) * share_BL).sum(axis=1))


def gwet(counts_IL: Floats, level_L: Floats, kind: Weights = "identity") -> Sums:
    """Return Gwet's AC1, or AC2 with other weights: agreement beyond chance that lopsided shares do not push down.

    Parameters
    ----------
    counts_IL : (I, L) float
        How many raters gave each item each level.
    level_L : (L,) float
        All levels of the scale, ascending: those that nobody used count too.
    kind : Weights
        Which `weights`.

    Returns
    -------
    Sums

    Raises
    ------
    ConfigError
        As for `weights`, if they are no counts, or for fewer than two levels.

    References
    ----------
    Gwet (2008), British Journal of Mathematical and Statistical Psychology 61; Gwet (2014).
    """
    if len(level_L) < 2:
        raise ConfigError("Gwet's coefficient needs a scale of at least two levels: give all of them, not only those that were used")
    weight_LL = weights(kind, level_L)
    scale = weight_LL.sum() / (len(level_L) * (len(level_L) - 1))
    return _beyond_chance(counts_IL, weight_LL, lambda share_BL: scale * (share_BL * (1.0 - share_BL)).sum(axis=1))


def _beyond_chance(counts_IL: Floats, weight_LL: Floats, chance: Callable[[Floats], Floats]) -> Sums:
    check_counts(counts_IL)
    total_I = _totals(counts_IL)
    paired_I = total_I > 1
    agree_I = (counts_IL * (counts_IL @ weight_LL - 1.0)).sum(axis=1) / np.where(paired_I, total_I * (total_I - 1), 1.0)
    share_IL = counts_IL / np.maximum(total_I, 1)[:, None]

    def statistic(sums_BM: Floats) -> Floats:
        agreed_B = divided(sums_BM[:, 0], sums_BM[:, 1])
        chance_B = chance(sums_BM[:, 2:] / np.maximum(sums_BM[:, 2:].sum(axis=1, keepdims=True), 1e-300))
        return divided(agreed_B - chance_B, 1.0 - chance_B)

    return Sums(np.column_stack([np.where(paired_I, agree_I, 0.0), paired_I, share_IL]), statistic, "no item has two ratings or " + _SAME)


def cohen(value_2I: Floats, known_2I: NDArray[np.bool_], kind: Weights = "identity", level_L: Floats | None = None) -> Sums:
    """Return Cohen's kappa of two raters, weighted or not.

    Parameters
    ----------
    value_2I : (2, I) float
        Ratings.
    known_2I : (2, I) bool
        Where there is one. Items that one of them left out tell nothing.
    kind : Weights
        Which `weights`: by the distance of levels as numbers.
    level_L : (L,) float, optional
        The levels, ascending; without them, those that occur.

    Returns
    -------
    Sums

    Raises
    ------
    ConfigError
        If there are not two raters, or as for `weights` and `tally`.

    References
    ----------
    Cohen (1968), Psychological Bulletin 70.
    """
    if len(value_2I) != 2:
        raise ConfigError(f"Cohen's kappa is of two raters, not {len(value_2I)}: use fleiss, gwet or alpha")
    both_2I = np.broadcast_to(np.all(known_2I, axis=0), np.shape(known_2I))
    level_L = tally(value_2I, both_2I)[1] if level_L is None else level_L
    weight_LL = weights(kind, level_L)
    first_IL, second_IL = (tally(value_2I[j : j + 1], both_2I[j : j + 1], level_L)[0] for j in (0, 1))

    def statistic(sums_BM: Floats) -> Floats:
        agreed_B, first_BL, second_BL = sums_BM[:, 0], *np.split(sums_BM[:, 1:], 2, axis=1)
        count_B = first_BL.sum(axis=1)
        chance_B = divided(((first_BL @ weight_LL) * second_BL).sum(axis=1), count_B**2)
        return divided(divided(agreed_B, count_B) - chance_B, 1.0 - chance_B)

    return Sums(np.column_stack([((first_IL @ weight_LL) * second_IL).sum(axis=1), first_IL, second_IL]), statistic, _SAME)
