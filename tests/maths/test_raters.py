"""Coefficients of agreement are other libraries' and the literature's, cells missing or not, and their intervals hold what they say."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from typing import get_args

import evalica
import krippendorff
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import fleiss_kappa

from criterial.errors import ConfigError
from criterial.maths.agreement import counts_of, kappa_of
from criterial.maths.association import accuracy, kappa
from criterial.maths.bootstrap import cluster_bootstrap
from criterial.maths.raters import Metric, Weights, alpha, alpha_of_counts, cohen, fleiss, gwet, tally, weights
from criterial.maths.sums import Sums, divided, estimate, estimates, standardised
from tests.helpers_tables import MANY, QUICK

_ = np.nan
GWET = np.array(  # Krippendorff (2011) and Gwet (2014): four raters, twelve items
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, _, _, _],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, _, 3],
        [_, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, _],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, _],
    ]
)
ABSTRACTORS = np.array([[13, 0, 0], [0, 20, 7], [0, 4, 56]])  # two abstractors of 100 records, in the R package irrCAC


def known(value: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    there = np.isfinite(value)
    return np.where(there, value, 0.0), there


def pairs_of(table: np.ndarray) -> np.ndarray:
    """Return the ratings of two raters that a table counts."""
    first, second = np.indices(table.shape)
    return np.stack([np.repeat(v.ravel(), table.ravel()) for v in (first, second)]).astype(np.float64)


@st.composite
def ratings(draw: Callable[..., st.DrawFn]) -> tuple[np.ndarray, np.ndarray]:
    """Draw few levels, so that ties and empty levels are common, with cells missing; unknown cells hold rubbish."""
    seed, raters, items = draw(st.integers(0, 10**6)), draw(st.integers(2, 5)), draw(st.integers(3, 20))
    rng = np.random.default_rng(seed)
    level = rng.choice([0.0, 1.0, 2.5, 3.0, 7.0], size=rng.integers(2, 6), replace=False)
    value = rng.choice(level, size=(raters, items))
    there = rng.random(value.shape) < rng.choice([0.5, 0.8, 1.0])
    return np.where(there, value, _), there


@pytest.mark.parametrize("metric", get_args(Metric))
@given(drawn=ratings())
@MANY
def test_alpha_is_that_of_two_other_libraries(metric: Metric, drawn: tuple[np.ndarray, np.ndarray]) -> None:
    value, there = drawn
    paired = value[:, there.sum(axis=0) > 1]
    found = alpha(value, there, metric)
    if len(set(paired[np.isfinite(paired)])) < 2:
        assert (found.value, found.undefined) == (None, "all ratings are the same")
        return
    assert found.value == pytest.approx(krippendorff.alpha(paired, level_of_measurement=metric), abs=1e-9)
    assert found.value == pytest.approx(evalica.alpha(pd.DataFrame(paired), metric).alpha, abs=1e-9)
    assert alpha_of_counts(*tally(value, there), metric).value == pytest.approx(found.value, abs=1e-9)


def test_alpha_of_more_levels_than_pairs_are_kept_of_is_still_exact() -> None:
    rng = np.random.default_rng(0)
    value = np.round(rng.normal(50, 15, 60) + rng.normal(0, 8, (4, 60)))
    value[rng.random(value.shape) < 0.2] = _
    assert len(tally(*known(value))[1]) > 40
    for metric in get_args(Metric):
        assert alpha(*known(value), metric).value == pytest.approx(krippendorff.alpha(value, level_of_measurement=metric), abs=1e-9)


@pytest.mark.parametrize(("metric", "published"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849), ("ratio", 0.797)])
def test_alpha_of_the_published_example(metric: Metric, published: float) -> None:
    assert alpha(*known(GWET), metric).value == pytest.approx(published, abs=5e-4)


def test_fleiss_and_gwet_of_the_published_examples() -> None:
    counts, level = tally(*known(GWET))
    assert fleiss(counts, level).value == pytest.approx(0.76117, abs=5e-6)
    assert gwet(counts, level).value == pytest.approx(0.77544, abs=5e-6)
    pairs = pairs_of(ABSTRACTORS)
    both = np.ones(pairs.shape, dtype=np.bool_)
    counts, level = tally(pairs, both)
    assert cohen(pairs, both).value == pytest.approx(0.7964094, abs=5e-8)
    assert fleiss(counts, level).value == pytest.approx(0.7962397, abs=5e-8)  # of two raters it is Scott's pi
    assert gwet(counts, level).value == pytest.approx(0.8493305, abs=5e-8)
    assert alpha(pairs, both).value == pytest.approx(0.7972585, abs=5e-8)


@given(ratings())
@MANY
def test_weighted_coefficients_are_their_formulas_written_out(drawn: tuple[np.ndarray, np.ndarray]) -> None:
    value, there = drawn
    level = np.array([0.0, 1.0, 2.5, 3.0, 7.0])
    counts, _level = tally(value, there, level)
    rated = [[v for v, t in zip(column, given_, strict=True) if t] for column, given_ in zip(value.T, there.T, strict=True)]
    many, some = [r for r in rated if len(r) > 1], [r for r in rated if r]
    share = [np.mean([r.count(v) / len(r) for r in some]) if some else 0.0 for v in level]
    for kind in get_args(Weights):
        agree = dict(zip([(a, b) for a in level for b in level], weights(kind, level).ravel(), strict=True))
        if not many:
            assert (fleiss(counts, level, kind).value, gwet(counts, level, kind).value) == (None, None)
            continue
        observed = np.mean([np.mean([agree[pair] for pair in permutations(r, 2)]) for r in many])
        by_chance = sum(agree[a, b] * p * q for a, p in zip(level, share, strict=True) for b, q in zip(level, share, strict=True))
        lopsided = sum(agree.values()) / 20 * sum(p * (1 - p) for p in share)
        assert gwet(counts, level, kind).value == pytest.approx((observed - lopsided) / (1 - lopsided), abs=1e-9)
        if by_chance < 1 - 1e-9:
            assert fleiss(counts, level, kind).value == pytest.approx((observed - by_chance) / (1 - by_chance), abs=1e-9)


@given(st.integers(0, 10**6), st.integers(2, 6), st.integers(2, 5))
@MANY
def test_fleiss_is_statsmodels_where_all_rated_all(seed: int, raters: int, levels: int) -> None:
    value = np.random.default_rng(seed).integers(0, levels, (raters, 12)).astype(np.float64)
    counts, level = tally(value, np.ones(value.shape, dtype=np.bool_))
    if len(level) > 1:
        assert fleiss(counts, level).value == pytest.approx(fleiss_kappa(counts), abs=1e-9)


def test_weights_are_those_of_the_handbook() -> None:
    level = np.arange(1.0, 4)
    for kind, near in (("identity", 0.0), ("linear", 0.5), ("quadratic", 0.75), ("ordinal", 2 / 3)):
        assert weights(kind, level) == pytest.approx(np.array([[1, near, 0], [near, 1, near], [0, near, 1]]))


@pytest.mark.parametrize(("kind", "theirs"), [("identity", None), ("linear", "linear"), ("quadratic", "quadratic")])
@given(seed=st.integers(0, 10**6))
@QUICK
def test_cohens_kappa_is_scikit_learns(kind: str, theirs: str | None, seed: int) -> None:
    rng = np.random.default_rng(seed)
    value, there = rng.integers(0, 4, (2, 25)).astype(np.float64), rng.random((2, 25)) < 0.8
    both = there.all(axis=0)
    found = cohen(value, there, kind, np.arange(4.0)).value
    assert found == pytest.approx(cohen_kappa_score(*value[:, both], weights=theirs, labels=[0, 1, 2, 3]), abs=1e-9)
    assert found == pytest.approx(cohen(value[::-1], there[::-1], kind, np.arange(4.0)).value)


def test_of_yes_and_no_cohens_kappa_is_the_one_that_was_there() -> None:
    rng = np.random.default_rng(0)
    value = rng.random((2, 50)) < 0.6
    found = cohen(value.astype(np.float64), np.ones((2, 50), dtype=np.bool_)).value
    assert found == pytest.approx(kappa_of(counts_of(*value).sum(axis=0, keepdims=True))[0])


def test_all_who_agree_reach_1_and_chance_reaches_0() -> None:
    rng = np.random.default_rng(0)
    same = np.tile(rng.integers(0, 4, 200), (5, 1)).astype(np.float64)
    chance = rng.integers(0, 4, (5, 20_000)).astype(np.float64)
    for value, wanted, error in ((same, 1.0, 1e-12), (chance, 0.0, 0.01)):
        there = np.ones(value.shape, dtype=np.bool_)
        counts, level = tally(value, there)
        for kind in get_args(Weights):
            for figure in (fleiss(counts, level, kind), gwet(counts, level, kind), cohen(value[:2], there[:2], kind)):
                assert figure.value == pytest.approx(wanted, abs=error)
        for metric in get_args(Metric):
            assert alpha(value, there, metric).value == pytest.approx(wanted, abs=error)


def test_gwet_is_not_pushed_down_by_lopsided_shares_as_kappa_is() -> None:
    table = np.array([[118, 5], [2, 0]])  # the paradox: 94 % agreement, and kappa below 0 (Gwet, 2008)
    pairs = pairs_of(table)
    both = np.ones(pairs.shape, dtype=np.bool_)
    assert (cohen(pairs, both).value or 0) < 0
    assert gwet(*tally(pairs, both)).value == pytest.approx(0.94, abs=0.005)


def test_ratings_are_counted_whatever_they_are() -> None:
    value = np.array([[1e9, -0.5, 3.0], [1e9, 7.25, _], [2.0, -0.5, _]])
    counts, level = tally(*known(value))
    assert level.tolist() == [-0.5, 2.0, 3.0, 7.25, 1e9]
    assert counts.tolist() == [[0, 1, 0, 0, 2], [2, 0, 0, 1, 0], [0, 0, 1, 0, 0]]
    whole = np.random.default_rng(0).integers(-3, 4, (300, 40)).astype(np.float64)  # more raters than a byte counts
    counts, level = tally(np.zeros((300, 40)) + whole * 0 + 5, np.ones((300, 40), dtype=np.bool_))
    assert (level.tolist(), set(counts[:, 0])) == ([5.0], {300.0})
    counts, level = tally(whole, np.ones(whole.shape, dtype=np.bool_))
    assert (counts == np.stack([(whole == v).sum(axis=0) for v in level], axis=1)).all()


def test_a_level_that_occurs_first_among_the_last_items_is_counted() -> None:
    value = np.zeros((2, 3000))
    value[1, -1], value[0, 2000] = 7.5, -1.0
    counts, level = tally(value, np.ones(value.shape, dtype=np.bool_))
    assert level.tolist() == [-1.0, 0.0, 7.5]
    assert counts.sum(axis=0).tolist() == [1, 5998, 1] and (counts.sum(axis=1) == 2).all()
    value[1, -1] = np.nan
    with pytest.raises(ConfigError, match="not a finite number"):
        tally(value, np.ones(value.shape, dtype=np.bool_))


ONE = np.ones((2, 3), dtype=np.bool_)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: tally(np.full((2, 3), np.nan), ONE), "not a finite number"),
        (lambda: tally(np.full((2, 3), np.inf), ONE), "not a finite number"),
        (lambda: tally(np.full((2, 3), 2.5), ONE, np.arange(4.0)), "none of the levels"),
        (lambda: tally(np.arange(2000.0).reshape(2, 1000) / 3, np.ones((2, 1000), dtype=np.bool_)), "interval scale"),
        (lambda: alpha(-np.ones((2, 3)), ONE, "ratio"), "from 0 up"),
        (lambda: alpha(np.ones((2, 3)), ONE, "nomial"), "one of nominal, ordinal"),
        (lambda: alpha(np.full((2, 3), np.nan), ONE, "interval"), "not a finite number"),
        (lambda: gwet(np.ones((3, 1)), np.ones(1)), "at least two levels"),
        (lambda: fleiss(np.ones((3, 1)), np.ones(1), "none"), "one of identity"),
        (lambda: gwet(np.ones((3, 2)), np.arange(2.0), "square"), "one of identity"),
        (lambda: cohen(np.ones((3, 4)), np.ones((3, 4), dtype=np.bool_)), "two raters, not 3"),
    ],
)
def test_what_cannot_be_counted_is_refused(call: Callable[[], object], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        call()


# ---------------------------------------------------------------------------------------------------------------- intervals


def figures(seed: int, items: int = 60) -> tuple[list[Sums], np.ndarray]:
    """Return figures of the same items, some of which some lack, and clusters."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 4, items)
    value = np.where(rng.random((4, items)) < 0.6, truth, rng.integers(0, 4, (4, items))).astype(np.float64)
    there = rng.random(value.shape) < 0.8
    counts, level = tally(value, there)
    made = [alpha(value, there, m) for m in get_args(Metric)] + [fleiss(counts, level), gwet(counts, level, "ordinal")]
    return [*made, cohen(value[:2], there[:2], "linear")], rng.integers(0, 15, items)


