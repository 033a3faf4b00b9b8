"""REALSumm as content-unit verdicts: a folder of documents, system summaries and crowd votes, a criterion a content unit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from criterial.core.criterion import Criterion, Source
from criterial.core.rubric import Rubric
from criterial.core.task import Case, Message, Response, Task
from criterial.core.verdict import Verdict
from criterial.errors import FormatError
from criterial.formats.format import Format
from criterial.formats.reading import Document

__all__ = ["FORMAT"]

_PROMPT = "Summarise the news article."


def _read(document: Document, rubric: Rubric | None) -> Iterator[Case]:
    summaries, votes = defaultdict(list), defaultdict(list)
    for row in _rows(document, "summaries", ("doc_id", "system", "summary")):
        summaries[row["doc_id"]].append(_response(row))
    for row in _rows(document, "verdicts", ("doc_id", "system", "criterion_id", "present")):
        votes[row["doc_id"]].append(_verdict(row))
    for row in _rows(document, "documents", ("doc_id", "criteria")):
        identity = row["doc_id"]
        own = rubric or Rubric(tuple(_criterion(c, t) for c, t in row["criteria"]), id=identity, source=Source("REALSumm"))
        task = Task(identity, (Message("user", _PROMPT),), tags=("set:realsumm",))
        verdicts = () if rubric is not None else _known(votes[identity], summaries[identity])
        yield Case(task, own, tuple(summaries[identity]), tuple(verdicts))


def _known(verdicts: list[Verdict], responses: list[Response]) -> Iterator[Verdict]:
    """Yield the verdicts on summaries that are there: a part of the set may lack some systems."""
    known = {r.id for r in responses}
    return (v for v in verdicts if v.response in known)


def _response(row: Mapping[str, Any]) -> Response:
    return Response(f"{row['doc_id']}/{row['system']}", (Message("assistant", row["summary"]),), system=row["system"])


def _criterion(identity: str, text: str) -> Criterion:
    return Criterion(identity, f"The response states that: {text}")


def _verdict(row: Mapping[str, Any]) -> Verdict:
    votes = row.get("votes") or []
    reason = f"{sum(votes)} of {len(votes)} people" if votes else ""
    return Verdict(
        f"{row['doc_id']}/{row['system']}",
        row["criterion_id"],
        value=float(row["present"]),
        reason=reason,
        judge="crowd",
        task=row["doc_id"],
    )


def _rows(document: Document, name: str, keys: tuple[str, ...]) -> Iterator[Mapping[str, Any]]:
    path = next((document.path / f"{name}.jsonl{end}" for end in ("", ".gz") if (document.path / f"{name}.jsonl{end}").exists()), None)
    if path is None:
        raise FormatError(f"the folder has no {name}.jsonl", document.name)
    part = Document(path)
    for line, row in part.objects():
        missing = [k for k in keys if k not in row]
        if missing:
            raise FormatError(f"{missing[0]!r} is missing", part.name, line)
        yield row


def _folder(document: Document) -> bool:
    return all(any((document.path / f"{n}.jsonl{end}").exists() for end in ("", ".gz")) for n in ("documents", "summaries", "verdicts"))


FORMAT = Format(
    "realsumm",
    "a folder of documents, summaries and content-unit votes",
    lambda first: False,
    _read,
    cites="neulab/REALSumm",
    folder=_folder,
)
