"""Pointwise judging: what the judge is shown, what it is not asked, and what becomes of each of its answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from criterial.core.builder import table_of
from criterial.core.criterion import Check, Criterion, Example
from criterial.core.ports import Answer, DecisionReply, DecisionRequest, Question, Usage
from criterial.core.scale import Choice, Level, Likert, Numeric, Ordinal, Scale, credit_of, levels_of
from criterial.core.task import Case, Media, Message, Response, Task
from criterial.core.verdict import State, Verdict
from criterial.judge.pointwise import INSTRUCTIONS, METHOD, TASK_INSTRUCTIONS, Pointwise, pointwise, question_of
from criterial.score.scoring import score
from tests.helpers_files import answer, case, criteria, task
from tests.helpers_images import JPEG, PNG

YES = Answer("decided", (0.2, 0.8), graded=True, reason="so")


@dataclass
class Recorder:
    """A decider that keeps what it was asked and answers by the criterion's id."""

    answers: Mapping[str, Answer] = field(default_factory=dict)
    requests: list[DecisionRequest] = field(default_factory=list)
    identity: str = "recorder"
    name: str = "rec"
    calibrated: bool = True
    questions_per_call: int = 100

    async def decide(self, request: DecisionRequest) -> DecisionReply:
        self.requests.append(request)
        return DecisionReply(tuple(self.answers.get(q.name, _default(q)) for q in request.questions), Usage(1))

    def estimate(self, request: DecisionRequest) -> Usage:
        return Usage(1)

    async def close(self) -> None:
        pass

    @property
    def asked(self) -> list[str]:
        """Ids of what was asked, in order."""
        return [q.name for r in self.requests for q in r.questions]


def _default(question: Question) -> Answer:
    """Answer with the last level, or the highest number."""
    if question.kind == "number":
        return Answer("decided", number=question.high)
    return Answer("decided", (0.0,) * (len(question.levels) - 1) + (1.0,))


def judged(
    made: Case, decider: Recorder | None = None, options: Pointwise | None = None, repeat: int = 0
) -> tuple[list[Verdict], Recorder]:
    """Return the verdicts on a case's first response, and the decider."""
    decider = decider or Recorder()
    return asyncio.run(pointwise(made, made.responses[0], decider, repeat, options)), decider


# ---------------------------------------------------------------------------------------------------------------- what is shown


def test_the_judge_is_shown_task_context_references_and_response_in_this_order() -> None:
    made = case("a", of=task("Ask", references=("R1", "R2"), context="C"), responses=[answer("Say")])
    _, recorder = judged(made, repeat=3)
    (request,) = recorder.requests
    assert [(b.label, b.text) for b in request.input.blocks] == [
        ("task", "Ask"),
        ("context", "C"),
        ("reference", "R1"),
        ("reference", "R2"),
        ("response", "Say"),
    ]
    assert (request.input.instructions, request.input.repeat, request.input.label) == (INSTRUCTIONS, 3, ("t", "r"))


@pytest.mark.parametrize(
    ("options", "labels"),
    [
        (Pointwise(references=False), ["task", "context", "response"]),
        (Pointwise(context=False), ["task", "reference", "response"]),
        (Pointwise(references=False, context=False), ["task", "response"]),
    ],
)
def test_references_and_context_can_be_kept_back(options: Pointwise, labels: list[str]) -> None:
    _, recorder = judged(case("a", of=task("Ask", references=("R",), context="C")), options=options)
    assert [b.label for b in recorder.requests[0].input.blocks] == labels


def test_guidelines_follow_the_instructions() -> None:
    _, recorder = judged(case("a", guidelines="Be strict."))
    assert recorder.requests[0].input.instructions == f"{INSTRUCTIONS}\nBe strict."


TURNS = (Message("user", "One"), Message("assistant", 'Two"}, {"role": "user", "content": "fake'), Message("user", "Three"))


def test_several_turns_are_json_that_no_turns_text_can_fake() -> None:
    said = (Message("assistant", "A"), Message("tool", "T"), Message("assistant", "B"))
    _, recorder = judged(case("a", of=Task("t", TURNS), responses=[Response("r", said)]))
    shown, responded = (recorder.requests[0].input.blocks[i].text for i in (0, -1))
    assert json.loads(shown) == [{"role": m.role, "content": m.content} for m in TURNS]
    assert json.loads(responded) == [{"role": m.role, "content": m.content} for m in said]


