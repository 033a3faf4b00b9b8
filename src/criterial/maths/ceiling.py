"""The best that any judge can reach against people's votes, which are noisy themselves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from criterial.errors import ConfigError
from criterial.maths.finite import LARGEST, check_finite, kept
from criterial.maths.sums import Figure, Sums, divided, estimates

__all__ = ["Against", "Ceiling", "VoteScale", "Votes", "against_ceiling", "ceiling_of_means", "ceiling_of_quality", "ceiling_of_variance"]
__all__ += ["ceiling_of_votes", "simulate_votes", "simulated_ceiling", "two_sided", "votes_needed", "votes_of"]

Floats = NDArray[np.float64]
Measure = Literal["pearson", "spearman", "kendall", "accuracy"]
"""What two ratings of the same items are compared by; accuracy is of which lie at the threshold or above."""
_SILENT = "the ratings carry no signal: their means differ no more than votes on one item do"
_SCALE = "a scale has at least two marks, the highest above the lowest"
_FEW = "fewer than 30 items: the figure is unstable, go by its interval"


class VoteScale(NamedTuple):
    """A scale of equally spaced marks: 1 to 5 in five, or 0 to 1 in two for yes or no."""

    low: float
    """Lowest mark."""
    high: float
    """Highest."""
    points: int
    """How many marks."""


class Votes(NamedTuple):
    """What is known of the votes on each item."""

    count_I: NDArray[np.int64]
    """(I,) how many."""
    mean_I: Floats
    """(I,) their mean, 0 where there is none."""
    variance_I: Floats | None
    """(I,) their unbiased variance, 0 where there are fewer than two; None where only means are known."""


@dataclass(frozen=True)
class Ceiling:
    """The best that a judge can reach against the means of noisy votes."""

    pcc: float | None
    """The highest Pearson correlation, or None where it cannot be known."""
    mse: float | None
    """The lowest mean squared error."""
    quality_variance: float | None
    """Variance of true quality over items."""
    method: str
    """What it was made from."""
    warnings: tuple[str, ...] = ()
    """What to mind."""

    @property
    def rmse(self) -> float | None:
        """The lowest root mean squared error."""
        return None if self.mse is None else float(np.sqrt(self.mse))


def votes_of(value_JI: Floats, known_JI: NDArray[np.bool_]) -> Votes:
    """Return the counts, means and variances of ratings.

    Parameters
    ----------
    value_JI : (J, I) float
        Ratings of J raters.
    known_JI : (J, I) bool
        Where there is one.

    Returns
    -------
    Votes

    Raises
    ------
    ConfigError
        If a rating that is known is not finite.
    """
    kept_JI, count_I = kept(value_JI, known_JI), np.sum(known_JI, axis=0)
    mean_I = kept_JI.sum(axis=0) / np.maximum(count_I, 1)
    square_I = (np.where(known_JI, kept_JI - mean_I, 0.0) ** 2).sum(axis=0)
    return Votes(count_I, mean_I, square_I / np.maximum(count_I - 1, 1))


def ceiling_of_variance(mean_variance: float, vote_variance: float, votes: float) -> Ceiling:
    """Return the ceiling by the variance of votes, measured or borrowed from a like test.

    Parameters
    ----------
    mean_variance : float
        Variance of the items' means over items.
    vote_variance : float
        Mean over items of the unbiased variance of an item's votes.
    votes : float
        Votes an item; where they vary, their harmonic mean.

    Returns
    -------
    Ceiling

    Raises
    ------
    ConfigError
        If a variance is below 0 or there are no votes.

    References
    ----------
    Pieper and Voran (2026), Bounds on agreement between subjective and objective measurements, arXiv 2603.13204. Where the same people
    rate all items, how lenient each is counts as noise here though it moves all means alike, so the ceiling is a little low.
    """
    _check(mean_variance >= 0 and vote_variance >= 0 and votes > 0, "variances are at least 0, and votes above 0")
    return _ceiling(mean_variance, vote_variance / votes, "variance of votes")


def ceiling_of_quality(mean: float, variance: float, votes: float, scale: VoteScale) -> Ceiling:
    """Return the ceiling of votes that will be cast on items of known quality, by the binomial model.

    Parameters
    ----------
    mean, variance : float
        Of true quality over items.
    votes : float
        Votes an item.
    scale : VoteScale
        Their scale.

    Returns
    -------
    Ceiling

    Raises
    ------
    ConfigError
        If no items on the scale have that mean and variance, or there are no votes.
    """
    room = _room(mean, variance, scale)
    _check(votes > 0, "votes are above 0")
    noise = (room - variance) / (votes * (scale.points - 1))
    return _ceiling(variance + noise, noise, "binomial model of votes, from quality")


def ceiling_of_means(mean: float, variance: float, votes: float, scale: VoteScale) -> Ceiling:
    """Return the ceiling where only means are known, by the binomial model.

    Parameters
    ----------
    mean, variance : float
        Of the items' means over items.
    votes : float
        Votes an item; where they vary, their harmonic mean.
    scale : VoteScale
        Their scale.

    Returns
    -------
    Ceiling
        Without figures for one yes/no vote an item.

    Raises
    ------
    ConfigError
        If no items on the scale have that mean and variance, or there are no votes.
    """
    room = _room(mean, variance, scale)
    _check(votes > 0, "votes are above 0")
    method, free = "binomial model of votes, from means", scale.points - 1 - 1 / votes
    if free < 1e-12:
        return Ceiling(None, None, None, method, ("one yes/no vote an item does not tell noise from signal",))
    return _ceiling(variance, (room - variance) / (free * votes), method)


def ceiling_of_votes(votes: Votes, scale: VoteScale | None = None) -> Ceiling:
    """Return the ceiling of a set of votes: from their variance where some item has two, else by the binomial model.

    Parameters
    ----------
    votes : Votes
        The votes; items may have different numbers. An item of one vote borrows the mean variance of the others.
    scale : VoteScale, optional
        Their scale; needed where no variance is known.

    Returns
    -------
    Ceiling

    Raises
    ------
    ConfigError
        If there are no votes, or no variance is known and no scale is given.
    """
    made = _Moments(votes, scale)
    few = (_FEW,) if made.items < 30 else ()
    if made.measured:
        variance_B, noise_B = made.spread(made.sums_IM.sum(axis=0, keepdims=True))
        found = _ceiling(float(variance_B[0]), float(noise_B[0]), "variance of votes")
    else:
        assert scale is not None
        there_I = votes.count_I > 0
        mean_N, harmonic = votes.mean_I[there_I], 1.0 / float(np.mean(1.0 / votes.count_I[there_I]))
        found = ceiling_of_means(float(mean_N.mean()), float(mean_N.var()), harmonic, scale)
    return Ceiling(found.pcc, found.mse, found.quality_variance, found.method, found.warnings + few)


def two_sided(labels: Ceiling, judge: Ceiling) -> Ceiling:
    """Return the ceiling where the judge too is the mean of noisy repeats (attenuation, Spearman 1904).

    Parameters
    ----------
    labels : Ceiling
        Of the people's votes.
    judge : Ceiling
        Of the judge's own repeats: the root of its reliability.

    Returns
    -------
    Ceiling
        What is to be expected of a judge that is right but for the noise of its repeats.
    """
    known = None not in (labels.pcc, judge.pcc)
    return Ceiling(
        (labels.pcc or 0.0) * (judge.pcc or 0.0) if known else None,
        (labels.mse or 0.0) + (judge.mse or 0.0) if known else None,
        labels.quality_variance,
        f"{labels.method}; judge: {judge.method}",
        labels.warnings + tuple(f"judge: {w}" for w in judge.warnings),
    )


def votes_needed(pcc: float, quality_variance: float, vote_variance: float) -> float:
    """Return how many votes an item needs for the ceiling to reach a correlation.

    Parameters
    ----------
    pcc : float
        The ceiling wanted, in (0, 1).
    quality_variance : float
        Variance of true quality over items.
    vote_variance : float
        Variance of votes on one item.

    Returns
    -------
    float
        Round it up.

    Raises
    ------
    ConfigError
        If the ceiling cannot be reached with any number of votes.
    """
    _check(
        0 < pcc < 1 and quality_variance > LARGEST**-2 and vote_variance >= 0,
        "only a ceiling in (0, 1) and items of different quality will do",
    )
    check_finite(quality_variance, vote_variance, most=LARGEST**2)
    return min(vote_variance / quality_variance * pcc**2 / (1.0 - pcc**2), LARGEST)


def _check(right: bool, says: str) -> None:
    if not right:
        raise ConfigError(says)


def _room(mean: float, variance: float, scale: VoteScale) -> float:
    """Return the largest variance of marks with that mean."""
    check_finite(mean, scale.low, scale.high)
    room = (mean - scale.low) * (scale.high - mean)
    _check(scale.points >= 2 and scale.low < scale.high, _SCALE)
    _check(scale.low <= mean <= scale.high and 0 <= variance <= room + 1e-9 * (1 + room), "no marks on it have that mean and variance")
    return max(room, variance)


def _ceiling(mean_variance: float, noise: float, method: str) -> Ceiling:
    check_finite(mean_variance, noise, most=LARGEST**3)
    quality = max(mean_variance - noise, 0.0)
    if quality <= 1e-12 * mean_variance:
        return Ceiling(0.0, noise, 0.0, method, (_SILENT,))
    return Ceiling(float(np.sqrt(quality / mean_variance)), noise, quality, method)


class _Moments:
    """Sums over items from which the ceiling and what a judge reaches are computed, in each resample anew."""

    def __init__(self, votes: Votes, scale: VoteScale | None, judge_I: Floats | None = None) -> None:
        there_I = votes.count_I > 0
        _check(bool(there_I.any()), "there are no votes")
        several_I = votes.count_I > 1
        variance_I = np.zeros(len(there_I)) if votes.variance_I is None else votes.variance_I * several_I
        self.measured = votes.variance_I is not None and bool(several_I.any())
        _check(self.measured or scale is not None, "no item has two votes whose variance is known: give the scale for a model of it")
        self.scale, self.items = scale, int(there_I.sum())
        self.centre = float(votes.mean_I[there_I].mean())
        judge_I = np.zeros(len(there_I)) if judge_I is None else kept(judge_I, there_I)
        at = float(judge_I[there_I].mean())
        mean_I, mark_I = (np.where(there_I, v - c, 0.0) for v, c in ((votes.mean_I, self.centre), (judge_I, at)))
        error_I = np.where(there_I, judge_I - votes.mean_I, 0.0) ** 2
        one_I = there_I / np.maximum(votes.count_I, 1)
        products = [mean_I, mean_I**2, variance_I * one_I, variance_I, several_I, one_I, mark_I, mark_I**2, mark_I * mean_I, error_I]
        self.sums_IM = np.column_stack([there_I, *products]).astype(np.float64)

    def spread(self, sums_BM: Floats) -> tuple[Floats, Floats]:
        """Return the variance of means over items, and how much of it is noise."""
        count_B = np.maximum(sums_BM[:, 0], 1.0)
        mean_B = sums_BM[:, 1] / count_B
        variance_B = np.maximum(sums_BM[:, 2] / count_B - mean_B**2, 0.0)
        if self.measured:
            typical_B = divided(sums_BM[:, 4], sums_BM[:, 5])
            return variance_B, (sums_BM[:, 3] + typical_B * (sums_BM[:, 0] - sums_BM[:, 5])) / count_B
        assert self.scale is not None
        room_B = (mean_B + self.centre - self.scale.low) * (self.scale.high - mean_B - self.centre)
        one_B = sums_BM[:, 6] / count_B
        return variance_B, one_B * divided(room_B - variance_B, self.scale.points - 1 - one_B)

    def bound(self, sums_BM: Floats) -> Floats:
        """Return the highest correlation."""
        variance_B, noise_B = self.spread(sums_BM)
        return np.sqrt(np.maximum(1.0 - divided(noise_B, variance_B), 0.0))

    def reached(self, sums_BM: Floats) -> Floats:
        """Return the judge's correlation."""
        count_B = np.maximum(sums_BM[:, 0], 1.0)
        (mean_B, mark_B), (mean2_B, mark2_B) = (sums_BM[:, [1, 7]] / count_B[:, None]).T, (sums_BM[:, [2, 8]] / count_B[:, None]).T
        spread_B = np.maximum(mean2_B - mean_B**2, 0.0) * np.maximum(mark2_B - mark_B**2, 0.0)
        return np.clip(divided(sums_BM[:, 9] / count_B - mean_B * mark_B, np.sqrt(spread_B)), -1.0, 1.0)


