"""Mean marks: what a system gets on average, compared on the items that both systems have."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from criterial.compare.evidence import Evidence, Marks
from criterial.compare.ranking import Strengths, ranking_of
from criterial.core.method import Method
from criterial.core.score import Finding, Ranking
from criterial.errors import ConfigError
from criterial.maths.paired import sign_flip

__all__ = ["METHOD", "Mean", "mean"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Mean:
    """Options of `mean`."""

    suites: Literal["pooled", "equal"] = "pooled"
    """Whether all items count alike, or all benchmarks do, however many items each has."""
    margin: float = 0.05
    """Difference of marks below which systems count as equal."""
    test: Literal["t", "sign_flip"] = "t"
    """How pairs are tested: by Student's t; or by flipping the signs of differences on the items that both have, which assumes no law of
    theirs (of marks that are 0 or 1 it is McNemar's exact test)."""
    draws: int = 9999
    """Random flips, where there are too many to count; a p-value is never below 1 / (1 + draws)."""


def mean(evidence: Evidence, options: Mean | None = None) -> Ranking:
    """Return systems by their mean mark.

    The intervals are over items, with the covariance of systems on the items that they share, so that every comparison is paired.

    Parameters
    ----------
    evidence : Evidence
        With marks.
    options : Mean, optional
        See there.

    Returns
    -------
    Ranking

    Raises
    ------
    ConfigError
        If there are no marks; or benchmarks are to count alike and a system has no mark on one.

    Notes
    -----
    With e_si the mark of system s on item i less its mean, over the number of its items, the covariance is
    I / (I - 1) * sum_i e_si e_ri: the linearised variance of a ratio, with Student's quantiles of I - 1 degrees of freedom.
    """
    options = options or Mean()
    marks = evidence.marks
    known_SI = marks.known_SI
    if not known_SI.any(axis=1).all():
        nameless = marks.systems[int(np.argmin(known_SI.any(axis=1)))]
        raise ConfigError(f"{nameless!r} has no score: rank by bradley_terry, or leave it out")
    share_SI = known_SI / known_SI.sum(axis=1, keepdims=True) if options.suites == "pooled" else _equal(marks)
    value_S = (share_SI * marks.value_SI).sum(axis=1)
    centre_SI = value_S[:, None] if options.suites == "pooled" else _centres(marks)
    error_SI = share_SI * np.where(known_SI, marks.value_SI - centre_SI, 0.0)
    items = int(known_SI.any(axis=0).sum())
    return ranking_of(
        Strengths(
            systems=marks.systems,
            value_S=value_S,
            cov_SS=error_SI @ error_SI.T * (items / max(items - 1, 1)),
            n_S=known_SI.sum(axis=1),
            units=items,
            unit="mean mark",
            margin=options.margin,
            method="mean" + (f" of {len(marks.suites)} benchmarks that count alike" if options.suites == "equal" else ""),
            basis=f"{items} task{'s' if items != 1 else ''}",
            p_SS=_flipped(marks, options.draws) if options.test == "sign_flip" else None,
            notes=_notes(marks),
        )
    )


def _flipped(marks: Marks, draws: int) -> Array:
    """Return the p-value of each pair of systems by sign flips over the items that both have."""
    p_SS = np.ones((len(marks.systems),) * 2)
    for one, two in combinations(range(len(marks.systems)), 2):
        items = np.flatnonzero(marks.known_SI[one] & marks.known_SI[two])
        p_SS[one, two] = p_SS[two, one] = sign_flip(marks.value_SI[one, items] - marks.value_SI[two, items], items, draws)
    return p_SS


def _equal(marks: Marks) -> Array:
    count_SK = _per_suite(marks, marks.known_SI.astype(np.float64))
    if not count_SK.all():
        system, suite = (int(a[0]) for a in np.nonzero(count_SK == 0))
        raise ConfigError(
            f"{marks.systems[system]!r} has no mark on {marks.suites[suite]!r}: benchmarks can count alike only where all have marks on all"
        )
    share_SI: Array = marks.known_SI / count_SK[:, marks.suite_I] / len(marks.suites)
    return share_SI


def _centres(marks: Marks) -> Array:
    centre_SK = _per_suite(marks, marks.value_SI) / _per_suite(marks, marks.known_SI.astype(np.float64))
    centres: Array = centre_SK[:, marks.suite_I]
    return centres


def _per_suite(marks: Marks, of_SI: Array) -> Array:
    sums: Array = np.stack([of_SI[:, marks.suite_I == k].sum(axis=1) for k in range(len(marks.suites))], axis=1)
    return sums


def _notes(marks: Marks) -> tuple[Finding, ...]:
    n_S, items = marks.known_SI.sum(axis=1), int(marks.known_SI.any(axis=0).sum())
    short = [f"{name} {n}" for name, n in zip(marks.systems, n_S.tolist(), strict=True) if n < items]
    if not short:
        return ()
    listed = ", ".join(short[:5]) + (f" and {len(short) - 5} more" if len(short) > 5 else "")
    message = f"not all systems have marks on all {items} tasks ({listed}): part of a difference may be that their tasks differ"
    return (Finding("unequal_items", "warning", "", message, "rank by bradley_terry, which compares systems only on what both have"),)


METHOD = Method(name="mean", room="compare", call=mean, options=Mean, says="ranks by the mean mark, compared in pairs on shared tasks")
