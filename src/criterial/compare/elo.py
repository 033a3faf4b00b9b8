"""Elo: ratings that move after every contest, averaged over random orders of the contests."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from criterial.compare.evidence import Contests, Evidence
from criterial.compare.ranking import Strengths, ranking_of
from criterial.core.method import Method
from criterial.core.score import Finding, Ranking
from criterial.errors import ConfigError

__all__ = ["METHOD", "Elo", "elo"]


@dataclass(frozen=True)
class Elo:
    """Options of `elo`."""

    k: float = 4.0
    """Points at stake in a contest."""
    orders: int = 200
    """Random orders of the contests that are averaged, and as many resamples of tasks for the intervals."""
    seed: int = 0
    """Of the orders."""
    margin: float = 0.05
    """Chance of a win beyond one half below which systems count as equal."""

    def __post_init__(self) -> None:
        if self.k <= 0 or self.orders < 2:
            raise ConfigError("k must be above 0, and orders at least 2")


def elo(evidence: Evidence, options: Elo | None = None) -> Ranking:
    """Return systems by their Elo ratings.

    Parameters
    ----------
    evidence : Evidence
        With contests, or marks that make them.
    options : Elo, optional
        See there.

    Returns
    -------
    Ranking
        Intervals hold both what the order of contests does and which tasks were drawn.

    Raises
    ------
    ConfigError
        If no two systems met.

    Notes
    -----
    Ratings begin at 1500. One order alone tells as much of the order as of the systems, so it is never shown. With few contests
    ratings stay near 1500 whatever the results: for strengths prefer `bradley_terry`.
    """
    options = options or Elo()
    contests = evidence.contests
    rng = np.random.default_rng(options.seed)
    ones_BP = np.ones((options.orders, len(contests.result_P)))
    value_S = _play(contests, options.k, ones_BP, rng).mean(axis=0)
    _, cluster_P = np.unique(contests.cluster_P, return_inverse=True)
    times_BT = rng.multinomial(contests.clusters, np.full(contests.clusters, 1 / contests.clusters), size=options.orders)
    drawn_BS = _play(contests, options.k, times_BT[:, cluster_P].astype(np.float64), rng)
    message = f"mean of {options.orders} random orders; ratings move by {options.k:g} points a contest at most and lag behind strengths"
    return ranking_of(
        Strengths(
            systems=contests.systems,
            value_S=value_S,
            cov_SS=np.cov(drawn_BS, rowvar=False),
            n_S=contests.n_S,
            units=contests.clusters,
            unit="Elo points: 400 ahead is odds of 10 to 1",
            margin=400.0 * float(np.log10((0.5 + options.margin) / (0.5 - options.margin))),
            method=f"elo (k = {options.k:g})",
            basis=f"{contests.clusters} tasks and {options.orders} orders",
            notes=(Finding("orders", "note", "", message),),
        )
    )


def _play(contests: Contests, k: float, times_BP: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return the last ratings of all orders at once, (B, S)."""
    orders, number = times_BP.shape
    place_BP = rng.permuted(np.tile(np.arange(number), (orders, 1)), axis=1)
    rating_BS = np.full((orders, len(contests.systems)), 1500.0)
    row = np.arange(orders)
    for step in range(number):
        p = place_BP[:, step]
        first, second = contests.first_P[p], contests.second_P[p]
        expected = 1.0 / (1.0 + 10.0 ** ((rating_BS[row, second] - rating_BS[row, first]) / 400.0))
        move = k * times_BP[row, p] * (contests.result_P[p] - expected)
        rating_BS[row, first] += move
        rating_BS[row, second] -= move
    return rating_BS


METHOD = Method(name="elo", room="compare", call=elo, options=Elo, says="ranks by Elo ratings, averaged over random orders of the contests")
