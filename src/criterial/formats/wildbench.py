"""WildBench: scores from 1 to 10 that strong judges gave to the outputs of many models. The texts are not part of the file.

Each judge with each version of its prompt is a judge of its own, so the table has a layer for each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from criterial.core.criterion import Criterion, Source
from criterial.core.rubric import Rubric
from criterial.core.scale import Likert
from criterial.core.task import Case, Message, Response, Task
from criterial.core.verdict import Verdict
from criterial.errors import FormatError
from criterial.formats.format import Format
from criterial.formats.pieces import UNSEEN_OUTPUT, UNSEEN_TASK
from criterial.formats.reading import Document
from criterial.formats.validation import NULL, build, take, word

__all__ = ["FORMAT"]

_CRITERION = "score"
_POINTS = range(1, 11)
_RUBRIC = Rubric(
    (Criterion(_CRITERION, "How well the output answers the user, from 1 to 10.", Likert(10)),), id="wildbench", source=Source("WildBench")
)


def _read(document: Document, _: Rubric | None) -> Iterator[Case]:
    """Yield one case a session, with a response a model."""
    responses: dict[str, dict[str, Response]] = {}
    verdicts: dict[str, dict[tuple[str, str], Verdict]] = {}
    for place, item in document.objects():
        with place.told():
            session, model = take(item, "session_id", str), take(item, "model", str)
            verdict = _verdict(item, session, model)
            kept = verdicts.setdefault(session, {})
            if kept.setdefault((verdict.response, verdict.judge), verdict) is not verdict:
                raise FormatError(f"two scores of {verdict.judge!r} for model {model!r} in session {session!r}", path="judge")
            answer = Response(verdict.response, (Message("assistant", UNSEEN_OUTPUT),), system=model)
            responses.setdefault(session, {}).setdefault(model, answer)
    for session, answers in responses.items():
        task = build(Task, {"id": session, "messages": (Message("user", UNSEEN_TASK),)})
        yield Case(task, _RUBRIC, tuple(answers.values()), tuple(verdicts[session].values()))


def _verdict(item: Mapping[str, Any], session: str, model: str) -> Verdict:
    score: float = take(item, "score_1_10", (int, float))
    if score not in _POINTS:
        raise FormatError(f"a score of 1 to 10 was expected, found {score:g}", path="score_1_10")
    judge = f"{take(item, 'judge', str)}/{word(item, 'version')}"
    length: int | None = take(item, "output_chars", (int, NULL), default=None)
    # The same model's output differs in length between some files, so the length belongs to what this judge saw.
    reason = "" if length is None else f"output of {length} characters"
    return Verdict(f"{session}/{model}", _CRITERION, value=float(score), reason=reason, judge=judge, task=session)


def _matches(first: Mapping[str, Any]) -> bool:
    return {"session_id", "model", "judge", "score_1_10"} <= set(first)


FORMAT = Format("wildbench", "WildBench scores by several judges (JSON lines)", _matches, _read, cites="allenai/WildBench, score.v2")
