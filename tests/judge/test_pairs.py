"""Criteria about a pair: both responses are judged by one request a repeat, mirror each other, and show what the order does."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

import criterial as cr
from criterial.core.criterion import Criterion
from criterial.core.ports import Answer, DecisionReply, DecisionRequest, Usage
from criterial.core.scale import Level, Likert, Ordinal
from criterial.core.task import Case
from criterial.core.verdict import State, Verdict
from criterial.judge.pairs import PAIR_INSTRUCTIONS
from criterial.judge.pointwise import pointwise
from criterial.model.scripted import ScriptedDecider
from criterial.score.pairs import order_effect
from tests.helpers_files import answer, case, task

THREE = Ordinal((Level("lost"), Level("tied"), Level("won")))
BETTER = Criterion("better", "Is more helpful", THREE, scope="pair")


class Reader:
    """Prefers the response that holds the word ``good``; between equals the one shown first with probability `pull`."""

    name = identity = "reader"
    calibrated, questions_per_call = True, 100

    def __init__(self, pull: float = 0.5) -> None:
        self.pull, self.requests = pull, list[DecisionRequest]()

    async def decide(self, request: DecisionRequest) -> DecisionReply:
        self.requests.append(request)
        await asyncio.sleep(0)
        texts = {b.label: b.text for b in request.input.blocks}
        lean = ("good" in texts["first"]) - ("good" in texts["second"])
        p = 0.5 + 0.4 * lean if lean else self.pull
        probs = [(1 - p, p) if len(q.levels) == 2 else (0.9 * (1 - p), 0.1, 0.9 * p) for q in request.questions]
        return DecisionReply(tuple(Answer("decided", v, graded=True) for v in probs), Usage(calls=1))

    def estimate(self, request: DecisionRequest) -> Usage:
        return Usage(calls=1)

    async def close(self) -> None:
        pass


def pair(first: str, second: str, *criteria: Criterion, of: Any = None) -> Case:
    return case(*(criteria or (BETTER,)), of=of, responses=[answer(first, "a", system="x"), answer(second, "b", system="y")])


def judged(made: Case, decider: Any, repeat: int = 0) -> list[list[Verdict]]:
    return [asyncio.run(pointwise(made, r, decider, repeat)) for r in made.responses]


@pytest.mark.parametrize("repeat", [0, 1])
def test_the_better_of_two_has_won_in_either_order_and_the_other_lost(repeat: int) -> None:
    (won,), (lost,) = judged(pair("good", "poor"), Reader(), repeat)
    assert (won.value, won.probs) == (2.0, pytest.approx((0.09, 0.1, 0.81)))
    assert (lost.value, lost.probs) == (0.0, pytest.approx((0.81, 0.1, 0.09)))


def test_both_responses_are_judged_by_the_same_request_and_repeats_show_the_other_order() -> None:
    reader = Reader()
    for repeat in (0, 1, 2):
        judged(pair("good", "poor"), reader, repeat)
    shown = [[(b.label, b.text) for b in r.input.blocks[-2:]] for r in reader.requests]
    straight, turned = [("first", "good"), ("second", "poor")], [("first", "poor"), ("second", "good")]
    assert shown == [straight, straight, turned, turned, straight, straight]
    keys = [r.fingerprint("j", r.questions[0]) for r in reader.requests]
    assert (keys[0], keys[2], keys[4]) == (keys[1], keys[3], keys[5])
    assert len(set(keys)) == 3
    assert all(r.input.instructions == PAIR_INSTRUCTIONS for r in reader.requests)


def test_a_yes_no_criterion_about_a_pair_is_a_forced_choice() -> None:
    (better,), (worse,) = judged(pair("good", "poor", Criterion("p", "Is better", scope="pair")), Reader())
    assert (better.value, worse.value) == (1.0, 0.0)
    assert (better.probs, worse.probs) == (pytest.approx((0.1, 0.9)), pytest.approx((0.9, 0.1)))


def test_a_script_of_verdicts_on_the_pairs_first_response_is_answered_for_both() -> None:
    script = ScriptedDecider([Verdict("a", "better", value=2.0, task="t")])
    made = pair("x", "y", of=task(identity="t"))
    assert [v.value for (v,) in judged(made, script)] == [2.0, 0.0]


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (case(BETTER, responses=[answer("x", "a")]), "two responses, and this one has 1"),
        (case(BETTER, responses=[answer("x", r) for r in "abc"]), "two responses, and this one has 3"),
        (pair("x", "y", Criterion("p", "Is better", Likert(5), scope="pair")), "three levels"),
    ],
    ids=["one", "three", "five points"],
)
def test_what_is_no_pair_is_left_alone_with_the_reason(made: Case, says: str) -> None:
    reader = Reader()
    for (verdict,) in judged(made, reader):
        assert (verdict.state, verdict.cause) == (State.ABSTAINED, "unsupported")
        assert says in verdict.reason
    assert reader.requests == []


def cases(rng: np.random.Generator, many: int) -> list[Case]:
    words = [("good", "poor"), ("poor", "good"), ("poor", "poor")]
    return [pair(*words[rng.integers(3)], of=task(f"q{i}", identity=f"t{i}")) for i in range(many)]


def test_a_run_over_pairs_pays_each_pair_once_a_repeat_and_scores_are_win_rates() -> None:
    reader, made = Reader(), cases(np.random.default_rng(0), 40)
    run = cr.grade(made, reader, store="sqlite://", repeats=2)
    assert len(reader.requests) == 80
    assert run.usage.calls == 80
    values = np.array([s.value for s in run.scores]).reshape(-1, 2)
    level = np.array([c.responses[0].text == c.responses[1].text for c in made])
    assert values[level].tolist() == [[0.5, 0.5]] * int(level.sum())
    assert sorted(values[~level].tolist(), reverse=True)[0] == [1.0, 0.0]
    assert values.sum(axis=1).tolist() == [1.0] * 40


def test_the_pull_of_the_first_place_is_estimated_whoever_is_better() -> None:
    made = cases(np.random.default_rng(1), 90)
    fair, pulled = (cr.grade(made, Reader(p), store="sqlite://", repeats=2) for p in (0.5, 0.99))
    even = sum(c.responses[0].text == c.responses[1].text for c in made) / len(made)
    found = order_effect(pulled.table)
    assert found is not None
    assert found.first_wins.value == pytest.approx(0.5 + even / 2)
    assert found.agree.value == pytest.approx(1 - even)
    assert any("shown first takes" in n.message for n in pulled.notes)
    neutral = order_effect(fair.table)
    assert neutral is not None
    assert (neutral.first_wins.value, neutral.agree.value) == (0.5, 1.0)


def test_pairs_in_one_order_alone_say_so() -> None:
    run = cr.grade(cases(np.random.default_rng(2), 5), Reader(), store="sqlite://")
    assert any("one order alone" in n.message and "--repeats 2" in n.hint for n in run.notes)
    found = order_effect(run.table)
    assert found is not None
    assert (found.first_wins.value, found.one_order) == (None, 5)


def test_a_table_without_pairs_has_no_order() -> None:
    assert order_effect(cr.grade([case("a", responses=[answer("x", "r")])], ScriptedDecider([]), store="sqlite://").table) is None
