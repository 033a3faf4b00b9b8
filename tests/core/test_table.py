"""A verdict table gives back every verdict that went in, keeps ragged rows and layers apart, and holds no number where there is none."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from criterial.core.builder import TableBuilder, table_of
from criterial.core.criterion import Check
from criterial.core.rubric import Rubric
from criterial.core.scale import Numeric, levels_of
from criterial.core.table import CAUSE_CODES, Layer, VerdictTable
from criterial.core.task import Case
from criterial.core.verdict import CAUSES, State, Verdict
from criterial.errors import TableError
from criterial.score.scoring import score
from tests.helpers_tables import FAILED, QUICK, SCALES, binary, case, crit, response, rubric, same_arrays, table, values_of


@st.composite
def distributions(draw: Callable[..., Any], levels: int) -> tuple[float, ...]:
    """Draw probabilities in sixteenths, which the table's float32 holds exactly."""
    cuts = sorted(draw(st.lists(st.integers(0, 16), min_size=levels - 1, max_size=levels - 1)))
    return tuple((b - a) / 16 for a, b in zip([0, *cuts], [*cuts, 16], strict=True))


@st.composite
def judged(draw: Callable[..., Any]) -> tuple[list[Case], list[Verdict]]:
    """Draw cases with ragged rubrics and shared response ids, and verdicts of some judges and repeats on some of their cells."""
    rubrics = [rubric(*(crit(f"c{u}{i}", scale=draw(st.sampled_from(SCALES))) for i in range(draw(st.integers(1, 4))))) for u in range(2)]
    cases = [
        case(draw(st.sampled_from(rubrics)), [response(f"r{i}", system=f"s{i}") for i in range(draw(st.integers(0, 3)))], f"t{t}")
        for t in range(draw(st.integers(1, 4)))
    ]
    layers = draw(st.lists(st.tuples(st.sampled_from(["", "one", "two"]), st.integers(0, 2)), min_size=1, max_size=3, unique=True))
    cells = [(c, r, k, layer) for c in cases for r in c.responses for k in c.rubric.criteria for layer in layers]
    verdicts = []
    for owner, made, criterion, (judge, repeat) in cells:
        state = draw(st.sampled_from([State.ABSENT, State.DECIDED, State.DECIDED, State.ABSTAINED, State.NOT_APPLICABLE, State.FAILED]))
        if state == State.ABSENT:
            continue
        levels = len(levels_of(criterion.scale))
        verdicts.append(
            Verdict(
                made.id,
                criterion.id,
                state,
                draw(st.sampled_from(values_of(criterion.scale))) if state == State.DECIDED else None,
                draw(distributions(levels)) if levels and draw(st.booleans()) else (),
                draw(st.sampled_from(["", "because"])),
                draw(st.sampled_from(sorted(CAUSES))) if state in (State.ABSTAINED, State.FAILED) else "",
                judge,
                repeat,
                owner.task.id,
                calibrated=judge != "two",
            )
        )
    return cases, draw(st.permutations(verdicts))


@given(judged())
@QUICK
def test_every_verdict_comes_back_as_it_went_in_whatever_the_order(made: tuple[list[Case], list[Verdict]]) -> None:
    cases, verdicts = made
    built = table_of(cases, verdicts)
    assert sorted(map(repr, built.verdicts())) == sorted(map(repr, verdicts))
    again = table_of(cases, list(built.verdicts()))
    assert again.layers == built.layers
    assert again.reasons == built.reasons
    assert same_arrays(again, built)


@given(judged(), st.data())
@QUICK
def test_some_rows_of_a_table_are_the_table_of_those_rows(made: tuple[list[Case], list[Verdict]], data: st.DataObject) -> None:
    built = table_of(*made)
    keep = np.array(data.draw(st.lists(st.booleans(), min_size=len(built.responses), max_size=len(built.responses))), dtype=np.bool_)
    kept = {(built.tasks[t], r) for t, r, k in zip(built.task_R, built.responses, keep, strict=True) if k}
    part = built.rows(keep)
    assert [(v.task, v.response) in kept for v in part.verdicts()].count(False) == 0
    assert list(part.verdicts()) == [v for v in built.verdicts() if (v.task, v.response) in kept]
    assert part.systems == tuple(s for s, k in zip(built.systems, keep, strict=True) if k)
    assert {r.digest for r in part.rubrics} == {built.rubrics[u].digest for u in built.rubric_R[keep]}


@given(judged())
@QUICK
def test_a_cell_without_a_value_holds_the_number_0_and_never_nan(made: tuple[list[Case], list[Verdict]]) -> None:
    built = table_of(*made)
    assert np.isfinite(built.value_LN).all()
    assert np.isfinite(built.probs_LNK).all()
    assert (built.value_LN[built.state_LN != State.DECIDED] == 0).all()


