"""criterial.compare.stability: what subsets of tasks say of an order, beside what is worked out by hand and by drawing anew."""

from __future__ import annotations

import numpy as np
import pytest

from criterial.compare.davidson import fit_contests
from criterial.compare.evidence import Contests, contests_of_marks
from criterial.compare.ranking import WEAK_SD
from criterial.compare.stability import _of_contests, rank_stability
from criterial.errors import ConfigError
from criterial.report.page import Curves, Grid, Page
from criterial.report.page_html import html_page
from criterial.report.stability import stability_blocks
from tests.helpers_compare import marks_evidence, planted_contests


def test_systems_that_always_stand_in_one_order_do_so_in_every_subset() -> None:
    value_SI = np.arange(6)[:, None] + np.random.default_rng(0).normal(size=40)  # items differ, systems do not cross
    found = rank_stability(marks_evidence(value_SI).marks, draws=50)
    assert found.systems == ("s5", "s4", "s3", "s2", "s1", "s0")
    assert found.by_chance == pytest.approx(1 / 720)  # the card: 6 systems in one order by chance, .0014
    assert [s.tasks for s in found.subsets] == [4, 8, 12, 16, 20, 30]
    assert all((s.same.value, s.best.value, s.pairs) == (1.0, 1.0, 1.0) for s in found.subsets)
    assert [s.twice is None for s in found.subsets] == [False] * 5 + [True]


def test_subsets_of_two_by_hand() -> None:
    # a is ahead of b by 3, 1, -2, -1 on four tasks, .25 in the mean; of the six pairs of tasks, those of sums 4, 1 and 2 agree
    found = rank_stability(marks_evidence(np.array([[3.0, 1.0, -2.0, -1.0], [0.0] * 4])).marks, [2], draws=4000)
    (two,) = found.subsets
    assert two.same.value == pytest.approx(3 / 6, abs=0.03) and two.best.value == two.same.value == two.pairs
    # halves: (4, -3), (1, 0), (2, -1) never agree
    assert two.twice is not None and two.twice.value == 0.0
    assert two.same.low < 3 / 6 < two.same.high


def test_subsets_of_nearly_all_tasks_agree_by_construction_and_halves_tell_what_other_tasks_would_say() -> None:
    rng = np.random.default_rng(1)
    drawn, halves, near = [], [], []
    for _ in range(150):
        one, other = (rng.normal(size=(3, 20)) + np.array([0.0, 0.2, 0.4])[:, None] for _ in range(2))
        drawn.append((np.argsort(one.mean(axis=1)) == np.argsort(other.mean(axis=1))).all())
        pool = rank_stability(marks_evidence(np.hstack([one, other])).marks, [20, 38], draws=60)
        halves.append(pool.subsets[0].twice.value)
        near.append(pool.subsets[1].same.value)
    assert np.mean(halves) == pytest.approx(np.mean(drawn), abs=0.07)
    # measured .89 where another set of tasks agrees in .34 (halves .30): the card's figure near all tasks says little of the order
    assert np.mean(near) > np.mean(drawn) + 0.3


def test_the_order_of_contests_is_that_of_bradley_terry() -> None:
    contests = planted_contests(np.linspace(0, 2, 6), 50, 0.5, clusters=60)
    strength = _of_contests(contests)(np.ones((1, 60)))[0]
    assert strength == pytest.approx(fit_contests(contests, "half", sd=WEAK_SD)[0].x[:6], abs=1e-8)
    found = rank_stability(contests, draws=100)
    same = [s.same.value for s in found.subsets]
    assert found.tasks == 60 and same[0] < same[2] < same[-1]
    # 75 wins of 100 are 400 log10(3) = 190.85 Elo points, less what the weak prior takes
    three = Contests(("a", "b"), np.zeros(100, int), np.ones(100, int), np.repeat([1.0, 0.0], [75, 25]), np.arange(100))
    ahead = np.subtract(*_of_contests(three)(np.ones((1, 100)))[0])
    assert ahead * 400 / np.log(10) == pytest.approx(400 * np.log10(3), abs=1)


def test_a_system_that_always_wins_stays_finite() -> None:
    contests = contests_of_marks(marks_evidence(np.array([[2.0] * 8, [1.0] * 8, [0.0] * 8])).marks)
    found = rank_stability(contests, [1, 4], draws=20)
    assert found.systems == ("s0", "s1", "s2") and [s.same.value for s in found.subsets] == [1.0, 1.0]


def test_draws_in_which_a_system_is_not_seen_are_not_the_same() -> None:
    value, known = np.arange(3)[:, None] + np.zeros(10), np.ones((3, 10), bool)
    known[0, 1:] = False
    (one,) = rank_stability(marks_evidence(value, known).marks, [5], draws=2000).subsets
    assert one.same.value == pytest.approx(0.5, abs=0.05)  # half of the draws hold the one task that it was asked
    assert one.best.value == one.same.value and one.twice.value == 0.0  # of two sets that share nothing one lacks it
    assert one.pairs == pytest.approx((1 + 2 * one.same.value) / 3)


def test_equal_systems_are_the_same_where_they_stay_equal() -> None:
    (two,) = rank_stability(marks_evidence(np.ones((2, 6))).marks, [3], draws=10).subsets
    assert two.same.value == 1.0


def test_the_seed_fixes_the_draws_and_what_cannot_be_drawn_is_said() -> None:
    marks = marks_evidence(np.random.default_rng(0).normal(size=(4, 12))).marks
    assert rank_stability(marks, seed=3) == rank_stability(marks, seed=3) != rank_stability(marks, seed=4)
    with pytest.raises(ConfigError, match="of 12 tasks 1 to 11 can be drawn, not 12"):
        rank_stability(marks, [12])
    with pytest.raises(ConfigError, match="4 tasks"):
        rank_stability(marks_evidence(np.ones((2, 3))).marks)
    with pytest.raises(ConfigError, match="1 draw"):
        rank_stability(marks, draws=0)


def test_a_block_of_the_ranking_page() -> None:
    found = rank_stability(marks_evidence(np.random.default_rng(0).normal(size=(4, 12))).marks, [3, 9], draws=50)
    grid, curves = stability_blocks(found)
    assert isinstance(grid, Grid) and isinstance(curves, Curves)
    assert [row[0] for row in grid.rows] == [3, 9] and grid.rows[1][-1] is None and all(len(r) == len(grid.columns) for r in grid.rows)
    assert "4 systems stand in one order by chance with 0.042" in grid.caption
    assert "Same order by fewer tasks" in html_page(Page("Ranking", (grid, curves)))
