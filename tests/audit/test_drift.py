"""The drift gate finds planted drift as often as it should, keeps quiet about harmless edits, and takes the judge's own noise off."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from criterial.audit.drift import Drift, Slice, drift
from criterial.audit.drift_changes import edits_of
from criterial.core.builder import TableBuilder
from criterial.core.criterion import Criterion
from criterial.core.rubric import Rubric
from criterial.core.table import Layer, VerdictTable
from criterial.core.task import Case
from criterial.core.verdict import State
from criterial.errors import ConfigError, TableError
from criterial.formats.pairing import PAIR
from criterial.score.cells import cells_of
from tests.helpers_tables import ABSTAINED, FAILED, binary, case, cases_of, crit, response, rubric, table, task

PAIRS = Rubric((PAIR,))
EDITED = Rubric((replace(PAIR, text="Is the better of the two responses; prefer the direct one."),))
Flags = NDArray[np.bool_]


def pair_cases(n: int, seed: int = 0, domains: int = 2) -> list[Case]:
    """Return pairs of two systems' responses of 20 to 600 characters, in domains by turns."""
    rng = np.random.default_rng(seed)
    out = []
    for i in range(n):
        both = tuple(response(f"p{i}/{s}", "x" * int(rng.integers(20, 600)), system=f"s{s}") for s in range(2))
        out.append(Case(task(f"p{i}", tags=(f"domain:{'ab'[i % domains]}",)), PAIRS, both))
    return out


def pair_table(cases: Sequence[Case], *first_wins: NDArray[np.float64] | Flags, rubric: Rubric = PAIRS) -> VerdictTable:
    """Return the table of pairs that the first response wins (1), ties (.5) or loses (0), a layer a repeat."""
    blank = TableBuilder([replace(c, rubric=rubric) for c in cases], [Layer("j", k) for k in range(len(first_wins))]).build()
    wins_LP = np.array(first_wins, dtype=np.float64)
    value_LN = np.stack([2 * wins_LP, 2 - 2 * wins_LP], axis=2).reshape(len(first_wins), -1)
    return replace(blank, state_LN=np.full_like(blank.state_LN, State.DECIDED), value_LN=value_LN)


def flipped(rng: np.random.Generator, right: Flags, lost: float, gained: float) -> Flags:
    """Return who is right after such shares of all were lost and gained."""
    draw = rng.random(len(right))
    return np.where(right, draw >= lost / right.mean(), draw < gained / (~right).mean())


def edited(cases: Sequence[Case], rng: np.random.Generator, discordance: float, drop: float) -> Drift:
    """Return the audit of an edit that changes such a share of verdicts of a judge who is right on 80 %."""
    gold = rng.random(len(cases)) < 0.5
    right = rng.random(len(cases)) < 0.8
    after = flipped(rng, right, (discordance + drop) / 2, (discordance - drop) / 2)
    tables = (pair_table(cases, gold == right), pair_table(cases, gold == after, rubric=EDITED))
    return drift(*tables, pair_table(cases, gold), cases)


def part(found: Drift, name: str) -> Slice:
    return next(s for s in found.slices if s.name == name)


def test_a_planted_loss_is_blocked_and_harmless_edits_are_not() -> None:
    """Figure 12 of reliability.md. Measured with 400 repeats: 9.5 points at n = 400 blocked in 100 %, at n = 200 in 92 %; of harmless
    edits with 15 % of verdicts changed 3.0 % blocked at n = 400 and 0.8 % at n = 200.
    """
    rng = np.random.default_rng(1)
    cases = pair_cases(400)
    assert all(edited(cases, rng, 0.15, 0.095).decision == "block" for _ in range(10))
    assert sum(edited(cases, rng, 0.15, 0.0).decision == "block" for _ in range(20)) <= 3
    assert sum(edited(cases[:200], rng, 0.15, 0.0).decision == "block" for _ in range(20)) <= 1


