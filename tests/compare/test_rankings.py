"""From strengths to words: mean, win_rate, bradley_terry and elo on planted systems, tiers, tests of pairs, notes."""

from __future__ import annotations

import evalica
import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from criterial.compare.bradley_terry import BradleyTerry, bradley_terry
from criterial.compare.elo import Elo, elo
from criterial.compare.evidence import Contest, Contests, Mark, evidence_of
from criterial.compare.mean import Mean, mean
from criterial.compare.ranking import Strengths, ranking_of
from criterial.compare.win_rate import WinRate, win_rate
from criterial.errors import ConfigError
from tests.helpers_compare import evidence_from, marks_evidence, planted_contests


def strengths(value: list[float], sd: float, units: int = 1000, margin: float = 0.0) -> Strengths:
    size = len(value)
    return Strengths(
        tuple(f"s{i}" for i in range(size)),
        np.array(value),
        np.eye(size) * sd**2,
        np.full(size, 9),
        units,
        "u",
        margin,
        "m",
        "9 tasks",
        True,
    )


def test_a_tier_holds_those_that_do_not_differ_from_one_in_it_and_ranks_count_those_that_do() -> None:
    found = ranking_of(strengths([3.0, 2.0, 1.0, -4.0], 0.5))
    # neighbours are 1 / (0.5 * sqrt 2) = 1.41 errors apart, ends of the three 2.83: by Holm, of six, one p of .0047 * 3 < .05
    assert found.tiers == (0, 0, 1, 2)
    assert found.ranks == ((1, 2), (1, 3), (2, 3), (4, 4))
    assert [c.says for c in found.comparisons] == [
        "uninformative",
        "significant",
        "significant",
        "uninformative",
        "significant",
        "significant",
    ]


def test_p_values_are_the_normal_laws_corrected_by_holm() -> None:
    found = ranking_of(strengths([2.0, 0.0], 0.5))
    assert found.comparisons[0].p == pytest.approx(2 * stats.norm.sf(2 / (0.5 * np.sqrt(2))))
    three = ranking_of(strengths([2.0, 0.0, 0.0], 0.5))
    assert three.comparisons[0].p == pytest.approx(3 * found.comparisons[0].p)


def test_a_bounded_null_needs_an_interval_within_the_margin() -> None:
    says = [ranking_of(strengths([0.01, 0.0], sd, margin=0.1)).comparisons[0].says for sd in (0.02, 0.2)]
    assert says == ["bounded null", "uninformative"]


def test_a_lead_that_never_varies_is_no_surer_than_a_sign_test() -> None:
    """Three tasks, each won by the same mark: spread nothing, and yet p is 2^(1 - 3)."""
    for tasks, says in ((3, "uninformative"), (8, "significant")):
        found = mean(marks_evidence(np.stack([np.ones(tasks), np.zeros(tasks)])))
        assert found.comparisons[0].p == 2.0 ** (1 - tasks)
        assert found.comparisons[0].says == says
        assert found.strengths[0].low is None and "the same in all of" in found.strengths[0].method


def test_a_difference_of_means_is_the_paired_t_test() -> None:
    rng = np.random.default_rng(0)
    shared_I = rng.normal(size=40)
    value_SI = np.stack([0.5 + shared_I + 0.2 * rng.normal(size=40), 0.4 + shared_I + 0.2 * rng.normal(size=40)])
    pair = mean(marks_evidence(value_SI)).comparisons[0]
    test = stats.ttest_rel(value_SI[0], value_SI[1])
    assert pair.difference.value == pytest.approx(abs(np.diff(value_SI.mean(axis=1))[0]))
    assert pair.p == pytest.approx(test.pvalue, rel=1e-9)
    low, high = sorted(np.abs(test.confidence_interval(0.95)))
    assert (pair.difference.low, pair.difference.high) == pytest.approx((low, high)) or test.pvalue > 0.05


