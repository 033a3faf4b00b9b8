"""Votes of single people on the quality of videos, as the software SUREAL collects them. The videos are not part of the file.

A file holds marks from 1 to 5, or differential votes from -100 to 100: how much worse the processed video looks than its original, so
there higher is worse. Each subject of each data set is a judge of its own: no file says that two data sets share a person.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from criterial.core.criterion import Criterion, Source
from criterial.core.rubric import Panel, Policy, Rubric
from criterial.core.scale import Likert, Numeric, parse_value
from criterial.core.task import Case, Message, Response, Task
from criterial.core.verdict import Verdict
from criterial.errors import FormatError, TableError
from criterial.formats.format import Format
from criterial.formats.pieces import UNSEEN_OUTPUT
from criterial.formats.reading import Document
from criterial.formats.validation import NULL, below, build, take, word

__all__ = ["FORMAT"]

_MARKS, _DIFFERENCES = "votes", "differential_votes"
_QUALITY = Criterion(
    "quality", "How good the video looks, from 1 (bad) to 5 (excellent).", Likert(5, ("bad", "poor", "fair", "good", "excellent"))
)
_DEGRADATION = Criterion(
    "degradation",
    "How much worse the processed video looks than its original, from -100 to 100: higher is worse, and below 0 it looks better.",
    Numeric(-100.0, 100.0),
)
_MEAN = Policy(panel=Panel("mean"))
_RUBRICS = {
    _MARKS: Rubric((_QUALITY,), policy=_MEAN, id="sureal/acr5", source=Source("SUREAL")),
    _DIFFERENCES: Rubric((_DEGRADATION,), policy=_MEAN, id="sureal/dmos100", source=Source("SUREAL")),
}


def _read(document: Document, _: Rubric | None) -> Iterator[Case]:
    """Yield one case a source content of a data set, with a response a condition."""
    votes = _DIFFERENCES if _DIFFERENCES in document.first else _MARKS
    cases: dict[tuple[str, str], Case] = {}
    for place, item in document.objects():
        with place.told():
            dataset, content = take(item, "dataset", str), word(item, "content")
            cases[dataset, content] = _grown(cases.get((dataset, content)) or _empty(dataset, content, votes), item, votes)
    yield from cases.values()


def _empty(dataset: str, content: str, votes: str) -> Case:
    prompt = Message("user", f"Show the video {content} of {dataset} (it is not part of the file).")
    task = build(Task, {"id": f"{dataset}/{content}", "messages": (prompt,), "tags": (f"dataset:{dataset}",)})
    return Case(task, _RUBRICS[votes], ())


def _grown(case: Case, item: Mapping[str, Any], votes: str) -> Case:
    """Return a case with one more condition and the votes on it."""
    dataset, condition = take(item, "dataset", str), take(item, "condition", str)
    system = condition.removeprefix(word(item, "content")).removeprefix("_")
    name = f"{dataset}/{condition}"
    if any(r.id == name for r in case.responses):
        raise FormatError(f"{condition!r} occurs twice in {dataset!r}", path="condition")
    response = Response(name, (Message("assistant", UNSEEN_OUTPUT),), system=system, tags=(f"asset:{word(item, 'asset_id')}",))
    criterion = case.rubric.criteria[0]
    verdicts = tuple(
        Verdict(name, criterion.id, value=_value(vote, criterion, path), judge=f"{dataset}/subject-{subject}", task=case.task.id)
        for subject, vote, path in _votes(item, votes)
    )
    return replace(case, responses=(*case.responses, response), verdicts=case.verdicts + verdicts)


def _votes(item: Mapping[str, Any], key: str) -> Iterator[tuple[str, Any, str]]:
    """Yield each vote with its subject and its path; subjects without a name have the number of their place, from 1."""
    if key == _MARKS:
        marks: list[Any] = take(item, key, list)
        for place, mark in enumerate(marks):
            yield str(place + 1), mark, f"{key}[{place}]"
        return
    differences: dict[str, Any] = take(item, key, dict)
    for subject in differences:
        difference: Any = take(differences, subject, (int, float, NULL), key)
        if difference is not None:
            yield subject, difference, below(key, subject)


def _value(vote: Any, criterion: Criterion, path: str) -> float:
    if isinstance(vote, bool) or not isinstance(vote, (int, float)):
        raise FormatError("expected a number", path=path)
    try:
        return parse_value(criterion.scale, vote)
    except TableError as error:
        raise FormatError(str(error), path=path) from None


def _matches(first: Mapping[str, Any]) -> bool:
    return {"dataset", "content", "condition"} <= set(first) and bool({_MARKS, _DIFFERENCES} & set(first))


FORMAT = Format("sureal", "votes of single people on the quality of videos (JSON lines)", _matches, _read, cites="Netflix/sureal")