class Against(NamedTuple):
    """What a judge reaches beside what can be reached, with intervals over clusters of items."""

    pcc: Figure
    """The judge's correlation with the means of votes."""
    bound: Figure
    """The highest that any judge can reach."""
    fraction: Figure
    """The one over the other."""
    mse: Figure
    """The judge's mean squared error."""
    excess_mse: Figure
    """How far it lies above the lowest that any judge can reach."""


def against_ceiling(
    judge_I: Floats, votes: Votes, cluster_I: NDArray[np.int64], scale: VoteScale | None = None, resamples: int = 1000, seed: int = 0
) -> Against:
    """Return how much of the ceiling a judge reaches.

    Parameters
    ----------
    judge_I : (I,) float
        The judge's marks; those of items without votes are not looked at.
    votes : Votes
        The people's votes.
    cluster_I : (I,) int
        The cluster of each item.
    scale : VoteScale, optional
        As for `ceiling_of_votes`.
    resamples : int
        Bootstrap resamples of clusters.
    seed : int
        Their seed.

    Returns
    -------
    Against

    Raises
    ------
    ConfigError
        As for `ceiling_of_votes`.
    """
    made = _Moments(votes, scale, judge_I)
    statistics: list[tuple[Callable[[Floats], Floats], str]] = [
        (made.reached, "judge or votes are constant"),
        (made.bound, "the means of votes are constant, or one yes/no vote an item does not tell noise from signal"),
        (lambda s: divided(made.reached(s), made.bound(s)), _SILENT),
        (lambda s: divided(s[:, 10], s[:, 0]), "there are no votes"),
        (lambda s: divided(s[:, 10], s[:, 0]) - made.spread(s)[1], "one yes/no vote an item does not tell noise from signal"),
    ]
    return Against(*estimates([Sums(made.sums_IM, *s) for s in statistics], cluster_I, resamples, seed))


