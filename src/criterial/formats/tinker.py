"""Tinker cookbook: conversations with rubric items, each with the words in which its grader answers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from criterial.core.criterion import Criterion, Source
from criterial.core.rubric import Rubric
from criterial.core.scale import Numeric
from criterial.core.task import Case, Task
from criterial.errors import FormatError
from criterial.formats.format import Format
from criterial.formats.media import INLINE
from criterial.formats.pieces import numbered, objects
from criterial.formats.reading import Document
from criterial.formats.shorthand import messages_of
from criterial.formats.validation import below, build, take

__all__ = ["FORMAT"]

_ANSWER = "grader_output_format_instruction"
_RANGE = re.compile(r"\b(?:between|from)\s+(-?\d+(?:\.\d+)?)\s+(?:and|to)\s+(-?\d+(?:\.\d+)?)", re.IGNORECASE)
_DEFAULTS = {
    "extraction_regex": "<score>(.*?)</score>",
    _ANSWER: "Please output your score between 0 and 1 wrapped in <score> ... </score>",
}


def _read(document: Document, _: Rubric | None) -> Iterator[Case]:
    return numbered(document, _case)


def _case(item: Mapping[str, Any], name: str) -> Case:
    task = build(Task, {"id": name, "messages": messages_of(item.get("convo"), "user", INLINE, "convo")})
    criteria = tuple(_criterion(c, path, f"c{i}") for i, (c, path) in enumerate(objects(item, "rubric_items"), 1))
    return Case(task, Rubric(criteria, id=name, source=Source("Tinker cookbook")), ())


def _criterion(item: Mapping[str, Any], path: str, name: str) -> Criterion:
    said = {key: take(item, key, str, path, default) for key, default in _DEFAULTS.items()}
    span = _RANGE.search(said[_ANSWER])
    if span is None:
        hint = 'say the range in it, as in "between 0 and 1"'
        raise FormatError("the range of the score is not told", path=below(path, _ANSWER), hint=hint)
    note = "\n".join(f"{key}: {value}" for key, value in said.items() if value != _DEFAULTS[key])
    fields = {
        "id": name,
        "text": take(item, "rubric_str", str, path),
        "scale": build(Numeric, {"low": float(span[1]), "high": float(span[2])}, below(path, _ANSWER)),
        "source": Source("Tinker cookbook", note=note) if note else None,
    }
    return build(Criterion, fields, path)


def _matches(first: Mapping[str, Any]) -> bool:
    listed = first.get("rubric_items")
    return "convo" in first and isinstance(listed, list) and bool(listed) and isinstance(listed[0], Mapping) and "rubric_str" in listed[0]


FORMAT = Format(
    "tinker", "Tinker cookbook conversations with rubric items (JSON lines)", _matches, _read, cites="tinker-cookbook 0.6, recipes/rubric"
)
