"""WritingBench: five criteria a query, each on ten points that are described in bands of two."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from criterial.core.criterion import Criterion, Source
from criterial.core.rubric import Rubric
from criterial.core.scale import Likert
from criterial.core.task import Case, Message, Task
from criterial.formats.format import Format
from criterial.formats.pieces import numbered, objects, row_id, tagged
from criterial.formats.reading import Document
from criterial.formats.validation import build, take

__all__ = ["FORMAT"]

_BANDS = ("1-2", "3-4", "5-6", "7-8", "9-10")


def _read(document: Document, _: Rubric | None) -> Iterator[Case]:
    return numbered(document, _case)


def _case(item: Mapping[str, Any], name: str) -> Case:
    identity = row_id(item, name, "index", "id")
    messages = (Message("user", take(item, "query", str)),)
    task = build(Task, {"id": identity, "messages": messages, "tags": tagged(item, "domain1", "domain2", "lang")})
    criteria = tuple(_criterion(c, path, f"c{i}") for i, (c, path) in enumerate(objects(item, "checklist"), 1))
    return Case(task, Rubric(criteria, id=identity, source=Source("WritingBench")), ())


def _criterion(item: Mapping[str, Any], path: str, name: str) -> Criterion:
    title, description = take(item, "name", str, path), take(item, "criteria_description", str, path)
    anchors = [take(item, band, str, path) for band in _BANDS for _ in range(2)]
    fields = {"id": name, "title": title, "text": f"{title}: {description}", "scale": Likert(2 * len(_BANDS), tuple(anchors))}
    return build(Criterion, fields, path)


def _matches(first: Mapping[str, Any]) -> bool:
    listed = first.get("checklist")
    return "query" in first and isinstance(listed, list) and bool(listed) and isinstance(listed[0], Mapping) and "9-10" in listed[0]


FORMAT = Format(
    "writingbench", "WritingBench queries with criteria in five described bands (JSON lines)", _matches, _read, cites="X-PLUG, WritingBench"
)
