"""The cluster bootstrap is a loop that draws whole clusters and takes the statistic anew, only faster."""

from __future__ import annotations

import numpy as np
import pytest

from criterial.maths.bootstrap import cluster_bootstrap, cluster_weights, percentile_interval
from criterial.maths.intervals import cluster_mean


def ratio(sums_B2: np.ndarray) -> np.ndarray:
    return sums_B2[:, 0] / sums_B2[:, 1]


@pytest.fixture(name="items")
def clustered_items() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    cluster = rng.permutation(np.repeat([10, 20, 7, -4, 99, 5], [1, 5, 2, 7, 3, 4]))
    return np.stack([rng.normal(5, 1, len(cluster)), rng.uniform(1, 2, len(cluster))], axis=1), cluster


def test_a_resample_is_the_items_of_the_clusters_drawn_with_replacement(items: tuple[np.ndarray, np.ndarray]) -> None:
    sums, cluster = items
    found = cluster_bootstrap(sums, ratio, cluster, resamples=200, seed=11)
    names = np.unique(cluster)
    drawn = np.random.default_rng(11).multinomial(len(names), np.full(len(names), 1 / len(names)), size=200)
    for value, counts in zip(found, drawn, strict=True):
        chosen = [sums[cluster == name] for name, count in zip(names, counts, strict=True) for _ in range(count)]
        total = np.concatenate(chosen).sum(axis=0)
        assert value == pytest.approx(total[0] / total[1], rel=1e-12)


@pytest.mark.parametrize("chunk", [1, 7, 64, 1000])
def test_weights_are_those_draws_in_pieces_of_any_size(items: tuple[np.ndarray, np.ndarray], chunk: int) -> None:
    sums, cluster = items
    pieces = list(cluster_weights(cluster, 100, seed=11, chunk=chunk))
    weights = np.concatenate(pieces)
    assert max(len(p) for p in pieces) <= chunk
    assert weights.shape == (100, len(cluster))
    assert np.allclose(ratio(weights @ sums), cluster_bootstrap(sums, ratio, cluster, 100, 11), rtol=1e-12)
    sizes = {name: (cluster == name).sum() for name in np.unique(cluster)}
    assert all(len({w for w, c in zip(row, cluster, strict=True) if c == name}) == 1 for row in weights for name in sizes)
    assert (sum(weights[:, cluster == name][:, 0] for name in sizes) == len(sizes)).all()


def test_nothing_has_weights_of_no_items() -> None:
    assert [w.shape for w in cluster_weights(np.zeros(0, dtype=np.int64), 5, chunk=3)] == [(3, 0), (2, 0)]


def test_the_spread_of_a_bootstrapped_mean_is_its_analytic_error() -> None:
    rng = np.random.default_rng(5)
    cluster = np.repeat(np.arange(200), rng.integers(1, 6, 200))
    value = rng.normal(size=200)[cluster] + rng.normal(size=len(cluster))
    sums = np.stack([value, np.ones(len(value))], axis=1)
    spread = cluster_bootstrap(sums, ratio, cluster, 4000, seed=1).std()
    assert spread == pytest.approx(cluster_mean(value, cluster).se, rel=0.05)
    assert spread > 1.2 * cluster_mean(value, np.arange(len(value))).se  # items of a cluster are not independent


def test_a_seed_gives_the_same_resamples_and_another_gives_others(items: tuple[np.ndarray, np.ndarray]) -> None:
    first, again, other = (cluster_bootstrap(items[0], ratio, items[1], 50, seed) for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()


@pytest.mark.parametrize(
    ("level", "low", "high"),
    [(0.95, 2.5, 97.5), (0.9, 5.0, 95.0), (0.5, 25.0, 75.0)],
)
def test_a_percentile_interval_leaves_as_much_out_on_either_side(level: float, low: float, high: float) -> None:
    assert percentile_interval(np.arange(101.0), level) == pytest.approx((low, high))


@pytest.mark.parametrize(
    ("undefined", "resamples", "found"), [(0, 100, True), (5, 100, True), (6, 100, False), (1, 20, True), (2, 20, False), (100, 100, False)]
)
def test_there_is_no_interval_where_more_than_one_resample_in_twenty_is_undefined(undefined: int, resamples: int, found: bool) -> None:
    values = np.arange(float(resamples))
    values[:undefined] = np.nan
    assert (percentile_interval(values) is not None) == found


@pytest.mark.parametrize("twenties", range(1, 101))
def test_exactly_one_in_twenty_is_still_enough(twenties: int) -> None:
    values = np.ones(20 * twenties)
    values[:twenties] = np.nan
    assert percentile_interval(values) == (1.0, 1.0)


def test_of_no_resamples_there_is_no_interval() -> None:
    assert percentile_interval(np.zeros(0)) is None
