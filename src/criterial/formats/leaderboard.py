"""Tables of marks: a row a system and a column a benchmark, or a row a mark."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from criterial.errors import FormatError
from criterial.formats.reading import Document

__all__ = ["Cell", "is_leaderboard", "read_leaderboard"]

_SYSTEM = ("system", "model")


class Cell(NamedTuple):
    """One mark."""

    system: str
    """The system's name."""
    item: str
    """The item; in a wide table the benchmark itself."""
    value: float
    """The mark."""
    suite: str
    """The benchmark."""


def is_leaderboard(path: str | Path) -> bool:
    """Return whether a file is a table of marks.

    Parameters
    ----------
    path : str or Path
        Any; a file of rows counts where a column is called ``system`` or ``model`` and none holds criteria or responses.

    Returns
    -------
    bool
    """
    file = Path(path)
    if not file.is_file() or file.suffix not in (".csv", ".tsv", ".parquet"):
        return False
    columns = Document(file).first.keys()
    return any(name in columns for name in _SYSTEM) and not {"criterion", "response"} & columns


def read_leaderboard(path: str | Path) -> list[Cell]:
    """Return the marks of a table.

    Parameters
    ----------
    path : str or Path
        Columns ``system`` and one for each benchmark; or ``system``, ``item``, ``score`` and perhaps ``suite``. An empty cell is no mark.

    Returns
    -------
    list of Cell

    Raises
    ------
    FormatError
        If a mark is no number, a system has no name, or there are no marks.
    """
    document = Document(path)
    read = _long if "item" in document.first else _wide
    found = [cell for row in document.each(lambda row: list(read(row))) for cell in row]
    if not found:
        raise FormatError("there are no marks in it", document.name)
    return found


def _long(row: Mapping[str, Any]) -> Iterator[Cell]:
    if "score" in row:
        yield Cell(_system(row), str(row.get("item", "")), _mark(row, "score"), str(row.get("suite", "")))


def _wide(row: Mapping[str, Any]) -> Iterator[Cell]:
    system = _system(row)
    for column in row:
        if column not in _SYSTEM:
            yield Cell(system, column, _mark(row, column), column)


def _system(row: Mapping[str, Any]) -> str:
    named = next((str(row[name]).strip() for name in _SYSTEM if name in row), "")
    if not named:
        raise FormatError("a row without a system's name", path=_SYSTEM[0])
    return named


def _mark(row: Mapping[str, Any], column: str) -> float:
    try:
        value = float(row[column])
    except (TypeError, ValueError):
        value = math.nan
    if not math.isfinite(value):
        raise FormatError(f"{str(row[column])[:40]!r} is no mark: write a number, or leave the cell empty", path=column)
    return value
