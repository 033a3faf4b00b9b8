"""A rubric: criteria, flat or as the leaves of a weighted tree, and the policy that turns a row of verdicts into a score."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from typing import Any, ClassVar, Literal

from criterial.core.criterion import Criterion, Source, check_points
from criterial.core.digest import digest
from criterial.errors import FormatError

__all__ = ["Node", "Panel", "Policy", "Rubric"]

_STRICT = {"extra": "forbid", "use_attribute_docstrings": True}
_DEPTH = 50


@dataclass(frozen=True)
class Node:
    """An inner node of a rubric tree: its score is the weighted mean of its children's."""

    __pydantic_config__: ClassVar[dict[str, object]] = _STRICT

    id: str
    """Unique among the rubric's nodes and criteria."""
    text: str = ""
    """What the node stands for."""
    weight: float = 1.0
    """Weight among its siblings, at least 0. A criterion's weight does the same for a leaf, in size where it is negative."""
    children: tuple[Node | str, ...] = ()
    """Nodes, and criteria by id."""


@dataclass(frozen=True)
class Panel:
    """How the verdicts of several judges, or of a judge's repeats, become one verdict a cell."""

    __pydantic_config__: ClassVar[dict[str, object]] = _STRICT

    rule: Literal["majority", "mean", "any", "all", "conservative", "lenient", "at_least"] = "majority"
    """``majority``: the value of most weight, of equals the one that scores lower (numbers: the mean). ``mean`` of the credits.
    ``any``, ``all``, ``at_least``: the credit that one, every or `need` judges give at least. ``conservative``: the more severe
    reading (merits by all, faults by any); ``lenient`` its opposite."""
    need: int = 1
    """How many judges, for ``at_least``."""
    weights: Mapping[str, float] = field(default_factory=dict)
    """Weight of each judge's vote by its name, 1 where not given; its repeats share it."""
    independent: bool = False
    """Whether judges that correlate count less: two that always agree count as one."""
    reading: Literal["verdict", "expected"] = "verdict"
    """Whether a judge's credit is that of its verdict, or the mean by its probabilities where it gives them."""
    risk: float = 0.0
    """How many standard deviations are taken off an ``expected`` credit (added for a fault)."""

    def __post_init__(self) -> None:
        if self.need < 1:
            raise FormatError(f"a panel needs 1 judge or more, not {self.need}", path="need")
        for judge, weight in self.weights.items():
            check_points(weight, f"the weight of judge {judge!r}", "weights")
            if weight < 0:
                raise FormatError(f"the weight of judge {judge!r} is {weight:g}, less than 0", path="weights")
        if not 0.0 <= self.risk <= 10.0:
            raise FormatError(f"the risk is {self.risk:g}, not 0 to 10 standard deviations", path="risk")


@dataclass(frozen=True)
class Policy:
    """How a row of verdicts becomes a score: the name of a score method and its options."""

    __pydantic_config__: ClassVar[dict[str, object]] = _STRICT

    name: str = "weighted"
    """A method of the score room (``criterial methods --room score``)."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """That method's options, as JSON."""
    panel: Panel = field(default_factory=Panel)
    """How several judges and repeats become one verdict a cell."""


