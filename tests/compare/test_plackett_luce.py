"""Plackett-Luce is Bradley-Terry on items of two, Cox's partial likelihood with Efron's ties, and what choix finds without ties."""

from __future__ import annotations

import gzip
import json
from typing import Any

import choix
import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import kendalltau
from statsmodels.duration.hazard_regression import PHReg

from criterial.compare.bradley_terry import BradleyTerry, bradley_terry
from criterial.compare.evidence import Contest, Evidence, Mark, evidence_of
from criterial.compare.plackett_luce import PlackettLuce, plackett_luce
from criterial.core.score import Ranking
from criterial.errors import ConfigError
from tests.helpers_compare import marks_evidence
from tests.helpers_files import real

LOGIT = PlackettLuce(scale="logit")


def drawn(strength_S: list[float] | np.ndarray, items: int, seed: int, missing: float = 0.0, digits: int | None = None) -> np.ndarray:
    """Marks whose order follows Plackett-Luce; rounded they tie, and those that are missing are not numbers."""
    rng = np.random.default_rng(seed)
    value_SI = np.array(strength_S)[:, None] + rng.gumbel(size=(len(strength_S), items))
    value_SI[rng.random(value_SI.shape) < missing] = np.nan
    return value_SI if digits is None else np.round(value_SI, digits)


def evidence(value_SI: np.ndarray, tie: float = 0.0) -> Evidence:
    return marks_evidence(np.nan_to_num(value_SI), np.isfinite(value_SI), tie)


def values(ranking: Ranking, what: str = "value") -> np.ndarray:
    of = dict(zip(ranking.systems, ranking.strengths, strict=True))
    return np.array([getattr(of[name], what) for name in sorted(of)], dtype=np.float64)


def orders(value_SI: np.ndarray) -> list[list[int]]:
    return [[int(s) for s in np.argsort(-v) if np.isfinite(v[s])] for v in value_SI.T if np.isfinite(v).sum() > 1]


def plain_loglik(value_S: np.ndarray, value_SI: np.ndarray) -> float:
    """The likelihood of the docstring, written as it reads."""
    total = 0.0
    for mark_S in value_SI.T:
        known = [s for s in range(len(value_S)) if np.isfinite(mark_S[s])]
        levels = sorted({float(mark_S[s]) for s in known}, reverse=True)
        for level in levels if len(known) > 1 else []:
            tied = [s for s in known if mark_S[s] == level]
            rest = [s for s in known if mark_S[s] < level]
            choices = len(tied) if rest else len(tied) - 1
            total += choices / len(tied) * sum(value_S[s] for s in tied)
            for done in range(choices):
                part = 1.0 - done / len(tied)
                total -= np.log(sum(np.exp(value_S[s]) for s in rest) + part * sum(np.exp(value_S[s]) for s in tied))
    return total


@pytest.mark.parametrize("missing", [0.0, 0.4])
def test_without_ties_it_is_what_choix_finds(missing: float) -> None:
    value_SI = drawn([1.0, 0.5, 0.0, -0.5, -1.0], 80, 0, missing)
    found = values(plackett_luce(evidence(value_SI), LOGIT))
    assert found == pytest.approx(choix.ilsr_rankings(5, orders(value_SI), tol=1e-12), abs=1e-9)
    best = choix.opt_rankings(5, orders(value_SI), alpha=0.0, tol=1e-10)
    assert found == pytest.approx(best - best.mean(), abs=1e-4)


def test_a_prior_is_choixs() -> None:
    value_SI = drawn([1.0, 0.0, -1.0], 20, 1)
    found = values(plackett_luce(evidence(value_SI), PlackettLuce(scale="logit", prior_sd=0.5)))
    # choix takes alpha * sum of squares off, with no half: its variance is 1 / (2 alpha), whatever its docstring says
    assert found == pytest.approx(choix.opt_rankings(3, orders(value_SI), alpha=2.0, tol=1e-10), abs=1e-5)


@pytest.mark.parametrize("intervals", ["model", "clustered"])
@pytest.mark.parametrize("digits", [None, 0])
def test_on_items_of_two_systems_it_is_bradley_terry(digits: int | None, intervals: Any) -> None:
    value_SI = drawn([1.0, 0.3, -0.2, -1.0], 300, 2, digits=digits)
    rng = np.random.default_rng(0)
    for i in range(300):
        value_SI[rng.permutation(4)[:2], i] = np.nan
    given = evidence(value_SI)
    one = plackett_luce(given, PlackettLuce(intervals=intervals))
    two = bradley_terry(given, BradleyTerry(ties="half", intervals=intervals))
    assert one.systems == two.systems
    assert values(one) == pytest.approx(values(two), abs=1e-6)
    assert values(one, "se") == pytest.approx(values(two, "se"), rel=1e-6)
    if digits is None:
        dropped = bradley_terry(given, BradleyTerry(ties="drop", intervals=intervals))
        assert values(one) == pytest.approx(values(dropped), abs=1e-6)


