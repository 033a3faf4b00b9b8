"""HealthBench out: conversations with signed yes/no criteria. A rubric alone becomes its list ``rubrics``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from criterial.core.criterion import Criterion, Source
from criterial.core.digest import plain
from criterial.core.rubric import Rubric
from criterial.core.task import Case, Response
from criterial.formats.healthbench import POLICY
from criterial.formats.losses import Losses

__all__ = ["cases_to_healthbench", "rubric_to_healthbench"]

_AXIS = "axis:"
_NUMBER = "reference-"


def rubric_to_healthbench(rubric: Rubric, lost: Losses, name: str = "") -> dict[str, Any]:
    """Return a rubric as HealthBench's list of criteria with points.

    Parameters
    ----------
    rubric : Rubric
        Any rubric.
    lost : Losses
        Gathers what it cannot hold.
    name : str
        Id of the task, which is the rubric's too.

    Returns
    -------
    dict
    """
    lost.fields("rubric", rubric, ("criteria",), name, {"policy": POLICY, "source": Source("HealthBench"), "id": name})
    if rubric.policy != POLICY and "policy" not in plain(rubric):
        lost.add("rubric: policy weighted (HealthBench clips the mean over tasks, not each score)", name)
    return {"rubrics": [_criterion(c, i, lost) for i, c in enumerate(rubric.criteria)]}


def _criterion(criterion: Criterion, place: int, lost: Losses) -> dict[str, Any]:
    lost.fields("criterion", criterion, ("text", "weight", "tags", "category", "scale"), criterion.id, {"id": f"c{place + 1}"})
    if criterion.scale.type != "binary":
        lost.add(f"criterion: scale {criterion.scale.type} becomes yes or no", criterion.id)
    tags = list(criterion.tags)
    axis = next((t.removeprefix(_AXIS) for t in tags if t.startswith(_AXIS)), "")
    if len(criterion.category) == 1 and not axis:
        tags.append(f"{_AXIS}{criterion.category[0]}")
    elif criterion.category != ((axis,) if axis else ()):
        lost.add("criterion: category", criterion.id)
    points = -abs(criterion.weight) if criterion.is_fault else criterion.weight
    return {"criterion": criterion.text, "points": plain(points), "tags": tags}


def cases_to_healthbench(cases: Sequence[Case], lost: Losses) -> list[dict[str, Any]]:
    """Return cases as HealthBench tasks.

    Parameters
    ----------
    cases : sequence of Case
        Any cases.
    lost : Losses
        Gathers what they cannot hold.

    Returns
    -------
    list of dict
    """
    return [_task(case, lost) for case in cases]


def _task(case: Case, lost: Losses) -> dict[str, Any]:
    task = case.task
    lost.fields("task", task, ("id", "messages", "tags"), task.id)
    if any(m.media for m in task.messages):
        lost.add("task: images", task.id)
    if case.verdicts:
        lost.add("verdicts", task.id)
    return {
        "prompt_id": task.id,
        "prompt": [{"role": m.role, "content": m.content} for m in task.messages],
        **rubric_to_healthbench(case.rubric, lost, task.id),
        "example_tags": list(task.tags),
        "ideal_completions_data": _completions(case, lost),
    }


def _completions(case: Case, lost: Losses) -> dict[str, Any] | None:
    """Return the ideal and the reference completions; responses of other systems are no part of HealthBench."""
    ideal: str | None = None
    references: list[str] = []
    for response in case.responses:
        if response.system == "ideal" and ideal is None and _simple(response):
            ideal = response.text
        elif response.system == f"{_NUMBER}{len(references) + 1}" and _simple(response):
            references.append(response.text)
        else:
            lost.add("responses that are neither ideal nor reference completions", response.id)
    if ideal is None and not references:
        return None
    return {"ideal_completion": ideal, "ideal_completions_ref_completions": references}


def _simple(response: Response) -> bool:
    return len(response.messages) == 1 and not response.messages[0].media and not response.tags
