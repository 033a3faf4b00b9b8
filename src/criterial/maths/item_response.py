"""Item response theory of right and wrong answers: abilities of systems, and how hard and how telling each item is (2PL and Rasch)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import rankdata

from criterial.errors import ConfigError
from criterial.maths.finite import check_finite, check_shares
from criterial.maths.marginal import Errors, checked, marginal_fit, posterior

__all__ = ["ItemFit", "ItemModel", "Shrunk", "ability_of", "fit_items", "information", "next_item", "predict", "shrink"]

ItemModel = Literal["2pl", "rasch"]
"""A slope an item, or one slope for all, estimated."""


@dataclass(frozen=True)
class ItemFit:
    """A model of S systems and I items: P(right) = 1 / (1 + exp(-slope (ability - difficulty)))."""

    value_SI: NDArray[np.float64]
    """The marks it was fitted to, 0 where not known."""
    known_SI: NDArray[np.bool_]
    """Which marks were known."""
    model: ItemModel
    """Which model."""
    ability_S: NDArray[np.float64]
    """Mean of each system's ability given its marks, in standard deviations of the panel: not to be compared between panels."""
    ability_se_S: NDArray[np.float64]
    """Its standard deviation given the marks, items taken as known: its error within this panel."""
    ability_cov_SS: NDArray[np.float64] | None
    """Covariance of the abilities with the items' own error in it, for differences of systems and for other panels of the same law;
    None where the information is not positive definite, or they were not asked for."""
    slope_I: NDArray[np.float64]
    """Discriminations, more than 0: an item that better systems fail more often comes near to 0."""
    slope_se_I: NDArray[np.float64] | None
    """Their standard errors, or None as above."""
    difficulty_I: NDArray[np.float64]
    """Ability at which right is as likely as wrong."""
    difficulty_se_I: NDArray[np.float64] | None
    """Their standard errors, or None as above."""
    constant_I: NDArray[np.bool_]
    """Items that all, or none, got right, or nobody was asked. They are kept; what is said of them is mostly the prior."""
    loglik: float
    """Marginal log-likelihood, without the priors."""
    iterations: int
    """Steps of the optimiser."""
    gradient: float
    """Largest slope of the penalised log-likelihood that is left, by log slope or intercept."""
    converged: bool
    """Whether the optimiser came to rest."""


@dataclass(frozen=True)
class Shrunk:
    """A few items in place of all, K of them."""

    item_K: NDArray[np.int64]
    """Which, the most telling first."""
    ability_S: NDArray[np.float64]
    """Abilities from these items alone, on the scale of the whole."""
    ability_se_S: NDArray[np.float64]
    """Their standard deviations given the marks."""
    agreement: float | None
    """Spearman's correlation with the abilities from all items; None where either does not vary."""


def fit_items(value_SI: NDArray[np.float64], known_SI: NDArray[np.bool_], model: ItemModel = "2pl", errors: Errors = "all") -> ItemFit:
    """Return abilities and items by marginal maximum likelihood.

    Parameters
    ----------
    value_SI : (S, I) float
        1 right, 0 wrong. A fraction counts as that share of a right and the rest of a wrong answer: fits hold, errors are then too large.
        What stands in unknown cells is not read.
    known_SI : (S, I) bool
        Which cells are known; the rest is skipped.
    model : {"2pl", "rasch"}
        A slope an item, or one slope for all, which is estimated.
    errors : {"all", "items", "none"}
        Whose errors are worked out; `ability_se_S` always is.

    Returns
    -------
    ItemFit

    Raises
    ------
    ConfigError
        Arrays do not fit each other, are too small, or hold marks outside [0, 1].

    Notes
    -----
    The estimator and its priors are those of `criterial.maths.marginal.marginal_fit`.

    References
    ----------
    Bock and Aitkin (1981), Psychometrika 46. Luo et al. (2025), arXiv 2509.24186, for its use on systems.
    """
    value, known = checked(value_SI, known_SI)
    if np.any(value > 1):
        raise ConfigError("marks lie in [0, 1]; for more levels use fit_graded")
    found = marginal_fit(_marks(value, known), "free" if model == "2pl" else "equal", errors)
    return ItemFit(
        value,
        known,
        model,
        found.ability_S,
        found.ability_se_S,
        found.ability_cov_SS,
        found.slope_I,
        found.slope_se_I,
        found.threshold_IT[:, 0],
        None if found.threshold_se_IT is None else found.threshold_se_IT[:, 0],
        found.constant_I,
        found.loglik,
        found.iterations,
        found.gradient,
        found.converged,
    )