def test_a_resample_is_the_figure_of_the_items_that_were_drawn() -> None:
    """Also of ordinal alpha, whose distances depend on what was drawn."""
    rng = np.random.default_rng(4)
    value, there = rng.integers(0, 5, (3, 40)).astype(np.float64), rng.random((3, 40)) < 0.8
    drawn = rng.integers(0, 40, 40)
    makers: list[Callable[[np.ndarray, np.ndarray], Sums]] = [
        *(lambda v, t, m=m: alpha(v, t, m) for m in get_args(Metric)),
        lambda v, t: fleiss(*tally(v, t), "linear"),
        lambda v, t: gwet(*tally(v, t), "quadratic"),
        lambda v, t: cohen(v[:2], t[:2], "quadratic"),
    ]
    for make in makers:
        whole, again = make(value, there), make(value[:, drawn], there[:, drawn])
        assert whole.statistic(whole.sums_IM[drawn].sum(axis=0, keepdims=True))[0] == pytest.approx(again.value, abs=1e-9)


def test_intervals_are_those_of_the_cluster_bootstrap_with_the_same_draws_for_all() -> None:
    made, cluster = figures(0)
    found = estimates(made, cluster, resamples=300, seed=5)
    quantile = stats.t.ppf(0.975, 14) * np.sqrt(15 / 14)
    for figure, one in zip(found, made, strict=True):
        values = cluster_bootstrap(one.sums_IM, one.statistic, cluster, 300, 5)
        assert (figure.low, figure.high) == pytest.approx(tuple(np.quantile(values, [stats.norm.sf(quantile), stats.norm.cdf(quantile)])))
        assert (figure.value, figure.se, figure.clusters, figure.reason) == (one.value, pytest.approx(values.std()), 15, "")
        assert estimate(one, cluster, 300, 5) == pytest.approx(figure)
    assert found != estimates(made, cluster, resamples=300, seed=6)