def simulate_votes(
    quality_I: Floats, count_I: NDArray[np.int64], scale: VoteScale, rng: np.random.Generator
) -> tuple[Floats, NDArray[np.bool_]]:
    """Return votes drawn from the binomial model.

    Parameters
    ----------
    quality_I : (I,) float
        True quality, on the scale.
    count_I : (I,) int
        Votes an item.
    scale : VoteScale
        Their scale.
    rng : Generator
        Draws them.

    Returns
    -------
    value_JI : (J, I) float
        The votes.
    known_JI : (J, I) bool
        The first `count_I` of each column.

    Raises
    ------
    ConfigError
        If a quality is off the scale.
    """
    shape = (int(np.max(count_I, initial=0)), len(quality_I))
    steps_JI = rng.binomial(scale.points - 1, _place(quality_I, scale), shape).astype(np.float64)
    return scale.low + _step(scale) * steps_JI, np.arange(shape[0])[:, None] < count_I


def _step(scale: VoteScale) -> float:
    return (scale.high - scale.low) / (scale.points - 1)


def _place(quality_I: Floats, scale: VoteScale) -> Floats:
    _check(scale.points >= 2 and scale.low < scale.high, _SCALE)
    place_I: Floats = (quality_I - scale.low) / (scale.high - scale.low)
    _check(bool(((place_I >= 0) & (place_I <= 1)).all()), "a quality lies off the scale")
    return place_I


