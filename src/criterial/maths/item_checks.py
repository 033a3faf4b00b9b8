"""Whether items deserve trust: keys that better systems contradict, twins, more than one ability, and answers that no model fits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.linalg import eigh
from scipy.special import expit

from criterial.errors import ConfigError
from criterial.maths.finite import check_shares
from criterial.maths.item_response import ItemFit, fit_items
from criterial.maths.marginal import checked

__all__ = [
    "LEAST_SYSTEMS",
    "Dimensions",
    "Flaws",
    "ItemMisfit",
    "ItemTotal",
    "LocalDependence",
    "OneAbility",
    "dimensions",
    "flaws_of",
    "item_misfit",
    "item_total",
    "local_dependence",
    "one_ability",
    "simulated",
]

LEAST_SYSTEMS = 30
"""With fewer systems a discrimination cannot be estimated: at 20 it correlates .4 with the truth."""

_WEAK_SLOPE, _WEAK_TOTAL = 0.3, 0.1
_MIDDLE = (0.1, 0.9)
_RATIO = 3.0
_MOST_ITEMS = 300
_LEVEL = 0.95
# two items that one and the same system alone got right correlate 1 by chance
_LEAST_VARIANCE = 3.0


class ItemTotal(NamedTuple):
    """Each item's correlation with the rest."""

    r_I: NDArray[np.float64]
    """Correlations; 0 where not defined."""
    low_I: NDArray[np.float64]
    """Low end of the 95 % interval; -1 where not defined."""
    high_I: NDArray[np.float64]
    """High end; 1 where not defined."""
    p_I: NDArray[np.float64]
    """How likely a correlation as low is where there is none or a positive one; 1 where not defined."""
    defined_I: NDArray[np.bool_]
    """Items that at least four systems answered, in different ways, with other items to compare."""


class Dimensions(NamedTuple):
    """Whether one ability explains the marks."""

    first: float
    """Largest eigenvalue of the approximate tetrachoric correlations."""
    second: float
    """Second largest."""
    ratio: float | None
    """First to second; None with fewer than three items that vary."""
    one: bool
    """Whether the ratio is above 3."""


class OneAbility(NamedTuple):
    """Whether more than one ability is at work, beside what chance does to a benchmark of one."""

    ratio: float | None
    """First eigenvalue to the second; None with fewer than three items that vary."""
    bar: float
    """What the ratio of one in twenty clean benchmarks of that shape falls below, or 3 if that is less."""
    one: bool
    """Whether the ratio reaches the bar."""


class LocalDependence(NamedTuple):
    """Pairs of items that agree beyond what ability explains."""

    q3_II: NDArray[np.float64]
    """Correlations of residuals, abilities taken without the pair; 0 on the diagonal and where, of the systems that have both, nearly
    all, or nearly none, got one right."""
    threshold: float
    """What the largest of all pairs exceeds in one of twenty clean benchmarks of that shape."""
    pair_P2: NDArray[np.int64]
    """Pairs above it, the strongest first."""


class ItemMisfit(NamedTuple):
    """How far shares of right answers lie from the model's, over bins of ability."""

    chi2_I: NDArray[np.float64]
    """Sum over bins of squared standardised residuals."""
    p_I: NDArray[np.float64]
    """How likely one as large is for an item that fits, by simulation."""


@dataclass(frozen=True)
class Flaws:
    """What is wrong with each item."""

    ceiling_I: NDArray[np.bool_]
    """All known answers right."""
    floor_I: NDArray[np.bool_]
    """None right."""
    miskeyed_I: NDArray[np.bool_]
    """Correlation with the rest below 0: the key is wrong, or the item is ambiguous."""
    weak_I: NDArray[np.bool_]
    """Slope below .3, or correlation below .1 though between 10 and 90 % got it right; not those miskeyed."""
    estimable: bool
    """Whether there are systems enough for discriminations to mean something; if not, `weak_I` rests on correlations alone."""


