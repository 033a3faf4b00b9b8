"""What can be counted with: numbers whose products and squares are numbers still, shares, counts, and levels in their order."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from criterial.errors import ConfigError

__all__ = ["LARGEST", "check_counts", "check_finite", "check_levels", "check_shares", "kept"]

LARGEST = 1e70
"""The largest number in size that figures are made of: four of them multiplied are a number still."""


def check_finite(*given: ArrayLike, most: float = LARGEST) -> None:
    """Raise where numbers cannot be counted with.

    Parameters
    ----------
    *given : arrays of float
        Numbers.
    most : float
        How large they may be in size.

    Raises
    ------
    ConfigError
        If one is not finite, or larger.
    """
    for numbers in given:
        if not (np.abs(np.asarray(numbers, dtype=np.float64)) <= most).all():
            raise ConfigError(f"a number that is said to be known is not a finite number, or lies beyond {most:g}")


def check_counts(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return counts, or raise where they are none.

    Parameters
    ----------
    counts : array of float
        Sums of items, perhaps weighted.

    Returns
    -------
    array of float
        The same.

    Raises
    ------
    ConfigError
        If one is not finite, larger than `LARGEST`, or below 0.
    """
    check_finite(counts)
    if (counts < 0).any():
        raise ConfigError("a count is below 0")
    return counts


def kept(value_I: NDArray[np.float64], known_I: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return values where they are known, and 0 elsewhere.

    Parameters
    ----------
    value_I : (..., I) float
        Values.
    known_I : (..., I) bool
        Where there is one.

    Returns
    -------
    (..., I) float

    Raises
    ------
    ConfigError
        If one that is known is not finite, or larger than `LARGEST`.
    """
    value_I = np.where(known_I, value_I, 0.0)
    check_finite(value_I)
    return value_I


def check_shares(*given: ArrayLike) -> None:
    """Raise where numbers are no shares or probabilities.

    Parameters
    ----------
    *given : arrays of float
        Shares.

    Raises
    ------
    ConfigError
        If one lies outside [0, 1], or is not a number.
    """
    for shares in given:
        found = np.asarray(shares, dtype=np.float64)
        if not ((found >= 0) & (found <= 1)).all():
            raise ConfigError("a share or a probability is not between 0 and 1")


def check_levels(level_L: ArrayLike) -> None:
    """Raise where numbers are no levels of a scale.

    Parameters
    ----------
    level_L : (L,) float
        Levels.

    Raises
    ------
    ConfigError
        If one is not finite or larger than `LARGEST`, or they do not ascend.
    """
    check_finite(level_L)
    if (np.diff(np.asarray(level_L)) <= 0).any():
        raise ConfigError("the levels of a scale ascend, no two alike")
