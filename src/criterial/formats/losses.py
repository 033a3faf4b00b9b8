"""What another format cannot hold, gathered while it is written, so that nothing is left out in silence."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from criterial.core.digest import plain
from criterial.core.task import Task

__all__ = ["Losses"]

_SHOWN = 5


class Losses:
    """Features that are left out or changed, each with where it stood."""

    def __init__(self) -> None:
        self._places: dict[str, list[str]] = {}

    def add(self, what: str, place: str = "") -> None:
        """Note one loss.

        Parameters
        ----------
        what : str
            The feature, and what becomes of it.
        place : str
            Where it stood: an id.
        """
        places = self._places.setdefault(what, [])
        if place and place not in places:
            places.append(place)

    def fields(self, kind: str, noun: Any, holds: Collection[str], place: str = "", implied: Mapping[str, Any] | None = None) -> None:
        """Note every field of a noun that does not stand at its default and that the format does not hold.

        Parameters
        ----------
        kind : str
            What the noun is, for people.
        noun : object
            A dataclass.
        holds : collection of str
            Fields that the format holds.
        place : str
            The noun's id.
        implied : mapping, optional
            Values that need not be written, since reading the format gives them.
        """
        for key in plain(noun):
            if key not in holds and (implied is None or key not in implied or getattr(noun, key) != implied[key]):
                self.add(f"{kind}: {key}", place)

    def turns(self, task: Task) -> None:
        """Note what a format of single prompts leaves out of a task.

        Parameters
        ----------
        task : Task
            The task.
        """
        if len(task.messages) > 1 or task.messages[0].role != "user":
            self.add("task: turns become one prompt", task.id)
        if any(m.media for m in task.messages):
            self.add("task: images", task.id)

    def lines(self) -> list[str]:
        """Return the losses in words.

        Returns
        -------
        list of str
            One line a feature.
        """
        return [_line(what, places) for what, places in self._places.items()]


def _line(what: str, places: list[str]) -> str:
    if not places:
        return what
    more = f" and {len(places) - _SHOWN} more" if len(places) > _SHOWN else ""
    return f"{what} ({', '.join(places[:_SHOWN])}{more})"
