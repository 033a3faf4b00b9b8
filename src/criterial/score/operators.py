"""Operators: the small steps of which a composed policy is made. Each is a frozen dataclass of its options and takes a board to a board.

Steps come in three sorts, in this order: on cells (``points``, ``met``, ``saturate``), on groups (``group``, ``cap``, ``truncate``,
``limit``; ``saturate`` too once there are groups) and on the total (``total``, ``interact``, ``shape``, ``clip``, ``range``, ``bands``,
``veto``). A step on groups finds all criteria in one group, and a step on the total the share of points, where no step before has
made them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar, Literal, Protocol

import numpy as np

from criterial.errors import ConfigError
from criterial.score.board import Array, Board, Figure, group_names, with_groups, within, within_names
from criterial.score.totals import Bands, Clip, Interact, Range, Shape, Total, Veto

__all__ = ["OPERATORS", "Operator", "step_of"]


class Operator(Protocol):
    """One step of a policy."""

    says: ClassVar[str]

    def __call__(self, board: Board) -> Board:
        """Return the board after the step."""
        ...


@dataclass(frozen=True)
class Reweigh:
    """Gives criteria the points of their tier, category or other group; a group that is not named keeps its own."""

    says: ClassVar[str] = "points by tier, category or other group in place of each criterion's own"
    of: Mapping[str, float] = field(default_factory=dict)
    """Signed points by group; the name ``*`` stands for every other group."""
    by: str = "tier"
    """What groups them: see `criterial.score.board.group_names`."""

    def __post_init__(self) -> None:
        within_names(self.by)
        for name, points in self.of.items():
            within(f"the size of the points of {name!r}", abs(points), 0.0, 1e100)

    def __call__(self, board: Board) -> Board:
        """Return the board with other points."""
        board.before_groups("points")
        rubrics = board.cells.table.rubrics
        own = [c.weight for r in rubrics for c in r.criteria]
        names = [n for r in rubrics for n in group_names(r, self.by)]
        given = np.array([self.of.get(n, self.of.get("*", w)) for n, w in zip(names, own, strict=True)], dtype=np.float64)
        return replace(board, weight_N=given[board.cells.table.column_N])


@dataclass(frozen=True)
class Met:
    """Gives full credit from a threshold on and none below: graded criteria count as met or not."""

    says: ClassVar[str] = "full credit from a threshold on, none below"
    threshold: float | None = None
    """The threshold; each criterion's own, if not given."""

    def __post_init__(self) -> None:
        if self.threshold is not None:
            within("the threshold", self.threshold, 1e-12, 1.0)

    def __call__(self, board: Board) -> Board:
        """Return the board with credits of 1 or 0."""
        board.before_groups("met")
        cells = board.cells
        at = cells.columns.threshold_C[cells.table.column_N] if self.threshold is None else self.threshold
        credit, least, most = ((a >= at).astype(np.float64) for a in (cells.credit_N, cells.least_N, cells.most_N))
        changed = replace(cells, credit_N=np.where(cells.known_N, credit, 0.0), least_N=least, most_N=most)
        before, after = (c.total(np.abs(board.weight_N) * c.credit_N) for c in (cells, changed))
        return replace(board, cells=changed).saying("met", before, after)


@dataclass(frozen=True)
class Saturate:
    """Lets returns diminish: u becomes (1 - exp(-kappa u)) / (1 - exp(-kappa)), of each credit, or of each group's share."""

    says: ClassVar[str] = "diminishing returns of each credit or group"
    kappa: float = 2.0
    """How fast they diminish; 0 is the identity."""
    only: tuple[str, ...] = ()
    """Groups that it acts on; all, if none is named. Of cells it acts on all that are no deduction by count."""

    def __post_init__(self) -> None:
        within("kappa", self.kappa, 0.0, 100.0)

    def curve(self, u: Array) -> Array:
        """Return the curve at u; below 0, where faults outweigh merits, it is the identity."""
        if self.kappa == 0:
            return u
        bent: Array = np.where(u > 0, np.expm1(-self.kappa * np.maximum(u, 0.0)) / math.expm1(-self.kappa), u)
        return bent

    def _slope(self, u: Array) -> Array:
        if self.kappa == 0:
            return np.ones_like(u)
        return np.where(u > 0, -self.kappa * np.exp(-self.kappa * np.maximum(u, 0.0)) / math.expm1(-self.kappa), 1.0)

    def __call__(self, board: Board) -> Board:
        """Return the board with bent credits or shares."""
        if board.groups is None:
            cells = board.cells
            bent = replace(
                cells,
                credit_N=self.curve(cells.credit_N),
                least_N=self.curve(cells.least_N),
                most_N=self.curve(cells.most_N),
                variance_N=cells.variance_N * self._slope(cells.credit_N) ** 2,
            )
            before, after = (c.total(np.abs(board.weight_N) * c.credit_N) for c in (cells, bent))
            return replace(board, cells=bent).saying("saturate", before, after)
        groups = board.groups
        on = groups.named(self.only)
        share = groups.share.mapped(lambda u: np.where(on, self.curve(u), u))
        variance = groups.variance_RG * np.where(on, self._slope(groups.share.value), 1.0) ** 2
        return _changed(board, "saturate", share, variance)


