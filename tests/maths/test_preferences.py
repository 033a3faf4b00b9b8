"""criterial.maths.preferences: planted tie rates and annotators are found again, chance is what shuffling gives, peers agree."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import accuracy_score, cohen_kappa_score

from criterial.errors import ConfigError
from criterial.maths.preferences import (
    GRID,
    above_chance,
    agreement,
    calibrated_tie,
    chance,
    counted,
    crossfitted_tie,
    decisions,
    released_iaa,
    system_points,
    system_tau,
    tau,
)
from tests.helpers_tables import QUICK

SIDES = st.lists(st.tuples(st.sampled_from([-1.0, 0.0, 1.0]), st.sampled_from([-1.0, 0.0, 1.0])), min_size=1, max_size=40)


def drawn(rng: np.random.Generator, pairs: int, ties: float) -> np.ndarray:
    return np.where(rng.random(pairs) < ties, 0.0, rng.choice([-1.0, 1.0], pairs))


def test_a_distance_that_is_the_threshold_but_for_rounding_is_a_tie() -> None:
    assert decisions(np.array([0.3 - 0.2, 0.2 - 0.3, 0.11, 0.0]), 0.1).tolist() == [0.0, 0.0, 1.0, 0.0]


@pytest.mark.parametrize("rho", [0.05, 0.2, 0.5, 0.9])
@pytest.mark.parametrize("scale", [0.1, 100.0])
def test_the_calibrated_threshold_gives_the_planted_share_of_ties_on_any_scale(rho: float, scale: float) -> None:
    ahead = np.random.default_rng(0).normal(size=400) * scale
    assert abs((decisions(ahead, calibrated_tie(ahead, rho)) == 0).mean() - rho) <= 0.02  # the card's tolerance


def test_exact_ties_need_no_threshold_and_a_coarse_metric_gets_the_nearest() -> None:
    ahead = np.array([0.0, 0.0, 0.5, -0.5, -0.5, 1.0])
    assert [calibrated_tie(ahead, share) for share in (0.0, 0.4, 0.7, 1.0)] == [0.0, 0.0, 0.75, 1.0]
    assert calibrated_tie(np.zeros(3), 0.5) == calibrated_tie(np.zeros(0), 0.5) == 0.0
    assert calibrated_tie(np.array([0.031, 0.2]), 0.5, GRID) == 0.04


def test_a_crossfitted_threshold_is_blind_to_its_own_cluster() -> None:
    rng = np.random.default_rng(1)
    ahead, tied, cluster = rng.normal(size=300), rng.random(300) < 0.2, np.repeat(np.arange(100), 3)
    found = crossfitted_tie(ahead, tied, cluster)
    assert 2 <= len(np.unique(found)) <= 5
    for own in (0, 17, 99):
        here = cluster == own
        assert np.array_equal(found[here], crossfitted_tie(np.where(here, 1e6, ahead), tied ^ here, cluster)[here])
    with pytest.raises(ConfigError, match="needs two"):
        crossfitted_tie(ahead, tied, np.zeros(300, dtype=np.int64))


@settings(QUICK)
@given(SIDES)
def test_agreement_and_chance_are_accuracy_and_what_kappa_takes_off(sides: list[tuple[float, float]]) -> None:
    people, metric = np.array(sides).T
    counts = counted(people, metric)
    got, by_chance = agreement(counts).value, chance(counts).value
    assert got == pytest.approx(accuracy_score(people, metric))
    assert above_chance(counts).value == pytest.approx(got - by_chance)
    if by_chance < 1 - 1e-9:
        kappa = cohen_kappa_score(people, metric)
        assert (got - by_chance) / (1 - by_chance) == pytest.approx(kappa, abs=1e-9)


@settings(QUICK)
@given(SIDES)
def test_strategies_differ_in_ties_alone(sides: list[tuple[float, float]]) -> None:
    people, metric = np.array(sides).T
    strict, half, without = (agreement(counted(people, metric), s).value for s in ("threshold", "partial", "exclude"))
    one_tie = (people == 0) ^ (metric == 0)
    assert half == pytest.approx(strict + one_tie.mean() / 2)
    decided = people != 0
    assert without is None if not decided.any() else without == pytest.approx((people == metric)[decided].mean())


@settings(QUICK)
@given(SIDES)
def test_tau_is_what_the_definition_says_and_turns_with_the_metric(sides: list[tuple[float, float]]) -> None:
    people, metric = np.array(sides).T
    bottom = np.sqrt((people != 0).sum() * (metric != 0).sum())
    found = tau(counted(people, metric)).value
    if not bottom:
        assert found is None
        return
    assert found == pytest.approx((people * metric).sum() / bottom)  # equal less opposite decisions
    assert tau(counted(people, -metric)).value == pytest.approx(-found)


def test_a_metric_that_decides_as_people_do_is_perfect() -> None:
    people = drawn(np.random.default_rng(2), 100, 0.2)
    counts = counted(people, people)
    assert [agreement(counts, s).value for s in ("threshold", "partial", "exclude")] == [1.0] * 3 and tau(counts).value == 1.0


@pytest.mark.parametrize("strategy", ["threshold", "partial", "exclude"])
def test_shuffled_scores_agree_as_often_as_chance_says(strategy: str) -> None:
    rng = np.random.default_rng(3)
    people, metric = drawn(rng, 500, 0.2), drawn(rng, 500, 0.35)
    metric = np.where(rng.random(500) < 0.4, people, metric)
    if strategy == "exclude":  # what is left out is left out of the shuffling too
        people, metric = people[people != 0], metric[people != 0]
    got = [agreement(counted(people, rng.permutation(metric)), strategy).value for _ in range(1000)]
    expected = chance(counted(people, metric), strategy).value
    assert abs(np.mean(got) - expected) <= 3 * np.std(got) / np.sqrt(1000)
    assert agreement(counted(people, metric), strategy).value > expected + 3 * np.std(got)


def test_noise_of_people_bounds_what_the_truth_itself_can_reach() -> None:
    # people see the truth with accuracy a and err to either of the other two decisions: the truth agrees with one of them at a, and
    # two of them agree at a^2 + (1 - a)^2 / 2
    rng = np.random.default_rng(4)
    truth = rng.integers(-1, 2, 20_000).astype(float)
    for a in (0.9, 0.7, 0.5):
        one, other = (np.where(rng.random(20_000) < a, truth, (truth + 1 + rng.integers(1, 3, 20_000)) % 3 - 1) for _ in range(2))
        assert agreement(counted(one, truth)).value == pytest.approx(a, abs=0.012)
        assert agreement(counted(one, other)).value == pytest.approx(a * a + (1 - a) ** 2 / 2, abs=0.012)


def test_unknown_pairs_tell_nothing() -> None:
    people, metric = np.array([1.0, -1.0, 0.0]), np.array([1.0, 1.0, 1.0])
    known = np.array([True, False, False])
    assert agreement(counted(people, metric, known)).value == 1.0
    assert agreement(counted(people, metric, ~known & known)).value is None
    with pytest.raises(ConfigError, match="no strategy 'drop'"):
        agreement(counted(people, metric), "drop")


def test_the_released_count_keeps_the_last_pair_of_a_question_and_drops_opposites_from_half_credit() -> None:
    question = np.array([0, 0, 1, 1, 2, 3])
    one, other = np.array([1.0, 1, 1, 0, 1, 1]), np.array([-1.0, 1, 1, 1, -1, 1])
    # last pairs: same, one tie, opposite, same
    assert released_iaa(question, one, other) == (0.5, pytest.approx(2.5 / 3))
    assert released_iaa(np.array([0]), np.array([1.0]), np.array([-1.0])) == (0.0, 0.0)


@settings(QUICK)
@given(st.integers(0, 10_000), st.integers(3, 7))
def test_the_tau_of_systems_is_scipys_on_win_rates(seed: int, systems: int) -> None:
    rng = np.random.default_rng(seed)
    first, second = rng.integers(0, systems, 30), rng.integers(1, systems, 30)
    second = (first + np.where(second == 0, 1, second)) % systems
    people, metric = drawn(rng, 30, 0.3), drawn(rng, 30, 0.3)
    games = np.bincount(np.concatenate([first, second]), minlength=systems)
    there = games > 0
    rates = [(system_points(first, second, d, systems).sum(axis=0) / np.maximum(games, 1))[there] for d in (people, metric)]
    found = system_tau(first, second, people, metric, systems).value
    if any(np.ptp(r) < 1e-12 for r in rates):
        assert found is None
    else:
        assert found == pytest.approx(stats.kendalltau(*(np.round(r, 12) for r in rates))[0])
        assert system_tau(second, first, -people, -metric, systems).value == pytest.approx(found)
        assert system_tau(first, second, people, -metric, systems).value == pytest.approx(-found)


def test_points_go_to_the_winner_and_are_shared_in_ties() -> None:
    points = system_points(np.array([0, 1, 2]), np.array([1, 2, 0]), np.array([1.0, -1.0, 0.0]), 3)
    assert points.tolist() == [[1, 0, 0], [0, 0, 1], [0.5, 0, 0.5]]
