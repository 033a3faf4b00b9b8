"""DeepResearch Bench: criteria in weighted dimensions, each with weights of its own, marked from 0 to 10.

The weights are shares of one among the criteria of a dimension and among the dimensions: a tree of two levels, whose policy gives
the benchmark's weighted mark over 10.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from criterial.core.criterion import Criterion, Source
from criterial.core.rubric import Node, Policy, Rubric
from criterial.core.scale import Numeric
from criterial.core.task import Case, Message, Task
from criterial.errors import FormatError
from criterial.formats.format import Format
from criterial.formats.pieces import objects, tagged
from criterial.formats.reading import Document
from criterial.formats.validation import build, take, word

__all__ = ["FORMAT"]

_KNOWN = ("criterion", "explanation", "weight")


def _read(document: Document, _: Rubric | None) -> Iterator[Case]:
    return document.each(_case)


def _case(item: Mapping[str, Any]) -> Case:
    identity = word(item, "id")
    task = Task(identity, (Message("user", take(item, "prompt", str)),), tags=tagged(item, "topic", "language"))
    weights: dict[str, Any] = take(item, "dimension_weight", dict)
    dimensions: dict[str, Any] = take(item, "criterions", dict)
    odd = sorted(set(weights) ^ set(dimensions))
    if odd:
        raise FormatError(f"dimension {odd[0]!r} is not in both dimension_weight and criterions", path="criterions")
    criteria = {name: tuple(_criteria(dimensions, name)) for name in dimensions}
    nodes = tuple(
        Node(name, weight=float(take(weights, name, (int, float), "dimension_weight")), children=tuple(c.id for c in listed))
        for name, listed in criteria.items()
    )
    rubric = Rubric(
        tuple(c for listed in criteria.values() for c in listed),
        Node(f"task {identity}", children=nodes),
        Policy("tree"),
        id=identity,
        source=Source("DeepResearch Bench"),
    )
    return Case(task, rubric, ())


def _criteria(dimensions: Mapping[str, Any], name: str) -> Iterator[Criterion]:
    for number, (item, path) in enumerate(objects(dimensions, name, "criterions"), 1):
        title = take(item, "criterion", str, path)
        explanation = take(item, "explanation", str, path, "")
        note = "\n".join(f"{key}: {value}" for key, value in item.items() if key not in _KNOWN and value is not None)
        fields = {
            "id": f"{name}-{number}",
            "title": title,
            "text": f"{title}: {explanation}" if explanation.strip() else title,
            "scale": Numeric(0.0, 10.0),
            "weight": take(item, "weight", (int, float), path),
            "category": (name,),
            "source": Source("DeepResearch Bench", note=note) if note else None,
        }
        yield build(Criterion, fields, path)


def _matches(first: Mapping[str, Any]) -> bool:
    return {"dimension_weight", "criterions"} <= set(first)


FORMAT = Format(
    "deepresearch_bench",
    "DeepResearch Bench criteria in weighted dimensions (JSON lines)",
    _matches,
    _read,
    cites="deep_research_bench, RACE",
)
