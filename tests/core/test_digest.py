"""A digest is the same everywhere, and any edit of what it covers changes it, but no default written out and no re-weighting."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from criterial.core.criterion import Check, Criterion, Evidence, Example, Source
from criterial.core.digest import canonical, digest, plain, short
from criterial.core.ports import Block, DecisionRequest, Input, Question
from criterial.core.rubric import Node, Panel, Policy, Rubric
from criterial.core.scale import Binary, Choice, Level, Likert, Numeric, Ordinal
from criterial.core.task import Case, Media, Message, Response, Task
from criterial.core.verdict import State, Verdict
from criterial.judge.pointwise import question_of
from tests.helpers_tables import MANY, SCALES, case, crit, response, rubric, task

PNG, GIF = Media("image/png", b"one"), Media("image/gif", b"two")

MADE_ELSEWHERE = """
from criterial.core.criterion import Check, Criterion
from criterial.core.ports import Block, DecisionRequest, Input
from criterial.core.rubric import Node, Policy, Rubric
from criterial.core.scale import Level, Numeric, Ordinal
from criterial.core.task import Case, Media, Message, Response, Task
from criterial.judge.pointwise import question_of

a = Criterion("a", "größer als \\u2265 5?", Ordinal((Level("lo"), Level("hi", "much", 0.75))), weight=-2.5, tags=("x:1", "y"))
b = Criterion("b", "b", check=Check("contains", {"texts": ["z", "y"], "match": "any", "whole_words": True}))
tree = Node("root", children=("a", Node("n", weight=2.0, children=("b",))))
rubric = Rubric((a, b), tree, Policy("tree", {"nodes": False, "floor": 0.5}))
message = Message("user", "q \\ud800", (Media("image/png", b"one"),))
case = Case(Task("t", (message,), tags=("k:v",)), rubric, (Response("r", (Message("assistant", "ok"),)),))
request = DecisionRequest(Input("judge", (Block("task", "q", message.media),), 1), (question_of(a),))
made = [rubric.digest, case.digest, request.input.digest, request.questions[0].digest, request.fingerprint("me", request.questions[0])]
"""


@pytest.mark.parametrize("seed", ["0", "1", "random"])
def test_digests_do_not_depend_on_the_process_or_its_hash_seed(seed: str) -> None:
    here: dict[str, Any] = {}
    exec(MADE_ELSEWHERE, here)
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    told = subprocess.run(
        [sys.executable, "-c", MADE_ELSEWHERE + "print(*made)"], env=environment, capture_output=True, text=True, check=True
    )
    assert told.stdout.split() == here["made"]
    assert len(set(here["made"])) == 5


def test_a_digest_is_the_sha256_of_sorted_json_without_spaces() -> None:
    text = '["kind",{"a":[true,null,"é"],"b":1.5}]'
    assert canonical(("kind", {"b": 1.5, "a": (True, None, "é")})) == text
    assert digest("kind", {"b": 1.5, "a": (True, None, "é")}) == hashlib.sha256(text.encode()).hexdigest()
    assert short(digest("kind")) == hashlib.sha256(b'["kind"]').hexdigest()[:10]


def test_a_noun_is_its_fields_that_do_not_stand_at_their_default_and_a_scale_tells_its_type() -> None:
    assert plain(Criterion("a", "x", Likert(3), weight=2.0, tags=("t",))) == {
        "id": "a",
        "text": "x",
        "scale": {"points": 3, "type": "likert"},
        "weight": 2.0,
        "tags": ["t"],
    }
    assert plain(Criterion("a", "x", Binary(), float("1"), tags=tuple([]))) == {"id": "a", "text": "x"}
    assert plain({1: {"k": (1, None)}}) == {"1": {"k": [1, None]}}
    assert canonical((State.FAILED,)) == "[4]"


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_is_not_finite_has_no_digest(value: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical({"a": value})


EDITS: dict[type, dict[str, Any]] = {
    Criterion: {
        "id": "other",
        "text": "other",
        "scale": Likert(3),
        "weight": 2.0,
        "required": False,
        "kind": "rule",
        "effect": "deduct",
        "cap": 0.0,
        "threshold": 0.75,
        "tier": "A1",
        "category": ("x",),
        "scope": "task",
        "turn": 0,
        "applies_when": "it rains",
        "requires": ("z",),
        "all_or_nothing": True,
        "check": Check("length"),
        "evidence": (Evidence("said so"),),
        "examples": (Example("an example", 1.0),),
        "title": "short",
        "tags": ("k:v",),
        "source": Source("me"),
    },
    Rubric: {
        "criteria": (crit("a"),),
        "tree": Node("root", children=("a", "z")),
        "policy": Policy("tree"),
        "id": "other",
        "title": "other",
        "guidelines": "be strict",
        "source": Source("me"),
    },
    Task: {"id": "other", "messages": (Message("user", "other"),), "references": ("r",), "context": "c", "tags": ("k",)},
    Response: {"id": "other", "messages": (Message("assistant", "other"),), "system": "s", "tags": ("k",)},
    Message: {"role": "assistant", "content": "other", "media": (PNG,)},
    Media: {"mime": "image/gif", "data": b"other", "name": "for people"},
    Node: {"id": "other", "text": "other", "weight": 2.0, "children": ("z", "a")},
    Policy: {"name": "tree", "options": {"clip": "none"}, "panel": Panel("mean")},
    Panel: {"rule": "all", "need": 2, "weights": {"j": 2.0}, "independent": True, "reading": "expected", "risk": 0.5},
    Check: {"kind": "regex", "options": {"min": 1}},
    Evidence: {"text": "other", "url": "https://e.org"},
    Example: {"text": "other", "value": "no", "reason": "why"},
    Source: {"by": "other", "method": "m", "inputs": ("i",), "note": "n"},
    Level: {"label": "other", "description": "d", "credit": 0.5},
    Ordinal: {"levels": (Level("a"), Level("c"))},
    Choice: {"values": (Level("b"), Level("a"))},
    Likert: {"points": 4, "anchors": ("a", "b", "c", "d", "e")},
    Numeric: {"low": -1.0, "high": 2.0, "integer": True},
}


def about_criterion(made: Criterion) -> str:
    return rubric(made, crit("z")).digest


def about_scale(made: Any) -> str:
    return about_criterion(Criterion("a", "x", made))


def about_message(made: Message) -> str:
    return Case(Task("t", (made,)), rubric(crit("a")), ()).digest


PLACES: dict[type, tuple[Any, Callable[[Any], str]]] = {
    Criterion: (Criterion("a", "x"), about_criterion),
    Rubric: (rubric(crit("a"), crit("z")), lambda r: r.digest),
    Task: (task(), lambda t: Case(t, rubric(crit("a")), ()).digest),
    Response: (response(), lambda r: case(rubric(crit("a")), [r]).digest),
    Message: (Message("user", "q"), about_message),
    Media: (PNG, lambda m: about_message(Message("user", "q", (m,)))),
    Node: (Node("n", children=("a", "z")), lambda n: rubric(crit("a"), crit("z"), tree=Node("root", children=(n,))).digest),
    Policy: (Policy(), lambda p: Rubric((crit("a"),), policy=p).digest),
    Panel: (Panel(), lambda p: Rubric((crit("a"),), policy=Policy(panel=p)).digest),
    Check: (Check("length", {"max": 9}), lambda c: about_criterion(Criterion("a", "x", check=c))),
    Evidence: (Evidence("e"), lambda e: about_criterion(Criterion("a", "x", evidence=(e,)))),
    Example: (Example("e", "yes"), lambda e: about_criterion(Criterion("a", "x", examples=(e,)))),
    Source: (Source(), lambda s: about_criterion(Criterion("a", "x", source=s))),
    Level: (Level("a"), lambda v: about_scale(Ordinal((v, Level("z"))))),
    Ordinal: (Ordinal((Level("a"), Level("b"))), about_scale),
    Choice: (Choice((Level("a"), Level("b"))), about_scale),
    Likert: (Likert(5), about_scale),
    Numeric: (Numeric(), about_scale),
}


@pytest.mark.parametrize("kind", EDITS, ids=lambda k: k.__name__)
def test_any_edit_of_any_field_of_any_noun_changes_the_digest(kind: type) -> None:
    whole, take = PLACES[kind]
    names = {f.name for f in dataclasses.fields(kind) if f.name != "type"}
    assert set(EDITS[kind]) == names, "every field has its edit here"
    digests = {name: take(dataclasses.replace(whole, **{name: value})) for name, value in EDITS[kind].items()}
    if kind is Media:  # a file's name is for people
        assert digests.pop("name") == take(whole)
    assert take(whole) not in digests.values()
    assert len(set(digests.values())) == len(digests)


@pytest.mark.parametrize("kind", PLACES, ids=lambda k: k.__name__)
def test_a_default_written_out_is_a_default_left_out(kind: type) -> None:
    whole, take = PLACES[kind]
    for field in dataclasses.fields(kind):
        default = field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
        if default is not dataclasses.MISSING and field.name not in ("type", "children"):  # a node without children is refused
            left_out = {f.name: getattr(whole, f.name) for f in dataclasses.fields(kind) if f.init and f.name != field.name}
            copied = type(default)(list(default)) if isinstance(default, tuple) else default
            assert take(kind(**left_out)) == take(kind(**left_out, **{field.name: copied}))


def test_scales_that_share_all_their_fields_are_still_told_apart() -> None:
    levels = (Level("a"), Level("b"))
    assert about_scale(Ordinal(levels)) != about_scale(Choice(levels))
    assert len({about_scale(s) for s in (Binary(), Numeric(), Likert(2))}) == 3


def test_the_order_of_options_is_no_edit_but_the_order_of_criteria_is() -> None:
    forth, back = Policy("weighted", {"clip": "none", "floor": 0.5}), Policy("weighted", {"floor": 0.5, "clip": "none"})
    assert Rubric((crit("a"),), policy=forth).digest == Rubric((crit("a"),), policy=back).digest
    assert rubric(crit("a"), crit("b")).digest != rubric(crit("b"), crit("a")).digest


def test_the_verdicts_of_a_case_are_no_part_of_what_is_judged() -> None:
    bare = case(rubric(crit("a")))
    assert dataclasses.replace(bare, verdicts=(Verdict("r0", "a", value=1.0),)).digest == bare.digest


ASKED = {"text", "scale", "applies_when", "examples"}
"""Fields of a criterion that its question carries."""


@pytest.mark.parametrize("field", EDITS[Criterion])
def test_a_question_changes_with_what_is_asked_and_with_nothing_else(field: str) -> None:
    whole = Criterion("a", "x")
    edited = question_of(dataclasses.replace(whole, **{field: EDITS[Criterion][field]}), examples=2)
    assert (edited.digest != question_of(whole, 2).digest) == (field in ASKED)


def test_a_turn_is_asked_about_where_the_scope_is_a_turn() -> None:
    first, second, none = (question_of(Criterion("a", "x", scope="turn", turn=t)).digest for t in (0, 1, None))
    assert len({first, second, none}) == 3


@pytest.mark.parametrize("scale", [s for s in SCALES if isinstance(s, (Ordinal, Choice))], ids=lambda s: s.type)
def test_what_a_level_is_worth_is_not_asked(scale: Ordinal | Choice) -> None:
    key = "levels" if isinstance(scale, Ordinal) else "values"
    worthless = dataclasses.replace(scale, **{key: tuple(dataclasses.replace(v, credit=0.125) for v in getattr(scale, key))})
    assert question_of(crit("a", scale=worthless)).digest == question_of(crit("a", scale=scale)).digest
    described = dataclasses.replace(scale, **{key: tuple(dataclasses.replace(v, description="d") for v in getattr(scale, key))})
    assert question_of(crit("a", scale=described)).digest != question_of(crit("a", scale=scale)).digest


QUESTION = Question("a", "score", "x", (Level("lo"), Level("hi")), base=0, low=0.0, high=1.0, condition="")
INPUT = Input("judge", (Block("task", "q", (PNG,)), Block("response", "a")), 0, ("t", "r"))

QUESTION_EDITS = {
    "kind": "choice",
    "text": "other",
    "levels": (Level("hi"), Level("lo")),
    "base": 1,
    "low": -1.0,
    "high": 2.0,
    "integer": True,
    "condition": "where it applies",
}
INPUT_EDITS: dict[str, Any] = {
    "instructions": "be strict",
    "repeat": 1,
    "block label": (Block("context", "q", (PNG,)), INPUT.blocks[1]),
    "block text": (INPUT.blocks[0], Block("response", "a ")),
    "block order": INPUT.blocks[::-1],
    "block gone": INPUT.blocks[:1],
    "block split": (Block("task", "q", (PNG,)), Block("response", ""), Block("response", "a")),
    "media content": (Block("task", "q", (Media("image/png", b"two"),)), INPUT.blocks[1]),
    "media type": (Block("task", "q", (Media("image/gif", b"one"),)), INPUT.blocks[1]),
    "media order": (Block("task", "q", (GIF, PNG)), INPUT.blocks[1]),
    "media more": (Block("task", "q", (PNG, GIF)), INPUT.blocks[1]),
    "media gone": (Block("task", "q"), INPUT.blocks[1]),
}


def test_a_fingerprint_changes_with_anything_that_can_change_the_answer() -> None:
    seen = {"": DecisionRequest(INPUT, (QUESTION,)).fingerprint("me", QUESTION)}
    seen["judge"] = DecisionRequest(INPUT, (QUESTION,)).fingerprint("you", QUESTION)
    for name, value in QUESTION_EDITS.items():
        edited = dataclasses.replace(QUESTION, **{name: value})
        seen[name] = DecisionRequest(INPUT, (edited,)).fingerprint("me", edited)
    for name, value in INPUT_EDITS.items():
        changed = dataclasses.replace(INPUT, **{name if name in ("instructions", "repeat") else "blocks": value})
        seen[name] = DecisionRequest(changed, (QUESTION,)).fingerprint("me", QUESTION)
    assert len(set(seen.values())) == len(seen)
    assert set(QUESTION_EDITS) | {"name"} == {f.name for f in dataclasses.fields(Question)}


def test_ids_and_company_are_no_part_of_a_fingerprint() -> None:
    whole = DecisionRequest(INPUT, (QUESTION,)).fingerprint("me", QUESTION)
    renamed = dataclasses.replace(QUESTION, name="z")
    elsewhere = dataclasses.replace(INPUT, label=("other", "ids"))
    assert DecisionRequest(elsewhere, (dataclasses.replace(QUESTION, text="beside"), renamed)).fingerprint("me", renamed) == whole
    assert INPUT.digest == elsewhere.digest
    assert QUESTION.digest == renamed.digest


BLOCK_LISTS = st.lists(st.tuples(st.sampled_from(["task", "a"]), st.text("ab\0\n", max_size=3)), max_size=3)


@given(st.tuples(BLOCK_LISTS, BLOCK_LISTS).filter(lambda pair: pair[0] != pair[1]))
@MANY
def test_two_inputs_that_differ_anywhere_have_different_digests(pair: tuple[list[tuple[str, str]], ...]) -> None:
    first, second = (Input("", tuple(Block(label, text) for label, text in blocks)) for blocks in pair)
    assert first.digest != second.digest


@pytest.mark.parametrize(
    ("first", "second"),
    [(crit("a", 2), crit("a", 2.0)), (crit("a", 1), crit("a")), (crit("a", scale=Numeric(0, 10)), crit("a", scale=Numeric(0.0, 10.0)))],
)
def test_equal_criteria_have_equal_digests(first: Criterion, second: Criterion) -> None:
    assert first == second
    assert about_criterion(first) == about_criterion(second)


def test_equal_questions_have_equal_digests() -> None:
    assert question_of(crit("a", scale=Numeric(0, 10))).digest == question_of(crit("a", scale=Numeric(0.0, 10.0))).digest


def test_moving_an_image_to_another_turn_is_an_edit() -> None:
    first, second = Message("user", "q"), Message("user", "and this?")
    shown = [Task("t", (dataclasses.replace(first, media=(PNG,)), second)), Task("t", (first, dataclasses.replace(second, media=(PNG,))))]
    before, after = (Case(t, rubric(crit("a")), ()).digest for t in shown)
    assert before != after
