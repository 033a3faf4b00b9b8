"""A cascade asks the dear judge for what the cheap one is not sure of, and for nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from criterial.core.fence import Block
from criterial.core.ports import Answer, DecisionReply, DecisionRequest, Input, Question, Usage
from criterial.errors import ConfigError
from criterial.model.cascade import Cascade, CascadeDecider
from criterial.model.spec import JudgeSettings, make_decider

YES, NO = (0.0, 1.0), (1.0, 0.0)


class Fixed:
    """Answers by the question's name, and keeps what it was asked."""

    calibrated = True

    def __init__(self, name: str, answers: dict[str, Answer], calls: int = 1, most: int = 100) -> None:
        self.name, self.identity, self.questions_per_call = name, f"{name}/1", most
        self._answers, self._calls = answers, calls
        self.asked: list[list[str]] = []
        self.closed = False

    async def decide(self, request: DecisionRequest) -> DecisionReply:
        names = [q.name for q in request.questions]
        self.asked.append(names)
        return DecisionReply(tuple(self._answers[n] for n in names), Usage(calls=self._calls, input_tokens=10 * len(names)))

    def estimate(self, request: DecisionRequest) -> Usage:
        return Usage(calls=self._calls, input_tokens=10 * len(request.questions))

    async def close(self) -> None:
        self.closed = True


CHEAP = {
    "sure": Answer("decided", YES, graded=True, reason="seen"),
    "weak": Answer("decided", (0.4, 0.6), graded=True),
    "plain": Answer("decided", YES),
    "unsure": Answer("abstained", cause="uncertain"),
    "lost": Answer("failed", cause="timeout"),
    "apart": Answer("not_applicable"),
}
DEAR = {name: Answer("decided", NO, reason="read") for name in CHEAP}


def request(*names: str) -> DecisionRequest:
    return DecisionRequest(Input("judge", (Block("response", "text"),)), tuple(Question(n, "predicate", f"is it {n}") for n in names))


def asked(rule: Cascade | None = None, names: Sequence[str] = tuple(CHEAP)) -> tuple[DecisionReply, Fixed, Fixed]:
    cheap, dear = Fixed("cheap", CHEAP, calls=0), Fixed("dear", DEAR)
    return asyncio.run(CascadeDecider(cheap, dear, rule).decide(request(*names))), cheap, dear


@pytest.mark.parametrize(
    ("rule", "passed"),
    [
        (None, ["unsure", "lost"]),
        (Cascade(below=0.7), ["weak", "unsure", "lost"]),
        (Cascade(below=1.0), ["weak", "unsure", "lost"]),
        (Cascade(abstained=False), ["lost"]),
        (Cascade(failed=False), ["unsure"]),
    ],
    ids=str,
)
def test_what_the_rule_passes_on_goes_to_the_dear_judge_in_one_request(rule: Cascade | None, passed: list[str]) -> None:
    reply, cheap, dear = asked(rule)
    assert (cheap.asked, dear.asked) == ([list(CHEAP)], [passed])
    by_dear = [name for name, a in zip(CHEAP, reply.answers, strict=True) if a.reason.startswith("[dear")]
    assert by_dear == passed
    assert reply.usage == Usage(calls=1, input_tokens=10 * (len(CHEAP) + len(passed)))


def test_the_reason_says_who_answered_and_why_it_was_passed_on() -> None:
    reply, _, _ = asked(Cascade(below=0.7), ["sure", "weak", "unsure"])
    assert [a.reason for a in reply.answers] == [
        "[cheap] seen",
        "[dear, passed on by cheap: probability 0.60] read",
        "[dear, passed on by cheap: uncertain] read",
    ]


def test_where_all_is_sure_the_dear_judge_is_not_asked() -> None:
    reply, _, dear = asked(names=["sure", "plain", "apart"])
    assert dear.asked == []
    assert [a.outcome for a in reply.answers] == ["decided", "decided", "not_applicable"]


def test_identity_follows_both_judges_and_the_rule_and_limits_are_the_tighter_ones() -> None:
    cheap, dear, other = Fixed("cheap", CHEAP), Fixed("dear", DEAR, most=3), Fixed("other", DEAR)
    seen = {CascadeDecider(*each).identity for each in ((cheap, dear), (cheap, other), (dear, cheap), (cheap, dear, Cascade(below=0.5)))}
    made = CascadeDecider(cheap, dear)
    assert len(seen) == 4
    assert (made.name, made.questions_per_call, made.calibrated) == ("cheap>dear", 3, True)
    assert made.estimate(request("sure")) == Usage(calls=2, input_tokens=20)
    asyncio.run(made.close())
    assert cheap.closed and dear.closed


def test_a_cascade_is_named_by_its_judges() -> None:
    made = make_decider("cascade:embedded>chat:m@http://127.0.0.1:9/v1", JudgeSettings(pass_below=0.9))
    assert made.name == "embedded>m"
    assert not made.calibrated


@pytest.mark.parametrize(
    "spec", ["cascade:embedded", "cascade:embedded>", "cascade:>embedded", "cascade:a>b>c", "cascade:scripted:f>embedded"]
)
def test_a_cascade_that_is_none_is_refused(spec: str) -> None:
    with pytest.raises(ConfigError, match="cascade"):
        make_decider(spec)


@pytest.mark.parametrize("below", [-0.1, 1.1, float("nan")])
def test_a_rule_that_means_nothing_is_refused(below: Any) -> None:
    with pytest.raises(ConfigError):
        Cascade(below=below)