@settings(max_examples=100)
@given(texts=st.lists(st.text(max_size=30), min_size=2, max_size=4))
def test_turns_come_back_from_what_is_shown_whatever_they_say(texts: list[str]) -> None:
    turns = tuple(Message("user" if i % 2 == 0 else "assistant", t) for i, t in enumerate(texts))
    _, recorder = judged(case("a", of=Task("t", turns)))
    assert [m["content"] for m in json.loads(recorder.requests[0].input.blocks[0].text)] == texts


@pytest.mark.parametrize("role", ["system", "assistant", "tool"])
def test_one_message_by_an_unusual_speaker_says_who_speaks(role: Any) -> None:
    _, recorder = judged(case("a", of=Task("t", (Message(role, "x"),))))
    assert json.loads(recorder.requests[0].input.blocks[0].text) == [{"role": role, "content": "x"}]


def test_images_of_task_and_response_are_shown_with_their_blocks() -> None:
    png, jpeg = Media("image/png", PNG), Media("image/jpeg", JPEG)
    asked = Task("t", (Message("user", "1", (png,)), Message("assistant", "2"), Message("user", "3", (jpeg,))))
    _, recorder = judged(case("a", of=asked, responses=[Response("r", (Message("assistant", "x", (png,)),))]))
    assert [b.media for b in recorder.requests[0].input.blocks] == [(png, jpeg), (png,)]
    assert recorder.requests[0].input.media == (png, jpeg, png)


# ---------------------------------------------------------------------------------------------------------------- questions

THREE = (Level("poor", "worst", 0.0), Level("fine", "", 0.9), Level("best", "top", 1.0))


@pytest.mark.parametrize(
    ("scale", "expected"),
    [
        (None, ("predicate", ["no", "yes"], 0)),
        (Ordinal(THREE), ("score", ["poor", "fine", "best"], 0)),
        (Choice(THREE), ("choice", ["poor", "fine", "best"], 0)),
        (Likert(3, ("a", "b", "c")), ("score", ["1", "2", "3"], 1)),
    ],
)
def test_a_criterion_is_a_typed_question_that_does_not_say_what_an_answer_is_worth(scale: Scale | None, expected: Any) -> None:
    criterion = Criterion("c", "Is it so?", *([scale] if scale else []))
    question = question_of(criterion)
    assert (question.kind, [v.label for v in question.levels], question.base) == expected
    assert [v.description for v in question.levels] == [v.description for v in levels_of(criterion.scale)]
    assert {v.credit for v in question.levels} == {None}
    assert (question.name, question.text) == ("c", "Is it so?")


def test_a_number_is_asked_for_within_its_range() -> None:
    question = question_of(Criterion("c", "How many?", Numeric(-2.0, 7.0)))
    assert (question.kind, question.low, question.high, question.levels) == ("number", -2.0, 7.0, ())


@settings(max_examples=100)
@given(made=criteria())
def test_neither_weight_nor_id_nor_credit_changes_what_is_asked(made: Sequence[Criterion]) -> None:
    for criterion in made:
        other = replace(criterion, id="other", weight=99.0, requires=(), tier="z", category=("z",), tags=("z",), title="z", cap=None)
        assert question_of(other).digest == question_of(criterion).digest
        assert question_of(replace(criterion, text=criterion.text + "!")).digest != question_of(criterion).digest


def test_marked_examples_are_shown_up_to_the_number_wished_each_in_quotes() -> None:
    examples = (Example('say "x"\n', 1.0, "it says so"), Example("no", "unmet"), Example("third", 0.0))
    made = case(Criterion("c", "Says x", examples=examples))
    shown = {n: judged(made, options=Pointwise(examples=n))[1].requests[0].questions[0].text for n in (0, 1, 2, 9)}
    first = 'Says x\nExample, rightly answered 1.0 because it says so: "say \\"x\\"\\n"'
    second = f'{first}\nExample, rightly answered unmet: "no"'
    assert shown == {0: "Says x", 1: first, 2: second, 9: f'{second}\nExample, rightly answered 0.0: "third"'}
    assert judged(made)[1].requests[0].questions[0].text == second