def item_total(value_SI: NDArray[np.float64], known_SI: NDArray[np.bool_], cluster_S: NDArray[np.int64] | None = None) -> ItemTotal:
    """Return the correlation of each item with the mean of a system's other items.

    Parameters
    ----------
    value_SI : (S, I) float
        Marks.
    known_SI : (S, I) bool
        Which are known.
    cluster_S : (S,) int, optional
        Systems of one cluster may depend on one another, as responses to one task do; left out, none do.

    Returns
    -------
    ItemTotal

    Raises
    ------
    ConfigError
        Arrays do not fit each other, or are too small.

    Notes
    -----
    Marks are centred by item first, so that a system that was asked hard items only is not taken for a weak one. Intervals by Fisher's z;
    with clusters, by the linearised variance over them where that is wider.
    """
    value, known = checked(value_SI, known_SI)
    n_I = known.sum(axis=0)
    centred = np.where(known, value - value.sum(axis=0) / np.maximum(n_I, 1), 0.0)
    others = known.sum(axis=1, keepdims=True) - known
    both = known & (others > 0)
    rest = np.where(both, (centred.sum(axis=1, keepdims=True) - centred) / np.maximum(others, 1), 0.0)
    n_I = both.sum(axis=0)
    count = np.maximum(n_I, 1)
    x, y = (np.where(both, v - np.sum(v * both, axis=0) / count, 0.0) for v in (centred, rest))
    size = np.sqrt(np.sum(x * x, axis=0) * np.sum(y * y, axis=0))
    defined = (n_I > 3) & (size > 1e-12)
    r = np.clip(np.divide(np.sum(x * y, axis=0), size, out=np.zeros_like(size), where=defined), -1.0, 1.0)
    z = np.arctanh(np.clip(r, -1 + 1e-12, 1 - 1e-12))
    se, degrees = 1.0 / np.sqrt(np.maximum(n_I - 3, 1)), np.inf
    if cluster_S is not None:
        clustered, degrees = _clustered(x, y, r, defined, cluster_S)
        se = np.maximum(se, clustered)
    reach = stats.t.ppf(0.5 + _LEVEL / 2, degrees) * se
    low, high = np.where(defined, np.tanh(z - reach), -1.0), np.where(defined, np.tanh(z + reach), 1.0)
    return ItemTotal(r, low, high, np.where(defined, stats.t.cdf(z / se, degrees), 1.0), defined)


def _clustered(
    x_SI: NDArray[np.float64],
    y_SI: NDArray[np.float64],
    r_I: NDArray[np.float64],
    defined_I: NDArray[np.bool_],
    cluster_S: NDArray[np.int64],
) -> tuple[NDArray[np.float64], float]:
    """Return the standard error of each correlation's z over clusters, and its degrees of freedom."""
    _, cluster_S = np.unique(cluster_S, return_inverse=True)
    clusters = int(cluster_S.max()) + 1
    if clusters < 2:
        return np.zeros(len(r_I)), np.inf
    squares = [np.where(defined_I, np.sum(v * v, axis=0), 1.0) for v in (x_SI, y_SI)]
    x, y = (v / np.sqrt(size) for v, size in zip((x_SI, y_SI), squares, strict=True))
    sum_TI = np.zeros((clusters, len(r_I)))
    np.add.at(sum_TI, cluster_S, x * y - r_I * (x * x + y * y) / 2)
    error_I = np.sqrt(clusters / (clusters - 1) * np.sum(sum_TI**2, axis=0)) / np.maximum(1.0 - r_I**2, 1e-6)
    return error_I, clusters - 1.0


def dimensions(value_SI: NDArray[np.float64], known_SI: NDArray[np.bool_]) -> Dimensions:
    """Return whether the marks look like those of one ability.

    Parameters
    ----------
    value_SI : (S, I) float
        Marks, 0 or 1.
    known_SI : (S, I) bool
        Which are known.

    Returns
    -------
    Dimensions
        Items that do not vary are left out.

    Raises
    ------
    ConfigError
        Arrays do not fit each other or are too small, or a mark lies outside [0, 1].

    Notes
    -----
    Tetrachoric correlations by Pearson's cosine, cos(pi / (1 + sqrt(odds ratio))), half a system added to each cell of a pair's table.
    """
    value, known = checked(value_SI, known_SI)
    check_shares(value)
    right, wrong = value, known - value
    vary = (right.sum(axis=0) > 0) & (wrong.sum(axis=0) > 0)
    right, wrong = right[:, vary], wrong[:, vary]
    if right.shape[1] < 3:
        return Dimensions(0.0, 0.0, None, False)
    same = (right.T @ right + 0.5) * (wrong.T @ wrong + 0.5)
    cross = right.T @ wrong + 0.5
    matrix = np.cos(np.pi / (1.0 + np.sqrt(same / (cross * cross.T))))
    np.fill_diagonal(matrix, 1.0)
    last = len(matrix) - 1
    second, first = (float(v) for v in eigh(matrix, eigvals_only=True, subset_by_index=[last - 1, last]))
    return Dimensions(first, second, first / second, first > _RATIO * second)


