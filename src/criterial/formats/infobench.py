"""InFoBench: instructions split into yes/no questions, with a response and, where judged, a verdict a question.

The benchmark's figure, the decomposed requirements following ratio, is the share of all questions answered yes: the pooled ratio.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from criterial.core.criterion import Criterion, Source
from criterial.core.rubric import Rubric
from criterial.core.task import Case, Message, Response, Task
from criterial.core.verdict import State, Verdict
from criterial.errors import FormatError
from criterial.formats.format import Format
from criterial.formats.reading import Document
from criterial.formats.validation import build, take

__all__ = ["FORMAT"]


def _read(document: Document, rubric: Rubric | None) -> Iterator[Case]:
    for line, item in document.objects():
        try:
            yield _case(item, rubric)
        except FormatError as error:
            raise error.located(document.name, line) from None


def _case(item: Mapping[str, Any], rubric: Rubric | None) -> Case:
    identity = str(take(item, "id", (str, int)))
    prompt = take(item, "instruction", str) + (f"\n\n{item['input']}" if item.get("input") else "")
    tags = tuple(f"{k}:{item[k]}" for k in ("subset", "category") if item.get(k))
    task = Task(identity, (Message("user", prompt),), tags=tags)
    questions = take(item, "decomposed_questions", list)
    own = rubric or Rubric(tuple(_criteria(questions, item.get("question_label") or [])), id=identity, source=Source("InFoBench"))
    if not isinstance(item.get("output"), str):
        return Case(task, own, ())
    response = Response(f"{identity}/output", (Message("assistant", item["output"]),), system=str(item.get("model", "output")))
    marks = item.get("eval") if rubric is None else None
    return Case(task, own, (response,), tuple(_verdicts(marks, questions, response.id, identity)) if marks is not None else ())


def _criteria(questions: list[Any], labels: list[Any]) -> Iterator[Criterion]:
    for i, question in enumerate(questions):
        label = labels[i] if i < len(labels) else []
        kinds = [str(k) for k in (label if isinstance(label, list) else [label])]
        fields = {"id": f"q{i + 1}", "text": question, "category": kinds[:1], "tags": [f"label:{k}" for k in kinds]}
        yield build(Criterion, fields, f"decomposed_questions[{i}]")


def _verdicts(marks: Any, questions: list[Any], response: str, task: str) -> Iterator[Verdict]:
    """Yield the verdicts; where their number is not that of the questions nobody knows which is which, so all have failed."""
    if not isinstance(marks, list):
        raise FormatError("expected a list of verdicts", path="eval")
    aligned = len(marks) == len(questions)
    for i in range(len(questions)):
        mark = marks[i] if aligned else None
        blank = Verdict(response, f"q{i + 1}", judge="eval", task=task)
        if isinstance(mark, bool):
            yield replace(blank, value=float(mark))
        elif mark is None and aligned:
            yield replace(blank, state=State.ABSTAINED, cause="cannot_assess")
        elif mark is None:
            yield replace(blank, state=State.FAILED, cause="malformed", reason=f"{len(marks)} verdicts for {len(questions)} questions")
        else:
            raise FormatError("expected true, false or null", path=f"eval[{i}]")


def _matches(first: Mapping[str, Any]) -> bool:
    return "decomposed_questions" in first and "instruction" in first


FORMAT = Format(
    "infobench", "InFoBench instructions with outputs and verdicts (JSON lines)", _matches, _read, cites="InFoBench, qinyiwei/InfoBench"
)
