"""JudgeBench: pairs of answers to hard questions of which one is objectively right, as lines.

The file always names the right answer first. A judge that likes the first answer would look good, so the answers of about half of all
questions change places: those whose id has an even SHA-256.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from criterial.core.criterion import Source
from criterial.core.rubric import Rubric
from criterial.core.task import Case, Message, Response, Task
from criterial.formats.format import Format
from criterial.formats.pairing import PAIR, Opinion, pair_case
from criterial.formats.pieces import tagged
from criterial.formats.reading import Document
from criterial.formats.validation import build, take, word

__all__ = ["FORMAT"]

_RUBRIC = Rubric((PAIR,), id="judgebench", source=Source("JudgeBench"))
_KEY = "answer key"


def _read(document: Document, _: Rubric | None) -> Iterator[Case]:
    return document.each(_case)


def _case(item: Mapping[str, Any]) -> Case:
    identity = word(item, "question_id")
    asked = Message("user", take(item, "prompt", str))
    task = build(Task, {"id": identity, "messages": (asked,), "tags": tagged(item, "query_type", "source")})
    system = word(item, "response_model", default="")
    answers = [
        Response(f"{identity}/{key}", (Message("assistant", take(item, key, str)),), system=system) for key in ("chosen", "rejected")
    ]
    swapped = hashlib.sha256(identity.encode()).digest()[-1] % 2 == 0
    if swapped:
        answers.reverse()
    return pair_case(task, _RUBRIC, answers[0], answers[1], [Opinion(_KEY, "second" if swapped else "first")])


def _matches(first: Mapping[str, Any]) -> bool:
    return {"question_id", "prompt", "chosen", "rejected", "query_type"} <= set(first)


FORMAT = Format("judgebench", "JudgeBench pairs of a right and a wrong answer (JSON lines)", _matches, _read, cites="JudgeBench")
