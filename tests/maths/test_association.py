"""Associations are other libraries' to the last digits, ties and missing cells included, in the whole and in each resample."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics

from criterial.errors import ConfigError
from criterial.maths import association
from criterial.maths.agreement import counts_of
from criterial.maths.association import (
    accuracy,
    brier,
    calibration_error,
    ece,
    f1,
    kappa,
    kendall,
    leniency,
    log_loss,
    mcc,
    mean,
    pearson,
    precision,
    reliability,
    slope,
    spearman,
    tnr,
    tpr,
)
from criterial.maths.intervals import cluster_mean, share_interval
from criterial.maths.sums import Sums, estimate, estimates
from tests.helpers_tables import MANY

CORRELATIONS: list[tuple[Callable[..., Sums], Callable[..., float]]] = [
    (pearson, lambda x, y: stats.pearsonr(x, y)[0]),
    (slope, lambda x, y: stats.linregress(y, x).slope),
    (spearman, lambda x, y: stats.spearmanr(x, y)[0]),
    (kendall, lambda x, y: stats.kendalltau(x, y)[0]),
]
RANKS = CORRELATIONS[2:]


def draw(seed: int, items: int, levels: int | None = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return two variables that go together, with ties where there are few levels, and what is known; the rest is rubbish."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=items)
    y = x * rng.choice([-1, 0.5, 2]) + rng.normal(size=items)
    if levels:
        x, y = (np.digitize(v, np.quantile(v, np.linspace(0, 1, levels + 1)[1:-1])).astype(np.float64) for v in (x, y))
    there = rng.random(items) < 0.85
    return np.where(there, x, np.nan), np.where(there, y, np.inf), there


@pytest.mark.parametrize("items", [12, 80])
@pytest.mark.parametrize("levels", [2, 5, None])
@pytest.mark.parametrize(("ours", "theirs"), CORRELATIONS)
def test_correlations_are_scipys(ours: Callable[..., Sums], theirs: Callable[..., float], levels: int | None, items: int) -> None:
    for seed in range(20):
        x, y, there = draw(seed, items, levels)
        if min(len(set(x[there])), len(set(y[there]))) > 1:
            assert ours(x, y, there).value == pytest.approx(theirs(x[there], y[there]), abs=1e-9)


@pytest.mark.parametrize("levels", [7, None])
@pytest.mark.parametrize(("ours", "theirs"), RANKS)
def test_correlations_of_ranks_are_exact_beyond_the_pairs_that_resamples_count(
    ours: Callable[..., Sums], theirs: Callable[..., float], levels: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(association, "_EXACT_CELLS", 0)
    for seed, items in enumerate([3, 5, 8, 64, 65, 1500]):
        x, y, there = draw(seed, items, levels)
        there[:3], x[:3], y[:3] = True, [0, 1, 2], [1, 0, 3]
        made = ours(x, y, there)
        assert made.sums_IM.shape == (items, 2)
        assert made.value == pytest.approx(theirs(x[there], y[there]), abs=1e-9)


@pytest.mark.parametrize("levels", [3, 6, None])
@pytest.mark.parametrize(("ours", "theirs"), CORRELATIONS)
def test_a_resample_is_the_figure_of_the_items_that_were_drawn(
    ours: Callable[..., Sums], theirs: Callable[..., float], levels: int | None
) -> None:
    x, y, _ = draw(1, 60, levels)
    x, y, there = np.nan_to_num(x), np.nan_to_num(y, posinf=0.0), np.ones(60, dtype=np.bool_)
    drawn = np.random.default_rng(0).integers(0, 60, (5, 60))
    made = ours(x, y, there)
    found = made.statistic(made.sums_IM[drawn].sum(axis=1))
    assert found == pytest.approx([theirs(x[d], y[d]) for d in drawn], abs=1e-9)


@pytest.mark.parametrize("levels", [3, None])
@pytest.mark.parametrize("figure", [spearman, kendall])
def test_an_influence_is_how_the_figure_moves_with_an_items_weight(
    figure: Callable[..., Sums], levels: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, y, there = draw(5, 40, levels)
    anew = figure(x, y, there)
    monkeypatch.setattr(association, "_EXACT_CELLS", 0)
    near = figure(x, y, there)
    step = 1e-5 * anew.sums_IM
    moved = [anew.statistic(anew.sums_IM.sum(axis=0) + s) for s in (step, -step)]
    assert (moved[0] - moved[1]) / 2e-5 == pytest.approx(near.sums_IM[:, 0] / there.sum(), abs=1e-8)


@pytest.mark.parametrize("levels", [5, None])
@pytest.mark.parametrize("figure", [spearman, kendall])
def test_intervals_by_influence_are_near_those_by_ranking_anew(
    figure: Callable[..., Sums], levels: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, y, there = draw(2, 600, levels)
    cluster = np.arange(600) // 3
    anew = estimate(figure(x, y, there), cluster)
    monkeypatch.setattr(association, "_EXACT_CELLS", 0)
    near = estimate(figure(x, y, there), cluster)
    assert near.value == pytest.approx(anew.value, abs=1e-12)
    assert near.se == pytest.approx(anew.se, rel=0.03)
    assert (near.low, near.high) == pytest.approx((anew.low, anew.high), abs=0.15 * (anew.se or 0))


@pytest.mark.parametrize("figure", [pearson, spearman, kendall, slope])
def test_of_constants_there_is_no_correlation(figure: Callable[..., Sums]) -> None:
    there = np.ones(4, dtype=np.bool_)
    flat, rising = np.full(4, 0.1), np.arange(4.0)
    assert figure(rising, flat, there).value is None
    assert figure(rising, rising, ~there).value is None
    assert estimate(figure(rising, flat, there), np.arange(4)).reason in ("one of the two is constant", "the labels are constant")


@pytest.mark.parametrize(
    "figure", [pearson, spearman, kendall, slope, brier, log_loss, ece, calibration_error, lambda x, y, k: leniency(x, y, k, 1.0)]
)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_said_to_be_known_and_is_no_number_is_refused(figure: Callable[..., Sums], value: float) -> None:
    odd, there = np.array([0.5, value, 0.25, 0.75]), np.ones(4, dtype=np.bool_)
    for x, y in ((odd, np.arange(4.0) / 4), (np.arange(4.0) / 4, odd)):
        with pytest.raises(ConfigError, match="not a finite number"):
            figure(x, y, there)
    assert figure(odd, odd, np.isfinite(odd)).value is not None


def test_values_too_near_for_their_mean_are_still_ranked_and_large_ones_keep_their_digits() -> None:
    there = np.ones(4, dtype=np.bool_)
    tiny = np.array([1e-30, 1e-20, 0.4, 0.9])
    assert (spearman(tiny, np.arange(4.0), there).value, kendall(tiny, np.arange(4.0), there).value) == (1.0, 1.0)
    assert pearson(1e9 + np.arange(4.0), np.array([0.0, 2, 1, 3]), there).value == pytest.approx(0.8)
    assert slope(1e-9 * np.arange(4.0), 1e9 * np.arange(4.0), there).value == pytest.approx(1e-18)


# ---------------------------------------------------------------------------------------------------------------- verdicts

PAIRS = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=25)
VERDICTS: list[tuple[Callable[..., Sums], Callable[..., float]]] = [
    (accuracy, metrics.accuracy_score),
    (mcc, metrics.matthews_corrcoef),
    (kappa, metrics.cohen_kappa_score),
    (f1, metrics.f1_score),
    (precision, metrics.precision_score),
    (tpr, metrics.recall_score),
    (tnr, lambda y, j: metrics.recall_score(y, j, pos_label=0)),
]


@pytest.mark.parametrize(("ours", "theirs"), VERDICTS)
@given(pairs=PAIRS)
@MANY
def test_figures_of_verdicts_are_scikit_learns(ours: Callable[..., Sums], theirs: Callable[..., float], pairs: list) -> None:
    judged, label = (np.array(v) for v in zip(*pairs, strict=True))
    found = ours(counts_of(judged, label)).value
    undefined = {
        mcc: len(set(judged)) < 2 or len(set(label)) < 2,
        kappa: len(set(judged) | set(label)) < 2,
        f1: not (judged | label).any(),
        precision: not judged.any(),
        tpr: not label.any(),
        tnr: label.all(),
    }
    assert (found is None) == undefined.get(ours, False)
    if found is not None:
        assert found == pytest.approx(theirs(label.astype(int), judged.astype(int)), abs=1e-12)


def test_leniency_is_what_the_card_says() -> None:
    """systems/rubric_code_eval.md: 0 for the same, +.4 for full marks always where experts give 60 %, 0 for symmetric noise."""
    rng = np.random.default_rng(0)
    most = rng.integers(5, 20, 2000).astype(np.float64)
    expert = most * rng.choice([0.4, 0.8], 2000)
    expert *= 0.6 / np.mean(expert / most)
    there = np.ones(2000, dtype=np.bool_)
    assert leniency(expert, expert, there, most).value == 0
    assert leniency(most, expert, there, most).value == pytest.approx(0.4)
    assert leniency(expert, most, there, most).value == pytest.approx(-0.4)
    noisy = estimate(leniency(expert + rng.normal(0, 2, 2000), expert, there, most), np.arange(2000))
    assert abs(noisy.value or 1) < 2 * (noisy.se or 0)
    assert leniency(np.array([3.0, np.nan]), np.array([1.0, 2.0]), np.array([True, False]), 4.0).value == 0.5
    with pytest.raises(ConfigError, match="must lie above"):
        leniency(expert, expert, there, 0.0)


def test_a_judge_that_keeps_to_the_middle_has_a_slope_below_1() -> None:
    rng = np.random.default_rng(0)
    label = rng.uniform(0, 10, 500)
    assert slope(5 + 0.4 * (label - 5), label, np.ones(500, dtype=np.bool_)).value == pytest.approx(0.4)


# ---------------------------------------------------------------------------------------------------------------- probabilities


def forecast(seed: int, items: int, bend: float = 1.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return probabilities that are right where `bend` is 1, and labels."""
    rng = np.random.default_rng(seed)
    p = rng.beta(1.5, 1.0, items)
    return p, (rng.random(items) < p**bend).astype(np.float64), np.ones(items, dtype=np.bool_)


