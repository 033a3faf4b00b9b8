"""Four tiers, essential to pitfall: weighted, truncated where the core fails, saturated against padding. The rule of QuarkMedBench."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from criterial.core.method import Method
from criterial.score.board import within
from criterial.score.cells import Cells
from criterial.score.composed import run_steps
from criterial.score.operators import Cap, Group, Limit, Operator, Truncate
from criterial.score.rows import Gated, RowScores
from criterial.score.totals import Clip, Total

__all__ = ["METHOD", "Tiers", "tiers"]


def _weights() -> dict[str, float]:
    return {"essential": 2.0, "important": 1.0, "highlight": 1.0, "pitfall": 2.0}


@dataclass(frozen=True)
class Tiers(Gated):
    """Options of `tiers`."""

    weights: Mapping[str, float] = field(default_factory=_weights)
    """Weight of each tier; 1 where not given. Criteria of a tier of faults have negative points."""
    core: str = "essential"
    """The tier that must be reached."""
    bonus: tuple[str, ...] = ("important", "highlight")
    """Tiers that are forfeited where it is not, and that saturate."""
    damage: str = "pitfall"
    """The tier of faults."""
    truncate: float | None = 0.5
    """Share of the core under which, and of the damage over which, the bonus is forfeited; None forfeits nothing. The published
    ratios are not known."""
    most: float | None = None
    """Cap on the share of each bonus tier, 0.6 for instance; None is no cap."""
    times: float | None = None
    """The bonus tiers together earn at most this many times what the core earns, 2 for instance; None is no limit."""
    clip: bool = True
    """Whether a score below 0 becomes 0."""

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
        steps: list[Operator] = [Group("tier")]
        if self.truncate is not None:
            steps.append(Truncate(self.core, self.bonus, self.truncate, self.damage, self.truncate))
        if self.most is not None:
            steps.append(Cap(self.most, self.bonus))
        if self.times is not None:
            steps.append(Limit(self.core, self.bonus, self.times))
        steps.append(Total("points", self.weights))
        if self.clip:
            steps.append(Clip())
        return steps


def tiers(cells: Cells, options: Tiers | None = None) -> RowScores:
    """Return the tiered score of every row.

    Parameters
    ----------
    cells : Cells
        The cells. A criterion's tier is its group; graded ones (not met, partly, fully) have an ordinal scale.
    options : Tiers, optional
        See there.

    Returns
    -------
    RowScores

    Notes
    -----
    With S the points earned and R the points of a tier, (2 S_ess + S_imp + S_high - 2 S_pit) / (2 R_ess + R_imp + R_high). Truncation
    comes before saturation: S_imp = S_high = 0 where S_ess < t R_ess or S_pit > t R_pit; then each bonus tier is capped, and the bonus
    together limited to a multiple of S_ess. The report prints the denominator less w_pit R_pit; its own tables follow the form above
    (`tests/score/test_tiers.py` holds them to 0.12 points).

    References
    ----------
    QuarkMedBench (arXiv 2603.13691).
    """
    options = options or Tiers()
    return run_steps(cells, options.steps(), options.floor)


METHOD = Method(
    name="tiers",
    room="score",
    call=tiers,
    options=Tiers,
    says="essential, important, highlight and pitfall at 2:1:1:2, bonus forfeited where the core fails, saturation against padding",
    cites="QuarkMedBench",
)
