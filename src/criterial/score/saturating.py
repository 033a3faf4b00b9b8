"""Saturation, interaction, shaping, veto: rubric anchors for training. The rule of Rubicon."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from criterial.core.method import Method
from criterial.score.cells import Cells
from criterial.score.composed import run_steps
from criterial.score.operators import Group, Operator, Saturate
from criterial.score.rows import Gated, RowScores
from criterial.score.totals import Clip, Interact, Shape, Total, Veto

__all__ = ["METHOD", "Saturating", "saturating"]


@dataclass(frozen=True)
class Saturating(Gated):
    """Options of `saturating`. All of them are ours: the paper gives the ideas and no formulas."""

    by: str = "criterion"
    """What a dimension is: each criterion, or its ``category``, ``tier`` ..."""
    kappa: float = 2.0
    """How fast returns diminish; 0 is the identity."""
    synergy: Mapping[str, float] = field(default_factory=dict)
    """theta of pairs of dimensions ``one+other`` that reward each other."""
    lopsided: Mapping[str, float] = field(default_factory=dict)
    """theta, 0 or less, of pairs whose difference is punished."""
    knee: float = 0.7
    """Where the top region begins, which is spread out; 1 is the identity."""
    veto: Mapping[str, float] = field(default_factory=dict)
    """Least share of a dimension, by name: below it the score is at most the floor."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.steps()

    def steps(self) -> list[Operator]:
        """Return the steps that these options stand for.

        Returns
        -------
        list of Operator
        """
        steps: list[Operator] = [Group(self.by, "balance"), Saturate(self.kappa), Total("points"), Clip()]
        steps += [Interact(self.synergy, self.lopsided), Shape(self.knee)]
        # vetoes are told of the share as it was judged, and act on the bent one
        bent = Saturate(self.kappa).curve(np.array(list(self.veto.values()), dtype=np.float64))
        vetoes = dict(zip(self.veto, bent.tolist(), strict=True))
        return [*steps, Veto(vetoes, self.floor)] if vetoes else steps


def saturating(cells: Cells, options: Saturating | None = None) -> RowScores:
    """Return the saturated, shaped and vetoed score of every row.

    Parameters
    ----------
    cells : Cells
        The cells.
    options : Saturating, optional
        See there.

    Returns
    -------
    RowScores

    Notes
    -----
    With s_k the share of dimension k: u_k = (1 - exp(-kappa s_k)) / (1 - exp(-kappa)); B = sum(w_k u_k) / sum(w_k)
    + sum(theta min(u_k, u_l)) + sum(theta |u_k - u_l|), kept within [0, 1]; T(B) = B (2 b - 1) / b up to the knee b,
    1 - 2 (1 - B) beyond; a veto comes last, so that nothing can make up for it. A fault is a dimension that is full where it is absent.

    References
    ----------
    Rubicon, "Reinforcement Learning with Rubric Anchors" (arXiv 2508.12790).
    """
    options = options or Saturating()
    return run_steps(cells, options.steps(), options.floor)


METHOD = Method(
    name="saturating",
    room="score",
    call=saturating,
    options=Saturating,
    says="diminishing returns by dimension, pairs that interact, a spread-out top, vetoes last: a score to train with",
    cites="Rubicon",
)
