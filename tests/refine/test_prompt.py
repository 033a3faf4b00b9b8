"""criterial.refine.prompt: the card's scripted model with three features in its prompt; what is worse, broken or silent goes no further."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from criterial.core.ports import Answer as Said
from criterial.core.ports import DecisionReply, DecisionRequest, Usage
from criterial.core.task import Message, Task
from criterial.core.verdict import Verdict
from criterial.errors import ConfigError, JudgeError
from criterial.formats.load import read_rubric
from criterial.model.scripted import ScriptedDecider
from criterial.refine.prompt import Feedback, Graded, PromptOptions, Rewritten, graded_by, rewrite_prompt

FEATURES = {"format": "Reply as JSON.", "labels": "The labels are yes and no.", "steps": "Think step by step."}
"""What the scripted model needs to be told; each is worth a third of the right answers."""
IDLE = ("Be polite.", "You are an expert.", "Take your time.")
"""What a writer may think of that helps nothing."""
PROMPT = "Classify {text}."
DEV = tuple(Task(f"t{i}", (Message("user", f"text {i}"),)) for i in range(15))


class Writer:
    """A writer that mends what a reason names, and without a reason tries something that the prompt does not say yet."""

    identity = name = "writer"
    calibrated = True
    questions_per_call = 1

    def __init__(self, write: Callable[[str, str, int], str | None]) -> None:
        self.write = write
        self.asked: list[DecisionRequest] = []

    async def decide(self, request: DecisionRequest) -> DecisionReply:
        self.asked.append(request)
        shown = {b.label: b.text for b in request.input.blocks}
        text = self.write(shown["prompt"], shown.get("reasons", ""), request.input.repeat)
        return DecisionReply(
            (Said("failed", cause="timeout") if text is None else Said("decided", reason=text),), Usage(1, output_tokens=7)
        )

    def estimate(self, request: DecisionRequest) -> Usage:
        return Usage(1)

    async def close(self) -> None: ...


def guessing(seed: int) -> Writer:
    rng = np.random.default_rng(seed)

    def write(prompt: str, reasons: str, number: int) -> str:
        named = [FEATURES[f] for f in FEATURES if f"no {f}" in reasons]
        ideas = named or [i for i in (*FEATURES.values(), *IDLE) if i not in prompt]
        return f"{prompt} {ideas[int(rng.integers(len(ideas)))]}"

    return Writer(write)


async def model(prompt: str, task: Task) -> str:
    return "right" if int(task.id[1:]) % 3 < sum(f in prompt for f in FEATURES.values()) else "wrong"


async def judge(prompt: str, task: Task, response: str) -> Graded:
    missing = next((name for name, text in FEATURES.items() if text not in prompt), "")
    return Graded({"accuracy": float(response == "right")}, {"accuracy": f"the prompt gives no {missing}" if missing else "right"})


def rewrite(writer: Writer, options: PromptOptions | None = None, evaluator: object = judge, dev: Sequence[Task] = DEV) -> Rewritten:
    return asyncio.run(rewrite_prompt(PROMPT, model, evaluator, writer, dev, options))  # type: ignore[arg-type]


def rounds_to_full(seed: int, feedback: Feedback) -> int:
    found = rewrite(guessing(seed), PromptOptions(rounds=12, feedback=feedback, goal=1.0))
    assert found.score == 1.0
    return len(found.rounds) - 1


def test_reasons_mend_a_prompt_in_three_rounds_and_scores_alone_take_longer() -> None:
    told = {mode: [rounds_to_full(seed, mode) for seed in range(20)] for mode in ("rationales", "scores", "nothing")}
    assert max(told["rationales"]) == 3
    assert np.mean(told["scores"]) > 4.5  # measured 5.5, and as many where the writer is told nothing: it guesses in both
    assert np.mean(told["nothing"]) == np.mean(told["scores"])


def test_the_writer_sees_what_it_is_meant_to_see() -> None:
    for mode, labels in (("rationales", ["prompt", "scores", "reasons"]), ("scores", ["prompt", "scores"]), ("nothing", ["prompt"])):
        writer = guessing(0)
        rewrite(writer, PromptOptions(rounds=2, feedback=mode))
        assert [b.label for b in writer.asked[0].input.blocks] == labels
        assert [r.input.repeat for r in writer.asked] == [0, 1]
        assert "every placeholder" in writer.asked[0].questions[0].text


def test_every_round_is_on_record_and_costs_are_counted() -> None:
    found = rewrite(guessing(0))
    assert [round(r.score, 2) for r in found.rounds] == [0.0, 0.33, 0.67, 1.0, 1.0] and all(r.accepted for r in found.rounds)
    assert found.rounds[0].prompt == PROMPT and found.prompt == found.rounds[3].prompt  # of equals the earlier
    assert (found.usage.calls, found.usage.output_tokens) == (4, 28) and found.rounds[1].graded == 15
    assert found.gain.value == 1.0 and found.rounds[1].change.value == pytest.approx(1 / 3)
    assert found.rounds[1].change.method == "t interval over 15 tasks" and found.rounds[1].axes == {"accuracy": found.rounds[1].score}


def test_a_clear_drop_goes_no_further_and_the_next_round_starts_where_it_was() -> None:
    two = "Classify {text}. Reply as JSON. Think step by step."
    spoils = (two, "{text}", f"{two} The labels are yes and no.")
    writer = Writer(lambda prompt, reasons, number: spoils[number])
    found = rewrite(writer, PromptOptions(rounds=3))
    assert [r.accepted for r in found.rounds] == [True, True, False, True]
    assert found.rounds[2].why == "the score drops by 0.67, which is more than noise"
    assert writer.asked[2].input.blocks[0].text == two and found.prompt == spoils[2] and found.score == 1.0


def test_a_drop_within_noise_goes_on_and_the_best_is_kept() -> None:
    values = {"{text} a": np.tile([1.0, 0.0, 1.0], 5), "{text} b": np.tile([0.0, 1.0, 0.0], 5), PROMPT: np.zeros(15)}

    async def noisy(prompt: str, task: Task, response: str) -> Graded:
        return Graded({"x": float(values[prompt][int(task.id[1:])])})

    found = rewrite(Writer(lambda p, r, n: ("{text} a", "{text} b")[n]), PromptOptions(rounds=2), noisy)
    assert [r.accepted for r in found.rounds] == [True, True, True] and found.rounds[2].change.value < 0 < found.rounds[2].change.high
    assert found.prompt == "{text} a" and found.score == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (None, "the writer gave no prompt"),
        ("  ", "the writer gave no prompt"),
        (PROMPT, "the writer changed nothing"),
        ("Classify it. Reply as JSON.", "it lost {text}"),
    ],
)
def test_what_is_no_prompt_is_not_tried(text: str | None, why: str) -> None:
    found = rewrite(Writer(lambda prompt, reasons, number: text), PromptOptions(rounds=2))
    assert [(r.accepted, r.score, r.graded, r.why) for r in found.rounds[1:]] == [(False, None, 0, why)] * 2
    assert found.prompt == PROMPT and found.usage.calls == 2


def test_a_task_without_a_grade_is_left_out_and_too_many_are_a_reason() -> None:
    async def failing(prompt: str, task: Task, response: str) -> Graded | None:
        number = int(task.id[1:])
        if number == 0:
            raise JudgeError("timeout")
        return None if number == 1 or (len(prompt) > 40 and number > 5) else await judge(prompt, task, response)

    found = rewrite(guessing(0), PromptOptions(rounds=2), failing)
    assert [r.graded for r in found.rounds] == [13, 13, 4] or [r.graded for r in found.rounds] == [13, 4, 4]
    assert found.rounds[-1].why == "only 4 of 15 tasks could be graded" and not found.rounds[-1].accepted

    async def never(prompt: str, task: Task, response: str) -> None:
        return None

    with pytest.raises(ConfigError, match="no development task could be graded"):
        rewrite(guessing(0), evaluator=never)
    with pytest.raises(ConfigError, match="give some"):
        rewrite(guessing(0), dev=())


def test_a_missing_axis_is_an_error_and_not_a_zero() -> None:
    async def forgetful(prompt: str, task: Task, response: str) -> Graded:
        return Graded({"clarity": 3.0} if task.id == "t3" else {"clarity": 3.0, "accuracy": 4.0})

    with pytest.raises(ConfigError, match="gave the axes clarity and not clarity, accuracy"):
        rewrite(guessing(0), evaluator=forgetful)
    found = rewrite(guessing(0), PromptOptions(rounds=1, axes=("clarity",)), forgetful)  # an axis that does not count may be missing
    assert found.score == 3.0
    with pytest.raises(ConfigError, match="not accuracy"):
        rewrite(guessing(0), PromptOptions(axes=("accuracy",)), forgetful)


def test_options_out_of_range_are_refused() -> None:
    with pytest.raises(ConfigError, match="not 0 and 3"):
        PromptOptions(rounds=0)


def test_a_rubric_grades_prompt_and_response() -> None:
    rubric = read_rubric(Path(__file__).resolve().parents[2] / "examples" / "peem.yaml")
    values = dict(zip([c.id for c in rubric.criteria], [5, 4, 5, 2, 3, 2, 5, 3, 3], strict=True))
    known = [Verdict("t0/response", n, value=float(v), reason=f"{n} is {v}") for n, v in values.items()]
    evaluator = graded_by(rubric, ScriptedDecider(known))
    graded = asyncio.run(evaluator(PROMPT, DEV[0], "no"))
    assert graded is not None and graded.scores == values and graded.reasons["relevance"] == "relevance is 2"
    # eight of nine axes are no grade: an axis is never missing
    assert asyncio.run(graded_by(rubric, ScriptedDecider(known[1:]))(PROMPT, DEV[0], "no")) is None


def test_the_judge_of_a_prompt_sees_the_prompt_and_no_response() -> None:
    rubric = read_rubric(Path(__file__).resolve().parents[2] / "examples" / "peem.yaml")
    seen: list[DecisionRequest] = []

    class Watching(ScriptedDecider):
        async def decide(self, request: DecisionRequest) -> DecisionReply:
            seen.append(request)
            return await super().decide(request)

    asyncio.run(graded_by(rubric, Watching([]))(PROMPT, DEV[0], "the response"))
    by_count = {len(r.questions): r.input.text for r in seen}
    assert set(by_count) == {3, 6}  # one call for the prompt's axes, one for the response's
    assert PROMPT in by_count[3] and "the response" not in by_count[3]
    assert PROMPT in by_count[6] and "the response" in by_count[6]
