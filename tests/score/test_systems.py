"""Figures of systems and criteria: means of ratios, ratios of sums and pass rates, with intervals that say what they rest on."""

from __future__ import annotations

import gzip
import json
import math
import statistics
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from criterial.core.builder import TableBuilder, table_of
from criterial.core.rubric import Policy, Rubric
from criterial.core.score import Estimate
from criterial.core.verdict import State
from criterial.formats.load import read_cases
from criterial.maths.intervals import share_interval
from criterial.score.estimates import mean_estimate
from criterial.score.scoring import score
from criterial.score.systems import part_means, pass_rates, state_counts, system_scores
from tests.helpers_tables import (
    ABSTAINED,
    COUNT,
    FAILED,
    NA,
    POSITIVE,
    QUICK,
    binary,
    case,
    close,
    credits_of,
    crit,
    flat_rubrics,
    rows_of,
    rubric,
    score_of,
    scores,
    shared,
    table,
)

ANY = st.sampled_from([FAILED, ABSTAINED, NA, None])


@given(flat_rubrics(weights=POSITIVE), flat_rubrics(), st.data())
@QUICK
def test_the_pooled_share_is_the_ratio_of_sums_over_decided_cells(first: Rubric, second: Rubric, data: st.DataObject) -> None:
    rubrics = data.draw(st.lists(st.sampled_from([first, second]), min_size=1, max_size=5))
    rows = [data.draw(rows_of(r, nothing=ANY))[0] for r in rubrics]
    decided = [(c, v) for r, row in zip(rubrics, rows, strict=True) for c, v in zip(r.criteria, row, strict=True) if isinstance(v, float)]
    earned = sum(c.weight * credits_of(c.scale)[v] for c, v in decided)
    top = sum(max(c.weight, 0.0) for c, _ in decided)
    (found,) = system_scores(scores(rubrics, rows))
    assert found.pooled.value == close(earned / top if top > 0 else None)


def test_the_mean_of_ratios_and_the_ratio_of_sums_differ_where_rubrics_do() -> None:
    (found,) = system_scores(scores([binary(1), binary(1, 1, 1)], [[1], [0, 0, 0]]))
    assert (found.mean.value, found.pooled.value) == (0.5, 0.25)


def test_the_interval_of_the_ratio_of_sums_is_its_linearised_one() -> None:
    earned, top = [1.0, 2.0, 0.0, 3.0], [1.0, 3.0, 2.0, 3.0]
    rubrics = [binary(*[1.0] * int(t)) for t in top]
    rows = [[float(i < e) for i in range(int(t))] for e, t in zip(earned, top, strict=True)]
    (found,) = system_scores(scores(rubrics, rows))
    ratio = 6 / 9
    residual = [e - ratio * t for e, t in zip(earned, top, strict=True)]
    se = math.sqrt(4 / 3 * sum(r * r for r in residual)) / 9
    half = float(stats.t.ppf(0.975, 3)) * se
    assert (found.pooled.value, found.pooled.se) == close((ratio, se))
    assert (found.pooled.low, found.pooled.high) == close((ratio - half, ratio + half))


def test_systems_stand_best_first_and_what_has_no_score_last() -> None:
    rows = [[0], [1], [FAILED], [1], [0]]
    found = system_scores(scores(binary(1), rows, systems=["b", "a", "none", "b", "c"]))
    assert [(s.system, s.mean.value, s.responses) for s in found] == [("a", 1.0, 1), ("b", 0.5, 2), ("c", 0.0, 1), ("none", None, 1)]
    tied = system_scores(scores(binary(1), [[1], [1]], systems=["z", "a"]))
    assert [s.system for s in tied] == ["a", "z"]


def test_a_system_s_bounds_take_in_all_its_responses_and_the_unscored_are_counted() -> None:
    (found,) = system_scores(scores(binary(1, 3), [[1, 1], [1, FAILED], [FAILED, None]]))
    assert (found.mean.value, found.mean.n, found.unscored, found.responses) == (1.0, 2, 1, 3)
    assert (found.low, found.high, found.coverage) == close(((1 + 0.25 + 0) / 3, 1.0, (1 + 0.25 + 0) / 3))


