"""Bradley-Terry with ties against other libraries, planted truth and what the covariance promises."""

from __future__ import annotations

from dataclasses import replace

import choix
import numpy as np
import pytest
from scipy import optimize

from criterial.compare.davidson import Design, clustered_covariance, fit_contests
from criterial.compare.davidson_bootstrap import resampled_strengths
from criterial.compare.evidence import Contests
from criterial.errors import ConfigError
from tests.helpers_compare import planted_contests

TRUE = np.array([1.2, 0.6, 0.1, -0.4, -1.5])


def test_without_ties_the_strengths_are_choixs() -> None:
    contests = planted_contests(TRUE, 30, seed=1)
    won = np.where(contests.result_P > 0.5, contests.first_P, contests.second_P)
    lost = np.where(contests.result_P > 0.5, contests.second_P, contests.first_P)
    theirs = choix.opt_pairwise(5, list(zip(won.tolist(), lost.tolist(), strict=True)), alpha=0.0, tol=1e-12)
    fit, weak = fit_contests(contests)
    assert not weak and not fit.design.ties
    np.testing.assert_allclose(fit.x, theirs - theirs.mean(), atol=1e-6)
    assert fit.gradient < 1e-12


def test_a_tie_as_half_a_win_is_two_contests_won_and_lost() -> None:
    """Card researchqa: writing every contest twice and each tie once as a win and once as a loss gives the same ratings."""
    contests = planted_contests(TRUE, 40, tie=0.8, seed=2)
    tied = contests.result_P == 0.5
    doubled = Contests(
        contests.systems,
        np.concatenate([contests.first_P, contests.first_P]),
        np.concatenate([contests.second_P, contests.second_P]),
        np.concatenate([np.where(tied, 1.0, contests.result_P), np.where(tied, 0.0, contests.result_P)]),
        np.concatenate([contests.cluster_P, contests.cluster_P]),
    )
    assert tied.any()
    np.testing.assert_allclose(fit_contests(contests, "half")[0].x, fit_contests(doubled)[0].x, atol=1e-9)


def test_two_systems_with_75_wins_of_100_are_191_elo_points_apart() -> None:
    """Card worldjen: 400 * log10(3) = 190.85."""
    zero, one = np.zeros(100, dtype=np.int64), np.ones(100, dtype=np.int64)
    fit, _ = fit_contests(Contests(("a", "b"), zero, one, (np.arange(100) < 75).astype(float), np.arange(100)))
    assert (fit.x[0] - fit.x[1]) * 400 / np.log(10) == pytest.approx(190.85, abs=0.005)
    # and the variance of a logit of a share: 1 / (n p (1 - p))
    assert fit.cov[0, 0] + fit.cov[1, 1] - 2 * fit.cov[0, 1] == pytest.approx(1 / (100 * 0.75 * 0.25), rel=1e-4)


@pytest.mark.parametrize("order", [False, True])
def test_ties_and_order_are_the_optimum_that_a_general_optimiser_finds(order: bool) -> None:
    contests = planted_contests(TRUE, 25, tie=0.7, order=0.5, seed=3)
    fit, _ = fit_contests(contests, order=order)

    def loss(free: np.ndarray) -> float:
        strength, tie, first = np.append(free[:4], -free[:4].sum()), free[4], free[5] if order else 0.0
        half = 0.5 * (strength[contests.first_P] - strength[contests.second_P] + first)
        logits = np.stack([half, np.full_like(half, tie), -half])
        chosen = logits[np.rint(2 - 2 * contests.result_P).astype(int), np.arange(len(half))]
        return -float(np.sum(chosen - np.logaddexp.reduce(logits, axis=0)))

    best = optimize.minimize(loss, np.zeros(5 + order), method="BFGS", options={"gtol": 1e-7})
    assert fit.loglik == pytest.approx(-best.fun, abs=1e-8)
    np.testing.assert_allclose(fit.x[5:], best.x[4:], atol=1e-4)
    np.testing.assert_allclose(fit.x[:4], best.x[:4], atol=1e-4)


def test_the_covariance_is_the_inverse_of_the_curvature() -> None:
    fit, _ = fit_contests(planted_contests(TRUE, 25, tie=0.7, order=0.5, seed=3), order=True)
    step, size = 1e-4, fit.design.parameters
    basis = np.eye(size) * step  # the covariance is from before the last step, a thousandth of an error away

    def gradient(x: np.ndarray) -> np.ndarray:
        return fit.design.gradient(x, fit.design.outcome(x)[0])

    curvature = -np.stack([(gradient(fit.x + b) - gradient(fit.x - b)) / (2 * step) for b in basis])
    np.testing.assert_allclose(np.linalg.pinv(curvature, rcond=1e-9, hermitian=True), fit.cov, rtol=1e-3, atol=1e-7)


