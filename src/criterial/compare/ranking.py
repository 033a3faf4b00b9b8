"""From strengths with their covariance to a ranking: intervals, tests of all pairs, tiers of systems that cannot be told apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from criterial.core.score import Comparison, Estimate, Finding, Ranking
from criterial.maths.multiplicity import holm

__all__ = ["LEVEL", "WEAK_SD", "Scale", "Strengths", "on_scale", "ranking_of"]

LEVEL = 0.95
"""Level of intervals; tests reject at its complement."""
WEAK_SD = 3.0
"""Standard deviation, in log-odds, of the prior that bounds the strengths of systems that won, or lost, everything."""
Scale = Literal["elo", "logit"]
"""Strengths as Elo points around 1500, or as log-odds around 0."""
_ELO, _MIDDLE = 400.0 / np.log(10.0), 1500.0
_MOST_LISTED = 150


@dataclass(frozen=True)
class Strengths:
    """What a method makes of the evidence, S systems."""

    systems: tuple[str, ...]
    """Names."""
    value_S: NDArray[np.float64]
    """Strengths."""
    cov_SS: NDArray[np.float64] | None
    """Their covariance; None where the method gives none."""
    n_S: NDArray[np.int64]
    """How many items or contests each rests on."""
    units: int
    """How many independent units the covariance rests on: tasks, or contests."""
    unit: str
    """What a strength is measured in."""
    margin: float
    """Difference below which two systems count as equal for practical purposes, in that unit."""
    method: str
    """The method and its settings."""
    basis: str
    """What the intervals are over, as ``62 tasks``; or why there are none."""
    exact: bool = False
    """Whether the covariance follows from the model alone, so that its quantiles are the normal law's and not Student's."""
    notes: tuple[Finding, ...] = ()
    """What a reader must know."""
    p_SS: NDArray[np.float64] | None = None
    """Two-sided p-value of each pair by a test of its own, symmetric; without, by differences over their standard errors."""

    @property
    def quantile(self) -> float:
        """Half-width of an interval in standard errors."""
        return float(stats.norm.ppf(0.5 + LEVEL / 2) if self.exact else stats.t.ppf(0.5 + LEVEL / 2, max(self.units - 1, 1)))

    def tail(self, ratio_H: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return two-sided p-values of differences in standard errors.

        Parameters
        ----------
        ratio_H : (H,) float
            From 0 up; infinite where there is a difference and no spread.

        Returns
        -------
        (H,) float
            Never below 2^(1 - units): the least that any test which is symmetric over the units can give.
        """
        tail_H = stats.norm.sf(ratio_H) if self.exact else stats.t.sf(ratio_H, max(self.units - 1, 1))
        least = 2.0 ** max(1 - self.units, -1000)
        p_H: NDArray[np.float64] = np.clip(2 * tail_H, least, 1.0)
        return p_H


def on_scale(logit: Strengths, scale: Scale) -> Strengths:
    """Return strengths in log-odds on a scale that people know.

    Parameters
    ----------
    logit : Strengths
        In log-odds around 0; the margin is a chance of a win beyond one half.
    scale : {"elo", "logit"}
        Which.

    Returns
    -------
    Strengths
        The margin in the unit of the scale.
    """
    factor, middle = (_ELO, _MIDDLE) if scale == "elo" else (1.0, 0.0)
    return replace(
        logit,
        value_S=logit.value_S * factor + middle,
        cov_SS=None if logit.cov_SS is None else logit.cov_SS * factor**2,
        margin=float(np.log((0.5 + logit.margin) / (0.5 - logit.margin))) * factor,
        unit="Elo points: 400 ahead is odds of 10 to 1" if scale == "elo" else "log-odds",
    )


class _Pairs:
    """All pairs of systems, places in the ranking, better first: H of them."""

    def __init__(self, found: Strengths, cov_SS: NDArray[np.float64], order: NDArray[np.int64]) -> None:
        self.better_H, self.worse_H = np.triu_indices(len(order), 1)
        one, two = order[self.better_H], order[self.worse_H]
        self.ahead_H = found.value_S[one] - found.value_S[two]
        spread_S = np.maximum(np.diag(cov_SS), 0.0)
        self.se_H = np.sqrt(np.maximum(spread_S[one] + spread_S[two] - 2 * cov_SS[one, two], 0.0))
        # what rounding leaves of a spread of nothing is no spread
        self.se_H[self.se_H <= 1e-9 * np.sqrt(spread_S[one] + spread_S[two])] = 0.0
        ratio_H = np.divide(self.ahead_H, self.se_H, out=np.where(self.ahead_H > 0, np.inf, 0.0), where=self.se_H > 0)
        self.p_H = holm(found.tail(ratio_H) if found.p_SS is None else found.p_SS[one, two])
        self.n_H = np.minimum(found.n_S[one], found.n_S[two])


