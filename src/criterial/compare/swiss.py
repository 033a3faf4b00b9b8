"""Swiss-system rounds over many benchmarks: systems with equally many wins meet on the next one, and the last may be put out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from criterial.compare.evidence import Evidence, Marks
from criterial.compare.ranking import Strengths, ranking_of
from criterial.compare.swiss_contests import Pairing, Played, Rounds, Ties, play, rounds_of
from criterial.core.method import Method
from criterial.core.score import Finding, Ranking
from criterial.errors import ConfigError

__all__ = ["METHOD", "Orders", "Sensitivity", "Standing", "Swiss", "swiss", "swiss_orders", "swiss_sensitivity", "swiss_standing"]

Array = NDArray[np.float64]
_CELLS = 1 << 22
_FEW = 0.7
_LISTED = 10


@dataclass(frozen=True)
class Swiss:
    """Options of `swiss`."""

    order: tuple[str, ...] = ()
    """The benchmarks in the order of the rounds; none is the order in which they came."""
    eliminate: int = 0
    """How many of those with the fewest wins go after every round but the last."""
    contests: int = 100_000
    """Random contests that are averaged."""
    ties: Ties = "coin"
    """A fair coin decides a tie, or both get half a point."""
    wins: Literal["binary", "probabilistic"] = "binary"
    """The better score wins; or it wins with the chance that it is better on other items of the same kind."""
    pairing: Pairing = "bye"
    """The odd one among systems with equally many wins meets nobody, or one with fewer."""
    intervals: Literal["auto", "items", "suites"] = "auto"
    """Over other items of these benchmarks; or over other benchmarks. ``auto`` is items where every benchmark has several."""
    resamples: int = 200
    """Of items; the contests are shared out among them."""
    orders: int = 100
    """Random orders of the benchmarks, to tell what the order does; the contests are shared out among them. 0 tells nothing."""
    seed: int = 0
    """Of everything that is drawn."""
    margin: float = 0.05
    """Difference of wins a round below which systems count as equal."""

    def __post_init__(self) -> None:
        if self.contests < 100 or self.resamples < 2:
            raise ConfigError("contests must be at least 100, and resamples at least 2")
        if self.eliminate < 0 or self.orders < 0:
            raise ConfigError("eliminate and orders must be 0 or more")


@dataclass(frozen=True)
class Standing:
    """How systems fare in the contests, S systems and K rounds."""

    systems: tuple[str, ...]
    """Names."""
    suites: tuple[str, ...]
    """The benchmarks in the order of the rounds."""
    expected_S: Array
    """Expected wins."""
    se_S: Array
    """Monte Carlo error of that: it says nothing of other items or benchmarks."""
    top_S: Array
    """Chance of the most wins; joint winners share it."""
    survival_KS: Array
    """Chance of being in at the beginning of a round."""
    meetings_S: Array
    """Expected number of meetings, the most that can be won."""


@dataclass(frozen=True)
class Sensitivity:
    """How systems fare as more are put out after every round, T settings of it."""

    systems: tuple[str, ...]
    """Names."""
    eliminate: tuple[int, ...]
    """How many are put out, the first 0."""
    expected_TS: Array
    """Expected wins."""
    se_TS: Array
    """Monte Carlo error of that."""
    slope_S: Array
    """Least-squares slope of expected wins on how many are put out: the paper's sensitivity. Steeply falling is a specialist."""
    relative_TS: Array
    """Change of expected wins since none are put out, as a share of them; 0 where there are none."""


@dataclass(frozen=True)
class Orders:
    """How systems fare in random orders of the benchmarks, O of them."""

    systems: tuple[str, ...]
    """Names."""
    expected_OS: Array
    """Expected wins."""
    rank_OS: NDArray[np.int64]
    """Places from 1, with the Monte Carlo noise of few contests."""

    @property
    def best_S(self) -> NDArray[np.int64]:
        """Best place in any order."""
        return np.asarray(self.rank_OS.min(axis=0))

    @property
    def worst_S(self) -> NDArray[np.int64]:
        """Worst place in any order."""
        return np.asarray(self.rank_OS.max(axis=0))


