"""Making a judge's probabilities and shares right with labels: calibrators, corrected means, and the best threshold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special, stats

from criterial.errors import ConfigError
from criterial.maths.association import brier, ece, mean
from criterial.maths.finite import check_counts, check_finite
from criterial.maths.intervals import cluster_mean
from criterial.maths.sums import Figure, estimates

__all__ = ["Band", "Calibrator", "CrossFitted", "Isotonic", "Platt", "PolicyGap", "Temperature", "best_band", "cross_fitted"]
__all__ += ["fit_isotonic", "fit_platt", "fit_temperature", "folds_of", "policy_gap", "prediction_powered", "rogan_gladen"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_SURE = 1e-6
_NEVER = float(np.nextafter(1.0, 2.0))


class Calibrator(Protocol):
    """Turns a judge's probabilities into ones that come true."""

    def apply(self, p_I: Floats) -> Floats:
        """Return calibrated probabilities of probabilities `p_I` (I,)."""
        ...


@dataclass(frozen=True)
class Platt:
    """A line on log-odds."""

    slope: float
    """Below 1 the judge was too sure."""
    intercept: float
    """Above 0 it said yes too seldom."""

    def apply(self, p_I: Floats) -> Floats:
        """Return calibrated probabilities of probabilities `p_I` (I,)."""
        return np.asarray(special.expit(self.slope * _log_odds(p_I) + self.intercept))


@dataclass(frozen=True)
class Temperature:
    """Log-odds divided by one number; a half stays a half."""

    temperature: float
    """Above 1 the judge was too sure."""

    def apply(self, p_I: Floats) -> Floats:
        """Return calibrated probabilities of probabilities `p_I` (I,)."""
        return np.asarray(special.expit(_log_odds(p_I) / self.temperature))


@dataclass(frozen=True)
class Isotonic:
    """The rising function that is nearest to the labels: steps, with straight lines between them."""

    score: tuple[float, ...]
    """Scores, ascending."""
    p: tuple[float, ...]
    """The probability at each."""

    def apply(self, p_I: Floats) -> Floats:
        """Return calibrated probabilities of scores `p_I` (I,), which need be no probabilities."""
        return np.interp(p_I, self.score, self.p)


def fit_platt(p_I: Floats, label_I: Floats) -> Platt:
    """Fit a line on log-odds by maximum likelihood.

    Parameters
    ----------
    p_I : (I,) float
        Probabilities.
    label_I : (I,) float
        1 for yes, 0 for no, or the share of people who said yes.

    Returns
    -------
    Platt

    Raises
    ------
    ConfigError
        If there are no labels, or values outside [0, 1].

    References
    ----------
    Platt (1999): labels are drawn in a little, so that labels which one threshold parts have finite parameters.
    """
    _check(p_I, label_I)
    yes, no = float(label_I.sum()), float(len(label_I) - label_I.sum())
    low, high = 1 / (no + 2), (yes + 1) / (yes + 2)
    target_I = low + (high - low) * label_I
    x_I2 = np.column_stack([_log_odds(p_I), np.ones(len(p_I))])

    def loss(line_2: Floats) -> tuple[float, Floats]:
        z_I = x_I2 @ line_2
        return float(np.mean(np.logaddexp(0, z_I) - target_I * z_I)), x_I2.T @ (special.expit(z_I) - target_I) / len(z_I)

    found = optimize.minimize(loss, np.array([1.0, 0.0]), jac=True, method="L-BFGS-B", options={"gtol": 1e-9, "ftol": 1e-15})
    return Platt(float(found.x[0]), float(found.x[1]))


def fit_temperature(p_I: Floats, label_I: Floats) -> Temperature:
    """Fit one number that log-odds are divided by, between 1/50 and 50, by maximum likelihood.

    Parameters
    ----------
    p_I, label_I
        As for `fit_platt`.

    Returns
    -------
    Temperature

    Raises
    ------
    ConfigError
        As for `fit_platt`.

    References
    ----------
    Guo et al. (2017), On calibration of modern neural networks.
    """
    _check(p_I, label_I)
    odds_I = _log_odds(p_I)

    def loss(log_temperature: float) -> float:
        z_I = odds_I * np.exp(-log_temperature)
        return float(np.mean(np.logaddexp(0, z_I) - label_I * z_I))

    found = optimize.minimize_scalar(loss, bounds=(-np.log(50), np.log(50)), method="bounded", options={"xatol": 1e-8})
    return Temperature(float(np.exp(found.x)))


