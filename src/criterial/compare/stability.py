"""Stability of a ranking: how often so many tasks, drawn at random, put the systems in the order that all tasks put them in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import factorial

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from criterial.compare.evidence import Contests, Marks
from criterial.compare.ranking import WEAK_SD
from criterial.core.score import Estimate
from criterial.errors import ConfigError
from criterial.maths.intervals import wilson

__all__ = ["Stability", "Subsets", "rank_stability"]

Floats = NDArray[np.float64]
_SAME = 1e-9
_UNKNOWN = 2.0
_CHUNK = 64
_SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.75)


@dataclass(frozen=True)
class Subsets:
    """What random tasks say of the order of systems."""

    tasks: int
    """How many tasks."""
    same: Estimate
    """Share of draws with the same order of all systems."""
    best: Estimate
    """Share of draws with the same best system."""
    pairs: float
    """Share of pairs of systems in the same order, the mean of all draws."""
    twice: Estimate | None
    """Share of draws of twice as many in which one half gives the same order as the other: whether so many other tasks would say the
    same. None where there are not twice as many."""


@dataclass(frozen=True)
class Stability:
    """How far the order of systems depends on which tasks they met on."""

    systems: tuple[str, ...]
    """The systems, by all tasks the best first."""
    tasks: int
    """How many tasks there are."""
    by_chance: float
    """Chance of one order of so many systems, where all are as likely."""
    subsets: tuple[Subsets, ...]
    """By the number of tasks; near all of them the order is the same by construction."""


def rank_stability(evidence: Marks | Contests, sizes: Sequence[int] = (), draws: int = 500, seed: int = 0) -> Stability:
    """Return how often random tasks give the same order of systems.

    Parameters
    ----------
    evidence : Marks or Contests
        Marks, whose systems are ordered by their means; or contests, ordered by Bradley-Terry strengths with ties as half.
    sizes : sequence of int
        How many tasks to draw, each at least 1 and fewer than there are; left out, from a tenth of them to three quarters.
    draws : int
        How many times each.
    seed : int
        Seed of the draws.

    Returns
    -------
    Stability
        Intervals are Wilson's for the draws alone. A draw in which a system has no mark, or no contest, is not the same.

    Raises
    ------
    ConfigError
        If there are fewer than two systems or four tasks, a size is out of range, there are no draws, or nothing is known of a system.

    References
    ----------
    Inbasekar et al. (2026), WorldJen, arXiv 2605.03475 (card worldjen): subsets of 10 to 50 of 50 prompts, which agree with all 50 by
    construction in the end. Halves that share no task are ours.
    """
    size = len(evidence.systems)
    tasks = len(evidence.items) if isinstance(evidence, Marks) else evidence.clusters
    if size < 2 or tasks < 4 or draws < 1:
        raise ConfigError(f"stability needs 2 systems, 4 tasks and 1 draw or more, not {size}, {tasks} and {draws}")
    sizes = sizes or sorted({max(1, round(share * tasks)) for share in _SHARES})
    wrong = [n for n in sizes if not 1 <= n < tasks]
    if wrong:
        raise ConfigError(f"of {tasks} tasks 1 to {tasks - 1} can be drawn, not {wrong[0]}")
    strengths = _of_marks(evidence) if isinstance(evidence, Marks) else _of_contests(evidence)
    whole_S = strengths(np.ones((1, tasks)))[0]
    if not np.isfinite(whole_S).all():
        raise ConfigError(f"{evidence.systems[int(np.argmin(np.isfinite(whole_S)))]!r} has no mark and no contest: leave it out")
    rng = np.random.default_rng(seed)
    subsets = tuple(_subsets(n, strengths, whole_S, list(_places(rng, tasks, draws))) for n in sizes)
    order = sorted(range(size), key=lambda s: (-whole_S[s], evidence.systems[s]))
    return Stability(tuple(evidence.systems[s] for s in order), tasks, float(1 / factorial(size)) if size < 100 else 0.0, subsets)


def _places(rng: np.random.Generator, tasks: int, draws: int) -> Iterator[NDArray[np.int64]]:
    """Yield the tasks in random orders, some draws at a time."""
    for start in range(0, draws, _CHUNK):
        yield rng.permuted(np.tile(np.arange(tasks), (min(_CHUNK, draws - start), 1)), axis=1)


def _of_marks(marks: Marks) -> Callable[[Floats], Floats]:
    """Return what gives mean marks from how often each task counts; not a number where there is none."""
    known_IS, value_IS = marks.known_SI.T.astype(np.float64), (marks.value_SI * marks.known_SI).T

    def strengths(weight_BI: Floats) -> Floats:
        count_BS = weight_BI @ known_IS
        return np.where(count_BS > 0, (weight_BI @ value_IS) / np.maximum(count_BS, 1.0), np.nan)

    return strengths


def _of_contests(contests: Contests) -> Callable[[Floats], Floats]:
    """Return what gives strengths from how often each task counts; not a number where a system met nobody."""
    size = len(contests.systems)
    _, task_P = np.unique(contests.cluster_P, return_inverse=True)
    apart = int(task_P.max()) + 1
    won = np.zeros((apart, size, size))
    np.add.at(won, (task_P, contests.first_P, contests.second_P), contests.result_P)
    np.add.at(won, (task_P, contests.second_P, contests.first_P), 1.0 - contests.result_P)
    won_TX = won.reshape(apart, size * size)

    def strengths(weight_BT: Floats) -> Floats:
        return _bradley_terry((weight_BT @ won_TX).reshape(-1, size, size))

    return strengths


def _bradley_terry(won_BSS: Floats) -> Floats:
    """Return strengths by Newton's method, under the weak prior that bounds those of systems that won everything."""
    met_BSS = won_BSS + won_BSS.transpose(0, 2, 1)
    x_BS: Floats = np.zeros(won_BSS.shape[:2])
    eye_SS = np.eye(won_BSS.shape[2])
    for _ in range(50):
        chance_BSS = special.expit(x_BS[:, :, None] - x_BS[:, None, :])
        slope_BS = (won_BSS - met_BSS * chance_BSS).sum(axis=2) - x_BS / WEAK_SD**2
        spread_BSS = met_BSS * chance_BSS * (1.0 - chance_BSS)
        curve_BSS = spread_BSS.sum(axis=2)[:, :, None] * eye_SS - spread_BSS + eye_SS / WEAK_SD**2
        step_BS = np.linalg.solve(curve_BSS, slope_BS[:, :, None])[:, :, 0]
        # far from the optimum a whole step can lead away from it
        x_BS = x_BS + step_BS / np.maximum(1.0, np.abs(step_BS).max(axis=1, keepdims=True))
        if np.abs(step_BS).max() < _SAME:
            break
    return np.where(met_BSS.sum(axis=2) > 0, x_BS, np.nan)


