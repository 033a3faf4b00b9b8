"""Every short form of the native files means the full form that the nouns have, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from criterial.core.criterion import Check, Criterion, Evidence, Example, Source
from criterial.core.rubric import Node, Policy, Rubric
from criterial.core.scale import Binary, Choice, Level, Likert, Numeric, Ordinal, Scale, levels_of
from criterial.core.task import Message
from criterial.core.verdict import State
from criterial.errors import FormatError
from criterial.formats.native import case_of, responses_of, rubric_of, rubric_to_dict

LEVELS = (Level("bad"), Level("good"))


@pytest.mark.parametrize(
    ("short", "full"),
    [
        ("binary", Binary()),
        ("boolean", Binary()),
        ("yes/no", Binary()),
        (" Binary ", Binary()),
        ("likert", Likert(5)),
        ("likert:7", Likert(7)),
        ("LIKERT:2", Likert(2)),
        ("numeric", Numeric(0.0, 1.0)),
        ("numeric:0-10", Numeric(0.0, 10.0)),
        ("numeric:0..10", Numeric(0.0, 10.0)),
        ("numeric:0to10", Numeric(0.0, 10.0)),
        ("numeric:-5--1", Numeric(-5.0, -1.0)),
        ("numeric:-2.5..2.5", Numeric(-2.5, 2.5)),
        ("numeric:0.5-1", Numeric(0.5, 1.0)),
        ("count", Numeric(0.0, 20.0, True)),
        ("count:3", Numeric(0.0, 3.0, True)),
        (["bad", "good"], Ordinal(LEVELS)),
        ([1, 2.5, "top"], Ordinal((Level("1"), Level("2.5"), Level("top")))),
        ([{"label": "bad", "description": "d", "credit": 0.25}, "good"], Ordinal((Level("bad", "d", 0.25), Level("good")))),
        ([{"label": 1}, {"label": 2}], Ordinal((Level("1"), Level("2")))),
        ({"type": "binary"}, Binary()),
        ({"type": "ordinal", "levels": ["bad", "good"]}, Ordinal(LEVELS)),
        ({"type": "choice", "values": ["bad", {"label": "good"}]}, Choice(LEVELS)),
        ({"type": "likert", "points": 3, "anchors": ["a", "b", "c"]}, Likert(3, ("a", "b", "c"))),
        ({"type": "numeric", "low": 1, "high": 9, "integer": True}, Numeric(1.0, 9.0, True)),
    ],
    ids=str,
)
def test_a_scale_in_short_is_the_scale_in_full(short: Any, full: Scale) -> None:
    rubric = rubric_of([{"text": "x", "scale": short}])
    assert rubric.criteria[0].scale == full
    assert rubric.digest == Rubric((Criterion("c1", "x", full),)).digest


@pytest.mark.parametrize(
    ("short", "full"),
    [
        ("States the dose", Criterion("c1", "States the dose")),
        ({"text": "t"}, Criterion("c1", "t")),
        ({"id": 7, "text": "t"}, Criterion("7", "t")),
        ({"text": "t", "weight": -2}, Criterion("c1", "t", weight=-2.0)),
        ({"text": "t", "category": "a/b"}, Criterion("c1", "t", category=("a", "b"))),
        ({"text": "t", "category": ["a/b", "c"]}, Criterion("c1", "t", category=("a/b", "c"))),
        ({"text": "t", "evidence": ["e", {"text": "f", "url": "u"}]}, Criterion("c1", "t", evidence=(Evidence("e"), Evidence("f", "u")))),
        ({"text": "t", "examples": [{"text": "e", "value": 1}]}, Criterion("c1", "t", examples=(Example("e", 1.0),))),
        (
            {"text": "t", "examples": [{"text": "e", "value": "met", "reason": "r"}]},
            Criterion("c1", "t", examples=(Example("e", "met", "r"),)),
        ),
        ({"text": "t", "applies_when": "it is asked"}, Criterion("c1", "t", applies_when="it is asked")),
        (
            {"text": "t", "applies_when": {"kind": "contains", "texts": "x"}},
            Criterion("c1", "t", applies_when=Check("contains", {"texts": "x"})),
        ),
        ({"text": "t", "check": {"kind": "length", "max": 9}}, Criterion("c1", "t", check=Check("length", {"max": 9}))),
        ({"text": "t", "check": {"kind": "length", "options": {"max": 9}}}, Criterion("c1", "t", check=Check("length", {"max": 9}))),
        ({"text": "t", "check": {"kind": "length"}}, Criterion("c1", "t", check=Check("length"))),
        ({"text": "t", "source": {"by": "b", "inputs": ["i"]}}, Criterion("c1", "t", source=Source("b", inputs=("i",)))),
    ],
    ids=str,
)
def test_a_criterion_in_short_is_the_criterion_in_full(short: Any, full: Criterion) -> None:
    assert rubric_of([short]) == Rubric((full,))
    assert rubric_of({"criteria": [short]}).digest == Rubric((full,)).digest


def test_criteria_without_an_id_are_named_by_their_place() -> None:
    assert [c.id for c in rubric_of(["a", {"id": "mine", "text": "b"}, {"text": "c"}]).criteria] == ["c1", "mine", "c3"]


def test_one_requirement_may_stand_as_a_text() -> None:
    first, second, third = rubric_of(["a", {"text": "b", "requires": "c1"}, {"text": "c", "requires": ["c1", "c2"]}]).criteria
    assert (first.requires, second.requires, third.requires) == ((), ("c1",), ("c1", "c2"))


def test_a_policy_may_stand_as_its_name_and_a_tree_brings_its_own() -> None:
    tree = {"id": "root", "children": ["c1", {"id": "n", "weight": 2, "children": ["c2"]}]}
    made = rubric_of({"criteria": ["a", "b"], "tree": tree})
    assert made.tree == Node("root", children=("c1", Node("n", weight=2.0, children=("c2",))))
    assert made.policy == Policy("tree")
    assert rubric_of({"criteria": ["a"], "policy": "weighted"}).policy == Policy("weighted")
    assert rubric_of({"criteria": ["a"], "policy": {"name": "weighted", "options": {"clip": "none"}}}).policy.options == {"clip": "none"}


def minimal(**fields: Any) -> dict[str, Any]:
    """Return a case in its shortest form, with fields beside."""
    return {"id": "t", "prompt": "Ask", "rubric": ["a"], **fields}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("Ask", [("user", "Ask")]),
        (["Ask"], [("user", "Ask")]),
        ([{"content": "Ask"}], [("user", "Ask")]),
        (
            [{"role": "human", "content": "Ask"}, {"role": "gpt", "content": "Say"}, "More"],
            [("user", "Ask"), ("assistant", "Say"), ("user", "More")],
        ),
        (
            [{"role": r, "content": r} for r in ("developer", "model", "ai", "function")],
            [("system", "developer"), ("assistant", "model"), ("assistant", "ai"), ("tool", "function")],
        ),
        ([{"role": "user", "content": [{"type": "text", "text": "one"}, {"text": "two"}]}], [("user", "one\ntwo")]),
        ([{"role": "assistant", "content": None}, "x"], [("assistant", ""), ("user", "x")]),
    ],
    ids=str,
)
@pytest.mark.parametrize("key", ["prompt", "messages"])
def test_a_task_is_a_prompt_or_messages(key: str, given: Any, expected: list[tuple[str, str]]) -> None:
    made = case_of({"id": "t", key: given, "rubric": ["a"]})
    assert made.task.messages == tuple(Message(role, text) for role, text in expected)  # type: ignore[arg-type]


def test_references_and_ids_have_short_forms() -> None:
    assert case_of(minimal(reference="R")).task.references == ("R",)
    assert case_of(minimal(references=["R", "S"])).task.references == ("R", "S")
    assert case_of(minimal(reference="")).task.references == ()
    assert case_of(minimal(id=12)).task.id == "12"


def test_responses_may_be_texts_and_are_named_by_their_place() -> None:
    made = case_of(minimal(responses=["one", {"id": 5, "text": "two", "system": "s", "tags": ["k:v"]}, {"messages": ["three", "four"]}]))
    assert [(r.id, r.system, r.text, r.tags) for r in made.responses] == [
        ("r1", "", "one", ()),
        ("5", "s", "two", ("k:v",)),
        ("r3", "", "three\n\nfour", ()),
    ]


@pytest.mark.parametrize(
    "marks",
    [
        {"c1": 1, "c2": "no"},
        {"c1": {"value": True}, "c2": {"value": 0}},
        [{"criterion": "c1", "value": "met"}, {"criterion": "c2", "value": "unmet"}],
    ],
    ids=str,
)
def test_verdicts_within_a_response_are_a_map_or_a_list(marks: Any) -> None:
    made = case_of(minimal(rubric=["a", "b"], responses=[{"text": "x", "verdicts": marks}]))
    assert [(v.task, v.response, v.criterion, v.value) for v in made.verdicts] == [("t", "r1", "c1", 1.0), ("t", "r1", "c2", 0.0)]


@pytest.mark.parametrize(
    ("mark", "state", "cause"),
    [
        ({"value": None}, State.FAILED, "missing"),
        ({"state": "abstained"}, State.ABSTAINED, "cannot_assess"),
        ({"state": "not_applicable"}, State.NOT_APPLICABLE, ""),
        ({"state": "failed", "cause": "timeout"}, State.FAILED, "timeout"),
    ],
    ids=str,
)
def test_a_verdict_without_a_value_says_why(mark: Any, state: State, cause: str) -> None:
    (made,) = case_of(minimal(responses=[{"text": "x", "verdicts": {"c1": mark}}])).verdicts
    assert (made.state, made.value, made.cause) == (state, None, cause)


def test_a_rubric_from_outside_takes_the_place_of_the_cases_own() -> None:
    other = rubric_of(["other"])
    assert case_of(minimal(), rubric=other).rubric is other


def test_equal_rubrics_of_a_file_are_one_object() -> None:
    seen: dict[str, Rubric] = {}
    one, two, three = (case_of(minimal(id=i, rubric=r), seen=seen) for i, r in (("1", ["a"]), ("2", ["a"]), ("3", ["b"])))
    assert one.rubric is two.rubric
    assert one.rubric is not three.rubric


@pytest.mark.parametrize(
    ("given", "task", "identity"),
    [
        ({"task": "t", "text": "x"}, "t", "t/response"),
        ({"task": "t", "text": "x", "system": "s"}, "t", "t/s"),
        ({"prompt_id": 5, "text": "x", "id": "mine"}, "5", "mine"),
        ({"task": "t", "messages": [{"role": "assistant", "content": "x"}]}, "t", "t/response"),
    ],
    ids=str,
)
def test_a_response_line_names_its_task(given: dict[str, Any], task: str, identity: str) -> None:
    found, response = responses_of(given)
    assert (found, response.id, response.text) == (task, identity, "x")


@pytest.mark.parametrize("level", [True, None, ["a"]], ids=str)
def test_a_level_is_a_word_a_number_or_an_object(level: Any) -> None:
    with pytest.raises(FormatError, match="expected a level"):
        rubric_of([{"text": "x", "scale": [level, "good"]}])


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"id": None, "prompt": "p", "rubric": ["a"]}, id="case"),
        pytest.param({"id": "t", "prompt": "p", "rubric": [{"id": None, "text": "a"}]}, id="criterion"),
        pytest.param({"id": "t", "prompt": "p", "rubric": ["a"], "responses": [{"id": None, "text": "x"}]}, id="response"),
        pytest.param({"id": ["t"], "prompt": "p", "rubric": ["a"]}, id="list"),
    ],
)
def test_an_id_is_a_text_or_a_number(given: dict[str, Any]) -> None:
    with pytest.raises(FormatError, match="id"):
        case_of(given)


@pytest.mark.parametrize(("said", "credits"), [("coverage", [0.0, 0.25, 0.5, 0.75, 1.0]), ("support", [0.0, 0.5, 1.0])])
def test_the_fields_own_scales_have_a_word_each_and_describe_every_level(said: str, credits: list[float]) -> None:
    made = rubric_of([{"text": "Says why", "scale": said}])
    levels = levels_of(made.criteria[0].scale)
    assert [level.credit for level in levels] == credits
    assert all(level.description for level in levels)
    assert rubric_of(rubric_to_dict(made)) == made
