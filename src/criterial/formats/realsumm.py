"""REALSumm as content-unit verdicts: a folder of documents, system summaries and crowd votes, a criterion a content unit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from criterial.core.criterion import Criterion, Source
from criterial.core.rubric import Rubric
from criterial.core.task import Case, Message, Response, Task
from criterial.core.verdict import Verdict
from criterial.errors import FormatError
from criterial.formats.format import Format
from criterial.formats.parts import has_parts, part
from criterial.formats.reading import Document
from criterial.formats.validation import NULL, build, take

__all__ = ["FORMAT"]

T = TypeVar("T")

_PROMPT = "Summarise the news article."


def _read(document: Document, _: Rubric | None) -> Iterator[Case]:
    cases: dict[str, Case] = {}
    for place, row in part(document.path, "documents").objects():
        with place.told():
            case = _case(row)
            _put_once(cases, case.task.id, case, "doc_id")
    responses: dict[str, dict[str, Response]] = defaultdict(dict)
    for place, row in part(document.path, "summaries").objects():
        with place.told():
            response = _response(row)
            _put_once(responses[row["doc_id"]], response.id, response, "system")
    votes: dict[str, dict[str, Verdict]] = defaultdict(dict)
    for place, row in part(document.path, "verdicts").objects():
        with place.told():
            verdict = _verdict(row, cases)
            if verdict.response in responses[verdict.task]:  # a part of the set may lack some systems
                _put_once(votes[verdict.task], f"{verdict.response}: {verdict.criterion}", verdict, "criterion_id")
    for identity, case in cases.items():
        yield replace(case, responses=tuple(responses[identity].values()), verdicts=tuple(votes[identity].values()))


def _case(row: Mapping[str, Any]) -> Case:
    identity = take(row, "doc_id", str)
    units: list[Any] = take(row, "criteria", list)
    criteria = []
    for i, unit in enumerate(units):
        if not (isinstance(unit, list) and len(unit) == 2 and all(isinstance(part, str) for part in unit)):
            raise FormatError("expected a content unit: its id and its text", path=f"criteria[{i}]")
        criteria.append(Criterion(unit[0], f"The response states that: {unit[1]}"))
    task = build(Task, {"id": identity, "messages": (Message("user", _PROMPT),), "tags": ("set:realsumm",)})
    return Case(task, Rubric(tuple(criteria), id=identity, source=Source("REALSumm")), ())


def _put_once(kept: dict[str, T], name: str, item: T, path: str) -> None:
    if name in kept:
        raise FormatError(f"{name!r} occurs twice", path=path)
    kept[name] = item


def _response(row: Mapping[str, Any]) -> Response:
    identity, system = take(row, "doc_id", str), take(row, "system", str)
    return Response(f"{identity}/{system}", (Message("assistant", take(row, "summary", str)),), system=system)


def _verdict(row: Mapping[str, Any], cases: Mapping[str, Case]) -> Verdict:
    identity, system, criterion = (take(row, key, str) for key in ("doc_id", "system", "criterion_id"))
    if identity in cases and criterion not in cases[identity].rubric.index:
        raise FormatError(f"document {identity!r} has no content unit {criterion!r}", path="criterion_id")
    present = _vote(take(row, "present", (bool, int, float)), "present")
    votes: list[Any] = take(row, "votes", (list, NULL), default=None) or []
    yes = sum(_vote(vote, f"votes[{i}]") for i, vote in enumerate(votes))
    reason = f"{yes:g} of {len(votes)} people" if votes else ""
    return Verdict(f"{identity}/{system}", criterion, value=present, reason=reason, judge="crowd", task=identity)


def _vote(given: Any, path: str) -> float:
    if not isinstance(given, (bool, int, float)) or given not in (0, 1):
        raise FormatError(f"expected 0 or 1, found {str(given)[:20]}", path=path)
    return float(given)


def _folder(document: Document) -> bool:
    return has_parts(document.path, "documents", "summaries", "verdicts")


FORMAT = Format(
    "realsumm",
    "a folder of documents, summaries and content-unit votes",
    lambda first: False,
    _read,
    cites="neulab/REALSumm",
    folder=_folder,
)