def test_intervals_cover_planted_strengths() -> None:
    """93 to 97 % of 500 planted repeats, by the model and clustered; the strength of s0 relative to s4, with ties."""
    covered = {"model": 0, "clustered": 0}
    for seed in range(500):
        contests = planted_contests(TRUE, 20, tie=0.6, seed=seed)
        fit, _ = fit_contests(contests)
        for name, cov in (("model", fit.cov), ("clustered", clustered_covariance(fit, contests.cluster_P))):
            se = np.sqrt(cov[0, 0] + cov[4, 4] - 2 * cov[0, 4])
            covered[name] += abs(fit.x[0] - fit.x[4] - (TRUE[0] - TRUE[4])) <= 1.96 * se
    assert all(0.93 <= c / 500 <= 0.97 for c in covered.values()), covered


def test_copies_of_a_task_do_not_make_intervals_narrower() -> None:
    """Each contest four times over, in one cluster: the model takes them for four contests, the clustered covariance for one."""
    contests = planted_contests(TRUE, 40, tie=0.5, seed=5)
    again = replace(contests, **{name: np.tile(getattr(contests, name), 4) for name in ("first_P", "second_P", "result_P", "cluster_P")})
    once, four = fit_contests(contests)[0], fit_contests(again)[0]
    np.testing.assert_allclose(four.x, once.x, atol=1e-8)
    np.testing.assert_allclose(four.cov, once.cov / 4, atol=1e-9)
    np.testing.assert_allclose(
        clustered_covariance(four, again.cluster_P), clustered_covariance(once, contests.cluster_P), rtol=1e-6, atol=1e-9
    )


def test_the_bootstrap_agrees_with_refits_and_with_the_clustered_covariance() -> None:
    contests = planted_contests(TRUE, 60, tie=0.6, seed=6, clusters=150)
    fit, _ = fit_contests(contests)
    drawn_BS = resampled_strengths(fit, contests.cluster_P, 400, seed=1)
    se = np.sqrt(np.diag(clustered_covariance(fit, contests.cluster_P))[:5])
    np.testing.assert_allclose(drawn_BS.std(axis=0, ddof=1), se, rtol=0.15)
    rng = np.random.default_rng(1)  # the same draws, each fitted to its end
    for b in range(20):
        times = np.bincount(rng.integers(150, size=150), minlength=150)[contests.cluster_P]
        place = np.repeat(np.arange(len(times)), times)
        one = replace(contests, **{n: getattr(contests, n)[place] for n in ("first_P", "second_P", "result_P", "cluster_P")})
        np.testing.assert_allclose(drawn_BS[b], fit_contests(one)[0].x[:5], atol=0.05 * se.min())


def test_an_undefeated_system_is_finite_and_flagged_and_groups_that_never_met_are_refused() -> None:
    contests = planted_contests((0.5, 0.0, -0.5), 20, seed=7)
    involved = (contests.first_P == 0) | (contests.second_P == 0)
    won = np.where(involved, (contests.first_P == 0).astype(float), contests.result_P)
    fit, weak = fit_contests(replace(contests, result_P=won))
    assert weak and fit.x[0] > 2 and np.isfinite(fit.cov).all()
    apart = Contests(tuple("abcd"), np.array([0, 2]), np.array([1, 3]), np.array([1.0, 0.0]), np.arange(2))
    with pytest.raises(ConfigError, match="'a' and 'c' are in groups of systems that never met"):
        fit_contests(apart)
    with pytest.raises(ConfigError, match="ties are dropped"):
        fit_contests(replace(apart, result_P=np.full(2, 0.5)), "drop")


def test_where_nearly_all_are_ties_a_weak_prior_keeps_strengths_and_ties_finite() -> None:
    """Every group is linked, but the larger the rate of ties, the larger the leads may be: Newton's matrix had no inverse."""
    first, second, result = zip(*[(0, 1, 0.5), (3, 0, 0.5), (0, 3, 0.5), (1, 2, 0.5), (1, 4, 1), (1, 3, 1), (1, 4, 0.5)], strict=True)
    contests = Contests(tuple("abcde"), np.array(first), np.array(second), np.array(result, dtype=np.float64), np.arange(7))
    fit, weak = fit_contests(contests)
    assert weak and np.isfinite(fit.x).all() and np.abs(fit.x).max() < 20


def test_a_result_between_is_shared_among_the_nearest_outcomes() -> None:
    contests = Contests(("a", "b"), np.zeros(3, dtype=int), np.ones(3, dtype=int), np.array([0.75, 0.1, 0.5]), np.arange(3))
    np.testing.assert_allclose(Design.of(contests, "davidson", False, 0.0).share_P3, [[0.5, 0.5, 0], [0, 0.2, 0.8], [0, 1, 0]])
    np.testing.assert_allclose(Design.of(contests, "half", False, 0.0).share_P3[:, 0], contests.result_P)