@dataclass(frozen=True)
class Group:
    """Groups the criteria, and says what a group's share is."""

    says: ClassVar[str] = "groups of criteria, by tier, category, turn, parent node ..."
    by: str = "category"
    """What groups them: see `criterial.score.board.group_names`."""
    share: Literal["points", "balance", "geometric"] = "points"
    """``points``: earned less lost over what can be earned; ``balance``: the mean of merits met and faults avoided; ``geometric``: `rho`
    to the power of the points missed."""
    rho: float = 0.5
    """What is left where one point is missed."""
    typical_points: float = 0.0
    """Where positive, the points of a group for which `rho` is meant: a group of twice as many loses half as much by each."""

    def __post_init__(self) -> None:
        within_names(self.by)
        within("rho", self.rho, 1e-6, 1.0)
        if self.share not in ("points", "balance", "geometric"):
            raise ConfigError(f"a group's share is points, balance or geometric, not {self.share!r}")

    def __call__(self, board: Board) -> Board:
        """Return the board with groups."""
        board.before_groups("group")
        return with_groups(board, self.by, self.share, self.rho, self.typical_points)


@dataclass(frozen=True)
class Cap:
    """Keeps each group's share at or under a cap."""

    says: ClassVar[str] = "a cap on the share of a group"
    most: float = 1.0
    """The cap."""
    only: tuple[str, ...] = ()
    """Groups that it acts on; all, if none is named."""

    def __post_init__(self) -> None:
        within("the cap", self.most, 0.0, 1.0)

    def __call__(self, board: Board) -> Board:
        """Return the board with capped shares."""
        board = board.grouped()
        groups = board.grouping
        on = groups.named(self.only)
        share = groups.share.mapped(lambda u: np.where(on, np.minimum(u, self.most), u))
        return _changed(board, "cap", share, groups.variance_RG * ~(on & (groups.share.value > self.most)))


@dataclass(frozen=True)
class Truncate:
    """Forfeits groups where the core is not reached, or where damage goes too far."""

    says: ClassVar[str] = "forfeits bonus groups where the core fails or the damage is great"
    core: str
    """The group that must be reached."""
    forfeit: tuple[str, ...]
    """The groups that are forfeited."""
    below: float = 0.5
    """Share of the core under which they are; 0 looks at the damage alone."""
    damage: str = ""
    """A group of faults; none, where it is empty."""
    above: float = 0.5
    """Share of its points lost over which they are too; 1 looks at the core alone."""

    def __post_init__(self) -> None:
        within("the share of the core", self.below, 0.0, 1.0)
        within("the share of the damage", self.above, 0.0, 1.0)
        if not self.forfeit or self.core in self.forfeit:
            raise ConfigError("name the groups to forfeit, the core not among them")

    def __call__(self, board: Board) -> Board:
        """Return the board with forfeited groups."""
        board = board.grouped()
        groups = board.grouping
        rows = len(groups.present_RG)
        sure, may, acts = (np.zeros(rows, dtype=np.bool_) for _ in range(3))
        limits = {self.core: self.below} if self.below > 0 else {}
        limits |= {self.damage: -self.above} if self.damage and self.above < 1 else {}
        for name, level in limits.items():
            there, found = groups.figure(name)
            sure |= there & (found.high < level)
            may |= there & (found.low < level)
            acts |= there & found.known & (found.value < level)
        on, share = groups.named(self.forfeit), groups.share
        low = np.where(on & may[:, None], np.minimum(share.low, 0.0), share.low)
        high = np.where(on & sure[:, None], np.minimum(share.high, 0.0), share.high)
        gone = on & (acts | sure)[:, None]
        value = np.where(gone, np.minimum(share.value, 0.0), share.value)
        cut = Figure.bounded(value, share.known, low, high)
        return _changed(board, "truncate", cut, np.where(gone, 0.0, groups.variance_RG))


