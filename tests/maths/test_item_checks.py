"""criterial.maths.item_checks: planted wrong keys, twins, second abilities and guessed items are found, and clean benchmarks left alone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit
from threadpoolctl import threadpool_limits

from criterial.errors import ConfigError
from criterial.maths.item_checks import (
    LEAST_SYSTEMS,
    dimensions,
    flaws_of,
    item_misfit,
    item_total,
    local_dependence,
    one_ability,
    simulated,
)
from criterial.maths.item_response import fit_items

Floats = NDArray[np.float64]


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Keep BLAS to one thread: matrices this small take ten times longer on two busy cores."""
    with threadpool_limits(1):
        yield


def planted(systems: int, items: int, seed: int) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    theta, slope, difficulty = rng.normal(size=systems), np.exp(0.4 * rng.normal(size=items)), rng.normal(size=items)
    return theta, (rng.random((systems, items)) < expit(slope * (theta[:, None] - difficulty))).astype(np.float64)


def all_known(value: Floats) -> NDArray[np.bool_]:
    return np.ones(value.shape, dtype=np.bool_)


def test_the_correlation_is_that_with_the_sum_of_the_other_items() -> None:
    _, value = planted(50, 12, 0)
    total = item_total(value, all_known(value))
    expected = [np.corrcoef(value[:, i], np.delete(value, i, axis=1).sum(axis=1))[0, 1] for i in range(12)]
    assert total.r_I == pytest.approx(expected)
    assert np.all((total.low_I < total.r_I) & (total.r_I < total.high_I)) and total.defined_I.all()


def test_its_interval_holds_what_many_systems_would_show() -> None:
    _, many = planted(40_000, 12, 1)
    truth = item_total(many, all_known(many)).r_I
    held = []
    for start in range(0, 40_000, 200):
        total = item_total(many[start : start + 200], all_known(many[:200]))
        held.append((total.low_I <= truth) & (truth <= total.high_I))
    assert 0.92 <= np.mean(held) <= 0.97


def test_systems_asked_hard_items_only_are_not_taken_for_weak_ones() -> None:
    rng = np.random.default_rng(2)
    theta, difficulty = rng.normal(size=2000), np.repeat([-2.0, 2.0], 10)
    value = (rng.random((2000, 20)) < expit(theta[:, None] - difficulty)).astype(np.float64)
    known = rng.random((2000, 20)) < np.where(difficulty > 0, 0.9, 0.2) ** np.where(np.arange(2000) % 2, 1.0, 0.1)[:, None]
    assert item_total(value, known).r_I == pytest.approx(item_total(value, all_known(value)).r_I, abs=0.12)


def test_items_that_do_not_vary_have_no_correlation() -> None:
    value = np.array([[1.0, 0.0, 1.0], [1.0, 1.0, 0.0], [1.0, 0.0, 0.0], [1.0, 1.0, 1.0], [1.0, 0.0, 1.0]])
    known = all_known(value)
    known[1:, 2] = False
    total = item_total(value, known)
    assert not total.defined_I[[0, 2]].any()
    assert (total.r_I[0], total.low_I[0], total.high_I[0]) == (0.0, -1.0, 1.0)
    alone = item_total(value[:, 1:2], all_known(value[:, 1:2]))
    assert not alone.defined_I.any()


def test_wrong_keys_are_found() -> None:
    # The card has good items above .2 always: at slopes and difficulties this wide one of a hundred falls below 0 now and then.
    false = 0
    for seed in range(6):
        _, value = planted(80, 100, seed)
        total = item_total(value, all_known(value))
        wrong = np.argsort(-total.r_I)[:50:10]
        value[:, wrong] = 1 - value[:, wrong]
        flaws = flaws_of(fit_items(value, all_known(value)))
        assert flaws.miskeyed_I[wrong].all() and flaws.estimable
        assert not (flaws.weak_I & flaws.miskeyed_I).any()
        false += int(flaws.miskeyed_I.sum()) - 5
        assert item_total(value, all_known(value)).r_I[wrong].mean() < -0.3
    assert false <= 3


def test_floor_ceiling_and_guessed_items_are_told() -> None:
    _, value = planted(200, 40, 3)
    value[:, 0], value[:, 1] = 1.0, 0.0
    value[:, 2] = np.random.default_rng(4).random(200) < 0.5
    known = all_known(value)
    known[:, 3] = False
    flaws = flaws_of(fit_items(value, known))
    assert list(np.flatnonzero(flaws.ceiling_I)) == [0] and list(np.flatnonzero(flaws.floor_I)) == [1]
    assert (flaws.weak_I | flaws.miskeyed_I)[2]
    assert not (flaws.weak_I | flaws.miskeyed_I)[[0, 1, 3]].any()


def test_few_systems_do_not_allow_a_word_on_slopes() -> None:
    for systems, estimable in ((LEAST_SYSTEMS - 1, False), (LEAST_SYSTEMS, True)):
        _, value = planted(systems, 20, 5)
        assert flaws_of(fit_items(value, all_known(value))).estimable is estimable


def test_one_ability_is_told_from_two() -> None:
    for seed in range(5):
        _, value = planted(80, 100, seed)
        assert dimensions(value, all_known(value)).one
        rng = np.random.default_rng(seed)
        theta = rng.normal(size=(80, 2))[:, np.arange(100) % 2]
        two = (rng.random((80, 100)) < expit(1.5 * (theta - rng.normal(size=100)))).astype(np.float64)
        found = dimensions(two, all_known(two))
        assert not found.one and found.ratio is not None and found.ratio < 2


