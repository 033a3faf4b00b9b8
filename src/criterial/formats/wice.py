"""WiCE: claims of Wikipedia, each with the sentences of a text that it cites, and whether people found it supported by them.

The claim is the criterion and the cited text is the response, so each case has a rubric of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from criterial.core.criterion import Criterion, Source
from criterial.core.rubric import Rubric
from criterial.core.scale import Level, Ordinal
from criterial.core.task import Case, Message, Response, Task
from criterial.core.verdict import Verdict
from criterial.errors import FormatError
from criterial.formats.format import Format
from criterial.formats.reading import Document
from criterial.formats.validation import build, take, texts, word

__all__ = ["FORMAT"]

_SCALE = Ordinal(
    (
        Level("not_supported", "The text does not support the claim."),
        Level("partially_supported", "The text supports a part of the claim."),
        Level("supported", "The text supports the whole claim."),
    )
)
_VALUES = {level.label: float(place) for place, level in enumerate(_SCALE.levels)}
_PROMPT = "Does the cited text support the claim?"
_CONTEXT = {"claim_title": "Article", "claim_section": "Section", "claim_context": "Text around the claim"}


def _read(document: Document, _: Rubric | None) -> Iterator[Case]:
    return document.each(_case)


def _case(item: Mapping[str, Any]) -> Case:
    identity = word(item, "id")
    task = build(Task, {"id": identity, "messages": (Message("user", _PROMPT),), "context": _context(item)})
    claim = build(Criterion, {"id": "claim", "text": take(item, "claim", str), "scale": _SCALE}, "claim")
    evidence = texts(item, "evidence")
    response = Response(f"{identity}/evidence", (Message("assistant", "\n".join(evidence)),))
    rubric = Rubric((claim,), id=f"wice/{identity}", source=Source("WiCE"))
    reason = f"supporting sentences, counted from 0: {json.dumps(_sets(item, len(evidence)))}"
    verdict = Verdict(response.id, claim.id, value=_value(item), reason=reason, judge="human", task=task.id)
    return Case(task, rubric, (response,), (verdict,))


def _context(item: Mapping[str, Any]) -> str:
    meta: dict[str, Any] = take(item, "meta", dict)
    given = {says: take(meta, key, str, "meta") for key, says in _CONTEXT.items()}
    return "\n".join(f"{says}: {text}" for says, text in given.items() if text)


def _value(item: Mapping[str, Any]) -> float:
    label = take(item, "label", str)
    if label not in _VALUES:
        raise FormatError(f"expected {', '.join(_VALUES)}, found {label[:40]!r}", path="label")
    return _VALUES[label]


def _sets(item: Mapping[str, Any], count: int) -> list[list[int]]:
    """Return the sets of sentences of which each alone supports the claim as far as the label says."""
    sets: list[Any] = take(item, "supporting_sentences", list)
    for i, one in enumerate(sets):
        path = f"supporting_sentences[{i}]"
        if not isinstance(one, list):
            raise FormatError("expected a list", path=path)
        for j, place in enumerate(one):
            if isinstance(place, bool) or not isinstance(place, int) or not 0 <= place < count:
                raise FormatError(f"expected the number of a sentence, from 0 and below {count}", path=f"{path}[{j}]")
    return sets


def _matches(first: Mapping[str, Any]) -> bool:
    return {"claim", "evidence", "supporting_sentences", "label"} <= set(first)


FORMAT = Format("wice", "WiCE claims with cited sentences and support labels (JSON lines)", _matches, _read, cites="ryokamoi/wice")