def test_a_length_preference_in_one_domain_is_blocked_there_and_told_apart() -> None:
    """The card's planted judge: the reference, and in domain b a preference for the shorter response that costs 9.5 points at n = 200."""
    cases = pair_cases(400)
    lengths = np.array([[len(r.text) for r in c.responses] for c in cases], dtype=float)
    in_b = np.array(["domain:b" in c.task.tags for c in cases])
    blocked = 0
    for seed in range(20):
        margin = np.random.default_rng(seed).normal(size=400)
        pull = 0.0012 * (lengths[:, 1] - lengths[:, 0]) * in_b
        gold, said = margin > 0, margin + pull > 0
        found = drift(pair_table(cases, gold), pair_table(cases, said, rubric=EDITED), pair_table(cases, gold), cases)
        target, bench = part(found, "domain:b"), part(found, "domain:a")
        blocked += found.decision == "block" and target.p <= 0.05
        assert (target.n, bench.n, bench.flips, bench.delta.value) == (200, 200, 0.0, 0.0)
        assert found.features[0].name == "shorter" and found.features[0].shift.value > 0
        assert all(f.effect == "worse" for f in found.flips) and len(found.flips) == target.lost
        assert 0.04 <= target.flips <= 0.16
    assert blocked == 20


def test_the_same_rubric_twice_changes_nothing_where_the_judge_is_steady() -> None:
    cases = pair_cases(100)
    said = pair_table(cases, np.random.default_rng(0).random(100) < 0.5)
    found = drift(said, said, said, cases)
    assert found.slices[0].flips == found.between.value == 0.0
    assert (found.flips, found.features, found.edits) == ((), (), ())
    assert found.decision == "warn" and [f.code for f in found.why] == ["power"]


def test_the_same_rubric_twice_differs_by_the_judges_own_noise_alone_and_that_is_taken_off() -> None:
    rng = np.random.default_rng(5)
    made = binary(*[1.0] * 4)
    truth = rng.random((500, 4)) < 0.5

    def asked() -> VerdictTable:
        return table(made, *((truth ^ (rng.random(truth.shape) < 0.1)).astype(float).tolist() for _ in range(3)))

    found = drift(asked(), asked(), table(made, truth.astype(float).tolist()))
    assert found.within.value == pytest.approx(2 * 0.1 * 0.9, abs=0.015)
    assert found.between.value == pytest.approx(found.within.value, abs=0.015)
    assert found.beyond.low <= 0.0 <= found.beyond.high
    assert found.decision == "pass" and not found.why


def test_flips_that_cancel_are_told_and_noise_is_no_such_flip() -> None:
    n = 1500
    rng = np.random.default_rng(4)
    made, truth = binary(1.0), np.ones((n, 1))
    right = rng.random(n) < 0.7
    swapped = flipped(rng, right, 0.08, 0.08)
    before, after = (table(made, *[r[:, None].astype(float).tolist()] * 2) for r in (right, swapped))
    found = drift(before, after, table(made, truth.tolist()))
    assert found.within.value == 0.0 and found.slices[0].flips == pytest.approx(0.16, abs=0.02)
    assert found.decision == "warn" and "hidden_flips" in [f.code for f in found.why]
    assert "beyond the judge's own noise" in next(f.message for f in found.why if f.code == "hidden_flips")


def test_repeats_that_saw_a_pair_in_two_orders_are_no_measure_of_noise() -> None:
    cases = pair_cases(40)
    always_first = pair_table(cases, np.ones(40), np.zeros(40))
    found = drift(always_first, always_first, pair_table(cases, np.ones(40)), cases)
    assert found.within.value is None and "two of each order" in found.within.method
    four = pair_table(cases, np.ones(40), np.zeros(40), np.ones(40), np.zeros(40))
    assert drift(four, four, pair_table(cases, np.ones(40)), cases).within.value == 0.0


