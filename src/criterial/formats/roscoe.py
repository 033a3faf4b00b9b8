"""ROSCOE: chains of reasoning with an expert's marks on each step and on the whole, as a folder.

A whole response is judged by the criteria of level ``overall``. Each of its steps is a response too, of a task of its own whose
context is the whole, and judged by those of level ``stepwise``; so all steps stand in one table of nine columns. A yes/no question
asks whether an error is there: such a criterion has weight -1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from criterial.core.criterion import Criterion, Source
from criterial.core.rubric import Rubric
from criterial.core.scale import Binary, Likert, Scale, parse_value
from criterial.core.task import Case, Message, Response, Task
from criterial.core.verdict import Verdict
from criterial.errors import FormatError, TableError
from criterial.formats.format import Format
from criterial.formats.parts import has_parts, part
from criterial.formats.reading import Document
from criterial.formats.validation import below, build, take

__all__ = ["FORMAT"]

_LEVELS = ("overall", "stepwise")
_SYSTEM = "gpt-3"


class _Row(NamedTuple):
    """One line of either file."""

    item: str
    origin: str
    context: str
    response: str
    step: str | None
    verdicts: Mapping[str, Any]


def _read(document: Document, _: Rubric | None) -> Iterator[Case]:
    if document.path.is_dir():
        for level in _LEVELS:
            yield from _cases(part(document.path, level), level)
    else:
        yield from _cases(document, "stepwise" if "step" in document.first else "overall")


def _cases(document: Document, level: str) -> Iterator[Case]:
    """Yield the cases of one file; those of `overall` hold whole responses, those of `stepwise` the steps of one."""
    if not document.first:
        return
    rubric = _rubric(part(document.path.parent, "criteria"), level)
    cases: dict[tuple[str, str], Case] = {}
    numbers: dict[str, dict[str, int]] = {}
    for place, item in document.objects():
        with place.told():
            row = _row(item, level)
            known = numbers.setdefault(row.item, {})
            whole = f"{row.item}/{known.setdefault(row.response, len(known) + 1)}"
            key = (row.item, row.response if level == "stepwise" else "")
            cases[key] = _grown(cases.get(key) or _empty(row, whole, rubric), row, whole)
    yield from cases.values()


def _rubric(document: Document, level: str) -> Rubric:
    criteria = [c for c in document.each(_criterion) if level in c.tags]
    if not criteria:
        raise FormatError(f"there are no criteria of level {level!r}", document.name)
    return Rubric(tuple(replace(c, tags=()) for c in criteria), id=f"roscoe/{level}", source=Source("ROSCOE"))


def _criterion(item: Mapping[str, Any]) -> Criterion:
    scale, weight = _scale(item)
    fields = {"id": take(item, "criterion", str), "text": take(item, "question", str), "scale": scale, "weight": weight}
    return build(Criterion, {**fields, "tags": (take(item, "level", str),)})


def _scale(item: Mapping[str, Any]) -> tuple[Scale, float]:
    kind = take(item, "type", str)
    if kind == "categorical":
        if item.get("labels") != ["yes", "no"]:
            raise FormatError('expected ["yes", "no"]', path="labels")
        return Binary(), -1.0
    if kind != "graded":
        raise FormatError(f"expected graded or categorical, found {kind[:40]!r}", path="type")
    if take(item, "worst", int) != 1:
        raise FormatError("expected marks from 1 up", path="worst")
    return build(Likert, {"points": take(item, "best", int)}, "best", unsaid="points"), 1.0


def _row(item: Mapping[str, Any], level: str) -> _Row:
    item_id, origin, context, response = (take(item, key, str) for key in ("item_id", "dataset", "context", "response"))
    return _Row(item_id, origin, context, response, take(item, "step", str) if level == "stepwise" else None, take(item, "verdicts", dict))


def _empty(row: _Row, whole: str, rubric: Rubric) -> Case:
    stepwise = row.step is not None
    fields = {
        "id": f"{whole}/steps" if stepwise else row.item,
        "messages": (Message("user", row.context),),
        "context": f"The whole response, of which one step is judged:\n{row.response}" if stepwise else "",
        "tags": (f"set:{row.origin}",),
    }
    return Case(build(Task, fields), rubric, ())


def _grown(case: Case, row: _Row, whole: str) -> Case:
    """Return a case with one more response and its verdicts."""
    name, text = (whole, row.response) if row.step is None else (f"{whole}/step-{len(case.responses) + 1}", row.step)
    response = Response(name, (Message("assistant", text),), system=_SYSTEM)
    verdicts = tuple(_verdicts(row, case, name))
    return replace(case, responses=(*case.responses, response), verdicts=case.verdicts + verdicts)


def _verdicts(row: _Row, case: Case, response: str) -> Iterator[Verdict]:
    for name, mark in row.verdicts.items():
        place = case.rubric.index.get(name)
        if place is None:
            raise FormatError(f"there is no criterion {name!r} of this level", path=below("verdicts", name))
        try:
            value = parse_value(case.rubric.criteria[place].scale, mark)
        except TableError as error:
            raise FormatError(str(error), path=below("verdicts", name)) from None
        yield Verdict(response, name, value=value, judge="expert", task=case.task.id)


def _folder(document: Document) -> bool:
    return has_parts(document.path, "criteria", *_LEVELS)


FORMAT = Format(
    "roscoe",
    "a folder of reasoning with marks on steps and wholes, and its criteria",
    lambda first: False,
    _read,
    cites="ROSCOE, as converted by JUDGE-BENCH",
    folder=_folder,
)
