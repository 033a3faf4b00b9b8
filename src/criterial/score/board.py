"""The board on which operators work: a table's cells, then groups of them, then one total a row, each with its bounds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from criterial.core.rubric import Rubric
from criterial.errors import ConfigError
from criterial.score.cells import Cells
from criterial.score.points import Points, coverage_of, points_of
from criterial.score.rows import Acted, RowScores

__all__ = ["Array", "Board", "Figure", "Groups", "group_names", "with_groups", "with_total", "within", "within_names"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Figure:
    """Numbers of one shape with what is known of them."""

    value: Array
    """The numbers, 0 where not known."""
    known: NDArray[np.bool_]
    """Whether there is a number."""
    low: Array
    """Lower bound over what is missing."""
    high: Array
    """Upper bound."""

    @classmethod
    def bounded(cls, value: Array, known: NDArray[np.bool_], low: Array, high: Array) -> Figure:
        """Return a figure whose numbers lie within their bounds, and are 0 where not known.

        Parameters
        ----------
        value : array
            The numbers.
        known : bool array
            Whether there is a number.
        low : array
            Lower bound.
        high : array
            Upper bound.

        Returns
        -------
        Figure
        """
        return cls(np.where(known, np.clip(value, low, high), 0.0), known, low, high)

    def mapped(self, rising: Callable[[Array], Array]) -> Figure:
        """Return the figure under a function that never falls.

        Parameters
        ----------
        rising : callable
            From an array to an array of the same shape.

        Returns
        -------
        Figure
        """
        return Figure(np.where(self.known, rising(self.value), 0.0), self.known, rising(self.low), rising(self.high))


@dataclass(frozen=True)
class Groups:
    """Groups of criteria: in every row those of its own rubric, in places 0 to G - 1; places beyond a rubric's last are empty."""

    names: tuple[tuple[str, ...], ...]
    """Of each rubric, U of them, the names of its groups in the order of their places."""
    rubric_R: NDArray[np.int64]
    """Index of each row's rubric."""
    share: Figure
    """(R, G) share of its points that each earned: at most 1; below 0 where faults outweigh merits. A group of faults alone has
    minus the share of its points that were lost."""
    variance_RG: Array
    """Variance of the share by the judge's probabilities."""
    size_RG: Array
    """Points that it can earn, or for a group of faults alone lose."""
    earning_RG: NDArray[np.bool_]
    """Whether it can earn points."""
    present_RG: NDArray[np.bool_]
    """Whether the row has it at all."""

    def numbers(self, of: Mapping[str, float], other: float) -> Array:
        """Return a number for each row's groups, by their names.

        Parameters
        ----------
        of : mapping of str to float
            Numbers by name.
        other : float
            The number of all other groups.

        Returns
        -------
        (R, G) float
        """
        size = self.present_RG.shape[1]
        table_UG = np.full((len(self.names), size), other)
        for use, names in enumerate(self.names):
            table_UG[use, : len(names)] = [of.get(name, other) for name in names]
        found: Array = table_UG[self.rubric_R]
        return found

    def named(self, wanted: Sequence[str]) -> NDArray[np.bool_]:
        """Return which of each row's groups have one of some names; all, if none is given.

        Parameters
        ----------
        wanted : sequence of str
            Names.

        Returns
        -------
        (R, G) bool
        """
        return self.numbers(dict.fromkeys(wanted, 1.0), 0.0 if wanted else 1.0) > 0

    def column(self, name: str, of_RG: NDArray[Any]) -> NDArray[Any]:
        """Return one group's numbers; 0 in rows that do not have it.

        Parameters
        ----------
        name : str
            The group.
        of_RG : (R, G) array
            Numbers of all groups.

        Returns
        -------
        (R,) array
        """
        column: NDArray[Any] = np.where(self.named([name]), of_RG, np.zeros(1, dtype=of_RG.dtype)).sum(axis=1, dtype=of_RG.dtype)
        return column

    def figure(self, name: str) -> tuple[NDArray[np.bool_], Figure]:
        """Return where a group counts at all, and its share.

        Parameters
        ----------
        name : str
            The group.

        Returns
        -------
        tuple of ((R,) bool, Figure)
        """
        there = self.column(name, self.present_RG & (self.size_RG > 0))
        share = self.share
        return there, Figure(*(self.column(name, a) for a in (share.value, share.known, share.low, share.high)))


