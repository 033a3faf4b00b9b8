"""Abilities against difficulties, for the page of a ranking by item response."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from criterial.compare.evidence import Marks
from criterial.maths.item_response import fit_items, information
from criterial.model.blas import one_thread
from criterial.report.page import Block, Curve, Curves

__all__ = ["ability_blocks"]

_MARGIN = 1.0
_STEPS = 81


def ability_blocks(marks: Marks) -> tuple[Block, ...]:
    """Return where systems and items lie on the scale of ability, and how exactly the items measure there.

    Parameters
    ----------
    marks : Marks
        Marks in [0, 1].

    Returns
    -------
    tuple of Block
        Two plots; none for marks beyond [0, 1], which a 2PL model does not fit.
    """
    known_N = marks.value_SI[marks.known_SI]
    if known_N.min(initial=0.0) < 0 or known_N.max(initial=1.0) > 1:
        return ()
    with one_thread():
        fit = fit_items(marks.value_SI, marks.known_SI, errors="none")
    low, high = fit.ability_S.min() - _MARGIN, fit.ability_S.max() + _MARGIN
    grid_G = np.linspace(low, high, _STEPS)
    total_G = information(fit, grid_G).sum(axis=1)
    shares = (Curve("systems", _below(grid_G, fit.ability_S)), Curve("items", _below(grid_G, fit.difficulty_I)))
    unit = "ability in standard deviations of these systems"
    return (
        Curves("Abilities against difficulties", unit, "share that lies below", shares),
        Curves("How exactly all items measure", unit, "standard error", (Curve("", _line(grid_G, 1 / np.sqrt(total_G + 1.0))),)),
    )


def _below(grid_G: NDArray[np.float64], place_N: NDArray[np.float64]) -> tuple[tuple[float, float], ...]:
    return _line(grid_G, (place_N <= grid_G[:, None]).mean(axis=1))


def _line(across_G: NDArray[np.float64], up_G: NDArray[np.float64]) -> tuple[tuple[float, float], ...]:
    return tuple(zip(across_G.tolist(), up_G.tolist(), strict=True))