def fit_isotonic(score_I: Floats, label_I: Floats) -> Isotonic:
    """Fit the nearest rising function by pooling adjacent violators.

    Parameters
    ----------
    score_I : (I,) float
        Scores or probabilities.
    label_I : (I,) float
        As for `fit_platt`.

    Returns
    -------
    Isotonic

    Raises
    ------
    ConfigError
        If there are no labels, labels outside [0, 1], or scores that are not finite.
    """
    check_finite(score_I)
    _check(np.zeros(0), label_I)  # scores are no probabilities
    level_L, code_I, count_L = np.unique(score_I, return_inverse=True, return_counts=True)
    sums = (np.bincount(code_I, label_I) / count_L).tolist()
    blocks: list[tuple[float, float, int, int]] = []  # value, weight, first and last level
    for place, (value, weight) in enumerate(zip(sums, count_L.tolist(), strict=True)):
        block = (value, float(weight), place, place)
        while blocks and blocks[-1][0] >= block[0]:
            above, many, first, _ = blocks.pop()
            block = ((above * many + block[0] * block[1]) / (many + block[1]), many + block[1], first, place)
        blocks.append(block)
    knots = [(float(level_L[at]), value) for value, _, first, last in blocks for at in sorted({first, last})]
    return Isotonic(tuple(s for s, _ in knots), tuple(min(max(p, 0.0), 1.0) for _, p in knots))


def _log_odds(p_I: Floats) -> Floats:
    """Return log-odds, of probabilities kept a millionth away from 0 and 1."""
    return np.asarray(special.logit(np.clip(p_I, _SURE, 1.0 - _SURE)))


def _check(p_I: Floats, label_I: Floats) -> None:
    if not len(label_I):
        raise ConfigError("there are no labels to calibrate with")
    for name, value_I in (("probabilities", p_I), ("labels", label_I)):
        if not ((value_I >= 0) & (value_I <= 1)).all():
            raise ConfigError(f"{name} lie between 0 and 1, and scores are finite")


def folds_of(cluster_I: Ints, folds: int = 5, seed: int = 0) -> Ints:
    """Deal clusters out to folds by chance.

    Parameters
    ----------
    cluster_I : (I,) int
        The cluster of each item; none is split.
    folds : int
        How many; of fewer clusters, one a cluster.
    seed : int
        Seed of the dealing.

    Returns
    -------
    (I,) int
        The fold of each item.

    Raises
    ------
    ConfigError
        If there are fewer than two folds or clusters.
    """
    _, cluster = np.unique(cluster_I, return_inverse=True)
    count = int(cluster.max(initial=-1)) + 1
    if min(folds, count) < 2:
        raise ConfigError(f"cross-fitting needs two folds and two clusters, not {folds} and {count}")
    dealt_I: Ints = np.random.default_rng(seed).permutation(np.arange(count) % folds)[cluster]
    return dealt_I


class CrossFitted(NamedTuple):
    """What a calibrator gains on clusters that it was not fitted on."""

    p_I: Floats
    """Probabilities of each item, calibrated on the other folds."""
    brier_before: Figure
    """Brier score of the probabilities as they came."""
    brier_after: Figure
    """Of the calibrated ones."""
    brier_change: Figure
    """After less before: below 0 is a gain."""
    ece_before: Figure
    """Expected calibration error of the probabilities as they came."""
    ece_after: Figure
    """Of the calibrated ones."""


def cross_fitted(
    fit: Callable[[Floats, Floats], Calibrator],
    p_I: Floats,
    label_I: Floats,
    cluster_I: Ints,
    folds: int = 5,
    resamples: int = 2000,
    seed: int = 0,
) -> CrossFitted:
    """Return how a way to calibrate does on clusters that it has not seen.

    Parameters
    ----------
    fit : callable
        `fit_platt`, `fit_temperature`, `fit_isotonic` or one like them.
    p_I, label_I
        As for `fit_platt`.
    cluster_I, folds
        As for `folds_of`.
    resamples : int
        Bootstrap resamples of clusters, for the intervals.
    seed : int
        Seed of folds and resamples.

    Returns
    -------
    CrossFitted

    Raises
    ------
    ConfigError
        As for `fit` and `folds_of`.
    """
    fold_I, after_I = folds_of(cluster_I, folds, seed), np.zeros(len(p_I))
    for fold in range(int(fold_I.max()) + 1):
        held_I = fold_I == fold
        after_I[held_I] = fit(p_I[~held_I], label_I[~held_I]).apply(p_I[held_I])
    all_I = np.ones(len(p_I), dtype=np.bool_)
    change = mean((after_I - label_I) ** 2 - (p_I - label_I) ** 2, all_I)
    scores = [brier(p_I, label_I, all_I), brier(after_I, label_I, all_I), change]
    errors = [ece(p_I, label_I, all_I), ece(after_I, label_I, all_I)]
    return CrossFitted(after_I, *estimates(scores + errors, cluster_I, resamples, seed))


