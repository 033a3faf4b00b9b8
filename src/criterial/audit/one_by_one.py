"""One by one: each criterion in a call of its own."""

from __future__ import annotations

from collections.abc import Sequence

from criterial.audit.probe import Probe, Variant
from criterial.core.method import Method
from criterial.core.task import Case

__all__ = ["METHOD", "one_by_one"]


def one_by_one(cases: Sequence[Case], options: None = None) -> Probe:
    """Return the same cases, to be judged one criterion a call.

    Parameters
    ----------
    cases : sequence of Case
        The cases; those of one criterion are left out.
    options : None
        There are none.

    Returns
    -------
    Probe
    """
    several = tuple(c for c in cases if len(c.rubric.criteria) > 1)
    return Probe((Variant("one criterion a call", several),) if several else (), "same", together=1, anew=True)


METHOD = Method(name="one_by_one", room="audit", call=one_by_one, says="whether it matters how many criteria stand in one call")
