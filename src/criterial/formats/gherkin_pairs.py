"""Pairs of Gherkin steps with labels that say whether they are duplicates: one by an author, or those of three people and their consensus.

The first step is in the task and the second is the response. A pair has the same ids in both files, so the verdicts of one can be read
onto the cases of the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from criterial.core.criterion import Criterion, Source
from criterial.core.rubric import Rubric
from criterial.core.task import Case, Message, Response, Task
from criterial.core.verdict import Verdict
from criterial.errors import FormatError
from criterial.formats.format import Format
from criterial.formats.pieces import tagged
from criterial.formats.reading import Document
from criterial.formats.validation import build, take, word

__all__ = ["FORMAT"]

_DUPLICATE = Criterion("duplicate", "The second step says the same as the first, so that one of them would do for both.")
_RUBRIC = Rubric((_DUPLICATE,), id="gherkin_pairs", source=Source("cukereuse"))
_PROMPT = "Do these two steps say the same? The response is the second; the first is:"
_ANNOTATORS = {f"annotator_{n}": f"annotator-{n}" for n in (1, 2, 3)}
_TEXTS = {"text_a", "text_b", "cos", "lev"}


def _read(document: Document, _: Rubric | None) -> Iterator[Case]:
    return document.each(_case)


def _case(item: Mapping[str, Any]) -> Case:
    identity = f"pair-{word(item, 'id')}"
    asked = Message("user", f"{_PROMPT}\n{take(item, 'text_a', str)}")
    task = build(Task, {"id": identity, "messages": (asked,), "tags": tagged(item, "cos_band", "band", "rule")})
    response = Response(f"{identity}/second", (Message("assistant", take(item, "text_b", str)),))
    reason = f"cos {_share(item, 'cos', -1.0)}, lev {_share(item, 'lev', 0.0)}"
    verdicts = tuple(
        Verdict(response.id, _DUPLICATE.id, value=_label(item, key), reason=reason, judge=judge, task=identity)
        for key, judge in _judges(item).items()
    )
    return Case(task, _RUBRIC, (response,), verdicts)


def _judges(item: Mapping[str, Any]) -> dict[str, str]:
    """Return who labelled a pair, by the key of the label."""
    if "consensus" in item:
        return {**_ANNOTATORS, "consensus": "consensus"}
    return {"label": take(item, "labeler", str)}


def _label(item: Mapping[str, Any], key: str) -> float:
    label = take(item, key, int)
    if label not in (0, 1):
        raise FormatError(f"expected 0 or 1, found {label}", path=key)
    return float(label)


def _share(item: Mapping[str, Any], key: str, least: float) -> float:
    share: float = take(item, key, (int, float))
    if not least <= share <= 1.0:
        raise FormatError(f"expected {least:g} to 1, found {share:g}", path=key)
    return share


def _matches(first: Mapping[str, Any]) -> bool:
    return set(first) >= _TEXTS and bool({"label", "consensus"} & set(first))


FORMAT = Format(
    "gherkin_pairs",
    "pairs of Gherkin steps, labelled as duplicates or not (JSON lines)",
    _matches,
    _read,
    cites="amughalbscs16/cukereuse-release, corpus/labeled_pairs",
)
