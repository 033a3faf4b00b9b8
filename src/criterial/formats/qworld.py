"""Qworld: questions with signed criteria that were generated for them, as its package writes them or its data set has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from criterial.core.criterion import Criterion, Source
from criterial.core.rubric import Rubric
from criterial.core.task import Case, Message, Task
from criterial.formats.format import Format
from criterial.formats.pieces import numbered, objects, row_id, signed_criterion
from criterial.formats.reading import Document
from criterial.formats.validation import NULL, build, take, texts

__all__ = ["FORMAT"]

_KEYS = ("final_criteria", "criteria")


def _read(document: Document, _: Rubric | None) -> Iterator[Case]:
    return numbered(document, _case)


def _case(item: Mapping[str, Any], name: str) -> Case:
    identity = row_id(item, name, "id", "question_id")
    context: str = take(item, "web_content", (str, NULL), default=None) or ""
    task = build(Task, {"id": identity, "messages": (Message("user", take(item, "question", str)),), "context": context})
    key = next((k for k in _KEYS if k in item), _KEYS[0])
    criteria = tuple(_criterion(c, path, f"c{i}") for i, (c, path) in enumerate(objects(item, key), 1))
    return Case(task, Rubric(criteria, id=identity, source=Source("Qworld")), ())


def _criterion(item: Mapping[str, Any], path: str, name: str) -> Criterion:
    reason: str = take(item, "reasoning", (str, NULL), path, None) or ""
    tags = texts(item, "tags", path) if item.get("tags") is not None else []
    return signed_criterion(item, path, name, tags=tags, source=Source("Qworld", note=reason) if reason else None)


def _matches(first: Mapping[str, Any]) -> bool:
    listed = next((first[k] for k in _KEYS if k in first), None)
    if "question" not in first or not isinstance(listed, list) or not listed:
        return False
    return isinstance(listed[0], Mapping) and {"criterion", "points"} <= set(listed[0])


FORMAT = Format("qworld", "Qworld questions with generated criteria", _matches, _read, cites="Qworld, arXiv 2603.23522")