def one_ability(fit: ItemFit, resamples: int = 20, seed: int = 0) -> OneAbility:
    """Return whether one ability explains the marks, as well as it would in benchmarks of one ability and that shape.

    Parameters
    ----------
    fit : ItemFit
        The fit, of marks 0 and 1.
    resamples : int
        Benchmarks drawn from the model.
    seed : int
        Seed of the draws.

    Returns
    -------
    OneAbility

    Notes
    -----
    The customary bar of 3 is for many systems: with 30 systems and 60 items most clean benchmarks stay below it. Of more than 300 items a
    random 300 are looked at.
    """
    rng = np.random.default_rng(seed)
    vary_I = np.flatnonzero(~fit.constant_I)
    some = np.sort(rng.permutation(vary_I)[:_MOST_ITEMS])
    if len(some) < 3:
        return OneAbility(None, _RATIO, False)
    known = fit.known_SI[:, some]
    found = dimensions(fit.value_SI[:, some], known)
    if found.ratio is None or found.one:
        return OneAbility(found.ratio, _RATIO, found.one)
    ratios = []
    for _ in range(resamples):
        right = expit(fit.slope_I[some] * (rng.standard_normal(len(known))[:, None] - fit.difficulty_I[some]))
        ratios.append(dimensions((rng.random(right.shape) < right).astype(np.float64), known).ratio or _RATIO)
    bar = min(_RATIO, float(np.quantile(ratios, 1 - _LEVEL)))
    return OneAbility(found.ratio, bar, found.ratio >= bar)


def simulated(fit: ItemFit, resamples: int, seed: int = 0) -> list[ItemFit]:
    """Return fits of benchmarks drawn from the model, with new systems from the prior and the same cells known.

    Parameters
    ----------
    fit : ItemFit
        The model.
    resamples : int
        How many.
    seed : int
        Seed of the draws.

    Returns
    -------
    list of ItemFit
        Without errors of items.
    """
    rng = np.random.default_rng(seed)
    return [_again(fit, rng) for _ in range(resamples)]


def local_dependence(fit: ItemFit, resamples: int = 40, seed: int = 0, clean: Sequence[ItemFit] | None = None) -> LocalDependence:
    """Return the pairs of items that agree beyond what ability explains, such as near-duplicates (Yen's Q3).

    Parameters
    ----------
    fit : ItemFit
        The fit.
    resamples : int
        Benchmarks simulated from the fit, with the same cells known.
    seed : int
        Seed of the simulation.
    clean : sequence of ItemFit, optional
        What `simulated` gave already, in place of new draws.

    Returns
    -------
    LocalDependence

    Raises
    ------
    ConfigError
        Fewer than 20 resamples, from which no 95 % threshold can be read.

    References
    ----------
    Yen (1984), Applied Psychological Measurement 8; Christensen, Makransky and Horton (2017), same journal 41, for the threshold.
    """
    resamples = resamples if clean is None else len(clean)
    if resamples < 20:
        raise ConfigError(f"{resamples} resamples; a 95 % threshold needs at least 20")
    clean = simulated(fit, resamples, seed) if clean is None else clean
    threshold = float(np.quantile([_q3(other).max() for other in clean], _LEVEL))
    q3_II = _q3(fit)
    pair_P2 = np.argwhere(np.triu(q3_II, 1) > threshold)
    strength_P = q3_II[pair_P2[:, 0], pair_P2[:, 1]]
    return LocalDependence(q3_II, threshold, pair_P2[np.argsort(-strength_P, kind="stable")])


def item_misfit(fit: ItemFit, bins: int = 5, resamples: int = 10, seed: int = 0, clean: Sequence[ItemFit] | None = None) -> ItemMisfit:
    """Return how far each item's share of right answers lies from the model's over bins of ability.

    Parameters
    ----------
    fit : ItemFit
        The fit.
    bins : int
        How many bins of about equally many systems; at least 2.
    resamples : int
        Benchmarks simulated from the fit and fitted anew. Their items are pooled, so that a few benchmarks will do.
    seed : int
        Seed of the simulation.
    clean : sequence of ItemFit, optional
        What `simulated` gave already, in place of new draws.

    Returns
    -------
    ItemMisfit

    Raises
    ------
    ConfigError
        Fewer than 2 bins, or no resample.
    """
    resamples = resamples if clean is None else len(clean)
    if bins < 2 or resamples < 1:
        raise ConfigError(f"{bins} bins and {resamples} resamples; item fit needs at least 2 and 1")
    clean = simulated(fit, resamples, seed) if clean is None else clean
    drawn = np.sort(np.concatenate([_chi2(other, bins) for other in clean]))
    chi2_I = _chi2(fit, bins)
    above_I = len(drawn) - np.searchsorted(drawn, chi2_I, side="left")
    return ItemMisfit(chi2_I, (1.0 + above_I.astype(np.float64)) / (1.0 + len(drawn)))


