"""How a judge's marks, verdicts and probabilities go with labels, each figure as sums over items."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from criterial.errors import ConfigError
from criterial.maths.agreement import kappa_of
from criterial.maths.finite import LARGEST, check_counts, check_finite, kept
from criterial.maths.intervals import cluster_mean, share_interval
from criterial.maths.sums import Sums, divided, standardised

__all__ = ["Bin", "accuracy", "brier", "calibration_error", "ece", "f1", "kappa", "kendall", "leniency", "log_loss", "mcc", "mean"]
__all__ += ["pearson", "precision", "reliability", "slope", "spearman", "tnr", "tpr"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
_CONSTANT = "one of the two is constant"
_EXACT_CELLS, _EXACT_SIZE = 1000, 20_000_000
_EPS = float(np.finfo(np.float64).eps)


def mean(value_I: Floats, known_I: Flags) -> Sums:
    """Return the mean of `value_I` (I,) where `known_I` (I,).

    Returns
    -------
    Sums

    Raises
    ------
    ConfigError
        If a value that is known is not finite, as for all figures here.
    """
    sums_I2 = np.column_stack([kept(value_I, known_I), known_I])
    return Sums(sums_I2, lambda sums_B2: divided(sums_B2[:, 0], sums_B2[:, 1]), "nothing is known")


def leniency(judge_I: Floats, label_I: Floats, known_I: Flags, span: Floats | float) -> Sums:
    """Return how far a judge marks above the labels, as a share of the scale: above 0 is lenient, below is harsh.

    Parameters
    ----------
    judge_I, label_I : (I,) float
        Marks.
    known_I : (I,) bool
        Where both are known.
    span : (I,) float, or float
        How far the scale reaches from its lowest to its highest mark, for each item or for all.

    Returns
    -------
    Sums

    Raises
    ------
    ConfigError
        If a span is not above 0.
    """
    check_finite(span)
    if not np.all(np.asarray(span) > 1 / LARGEST):
        raise ConfigError("the highest mark of the scale must lie above the lowest")
    return mean((kept(judge_I, known_I) - kept(label_I, known_I)) / span, known_I)


def pearson(x_I: Floats, y_I: Floats, known_I: Flags) -> Sums:
    """Return Pearson's correlation.

    Parameters
    ----------
    x_I, y_I : (I,) float
        Values.
    known_I : (I,) bool
        Where both are known.

    Returns
    -------
    Sums

    Raises
    ------
    ConfigError
        If a value that is known is not finite.
    """

    def statistic(sums_B6: Floats) -> Floats:
        xx_B, yy_B, xy_B = _spread(sums_B6)
        return np.clip(divided(xy_B, np.sqrt(xx_B * yy_B), 0.0), -1.0, 1.0)

    return Sums(_products(x_I, y_I, known_I), statistic, _CONSTANT)


def slope(judge_I: Floats, label_I: Floats, known_I: Flags) -> Sums:
    """Return the slope of the regression of a judge on labels: below 1 the judge keeps to the middle of the scale.

    Parameters
    ----------
    judge_I, label_I, known_I
        As for `leniency`.

    Returns
    -------
    Sums
    """
    reach = [np.abs(v - v.mean()).max() for v in (kept(w, known_I)[known_I] for w in (judge_I, label_I)) if len(v)]
    scale = float(reach[0] / max(reach[1], 1 / LARGEST)) if reach else 0.0

    def statistic(sums_B6: Floats) -> Floats:
        _, label_B, both_B = _spread(sums_B6)
        return scale * divided(both_B, label_B, 0.0)

    return Sums(_products(judge_I, label_I, known_I), statistic, "the labels are constant")


def _products(x_I: Floats, y_I: Floats, known_I: Flags) -> Floats:
    x_I, y_I = standardised(x_I, known_I), standardised(y_I, known_I)
    return np.column_stack([known_I, x_I, y_I, x_I * x_I, y_I * y_I, x_I * y_I]).astype(np.float64)


def _spread(sums_B6: Floats) -> tuple[Floats, Floats, Floats]:
    """Return both sums of squares about the mean, 0 where they are rounding, and that of products."""
    count_B, x_B, y_B, xx_B, yy_B, xy_B = np.maximum(sums_B6[:, 0], 1e-300), *sums_B6.T[1:]
    out = [np.where(s - t * t / count_B > 1e-12 * s, s - t * t / count_B, 0.0) for s, t in ((xx_B, x_B), (yy_B, y_B))]
    return out[0], out[1], xy_B - x_B * y_B / count_B


def spearman(x_I: Floats, y_I: Floats, known_I: Flags) -> Sums:
    """Return Spearman's correlation of ranks, ties at their middle.

    Parameters
    ----------
    x_I, y_I : (I,) float
        Values.
    known_I : (I,) bool
        Where both are known.

    Returns
    -------
    Sums

    Raises
    ------
    ConfigError
        If a value that is known is not finite.

    Notes
    -----
    Of at most 1,000 different pairs (x, y) each resample is ranked anew. Of more, its figure is that of all items plus the mean of the
    influence of those drawn (the infinitesimal jackknife): the figure itself is exact, its resamples are off by a term in 1 / I.
    """
    return _ranked(x_I, y_I, known_I, _spearman, _spearman_of_influence)


def kendall(x_I: Floats, y_I: Floats, known_I: Flags) -> Sums:
    """Return Kendall's tau-b: pairs of items in the same order less those in the other, allowing for ties.

    Parameters
    ----------
    x_I, y_I, known_I
        As for `spearman`, and so are the errors and how resamples are made.

    Returns
    -------
    Sums
    """
    return _ranked(x_I, y_I, known_I, _kendall, _kendall_of_influence)


class _Ranks(NamedTuple):
    """Two variables as places among their own levels: of each item, how many items have each level, and of each pair that occurs."""

    x_N: NDArray[np.int64]
    y_N: NDArray[np.int64]
    x_L: NDArray[np.int64]
    y_L: NDArray[np.int64]
    x_K: NDArray[np.int64]
    y_K: NDArray[np.int64]


def _ranked(
    x_I: Floats,
    y_I: Floats,
    known_I: Flags,
    exact: Callable[[_Ranks], Callable[[Floats], Floats]],
    influence: Callable[[_Ranks], tuple[float, Floats]],
) -> Sums:
    """Return a figure of ranks by what is drawn of each pair of levels, or by each item's influence."""
    (x_N, x_L), (y_N, y_L) = (np.unique(kept(v, known_I)[known_I], return_inverse=True, return_counts=True)[1:] for v in (x_I, y_I))
    if min(len(x_L), len(y_L)) < 2:
        return Sums(known_I[:, None].astype(np.float64), lambda sums_B1: np.full(len(sums_B1), np.nan), _CONSTANT)
    pair_K, cell_N = np.unique(x_N * len(y_L) + y_N, return_inverse=True)
    ranks = _Ranks(x_N, y_N, x_L, y_L, *np.divmod(pair_K, len(y_L)))
    if len(pair_K) <= _EXACT_CELLS and len(pair_K) * len(known_I) <= _EXACT_SIZE:
        drawn_IK = np.zeros((len(known_I), len(pair_K)))
        drawn_IK[np.flatnonzero(known_I), cell_N] = 1.0
        return Sums(drawn_IK, exact(ranks), _CONSTANT)
    value, influence_N = influence(ranks)
    sums_I2 = np.zeros((len(known_I), 2))
    sums_I2[known_I] = np.column_stack([influence_N - influence_N.mean(), np.ones(len(influence_N))])
    return Sums(sums_I2, lambda sums_B2: np.clip(value + divided(sums_B2[:, 0], sums_B2[:, 1]), -1.0, 1.0), _CONSTANT)


