"""ZeroEval's matrices: whether each of many models answered each item of a benchmark right, as lines; a folder may hold several.

The questions and right answers are taken from the file of items beside, where there is one. What the models wrote is not part of the set.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from criterial.core.criterion import Criterion, Source
from criterial.core.rubric import Rubric
from criterial.core.task import Case, Message, Response, Task
from criterial.core.verdict import Verdict
from criterial.errors import FormatError
from criterial.formats.format import Format
from criterial.formats.parts import has_parts, part
from criterial.formats.pieces import UNSEEN_OUTPUT, UNSEEN_TASK
from criterial.formats.reading import Document
from criterial.formats.validation import NULL, build, take, word

__all__ = ["FORMAT"]

_CRITERION = "correct"
_RUBRIC = Rubric((Criterion(_CRITERION, "The answer is the right one."),), id="zeroeval", source=Source("ZeroEval"))
_JUDGE = "answer key"
_RESPONSES = ".responses"


class _Item(NamedTuple):
    question: str = UNSEEN_TASK
    answers: tuple[str, ...] = ()


def _read(document: Document, _: Rubric | None) -> Iterator[Case]:
    files = [d for d in document.files() if d.stem.endswith(_RESPONSES)] if document.path.is_dir() else [document]
    for file in files:
        yield from _benchmark(file)


def _benchmark(document: Document) -> Iterator[Case]:
    """Yield one case an item, with a response a model."""
    name = document.stem.removesuffix(_RESPONSES)
    beside = f"{name}.items"
    folder = document.path.parent
    items = dict(part(folder, beside).each(_item)) if has_parts(folder, beside) else {}
    marks: dict[str, dict[str, Verdict]] = {}
    for place, row in document.objects():
        with place.told():
            item, model = word(row, "item_id"), take(row, "model", str)
            if model in marks.setdefault(item, {}):
                raise FormatError(f"two marks of model {model!r} on item {item!r}", path="model")
            marks[item][model] = _verdict(row, f"{name}/{item}", model)
    for item, by_model in marks.items():
        known = items.get(item, _Item())
        fields = {"messages": (Message("user", known.question),), "references": known.answers, "tags": (f"benchmark:{name}",)}
        task = build(Task, {"id": f"{name}/{item}", **fields})
        responses = (Response(v.response, (Message("assistant", UNSEEN_OUTPUT),), system=model) for model, v in by_model.items())
        yield Case(task, _RUBRIC, tuple(responses), tuple(by_model.values()))


def _item(row: Mapping[str, Any]) -> tuple[str, _Item]:
    return word(row, "item_id"), _Item(take(row, "question", str), (word(row, "answer"),))


def _verdict(row: Mapping[str, Any], task: str, model: str) -> Verdict:
    correct: int = take(row, "correct", (int, bool))
    if correct not in (0, 1):
        raise FormatError(f"expected 0 or 1, found {correct}", path="correct")
    length: int | None = take(row, "output_chars", (int, NULL), default=None)
    reason = "" if length is None else f"output of {length} characters"
    return Verdict(f"{task}/{model}", _CRITERION, value=float(correct), reason=reason, judge=_JUDGE, task=task)


def _matches(first: Mapping[str, Any]) -> bool:
    return {"item_id", "model", "correct"} <= set(first)


def _folder(document: Document) -> bool:
    return any(d.stem.endswith(_RESPONSES) for d in document.files())


FORMAT = Format(
    "zeroeval",
    "whether models answered items of benchmarks right: lines, or a folder of several",
    _matches,
    _read,
    cites="WildEval/ZeroEval",
    folder=_folder,
)
