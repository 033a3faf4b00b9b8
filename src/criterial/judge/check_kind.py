"""What all kinds of check have in common: what they look at, what they return, and telling what is wrong with their options."""

from __future__ import annotations

import math
import sys
from collections.abc import Collection
from dataclasses import dataclass
from reprlib import repr as brief
from typing import Any, ClassVar, NamedTuple

from criterial.core.task import Response, Task
from criterial.errors import ConfigError

__all__ = ["Kind", "Outcome", "Subject", "need", "need_flag", "need_number", "need_one_of", "need_range", "within"]


class Subject(NamedTuple):
    """What a check looks at."""

    task: Task
    """What was asked."""
    response: Response
    """What was answered."""


Outcome = tuple[Any, str]
"""The value, in any form that `parse_value` reads or None to abstain, and the reason."""


def need(fits: bool, sentence: str) -> None:
    """Raise unless an option is as it must be.

    Parameters
    ----------
    fits : bool
        Whether it is.
    sentence : str
        What is wrong where it is not.

    Raises
    ------
    ConfigError
        If it is not.
    """
    if not fits:
        raise ConfigError(sentence)


def need_one_of(name: str, value: Any, choices: Collection[str]) -> None:
    """Raise unless an option is one of some values.

    Parameters
    ----------
    name : str
        The option.
    value : object
        Its value.
    choices : collection of str
        The values.

    Raises
    ------
    ConfigError
        If it is not.
    """
    need(value in choices, f"{name} is one of {', '.join(choices)}, not {brief(value)}")


def need_flag(name: str, value: Any) -> None:
    """Raise unless an option is true or false.

    Parameters
    ----------
    name : str
        The option.
    value : object
        Its value.

    Raises
    ------
    ConfigError
        If it is not.
    """
    need(isinstance(value, bool), f"{name} is true or false, not {brief(value)}")


def need_number(name: str, value: Any, least: float = -sys.float_info.max) -> None:
    """Raise unless an option is a finite number.

    Parameters
    ----------
    name : str
        The option.
    value : object
        Its value.
    least : float
        The least that it may be.

    Raises
    ------
    ConfigError
        If it is not.
    """
    known = isinstance(value, (int, float)) and not isinstance(value, bool)
    bound = ", 0 or more" if least == 0 else ""
    need(known and least <= value <= sys.float_info.max, f"{name} is a finite number{bound}, not {brief(value)}")


def need_range(least: Any, most: Any) -> None:
    """Raise unless two options are the ends of a range of whole numbers.

    Parameters
    ----------
    least : object
        The lower end.
    most : object
        The upper end, or None for no limit.

    Raises
    ------
    ConfigError
        If it is not.
    """
    for name, value in (("min", least), ("max", 0 if most is None else most)):
        need(type(value) is int and value >= 0, f"{name} is a whole number, 0 or more, not {brief(value)}")
    need(most is None or least <= most, f"min ({least}) is more than max ({most})")


def within(count: int, least: int, most: int | None) -> bool:
    """Return whether a count lies within a range.

    Parameters
    ----------
    count : int
        The count.
    least : int
        The lower end.
    most : int or None
        The upper end; None is no limit.

    Returns
    -------
    bool
    """
    return least <= count <= (math.inf if most is None else most)


@dataclass(frozen=True)
class Kind:
    """What all kinds of check have in common."""

    says: ClassVar[str]

    def __call__(self, subject: Subject) -> Outcome:
        """Return the value and the reason.

        Parameters
        ----------
        subject : Subject
            What is looked at.

        Returns
        -------
        Outcome
        """
        raise NotImplementedError
