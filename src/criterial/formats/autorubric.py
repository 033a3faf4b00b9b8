"""autorubric's files: a dataset of submissions with ground truth, and rubrics as lists or sections of requirements."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
    guidelines = str(given.get("guidelines") or "") if isinstance(given, Mapping) else ""
    while isinstance(given, Mapping) and "rubric" in given:
        given, path = given["rubric"], f"{path}.rubric"
        if isinstance(given, Mapping):
            guidelines = str(given.get("guidelines") or guidelines)
    sections = given.get("sections", [given]) if isinstance(given, Mapping) else [{"criteria": given}]
    criteria: list[Criterion] = []
    for number, section in enumerate(sections):
        listed = section.get("criteria") if isinstance(section, Mapping) else None
        if not isinstance(listed, list):
            raise FormatError("expected a list of criteria", path=path)
        title = str(section.get("name") or section.get("title") or "")
        criteria += [_criterion(c, len(criteria) + i, title, f"{path}.sections[{number}].criteria[{i}]") for i, c in enumerate(listed)]
    return Rubric(tuple(criteria), guidelines=guidelines, source=Source("autorubric"))


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
    common = rubric or (autorubric_rubric(data["rubric"]) if data.get("rubric") is not None else None)
    name = str(data.get("name") or stem)
    shared: list[tuple[Response, list[Verdict]]] = []
    for i, item in enumerate(take(data, "items", list)):
        path = f"items[{i}]"
        if not isinstance(item, Mapping):
            raise FormatError("expected an item", path=path)
        own = rubric or (autorubric_rubric(item["rubric"], f"{path}.rubric") if item.get("rubric") is not None else common)
        if own is None:
            raise FormatError("no rubric, neither here nor for the whole file", path=path)
        apart = any(item.get(k) is not None for k in ("prompt", "rubric", "reference_submission"))
        task = f"{name}/{i + 1}" if apart else name
        response = Response(f"item-{i + 1}", (Message("assistant", take(item, "submission", str, path)),), system=str(item.get("system") or name))
        verdicts = list(_truth(item.get("ground_truth"), item.get("ground_truth_reasons"), own, response.id, task, path))
        if apart:
            yield Case(_task(task, {**data, **{k: v for k, v in item.items() if v is not None}}), own, (response,), tuple(verdicts))
        else:
            shared.append((response, verdicts))
    if shared and common is not None:
        yield Case(_task(name, data), common, tuple(r for r, _ in shared), tuple(v for _, vs in shared for v in vs))


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
        place = {"response": response, "criterion": criterion.id, "task": task, "judge": "ground_truth", "reason": str(texts[i] or "")}
        if isinstance(mark, str) and mark.upper() in _UNKNOWN:
            yield Verdict(state=State.ABSTAINED, cause="cannot_assess", **place)
        else:
            yield build(Verdict, {**place, "value": _value(criterion, mark, f"{path}.ground_truth[{i}]")})


def _value(criterion: Criterion, mark: Any, path: str) -> float:
    try:
        return parse_value(criterion.scale, mark)
    except TableError as error:
        raise FormatError(str(error), path=path) from None


def _matches(first: Mapping[str, Any]) -> bool:
    items = first.get("items")
    return isinstance(items, list) and bool(items) and isinstance(items[0], Mapping) and "submission" in items[0]


FORMAT = Format("autorubric", "autorubric datasets (JSON or YAML)", _matches, _read, cites="autorubric 1.6.1")