def test_the_mean_over_tasks_has_students_interval() -> None:
    values = [0.5, 0.5, 0.0, 0.5, 1.0]
    (found,) = system_scores(scores(binary(1, 1), [[float(v > 0), float(v > 0.5)] for v in values]))
    half = float(stats.t.ppf(0.975, 4)) * statistics.stdev(values) / math.sqrt(5)
    assert (found.mean.value, found.mean.low, found.mean.high) == close((0.5, 0.5 - half, 0.5 + half))
    assert found.mean.method == "t interval over 5 tasks"


def test_there_is_no_interval_over_one_task() -> None:
    (found,) = system_scores(scores(binary(1), [[1], [0]], one_task=True))
    assert (found.mean.value, found.mean.low, found.mean.high, found.mean.n) == (0.5, None, None, 2)
    assert found.mean.method == "no interval: all from one of the tasks"
    assert (found.pooled.value, found.pooled.low) == (0.5, None)


@pytest.mark.parametrize(
    ("options", "clipped"), [({"clip": "mean"}, True), ({}, True), ({"clip": "none"}, False), ({"normalise": False}, False)]
)
def test_the_mean_and_its_interval_stay_on_the_scale_where_there_is_one(options: dict[str, Any], clipped: bool) -> None:
    (found,) = system_scores(scores(binary(1, 2, -8, **options), [[1, 0, 0], [1, 1, 1]]))
    values = [1 / 3, 0.0 if options == {} else -5 / 3]
    mean, half = statistics.fmean(values), float(stats.t.ppf(0.975, 1)) * statistics.stdev(values) / math.sqrt(2)
    if options.get("normalise") is False:
        mean, half = 3 * mean, 3 * half
    ends = [min(1.0, max(0.0, v)) if clipped else v for v in (mean, mean - half, mean + half)]
    assert [found.mean.value, found.mean.low, found.mean.high] == pytest.approx(ends)


def test_the_mean_of_tree_scores_stays_on_their_scale_too() -> None:
    (found,) = system_scores(scores(binary(1, policy="tree"), [[0], [1]]))
    assert (found.mean.value, found.mean.low, found.mean.high) == (0.5, *share_interval(0.5, 0.5, 2, 2))
    assert found.mean.method == "Wilson interval over 2 tasks"


def test_nothing_has_no_mean() -> None:
    assert mean_estimate(np.zeros(0), np.zeros(0, dtype=np.int64)) == Estimate(None, None, None, 0, "nothing to take a mean of")
    assert system_scores(score(TableBuilder([case(binary(1), 0)], table(binary(1), [[1]]).layers).build())) == []


def test_the_pass_rate_of_a_criterion_is_its_mean_credit_where_decided() -> None:
    made = rubric(crit("a"), crit("n", scale=COUNT))
    rates = pass_rates(scores(made, [[1, 3], [0, 0], [FAILED, 1], [ABSTAINED, NA], [1, None]]))
    assert [(r.criterion, r.rate.value, r.decided, r.open) for r in rates] == [
        ("a", close(2 / 3), 3, 2),
        ("n", close((1 + 0 + 1 / 3) / 3), 3, 1),
    ]
    assert [r.rate.method for r in rates] == ["Wilson interval over 3 tasks", "t interval over 3 tasks"]


def test_pass_rates_follow_the_criteria_of_every_rubric_in_the_table() -> None:
    rates = pass_rates(scores([binary(1, 1), rubric(crit("x")), binary(1, 1)], [[1, 0], [1], [0, 0]]))
    assert [(r.rubric, r.criterion, r.rate.value) for r in rates] == [(0, "c0", 0.5), (0, "c1", 0.0), (1, "x", 1.0)]
    assert rates[2].rate.low is None


