"""Samejima's graded response model: abilities of systems and thresholds of items from ordinal levels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from criterial.errors import ConfigError
from criterial.maths.marginal import MarginalFit, Slopes, checked, marginal_fit

__all__ = ["fit_graded"]


def fit_graded(value_SI: NDArray[np.float64], known_SI: NDArray[np.bool_], levels: int, slopes: Slopes = "free") -> MarginalFit:
    """Return the graded response model of ordinal marks.

    Parameters
    ----------
    value_SI : (S, I) float
        Levels 0 .. levels - 1; what stands in unknown cells is not read.
    known_SI : (S, I) bool
        Which cells are known.
    levels : int
        How many levels there are; at least 2.
    slopes : {"free", "equal"}
        A discrimination an item, or one for all.

    Returns
    -------
    MarginalFit
        At two levels it is the 2PL of `criterial.maths.item_response.fit_items`.

    Raises
    ------
    ConfigError
        Arrays do not fit each other, are too small, or hold something that is no level.

    References
    ----------
    Samejima (1969), Psychometrika Monograph 17.
    """
    if levels < 2:
        raise ConfigError(f"{levels} levels; a graded response model needs at least 2")
    value, known = checked(value_SI, known_SI)
    if np.any(value != np.floor(value)) or np.any(value > levels - 1):
        raise ConfigError(f"levels are whole numbers from 0 to {levels - 1}")
    return marginal_fit(np.stack([(value == level) & known for level in range(levels)]).astype(np.float64), slopes)