def test_why_there_is_no_figure_or_no_interval() -> None:
    value, there = np.array([[1.0, 1, 1, 2], [1, 1, 1, 2]]), np.ones((2, 4), dtype=np.bool_)
    lonely = estimate(alpha(value, there), np.zeros(4, dtype=np.int64))
    assert (lonely.value, lonely.low, lonely.reason) == (1.0, None, "no interval: all from one cluster")
    rare = estimate(alpha(value, there), np.arange(4))
    assert (rare.value, rare.low) == (1.0, None)
    assert rare.reason == "no interval: in more than one resample in twenty all ratings are the same"
    same = estimate(alpha(np.ones((2, 4)), there), np.arange(4))
    assert (same.value, same.items, same.reason) == (None, 4, "all ratings are the same")
    for items in (0, 4):
        none = estimate(alpha(np.ones((2, items)), np.zeros((2, items), dtype=np.bool_)), np.arange(items))
        assert (none.value, none.items, none.clusters, none.reason) == (None, 0, 0, "there is nothing to take it of")


def test_of_one_level_and_of_nothing_kappa_is_undefined() -> None:
    same, there = np.ones((2, 4)), np.ones((2, 4), dtype=np.bool_)
    for known_cells in (there, ~there, there & [[True], [False]]):
        for kind in get_args(Weights):
            assert cohen(same, known_cells, kind).value is None
            assert cohen(same, known_cells, kind, np.arange(3.0)).value is None
            assert fleiss(*tally(same, known_cells), kind).value is None


