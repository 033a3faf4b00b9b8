"""How questions are put to a chat model: prefix first, reason before answer, numbers that say nothing, and strict reading back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from criterial.core.fence import Block
from criterial.core.ports import DecisionRequest, Input, Question
from criterial.core.scale import Level
from criterial.errors import JudgeError
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
    items = [{"number": n, "reason": str(i), "answer": "yes" if i % 2 else "no"} for n, i in enumerate(sheet.order, 1)]
    found, wrong = sheet.read({"answers": items})
    assert wrong == ""
    assert {i: a.probs for i, a in found.items()} == {i: (0.0, 1.0) if i % 2 else (1.0, 0.0) for i in range(5)}


@pytest.mark.parametrize(
    ("items", "said"),
    [
        ([{"number": 1, "reason": "", "answer": "yes"}], "criterion 2 has no answer"),
        ([{"number": 1, "answer": "yes"}, {"number": 1, "answer": "no"}], "criterion 1 was answered more than once"),
        ([{"number": 3, "answer": "yes"}], "no criterion's number"),
        ([{"number": True, "answer": "yes"}], "no criterion's number"),
        ([{"number": 1, "answer": "perhaps"}], "'perhaps' is none of yes, no, unsure"),
        ([{"number": 1, "answer": 90}], "'90' is none of yes, no, unsure"),
        (["yes", "no"], "no criterion's number"),
        ("yes", "criterion 1 has no answer"),
        (None, "criterion 1 has no answer"),
    ],
)
def test_a_reply_that_does_not_fit_says_what_is_wrong_and_gives_nothing_for_it(items: Any, said: str) -> None:
    sheet = Sheet.of(request(question("a"), question("b")))
    found, wrong = sheet.read({"answers": items})
    assert said in wrong
    assert len(found) < 2


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
