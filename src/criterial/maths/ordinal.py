"""Probabilities over ordered levels: who of two wins, how spread out a verdict is, and what to learn them from."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_cdt
from scipy.special import log_softmax

from criterial.errors import ConfigError
from criterial.maths.finite import check_finite, check_shares

__all__ = ["PairLoss", "Spread", "ordinal_preference", "region_flooding", "spread_of", "win_tie_lose"]

_MOST, _LEAST_LOG = 30.0, -1e5


class Spread(NamedTuple):
    """What a distribution over levels amounts to, R of them."""

    mean_R: NDArray[np.float64]
    """Mean level."""
    variance_R: NDArray[np.float64]
    """Variance of the level."""
    entropy_R: NDArray[np.float64]
    """Entropy in bits, at most log2(L)."""
    two_peaks_R: NDArray[np.bool_]
    """Whether there are two peaks with a valley between them; nobody holds the mean then."""


class PairLoss(NamedTuple):
    """A loss on pairs with its slopes, P pairs and L levels."""

    loss_P: NDArray[np.float64]
    """The loss, at most 30."""
    chosen_PL: NDArray[np.float64]
    """How fast it rises with each logit of the chosen one."""
    rejected_PL: NDArray[np.float64]
    """And of the rejected one."""


def win_tie_lose(one_PL: NDArray[np.float64], other_PL: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how likely one of two independent levels is above, at and below the other.

    Parameters
    ----------
    one_PL : (P, L) float
        Probability of each level, lowest first.
    other_PL : (P, L) float
        And of the other.

    Returns
    -------
    (P, 3) float
        P(one > other), P(tie), P(one < other); they sum to 1 where the probabilities do.

    Raises
    ------
    ConfigError
        If a number is not finite.

    References
    ----------
    OPRM, arXiv 2602.12660 (card oprm).
    """
    check_finite(one_PL, other_PL)
    below = [np.cumsum(p, axis=1) - p for p in (one_PL, other_PL)]
    return np.stack([(one_PL * below[1]).sum(axis=1), (one_PL * other_PL).sum(axis=1), (other_PL * below[0]).sum(axis=1)], axis=1)


def spread_of(probs_RL: NDArray[np.float64], value_L: NDArray[np.float64] | None = None, valley: float = 0.1) -> Spread:
    """Return the mean, the spread and the number of peaks of distributions over levels.

    Parameters
    ----------
    probs_RL : (R, L) float
        Probability of each level, lowest first, at least two levels.
    value_L : (L,) float, optional
        What each level is worth; 0, 1, ... where not given.
    valley : float
        How much less likely than both peaks a level between them must be for these to count as two.

    Returns
    -------
    Spread

    Raises
    ------
    ConfigError
        If there are fewer than two levels, a probability is none, or what a level is worth is not finite.
    """
    if probs_RL.shape[1] < 2:
        raise ConfigError("a distribution is one over two levels or more")
    check_shares(probs_RL)
    value_L = np.arange(probs_RL.shape[1], dtype=np.float64) if value_L is None else value_L
    check_finite(value_L)
    mean_R = probs_RL @ value_L
    variance_R = (probs_RL * (value_L - mean_R[:, None]) ** 2).sum(axis=1)
    entropy_R = np.abs((probs_RL * np.log2(np.maximum(probs_RL, 1e-300))).sum(axis=1))
    left_RL, right_RL = (np.maximum.accumulate(probs_RL[:, ::way], axis=1)[:, ::way] for way in (1, -1))
    two_peaks_R = (np.minimum(left_RL, right_RL) - probs_RL).max(axis=1) >= valley - 1e-12
    return Spread(mean_R, variance_R, entropy_R, two_peaks_R)


def ordinal_preference(chosen_PL: NDArray[np.float64], rejected_PL: NDArray[np.float64]) -> PairLoss:
    """Return the loss -log P(chosen > rejected) of pairs: a tie counts against the model.

    Parameters
    ----------
    chosen_PL : (P, L) float
        Logits of the chosen one's levels, lowest first, at least two levels.
    rejected_PL : (P, L) float
        Logits of the rejected one's.

    Returns
    -------
    PairLoss

    Raises
    ------
    ConfigError
        If there are fewer than two levels, or a logit is not finite.

    Notes
    -----
    All in logarithms, so that nothing is lost where the levels lie far apart the wrong way. The loss is cut off at 30 and its slopes are
    not: pairs that are hopelessly wrong still learn.

    References
    ----------
    OPRM, arXiv 2602.12660 (card oprm).
    """
    levels = chosen_PL.shape[1]
    whole_P2 = np.tile(np.array([0, levels - 1]), (len(chosen_PL), 1))
    return region_flooding(chosen_PL, rejected_PL, whole_P2, whole_P2)


