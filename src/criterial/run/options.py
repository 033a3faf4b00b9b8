"""How a set of cases is graded: the options of `criterial.run.grading.grade`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from criterial.core.ports import Decider, Sandbox
from criterial.core.rubric import Panel, Policy
from criterial.model.spec import JudgeSettings
from criterial.run.admission import Budget

__all__ = ["GradeOptions", "Judges"]

Judges = str | Decider | Sequence[str | Decider]
"""One judge or several, by name or made elsewhere."""


@dataclass(frozen=True)
class GradeOptions:
    """How a set of cases is graded."""

    judge: Judges = "embedded"
    """Name of the judge (`criterial.model.spec`), one that was made elsewhere, or several: each fills layers of its own."""
    settings: JudgeSettings = field(default_factory=JudgeSettings)
    """How judges given by name are asked."""
    repeats: int = 1
    """How often each judge judges each response."""
    store: str | None = None
    """URL of the store; None takes `CRITERIAL_STORE`, then ``.criterial/store.sqlite`` in the working folder."""
    budget: Budget | None = None
    """The most that this sitting may spend."""
    policy: Policy | None = None
    """Scores all rows in place of their rubrics' own policies."""
    panel: Panel | None = None
    """How judges and repeats become one verdict a cell, in place of the policies' own panels."""
    method: str = "pointwise"
    """Name of the judge method."""
    method_options: Mapping[str, Any] = field(default_factory=dict)
    """Its options."""
    allow_python: tuple[str, ...] = ()
    """Modules whose functions ``python`` checks may call."""
    sandbox: Sandbox | None = None
    """Runs the programs that rubrics hold as checks; None finds one where there are any."""
    engine: Literal["local", "ray"] = "local"
    """Where it runs: ``local``, in this process, or ``ray``, on the workers of a Ray cluster (`criterial.run.ray_engine`)."""
    workers: int | None = None
    """Workers on Ray; None is one a processor of the cluster."""
    blocks: str | None = None
    """Folder or URL, shared by the workers, for the verdicts as Parquet; None takes a scratch folder, which one machine alone can share."""