def _spearman(ranks: _Ranks) -> Callable[[Floats], Floats]:
    def statistic(weight_BK: Floats) -> Floats:
        total_B = np.maximum(weight_BK.sum(axis=1, keepdims=True), 1.0)
        levels = zip(_margins(ranks, weight_BK), (ranks.x_K, ranks.y_K), strict=True)
        x_BK, y_BK = (((np.cumsum(m, axis=1) - m / 2) / total_B - 0.5)[:, level_K] for m, level_K in levels)
        xx_B, yy_B, xy_B = ((weight_BK * a * b).sum(axis=1) for a, b in ((x_BK, x_BK), (y_BK, y_BK), (x_BK, y_BK)))
        return np.clip(divided(xy_B, np.sqrt(xx_B * yy_B)), -1.0, 1.0)

    return statistic


def _kendall(ranks: _Ranks) -> Callable[[Floats], Floats]:
    order_KK = (np.sign(ranks.x_K[:, None] - ranks.x_K) * np.sign(ranks.y_K[:, None] - ranks.y_K)).astype(np.float64)

    def statistic(weight_BK: Floats) -> Floats:
        top_B = ((weight_BK @ order_KK) * weight_BK).sum(axis=1)
        x_B, y_B = (weight_BK.sum(axis=1) ** 2 - (m**2).sum(axis=1) for m in _margins(ranks, weight_BK))
        return np.clip(divided(top_B, np.sqrt(x_B * y_B)), -1.0, 1.0)

    return statistic