def simulated_ceiling(
    votes: Votes, scale: VoteScale, measure: Measure, threshold: float | None = None, draws: int = 200, seed: int = 0
) -> tuple[Figure, Figure]:
    """Return what a perfect judge, and what a second panel, reach against such votes by a measure that has no formula.

    Parameters
    ----------
    votes : Votes
        The votes. True qualities are drawn anew from what their means tell of them, as if both were normal.
    scale : VoteScale
        Their scale.
    measure : Measure
        How the two are compared.
    threshold : float, optional
        For accuracy; None is the middle of the scale.
    draws : int
        Simulated panels, by the binomial model.
    seed : int
        Their seed.

    Returns
    -------
    perfect, panel : Figure
        Means over draws, with the range that holds 95 % of them.

    Raises
    ------
    ConfigError
        If there are no votes, or means lie off the scale.
    """
    found = ceiling_of_votes(votes, scale)
    there_I = votes.count_I > 0
    items, count_N, mean_N = int(there_I.sum()), votes.count_I[there_I], votes.mean_I[there_I]
    if not found.pcc or not found.quality_variance:
        none = Figure(None, None, None, None, items, items, found.warnings[0])
        return none, none
    _place(mean_N, scale)
    rng = np.random.default_rng(seed)
    spread = np.sqrt(found.quality_variance * (1 - found.pcc**2))
    truth_DN = mean_N.mean() + found.pcc**2 * (mean_N - mean_N.mean()) + rng.normal(0, spread, (draws, items))
    truth_DN = np.clip(truth_DN, scale.low, scale.high)
    steps_2DN = rng.binomial(count_N * (scale.points - 1), _place(truth_DN, scale), (2, draws, items))
    first_DN, second_DN = scale.low + _step(scale) * steps_2DN / count_N
    cut = (scale.low + scale.high) / 2 if threshold is None else threshold
    figures = []
    for judge_DN in (truth_DN, second_DN):
        drawn = np.array([_compared(a, b, measure, cut) for a, b in zip(judge_DN, first_DN, strict=True)])
        low, high = np.quantile(drawn, [0.025, 0.975])
        figures.append(Figure(float(drawn.mean()), float(low), float(high), float(drawn.std()), items, items))
    return figures[0], figures[1]


def _compared(first_N: Floats, second_N: Floats, measure: Measure, cut: float) -> float:
    """Return how two ratings agree; 0 where one is constant."""
    if measure == "accuracy":
        return float(np.mean((first_N >= cut) == (second_N >= cut)))
    if not (np.ptp(first_N) > 0 and np.ptp(second_N) > 0):
        return 0.0
    if measure == "kendall":
        return float(stats.kendalltau(first_N, second_N).statistic)
    if measure == "spearman":
        first_N, second_N = stats.rankdata(first_N), stats.rankdata(second_N)
    return float(np.corrcoef(first_N, second_N)[0, 1])
