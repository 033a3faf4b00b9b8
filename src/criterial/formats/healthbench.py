"""HealthBench: conversations with physicians' signed criteria. Ideal and reference completions serve as responses.

Scores are not clipped response by response; the benchmark clips the mean (`weighted` with clip ``mean``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from criterial.core.criterion import Criterion, Source
from criterial.core.rubric import Policy, Rubric
from criterial.core.task import Case, Message, Response, Task
from criterial.errors import FormatError
from criterial.formats.format import Format
from criterial.formats.reading import Document
from criterial.formats.shorthand import messages_of
from criterial.formats.validation import build, take

__all__ = ["FORMAT"]

POLICY = Policy("weighted", {"clip": "mean", "negative_only": False})


def _read(document: Document, rubric: Rubric | None) -> Iterator[Case]:
    for line, item in document.objects():
        try:
            yield _case(item, rubric)
        except FormatError as error:
            raise error.located(document.name, line) from None


def _case(item: Mapping[str, Any], rubric: Rubric | None) -> Case:
    key = "prompt" if "prompt" in item else "conversation"
    identity = str(item.get("prompt_id", item.get("id", "")))
    tags = tuple(str(t) for t in item.get("example_tags", ()))
    task = build(Task, {"id": identity, "messages": messages_of(item.get(key), "user", None, key), "tags": tags})
    if rubric is None:
        listed = take(item, "rubrics" if "rubrics" in item else "rubric_items", list)
        criteria = tuple(_criterion(c, i) for i, c in enumerate(listed))
        rubric = Rubric(criteria, policy=POLICY, id=identity, source=Source("HealthBench"))
    return Case(task, rubric, tuple(_responses(item, identity)))


def _criterion(item: Any, place: int) -> Criterion:
    path = f"rubrics[{place}]"
    if not isinstance(item, Mapping):
        raise FormatError("expected a criterion", path=path)
    tags = [str(t) for t in item.get("tags") or ()]
    axis = next((t.partition(":")[2] for t in tags if t.startswith("axis:")), "")
    fields = {
        "id": f"c{place + 1}",
        "text": take(item, "criterion", str, path),
        "weight": take(item, "points", (int, float), path),
        "category": (axis,) if axis else (),
        "tags": tags,
    }
    return build(Criterion, fields, path)


def _responses(item: Mapping[str, Any], identity: str) -> Iterator[Response]:
    data = item.get("ideal_completions_data") or {}
    ideal = data.get("ideal_completion")
    references: Sequence[str] = data.get("ideal_completions_ref_completions") or ()
    if ideal:
        yield Response(f"{identity}/ideal", (Message("assistant", str(ideal)),), system="ideal")
    for place, text in enumerate(references):
        yield Response(f"{identity}/reference-{place + 1}", (Message("assistant", str(text)),), system=f"reference-{place + 1}")


def _matches(first: Mapping[str, Any]) -> bool:
    listed = first.get("rubrics", first.get("rubric_items"))
    return isinstance(listed, list) and bool(listed) and isinstance(listed[0], Mapping) and {"criterion", "points"} <= set(listed[0])


FORMAT = Format("healthbench", "HealthBench tasks (JSON lines)", _matches, _read, cites="simple-evals, healthbench_eval.py")