@dataclass(frozen=True)
class Board:
    """What a policy's operators work on, one after another."""

    cells: Cells
    """The cells, their credits as the operators so far have left them."""
    weight_N: Array
    """Signed points of each cell."""
    groups: Groups | None = None
    """Groups, once there are."""
    total: Figure | None = None
    """(R,) the score so far, once there is one."""
    slope_RG: Array = field(default_factory=lambda: np.zeros((0, 0)))
    """How fast the total rises with each group's share."""
    unit: bool = False
    """Whether the total lies in [0, 1] by its nature."""
    acted: tuple[Acted, ...] = ()
    """What the operators did."""

    @property
    def points(self) -> Points:
        """The cells' points."""
        return points_of(self.cells, self.weight_N)

    @property
    def grouping(self) -> Groups:
        """The groups, of a board that has them."""
        assert self.groups is not None
        return self.groups

    @property
    def figure(self) -> Figure:
        """The total, of a board that has one."""
        assert self.total is not None
        return self.total

    def before_groups(self, step: str) -> None:
        """Raise where a step on criteria comes after one on groups or the total.

        Parameters
        ----------
        step : str
            The step's name.

        Raises
        ------
        ConfigError
            If there are groups already.
        """
        if self.groups is not None:
            raise ConfigError(f"{step} acts on criteria: put it before the steps on groups and on the total")

    def saying(
        self, step: str, before: Array, after: Array, where: NDArray[np.bool_] | None = None, names: tuple[tuple[str, ...], ...] = ()
    ) -> Board:
        """Return the board with a note of where an operator changed something.

        Parameters
        ----------
        step : str
            The operator.
        before : (R,) or (R, G) float
            The numbers before: of the total, or of each group.
        after : (R,) or (R, G) float
            And after.
        where : bool array of that shape, optional
            Where it acted; wherever a number changed, if not given.
        names : tuple of tuple of str
            Names of each rubric's groups; none for the total.

        Returns
        -------
        Board
        """
        changed = before != after if where is None else where & (before != after)
        return replace(self, acted=(*self.acted, Acted(step, changed, before, after, names))) if changed.any() else self

    def grouped(self) -> Board:
        """Return the board with groups: all criteria as one where nothing has grouped them."""
        return self if self.groups is not None else with_groups(self, "all")

    def totalled(self) -> Board:
        """Return the board with a total: the share of points over all groups where nothing has made one."""
        return self if self.total is not None else with_total(self.grouped(), "points", {})

    def scores(self) -> RowScores:
        """Return the rows' scores, before gates."""
        board = self.totalled()
        cells, total = board.cells, board.figure
        graded_R = cells.total((cells.graded_N & cells.known_N & cells.applies_N).astype(np.float64)) > 0
        points = board.points
        return RowScores(
            value_R=np.where(total.known, total.value, 0.0),
            known_R=total.known,
            low_R=total.low,
            high_R=total.high,
            se_R=np.hypot.reduce(board.slope_RG * np.sqrt(board.grouping.variance_RG), axis=1),
            graded_R=graded_R & total.known,
            coverage_R=coverage_of(cells, board.weight_N),
            capped_N=points.capped_N,
            clip_mean=board.unit,
            acted=board.acted,
        )


def within(what: str, value: float, low: float, high: float = np.inf) -> None:
    """Raise where an option leaves its range.

    Parameters
    ----------
    what : str
        What it is, for the message.
    value : float
        The option.
    low : float
        The least.
    high : float
        The most.

    Raises
    ------
    ConfigError
        If it is not finite, or outside.
    """
    if not (np.isfinite(value) and low <= value <= high):
        raise ConfigError(f"{what} is {low:g} {'or more' if high == np.inf else f'to {high:g}'}, not {value:g}")


def within_names(by: str) -> None:
    """Raise where criteria cannot be grouped so.

    Parameters
    ----------
    by : str
        See `group_names`.

    Raises
    ------
    ConfigError
        If it is none of what is listed there.
    """
    if by not in _NAMES and by != "parent":
        raise ConfigError(f"criteria are grouped by {', '.join([*_NAMES, 'parent'])}, not by {by!r}")


def group_names(rubric: Rubric, by: str) -> list[str]:
    """Return the group of each criterion of a rubric.

    Parameters
    ----------
    rubric : Rubric
        The rubric.
    by : str
        ``all`` (one group), ``tier``, ``category`` (its first part), ``subcategory`` (the whole path), ``turn``, ``required``,
        ``parent`` (the node above it in the tree) or ``criterion`` (each its own).

    Returns
    -------
    list of str
        In the criteria's order; empty where a criterion has no such thing.

    Raises
    ------
    ConfigError
        If `by` is none of these.
    """
    if by == "parent":
        above = {child: node.id for node, _ in rubric.walk() for child in node.children if isinstance(child, str)}
        return [above.get(c.id, "") for c in rubric.criteria]
    within_names(by)
    return [_NAMES[by](c) for c in rubric.criteria]