def test_both_orders_that_disagree_are_a_tie_and_the_loss_shows_where_the_better_one_stands_second() -> None:
    n = 200
    rng = np.random.default_rng(5)
    cases = pair_cases(n)
    gold = rng.random(n) < 0.5
    lured = rng.random(n) < 0.3  # whoever is shown first wins
    steady = pair_table(cases, gold, gold)
    biased = pair_table(cases, gold | lured, gold & ~lured, rubric=EDITED)
    found = drift(steady, biased, pair_table(cases, gold), cases)
    first, second = part(found, "the better one shown first"), part(found, "the better one shown second")
    assert (first.n, first.flips, first.delta.value) == (n, 0.0, 0.0)
    assert second.delta.value == pytest.approx(-lured.mean()) and second.p < 1e-6
    assert found.slices[0].after.value == pytest.approx(1 - lured.mean() / 2)
    assert found.features[0].name == "shown first" and found.features[0].shift.value == pytest.approx(lured.mean() / 2)


def test_a_small_sample_warns_with_the_size_it_needs_and_a_large_one_passes() -> None:
    rng = np.random.default_rng(6)

    def checked(n: int) -> Drift:
        made, right = binary(1.0), rng.random(n) < 0.8
        after = flipped(rng, right, 0.005, 0.005)
        return drift(*(table(made, r[:, None].astype(float).tolist()) for r in (right, after)), table(made, [[1]] * n))

    small, large = checked(60), checked(1200)
    assert small.decision == "warn" and small.slices[0].power < 0.2
    assert f"judge {small.slices[0].needed} items or more" in small.why[0].hint and small.slices[0].needed > 300
    assert large.decision == "pass" and large.slices[0].power >= 0.8 and large.slices[0].needed <= 1200


def test_verdicts_of_one_task_are_not_taken_for_independent() -> None:
    """Eight criteria that move together: McNemar's test over cells would block 1 in 3 of these harmless edits (tests/maths)."""
    made, rng = binary(*[1.0] * 8), np.random.default_rng(7)
    blocked = 0
    for _ in range(40):
        right = rng.random(60) < 0.7
        after = flipped(rng, right, 0.1, 0.1)
        tables = [table(made, np.repeat(r[:, None], 8, axis=1).astype(float).tolist()) for r in (right, after)]
        found = drift(*tables, table(made, np.ones((60, 8)).tolist()))
        assert found.slices[0].test == "sign flips of 60 tasks"
        blocked += found.decision == "block"
    assert blocked <= 2


def test_a_slice_that_is_worse_by_less_than_the_tolerance_does_not_block_however_sure_that_is() -> None:
    made, n = binary(1.0), 4000
    after = np.ones((n, 1))
    after[:30] = 0.0
    ones = table(made, np.ones((n, 1)).tolist())
    found = drift(ones, table(made, after.tolist()), ones)
    assert found.slices[0].p < 1e-6 and found.slices[0].delta.value == pytest.approx(-0.0075)
    assert found.decision == "pass"
    assert drift(ones, table(made, after.tolist()), ones, tolerance=0.004).decision == "block"


def test_an_abstention_is_half_right_and_a_failed_call_is_left_out() -> None:
    made = binary(1.0)
    rows = [[1], [1], [0], [1]] * 10
    after = [[ABSTAINED], [FAILED], [0], [1]] * 10
    found = drift(table(made, rows), table(made, after), table(made, rows))
    assert (found.slices[0].n, found.left_out) == (30, 10)
    assert found.slices[0].after.value == pytest.approx((0.5 + 1 + 1) / 3)
    assert "incomplete" in [f.code for f in found.why]
    assert {(f.before, f.after, f.effect) for f in found.flips} == {("yes", "abstained", "worse")}