@pytest.mark.parametrize("marks", [[1, 0], [1, 0, 1, 1, 0, 1]])
def test_the_pass_rate_within_one_task_rests_on_its_responses(marks: list[int]) -> None:
    (rate,) = pass_rates(scores(binary(1), [[m] for m in marks], one_task=True))
    assert rate.rate.method == f"Wilson interval over {len(marks)} responses"
    assert rate.rate.se == close(statistics.stdev(marks) / math.sqrt(len(marks)))


def test_a_criterion_that_was_never_decided_has_no_pass_rate() -> None:
    (rate,) = pass_rates(scores(binary(1), [[FAILED], [NA]]))
    assert (rate.rate.value, rate.decided, rate.open) == (None, 0, 1)


def test_every_cell_is_counted_in_one_state() -> None:
    counts = state_counts(scores(binary(1, 1), [[1, FAILED], [NA, ABSTAINED], [0, None]]))
    assert counts == {"decided": 2, "abstained": 1, "not_applicable": 1, "failed": 2}


@pytest.mark.parametrize(
    ("layers", "state"),
    [
        ([1, FAILED], "decided"),
        ([1, ABSTAINED], "decided"),
        ([1, ABSTAINED, ABSTAINED], "abstained"),
        ([ABSTAINED, FAILED, None], "abstained"),
        ([NA, FAILED], "not_applicable"),
        ([1, NA, NA], "not_applicable"),
        ([FAILED, None], "failed"),
    ],
)
def test_a_cell_of_several_layers_is_counted_as_they_are_pooled(layers: list[Any], state: str) -> None:
    counts = state_counts(scores(binary(1), *([[cell]] for cell in layers)))
    assert counts == {**dict.fromkeys(counts, 0), state: 1}


def test_a_cell_that_a_requirement_settles_is_counted_in_the_state_of_its_verdict() -> None:
    counts = state_counts(scores(rubric(crit("a"), crit("b", requires=("a",)), crit("c", requires=("a",))), [[0, FAILED, NA]]))
    assert counts == {"decided": 1, "abstained": 0, "not_applicable": 1, "failed": 1}


MIXED = {
    "weighted": rubric(crit("a", 2.0, tier="x"), crit("b", 1.0)),
    "healthbench": rubric(crit("a", 1.0, tier="x"), crit("b", -4.0), clip="mean", negative_only=False),
    "raw": rubric(crit("a", 5.0), crit("b", -4.0, effect="deduct", cap=2.0), normalise=False),
    "tree": rubric(crit("a", 3.0, tier="x"), crit("b", 1.0), policy="tree"),
    "gated": rubric(crit("a", 3.0), crit("b", effect="gate"), floor=0.25),
}


def test_rubrics_of_different_policies_in_one_table_score_as_each_does_alone() -> None:
    names = [*MIXED, *reversed(MIXED), "tree"]
    rows: list[list[Any]] = [[1, 1], [0, 1], [FAILED, 1], [1, 0], [1, FAILED], [0, 0], [1, 1], [1, 1], [NA, 1], [ABSTAINED, None], [1, 0]]
    together = scores([MIXED[n] for n in names], rows)
    for name, row, found in zip(names, rows, together, strict=True):
        (alone,) = scores(MIXED[name], [row])
        for field in ("value", "low", "high", "se", "coverage", "parts", "vetoed_by", "capped"):
            assert getattr(found, field) == getattr(alone, field), (name, row, field)
    assert not together.rows.clip_mean


def test_one_policy_can_take_the_place_of_all() -> None:
    names = list(MIXED)
    built = table([MIXED[n] for n in names], [[1, 0]] * len(names))
    forced = score(built, Policy("weighted", {"normalise": False}), parts=False)
    assert [s.value for s in forced] == [2.0, 1.0, 5.0, 3.0, 0.0]
    assert all(s.parts == {} for s in forced)


def test_scores_are_a_sequence() -> None:
    found = scores(binary(1), [[1], [0], [FAILED]], systems=["x", "y", "z"])
    assert len(found) == 3
    assert found[-1] == found[2] == list(found)[2]
    assert found[1:] == [found[1], found[2]]
    assert (found[1].response, found[1].task, found[1].system) == ("r1", "t1", "y")
    with pytest.raises(IndexError):
        found[3]


