"""How questions are put to a chat model: prefix first, reason before answer, numbers that say nothing, and strict reading back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from criterial.core.fence import Block
from criterial.core.ports import DecisionRequest, Input, Question
from criterial.core.scale import Level
from criterial.errors import JudgeError
from criterial.model import chat_format
from criterial.model.chat_format import Sheet, read_answer

YES_NO = (Level("no"), Level("yes"))
FIVE = tuple(Level(str(n)) for n in range(1, 6))


def question(name: str, **fields: Any) -> Question:
    return Question(name, fields.pop("kind", "predicate"), fields.pop("text", f"Says {name}"), fields.pop("levels", YES_NO), **fields)


def request(*questions: Question, response: str = "The answer.") -> DecisionRequest:
    blocks = (Block("task", "The task."), Block("response", response))
    return DecisionRequest(Input("Judge.", blocks), questions)


def test_what_criteria_of_one_response_share_comes_first_word_for_word() -> None:
    one, other = (Sheet.of(request(question(n))) for n in ("a", "b"))
    assert one.system() == other.system()
    shared = one.request.input.text
    assert one.user().startswith(shared) and other.user().startswith(shared)
    assert "Says a" in one.user()[len(shared) :] and "Says" not in shared


def test_responses_to_one_task_share_the_prompt_up_to_the_response() -> None:
    one, other = (Sheet.of(request(question("a"), response=text)).user() for text in ("First.", "Second."))
    common = len("".join(a for a, b in zip(one, other, strict=False) if a == b).split("First")[0])
    assert one[:common].count("</task ") == 1


def test_the_reason_stands_before_the_answer_in_every_schema() -> None:
    for asked in (request(question("a")), request(question("a"), question("b"))):
        text = json.dumps(Sheet.of(asked).schema())
        assert 0 < text.index('"reason"') < text.index('"answer"')


def test_the_order_is_shuffled_alike_for_the_same_request_and_otherwise_not() -> None:
    questions = [question(n) for n in "abcdefgh"]
    orders = {Sheet.of(request(*questions, response=f"Response {i}.")).order for i in range(20)}
    assert len(orders) > 15
    assert Sheet.of(request(*questions)).order == Sheet.of(request(*questions)).order
    assert all(sorted(order) == list(range(8)) for order in orders)


def test_the_schema_does_not_change_with_the_criteria() -> None:
    sheets = [Sheet.of(request(*(question(n) for n in names))) for names in ("ab", "cde")]
    assert sheets[0].schema() == sheets[1].schema()


def test_answers_find_their_questions_through_the_shuffle() -> None:
    sheet = Sheet.of(request(*(question(n) for n in "abcde")))
    items = [{"reason": str(i), "criterion": sheet.aliases[i], "answer": "yes" if i % 2 else "no"} for i in sheet.order]
    found, wrong = sheet.read({"answers": items})
    assert wrong == ""
    assert {i: a.probs for i, a in found.items()} == {i: (0.0, 1.0) if i % 2 else (1.0, 0.0) for i in range(5)}


@pytest.mark.parametrize(
    ("items", "said"),
    [
        ([("first", "yes")], "criterion second has no answer"),
        ([("first", "yes"), ("first", "no")], "criterion first was answered more than once"),
        ([("1", "yes")], "an answer is under no criterion's code"),
        ([(True, "yes")], "an answer is under no criterion's code"),
        ([("first", "perhaps")], "'perhaps' is none of yes, no, unsure"),
        ([("first", 90)], "'90' is none of yes, no, unsure"),
        (["yes", "no"], "an answer is under no criterion's code"),
        ("yes", "criterion first has no answer"),
        (None, "criterion first has no answer"),
    ],
)
def test_a_reply_that_does_not_fit_says_what_is_wrong_and_gives_nothing_for_it(items: Any, said: str) -> None:
    sheet = Sheet.of(request(question("a"), question("b")))
    names = dict(zip(("first", "second"), sheet.aliases, strict=True))
    if isinstance(items, list):
        items = [i if isinstance(i, str) else {"reason": "", "criterion": names.get(i[0], i[0]), "answer": i[1]} for i in items]
    found, wrong = sheet.read({"answers": items})
    for name, alias in names.items():
        wrong = wrong.replace(alias, name)
    assert said in wrong
    assert len(found) < 2


def test_a_criterion_is_named_as_it_was_shown_and_right_before_its_answer() -> None:
    sheet = Sheet.of(request(question("a")))
    (alias,) = sheet.aliases
    assert f"\nCriterion to judge (its code is {alias}):\nSays a\n" in sheet.user()
    several = Sheet.of(request(question("a"), question("b")))
    assert all(f"\n[{several.aliases[i]}] Says {name}" in several.user() for i, name in enumerate("ab"))
    right = {"reason": "r", "criterion": alias, "answer": "yes"}
    for reply in (right, {**right, "criterion": f"[{alias}]"}, {"criterion": alias, "answer": "yes", "reason": "r"}):
        assert sheet.answers(reply) and list(sheet.read(reply)[0]) == [0]
    broken_out = {"criterion": alias, "reason": "r", "answer": "yes"}  # all after an open reason may be an echo
    for reply in (broken_out, {**right, "criterion": alias.upper()}, {**right, "criterion": ""}, {"reason": "r", "answer": "yes"}):
        assert not sheet.answers(reply) and sheet.read(reply)[0] == {}


def test_an_alias_that_the_input_holds_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat_format, "_LENGTH", 2)  # so that a text can hold nearly all there are
    left = {a + b for a in "bcd" for b in chat_format._LETTERS}
    text = " ".join(a + b for a in chat_format._LETTERS for b in chat_format._LETTERS if a + b not in left).upper()
    assert set(Sheet.of(request(*(question(n) for n in "abcdefgh"), response=text)).aliases) <= left


def test_an_alias_is_drawn_anew_for_every_input_and_occurs_in_nothing_that_is_judged() -> None:
    questions = tuple(question(n) for n in "abcdefgh")
    text, seen = "It is so.", set()
    for _ in range(50):  # a response that names all aliases of its last judging is judged under others
        sheet = Sheet.of(request(*questions, response=text))
        assert len(set(sheet.aliases)) == 8 and not any(a in text.casefold() for a in sheet.aliases)
        assert not seen & set(sheet.aliases)
        seen |= set(sheet.aliases)
        text += " " + " ".join(sheet.aliases).upper()
    assert Sheet.of(request(*questions, response=text)).aliases == Sheet.of(request(*questions, response=text)).aliases


@pytest.mark.parametrize(
    ("asked", "given", "outcome", "probs"),
    [
        (question("a"), "yes", "decided", (0.0, 1.0)),
        (question("a"), " YES ", "decided", (0.0, 1.0)),
        (question("a"), True, "decided", (0.0, 1.0)),
        (question("a"), "unsure", "abstained", ()),
        (question("a", condition="c"), "n/a", "not_applicable", ()),
        (question("a", kind="score", levels=FIVE, base=1), 4, "decided", (0, 0, 0, 1, 0)),
        (question("a", kind="score", levels=FIVE, base=1), "4", "decided", (0, 0, 0, 1, 0)),
        (question("a", kind="choice", levels=(Level("A"), Level("b"), Level("tie"))), "B", "decided", (0, 1, 0)),
    ],
)
def test_labels_are_read(asked: Question, given: Any, outcome: str, probs: tuple[float, ...]) -> None:
    answer = read_answer(asked, {"reason": "r", "answer": given})
    assert (answer.outcome, answer.probs, answer.reason) == (outcome, probs, "r")


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        (question("a"), "yes and no"),
        (question("a"), 1.5),
        (question("a"), None),
        (question("a"), ["yes"]),
        (question("a"), "n/a"),  # no condition was given
        (question("a", kind="score", levels=FIVE), 6),
        (question("a", kind="score", levels=FIVE), "4.5"),
        (question("a", kind="number", levels=(), low=0, high=10), "11"),
        (question("a", kind="number", levels=(), low=0, high=10), "ten"),
        (question("a", kind="number", levels=(), low=0, high=10), "nan"),
    ],
)
def test_nothing_is_clamped_or_guessed(asked: Question, given: Any) -> None:
    with pytest.raises(JudgeError) as caught:
        read_answer(asked, {"answer": given})
    assert caught.value.cause == "malformed"


def test_a_number_within_its_range_is_read() -> None:
    assert read_answer(question("a", kind="number", levels=(), low=0, high=10), {"answer": "7.5"}).number == 7.5