def rogan_gladen(judged_U: NDArray[np.bool_], cluster_U: Ints, counts_I4: Floats, cluster_I: Ints, level: float = 0.95) -> Figure:
    """Return the true share of yes where only a judge looked, corrected for its errors on a labelled sample.

    Parameters
    ----------
    judged_U : (U,) bool
        The judge's verdicts on items without labels.
    cluster_U : (U,) int
        Their clusters.
    counts_I4 : (I, 4) float
        `criterial.maths.agreement.counts_of` the labelled items, another sample, where the judge errs alike.
    cluster_I : (I,) int
        Their clusters.
    level : float
        Level of the interval.

    Returns
    -------
    Figure
        (q + TNR - 1) / (TPR + TNR - 1) within [0, 1], with an interval by the delta method over clusters of both samples.

    Raises
    ------
    ConfigError
        If they are no counts.

    References
    ----------
    Rogan and Gladen (1978), American Journal of Epidemiology 107.
    """
    check_counts(counts_I4)
    yes, no = float(counts_I4[:, [0, 2]].sum()), float(counts_I4[:, [1, 3]].sum())
    items, clusters = len(judged_U), len(np.unique(cluster_I))
    if not (yes and no and items):
        return Figure(None, None, None, None, items, clusters, "labels of both kinds and items without labels are needed")
    tpr, tnr = float(counts_I4[:, 0].sum()) / yes, float(counts_I4[:, 3].sum()) / no
    better = tpr + tnr - 1.0
    if better <= 1e-12:
        return Figure(None, None, None, None, items, clusters, "the judge is no better than chance on the labelled items")
    seen = cluster_mean(judged_U.astype(np.float64), cluster_U)
    share = (seen.mean + tnr - 1.0) / better
    kept = float(np.clip(share, 0.0, 1.0))
    missed_I = (counts_I4[:, 0] - tpr * (counts_I4[:, 0] + counts_I4[:, 2])) / yes
    alarm_I = (counts_I4[:, 3] - tnr * (counts_I4[:, 1] + counts_I4[:, 3])) / no
    labelled = cluster_mean(((1.0 - kept) * alarm_I - kept * missed_I) * len(cluster_I), cluster_I)
    return _interval(kept, (seen.se, labelled.se), better, items, clusters, level, (0.0, 1.0))


def prediction_powered(
    label_I: Floats, judged_I: Floats, cluster_I: Ints, judged_U: Floats, cluster_U: Ints, level: float = 0.95
) -> Figure:
    """Return the mean of labels, made surer by a judge's marks of many more items, however wrong the judge is (PPI++).

    Parameters
    ----------
    label_I, judged_I : (I,) float
        Labels and the judge's marks of the labelled items, a random sample of all.
    cluster_I : (I,) int
        Their clusters.
    judged_U : (U,) float
        The judge's marks of items without labels.
    cluster_U : (U,) int
        Their clusters.
    level : float
        Level of the interval.

    Returns
    -------
    Figure
        As narrow as the labels' own mean allows where the judge tells nothing.

    Raises
    ------
    ConfigError
        If a label or mark is not finite.

    References
    ----------
    Angelopoulos, Duchi and Zrnic (2023), PPI++: efficient prediction-powered inference.
    """
    if not (len(label_I) and len(judged_U)):
        return Figure(None, None, None, None, len(label_I), 0, "labelled and unlabelled items are needed")
    check_finite(label_I, judged_I, judged_U)
    spread = float(np.var(np.concatenate([judged_I, judged_U])))
    together = float(np.mean((judged_I - judged_I.mean()) * (label_I - label_I.mean())))
    trust = float(np.clip(together / (spread * (1 + len(label_I) / len(judged_U))), 0.0, 1.0)) if spread > 0 else 0.0
    judged = cluster_mean(trust * judged_U, cluster_U)
    gap = cluster_mean(label_I - trust * judged_I, cluster_I)
    clusters = gap.clusters
    return _interval(judged.mean + gap.mean, (judged.se if trust else 0.0, gap.se), 1.0, len(label_I), clusters, level, (-np.inf, np.inf))