def ability_of(
    value_SI: NDArray[np.float64], known_SI: NDArray[np.bool_], slope_I: NDArray[np.float64], difficulty_I: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return abilities given items that are known, as for a new system, or from some of the items.

    Parameters
    ----------
    value_SI : (S, I) float
        Marks in [0, 1].
    known_SI : (S, I) bool
        Which are known.
    slope_I : (I,) float
        Discriminations.
    difficulty_I : (I,) float
        Difficulties.

    Returns
    -------
    tuple of ((S,) float, (S,) float)
        Posterior means and standard deviations; 0 and 1 for a system of which nothing is known.

    Raises
    ------
    ConfigError
        If a mark that is known lies outside [0, 1], or an item's slope or difficulty is not finite.
    """
    check_shares(np.where(known_SI, value_SI, 0.0))
    check_finite(slope_I, difficulty_I)
    node_Q, post_SQ = posterior(_marks(value_SI, known_SI), slope_I, -(slope_I * difficulty_I)[None])
    mean_S = post_SQ @ node_Q
    return mean_S, np.sqrt(np.sum(post_SQ * (node_Q - mean_S[:, None]) ** 2, axis=1))


def information(fit: ItemFit, theta_G: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Fisher's information of each item about an ability.

    Parameters
    ----------
    fit : ItemFit
        The items.
    theta_G : (G,) float
        Abilities.

    Returns
    -------
    (G, I) float
        slope^2 P (1 - P).

    Raises
    ------
    ConfigError
        If an ability is not finite.
    """
    check_finite(theta_G)
    right_GI = _right(fit, theta_G)
    return fit.slope_I**2 * right_GI * (1.0 - right_GI)


def next_item(fit: ItemFit, theta: float, asked_I: NDArray[np.bool_]) -> int:
    """Return the item that tells most about a system of that ability.

    Parameters
    ----------
    fit : ItemFit
        The items.
    theta : float
        The ability as far as it is known, from `ability_of`.
    asked_I : (I,) bool
        Which items were asked already.

    Returns
    -------
    int

    Raises
    ------
    ConfigError
        All items were asked.
    """
    if np.all(asked_I):
        raise ConfigError("all items were asked")
    return int(np.argmax(np.where(asked_I, -1.0, information(fit, np.array([theta]))[0])))


def shrink(fit: ItemFit, k: int) -> Shrunk:
    """Return the few items that tell most about the systems at hand.

    Parameters
    ----------
    fit : ItemFit
        The items and systems.
    k : int
        How many items, from 1 to all.

    Returns
    -------
    Shrunk

    Raises
    ------
    ConfigError
        k is out of range.

    Notes
    -----
    Greedy: each item added makes the systems' mean of 1 / (1 + information so far) smallest, their expected posterior variance.
    The same systems chose the items, so that the agreement is that of these systems; new ones agree a little less.
    """
    if not 1 <= k <= len(fit.slope_I):
        raise ConfigError(f"cannot keep {k} of {len(fit.slope_I)} items")
    told_SI = information(fit, fit.ability_S)
    sum_S = np.ones(len(fit.ability_S))
    left_I = np.ones(len(fit.slope_I), dtype=np.bool_)
    chosen = []
    for _ in range(k):
        variance_I = np.mean(1.0 / (sum_S[:, None] + told_SI), axis=0)
        best = int(np.argmin(np.where(left_I, variance_I, np.inf)))
        chosen.append(best)
        left_I[best] = False
        sum_S += told_SI[:, best]
    item_K = np.array(chosen, dtype=np.int64)
    few = (fit.value_SI[:, item_K], fit.known_SI[:, item_K], fit.slope_I[item_K], fit.difficulty_I[item_K])
    ability_S, se_S = ability_of(*few)
    return Shrunk(item_K, ability_S, se_S, _spearman(ability_S, fit.ability_S))


def predict(fit: ItemFit) -> NDArray[np.float64]:
    """Return how likely each system gets each item right, over what is not known of its ability.

    Parameters
    ----------
    fit : ItemFit
        The fit; cells that it did not know are predicted too.

    Returns
    -------
    (S, I) float
    """
    node_Q, post_SQ = posterior(_marks(fit.value_SI, fit.known_SI), fit.slope_I, -(fit.slope_I * fit.difficulty_I)[None])
    return post_SQ @ _right(fit, node_Q)


def _right(fit: ItemFit, theta_G: NDArray[np.float64]) -> NDArray[np.float64]:
    right_GI: NDArray[np.float64] = expit(fit.slope_I * (theta_G[:, None] - fit.difficulty_I))
    return right_GI


def _marks(value_SI: NDArray[np.float64], known_SI: NDArray[np.bool_]) -> NDArray[np.float64]:
    right = np.where(known_SI, value_SI, 0.0)
    return np.stack([known_SI - right, right])


def _spearman(one_S: NDArray[np.float64], two_S: NDArray[np.float64]) -> float | None:
    one, two = (rankdata(v) - (len(v) + 1) / 2 for v in (one_S, two_S))
    size = np.sqrt((one @ one) * (two @ two))
    return float(one @ two / size) if size > 0 else None
