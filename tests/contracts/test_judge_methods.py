"""Every judge method of the catalogue keeps the contract of its room: the rubric's order, no needless call, faults as data."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Sequence
from typing import Any

import pytest

from criterial.catalogue import entries, find
from criterial.core.criterion import Check, Criterion
from criterial.core.method import Method
from criterial.core.rubric import Rubric
from criterial.core.scale import levels_of
from criterial.core.task import Case
from criterial.core.verdict import State, Verdict
from criterial.errors import ConfigError, FormatError
from criterial.model.scripted import ScriptedDecider
from tests.helpers_tables import ABSTAINED, FAILED, NA, SCALES, THREE, Cell, case, crit, response, rubric, values_of, verdict

METHODS = [find(name) for name in sorted(entries()) if name.startswith("judge.")]
each_method = pytest.mark.parametrize("method", METHODS, ids=lambda m: m.name)

SHORT, LONG = Check("length", {"max": 3}), Check("length", {"min": 100})
"""One that the response `an answer` passes, and one that it fails."""


def judged(method: Method, made: Case, script: Sequence[Cell], repeat: int = 0, **options: Any) -> tuple[list[Verdict], ScriptedDecider]:
    """Return a method's verdicts on a case's first response where the decider answers by the script, a cell a criterion."""
    told = [verdict(made, r, c, cell, repeat=repeat) for r in made.responses for c, cell in zip(made.rubric.criteria, script, strict=True)]
    decider = ScriptedDecider([v for v in told if v is not None], name="script")
    return asyncio.run(method.call(made, made.responses[0], decider, repeat, method.with_options(options))), decider


def all_scales() -> tuple[Rubric, list[Cell]]:
    criteria = [crit(f"{scale.type}{i}", scale=scale) for i, scale in enumerate(SCALES)]
    return rubric(*criteria), [values_of(c.scale)[-1] for c in criteria]


def test_the_catalogue_has_judge_methods() -> None:
    assert "pointwise" in {m.name for m in METHODS}


@each_method
def test_a_card_says_what_the_method_is_and_needs(method: Method) -> None:
    assert (method.room, method.call.__name__) == ("judge", method.name)
    assert method.call.__module__.endswith(f".{method.name}")
    assert "decider" in method.needs
    assert method.says
    assert asyncio.iscoroutinefunction(method.call)


@each_method
@pytest.mark.parametrize("turn", [1, -1], ids=["forward", "backward"])
def test_verdicts_stand_in_the_rubrics_order_whoever_decided_them(method: Method, turn: int) -> None:
    made = [
        crit("a"),
        crit("check", check=SHORT),
        crit("scale", scale=THREE),
        crit("pair", scope="pair"),
        crit("task", scope="task"),
        crit("z"),
    ]
    found, _ = judged(method, case(rubric(*made[::turn])), [1, None, 2, None, 0, FAILED][::turn])
    assert [v.criterion for v in found] == [c.id for c in made[::turn]]
    assert {(v.task, v.response) for v in found} == {("t0", "r0")}
    assert [v.value for v in found][::turn] == [1.0, 1.0, 2.0, None, 0.0, None]


@each_method
@pytest.mark.parametrize("place", [0, -1])
def test_the_deciders_answer_is_the_verdict_on_every_scale(method: Method, place: int) -> None:
    made, _ = all_scales()
    script = [values_of(c.scale)[place] for c in made.criteria]
    found, _ = judged(method, case(made), script)
    assert [v.value for v in found] == script
    assert {(v.state, v.judge, v.repeat) for v in found} == {(State.DECIDED, "script", 0)}


@each_method
@pytest.mark.parametrize(
    ("cell", "state", "cause"),
    [
        (FAILED, State.FAILED, "timeout"),
        (ABSTAINED, State.ABSTAINED, "cannot_assess"),
        (NA, State.NOT_APPLICABLE, ""),
        (None, State.FAILED, "missing"),
        ({"state": ABSTAINED, "cause": "uncertain", "probs": (0.5, 0.5)}, State.ABSTAINED, "uncertain"),
    ],
)
def test_no_answer_is_a_verdict_without_a_value_and_with_its_cause(method: Method, cell: Cell, state: State, cause: str) -> None:
    found, _ = judged(method, case(rubric(crit("a"), crit("b"))), [cell, 1])
    assert [(v.state, v.value, v.cause) for v in found] == [(state, None, cause), (State.DECIDED, 1.0, "")]


@each_method
def test_the_same_script_gives_the_same_verdicts_twice_and_each_repeat_its_own(method: Method) -> None:
    made, script = all_scales()
    first, again, later = (judged(method, case(made), script, repeat)[0] for repeat in (0, 0, 2))
    assert first == again
    assert later == [dataclasses.replace(v, repeat=2) for v in first]


@each_method
def test_a_response_is_judged_alike_in_any_company(method: Method) -> None:
    made, script = all_scales()
    alone, _ = judged(method, case(made), script)
    beside, _ = judged(method, case(made, [response("r0"), response("r1", "another")]), script)
    assert alone == beside


@each_method
def test_a_rubric_has_at_least_one_criterion_and_one_or_two_are_enough(method: Method) -> None:
    with pytest.raises(FormatError, match="at least one"):
        rubric()
    for size in (1, 2):
        found, decider = judged(method, case(rubric(*(crit(f"c{i}") for i in range(size)))), [1] * size)
        assert [v.value for v in found] == [1.0] * size
        assert decider.calls >= 1


@each_method
@pytest.mark.parametrize(
    "criteria",
    [
        [crit("a", check=SHORT), crit("b", check=LONG)],
        [crit("a", applies_when=LONG), crit("b", check=SHORT)],
        [crit("a", check=LONG, effect="gate"), crit("b"), crit("c", scale=THREE)],
        [crit("a", -1.0, check=SHORT, effect="gate"), crit("b")],
        [crit("b"), crit("a", check=LONG, effect="gate")],
        [crit("a", check=LONG), crit("b", requires=("a",)), crit("c", requires=("a", "d")), crit("d", check=SHORT)],
        [crit("a", scope="pair")],
    ],
    ids=["checks", "condition", "gate", "bad gate", "gate last", "requirement", "pair"],
)
def test_no_model_is_asked_where_programs_decide_all_that_matters(method: Method, criteria: list[Criterion]) -> None:
    found, decider = judged(method, case(rubric(*criteria)), [1] * len(criteria))
    assert decider.calls == 0
    assert [v.criterion for v in found] == [c.id for c in criteria]
    assert {v.judge for v in found} == {"check"}
    assert all((v.value is None) == (v.state != State.DECIDED) for v in found)


@each_method
@pytest.mark.parametrize(
    ("criteria", "asked"),
    [
        ([crit("a", check=SHORT, effect="gate"), crit("b")], "b"),
        ([crit("a", -1.0, check=LONG, effect="gate"), crit("b")], "b"),
        ([crit("a", check=SHORT), crit("b", requires=("a",))], "b"),
        ([crit("a", applies_when=SHORT), crit("b", check=SHORT)], "a"),
        ([crit("a", check=LONG), crit("b")], "b"),  # an unmet criterion that is no gate and nobody requires stops nothing
    ],
    ids=["gate", "bad gate", "requirement", "condition", "check"],
)
def test_what_still_matters_is_asked(method: Method, criteria: list[Criterion], asked: str) -> None:
    found, decider = judged(method, case(rubric(*criteria)), [1] * len(criteria))
    assert decider.calls >= 1
    assert [v.criterion for v in found if v.judge == "script"] == [asked]


@each_method
def test_what_was_not_asked_says_so_and_why(method: Method) -> None:
    found, _ = judged(method, case(rubric(crit("gate", check=LONG, effect="gate"), crit("b"))), [1, 1])
    assert (found[0].state, found[0].value) == (State.DECIDED, 0.0)
    assert (found[1].state, found[1].cause, found[1].reason) == (State.NOT_APPLICABLE, "not_asked", "not asked: the gate gate fails")


@each_method
def test_a_check_that_raises_fails_its_own_cell_alone(method: Method) -> None:
    found, _ = judged(method, case(rubric(crit("a", check=Check("contains", {"texts": 5})), crit("b"))), [1, 1])
    assert [(v.state, v.cause) for v in found] == [(State.FAILED, "check_error"), (State.DECIDED, "")]


@each_method
def test_a_condition_that_cannot_be_tested_is_a_failed_verdict(method: Method) -> None:
    (found,), decider = judged(method, case(rubric(crit("a", applies_when=Check("contains", {"texts": 5})))), [1])
    assert (found.state, found.cause, decider.calls) == (State.FAILED, "check_error", 0)
    assert "contains" in found.reason


@each_method
@pytest.mark.parametrize(
    ("weight", "effect", "value"), [(1.0, "add", 0.0), (-1.0, "add", 1.0), (1.0, "gate", 0.0), (-1.0, "gate", 1.0), (-1.0, "deduct", 1.0)]
)
def test_even_odds_go_to_the_lower_score(method: Method, weight: float, effect: Any, value: float) -> None:
    made = rubric(crit("a", weight, effect=effect))
    (found,), _ = judged(method, case(made), [{"value": 1.0 - value, "probs": (0.5, 0.5)}])
    assert (found.value, found.probs) == (value, (0.5, 0.5))


@each_method
@pytest.mark.parametrize("scale", [s for s in SCALES if levels_of(s)], ids=lambda s: s.type)
def test_the_likeliest_level_is_the_verdict_and_its_probabilities_are_kept(method: Method, scale: Any) -> None:
    values = values_of(scale)
    for likeliest, value in enumerate(values):
        probs = tuple(0.75 if i == likeliest else 0.25 / (len(values) - 1) for i in range(len(values)))
        (found,), _ = judged(method, case(rubric(crit("a", scale=scale))), [{"value": values[0], "probs": probs}])
        assert (found.value, found.probs) == (value, probs)


@each_method
def test_an_uncalibrated_decider_gives_uncalibrated_verdicts_but_checks_stand_for_themselves(method: Method) -> None:
    made = case(rubric(crit("a"), crit("b", check=SHORT)))
    decider = ScriptedDecider([Verdict("r0", "a", value=1.0)])
    decider.calibrated = False
    found = asyncio.run(method.call(made, made.responses[0], decider))
    assert [v.calibrated for v in found] == [False, True]


@each_method
def test_options_are_read_back_from_json_and_unknown_ones_refused(method: Method) -> None:
    options = method.with_options({})
    if options is not None:
        assert method.with_options(json.loads(json.dumps(dataclasses.asdict(options)))) == options
    with pytest.raises(ConfigError, match=method.name):
        method.with_options({"no_such_option": 1})


@each_method
def test_nothing_down_a_chain_of_requirements_is_asked_in_vain(method: Method) -> None:
    made = rubric(crit("a", check=LONG), crit("b", requires=("a",)), crit("c", requires=("b",)))
    _, decider = judged(method, case(made), [None, 1, 1])
    assert decider.calls == 0


@each_method
def test_even_odds_on_a_deduction_go_to_the_lower_score_whatever_its_sign(method: Method) -> None:
    (found,), _ = judged(method, case(rubric(crit("a", 1.0, effect="deduct"))), [{"value": 0.0, "probs": (0.5, 0.5)}])
    assert found.value == 1.0
