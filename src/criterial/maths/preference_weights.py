"""Weights learned from preferences between two: logistic regression on differences of scores, by weights that are not negative."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from criterial.errors import ConfigError
from criterial.maths.bootstrap import cluster_weights
from criterial.maths.finite import check_counts, check_finite, check_shares

__all__ = ["GRID", "Pairs", "Penalty", "choose_penalty", "credit_of_margin", "fit_weights", "held_out", "resampled_shares", "shares"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
_STEPS, _FLAT, _DAMPED = 200, 1e-10, 1e-10
_EVEN = 1e-9  # margins and losses no further apart are equal but for rounding


class Penalty(NamedTuple):
    """How strongly weights are drawn to 0: ``l1 |w| + (1 - l1) w^2 / 2``, in sum, against `c` times the log loss."""

    c: float
    """What the loss counts; the smaller, the nearer to 0 all weights are."""
    l1: float = 0.0
    """0 is ridge, 1 the lasso, between them lies the elastic net."""


GRID: tuple[Penalty, ...] = tuple(Penalty(c, l1) for c, l1 in product((1e-3, 1e-2, 0.1, 1.0, 10.0, 100.0), (0.0, 0.5, 1.0)))
"""What is chosen from, the strongest first."""


class Pairs(NamedTuple):
    """Opinions on pairs, P of them, by how far the first response is ahead on each of D scores."""

    ahead_PD: Floats
    """Score of the first less that of the second; 0 where one is missing."""
    first_P: Floats
    """1 where the first is preferred, 0 where the second is, 0.5 for a tie."""
    cluster_P: NDArray[np.int64]
    """The task: opinions on one are not independent of each other."""
    weight_P: Floats
    """What each opinion counts, at least 0."""

    def where(self, keep_P: Flags) -> Pairs:
        """Return some of them.

        Parameters
        ----------
        keep_P : (P,) bool
            Which.

        Returns
        -------
        Pairs
        """
        return Pairs(self.ahead_PD[keep_P], self.first_P[keep_P], self.cluster_P[keep_P], self.weight_P[keep_P])


def fit_weights(pairs: Pairs, penalty: Penalty, signed: bool = False) -> Floats:
    """Return the weights under which the preferences are most likely, less the penalty.

    Parameters
    ----------
    pairs : Pairs
        The opinions. A tie counts as half a win of each.
    penalty : Penalty
        What draws weights to 0.
    signed : bool
        Whether weights may be negative.

    Returns
    -------
    (D,) float

    Raises
    ------
    ConfigError
        If numbers are not finite, an opinion lies outside [0, 1], nothing counts, or the penalty is none.

    Notes
    -----
    There is no intercept, so that it does not matter which response is called the first. Signed weights under a lasso are the differences
    of two that are not negative, of which the penalty leaves at most one above 0. The optimum is found by projected Newton steps; the
    L-BFGS-B of the source ends there too, and took ten times as long on a busy machine.

    References
    ----------
    Inbasekar et al. (2026), WorldJen, arXiv 2605.03475 (card worldjen, part F); Bertsekas (1982), SIAM J. Control and Optimization 20.
    """
    _check(pairs, penalty)
    if not signed:
        return _Problem(pairs, penalty).solved(np.zeros(pairs.ahead_PD.shape[1]))
    if penalty.l1 == 0.0:
        return _Problem(pairs, penalty).solved(np.full(pairs.ahead_PD.shape[1], -np.inf))
    size = pairs.ahead_PD.shape[1]
    both_D = _Problem(pairs._replace(ahead_PD=np.hstack([pairs.ahead_PD, -pairs.ahead_PD])), penalty).solved(np.zeros(2 * size))
    return both_D[:size] - both_D[size:]


class _Problem:
    """What is to be made small, for each unit of weight of opinions: log loss and penalty."""

    def __init__(self, pairs: Pairs, penalty: Penalty) -> None:
        total = penalty.c * float(pairs.weight_P.sum())
        self._ahead_PD, self._first_P, self._weight_P = pairs.ahead_PD, pairs.first_P, pairs.weight_P * (penalty.c / total)
        self._lasso, self._ridge = penalty.l1 / total, (1.0 - penalty.l1) / total

    def solved(self, least_D: Floats) -> Floats:
        """Return the best weights that are no less than some: by Newton's method on those that the bound does not hold back."""
        w_D: Floats = np.maximum(0.0, least_D)
        value, margin_P = self._value(w_D)
        for _ in range(_STEPS):
            chance_P = special.expit(margin_P)
            slope_D = np.einsum("pd,p->d", self._ahead_PD, self._weight_P * (chance_P - self._first_P)) + self._lasso + self._ridge * w_D
            free_D = (w_D > least_D) | (slope_D < 0)
            if not free_D.any() or np.abs(slope_D[free_D]).max() < _FLAT:
                break
            move_D = np.zeros(len(w_D))
            move_D[free_D] = self._newton(free_D, chance_P, slope_D[free_D])
            # where the bound bends Newton's step uphill, a short step along the slope still leads down
            for way_D in (move_D, np.where(free_D, -slope_D, 0.0)):
                better = self._descent(w_D, value, slope_D, way_D, least_D)
                if better is not None:
                    break
            if better is None:
                break
            w_D, value, margin_P = better
        return w_D

    def _value(self, w_D: Floats) -> tuple[float, Floats]:
        # einsum and not @: BLAS would wake its threads for each of thousands of small products
        margin_P = np.einsum("pd,d->p", self._ahead_PD, w_D)
        loss = float((self._weight_P * _log_loss(margin_P, self._first_P)).sum())
        return loss + float((self._lasso * w_D + self._ridge / 2 * w_D * w_D).sum()), margin_P

    def _newton(self, free_D: Flags, chance_P: Floats, slope_F: Floats) -> Floats:
        ahead_PF = self._ahead_PD[:, free_D]
        curve_FF = ahead_PF.T @ (ahead_PF * (self._weight_P * chance_P * (1.0 - chance_P))[:, None])
        # scores that say the same leave the lasso without a single best point
        curve_FF[np.diag_indices(len(curve_FF))] += self._ridge + _DAMPED
        try:
            return np.asarray(-np.linalg.solve(curve_FF, slope_F))
        except np.linalg.LinAlgError:  # scores so far apart that the penalty is lost in their digits: the slope leads on
            return np.zeros(len(slope_F))

    def _descent(self, w_D: Floats, value: float, slope_D: Floats, way_D: Floats, least_D: Floats) -> tuple[Floats, float, Floats] | None:
        """Return the first of ever shorter steps that gains what its slope promises, or None."""
        for halvings in range(40):
            to_D = np.maximum(w_D + way_D * 0.5**halvings, least_D)
            found, margin_P = self._value(to_D)
            if found <= value + 1e-4 * float((slope_D * (to_D - w_D)).sum()) and found < value:
                return to_D, found, margin_P
        return None