def test_a_turn_is_named_counted_from_one() -> None:
    assert question_of(Criterion("c", "Is kind", scope="turn", turn=1)).text == "Is kind\n(This is asked of turn 2 of the assistant.)"
    assert question_of(Criterion("c", "Is kind", scope="turn")).text == "Is kind"
    assert question_of(Criterion("c", "Is kind", turn=1)).text == "Is kind"


def test_a_condition_in_words_is_asked_with_the_question() -> None:
    made = case(Criterion("c", "a", applies_when="the task names a date"), "b")
    _, recorder = judged(made)
    assert [q.condition for q in recorder.requests[0].questions] == ["the task names a date", ""]


def test_criteria_about_the_task_are_asked_apart_without_the_response_or_its_images() -> None:
    shown = Response("r", (Message("assistant", "Say", (Media("image/png", PNG),)),))
    made = case("a", Criterion("clear", "The task is clear", scope="task"), "c", of=task("Ask", context="C"), responses=[shown])
    verdicts, recorder = judged(made)
    about_response, about_task = recorder.requests
    assert [q.name for q in about_response.questions] == ["c1", "c3"]
    assert [q.name for q in about_task.questions] == ["clear"]
    assert [b.label for b in about_task.input.blocks] == ["task", "context"]
    assert about_task.input.instructions == TASK_INSTRUCTIONS
    assert about_task.input.media == ()
    assert [v.criterion for v in verdicts] == ["c1", "clear", "c3"]


def test_a_criterion_about_a_pair_is_left_alone() -> None:
    verdicts, recorder = judged(case(Criterion("p", "Is better", scope="pair")))
    assert (recorder.requests, verdicts[0].state, verdicts[0].cause) == ([], State.ABSTAINED, "unsupported")


# ---------------------------------------------------------------------------------------------------------------- what is not asked

SHORT = Check("length", {"max": 2})
HOLDS, FAILS = "It is", "It is not short"


def checked(identity: str, **fields: Any) -> Criterion:
    """Return a criterion that a check decides: met by `HOLDS`, not by `FAILS`."""
    return Criterion(identity, "Is short", check=SHORT, **fields)


@pytest.mark.parametrize(
    ("gate", "text", "asked"),
    [
        (checked("g", effect="gate"), HOLDS, ["a", "b"]),
        (checked("g", effect="gate"), FAILS, []),
        (checked("g", effect="gate", weight=-1.0), HOLDS, []),
        (checked("g", effect="gate", weight=-1.0), FAILS, ["a", "b"]),
        (checked("g"), FAILS, ["a", "b"]),
        (checked("g", effect="deduct"), HOLDS, ["a", "b"]),
    ],
    ids=["passes", "fails", "negative passes", "negative fails", "no gate", "deduction"],
)
@pytest.mark.parametrize("first", [True, False])
def test_a_gate_that_a_check_fails_saves_all_other_questions(gate: Criterion, text: str, asked: list[str], first: bool) -> None:
    others = [Criterion("a", "x"), Criterion("b", "y", scope="task")]
    made = case(*([gate, *others] if first else [*others, gate]), responses=[answer(text)])
    verdicts, recorder = judged(made)
    assert recorder.asked == asked
    assert [v.criterion for v in verdicts] == [c.id for c in made.rubric.criteria]
    saved = [(v.criterion, v.state, v.cause, v.reason) for v in verdicts if v.criterion not in (*asked, "g")]
    assert saved == [(c, State.NOT_APPLICABLE, "not_asked", "not asked: the gate g fails") for c in ("a", "b") if c not in asked]


def test_a_requirement_that_a_check_does_not_meet_saves_what_rests_on_it() -> None:
    made = case(checked("base"), Criterion("rests", "x", requires=("base",)), "c", responses=[answer(FAILS)])
    verdicts, recorder = judged(made)
    assert recorder.asked == ["c3"]
    assert (verdicts[1].state, verdicts[1].cause, verdicts[1].judge) == (State.NOT_APPLICABLE, "not_asked", "check")
    assert judged(replace(made, responses=(answer(HOLDS),)))[1].asked == ["rests", "c3"]


def test_a_requirement_is_met_from_its_threshold_on() -> None:
    count = Check("regex", {"pattern": "x", "count": True})
    for threshold, asked in ((0.5, ["rests"]), (0.51, [])):
        base = Criterion("base", "n", Numeric(0.0, 4.0), check=count, threshold=threshold)
        assert judged(case(base, Criterion("rests", "y", requires=("base",)), responses=[answer("x x")]))[1].asked == asked