def flaws_of(fit: ItemFit) -> Flaws:
    """Return what is wrong with each item, from its correlation with the rest and its slope.

    Parameters
    ----------
    fit : ItemFit
        The fit. A slope cannot be negative, so that only the correlation shows a wrong key.

    Returns
    -------
    Flaws
    """
    total = item_total(fit.value_SI, fit.known_SI)
    n_I = fit.known_SI.sum(axis=0)
    share_I = fit.value_SI.sum(axis=0) / np.maximum(n_I, 1)
    middle = (share_I >= _MIDDLE[0]) & (share_I <= _MIDDLE[1])
    estimable = len(fit.ability_S) >= LEAST_SYSTEMS
    miskeyed = total.defined_I & (total.r_I < 0)
    weak = middle & total.defined_I & (total.r_I < _WEAK_TOTAL)
    if estimable:
        weak |= ~fit.constant_I & (fit.slope_I < _WEAK_SLOPE)
    return Flaws((n_I > 0) & (share_I == 1), (n_I > 0) & (share_I == 0), miskeyed, weak & ~miskeyed, estimable)


def _again(fit: ItemFit, rng: np.random.Generator) -> ItemFit:
    theta_S = rng.standard_normal(len(fit.ability_S))
    right = expit(fit.slope_I * (theta_S[:, None] - fit.difficulty_I))
    return fit_items((rng.random(right.shape) < right).astype(np.float64), fit.known_SI, fit.model, "none")


def _expected(fit: ItemFit) -> NDArray[np.float64]:
    """Return how likely each cell is right at the abilities found; 0 in unknown cells."""
    right_SI: NDArray[np.float64] = fit.known_SI * expit(fit.slope_I * (fit.ability_S[:, None] - fit.difficulty_I))
    return right_SI


def _q3(fit: ItemFit) -> NDArray[np.float64]:
    """Return correlations of residuals, each pair's at the abilities without the pair.

    Without items i and j an ability moves by -variance (a_i e_i + a_j e_j), to first order, and the residual of i by a_i P (1 - P)
    times that. So it is own + bend_i pull_j, a sum of products over systems, and all pairs take a few products of matrices.
    """
    right_SI = _expected(fit)
    known = fit.known_SI.astype(np.float64)
    left = fit.value_SI - right_SI
    pull = fit.slope_I * left
    bend = fit.ability_se_S[:, None] ** 2 * fit.slope_I * right_SI * (1.0 - right_SI)
    own = left + bend * pull
    n = np.maximum(known.T @ known, 1.0)
    mean = (own.T @ known + bend.T @ pull) / n
    spread = ((own**2).T @ known + 2 * (own * bend).T @ pull + (bend**2).T @ pull**2) / n - mean**2
    mixed = (own * pull).T @ bend
    product = (own.T @ own + mixed + mixed.T + (bend * pull).T @ (bend * pull)) / n - mean * mean.T
    size = np.sqrt(np.maximum(spread * spread.T, 0.0))
    told = (right_SI * (1.0 - right_SI)).T @ known >= _LEAST_VARIANCE
    q3 = np.divide(product, size, out=np.zeros_like(size), where=(size > 1e-9) & told & told.T)
    np.fill_diagonal(q3, 0.0)
    return q3


def _chi2(fit: ItemFit, bins: int) -> NDArray[np.float64]:
    right_SI = _expected(fit)
    rank_S = np.argsort(np.argsort(fit.ability_S, kind="stable"), kind="stable")
    bin_SB = ((rank_S * bins // len(rank_S))[:, None] == np.arange(bins)).astype(np.float64)
    off_BI = bin_SB.T @ (fit.value_SI - right_SI)
    variance_BI = bin_SB.T @ (right_SI * (1.0 - right_SI))
    chi2_I: NDArray[np.float64] = np.divide(off_BI**2, variance_BI, out=np.zeros_like(off_BI), where=variance_BI > 1e-9).sum(axis=0)
    return chi2_I
