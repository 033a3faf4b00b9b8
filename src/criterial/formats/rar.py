"""Rubrics as Rewards (RaR-Medicine, RaR-Science): questions with a reference answer and signed, tiered criteria."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from criterial.core.criterion import Criterion, Source
from criterial.core.rubric import Rubric
from criterial.core.task import Case, Message, Task
from criterial.errors import FormatError
from criterial.formats.format import Format
from criterial.formats.pieces import numbered, objects, row_id, tagged
from criterial.formats.reading import Document
from criterial.formats.validation import NULL, build, take

__all__ = ["FORMAT"]

_TIER = re.compile(r"\s*(essential|important|optional|pitfall)(?:\s+criteri(?:a|on))?\s*:\s*", re.IGNORECASE)


def _read(document: Document, _: Rubric | None) -> Iterator[Case]:
    return numbered(document, _case)


def _case(item: Mapping[str, Any], name: str) -> Case:
    identity = row_id(item, name, "id", "uid")
    reference: str | None = take(item, "reference_answer", (str, NULL), default=None)
    fields = {
        "id": identity,
        "messages": (Message("user", take(item, "question", str)),),
        "references": (reference,) if reference else (),
        "tags": tagged(item, "question_source"),
    }
    listed = objects(item, "rubric")
    told: float | None = take(item, "rubric_count", (int, float, NULL), default=None)
    if told is not None and told != len(listed):
        raise FormatError(f"rubric_count is {told:g} and there are {len(listed)} criteria", path="rubric_count")
    criteria = tuple(_criterion(c, path, f"c{i}") for i, (c, path) in enumerate(listed, 1))
    return Case(build(Task, fields), Rubric(criteria, id=identity, source=Source("Rubrics as Rewards")), ())


def _criterion(item: Mapping[str, Any], path: str, name: str) -> Criterion:
    described: str = take(item, "description", str, path)
    tier = _TIER.match(described)
    fields = {
        "id": name,
        "text": described[tier.end() :] if tier else described,
        "tier": tier[1].lower() if tier else "",
        "title": take(item, "title", (str, NULL), path, None) or "",
        "weight": take(item, "weight", (int, float), path),
        "tags": tagged(item, "category", "polarity", path=path),
    }
    return build(Criterion, fields, path)


def _matches(first: Mapping[str, Any]) -> bool:
    listed = first.get("rubric")
    if "question" not in first or not isinstance(listed, list) or not listed:
        return False
    return isinstance(listed[0], Mapping) and {"description", "weight"} <= set(listed[0])


FORMAT = Format("rar", "Rubrics-as-Rewards questions with tiered criteria", _matches, _read, cites="Rubrics as Rewards, arXiv 2507.17746")