def _check(pairs: Pairs, penalty: Penalty) -> None:
    if not (penalty.c > 0 and np.isfinite(penalty.c) and 0 <= penalty.l1 <= 1):
        raise ConfigError(f"a penalty has c above 0 and l1 in [0, 1], not {penalty.c:g} and {penalty.l1:g}")
    _check_pairs(pairs)
    if not (pairs.ahead_PD.shape[1] and pairs.weight_P.sum() > 0):
        raise ConfigError("weights need opinions and scores to be learned from")


def _check_pairs(pairs: Pairs) -> None:
    check_finite(pairs.ahead_PD)
    check_counts(pairs.weight_P)
    if not ((pairs.first_P >= 0) & (pairs.first_P <= 1)).all():
        raise ConfigError("an opinion is 1 for the first, 0 for the second, 0.5 for a tie")


def _log_loss(margin_P: Floats, first_P: Floats) -> Floats:
    return np.asarray(np.logaddexp(0.0, margin_P) - first_P * margin_P)


def _folds(cluster_P: NDArray[np.int64], folds: int, seed: int) -> NDArray[np.int64]:
    """Return the part that each pair falls in; a cluster is never split."""
    _, cluster = np.unique(cluster_P, return_inverse=True)
    count = int(cluster.max(initial=-1)) + 1
    if count < 2:
        raise ConfigError("weights can be checked on tasks left out only where there are two tasks or more")
    fold_P: NDArray[np.int64] = (np.random.default_rng(seed).permutation(count) % min(folds, count))[cluster]
    return fold_P


