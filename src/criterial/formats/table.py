"""Long tables: a row says which task and criterion it is about, and may carry a response and a verdict on it.

What is said once holds for all rows of the same task, criterion or response, so that later rows may leave it out; what is said twice
must agree.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from criterial.core.criterion import Criterion
from criterial.core.rubric import Rubric
from criterial.core.task import Case, Message, Response, Task
from criterial.core.verdict import Verdict
from criterial.errors import FormatError
from criterial.formats.format import Format
from criterial.formats.native import verdict_of
from criterial.formats.pieces import by_response
from criterial.formats.reading import Document, Place
from criterial.formats.shorthand import full_criterion
from criterial.formats.validation import build, take, word

__all__ = ["FORMAT"]

_TASK = ("prompt", "reference", "context", "task_tags")
_CRITERION = {
    "criterion_text": "text",
    "title": "title",
    "weight": "weight",
    "scale": "scale",
    "tier": "tier",
    "category": "category",
    "kind": "kind",
    "effect": "effect",
    "required": "required",
    "tags": "tags",
}
_RESPONSE = ("system", "text")
_VERDICT = ("value", "state", "judge", "repeat", "reason", "cause")
_KEYS = ("task", "criterion", "response")
_COLUMNS = (*_KEYS, *_TASK, *_CRITERION, *_RESPONSE, *_VERDICT)
_YES_NO = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass
class _Named:
    """The criteria or the responses of one task, found by their ids and by what is said of them."""

    said: dict[str, dict[str, Any]] = field(default_factory=dict)
    ids: dict[tuple[Any, ...], str] = field(default_factory=dict)

    def add(self, identity: str, said: Mapping[str, Any]) -> None:
        known = self.said.setdefault(identity, {})
        before = _hashable(known)
        _agree(known, said)
        if self.ids.get(before) == identity:
            del self.ids[before]
        self.ids.setdefault(_hashable(known), identity)


@dataclass
class _Gathered:
    """All that is said of one task."""

    first: Place
    task: dict[str, Any] = field(default_factory=dict)
    criteria: _Named = field(default_factory=_Named)
    responses: _Named = field(default_factory=_Named)
    marks: list[tuple[Place, dict[str, Any]]] = field(default_factory=list)


@dataclass
class _Table:
    """All that was read so far."""

    stem: str
    tasks: dict[str, _Gathered] = field(default_factory=dict)
    by_prompt: dict[str, str] = field(default_factory=dict)

    def of(self, given: Mapping[str, Any], place: Place) -> _Gathered:
        """Return what is said of a row's task; the tasks of a table without ids are told apart by their prompts."""
        if "task" not in given and "prompt" not in given:
            raise FormatError("the row has neither a task nor a prompt", path="task")
        fresh = f"{self.stem}-{len(self.tasks) + 1}"
        name = word(given, "task") if "task" in given else self.by_prompt.setdefault(word(given, "prompt"), fresh)
        return self.tasks.setdefault(name, _Gathered(place))


def _read(document: Document, _: Rubric | None) -> Iterator[Case]:
    table = _Table(document.stem)
    for place, row in document.objects():
        with place.told():
            _gather(table, place, row)
    for identity, gathered in table.tasks.items():
        with gathered.first.told():
            case = _case(identity, gathered)
        yield case


def _gather(table: _Table, place: Place, row: Mapping[str, Any]) -> None:
    given = {key: value for key, value in row.items() if value is not None}
    _check_columns(given)
    gathered = table.of(given, place)
    _agree(gathered.task, {k: given[k] for k in _TASK if k in given})
    criterion = _keyed(gathered.criteria, given, "criterion", tuple(_CRITERION))
    response = _keyed(gathered.responses, given, "response", _RESPONSE)
    mark = {k: given[k] for k in _VERDICT if k in given}
    if not ({"value", "state"} & set(mark)):
        return
    for key, known in (("criterion", criterion), ("response", response)):
        if not known:
            raise FormatError(f"the row has a verdict and no {key}", path=key)
    gathered.marks.append((place, {**mark, "criterion": criterion, "response": response}))


