"""criterial.maths.graded_response: planted thresholds, the optimum found another way, the 2PL at two levels, reversal, and faults."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, logsumexp
from scipy.stats import norm, spearmanr
from threadpoolctl import threadpool_limits

from criterial.errors import ConfigError
from criterial.maths.graded_response import fit_graded
from criterial.maths.item_response import fit_items

Floats = NDArray[np.float64]


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Keep BLAS to one thread: matrices this small take ten times longer on two busy cores."""
    with threadpool_limits(1):
        yield


def planted(systems: int, items: int, levels: int, seed: int) -> tuple[Floats, Floats, Floats, Floats]:
    rng = np.random.default_rng(seed)
    theta, slope = rng.normal(size=systems), 1.5 * np.exp(0.3 * rng.normal(size=items))
    threshold = np.sort(rng.normal(scale=1.2, size=(items, levels - 1)), axis=1) + np.linspace(-0.5, 0.5, levels - 1)
    latent = slope * theta[:, None] + rng.logistic(size=(systems, items))
    return theta, slope, threshold, (latent[:, :, None] > slope[:, None] * threshold).sum(axis=2).astype(np.float64)


def test_two_levels_are_the_2pl() -> None:
    _, _, _, value = planted(50, 20, 2, 0)
    known = np.random.default_rng(1).random(value.shape) < 0.9
    graded, right = fit_graded(value, known, 2), fit_items(value, known)
    assert graded.threshold_se_IT is not None and graded.loglik == pytest.approx(right.loglik)
    assert graded.ability_S == pytest.approx(right.ability_S) and graded.slope_I == pytest.approx(right.slope_I)
    assert graded.threshold_IT[:, 0] == pytest.approx(right.difficulty_I)
    assert graded.threshold_se_IT[:, 0] == pytest.approx(right.difficulty_se_I)


def penalised(x: Floats, value: Floats, known: NDArray[np.bool_], levels: int) -> float:
    items = value.shape[1]
    log_slope, first, gap = x[:items], x[items : 2 * items], x[2 * items : -2].reshape(levels - 2, items)
    middle, shift = x[-2:]
    intercept = first - np.concatenate([np.zeros((1, items)), np.cumsum(np.exp(gap), axis=0)])
    node = np.linspace(-7, 7, 141)
    at_least = expit(np.exp(log_slope) * node[:, None] + intercept[:, None])
    chance = -np.diff(np.concatenate([np.ones((1, 141, items)), at_least, np.zeros((1, 141, items))]), axis=0)
    each = sum(np.where((value == level) & known, 1.0, 0.0) @ np.log(chance[level]).T for level in range(levels))
    prior = 2 * np.sum((log_slope - middle) ** 2) + np.sum((intercept - shift * np.exp(log_slope)) ** 2) / 18 + np.sum(gap**2) / 2
    prior += middle**2 / 2 + shift**2 / 18
    return float(np.sum(logsumexp(each + norm.logpdf(node) + np.log(0.1), axis=1)) - prior)


def test_the_optimum_and_its_errors_are_those_of_a_direct_maximisation() -> None:
    _, _, _, value = planted(60, 4, 4, 2)
    known = np.random.default_rng(1).random(value.shape) < 0.9
    fit = fit_graded(value, known, 4)
    intercept = -fit.slope_I[:, None] * fit.threshold_IT
    ours = np.concatenate([np.log(fit.slope_I), intercept[:, 0], np.log(-np.diff(intercept, axis=1)).T.ravel()])
    start = np.concatenate([np.zeros(4), np.ones(4), np.zeros(10)])
    found = minimize(lambda x: -penalised(x, value, known, 4), start, method="BFGS", options={"gtol": 1e-4})
    assert found.x[:-2] == pytest.approx(ours, abs=2e-3)
    x = found.x
    step = 1e-3 * np.eye(len(x))

    def at(move: Floats) -> float:
        return penalised(x + move, value, known, 4)

    hessian = np.array([[(at(a + b) - at(a - b) - at(b - a) + at(-a - b)) / 4e-6 for b in step] for a in step])
    cov = np.linalg.inv(-hessian)
    assert fit.slope_se_I == pytest.approx(fit.slope_I * np.sqrt(np.diag(cov)[:4]), rel=1e-2)

    def last(x: Floats) -> Floats:
        return (np.exp(x[8:16]).reshape(2, 4).sum(axis=0) - x[4:8]) / np.exp(x[:4])

    jacobian = np.array([(last(x + a) - last(x - a)) / 2e-3 for a in step]).T
    assert fit.threshold_se_IT is not None
    assert fit.threshold_se_IT[:, 2] == pytest.approx(np.sqrt(np.diag(jacobian @ cov @ jacobian.T)), rel=1e-2)


