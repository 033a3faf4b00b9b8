"""Responses that say nothing: what asks for something is not met, at no call; what emptiness may meet or a task may want is asked."""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from criterial.audit.master_keys import KEYS
from criterial.core.criterion import Criterion
from criterial.core.task import Case
from criterial.formats.load import read_cases
from criterial.formats.native import case_of
from criterial.judge.content import OPENERS, empty_value, says_nothing
from criterial.judge.pointwise import Pointwise, pointwise
from criterial.judge.two_step import two_step
from criterial.model.gullible import GullibleDecider
from criterial.run.grading import grade

SIGNS = ("", " ", "\n\n", ":", ".", ",", "...", "\u2026", "-", "\u2014", "\u3002", "\uff1a", "***", "\u200b", "```\n```", "#")


class Generous(GullibleDecider):
    """Credits whatever it is asked."""

    def __init__(self) -> None:
        super().__init__(lambda criterion, shown, labels: labels[-1])
        self.calls = 0

    async def decide(self, request: Any) -> Any:
        self.calls += 1
        return await super().decide(request)


def case(text: str, *criteria: Any, prompt: str = "Why is the sky blue?", **more: Any) -> Case:
    rubric = {"criteria": [c if isinstance(c, dict) else {"id": f"c{i}", "text": c} for i, c in enumerate(criteria or ("States why",))]}
    return case_of({"id": "t", "prompt": prompt, "rubric": rubric, "responses": [{"id": "r", "text": text}], **more})


def judged(made: Case, options: Pointwise | None = None) -> tuple[list[float | None], int]:
    judge = Generous()
    verdicts = asyncio.run(pointwise(made, made.responses[0], judge, options=options))
    return [v.value for v in verdicts], judge.calls


def dressed(key: str) -> Iterator[str]:
    """Yield a key in other case, blanks, punctuation, markdown and forms of Unicode."""
    yield from (key, key.upper(), key.lower(), f"  {key}:\n\n", f"**{key}:**", f"# {key}", f"{key}...", f"> {key}", f"\u201c{key}\u201d")
    yield unicodedata.normalize("NFD", key)
    yield "\u200b".join(key) if key.isascii() else f"\ufeff{key}\u2060"
    yield "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in key)


def test_no_key_in_any_language_or_dress_is_credited_on_any_of_a_hundred_tasks() -> None:
    """Figure 10: keys, openers in fifteen languages, signs: 0 % credited by a judge that credits everything, at no call."""
    keys = {*KEYS, *SIGNS, *(phrase for phrases in OPENERS.values() for phrase in phrases)}
    texts = [text for key in sorted(keys) for text in dressed(key)]
    assert len(OPENERS) == 15 and len(texts) > 1000
    for text in texts:
        assert judged(case(text)) == ([0.0], 0), text
    rubric = [f"States fact {i}" for i in range(3)]
    tasks = [
        case_of({"id": f"t{t}", "prompt": f"Question {t}?", "rubric": rubric, "responses": list(dict.fromkeys([*KEYS, *SIGNS]))})
        for t in range(100)
    ]
    run = grade(tasks, Generous(), store="sqlite://")
    assert {s.value for s in run.scores} == {0.0} and run.usage.calls == 0


@pytest.mark.parametrize(
    "text",
    [
        "No.",
        "42",
        "\u03c0",
        "\u2713",
        "\U0001f44d",
        "x",
        "Yes",
        "Solution: 7",
        "A solution",
        "Answer: B",
        "\u7b54\u6848\u662fB",
        "1.",
        "=\u221e",
    ],
)
def test_what_says_something_goes_to_the_judge(text: str) -> None:
    assert judged(case(text)) == ([1.0], 1)


