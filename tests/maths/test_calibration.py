"""Calibrators are other libraries', cross-fitting sees no held-out label, corrected shares hold the planted one, bands are the best."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from itertools import combinations_with_replacement

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit
from sklearn.calibration import _SigmoidCalibration
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from criterial.errors import ConfigError
from criterial.maths.agreement import counts_of
from criterial.maths.calibration import (
    Band,
    Calibrator,
    Isotonic,
    Platt,
    Temperature,
    best_band,
    cross_fitted,
    fit_isotonic,
    fit_platt,
    fit_temperature,
    folds_of,
    policy_gap,
    prediction_powered,
    rogan_gladen,
)
from tests.helpers_tables import MANY

FITS: list[Callable[[np.ndarray, np.ndarray], Calibrator]] = [fit_platt, fit_temperature, fit_isotonic]


def bent(seed: int, items: int, slope: float, intercept: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities whose log-odds must be bent by a line to come true, and labels."""
    rng = np.random.default_rng(seed)
    odds = rng.normal(0.3, 2, items)
    return expit(odds), (rng.random(items) < expit(slope * odds + intercept)).astype(np.float64)


def test_platt_is_scikit_learns_with_the_same_drawn_in_labels() -> None:
    for seed in range(5):
        p, label = bent(seed, 200, 0.5, -1.0)
        theirs = _SigmoidCalibration().fit(logit(p), label)
        assert fit_platt(p, label).apply(p) == pytest.approx(theirs.predict(logit(p)), abs=1e-4)


def test_temperature_is_logistic_regression_without_an_intercept() -> None:
    for seed in range(5):
        p, label = bent(seed, 300, 0.6)
        theirs = LogisticRegression(C=1e9, fit_intercept=False, tol=1e-10).fit(logit(p)[:, None], label)
        assert 1 / fit_temperature(p, label).temperature == pytest.approx(theirs.coef_[0, 0], rel=1e-4)


@given(st.integers(0, 10**6), st.integers(1, 40), st.integers(1, 12))
@MANY
def test_isotonic_is_scikit_learns_with_ties_and_beyond_the_ends(seed: int, items: int, levels: int) -> None:
    rng = np.random.default_rng(seed)
    score, label = rng.integers(0, levels, items).astype(np.float64), rng.choice([0.0, 0.3, 1.0], items)
    theirs = IsotonicRegression(out_of_bounds="clip").fit(score, label)
    asked = np.linspace(-1, levels + 1, 50)
    ours = fit_isotonic(score, label)
    assert ours.apply(asked) == pytest.approx(theirs.predict(asked), abs=1e-9)
    assert (np.diff(ours.p) >= 0).all() and (np.diff(ours.score) > 0).all()


def test_what_was_planted_is_found() -> None:
    p, label = bent(0, 100_000, 0.5, -0.7)
    platt = fit_platt(p, label)
    assert (platt.slope, platt.intercept) == pytest.approx((0.5, -0.7), abs=0.03)
    p, label = bent(1, 100_000, 0.4)
    assert fit_temperature(p, label).temperature == pytest.approx(2.5, rel=0.03)
    asked = np.linspace(0.02, 0.98, 20)
    assert fit_isotonic(p, label).apply(asked) == pytest.approx(expit(0.4 * logit(asked)), abs=0.04)


@pytest.mark.parametrize("fit", FITS)
def test_calibrators_are_plain_numbers_and_give_probabilities_of_anything_certain(
    fit: Callable[[np.ndarray, np.ndarray], Calibrator],
) -> None:
    p, label = np.array([0.0, 0.1, 0.2, 0.8, 1.0, 1.0]), np.array([0.0, 0, 0, 1, 1, 1])
    for labels in (label, np.ones(6), 1 - label, np.full(6, 0.3)):
        made = fit(p, labels)
        fields = json.loads(json.dumps(asdict(made), allow_nan=False))  # type: ignore[call-overload]
        again = type(made)(**{k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()})
        assert again == made
        out = again.apply(np.array([0.0, 0.3, 0.5, 1.0]))
        assert np.isfinite(out).all() and (out >= 0).all() and (out <= 1).all()
    with pytest.raises(ConfigError, match="no labels"):
        fit(np.zeros(0), np.zeros(0))
    with pytest.raises(ConfigError, match="labels lie between"):
        fit(np.array([0.5]), np.array([2.0]))
    with pytest.raises(ConfigError, match="finite"):
        fit(np.array([np.nan]), np.array([1.0]))


