"""Coherence of a path of sentence vectors: how far it strays from a Brownian bridge, and how much its order matters.

Deviations are scaled so that for a Brownian path each of them is the diffusion coefficient in expectation, whatever the length of the
text, the place in it, and the number of dimensions. All of it is the same for the path walked backwards.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from criterial.errors import ConfigError
from criterial.maths.finite import LARGEST, check_finite

__all__ = ["bridge_deviations", "diffusion", "misfits", "order_evidence", "roughness", "surprise", "window_deviations", "window_roughness"]

Floats = NDArray[np.float64]
_LEAST = 4
_WINDOWS = (1, 2, 3)
_SAME = 1e-9  # statistics no further apart are equal but for rounding


def _checked(z_TD: Floats) -> Floats:
    z_TD = np.asarray(z_TD, dtype=np.float64)
    if z_TD.ndim != 2 or len(z_TD) < _LEAST or not z_TD.shape[1]:
        raise ConfigError(f"a path needs at least {_LEAST} sentences as rows and a dimension as column, not the shape {z_TD.shape}")
    check_finite(z_TD)
    return z_TD


def bridge_deviations(z_TD: Floats) -> Floats:
    """Return how far each sentence but the first and the last lies from the straight line between these two.

    Parameters
    ----------
    z_TD : (T, D) float
        Sentence vectors in the order of the text, at least four.

    Returns
    -------
    (T - 2,) float
        Squared distance, over what it is in a Brownian bridge of diffusion 1: D t (n - t) / n at place t of n = T - 1.

    Raises
    ------
    ConfigError
        If there are fewer than four sentences, or a value is not finite.

    References
    ----------
    Sheng et al. (2024), BBScore, arXiv 2312.16893, with time and dimension counted as the exact Gaussian has them (card bbscore).
    """
    z_TD = _checked(z_TD)
    last = len(z_TD) - 1
    place_T = np.arange(1, last)
    line_TD = z_TD[0] + (place_T / last)[:, None] * (z_TD[-1] - z_TD[0])
    square_T = ((z_TD[1:-1] - line_TD) ** 2).sum(axis=1)
    return np.asarray(square_T * last / (z_TD.shape[1] * place_T * (last - place_T)))


def diffusion(z_TD: Floats) -> float:
    """Return the diffusion coefficient of one text: the mean of its `bridge_deviations`; that of a corpus is the mean over its texts."""
    return float(bridge_deviations(z_TD).mean())


def surprise(z_TD: Floats, diffusion: float) -> float:
    """Return the mean negative log density of the sentences between the ends under a Brownian bridge (BBScore's B).

    Parameters
    ----------
    z_TD : (T, D) float
        As for `bridge_deviations`, and so are the errors.
    diffusion : float
        Diffusion coefficient of a reference corpus.

    Returns
    -------
    float
        Lower is more coherent. It depends on length and scale: compare texts by `roughness`.

    Raises
    ------
    ConfigError
        If the diffusion is not above 0: all sentences of the reference are the same.
    """
    ratio = bridge_deviations(z_TD) / _positive(diffusion)
    last, dims = len(z_TD) - 1, np.shape(z_TD)[1]
    place_T = np.arange(1, last)
    spread_T = np.log(2 * np.pi * diffusion) + np.log(place_T * (last - place_T) / last)
    return float((dims / 2 * (spread_T + ratio)).mean())


def roughness(z_TD: Floats, diffusion: float) -> float:
    """Return the diffusion of a text over that of a reference: 1 is typical, more is rougher, less is smoother (B').

    Parameters
    ----------
    z_TD : (T, D) float
        As for `surprise`, and so are the errors.
    diffusion : float
        As there.

    Returns
    -------
    float
    """
    return float(bridge_deviations(z_TD).mean() / _positive(diffusion))


def _positive(diffusion: float) -> float:
    if not LARGEST**-2 < diffusion < np.inf:
        raise ConfigError(f"the diffusion of a reference is above 0, not {diffusion}: are all its sentences the same?")
    return diffusion


def window_deviations(z_TD: Floats, window: int = 1) -> Floats:
    """Return how far each sentence lies from the middle of those `window` before and after it.

    Parameters
    ----------
    z_TD : (T, D) float
        As for `bridge_deviations`, and so are the errors.
    window : int
        How many sentences away the neighbours are, at least 1.

    Returns
    -------
    (T - 2 window,) float
        Squared distance over D window / 2; empty where the text is too short.

    Raises
    ------
    ConfigError
        If the window is not at least 1.
    """
    if window < 1:
        raise ConfigError(f"a window is at least one sentence, not {window}")
    z_TD = _checked(z_TD)
    if len(z_TD) <= 2 * window:
        return np.zeros(0)
    apart_TD = z_TD[window:-window] - (z_TD[: -2 * window] + z_TD[2 * window :]) / 2
    return np.asarray((apart_TD**2).sum(axis=1) / (z_TD.shape[1] * window / 2))


def window_roughness(z_TD: Floats) -> float:
    """Return the mean of the mean `window_deviations` at 1, 2 and 3 sentences, as far as the text is long enough."""
    means = [deviations.mean() for w in _WINDOWS if len(deviations := window_deviations(z_TD, w))]
    return float(np.mean(means))


def misfits(z_TD: Floats) -> Floats:
    """Return how badly each sentence fits between its neighbours.

    Parameters
    ----------
    z_TD : (T, D) float
        As for `bridge_deviations`, and so are the errors.

    Returns
    -------
    (T,) float
        Mean of its `window_deviations` at 1, 2 and 3 sentences; 0 for the first and the last, which have no neighbours on both sides.
    """
    total_T, count_T = np.zeros(len(z_TD)), np.zeros(len(z_TD))
    for window in _WINDOWS:
        deviations = window_deviations(z_TD, window)
        total_T[window : window + len(deviations)] += deviations
        count_T[window : window + len(deviations)] += 1
    return total_T / np.maximum(count_T, 1)


def order_evidence(z_TD: Floats, shuffles: int = 200, seed: int = 0, statistic: Callable[[Floats], float] = window_roughness) -> float:
    """Return which share of shuffles of the sentences is rougher than the text.

    Parameters
    ----------
    z_TD : (T, D) float
        As for `bridge_deviations`, and so are the errors.
    shuffles : int
        How many.
    seed : int
        Their seed.
    statistic : callable
        From a path to how rough it is.

    Returns
    -------
    float
        In [0, 1], equally rough ones as half: 1 where the order matters most, about 0.5 where it is as good as any. It needs no reference.
    """
    z_TD = _checked(z_TD)
    rng = np.random.default_rng(seed)
    own = statistic(z_TD)
    rough_B = np.array([statistic(z_TD[rng.permutation(len(z_TD))]) for _ in range(shuffles)])
    same_B = np.abs(rough_B - own) <= _SAME * max(abs(own), 1e-300)
    return float(np.where(same_B, 0.5, rough_B > own).mean())