@dataclass(frozen=True)
class Rubric:
    """Criteria and a policy. Two rubrics are the same rubric exactly where their digests agree."""

    __pydantic_config__: ClassVar[dict[str, object]] = _STRICT

    criteria: tuple[Criterion, ...]
    """The criteria, in the order in which they are shown; ids are unique."""
    tree: Node | None = None
    """The root, where criteria are the leaves of a tree."""
    policy: Policy = field(default_factory=Policy)
    """How a row becomes a score."""
    id: str = ""
    """A name for people."""
    title: str = ""
    """A heading for reports."""
    guidelines: str = ""
    """Advice to the judge that holds for every criterion."""
    source: Source | None = None
    """Who or what wrote the rubric, and from what."""

    def __post_init__(self) -> None:
        if not self.criteria:
            raise FormatError("a rubric needs at least one criterion")
        seen: set[str] = set()
        for place, criterion in enumerate(self.criteria):
            if criterion.id in seen:
                raise FormatError(
                    f"the id {criterion.id!r} occurs twice", path=f"criteria[{place}].id", hint="give each criterion its own id"
                )
            seen.add(criterion.id)
        _check_requirements(self.criteria)
        if self.tree is not None:
            _check_tree(self.tree, seen)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the whole content: any edit changes it."""
        return digest("rubric", self)

    @cached_property
    def index(self) -> dict[str, int]:
        """Position of each criterion by id."""
        return {c.id: i for i, c in enumerate(self.criteria)}

    @cached_property
    def settling_order(self) -> tuple[int, ...]:
        """Positions of the criteria that require others, each after all that it requires."""
        needs = {c.id: c.requires for c in self.criteria if c.requires}
        return tuple(self.index[name] for name in TopologicalSorter(needs).static_order() if name in needs) if needs else ()

    def walk(self) -> Iterator[tuple[Node, Node | None]]:
        """Yield each inner node with its parent, parents first.

        Yields
        ------
        tuple of (Node, Node or None)
            None is the root's parent. Nothing is yielded for a flat rubric.
        """
        stack: list[tuple[Node, Node | None]] = [(self.tree, None)] if self.tree else []
        while stack:
            node, parent = stack.pop()
            yield node, parent
            stack.extend((child, node) for child in reversed(node.children) if isinstance(child, Node))


def _check_requirements(criteria: tuple[Criterion, ...]) -> None:
    """Raise where a requirement names nothing, or leads back to itself."""
    known = {c.id for c in criteria}
    for place, criterion in enumerate(criteria):
        for required in criterion.requires:
            if required not in known:
                raise FormatError(f"{criterion.id!r} requires {required!r}, which is not there", path=f"criteria[{place}].requires")
    try:
        TopologicalSorter({c.id: c.requires for c in criteria if c.requires}).prepare()
    except CycleError as error:
        circle = ", ".join(sorted(set(error.args[1])))
        raise FormatError(f"these criteria require one another in a circle: {circle}", path="criteria") from None


def _check_tree(root: Node, criteria: set[str]) -> None:
    """Raise where a tree does not hold each criterion once, is too deep, or has a node of negative weight."""
    left = set(criteria)
    nodes: set[str] = set()
    stack: list[tuple[Node, int]] = [(root, 1)]
    while stack:
        node, depth = stack.pop()
        if depth > _DEPTH:
            raise FormatError(f"the tree is more than {_DEPTH} levels deep", path="tree")
        check_points(node.weight, f"the weight of node {node.id!r}", "tree")
        if node.weight < 0:
            raise FormatError(f"the weight of node {node.id!r} is {node.weight:g}; a node's weight is 0 or more", path="tree")
        if node.id in nodes or node.id in criteria:
            raise FormatError(f"the node id {node.id!r} is taken", path="tree")
        if not node.children:
            raise FormatError(f"node {node.id!r} has no children", path="tree", hint="a leaf is a criterion, named by its id")
        nodes.add(node.id)
        stack += [(child, depth + 1) for child in node.children if isinstance(child, Node)]
        _take_leaves(node, left)
    if left:
        raise FormatError(
            f"not in the tree: {', '.join(sorted(left)[:5])}", path="tree", hint="every criterion is a leaf of the tree exactly once"
        )


def _take_leaves(node: Node, left: set[str]) -> None:
    """Take a node's leaves out of the criteria that are left; raise where one is not among them."""
    for child in node.children:
        if not isinstance(child, Node):
            if child not in left:
                raise FormatError(f"node {node.id!r} names {child!r}, which is no criterion or stands in the tree already", path="tree")
            left.remove(child)
