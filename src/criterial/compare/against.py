"""How far two rankings of the same systems agree."""

from __future__ import annotations

import numpy as np
from scipy import stats

from criterial.core.score import Estimate, Ranking

__all__ = ["rankings_agree"]

_LEAST = 5


def rankings_agree(one: Ranking, other: Ranking) -> Estimate:
    """Return Kendall's tau-b of the strengths of systems that two rankings share.

    Parameters
    ----------
    one : Ranking
        A ranking.
    other : Ranking
        Another.

    Returns
    -------
    Estimate
        With an interval over systems, from five on.

    References
    ----------
    Fieller, Hartley and Pearson (1957), Biometrika 44: the arctanh of tau has a variance of about .437 / (n - 4).
    """
    values = [dict(zip(r.systems, (s.value for s in r.strengths), strict=True)) for r in (one, other)]
    common = sorted(values[0].keys() & values[1].keys())
    if len(common) < 2:
        return Estimate(None, None, None, len(common), "the rankings have fewer than two systems in common")
    first, second = (np.array([v[name] for name in common], dtype=np.float64) for v in values)
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return Estimate(None, None, None, len(common), "one of them has all systems equal")
    tau = float(stats.kendalltau(first, second).statistic)
    if len(common) < _LEAST or abs(tau) == 1.0:
        return Estimate(tau, None, None, len(common), f"no interval: {len(common)} systems" + (" in the same order" if tau == 1.0 else ""))
    half = 1.96 * np.sqrt(0.437 / (len(common) - 4))
    low, high = np.tanh([np.arctanh(tau) - half, np.arctanh(tau) + half])
    return Estimate(tau, float(low), float(high), len(common), f"over {len(common)} systems")
