"""The model behind contests with ties: Bradley and Terry's with Davidson's ties, fitted by Newton steps, with covariances.

A contest of i, shown first, and j has log-odds proportional to ``(d / 2, t, -d / 2)`` for win, tie and loss, where
``d = s_i - s_j + o`` with strengths s, t the log of how common ties are, and o what being first is worth.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse

from criterial.compare.evidence import Contests
from criterial.compare.links import strongly_linked
from criterial.compare.ranking import WEAK_SD
from criterial.errors import ConfigError
from criterial.model.blas import one_thread

__all__ = ["Design", "Fit", "Ties", "clustered_covariance", "fit_contests"]

Array = NDArray[np.float64]
Ties = Literal["davidson", "half", "drop"]
"""Ties as an outcome of their own, as half a win each, or left out."""
_STEPS = 100
_SMALL = 300  # systems up to which threads of BLAS, and sparse products, cost more than they bring
_SOLVED, _PRODUCTS = 1e-3, 60
_NARROW = 46_000  # systems whose pairs have numbers of 32 bits
_GAIN = 1e-6  # in log-likelihood: a thousandth of a standard error; the step that follows squares it


class _Outcome(NamedTuple):
    """Chances of the three outcomes of each distinct meeting."""

    win_U: Array
    tie_U: Array
    loss_U: Array


class _Curvature(NamedTuple):
    """Minus the second derivatives of the log-likelihood."""

    lead_U: Array
    """By the lead of each meeting."""
    mixed_X: Array
    """By how common ties are and each other parameter."""
    tie: float
    """By how common ties are."""


@dataclass(frozen=True)
class Design:
    """Contests with equal ones put together: U distinct meetings of S systems, in parameters x = (s, t, o)."""

    size: int
    """S."""
    first_U: NDArray[np.int64]
    """System shown first."""
    second_U: NDArray[np.int64]
    """The other."""
    count_U3: Array
    """How often the first won, they tied, and it lost."""
    meeting_P: NDArray[np.int64]
    """Meeting of each contest."""
    share_P3: Array
    """How much of each contest is a win, a tie and a loss of the meeting's first."""
    ties: bool
    """Whether there is a parameter for ties."""
    order: bool
    """Whether there is a parameter for being shown first."""
    precision: float
    """Of the normal prior of strengths around 0; 0 is none."""

    @classmethod
    def of(cls, contests: Contests, ties: Ties, order: bool, precision: float) -> Design:
        """Return the design of contests.

        Parameters
        ----------
        contests : Contests
            Results of 0, 0.5 and 1; a result between is shared among the nearest two.
        ties : {"davidson", "half", "drop"}
            What is made of ties.
        order : bool
            Whether being shown first may be worth something.
        precision : float
            Of the prior of strengths.

        Returns
        -------
        Design
        """
        size = len(contests.systems)
        flip_P = (contests.first_P > contests.second_P) & (not order)
        first_P = np.where(flip_P, contests.second_P, contests.first_P)
        second_P = np.where(flip_P, contests.first_P, contests.second_P)
        key_P = first_P * size + second_P
        key_U, meeting_P = np.unique(key_P.astype(np.int32) if size < _NARROW else key_P, return_inverse=True)
        key_U = key_U.astype(np.int64)
        share_P3 = _shares(np.where(flip_P, 1.0 - contests.result_P, contests.result_P), ties)
        counts = [np.bincount(meeting_P, share, minlength=len(key_U)) for share in share_P3.T]
        count_U3: Array = np.stack(counts, axis=1, dtype=np.float64)
        return cls(size, key_U // size, key_U % size, count_U3, meeting_P, share_P3, bool(count_U3[:, 1].sum() > 0), order, precision)

    @cached_property
    def total_U(self) -> Array:
        """How often each meeting took place."""
        total: Array = self.count_U3.sum(axis=1)
        return total

    @property
    def parameters(self) -> int:
        """How many there are."""
        return self.size + self.ties + self.order

    @cached_property
    def lead_UX(self) -> sparse.csr_array:
        """How d depends on the parameters, (U, X)."""
        meetings = np.arange(len(self.first_U))
        rows, columns = [meetings, meetings], [self.first_U, self.second_U]
        values = [np.ones(len(meetings)), -np.ones(len(meetings))]
        if self.order:
            rows.append(meetings)
            columns.append(np.full(len(meetings), self.parameters - 1))
            values.append(np.ones(len(meetings)))
        shape = (len(meetings), self.parameters)
        return sparse.csr_array((np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=shape)

    @cached_property
    def back_XU(self) -> sparse.csr_array:
        """Its transpose, laid out for products."""
        return self.lead_UX.T.tocsr()

    def outcome(self, x: Array) -> tuple[_Outcome, float]:
        """Return the chances of the outcomes, and the penalised log-likelihood.

        Parameters
        ----------
        x : (X,) float
            Parameters.

        Returns
        -------
        tuple of (_Outcome, float)
        """
        half_U = 0.5 * (self.lead_UX @ x)
        top_U = np.maximum(np.abs(half_U), x[self.size] if self.ties else 0.0)
        win_U, loss_U = np.exp(half_U - top_U), np.exp(-half_U - top_U)
        tie_U = np.exp(x[self.size] - top_U) if self.ties else np.zeros_like(half_U)
        sum_U = win_U + tie_U + loss_U
        loglik = float(np.sum((self.count_U3[:, 0] - self.count_U3[:, 2]) * half_U - self.total_U * (top_U + np.log(sum_U))))
        if self.ties:
            loglik += float(x[self.size] * self.count_U3[:, 1].sum())
        prior = 0.5 * self.precision * float(np.sum(x[: self.size] ** 2))
        return _Outcome(win_U / sum_U, tie_U / sum_U, loss_U / sum_U), loglik - prior

    def gradient(self, x: Array, chance: _Outcome) -> Array:
        """Return the gradient of the penalised log-likelihood.

        Parameters
        ----------
        x : (X,) float
            Parameters.
        chance : _Outcome
            Chances of the outcomes there.

        Returns
        -------
        (X,) float
        """
        lead_U = 0.5 * (self.count_U3[:, 0] - self.count_U3[:, 2] - self.total_U * (chance.win_U - chance.loss_U))
        out: Array = self.back_XU @ lead_U
        if self.ties:
            out[self.size] = float(np.sum(self.count_U3[:, 1] - self.total_U * chance.tie_U))
        out[: self.size] -= self.precision * x[: self.size]
        return out

    def curvature(self, chance: _Outcome) -> _Curvature:
        """Return minus the second derivatives of the log-likelihood.

        Parameters
        ----------
        chance : _Outcome
            Chances of the outcomes.

        Returns
        -------
        _Curvature
        """
        ahead_U = chance.win_U - chance.loss_U
        lead_U = self.total_U * (chance.win_U + chance.loss_U - ahead_U**2) / 4
        mixed_X = self.back_XU @ (-self.total_U * ahead_U * chance.tie_U / 2) if self.ties else np.zeros(self.parameters)
        return _Curvature(lead_U, mixed_X, float(np.sum(self.total_U * chance.tie_U * (1.0 - chance.tie_U))))

    def information(self, curve: _Curvature, narrow: bool = False) -> NDArray[np.floating[Any]]:
        """Return the lower half of minus the Hessian, with the level of strengths pinned.

        Parameters
        ----------
        curve : _Curvature
            Second derivatives.
        narrow : bool
            Whether in single precision.

        Returns
        -------
        (X, X) float
        """
        size, s, (lead_U, mixed_X, tie) = self.parameters, self.size, curve
        out = np.full((size, size), self.pin, dtype=np.float32 if narrow else np.float64)
        out[s:] = 0.0
        one_U, two_U = np.maximum(self.first_U, self.second_U), np.minimum(self.first_U, self.second_U)
        for there_U in (self.first_U < self.second_U, self.first_U > self.second_U):  # each pair of systems once in either
            out[one_U[there_U], two_U[there_U]] -= lead_U[there_U]
        out[np.arange(s), np.arange(s)] += self.diagonal(curve)[:s]
        if self.order:
            out[-1, :] = self.back_XU @ lead_U
        if self.ties:
            out[s, :s] = mixed_X[:s]
            out[s:, s] = mixed_X[s:]
            out[s, s] = tie
        return out

    def diagonal(self, curve: _Curvature) -> Array:
        """Return the diagonal of minus the Hessian.

        Parameters
        ----------
        curve : _Curvature
            Second derivatives.

        Returns
        -------
        (X,) float
        """
        out = np.zeros(self.parameters)
        for side_U in (self.first_U, self.second_U):
            out[: self.size] += np.bincount(side_U, curve.lead_U, minlength=self.size)
        if self.order:
            out[-1] = curve.lead_U.sum()
        out[: self.size] += self.precision
        if self.ties:
            out[self.size] = curve.tie
        return out

    def times(self, curve: _Curvature, v_X: Array) -> Array:
        """Return the product of minus the Hessian, its level not pinned, with a vector.

        Parameters
        ----------
        curve : _Curvature
            Second derivatives.
        v_X : (X,) float
            The vector.

        Returns
        -------
        (X,) float
        """
        out: Array = self.back_XU @ (curve.lead_U * (self.lead_UX @ v_X))
        out[: self.size] += self.precision * v_X[: self.size]
        if self.ties:
            out += curve.mixed_X * v_X[self.size]
            out[self.size] = curve.mixed_X @ v_X + curve.tie * v_X[self.size]
        return out

    @property
    def pin(self) -> float:
        """What is added to every pair of strengths, since contests tell only differences."""
        return float(self.total_U.sum()) / self.size**2


def _shares(result_P: Array, ties: Ties) -> Array:
    if ties == "half":
        return np.stack([result_P, np.zeros_like(result_P), 1.0 - result_P], axis=1)
    win_P, loss_P = np.maximum(2 * result_P - 1, 0.0), np.maximum(1 - 2 * result_P, 0.0)
    tie_P = 1.0 - win_P - loss_P
    return np.stack([win_P, np.zeros_like(tie_P) if ties == "drop" else tie_P, loss_P], axis=1)


@dataclass(frozen=True)
class Fit:
    """The most likely parameters, with what is known of them."""

    design: Design
    """What was fitted."""
    x: Array
    """Parameters: strengths that sum to 0, then t and o where there are."""
    chance: _Outcome
    """Chances of the outcomes at the optimum."""
    cov: Array
    """Covariance of the parameters by the model."""
    loglik: float
    """Penalised log-likelihood."""
    gradient: float
    """Largest component of its gradient, over the number of contests."""
    steps: int
    """Newton steps."""


def fit_contests(contests: Contests, ties: Ties = "davidson", order: bool = False, sd: float | None = None) -> tuple[Fit, bool]:
    """Return the most likely strengths.

    Parameters
    ----------
    contests : Contests
        At least one.
    ties : {"davidson", "half", "drop"}
        What is made of ties.
    order : bool
        Whether being shown first may be worth something.
    sd : float, optional
        Standard deviation of a normal prior of strengths around 0, on the scale of log-odds.

    Returns
    -------
    tuple of (Fit, bool)
        And whether a weak prior was needed: where some systems won all contests against all others, their lead has no bound, and where
        nearly all are ties, ties and leads together may have none.

    Raises
    ------
    ConfigError
        If the systems fall into groups that never met, or nothing but ties is left and ties are dropped.
    """
    design = Design.of(contests, ties, order, 0.0 if sd is None else 1.0 / sd**2)
    if not design.total_U.sum():
        raise ConfigError("every comparison is a tie, and ties are dropped: nothing is left to rank by")
    weak = not _strongly_linked(contests, design) or bool(ties == "davidson" and design.count_U3[:, 1].sum() == design.total_U.sum())
    if weak and sd is None:
        design = Design.of(contests, ties if design.count_U3[:, [0, 2]].any() else "half", order, 1.0 / WEAK_SD**2)
    with one_thread() if design.size <= _SMALL else nullcontext():
        try:
            return _newton(design), weak and sd is None
        except linalg.LinAlgError:
            return _newton(Design.of(contests, ties, order, 1.0 / WEAK_SD**2)), True


def _strongly_linked(contests: Contests, design: Design) -> bool:
    beat = design.count_U3[:, 0] + design.count_U3[:, 1] > 0
    lost = design.count_U3[:, 2] + design.count_U3[:, 1] > 0
    rows = np.concatenate([design.first_U[beat], design.second_U[lost]])
    columns = np.concatenate([design.second_U[beat], design.first_U[lost]])
    graph = sparse.csr_array((np.ones(len(rows)), (rows, columns)), shape=(design.size, design.size))
    return strongly_linked(contests.systems, graph, bool(design.precision))


def _newton(design: Design) -> Fit:
    x, large = np.zeros(design.parameters), design.size > _SMALL
    chance, loglik = design.outcome(x)
    for step in range(1, _STEPS + 1):
        gradient, curve = design.gradient(x, chance), design.curvature(chance)
        move = _sparse_step(design, curve, gradient) if large else None
        if move is None:
            move = linalg.cho_solve((_factor(design, curve, False), True), gradient, check_finite=False)
        gain = float(gradient @ move)
        if gain < _GAIN:
            return _finished(design, x + move, _factor(design, curve, large), step)
        x, chance, loglik = _damped(design, x, move, gain, loglik)
    raise ConfigError(f"the fit of {design.size} systems did not settle in {_STEPS} steps")


def _factor(design: Design, curve: _Curvature, narrow: bool) -> NDArray[np.floating[Any]]:
    factor: NDArray[np.floating[Any]] = linalg.cho_factor(
        design.information(curve, narrow), lower=True, overwrite_a=True, check_finite=False
    )[0]
    return factor


def _sparse_step(design: Design, curve: _Curvature, gradient: Array) -> Array | None:
    """Return a Newton step by conjugate gradients: about ten products where systems met many others; None where it takes too many."""
    diagonal = design.diagonal(curve)
    x, residual = np.zeros_like(gradient), gradient.copy()
    along = scaled = residual / diagonal
    size = float(residual @ scaled)
    target = _SOLVED**2 * size
    for _ in range(_PRODUCTS):
        if size <= target:
            return x
        image = design.times(curve, along)
        part = size / float(along @ image)
        x += part * along
        residual -= part * image
        scaled = residual / diagonal
        before, size = size, float(residual @ scaled)
        along = scaled + (size / before) * along
    return None


def _damped(design: Design, x: Array, move: Array, gain: float, loglik: float) -> tuple[Array, _Outcome, float]:
    """Return the point after a step that is halved until the likelihood rises: it is concave, so some step does."""
    part = 1.0
    while True:
        chance, better = design.outcome(x + part * move)
        if better >= loglik + 1e-4 * part * gain or part < 1e-6:
            return x + part * move, chance, better
        part /= 2


def _finished(design: Design, x: Array, factor: NDArray[np.floating[Any]], steps: int) -> Fit:
    x[: design.size] -= x[: design.size].mean()
    chance, loglik = design.outcome(x)
    gradient = float(np.abs(design.gradient(x, chance)).max() / design.total_U.sum())
    inverse = linalg.lapack.spotri if factor.dtype == np.float32 else linalg.lapack.dpotri
    lower = np.tril(inverse(factor, lower=1, overwrite_c=1)[0])
    diagonal = lower.diagonal().copy()
    lower += lower.T
    np.fill_diagonal(lower, diagonal)
    cov = lower.astype(np.float64, copy=False)
    if not design.precision:
        cov[: design.size, : design.size] -= 1.0 / (design.size**2 * design.pin)
    return Fit(design, x, chance, cov, loglik, gradient, steps)


def clustered_covariance(fit: Fit, cluster_P: NDArray[np.int64]) -> Array:
    """Return the covariance of the parameters that allows for any dependence among contests of one cluster.

    Parameters
    ----------
    fit : Fit
        The fit.
    cluster_P : (P,) int
        Cluster of each contest.

    Returns
    -------
    (X, X) float
        The sandwich of the model's covariance around the clusters' scores, times T / (T - 1) for T clusters.
    """
    design = fit.design
    _, cluster_P = np.unique(cluster_P, return_inverse=True)
    clusters = int(cluster_P.max()) + 1
    chance = [c[design.meeting_P] for c in fit.chance]
    weight_P = design.share_P3.sum(axis=1)
    lead_P = 0.5 * (design.share_P3[:, 0] - design.share_P3[:, 2] - weight_P * (chance[0] - chance[2]))
    score_PX = sparse.diags_array(lead_P) @ design.lead_UX[design.meeting_P]
    if design.ties:
        tied = sparse.csr_array((np.ones(1), ([0], [design.size])), shape=(1, design.parameters))
        score_PX = score_PX + sparse.csr_array((design.share_P3[:, 1] - weight_P * chance[1])[:, None]) @ tied
    sums_TX = (
        sparse.csr_array((np.ones(len(cluster_P)), (cluster_P, np.arange(len(cluster_P)))), shape=(clusters, len(cluster_P))) @ score_PX
    )
    meat = (sums_TX.T @ sums_TX).toarray() * clusters / (clusters - 1)
    cov: Array = fit.cov @ meat @ fit.cov
    return cov