def test_planted_thresholds_are_found_with_honest_errors() -> None:
    theta_r, covers, abilities = [], [], []
    for seed in range(6):
        theta, _, threshold, value = planted(150, 40, 5, seed)
        fit = fit_graded(value, np.ones(value.shape, dtype=np.bool_), 5)
        assert fit.threshold_se_IT is not None and fit.ability_cov_SS is not None and fit.converged
        theta_r.append(np.corrcoef(fit.ability_S, theta)[0, 1])
        covers.append(np.mean(np.abs(fit.threshold_IT - threshold) < 1.96 * fit.threshold_se_IT))
        abilities.append(np.mean(np.abs(fit.ability_S - theta) < 1.96 * np.sqrt(np.diag(fit.ability_cov_SS))))
        assert spearmanr(fit.threshold_IT.ravel(), threshold.ravel())[0] > 0.95
        assert np.all(np.diff(fit.threshold_IT, axis=1) > 0)
    assert np.mean(theta_r) > 0.96
    assert 0.91 <= np.mean(covers) <= 0.98 and 0.91 <= np.mean(abilities) <= 0.99


def test_levels_tell_more_than_right_and_wrong() -> None:
    _, _, _, value = planted(100, 20, 5, 7)
    known = np.ones(value.shape, dtype=np.bool_)
    graded, halved = fit_graded(value, known, 5), fit_items((value > 2).astype(np.float64), known)
    assert graded.ability_se_S.mean() < 0.85 * halved.ability_se_S.mean()


def test_reversed_levels_reverse_abilities_and_thresholds() -> None:
    _, _, _, value = planted(60, 15, 4, 8)
    known = np.random.default_rng(1).random(value.shape) < 0.9
    one, two = fit_graded(value, known, 4), fit_graded(3 - value, known, 4)
    assert two.ability_S == pytest.approx(-one.ability_S, abs=1e-4)
    assert two.threshold_IT == pytest.approx(-one.threshold_IT[:, ::-1], abs=1e-3)


def test_equal_slopes_rank_complete_rows_alike() -> None:
    _, _, _, value = planted(80, 10, 3, 9)
    fit = fit_graded(value, np.ones(value.shape, dtype=np.bool_), 3, "equal")
    assert np.ptp(fit.slope_I) == 0 and fit.slope_se_I is not None and np.ptp(fit.slope_se_I) == 0
    assert spearmanr(fit.ability_S, value.sum(axis=1))[0] > 0.99


def test_levels_that_nobody_got_stay_finite() -> None:
    _, _, _, value = planted(40, 10, 3, 10)
    wide = np.where(value == 2, 4.0, value)
    wide[:, 0] = 4.0
    fit = fit_graded(wide, np.ones(value.shape, dtype=np.bool_), 6)
    assert list(np.flatnonzero(fit.constant_I)) == [0]
    for array in (fit.ability_S, fit.slope_I, fit.threshold_IT, fit.slope_se_I, fit.threshold_se_IT, fit.ability_cov_SS):
        assert array is not None and np.all(np.isfinite(array))


@pytest.mark.parametrize(
    ("value", "levels", "says"),
    [(np.ones((3, 2)), 1, "at least 2"), (np.full((3, 2), 0.5), 3, "whole numbers from 0 to 2"), (np.full((3, 2), 3.0), 3, "from 0 to 2")],
)
def test_faults_are_told(value: Floats, levels: int, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        fit_graded(value, np.ones(value.shape, dtype=np.bool_), levels)