def test_items_of_which_nothing_is_known_count_for_nothing() -> None:
    value, there = np.random.default_rng(0).integers(0, 3, (3, 30)).astype(np.float64), np.ones((3, 30), dtype=np.bool_)
    there[:, 20:] = False
    found = estimate(alpha(value, there), np.arange(30))
    assert (found.items, found.clusters, found.value) == (20, 20, alpha(value[:, :20], there[:, :20]).value)


@pytest.mark.parametrize("clusters", [20, 60])
def test_intervals_of_95_percent_hold_the_planted_figure_in_93_to_97_of_100(clusters: int) -> None:
    """Three raters with errors of their own, four items a cluster that share a base rate; 500 repeats, give or take their own error."""
    rng = np.random.default_rng(clusters)

    def draw(many: int) -> tuple[np.ndarray, np.ndarray]:
        cluster = np.repeat(np.arange(many), 4)
        truth = rng.random(4 * many) < rng.beta(3, 2, many)[cluster]
        return truth ^ (rng.random((3, 4 * many)) < np.array([[0.1], [0.15], [0.25]])), cluster

    def made(said: np.ndarray) -> list[Sums]:
        counts = counts_of(said[0], said[2])
        return [kappa(counts), accuracy(counts), alpha(said.astype(np.float64), np.ones(said.shape, dtype=np.bool_))]

    planted = [f.value for f in made(draw(200_000)[0])]
    held = np.zeros(3)
    for repeat in range(500):
        said, cluster = draw(clusters)
        found = estimates(made(said), cluster, resamples=400, seed=repeat)
        held += [f.low is not None and f.high is not None and f.low <= p <= f.high for f, p in zip(found, planted, strict=True)]
    error = 2 * np.sqrt(0.95 * 0.05 / 500)
    assert ((0.95 - error < held / 500) & (held / 500 < 0.97 + error / 2)).all(), held / 500


def test_a_ratio_of_nothing_is_undefined_and_values_are_scaled_without_their_place() -> None:
    found = divided(np.array([1.0, 0.0, 2.0]), np.array([2.0, 0.0, 1e-13]))
    assert found[0] == 0.5 and np.isnan(found[1:]).all()
    value = standardised(np.array([1e12, 1e12 + 2, np.nan]), np.array([True, True, False]))
    assert value.tolist() == [-1.0, 1.0, 0.0]
    assert standardised(np.array([3.0, 3.0]), np.ones(2, dtype=np.bool_)).tolist() == [0.0, 0.0]