def test_ragged_rows_lie_one_after_another_each_with_its_own_columns() -> None:
    two, three = binary(1, 1), rubric(crit("x"), crit("y"), crit("z"))
    built = table([two, three, two], [[1, 0], [None, 1, FAILED], [0, 1]])
    assert built.width_R.tolist() == [2, 3, 2]
    assert built.start_R.tolist() == [0, 2, 5]
    assert built.row_N.tolist() == [0, 0, 1, 1, 1, 2, 2]
    assert built.column_N.tolist() == [0, 1, 2, 3, 4, 0, 1]
    assert [c.id for c in built.criteria] == ["c0", "c1", "x", "y", "z"]
    assert built.rubric_R.tolist() == [0, 1, 0]
    assert built.state_LN.tolist() == [[1, 1, State.ABSENT, 1, State.FAILED, 1, 1]]
    assert built.verdict(0, 4).cause == "timeout"


def test_rubrics_of_equal_content_are_one_rubric() -> None:
    assert len(table([binary(1, 2), binary(1, 2), binary(1, 3)], [[1, 1]] * 3).rubrics) == 2


def test_a_table_of_one_rubric_is_a_matrix() -> None:
    built = table(binary(1, 1), [[1, 0], [0, FAILED], [1, None]], [[0, 0]] * 3)
    assert built.values_RC.tolist() == [[1, 0], [0, 0], [1, 0]]
    assert built.state_RC.tolist() == [[1, 1], [1, State.FAILED], [1, State.ABSENT]]


def test_a_table_of_two_rubrics_is_no_matrix_but_the_rows_of_one_are() -> None:
    built = table([binary(1, 1), binary(1), binary(1, 1)], [[1, 0], [1], [0, 1]])
    for name in ("values_RC", "state_RC"):
        with pytest.raises(TableError, match="2 rubrics"):
            getattr(built, name)
    assert built.rows(built.rubric_R == 0).values_RC.tolist() == [[1, 0], [0, 1]]
    assert built.rows(built.rubric_R == 1).values_RC.tolist() == [[1]]


def test_layers_are_judges_and_repeats_in_order() -> None:
    cases = [case(binary(1))]
    given_ = [Verdict("r0", "c0", value=float(v), judge=j, repeat=k) for j, k, v in (("b", 1, 0), ("a", 0, 1), ("b", 0, 1))]
    built = table_of(cases, given_)
    assert [layer[:2] for layer in built.layers] == [("a", 0), ("b", 0), ("b", 1)]
    assert built.value_LN[:, 0].tolist() == [1, 1, 0]


def test_a_table_without_verdicts_has_one_layer_of_absent_cells() -> None:
    built = table_of([case(binary(1, 1), 2)], [])
    assert built.layers == (Layer(""),)
    assert built.state_LN.tolist() == [[State.ABSENT] * 4]
    assert list(built.verdicts()) == []


def test_cells_that_were_never_written_can_be_marked_as_failed_with_a_cause() -> None:
    builder = TableBuilder([case(binary(1, 1))], [Layer("j")])
    builder.put(0, 0, 0, Verdict("r0", "c0", value=1.0))
    first, second = builder.fill_absent("stopped").build().verdicts()
    assert (first.state, first.value, first.cause) == (State.DECIDED, 1.0, "")
    assert (second.state, second.value, second.cause) == (State.FAILED, None, "stopped")


def test_what_a_check_decided_is_said_to_be_the_checks_and_needs_no_calibration() -> None:
    made = rubric(crit("a", check=Check("length", {"min": 1})), crit("b"))
    builder = TableBuilder([case(made)], [Layer("judge", calibrated=False)])
    builder.put(0, 0, 0, Verdict("r0", "a", value=1.0, judge="check"))
    builder.put(0, 1, 0, Verdict("r0", "b", value=1.0, judge="judge"))
    assert [(v.judge, v.calibrated) for v in builder.build().verdicts()] == [("check", True), ("judge", False)]


def test_probabilities_are_kept_for_the_levels_of_each_criterion_alone() -> None:
    made = rubric(crit("two"), crit("three", scale=SCALES[1]), crit("number", scale=Numeric()), crit("none"))
    row = [{"value": 1.0, "probs": (0.25, 0.75)}, {"value": 0.0, "probs": (0.5, 0.25, 0.25)}, 0.5, 1]
    built = table(made, [row])
    assert built.probs_LNK.shape == (1, 4, 3)
    assert [v.probs for v in built.verdicts()] == [(0.25, 0.75), (0.5, 0.25, 0.25), (), ()]
    assert table(made, [[1, 1, 1, 1]]).probs_LNK.shape == (1, 4, 0)


def test_every_cause_has_its_code() -> None:
    assert CAUSE_CODES[0] == ""
    assert set(CAUSE_CODES[1:]) == set(CAUSES)
    for cause in CAUSES:
        built = table(binary(1), [[{"state": State.FAILED, "cause": cause}]])
        assert next(built.verdicts()).cause == cause


