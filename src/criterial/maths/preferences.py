"""Metrics against people's preferences between two: decisions with ties, and how far two sides' decisions agree, as sums over pairs.

A decision is 1 where the first of a pair is ahead, -1 where the second is, and 0 for a tie.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from criterial.errors import ConfigError
from criterial.maths.finite import check_counts, check_finite, check_shares
from criterial.maths.sums import Sums, divided

__all__ = ["GRID", "Strategy", "above_chance", "agreement", "calibrated_tie", "chance", "counted", "crossfitted_tie", "decisions"]
__all__ += ["released_iaa", "system_points", "system_tau", "tau"]

Floats = NDArray[np.float64]
Strategy = Literal["threshold", "partial", "exclude"]
"""What agrees: equal decisions; besides, a half where exactly one side ties; or equal decisions where people do not tie."""
GRID: Floats = np.arange(1, 16) / 100
"""The thresholds that the script released with ScholarQA-CS2 chooses from."""
_SAME = 1e-12  # distances no further apart are equal but for rounding
_NOTHING = "no pair is decided by both"


def decisions(ahead_P: Floats, tie: Floats | float = 0.0) -> Floats:
    """Return who is ahead in each pair.

    Parameters
    ----------
    ahead_P : (P,) float
        How far the first is ahead.
    tie : (P,) float, or float
        Distances up to this are ties.

    Returns
    -------
    (P,) float
        1, 0 or -1.

    Raises
    ------
    ConfigError
        If a distance is not finite.
    """
    check_finite(ahead_P, tie)
    return np.where(np.abs(ahead_P) <= np.asarray(tie) + _SAME, 0.0, np.sign(ahead_P))


def calibrated_tie(ahead_P: Floats, share: float, grid_T: Floats | None = None) -> float:
    """Return the threshold under which a metric ties as often as people do.

    Parameters
    ----------
    ahead_P : (P,) float
        How far the metric sees the first ahead; none gives 0.
    share : float
        The share of ties to come near.
    grid_T : (T,) float, optional
        Thresholds to choose from, ascending; without them, one between every two distances that occur.

    Returns
    -------
    float
        Of equally good ones the smallest.

    Raises
    ------
    ConfigError
        If a distance or a threshold is not finite, the share is none, or there are no thresholds.
    """
    check_finite(ahead_P)
    check_shares(share)
    distance_P = np.sort(np.abs(ahead_P))
    tie_T = _between(distance_P) if grid_T is None else grid_T
    check_finite(tie_T)
    if not len(tie_T):
        raise ConfigError("there are no thresholds to choose from")
    share_T = np.searchsorted(distance_P, tie_T + _SAME, side="right") / max(len(distance_P), 1)
    return float(tie_T[np.argmin(np.abs(share_T - share))])


def _between(distance_P: Floats) -> Floats:
    """Return 0, and for each further distance a threshold that lies above it and below the next."""
    level_L = np.unique(np.append(distance_P.round(12), 0.0))
    upper_L = np.append(level_L[1:], level_L[-1])
    return np.append(0.0, ((level_L + upper_L) / 2)[1:])


def crossfitted_tie(ahead_P: Floats, tied_P: NDArray[np.bool_], cluster_P: NDArray[np.int64], folds: int = 5, seed: int = 0) -> Floats:
    """Return for each pair the threshold that `calibrated_tie` finds on other clusters, so that it is not tuned on what it is used on.

    Parameters
    ----------
    ahead_P : (P,) float
        How far the metric sees the first ahead.
    tied_P : (P,) bool
        Whether people tie.
    cluster_P : (P,) int
        The cluster of each pair; a cluster is never split.
    folds : int
        In how many parts the clusters are cut; no more than there are clusters.
    seed : int
        Seed of the cut.

    Returns
    -------
    (P,) float

    Raises
    ------
    ConfigError
        If there are fewer than two clusters.
    """
    _, cluster = np.unique(cluster_P, return_inverse=True)
    count = int(cluster.max(initial=-1)) + 1
    if count < 2:
        raise ConfigError("a threshold that is fitted on other clusters needs two of them")
    fold_P = (np.random.default_rng(seed).permutation(count) % min(folds, count))[cluster]
    out_P = np.zeros(len(ahead_P))
    for fold in range(int(fold_P.max()) + 1):
        others = fold_P != fold
        out_P[~others] = calibrated_tie(ahead_P[others], float(tied_P[others].mean()))
    return out_P


def counted(people_P: Floats, metric_P: Floats, known_P: NDArray[np.bool_] | None = None) -> Floats:
    """Return the two decisions on each pair as one of nine counts.

    Parameters
    ----------
    people_P, metric_P : (P,) float
        Decisions.
    known_P : (P,) bool, optional
        Where both are known; else everywhere.

    Returns
    -------
    (P, 9) float
        A row a pair, people's decision before the metric's, each from -1 to 1; zeros where one is not known.

    Raises
    ------
    ConfigError
        If what is known is none of -1, 0 and 1.
    """
    known_P = np.ones(len(people_P), dtype=np.bool_) if known_P is None else known_P
    people_P, metric_P = _decided(np.where(known_P, people_P, 0.0)), _decided(np.where(known_P, metric_P, 0.0))
    counts_P9 = np.zeros((len(people_P), 9))
    counts_P9[np.arange(len(people_P)), (3 * (people_P + 1) + metric_P + 1).astype(np.int64)] = 1.0
    return counts_P9 * known_P[:, None]


def _decided(decision_P: Floats) -> Floats:
    if not np.isin(decision_P, (-1.0, 0.0, 1.0)).all():
        raise ConfigError("a decision is none of -1, 0 and 1")
    return decision_P


def _credits(counts_P9: Floats, strategy: Strategy) -> tuple[Floats, Floats]:
    """Return the credit of each two decisions, and which are counted."""
    if strategy not in get_args(Strategy):
        raise ConfigError(f"no strategy {strategy!r} for ties: one of {', '.join(get_args(Strategy))}")
    check_counts(counts_P9)
    credit_33, counts_33 = np.eye(3), np.ones((3, 3))
    if strategy == "partial":
        credit_33[[0, 1, 1, 2], [1, 0, 2, 1]] = 0.5
    if strategy == "exclude":
        credit_33[1], counts_33[1] = 0.0, 0.0
    return credit_33, counts_33


def agreement(counts_P9: Floats, strategy: Strategy = "threshold") -> Sums:
    """Return the share of pairs on which both sides decide alike.

    Parameters
    ----------
    counts_P9 : (P, 9) float
        As `counted` gives them.
    strategy : Strategy
        What agrees.

    Returns
    -------
    Sums

    Raises
    ------
    ConfigError
        For another strategy, or if they are no counts.

    References
    ----------
    Hwang et al. (2026), Deep Research, Shallow Evaluation, arXiv 2603.06942.
    """
    credit_33, counts_33 = _credits(counts_P9, strategy)
    return Sums(counts_P9 * counts_33.ravel(), lambda c: divided(c @ credit_33.ravel(), c.sum(axis=1)), _NOTHING)


def chance(counts_P9: Floats, strategy: Strategy = "threshold") -> Sums:
    """Return the agreement of a metric that decides as often each way, but on other pairs; parameters and result as for `agreement`."""
    credit_33, counts_33 = _credits(counts_P9, strategy)
    return Sums(counts_P9 * counts_33.ravel(), lambda c: _by_chance(c, credit_33), _NOTHING)


def _by_chance(counts_B9: Floats, credit_33: Floats) -> Floats:
    counts_B33 = counts_B9.reshape(-1, 3, 3)
    both_B = ((counts_B33.sum(axis=2) @ credit_33) * counts_B33.sum(axis=1)).sum(axis=1)
    return divided(both_B, counts_B9.sum(axis=1) ** 2)


def above_chance(counts_P9: Floats, strategy: Strategy = "threshold") -> Sums:
    """Return how far `agreement` lies above `chance`; parameters and result as for `agreement`."""
    credit_33, counts_33 = _credits(counts_P9, strategy)

    def statistic(counts_B9: Floats) -> Floats:
        return divided(counts_B9 @ credit_33.ravel(), counts_B9.sum(axis=1)) - _by_chance(counts_B9, credit_33)

    return Sums(counts_P9 * counts_33.ravel(), statistic, _NOTHING)


def tau(counts_P9: Floats) -> Sums:
    """Return equal decisions less opposite ones, over the geometric mean of how often each side decides.

    Parameters
    ----------
    counts_P9 : (P, 9) float
        As `counted` gives them.

    Returns
    -------
    Sums
        In the manner of Kendall's tau-b: 1 where both always decide alike, ties included.

    Raises
    ------
    ConfigError
        If they are no counts.
    """
    check_counts(counts_P9)

    def statistic(counts_B9: Floats) -> Floats:
        table_B33 = counts_B9.reshape(-1, 3, 3)
        same_B = table_B33[:, 0, 0] + table_B33[:, 2, 2] - table_B33[:, 0, 2] - table_B33[:, 2, 0]
        people_B, metric_B = (table_B33[:, [0, 2]].sum(axis=(1, 2)), table_B33[:, :, [0, 2]].sum(axis=(1, 2)))
        return divided(same_B, np.sqrt(people_B * metric_B))

    return Sums(counts_P9, statistic, "one of the two ties everywhere")


def released_iaa(question_P: NDArray[np.int64], one_P: Floats, other_P: Floats) -> tuple[float, float]:
    """Return the agreement of two annotators as the script released with ScholarQA-CS2 counts it.

    Parameters
    ----------
    question_P : (P,) int
        The question of each pair, in the order of the file.
    one_P, other_P : (P,) float
        Decisions of two annotators.

    Returns
    -------
    tuple of (float, float)
        Strict, and with half a credit where exactly one ties.

    Raises
    ------
    ConfigError
        If there are no pairs, or a decision is none of -1, 0 and 1.

    Notes
    -----
    Two slips are kept: of the pairs of one question the last alone counts, and opposite decisions are left out of what half credit is
    a share of, so that no two annotators can fall below one half. Use `agreement` for a figure that means something.
    """
    if not len(question_P):
        raise ConfigError("there are no pairs")
    one_P, other_P = _decided(one_P), _decided(other_P)
    _, first = np.unique(question_P[::-1], return_index=True)
    last = len(question_P) - 1 - first
    one, other = one_P[last], other_P[last]
    same, opposite = one == other, one * other < 0
    half = np.where(same, 1.0, 0.5)[~opposite]
    return float(same.mean()), float(half.mean()) if len(half) else 0.0


def system_points(first_P: NDArray[np.int64], second_P: NDArray[np.int64], decision_P: Floats, systems: int) -> Floats:
    """Return what each pair gives each system: 1 to the winner, half to both where it ties.

    Parameters
    ----------
    first_P, second_P : (P,) int
        The systems of each pair.
    decision_P : (P,) float
        Decisions.
    systems : int
        How many systems, S.

    Returns
    -------
    (P, S) float

    Raises
    ------
    ConfigError
        If a decision is none of -1, 0 and 1.
    """
    decision_P = _decided(decision_P)
    at_P = np.arange(len(first_P))
    points_PS = np.zeros((len(first_P), systems))
    points_PS[at_P, first_P] += (1.0 + decision_P) / 2
    points_PS[at_P, second_P] += (1.0 - decision_P) / 2
    return points_PS


def system_tau(first_P: NDArray[np.int64], second_P: NDArray[np.int64], people_P: Floats, metric_P: Floats, systems: int) -> Sums:
    """Return Kendall's tau-b of systems' win rates by people and by a metric.

    Parameters
    ----------
    first_P, second_P : (P,) int
        The systems of each pair.
    people_P, metric_P : (P,) float
        Decisions.
    systems : int
        How many systems, S.

    Returns
    -------
    Sums
        Systems without a pair are left out.

    Raises
    ------
    ConfigError
        If a decision is none of -1, 0 and 1.
    """
    games_PS = system_points(first_P, second_P, np.ones(len(first_P)), systems) + system_points(
        second_P, first_P, np.ones(len(first_P)), systems
    )
    points = [system_points(first_P, second_P, d, systems) for d in (people_P, metric_P)]

    def statistic(sums_BM: Floats) -> Floats:
        people_BS, metric_BS, games_BS = np.split(sums_BM, 3, axis=1)
        there_BSS = (games_BS[:, :, None] > 0) & (games_BS[:, None, :] > 0)
        people_BSS, metric_BSS = (_order(v / np.maximum(games_BS, 1.0)) * there_BSS for v in (people_BS, metric_BS))
        top_B = (people_BSS * metric_BSS).sum(axis=(1, 2))
        return divided(top_B, np.sqrt(np.abs(people_BSS).sum(axis=(1, 2)) * np.abs(metric_BSS).sum(axis=(1, 2))))

    return Sums(np.hstack([*points, games_PS]), statistic, "all systems win alike by one of the two")


def _order(rate_BS: Floats) -> Floats:
    """Return which of each two is ahead."""
    apart_BSS = rate_BS[:, :, None] - rate_BS[:, None, :]
    return np.where(np.abs(apart_BSS) <= _SAME, 0.0, np.sign(apart_BSS))