def _check_columns(given: Mapping[str, Any]) -> None:
    for key in given:
        if key not in _COLUMNS:
            near = difflib.get_close_matches(key, _COLUMNS, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"columns are {', '.join(_COLUMNS)}"
            raise FormatError(f"unknown column {key[:40]!r}", path=key, hint=hint)


def _keyed(known: _Named, given: Mapping[str, Any], key: str, columns: tuple[str, ...]) -> str:
    """Take what a row says of its criterion or response; return the id, empty where the row has none."""
    said = {k: given[k] for k in columns if k in given}
    if key in given:
        name = word(given, key)
    elif said:
        name = known.ids.get(_hashable(said), f"{key[0]}{len(known.said) + 1}")
    else:
        return ""
    known.add(name, said)
    return name


def _hashable(said: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple((k, v if isinstance(v, (str, int, float)) else repr(v)) for k, v in sorted(said.items()))


def _agree(known: dict[str, Any], said: Mapping[str, Any]) -> None:
    for key, value in said.items():
        if known.setdefault(key, value) != value:
            raise FormatError(f"{key} differs from what an earlier row says", path=key, hint="say it once, or the same each time")


def _case(identity: str, gathered: _Gathered) -> Case:
    said = gathered.task
    prompt = take(said, "prompt", str, default="(no prompt)")
    reference = take(said, "reference", str, default="")
    fields = {
        "id": identity,
        "messages": (Message("user", prompt),),
        "references": (reference,) if reference else (),
        "context": take(said, "context", str, default=""),
        "tags": _listed(said.get("task_tags"), "task_tags"),
    }
    task = build(Task, fields)
    criteria = tuple(_criterion(name, c, i) for i, (name, c) in enumerate(gathered.criteria.said.items()))
    responses = tuple(_response(name, r) for name, r in gathered.responses.said.items())
    verdicts = by_response(_verdicts(criteria, gathered.marks, identity), responses)
    return Case(task, Rubric(criteria, id=identity), responses, verdicts)


def _criterion(name: str, said: Mapping[str, Any], place: int) -> Criterion:
    if "criterion_text" not in said:
        raise FormatError(f"criterion {name!r} has no criterion_text", path="criterion_text", hint="say it in its first row")
    given = {_CRITERION[key]: value for key, value in said.items()}
    given["id"] = name
    for key in ("weight", "tags", "required"):
        if key in given:
            given[key] = _typed(key, given[key])
    return build(Criterion, full_criterion(given, place, ""))


def _typed(key: str, value: Any) -> Any:
    """Return a cell as its column's type; CSV knows texts alone."""
    if key == "tags":
        return _listed(value, key)
    if key == "weight":
        return _number(value, key)
    if isinstance(value, str) and value.strip().lower() in _YES_NO:
        return _YES_NO[value.strip().lower()]
    if not isinstance(value, bool):
        raise FormatError(f"expected true or false, found {str(value)[:40]!r}", path=key)
    return value


def _number(value: Any, key: str) -> float:
    try:
        if isinstance(value, (str, int, float)) and not isinstance(value, bool):
            return float(value)
    except ValueError:
        pass
    raise FormatError(f"expected a number, found {str(value)[:40]!r}", path=key)


def _listed(value: Any, key: str) -> list[str]:
    """Return texts from a cell that holds them between semicolons, or as a list."""
    if value is None or isinstance(value, str):
        return [part.strip() for part in (value or "").split(";") if part.strip()]
    if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
        raise FormatError("expected texts between semicolons", path=key)
    return value


def _response(name: str, said: Mapping[str, Any]) -> Response:
    if "text" not in said:
        raise FormatError(f"response {name!r} has no text", path="text", hint="say it in its first row")
    system = word(said, "system", default="")
    return build(Response, {"id": name, "messages": (Message("assistant", word(said, "text")),), "system": system})


def _verdicts(criteria: tuple[Criterion, ...], marks: list[tuple[Place, dict[str, Any]]], task: str) -> Iterator[Verdict]:
    by_id = {c.id: c for c in criteria}
    seen: set[tuple[str, str, str, int]] = set()
    for place, mark in marks:
        with place.told():
            if "repeat" in mark:
                repeat = _number(mark["repeat"], "repeat")
                mark = {**mark, "repeat": int(repeat) if repeat == int(repeat) else repeat}
            made = verdict_of({**mark, "task": task}, by_id.get)
            key = (made.response, made.criterion, made.judge, made.repeat)
            if key in seen:
                hint = "give each judge its name, and each repeat its number from 0"
                raise FormatError(f"a second verdict on response {made.response!r} under {made.criterion!r}", path="value", hint=hint)
            seen.add(key)
        yield made


def _matches(first: Mapping[str, Any]) -> bool:
    keys = set(first)
    return "criterion_text" in keys and bool(keys & {"task", "prompt"})


FORMAT = Format(
    "table",
    "long tables of criteria, responses and verdicts (CSV, TSV, Parquet, JSON lines)",
    _matches,
    _read,
    cites="this project's own columns",
)