def test_brier_score_and_log_loss_are_scikit_learns() -> None:
    for seed in range(20):
        p, label, there = forecast(seed, 40)
        p[:3], label[:4] = [0.0, 1.0, 1.0], [1.0, 1.0, 0.0, 1.0]
        there[5:9], p[6] = False, np.nan
        assert brier(p, label, there).value == pytest.approx(metrics.brier_score_loss(label[there], p[there]), abs=1e-12)
        assert log_loss(p, label, there).value == pytest.approx(metrics.log_loss(label[there], p[there]), abs=1e-12)


def test_labels_may_be_shares_of_people() -> None:
    there = np.ones(3, dtype=np.bool_)
    p, share = np.array([0.2, 0.5, 0.9]), np.array([0.2, 0.5, 0.9])
    assert brier(p, share, there).value == 0
    assert log_loss(p, share, there).value == pytest.approx(np.mean(-share * np.log(p) - (1 - share) * np.log(1 - p)))


@pytest.mark.parametrize("bins", [1, 4, 15])
def test_calibration_errors_are_their_formulas_over_bins_of_equal_mass(bins: int) -> None:
    p, label, there = forecast(0, 600)
    order = np.argsort(p)
    parts = np.array_split(order, bins)
    gap = np.array([p[i].mean() - label[i].mean() for i in parts])
    size = np.array([len(i) for i in parts])
    assert ece(p, label, there, bins).value == pytest.approx((size * abs(gap)).sum() / 600)
    chance = np.array([label[i].var(ddof=1) / len(i) for i in parts])
    square = (size * (gap**2 - chance)).sum() / 600
    assert calibration_error(p, label, there, bins).value == pytest.approx(np.sqrt(max(square, 0)))