def _margins(ranks: _Ranks, weight_BK: Floats) -> tuple[Floats, Floats]:
    out = []
    for level_K in (ranks.x_K, ranks.y_K):
        order_K = np.argsort(level_K, kind="stable")
        out.append(np.add.reduceat(weight_BK[:, order_K], np.flatnonzero(np.diff(level_K[order_K], prepend=-1)), axis=1))
    return out[0], out[1]


def _spearman_of_influence(ranks: _Ranks) -> tuple[float, Floats]:
    x_N, y_N = _middle(ranks.x_N, ranks.x_L), _middle(ranks.y_N, ranks.y_L)
    xx, yy, xy = (float(np.mean(v)) - 0.25 for v in (x_N * x_N, y_N * y_N, x_N * y_N))
    xx_N, yy_N, xy_N = (a * b + _above(a, b) + _above(b, a) for a, b in ((x_N, x_N), (y_N, y_N), (x_N, y_N)))
    value = xy / np.sqrt(xx * yy)
    return value, xy_N / np.sqrt(xx * yy) - value * (xx_N / (2 * xx) + yy_N / (2 * yy))


def _kendall_of_influence(ranks: _Ranks) -> tuple[float, Floats]:
    count = len(ranks.x_N)
    order_N = np.zeros(count)
    for x, y in product((1, -1), (1, -1)):
        order_N += x * y * _below(x * ranks.x_N, y * ranks.y_N) / count
    x_N, y_N = 1.0 - ranks.x_L[ranks.x_N] / count, 1.0 - ranks.y_L[ranks.y_N] / count
    top, xx, yy = (float(np.mean(v)) for v in (order_N, x_N, y_N))
    value = top / np.sqrt(xx * yy)
    return value, 2 * order_N / np.sqrt(xx * yy) - value * (x_N / xx + y_N / yy)


def _middle(code_N: NDArray[np.int64], count_L: NDArray[np.int64]) -> Floats:
    """Return the share of items below each one, ties counted half."""
    share_N: Floats = ((np.cumsum(count_L) - count_L / 2) / len(code_N))[code_N]
    return share_N


def _above(x_N: Floats, y_N: Floats) -> Floats:
    """Return the sum of y over items of larger x, ties counted half, as a share of all items."""
    _, code_N = np.unique(x_N, return_inverse=True)
    sum_L = np.bincount(code_N, y_N)
    above_N: Floats = ((sum_L.sum() - np.cumsum(sum_L) + sum_L / 2) / len(x_N))[code_N]
    return above_N


