"""HealthBench: conversations with physicians' signed criteria. Ideal and reference completions serve as responses.

Scores are not clipped response by response; the benchmark clips the mean (`weighted` with clip ``mean``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from criterial.core.criterion import Criterion, Source
from criterial.core.rubric import Policy, Rubric
from criterial.core.task import Case, Message, Response, Task
from criterial.errors import FormatError
from criterial.formats.format import Format
from criterial.formats.media import INLINE
from criterial.formats.reading import Document
from criterial.formats.shorthand import messages_of
from criterial.formats.validation import NULL, build, take, texts, word

__all__ = ["FORMAT"]

POLICY = Policy("weighted", {"clip": "mean", "negative_only": False})


def _read(document: Document, _: Rubric | None) -> Iterator[Case]:
    return document.each(_case)


def _case(item: Mapping[str, Any]) -> Case:
    key = "prompt" if "prompt" in item else "conversation"
    identity = word(item, "prompt_id" if "prompt_id" in item else "id")
    tags = texts(item, "example_tags", default=[])
    task = build(Task, {"id": identity, "messages": messages_of(item.get(key), "user", INLINE, key), "tags": tags})
    key = "rubrics" if "rubrics" in item else "rubric_items"
    listed: list[Any] = take(item, key, list)
    criteria = tuple(_criterion(c, f"{key}[{i}]", f"c{i + 1}") for i, c in enumerate(listed))
    rubric = Rubric(criteria, policy=POLICY, id=identity, source=Source("HealthBench"))
    return Case(task, rubric, tuple(_responses(item, identity)))


def _criterion(item: Any, path: str, name: str) -> Criterion:
    if not isinstance(item, Mapping):
        raise FormatError("expected a criterion", path=path)
    tags = texts(item, "tags", path, []) if item.get("tags") is not None else []
    axis = next((t.partition(":")[2] for t in tags if t.startswith("axis:")), "")
    fields = {
        "id": name,
        "text": take(item, "criterion", str, path),
        "weight": take(item, "points", (int, float), path),
        "category": (axis,) if axis else (),
        "tags": tags,
    }
    return build(Criterion, fields, path)


def _responses(item: Mapping[str, Any], identity: str) -> Iterator[Response]:
    key, several = "ideal_completions_data", "ideal_completions_ref_completions"
    data: dict[str, Any] = take(item, key, (dict, NULL), default=None) or {}
    ideal: str | None = take(data, "ideal_completion", (str, NULL), key, None)
    references = texts(data, several, key) if data.get(several) is not None else []
    if ideal:
        yield Response(f"{identity}/ideal", (Message("assistant", ideal),), system="ideal")
    for place, text in enumerate(references):
        yield Response(f"{identity}/reference-{place + 1}", (Message("assistant", text),), system=f"reference-{place + 1}")


def _matches(first: Mapping[str, Any]) -> bool:
    listed = first.get("rubrics", first.get("rubric_items"))
    return isinstance(listed, list) and bool(listed) and isinstance(listed[0], Mapping) and {"criterion", "points"} <= set(listed[0])


FORMAT = Format("healthbench", "HealthBench tasks (JSON lines)", _matches, _read, cites="simple-evals, healthbench_eval.py")
