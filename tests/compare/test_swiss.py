"""Swiss rounds: the arrays play what a plain loop plays, points are conserved, and intervals are over items or benchmarks."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import kendalltau, norm

from criterial.compare.evidence import Contest, Evidence, Mark, evidence_of
from criterial.compare.swiss import Swiss, _Table, swiss, swiss_orders, swiss_sensitivity, swiss_standing
from criterial.compare.swiss_contests import Played, play, rounds_of
from criterial.core.score import Ranking
from criterial.errors import ConfigError
from tests.helpers_files import real

QUICK = Swiss(contests=2000, orders=0, resamples=40)


def played(score_KS: np.ndarray, contests: int = 4000, eliminate: int = 0, seed: int = 1, **options: Any) -> Played:
    pairing = options.pop("pairing", "bye")
    plays_KS = options.pop("plays", np.ones(score_KS.shape, dtype=np.bool_))
    return play(rounds_of(score_KS[None], plays_KS[None], **options), contests, eliminate, pairing, np.random.default_rng(seed))


def table(suites: int, systems: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).random((suites, systems))


def evidence(score_KS: np.ndarray, tie: float = 0.0) -> Evidence:
    """Return marks, one item a benchmark; a mark that is not a number is missing."""
    cells = [(k, s) for k in range(len(score_KS)) for s in range(score_KS.shape[1]) if np.isfinite(score_KS[k, s])]
    return evidence_of([Mark(f"s{s:02}", "i", float(score_KS[k, s]), f"b{k:02}") for k, s in cells], [], tie)


def answered(chance_KS: np.ndarray, items: int, seed: int) -> Evidence:
    """Return marks of 0 and 1 that systems get with given chances, several items a benchmark."""
    drawn_KSI = np.random.default_rng(seed).random((*chance_KS.shape, items)) < chance_KS[:, :, None]
    return evidence_of([Mark(f"s{s}", f"i{i}", float(v), f"b{k}") for (k, s, i), v in np.ndenumerate(drawn_KSI)], [])


def strength_of(ranking: Ranking) -> dict[str, float]:
    return {name: float(e.value or 0.0) for name, e in zip(ranking.systems, ranking.strengths, strict=True)}


def se_of(ranking: Ranking) -> np.ndarray:
    return np.array([ranking.strengths[i].se or 0.0 for i in np.argsort(ranking.systems)])


class Plain:
    """The card's algorithm, one contest at a time."""

    def __init__(self, score_KS: np.ndarray, eliminate: int, pairing: str, contests: int) -> None:
        self.score, self.eliminate, self.pairing, self.rng = score_KS, eliminate, pairing, random.Random(3)
        runs = [self._contest() for _ in range(contests)]
        self.wins_S, self.met_S = (np.mean([r[i] for r in runs], axis=0) for i in (0, 1))
        self.se_S = np.std([r[0] for r in runs], axis=0) / np.sqrt(contests)

    def _contest(self) -> tuple[list[int], list[int]]:
        rounds, size = self.score.shape
        wins, met, inside = [0] * size, [0] * size, list(range(size))
        for k in range(rounds):
            for one, two in self._pairs(inside, wins):
                met[one] += 1
                met[two] += 1
                wins[one if self.score[k, one] > self.score[k, two] else two] += 1
            if k < rounds - 1:
                lowest = [s for s in inside if wins[s] == min(wins[i] for i in inside)]
                for gone in self.rng.sample(lowest, min(self.eliminate, len(lowest), len(inside) - 1)):
                    inside.remove(gone)
        return wins, met

    def _pairs(self, inside: list[int], wins: list[int]) -> list[tuple[int, int]]:
        self.rng.shuffle(inside)
        if self.pairing == "float_down":
            rows: list[Sequence[int]] = [sorted(inside, key=lambda s: -wins[s])]
        else:
            rows = [[s for s in inside if wins[s] == level] for level in set(wins)]
        return [(row[i], row[i + 1]) for row in rows for i in range(0, len(row) - 1, 2)]


