"""criterial.maths.ordinal: chances in closed form, spreads, and losses whose slopes are right and which find planted qualities."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, softmax
from scipy.stats import entropy, gumbel_r, spearmanr

from criterial.errors import ConfigError
from criterial.maths.ordinal import ordinal_preference, region_flooding, spread_of, win_tie_lose

BANDS = np.array([[0, 2], [3, 5], [6, 8]])
"""Bad, normal and good on nine levels."""


def dealt(seed: int, pairs: int = 20, levels: int = 9) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return 3.0 * rng.standard_normal((pairs, levels)), 3.0 * rng.standard_normal((pairs, levels))


def one_hot(level: int, levels: int = 9) -> np.ndarray:
    return 100.0 * np.eye(levels)[level : level + 1]


# ---------------------------------------------------------------------------------------------------------------- chances


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10**6), levels=st.integers(2, 30))
def test_the_chances_are_the_sums_of_the_joint_table_and_swapping_swaps_them(seed: int, levels: int) -> None:
    one, other = (softmax(x, axis=1) for x in dealt(seed, 7, levels))
    found = win_tie_lose(one, other)
    joint = one[:, :, None] * other[:, None, :]
    expected = np.stack(
        [np.tril(joint, -1).sum(axis=(1, 2)), np.trace(joint, axis1=1, axis2=2), np.triu(joint, 1).sum(axis=(1, 2))], axis=1
    )
    assert found == pytest.approx(expected, abs=1e-12)
    assert found.sum(axis=1) == pytest.approx(np.ones(7), abs=1e-12)
    assert win_tie_lose(other, one) == pytest.approx(found[:, ::-1], abs=1e-12)


def test_fine_levels_of_gumbel_qualities_are_the_logistic_rule_of_bradley_and_terry() -> None:
    edges = np.linspace(-8.0, 16.0, 401)
    mus = np.array([0.0, 0.5, 1.0, 3.0, 6.0])
    probs = np.diff(gumbel_r.cdf(edges, loc=mus[:, None]), axis=1)
    for i, mu in enumerate(mus):
        found = win_tie_lose(np.tile(probs[i], (len(mus), 1)), probs)
        assert found[:, 0] == pytest.approx(expit(mu - mus), abs=0.01)
        assert found[:, 2] == pytest.approx(expit(mus - mu), abs=0.01)


def test_at_the_same_level_there_is_no_win() -> None:
    same = np.array([[0.0, 1.0, 0.0]])
    assert win_tie_lose(same, same).tolist() == [[0.0, 1.0, 0.0]]


# ---------------------------------------------------------------------------------------------------------------- spreads


def test_mean_variance_and_entropy_are_those_of_the_distribution() -> None:
    probs, value = softmax(dealt(1, 50)[0], axis=1), np.arange(1.0, 10.0)
    found = spread_of(probs, value)
    mean = np.array([np.average(value, weights=p) for p in probs])
    assert found.mean_R == pytest.approx(mean)
    assert found.variance_R == pytest.approx([np.average((value - m) ** 2, weights=p) for m, p in zip(mean, probs, strict=True)])
    assert found.entropy_R == pytest.approx(entropy(probs, base=2, axis=1))
    assert spread_of(probs).mean_R == pytest.approx(mean - 1.0)


def test_certainty_has_no_spread_and_even_odds_the_most() -> None:
    found = spread_of(np.array([[0.0, 1.0, 0.0, 0.0], [0.25, 0.25, 0.25, 0.25]]))
    assert found.variance_R.tolist() == [0.0, 1.25]
    assert found.entropy_R.tolist() == [0.0, 2.0]
    assert found.two_peaks_R.tolist() == [False, False]


@pytest.mark.parametrize(
    ("probs", "two"),
    [
        ([0.5, 0.0, 0.5], True),
        ([0.5, 0.5, 0.0], False),
        ([0.1, 0.8, 0.1], False),
        ([0.4, 0.1, 0.1, 0.4], True),
        ([0.35, 0.25, 0.4], True),  # a valley of exactly a tenth
        ([0.34, 0.25, 0.41], False),
        ([0.05, 0.15, 0.3, 0.3, 0.15, 0.05], False),
        ([0.0, 0.45, 0.02, 0.02, 0.06, 0.45], True),
        ([0.5, 0.5], False),
    ],
)
def test_two_peaks_are_two_with_a_valley_between_them(probs: list[float], two: bool) -> None:
    assert spread_of(np.array([probs, probs[::-1]])).two_peaks_R.tolist() == [two, two]


# ---------------------------------------------------------------------------------------------------------------- losses


@pytest.mark.parametrize("seed", range(3))
def test_the_loss_is_minus_the_log_of_the_chance_to_win(seed: int) -> None:
    chosen, rejected = dealt(seed)
    win = win_tie_lose(softmax(chosen, axis=1), softmax(rejected, axis=1))[:, 0]
    assert ordinal_preference(chosen, rejected).loss_P == pytest.approx(-np.log(win))


def test_a_flood_of_1_is_the_plain_loss_exactly_and_so_are_pairs_without_labels() -> None:
    chosen, rejected = dealt(4)
    bands = np.random.default_rng(4).integers(0, 3, 20)
    plain = ordinal_preference(chosen, rejected)
    whole = np.tile([0, 8], (20, 1))
    for found in (
        region_flooding(chosen, rejected, BANDS[np.minimum(bands + 1, 2)], BANDS[bands], flood=1.0),
        region_flooding(chosen, rejected, whole, whole, flood=0.3),
    ):
        assert all(np.array_equal(a, b) for a, b in zip(found, plain, strict=True))


def test_a_flood_of_0_counts_the_bands_alone() -> None:
    chosen, rejected = dealt(5)
    p, q = softmax(chosen, axis=1), softmax(rejected, axis=1)
    good, bad, normal = (np.tile(BANDS[i], (20, 1)) for i in (2, 0, 1))
    apart = region_flooding(chosen, rejected, good, bad, flood=0.0)
    assert apart.loss_P == pytest.approx(-np.log(p[:, 6:].sum(axis=1) * q[:, :3].sum(axis=1)))
    same = region_flooding(chosen, rejected, normal, normal, flood=0.0)
    inside = p[:, 4] * q[:, 3] + p[:, 5] * (q[:, 3] + q[:, 4])  # the strict lower triangle of the band's square
    assert same.loss_P == pytest.approx(-np.log(inside))


def test_each_step_away_from_the_bands_counts_less_by_the_flood() -> None:
    for chosen, rejected, bands, steps in (
        (8, 0, (2, 0), 0),
        (5, 0, (2, 0), 1),
        (4, 3, (2, 0), 3),
        (8, 4, (2, 0), 2),
        (8, 3, (1, 1), 3),
        (5, 4, (1, 1), 0),
        (3, 2, (1, 1), 2),  # to (4, 3): the square's corner (3, 3) is a tie
    ):
        loss = region_flooding(one_hot(chosen), one_hot(rejected), BANDS[[bands[0]]], BANDS[[bands[1]]], flood=0.25).loss_P
        assert loss == pytest.approx([-steps * np.log(0.25)], abs=1e-9)


def test_a_pair_that_lies_in_its_bands_has_no_loss() -> None:
    found = region_flooding(one_hot(7), one_hot(1), BANDS[[2]], BANDS[[0]])
    assert 0.0 <= found.loss_P[0] <= 1e-6
    assert np.abs(found.chosen_PL).max() < 1e-12


@pytest.mark.parametrize("flood", [0.0, 0.5, 1.0])
@pytest.mark.parametrize(("one", "other"), [(2, 0), (1, 0), (1, 1), (2, 2)])
def test_the_slopes_are_those_of_finite_differences(flood: float, one: int, other: int) -> None:
    chosen, rejected = dealt(6, 8)
    bands = np.tile(BANDS[one], (8, 1)), np.tile(BANDS[other], (8, 1))
    found = region_flooding(chosen, rejected, *bands, flood=flood)
    for side, slopes in enumerate((found.chosen_PL, found.rejected_PL)):
        for level in range(9):
            ends = []
            for step in (1e-5, -1e-5):
                moved = [chosen.copy(), rejected.copy()]
                moved[side][:, level] += step
                ends.append(region_flooding(moved[0], moved[1], *bands, flood=flood).loss_P)
            assert slopes[:, level] == pytest.approx((ends[0] - ends[1]) / 2e-5, abs=1e-6)
        assert slopes.sum(axis=1) == pytest.approx(np.zeros(8), abs=1e-12)


def test_the_slopes_in_the_probabilities_are_the_cards() -> None:
    """dP(c > r)/dp_c(k) = P(s_r < k), carried through the softmax."""
    chosen, rejected = dealt(7)
    p, q = softmax(chosen, axis=1), softmax(rejected, axis=1)
    win = win_tie_lose(p, q)[:, :1]
    below = np.cumsum(q, axis=1) - q
    assert ordinal_preference(chosen, rejected).chosen_PL == pytest.approx(-p * (below - win) / win, abs=1e-12)


@pytest.mark.parametrize("size", [50.0, 1e3, 1e6, 1e300])
def test_where_all_is_wrong_the_loss_is_cut_off_and_still_leads_out(size: float) -> None:
    top, bottom = size * np.eye(9)[8:], size * np.eye(9)[:1]
    found = ordinal_preference(bottom, top)
    assert found.loss_P.tolist() == [30.0]
    assert all(np.isfinite(a).all() for a in found)
    assert found.chosen_PL[0, 0] > 0.5 or found.rejected_PL[0, 8] > 0.5


def test_nothing_in_nothing_out() -> None:
    none = np.zeros((0, 9))
    assert [a.shape for a in ordinal_preference(none, none)] == [(0,), (0, 9), (0, 9)]
    assert win_tie_lose(none, none).shape == (0, 3)
    assert spread_of(none).mean_R.shape == (0,)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"flood": -0.1}, "flood"),
        ({"flood": float("nan")}, "flood"),
        ({"chosen_PL": np.full((1, 9), np.nan)}, "finite"),
        ({"rejected_PL": np.full((1, 9), -np.inf)}, "finite"),
        ({"chosen_PL": np.zeros((1, 1)), "rejected_PL": np.zeros((1, 1))}, "two levels"),
        ({"chosen_P2": np.array([[6, 9]])}, "between 0 and 8"),
        ({"chosen_P2": np.array([[7, 6]])}, "between 0 and 8"),
        ({"chosen_P2": BANDS[[0]], "rejected_P2": BANDS[[1]]}, "no level of the chosen band"),
        ({"chosen_P2": np.array([[4, 4]]), "rejected_P2": np.array([[4, 4]])}, "no level of the chosen band"),
    ],
)
def test_what_makes_no_sense_is_refused(changed: dict[str, Any], says: str) -> None:
    given: dict[str, Any] = {
        "chosen_PL": np.zeros((1, 9)),
        "rejected_PL": np.zeros((1, 9)),
        "chosen_P2": BANDS[[2]],
        "rejected_P2": BANDS[[0]],
    }
    with pytest.raises(ConfigError, match=says):
        region_flooding(**{**given, **changed})


# ---------------------------------------------------------------------------------------------------------------- learning from pairs


def learnt(chosen_P: np.ndarray, rejected_P: np.ndarray, chosen_P2: np.ndarray, rejected_P2: np.ndarray, many: int = 1000) -> np.ndarray:
    """Return the distributions of a table of logits, a row an item, learnt by Adam from so many of the pairs a step."""
    steps, rng, items = 300, np.random.default_rng(0), int(max(chosen_P.max(), rejected_P.max())) + 1
    table, mean, square = np.zeros((3, items, 9))
    for step in range(1, steps + 1):
        some = rng.integers(len(chosen_P), size=many)
        one, other = chosen_P[some], rejected_P[some]
        found = region_flooding(table[one], table[other], chosen_P2[some], rejected_P2[some])
        slope = np.zeros_like(table)
        np.add.at(slope, one, found.chosen_PL)
        np.add.at(slope, other, found.rejected_PL)
        mean, square = 0.9 * mean + 0.1 * slope, 0.99 * square + 0.01 * slope**2
        pace = 0.1 * (1 - step / steps) / (1 - 0.9**step)
        table = table - pace * mean / (np.sqrt(square / (1 - 0.99**step)) + 1e-8)
    return softmax(table, axis=1)


def planted(latent_I: np.ndarray, pairs: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the chosen and the rejected item of noisy pairs."""
    rng, items = np.random.default_rng(seed), len(latent_I)
    one = rng.integers(items, size=pairs)
    other = (one + rng.integers(1, items, size=pairs)) % items
    first = rng.random(pairs) < expit(2.0 * (latent_I[one] - latent_I[other]))
    return np.where(first, one, other), np.where(first, other, one)


