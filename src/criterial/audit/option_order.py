"""Option order: the levels of a scale, the best first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from criterial.audit.probe import Probe, Variant
from criterial.core.criterion import Criterion
from criterial.core.method import Method
from criterial.core.scale import Choice, Ordinal, levels_of
from criterial.core.task import Case

__all__ = ["METHOD", "option_order"]


def option_order(cases: Sequence[Case], options: None = None) -> Probe:
    """Return cases whose ordinal and choice scales list their levels in reverse, each with the credit that it had.

    Parameters
    ----------
    cases : sequence of Case
        The cases; those without such a scale are left out.
    options : None
        There are none.

    Returns
    -------
    Probe
    """
    turned = {
        c.rubric.digest: replace(c.rubric, criteria=tuple(_turned(k) for k in c.rubric.criteria))
        for c in cases
        if any(_turned(k) is not k for k in c.rubric.criteria)
    }
    changed = tuple(replace(c, rubric=turned[c.rubric.digest]) for c in cases if c.rubric.digest in turned)
    return Probe((Variant("levels in reverse", changed),), "same")


def _turned(criterion: Criterion) -> Criterion:
    if not isinstance(criterion.scale, (Ordinal, Choice)) or criterion.scope == "pair" or criterion.check is not None:
        return criterion
    levels = tuple(replace(level, credit=level.credit or 0.0) for level in levels_of(criterion.scale)[::-1])
    return replace(criterion, scale=Choice(levels))


METHOD = Method(name="option_order", room="audit", call=option_order, says="whether the order in which levels are listed moves the judge")