TWO_TASKS = [case(binary(1), [response("same"), response("only")], "t0"), case(binary(1), [response("same")], "t1")]


@pytest.mark.parametrize(
    ("verdicts", "message"),
    [
        ([Verdict("gone", "c0", value=1.0)], "no response 'gone' in the cases"),
        ([Verdict("only", "c0", value=1.0, task="t1")], "no response 'only' of task 't1'"),
        ([Verdict("only", "c0", value=1.0, task="t9")], "of task 't9'"),
        ([Verdict("same", "c0", value=1.0)], "occurs in 2 tasks: say which"),
        ([Verdict("only", "c9", value=1.0)], "'only' has no criterion 'c9' in its rubric"),
        ([Verdict("only", "c0", value=1.0), Verdict("only", "c0", value=0.0)], "two verdicts on response 'only', criterion 'c0'"),
        ([Verdict("only", "c0")], "a value exists exactly where the state is decided"),
        ([Verdict("only", "c0", State.FAILED, 0.0)], "a value exists exactly where"),
        ([Verdict("only", "c0", State.ABSTAINED, 1.0)], "a value exists exactly where"),
    ],
)
def test_a_verdict_that_fits_no_cell_or_contradicts_itself_is_refused(verdicts: list[Verdict], message: str) -> None:
    with pytest.raises(TableError, match=message):
        table_of(TWO_TASKS, verdicts)


def test_the_task_tells_responses_of_one_id_apart_and_judges_do_not_collide() -> None:
    given_ = [Verdict("same", "c0", value=float(t == "t1"), task=t, judge=j) for t in ("t0", "t1") for j in ("a", "b")]
    assert table_of(TWO_TASKS, given_).value_LN.tolist() == [[0, 0, 1], [0, 0, 1]]


ONE = [case(binary(1))]


@pytest.mark.parametrize("fields", [{"value": math.nan}, {"value": math.inf}, {"value": 1.0, "probs": (math.nan, 0.5)}], ids=repr)
def test_a_number_that_is_not_finite_never_gets_into_a_table(fields: dict[str, Any]) -> None:
    with pytest.raises(TableError):
        table_of(ONE, [Verdict("r0", "c0", **fields)])


@pytest.mark.parametrize("value", [7.0, -1.0, 0.5])
def test_a_value_that_the_scale_lacks_never_gets_into_a_table(value: float) -> None:
    with pytest.raises(TableError):
        table_of(ONE, [Verdict("r0", "c0", value=value)])


@pytest.mark.parametrize("probs", [(0.2, 0.3, 0.5), (1.0,)], ids=len)
def test_probabilities_that_are_not_one_a_level_are_refused(probs: tuple[float, ...]) -> None:
    with pytest.raises(TableError):
        table_of(ONE, [Verdict("r0", "c0", value=1.0, probs=probs)])


def test_an_unknown_cause_is_refused() -> None:
    with pytest.raises(TableError):
        table_of(ONE, [Verdict("r0", "c0", State.FAILED, cause="bad mood")])


def test_two_cases_that_no_verdict_could_tell_apart_are_refused() -> None:
    with pytest.raises(TableError):
        table_of([*ONE, *ONE], [Verdict("r0", "c0", value=1.0, task="t0")])


def test_a_table_does_not_change_when_its_builder_goes_on() -> None:
    builder = TableBuilder(ONE, [Layer("j")])
    built = builder.build()
    builder.put(0, 0, 0, Verdict("r0", "c0", value=1.0))
    assert built.state_LN.tolist() == [[State.ABSENT]]


def checked(made: Rubric) -> VerdictTable:
    builder = TableBuilder([case(made)], [Layer("judge"), Layer("other")])
    for layer in (0, 1):
        builder.put(0, 0, layer, Verdict("r0", made.criteria[0].id, value=1.0, judge="check"))
        builder.put(0, 1, layer, Verdict("r0", made.criteria[1].id, value=float(layer), judge=("judge", "other")[layer]))
    return builder.build()


def test_a_table_with_checks_that_is_written_out_and_read_back_scores_as_before() -> None:
    made = rubric(crit("a", check=Check("length", {"min": 1})), crit("b"))
    before = checked(made)
    after = table_of([case(made)], list(before.verdicts()))
    assert list(score(after)) == list(score(before))


def test_people_who_label_what_a_check_could_decide_are_told_apart() -> None:
    made = rubric(crit("a", check=Check("length", {"min": 1})))
    told = [Verdict("r0", "a", value=1.0, judge="ann", task="t0"), Verdict("r0", "a", value=0.0, judge="bob", task="t0")]
    assert list(table_of([case(made)], told).verdicts()) == told
    beside = [*told, Verdict("r0", "a", value=1.0, judge="check", task="t0")]
    assert sorted(map(repr, table_of([case(made)], beside).verdicts())) == sorted(map(repr, beside))
