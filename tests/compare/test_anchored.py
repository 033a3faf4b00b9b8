"""Anchored strengths: the card's figures, the fit of bradley_terry with a prior, errors through the line, the check of anchors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit, log_ndtr, ndtr
from scipy.stats import spearmanr

from criterial.compare.anchored import Anchored, Link, anchored, score_against
from criterial.compare.davidson import fit_contests
from criterial.compare.evidence import Contest, Evidence, Mark, evidence_of
from criterial.core.score import Ranking
from criterial.errors import ConfigError
from tests.helpers_compare import evidence_from, planted_contests

FIVE = np.linspace(-2.0, 2.0, 5)
NAMES = tuple(f"a{i}" for i in range(5))
KNOWN = dict(zip(NAMES, FIVE.tolist(), strict=True))
INSIDE = np.linspace(-2.0, 2.0, 41)
BEYOND = np.linspace(-3.0, 3.0, 61)


def chances(ahead: np.ndarray, link: Link = "logistic") -> np.ndarray:
    found: np.ndarray = expit(ahead) if link == "logistic" else ndtr(ahead)
    return found


def scored(true: float, anchor_A: np.ndarray = FIVE, known: bool = True, link: Link = "logistic", **options: Any) -> tuple[float, float]:
    """Score a response of known quality by a judge that makes no mistakes."""
    among, test_A = chances(anchor_A[:, None] - anchor_A, link), chances(true - anchor_A, link)
    return score_against(among, test_A, anchor_A if known else None, link=link, **options)


def compared(quality: dict[str, float], per_pair: int = 1, seed: int | None = None, rest: bool = True) -> Evidence:
    """Contests of all pairs, with chances as results or drawn from them, each on a task of its own."""
    rng, names, out = np.random.default_rng(seed), sorted(quality), []
    for i, one in enumerate(names):
        for two in names[i + 1 :]:
            if not rest and one not in KNOWN and two not in KNOWN:
                continue
            chance = float(expit(quality[one] - quality[two]))
            for _ in range(per_pair):
                result = chance if seed is None else float(rng.random() < chance)
                out.append(Contest(one, two, result, f"t{len(out)}"))
    return evidence_of([], out)


def values(ranking: Ranking, what: str = "value") -> dict[str, float]:
    return {name: getattr(e, what) for name, e in zip(ranking.systems, ranking.strengths, strict=True)}


def notes(ranking: Ranking) -> dict[str, str]:
    return {n.code: n.severity for n in ranking.notes}


@pytest.mark.parametrize("link", ["logistic", "probit"])
def test_without_a_prior_an_exact_judge_recovers_any_quality(link: Link) -> None:
    error = [abs(scored(t, link=link, prior_sd=1e3)[0] - t) for t in BEYOND]
    assert max(error) < 2e-5


def test_the_unit_prior_shrinks_latent_strengths_and_the_line_stretches_them_again() -> None:
    latent = [scored(t, known=False)[0] for t in BEYOND]
    assert np.polyfit(BEYOND, latent, 1)[0] == pytest.approx(0.32, abs=0.005)
    assert spearmanr(BEYOND, latent)[0] == 1.0
    assert max(abs(scored(t)[0] - t) for t in INSIDE) <= 0.05
    assert max(abs(scored(t)[0] - t) for t in BEYOND) <= 0.09


@pytest.mark.parametrize("link", ["logistic", "probit"])
def test_scores_rise_across_the_anchors_and_beyond(link: Link) -> None:
    """The released code stretches to 0-100 with the item in: a third of all items then lie at an end."""
    found = [scored(t, link=link)[0] for t in np.linspace(-5, 5, 101)]
    assert (np.diff(found) > 0).all()
    assert found[0] < -2.5 and found[-1] > 2.5


def test_a_judge_that_sees_no_difference_gives_all_the_same() -> None:
    assert score_against(np.full((5, 5), 0.5), np.full(5, 0.5))[0] == 0.0
    found = values(anchored(evidence_of([], [Contest(a, b, 0.5, "t") for a, b in ("xy", "yz", "xz")])))
    assert found == {"x": 0.0, "y": 0.0, "z": 0.0}


@pytest.mark.parametrize("k", range(5))
def test_a_duplicate_of_an_anchor_scores_as_it_does(k: int) -> None:
    found = values(anchored(compared({**KNOWN, "copy": float(FIVE[k])}), Anchored(anchors=KNOWN)))
    assert found["copy"] == pytest.approx(found[f"a{k}"], abs=1e-6)


def test_a_noisy_judge_still_orders_three_hundred_items_and_more_anchors_help() -> None:
    rng = np.random.default_rng(0)
    true = rng.uniform(-3, 3, 300)
    ordered, error, said = [], [], []
    for number in (3, 5, 9):
        anchor = np.linspace(-2, 2, number)
        found = []
        for t in true:
            chance = expit(t - anchor)
            seen = rng.beta(20 * chance, 20 * (1 - chance))
            seen = np.where(rng.random(number) < 0.1, 1 - seen, seen)
            found.append(score_against(expit(anchor[:, None] - anchor), seen, anchor))
        value, se = np.array(found).T
        ordered.append(spearmanr(true, value)[0])
        error.append(np.abs(value - true).mean())
        said.append(se.mean())
    assert ordered[1] >= 0.9
    assert ordered == sorted(ordered)
    assert error == sorted(error, reverse=True)
    assert said == sorted(said, reverse=True)


def test_the_method_and_the_function_for_one_response_agree() -> None:
    found = anchored(compared({**KNOWN, "new": 0.7}), Anchored(anchors=KNOWN))
    score, se = scored(0.7)
    assert values(found)["new"] == pytest.approx(score, abs=1e-9)
    assert values(found, "se")["new"] == pytest.approx(se, rel=1e-9)
    assert found.unit == "quality on the anchors' scale"


@pytest.mark.parametrize("sd", [0.5, 1.0, 4.0])
def test_without_anchors_it_is_bradley_terry_with_a_prior(sd: float) -> None:
    contests = planted_contests([1.0, 0.3, 0.0, -1.2], 30, tie=0.5)
    found = anchored(evidence_from(contests), Anchored(prior_sd=sd))
    fit, _ = fit_contests(contests, "half", sd=sd)
    assert list(values(found).values()) == pytest.approx(sorted(fit.x.tolist(), reverse=True), abs=1e-5)
    pairs = {(c.better, c.worse): c.difference.se for c in found.comparisons}
    assert pairs["s0", "s3"] == pytest.approx(np.sqrt(fit.cov[0, 0] + fit.cov[3, 3] - 2 * fit.cov[0, 3]), rel=1e-4)
    assert found.unit == "log-odds"


def test_probit_strengths_are_the_maximum_of_the_objective() -> None:
    contests = planted_contests([1.0, 0.3, 0.0, -1.2], 10, tie=0.5)

    def loss(s: np.ndarray) -> float:
        lead, won = s[contests.first_P] - s[contests.second_P], contests.result_P
        return float(0.5 * s @ s - won @ log_ndtr(lead) - (1 - won) @ log_ndtr(-lead))

    best = minimize(loss, np.zeros(4), tol=1e-12).x
    found = values(anchored(evidence_from(contests), Anchored(link="probit")))
    assert [found[f"s{i}"] for i in range(4)] == pytest.approx(best.tolist(), abs=1e-5)
    assert notes(anchored(evidence_from(contests), Anchored(link="probit")))["optimum"] == "note"


@pytest.mark.parametrize("link", ["logistic", "probit"])
@pytest.mark.parametrize("seed", range(4))
def test_far_strengths_that_the_prior_hardly_holds_are_found(link: Link, seed: int) -> None:
    contests = planted_contests((8 * np.random.default_rng(seed).normal(size=6)).tolist(), 8, seed=seed)
    found = values(anchored(evidence_from(contests), Anchored(prior_sd=1e3, link=link)))
    s = np.array([found[f"s{i}"] for i in range(6)])
    lead = s[contests.first_P] - s[contests.second_P]
    if link == "logistic":
        pull = contests.result_P - expit(lead)
    else:
        log, slope = (log_ndtr(lead), log_ndtr(-lead)), -0.5 * lead**2 - 0.5 * np.log(2 * np.pi)
        pull = contests.result_P * np.exp(slope - log[0]) - (1 - contests.result_P) * np.exp(slope - log[1])
    gradient = np.bincount(contests.first_P, pull, minlength=6) - np.bincount(contests.second_P, pull, minlength=6) - s * 1e-6
    assert np.abs(gradient).max() < 1e-9


def test_few_steps_reach_the_maximum() -> None:
    for link in ("logistic", "probit"):
        found = anchored(compared({**KNOWN, "new": 0.7}), Anchored(anchors=KNOWN, link=link))
        steps = int(next(n.message for n in found.notes if n.code == "optimum").split()[0])
        assert 3 <= steps <= 6


@pytest.mark.parametrize("link", ["logistic", "probit"])
@pytest.mark.parametrize("true", [0.7, 2.5])
def test_the_error_is_the_posteriors_carried_through_a_line_that_moves_with_the_anchors(link: Link, true: float) -> None:
    """Strengths drawn from the normal law around the maximum, each draw with its own line."""
    among, test = chances(FIVE[:, None] - FIVE, link), chances(true - FIVE, link)
    chance = np.full((6, 6), 0.5)
    chance[:5, :5], chance[5, :5], chance[:5, 5] = among, test, 1 - test

    def loss(s: np.ndarray) -> float:
        lead = s[:, None] - s
        log = -np.logaddexp(0, -lead) if link == "logistic" else log_ndtr(lead)
        return float(0.5 * s @ s - (chance * log).sum())

    at = minimize(loss, np.zeros(6), tol=1e-12).x
    step = np.eye(6) * 1e-3
    curve = np.array([[loss(at + a + b) - loss(at + a - b) - loss(at - a + b) + loss(at - a - b) for b in step] for a in step]) / 4e-6
    # small draws, so that the line is close to linear in them
    drawn = np.random.default_rng(0).multivariate_normal(at, np.linalg.inv(curve) * 1e-4, size=20_000)
    ahead = drawn[:, :5] - drawn[:, :5].mean(axis=1, keepdims=True)
    score = (drawn[:, 5] - drawn[:, :5].mean(axis=1)) * (ahead @ FIVE) / (ahead**2).sum(axis=1)
    assert score_against(among, test, FIVE, link=link)[1] == pytest.approx(score.std() * 100, rel=0.03)


def test_planted_qualities_lie_in_their_intervals() -> None:
    quality = {**KNOWN, "b0": -1.0, "b1": 0.5, "b2": 1.5}
    inside = []
    for seed in range(60):
        found = anchored(compared(quality, 20, seed), Anchored(anchors=KNOWN, prior_sd=5.0))
        low, high = values(found, "low"), values(found, "high")
        inside += [low[name] <= quality[name] <= high[name] for name in ("b0", "b1", "b2")]
    assert 0.91 <= np.mean(inside) <= 0.99


def test_verdicts_of_one_task_that_say_the_same_are_one_verdict() -> None:
    rng = np.random.default_rng(0)
    once = [Contest(a, b, float(rng.random() < 0.6), f"t{i}{a}{b}") for i in range(30) for a, b in ("xy", "yz", "xz")]
    four = [c for c in once for _ in range(4)]
    alone = anchored(evidence_of([], once), Anchored(prior_sd=100.0))
    together = anchored(evidence_of([], four), Anchored(prior_sd=100.0))
    assert "over 90 tasks" in together.strengths[0].method and "by the model" in alone.strengths[0].method
    assert values(together) == pytest.approx(values(alone), abs=1e-3)
    pairs = [{(c.better, c.worse): c.difference.se for c in r.comparisons} for r in (alone, together)]
    assert pairs[1] == pytest.approx(pairs[0], rel=0.1)


def test_a_pair_shown_both_ways_round_is_free_of_what_being_first_is_worth() -> None:
    both = evidence_of([], [Contest("x", "y", 0.6, "t"), Contest("y", "x", 0.6, "t")])
    assert values(anchored(both))["x"] == pytest.approx(0.0, abs=1e-9)
    assert values(anchored(evidence_of([], [Contest("x", "y", 0.6, "t")])))["x"] > 0.05


def test_temperature_divides_log_odds_and_leaves_certainty_alone() -> None:
    sure = evidence_of([], [Contest("x", "y", 0.9, "t"), Contest("x", "y", 1.0, "u")])
    calm = evidence_of([], [Contest("x", "y", float(expit(np.log(9) / 4)), "t"), Contest("x", "y", 1.0, "u")])
    assert values(anchored(sure, Anchored(temperature=4.0))) == pytest.approx(values(anchored(calm)))
    assert scored(1.0, temperature=2.0, known=False)[0] < scored(1.0, known=False)[0]


def test_certain_results_are_bounded_by_the_prior_and_a_note_says_so() -> None:
    found = anchored(evidence_of([], [Contest("x", "y", 1.0, f"t{i}") for i in range(20)]))
    assert 0.5 < values(found)["x"] < 3
    assert notes(found)["unbounded"] == "warning"
    wide = anchored(evidence_of([], [Contest("x", "y", 1.0, f"t{i}") for i in range(20)]), Anchored(prior_sd=1e3))
    assert values(wide)["x"] > 5
    extreme = score_against(np.triu(np.ones((4, 4)), 1)[::-1, ::-1], np.array([1.0, 1.0, 1.0, 1.0]), np.arange(4.0), prior_sd=50.0)
    assert np.isfinite(extreme).all() and extreme[0] > 3


def test_anchors_of_one_scale_pass_the_check_and_a_circle_does_not() -> None:
    good = anchored(compared(KNOWN, 20, 0), Anchored(anchors=KNOWN))
    assert notes(good)["anchors"] == "note"
    circle = [Contest(a, b, 0.9, "t") for a, b in ("xy", "yz", "zx")] + [Contest(a, "w", 0.9 - 0.1 * i, "u") for i, a in enumerate("xyz")]
    found = anchored(evidence_of([], circle), Anchored(anchors={"x": 3.0, "y": 2.0, "z": 1.0}))
    assert notes(found)["anchors"] == "warning"
    rng = np.random.default_rng(1)
    drawn = [Contest(a, b, float(rng.random() < 0.9), f"t{i}") for i in range(40) for a, b in ("xy", "yz", "zx")]
    drawn += [Contest("x", "w", float(rng.random() < 0.9), f"u{i}") for i in range(40)]
    misfit = anchored(evidence_of([], drawn), Anchored(anchors={"x": 2.0, "z": 1.9, "w": -1.0, "y": 1.95}))
    assert notes(misfit)["anchors"] == "warning"
    two = anchored(compared({"a0": 0.0, "a1": 1.0, "b": 0.5}), Anchored(anchors={"a0": 0.0, "a1": 1.0}))
    assert notes(two)["anchors_unchecked"] == "note"


def test_the_check_of_anchors_rejects_as_often_as_it_says() -> None:
    quality = {f"a{i}": float(q) for i, q in enumerate(np.linspace(-1, 1, 5))}
    warned = [notes(anchored(compared(quality, 40, seed), Anchored(anchors=quality)))["anchors"] == "warning" for seed in range(120)]
    assert np.mean(warned) <= 0.11


def test_the_note_tells_how_far_anchors_lie_off_the_line() -> None:
    wrong = {**KNOWN, "a2": 1.5}
    off = {n.code: n.message for n in anchored(compared(KNOWN), Anchored(anchors=wrong)).notes}["line"]
    on = {n.code: n.message for n in anchored(compared(KNOWN), Anchored(anchors=KNOWN)).notes}["line"]
    assert float(off.split()[2]) > 0.4 > 10 * float(on.split()[2])


def test_marks_of_the_same_items_make_the_comparisons() -> None:
    rng = np.random.default_rng(2)
    marks = [Mark(s, f"t{i}", q + rng.logistic(), "") for s, q in {"a": 1.0, "b": 0.0, "c": -1.0}.items() for i in range(400)]
    found = anchored(evidence_of(marks, []), Anchored(anchors={"a": 10.0, "c": 0.0}))
    assert found.systems == ("a", "b", "c")
    assert 3.5 < values(found)["b"] < 6.5


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"anchors": {"a0": 1.0, "zz": 2.0}}, "'zz' has no contest"),
        ({"anchors": {"a0": 1.0, "a1": 1.0}}, "two qualities or more"),
        ({"anchors": {"a0": 1.0, "a1": 0.0}}, "do not rank the anchors as their known quality does"),
    ],
)
def test_anchors_that_make_no_scale_are_refused(options: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        anchored(compared(KNOWN), Anchored(**options))


def test_a_system_that_met_no_anchor_is_refused() -> None:
    given = evidence_of([], [Contest("a", "b", 1.0, "t"), Contest("c", "d", 1.0, "t")])
    with pytest.raises(ConfigError, match="'a' and 'c' are in groups of systems that never met"):
        anchored(given, Anchored(anchors={"a": 1.0, "b": 0.0}))
    none = evidence_of([Mark("a", "t", 1.0), Mark("b", "u", 1.0)], [])
    with pytest.raises(ConfigError, match="no two systems met"):
        anchored(none)


@pytest.mark.parametrize("wrong", [{"prior_sd": 0.0}, {"prior_sd": float("inf")}, {"temperature": 0.0}, {"anchors": {"a": float("nan")}}])
def test_options_out_of_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        Anchored(**wrong)


@pytest.mark.parametrize(
    ("among", "test", "known"),
    [
        (np.full((5, 5), 0.5), np.full(4, 0.5), None),
        (np.full((5, 5), 0.5), np.full(5, 1.5), None),
        (np.full((5, 5), 0.5), np.full(5, 0.5), FIVE[:4]),
        (np.full((1, 1), 0.5), np.full(1, 0.5), None),
        (np.full((5, 5), 0.5), np.full(5, 0.5), FIVE),  # anchors that nobody can tell apart
    ],
)
def test_what_does_not_fit_together_is_refused(among: np.ndarray, test: np.ndarray, known: np.ndarray | None) -> None:
    with pytest.raises(ConfigError):
        score_against(among, test, known)


def test_two_triangles_that_disagree_are_averaged() -> None:
    among = expit(FIVE[:, None] - FIVE)
    skewed = among + 0.01  # the first shown is a little better, either way round
    assert score_against(skewed, expit(0.5 - FIVE), FIVE) == pytest.approx(score_against(among, expit(0.5 - FIVE), FIVE))
