"""How often a judge contradicts itself: the flip rate of each criterion over its repeats."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from criterial.audit.matched import criterion_names, raters_of
from criterial.core.score import Estimate
from criterial.core.table import VerdictTable
from criterial.score.estimates import mean_estimate

__all__ = ["Noise", "noise"]

_SAME = 1e-9


@dataclass(frozen=True)
class Noise:
    """One criterion's noise."""

    criterion: str
    """Name of the criterion; empty for all."""
    flips: Estimate
    """How likely two repeats on one response differ."""


def noise(judged: VerdictTable) -> tuple[Noise, ...]:
    """Return how often a judge's repeats differ, on the whole and by criterion.

    Parameters
    ----------
    judged : VerdictTable
        One judge's verdicts in two repeats or more. Criteria of scope ``pair`` are left out: their repeats see different orders.

    Returns
    -------
    tuple of Noise
        All first, then the criteria, the noisiest first; none where nothing was decided twice.
    """
    mark_JN, known_JN = raters_of(judged)
    column_N = judged.column_N
    alone_N = ~judged.about_pair_N
    differ_N, pairs_N = np.zeros(len(column_N)), np.zeros(len(column_N))
    for one, two in combinations(range(len(judged.layers)), 2):
        if judged.layers[one].judge == judged.layers[two].judge:
            both_N = known_JN[one] & known_JN[two] & alone_N & ~judged.checked_LN[one]
            differ_N += both_N & (np.abs(mark_JN[one] - mark_JN[two]) > _SAME)
            pairs_N += both_N
    twice_N = pairs_N > 0
    if not twice_N.any():
        return ()
    rate_N = differ_N / np.maximum(pairs_N, 1)
    task_N = judged.task_R[judged.row_N]
    names, of_C = criterion_names(judged)
    of_N = of_C[column_N]
    each = [
        Noise(name, mean_estimate(rate_N[m], task_N[m], unit=True)) for i, name in enumerate(names) if (m := twice_N & (of_N == i)).any()
    ]
    each.sort(key=lambda n: -(n.flips.value or 0.0))
    return (Noise("", mean_estimate(rate_N[twice_N], task_N[twice_N], unit=True)), *each)