_LARGEST_ERROR = 1e100
_NAMES: dict[str, Callable[..., str]] = {
    "all": lambda c: "all",
    "tier": lambda c: c.tier,
    "category": lambda c: c.category[0] if c.category else "",
    "subcategory": lambda c: "/".join(c.category),
    "turn": lambda c: "" if c.turn is None else f"turn {c.turn + 1}",
    "required": lambda c: "required" if c.required else "optional",
    "criterion": lambda c: c.id,
}


def with_groups(board: Board, by: str, how: str = "points", rho: float = 0.5, typical_points: float = 0.0) -> Board:
    """Return the board with its criteria grouped.

    Parameters
    ----------
    board : Board
        The board.
    by : str
        See `group_names`.
    how : str
        What a group's share is. ``points``: points earned, less points lost, over points that can be earned. ``balance``: the mean
        of the share of merits met and the share of faults avoided, each where there are any. ``geometric``: `rho` to the power
        of the points missed and lost.
    rho : float
        What is left where one point is missed, in (0, 1].
    typical_points : float
        Where positive, the points of a group for which `rho` is meant: a group of twice as many loses half as much by each.

    Returns
    -------
    Board
    """
    sums = _Sums(board, by)
    kinds: dict[str, Callable[[_Sums], tuple[Figure, Array]]] = {"points": _points_share, "balance": _balance}
    kinds["geometric"] = partial(_geometric, rho=rho, usual=typical_points)
    share, slope = kinds[how](sums)
    earning = sums.reach[0] > 0 if how == "points" else sums.reach.sum(axis=0) > 0
    size = np.where(sums.reach[0] > 0, sums.reach[0], sums.reach[1]) if how == "points" else sums.reach.sum(axis=0)
    # where weights lie as far apart as they may, neither a slope's square nor that of the error is a float any more
    variance = np.minimum(np.sqrt(sums.variance) * np.abs(slope), _LARGEST_ERROR) ** 2
    return replace(
        board,
        groups=Groups(sums.names, board.cells.table.rubric_R, share, np.where(share.known, variance, 0.0), size, earning, sums.present),
    )


class _Sums:
    """Sums over each row's cells of each group: of merits (0) and of faults (1), so that the arrays are (2, R, G)."""

    def __init__(self, board: Board, by: str) -> None:
        table, points = board.cells.table, board.points
        names = [group_names(r, by) for r in table.rubrics]
        orders = [{name: place for place, name in enumerate(dict.fromkeys(each))} for each in names]
        self.names = tuple(tuple(order) for order in orders)
        size = max(map(len, orders), default=0)
        place_C = np.array([order[name] for order, each in zip(orders, names, strict=True) for name in each], dtype=np.int64)
        shape = (2, board.cells.rows, size)
        fault_N = (board.weight_N < 0) | board.cells.of(board.cells.columns.deduct_C)
        flat_N = (fault_N * shape[1] + table.row_N) * size + place_C[table.column_N]

        def total(values_N: NDArray[Any], where_N: NDArray[np.bool_]) -> Array:
            flat: Array = np.bincount(flat_N, np.where(where_N, values_N, 0.0), minlength=2 * shape[1] * size).astype(
                np.float64, copy=False
            )
            return flat.reshape(shape)

        worth_N = np.where(fault_N, -points.worst_N, points.top_N)
        self.value, self.top = total(points.value_N, points.counted_N), total(worth_N, points.counted_N)
        self.low, self.high, self.reach = (total(a, points.open_N) for a in (points.low_N, points.high_N, worth_N))
        self.variance: Array = total(points.variance_N, points.counted_N).sum(axis=0)
        self.present = total(np.ones(len(flat_N)), points.open_N).sum(axis=0) > 0


def _points_share(sums: _Sums) -> tuple[Figure, Array]:
    merits = sums.reach[0] > 0
    bottom, reach = np.where(merits, sums.top[0], sums.top[1]), np.where(merits, sums.reach[0], sums.reach[1])
    safe, wide = _safe(bottom), _safe(reach)
    low, high = sums.low.sum(axis=0) / wide, sums.high.sum(axis=0) / wide
    return Figure.bounded(sums.value.sum(axis=0) / safe, bottom > 0, low, high), 1.0 / safe