def region_flooding(
    chosen_PL: NDArray[np.float64],
    rejected_PL: NDArray[np.float64],
    chosen_P2: NDArray[np.int64],
    rejected_P2: NDArray[np.int64],
    flood: float = 0.5,
) -> PairLoss:
    """Return the loss of pairs whose members' levels are known to lie in bands, such as bad, normal and good.

    Parameters
    ----------
    chosen_PL : (P, L) float
        Logits of the chosen one's levels, lowest first, at least two levels.
    rejected_PL : (P, L) float
        Logits of the rejected one's.
    chosen_P2 : (P, 2) int
        First and last level, from 0, of the chosen one's band; all levels for a pair without a label.
    rejected_P2 : (P, 2) int
        And of the rejected one's.
    flood : float
        How much less each step away from the bands counts, 0 to 1: 1 is `ordinal_preference`, 0 counts the bands alone.

    Returns
    -------
    PairLoss

    Raises
    ------
    ConfigError
        If the flood is not 0 to 1, there are fewer than two levels, a logit is not finite, or a band is empty, leaves the levels, or
        leaves no way for the chosen one to be above the rejected one.

    Notes
    -----
    The loss is -log sum_ij W_ij p_i q_j with W = flood^d, d the steps from (i, j) to the nearest pair of levels that lies in both bands
    with i > j, and W = 0 where i <= j. Two accounts of the published form differ; this one has the limits of both.

    References
    ----------
    Region flooding tuning of OPRM, arXiv 2602.12660 (card oprm).
    """
    _check(chosen_PL, rejected_PL, flood)
    bands, place_P = np.unique(np.concatenate([chosen_P2, rejected_P2], axis=1), axis=0, return_inverse=True)
    weight_BLL = np.array([_log_weights(band.tolist(), chosen_PL.shape[1], flood) for band in bands]).reshape(-1, *[chosen_PL.shape[1]] * 2)
    chosen_log_PL, rejected_log_PL = (np.maximum(log_softmax(x, axis=1), _LEAST_LOG) for x in (chosen_PL, rejected_PL))
    joint_PLL = chosen_log_PL[:, :, None] + rejected_log_PL[:, None, :] + weight_BLL[place_P.reshape(-1)]
    peak_P = joint_PLL.max(axis=(1, 2))
    total_P = peak_P + np.log(np.exp(joint_PLL - peak_P[:, None, None]).sum(axis=(1, 2)))
    inside_PLL = np.exp(joint_PLL - total_P[:, None, None])
    chosen_slope_PL = np.exp(chosen_log_PL) - inside_PLL.sum(axis=2)
    rejected_slope_PL = np.exp(rejected_log_PL) - inside_PLL.sum(axis=1)
    return PairLoss(np.clip(-total_P, 0.0, _MOST), chosen_slope_PL, rejected_slope_PL)


def _check(chosen_PL: NDArray[np.float64], rejected_PL: NDArray[np.float64], flood: float) -> None:
    if chosen_PL.shape[1] < 2:
        raise ConfigError(f"a preference needs two levels or more, not {chosen_PL.shape[1]}")
    check_finite(chosen_PL, rejected_PL, most=np.finfo(np.float64).max)
    if not 0.0 <= flood <= 1.0:
        raise ConfigError(f"the flood is 0 to 1, not {flood:g}")


def _log_weights(band: list[int], levels: int, flood: float) -> NDArray[np.float64]:
    """Return log W of one pair of bands, -inf where W is 0."""
    for first, last in (band[:2], band[2:]):
        if not 0 <= first <= last < levels:
            raise ConfigError(f"a band has its first and last level between 0 and {levels - 1}, not {first} and {last}")
    level_L = np.arange(levels)
    above_LL = level_L[:, None] > level_L
    one_L, other_L = ((level_L >= first) & (level_L <= last) for first, last in (band[:2], band[2:]))
    region_LL = above_LL & one_L[:, None] & other_L
    if not region_LL.any():
        raise ConfigError(f"no level of the chosen band {band[0]} to {band[1]} is above one of the rejected band {band[2]} to {band[3]}")
    steps_LL = np.where(region_LL, 0, distance_transform_cdt(~region_LL, metric="taxicab"))
    step = np.log(max(flood, 1e-300))
    counted_LL = above_LL & ((steps_LL == 0) | (flood > 0.0))
    return np.where(counted_LL, steps_LL * step, -np.inf)