def test_what_chance_adds_to_the_calibration_error_is_taken_away() -> None:
    """Of right probabilities the plain error is chance alone; of wrong ones the debiased is nearer to what many items show."""
    right = [(ece(*forecast(s, 300)).value, calibration_error(*forecast(s, 300)).value) for s in range(200)]
    plain, debiased = np.mean(right, axis=0)
    assert plain > 0.06
    assert np.median(right, axis=0)[1] < 0.02 and debiased < plain / 2
    truth = calibration_error(*forecast(0, 400_000, 1.6)).value or 0
    squares = [(calibration_error(*forecast(s, 300, 1.6)).value or 0) ** 2 for s in range(300)]
    assert truth > 0.09
    assert np.mean(squares) == pytest.approx(truth**2, abs=2.5 * np.std(squares) / np.sqrt(300))


def test_equal_probabilities_share_a_bin() -> None:
    p = np.array([0.1] * 8 + [0.9] * 2)
    label = np.array([0, 0, 0, 0, 0, 0, 1, 1, 1, 0], dtype=np.float64)
    there = np.ones(10, dtype=np.bool_)
    assert ece(p, label, there).value == pytest.approx(0.8 * 0.15 + 0.2 * 0.4)
    curve = reliability(p, label, there, np.arange(10))
    assert [(b.p, b.share, b.items) for b in curve] == [(pytest.approx(0.1), 0.25, 8), (pytest.approx(0.9), 0.5, 2)]


