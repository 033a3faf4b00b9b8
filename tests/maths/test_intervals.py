"""Intervals equal their formulas and other libraries' answers, and hold what they should about as often as they say."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from criterial.maths.intervals import cluster_mean, share_interval, wilson
from tests.helpers_tables import MANY

ITEMS = st.lists(st.tuples(st.floats(-10, 10).map(lambda v: round(v, 3)), st.sampled_from([-3, 0, 5, 7, 999])), min_size=1, max_size=20)


@given(ITEMS, st.sampled_from([0.5, 0.9, 0.95, 0.99]))
@MANY
def test_a_cluster_mean_and_its_error_are_those_of_the_formula(items: list[tuple[float, int]], level: float) -> None:
    values, clusters = [v for v, _ in items], [c for _, c in items]
    mean = statistics.fmean(values)
    residuals = [sum(v - mean for v, c in items if c == t) for t in set(clusters)]
    found = cluster_mean(np.array(values), np.array(clusters), level)
    assert (found.mean, found.clusters) == (pytest.approx(mean, abs=1e-12), len(residuals))
    if len(residuals) == 1:
        assert (found.se, found.half) == (None, None)
        return
    many = len(residuals)
    se = math.sqrt(many / (many - 1) * sum(r * r for r in residuals)) / len(values)
    assert found.se == pytest.approx(se, abs=1e-12)
    assert found.half == pytest.approx(se * float(stats.t.ppf(0.5 + level / 2, many - 1)), abs=1e-10)


@given(st.lists(st.floats(-10, 10), min_size=2, max_size=12))
@MANY
def test_with_one_item_a_cluster_the_interval_is_students(values: list[float]) -> None:
    found = cluster_mean(np.array(values), np.arange(len(values)))
    assert found.se == pytest.approx(statistics.stdev(values) / math.sqrt(len(values)), abs=1e-9)


@given(st.lists(st.floats(-10, 10), min_size=2, max_size=8), st.integers(2, 5))
@MANY
def test_copies_of_every_item_within_its_cluster_add_nothing(values: list[float], copies: int) -> None:
    once = cluster_mean(np.array(values), np.arange(len(values)))
    often = cluster_mean(np.repeat(values, copies), np.repeat(np.arange(len(values)), copies))
    assert often == pytest.approx(once, abs=1e-9)


def planted(rng: np.random.Generator, clusters: int) -> tuple[np.ndarray, np.ndarray]:
    """Return clustered values with mean 0: as much variance between clusters as within, clusters of 1 to 8 items."""
    cluster = np.repeat(np.arange(clusters), rng.integers(1, 9, clusters))
    return rng.normal(size=clusters)[cluster] + rng.normal(size=len(cluster)), cluster


def test_intervals_over_clusters_hold_the_planted_mean_as_often_as_they_say_and_naive_ones_do_not() -> None:
    rng = np.random.default_rng(7)
    drawn = [planted(rng, 40) for _ in range(500)]
    clustered = [cluster_mean(value, cluster) for value, cluster in drawn]
    naive = [cluster_mean(value, np.arange(len(value))) for value, _ in drawn]
    held, fooled = (np.mean([abs(f.mean) <= (f.half or 0.0) for f in found]) for found in (clustered, naive))
    assert 0.93 <= held <= 0.97
    assert fooled < 0.85


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    # Newcombe (1998), Statistics in Medicine 17, table I, method 3
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilsons_interval_is_that_of_the_published_examples(successes: int, trials: int, low: float, high: float) -> None:
    assert wilson(successes, trials) == pytest.approx((low, high), abs=6e-5)


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.sampled_from([0.8, 0.95, 0.99]))
@MANY
def test_wilsons_interval_is_scipys_and_lies_within_0_and_1(counts: tuple[int, int], level: float) -> None:
    found = wilson(*counts, level)
    expected = stats.binomtest(*counts).proportion_ci(level, method="wilson")
    assert found == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert 0.0 <= found[0] <= counts[0] / counts[1] + 1e-12
    assert counts[0] / counts[1] - 1e-12 <= found[1] <= 1.0


@given(st.integers(2, 200).flatmap(lambda n: st.tuples(st.integers(1, n - 1), st.just(n))))
@MANY
def test_of_single_items_a_share_has_wilsons_interval_with_one_trial_less_and_students_quantile(counts: tuple[int, int]) -> None:
    successes, items = counts
    value = np.array([1.0] * successes + [0.0] * (items - successes))
    found = cluster_mean(value, np.arange(items))
    share = successes / items
    assert share_interval(share, found.se or 0.0, items, items) == pytest.approx(wilson(share * (items - 1), items - 1, 0.95, items - 1))


def test_copies_within_clusters_add_nothing_to_what_is_known_of_a_share() -> None:
    value, cluster = np.array([1.0, 0.0, 1.0, 1.0, 0.0]), np.arange(5)
    once, often = cluster_mean(value, cluster), cluster_mean(np.repeat(value, 9), np.repeat(cluster, 9))
    assert share_interval(0.6, often.se or 0.0, 45, 5) == pytest.approx(share_interval(0.6, once.se or 0.0, 5, 5))


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_where_all_items_agree_the_interval_is_that_of_one_trial_a_cluster(share: float) -> None:
    assert share_interval(share, 0.0, 400, 8) == wilson(8 * share, 8, 0.95, 7)


@pytest.mark.parametrize("share", [0.5, 0.9, 0.97])
def test_intervals_of_shares_hold_the_planted_one_as_often_as_they_say_where_students_do_not(share: float) -> None:
    rng = np.random.default_rng(1)
    held, fooled = [], []
    for _ in range(1000):
        cluster = np.repeat(np.arange(30), 4)
        chance = rng.beta(4 * share, 4 * (1 - share), 30)  # clusters of their own share: correlation 0.2 within
        value = (rng.random(120) < chance[cluster]).astype(float)
        found = cluster_mean(value, cluster)
        low, high = share_interval(found.mean, found.se or 0.0, 120, 30)
        held.append(low <= share <= high)
        fooled.append(abs(found.mean - share) <= (found.half or 0.0))
    assert 0.935 <= np.mean(held) <= 0.985
    assert share < 0.95 or np.mean(fooled) < 0.90
