"""Scores of all rows as arrays: what every score method returns."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from criterial.errors import ConfigError
from criterial.score.cells import Cells

__all__ = ["Acted", "Gated", "PartScores", "RowScores"]


@dataclass(frozen=True, kw_only=True)
class Gated:
    """The option that every policy has."""

    floor: float = 0.0
    """The score where a gate fails."""

    def __post_init__(self) -> None:
        if not math.isfinite(self.floor):
            raise ConfigError(f"the floor is a finite score, not {self.floor}")


@dataclass(frozen=True)
class Acted:
    """What one operator of a policy changed."""

    step: str
    """The operator."""
    where: NDArray[np.bool_]
    """(R,) rows, or (R, G) groups of rows, that it changed."""
    before: NDArray[np.float64]
    """The numbers before, of the same shape."""
    after: NDArray[np.float64]
    """And after."""
    names: tuple[tuple[str, ...], ...] = ()
    """Names of each rubric's groups; none where it acted on the whole."""


@dataclass(frozen=True)
class PartScores:
    """Scores of one part of the rubrics, a row each."""

    value_R: NDArray[np.float64]
    """The part's score, 0 where not known."""
    known_R: NDArray[np.bool_]
    """Whether anything of the part is decided."""
    low_R: NDArray[np.float64]
    """Lower bound over what is missing."""
    high_R: NDArray[np.float64]
    """Upper bound."""
    coverage_R: NDArray[np.float64]
    """Share of its weight that is decided."""
    present_R: NDArray[np.bool_]
    """Whether the row's rubric has the part at all."""


@dataclass(frozen=True)
class RowScores:
    """Scores of all rows, R of them."""

    value_R: NDArray[np.float64]
    """The score, 0 where not known."""
    known_R: NDArray[np.bool_]
    """Whether there is a score."""
    low_R: NDArray[np.float64]
    """Lower bound over what is missing."""
    high_R: NDArray[np.float64]
    """Upper bound."""
    se_R: NDArray[np.float64]
    """Standard error from the judge's probabilities, 0 where there are none."""
    graded_R: NDArray[np.bool_]
    """Whether there were probabilities or repeats to take it from."""
    coverage_R: NDArray[np.float64]
    """Share of the weight that is decided."""
    capped_N: NDArray[np.bool_]
    """Cells whose cap acted."""
    clip_mean: bool = False
    """Whether a mean over responses, and its interval, is kept within [0, 1]."""
    vetoed_N: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))
    """Gates that failed."""
    acted: tuple[Acted, ...] = ()
    """What the policy's operators changed, in order."""
    parts: dict[str, PartScores] = field(default_factory=dict)
    """Scores of parts by name."""

    def with_gates(self, cells: Cells, floor: float) -> RowScores:
        """Return the scores after the gates: the floor where one failed, reachable from below where one is not known.

        Parameters
        ----------
        cells : Cells
            The cells.
        floor : float
            The score of a row whose gate fails.

        Returns
        -------
        RowScores
        """
        gate_N = cells.of(cells.columns.gate_C) & cells.applies_N
        if not gate_N.any():
            return replace(self, vetoed_N=np.zeros(len(gate_N), dtype=np.bool_))
        threshold_N = cells.columns.threshold_C[cells.table.column_N]
        bad_N = cells.weight_N < 0
        sure_N = gate_N & np.where(bad_N, cells.least_N >= threshold_N, cells.most_N < threshold_N)
        failed_N = sure_N | (gate_N & cells.known_N & ((cells.credit_N >= threshold_N) == bad_N))
        may_N = gate_N & np.where(bad_N, cells.most_N >= threshold_N, cells.least_N < threshold_N)
        veto_R, sure_R, may_R = (cells.total(mask.astype(np.float64)) > 0 for mask in (failed_N, sure_N, may_N))
        low_R = np.where(may_R, np.minimum(self.low_R, floor), self.low_R)
        high_R = np.where(may_R, np.maximum(self.high_R, floor), self.high_R)
        return replace(
            self,
            value_R=np.where(veto_R, floor, self.value_R),
            known_R=self.known_R | veto_R,
            low_R=np.where(sure_R, floor, low_R),
            high_R=np.where(sure_R, floor, high_R),
            se_R=np.where(veto_R, 0.0, self.se_R),
            vetoed_N=failed_N,
        )
