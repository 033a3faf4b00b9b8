"""The ceiling is the card's (systems/mos_bounds.md), no judge beats it, an oracle reaches it, and real votes keep to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from criterial.errors import ConfigError
from criterial.maths.ceiling import (
    Ceiling,
    Measure,
    Votes,
    VoteScale,
    against_ceiling,
    ceiling_of_means,
    ceiling_of_quality,
    ceiling_of_variance,
    ceiling_of_votes,
    simulate_votes,
    simulated_ceiling,
    two_sided,
    votes_needed,
    votes_of,
)
from tests.formats.raw import raw
from tests.helpers_tables import MANY

FIVE, TWO = VoteScale(1, 5, 5), VoteScale(0, 1, 2)


def quality(seed: int, items: int) -> np.ndarray:
    return 1 + 4 * np.random.default_rng(seed).beta(2.5, 2, items)


def five_votes(seed: int, items: int, count: int = 5) -> tuple[np.ndarray, Votes]:
    q = quality(seed, items)
    return q, votes_of(*simulate_votes(q, np.full(items, count), FIVE, np.random.default_rng(seed + 1)))


@pytest.mark.parametrize(
    ("ceiling", "mse", "rmse", "pcc"),
    [
        (ceiling_of_means(3.2, 0.8, 10, FIVE), 0.08103, 0.2847, 0.9480),
        (ceiling_of_means(3.2, 0.8, 3, FIVE), 0.2873, 0.2873**0.5, 0.8006),
        (ceiling_of_variance(1.0, 0.5, 4), 0.125, 0.3536, 0.875**0.5),
        (ceiling_of_means(0.6, 0.09, 3, TWO), 0.075, 0.075**0.5, 0.408),
    ],
)
def test_the_cards_reference_values(ceiling: Ceiling, mse: float, rmse: float, pcc: float) -> None:
    assert (ceiling.mse, ceiling.rmse, ceiling.pcc) == pytest.approx((mse, rmse, pcc), abs=6e-5 if pcc != 0.408 else 5e-4)
    assert ceiling.warnings == ()


@given(st.floats(1.3, 4.7), st.floats(0.05, 0.95), st.integers(2, 40))
@MANY
def test_the_model_forwards_and_backwards_is_the_same(mean: float, share: float, votes: int) -> None:
    """From qualities to means and back: the variance of means is that of quality and the noise together."""
    variance = share * (mean - 1) * (5 - mean)
    forward = ceiling_of_quality(mean, variance, votes, FIVE)
    back = ceiling_of_means(mean, variance + (forward.mse or 0), votes, FIVE)
    assert (back.pcc, back.mse, back.quality_variance) == pytest.approx((forward.pcc, forward.mse, variance), abs=1e-9)


def test_an_oracle_of_200_000_items_reaches_what_the_card_measured() -> None:
    q, votes = five_votes(0, 200_000)
    measured, model = ceiling_of_votes(votes), ceiling_of_votes(votes._replace(variance_I=None), FIVE)
    assert np.mean((q - votes.mean_I) ** 2) == pytest.approx(0.1610, abs=0.005)
    assert np.corrcoef(q, votes.mean_I)[0, 1] == pytest.approx(0.9037, abs=0.005)
    assert (measured.mse, measured.pcc) == pytest.approx((0.1616, 0.9033), abs=0.005)
    assert (model.mse, model.pcc) == pytest.approx((0.1617, 0.9033), abs=0.005)
    assert (measured.method, model.method) == ("variance of votes", "binomial model of votes, from means")


def test_no_judge_beats_the_bound_and_the_oracle_attains_it() -> None:
    q, votes = five_votes(3, 4000)
    bound = ceiling_of_votes(votes).pcc or 0
    rng = np.random.default_rng(0)
    warps: list[Callable[[np.ndarray], np.ndarray]] = [np.exp, np.sqrt, np.square, lambda v: v, lambda v: -np.exp(-v)]
    error = (1 - bound**2) / np.sqrt(4000)
    for i in range(100):
        judge = warps[i % 5](np.maximum(q + rng.normal(0, rng.uniform(0, 1), 4000), 0))
        assert np.corrcoef(judge, votes.mean_I)[0, 1] < bound + 3 * error
    assert np.corrcoef(q, votes.mean_I)[0, 1] == pytest.approx(bound, abs=3 * error)


def test_limits() -> None:
    many = ceiling_of_means(3.2, 0.8, 1e9, FIVE)
    assert (many.pcc, many.mse) == pytest.approx((1.0, 0.0), abs=1e-8)
    for silent in (ceiling_of_variance(0.1, 0.5, 4), ceiling_of_variance(0.0, 0.0, 4), ceiling_of_quality(3, 0, 4, FIVE)):
        assert silent.pcc == 0.0
        assert "no signal" in silent.warnings[0]
    noise = votes_of(*simulate_votes(np.full(500, 3.0), np.full(500, 3), FIVE, np.random.default_rng(1)))
    assert (ceiling_of_votes(noise).pcc or 0) < 0.3
    alone = ceiling_of_means(0.6, 0.24, 1, TWO)
    assert (alone.pcc, alone.mse, alone.rmse) == (None, None, None)
    assert "one yes/no vote" in alone.warnings[0]
    constant = ceiling_of_votes(votes_of(np.ones((3, 4)), np.ones((3, 4), dtype=np.bool_)))
    assert constant.pcc == 0.0 and len(constant.warnings) == 2


@given(st.integers(2, 9), st.integers(3, 60), st.integers(0, 10**6))
@MANY
def test_of_yes_and_no_the_model_is_the_split_of_variance_within_and_between(votes: int, items: int, seed: int) -> None:
    """V = n / (n - 1) (p (1 - p) - variance of means) is the mean unbiased variance of votes, exactly."""
    rng = np.random.default_rng(seed)
    said = (rng.random((votes, items)) < rng.random(items)).astype(np.float64)
    made = votes_of(said, np.ones(said.shape, dtype=np.bool_))
    measured, model = ceiling_of_votes(made), ceiling_of_votes(made._replace(variance_I=None), TWO)
    p = said.mean()
    assert measured.mse == pytest.approx((p * (1 - p) - made.mean_I.var()) / (votes - 1), abs=1e-12)
    assert (measured.mse, measured.pcc) == pytest.approx((model.mse, model.pcc), abs=1e-6)


@given(st.floats(0.05, 0.999), st.floats(0.01, 10), st.floats(0.01, 10))
@MANY
def test_votes_needed_are_the_inverse_of_the_ceiling(pcc: float, quality_variance: float, vote_variance: float) -> None:
    needed = votes_needed(pcc, quality_variance, vote_variance)
    found = ceiling_of_variance(quality_variance + vote_variance / needed, vote_variance, needed)
    assert found.pcc == pytest.approx(pcc, abs=1e-9)


def test_items_with_unequal_votes_and_some_with_one() -> None:
    """The card lets items of one vote take the model's variance; where others have two we take theirs, which needs no model."""
    rng = np.random.default_rng(0)
    q, count = quality(5, 60_000), rng.integers(0, 6, 60_000)
    value, there = simulate_votes(q, count, FIVE, rng)
    assert (there.sum(axis=0) == count).all()
    votes = votes_of(np.where(there, value, np.nan), there)
    some = count > 0
    reached = float(np.corrcoef(q[some], votes.mean_I[some])[0, 1])
    error = float(np.mean((q - votes.mean_I)[some] ** 2))
    for found in (ceiling_of_votes(votes), ceiling_of_votes(votes._replace(variance_I=None), FIVE)):
        assert (found.pcc, found.mse) == pytest.approx((reached, error), abs=0.01)
    # raters who differ twice as much as the model says: borrowing is right and the model is not
    loud = np.where(there, q + rng.normal(0, 1.5, value.shape), 0.0)
    votes = votes_of(loud, there)
    error = float(np.mean((q - votes.mean_I)[some] ** 2))
    assert ceiling_of_votes(votes).mse == pytest.approx(error, rel=0.02)
    assert (ceiling_of_votes(votes._replace(variance_I=None), VoteScale(-9, 15, 25)).mse or 0) > 1.1 * error


