"""autorubric out: rubrics as lists or sections of requirements, and cases as a dataset with ground truth."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from criterial.core.criterion import Criterion, Source
from criterial.core.digest import plain
from criterial.core.rubric import Rubric
from criterial.core.scale import Numeric, label_of, levels_of
from criterial.core.task import Case, Response
from criterial.core.verdict import State, Verdict
from criterial.formats.losses import Losses

__all__ = ["cases_to_autorubric", "rubric_to_autorubric"]

_SOURCE = Source("autorubric")


def rubric_to_autorubric(rubric: Rubric, lost: Losses) -> Any:
    """Return a rubric in autorubric's words.

    Parameters
    ----------
    rubric : Rubric
        Any rubric.
    lost : Losses
        Gathers what it cannot hold.

    Returns
    -------
    list or dict
        A list of criteria; an object where there are guidelines or categories, which become sections.
    """
    lost.fields("rubric", rubric, ("criteria", "guidelines"), rubric.id, {"source": _SOURCE})
    written = [(c.category, _criterion(c, lost)) for c in rubric.criteria]
    guidelines = {"guidelines": rubric.guidelines} if rubric.guidelines else {}
    if any(category for category, _ in written):
        groups = groupby(written, key=lambda pair: pair[0])
        return {**guidelines, "sections": [{"name": "/".join(k), "criteria": [c for _, c in members]} for k, members in groups]}
    criteria = [c for _, c in written]
    return {**guidelines, "criteria": criteria} if guidelines else criteria


def _criterion(criterion: Criterion, lost: Losses) -> dict[str, Any]:
    lost.fields("criterion", criterion, ("id", "text", "weight", "scale", "category"), criterion.id)
    if len(criterion.category) > 1:
        lost.add("criterion: category of several steps becomes one name", criterion.id)
    points = -abs(criterion.weight) if criterion.is_fault else criterion.weight
    # The weight is always written: autorubric takes 10 where there is none.
    return {"name": criterion.id, "requirement": criterion.text, "weight": plain(points), **_options(criterion, lost)}


def _options(criterion: Criterion, lost: Losses) -> dict[str, Any]:
    scale = criterion.scale
    if scale.type == "binary":
        return {}
    if isinstance(scale, Numeric):
        lost.add("criterion: scale numeric becomes yes or no", criterion.id)
        return {}
    if scale.type == "likert":
        lost.add("criterion: scale likert becomes ordinal", criterion.id)
    levels = levels_of(scale)
    if any(level.description for level in levels):
        lost.add("criterion: descriptions of levels", criterion.id)
    options = [{"label": level.label, "value": plain(level.credit)} for level in levels]
    return {"scale_type": "nominal" if scale.type == "choice" else "ordinal", "options": options}


def cases_to_autorubric(cases: Sequence[Case], lost: Losses) -> dict[str, Any]:
    """Return cases as one dataset.

    Parameters
    ----------
    cases : sequence of Case
        Any cases.
    lost : Losses
        Gathers what it cannot hold.

    Returns
    -------
    dict
        Prompt and rubric stand at its head where there is one case, else in each item.
    """
    layer = _layer(cases, lost)
    heads = [_head(case, lost) for case in cases]
    items = [[_item(case, response, layer, lost) for response in case.responses] for case in cases]
    for case in cases:
        if not case.responses:
            lost.add("tasks without responses", case.task.id)
    if len(cases) == 1:
        return {"name": cases[0].task.id, **heads[0], "items": items[0]}
    lost.add("tasks: each response becomes an item with prompt and rubric of its own, without the task's id")
    return {"rubric": None, "items": [{**head, **item} for head, listed in zip(heads, items, strict=True) for item in listed]}


def _layer(cases: Sequence[Case], lost: Losses) -> tuple[str, int] | None:
    """Return the judge and repeat whose verdicts are the ground truth."""
    layers = sorted({(v.judge, v.repeat) for c in cases for v in c.verdicts})
    if not layers:
        return None
    for judge, repeat in layers[1:]:
        lost.add("verdicts of more than one judge or repeat: the first alone is ground truth", f"{judge}/{repeat}")
    lost.add("verdicts: who judged becomes ground truth", layers[0][0])
    return layers[0]


def _head(case: Case, lost: Losses) -> dict[str, Any]:
    task = case.task
    lost.fields("task", task, ("id", "messages", "references"), task.id)
    lost.turns(task)
    if len(task.references) > 1:
        lost.add("task: references after the first", task.id)
    reference = {"reference_submission": task.references[0]} if task.references else {}
    prompt = "\n\n".join(m.content for m in task.messages)
    return {"prompt": prompt, "rubric": rubric_to_autorubric(case.rubric, lost), **reference}


def _item(case: Case, response: Response, layer: tuple[str, int] | None, lost: Losses) -> dict[str, Any]:
    lost.fields("response", response, ("id", "messages"), response.id)
    if len(response.messages) > 1 or response.messages[0].media:
        lost.add("response: turns and images", response.id)
    lost.add("response: id becomes its description")
    item = {"submission": response.text, "description": response.id}
    marks = {v.criterion: v for v in case.verdicts if v.response == response.id and (v.judge, v.repeat) == layer}
    if not marks:
        return item
    words = [_mark(c, marks.get(c.id)) for c in case.rubric.criteria]
    if None in words:
        lost.add("verdicts of a response that has not one for each criterion, as ground truth must", response.id)
        return item
    for verdict in marks.values():
        lost.fields("verdict", verdict, ("response", "criterion", "state", "value", "reason", "judge", "repeat", "task", "cause"))
    reasons = [marks[c.id].reason for c in case.rubric.criteria]
    return {**item, "ground_truth": words, **({"ground_truth_reasons": reasons} if any(reasons) else {})}


def _mark(criterion: Criterion, verdict: Verdict | None) -> str | None:
    """Return a verdict in autorubric's words; None where it has none for it."""
    if verdict is None or verdict.state not in (State.DECIDED, State.ABSTAINED) or criterion.scale.type == "numeric":
        return None
    if criterion.scale.type == "binary":
        return "CANNOT_ASSESS" if verdict.value is None else "MET" if verdict.value else "UNMET"
    return None if verdict.value is None else label_of(criterion.scale, verdict.value)