def ranking_of(found: Strengths) -> Ranking:
    """Return the ranking of strengths.

    Two systems differ where the Holm-corrected test of their difference rejects at 5 %. A tier begins with the best system that is
    not in a better tier and holds all that follow as long as none of them differs from one in it.

    Parameters
    ----------
    found : Strengths
        Strengths with their covariance.

    Returns
    -------
    Ranking
        Pairs are listed one by one for up to 150 systems; beyond, only neighbours are.
    """
    order = np.array(sorted(range(len(found.systems)), key=lambda s: (-found.value_S[s], found.systems[s])), dtype=np.int64)
    names = tuple(found.systems[s] for s in order)
    strengths = tuple(_estimate(found, int(s)) for s in order)
    everyone = tuple((1, len(names)) for _ in names)
    if found.cov_SS is None or found.units < 2:
        return Ranking(names, strengths, (0,) * len(names), everyone, found.method, found.unit, (), found.notes)
    pairs = _Pairs(found, found.cov_SS, order)
    differ_SS = np.zeros((len(order), len(order)), dtype=np.bool_)
    differ_SS[pairs.better_H, pairs.worse_H] = pairs.p_H < 1 - LEVEL
    ranks = tuple((1 + int(b), len(names) - int(w)) for b, w in zip(differ_SS.sum(axis=0), differ_SS.sum(axis=1), strict=True))
    return Ranking(
        names, strengths, _tiers(differ_SS), ranks, found.method, found.unit, tuple(_comparisons(found, names, pairs)), found.notes
    )


def _estimate(found: Strengths, system: int) -> Estimate:
    value, n = float(found.value_S[system]), int(found.n_S[system])
    if found.cov_SS is None or found.units < 2:
        return Estimate(value, None, None, n, f"no interval: {found.basis}")
    se = float(np.sqrt(max(found.cov_SS[system, system], 0.0)))
    if se == 0.0:
        return Estimate(value, None, None, n, f"no interval: the same in all of {found.basis}")
    return Estimate(value, value - found.quantile * se, value + found.quantile * se, n, f"over {found.basis}", se)


def _comparisons(found: Strengths, names: tuple[str, ...], pairs: _Pairs) -> Iterator[Comparison]:
    near_H = pairs.worse_H == pairs.better_H + 1
    for h in np.flatnonzero(near_H if len(names) > _MOST_LISTED else np.ones_like(near_H)):
        ahead, se, p = float(pairs.ahead_H[h]), float(pairs.se_H[h]), float(pairs.p_H[h])
        low, high = ahead - found.quantile * se, ahead + found.quantile * se
        if se > 0:
            shown = Estimate(ahead, low, high, int(pairs.n_H[h]), f"over {found.basis}", se)
        else:
            shown = Estimate(ahead, None, None, int(pairs.n_H[h]), f"no interval: the same in all of {found.basis}")
        says = _says(p, max(abs(low), abs(high)), found)
        yield Comparison(names[pairs.better_H[h]], names[pairs.worse_H[h]], shown, p, says)


def _says(p: float, most: float, found: Strengths) -> Literal["significant", "bounded null", "uninformative"]:
    if p < 1 - LEVEL:
        return "significant"
    # two units can be equal by chance however small the margin is: nothing is ruled out by fewer than a test needs
    return "bounded null" if most < found.margin and 2.0 ** max(1 - found.units, -1000) < 1 - LEVEL else "uninformative"


def _tiers(differ_SS: NDArray[np.bool_]) -> tuple[int, ...]:
    tiers: list[int] = []
    first = 0
    for place in range(len(differ_SS)):
        if differ_SS[first:place, place].any():
            first = place
        tiers.append((tiers[-1] if tiers else 0) + (first == place and place > 0))
    return tuple(tiers)