def test_two_noisy_sides_multiply() -> None:
    rng = np.random.default_rng(0)
    q, votes = five_votes(8, 50_000)
    repeats = q + rng.normal(0, 0.8, (3, 50_000))
    judge = ceiling_of_votes(votes_of(repeats, np.ones(repeats.shape, dtype=np.bool_)))
    both = two_sided(ceiling_of_votes(votes), judge)
    reliability = q.var() / (q.var() + 0.64 / 3)
    assert judge.pcc == pytest.approx(np.sqrt(reliability), abs=0.005)
    assert both.pcc == pytest.approx(np.corrcoef(repeats.mean(axis=0), votes.mean_I)[0, 1], abs=0.005)
    assert both.mse == pytest.approx(np.mean((repeats.mean(axis=0) - votes.mean_I) ** 2), abs=0.005)
    assert two_sided(ceiling_of_means(0.6, 0.24, 1, TWO), judge).pcc is None


def test_what_a_judge_reaches_of_the_ceiling_with_intervals() -> None:
    q, votes = five_votes(1, 600)
    rng = np.random.default_rng(4)
    judge = 0.5 * q + rng.normal(0, 0.3, 600)
    found = against_ceiling(judge, votes, np.arange(600) // 2)
    assert found.pcc.value == pytest.approx(np.corrcoef(judge, votes.mean_I)[0, 1])
    ceiling = ceiling_of_votes(votes)
    assert found.bound.value == pytest.approx(ceiling.pcc)
    assert found.fraction.value == pytest.approx((found.pcc.value or 0) / (ceiling.pcc or 1))
    assert found.mse.value == pytest.approx(np.mean((judge - votes.mean_I) ** 2))
    assert found.excess_mse.value == pytest.approx((found.mse.value or 0) - (ceiling.mse or 0))
    wanted = np.corrcoef(judge, q)[0, 1]  # the fraction of the ceiling is the correlation with quality itself
    assert (found.fraction.low or 1) < wanted < (found.fraction.high or 0)
    model = against_ceiling(judge, votes._replace(variance_I=None), np.arange(600), FIVE)
    assert model.bound.value == pytest.approx(ceiling_of_votes(votes._replace(variance_I=None), FIVE).pcc)
    assert model.bound.value == pytest.approx(ceiling.pcc, abs=0.02)
    assert abs((model.bound.se or 0) - (found.bound.se or 0)) < 0.005


def test_against_votes_without_signal_there_is_no_fraction_and_unvoted_items_are_not_looked_at() -> None:
    said = np.array([[0.0, 1, 0, 1, 0, 1], [1, 0, 1, 0, 1, 0]])
    there = np.ones(said.shape, dtype=np.bool_)
    found = against_ceiling(np.arange(6.0), votes_of(said, there), np.arange(6))
    assert found.fraction.value is None and "no signal" in found.fraction.reason
    q, votes = five_votes(2, 100)
    less = Votes(np.where(np.arange(100) < 60, votes.count_I, 0), votes.mean_I, votes.variance_I)
    judge = np.where(np.arange(100) < 60, q, np.nan)
    part = Votes(*(np.asarray(v)[:60] for v in votes))
    assert against_ceiling(judge, less, np.arange(100)).fraction.value == against_ceiling(q[:60], part, np.arange(60)).fraction.value
    single = against_ceiling(q, Votes(np.ones(100, dtype=np.int64), (q > 3).astype(np.float64), None), np.arange(100), TWO)
    assert single.bound.value is None and single.excess_mse.value is None and single.pcc.value is not None


@pytest.mark.parametrize("measure", get_args(Measure))
def test_simulated_ceilings_are_what_an_oracle_and_a_second_panel_reach(measure: Measure) -> None:
    q, votes = five_votes(6, 1500)
    oracle, panel = simulated_ceiling(votes, FIVE, measure, threshold=3.5, draws=60)
    again = votes_of(*simulate_votes(q, np.full(1500, 5), FIVE, np.random.default_rng(99)))
    compare: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
        "pearson": lambda a, b: float(np.corrcoef(a, b)[0, 1]),
        "spearman": lambda a, b: float(stats.spearmanr(a, b)[0]),
        "kendall": lambda a, b: float(stats.kendalltau(a, b)[0]),
        "accuracy": lambda a, b: float(np.mean((a >= 3.5) == (b >= 3.5))),
    }
    assert oracle.value == pytest.approx(compare[measure](q, votes.mean_I), abs=0.02)
    assert panel.value == pytest.approx(compare[measure](again.mean_I, votes.mean_I), abs=0.025)
    assert (oracle.low or 1) < (oracle.value or 0) < (oracle.high or 0)
    assert (panel.value or 1) < (oracle.value or 0)
    assert simulated_ceiling(votes, FIVE, measure, draws=5, seed=1) == simulated_ceiling(votes, FIVE, measure, draws=5, seed=1)