@pytest.mark.parametrize("pairing", ["bye", "float_down"])
@pytest.mark.parametrize("eliminate", [0, 1, 3])
def test_the_arrays_play_what_a_plain_loop_plays(pairing: str, eliminate: int) -> None:
    score = table(5, 7, 0)
    plain, fast = Plain(score, eliminate, pairing, 4000), played(score, 20_000, eliminate, pairing=pairing)
    error = np.hypot(plain.se_S, fast.se_S)
    assert (np.abs(plain.wins_S - fast.wins_BS[0]) <= 4 * error + 1e-9).all()
    assert np.abs(plain.met_S - fast.meetings_BS[0]).max() < 0.06
    assert np.abs(plain.se_S * np.sqrt(4000) - fast.se_S * np.sqrt(20_000)).max() < 0.05


@pytest.mark.parametrize("ties", ["coin", "half"])
@pytest.mark.parametrize("systems", [2, 3, 7, 16])
def test_points_are_meetings(systems: int, ties: str) -> None:
    score = np.round(table(6, systems, systems), 1)  # with ties
    for pairing, most in (("bye", 6 * (systems // 2)), ("float_down", 6 * (systems // 2))):
        found = played(score, 500, pairing=pairing, ties=ties)
        assert found.wins_BS.sum() == pytest.approx(found.meetings_BS.sum() / 2, abs=1e-9)
        assert found.wins_BS.sum() <= most + 1e-9
        assert (found.wins_BS <= found.meetings_BS + 1e-9).all()
        assert found.top_BS.sum() == pytest.approx(1.0)
    assert found.wins_BS.sum() == pytest.approx(most)  # floating down leaves one odd one at most


def test_who_beats_all_wins_whenever_it_meets_one() -> None:
    score = table(12, 16, 0)
    score[:, 3] = 2.0
    alone = played(score, 20_000)
    assert alone.wins_BS[0, 3] == alone.meetings_BS[0, 3] == pytest.approx(7.66, abs=0.03)  # the card's figure: no opponent, no point
    assert played(score, 500, pairing="float_down").wins_BS[0, 3] == 12
    assert played(score, 500, eliminate=1, pairing="float_down").wins_BS[0, 3] == 12
    # the card says that it reaches K with any elimination: no, with two going a round nobody is left to beat
    assert played(score, 500, eliminate=2, pairing="float_down").wins_BS[0, 3] < 12


def test_who_loses_to_all_wins_nothing() -> None:
    score = table(6, 8, 0)
    score[:, 5] = -1.0
    for eliminate in (0, 2):
        assert played(score, 500, eliminate).wins_BS[0, 5] == 0.0


@pytest.mark.parametrize("ties", ["coin", "half"])
def test_equal_systems_fare_alike(ties: str) -> None:
    found = played(np.ones((6, 5)), 20_000, ties=ties)
    error = found.se_S * np.sqrt(2)
    assert (np.abs(found.wins_BS - found.wins_BS.mean()) <= 4 * error + 1e-12).all()


def test_half_points_leave_nothing_to_chance_where_all_are_equal() -> None:
    found = played(np.ones((6, 4)), 200, ties="half")
    assert found.wins_BS.tolist() == [[3.0] * 4]
    assert np.abs(found.spread_SS).max() < 1e-12


def test_other_names_for_the_systems_change_nothing_but_noise() -> None:
    score, turn = table(6, 9, 2), np.random.default_rng(0).permutation(9)
    one, two = played(score, 20_000, 1), played(score[:, turn], 20_000, 1, seed=2)
    assert (np.abs(one.wins_BS[0][turn] - two.wins_BS[0]) <= 4 * np.hypot(one.se_S[turn], two.se_S)).all()


def test_four_times_the_contests_halve_the_error() -> None:
    score = table(12, 16, 0)
    few, many = played(score, 5000), played(score, 20_000)
    assert few.se_S / many.se_S == pytest.approx(2.0, rel=0.05)
    # the card says below .015; over 20 random tables the largest of 16 systems was .017-.024
    assert many.se_S.max() < 0.025
    means = np.array([played(score, 500, seed=seed).wins_BS[0] for seed in range(60)])
    assert means.std(axis=0) == pytest.approx(played(score, 500).se_S, rel=0.35)


def test_schedules_side_by_side_are_those_one_by_one() -> None:
    scores = np.stack([table(5, 6, seed) for seed in range(4)])
    together = play(rounds_of(scores, np.ones(scores.shape, dtype=np.bool_)), 5000, 1, "bye", np.random.default_rng(0))
    for b, score in enumerate(scores):
        alone = played(score, 5000, 1)
        assert np.abs(alone.wins_BS[0] - together.wins_BS[b]).max() < 0.1
        assert np.abs(alone.alive_BKS[0] - together.alive_BKS[b]).max() < 0.04


def test_a_missing_score_is_no_loss_and_no_win() -> None:
    score = table(6, 8, 0)
    score[:, 2] = 2.0
    plays = np.ones(score.shape, dtype=np.bool_)
    plays[:3, 2] = False
    found = played(score, 500, plays=plays, pairing="float_down")
    assert found.meetings_BS[0, 2] == found.wins_BS[0, 2] == 3.0
    assert found.meetings_BS[0].sum() == 3 * 6 + 3 * 8  # of seven who play one is odd


def test_elimination_takes_so_many_each_round_and_leaves_one() -> None:
    found = played(table(12, 8, 1), 500, 1)
    assert found.alive_BKS[0].sum(axis=1) == pytest.approx([8, 7, 6, 5, 4, 3, 2, 1, 1, 1, 1, 1])
    assert (np.diff(found.alive_BKS[0], axis=0) <= 1e-12).all()
    assert played(table(3, 8, 1), 500, 0).alive_BKS.min() == 1.0


def test_a_specialist_falls_under_elimination_where_the_first_benchmark_is_not_its_own() -> None:
    def falls(own: int) -> int:
        count = 0
        for seed in range(10):
            score = table(12, 16, seed)
            score[:, 0] = 0.65 + 0.1 * np.random.default_rng(seed).random(12)  # always upper middle
            score[:, 1] = np.where(np.arange(12) % 2 == own, 2.0, -1.0)
            none, two = (played(score, 2000, eliminate).wins_BS[0] for eliminate in (0, 2))
            count += bool((two[1] - none[1]) / none[1] < (two[0] - none[0]) / none[0])
        return count

    assert falls(own=1) >= 9
    assert falls(own=0) <= 8  # 7 when measured: order decides


def test_it_is_related_to_the_win_rate_and_not_the_same() -> None:
    found = []
    for seed in range(20):
        score = table(12, 16, 100 + seed)
        rate = (score[:, :, None] > score[:, None, :]).mean(axis=(0, 2))
        found.append(kendalltau(played(score, 1000).wins_BS[0], rate)[0])
    assert 0.7 <= np.mean(found) < 0.95
    assert min(found) > 0.5


def test_a_seed_settles_everything_and_the_input_stays_as_it_is() -> None:
    given = answered(np.full((3, 4), 0.5), 6, 0)
    before = given.marks.value_SI.copy()
    assert swiss(given, QUICK) == swiss(given, QUICK)
    assert swiss(given, QUICK) != swiss(given, replace(QUICK, seed=1))
    assert (given.marks.value_SI == before).all()


def test_the_better_system_is_first_and_significantly_so_with_enough_items() -> None:
    found = swiss(answered(np.tile([0.2, 0.5, 0.8], (6, 1)), 60, 0), replace(QUICK, pairing="float_down"))
    assert found.systems == ("s2", "s1", "s0")
    assert found.tiers == (0, 1, 2)
    assert strength_of(found)["s2"] > 3
    assert "360 items within 6 benchmarks" in found.strengths[0].method


@pytest.mark.parametrize("wins", ["binary", "probabilistic"])
def test_intervals_over_items_tell_how_far_other_items_would_move_the_wins(wins: str) -> None:
    chance = np.tile(np.linspace(0.35, 0.65, 5), (6, 1))
    options = replace(QUICK, wins=wins, contests=1500, resamples=30)
    found = [swiss(answered(chance, 30, seed), options) for seed in range(60)]
    wins_NS = np.array([[strength_of(r)[f"s{s}"] for s in range(5)] for r in found])
    se_S = np.sqrt(np.mean([se_of(r) ** 2 for r in found], axis=0))
    assert se_S == pytest.approx(wins_NS.std(axis=0, ddof=1), rel=0.4)
    assert np.mean(np.abs(wins_NS - wins_NS.mean(axis=0)) < 2 * se_S) > 0.9


def test_intervals_over_benchmarks_tell_how_far_other_benchmarks_would() -> None:
    rng = np.random.default_rng(0)
    options = replace(QUICK, contests=2000, pairing="float_down")
    found = [swiss(evidence(rng.normal(size=(10, 5)) + np.linspace(-0.5, 0.5, 5)), options) for _ in range(80)]
    wins_NS = np.array([[strength_of(r)[f"s{s:02}"] for s in range(5)] for r in found])
    se_S = np.sqrt(np.mean([se_of(r) ** 2 for r in found], axis=0))
    assert se_S == pytest.approx(wins_NS.std(axis=0, ddof=1), rel=0.35)
    assert "over 10 benchmarks" in found[0].strengths[0].method


def test_intervals_may_be_over_benchmarks_where_there_are_items_too() -> None:
    """Benchmarks that favour different systems leave more open than items within them do."""
    chance = np.random.default_rng(1).uniform(0.1, 0.9, size=(6, 4))
    items, suites = (swiss(answered(chance, 100, 0), replace(QUICK, intervals=i)) for i in ("items", "suites"))
    assert se_of(suites).mean() > 1.5 * se_of(items).mean()
    assert "over 6 benchmarks" in suites.strengths[0].method


def test_more_contests_do_not_narrow_the_intervals() -> None:
    given = answered(np.tile(np.linspace(0.4, 0.6, 4), (5, 1)), 20, 3)
    few, many = (se_of(swiss(given, replace(QUICK, contests=n))) for n in (2000, 20_000))
    assert many == pytest.approx(few, rel=0.35)
    assert many.min() > 10 * swiss_standing(given, replace(QUICK, contests=20_000)).se_S.max()


def test_probabilistic_wins_are_the_bootstraps_of_items() -> None:
    given = answered(np.array([[0.4, 0.5, 0.6], [0.5, 0.5, 0.5]]), 80, 1)
    chance = _Table(given, Swiss(wins="probabilistic")).rounds().whole_BKSS[0]
    marks, rng = given.marks, np.random.default_rng(0)
    for k in range(2):
        value_SI = marks.value_SI[:, marks.suite_I == k]
        mean_BS = rng.multinomial(80, np.full(80, 1 / 80), size=8000) @ value_SI.T / 80
        ahead = mean_BS[:, :, None] - mean_BS[:, None, :]
        boot = (ahead > 1e-9).mean(axis=0) + 0.5 * (np.abs(ahead) <= 1e-9).mean(axis=0)
        assert np.abs(chance[k] - boot)[~np.eye(3, dtype=bool)].max() < 0.02
    difference = marks.value_SI[2, :80] - marks.value_SI[0, :80]
    assert chance[0, 2, 0] == pytest.approx(norm.cdf(difference.mean() / (difference.std(ddof=1) / np.sqrt(80))), abs=1e-6)


def test_scores_within_the_evidences_tie_are_tied() -> None:
    score = np.array([[0.50, 0.52], [0.50, 0.52]])
    assert strength_of(swiss(evidence(score), QUICK)) == {"s00": 0.0, "s01": pytest.approx(1.0, abs=1.0)}
    half = strength_of(swiss(evidence(score, tie=0.05), replace(QUICK, ties="half")))
    assert half == {"s00": 1.0, "s01": 1.0}


def test_order_is_the_users_or_as_the_benchmarks_came() -> None:
    given = evidence(table(3, 4, 0))
    assert swiss_standing(given, QUICK).suites == ("b00", "b01", "b02")
    turned = swiss_standing(given, replace(QUICK, order=("b02", "b00", "b01")))
    assert turned.suites == ("b02", "b00", "b01")
    same = evidence(table(3, 4, 0)[[2, 0, 1]])
    assert turned.expected_S.tolist() == swiss_standing(same, QUICK).expected_S.tolist()


def test_standing_holds_what_contests_tell() -> None:
    found = swiss_standing(evidence(table(6, 8, 1)), replace(QUICK, eliminate=1))
    assert found.top_S.sum() == pytest.approx(1.0)
    assert (found.survival_KS[0] == 1).all()
    assert (found.expected_S <= found.meetings_S).all()
    assert found.se_S.max() < 0.06


def test_sensitivity_is_the_slope_over_elimination() -> None:
    found = swiss_sensitivity(evidence(table(6, 8, 1)), QUICK, (0, 1, 2))
    assert found.eliminate == (0, 1, 2)
    for s in range(8):
        assert found.slope_S[s] == pytest.approx(np.polyfit([0, 1, 2], found.expected_TS[:, s], 1)[0], abs=1e-9)
    assert (found.relative_TS[0] == 0).all()
    assert found.relative_TS[2] * found.expected_TS[0] == pytest.approx(found.expected_TS[2] - found.expected_TS[0], abs=1e-9)
    assert found.expected_TS[0].tolist() == swiss_standing(evidence(table(6, 8, 1)), QUICK).expected_S.tolist()
    for wrong in ((1, 2), (0,), (0, -1)):
        with pytest.raises(ConfigError, match="eliminate"):
            swiss_sensitivity(evidence(table(3, 4, 1)), QUICK, wrong)


def test_orders_are_told_beside_the_ranking() -> None:
    score = table(6, 6, 1)
    score[:, 0] = 2.0
    score[:, 1] = -1.0
    given = evidence(score)
    found = swiss_orders(given, replace(QUICK, pairing="float_down"), orders=40, contests=500)
    assert (found.best_S[0], found.worst_S[0]) == (1, 1)
    assert (found.best_S[1], found.worst_S[1]) == (6, 6)
    assert (found.worst_S - found.best_S).max() >= 2
    notes = {n.code: n.message for n in swiss(given, replace(QUICK, orders=20, pairing="float_down")).notes}
    assert "in 20 random orders places are s00 1-1" in notes["orders"]
    assert "orders" not in {n.code for n in swiss(given, QUICK).notes}


def test_notes_warn_of_few_meetings_and_of_missing_scores() -> None:
    score = table(12, 5, 0)
    codes = {n.code for n in swiss(evidence(score), QUICK).notes}
    assert codes == {"contests", "few_meetings"}
    assert "few_meetings" not in {n.code for n in swiss(evidence(score), replace(QUICK, pairing="float_down")).notes}
    assert "elimination" in {n.code for n in swiss(evidence(score), replace(QUICK, eliminate=1)).notes}
    score[0, 2] = np.nan
    missing = [n for n in swiss(evidence(score), QUICK).notes if n.code == "missing_suites"]
    assert "s02" in missing[0].message and "s01" not in missing[0].message


def test_two_halves_of_three_real_benchmarks_agree_within_their_intervals() -> None:
    """ZeroEval: 25 systems on GSM8K, CRUX and MATH level 5, the items halved."""
    marks: tuple[list[Mark], list[Mark]] = ([], [])
    for suite in ("gsm", "crux", "math-l5"):
        with gzip.open(real("zeroeval_matrix") / f"{suite}.responses.jsonl.gz", "rt", encoding="utf-8") as lines:
            for row in map(json.loads, lines):
                half = int(str(row["item_id"]).rsplit("#", 1)[-1]) % 2
                marks[half].append(Mark(row["model"], str(row["item_id"]), float(row["correct"]), suite))
    on_all = set.intersection(*({m.system for m in marks[0] if m.suite == suite} for suite in ("gsm", "crux", "math-l5")))
    found = [swiss(evidence_of([m for m in half if m.system in on_all], []), replace(QUICK, contests=8000)) for half in marks]
    wins = [np.array([strength_of(r)[name] for name in sorted(on_all)]) for r in found]
    assert len(on_all) == 25
    assert kendalltau(*wins)[0] > 0.85
    apart = (wins[0] - wins[1]) / np.hypot(se_of(found[0]), se_of(found[1]))
    assert 0.4 < np.sqrt(np.mean(apart**2)) < 1.25


@pytest.mark.parametrize(
    ("given", "options", "says"),
    [
        (evidence(table(1, 3, 0)), QUICK, "one benchmark alone"),
        (evidence(table(3, 3, 0)), replace(QUICK, order=("b00", "b01")), "name each benchmark once: b00, b01, b02"),
        (evidence(table(3, 3, 0)), replace(QUICK, intervals="items"), "one item alone"),
        (evidence(table(3, 3, 0)), replace(QUICK, wins="probabilistic"), "each has one alone"),
        (evidence_of([], [Contest("a", "b", 1.0, "t")]), QUICK, "no scores"),
        (evidence_of([Mark("a", "i", 1.0, "x"), Mark("a", "i", 1.0, "y")], [Contest("a", "b", 1.0, "t")]), QUICK, "'b' has no mark"),
    ],
)
def test_what_cannot_be_ranked_is_refused(given: Evidence, options: Swiss, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        swiss(given, options)


@pytest.mark.parametrize("wrong", [{"contests": 10}, {"resamples": 1}, {"eliminate": -1}, {"orders": -1}])
def test_options_out_of_range_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigError):
        Swiss(**wrong)