@dataclass(frozen=True)
class Limit:
    """Limits what some groups earn together to a multiple of what the core earns, so that padding stops paying."""

    says: ClassVar[str] = "what bonus groups earn together, at most a multiple of the core"
    core: str
    """The core."""
    groups: tuple[str, ...]
    """The groups that are limited."""
    times: float = 2.0
    """The multiple."""
    weights: Mapping[str, float] = field(default_factory=dict)
    """Weights of groups, 1 where not given: the points that are compared are weighted by them."""

    def __post_init__(self) -> None:
        within("the multiple", self.times, 0.0)
        if not self.groups or self.core in self.groups:
            raise ConfigError("name the groups to limit, the core not among them")

    def __call__(self, board: Board) -> Board:
        """Return the board with limited groups."""
        board = board.grouped()
        groups, share = board.grouping, board.grouping.share
        on = groups.named(self.groups)
        size = groups.size_RG * groups.numbers(self.weights, 1.0)
        there, core = groups.figure(self.core)
        held = there[:, None] & on
        core_size = groups.column(self.core, size)
        room, least, most = (self.times * np.maximum(side, 0.0) * core_size for side in (core.value, core.low, core.high))
        whole, lowest, highest = (np.where(held, np.maximum(size * side, 0.0), 0.0) for side in (share.value, share.low, share.high))
        value = np.where(held & core.known[:, None], _scaled(share.value, whole.sum(axis=1)[:, None], room[:, None]), share.value)
        # a group is least where it is low itself, the others high and the core low, and most the other way round
        low = np.where(held, _scaled(share.low, lowest + highest.sum(axis=1)[:, None] - highest, least[:, None]), share.low)
        high = np.where(held, _scaled(share.high, highest + lowest.sum(axis=1)[:, None] - lowest, most[:, None]), share.high)
        factor = np.where(share.value > 0, value / np.where(share.value > 0, share.value, 1.0), 1.0)
        cut = Figure.bounded(value, share.known, low, high)
        return _changed(board, "limit", cut, groups.variance_RG * factor**2)


def _scaled(side: Array, earned: Array, allowed: Array) -> Array:
    """Return shares scaled down so that what they earn together is allowed; shares below 0 stay."""
    factor = np.where(earned > allowed, allowed / np.where(earned > 0, earned, 1.0), 1.0)
    return np.where(side > 0, side * factor, side)


def _changed(board: Board, step: str, share: Figure, variance: Array) -> Board:
    """Return the board with other shares, and a note of the groups that changed."""
    groups = board.grouping
    out = replace(board, groups=replace(groups, share=share, variance_RG=variance))
    return out.saying(step, groups.share.value, share.value, groups.present_RG & share.known, groups.names)


OPERATORS: dict[str, type] = {
    "points": Reweigh,
    "met": Met,
    "saturate": Saturate,
    "group": Group,
    "cap": Cap,
    "truncate": Truncate,
    "limit": Limit,
    "total": Total,
    "interact": Interact,
    "shape": Shape,
    "clip": Clip,
    "range": Range,
    "bands": Bands,
    "veto": Veto,
}
"""Every operator by the name that a policy gives as ``op``."""


def step_of(told: Mapping[str, Any]) -> Operator:
    """Return one step of a policy.

    Parameters
    ----------
    told : mapping
        ``op`` with the operator's name, and its options.

    Returns
    -------
    Operator

    Raises
    ------
    ConfigError
        If there is no such operator, or an option is none of its own or does not fit.
    """
    from pydantic import TypeAdapter, ValidationError  # slow to import, and most policies have no steps

    kind = OPERATORS.get(str(told.get("op")))
    if kind is None:
        raise ConfigError(f"a step names one of the operators {', '.join(OPERATORS)} as op, not {told.get('op')!r}")
    given = {k: v for k, v in told.items() if k != "op"}
    known = [f.name for f in fields(kind)]
    unknown = [k for k in given if k not in known]
    if unknown:
        raise ConfigError(f"{told['op']} has no option {', '.join(unknown)}; its options are {', '.join(known)}")
    try:
        step: Operator = TypeAdapter(kind).validate_python(given)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ConfigError(f"{told['op']}: {where + ': ' if where else ''}{first['msg'].removeprefix('Value error, ')}") from error
    return step