def test_the_identity_is_among_them() -> None:
    p = np.array([1e-5, 0.3, 0.999])
    assert Platt(1.0, 0.0).apply(p) == pytest.approx(p)
    assert Temperature(1.0).apply(p) == pytest.approx(p)
    assert Isotonic((0.0, 1.0), (0.0, 1.0)).apply(p) == pytest.approx(p)
    assert Platt(1.0, 0.0).apply(np.array([0.0, 1.0])) == pytest.approx([1e-6, 1 - 1e-6])
    with pytest.raises(ConfigError, match="probabilities lie between"):
        fit_platt(np.array([1.5]), np.array([1.0]))


# ---------------------------------------------------------------------------------------------------------------- cross-fitting


def test_folds_split_no_cluster_and_are_of_like_size() -> None:
    cluster = np.random.default_rng(0).integers(100, 123, 300)
    fold = folds_of(cluster, 5, seed=1)
    assert all(len(set(fold[cluster == c])) == 1 for c in set(cluster))
    clusters = [len(set(cluster[fold == f])) for f in range(5)]
    assert max(clusters) - min(clusters) <= 1 and sum(clusters) == 23
    assert (fold == folds_of(cluster, 5, seed=1)).all() and (fold != folds_of(cluster, 5, seed=2)).any()
    assert len(set(folds_of(np.arange(3), 5))) == 3
    for wrong in ((np.zeros(4, dtype=np.int64), 5), (np.arange(4), 1), (np.zeros(0, dtype=np.int64), 5)):
        with pytest.raises(ConfigError, match="two folds and two clusters"):
            folds_of(*wrong)


@pytest.mark.parametrize("fit", FITS)
def test_a_bent_judge_is_mended_on_clusters_that_were_not_seen(fit: Callable[[np.ndarray, np.ndarray], Calibrator]) -> None:
    p, label = bent(2, 1500, 0.35)
    cluster = np.arange(1500) // 5
    found = cross_fitted(fit, p, label, cluster)
    assert (found.brier_after.value or 1) < (found.brier_before.value or 0)
    assert (found.brier_change.high or 0) < 0
    assert (found.ece_after.high or 1) < (found.ece_before.low or 0)
    assert found.brier_change.value == pytest.approx((found.brier_after.value or 0) - (found.brier_before.value or 0))


def test_a_held_out_label_does_not_change_its_own_probability() -> None:
    p, label = bent(3, 60, 0.5)
    cluster = np.arange(60) // 3
    before = cross_fitted(fit_isotonic, p, label, cluster, resamples=10).p_I
    turned = label.copy()
    turned[cluster == 7] = 1 - turned[cluster == 7]
    after = cross_fitted(fit_isotonic, p, turned, cluster, resamples=10).p_I
    fold = folds_of(cluster, 5, 0)
    assert (before[fold == fold[cluster == 7][0]] == after[fold == fold[cluster == 7][0]]).all()
    assert (before != after).any()


def test_a_right_judge_is_not_said_to_gain() -> None:
    """Fitting what needs no fitting costs a little on held-out clusters; in-sample it always seems to gain."""
    p, label = bent(4, 300, 1.0)
    found = cross_fitted(fit_isotonic, p, label, np.arange(300))
    assert (found.brier_change.value or -1) > 0
    assert np.mean((fit_isotonic(p, label).apply(p) - label) ** 2) < (found.brier_before.value or 0)


# ---------------------------------------------------------------------------------------------------------------- corrected means


