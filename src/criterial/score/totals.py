"""Operators on the total: steps of a composed policy that make one number of the groups, and bend it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from criterial.errors import ConfigError
from criterial.score.board import Array, Board, Figure, with_total, within

__all__ = ["Bands", "Clip", "Interact", "Range", "Shape", "Total", "Veto"]


@dataclass(frozen=True)
class Total:
    """Makes one number of the groups."""

    says: ClassVar[str] = "one number of the groups: share of points, mean, sum or least"
    how: Literal["points", "mean", "sum", "least"] = "points"
    """``points``: points earned over points that can be earned; ``mean`` of the groups' shares; ``sum`` of points; the ``least`` share."""
    weights: Mapping[str, float] = field(default_factory=dict)
    """Weights of groups, at least 0; 1 where not given."""

    def __post_init__(self) -> None:
        if self.how not in ("points", "mean", "sum", "least"):
            raise ConfigError(f"a total is points, mean, sum or least, not {self.how!r}")
        for name, weight in self.weights.items():
            within(f"the weight of {name!r}", weight, 0.0, 1e100)

    def __call__(self, board: Board) -> Board:
        """Return the board with a total."""
        return with_total(board.grouped(), self.how, dict(self.weights))


@dataclass(frozen=True)
class Interact:
    """Lets pairs of groups reward each other, or punish lopsidedness: adds theta min(u, v), or theta |u - v|; the total stays in [0, 1]."""

    says: ClassVar[str] = "pairs of groups that reward each other or punish lopsidedness"
    synergy: Mapping[str, float] = field(default_factory=dict)
    """theta of each pair ``one+other``, 0 or more: adds theta min(u, v)."""
    lopsided: Mapping[str, float] = field(default_factory=dict)
    """theta of each pair ``one+other``, 0 or less: adds theta \\|u - v\\|."""

    def __post_init__(self) -> None:
        for name, theta in (*self.synergy.items(), *self.lopsided.items()):
            if "+" not in name:
                raise ConfigError(f"a pair is written one+other, not {name!r}")
            within(f"the size of theta of {name!r}", abs(theta), 0.0, 1.0)
        if min(self.synergy.values(), default=0.0) < 0 or max(self.lopsided.values(), default=0.0) > 0:
            raise ConfigError("theta of a synergy is 0 or more, of lopsidedness 0 or less")
        if abs(sum((*self.synergy.values(), *self.lopsided.values()))) > 0.3 + 1e-12:
            raise ConfigError("the sum of all theta is at most 0.3 in size")

    def __call__(self, board: Board) -> Board:
        """Return the board with the pairs' terms in its total."""
        if not self.synergy and not self.lopsided:
            return board
        board = board.totalled()
        groups, total = board.grouping, board.figure
        value, low, high, slope = total.value, total.low, total.high, board.slope_RG.copy()
        for pairs, kind in ((self.synergy, "synergy"), (self.lopsided, "lopsided")):
            for name, theta in pairs.items():
                one, other = name.split("+", 1)
                (has_one, a), (has_other, b) = groups.figure(one), groups.figure(other)
                both = has_one & has_other
                known = both & a.known & b.known
                phi, least, most = _phi(a, b, kind)
                value = value + np.where(known, theta * phi, 0.0)
                ends = theta * least, theta * most
                low, high = (side + np.where(both, end, 0.0) for side, end in ((low, np.minimum(*ends)), (high, np.maximum(*ends))))
                below = a.value <= b.value
                signs = (below, ~below) if kind == "synergy" else (np.where(below, -1.0, 1.0), np.where(below, 1.0, -1.0))
                for place, sign in zip((one, other), signs, strict=True):
                    slope += groups.named([place]) * np.where(known, theta * sign, 0.0)[:, None]
        low, high = np.clip(low, 0.0, 1.0), np.clip(high, 0.0, 1.0)
        inside = (value >= 0.0) & (value <= 1.0)
        figure = Figure.bounded(value, total.known, low, high)
        return _totalled(board, "interact", figure, slope * inside[:, None], unit=True)


def _phi(a: Figure, b: Figure, kind: str) -> tuple[Array, Array, Array]:
    if kind == "synergy":
        return np.minimum(a.value, b.value), np.minimum(a.low, b.low), np.minimum(a.high, b.high)
    apart = np.maximum(np.maximum(a.low - b.high, b.low - a.high), 0.0)
    return np.abs(a.value - b.value), apart, np.maximum(a.high - b.low, b.high - a.low)


@dataclass(frozen=True)
class Shape:
    """Spreads out the top region, where scores bunch: rises slowly up to the knee and at twice the pace beyond."""

    says: ClassVar[str] = "spreads out the top region"
    knee: float = 0.7
    """The knee b in (0.5, 1]; 1 is the identity. T(B) = B (2 b - 1) / b up to it, 1 - 2 (1 - B) beyond."""

    def __post_init__(self) -> None:
        if not 0.5 < self.knee <= 1.0:
            raise ConfigError(f"the knee is in (0.5, 1], not {self.knee:g}")

    def __call__(self, board: Board) -> Board:
        """Return the board with its total reshaped."""
        board = board.totalled()
        total, pace = board.figure, (2 * self.knee - 1) / self.knee
        figure = total.mapped(lambda b: np.where(b <= self.knee, b * pace, 1.0 - 2.0 * (1.0 - b)))
        slope = np.where(total.value <= self.knee, pace, 2.0)
        return _totalled(board, "shape", figure, board.slope_RG * slope[:, None], board.unit)