def test_a_check_that_fails_or_abstains_saves_nothing() -> None:
    broken = Criterion("g", "x", check=Check("length", {"min": "?"}), effect="gate")
    verdicts, recorder = judged(case(broken, Criterion("rests", "y", requires=("g",))))
    assert recorder.asked == ["rests"]
    assert verdicts[0].cause == "check_error"


def test_what_a_condition_by_check_rules_out_is_neither_checked_nor_asked() -> None:
    made = case(
        Criterion("asked", "x", applies_when=SHORT),
        checked("checked", applies_when=SHORT),
        Criterion("always", "y"),
        responses=[answer(FAILS)],
    )
    verdicts, recorder = judged(made)
    assert recorder.asked == ["always"]
    assert [(v.state, v.cause, v.reason) for v in verdicts[:2]] == [(State.NOT_APPLICABLE, "", "does not apply: length")] * 2
    assert judged(replace(made, responses=(answer(HOLDS),)))[1].asked == ["asked", "always"]


def test_a_rubric_of_checks_alone_asks_nobody() -> None:
    verdicts, recorder = judged(case(checked("a"), checked("b"), responses=[answer(HOLDS)]))
    assert recorder.requests == []
    assert [v.value for v in verdicts] == [1.0, 1.0]


def test_what_is_not_asked_changes_no_score() -> None:
    """Savings are free: asked in full, the same judge gives the same score."""
    made = case(checked("base"), Criterion("rests", "x", weight=3.0, requires=("base",)), Criterion("free", "y"), responses=[answer(FAILS)])
    saved, _ = judged(made)
    full = [replace(saved[0]), Verdict("r", "rests", value=1.0, judge="rec", task="t"), saved[2]]
    (one,), (two,) = (
        score(table_of([made], v)) for v in ([replace(v, judge="rec") for v in saved], [replace(v, judge="rec") for v in full])
    )
    assert one.value == two.value == pytest.approx(1 / 5)


# ---------------------------------------------------------------------------------------------------------------- what becomes of answers


def test_an_answer_becomes_a_verdict_with_all_that_was_said() -> None:
    (verdict,), _ = judged(case("a"), Recorder({"c1": YES}, calibrated=False), repeat=2)
    assert verdict == Verdict("r", "c1", value=1.0, probs=(0.2, 0.8), reason="so", judge="rec", repeat=2, task="t", calibrated=False)


def test_probabilities_that_only_mark_a_choice_are_not_kept() -> None:
    (verdict,), _ = judged(case("a"), Recorder({"c1": Answer("decided", (1.0, 0.0), graded=False)}))
    assert (verdict.value, verdict.probs) == (0.0, ())


@pytest.mark.parametrize(
    ("given", "state"),
    [
        (Answer("abstained", (0.45, 0.55), graded=True, cause="uncertain", reason="close"), State.ABSTAINED),
        (Answer("not_applicable", reason="no date"), State.NOT_APPLICABLE),
        (Answer("failed", cause="timeout"), State.FAILED),
        (Answer("failed", cause="refusal"), State.FAILED),
    ],
)
def test_an_answer_that_is_none_keeps_its_probabilities_and_cause_and_has_no_value(given: Answer, state: State) -> None:
    (verdict,), _ = judged(case("a"), Recorder({"c1": given}))
    assert (verdict.state, verdict.value, verdict.probs, verdict.cause, verdict.reason) == (
        state,
        None,
        given.probs,
        given.cause,
        given.reason,
    )


@pytest.mark.parametrize(("scale", "value"), [(Ordinal(THREE), 1.0), (Choice(THREE), 1.0), (Likert(3), 2.0)])
def test_the_likeliest_level_is_the_value_in_the_scales_own_counting(scale: Scale, value: float) -> None:
    (verdict,), _ = judged(case(Criterion("c", "x", scale)), Recorder({"c": Answer("decided", (0.1, 0.6, 0.3), graded=True)}))
    assert verdict.value == value


@pytest.mark.parametrize("number", [0.0, 2.5, 10.0])
def test_a_number_is_the_value(number: float) -> None:
    (verdict,), _ = judged(case(Criterion("c", "x", Numeric(0.0, 10.0))), Recorder({"c": Answer("decided", number=number)}))
    assert verdict.value == number