def test_the_simulated_ceiling_of_pearson_is_the_bound() -> None:
    _, votes = five_votes(7, 2000)
    oracle, panel = simulated_ceiling(votes, FIVE, "pearson", draws=50)
    bound = ceiling_of_votes(votes).pcc or 0
    assert (oracle.value, panel.value) == pytest.approx((bound, bound**2), abs=0.01)
    silent = simulated_ceiling(votes_of(np.array([[0.0, 1], [1, 0]]), np.ones((2, 2), dtype=np.bool_)), TWO, "kendall")
    assert silent[0].value is None and "no signal" in silent[1].reason
    one = votes_of(np.array([[1.0, 1, 0], [1, 1, 0]]), np.ones((2, 3), dtype=np.bool_))
    assert all(f.value is not None for m in get_args(Measure) for f in simulated_ceiling(one, TWO, m, draws=20))


def test_votes_are_drawn_by_the_generator_and_lie_on_the_scale() -> None:
    count = np.array([0, 1, 5, 3] * 5000)
    q = np.tile([1.0, 5.0, 2.3, 4.1], 5000)
    value, there = simulate_votes(q, count, FIVE, np.random.default_rng(0))
    assert set(value[there]) <= {1.0, 2.0, 3.0, 4.0, 5.0}
    assert (value[there & (q == 5.0)] == 5.0).all()
    drawn = value[:, q == 2.3]
    assert drawn.mean() == pytest.approx(2.3, abs=0.02)
    assert drawn.var() == pytest.approx(1.3 * 2.7 / 4, rel=0.03)
    again, _ = simulate_votes(q, count, FIVE, np.random.default_rng(0))
    assert (again == value).all()


