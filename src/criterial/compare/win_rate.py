"""Win rates: the share of its contests that a system won, a tie as half."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from criterial.compare.evidence import Evidence
from criterial.compare.ranking import Strengths, ranking_of
from criterial.core.method import Method
from criterial.core.score import Finding, Ranking

__all__ = ["METHOD", "WinRate", "win_rate"]


@dataclass(frozen=True)
class WinRate:
    """Options of `win_rate`."""

    margin: float = 0.05
    """Difference of win rates below which systems count as equal."""


def win_rate(evidence: Evidence, options: WinRate | None = None) -> Ranking:
    """Return systems by the share of contests that they won, ties counted half.

    Parameters
    ----------
    evidence : Evidence
        With contests, or marks that make them.
    options : WinRate, optional
        See there.

    Returns
    -------
    Ranking
        Intervals are over tasks.

    Raises
    ------
    ConfigError
        If no two systems met.
    """
    options = options or WinRate()
    contests = evidence.contests
    size, n_S = len(contests.systems), contests.n_S
    _, cluster_P = np.unique(contests.cluster_P, return_inverse=True)
    rows = np.concatenate([cluster_P, cluster_P])
    columns = np.concatenate([contests.first_P, contests.second_P])
    won = np.concatenate([contests.result_P, 1.0 - contests.result_P])
    value_S = np.bincount(columns, won, minlength=size) / np.maximum(n_S, 1)
    value_S[n_S == 0] = 0.5
    error_TS = sparse.csr_array(((won - value_S[columns]) / n_S[columns], (rows, columns)), shape=(contests.clusters, size))
    tasks = contests.clusters
    return ranking_of(
        Strengths(
            systems=contests.systems,
            value_S=value_S,
            cov_SS=(error_TS.T @ error_TS).toarray() * (tasks / max(tasks - 1, 1)),
            n_S=n_S,
            units=tasks,
            unit="share of contests won, ties as half",
            margin=options.margin,
            method="win_rate",
            basis=f"{tasks} task{'s' if tasks != 1 else ''}",
            notes=_notes(contests.systems, n_S, columns, np.concatenate([contests.second_P, contests.first_P])),
        )
    )


def _notes(systems: tuple[str, ...], n_S: NDArray[np.int64], met: NDArray[np.int64], other: NDArray[np.int64]) -> tuple[Finding, ...]:
    out = []
    absent = [name for name, n in zip(systems, n_S.tolist(), strict=True) if n == 0]
    if absent:
        out.append(Finding("no_contest", "warning", "", f"{', '.join(absent)} had no contest: their 0.5 says nothing"))
    size = len(systems)
    count_SS = np.bincount(met * size + other, minlength=size * size).reshape(size, size)[~np.eye(size, dtype=bool)]
    if count_SS.min() < 0.5 * count_SS.max():
        message = "some pairs met much less often than others: a win rate depends on whom a system met"
        out.append(Finding("uneven_schedule", "warning", "", message, "rank by bradley_terry, which allows for it"))
    return tuple(out)


METHOD = Method(
    name="win_rate", room="compare", call=win_rate, options=WinRate, says="ranks by the share of contests won, ties counted half"
)
