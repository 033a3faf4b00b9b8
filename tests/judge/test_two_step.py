"""criterial.judge.two_step: who gives the marks sees a description, and never the response; all modes agree where nobody errs."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

import criterial as cr
from criterial.core.ports import Answer, DecisionReply, DecisionRequest, Question, Usage
from criterial.core.rubric import Panel
from criterial.core.verdict import State
from criterial.judge.two_step import METHOD, TwoStep, two_step
from criterial.model.scripted import FaultPlan, ScriptedProvider
from criterial.run.grading import plan
from tests.helpers_tables import case, crit, response, rubric

STEPS = ("loops over the items", "adds each to the sum", "handles an empty list", "returns the sum")
LINES = ("for item in items:", "    total += item", "if not items: return 0", "return total")


class Lecturer:
    """A scripted judge without noise: it knows which line stands for which step, with or without a slip of form."""

    identity = name = "lecturer"
    calibrated = True
    questions_per_call = 100

    def __init__(self, silent: str = "") -> None:
        self.asked: list[DecisionRequest] = []
        self._silent = silent

    async def decide(self, request: DecisionRequest) -> DecisionReply:
        self.asked.append(request)
        return DecisionReply(tuple(self._answer(q, request.input.text) for q in request.questions), Usage(1))

    def _answer(self, question: Question, shown: str) -> Answer:
        does = [step for step, line in zip(STEPS, LINES, strict=True) if step in shown or line.strip().rstrip(":") in shown]
        if question.kind == "text":
            return Answer("abstained", cause=self._silent) if self._silent else Answer("decided", reason="; ".join(does) or "nothing")
        met = question.text in does
        return Answer("decided", (float(not met), float(met)))

    def estimate(self, request: DecisionRequest) -> Usage:
        return Usage(1)

    async def close(self) -> None:
        pass


def submissions() -> list[str]:
    """Return 32 programs: each subset of the four lines, with and without the colon of the loop."""
    subsets = [[line for i, line in enumerate(LINES) if n >> i & 1] for n in range(16)]
    return [f"# {i}\n" + "\n".join(s).replace("in items:", slip) for s in subsets for i, slip in enumerate(("in items:", "in items"))]


def cases() -> list[dict[str, Any]]:
    scheme = [{"id": f"s{i}", "text": step} for i, step in enumerate(STEPS)]
    answers = [{"id": f"r{i}", "text": text} for i, text in enumerate(submissions())]
    return [{"id": "sum", "prompt": "Write a sum.", "rubric": scheme, "responses": answers}]


def marks(method: str = "pointwise", **options: Any) -> list[float | None]:
    return [s.value for s in cr.grade(cases(), Lecturer(), method=method, store="sqlite://", **options).scores]


def test_complete_pointwise_two_step_and_ensemble_give_the_same_marks_where_nobody_errs() -> None:
    complete = marks()
    assert complete == [n.bit_count() / 4 for n in range(16) for _ in range(2)]
    assert marks("two_step") == complete
    assert marks(settings=cr.JudgeSettings(criteria_per_call=1)) == complete
    assert marks(repeats=5, panel=Panel("majority")) == complete


def test_who_describes_sees_no_rubric_and_who_judges_sees_no_response() -> None:
    judge = Lecturer()
    made = case(rubric(crit("a"), crit("b")), [response("r0", "SECRET CODE")])
    asyncio.run(two_step(made, made.responses[0], judge))
    first, second = judge.asked
    assert [b.label for b in first.input.blocks] == ["response"]
    assert [q.kind for q in first.questions] == ["text"]
    assert "SECRET CODE" in first.input.text
    assert "SECRET CODE" not in second.input.text
    assert ("description", "nothing") in [(b.label, b.text) for b in second.input.blocks]
    assert [q.name for q in second.questions] == ["a", "b"]


def test_a_slip_of_form_changes_the_check_of_it_by_its_points_and_the_logic_by_nothing() -> None:
    form = {"id": "form", "text": "has no syntax errors", "check": {"kind": "syntax"}, "weight": 2}
    scheme = [{"id": f"s{i}", "text": step} for i, step in enumerate(STEPS)]
    right = "def total(items):\n    total = 0\n    for item in items:\n        total += item\n    return total"
    texts = (right, right.replace("for item in items:", "for item in items"))
    answers = [{"id": f"r{i}", "text": t} for i, t in enumerate(texts)]
    run = cr.grade(
        [{"id": "t", "prompt": "p", "rubric": [*scheme, form], "responses": answers}], Lecturer(), method="two_step", store="sqlite://"
    )
    found = {(v.response, v.criterion): v.value for v in run.table.verdicts()}
    assert [[found[f"r{r}", f"s{i}"] for i in range(4)] for r in (0, 1)] == [[1, 1, 0, 1]] * 2
    assert (found["r0", "form"], found["r1", "form"]) == (1.0, 0.0)
    assert [s.value for s in run.scores] == pytest.approx([5 / 6, 3 / 6])


def test_without_a_description_nothing_is_judged_and_its_cause_is_told() -> None:
    judge = Lecturer(silent="refusal")
    made = case(rubric(crit("a"), crit("b")))
    found = asyncio.run(two_step(made, made.responses[0], judge))
    assert [(v.state, v.value, v.cause) for v in found] == [(State.ABSTAINED, None, "refusal")] * 2
    assert found[0].reason == "no description"
    assert len(judge.asked) == 1


def test_a_judge_that_cannot_write_abstains_with_the_reason() -> None:
    with ScriptedProvider() as provider:
        run = cr.grade(cases(), f"decisions:m@{provider.url}", method="two_step", store="sqlite://")
        assert provider.bill["billed"] == 0
    assert {(v.state, v.cause) for v in run.table.verdicts()} == {(State.ABSTAINED, "unsupported")}


@pytest.mark.parametrize("rungs", [("schema", "tool", "plain"), ("tool", "plain"), ("plain",)])
def test_over_http_the_description_is_written_on_every_rung(rungs: tuple[str, ...]) -> None:
    def truth(criterion: str, shown: str, labels: Any) -> str:
        return "yes" if "ANSWER" in shown else "no"

    made = {"id": "t", "prompt": "p", "rubric": ["a", "b"], "responses": [{"id": "r", "text": "ANSWER 1"}, {"id": "s", "text": "another"}]}
    with ScriptedProvider(truth, rungs=rungs) as provider:
        run = cr.grade([made], f"chat:m@{provider.url}", method="two_step", store="sqlite://")
    assert {(v.response, v.value) for v in run.table.verdicts()} == {("r", 1.0), ("s", 0.0)}


def test_a_description_that_is_cut_off_is_asked_for_again() -> None:
    with ScriptedProvider(lambda *_: "yes", FaultPlan({"half_json": 0.2, "empty": 0.1, "html": 0.05})) as provider:
        run = cr.grade(cases(), f"chat:m@{provider.url}", method="two_step", store="sqlite://")
    assert {v.value for v in run.table.verdicts()} == {1.0}


def test_a_description_is_kept_and_another_rubric_asks_for_no_new_one(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/s.sqlite"
    made = cases()
    for text, described, judged in ((STEPS[0], True, True), (STEPS[0], False, False), ("something else", False, True)):
        judge = Lecturer()
        made[0]["rubric"][0]["text"] = text
        cr.grade(made, judge, method="two_step", store=store)
        kinds = [q.kind for request in judge.asked for q in request.questions]
        assert kinds.count("text") == (len(submissions()) if described else 0)
        assert ("predicate" in kinds) == judged


def test_a_dry_run_counts_both_steps_before_and_after(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/s.sqlite"
    assert plan(cases(), Lecturer(), method="two_step", store=store).calls == 64
    cr.grade(cases(), Lecturer(), method="two_step", store=store)
    assert plan(cases(), Lecturer(), method="two_step", store=store).calls == 0


def test_what_is_to_be_described_can_be_said() -> None:
    judge = Lecturer()
    made = case(rubric(crit("a")))
    asyncio.run(two_step(made, made.responses[0], judge, options=TwoStep(describe="List its claims.")))
    assert judge.asked[0].questions[0].text == "List its claims."
    assert METHOD.with_options({"describe": "List."}).describe == "List."