@pytest.mark.parametrize("lowest", [1.0, 5.0], ids=["the whole scale", "its upper half"])
def test_planted_qualities_are_found_from_pairs_and_their_place_on_the_scale_from_a_few_bands(lowest: float) -> None:
    """The card expects bands on 20 % of pairs to lower the error of the mean by 40 %. Measured: from 1.99 to 0.56 levels where qualities
    fill half of the scale, for pairs spread them over all of it; where they fill it, pairs alone are as good (0.16 and 0.22)."""
    latent = np.random.default_rng(2).uniform(lowest, 9.0, 500)
    chosen, rejected = planted(latent, 50_000, 3)
    whole = np.tile([0, 8], (len(chosen), 1))
    band_I = ((np.round(latent) - 1) // 3).astype(int)
    told = (np.random.default_rng(4).random(len(chosen)) < 0.2) & (band_I[chosen] >= band_I[rejected])
    bands = [np.where(told[:, None], BANDS[band_I[side]], whole) for side in (chosen, rejected)]
    alone, banded = (spread_of(learnt(chosen, rejected, *b), np.arange(1.0, 10.0)).mean_R for b in ((whole, whole), bands))

    new = planted(latent, 20_000, 5)
    best = (latent[new[0]] > latent[new[1]]).mean()
    for found in (alone, banded):
        assert (found[new[0]] > found[new[1]]).mean() >= best - 0.01
        assert spearmanr(found, latent).statistic >= 0.95
    off = [np.abs(found - latent).mean() for found in (alone, banded)]
    assert max(off) < 0.25 if lowest == 1.0 else off[1] <= 0.6 * off[0]


def test_pairs_that_contradict_each_other_leave_two_peaks_and_pairs_that_agree_one() -> None:
    """The card would have contradiction show as entropy. It does not: no loss is left wherever one is above the other, so agreement leaves
    four levels even (2 bits), while contradiction is least costly where levels interleave, with hardly a tie: two peaks, 1.4 bits."""
    whole = np.tile([0, 8], (2, 1))
    agreed = spread_of(learnt(np.array([0, 0]), np.array([1, 1]), whole, whole, 100))
    torn = spread_of(learnt(np.array([0, 1]), np.array([1, 0]), whole, whole, 100))
    assert (agreed.two_peaks_R.tolist(), torn.two_peaks_R.tolist()) == ([False, False], [True, True])
    assert torn.variance_R.min() > 1.5 * agreed.variance_R.max()
    assert torn.entropy_R.max() < agreed.entropy_R.min()
