"""promptfoo out: an ``llm-rubric`` assertion a criterion, in every test or, for a rubric alone, in ``defaultTest``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from criterial.core.criterion import Criterion
from criterial.core.digest import plain
from criterial.core.rubric import Rubric
from criterial.core.scale import Numeric, levels_of
from criterial.core.task import Case
from criterial.errors import FormatError
from criterial.formats.losses import Losses

__all__ = ["cases_to_promptfoo", "rubric_to_promptfoo"]

_TEMPLATE = ("{{", "{%", "{#")
_HOLDS = ("id", "text", "weight", "scale", "threshold", "effect")


def rubric_to_promptfoo(rubric: Rubric, lost: Losses) -> dict[str, Any]:
    """Return a rubric as assertions for every test.

    Parameters
    ----------
    rubric : Rubric
        Any rubric.
    lost : Losses
        Gathers what they cannot hold.

    Returns
    -------
    dict
    """
    return {"defaultTest": {"assert": _assertions(rubric, lost)}}


def cases_to_promptfoo(cases: Sequence[Case], lost: Losses) -> dict[str, Any]:
    """Return cases as tests.

    Parameters
    ----------
    cases : sequence of Case
        Any cases.
    lost : Losses
        Gathers what they cannot hold.

    Returns
    -------
    dict
    """
    return {"prompts": ["{{prompt}}"], "tests": [_test(case, lost) for case in cases]}


def _test(case: Case, lost: Losses) -> dict[str, Any]:
    task = case.task
    lost.fields("task", task, ("id", "messages", "references", "context"), task.id)
    if task.references or task.context:
        lost.add("task: references and context stand in vars, where the assertions do not show them to the grader", task.id)
    lost.turns(task)
    if case.responses:
        lost.add("responses (promptfoo asks its providers for them) and their verdicts", task.id)
    named = {"reference": "\n\n".join(task.references), "context": task.context}
    shown = {"prompt": "\n\n".join(m.content for m in task.messages), **{k: v for k, v in named.items() if v}}
    if any(_is_template(text) for text in shown.values()):
        lost.add("task: template marks ({{, {%, {#) in vars, which promptfoo may render", task.id)
    return {"description": task.id, "vars": shown, "assert": _assertions(case.rubric, lost)}


def _assertions(rubric: Rubric, lost: Losses) -> list[dict[str, Any]]:
    lost.fields("rubric", rubric, ("criteria",), rubric.id)
    return [_assertion(c, lost) for c in rubric.criteria]


def _assertion(criterion: Criterion, lost: Losses) -> dict[str, Any]:
    lost.fields("criterion", criterion, _HOLDS, criterion.id)
    if _is_template(criterion.id):
        lost.add("criterion: template marks ({{, {%, {#) in its id, which promptfoo may render", criterion.id)
    if criterion.effect == "gate":
        lost.add("criterion: effect gate becomes add", criterion.id)
    if criterion.is_fault:
        lost.add("criterion: what takes points becomes points for its absence", criterion.id)
    told = criterion.text + _scale(criterion, lost)
    weight = {} if abs(criterion.weight) == 1 else {"weight": plain(abs(criterion.weight))}
    return {"type": "llm-rubric", "value": _literal(told), "metric": criterion.id, "threshold": plain(criterion.threshold), **weight}


def _scale(criterion: Criterion, lost: Losses) -> str:
    """Return what tells a grader how levels become a score from 0 to 1; of a fault, its absence scores 1."""
    scale, fault = criterion.scale, criterion.is_fault
    if scale.type == "binary":
        return "\nThis is a fault: score 1.0 where it does not hold, and 0.0 where it does." if fault else ""
    lost.add(f"criterion: scale {scale.type} becomes words in the assertion", criterion.id)
    if isinstance(scale, Numeric):
        worst, best = (scale.high, scale.low) if fault else (scale.low, scale.high)
        return f"\nA number from {scale.low:g} to {scale.high:g}: score 0.0 at {worst:g} and 1.0 at {best:g}."
    credits = ((v, v.credit or 0.0) for v in levels_of(scale))
    lines = (f"score {1 - c if fault else c:g}: {v.label}{f' ({v.description})' if v.description else ''}" for v, c in credits)
    return "\n" + "\n".join(lines)


def _is_template(text: str) -> bool:
    return any(mark in text for mark in _TEMPLATE)


def _literal(text: str) -> str:
    """Return an assertion's text so that promptfoo's templates leave it as it is; in vars a raw block would itself be shown."""
    if not _is_template(text):
        return text
    if "endraw" in text:
        raise FormatError(f"promptfoo cannot hold the text {text[:40]!r}: it ends a template's raw block")
    return f"{{% raw %}}{text}{{% endraw %}}"