def _interval(
    value: float,
    errors: tuple[float | None, float | None],
    scale: float,
    items: int,
    clusters: int,
    level: float,
    ends: tuple[float, float],
) -> Figure:
    """Return a figure whose error is that of two samples together."""
    first, second = errors
    if first is None or second is None:
        return Figure(value, None, None, None, items, clusters, "no interval: a sample is all from one cluster")
    se = float(np.hypot(first, second)) / scale
    half = float(stats.t.ppf(0.5 + level / 2, clusters - 1)) * se
    return Figure(value, max(value - half, ends[0]), min(value + half, ends[1]), se, items, clusters)


@dataclass(frozen=True)
class Band:
    """A policy: no below, yes above, and between them the judge abstains."""

    low: float
    """No where the probability lies below it."""
    high: float
    """Yes where the probability lies at it or above."""

    def gain(self, p_I: Floats, label_I: Floats, abstain: float) -> Floats:
        """Return what each item is worth: 1 where right, 0 where wrong, `abstain` where not decided, for `p_I` and `label_I` (I,)."""
        return np.where(p_I >= self.high, label_I, np.where(p_I < self.low, 1.0 - label_I, abstain))


def best_band(p_I: Floats, label_I: Floats, abstain: float = 0.0) -> Band:
    """Return the band that is worth most on labelled items.

    Parameters
    ----------
    p_I, label_I
        As for `fit_platt`.
    abstain : float
        What not deciding is worth, where being right is worth 1 and being wrong 0. With 0 the band is a threshold.

    Returns
    -------
    Band
        Of several, the narrowest, and of those the nearest to a half.

    Raises
    ------
    ConfigError
        As for `fit_platt`; if what not deciding is worth is not finite.
    """
    _check(p_I, label_I)
    check_finite(abstain)
    level_L, code_I, count_L = np.unique(p_I, return_inverse=True, return_counts=True)
    yes_L = np.bincount(code_I, label_I)
    no_E = np.concatenate([[0.0], np.cumsum(count_L * (1.0 - abstain) - yes_L)])
    yes_E = np.concatenate([np.cumsum((yes_L - abstain * count_L)[::-1])[::-1], [0.0]])
    most_E = np.maximum.accumulate(no_E)
    low_E = np.maximum.accumulate(np.where(no_E >= most_E, np.arange(len(no_E)), 0))
    worth_E = most_E + yes_E
    middle = (level_L[1:] + level_L[:-1]) / 2
    cut_E = np.concatenate([[0.0], np.where(middle > level_L[:-1], middle, level_L[1:]), [_NEVER]])
    best = min(np.flatnonzero(worth_E >= worth_E.max() - 1e-9), key=lambda e: (e - low_E[e], abs(cut_E[e] - 0.5)))
    return Band(float(cut_E[low_E[best]]), float(cut_E[best]))


class PolicyGap(NamedTuple):
    """What a better threshold would gain, on clusters that it was not chosen on."""

    band: Band
    """The best one by all labels."""
    plain: Figure
    """What deciding at a half is worth an item."""
    best: Figure
    """What bands chosen on the other folds are worth an item."""
    gap: Figure
    """The one less the other: what the policy, not the judge, is at fault for."""


def policy_gap(
    p_I: Floats, label_I: Floats, cluster_I: Ints, abstain: float = 0.0, folds: int = 5, resamples: int = 2000, seed: int = 0
) -> PolicyGap:
    """Return what the best threshold or band would gain over deciding at a half.

    Parameters
    ----------
    p_I, label_I, abstain
        As for `best_band`.
    cluster_I, folds, resamples, seed
        As for `cross_fitted`.

    Returns
    -------
    PolicyGap

    Raises
    ------
    ConfigError
        As for `best_band` and `folds_of`.
    """
    fold_I, best_I = folds_of(cluster_I, folds, seed), np.zeros(len(p_I))
    for fold in range(int(fold_I.max()) + 1):
        held_I = fold_I == fold
        band = best_band(p_I[~held_I], label_I[~held_I], abstain)
        best_I[held_I] = band.gain(p_I[held_I], label_I[held_I], abstain)
    plain_I, all_I = Band(0.5, 0.5).gain(p_I, label_I, abstain), np.ones(len(p_I), dtype=np.bool_)
    made = [mean(v, all_I) for v in (plain_I, best_I, best_I - plain_I)]
    return PolicyGap(best_band(p_I, label_I, abstain), *estimates(made, cluster_I, resamples, seed))
