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
from criterial.formats.validation import NULL, build, take, texts, word

__all__ = ["FORMAT"]


def _read(document: Document, _: Rubric | None) -> Iterator[Case]:
    return document.each(_case)


def _case(item: Mapping[str, Any]) -> Case:
    identity = word(item, "id")
    asked: str | None = take(item, "input", (str, NULL), default=None)
    prompt = take(item, "instruction", str) + (f"\n\n{asked}" if asked else "")
    tags = tuple(f"{k}:{item[k]}" for k in ("subset", "category") if item.get(k))
    task = Task(identity, (Message("user", prompt),), tags=tags)
    questions: list[Any] = take(item, "decomposed_questions", list)
    labels: list[Any] = take(item, "question_label", (list, NULL), default=None) or []
    rubric = Rubric(tuple(_criteria(questions, labels)), id=identity, source=Source("InFoBench"))
    output: str | None = take(item, "output", (str, NULL), default=None)
    if output is None:
        return Case(task, rubric, ())
    response = Response(f"{identity}/output", (Message("assistant", output),), system=take(item, "model", str, default="output"))
    marks = item.get("eval")
    return Case(task, rubric, (response,), tuple(_verdicts(marks, questions, response.id, identity)) if marks is not None else ())


def _criteria(questions: list[Any], labels: list[Any]) -> Iterator[Criterion]:
    for i, question in enumerate(questions):
        label = labels[i] if i < len(labels) else []
        key = f"question_label[{i}]"
        kinds = texts({key: label if isinstance(label, list) else [label]}, key)
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