def test_the_bar_of_one_ability_knows_how_much_chance_does_to_few_systems() -> None:
    # The card's bar of 3 is measured with 80 systems: with 30 most clean benchmarks of 60 items are below it.
    below, clean, second = [], [], []
    for seed in range(10):
        _, value = planted(30, 60, seed)
        found = one_ability(fit_items(value, all_known(value)))
        assert found.ratio is not None and found.bar <= 3
        below.append(found.ratio <= 3)
        clean.append(found.one)
        rng = np.random.default_rng(seed)
        theta = rng.normal(size=(30, 2))[:, np.arange(60) % 2]
        two = (rng.random((30, 60)) < expit(2 * (theta - rng.normal(size=60)))).astype(np.float64)
        second.append(one_ability(fit_items(two, all_known(two))).one)
    assert np.mean(below) > 0.5 and np.mean(clean) >= 0.8 and np.mean(second) <= 0.2


def test_dependent_rows_widen_the_interval_of_a_correlation() -> None:
    _, value = planted(60, 12, 1)
    five = np.repeat(value, 5, axis=0)
    each, alone = np.repeat(np.arange(60), 5), np.arange(60)
    wide = item_total(five, all_known(five), each)
    narrow, truth = item_total(five, all_known(five)), item_total(value, all_known(value), alone)
    assert wide.r_I == pytest.approx(truth.r_I)
    assert np.median((wide.high_I - wide.low_I) / (narrow.high_I - narrow.low_I)) > 1.8
    assert np.median((wide.high_I - wide.low_I) / (truth.high_I - truth.low_I)) == pytest.approx(1.0, abs=0.15)
    assert np.all((truth.p_I < 0.025) == (truth.high_I < 0))


def test_draws_that_are_at_hand_are_not_drawn_again() -> None:
    _, value = planted(40, 20, 2)
    fit = fit_items(value, all_known(value))
    clean = simulated(fit, 20, 5)
    assert local_dependence(fit, 20, 5).threshold == local_dependence(fit, clean=clean).threshold
    assert np.array_equal(item_misfit(fit, resamples=20, seed=5).p_I, item_misfit(fit, clean=clean).p_I)


def test_the_approximate_tetrachoric_correlation_is_near_the_true_one() -> None:
    rng = np.random.default_rng(6)
    r = 0.5
    latent = np.sqrt(r) * rng.normal(size=(20_000, 1)) + np.sqrt(1 - r) * rng.normal(size=(20_000, 5))
    value = (latent > np.array([0.0, 0.3, -0.3, 0.1, 0.5])).astype(np.float64)
    found = dimensions(value, all_known(value))
    assert (found.first, found.second) == pytest.approx((1 + 4 * r, 1 - r), abs=0.1)


def test_too_few_items_have_no_dimensions() -> None:
    value = np.array([[1.0, 0.0, 1.0], [1.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    assert dimensions(value, all_known(value)).ratio is None


def test_twins_are_found_and_clean_benchmarks_left_alone() -> None:
    false = 0
    for seed in range(4):
        _, value = planted(80, 60, seed + 20)
        share = value.mean(axis=0)
        middle = np.argsort(np.abs(share - 0.5))[:4]
        false += len(local_dependence(fit_items(value, all_known(value)), 20).pair_P2)
        same = np.random.default_rng(seed).random(80) < 0.95
        value[:, middle[1]] = np.where(same, value[:, middle[0]], value[:, middle[1]])
        found = local_dependence(fit_items(value, all_known(value)), 20)
        assert found.pair_P2[0].tolist() == sorted(middle[:2].tolist())
        assert np.allclose(found.q3_II, found.q3_II.T) and np.all(found.q3_II.diagonal() == 0)
    assert false <= 1


def test_residuals_without_the_pair_do_not_lean_to_one_side() -> None:
    # Residuals at abilities that the pair itself moved correlate about -1 / (I - 1): -.11 for ten items.
    _, value = planted(1000, 10, 7)
    fit = fit_items(value, all_known(value))
    upper = np.triu_indices(10, 1)
    assert abs(np.mean(local_dependence(fit, 20).q3_II[upper])) < 0.05
    left = value - expit(fit.slope_I * (fit.ability_S[:, None] - fit.difficulty_I))
    assert np.mean(np.corrcoef(left.T)[upper]) < -0.07


def test_an_item_that_no_curve_fits_is_told_and_others_keep_the_level() -> None:
    rates = []
    for seed in range(4):
        theta, value = planted(150, 40, seed + 30)
        rng = np.random.default_rng(seed)
        value[:, 0] = rng.random(150) < np.where(np.abs(theta) < 0.7, 0.9, 0.15)
        found = item_misfit(fit_items(value, all_known(value)))
        assert found.p_I[0] < 0.01 and found.chi2_I[0] == found.chi2_I.max()
        rates.append(np.mean(found.p_I[1:] < 0.05))
    assert 0.01 <= np.mean(rates) <= 0.09


def test_the_same_seed_gives_the_same_figures() -> None:
    _, value = planted(40, 20, 8)
    fit = fit_items(value, np.random.default_rng(0).random(value.shape) < 0.8, "rasch")
    assert local_dependence(fit, 20, 3).threshold == local_dependence(fit, 20, 3).threshold
    assert np.array_equal(item_misfit(fit, seed=1).p_I, item_misfit(fit, seed=1).p_I)


def test_faults_are_told() -> None:
    _, value = planted(40, 10, 9)
    fit = fit_items(value, all_known(value))
    with pytest.raises(ConfigError, match="at least 20"):
        local_dependence(fit, 5)
    for bins, resamples in ((1, 10), (5, 0)):
        with pytest.raises(ConfigError, match="at least 2 and 1"):
            item_misfit(fit, bins, resamples)