def _balance(sums: _Sums) -> tuple[Figure, Array]:
    side = np.array([0.0, 1.0])[:, None, None]  # a fault that is absent is a merit that is met
    value, low, high = (
        side + sums.value / _safe(sums.top),
        side + sums.low / _safe(sums.reach),
        side + sums.high / _safe(sums.reach),
    )
    known, there = sums.top > 0, sums.reach > 0
    sides, all_sides = _safe(known.sum(axis=0)), _safe(there.sum(axis=0))
    low, high = (np.where(there, bound, 0.0).sum(axis=0) / all_sides for bound in (low, high))
    slope = (known / _safe(sums.top)).max(axis=0) / sides
    return Figure.bounded(np.where(known, value, 0.0).sum(axis=0) / sides, known.max(axis=0), low, high), slope


def _geometric(sums: _Sums, rho: float, usual: float) -> tuple[Figure, Array]:
    missed, most, least = (
        worth[0] - side.sum(axis=0) for worth, side in ((sums.top, sums.value), (sums.reach, sums.low), (sums.reach, sums.high))
    )
    bottom = sums.top.sum(axis=0)
    reach = sums.reach.sum(axis=0)
    pace = np.log(rho) * (usual / _safe(reach) if usual > 0 else np.ones_like(reach))
    missed = missed * reach / _safe(bottom)  # what is not known misses at the rate of what is
    value, low, high = (np.exp(pace * np.maximum(z, 0.0)) for z in (missed, most, least))
    return Figure.bounded(value, bottom > 0, low, high), value * pace * reach / _safe(bottom)


def _safe(array: NDArray[Any]) -> Array:
    return np.where(array > 0, array, 1.0).astype(np.float64)


def with_total(board: Board, how: str, weights: dict[str, float]) -> Board:
    """Return the board with a total over its groups.

    Parameters
    ----------
    board : Board
        With groups.
    how : str
        ``points`` (points earned over points that can be earned), ``mean`` (of the groups' shares), ``sum`` (of points), ``least``
        (the lowest share).
    weights : dict of str to float
        Weights of groups, at least 0; 1 where not given.

    Returns
    -------
    Board
    """
    groups = board.grouping
    weight_RG = groups.numbers(weights, 1.0)
    counts = groups.present_RG & (groups.size_RG > 0)
    if how == "least":
        return _least(board, groups, counts & (weight_RG > 0))
    mass = np.where(counts, weight_RG * (1.0 if how == "mean" else groups.size_RG), 0.0)
    divides = counts & (groups.earning_RG | (how == "mean"))
    merits = (mass * divides).sum(axis=1) > 0
    divides = np.where(merits[:, None], divides, counts)  # faults alone: 1 less the share of points lost
    base = np.where(merits | (how == "sum"), 0.0, 1.0)
    known = groups.share.known & counts
    bottom, reach = (mass * divides * known).sum(axis=1), (mass * divides).sum(axis=1)
    safe, wide = (np.ones(len(mass)),) * 2 if how == "sum" else (_safe(bottom), _safe(reach))
    low, high = ((mass * side).sum(axis=1) / wide + base for side in (groups.share.low, groups.share.high))
    value = (mass * np.where(known, groups.share.value, 0.0)).sum(axis=1) / safe + base
    nothing = reach <= 0
    total = Figure.bounded(value, bottom > 0, np.where(nothing, 0.0, low), np.where(nothing, 1.0, high))
    unit = how != "sum" and bool((total.low >= 0.0).all())
    return replace(board, total=total, slope_RG=np.where(known, mass, 0.0) / safe[:, None], unit=unit)


def _least(board: Board, groups: Groups, counts: NDArray[np.bool_]) -> Board:
    low, high = (np.where(counts, side, 1.0).min(axis=1, initial=1.0) for side in (groups.share.low, groups.share.high))
    known_RG = counts & groups.share.known
    value_RG = np.where(known_RG, groups.share.value, np.inf)
    first = value_RG.argmin(axis=1) if value_RG.shape[1] else np.zeros(len(value_RG), dtype=np.int64)
    slope = (np.arange(value_RG.shape[1]) == first[:, None]) & known_RG
    known = known_RG.sum(axis=1) > 0
    value = np.where(known, np.minimum(value_RG.min(axis=1, initial=np.inf), 1.0), 0.0)
    total = Figure.bounded(value, known, low, high)
    return replace(board, total=total, slope_RG=slope.astype(np.float64), unit=bool((low >= 0.0).all()))
