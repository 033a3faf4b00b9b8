"""autorubric's files: a dataset of submissions with ground truth, and rubrics as lists or sections of requirements."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any, NamedTuple

from criterial.core.criterion import Criterion, Source
from criterial.core.rubric import Rubric
from criterial.core.scale import Choice, Level, Ordinal, parse_value
from criterial.core.task import Case, Message, Response, Task
from criterial.core.verdict import State, Verdict
from criterial.errors import FormatError, TableError
from criterial.formats.format import Format
from criterial.formats.reading import Document
from criterial.formats.validation import NULL, below, build, take, word

__all__ = ["FORMAT", "autorubric_rubric", "is_autorubric"]

_WEIGHT = 10.0
"""What autorubric 1.6.1 takes where no weight is written."""
_UNKNOWN = ("CANNOT_ASSESS", "CANNOT ASSESS", "NA", "N/A")


class _Asked(NamedTuple):
    """One criterion as the file has it."""

    item: Any
    section: str
    path: str


class _Own(NamedTuple):
    """A rubric, and for each of its criteria the labels in small letters that mean `not applicable`."""

    rubric: Rubric
    blanks: tuple[frozenset[str], ...]


def is_autorubric(given: Any) -> bool:
    """Return whether a rubric is written in autorubric's words.

    Parameters
    ----------
    given : object
        A rubric file's content.

    Returns
    -------
    bool
    """
    while isinstance(given, Mapping) and ("rubric" in given or "sections" in given):
        sections = given.get("sections")
        given = given["rubric"] if "rubric" in given else sections[0] if isinstance(sections, list) and sections else None
    listed = given.get("criteria") if isinstance(given, Mapping) else given
    return isinstance(listed, list) and bool(listed) and isinstance(listed[0], Mapping) and "requirement" in listed[0]


def autorubric_rubric(given: Any, path: str = "rubric") -> Rubric:
    """Return a rubric from one of autorubric's forms.

    Parameters
    ----------
    given : object
        A list of criteria, or ``{sections: [{criteria}]}``, ``{criteria}``, ``{rubric: ...}`` with optional ``guidelines``.
    path : str
        Where it stands.

    Returns
    -------
    Rubric

    Raises
    ------
    FormatError
        If it is none of these.
    """
    return _own(given, path).rubric


def _own(given: Any, path: str) -> _Own:
    given, path, guidelines = _unwrapped(given, path)
    asked = list(_asked(given, path))
    criteria = tuple(_criterion(a, i) for i, a in enumerate(asked))
    blanks = tuple(frozenset(word(o, "label").casefold() for o in _options(a.item, a.path) if o.get("na")) for a in asked)
    return _Own(Rubric(criteria, guidelines=guidelines, source=Source("autorubric")), blanks)


def _unwrapped(given: Any, path: str) -> tuple[Any, str, str]:
    """Return what stands inside ``{rubric: ...}``, its path, and the guidelines."""
    guidelines = ""
    while isinstance(given, Mapping):
        guidelines = take(given, "guidelines", (str, NULL), path, None) or guidelines
        if "rubric" not in given:
            break
        given, path = given["rubric"], below(path, "rubric")
    return given, path, guidelines


def _asked(given: Any, path: str, title: str = "") -> Iterator[_Asked]:
    """Yield the criteria of a list, of an object that holds one, or of its sections."""
    if isinstance(given, Mapping) and "sections" in given:
        sections: list[Any] = take(given, "sections", list, path)
        for i, section in enumerate(sections):
            yield from _asked(section, below(path, f"sections[{i}]"), _title(section))
        return
    listed, inner = (given.get("criteria"), below(path, "criteria")) if isinstance(given, Mapping) else (given, path)
    if not isinstance(listed, list):
        raise FormatError("expected a list of criteria", path=path)
    yield from (_Asked(item, title, f"{inner}[{i}]") for i, item in enumerate(listed))


def _title(section: Any) -> str:
    return str(section.get("name") or section.get("title") or "") if isinstance(section, Mapping) else ""


def _criterion(asked: _Asked, place: int) -> Criterion:
    item, section, path = asked
    if not isinstance(item, Mapping):
        raise FormatError("expected a criterion", path=path)
    fields: dict[str, Any] = {
        "id": word(item, "name", path) if item.get("name") else f"c{place + 1}",
        "text": take(item, "requirement", str, path),
        "weight": item.get("weight", _WEIGHT),
        "category": (section,) if section else (),
    }
    options = _options(item, path)
    if options:
        fields["scale"] = _scale(options, take(item, "scale_type", (str, NULL), path, None), below(path, "options"))
    return build(Criterion, fields, path)


def _options(item: Mapping[str, Any], path: str) -> list[Any]:
    return take(item, "options", (list, NULL), path, None) or []


def _scale(options: list[Any], kind: str | None, path: str) -> Ordinal | Choice:
    levels: list[Level] = []
    for i, option in enumerate(options):
        if not isinstance(option, Mapping):
            raise FormatError("expected an option with label and value", path=f"{path}[{i}]")
        label = word(option, "label", f"{path}[{i}]")
        if not option.get("na"):
            credit: float | None = take(option, "value", (int, float, NULL), f"{path}[{i}]", None)
            levels.append(build(Level, {"label": label, "credit": credit}, f"{path}[{i}]"))
    if kind == "nominal":
        return build(Choice, {"values": levels}, path, unsaid="values")
    return build(Ordinal, {"levels": levels}, path, unsaid="levels")


def _read(document: Document, rubric: Rubric | None) -> Iterator[Case]:
    return chain.from_iterable(document.each(lambda item: list(_cases(item, document.stem, rubric))))


def _cases(data: Mapping[str, Any], stem: str, rubric: Rubric | None) -> Iterator[Case]:
    """Yield one case for all items that share prompt and rubric, so that their verdicts stand in one table."""
    common = _given_rubric(data, "", rubric)
    name = str(data.get("name") or stem)
    shared: list[Case] = []
    items: list[Any] = take(data, "items", list)
    for i, item in enumerate(items):
        path = f"items[{i}]"
        own = _given_rubric(item, path, rubric) or common
        if own is None:
            raise FormatError("no rubric, neither here nor for the whole file", path=path)
        if _stands_alone(item):
            yield _item(item, i, f"{name}/{i + 1}", {**data, **_given(item)}, own)
        else:
            shared.append(_item(item, i, name, data, own))
    if shared:
        yield _merged(shared)


def _merged(cases: Sequence[Case]) -> Case:
    """Return cases of one task as one."""
    return replace(cases[0], responses=tuple(r for c in cases for r in c.responses), verdicts=tuple(v for c in cases for v in c.verdicts))


def _given_rubric(data: Any, path: str, rubric: Rubric | None) -> _Own | None:
    """Return the rubric for all cases, without a criterion that a mark could be about, or the one of an object."""
    if not isinstance(data, Mapping):
        raise FormatError("expected an item", path=path)
    if rubric is not None:
        return _Own(rubric, ())
    return None if data.get("rubric") is None else _own(data["rubric"], below(path, "rubric"))


def _stands_alone(item: Mapping[str, Any]) -> bool:
    """Return whether an item has a task of its own."""
    return any(item.get(key) is not None for key in ("prompt", "rubric", "reference_submission"))


def _given(item: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in item.items() if value is not None}


def _item(item: Mapping[str, Any], place: int, task: str, data: Mapping[str, Any], own: _Own) -> Case:
    path = f"items[{place}]"
    text = take(item, "submission", str, path)
    response = Response(f"item-{place + 1}", (Message("assistant", text),), system=str(item.get("system") or data.get("name") or ""))
    verdicts = _truth(item, own, Verdict(response.id, "", judge="ground_truth", task=task), path)
    return Case(_task(task, data), own.rubric, (response,), tuple(verdicts))


def _task(identity: str, data: Mapping[str, Any]) -> Task:
    prompt: str = take(data, "prompt", (str, NULL), default=None) or "(no prompt)"
    reference: str | None = take(data, "reference_submission", (str, NULL), default=None)
    return Task(identity, (Message("user", prompt),), (reference,) if reference else ())


def _truth(item: Mapping[str, Any], own: _Own, blank: Verdict, path: str) -> Iterator[Verdict]:
    """Yield the ground truth; there is none on a rubric that took the place of the file's own."""
    marks: list[Any] | None = take(item, "ground_truth", (list, NULL), path, None)
    if marks is None or not own.blanks:
        return
    if len(marks) != len(own.blanks):
        raise FormatError(f"expected {len(own.blanks)} verdicts, one a criterion", path=below(path, "ground_truth"))
    reasons = item.get("ground_truth_reasons")
    texts = reasons if isinstance(reasons, list) and len(reasons) == len(marks) else [""] * len(marks)
    for i, (criterion, blanks, mark) in enumerate(zip(own.rubric.criteria, own.blanks, marks, strict=True)):
        here = replace(blank, criterion=criterion.id, reason=str(texts[i] or ""))
        yield _marked(here, criterion, blanks, mark, f"{path}.ground_truth[{i}]")


def _marked(blank: Verdict, criterion: Criterion, blanks: frozenset[str], mark: Any, path: str) -> Verdict:
    if isinstance(mark, str) and mark.strip().casefold() in blanks:
        return replace(blank, state=State.NOT_APPLICABLE)
    if isinstance(mark, str) and mark.upper() in _UNKNOWN:
        return replace(blank, state=State.ABSTAINED, cause="cannot_assess")
    return replace(blank, value=_value(criterion, mark, path))


def _value(criterion: Criterion, mark: Any, path: str) -> float:
    try:
        return parse_value(criterion.scale, mark)
    except TableError as error:
        raise FormatError(str(error), path=path) from None


def _matches(first: Mapping[str, Any]) -> bool:
    items = first.get("items")
    return isinstance(items, list) and bool(items) and isinstance(items[0], Mapping) and "submission" in items[0]


FORMAT = Format("autorubric", "autorubric datasets (JSON or YAML)", _matches, _read, cites="autorubric 1.6.1")