@dataclass(frozen=True)
class Clip:
    """Keeps the total within limits."""

    says: ClassVar[str] = "keeps the total within limits"
    low: float = 0.0
    """The least."""
    high: float = 1.0
    """The most."""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ConfigError(f"limits are finite, low < high, not {self.low:g} and {self.high:g}")

    def __call__(self, board: Board) -> Board:
        """Return the board with its total within the limits."""
        board = board.totalled()
        total = board.figure
        inside = (total.value >= self.low) & (total.value <= self.high)
        unit = board.unit or (self.low, self.high) == (0.0, 1.0)
        return _totalled(board, "clip", total.mapped(lambda b: np.clip(b, self.low, self.high)), board.slope_RG * inside[:, None], unit)


@dataclass(frozen=True)
class Range:
    """Stretches [0, 1] to another range, such as marks from 1 to 5."""

    says: ClassVar[str] = "stretches [0, 1] to another range of marks"
    low: float = 0.0
    """What 0 becomes."""
    high: float = 1.0
    """What 1 becomes."""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.high - self.low) and self.low < self.high):
            raise ConfigError(f"a range has finite low < high, not {self.low:g} and {self.high:g}")

    def __call__(self, board: Board) -> Board:
        """Return the board with its total stretched."""
        board = board.totalled()
        span = self.high - self.low
        figure = board.figure.mapped(lambda b: self.low + span * b)
        return replace(board, total=figure, slope_RG=board.slope_RG * span, unit=board.unit and (self.low, self.high) == (0.0, 1.0))


@dataclass(frozen=True)
class Bands:
    """Turns the total into a mark: how many cuts it reaches, from `first` up."""

    says: ClassVar[str] = "turns the total into a mark by cuts"
    cuts: tuple[float, ...]
    """Rising cuts: the mark rises by one at each that is reached."""
    first: float = 1.0
    """The mark below the first cut."""

    def __post_init__(self) -> None:
        if (
            not self.cuts
            or any(not math.isfinite(c) for c in self.cuts)
            or any(a >= b for a, b in zip(self.cuts, self.cuts[1:], strict=False))
        ):
            raise ConfigError("cuts are finite numbers that rise")
        if not math.isfinite(self.first):
            raise ConfigError(f"the first mark is a finite number, not {self.first}")

    def __call__(self, board: Board) -> Board:
        """Return the board with a mark for its total."""
        board = board.totalled()
        cuts = np.array(self.cuts, dtype=np.float64)
        figure = board.figure.mapped(lambda b: np.asarray(self.first + np.searchsorted(cuts, b + 1e-12, side="right"), dtype=np.float64))
        return replace(board, total=figure, slope_RG=np.zeros_like(board.slope_RG), unit=False)


@dataclass(frozen=True)
class Veto:
    """Brings the total down to the floor where a group's share, or a criterion's credit (of a fault its absence), is below a threshold."""

    says: ClassVar[str] = "the floor where a group or a criterion falls below a threshold"
    of: Mapping[str, float]
    """The least share of each group, or credit of each criterion, by name."""
    floor: float = 0.0
    """The most that the total then is."""

    def __post_init__(self) -> None:
        for name, least in self.of.items():
            within(f"the threshold of {name!r}", least, -1.0, 1.0)
        if not self.of or not math.isfinite(self.floor):
            raise ConfigError("a veto names what is vetoed by, and a finite floor")

    def __call__(self, board: Board) -> Board:
        """Return the board with its total brought down where a veto acts."""
        board = board.totalled()
        total = board.figure
        rows = len(total.value)
        acts, sure, may = (np.zeros(rows, dtype=np.bool_) for _ in range(3))
        for name, least in self.of.items():
            there, found = self._looked_at(board, name)
            acts |= there & found.known & (found.value < least)
            sure |= there & (found.high < least)
            may |= there & (found.low < least)
        acts |= sure
        low = np.where(may, np.minimum(total.low, self.floor), total.low)
        high = np.where(sure, np.minimum(total.high, self.floor), total.high)
        brought = np.where(total.known, np.minimum(total.value, self.floor), self.floor)
        figure = Figure.bounded(np.where(acts, brought, total.value), total.known | acts, low, high)
        unit = board.unit and 0.0 <= self.floor <= 1.0
        return _totalled(board, "veto", figure, np.where(acts[:, None], 0.0, board.slope_RG), unit, acts)

    @staticmethod
    def _looked_at(board: Board, name: str) -> tuple[NDArray[np.bool_], Figure]:
        """Return where there is a group or criterion of that name, and its share or credit."""
        cells = board.cells
        if any(name in names for names in board.grouping.names):
            return board.grouping.figure(name)
        named_C = np.array([c.id == name for c in cells.table.criteria], dtype=np.bool_)
        here = np.flatnonzero(named_C[cells.table.column_N] & cells.applies_N)
        there = np.zeros(cells.rows, dtype=np.bool_)
        there[cells.table.row_N[here]] = True
        fault_N = cells.of(cells.columns.fault_C)  # of a fault its absence is looked at, as in a group
        credit, least, most = (np.where(fault_N, 1.0 - a, a) for a in (cells.credit_N, cells.least_N, cells.most_N))
        least, most = np.minimum(least, most), np.maximum(least, most)
        columns = []
        for source in (credit, cells.known_N, least, most):
            column = np.zeros(cells.rows, dtype=source.dtype)
            column[cells.table.row_N[here]] = source[here]
            columns.append(column)
        return there, Figure(*columns)


def _totalled(board: Board, step: str, total: Figure, slope: Array, unit: bool, rows: NDArray[np.bool_] | None = None) -> Board:
    before = board.figure
    out = replace(board, total=total, slope_RG=slope, unit=unit)
    return out.saying(step, before.value, total.value, total.known if rows is None else rows)
