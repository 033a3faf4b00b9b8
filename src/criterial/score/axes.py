"""The mean over axes of the mean within each: nine axes of a prompt, dimensions of a questionnaire, adaptive yes/no banks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from criterial.core.method import Method
from criterial.score.board import within
from criterial.score.cells import Cells
from criterial.score.composed import run_steps
from criterial.score.operators import Group, Operator
from criterial.score.rows import Gated, RowScores
from criterial.score.totals import Bands, Range, Total

__all__ = ["METHOD", "Axes", "axes"]


@dataclass(frozen=True)
class Axes(Gated):
    """Options of `axes`."""

    by: str = "category"
    """What an axis is: ``category``, ``subcategory``, ``tier``, ``turn``, ``criterion`` ..."""
    weights: Mapping[str, float] = field(default_factory=dict)
    """Weights of axes, at least 0; 1 where not given."""
    marks: tuple[float, float] = (0.0, 1.0)
    """What 0 and 1 become: (1, 5) tells the mean of five-point scales in their own points."""
    cuts: tuple[float, ...] = ()
    """Rising cuts that turn the score into whole marks, the lowest `marks` [0]; none, where empty."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, weight in self.weights.items():
            within(f"the weight of {name!r}", weight, 0.0, 1e9)
        self.steps()

    def steps(self) -> list[Operator]:
        """Return the steps that these options stand for.

        Returns
        -------
        list of Operator
        """
        steps: list[Operator] = [Group(self.by, "balance"), Total("mean", self.weights)]
        if self.cuts:
            return [*steps, Bands(self.cuts, self.marks[0])]
        return [*steps, Range(*self.marks)] if self.marks != (0.0, 1.0) else steps


def axes(cells: Cells, options: Axes | None = None) -> RowScores:
    """Return the mean over axes of every row.

    Parameters
    ----------
    cells : Cells
        The cells.
    options : Axes, optional
        See there.

    Returns
    -------
    RowScores

    Notes
    -----
    An axis is the weighted mean of the credits within it; where it has faults too, the mean of the share of merits met and the share of
    faults avoided (for equal weights (yes of merits - yes of faults + 1) / 2). An axis without an item that applies is left out, so
    that long axes and items that were not relevant do not count: if none is left there is no score.

    References
    ----------
    Adaptive Precise Boolean rubrics (arXiv 2503.23339); WorldJen (arXiv 2605.03475); PEEM (arXiv 2603.10477); BiGGen Bench.
    """
    options = options or Axes()
    return run_steps(cells, options.steps(), options.floor)


METHOD = Method(
    name="axes",
    room="score",
    call=axes,
    options=Axes,
    says="mean over axes of the mean within each, told in marks or bands if wanted",
    cites="Adaptive Precise Boolean rubrics; WorldJen; PEEM; BiGGen Bench; AR-AES",
)
