"""BIG-Bench Mistake: chains of reasoning in which people marked the first wrong step, if there is one.

Each step is a turn of the response and has a criterion. People read up to the first wrong step, so those after it have no verdict.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from criterial.core.criterion import Criterion, Source
from criterial.core.rubric import Rubric
from criterial.core.task import Case, Message, Response, Task
from criterial.core.verdict import Verdict
from criterial.errors import FormatError
from criterial.formats.format import Format
from criterial.formats.reading import Document
from criterial.formats.validation import NULL, build, take, texts, word

__all__ = ["FORMAT"]

_STEP = "This step is right, given the steps before it."
_ANSWER = Criterion("answer", "The final answer is right.")


def _read(document: Document, _: Rubric | None) -> Iterator[Case]:
    return document.each(_case)


def _case(item: Mapping[str, Any]) -> Case:
    identity, target = word(item, "item_id"), take(item, "target", str)
    fields = {
        "id": identity,
        "messages": (Message("user", take(item, "input", str)),),
        "references": (target,),
        "tags": (f"task:{take(item, 'task', str)}",),
    }
    task = build(Task, fields)
    steps = texts(item, "steps")
    if not steps:
        raise FormatError("expected at least one step", path="steps")
    response = Response(f"{identity}/trace", tuple(Message("assistant", step) for step in steps))
    verdicts = (*_marks(item, len(steps), response.id, task.id), _answered(item, target, response.id, task.id))
    return Case(task, _rubric(len(steps)), (response,), verdicts)


@lru_cache(maxsize=1024)
def _rubric(steps: int) -> Rubric:
    """Return the rubric of all traces of one length."""
    criteria = (Criterion(_step(place), _STEP, scope="turn", turn=place) for place in range(steps))
    return Rubric((*criteria, _ANSWER), id=f"bigbench_mistake/{steps}", source=Source("BIG-Bench Mistake"))


def _step(place: int) -> str:
    return f"step-{place + 1}"


def _marks(item: Mapping[str, Any], steps: int, response: str, task: str) -> Iterator[Verdict]:
    """Yield people's verdicts on the steps up to the first wrong one, or on all."""
    wrong: int | None = take(item, "mistake_index", (int, NULL))
    if wrong is not None and not 0 <= wrong < steps:
        raise FormatError(f"expected null or the number of a step, from 0 and below {steps}, found {wrong}", path="mistake_index")
    for place in range(steps if wrong is None else wrong + 1):
        yield Verdict(response, _step(place), value=float(place != wrong), judge="human", task=task)


def _answered(item: Mapping[str, Any], target: str, response: str, task: str) -> Verdict:
    answer: str | None = take(item, "answer", (str, NULL))
    reason = "there is no answer" if answer is None else f"the answer is {answer!r}"
    return Verdict(response, _ANSWER.id, value=float(answer == target), reason=reason, judge="target", task=task)


def _matches(first: Mapping[str, Any]) -> bool:
    return {"input", "target", "steps", "mistake_index"} <= set(first)


FORMAT = Format(
    "bigbench_mistake",
    "BIG-Bench Mistake traces with the first wrong step (JSON lines)",
    _matches,
    _read,
    cites="WHGTyen/BIG-Bench-Mistake",
)
