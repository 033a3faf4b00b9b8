"""Scales: what values a verdict on a criterion can take, and how much credit each earns."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import ClassVar, Literal

from criterial.errors import FormatError, TableError

__all__ = ["Binary", "Choice", "Level", "Likert", "Numeric", "Ordinal", "Scale", "credit_of", "label_of", "levels_of", "parse_value"]

_STRICT = {"extra": "forbid", "use_attribute_docstrings": True}
_YES = frozenset({"yes", "true", "met", "pass", "passed", "satisfied", "present"})
_NO = frozenset({"no", "false", "unmet", "not met", "fail", "failed", "not satisfied", "unsatisfied", "absent"})


@dataclass(frozen=True)
class Level:
    """One value of an ordinal or categorical scale."""

    __pydantic_config__: ClassVar[dict[str, object]] = _STRICT

    label: str
    """The word or number that a judge answers with."""
    description: str = ""
    """What a response at this level looks like; shown to the judge."""
    credit: float | None = None
    """Share of the criterion's points that the level earns, in [0, 1]; None spreads the levels evenly (ordinal) or gives none (choice)."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "label", self.label.strip())
        if not self.label:
            raise FormatError("a level needs a label")
        if self.credit is not None and not 0.0 <= self.credit <= 1.0:
            raise FormatError(f"the credit of level {self.label!r} is {self.credit:g}, not in [0, 1]")


@dataclass(frozen=True)
class Binary:
    """Yes or no: the value is 1 where the criterion is met, else 0."""

    __pydantic_config__: ClassVar[dict[str, object]] = _STRICT

    type: Literal["binary"] = "binary"
    """The scale's name in files."""


@dataclass(frozen=True)
class Ordinal:
    """Ordered levels, worst first: the value is the level's index from 0."""

    __pydantic_config__: ClassVar[dict[str, object]] = _STRICT

    levels: tuple[Level, ...]
    """At least two levels, worst first."""
    type: Literal["ordinal"] = "ordinal"
    """The scale's name in files."""

    def __post_init__(self) -> None:
        _check_levels(self.levels)


@dataclass(frozen=True)
class Likert:
    """Points 1 to n, n best: the value is the point itself."""

    __pydantic_config__: ClassVar[dict[str, object]] = _STRICT

    points: int = 5
    """How many points, at least 2."""
    anchors: tuple[str, ...] = ()
    """A description for each point, from 1 up; empty or exactly `points` of them."""
    type: Literal["likert"] = "likert"
    """The scale's name in files."""

    def __post_init__(self) -> None:
        if not 2 <= self.points <= 100:
            raise FormatError(f"a Likert scale has 2 to 100 points, not {self.points}")
        if self.anchors and len(self.anchors) != self.points:
            raise FormatError(f"{len(self.anchors)} anchors for {self.points} points", hint="describe every point or none")


@dataclass(frozen=True)
class Choice:
    """Unordered values: the value is the index of the one chosen."""

    __pydantic_config__: ClassVar[dict[str, object]] = _STRICT

    values: tuple[Level, ...]
    """At least two values; one without a credit earns nothing."""
    type: Literal["choice"] = "choice"
    """The scale's name in files."""

    def __post_init__(self) -> None:
        _check_levels(self.values)


@dataclass(frozen=True)
class Numeric:
    """A number in a range, such as a mark out of ten or a count of errors: the value is the number."""

    __pydantic_config__: ClassVar[dict[str, object]] = _STRICT

    low: float = 0.0
    """Least value; earns no credit."""
    high: float = 1.0
    """Greatest value; earns full credit."""
    integer: bool = False
    """Whether only whole numbers count."""
    type: Literal["numeric"] = "numeric"
    """The scale's name in files."""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.high - self.low) and self.low < self.high):
            raise FormatError(f"a numeric scale needs low < high, a finite distance apart, not {self.low:g} and {self.high:g}")


Scale = Binary | Ordinal | Likert | Choice | Numeric


def _check_levels(levels: tuple[Level, ...]) -> None:
    labels = [v.label.casefold() for v in levels]
    if not 2 <= len(labels) <= 255:
        raise FormatError(f"a scale has 2 to 255 levels, not {len(labels)}")
    if len(set(labels)) != len(labels):
        raise FormatError("two levels have the same label", hint="labels are compared without regard to case")


