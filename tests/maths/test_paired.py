"""Paired tests are statsmodels' and enumeration's, power is the card's table and what simulation finds, intervals hold what they should."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as theirs

from criterial.errors import ConfigError
from criterial.maths.paired import mcnemar, mcnemar_power, mcnemar_sample, mean_power, mean_sample, paired_difference, sign_flip
from tests.helpers_tables import MANY

COUNTS = st.integers(0, 60)


@given(COUNTS, COUNTS)
@MANY
def test_mcnemar_is_statsmodels(lost: int, gained: int) -> None:
    expected = float(theirs([[5, lost], [gained, 9]], exact=True).pvalue) if lost + gained else 1.0
    assert float(mcnemar(lost, gained)) == pytest.approx(min(expected, 1.0), abs=1e-12)
    assert float(mcnemar(gained, lost)) == float(mcnemar(lost, gained))


def test_mcnemar_takes_arrays() -> None:
    assert mcnemar(np.array([0, 12]), np.array([0, 2])).tolist() == pytest.approx([1.0, 0.012939453125])


@given(st.lists(st.integers(-4, 4), min_size=1, max_size=9))
@MANY
def test_few_clusters_are_flipped_in_every_way(sums: list[int]) -> None:
    observed = abs(sum(sums))
    every = [abs(sum(s * v for s, v in zip(signs, sums, strict=True))) for signs in product((-1, 1), repeat=len(sums))]
    expected = sum(v >= observed for v in every) / len(every)
    # each cluster's sum is spread over two items
    difference = np.repeat(np.array(sums) / 2, 2)
    assert sign_flip(difference, np.repeat(np.arange(len(sums)), 2)) == pytest.approx(expected)


@given(COUNTS, COUNTS, st.integers(0, 20))
@MANY
def test_with_one_item_a_cluster_flipping_signs_is_mcnemar(lost: int, gained: int, same: int) -> None:
    difference = np.concatenate([-np.ones(lost), np.ones(gained), np.zeros(same)])
    assert sign_flip(difference, np.arange(len(difference))) == pytest.approx(float(mcnemar(lost, gained)), abs=1e-12)


def test_many_clusters_are_flipped_at_random_close_to_the_normal_answer_and_alike_for_a_seed() -> None:
    rng = np.random.default_rng(0)
    difference, cluster = rng.normal(0.12, 1.0, 300), np.arange(300)
    p = sign_flip(difference, cluster, seed=3)
    z = difference.sum() / np.sqrt((difference**2).sum())
    assert p == pytest.approx(2 * stats.norm.sf(abs(z)), abs=0.01)
    assert p == sign_flip(difference, cluster, seed=3) != sign_flip(difference, cluster, seed=4)
    assert sign_flip(difference + 5.0, cluster) == 1 / 10_000


def test_flipping_clusters_keeps_its_level_where_items_of_one_cluster_move_together_and_mcnemar_does_not() -> None:
    rng = np.random.default_rng(5)
    naive = flipped = 0
    for _ in range(200):
        moves = rng.choice([-1.0, 0.0, 1.0], size=30, p=[0.1, 0.8, 0.1])
        difference, cluster = np.repeat(moves, 8), np.repeat(np.arange(30), 8)
        naive += float(mcnemar(int((difference < 0).sum()), int((difference > 0).sum()))) <= 0.05
        flipped += sign_flip(difference, cluster) <= 0.05
    assert flipped <= 10 < 60 <= naive, (flipped, naive)


@pytest.mark.parametrize(
    ("items", "drop", "power"), [(200, 0.05, 0.37), (400, 0.05, 0.70), (800, 0.05, 0.95), (1600, 0.03, 0.86), (200, 0.095, 0.94)]
)
def test_power_is_that_of_the_cards_table(items: int, drop: float, power: float) -> None:
    assert mcnemar_power(items, 0.15, drop) == pytest.approx(power, abs=0.03)


@pytest.mark.parametrize(("items", "discordance", "drop"), [(40, 0.3, 0.2), (150, 0.1, 0.08), (300, 0.5, 0.1)])
def test_power_is_what_simulation_finds(items: int, discordance: float, drop: float) -> None:
    rng = np.random.default_rng(1)
    changed = rng.binomial(items, discordance, 20_000)
    lost = rng.binomial(changed, (discordance + drop) / (2 * discordance))
    assert mcnemar_power(items, discordance, drop) == pytest.approx((mcnemar(lost, changed - lost) <= 0.05).mean(), abs=0.012)


@given(st.integers(1, 120), st.floats(0.02, 1.0))
@MANY
def test_power_without_a_drop_is_the_size_of_the_test_and_never_above_its_level(items: int, discordance: float) -> None:
    assert mcnemar_power(items, discordance, 0.0) <= 0.05 + 1e-9


def test_power_is_never_above_one_and_grows_with_the_drop() -> None:
    powers = [mcnemar_power(400, 0.15, d) for d in np.linspace(0.0, 0.15, 16)]
    assert powers == sorted(powers) and powers[-1] <= 1.0
    assert mcnemar_power(0, 0.1, 0.05) == mcnemar_power(100, 0.0, 0.0) == 0.0


@pytest.mark.parametrize(("discordance", "drop"), [(0.15, 0.05), (0.02, 0.02), (0.3, 0.02)])
def test_the_sample_for_a_power_has_it_and_one_item_less_has_not(discordance: float, drop: float) -> None:
    needed = mcnemar_sample(0.8, discordance, drop)
    assert mcnemar_power(needed, discordance, drop) >= 0.8 > mcnemar_power(needed - 1, discordance, drop)


def test_a_sample_beyond_reach_is_told_by_the_normal_distribution_and_bounded() -> None:
    assert mcnemar_sample(0.8, 0.15, 0.001) == pytest.approx((1.959964 + 0.841621) ** 2 * 0.15 / 1e-6, rel=0.001)
    assert mcnemar_sample(0.8, 0.15, 1e-6) == 10**9
    assert mcnemar_sample(0.3, 5e-324, 5e-324, level=0.95) == 10**9


def test_shares_that_cannot_be_are_refused() -> None:
    for call in (lambda: mcnemar_power(10, 0.1, 0.2), lambda: mcnemar_power(10, 1.2, 0.2), lambda: mcnemar_power(10, 0.1, -0.1)):
        with pytest.raises(ConfigError, match="0 <= drop <= discordance <= 1"):
            call()
    for power, drop in ((1.0, 0.1), (0.8, 0.0)):
        with pytest.raises(ConfigError, match="more than 0"):
            mcnemar_sample(power, 0.2, drop)
    with pytest.raises(ConfigError, match="no items"):
        paired_difference(np.zeros(0), np.zeros(0), np.zeros(0, dtype=np.int64))


def test_the_power_of_a_mean_is_the_normal_ones_and_its_sample_inverts_it() -> None:
    assert mean_power(0.01, 0.0) == pytest.approx(0.05)
    needed = mean_sample(0.8, 0.01, 100, 0.02)
    assert mean_power(0.01 * np.sqrt(100 / needed), 0.02) == pytest.approx(0.8, abs=0.01)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=40))
@MANY
def test_a_difference_is_that_of_the_means_and_its_interval_holds_it(rights: list[tuple[bool, bool]]) -> None:
    before, after = np.array(rights, dtype=float).T
    found = paired_difference(before, after, np.arange(len(before)))
    assert found.difference == pytest.approx(after.mean() - before.mean())
    assert (found.lost, found.gained) == (int((after < before).sum()), int((after > before).sum()))
    assert found.low is not None and found.high is not None
    assert -1.0 <= found.low < found.high <= 1.0


def test_an_interval_without_a_change_is_no_certainty() -> None:
    right = np.ones(50)
    found = paired_difference(right, right, np.arange(50))
    # Bonett and Price with no changes: +- t sqrt(2 / 52^2 ... ) of one item added to each count
    half = float(stats.t.ppf(0.975, 49)) * np.sqrt(2 / 52 / 52)
    assert (found.low, found.high) == (pytest.approx(-half), pytest.approx(half))


def test_one_cluster_gives_no_interval() -> None:
    found = paired_difference(np.array([1.0, 0.0]), np.array([1.0, 1.0]), np.array([7, 7]))
    assert (found.difference, found.low, found.se, found.clusters) == (0.5, None, None, 1)


@pytest.mark.parametrize("size", [1, 6])
def test_intervals_hold_the_planted_drop_as_often_as_they_say(size: int) -> None:
    """Measured with 2,000 samples: 96.6 %, for 1 item a cluster as for 6 equal ones."""
    rng = np.random.default_rng(2)
    held = 0
    for _ in range(300):
        lost, gained = (rng.random(60) < share for share in (0.12, 0.04))
        before = np.repeat(np.where(lost, 1.0, 0.0), size)
        after = np.repeat(np.where(~lost & gained, 1.0, 0.0), size)
        found = paired_difference(before, after, np.repeat(np.arange(60), size))
        assert found.effective <= 60 + 1e-9
        held += found.low <= 0.04 * 0.88 - 0.12 <= found.high
    assert held >= 277, held  # 285 expected, two standard deviations below
