"""RuscaRL and RubricHub: rows for verl whose reward model is a rubric of signed points."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from criterial.core.criterion import Criterion, Source
from criterial.core.rubric import Rubric
from criterial.core.task import Case, Task
from criterial.errors import FormatError
from criterial.formats.format import Format
from criterial.formats.media import INLINE
from criterial.formats.pieces import numbered, objects, row_id, signed_criterion, tagged
from criterial.formats.reading import Document
from criterial.formats.shorthand import messages_of
from criterial.formats.validation import NULL, below, build, take, texts

__all__ = ["FORMAT"]

_PLACES = (("reward_model", "rubrics"), ("extra_info", "reward_model", "rubrics"), ("extra_info", "rubrics"), ("Rubrics",))


def _read(document: Document, _: Rubric | None) -> Iterator[Case]:
    return numbered(document, _case)


def _case(item: Mapping[str, Any], name: str) -> Case:
    info = item.get("extra_info")
    identity = row_id({**info, **item} if isinstance(info, Mapping) else item, name, "id", "index", "prompt_id")
    fields = {
        "id": identity,
        "messages": messages_of(item.get("prompt"), "user", INLINE, "prompt"),
        "references": _truths(item),
        "tags": tagged(item, "data_source", "ability"),
    }
    criteria = tuple(_criterion(c, path, f"c{i}") for i, (c, path) in enumerate(_listed(item), 1))
    return Case(build(Task, fields), Rubric(criteria, id=identity, source=Source("RuscaRL")), ())


def _listed(item: Mapping[str, Any]) -> list[tuple[Mapping[str, Any], str]]:
    """Return the row's criteria; the copies that rows keep for their reward functions must be the same."""
    found: list[tuple[str, list[tuple[Mapping[str, Any], str]]]] = []
    for *way, last in _PLACES:
        data: Any = item
        for key in way:
            data = data.get(key) if isinstance(data, Mapping) else None
        if isinstance(data, Mapping) and data.get(last) is not None:
            found.append((below(".".join(way), last), objects(data, last, ".".join(way))))
    if not found:
        raise FormatError("there are no rubrics in the row", path="reward_model", hint='its reward model holds "rubrics": [...]')
    first, listed = found[0]
    for path, other in found[1:]:
        if [c for c, _ in other] != [c for c, _ in listed]:
            raise FormatError(f"the rubrics differ from those at {first}", path=path)
    return listed


def _truths(item: Mapping[str, Any]) -> list[str]:
    model = item.get("reward_model")
    truth: Any = take(model, "ground_truth", (str, list, NULL), "reward_model", None) if isinstance(model, Mapping) else None
    if isinstance(truth, list):
        return texts({"ground_truth": truth}, "ground_truth", "reward_model")
    return [truth] if truth else []


def _criterion(item: Mapping[str, Any], path: str, name: str) -> Criterion:
    tags: Any = take(item, "tags", (dict, list, NULL), path, None) or {}
    if isinstance(tags, list):
        return signed_criterion(item, path, name, tags=texts(item, "tags", path))
    verifier: str = take(tags, "verifier", (str, NULL), below(path, "tags"), None) or ""
    said = [
        f"{k}:{v if isinstance(v, str) else json.dumps(v, ensure_ascii=False, sort_keys=True)}" for k, v in tags.items() if v is not None
    ]
    return signed_criterion(item, path, name, kind="rule" if verifier == "rule" else None, tags=said)


def _matches(first: Mapping[str, Any]) -> bool:
    model = first.get("reward_model")
    return "prompt" in first and isinstance(model, Mapping) and isinstance(model.get("rubrics"), list)


FORMAT = Format(
    "rusca", "RuscaRL and RubricHub rows for verl: a reward model of signed criteria", _matches, _read, cites="RuscaRL, RubricHub"
)