@pytest.mark.parametrize(
    "call",
    [
        lambda: ceiling_of_variance(-1.0, 1.0, 2),
        lambda: ceiling_of_variance(1.0, 1.0, 0),
        lambda: ceiling_of_means(3.0, 5.0, 3, FIVE),
        lambda: ceiling_of_means(6.0, 0.1, 3, FIVE),
        lambda: ceiling_of_means(3.0, 0.1, 0, FIVE),
        lambda: ceiling_of_quality(3.0, 0.1, 3, VoteScale(1, 5, 1)),
        lambda: ceiling_of_votes(votes_of(np.ones((2, 3)), np.zeros((2, 3), dtype=np.bool_))),
        lambda: ceiling_of_votes(votes_of(np.ones((1, 3)), np.ones((1, 3), dtype=np.bool_))),
        lambda: votes_of(np.full((2, 3), np.nan), np.ones((2, 3), dtype=np.bool_)),
        lambda: votes_needed(1.0, 1.0, 1.0),
        lambda: votes_needed(0.9, 0.0, 1.0),
        lambda: simulate_votes(np.array([0.5]), np.array([1]), FIVE, np.random.default_rng(0)),
    ],
)
def test_what_makes_no_sense_is_refused(call: Callable[[], object]) -> None:
    with pytest.raises(ConfigError):
        call()


# ---------------------------------------------------------------------------------------------------------------- real votes


def real_sets() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return raters x items of each real set; DICES' voters have no names, so a column's place is no person."""
    sets: dict[str, list[list[float]]] = {}
    for row in raw("mos_video/votes_acr5"):
        sets.setdefault(row["dataset"], []).append(row["votes"])
    for row in raw("mos_video/votes_dmos100"):
        sets.setdefault(row["dataset"], []).append([v for v in row["differential_votes"].values() if v is not None])
    for part in ("dices_350_crowdsourced", "dices_990"):
        said = {"Yes": 1.0, "No": 0.0}
        sets[part] = [[said[v] for v in row["unsafe_votes"] if v in said] for row in raw(f"dices/{part}")]
    out = {}
    for name, rows in sets.items():
        value = np.full((max(map(len, rows)), len(rows)), np.nan)
        for item, votes in enumerate(rows):
            value[: len(votes), item] = votes
        out[name] = value, np.isfinite(value)
    return out


def test_on_real_votes_half_of_the_people_never_beat_the_bound_of_the_other_half() -> None:
    """The mean of one half is the judge, the other half the votes; the two-sided ceiling is what such a judge should reach."""
    sets = real_sets()
    assert len(sets) == 8
    rng = np.random.default_rng(0)
    for value, there in sets.values():
        judged = rng.permutation(np.arange(len(value)) % 2 == 0)
        judge, votes = votes_of(value[judged], there[judged]), votes_of(value[~judged], there[~judged])
        kept = (judge.count_I > 0) & (votes.count_I > 0)
        judge, votes = (Votes(*(np.asarray(v)[kept] for v in side)) for side in (judge, votes))
        found = against_ceiling(judge.mean_I, votes, np.arange(kept.sum()), resamples=400)
        assert (found.pcc.value or 0) < (found.bound.high or 0)
        assert (found.fraction.low or 9) < 1.0
        expected = two_sided(ceiling_of_votes(votes), ceiling_of_votes(judge)).pcc or 0
        assert (found.pcc.low or 9) - 0.02 < expected < (found.pcc.high or 0) + 0.02