def test_sign_flips_of_yes_and_no_are_mcnemars_test() -> None:
    rng = np.random.default_rng(2)
    value_SI = (rng.random((3, 60)) < np.array([[0.8], [0.5], [0.5]])).astype(float)
    found = mean(marks_evidence(value_SI), Mean(test="sign_flip"))
    plain = {}
    for one, two in ((0, 1), (0, 2), (1, 2)):
        lost, gained = (int((value_SI[a] > value_SI[b]).sum()) for a, b in ((one, two), (two, one)))
        plain[frozenset((f"s{one}", f"s{two}"))] = mcnemar([[0, lost], [gained, 0]], exact=True).pvalue
    corrected = dict(zip(plain, multipletests(list(plain.values()), method="holm")[1], strict=True))
    for pair in found.comparisons:
        assert pair.p == pytest.approx(corrected[frozenset((pair.better, pair.worse))])


def test_suites_that_count_alike_weigh_a_short_benchmark_as_much_as_a_long_one() -> None:
    marks = [Mark("a", f"x{i}", 1.0, "long") for i in range(90)] + [Mark("a", f"y{i}", 0.0, "short") for i in range(10)]
    marks += [Mark("b", m.item, 0.6, m.suite) for m in marks]
    assert mean(evidence_of(marks, [])).systems[0] == "a"
    alike = mean(evidence_of(marks, []), Mean(suites="equal"))
    assert alike.systems[0] == "b" and alike.strengths[1].value == 0.5
    with pytest.raises(ConfigError, match="'b' has no mark on 'short'"):
        mean(evidence_of([m for m in marks if m.system == "a" or m.suite == "long"], []), Mean(suites="equal"))


@pytest.mark.parametrize("suites", ["pooled", "equal"])
def test_intervals_of_means_cover_on_tasks_of_unlike_difficulty_with_holes(suites: str) -> None:
    """93 to 97 % of 500 planted repeats: the difference of two systems on items of two suites, a fifth of the cells missing."""
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(500):
        base_I = rng.normal(size=60)
        marks = [
            Mark(f"s{s}", f"t{i}", float(0.3 * s + base_I[i] + 0.5 * rng.normal()), f"k{i % 3 // 2}")
            for s in range(2)
            for i in range(60)
            if rng.random() > 0.2
        ]
        pair = mean(evidence_of(marks, []), Mean(suites=suites)).comparisons[0]  # type: ignore[arg-type]
        ahead = 0.3 if pair.better == "s1" else -0.3
        assert pair.difference.low is not None and pair.difference.high is not None
        covered += pair.difference.low <= ahead <= pair.difference.high
    assert 0.93 <= covered / 500 <= 0.97


def test_win_rates_are_shares_with_ties_as_half_and_match_evalicas_counts() -> None:
    contests = planted_contests((1.0, 0.0, -1.0), 30, tie=0.5, seed=2)
    found = win_rate(evidence_from(contests))
    winners = [evalica.Winner.X if r == 1 else evalica.Winner.Y if r == 0 else evalica.Winner.Draw for r in contests.result_P]
    names = [[contests.systems[i] for i in side] for side in (contests.first_P, contests.second_P)]
    theirs = evalica.counting(names[0], names[1], winners, win_weight=1.0, tie_weight=0.5).scores
    for system, strength in zip(found.systems, found.strengths, strict=True):
        assert strength.value == pytest.approx(theirs[system] / strength.n)


def test_win_rates_of_an_uneven_schedule_say_so() -> None:
    contests = [Contest("a", "b", 1.0, f"t{i}") for i in range(20)] + [Contest("b", "c", 1.0, "u"), Contest("a", "c", 0.0, "v")]
    codes = {n.code for n in win_rate(evidence_of([], contests), WinRate()).notes}
    assert codes == {"uneven_schedule"}


def test_bradley_terry_matches_evalicas_ranking_with_ties_as_half() -> None:
    contests = planted_contests((1.0, 0.4, 0.0, -1.0), 60, tie=0.6, seed=3)
    names = [[contests.systems[i] for i in side] for side in (contests.first_P, contests.second_P)]
    winners = [evalica.Winner.X if r == 1 else evalica.Winner.Y if r == 0 else evalica.Winner.Draw for r in contests.result_P]
    theirs = evalica.bradley_terry(names[0], names[1], winners, tie_weight=0.5, tolerance=1e-12, limit=10_000).scores
    found = bradley_terry(evidence_from(contests), BradleyTerry(ties="half", scale="logit"))
    logs = np.log([theirs[s] for s in found.systems])
    np.testing.assert_allclose([s.value for s in found.strengths], logs - logs.mean(), atol=1e-5)