def test_ties_before_the_last_are_efrons_in_coxs_model() -> None:
    value_SI = drawn([0.8, 0.3, 0.0, -0.4, -0.7], 60, 3, digits=0)
    value_SI[:, (value_SI == value_SI.min(axis=0)).sum(axis=0) > 1] += np.array([0.0, 0.01, 0.02, 0.03, -9.0])[:, None]
    assert sum(len(set(v)) < 5 for v in value_SI.T) > 20
    found = plackett_luce(evidence(value_SI), PlackettLuce(scale="logit", intervals="model"))
    time, system, item = (a.ravel() for a in (-value_SI, *np.indices(value_SI.shape)))
    cox = PHReg(time - time.min() + 1, np.eye(5)[system][:, 1:], strata=item, ties="efron").fit(method="newton", disp=0, tol=1e-12)
    mine = values(found)
    assert mine[1:] - mine[0] == pytest.approx(cox.params, abs=1e-5)
    pairs = {frozenset((c.better, c.worse)): c.difference.se for c in found.comparisons}
    assert [pairs[frozenset(("s0", f"s{s}"))] for s in range(1, 5)] == pytest.approx(cox.bse.tolist(), rel=1e-4)


@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_with_any_ties_it_is_the_maximum_of_the_plain_likelihood(missing: float) -> None:
    value_SI = drawn([0.5, 0.2, 0.0, -0.2, -0.5], 30, 4, missing, digits=0)
    best = minimize(lambda s: -plain_loglik(s, value_SI) + s.sum() ** 2, np.zeros(5), tol=1e-10)
    found = plackett_luce(evidence(value_SI), PlackettLuce(scale="logit", intervals="model"))
    assert values(found) == pytest.approx(best.x, abs=1e-4)
    step, at = 1e-3, values(found)
    plus = np.eye(5) * step
    curve = [
        [
            plain_loglik(at + a + b, value_SI) - plain_loglik(at + a - b, value_SI) - plain_loglik(at - a + b, value_SI)
            + plain_loglik(at - a - b, value_SI)
            for b in plus
        ]
        for a in plus
    ]  # fmt: skip
    cov = np.linalg.pinv(-np.array(curve) / (4 * step**2), rcond=1e-5)
    assert values(found, "se") == pytest.approx(np.sqrt(np.diag(cov)), rel=1e-4)


def test_all_tied_everywhere_are_equal_with_a_finite_error() -> None:
    found = plackett_luce(evidence(np.ones((4, 12))), LOGIT)
    assert np.abs(values(found)).max() < 1e-12
    model = plackett_luce(evidence(np.ones((4, 12))), PlackettLuce(scale="logit", intervals="model"))
    assert 0 < values(model, "se").max() < 1
    assert found.tiers == (0, 0, 0, 0)


def test_planted_strengths_lie_in_their_intervals() -> None:
    truth, inside = np.array([1.0, 0.4, 0.0, -0.4, -1.0]), []
    for seed in range(80):
        found = plackett_luce(evidence(drawn(truth, 60, seed, missing=0.2)), LOGIT)
        inside.append((values(found, "low") <= truth) & (truth <= values(found, "high")))
    assert 0.91 <= np.mean(inside) <= 0.985


def test_clustered_errors_see_orders_that_repeat_what_one_verdict_said() -> None:
    """Marks of five that rest on one coin for all are worth one choice and not four."""
    coin = np.random.default_rng(0).random(200) < 0.5
    value_SI = np.where(coin, np.arange(5.0)[:, None], -np.arange(5.0)[:, None])
    given = evidence(value_SI)
    model, clustered = (values(plackett_luce(given, PlackettLuce(intervals=i)), "se") for i in ("model", "clustered"))
    assert clustered[0] > 1.3 * model[0]


def test_only_the_order_of_marks_counts() -> None:
    value_SI = drawn([0.5, 0.0, -0.5], 30, 5, 0.2, digits=1)
    one, two = plackett_luce(evidence(value_SI)), plackett_luce(evidence(np.exp(value_SI)))
    assert values(one) == pytest.approx(values(two), abs=1e-9)
    alone = np.concatenate([value_SI, np.array([[1.0], [np.nan], [np.nan]])], axis=1)
    assert values(plackett_luce(evidence(alone))).tolist() == values(one).tolist()


