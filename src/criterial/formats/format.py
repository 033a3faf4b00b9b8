"""What a format is: a name, a way to recognise its files, and a reader."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from criterial.core.rubric import Rubric
from criterial.core.task import Case
from criterial.formats.reading import Document

__all__ = ["Format"]


@dataclass(frozen=True)
class Format:
    """One file format of cases."""

    name: str
    """Name on the command line."""
    says: str
    """What it is."""
    matches: Callable[[Mapping[str, Any]], bool]
    """Whether a file whose first object this is has the format."""
    read: Callable[[Document, Rubric | None], Iterator[Case]]
    """The cases of a file, all under one rubric where one is given."""
    cites: str = ""
    """Where the format comes from."""
    folder: Callable[[Document], bool] | None = None
    """Whether a folder has the format; None where it is a single file."""
