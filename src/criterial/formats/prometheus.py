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
from criterial.formats.reading import Document
from criterial.formats.validation import build, take

__all__ = ["FORMAT"]

_POINTS = range(1, 6)


def _read(document: Document, rubric: Rubric | None) -> Iterator[Case]:
    """Yield one case for the rows that share id, prompt and criterion: the responses of several models to one item."""
    gathered: dict[tuple[str, str, str], list[tuple[int | None, Mapping[str, Any]]]] = {}
    for line, item in document.objects():
        identity = str(item.get("id", item.get("item_id", item.get("idx", ""))))
        text = item["score_rubric"].get("criteria") if isinstance(item.get("score_rubric"), Mapping) else item.get("criterion")
        gathered.setdefault((identity, _prompt(item), str(text)), []).append((line, item))
    used: Counter[str] = Counter()
    for (identity, _, _), rows in gathered.items():
        used[identity] += 1
        unique = identity if used[identity] == 1 else f"{identity}#{used[identity]}"
        try:
            yield _case(unique, [item for _, item in rows], rubric)
        except FormatError as error:
            raise error.located(document.name, rows[0][0]) from None


def _case(identity: str, rows: Sequence[Mapping[str, Any]], rubric: Rubric | None) -> Case:
    item = rows[0]
    messages = [Message("system", str(item["system_prompt"]))] if item.get("system_prompt") else []
    messages.append(Message("user", _prompt(item)))
    reference = item.get("reference_answer", item.get("reference"))
    tags = tuple(f"{k}:{item[k]}" for k in ("capability", "set", "category") if item.get(k))
    task = build(Task, {"id": identity, "messages": tuple(messages), "references": (str(reference),) if reference else (), "tags": tags})
    if rubric is None:
        rubric = Rubric((_criterion(item),), id=identity, source=Source("BiGGen-Bench" if "capability" in item else "Prometheus"))
    responses: list[Response] = []
    verdicts: list[Verdict] = []
    for number, row in enumerate(rows, 1):
        if isinstance(row.get("response"), str):
            system = str(row.get("model", ""))
            responses.append(Response(f"{identity}/{system or number}", (Message("assistant", row["response"]),), system=system))
            verdicts += _verdicts(row, responses[-1].id, identity, rubric.criteria[0].id)
    return Case(task, rubric, tuple(responses), tuple(verdicts))


def _verdicts(row: Mapping[str, Any], response: str, task: str, criterion: str) -> list[Verdict]:
    marks = row.get("gpt4_scores", row.get("scores")) or ([row["score"]] if "score" in row else [])
    reasons = row.get("gpt4_feedback") or [""] * len(marks)
    return [_verdict(m, str(r), i, response, task, criterion) for i, (m, r) in enumerate(zip(marks, reasons, strict=False))]


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
        described = take(item, "levels", dict)
        anchors = [str(described.get(str(n), "")) for n in _POINTS]
    return Criterion("score", text, Likert(5, tuple(anchors)))


def _verdict(mark: Any, reason: str, repeat: int, response: str, task: str, criterion: str) -> Verdict:
    if isinstance(mark, bool) or not isinstance(mark, (int, float)) or mark not in _POINTS:
        raise FormatError(f"a score of 1 to 5 was expected, found {str(mark)[:20]}", path="scores")
    return Verdict(response, criterion, value=float(mark), reason=reason, judge="gpt4", repeat=repeat, task=task)


def _matches(first: Mapping[str, Any]) -> bool:
    return "score_rubric" in first or {"criterion", "levels", "task"} <= set(first)


FORMAT = Format("prometheus", "Prometheus and BiGGen-Bench items with five described levels", _matches, _read, cites="prometheus-eval")
