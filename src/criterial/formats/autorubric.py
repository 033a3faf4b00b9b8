"""autorubric's files: a dataset of submissions with ground truth, and rubrics as lists or sections of requirements."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from criterial.core.criterion import Criterion, Source
from criterial.core.rubric import Rubric
from criterial.core.scale import parse_value
from criterial.core.task import Case, Message, Response, Task
from criterial.core.verdict import State, Verdict
from criterial.errors import FormatError, TableError
from criterial.formats.format import Format
from criterial.formats.reading import Document
from criterial.formats.validation import build, take

__all__ = ["FORMAT", "autorubric_rubric"]

_UNKNOWN = ("CANNOT_ASSESS", "CANNOT ASSESS", "NA", "N/A")


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
    given, path, guidelines = _unwrapped(given, path)
    sections = given.get("sections", [given]) if isinstance(given, Mapping) else [{"criteria": given}]
    criteria: list[Criterion] = []
    for number, section in enumerate(sections):
        listed = section.get("criteria") if isinstance(section, Mapping) else None
        if not isinstance(listed, list):
            raise FormatError("expected a list of criteria", path=path)
        title = str(section.get("name") or section.get("title") or "")
        criteria += [_criterion(c, len(criteria) + i, title, f"{path}.sections[{number}].criteria[{i}]") for i, c in enumerate(listed)]
    return Rubric(tuple(criteria), guidelines=guidelines, source=Source("autorubric"))


def _unwrapped(given: Any, path: str) -> tuple[Any, str, str]:
    """Return what stands inside ``{rubric: ...}``, its path, and the guidelines."""
    guidelines = ""
    while isinstance(given, Mapping):
        guidelines = str(given.get("guidelines") or guidelines)
        if "rubric" not in given:
            break
        given, path = given["rubric"], f"{path}.rubric"
    return given, path, guidelines


def _criterion(item: Any, place: int, section: str, path: str) -> Criterion:
    if not isinstance(item, Mapping):
        raise FormatError("expected a criterion", path=path)
    fields: dict[str, Any] = {
        "id": str(item.get("name") or f"c{place + 1}"),
        "text": take(item, "requirement", str, path),
        "weight": item.get("weight", 1.0),
        "category": (section,) if section else (),
    }
    options = item.get("options")
    if options:
        fields["scale"] = _scale(options, str(item.get("scale_type") or "ordinal"), path)
    return build(Criterion, fields, path)


def _scale(options: Any, kind: str, path: str) -> dict[str, Any]:
    levels = []
    for i, option in enumerate(options):
        if not isinstance(option, Mapping):
            raise FormatError("expected an option with label and value", path=f"{path}.options[{i}]")
        if option.get("na"):
            continue
        levels.append({"label": str(option["label"]), "credit": option.get("value")})
    return {"type": "choice", "values": levels} if kind == "nominal" else {"type": "ordinal", "levels": levels}


def _read(document: Document, rubric: Rubric | None) -> Iterator[Case]:
    for line, item in document.objects():
        try:
            yield from _cases(item, document.stem, rubric)
        except FormatError as error:
            raise error.located(document.name, line) from None


def _cases(data: Mapping[str, Any], stem: str, rubric: Rubric | None) -> Iterator[Case]:
    """Yield one case for all items that share prompt and rubric, so that their verdicts stand in one table."""
    common = rubric or _own_rubric(data, "")
    name = str(data.get("name") or stem)
    shared: list[Case] = []
    for i, item in enumerate(take(data, "items", list)):
        own = rubric or _own_rubric(item, f"items[{i}]") or common
        if own is None:
            raise FormatError("no rubric, neither here nor for the whole file", path=f"items[{i}]")
        if _stands_alone(item):
            yield _item(item, i, f"{name}/{i + 1}", {**data, **_given(item)}, own)
        else:
            shared.append(_item(item, i, name, data, own))
    if shared:
        yield _merged(shared)


def _merged(cases: Sequence[Case]) -> Case:
    """Return cases of one task as one."""
    return replace(cases[0], responses=tuple(r for c in cases for r in c.responses), verdicts=tuple(v for c in cases for v in c.verdicts))


def _own_rubric(data: Any, path: str) -> Rubric | None:
    if not isinstance(data, Mapping):
        raise FormatError("expected an item", path=path)
    return None if data.get("rubric") is None else autorubric_rubric(data["rubric"], f"{path}.rubric".lstrip("."))


def _stands_alone(item: Mapping[str, Any]) -> bool:
    """Return whether an item has a task of its own."""
    return any(item.get(key) is not None for key in ("prompt", "rubric", "reference_submission"))


def _given(item: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in item.items() if value is not None}


def _item(item: Mapping[str, Any], place: int, task: str, data: Mapping[str, Any], rubric: Rubric) -> Case:
    path = f"items[{place}]"
    text = take(item, "submission", str, path)
    response = Response(f"item-{place + 1}", (Message("assistant", text),), system=str(item.get("system") or data.get("name") or ""))
    verdicts = _truth(item.get("ground_truth"), item.get("ground_truth_reasons"), rubric, response.id, task, path)
    return Case(_task(task, data), rubric, (response,), tuple(verdicts))


def _task(identity: str, data: Mapping[str, Any]) -> Task:
    reference = data.get("reference_submission")
    return Task(identity, (Message("user", str(data.get("prompt") or "(no prompt)")),), (str(reference),) if reference else ())


def _truth(marks: Any, reasons: Any, rubric: Rubric, response: str, task: str, path: str) -> Iterator[Verdict]:
    if marks is None:
        return
    if not isinstance(marks, list) or len(marks) != len(rubric.criteria):
        raise FormatError(f"expected {len(rubric.criteria)} verdicts, one a criterion", path=f"{path}.ground_truth")
    texts = reasons if isinstance(reasons, list) and len(reasons) == len(marks) else [""] * len(marks)
    for i, (criterion, mark) in enumerate(zip(rubric.criteria, marks, strict=True)):
        blank = Verdict(response, criterion.id, reason=str(texts[i] or ""), judge="ground_truth", task=task)
        if isinstance(mark, str) and mark.upper() in _UNKNOWN:
            yield replace(blank, state=State.ABSTAINED, cause="cannot_assess")
        else:
            yield replace(blank, value=_value(criterion, mark, f"{path}.ground_truth[{i}]"))


def _value(criterion: Criterion, mark: Any, path: str) -> float:
    try:
        return parse_value(criterion.scale, mark)
    except TableError as error:
        raise FormatError(str(error), path=path) from None


def _matches(first: Mapping[str, Any]) -> bool:
    items = first.get("items")
    return isinstance(items, list) and bool(items) and isinstance(items[0], Mapping) and "submission" in items[0]


FORMAT = Format("autorubric", "autorubric datasets (JSON or YAML)", _matches, _read, cites="autorubric 1.6.1")
