"""OpenRubrics: a rubric in one text, whose items are tagged as hard rules or principles, with a pair of responses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from criterial.core.criterion import Criterion, Source
from criterial.core.rubric import Rubric
from criterial.core.task import Case, Message, Response, Task
from criterial.errors import FormatError
from criterial.formats.format import Format
from criterial.formats.pieces import numbered, row_id, tagged
from criterial.formats.reading import Document
from criterial.formats.validation import NULL, build, take

__all__ = ["FORMAT"]

_TAG = re.compile(r"[*_]{0,2}\[\s*(hard rule|principle)\s*\][*_]{0,2}", re.IGNORECASE)
_ITEMS = [re.compile(rf"^[^\S\n]*{mark}(?:[^\S\n]+|$)", re.MULTILINE) for mark in (r"\d{1,3}[.)]", "[-*•]")]
_KINDS = {"hard rule": "rule", "principle": "principle"}
_PROMPTS = ("instruction", "prompt", "question")
_RESPONSES = ("response_a", "response_b", "chosen", "rejected")


def _read(document: Document, _: Rubric | None) -> Iterator[Case]:
    return numbered(document, _case)


def _case(item: Mapping[str, Any], name: str) -> Case:
    identity = row_id(item, name, "question_id", "id", "uuid")
    key = next((k for k in _PROMPTS if k in item), _PROMPTS[0])
    task = build(
        Task,
        {
            "id": identity,
            "messages": (Message("user", take(item, key, str)),),
            "tags": tagged(item, "source", "winner"),
        },
    )
    rubric = _rubric(take(item, "rubric", str), identity)
    return Case(task, rubric, tuple(_responses(item, identity)))


def _rubric(text: str, identity: str) -> Rubric:
    """Return a rubric: its items begin with numbers or else with bullets, or are lines; the tag of each stands anywhere in it."""
    if not _TAG.search(text):
        raise FormatError("the rubric has no [Hard Rule] and no [Principle]", path="rubric", hint="each item is tagged as one of them")
    parts, before = _parts(text)
    criteria = tuple(_criterion(part, i) for i, part in enumerate(parts))
    return Rubric(criteria, id=identity, guidelines=before, source=Source("OpenRubrics"))


def _parts(text: str) -> tuple[list[str], str]:
    """Return a rubric's items, and what stands before them."""
    starts = next((s for s in ([m.start() for m in item.finditer(text)] for item in _ITEMS) if s), [])
    before = text[: starts[0]] if starts else ""
    if not starts or _TAG.search(before):
        return [p for p in text.splitlines() if p.strip()], ""
    return [text[a:b] for a, b in zip(starts, [*starts[1:], None], strict=True)], before.strip()


def _criterion(part: str, place: int) -> Criterion:
    kinds = {_KINDS[m[1].lower()] for m in _TAG.finditer(part)}
    if len(kinds) > 1:
        raise FormatError(f"item {place + 1} is tagged both as a rule and as a principle", path="rubric")
    text = _TAG.sub("", part).strip(" \t\n:")
    mark = next((m for m in (item.match(text) for item in _ITEMS) if m), None)
    text = " ".join(text[mark.end() if mark else 0 :].split()).strip(" :")
    return build(Criterion, {"id": f"c{place + 1}", "text": text, "kind": next(iter(kinds), None)}, "rubric")


def _responses(item: Mapping[str, Any], identity: str) -> Iterator[Response]:
    for key in _RESPONSES:
        text: str | None = take(item, key, (str, NULL), default=None)
        if text is not None:
            yield Response(f"{identity}/{key}", (Message("assistant", text),), system=key)


def _matches(first: Mapping[str, Any]) -> bool:
    rubric = first.get("rubric")
    return isinstance(rubric, str) and bool(_TAG.search(rubric)) and any(key in first for key in _PROMPTS)


FORMAT = Format(
    "openrubrics", "OpenRubrics rows: one text of hard rules and principles", _matches, _read, cites="OpenRubrics, arXiv 2510.07743"
)