def judged(rng: np.random.Generator, clusters: int, share: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return verdicts of a judge with TPR .85 and TNR .75, labels and clusters of four with shares of their own."""
    cluster = np.repeat(np.arange(clusters), 4)
    label = rng.random(4 * clusters) < rng.beta(6 * share, 6 * (1 - share), clusters)[cluster]
    return np.where(label, rng.random(len(label)) < 0.85, rng.random(len(label)) < 0.25), label, cluster


def test_a_share_is_corrected_exactly_where_the_rates_are_known() -> None:
    label = np.arange(100) < 60
    said = np.concatenate([np.arange(60) < 48, np.arange(40) < 10])  # TPR .8, TNR .75
    found = rogan_gladen(np.arange(200) < 90, np.arange(200), counts_of(said, label), np.arange(100))
    assert found.value == pytest.approx((0.45 + 0.75 - 1) / 0.55)
    # independent items: the variance of Rogan and Gladen, with n / (n - 1) for each sample
    share = found.value or 0
    variance = 0.45 * 0.55 / 199 + (share**2 * 0.8 * 0.2 / 60 + (1 - share) ** 2 * 0.75 * 0.25 / 40) * 100 / 99
    assert found.se == pytest.approx(np.sqrt(variance) / 0.55)
    assert rogan_gladen(np.zeros(50, dtype=np.bool_), np.arange(50), counts_of(said, label), np.arange(100)).value == 0.0


@pytest.mark.parametrize("share", [0.3, 0.7])
def test_corrected_shares_hold_the_planted_one_where_the_apparent_one_is_biased(share: float) -> None:
    rng = np.random.default_rng(5)
    corrected = powered = plain = 0
    narrower = []
    for _ in range(500):
        labelled, many = judged(rng, 60, share), judged(rng, 300, share)
        found = rogan_gladen(many[0], many[2], counts_of(labelled[0], labelled[1]), labelled[2])
        corrected += (found.low or 0) <= share <= (found.high or 0)
        ours = (labelled[1].astype(float), labelled[0].astype(float), labelled[2])
        better = prediction_powered(*ours, many[0].astype(float), many[2])
        alone = prediction_powered(ours[0], np.zeros(240), ours[2], np.zeros(1200), many[2])
        powered += (better.low or 0) <= share <= (better.high or 0)
        plain += abs(many[0].mean() - share) < 0.02
        narrower.append((better.se or 0) / (alone.se or 1))
    assert 0.93 <= corrected / 500 <= 0.975
    assert 0.93 <= powered / 500 <= 0.97
    assert plain < 250 and np.mean(narrower) < 0.95


def test_a_judge_who_tells_nothing_leaves_the_labels_mean_as_it_was() -> None:
    rng = np.random.default_rng(0)
    label, cluster = rng.random(200), np.arange(200) // 2
    found = prediction_powered(label, np.zeros(200), cluster, np.zeros(50), np.arange(50))
    assert found.value == pytest.approx(label.mean())
    noise = prediction_powered(label, rng.random(200), cluster, rng.random(5000), np.arange(5000))
    assert noise.se == pytest.approx(found.se, rel=0.03)
    oracle = prediction_powered(label, label, cluster, rng.random(100_000), np.arange(100_000))
    assert (oracle.se or 1) < 0.1 * (found.se or 0) and oracle.value == pytest.approx(0.5, abs=0.01)


def test_why_a_share_cannot_be_corrected() -> None:
    seen, few, label = np.ones(4, dtype=np.bool_), np.arange(4), np.array([True, True, False, False])
    reasons = [
        rogan_gladen(seen, few, counts_of(~label, label), few),
        rogan_gladen(seen, few, counts_of(seen, seen), few),
        rogan_gladen(seen[:0], few[:0], counts_of(label, label), few),
        prediction_powered(np.zeros(0), np.zeros(0), few[:0], np.ones(4), few),
    ]
    assert [f.value for f in reasons] == [None] * 4
    assert [f.reason.split(" ")[0] for f in reasons] == ["the", "labels", "labels", "labelled"]
    with pytest.raises(ConfigError, match="not a finite number"):
        prediction_powered(np.full(4, np.nan), np.ones(4), few, np.ones(4), few)
    lonely = rogan_gladen(seen, few, counts_of(label, label), np.zeros(4, dtype=np.int64))
    assert (lonely.value, lonely.low, lonely.reason) == (1.0, None, "no interval: a sample is all from one cluster")


# ---------------------------------------------------------------------------------------------------------------- bands


@given(st.integers(0, 10**6), st.integers(1, 14), st.sampled_from([0.0, 0.5, 0.7, 0.9, 1.0]))
@MANY
def test_no_band_is_worth_more_than_the_best(seed: int, items: int, abstain: float) -> None:
    rng = np.random.default_rng(seed)
    p, label = rng.choice([0.0, 0.1, 0.4, 0.5, 0.8, 1.0], items), (rng.random(items) < 0.5).astype(np.float64)
    cuts = [0.0, 0.05, 0.2, 0.45, 0.65, 0.9, 1.5]
    every = [Band(a, b).gain(p, label, abstain).sum() for a, b in combinations_with_replacement(cuts, 2)]
    band = best_band(p, label, abstain)
    assert band.gain(p, label, abstain).sum() == pytest.approx(max(every), abs=1e-9)
    assert band.low <= band.high and (abstain > 0.5 or band.low == band.high)


def test_bands_of_known_labels() -> None:
    p = np.array([0.1, 0.2, 0.6, 0.7, 0.8, 0.9])
    assert best_band(p, np.array([0.0, 0, 0, 0, 1, 1])) == Band(pytest.approx(0.75), pytest.approx(0.75))
    found = best_band(p, np.array([0.0, 0, 1, 0, 1, 1]), abstain=0.8)
    assert (found.low, found.high) == pytest.approx((0.4, 0.75))
    assert best_band(p, np.ones(6)).gain(p, np.ones(6), 0.0).mean() == 1.0
    assert best_band(np.array([0.5, 1.0]), np.zeros(2)).gain(np.array([0.5, 1.0]), np.zeros(2), 0.0).mean() == 1.0
    torn = best_band(np.full(10, 0.9), np.array([1.0] * 7 + [0.0] * 3), abstain=0.7)  # saying yes is worth as much as abstaining
    assert torn.low == torn.high <= 0.9
    assert Band(0.2, 0.6).gain(np.array([0.1, 0.2, 0.5, 0.6]), np.ones(4), 0.7).tolist() == [0.0, 0.7, 0.7, 1.0]


def test_the_policy_gap_is_what_a_shifted_judge_loses_at_a_half() -> None:
    p, label = bent(6, 4000, 1.0, -1.5)
    cluster = np.arange(4000) // 4
    found = policy_gap(p, label, cluster)
    best = Band(expit(1.5), expit(1.5)).gain(p, label, 0.0).mean()  # log-odds of 1.5 are truly a half
    assert found.band.high == pytest.approx(expit(1.5), abs=0.06)
    assert found.plain.value == pytest.approx(np.mean((p >= 0.5) == label))
    assert found.best.value == pytest.approx(best, abs=0.01)
    assert 0 < (found.gap.low or 0) < (found.gap.value or 0) == pytest.approx((found.best.value or 0) - (found.plain.value or 0))
    band = policy_gap(p, label, cluster, abstain=0.8)
    assert band.band.low < expit(1.5) < band.band.high
    assert (band.best.value or 0) > (found.best.value or 1)


def test_a_right_judge_has_no_gap_and_chance_is_not_taken_for_one() -> None:
    gaps = [policy_gap(*bent(seed, 200, 1.0), np.arange(200), resamples=200).gap for seed in range(40)]
    assert np.mean([g.value or 0 for g in gaps]) <= 0.0
    assert sum((g.low or 0) > 0 for g in gaps) <= 2
