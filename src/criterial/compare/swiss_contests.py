"""Swiss-system contests by the hundred thousand: systems with equally many wins meet on the next benchmark.

The state of a contest is one sorted row of whole numbers, a system each. From the top: a bit for being out, a bit for sitting out the
round, 14 bits for half points missed, 32 random bits anew in every round, and 16 bits for the system's place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

__all__ = ["Pairing", "Played", "Rounds", "Ties", "play", "rounds_of"]

Array = NDArray[np.float64]
Keys = NDArray[np.uint64]
Pairing = Literal["bye", "float_down"]
"""What becomes of the odd one among systems with equally many wins: no meeting, or one with a system that has fewer."""
Ties = Literal["coin", "half"]
"""A fair coin decides, or both get half a point."""
_SAME = 1e-12
_OUT, _SITS = np.uint64(1 << 63), np.uint64(1 << 62)
_HALF, _LEVEL, _PLACE = np.uint64(1 << 48), np.uint64(48), np.uint64(0xFFFF)
_RANDOM = np.uint64(16)
_FIXED = ~np.uint64(0xFFFFFFFF << 16)
_IN_ROUND = np.uint64(1 << 14)
_CELLS = 1 << 18


@dataclass(frozen=True)
class Rounds:
    """The chances of meetings in B schedules of K rounds, S systems."""

    whole_BKSS: NDArray[np.float32]
    """Chance that the one gets the whole point from the other."""
    some_BKSS: NDArray[np.float32]
    """Chance that it gets half of it or more."""
    plays_BKS: NDArray[np.bool_]
    """Whether a system takes part in a round."""


@dataclass(frozen=True)
class Played:
    """What came of contests, B schedules of K rounds, S systems."""

    contests: int
    """Contests in each schedule."""
    wins_BS: Array
    """Mean points."""
    spread_SS: Array
    """Covariance of points in one contest, pooled over schedules."""
    top_BS: Array
    """Share of contests that a system won; joint winners share it."""
    alive_BKS: Array
    """Share of contests in which a system was in at the beginning of a round."""
    meetings_BS: Array
    """Mean number of meetings."""

    @property
    def se_S(self) -> Array:
        """Monte Carlo error of the mean points."""
        return np.sqrt(np.diag(self.spread_SS) / self.contests)


def rounds_of(
    score_BKS: Array, plays_BKS: NDArray[np.bool_], spread_BKSS: Array | None = None, ties: Ties = "coin", tie: float = 0.0
) -> Rounds:
    """Return the chances of all meetings.

    Parameters
    ----------
    score_BKS : (B, K, S) float
        Scores on the benchmarks.
    plays_BKS : (B, K, S) bool
        Whether there is one.
    spread_BKSS : (B, K, S, S) float, optional
        Standard error of the difference of two systems' scores: the better score then wins with the chance that it is truly better.
        None is none, so that the better score wins.
    ties : {"coin", "half"}
        What is made of ties.
    tie : float
        Scores that lie no further apart are a tie.

    Returns
    -------
    Rounds
    """
    ahead = score_BKS[..., :, None] - score_BKS[..., None, :]
    win = (ahead > tie + _SAME).astype(np.float64)
    if spread_BKSS is not None:
        sure = spread_BKSS <= _SAME
        win = np.where(sure, win, ndtr((ahead - tie) / np.where(sure, 1.0, spread_BKSS)))
    draw = np.maximum(1.0 - win - np.swapaxes(win, -1, -2), 0.0)
    if ties == "coin":
        whole = (win + draw / 2).astype(np.float32)
        return Rounds(whole, whole, plays_BKS)
    return Rounds(win.astype(np.float32), (win + draw).astype(np.float32), plays_BKS)


def play(rounds: Rounds, contests: int, eliminate: int, pairing: Pairing, rng: np.random.Generator) -> Played:
    """Play contests of every schedule.

    Parameters
    ----------
    rounds : Rounds
        The schedules.
    contests : int
        Contests in each, two or more.
    eliminate : int
        How many of those with the fewest points go after every round but the last.
    pairing : {"bye", "float_down"}
        What becomes of the odd one.
    rng : numpy.random.Generator
        Source of chance.

    Returns
    -------
    Played

    Notes
    -----
    In every round rows are sorted by points, the best first, and at random among equals; those who are out stand last. Neighbours of
    equal points meet. The last of those who are in are a random choice from the lowest points, and are those who go.
    """
    schedules, number, size = rounds.plays_BKS.shape
    tally = _Tally(schedules, number, size)
    step = max(_CELLS // size, 1)
    for start in range(0, schedules * contests, step):
        schedule_N = np.arange(start, min(start + step, schedules * contests)) // contests
        _play_some(rounds, schedule_N, eliminate, pairing, rng, tally)
    return tally.played(contests)


class _Tally:
    """Sums over contests."""

    def __init__(self, schedules: int, number: int, size: int) -> None:
        self.number = number
        self.wins_BS, self.top_BS, self.met_BS = (np.zeros((schedules, size)) for _ in range(3))
        self.alive_BKS = np.zeros((schedules, number, size))
        self.outer_SS = np.zeros((size, size))

    def count(self, schedule_P: NDArray[np.int64], place_P: NDArray[np.int64]) -> Array:
        """Return how often each system of each schedule occurs, (B, S)."""
        shape = self.wins_BS.shape
        found = np.bincount(schedule_P * shape[1] + place_P, minlength=shape[0] * shape[1])
        return found.reshape(shape).astype(np.float64)

    def finish(self, key_NS: Keys, schedule_N: NDArray[np.int64]) -> None:
        """Add the points of contests that are over."""
        missed_NS = ((key_NS & ~_OUT) >> _LEVEL).astype(np.float64)
        wins_NS = np.empty_like(missed_NS)
        np.put_along_axis(wins_NS, (key_NS & _PLACE).astype(np.int64), self.number - missed_NS / 2, axis=1)
        best_NS = wins_NS == wins_NS.max(axis=1, keepdims=True)
        schedule, start = np.unique(schedule_N, return_index=True)
        self.wins_BS[schedule] += np.add.reduceat(wins_NS, start, axis=0)
        self.top_BS[schedule] += np.add.reduceat(best_NS / best_NS.sum(axis=1, keepdims=True), start, axis=0)
        self.outer_SS += wins_NS.T @ wins_NS

    def played(self, contests: int) -> Played:
        """Return the means."""
        wins_BS, schedules = self.wins_BS / contests, len(self.wins_BS)
        spread_SS = (self.outer_SS - contests * (wins_BS.T @ wins_BS)) / (schedules * max(contests - 1, 1))
        return Played(contests, wins_BS, spread_SS, self.top_BS / contests, self.alive_BKS / contests, self.met_BS / contests)


def _play_some(
    rounds: Rounds, schedule_N: NDArray[np.int64], eliminate: int, pairing: Pairing, rng: np.random.Generator, tally: _Tally
) -> None:
    _, number, size = rounds.plays_BKS.shape
    shape = (len(schedule_N), size)
    key_NS = np.broadcast_to(np.arange(size, dtype=np.uint64) + np.uint64(2 * number) * _HALF, shape).copy()
    for k in range(number):
        key_NS &= _FIXED
        key_NS |= rng.integers(0, 1 << 32, size=shape, dtype=np.uint32).astype(np.uint64) << _RANDOM
        key_NS.sort(axis=1)
        if k and eliminate:
            _eliminate(key_NS, eliminate)
        inside = np.flatnonzero(key_NS < _OUT)
        tally.alive_BKS[:, k] += tally.count(schedule_N[inside // size], (key_NS.ravel()[inside] & _PLACE).astype(np.int64))
        if not rounds.plays_BKS[:, k].all():
            plays_NS = rounds.plays_BKS[schedule_N[:, None], k, (key_NS & _PLACE).astype(np.int64)]
            key_NS[~plays_NS] |= _SITS
            key_NS.sort(axis=1)
        _meet(key_NS, rounds, k, schedule_N, pairing, rng, tally)
        key_NS &= ~_SITS
    tally.finish(key_NS, schedule_N)


def _eliminate(key_NS: Keys, eliminate: int) -> None:
    """Put out the last of each row's lowest points, never all."""
    level_NS = key_NS >> _LEVEL
    inside_N = (key_NS < _OUT).sum(axis=1)
    lowest_N = np.take_along_axis(level_NS, inside_N[:, None] - 1, axis=1)
    gone_N = np.minimum(np.minimum((level_NS == lowest_N).sum(axis=1), eliminate), inside_N - 1)
    place_S = np.arange(key_NS.shape[1])
    key_NS[(place_S >= (inside_N - gone_N)[:, None]) & (place_S < inside_N[:, None])] |= _OUT


