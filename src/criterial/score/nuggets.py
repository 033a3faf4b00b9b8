"""Atomic facts, supported, partly supported or not: vital ones count twice. The rule of Search-Gen-V."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from criterial.core.method import Method
from criterial.score.cells import Cells
from criterial.score.composed import run_steps
from criterial.score.operators import Met, Operator, Reweigh
from criterial.score.rows import Gated, RowScores
from criterial.score.totals import Total

__all__ = ["METHOD", "Nuggets", "nuggets"]


def _weights() -> dict[str, float]:
    return {"vital": 2.0, "okay": 1.0}


@dataclass(frozen=True)
class Nuggets(Gated):
    """Options of `nuggets`."""

    strict: bool = False
    """Whether only full support counts, and partial support as none."""
    weights: Mapping[str, float] = field(default_factory=_weights)
    """Weight by tier; a tier that is not named keeps its criteria's own."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.steps()

    def steps(self) -> list[Operator]:
        """Return the steps that these options stand for.

        Returns
        -------
        list of Operator
        """
        return [Reweigh(self.weights), *([Met(1.0)] if self.strict else []), Total("points")]


def nuggets(cells: Cells, options: Nuggets | None = None) -> RowScores:
    """Return the weighted mean support of every row's facts.

    Parameters
    ----------
    cells : Cells
        The cells: facts on the scale not supported, partly, supported (0, 1/2, 1), or yes/no.
    options : Nuggets, optional
        See there.

    Returns
    -------
    RowScores

    References
    ----------
    Search-Gen-V, "An Efficient Rubric-based Generative Verifier" (arXiv 2510.14660).
    """
    options = options or Nuggets()
    return run_steps(cells, options.steps(), options.floor)


METHOD = Method(
    name="nuggets",
    room="score",
    call=nuggets,
    options=Nuggets,
    says="atomic facts: supported, partly (half) or not, vital ones at weight 2",
    cites="Search-Gen-V",
)
