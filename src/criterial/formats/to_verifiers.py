"""verifiers' rubric judge out: ``criteria`` with name, text, weight and choices, worst first and evenly spaced."""

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

__all__ = ["cases_to_verifiers", "rubric_to_verifiers"]

_CLOSE = 1e-9


def rubric_to_verifiers(rubric: Rubric, lost: Losses) -> dict[str, Any]:
    """Return a rubric as a file of verifiers' `RubricJudge`.

    Parameters
    ----------
    rubric : Rubric
        Any rubric.
    lost : Losses
        Gathers what it cannot hold.

    Returns
    -------
    dict

    Raises
    ------
    FormatError
        If all weights are 0, which verifiers refuses.
    """
    lost.fields("rubric", rubric, ("criteria",))
    if not any(c.weight for c in rubric.criteria):
        raise FormatError("verifiers takes no rubric whose weights are all 0")
    return {"criteria": [_criterion(c, lost) for c in rubric.criteria]}


def cases_to_verifiers(cases: Sequence[Case], lost: Losses) -> dict[str, Any]:
    """Return the one rubric of all cases.

    Parameters
    ----------
    cases : sequence of Case
        Cases under one rubric.
    lost : Losses
        Gathers what it cannot hold.

    Returns
    -------
    dict

    Raises
    ------
    FormatError
        If the cases have several rubrics.
    """
    digests = {c.rubric.digest for c in cases}
    if len(digests) > 1:
        raise FormatError(f"a verifiers file holds one rubric, and the cases have {len(digests)}")
    lost.add("tasks, responses and verdicts: only the rubric is written")
    return rubric_to_verifiers(cases[0].rubric, lost)


def _criterion(criterion: Criterion, lost: Losses) -> dict[str, Any]:
    lost.fields("criterion", criterion, ("id", "text", "weight", "scale", "effect"), criterion.id)
    if criterion.effect == "gate":
        lost.add("criterion: effect gate becomes add", criterion.id)
    choices = _choices(criterion, lost)
    if criterion.is_fault:
        # verifiers takes no negative weight: the same answers stand the other way round, so that avoiding the fault earns the points.
        lost.add("criterion: what takes points becomes points for its absence", criterion.id)
        choices.reverse()
    weight = {} if abs(criterion.weight) == 1 else {"weight": plain(abs(criterion.weight))}
    told = {} if choices == ["no", "yes"] else {"choices": choices}
    return {"name": criterion.id, "text": criterion.text, **weight, **told}


def _choices(criterion: Criterion, lost: Losses) -> list[str]:
    """Return the labels, worst first."""
    scale = criterion.scale
    if isinstance(scale, Numeric):
        lost.add("criterion: scale numeric becomes yes or no", criterion.id)
        return ["no", "yes"]
    if scale.type == "binary":
        return ["no", "yes"]
    if scale.type != "ordinal":
        lost.add(f"criterion: scale {scale.type} becomes ordinal", criterion.id)
    levels = sorted(levels_of(scale), key=lambda level: level.credit or 0.0)
    if any(level.description for level in levels):
        lost.add("criterion: descriptions of levels", criterion.id)
    if any(abs((level.credit or 0.0) - i / (len(levels) - 1)) > _CLOSE for i, level in enumerate(levels)):
        lost.add("criterion: credits of levels become evenly spaced", criterion.id)
    return [level.label for level in levels]