@pytest.mark.parametrize("language", ["en", "ko"])
def test_infobench_s_ratio_is_the_share_of_its_questions_answered_yes(language: str) -> None:
    path = shared(f"data/infobench/{language}_gpt4_output_gpt4_verdicts.jsonl.gz")
    raw = [json.loads(line) for line in gzip.decompress(path.read_bytes()).decode().splitlines()]
    aligned = [item for item in raw if len(item["eval"]) == len(item["decomposed_questions"])]
    counts = Counter(mark for item in aligned for mark in item["eval"])
    cases = read_cases(path)
    found = score(table_of(cases, [v for c in cases for v in c.verdicts]))
    (system,) = system_scores(found)
    assert system.pooled.value == close(counts[True] / (counts[True] + counts[False]))
    assert state_counts(found) == {
        "decided": counts[True] + counts[False],
        "abstained": counts[None],
        "not_applicable": 0,
        "failed": sum(len(item["decomposed_questions"]) for item in raw if item not in aligned),
    }
    each = [statistics.fmean([bool(m) for m in item["eval"] if m is not None]) for item in aligned if set(item["eval"]) != {None}]
    assert system.mean.value == close(statistics.fmean(each))
    assert system.mean.low is not None
    assert system.mean.high is not None
    assert system.mean.low < statistics.fmean(each) < system.mean.high


def test_a_clipped_mean_lies_within_its_bounds() -> None:
    (found,) = system_scores(scores(binary(1, -5, clip="mean"), [[1, 1]]))
    assert found.mean.value is not None
    assert found.low <= found.mean.value <= found.high


def test_cells_are_counted_in_the_state_in_which_they_are_scored() -> None:
    found = scores(binary(1), [[NA]], [[ABSTAINED]], [[ABSTAINED]])
    assert found.cells.abstained_N.tolist() == [True]
    assert state_counts(found)["abstained"] == 1


@pytest.mark.parametrize("empty", [lambda: table_of([], []), lambda: (t := table(binary(1), [[1]])).rows(t.state_LN[0] == State.FAILED)])
def test_a_table_without_rows_has_no_scores(empty: Any) -> None:
    assert list(score(empty())) == []


def test_parts_of_rubrics_are_averaged_by_system_and_turns_stand_in_their_order() -> None:
    turns = [crit(f"c{t}", scope="turn", turn=t) for t in range(12)]
    made = rubric(crit("must", 2.0, category=("a", "b")), crit("may", required=False, tier="²"), *turns)  # a tier's name is no number
    rows = [[1, 0, *[1.0 if t < 6 else 0.0 for t in range(12)]], [0, FAILED, *[1.0] * 12], [1, 1, *[0.0] * 12]]
    found = part_means(scores(made, rows, systems=["one", "one", "two"]))
    by = {(p.system, p.part): (p.mean.value, p.mean.n) for p in found}
    assert list(dict.fromkeys(p.part for p in found)) == [
        "optional",
        "required",
        "category:a",
        "category:a/b",
        "tier:²",
        *(f"turn:{t}" for t in range(1, 13)),
    ]
    assert by["one", "category:a/b"] == (0.5, 2)
    assert by["one", "optional"] == by["one", "tier:²"] == (0.0, 1)
    assert by["two", "turn:12"] == (0.0, 1)
    assert by["one", "turn:12"] == (0.5, 2)


def test_required_and_optional_points_recombine_to_the_whole() -> None:
    made = rubric(crit("a", 3.0), crit("b", 1.0, required=False), crit("c", 2.0))
    found = score_of(made, [1, 0, 1])
    assert found.value == pytest.approx(5 / 6)
    assert found.value == pytest.approx((5 * (found.parts["required"].value or 0.0) + 1 * (found.parts["optional"].value or 0.0)) / 6)
