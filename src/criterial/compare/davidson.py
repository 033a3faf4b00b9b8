"""The model behind contests with ties: Bradley and Terry's with Davidson's ties, fitted by Newton steps, with covariances.

A contest of i, shown first, and j has log-odds proportional to ``(d / 2, t, -d / 2)`` for win, tie and loss, where
``d = s_i - s_j + o`` with strengths s, t the log of how common ties are, and o what being first is worth.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse
from scipy.sparse.csgraph import connected_components

from criterial.compare.evidence import Contests
from criterial.compare.ranking import WEAK_SD
from criterial.errors import ConfigError
from criterial.model.blas import one_thread

__all__ = ["Design", "Fit", "Ties", "clustered_covariance", "fit_contests", "resampled_strengths"]

Array = NDArray[np.float64]
Ties = Literal["davidson", "half", "drop"]
"""Ties as an outcome of their own, as half a win each, or left out."""
_STEPS = 100
_SMALL = 300  # systems up to which threads of BLAS cost more than they bring
_GAIN = 1e-6  # in log-likelihood: a thousandth of a standard error; the step that follows squares it
_CHUNK = 16
_ENOUGH = 0.05  # of a standard error, in the root mean square


class _Outcome(NamedTuple):
    """Chances of the three outcomes of each distinct meeting."""

    win_U: Array
    tie_U: Array
    loss_U: Array


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
        key_U, meeting_P = np.unique(first_P * size + second_P, return_inverse=True)
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
        out: Array = self.lead_UX.T @ lead_U
        if self.ties:
            out[self.size] = float(np.sum(self.count_U3[:, 1] - self.total_U * chance.tie_U))
        out[: self.size] -= self.precision * x[: self.size]
        return out

    def information(self, chance: _Outcome) -> Array:
        """Return the lower half of minus the Hessian, with the level of strengths pinned.

        Parameters
        ----------
        chance : _Outcome
            Chances of the outcomes.

        Returns
        -------
        (X, X) float
        """
        ahead_U = chance.win_U - chance.loss_U
        curve_U = self.total_U * (chance.win_U + chance.loss_U - ahead_U**2) / 4
        size, s = self.parameters, self.size
        out = np.zeros((size, size))
        np.subtract.at(out, (np.maximum(self.first_U, self.second_U), np.minimum(self.first_U, self.second_U)), curve_U)
        out[np.arange(s), np.arange(s)] = np.bincount(self.first_U, curve_U, minlength=s) + np.bincount(self.second_U, curve_U, minlength=s)
        if self.order:
            out[-1, :] = self.lead_UX.T @ curve_U
        if self.ties:
            mixed_X = self.lead_UX.T @ (-self.total_U * ahead_U * chance.tie_U / 2)
            out[s, :s] = mixed_X[:s]
            out[s:, s] = mixed_X[s:]
            out[s, s] = float(np.sum(self.total_U * chance.tie_U * (1.0 - chance.tie_U)))
        out[:s, :s] += self.pin
        out[np.arange(s), np.arange(s)] += self.precision
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
        And whether a weak prior was needed: where some systems won all contests against all others, their lead has no bound.

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
        return _newton(design), weak and sd is None


def _strongly_linked(contests: Contests, design: Design) -> bool:
    """Return whether a chain of wins and ties leads from every system to every other, which is when strengths are finite."""
    beat = design.count_U3[:, 0] + design.count_U3[:, 1] > 0
    lost = design.count_U3[:, 2] + design.count_U3[:, 1] > 0
    rows = np.concatenate([design.first_U[beat], design.second_U[lost]])
    columns = np.concatenate([design.second_U[beat], design.first_U[lost]])
    graph = sparse.csr_array((np.ones(len(rows)), (rows, columns)), shape=(design.size, design.size))
    groups, of_S = connected_components(graph, directed=False)
    if groups > 1 and not design.precision:
        apart = [contests.systems[int(np.flatnonzero(of_S == g)[0])] for g in range(2)]
        raise ConfigError(f"{apart[0]!r} and {apart[1]!r} are in groups of systems that never met: rank each group by itself")
    return bool(connected_components(graph, connection="strong")[0] == 1)


def _newton(design: Design) -> Fit:
    x = np.zeros(design.parameters)
    chance, loglik = design.outcome(x)
    for step in range(1, _STEPS + 1):
        gradient = design.gradient(x, chance)
        factor = linalg.cho_factor(design.information(chance), lower=True, overwrite_a=True, check_finite=False)
        move = linalg.cho_solve(factor, gradient, check_finite=False)
        gain = float(gradient @ move)
        if gain < _GAIN:
            return _finished(design, x + move, factor[0], step)
        x, chance, loglik = _damped(design, x, move, gain, loglik)
    raise ConfigError(f"the fit of {design.size} systems did not settle in {_STEPS} steps")


def _damped(design: Design, x: Array, move: Array, gain: float, loglik: float) -> tuple[Array, _Outcome, float]:
    """Return the point after a step that is halved until the likelihood rises: it is concave, so some step does."""
    part = 1.0
    while True:
        chance, better = design.outcome(x + part * move)
        if better >= loglik + 1e-4 * part * gain or part < 1e-6:
            return x + part * move, chance, better
        part /= 2


def _finished(design: Design, x: Array, factor: Array, steps: int) -> Fit:
    x[: design.size] -= x[: design.size].mean()
    chance, loglik = design.outcome(x)
    gradient = float(np.abs(design.gradient(x, chance)).max() / design.total_U.sum())
    cov = np.tril(linalg.lapack.dpotri(factor, lower=1, overwrite_c=1)[0])
    cov += np.tril(cov, -1).T
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


def resampled_strengths(
    fit: Fit,
    cluster_P: NDArray[np.int64],
    resamples: int,
    seed: int,
    progress: Callable[[int], None] | None = None,
) -> Array:
    """Return the strengths that resamples of clusters give.

    Parameters
    ----------
    fit : Fit
        The fit of all contests.
    cluster_P : (P,) int
        Cluster of each contest; as many are drawn as there are, with replacement.
    resamples : int
        B.
    seed : int
        Seed of the draws.
    progress : callable, optional
        Told how many resamples are done.

    Returns
    -------
    (B, S) float

    Notes
    -----
    All resamples of a chunk move together, by Newton steps with the information at the fit of all contests, scaled by each resample's
    own diagonal, which costs one product a step. The last step is below a twentieth of a standard error, in the root mean square. Steps
    are bounded, for resamples in which a system won all that it played.
    """
    design = fit.design
    _, cluster_P = np.unique(cluster_P, return_inverse=True)
    clusters = int(cluster_P.max()) + 1
    rng = np.random.default_rng(seed)
    se_X = np.sqrt(np.maximum(np.diag(fit.cov), 1e-300))
    sums = _sums_by_cluster(design, cluster_P, clusters)
    out_BS = np.empty((resamples, design.size))
    for start in range(0, resamples, _CHUNK):
        size = min(_CHUNK, resamples - start)
        drawn = [np.bincount(rng.integers(clusters, size=clusters), minlength=clusters) for _ in range(size)]
        out_BS[start : start + size] = _resampled(fit, sums, np.stack(drawn, axis=1).astype(np.float32), se_X)[: design.size].T
        if progress is not None:
            progress(start + size)
    centred: Array = out_BS - out_BS.mean(axis=1, keepdims=True)
    return centred


class _Sums(NamedTuple):
    """What each of T clusters adds to each meeting."""

    net_UT: sparse.csr_array
    """Wins less losses."""
    total_UT: sparse.csr_array
    """Contests."""
    tied_T: Array
    """Ties, in all meetings."""


def _sums_by_cluster(design: Design, cluster_P: NDArray[np.int64], clusters: int) -> _Sums:
    share_P3, shape = design.share_P3.astype(np.float32), (len(design.first_U), clusters)
    net, total = share_P3[:, 0] - share_P3[:, 2], share_P3.sum(axis=1)
    net_UT, total_UT = (sparse.csr_array((v, (design.meeting_P, cluster_P)), shape=shape) for v in (net, total))
    tied_T: Array = np.bincount(cluster_P, design.share_P3[:, 1], minlength=clusters).astype(np.float64)
    return _Sums(net_UT, total_UT, tied_T)


def _resampled(fit: Fit, sums: _Sums, drawn_TB: NDArray[np.float32], se_X: Array) -> Array:
    """Return the parameters of some resamples, (X, b)."""
    design, chance = fit.design, fit.chance
    net_UB, total_UB, tied_B = sums.net_UT @ drawn_TB, sums.total_UT @ drawn_TB, sums.tied_T @ drawn_TB
    back = 0.5 * design.lead_UX.T.astype(np.float32).tocsr()
    ahead_U = chance.win_U - chance.loss_U
    curve_U = (chance.win_U + chance.loss_U - ahead_U**2).astype(np.float32)
    # a resample's curvature differs from the fit's mostly on the diagonal, by which the covariance is scaled
    scale_XB = _ratio(abs(back) @ (design.total_U.astype(np.float32) * curve_U), abs(back) @ (total_UB * curve_U[:, None]))
    if design.ties:
        vary_U = chance.tie_U * (1.0 - chance.tie_U)
        scale_XB[design.size] = np.sqrt((design.total_U @ vary_U) / np.maximum(vary_U @ total_UB, 1e-9))
    gradient_XB = (back @ (net_UB - total_UB * ahead_U.astype(np.float32)[:, None])).astype(np.float64)
    if design.ties:
        gradient_XB[design.size] = tied_B - chance.tie_U @ total_UB
    x_XB = np.repeat(fit.x[:, None], drawn_TB.shape[1], axis=1)
    for _ in range(_STEPS):
        gradient_XB[: design.size] -= design.precision * x_XB[: design.size]
        move_XB = np.clip(scale_XB * (fit.cov @ (scale_XB * gradient_XB)), -1.0, 1.0)
        x_XB += move_XB
        if np.mean((move_XB / se_X[:, None]) ** 2) <= _ENOUGH**2:
            break
        expected_UB, common_B = _expected(design, x_XB, total_UB)
        gradient_XB = (back @ (net_UB - expected_UB)).astype(np.float64)
        if design.ties:
            gradient_XB[design.size] = tied_B - common_B
    return x_XB


def _ratio(fit_X: NDArray[np.float32], drawn_XB: NDArray[np.float32]) -> Array:
    """Return the square root of the fit's curvature over a resample's, within bounds."""
    return np.sqrt(np.clip(fit_X[:, None] / np.maximum(drawn_XB, 1e-9), 0.25, 4.0)).astype(np.float64)


def _expected(design: Design, x_XB: Array, total_UB: NDArray[np.float32]) -> tuple[NDArray[np.float32], Array]:
    """Return the wins less losses that each meeting is expected to have, and the ties of all."""
    half_XB = 0.5 * x_XB.astype(np.float32)
    win_UB = half_XB[design.first_U]
    win_UB -= half_XB[design.second_U]
    if design.order:
        win_UB += half_XB[-1]
    np.exp(win_UB, out=win_UB)
    loss_UB = 1.0 / win_UB
    sum_UB = win_UB + loss_UB
    tie_B = np.exp(x_XB[design.size]).astype(np.float32) if design.ties else np.float32(0.0)
    sum_UB += tie_B
    np.divide(total_UB, sum_UB, out=sum_UB)
    win_UB -= loss_UB
    win_UB *= sum_UB
    return win_UB, np.asarray(tie_B * sum_UB.sum(axis=0, dtype=np.float64))
