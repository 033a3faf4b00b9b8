"""FRANK: people's judgements of the factuality of summaries, as shares of sentences. The texts are not part of the file.

Factuality is the share of sentences without any error, and alone makes the score; the share without each kind of error stands
beside it with weight 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from criterial.core.criterion import Criterion, Source
from criterial.core.rubric import Rubric
from criterial.core.scale import Numeric
from criterial.core.task import Case, Message, Response, Task
from criterial.core.verdict import Verdict
from criterial.errors import FormatError
from criterial.formats.format import Format
from criterial.formats.reading import Document
from criterial.formats.validation import build, take

__all__ = ["FORMAT"]

_WHOLE = "Factuality"
_KINDS = {
    "Semantic_Frame_Errors": "of the semantic frame (relation, entity or circumstance)",
    "RelE": "of relation",
    "EntE": "of entity",
    "CircE": "of circumstance",
    "Discourse_Errors": "of discourse (coreference or discourse link)",
    "CorefE": "of coreference",
    "LinkE": "of discourse link",
    "Content_Verifiability_Errors": "of content verifiability (out of the article, or grammar)",
    "OutE": "that is information from outside the article",
    "GramE": "of grammar that hides the meaning",
    "Other": "of another kind",
}
_RUBRIC = Rubric(
    (
        Criterion(_WHOLE, "Share of sentences without a factual error.", Numeric(0.0, 1.0)),
        *(Criterion(k, f"Share of sentences without an error {says}.", Numeric(0.0, 1.0), 0.0) for k, says in _KINDS.items()),
    ),
    id="frank",
    source=Source("FRANK"),
)
_PROMPT = "Summarise the news article (it is not part of the file)."
_ANSWER = "(the summary is not part of the file)"


def _read(document: Document, _: Rubric | None) -> Iterator[Case]:
    """Yield one case an article, with the summaries of all systems."""
    cases: dict[str, Case] = {}
    for place, item in document.objects():
        with place.told():
            identity = take(item, "hash", str)
            cases[identity] = _grown(cases.get(identity) or _empty(item, identity), item)
    yield from cases.values()


def _empty(item: Mapping[str, Any], identity: str) -> Case:
    tags = tuple(f"{key}:{take(item, key, str)}" for key in ("dataset", "split"))
    return Case(build(Task, {"id": identity, "messages": (Message("user", _PROMPT),), "tags": tags}), _RUBRIC, ())


def _grown(case: Case, item: Mapping[str, Any]) -> Case:
    """Return a case with one more summary and its verdicts."""
    system = take(item, "model_name", str)
    if any(r.system == system for r in case.responses):
        raise FormatError(f"two summaries of {system!r} for article {case.task.id!r}", path="model_name")
    response = Response(f"{case.task.id}/{system}", (Message("assistant", _ANSWER),), system=system)
    verdicts = tuple(Verdict(response.id, c.id, value=_share(item, c.id), judge="people", task=case.task.id) for c in case.rubric.criteria)
    return replace(case, responses=(*case.responses, response), verdicts=case.verdicts + verdicts)


def _share(item: Mapping[str, Any], key: str) -> float:
    share = float(take(item, key, (int, float)))
    if not 0.0 <= share <= 1.0:
        raise FormatError(f"a share of 0 to 1 was expected, found {share:g}", path=key)
    return share


def _matches(first: Mapping[str, Any]) -> bool:
    return {"hash", "model_name", _WHOLE, "Semantic_Frame_Errors"} <= set(first)


FORMAT = Format("frank", "FRANK's human annotations of factuality (JSON lines)", _matches, _read, cites="artidoro/frank")
