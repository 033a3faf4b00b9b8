"""The bootstrap of Bradley-Terry strengths: many resamples of tasks fitted side by side."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from criterial.compare.davidson import Design, Fit

__all__ = ["resampled_strengths"]

Array = NDArray[np.float64]
_STEPS = 100
_CHUNK = 16
_ENOUGH = 0.05  # of a standard error, in the root mean square


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
    back = 0.5 * design.back_XU.astype(np.float32)
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