def swiss(evidence: Evidence, options: Swiss | None = None) -> Ranking:
    """Return systems by the wins that they can expect over all benchmarks.

    Parameters
    ----------
    evidence : Evidence
        With marks on items of two benchmarks or more. A system's score on a benchmark is its mean over the items that it has there;
        scores no further apart than the evidence's tie are a tie.
    options : Swiss, optional
        See there.

    Returns
    -------
    Ranking
        Strengths are expected wins. Intervals are over items or benchmarks, and hold the Monte Carlo error too.

    Raises
    ------
    ConfigError
        If there are no marks, there is one benchmark alone, a system has no mark, or an option does not fit the benchmarks.

    Notes
    -----
    Monte Carlo error vanishes with more contests and would make everything significant, so it is no measure of who is better. Over
    items: items are drawn anew within each benchmark, and each resample plays its share of the contests; the benchmarks and their
    order stay as they are. Over benchmarks: each is left out in turn (jackknife) and the others keep their order. What the noise of
    fewer contests adds to either covariance is taken off, and that of all contests added. A win by a hair is all or nothing, which
    resampling sees only in part: 95 % intervals over items held the truth in .84-.97 of simulations, over benchmarks in .79-.99.

    Chances of wins that are probabilistic are the normal limit of the paired bootstrap of items.

    References
    ----------
    Liu and others (2025), LLM Swiss Round, arXiv 2512.21010. Card swiss_round.
    """
    options = options or Swiss()
    table = _Table(evidence, options)
    rng = np.random.default_rng(options.seed)
    played = _played(table, options, rng)
    over = _over(table, options)
    cov_SS = _over_items(table, options, rng) if over == "items" else _over_suites(table, options, rng)
    rounds, items = len(table.suites), int(table.marks.known_SI.any(axis=0).sum())
    basis = f"{items} items within {rounds} benchmarks" if over == "items" else f"{rounds} benchmarks"
    return ranking_of(
        Strengths(
            systems=evidence.systems,
            value_S=played.wins_BS[0],
            cov_SS=cov_SS + played.spread_SS / options.contests,
            n_S=table.marks.known_SI.sum(axis=1),
            units=items - rounds + 1 if over == "items" else rounds,
            unit=f"expected wins in {rounds} rounds",
            margin=options.margin * rounds,
            method=f"swiss (eliminate: {options.eliminate}, wins: {options.wins}, pairing: {options.pairing})",
            basis=basis,
            notes=tuple(_notes(table, options, played, rng)),
        )
    )


def swiss_standing(evidence: Evidence, options: Swiss | None = None) -> Standing:
    """Return expected wins with the chances of winning and of staying in.

    Parameters
    ----------
    evidence : Evidence
        As for `swiss`.
    options : Swiss, optional
        See there.

    Returns
    -------
    Standing

    Raises
    ------
    ConfigError
        As `swiss`.
    """
    options = options or Swiss()
    table = _Table(evidence, options)
    played = _played(table, options, np.random.default_rng(options.seed))
    return Standing(
        evidence.systems, table.suites, played.wins_BS[0], played.se_S, played.top_BS[0], played.alive_BKS[0], played.meetings_BS[0]
    )


def swiss_sensitivity(evidence: Evidence, options: Swiss | None = None, eliminate: Sequence[int] = (0, 1, 2, 3)) -> Sensitivity:
    """Return how expected wins change as more systems are put out after every round.

    Parameters
    ----------
    evidence : Evidence
        As for `swiss`.
    options : Swiss, optional
        Its `eliminate` is not used.
    eliminate : sequence of int
        How many are put out: 0 first, then at least one other number.

    Returns
    -------
    Sensitivity

    Raises
    ------
    ConfigError
        As `swiss`, or if the numbers do not begin with 0 or there is no other.
    """
    options = options or Swiss()
    if len(set(eliminate)) < 2 or eliminate[0] != 0 or min(eliminate) < 0:
        raise ConfigError("eliminate must be 0 and then at least one other number above 0")
    table = _Table(evidence, options)
    played = [_played(table, replace(options, eliminate=t), np.random.default_rng(options.seed)) for t in eliminate]
    expected_TS, se_TS = np.stack([p.wins_BS[0] for p in played]), np.stack([p.se_S for p in played])
    ahead_T = np.array(eliminate, dtype=np.float64) - np.mean(eliminate)
    none_S = expected_TS[0]
    return Sensitivity(
        evidence.systems,
        tuple(eliminate),
        expected_TS,
        se_TS,
        ahead_T @ expected_TS / (ahead_T @ ahead_T),
        np.divide(expected_TS - none_S, none_S, out=np.zeros_like(expected_TS), where=none_S > 0),
    )


def swiss_orders(evidence: Evidence, options: Swiss | None = None, orders: int = 200, contests: int = 2000) -> Orders:
    """Return places in random orders of the benchmarks.

    Parameters
    ----------
    evidence : Evidence
        As for `swiss`.
    options : Swiss, optional
        Its `order`, `orders` and `contests` are not used.
    orders : int
        How many, O.
    contests : int
        In each.

    Returns
    -------
    Orders

    Raises
    ------
    ConfigError
        As `swiss`.
    """
    options = options or Swiss()
    return _orders(_Table(evidence, options), options, orders, contests, np.random.default_rng(options.seed))


