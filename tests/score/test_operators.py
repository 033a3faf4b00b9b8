"""Operators keep what policies promise: bounds hold every completion, neutral settings change nothing, more credit never costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from criterial.core.rubric import Node, Policy, Rubric
from criterial.errors import ConfigError
from criterial.score.cells import cells_of
from criterial.score.composed import METHOD, run_steps
from criterial.score.operators import OPERATORS, step_of
from tests.helpers_tables import (
    ABSTAINED,
    COUNT,
    FAILED,
    NA,
    QUICK,
    THREE,
    Cell,
    close,
    crit,
    rows_of,
    rubric,
    score_of,
    scores,
    table,
    values_of,
)

SLACK = 1e-9
TIERS = ["essential", "important", "highlight", "pitfall"]
Step = dict[str, Any]


@st.composite
def rubrics(draw: st.DrawFn, faults: bool = True) -> Rubric:
    """Draw a rubric over four tiers and two categories."""
    made = []
    for i in range(draw(st.integers(1, 5))):
        tier = draw(st.sampled_from(TIERS if faults else TIERS[:3]))
        weight = draw(st.sampled_from([0.5, 1.0, 2.0])) * (-1.0 if tier == "pitfall" else 1.0)
        fields: dict[str, Any] = {
            "tier": tier,
            "category": (draw(st.sampled_from("ab")),),
            "scale": draw(st.sampled_from([crit("x").scale, THREE])),
        }
        if faults and draw(st.integers(0, 5)) == 0:
            fields |= {"effect": "deduct", "scale": COUNT, "cap": draw(st.sampled_from([None, 1.0]))}
        made.append(crit(f"c{i}", weight, **fields))
    return rubric(*made)


CELL_STEPS = st.sampled_from(
    [
        {"op": "points", "of": {"essential": 3.0, "pitfall": -2.0}},
        {"op": "points", "of": {"*": 1.0}, "by": "category"},
        {"op": "met"},
        {"op": "met", "threshold": 1.0},
        {"op": "saturate", "kappa": 3.0},
    ]
)
GROUPINGS = st.builds(
    lambda by, share: {"op": "group", "by": by, "share": share},
    st.sampled_from(["all", "tier", "category", "subcategory", "required", "criterion", "turn", "parent"]),
    st.sampled_from(["points", "balance", "geometric"]),
)
GROUP_STEPS = st.sampled_from(
    [
        {"op": "cap", "most": 0.6},
        {"op": "cap", "most": 0.4, "only": ["important", "a"]},
        {"op": "saturate", "kappa": 2.0, "only": ["highlight", "b"]},
        {"op": "truncate", "core": "essential", "forfeit": ["important", "highlight"], "damage": "pitfall"},
        {"op": "truncate", "core": "a", "forfeit": ["b"], "below": 0.8},
        {"op": "limit", "core": "essential", "groups": ["important", "highlight"], "times": 0.5},
        {"op": "limit", "core": "a", "groups": ["b"], "times": 0.25, "weights": {"a": 2.0}},
    ]
)
TOTALS = st.builds(
    lambda how, weights: {"op": "total", "how": how, "weights": weights},
    st.sampled_from(["points", "mean", "sum", "least"]),
    st.sampled_from([{}, {"essential": 2.0, "pitfall": 2.0}, {"a": 0.0}]),
)
INTERACT = {"op": "interact", "synergy": {"essential+important": 0.2, "a+b": 0.1}, "lopsided": {"essential+highlight": -0.2}}
TOTAL_STEPS = st.sampled_from(
    [
        {"op": "shape", "knee": 0.7},
        {"op": "clip"},
        {"op": "range", "low": 1.0, "high": 5.0},
        {"op": "bands", "cuts": [0.2, 0.4, 0.6, 0.8]},
        {"op": "veto", "of": {"essential": 0.5, "c0": 0.5}, "floor": -1.0},
        INTERACT,
    ]
)


@st.composite
def policies(draw: st.DrawFn) -> list[Step]:
    steps = draw(st.lists(CELL_STEPS, max_size=2))
    if draw(st.booleans()):
        steps = [*steps, draw(GROUPINGS)]
    steps = [*steps, *draw(st.lists(GROUP_STEPS, max_size=2))]
    if draw(st.booleans()):
        steps = [*steps, draw(TOTALS)]
    return [*steps, *draw(st.lists(TOTAL_STEPS, max_size=3))]


def under(made: Rubric, steps: Sequence[Step]) -> Rubric:
    return replace(made, policy=Policy("composed", {"steps": list(steps)}))


def completions(made: Rubric, row: Sequence[Cell]) -> list[list[Cell]]:
    """Return every way in which the open cells of a row may turn out."""
    known = (cell is NA or isinstance(cell, float) for cell in row)
    return [list(c) for c in product(*([cell] if k else values_of(c.scale) for c, cell, k in zip(made.criteria, row, known, strict=True)))]


@given(rubrics(), policies(), st.data())
@QUICK
def test_every_completion_of_a_row_scores_within_the_bounds_of_any_policy(made: Rubric, steps: list[Step], data: st.DataObject) -> None:
    row = data.draw(rows_of(made, nothing=st.sampled_from([FAILED, ABSTAINED, None, NA])))[0]
    whole = under(made, steps)
    found = score_of(whole, row)
    assert np.isfinite([found.low, found.high, found.coverage]).all()
    if found.value is not None:
        assert found.low - SLACK <= found.value <= found.high + SLACK
    for other in scores(whole, completions(made, row)):
        if other.value is not None:
            assert found.low - SLACK <= other.value <= found.high + SLACK


@given(rubrics(), policies(), st.data())
@QUICK
def test_where_all_is_decided_the_bounds_are_the_score(made: Rubric, steps: list[Step], data: st.DataObject) -> None:
    row = data.draw(rows_of(made))[0]
    found = score_of(under(made, steps), row)
    if found.value is not None:
        assert (found.low, found.high) == (pytest.approx(found.value, abs=1e-9), pytest.approx(found.value, abs=1e-9))


def rising(steps: Sequence[Step]) -> bool:
    return all(not s.get("lopsided") for s in steps)


@given(rubrics(), policies().filter(rising), st.data())
@QUICK
def test_meeting_more_or_erring_less_never_lowers_a_score(made: Rubric, steps: list[Step], data: st.DataObject) -> None:
    row = data.draw(rows_of(made))[0]
    place = data.draw(st.integers(0, len(row) - 1))
    values = sorted(values_of(made.criteria[place].scale), reverse=made.criteria[place].is_fault)
    whole = under(made, steps)
    if whole.policy.options["steps"] and any(s.get("of", {}).get("*") for s in steps):
        return  # every criterion is given the same positive points there, faults too
    found = [s.value for s in scores(whole, [[*row[:place], v, *row[place + 1 :]] for v in values])]
    known = [v for v in found if v is not None]
    assert all(a <= b + SLACK for a, b in pairwise(known))


NEUTRAL: list[Step] = [
    {"op": "saturate", "kappa": 0.0},
    {"op": "cap", "most": 1.0},
    {"op": "truncate", "core": "essential", "forfeit": ["important"], "below": 0.0, "damage": "pitfall", "above": 1.0},
    {"op": "limit", "core": "essential", "groups": ["nobody"], "times": 0.0},
    {"op": "interact"},
    {"op": "shape", "knee": 1.0},
    {"op": "clip", "low": -1e9, "high": 1e9},
    {"op": "range"},
]


@pytest.mark.parametrize("step", NEUTRAL, ids=lambda s: s["op"])
@given(made=rubrics(), data=st.data())
@QUICK
def test_neutral_settings_change_nothing_and_say_nothing(step: Step, made: Rubric, data: st.DataObject) -> None:
    rows = data.draw(rows_of(made, rows=3, nothing=st.sampled_from([FAILED, NA])))
    group = {"op": "group", "by": "tier"}
    plain, neutral = scores(under(made, [group, {"op": "total"}]), rows), scores(under(made, [group, step]), rows)
    for a, b in zip(plain, neutral, strict=True):
        assert (a.value, a.low, a.high) == close((b.value, b.low, b.high))
    assert neutral.rows.acted == ()


@given(rubrics(), st.data())
@QUICK
def test_without_steps_a_policy_is_the_weighted_sum(made: Rubric, data: st.DataObject) -> None:
    rows = data.draw(rows_of(made, rows=3, nothing=st.sampled_from([FAILED, NA, None])))
    one = scores(under(made, []), rows)
    other = scores(replace(made, policy=Policy("weighted", {"clip": "none"})), rows)
    for a, b in zip(one, other, strict=True):
        assert (a.value, a.low, a.high, a.coverage) == close((b.value, b.low, b.high, b.coverage))


@given(rubrics(faults=False), st.data())
@QUICK
def test_groups_of_nodes_and_their_mean_are_the_tree(made: Rubric, data: st.DataObject) -> None:
    rows = data.draw(rows_of(made, rows=3))
    size = len(made.criteria)
    half = [c.id for c in made.criteria[: (size + 1) // 2]], [c.id for c in made.criteria[(size + 1) // 2 :]]
    nodes = tuple(Node(f"n{i}", children=tuple(ids)) for i, ids in enumerate(half) if ids)
    whole = Rubric(made.criteria, Node("root", children=nodes))
    steps = [{"op": "group", "by": "parent"}, {"op": "total", "how": "mean"}]
    for a, b in zip(scores(under(whole, steps), rows), scores(replace(whole, policy=Policy("tree")), rows), strict=True):
        assert (a.value, a.low, a.high) == close((b.value, b.low, b.high))


def test_the_standard_error_follows_the_steps_to_first_order() -> None:
    probs = [{"value": 1.0, "probs": (0.2, 0.8)}, {"value": 0.0, "probs": (0.7, 0.3)}]
    made = rubric(crit("a", 2.0), crit("b", 1.0))
    plain = score_of(made, probs).se
    assert plain == pytest.approx(np.sqrt(4 * 0.16 + 0.21) / 3)
    assert score_of(under(made, []), probs).se == close(plain)
    assert score_of(under(made, [{"op": "range", "low": 1.0, "high": 5.0}]), probs).se == close(4 * (plain or 0.0))
    assert score_of(under(made, [{"op": "shape", "knee": 0.7}]), probs).se == close((plain or 0.0) * 0.4 / 0.7)
    assert score_of(under(made, [{"op": "bands", "cuts": [0.5]}]), probs).se == 0.0


def test_what_each_step_did_is_told_of_every_row_and_group() -> None:
    made = rubric(crit("e", tier="essential"), crit("i", tier="important"), crit("h", tier="highlight"))
    steps = [
        {"op": "group", "by": "tier"},
        {"op": "truncate", "core": "essential", "forfeit": ["important", "highlight"]},
        {"op": "cap", "most": 0.5, "only": ["highlight"]},
        {"op": "shape", "knee": 0.7},
    ]
    failed, passed, plain = scores(under(made, steps), [[0, 1, 1], [1, 0, 1], [1, 0, 0]])
    assert failed.acted == ("truncate important: 1 -> 0", "truncate highlight: 1 -> 0")
    assert passed.acted == ("cap highlight: 1 -> 0.5", "shape: 0.5 -> 0.286")
    assert plain.acted == ("shape: 0.333 -> 0.19",)


def test_a_core_that_does_not_apply_forfeits_nothing_and_one_that_is_not_decided_may() -> None:
    made = rubric(crit("e", tier="essential"), crit("i", tier="important"), crit("h", tier="highlight"))
    steps = [{"op": "group", "by": "tier"}, {"op": "truncate", "core": "essential", "forfeit": ["important", "highlight"]}]
    apart, open_ = scores(under(made, steps), [[NA, 1, 1], [FAILED, 1, 1]])
    assert (apart.value, apart.low, apart.high, apart.acted) == (1.0, 1.0, 1.0, ())
    assert (open_.low, open_.high, open_.acted) == (0.0, 1.0, ())


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ({"op": "square"}, "a step names one of the operators"),
        ({}, "a step names one of the operators"),
        ({"op": "cap", "top": 1}, "cap has no option top; its options are most, only"),
        ({"op": "cap", "most": 1.5}, "the cap is 0 to 1, not 1.5"),
        ({"op": "cap", "most": "high"}, "cap: most:"),
        ({"op": "saturate", "kappa": -1.0}, "kappa is 0 to 100, not -1"),
        ({"op": "group", "by": "mood"}, "criteria are grouped by"),
        ({"op": "group", "share": "odd"}, "share"),
        ({"op": "group", "rho": 0.0}, "rho"),
        ({"op": "truncate", "core": "a", "forfeit": ["a"]}, "the core not among them"),
        ({"op": "truncate", "core": "a", "forfeit": []}, "name the groups to forfeit"),
        ({"op": "limit", "core": "a", "groups": []}, "name the groups to limit"),
        ({"op": "interact", "synergy": {"a": 0.1}}, "a pair is written one.other"),
        ({"op": "interact", "synergy": {"a+b": -0.1}}, "theta of a synergy is 0 or more"),
        ({"op": "interact", "synergy": {"a+b": 0.2, "a+c": 0.2}}, "at most 0.3"),
        ({"op": "shape", "knee": 0.5}, r"the knee is in \(0.5, 1\]"),
        ({"op": "clip", "low": 1.0, "high": 0.0}, "low < high"),
        ({"op": "range", "low": 5.0}, "low < high"),
        ({"op": "bands", "cuts": []}, "cuts are finite numbers that rise"),
        ({"op": "bands", "cuts": [0.5, 0.5]}, "cuts are finite numbers that rise"),
        ({"op": "veto", "of": {}}, "a veto names"),
        ({"op": "total", "weights": {"a": -1.0}}, "the weight of 'a' is 0 to"),
        ({"op": "points", "of": {"a": float("nan")}}, "points of 'a'"),
    ],
    ids=lambda v: str(v)[:40],
)
def test_a_step_that_means_nothing_is_refused_with_the_reason(step: Step, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        METHOD.with_options({"steps": [step]})


def test_steps_on_criteria_come_before_those_on_groups() -> None:
    for late in ({"op": "met"}, {"op": "points"}, {"op": "group"}):
        with pytest.raises(ConfigError, match="acts on criteria: put it before"):
            score_of(under(rubric(crit("a")), [{"op": "total"}, late]), [1])


def test_every_operator_says_what_it_does() -> None:
    assert all(kind.says for kind in OPERATORS.values())


def test_rubrics_of_other_groups_stand_side_by_side() -> None:
    first = under(
        rubric(crit("a", tier="x"), crit("b", tier="y")), steps := [{"op": "group", "by": "tier"}, {"op": "total", "how": "mean"}]
    )
    second = under(rubric(crit("c", tier="y"), crit("d", tier="z"), crit("e", tier="w")), steps)
    built = table([first, second, first], [[1, 0], [1, 1, 0], [1, 1]])
    together = run_steps(cells_of(built), [step_of(s) for s in steps])
    assert together.value_R == pytest.approx([0.5, 2 / 3, 1.0])