def _subsets(n: int, strengths: Callable[[Floats], Floats], whole_S: Floats, places: Sequence[NDArray[np.int64]]) -> Subsets:
    one, other = np.triu_indices(len(whole_S), 1)
    whole_H = _sides(whole_S[None, :], one, other)
    best_H = (one == np.argmax(whole_S)) | (other == np.argmax(whole_S))
    same, twice = [], []
    for place_BT in places:
        side_BH = _sides(strengths((place_BT < n).astype(np.float64)), one, other)
        same.append(side_BH == whole_H)
        if 2 * n <= place_BT.shape[1]:
            apart_BH = _sides(strengths(((place_BT >= n) & (place_BT < 2 * n)).astype(np.float64)), one, other)
            twice.append(((side_BH == apart_BH) & (side_BH != _UNKNOWN)).all(axis=1))
    same_BH = np.concatenate(same)
    return Subsets(
        n,
        _share(same_BH.all(axis=1)),
        _share(same_BH[:, best_H].all(axis=1)),
        float(same_BH.mean()),
        _share(np.concatenate(twice)) if twice else None,
    )


def _sides(strength_BS: Floats, one_H: NDArray[np.int64], other_H: NDArray[np.int64]) -> Floats:
    """Return who of each two is ahead: 1, -1, 0 for neither, 2 where one is not known."""
    apart_BH = strength_BS[:, one_H] - strength_BS[:, other_H]
    known_BH = np.isfinite(apart_BH)
    apart_BH = np.where(known_BH, apart_BH, 0.0)
    return np.where(known_BH, np.where(np.abs(apart_BH) <= _SAME, 0.0, np.sign(apart_BH)), _UNKNOWN)


def _share(hit_B: ArrayLike) -> Estimate:
    hit_B = np.asarray(hit_B, dtype=np.bool_)
    low, high = wilson(float(hit_B.sum()), float(len(hit_B)))
    return Estimate(float(hit_B.mean()), low, high, len(hit_B), f"Wilson, {len(hit_B)} draws of tasks")