def test_the_reliability_curve_has_intervals_over_clusters() -> None:
    p, label, there = forecast(3, 900)
    there[::7] = False
    cluster = np.arange(900) // 6
    curve = reliability(p, label, there, cluster, bins=5)
    assert [b.items for b in curve] == pytest.approx([there.sum() / 5] * 5, abs=1)
    assert sorted(b.p for b in curve) == [b.p for b in curve]
    here = there & (p <= np.sort(p[there])[curve[0].items - 1])
    found = cluster_mean(label[here], cluster[here])
    assert curve[0][1:] == (found.mean, *share_interval(found.mean, found.se or 0, here.sum(), found.clusters), here.sum())
    assert all(b.low <= b.share <= b.high for b in curve)
    assert sum(b.low <= b.p <= b.high for b in curve) >= 4  # the probabilities are right
    (alone,) = reliability(p, label, there, np.zeros(900, dtype=np.int64), bins=1)
    assert (alone.low, alone.high) == (0.0, 1.0)
    assert reliability(p, label, ~there & False, cluster) == ()


def test_no_bin_is_refused_and_nothing_known_gives_nothing() -> None:
    p, label, there = forecast(0, 10)
    for figure in (ece, calibration_error):
        with pytest.raises(ConfigError, match="at least one bin"):
            figure(p, label, there, 0)
        assert figure(p, label, ~there).value is None
    assert (mean(p, ~there).value, brier(p, label, ~there).value, log_loss(p, label, ~there).value) == (None, None, None)


def test_all_figures_of_a_judge_come_out_of_one_bootstrap() -> None:
    p, label, there = forecast(1, 400)
    counts = counts_of(p > 0.5, label > 0.5)
    made = [f(counts) for f in (accuracy, kappa, mcc, f1, tpr, tnr, precision)]
    made += [f(p, label, there) for f in (pearson, spearman, kendall, slope, brier, log_loss, ece, calibration_error)]
    found = estimates(made, np.arange(400) // 4)
    assert [f.reason for f in found] == [""] * len(made)
    assert all((f.low or 0) <= (f.high or 0) and f.value == m.value for f, m in zip(found, made, strict=True))
