"""The card of a method, and finding one by room and name."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from importlib import metadata, util
from typing import Any

from criterial.errors import ConfigError, UnknownMethod

__all__ = ["ENTRY_POINTS", "Method", "load"]

ENTRY_POINTS = "criterial.methods"
"""Entry-point group by which other packages add methods, each under the name ``room.name``."""
_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Method:
    """One method: a callable with its room's signature, its options, and where it comes from."""

    name: str
    """Name within the room, and the name of its module."""
    room: str
    """The room, whose methods all have one signature."""
    call: Callable[..., Any]
    """The method itself."""
    says: str
    """What it does, in one line of the user's words."""
    options: type | None = None
    """A frozen dataclass of its options, or None."""
    version: int = 1
    """Raised when the same input may give another answer."""
    cites: str = ""
    """Paper, card or format that it follows."""
    needs: tuple[str, ...] = ()
    """Ports that it takes: ``decider``, ``writer``, ``embedder``, ``index``, ``sandbox``."""

    def with_options(self, given: dict[str, Any]) -> Any:
        """Return the method's options with some of them given.

        Parameters
        ----------
        given : dict
            Values by name.

        Returns
        -------
        object or None
            None where the method has no options.

        Raises
        ------
        ConfigError
            If a name is not an option of the method, or a value does not fit it.
        """
        if self.options is None:
            if given:
                raise ConfigError(f"{self.room}.{self.name} takes no options, but was given {', '.join(given)}")
            return None
        known = [f.name for f in fields(self.options)]
        unknown = sorted(given.keys() - known)
        if unknown:
            raise ConfigError(f"{self.room}.{self.name} has no option {', '.join(unknown)}; its options are {', '.join(known)}")
        if not given:
            return self.options()
        from pydantic import TypeAdapter, ValidationError  # slow to import, and most methods run with their defaults

        try:
            return TypeAdapter(self.options).validate_python(given)
        except ValidationError as error:
            first = error.errors()[0]
            option = "".join(f"{part}: " for part in first["loc"][:1])
            raise ConfigError(f"{self.room}.{self.name}: {option}{first['msg'].removeprefix('Value error, ')}") from error


def load(room: str, name: str) -> Method:
    """Return a method by name: the module of that name in the room, or what another package offers under it.

    Parameters
    ----------
    room : str
        ``judge``, ``score``, ...
    name : str
        The method's name.

    Returns
    -------
    Method

    Raises
    ------
    UnknownMethod
        If there is none.
    """
    if _NAME.fullmatch(name):
        path = f"criterial.{room}.{name}"
        if _NAME.fullmatch(room) and util.find_spec(f"criterial.{room}") and util.find_spec(path):
            card = getattr(importlib.import_module(path), "METHOD", None)
            if isinstance(card, Method):
                return card
        for entry in metadata.entry_points(group=ENTRY_POINTS, name=f"{room}.{name}"):
            card = entry.load()
            if isinstance(card, Method):
                return card
    raise UnknownMethod(f"there is no method {name[:60]!r} in the room {room}: see `criterial methods --room {room}`")