@lru_cache(maxsize=4096)
def levels_of(scale: Scale) -> tuple[Level, ...]:
    """Return the levels of a scale, each with its credit filled in; empty for a numeric scale.

    Parameters
    ----------
    scale : Scale
        Any scale.

    Returns
    -------
    tuple of Level
        In the order of the indices that probabilities use.
    """
    if isinstance(scale, Binary):
        return (Level("no", credit=0.0), Level("yes", credit=1.0))
    if isinstance(scale, Likert):
        texts = scale.anchors or ("",) * scale.points
        return tuple(Level(str(i + 1), text, i / (scale.points - 1)) for i, text in enumerate(texts))
    if isinstance(scale, Ordinal):
        return _filled(scale.levels, len(scale.levels) - 1)
    if isinstance(scale, Choice):
        return _filled(scale.values, math.inf)
    return ()


def _filled(levels: tuple[Level, ...], top: float) -> tuple[Level, ...]:
    """Return levels with the credit of each that has none: its place over the top one."""
    return tuple(v if v.credit is not None else replace(v, credit=i / top) for i, v in enumerate(levels))


def credit_of(scale: Scale, value: float) -> float:
    """Return the share of a criterion's points that a value earns.

    Parameters
    ----------
    scale : Scale
        The criterion's scale.
    value : float
        A value of that scale (see each scale's docstring).

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    TableError
        If the scale has no such value.
    """
    if isinstance(scale, Numeric):
        if not scale.low <= value <= scale.high:
            raise TableError(f"{value:g} is outside {scale.low:g} to {scale.high:g}")
        if scale.integer and value != int(value):
            raise TableError(f"{value:g} is not a whole number")
        return (value - scale.low) / (scale.high - scale.low)
    levels = levels_of(scale)
    index = value - 1 if isinstance(scale, Likert) else value
    if not (0 <= index < len(levels) and index == int(index)):
        raise TableError(f"{value:g} is not a value of this scale ({', '.join(v.label for v in levels)})")
    return levels[int(index)].credit or 0.0


def label_of(scale: Scale, value: float) -> str:
    """Return a value as people write it: ``yes``, ``4``, ``partly``.

    Parameters
    ----------
    scale : Scale
        The criterion's scale.
    value : float
        A value of that scale.

    Returns
    -------
    str
    """
    if isinstance(scale, Numeric):
        return f"{value:g}"
    return levels_of(scale)[int(value) - (1 if isinstance(scale, Likert) else 0)].label


def parse_value(scale: Scale, raw: object) -> float:
    """Return the value that a person, a file or a judge wrote down.

    Parameters
    ----------
    scale : Scale
        The criterion's scale.
    raw : object
        A bool, a number or a word: ``True``, ``1``, ``"met"``, ``"4"``, a level's label.

    Returns
    -------
    float
        A value of the scale.

    Raises
    ------
    TableError
        If it is not one: a value is never clamped or guessed.
    """
    if isinstance(raw, str):
        return _parse_word(scale, raw.strip())
    if isinstance(raw, bool):
        if isinstance(scale, Binary):
            return float(raw)
        raise TableError(f"{raw} is not a value of a {scale.type} scale")
    if isinstance(raw, (int, float)):
        try:
            return _parse_number(scale, float(raw))
        except OverflowError:
            raise TableError("a value must be finite") from None
    raise TableError(f"{type(raw).__name__} is not a value of a {scale.type} scale")


def _parse_word(scale: Scale, word: str) -> float:
    if isinstance(scale, Binary) and word.lower() in _YES | _NO:
        return float(word.lower() in _YES)
    labels = [level.label for level in levels_of(scale)]
    folded = [label.casefold() for label in labels]
    first = 1 if isinstance(scale, Likert) else 0
    if word in labels:
        return float(labels.index(word) + first)
    if word.casefold() in folded:
        return float(folded.index(word.casefold()) + first)
    try:
        number = float(word)
    except ValueError:
        raise TableError(f"{word[:80]!r} is not a value of this scale ({', '.join(labels) or 'a number'})") from None
    return _parse_number(scale, number)


def _parse_number(scale: Scale, number: float) -> float:
    if not math.isfinite(number):
        raise TableError("a value must be finite")
    if isinstance(scale, (Ordinal, Choice)):
        numbers = [_number(level.label) for level in levels_of(scale)]
        if number in numbers:
            return float(numbers.index(number))
        if any(n is not None for n in numbers):  # levels labelled 1 to 5: a bare 0 is no label, and no index either
            raise TableError(f"{number:g} is none of {', '.join(level.label for level in levels_of(scale))}")
    credit_of(scale, number)
    return number


def _number(label: str) -> float | None:
    try:
        return float(label)
    except ValueError:
        return None
