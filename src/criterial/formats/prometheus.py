"""Prometheus and BiGGen-Bench: one criterion a task, on five described levels, with a reference answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from criterial.core.criterion import Criterion, Source
from criterial.core.rubric import Rubric
from criterial.core.scale import Likert
from criterial.core.task import Case, Message, Response, Task
from criterial.core.verdict import Verdict
from criterial.errors import FormatError
from criterial.formats.format import Format
from criterial.formats.reading import Document, Place
from criterial.formats.validation import NULL, build, take, texts, word

__all__ = ["FORMAT"]

_CRITERION = "score"
_POINTS = range(1, 6)


def _read(document: Document, _: Rubric | None) -> Iterator[Case]:
    """Yield one case for the rows that share id, prompt and criterion: the responses of several models to one item."""
    gathered: dict[tuple[str, str, str], list[tuple[Place, Mapping[str, Any]]]] = {}
    for place, item in document.objects():
        with place.told():
            identity = word(item, next((k for k in ("id", "item_id", "idx") if k in item), "id"))
            text = item["score_rubric"].get("criteria") if isinstance(item.get("score_rubric"), Mapping) else item.get("criterion")
            gathered.setdefault((identity, _prompt(item), str(text)), []).append((place, item))
    used: Counter[str] = Counter()
    for (identity, _prompted, _asked), rows in gathered.items():
        used[identity] += 1
        yield _case(identity if used[identity] == 1 else f"{identity}#{used[identity]}", rows)


def _case(identity: str, rows: Sequence[tuple[Place, Mapping[str, Any]]]) -> Case:
    place, item = rows[0]
    with place.told():
        task = _task(identity, item)
        rubric = Rubric((_criterion(item),), id=identity, source=Source("BiGGen-Bench" if "capability" in item else "Prometheus"))
    responses: dict[str, Response] = {}
    verdicts: list[Verdict] = []
    for number, (place, row) in enumerate(rows, 1):
        with place.told():
            text: str | None = take(row, "response", (str, NULL), default=None)
            if text is None:
                continue
            system = take(row, "model", str, default="")
            response = Response(f"{identity}/{system or number}", (Message("assistant", text),), system=system)
            if responses.setdefault(response.id, response) is not response:
                raise FormatError(f"two responses of model {system!r} to item {identity!r}", path="model")
            verdicts += _verdicts(row, response.id, identity)
    return Case(task, rubric, tuple(responses.values()), tuple(verdicts))


def _task(identity: str, item: Mapping[str, Any]) -> Task:
    system: str | None = take(item, "system_prompt", (str, NULL), default=None)
    messages = (*([Message("system", system)] if system else []), Message("user", _prompt(item)))
    reference: str | None = take(item, "reference_answer" if "reference_answer" in item else "reference", (str, NULL), default=None)
    tags = tuple(f"{k}:{item[k]}" for k in ("capability", "set", "category") if item.get(k))
    return build(Task, {"id": identity, "messages": messages, "references": (reference,) if reference else (), "tags": tags})


def _verdicts(row: Mapping[str, Any], response: str, task: str) -> Iterator[Verdict]:
    key = "gpt4_scores" if "gpt4_scores" in row else "scores"
    marks: list[Any] = take(row, key, (list, NULL), default=None) or ([row["score"]] if "score" in row else [])
    reasons = texts(row, "gpt4_feedback") if row.get("gpt4_feedback") is not None else []
    for i, mark in enumerate(marks):
        if isinstance(mark, bool) or not isinstance(mark, (int, float)) or mark not in _POINTS:
            raise FormatError(f"a score of 1 to 5 was expected, found {str(mark)[:20]}", path="scores")
        reason = reasons[i] if i < len(reasons) else ""
        yield Verdict(response, _CRITERION, value=float(mark), reason=reason, judge="gpt4", repeat=i, task=task)


def _prompt(item: Mapping[str, Any]) -> str:
    return next((item[k] for k in _prompt_keys(item) if isinstance(item.get(k), str)), "")


def _prompt_keys(item: Mapping[str, Any]) -> tuple[str, ...]:
    return ("input",) if "score_rubric" in item and "input" in item else ("task", "instruction", "input")


def _criterion(item: Mapping[str, Any]) -> Criterion:
    levels = item.get("score_rubric")
    if isinstance(levels, Mapping):
        text = take(levels, "criteria", str, "score_rubric")
        anchors = [take(levels, f"score{n}_description", str, "score_rubric") for n in _POINTS]
    else:
        text = take(item, "criterion", str)
        described: dict[str, Any] = take(item, "levels", dict)
        anchors = [take(described, str(n), str, "levels", "") for n in _POINTS]
    return Criterion(_CRITERION, text, Likert(5, tuple(anchors)))


def _matches(first: Mapping[str, Any]) -> bool:
    return "score_rubric" in first or {"criterion", "levels", "task"} <= set(first)


FORMAT = Format("prometheus", "Prometheus and BiGGen-Bench items with five described levels", _matches, _read, cites="prometheus-eval")
