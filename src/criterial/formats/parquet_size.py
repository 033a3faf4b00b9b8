"""How much a Parquet file holds, by its footer and the heads of its pages.

A file of a few hundred bytes can hold billions of values, so this is looked at before anything is unpacked. It is read here and not by
pyarrow, which believes the pages whatever the footer says, and ends the process where what a footer says of a column is damaged.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

from criterial.errors import FormatError

__all__ = ["ParquetSize", "parquet_size"]

_MOST_FOOTER, _MOST_HEAD, _MOST_PAGES = 4 << 20, 1 << 16, 100_000
_DEEP = 16
_TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = 1, 2, 3, 7, 8, 9, 10, 11, 12
_ROWS, _GROUPS = 3, 4  # fields of the footer
_COLUMNS, _ABOUT, _VALUES, _PACKED, _DATA, _WORDS = 1, 3, 5, 7, 9, 11  # of a group of rows, a part of a column, and what is said of it
_PAGE_BYTES, _PAGE_PACKED, _PAGE_KINDS, _PAGE_VALUES = 2, 3, (5, 8), 1  # of the head of a page


class ParquetSize(NamedTuple):
    """What a file holds."""

    values: int
    """How many values, nulls included."""
    bytes: int
    """How many bytes before they were packed; a value that stands in many rows may be stored once, so there may be more."""
    largest: int
    """Those of the largest part of a column, at least 1."""


def parquet_size(path: Path, file: str) -> ParquetSize:
    """Return how much a Parquet file holds.

    Parameters
    ----------
    path : Path
        The file.
    file : str
        Name for messages.

    Returns
    -------
    ParquetSize

    Raises
    ------
    FormatError
        If its footer or the head of a page cannot be read.
    OSError
        If the file cannot be read.
    """
    values, sizes, pages = 0, [1], 0
    with path.open("rb") as opened:
        try:
            footer = _Compact(_footer(opened)).struct(_DEEP)
            for chunk in (chunk[_ABOUT] for group in footer[_GROUPS] for chunk in group[_COLUMNS]):
                found = list(_pages(opened, chunk, _MOST_PAGES - pages))
                pages += len(found)
                values += max(chunk[_VALUES], sum(count for count, _ in found))
                sizes.append(sum(size for _, size in found))
            return ParquetSize(max(values, footer[_ROWS]), sum(sizes), max(sizes))
        except (AttributeError, LookupError, TypeError, ValueError):
            hint = "write it anew, in fewer parts where it has very many columns"
            raise FormatError("not Parquet that can be read: what it says of its parts is damaged or very much", file, hint=hint) from None


def _footer(opened: IO[bytes]) -> bytes:
    end = opened.seek(0, 2)
    opened.seek(max(end - 8, 0))
    size = int.from_bytes(opened.read(4), "little")
    if opened.read(4) != b"PAR1" or size > min(end - 8, _MOST_FOOTER):
        raise ValueError
    opened.seek(end - 8 - size)
    return opened.read(size)


def _pages(opened: IO[bytes], chunk: dict[int, Any], most: int) -> Iterator[tuple[int, int]]:
    """Yield how many values each page of a part of a column holds, and how many bytes it is unpacked."""
    place = chunk[_DATA] if not 0 < chunk.get(_WORDS, 0) < chunk[_DATA] else chunk[_WORDS]
    end = place + chunk[_PACKED]
    while place < end:
        opened.seek(place)
        head = _Compact(opened.read(min(_MOST_HEAD, end - place)))
        page = head.struct(_DEEP)
        place += head.place + page[_PAGE_PACKED]
        most -= 1
        if most < 0 or min(page[_PAGE_PACKED], page[_PAGE_BYTES]) < 0:
            raise ValueError
        yield sum(page[kind][_PAGE_VALUES] for kind in _PAGE_KINDS if kind in page), page[_PAGE_BYTES]


class _Compact:
    """Reads Thrift's compact form: a structure is its fields by their numbers, a list its items."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self.place = 0

    def struct(self, deep: int) -> dict[int, Any]:
        found: dict[int, Any] = {}
        field = 0
        while head := self._take(1)[0]:
            field = field + (head >> 4) if head >> 4 else self._number()
            kind = head & 15
            found[field] = kind == _TRUE if kind in (_TRUE, _FALSE) else self._value(kind, deep)
        return found

    def _value(self, kind: int, deep: int) -> Any:
        if not deep:
            raise ValueError
        if kind in (_TRUE, _FALSE, _BYTE):
            return self._take(1)[0]
        if kind == _DOUBLE:
            return self._take(8)
        if kind == _BINARY:
            return self._take(self._varint())
        if kind == _STRUCT:
            return self.struct(deep - 1)
        if kind in (_LIST, _SET):
            head = self._take(1)[0]
            count = self._varint() if head >> 4 == 15 else head >> 4
            return [self._value(head & 15, deep - 1) for _ in range(count)]
        if kind == _MAP:
            raise ValueError
        return self._number()

    def _number(self) -> int:
        value = self._varint()
        return value >> 1 ^ -(value & 1)

    def _varint(self) -> int:
        value = 0
        for shift in range(0, 70, 7):
            byte = self._take(1)[0]
            value |= (byte & 127) << shift
            if byte < 128:
                return value
        raise ValueError

    def _take(self, count: int) -> bytes:
        taken = self._raw[self.place : self.place + count]
        if len(taken) < count:
            raise IndexError
        self.place += count
        return taken
