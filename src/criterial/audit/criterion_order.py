"""Criterion order: the same criteria, the last first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from criterial.audit.probe import Probe, Variant
from criterial.core.method import Method
from criterial.core.task import Case

__all__ = ["METHOD", "criterion_order"]


def criterion_order(cases: Sequence[Case], options: None = None) -> Probe:
    """Return cases whose rubrics hold their criteria in reverse.

    Parameters
    ----------
    cases : sequence of Case
        The cases; those of one criterion are left out.
    options : None
        There are none.

    Returns
    -------
    Probe
        It tells something where several criteria are asked for in one call.
    """
    turned = {c.rubric.digest: replace(c.rubric, criteria=c.rubric.criteria[::-1]) for c in cases if len(c.rubric.criteria) > 1}
    changed = tuple(replace(c, rubric=turned[c.rubric.digest]) for c in cases if c.rubric.digest in turned)
    return Probe((Variant("criteria in reverse", changed),), "same", anew=True)


METHOD = Method(name="criterion_order", room="audit", call=criterion_order, says="whether the order of criteria moves the judge")