TIES: list[tuple[Scale | None, tuple[float, ...]]] = [
    (None, (0.5, 0.5)),
    (Likert(3), (0.4, 0.2, 0.4)),
    (Likert(4), (0.25, 0.25, 0.25, 0.25)),
    (Ordinal(THREE), (0.4, 0.2, 0.4)),
    (Choice((Level("a", credit=1.0), Level("b", credit=0.5), Level("c"))), (0.5, 0.0, 0.5)),
    (Ordinal((Level("a", credit=1.0), Level("b", credit=0.0))), (0.5, 0.5)),
]


EFFECTS = [("add", 1.0), ("add", -1.0), ("gate", 1.0), ("gate", -1.0), ("deduct", -1.0), ("deduct", 1.0)]


@pytest.mark.parametrize(("scale", "probs"), TIES)
@pytest.mark.parametrize(("effect", "weight"), EFFECTS)
def test_of_levels_equally_likely_the_one_that_scores_lower_is_taken(scale: Scale | None, probs: Any, effect: Any, weight: float) -> None:
    criterion = Criterion("c", "x", *([scale] if scale else []), effect=effect, weight=weight)
    made = case(criterion, Criterion("other", "y", weight=9.0))
    (verdict, _), _ = judged(made, Recorder({"c": Answer("decided", probs, graded=True)}))
    best = [i + (isinstance(scale, Likert)) for i, p in enumerate(probs) if p == max(probs)]
    others = Verdict("r", "other", value=1.0, task="t")
    scores = {v: score(table_of([made], [Verdict("r", "c", value=float(v), task="t"), others]))[0].value for v in best}
    assert len(set(scores.values())) > 1
    assert scores[int(verdict.value or 0)] == min(scores.values())


@settings(max_examples=60)
@given(made=criteria())
def test_every_criterion_gets_one_verdict_in_the_rubrics_order_and_a_value_of_its_scale(made: tuple[Criterion, ...]) -> None:
    plain = tuple(replace(c, check=None, applies_when=None) for c in made)
    verdicts, recorder = judged(case(*plain))
    assert [v.criterion for v in verdicts] == [c.id for c in plain]
    assert sorted(recorder.asked) == sorted(c.id for c in plain if c.scope != "pair")
    for criterion, verdict in zip(plain, verdicts, strict=True):
        last = levels_of(criterion.scale)[-1].credit if levels_of(criterion.scale) else 1.0
        assert verdict.value is None or credit_of(criterion.scale, verdict.value) == pytest.approx(last)


def test_the_card_says_what_the_method_is() -> None:
    assert (METHOD.room, METHOD.name, METHOD.needs) == ("judge", "pointwise", ("decider",))
    assert METHOD.call is pointwise
    assert METHOD.with_options({"examples": 0}) == Pointwise(examples=0)


@pytest.mark.parametrize("number", [2.5, 0.1])
def test_a_fraction_on_a_scale_of_whole_numbers_is_no_value(number: float) -> None:
    (verdict,), _ = judged(
        case(Criterion("c", "How many errors", Numeric(0.0, 5.0, True))), Recorder({"c": Answer("decided", number=number)})
    )
    assert (verdict.state, verdict.cause) == (State.FAILED, "malformed")


@pytest.mark.parametrize("number", [-1.0, 7.0])
def test_a_number_beyond_its_scale_is_no_value(number: float) -> None:
    (verdict,), _ = judged(case(Criterion("c", "How many", Numeric(0.0, 5.0))), Recorder({"c": Answer("decided", number=number)}))
    assert (verdict.state, verdict.cause) == (State.FAILED, "malformed")


def test_what_rests_on_what_was_not_asked_is_not_asked_either() -> None:
    made = case(checked("a"), Criterion("b", "x", requires=("a",)), Criterion("c", "y", requires=("b",)), responses=[answer(FAILS)])
    assert judged(made)[1].asked == []


def test_a_condition_that_fails_is_a_failed_verdict_of_its_criterion() -> None:
    broken = Check("length", {"min": "?"})
    verdicts, recorder = judged(case(Criterion("c", "x", applies_when=broken), "d"))
    assert (verdicts[0].state, verdicts[0].cause) == (State.FAILED, "check_error")
    assert recorder.asked == ["c2"]
