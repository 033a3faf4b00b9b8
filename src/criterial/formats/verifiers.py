"""verifiers: a rubric file of named criteria, each with choices from worst to best (TOML or JSON)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from criterial.core.criterion import Criterion, Source
from criterial.core.rubric import Rubric
from criterial.core.scale import Binary, Level, Ordinal, Scale
from criterial.core.task import Case, Message, Task
from criterial.errors import FormatError
from criterial.formats.format import Format
from criterial.formats.pieces import objects
from criterial.formats.reading import Document, Place
from criterial.formats.validation import below, build, take, texts

__all__ = ["FORMAT"]

_KEYS = frozenset({"name", "text", "weight", "choices"})
_YES_NO = ["no", "yes"]


def _read(document: Document, _: Rubric | None) -> Iterator[Case]:
    listed: list[tuple[Place, Criterion]] = []
    for place, item in document.objects():
        with place.told():
            if listed and "name" not in item:
                raise FormatError("a second rubric in the file", hint="a file holds one rubric: a list of criteria, or an object with them")
            criteria = [(item, "")] if "name" in item else objects(item, "criteria")
            if not criteria:
                raise FormatError("a rubric needs at least one criterion", path="criteria")
            listed += [(place, _criterion(c, path)) for c, path in criteria]
    if not listed:
        return
    with listed[0][0].told():
        if not any(c.weight for _, c in listed):
            raise FormatError("no criterion has a positive weight", path="criteria")
        rubric = Rubric(tuple(c for _, c in listed), id=document.stem, source=Source("verifiers"))
        yield Case(Task(document.stem, (Message("user", "(no prompt)"),)), rubric, ())


def _criterion(item: Mapping[str, Any], path: str) -> Criterion:
    name = take(item, "name", str, path)
    weight: float = take(item, "weight", (int, float), path, 1.0)
    if weight < 0:
        raise FormatError(f"the weight of {name!r} is {weight:g}; it is 0 or more", path=below(path, "weight"))
    choices = texts(item, "choices", path, _YES_NO)
    scale: Scale = Binary()
    if choices != _YES_NO:
        scale = build(Ordinal, {"levels": [Level(c) for c in choices]}, below(path, "choices"), unsaid="levels")
    return build(Criterion, {"id": name, "text": take(item, "text", str, path), "weight": weight, "scale": scale}, path)


def _matches(first: Mapping[str, Any]) -> bool:
    if set(first) == {"criteria"}:
        listed = first["criteria"]
        return isinstance(listed, list) and bool(listed) and isinstance(listed[0], Mapping) and {"name", "text"} <= set(listed[0]) <= _KEYS
    return {"name", "text"} <= set(first) <= _KEYS and bool({"weight", "choices"} & set(first))


FORMAT = Format("verifiers", "verifiers rubrics (TOML or JSON)", _matches, _read, cites="verifiers 0.4, v1/judges/rubric.py")
