"""SAF: short answers to questions with a reference answer, each with a person's score from 0 to 1 and feedback, as a folder."""

from __future__ import annotations

from collections import Counter
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
from criterial.formats.parts import has_parts, part
from criterial.formats.reading import Document
from criterial.formats.validation import NULL, build, take, texts, word

__all__ = ["FORMAT"]

_CRITERION = "score"
_RUBRIC = Rubric(
    (Criterion(_CRITERION, "The answer says what the reference answer says: 0 nothing of it, 1 all of it.", Numeric(0.0, 1.0)),),
    id="saf",
    source=Source("SAF"),
)


def _read(document: Document, _: Rubric | None) -> Iterator[Case]:
    """Yield one case a question that has answers."""
    folder, answers = document.path, document
    if folder.is_dir():
        answers = part(folder, "answers")
    else:
        folder = folder.parent
    if not answers.first:
        return
    cases = _questions(part(folder, "questions"))
    used: Counter[tuple[str, str]] = Counter()
    gathered: dict[str, list[tuple[Response, Verdict]]] = {identity: [] for identity in cases}
    for place, item in answers.objects():
        with place.told():
            question = word(item, "question_id")
            if question not in gathered:
                raise FormatError(f"there is no question {question!r}", path="question_id")
            gathered[question].append(_answer(item, question, len(gathered[question]) + 1, used))
    for identity, marked in gathered.items():
        if marked:
            responses, verdicts = zip(*marked, strict=True)
            yield replace(cases[identity], responses=responses, verdicts=verdicts)


def _questions(document: Document) -> dict[str, Case]:
    cases: dict[str, Case] = {}
    for place, item in document.objects():
        with place.told():
            identity = word(item, "question_id")
            if identity in cases:
                raise FormatError(f"{identity!r} occurs twice", path="question_id")
            message = Message("user", take(item, "question", str))
            fields = {
                "id": identity,
                "messages": (message,),
                "references": texts(item, "references"),
                "tags": (f"lang:{word(item, 'lang')}",),
            }
            cases[identity] = Case(build(Task, fields), _RUBRIC, ())
    return cases


def _answer(item: Mapping[str, Any], question: str, number: int, used: Counter[tuple[str, str]]) -> tuple[Response, Verdict]:
    """Return an answer with its mark; where it has no id, its place among the question's answers names it."""
    given: str | None = take(item, "answer_id", (str, NULL), default=None)
    used[question, given or ""] += 1
    if given and used[question, given] > 1:
        raise FormatError(f"{given!r} occurs twice", path="answer_id")
    score = float(take(item, "human_score", (int, float)))
    if not 0.0 <= score <= 1.0:
        raise FormatError(f"a score of 0 to 1 was expected, found {score:g}", path="human_score")
    tags = tuple(f"{key}:{item[name]}" for key, name in (("split", "source_split"), ("verdict", "verdict")) if item.get(name))
    response = Response(f"{question}/{given or f'#{number}'}", (Message("assistant", take(item, "answer", str)),), tags=tags)
    reason: str = take(item, "human_feedback", (str, NULL), default=None) or ""
    return response, Verdict(response.id, _CRITERION, value=score, reason=reason, judge="human", task=question)


def _folder(document: Document) -> bool:
    return has_parts(document.path, "questions", "answers")


FORMAT = Format(
    "saf", "a folder of questions and short answers with human scores", lambda first: False, _read, cites="SebOchs/SAF", folder=_folder
)