def choose_penalty(pairs: Pairs, signed: bool = False, folds: int = 5, seed: int = 0, grid: Sequence[Penalty] = GRID) -> Penalty:
    """Return the penalty under which weights best predict opinions on tasks that were left out.

    Parameters
    ----------
    pairs : Pairs
        The opinions.
    signed : bool
        Whether weights may be negative.
    folds : int
        In how many parts the tasks are cut; no more than there are tasks.
    seed : int
        Seed of the cut.
    grid : sequence of Penalty
        What to choose from.

    Returns
    -------
    Penalty
        Of the least log loss; of equals the one that comes first.

    Raises
    ------
    ConfigError
        If there are fewer than two tasks, and as for `fit_weights`.
    """
    _check_pairs(pairs)
    fold_P = _folds(pairs.cluster_P, folds, seed)
    loss_G = np.zeros(len(grid))
    for fold in range(int(fold_P.max()) + 1):
        others, here = pairs.where(fold_P != fold), pairs.where(fold_P == fold)
        for place, penalty in enumerate(grid):
            margin_P = here.ahead_PD @ fit_weights(others, penalty, signed)
            loss_G[place] += (here.weight_P * _log_loss(margin_P, here.first_P)).sum()
    return grid[int(np.argmax(loss_G <= loss_G.min() * (1 + _EVEN)))]


def held_out(pairs: Pairs, signed: bool = False, folds: int = 5, seed: int = 0, grid: Sequence[Penalty] = GRID) -> Floats:
    """Return how far the first of each pair is ahead by weights, and a penalty, that were learned without its task.

    Parameters
    ----------
    pairs, signed, folds, seed, grid
        As for `choose_penalty`.

    Returns
    -------
    (P,) float
        In log-odds.

    Raises
    ------
    ConfigError
        If there are fewer than three tasks, and as for `fit_weights`.
    """
    if len(np.unique(pairs.cluster_P)) < 3:
        raise ConfigError("how good weights are on tasks left out can be told only where there are three tasks or more")
    _check_pairs(pairs)
    fold_P = _folds(pairs.cluster_P, folds, seed)
    margin_P = np.zeros(len(fold_P))
    for fold in range(int(fold_P.max()) + 1):
        others = pairs.where(fold_P != fold)
        penalty = choose_penalty(others, signed, folds, seed + 1, grid)
        margin_P[fold_P == fold] = pairs.ahead_PD[fold_P == fold] @ fit_weights(others, penalty, signed)
    return margin_P


def shares(weight_D: Floats) -> Floats:
    """Return weights as shares of the sum of their sizes.

    Parameters
    ----------
    weight_D : (..., D) float
        Weights.

    Returns
    -------
    (..., D) float
        In size 1 in sum; zeros where all are 0.

    Raises
    ------
    ConfigError
        If a weight is not finite.
    """
    check_finite(weight_D)
    total = np.abs(weight_D).sum(axis=-1, keepdims=True)
    return np.asarray(weight_D / np.where(total > 0, total, 1.0))


def resampled_shares(pairs: Pairs, penalty: Penalty, resamples: int = 200, seed: int = 0) -> Floats:
    """Return the shares of weights in resamples of tasks, under one penalty.

    Parameters
    ----------
    pairs : Pairs
        The opinions.
    penalty : Penalty
        What draws weights to 0.
    resamples : int
        How many, B.
    seed : int
        Seed of the draws.

    Returns
    -------
    (B, D) float
    """
    drawn_BP = np.concatenate(list(cluster_weights(pairs.cluster_P, resamples, seed)))
    return shares(np.array([fit_weights(pairs._replace(weight_P=pairs.weight_P * drawn_P), penalty) for drawn_P in drawn_BP]))


def credit_of_margin(margin_P: Floats, first_P: Floats) -> Floats:
    """Return whether each margin points to the response that is preferred.

    Parameters
    ----------
    margin_P : (P,) float
        How far the first is ahead.
    first_P : (P,) float
        Opinions; those that tie (0.5) cannot be met.

    Returns
    -------
    (P,) float
        1, 0, or 0.5 where the margin is even.

    Raises
    ------
    ConfigError
        If a margin is not finite, or an opinion no share.
    """
    check_finite(margin_P)
    check_shares(first_P)
    side_P = np.where(np.abs(margin_P) <= _EVEN, 0.0, np.sign(margin_P))
    return (1.0 + side_P * np.sign(first_P - 0.5)) / 2