def test_marks_near_the_best_of_a_group_are_tied_with_it() -> None:
    value_SI = np.array([[0.50], [0.47], [0.44]]).repeat(8, axis=1)
    near = plackett_luce(evidence(value_SI, tie=0.04), LOGIT)  # the first two; the third is near the second alone
    same = plackett_luce(evidence(np.array([[1.0], [1.0], [0.0]]).repeat(8, axis=1)), LOGIT)
    assert values(near).tolist() == values(same).tolist()
    assert {n.code for n in near.notes} >= {"ties", "unbounded"}


def test_a_system_ahead_of_all_is_bounded_by_a_weak_prior_and_a_note_says_so() -> None:
    value_SI = drawn([0.2, 0.0, -0.2], 30, 6)
    value_SI[1] = 9.0
    found = plackett_luce(evidence(value_SI), LOGIT)
    weak = plackett_luce(evidence(value_SI), PlackettLuce(scale="logit", prior_sd=3.0))
    assert found.systems[0] == "s1" and 3 < values(found)[1] < 12
    assert values(found) == pytest.approx(values(weak))
    assert [n.code for n in found.notes if n.severity == "warning"] == ["unbounded"]
    assert not [n for n in weak.notes if n.severity == "warning"]


def test_elo_points_are_log_odds_stretched() -> None:
    given = evidence(drawn([0.5, 0.0, -0.5], 40, 7))
    elo, logit = plackett_luce(given), plackett_luce(given, LOGIT)
    assert values(elo) == pytest.approx(1500 + values(logit) * 400 / np.log(10))
    assert values(elo, "se") == pytest.approx(values(logit, "se") * 400 / np.log(10))


def test_few_tasks_are_noted_and_intervals_are_then_by_the_model() -> None:
    found = plackett_luce(evidence(drawn([0.2, 0.0, 0.1, -0.2], 7, 8)))
    assert "few_tasks" in {n.code for n in found.notes}
    assert "21 choices on 7 tasks, by the model" in found.strengths[0].method
    assert "over 8 tasks" in plackett_luce(evidence(drawn([0.2, 0.0, 0.1, -0.2], 8, 8))).strengths[0].method


def test_a_hundred_systems_are_fitted_to_the_maximum() -> None:
    truth = np.random.default_rng(9).normal(size=100)
    value_SI = drawn(truth, 60, 9, missing=0.5)
    found = values(plackett_luce(marks_evidence(np.nan_to_num(value_SI), np.isfinite(value_SI)), LOGIT))
    names = sorted(f"s{s}" for s in range(100))
    place = np.array([int(name[1:]) for name in names])
    assert np.corrcoef(found, truth[place])[0, 1] > 0.9
    ranks = [[int(np.flatnonzero(place == s)[0]) for s in order] for order in orders(value_SI)]
    gradient = np.zeros(100)
    for order in ranks:
        weight = np.exp(found[order])
        left = np.cumsum(weight[::-1])[::-1]
        np.add.at(gradient, order, np.r_[np.ones(len(order) - 1), 0] - weight * np.cumsum(np.r_[1 / left[:-1], 0]))
    assert np.abs(gradient).max() < 1e-5


def test_on_right_and_wrong_answers_of_real_models_it_orders_as_accuracy_does() -> None:
    """GSM8K of ZeroEval, where almost all systems tie on an item."""
    with gzip.open(real("zeroeval_matrix") / "gsm.responses.jsonl.gz", "rt", encoding="utf-8") as lines:
        marks = [Mark(row["model"], str(row["item_id"]), float(row["correct"])) for row in map(json.loads, lines)]
    given = evidence_of(marks, [])
    found, pairs = plackett_luce(given), bradley_terry(given, BradleyTerry(ties="half"))
    accuracy = (given.marks.value_SI.sum(axis=1) / given.marks.known_SI.sum(axis=1)).tolist()
    assert kendalltau(values(found), accuracy)[0] > 0.95
    assert kendalltau(values(found), values(pairs))[0] > 0.95
    assert "828 tasks" in found.strengths[0].method


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (evidence_of([], [Contest("a", "b", 1.0, "t")]), "no scores"),
        (evidence_of([Mark("a", "t", 1.0), Mark("b", "u", 1.0)], []), "no two systems met"),
        (evidence_of([Mark(s, t, 1.0) for s, t in ("at", "bt", "cu", "du")], []), "'a' and 'c' are in groups of systems that never met"),
    ],
)
def test_what_cannot_be_ranked_is_refused(given: Evidence, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        plackett_luce(given)


def test_a_prior_bridges_groups_that_never_met_and_must_be_above_zero() -> None:
    given = evidence_of([Mark(s, t, float(s in "ac")) for s, t in ("at", "bt", "cu", "du")], [])
    found = values(plackett_luce(given, PlackettLuce(scale="logit", prior_sd=1.0)))
    assert found[0] == pytest.approx(found[2]) and found[0] > found[1]
    with pytest.raises(ConfigError, match="above 0"):
        PlackettLuce(prior_sd=0.0)