def test_the_scales_of_bradley_terry_tell_the_same() -> None:
    evidence = evidence_from(planted_contests((1.0, 0.0, -1.0), 50, tie=0.3, seed=4))
    points, logits = bradley_terry(evidence), bradley_terry(evidence, BradleyTerry(scale="logit"))
    assert points.tiers == logits.tiers and [c.says for c in points.comparisons] == [c.says for c in logits.comparisons]
    assert points.strengths[0].value == pytest.approx(1500 + 400 / np.log(10) * logits.strengths[0].value)
    assert points.comparisons[0].p == pytest.approx(logits.comparisons[0].p)


def test_what_being_first_is_worth_is_found_and_does_not_tilt_the_strengths() -> None:
    contests = planted_contests((0.6, 0.0, -0.6), 1500, tie=0.3, order=0.8, seed=5)
    found = bradley_terry(evidence_from(contests), BradleyTerry(order_effect=True, scale="logit"))
    worth = next(n.message for n in found.notes if n.code == "order")
    assert float(worth.split()[5]) == pytest.approx(0.8, abs=0.1)
    np.testing.assert_allclose([s.value for s in found.strengths], [0.6, 0.0, -0.6], atol=0.1)
    one_way = Contests(("a", "b"), np.zeros(4, dtype=int), np.ones(4, dtype=int), np.array([1.0, 0, 1, 1]), np.arange(4))
    with pytest.raises(ConfigError, match="both ways round"):
        bradley_terry(evidence_from(one_way), BradleyTerry(order_effect=True))


def test_intervals_allow_for_tasks_and_say_where_there_are_too_few() -> None:
    many = planted_contests((1.0, 0.0, -1.0), 50, tie=0.3, seed=6, clusters=40)  # 38 of which are dealt
    few = planted_contests((1.0, 0.0, -1.0), 50, tie=0.3, seed=6, clusters=4)
    found = {k: bradley_terry(evidence_from(many), BradleyTerry(intervals=k)) for k in ("auto", "clustered", "model", "bootstrap")}  # type: ignore[arg-type]
    assert found["auto"] == found["clustered"] and found["auto"].strengths[0].method == "over 38 tasks"
    assert found["bootstrap"].strengths[0].se == pytest.approx(found["clustered"].strengths[0].se, rel=0.2)
    assert {n.code for n in bradley_terry(evidence_from(few)).notes} >= {"few_tasks"}


def test_resampling_tasks_is_wider_than_resampling_contests_where_tasks_share_difficulty() -> None:
    """Card worldjen: ratio above 1.2 where the tasks decide who wins."""
    rng = np.random.default_rng(7)
    results, clusters = [], []
    for task in range(80):
        lean = rng.normal() * 1.5
        results += (rng.random(10) < 1 / (1 + np.exp(-0.3 - lean))).tolist()
        clusters += [task] * 10
    contests = Contests(("a", "b"), np.zeros(800, dtype=int), np.ones(800, dtype=int), np.array(results, dtype=float), np.array(clusters))
    errors = [bradley_terry(evidence_from(contests), BradleyTerry(intervals=k)).strengths[0].se for k in ("clustered", "model")]  # type: ignore[arg-type]
    assert errors[0] > 1.2 * errors[1]


def test_elo_of_many_contests_nears_bradley_terry_and_one_order_is_never_shown() -> None:
    contests = planted_contests((1.0, 0.0, -1.0), 400, seed=8)
    rated = elo(evidence_from(contests), Elo(k=8.0, orders=30))
    fitted = dict(zip(*(lambda r: (r.systems, r.strengths))(bradley_terry(evidence_from(contests))), strict=True))
    for system, strength in zip(rated.systems, rated.strengths, strict=True):
        assert strength.value == pytest.approx(fitted[system].value, abs=25)
    assert sum(s.value for s in rated.strengths) == pytest.approx(4500)
    with pytest.raises(ConfigError, match="at least 2"):
        Elo(orders=1)