def test_without_labels_scores_are_compared_and_nothing_blocks() -> None:
    systems = ["good", "poor"] * 60
    made = binary(1.0, 1.0)
    before = table(made, [[1, 1], [0, 1]] * 60, systems=systems)
    after = table(made, [[0, 1], [1, 1]] * 60, systems=systems)
    found = drift(before, after, cases=cases_of(made, 120, systems))
    assert (found.compared, found.decision) == ("scores", "warn")
    assert found.slices[0].delta.value == 0.0 and found.slices[0].flips == 1.0
    assert part(found, "system good").delta.value == -0.5
    assert [(s.system, s.place_before, s.place_after) for s in found.systems] == [("good", 1, 2), ("poor", 2, 1)]
    assert {f.code for f in found.why} >= {"shift", "rank", "hidden_flips"}
    assert [(c.criterion, c.flips, c.change.value) for c in found.criteria] == [("c0", 1.0, 0.0), ("c1", 0.0, 0.0)]
    assert [f.code for f in drift(before, before).why] == ["power"]


def test_labels_on_pairs_as_wholes_are_compared_with_whose_score_is_higher() -> None:
    made = binary(2.0, 1.0)
    gold_cases = [Case(task(f"t{i}"), PAIRS, (response(f"t{i}/a"), response(f"t{i}/b"))) for i in range(40)]
    judged = [replace(c, rubric=made) for c in gold_cases]

    def by(rows: list[list[int]]) -> VerdictTable:
        blank = TableBuilder(judged, [Layer("j")]).build()
        return replace(blank, state_LN=np.full_like(blank.state_LN, 1), value_LN=np.array(rows * 40, dtype=float).reshape(1, -1))

    labels = pair_table(gold_cases, np.ones(40))
    found = drift(by([[1, 0], [0, 1]]), by([[0, 1], [0, 1]]), labels)
    assert found.compared == "preferences" and (found.slices[0].before.value, found.slices[0].after.value) == (1.0, 0.5)
    assert found.decision == "block"
    assert (found.flips[0].before, found.flips[0].after, found.flips[0].criterion) == ("t0/a", "tie", "")


def test_criteria_are_matched_by_id_and_every_edit_is_told() -> None:
    old = rubric(crit("a"), crit("b", 2.0), crit("gone"))
    new = rubric(Criterion("new", "is new"), crit("b", 3.0), Criterion("a", "does a, briefly"))
    rows = [[1, 0, 1], [0, 1, 1]] * 10
    turned = [[0, row[1], row[0]] for row in rows]
    found = drift(table(old, rows), table(new, turned), table(old, rows))
    assert found.slices[0].flips == 0.0 and found.slices[0].n == 40
    told = [(e.action, e.criterion, e.reason) for e in found.edits]
    assert told == [
        ("replace", "a", "drops: a; adds: a, briefly"),
        ("reweigh", "b", "weighs 3 in place of 2"),
        ("remove", "gone", "is gone"),
        ("add", "new", "is new"),
    ]


def test_a_fault_that_is_found_less_often_moves_verdicts_towards_the_response() -> None:
    made = rubric(crit("good"), crit("bad", -1.0))
    made_cases = [case(made, [response(f"r{i}", "I can't help you" if i % 2 else "Sure, do just so")], f"t{i}") for i in range(60)]
    before = table(made, [[1, 1]] * 60)
    after = table(made, [[1, 0] if i % 2 else [1, 1] for i in range(60)])
    before, after = (replace(t, responses=tuple(f"r{i}" for i in range(60))) for t in (before, after))
    found = drift(before, after, before, made_cases)
    assert found.features[0].name == "refusing" and found.features[0].shift.value == pytest.approx(0.5)
    assert found.features[0].n == 60 and found.features[0].p < 0.001


def test_features_that_play_no_part_are_seldom_significant() -> None:
    rng = np.random.default_rng(8)
    cases = pair_cases(120)
    alarms = sum(any(f.p <= 0.05 for f in edited(cases, rng, 0.3, 0.0).features) for _ in range(20))
    assert alarms <= 3


