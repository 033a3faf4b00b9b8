"""A criterion: one typed question about a response, with what its answer is worth."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from criterial.core.scale import Binary, Scale
from criterial.errors import FormatError

__all__ = ["Check", "Criterion", "Evidence", "Example", "Source", "check_points"]

_STRICT = {"extra": "forbid", "use_attribute_docstrings": True}
_LEAST, _MOST = 1e-100, 1e100


@dataclass(frozen=True)
class Check:
    """A programmatic test that answers a criterion without a model."""

    __pydantic_config__: ClassVar[dict[str, object]] = _STRICT

    kind: str
    """Name of the check: ``regex``, ``contains``, ``length``, ``json_schema``, ``number``, ``program``, ``python``, ..."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """The check's options, as JSON."""


@dataclass(frozen=True)
class Evidence:
    """What a criterion rests on."""

    __pydantic_config__: ClassVar[dict[str, object]] = _STRICT

    text: str
    """The passage or fact."""
    url: str = ""
    """Where it was found. Never fetched."""


@dataclass(frozen=True)
class Example:
    """A marked example that a judge may be shown."""

    __pydantic_config__: ClassVar[dict[str, object]] = _STRICT

    text: str
    """The example response."""
    value: str | float
    """Its value, as `criterial.core.scale.parse_value` reads it."""
    reason: str = ""
    """Why."""


@dataclass(frozen=True)
class Source:
    """Who or what wrote something, and from what."""

    __pydantic_config__: ClassVar[dict[str, object]] = _STRICT

    by: str = ""
    """A person, a model, a method or a file."""
    method: str = ""
    """The method's catalogue name where a method wrote it."""
    inputs: tuple[str, ...] = ()
    """Ids or digests of what it was written from."""
    note: str = ""
    """Anything a reader should know."""


@dataclass(frozen=True)
class Criterion:
    """One question about a response, its scale, and what its answer is worth."""

    __pydantic_config__: ClassVar[dict[str, object]] = _STRICT

    id: str
    """Unique within the rubric."""
    text: str
    """The statement that is judged."""
    scale: Scale = field(default_factory=Binary)
    """What values a verdict can take."""
    weight: float = 1.0
    """Signed points: what full credit adds; negative where meeting the criterion is bad."""
    required: bool = True
    """Whether a response must do this, or merely may; scores are shown apart."""
    kind: Literal["rule", "principle"] | None = None
    """A rule is an objective must, a principle a quality; None where nobody said."""
    effect: Literal["add", "deduct", "gate"] = "add"
    """``add`` its points; ``deduct`` |weight| points an occurrence; ``gate``: failing it decides the whole score."""
    cap: float | None = None
    """The most points that a deduction can take; None is no cap."""
    threshold: float = 0.5
    """Credit from which the criterion counts as met, for gates and for criteria that require this one."""
    tier: str = ""
    """Importance class such as ``essential`` or ``A1``; policies may weigh by it."""
    category: tuple[str, ...] = ()
    """Path from the broadest category down; scores are broken down by it."""
    scope: Literal["response", "turn", "pair", "task"] = "response"
    """What is looked at: the response, one turn of it, a pair of responses, or the task alone."""
    turn: int | None = None
    """0-based index of the assistant turn, for scope ``turn``."""
    applies_when: str | Check | None = None
    """When the criterion applies at all: a condition for the judge, or a check; elsewhere it is not applicable."""
    requires: tuple[str, ...] = ()
    """Ids of criteria that must be met before this one earns anything."""
    all_or_nothing: bool = False
    """Whether anything less than full credit earns none."""
    check: Check | None = None
    """A programmatic test that answers the criterion, so that no model is asked."""
    evidence: tuple[Evidence, ...] = ()
    """What the criterion rests on."""
    examples: tuple[Example, ...] = ()
    """Marked examples for the judge."""
    title: str = ""
    """A short name for tables; the id serves where it is empty."""
    tags: tuple[str, ...] = ()
    """Free labels, ``key:value`` by custom."""
    source: Source | None = None
    """Who or what wrote the criterion."""

    def __post_init__(self) -> None:
        if not self.id.strip():
            raise FormatError("a criterion needs an id")
        if not self.text.strip():
            raise FormatError(f"criterion {self.id!r} has no text")
        check_points(self.weight, f"the weight of {self.id!r}", "weight")
        if self.cap is not None:
            check_points(self.cap, f"the cap of {self.id!r}", "cap")
            if self.cap < 0:
                raise FormatError(f"the cap of {self.id!r} is {self.cap:g}; it is the most points taken, 0 or more", path="cap")
        if not 0.0 < self.threshold <= 1.0:
            raise FormatError(f"the threshold of {self.id!r} is {self.threshold:g}, not in (0, 1]", path="threshold")

    @property
    def is_fault(self) -> bool:
        """Whether meeting the criterion is bad: it deducts, or its weight is negative."""
        return self.effect == "deduct" or self.weight < 0


def check_points(value: float, what: str, path: str) -> None:
    """Raise where points are no number that can be summed and divided.

    Parameters
    ----------
    value : float
        The points.
    what : str
        What they are, for the message.
    path : str
        Where they stand.

    Raises
    ------
    FormatError
        If they are not finite, or so large or so small (but not 0) that their squares leave the range of a float.
    """
    if not math.isfinite(value):
        raise FormatError(f"{what} is {value}, not a finite number", path=path)
    if value and not _LEAST <= abs(value) <= _MOST:
        raise FormatError(f"{what} is {value:g}; it is 0 or between {_LEAST:g} and {_MOST:g} in size", path=path)