def test_it_can_be_switched_off_and_its_verdicts_say_who_gave_them() -> None:
    assert judged(case(":"), Pointwise(settle_empty=False)) == ([1.0], 1)
    (verdict,) = asyncio.run(pointwise(made := case("Thought process:"), made.responses[0], Generous()))
    assert verdict.judge == "check" and verdict.reason == "the response says nothing ('Thought process:'), so no judge was asked"
    (verdict,) = asyncio.run(two_step(made := case(":"), made.responses[0], Generous()))
    assert verdict.value == 0.0


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"reference": ":"}, ":"),
        ({"reference": "Antwort", "prompt": "What is the German word for it?"}, "Antwort"),
        ({"prompt": 'Which mark opens a list, ";" or ":"?'}, ":"),
        ({"prompt": "Which punctuation mark opens a list?"}, ":"),
        ({"prompt": "Pick one:\nA) Solution\nB) Problem"}, "Solution"),
        ({"prompt": "Pick one:\n- Solution\n- Problem"}, "solution."),
        ({"criteria": ["Says 'Solution'"]}, "Solution"),
    ],
)
def test_it_does_not_settle_what_the_task_may_want(given: dict[str, Any], text: str) -> None:
    criteria = given.pop("criteria", ["Is right"])
    assert judged(case(text, *criteria, **given)) == ([1.0], 1)
    assert judged(case("Thought process:", *criteria, **given)) == ([0.0], 0)  # but nothing else that is empty


@pytest.mark.parametrize(
    "text",
    [
        "Avoids jargon", "Does not mention the price", "Doesn't insult the user", "The response should not give a diagnosis", 
        "Contains no lists", "Fails to ask for the dose", "Omits the date", "Is brief",
        "The answer is concise", "Refuses to help", "Has at most 100 words",
        "Leaves out the price", "Is free of errors", "Mentions nothing about money",
    ],
)  # fmt: skip
def test_what_emptiness_may_meet_is_asked(text: str) -> None:
    assert judged(case(":", text)) == ([1.0], 1)


@pytest.mark.parametrize(
    "text",
    [
        "States that aspirin does not help",
        "Explains why no antibiotic is needed",
        "Names a river",
        "Is polite",
        "Mentions what to do if it fails",
    ],
)
def test_what_asks_for_something_is_settled_though_a_negative_follows(text: str) -> None:
    assert empty_value(Criterion("c", text)) == 0.0


def test_faults_scales_and_conditions() -> None:
    """Worst for a merit, not there for a fault; what no program can know is asked."""
    ordinal = {"type": "ordinal", "levels": ["bad", "fair", "good"]}
    made = case(
        "...",
        {"id": "fault", "text": "Contains profanity", "weight": -2},
        {"id": "stars", "text": "Is helpful", "scale": "likert:5"},
        {"id": "level", "text": "Is deep", "scale": ordinal},
        {"id": "mark", "text": "A mark out of ten", "scale": {"type": "numeric", "low": 1, "high": 10}},
    )
    assert judged(made) == ([0.0, 1.0, 0.0, 1.0], 0)
    asked = case(
        "...",
        {"id": "harm", "text": "How harmful it is", "scale": ordinal, "weight": -1},
        {"id": "kind", "text": "Of which kind it is", "scale": {"type": "choice", "values": ["a", "b"]}},
        {"id": "some", "text": "Names a river", "applies_when": "the task is about rivers"},
        {"id": "whole", "text": "Is a clear task", "scope": "task"},
    )
    assert judged(asked) == ([2.0, 1.0, 1.0, 1.0], 2)


def test_a_requirement_that_is_settled_settles_what_requires_it() -> None:
    made = case(":", {"id": "a", "text": "Names a river"}, {"id": "b", "text": "Does not insult", "requires": ["a"]})
    verdicts = asyncio.run(pointwise(made, made.responses[0], judge := Generous()))
    assert (verdicts[0].value, verdicts[1].cause, judge.calls) == (0.0, "not_asked", 0)


def test_a_response_that_does_something_else_is_not_empty() -> None:
    turns = [
        {"role": "assistant", "content": "."},
        {"role": "user", "content": "Go on"},
        {"role": "assistant", "content": "Because of Rayleigh."},
    ]
    tool = [{"role": "assistant", "content": ""}, {"role": "tool", "content": "sent"}]
    for messages in (turns, tool):
        made = case_of({"id": "t", "prompt": "p", "rubric": ["a"], "responses": [{"id": "r", "messages": messages}]})
        assert not says_nothing(made, made.responses[0])


@pytest.mark.parametrize(
    "name", ["judgebench", "saf_short_answers", "wice", "roscoe", "llmbar", "realsumm_scu", "healthbench_500", "dices"]
)
def test_of_real_responses_none_with_a_word_in_it_is_settled(shared: Path, name: str) -> None:
    settled = [r.text for c in read_cases(shared / "data" / name) for r in c.responses if says_nothing(c, r)]
    assert [text for text in settled if text.strip()] == []
    assert len(settled) == (1 if name == "roscoe" else 0)  # one chain of reasoning there is blank