def test_tables_that_cannot_be_compared_are_refused() -> None:
    one = table(binary(1), [[1], [0]])
    with pytest.raises(TableError, match="different responses"):
        drift(one, table(binary(1), [[1]]))
    with pytest.raises(TableError, match="different judges"):
        drift(one, table(binary(1), [[1], [0]], judges=("another",)))
    with pytest.raises(TableError, match="labels are of other responses"):
        drift(one, one, table(binary(1), [[1]]))
    with pytest.raises(TableError, match="nothing that has a label"):
        drift(one, one, table(binary(1), [[None], [None]]))
    with pytest.raises(TableError, match="nothing that has a label"):
        drift(one, table(binary(1), [[FAILED], [FAILED]]), one)
    with pytest.raises(TableError, match="no response has a score"):
        drift(one, table(binary(1), [[FAILED], [FAILED]]))
    with pytest.raises(TableError, match="cases are not those"):
        drift(one, one, one, cases_of(binary(1), 1))
    with pytest.raises(ConfigError, match="a tolerance of 2"):
        drift(one, one, one, tolerance=2)


def test_one_task_gives_no_interval_and_warns() -> None:
    one = table(binary(1), [[1], [0], [1]], one_task=True)
    found = drift(one, one, one)
    assert found.slices[0].power is None and found.slices[0].delta.low is None
    assert found.decision == "warn" and "judge responses to many tasks" in found.why[0].hint


def test_inputs_are_left_as_they_are() -> None:
    made = binary(1)
    before, after = table(made, [[1], [0]]), table(made, [[0], [0]])
    copies = [(t.state_LN.copy(), t.value_LN.copy()) for t in (before, after)]
    drift(before, after, before)
    assert all(np.array_equal(t.state_LN, s) and np.array_equal(t.value_LN, v) for t, (s, v) in zip((before, after), copies, strict=True))
    assert cells_of(before).known_N.all()


def test_other_changes_of_a_rubric_are_told_too() -> None:
    old = rubric(crit("a"), crit("b"))
    counted = replace(old.criteria[1], threshold=0.9)
    new = replace(old, criteria=(old.criteria[0], counted), guidelines="Read twice.")
    assert [(e.criterion, e.reason) for e in edits_of(old, new)] == [
        ("b", "the same words are asked or counted in another way"),
        ("guidelines", "adds: Read twice."),
    ]


def test_of_one_task_features_have_no_interval() -> None:
    made = binary(1.0)
    systems = ["x", "y"] * 15
    one, two = (table(made, [[v], [1]] * 15, systems=systems, one_task=True) for v in (1, 0))
    found = drift(one, two, one)
    told = {f.name: (f.shift.value, f.shift.low) for f in found.features}
    assert told == {"system x": (pytest.approx(-1), None), "system y": (pytest.approx(1), None)}
    assert "of 1 tasks" in found.slices[0].test


def prompts(file: Path) -> list[str]:
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        return [json.loads(line)["prompt"] for line in lines if line.strip()]


def test_the_published_biased_rubrics_differ_in_the_words_that_carry_the_bias(shared: Path) -> None:
    """RIPD's seeds and the rubrics that its search selected, read as one criterion about a pair each; there is no live judge here."""
    carried = {
        "helpfulness__Ultra-Real": ("concise", "direct", "unsolicited"),
        "helpfulness__Ultra-Creative": ("direct", "unsolicited", "redundant"),
        "harmlessness__SafeRLHF-RMB": ("refusal", "**any"),
        "harmlessness__Anthropic-SafeRLHF": ("refuses,", "deflects,", "vague,"),
    }
    for name, words in carried.items():
        seed, biased = prompts(next((shared / "data" / "ripd").glob(f"rubrics_selection__{name}__*.gz")))
        old, new = (Rubric((replace(PAIR, text=text),)) for text in (seed, biased))
        (edit,) = edits_of(old, new)
        assert (edit.action, edit.before, edit.after) == ("replace", seed, biased)
        came = set(biased.lower().split()) - set(seed.lower().split())
        assert came.issuperset(words), (name, words)
        assert "drops: " in edit.reason and "adds: " in edit.reason and len(edit.reason) < 2000
    assert edits_of(PAIRS, PAIRS) == []
