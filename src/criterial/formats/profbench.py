"""ProfBench: professional tasks with weighted criteria, and people's marks on the reports of several models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from criterial.core.criterion import Criterion, Source
from criterial.core.rubric import Rubric
from criterial.core.task import Case, Message, Response, Task
from criterial.core.verdict import Verdict
from criterial.errors import FormatError
from criterial.formats.format import Format
from criterial.formats.pieces import by_response, objects, tagged
from criterial.formats.reading import Document
from criterial.formats.validation import NULL, below, build, take, texts, word

__all__ = ["FORMAT"]

_WEIGHTS = {"Critical": 4.0, "Major": 3.0, "Minor": 2.0, "Additional": 1.0}
_RESPONSE, _MARK = "_response", "_fulfilment"


def _read(document: Document, _: Rubric | None) -> Iterator[Case]:
    return document.each(_case)


def _case(item: Mapping[str, Any]) -> Case:
    identity = word(item, "task_id")
    task = build(Task, {"id": identity, "messages": (Message("user", take(item, "prompt", str)),), "tags": tagged(item, "domain")})
    listed = objects(item, "rubrics")
    rubric = Rubric(tuple(_criterion(c, path, f"c{i}") for i, (c, path) in enumerate(listed, 1)), id=identity, source=Source("ProfBench"))
    responses = {r.system: r for r in _responses(item, identity)}
    verdicts = [v for (c, path), k in zip(listed, rubric.criteria, strict=True) for v in _verdicts(c, path, k.id, responses, identity)]
    return Case(task, rubric, tuple(responses.values()), by_response(verdicts, responses.values()))


def _responses(item: Mapping[str, Any], identity: str) -> Iterator[Response]:
    for key in item:
        text: Any = take(item, key, (str, NULL)) if key.endswith(_RESPONSE) else None
        if text is not None:
            system = key.removesuffix(_RESPONSE)
            yield Response(f"{identity}/{system}", (Message("assistant", text),), system=system)


def _criterion(item: Mapping[str, Any], path: str, name: str) -> Criterion:
    said: Any = take(item, "criterion_weight", (str, int, float), path)
    if isinstance(said, str) and said not in _WEIGHTS:
        raise FormatError(f"there is no weight {said[:40]!r}", path=below(path, "criterion_weight"), hint=", ".join(_WEIGHTS))
    given: Any = take(item, "criterion_type", (str, list, NULL), path, None) or []
    kinds = texts({"criterion_type": [given] if isinstance(given, str) else given}, "criterion_type", path)
    fields = {
        "id": name,
        "text": take(item, "criterion_description", str, path),
        "weight": _WEIGHTS[said] if isinstance(said, str) else said,
        "tier": said if isinstance(said, str) else "",
        "category": kinds[:1],
        "tags": [f"type:{k}" for k in kinds],
    }
    return build(Criterion, fields, path)


def _verdicts(item: Mapping[str, Any], path: str, criterion: str, responses: Mapping[str, Response], task: str) -> Iterator[Verdict]:
    for key in item:
        mark: Any = take(item, key, (bool, NULL), path) if key.endswith(_MARK) else None
        if mark is None:
            continue
        system = key.removesuffix(_MARK)
        if system not in responses:
            raise FormatError(f"a mark on {system!r}, of which there is no response", path=below(path, key))
        yield Verdict(responses[system].id, criterion, value=float(mark), judge="human", task=task)


def _matches(first: Mapping[str, Any]) -> bool:
    listed = first.get("rubrics")
    return isinstance(listed, list) and bool(listed) and isinstance(listed[0], Mapping) and "criterion_description" in listed[0]


FORMAT = Format("profbench", "ProfBench tasks with people's marks on reports", _matches, _read, cites="NVlabs, ProfBench")
