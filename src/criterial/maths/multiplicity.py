"""Tests of many hypotheses at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from criterial.maths.finite import check_shares

__all__ = ["benjamini_hochberg", "holm"]


def holm(p_H: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return p-values corrected so that the chance of any false rejection stays below the level (Holm, 1979).

    Parameters
    ----------
    p_H : (H,) float
        One p-value a hypothesis.

    Returns
    -------
    (H,) float
        In the order given, never below the p-value itself.

    Raises
    ------
    ConfigError
        If a p-value is none.
    """
    check_shares(p_H)
    order = np.argsort(p_H, kind="stable")
    scaled = p_H[order] * np.arange(len(p_H), 0, -1)
    out = np.empty_like(p_H, dtype=np.float64)
    out[order] = np.minimum(np.maximum.accumulate(scaled), 1.0)
    return out


def benjamini_hochberg(p_H: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return p-values corrected so that the expected share of false rejections stays below the level (Benjamini and Hochberg, 1995).

    Parameters
    ----------
    p_H : (H,) float
        One p-value a hypothesis.

    Returns
    -------
    (H,) float
        In the order given, never below the p-value itself.

    Raises
    ------
    ConfigError
        If a p-value is none.
    """
    check_shares(p_H)
    order = np.argsort(p_H, kind="stable")
    scaled = p_H[order] * len(p_H) / np.arange(1, len(p_H) + 1)
    out = np.empty_like(p_H, dtype=np.float64)
    out[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return out