class _Table:
    """Scores of systems on the benchmarks, in the order of the rounds."""

    def __init__(self, evidence: Evidence, options: Swiss) -> None:
        self.marks, self.tie, self.ties = evidence.marks, evidence.tie, options.ties
        self.suites = _ordered(self.marks, options.order)
        self.items_K = [np.flatnonzero(self.marks.suite_I == self.marks.suites.index(name)) for name in self.suites]
        self.probabilistic = options.wins == "probabilistic"
        absent = np.flatnonzero(~self.marks.known_SI.any(axis=1))
        if len(absent):
            raise ConfigError(f"{evidence.systems[absent[0]]!r} has no mark on any benchmark: leave it out")
        if self.probabilistic and max(len(items) for items in self.items_K) < 2:
            raise ConfigError("chances of a win come from several items of a benchmark, and each has one alone: use wins = binary")

    def rounds(self, weight_BI: Array | None = None) -> Rounds:
        """Return the meetings' chances where items count as often as the weights say."""
        weight_BI = np.ones((1, len(self.marks.items))) if weight_BI is None else weight_BI
        value_SI, known_SI = self.marks.value_SI, self.marks.known_SI.astype(np.float64)
        score, plays, spread = [], [], []
        for items in self.items_K:
            w_BI = weight_BI[:, items]
            count_BS = w_BI @ known_SI[:, items].T
            mean_BS = (w_BI @ (value_SI * known_SI)[:, items].T) / np.maximum(count_BS, 1.0)
            score.append(mean_BS)
            plays.append(count_BS > 0)
            if self.probabilistic:
                error_BSI = known_SI[:, items] * (value_SI[:, items] - mean_BS[:, :, None]) / np.maximum(count_BS, 1.0)[:, :, None]
                spread.append(_differences((error_BSI * w_BI[:, None]) @ error_BSI.transpose(0, 2, 1), len(items)))
        return rounds_of(
            np.stack(score, axis=1), np.stack(plays, axis=1), np.stack(spread, axis=1) if spread else None, self.ties, self.tie
        )


def _differences(cov_BSS: Array, items: int) -> Array:
    """Return the standard errors of all differences of means whose covariance follows from that many items."""
    var_BS = np.diagonal(cov_BSS, axis1=1, axis2=2)
    spread_BSS: Array = var_BS[:, :, None] + var_BS[:, None, :] - 2 * cov_BSS
    return np.sqrt(np.maximum(spread_BSS, 0.0) * items / max(items - 1, 1))


def _ordered(marks: Marks, order: tuple[str, ...]) -> tuple[str, ...]:
    if len(marks.suites) < 2:
        raise ConfigError("there is one benchmark alone: rounds are benchmarks, so give several, or rank by mean or bradley_terry")
    if order and sorted(order) != sorted(marks.suites):
        raise ConfigError(f"the order must name each benchmark once: {', '.join(marks.suites)}")
    return order or marks.suites


def _played(table: _Table, options: Swiss, rng: np.random.Generator) -> Played:
    return play(table.rounds(), options.contests, options.eliminate, options.pairing, rng)


def _over(table: _Table, options: Swiss) -> Literal["items", "suites"]:
    several = min(len(items) for items in table.items_K) > 1
    if options.intervals == "items" and not several:
        raise ConfigError("a benchmark has one item alone, so nothing is known of other items: use intervals over suites")
    if options.intervals == "auto":
        return "items" if several else "suites"
    return options.intervals