def _meet(
    key_NS: Keys,
    rounds: Rounds,
    k: int,
    schedule_N: NDArray[np.int64],
    pairing: Pairing,
    rng: np.random.Generator,
    tally: _Tally,
) -> None:
    """Let neighbours meet, and take half points off what they have missed."""
    size, key = key_NS.shape[1], key_NS.reshape(-1)
    second_P = np.flatnonzero(_is_second(key_NS, pairing))
    first_P = second_P - 1
    schedule_P = schedule_N[second_P // size]
    one_P, two_P = ((key[p] & _PLACE).astype(np.int64) for p in (first_P, second_P))
    cell_P = (schedule_P * size + one_P) * size + two_P
    chance_P = rng.random(len(cell_P), dtype=np.float32)
    halves_P = (chance_P < rounds.whole_BKSS[:, k].reshape(-1)[cell_P]).astype(np.uint64)
    halves_P += chance_P < rounds.some_BKSS[:, k].reshape(-1)[cell_P]
    key[first_P] -= halves_P * _HALF
    key[second_P] -= (np.uint64(2) - halves_P) * _HALF
    tally.met_BS += tally.count(schedule_P, one_P) + tally.count(schedule_P, two_P)


def _is_second(key_NS: Keys, pairing: Pairing) -> NDArray[np.bool_]:
    """Return who meets the neighbour before it."""
    level_NS = (key_NS >> _LEVEL).astype(np.uint16)
    place_S = np.arange(key_NS.shape[1], dtype=np.int16)
    if pairing == "float_down":
        begin_NS = np.zeros_like(level_NS, dtype=np.int16)
    else:
        begin_NS = np.where(level_NS[:, 1:] != level_NS[:, :-1], place_S[1:], np.int16(0))
        begin_NS = np.maximum.accumulate(np.pad(begin_NS, ((0, 0), (1, 0))), axis=1)
    second_NS: NDArray[np.bool_] = ((place_S - begin_NS) & 1).astype(np.bool_) & (level_NS < _IN_ROUND)
    return second_NS
