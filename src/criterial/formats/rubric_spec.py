"""AuraOne Rubric Schema v1, the format of rubric-spec: criteria on scales whose values have anchors."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from criterial.core.criterion import Criterion, Source
from criterial.core.rubric import Rubric
from criterial.core.scale import Binary, Level, Likert, Numeric, Ordinal, Scale
from criterial.core.task import Case, Message, Task
from criterial.errors import FormatError
from criterial.formats.format import Format
from criterial.formats.pieces import objects
from criterial.formats.reading import Document
from criterial.formats.validation import NULL, below, build, take, word

__all__ = ["FORMAT"]

_VERSION = "auraone-rubric-v1"
_SCALES = ("binary", "ordinal", "likert", "continuous")
_NOTES = ("tie_break_rule", "judge_prompt_contract", "provenance")


def _read(document: Document, _: Rubric | None) -> Iterator[Case]:
    return document.each(_case)


def _case(item: Mapping[str, Any]) -> Case:
    version = take(item, "version", str)
    if version != _VERSION:
        raise FormatError(f"the version is {version[:40]!r}", path="version", hint=f"only {_VERSION} is known")
    identity = word(item, "rubric_id")
    contract: dict[str, Any] = take(item, "judge_prompt_contract", (dict, NULL), default=None) or {}
    provenance: dict[str, Any] = take(item, "provenance", (dict, NULL), default=None) or {}
    rubric = Rubric(
        tuple(_criterion(c, path) for c, path in objects(item, "criteria")),
        id=identity,
        title=take(item, "label", (str, NULL), default=None) or "",
        guidelines=take(contract, "instruction", (str, NULL), "judge_prompt_contract", None) or "",
        source=Source(take(provenance, "created_by", (str, NULL), "provenance", None) or "rubric-spec", note=_note(item, _NOTES)),
    )
    return Case(Task(identity, (Message("user", "(no prompt)"),)), rubric, ())


def _note(item: Mapping[str, Any], keys: tuple[str, ...]) -> str:
    """Return what has no field of its own here, as it stands in the file."""
    said = [(k, item[k]) for k in keys if item.get(k)]
    return "\n".join(f"{k}: {v if isinstance(v, str) else json.dumps(v, ensure_ascii=False)}" for k, v in said)


def _criterion(item: Mapping[str, Any], path: str) -> Criterion:
    name, label = word(item, "criterion_id", path), take(item, "label", str, path)
    weight: float = take(item, "weight", (int, float), path)
    if weight <= 0:
        raise FormatError(f"the weight of {name!r} is {weight:g}; it is more than 0", path=below(path, "weight"))
    anchors = sorted(_anchor(a, where) for a, where in objects(item, "anchors", path))
    scale, described = _scale(take(item, "scale_type", str, path), anchors, path)
    text: str = take(item, "description", (str, NULL), path, None) or label
    legend = "" if described else "\n" + "\n".join(f"{value:g}: {said}" for value, said in anchors)
    note = _note(item, ("tie_break_rule", "examples"))
    fields = {"id": name, "title": label, "text": text + legend, "weight": weight, "scale": scale}
    return build(Criterion, {**fields, "source": Source("rubric-spec", note=note) if note else None}, path)


def _anchor(item: Mapping[str, Any], path: str) -> tuple[float, str]:
    try:
        return float(word(item, "value", path)), word(item, "label", path)
    except ValueError:
        raise FormatError(f"expected a number, found {word(item, 'value', path)[:40]!r}", path=below(path, "value")) from None


def _scale(kind: str, anchors: list[tuple[float, str]], path: str) -> tuple[Scale, bool]:
    """Return a scale, and whether it holds the anchors' labels itself."""
    if kind not in _SCALES:
        raise FormatError(f"there is no scale_type {kind[:40]!r}", path=below(path, "scale_type"), hint=", ".join(_SCALES))
    values = [value for value, _ in anchors]
    if len(values) < 2 or len(set(values)) < len(values):
        raise FormatError("at least two anchors with values of their own are needed", path=below(path, "anchors"))
    if kind == "binary":
        if values != [0.0, 1.0]:
            raise FormatError("a binary scale has the anchors 0 and 1", path=below(path, "anchors"))
        return Binary(), False
    return _graded(kind, values, [said for _, said in anchors], below(path, "anchors"))


def _graded(kind: str, values: list[float], said: list[str], path: str) -> tuple[Scale, bool]:
    low, high = values[0], values[-1]
    if kind == "continuous":
        return build(Numeric, {"low": low, "high": high}, path), False
    if kind == "likert" and low == 1 and high == int(high):
        whole = values == [float(n) for n in range(1, len(values) + 1)]
        return build(Likert, {"points": int(high), "anchors": said if whole else []}, path), whole
    levels = [Level(f"{value:g}", label, (value - low) / (high - low)) for value, label in zip(values, said, strict=True)]
    return build(Ordinal, {"levels": levels}, path, unsaid="levels"), True


def _matches(first: Mapping[str, Any]) -> bool:
    return first.get("version") == _VERSION


FORMAT = Format("rubric_spec", "AuraOne rubrics of rubric-spec (JSON)", _matches, _read, cites="rubric-spec 0.1.2, auraone-rubric-v1")