def _over_items(table: _Table, options: Swiss, rng: np.random.Generator) -> Array:
    """Return the covariance of expected wins over items drawn within benchmarks."""
    contests = max(options.contests // options.resamples, 50)
    played = [play(rounds, contests, options.eliminate, options.pairing, rng) for rounds in _resampled(table, options.resamples, rng)]
    between_SS = np.cov(np.concatenate([p.wins_BS for p in played]), rowvar=False)
    schedules = np.array([len(p.wins_BS) for p in played], dtype=np.float64)
    within_SS = np.tensordot(schedules / schedules.sum(), np.stack([p.spread_SS for p in played]), axes=1)
    return _nearest(between_SS - within_SS / contests)


def _resampled(table: _Table, resamples: int, rng: np.random.Generator) -> Iterator[Rounds]:
    """Yield some resamples at a time."""
    size = len(table.marks.systems)
    step = max(_CELLS // (len(table.suites) * size**2 + size * len(table.marks.items)), 1)
    for start in range(0, resamples, step):
        number = min(step, resamples - start)
        weight_BI = np.zeros((number, len(table.marks.items)))
        for items in table.items_K:
            weight_BI[:, items] = rng.multinomial(len(items), np.full(len(items), 1.0 / len(items)), size=number)
        yield table.rounds(weight_BI)


def _over_suites(table: _Table, options: Swiss, rng: np.random.Generator) -> Array:
    """Return the covariance of expected wins by leaving out each benchmark in turn."""
    number = len(table.suites)
    contests = max(options.contests // number, 50)
    kept = np.array([[k for k in range(number) if k != out] for out in range(number)])
    played = play(_scheduled(table.rounds(), kept), contests, options.eliminate, options.pairing, rng)
    # wins are a sum over rounds: leaving one out changes it by about one round's wins, and K such changes vary as the sum does
    return _nearest(number * (np.cov(played.wins_BS, rowvar=False) - played.spread_SS / contests))


def _scheduled(rounds: Rounds, round_BK: NDArray[np.int64]) -> Rounds:
    """Return schedules of the only one's rounds."""
    whole, some = rounds.whole_BKSS[0][round_BK], rounds.some_BKSS[0][round_BK]
    return Rounds(whole, some, rounds.plays_BKS[0][round_BK])


def _nearest(cov_SS: Array) -> Array:
    """Return the covariance without what is below nothing, as the difference of two estimates may be."""
    value_S, vector_SS = np.linalg.eigh(cov_SS)
    nearest: Array = (vector_SS * np.maximum(value_S, 0.0)) @ vector_SS.T
    return nearest


def _orders(table: _Table, options: Swiss, orders: int, contests: int, rng: np.random.Generator) -> Orders:
    rounds, number, size = table.rounds(), len(table.suites), len(table.marks.systems)
    order_OK = rng.permuted(np.tile(np.arange(number), (orders, 1)), axis=1)
    step = max(_CELLS // (number * size**2), 1)
    pieces = [order_OK[start : start + step] for start in range(0, orders, step)]
    expected = [play(_scheduled(rounds, piece), contests, options.eliminate, options.pairing, rng).wins_BS for piece in pieces]
    expected_OS = np.concatenate(expected)
    rank_OS = 1 + (expected_OS[:, None, :] > expected_OS[:, :, None]).sum(axis=2)
    return Orders(table.marks.systems, expected_OS, rank_OS)


def _notes(table: _Table, options: Swiss, played: Played, rng: np.random.Generator) -> Iterator[Finding]:
    rounds, best_S = len(table.suites), np.argsort(-played.wins_BS[0], kind="stable")
    message = f"{options.contests:,} contests leave a Monte Carlo error of at most {played.se_S.max():.4f} wins, which intervals hold"
    yield Finding("contests", "note", "", message)
    met = float(played.meetings_BS.mean()) / rounds
    if met < _FEW and not options.eliminate:
        message = f"systems meet another in {met:.0%} of rounds; in the others they are the odd one, or have no score, and win nothing"
        yield Finding("few_meetings", "warning", "", message, "pairing = float_down lets the odd one meet a system with fewer wins")
    lacking = [table.marks.systems[s] for s in np.flatnonzero(~table.rounds().plays_BKS[0].all(axis=0))]
    if lacking:
        message = f"{', '.join(lacking)} have no score on some benchmarks: they neither win nor lose there, and so can win less"
        yield Finding("missing_suites", "warning", "", message, "compare wins with meetings, or leave those benchmarks out")
    if options.eliminate:
        message = "who goes is drawn from all with the fewest wins: a strong system that loses early may go, as the method has it"
        yield Finding("elimination", "note", "", message)
    if options.orders:
        found = _orders(table, options, options.orders, max(options.contests // options.orders, 100), rng)
        places = [f"{table.marks.systems[s]} {found.best_S[s]}-{found.worst_S[s]}" for s in best_S[:_LISTED]]
        more = f" and {len(best_S) - _LISTED} more" if len(best_S) > _LISTED else ""
        message = f"the order of benchmarks is a hidden weight: in {options.orders} random orders places are {', '.join(places)}{more}"
        yield Finding("orders", "note", "", message)


METHOD = Method(
    name="swiss",
    room="compare",
    call=swiss,
    options=Swiss,
    says="ranks over many benchmarks by wins in Swiss-system rounds, those with equally many wins meeting next",
    cites="Liu and others 2025, LLM Swiss Round, arXiv 2512.21010 (card swiss_round)",
)