def _below(x_N: NDArray[np.int64], y_N: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many items lie below each one in both variables, by merging sorted halves."""
    order_N = np.lexsort((-y_N, x_N))
    place_N = np.arange(len(x_N))
    key_N = (y_N - y_N.min())[order_N]
    step = int(key_N.max()) + 1
    found_N = np.zeros(len(x_N), dtype=np.int64)
    width = 1
    while width < len(x_N):
        block_N, right_N = place_N // (2 * width), place_N // width % 2 == 1
        all_N = block_N * step + key_N
        before_N = np.searchsorted(np.sort(all_N[~right_N]), all_N[right_N])
        found_N[right_N] += before_N - block_N[right_N] * width
        width *= 2
    out_N = np.empty_like(found_N)
    out_N[order_N] = found_N
    return out_N


def accuracy(counts_I4: Floats) -> Sums:
    """Return the share of verdicts that agree with the label, of `criterial.maths.agreement.counts_of`.

    Parameters
    ----------
    counts_I4 : (I, 4) float
        One 1 a row: both yes, judge alone, label alone, both no; zeros for an item that tells nothing.

    Returns
    -------
    Sums

    Raises
    ------
    ConfigError
        If they are no counts.
    """
    return Sums(check_counts(counts_I4), lambda c: divided(c[:, 0] + c[:, 3], c.sum(axis=1)), "nothing is known")


def kappa(counts_I4: Floats) -> Sums:
    """Return Cohen's kappa of `counts_of`; parameters and result as for `accuracy`."""
    return Sums(check_counts(counts_I4), kappa_of, "judge and labels say the same of every item")


def tpr(counts_I4: Floats) -> Sums:
    """Return the share of yes among items labelled yes (recall, sensitivity); parameters and result as for `accuracy`."""
    return Sums(check_counts(counts_I4), lambda c: divided(c[:, 0], c[:, 0] + c[:, 2]), "no label is yes")


def tnr(counts_I4: Floats) -> Sums:
    """Return the share of no among items labelled no (specificity); parameters and result as for `accuracy`."""
    return Sums(check_counts(counts_I4), lambda c: divided(c[:, 3], c[:, 1] + c[:, 3]), "no label is no")


def precision(counts_I4: Floats) -> Sums:
    """Return the share of labels yes where the judge says yes; parameters and result as for `accuracy`."""
    return Sums(check_counts(counts_I4), lambda c: divided(c[:, 0], c[:, 0] + c[:, 1]), "the judge never says yes")


def f1(counts_I4: Floats) -> Sums:
    """Return the harmonic mean of precision and recall; parameters and result as for `accuracy`."""
    return Sums(check_counts(counts_I4), lambda c: divided(2 * c[:, 0], 2 * c[:, 0] + c[:, 1] + c[:, 2]), "neither side ever says yes")


def mcc(counts_I4: Floats) -> Sums:
    """Return Matthews' correlation of verdicts with labels; parameters and result as for `accuracy`."""

    def statistic(counts_B4: Floats) -> Floats:
        both_B, judge_B, label_B, neither_B = counts_B4.T
        sides = (both_B + judge_B) * (label_B + neither_B) * ((both_B + label_B) * (judge_B + neither_B))
        return divided(both_B * neither_B - judge_B * label_B, np.sqrt(sides))

    return Sums(check_counts(counts_I4), statistic, _CONSTANT)


def brier(p_I: Floats, label_I: Floats, known_I: Flags) -> Sums:
    """Return the mean squared distance of probabilities from labels.

    Parameters
    ----------
    p_I : (I,) float
        Probabilities of yes.
    label_I : (I,) float
        1 for yes, 0 for no, or the share of people who said yes.
    known_I : (I,) bool
        Where both are known.

    Returns
    -------
    Sums
    """
    return mean((kept(p_I, known_I) - kept(label_I, known_I)) ** 2, known_I)


def log_loss(p_I: Floats, label_I: Floats, known_I: Flags) -> Sums:
    """Return the mean negative logarithm of the probability of what the label says; parameters and result as for `brier`.

    Probabilities are kept 2.2e-16 away from 0 and 1, so that one sure error costs 36 and not infinity.
    """
    sure_I, label_I = np.clip(kept(p_I, known_I), _EPS, 1.0 - _EPS), kept(label_I, known_I)
    return mean(-label_I * np.log(sure_I) - (1.0 - label_I) * np.log1p(-sure_I), known_I)


def ece(p_I: Floats, label_I: Floats, known_I: Flags, bins: int = 15) -> Sums:
    """Return the expected calibration error: how far apart probability and share of yes lie, on average over bins of equal mass.

    Parameters
    ----------
    p_I, label_I, known_I
        As for `brier`.
    bins : int
        How many; equal probabilities share one, so there may be fewer. Resamples keep the bins of the whole.

    Returns
    -------
    Sums
        Above 0 by chance even where probabilities are right: `calibration_error` is not.

    Raises
    ------
    ConfigError
        If there is to be no bin.
    """

    def statistic(sums_BM: Floats) -> Floats:
        count_BK, p_BK, label_BK = np.split(sums_BM, 3, axis=1)
        return divided(np.abs(p_BK - label_BK).sum(axis=1), count_BK.sum(axis=1))

    return Sums(_binned(p_I, label_I, known_I, bins), statistic, "nothing is known")


def calibration_error(p_I: Floats, label_I: Floats, known_I: Flags, bins: int = 15) -> Sums:
    """Return the root mean square calibration error over bins of equal mass, less what chance adds.

    Parameters
    ----------
    p_I, label_I, known_I, bins
        As for `ece`; labels are 0 or 1.

    Returns
    -------
    Sums
        0 where no more is found than chance would show.

    Raises
    ------
    ConfigError
        If there is to be no bin.

    References
    ----------
    Kumar, Liang and Ma (2019), Verified uncertainty calibration: the square before its root is unbiased for independent labels.
    """

    def statistic(sums_BM: Floats) -> Floats:
        count_BK, p_BK, label_BK = np.split(sums_BM, 3, axis=1)
        many_BK = np.maximum(count_BK, 1.0)
        share_BK = label_BK / many_BK
        chance_BK = share_BK * (1.0 - share_BK) / np.maximum(count_BK - 1.0, 1.0)
        square_BK = (p_BK / many_BK - share_BK) ** 2 - chance_BK
        return np.sqrt(np.maximum(divided((count_BK * square_BK).sum(axis=1), count_BK.sum(axis=1)), 0.0))

    return Sums(_binned(p_I, label_I, known_I, bins), statistic, "nothing is known")


class Bin(NamedTuple):
    """Items of like probability."""

    p: float
    """Their mean probability."""
    share: float
    """Share of yes among their labels."""
    low: float
    """Lower end of its 95 % interval."""
    high: float
    """Upper end."""
    items: int
    """How many."""


def reliability(p_I: Floats, label_I: Floats, known_I: Flags, cluster_I: NDArray[np.int64], bins: int = 10) -> tuple[Bin, ...]:
    """Return the reliability curve: how often labels are yes among items of like probability.

    Parameters
    ----------
    p_I, label_I, known_I
        As for `brier`; labels are 0 or 1.
    cluster_I : (I,) int
        The cluster of each item, for the intervals (`share_interval`); a bin of one cluster has the whole of [0, 1].
    bins : int
        How many, of equal mass.

    Returns
    -------
    tuple of Bin
        By probability.

    Raises
    ------
    ConfigError
        If there is to be no bin.
    """
    code_I = _bins(p_I, known_I, bins)
    out = []
    for place in range(int(code_I.max(initial=-1)) + 1):
        here = code_I == place
        found = cluster_mean(label_I[here].astype(np.float64), cluster_I[here])
        ends = (0.0, 1.0) if found.se is None else share_interval(found.mean, found.se, int(here.sum()), found.clusters)
        out.append(Bin(float(p_I[here].mean()), found.mean, *ends, int(here.sum())))
    return tuple(out)


def _bins(p_I: Floats, known_I: Flags, bins: int) -> NDArray[np.int64]:
    """Return each item's bin, -1 for none; equal probabilities go where the middle of their ranks lies."""
    if bins < 1:
        raise ConfigError(f"expected at least one bin, not {bins}")
    _, code_N, count_L = np.unique(kept(p_I, known_I)[known_I], return_inverse=True, return_counts=True)
    out_I = np.full(len(p_I), -1)
    if len(code_N):
        _, out_I[known_I] = np.unique(np.floor(bins * _middle(code_N, count_L)), return_inverse=True)
    return out_I


def _binned(p_I: Floats, label_I: Floats, known_I: Flags, bins: int) -> Floats:
    """Return items, probabilities and labels in each bin, (I, 3 K)."""
    code_I = _bins(p_I, known_I, bins)
    there_IK = (code_I[:, None] == np.arange(max(int(code_I.max(initial=0)) + 1, 1))).astype(np.float64)
    return np.hstack([there_IK, *(there_IK * kept(v, known_I)[:, None] for v in (p_I, label_I))])
