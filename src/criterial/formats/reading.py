"""Reading files that may be broken or hostile: bounded, strict, and with file and line in every error.

What a plain loader would let through is refused: duplicate keys (the last would win silently), NaN and infinity, numbers beyond
64 bits, nesting without end, NUL and lone surrogates in texts, and in YAML everything but plain data.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar, cast

from criterial.errors import FormatError
from criterial.formats.json_text import json_line, parse_json, parse_lines
from criterial.formats.media import Sources
from criterial.formats.rows import csv_rows, parquet_rows
from criterial.formats.strict import check_values, decode, kind_of, steps_of
from criterial.formats.toml_text import parse_toml
from criterial.formats.yaml_text import parse_yaml, yaml_line

if TYPE_CHECKING:
    from criterial.formats.fetching import Fetcher

__all__ = ["MOST_BYTES", "Document", "Place", "parse_json"]

MOST_BYTES = 1 << 31
"""The most that a file may hold, uncompressed."""
_MOST_DOCUMENT = 1 << 28
_MOST_LINE = 1 << 26
_BLOCK = 1 << 20
_MOST_SLOW = 4 << 20
_TABLES = {".csv": ",", ".tsv": "\t", ".parquet": ""}
_SUFFIXES = (".jsonl", ".json", ".toml", ".yaml", ".yml", ".feature", *_TABLES)
_UNFORESEEN = (AttributeError, TypeError, LookupError, ValueError, ArithmeticError)

T = TypeVar("T")


@dataclass(frozen=True)
class Place:
    """Where a value stands in its file, for all that is wrong within it."""

    document: Document
    """The file."""
    line: int | None = None
    """The 1-based line on which it begins, where that is known beforehand."""
    steps: tuple[str | int, ...] = ()
    """Keys and indices that lead to it from the top."""

    @contextmanager
    def told(self) -> Iterator[None]:
        """Give every fault within file and line; what no reader foresaw becomes one too.

        Raises
        ------
        FormatError
            In place of any other error of the values' types.
        """
        try:
            yield
        except RecursionError:
            raise self._located(FormatError("nested too deeply")) from None
        except FormatError as error:
            raise self._located(error) from None
        except _UNFORESEEN as error:
            raise self._located(FormatError(f"a value of the wrong type or form: {error}"[:200])) from error

    def _located(self, error: FormatError) -> FormatError:
        if error.file or error.line is not None:
            return error.located(self.document.name)
        line = self.document.line_of([*self.steps, *steps_of(error.path)])
        return error.located(self.document.name, self.line if line is None else line)


class Document:
    """One file, read as JSON, JSON lines, TOML, YAML or a table by its name (``.gz`` on top of any), or by its first bytes.

    A table (CSV, TSV or Parquet) holds an object a row; of Parquet, the number of a row stands for its line. A Gherkin file is one
    object that holds its text.

    Parameters
    ----------
    path : str or Path
        The file.
    fetcher : Fetcher, optional
        Fetches what the file gives by its URL; without it nothing is fetched.

    Raises
    ------
    FormatError
        If there is no such file.
    """

    def __init__(self, path: str | Path, fetcher: Fetcher | None = None) -> None:
        self.path = Path(path)
        self.sources = Sources(self.path.parent, fetcher)
        self.name = str(path)
        try:
            known = self.path.exists()
        except OSError as error:
            raise FormatError(f"no file can have this name: {error.strerror}", self.name[:200], hint="check the path") from None
        if not known:
            raise FormatError("there is no such file", self.name, hint="check the path")
        inner = self.path.with_suffix("") if self.path.suffix == ".gz" else self.path
        self.stem = inner.with_suffix("").name if inner.suffix in _SUFFIXES else inner.name
        self._suffix = inner.suffix.lower()

    @property
    def is_table(self) -> bool:
        """Whether the file is CSV, TSV or Parquet."""
        return self._suffix in _TABLES

    @cached_property
    def is_lines(self) -> bool:
        """Whether the file is JSON lines."""
        if self.path.is_dir():
            return False
        return self._suffix == ".jsonl" or (self._suffix not in _SUFFIXES and self._looks_like_lines())

    def files(self) -> list[Document]:
        """Return the data files of a folder, in the order of their names.

        Returns
        -------
        list of Document
        """
        listed = (Document(p, self.sources.fetcher) for p in sorted(self.path.iterdir()) if p.is_file())
        return [d for d in listed if d._suffix in _SUFFIXES]

    def objects(self) -> Iterator[tuple[Place, dict[str, Any]]]:
        """Yield the file's objects, one a line of JSON lines, one a row, one an item of a list, or the whole file as one.

        Yields
        ------
        tuple of (Place, dict)
            Where the object stands, and the object.

        Raises
        ------
        FormatError
            At the first fault.
        """
        if self.is_lines:
            yield from self._lines()
            return
        if self.is_table:
            yield from self._rows()
            return
        value = self.whole()
        listed = isinstance(value, list)
        for number, item in enumerate(value if listed else [value]):
            steps = (number,) if listed else ()
            if not isinstance(item, dict):
                path = f"[{number}]" if listed else ""
                raise FormatError(f"expected an object, found {kind_of(item)}", self.name, self.line_of([*steps]) or 1, path)
            yield Place(self, None if listed else 1, steps), item

    def each(self, make: Callable[[dict[str, Any]], T]) -> Iterator[T]:
        """Yield what is made of each object; every fault is told with file and line.

        Parameters
        ----------
        make : callable
            From an object to what it becomes.

        Yields
        ------
        object
            What was made.

        Raises
        ------
        FormatError
            At the first fault.
        """
        for place, item in self.objects():
            with place.told():
                made = make(item)
            yield made

    @cached_property
    def first(self) -> dict[str, Any]:
        """The first object, by which a format is recognised; empty where there is none."""
        return next(iter(self.objects()), (None, {}))[1]

    def whole(self) -> Any:
        """Return the whole file as one value.

        Returns
        -------
        Any
            Dicts, lists and scalars.

        Raises
        ------
        FormatError
            If it cannot be read.
        """
        if self._suffix in (".yaml", ".yml"):
            return parse_yaml(self._text(_MOST_SLOW), self.name)
        if self._suffix == ".toml":
            return parse_toml(self._text(_MOST_SLOW), self.name)
        if self._suffix == ".feature":
            return {"gherkin": self._text(_MOST_SLOW)}
        if self.is_table:
            return [row for _, row in self._rows()]
        return parse_json(self._text(_MOST_DOCUMENT), self.name)

    def line_of(self, steps: list[str | int]) -> int | None:
        """Return the line on which a value begins, or what is nearest above it where it is not there.

        Parameters
        ----------
        steps : list of str or int
            Keys and indices from the top.

        Returns
        -------
        int or None
            None where the file is no plain document of JSON or YAML.
        """
        if not steps or self.path.is_dir():
            return None
        if self._suffix in (".yaml", ".yml"):
            return yaml_line(self._text(_MOST_SLOW), steps)
        return json_line(self._text(_MOST_DOCUMENT), steps) if self._suffix == ".json" else None

    def _open(self) -> IO[bytes]:
        try:
            return cast(IO[bytes], gzip.open(self.path)) if self.path.suffix == ".gz" else self.path.open("rb")
        except OSError as error:
            raise FormatError(f"cannot be opened: {error.strerror or error}", self.name) from error

    def _read(self, file: IO[bytes], size: int) -> bytes:
        try:
            return file.read(size)
        except (OSError, EOFError, zlib.error) as error:
            raise FormatError(f"cannot be read: {error}", self.name, hint="the file may be cut off or not be gzip") from error

    def _text(self, most: int) -> str:
        with self._open() as file:
            raw = self._read(file, most + 1)
        if len(raw) > most:
            raise FormatError(
                f"larger than {most >> 20} MB", self.name, hint="write one JSON object a line (.jsonl): lines are read one by one"
            )
        return decode(raw, self.name)

    def _looks_like_lines(self) -> bool:
        with self._open() as file:
            head = self._read(file, 1 << 16).lstrip()
        first, _, rest = head.partition(b"\n")
        return first.startswith(b"{") and first.rstrip().endswith(b"}") and rest.lstrip()[:1] in (b"", b"{")

    def _rows(self) -> Iterator[tuple[Place, dict[str, Any]]]:
        if self._suffix != ".parquet":
            for line, row in csv_rows(self._text(_MOST_DOCUMENT), self.name, _TABLES[self._suffix]):
                yield Place(self, line), row
            return
        for number, row in enumerate(parquet_rows(self.path, self.name, MOST_BYTES), 1):
            place = Place(self, number)
            with place.told():
                check_values(row)
            yield place, row

    def batches(self) -> Iterator[list[dict[str, Any]]]:
        """Yield the objects of JSON lines, many at a time, which is faster than `objects` where their places do not matter.

        Yields
        ------
        list of dict

        Raises
        ------
        FormatError
            At the first fault.
        """
        for number, block in self._blocks():
            try:
                at_once = parse_lines(block.decode("utf-8"))
            except UnicodeDecodeError:
                at_once = None
            yield [item for _, item in self._objects_of(number, block)] if at_once is None else at_once

    def _lines(self) -> Iterator[tuple[Place, dict[str, Any]]]:
        for number, block in self._blocks():
            yield from self._objects_of(number, block)

    def _objects_of(self, first: int, block: bytes) -> Iterator[tuple[Place, dict[str, Any]]]:
        for number, raw in enumerate(block.split(b"\n"), first):
            if raw.strip():
                yield Place(self, number), self._object(number, raw)

    def _object(self, number: int, raw: bytes) -> dict[str, Any]:
        value = parse_json(decode(raw, self.name, number), self.name, number)
        if not isinstance(value, dict):
            raise FormatError(f"expected an object, found {kind_of(value)}", self.name, number, hint="one JSON object a line")
        return value

    def _blocks(self) -> Iterator[tuple[int, bytes]]:
        """Yield the file in blocks of whole lines, each with the number of its first."""
        number, total, rest = 1, 0, bytearray()
        with self._open() as file:
            while part := self._read(file, _BLOCK):
                total += len(part)
                whole, ended, left = part.rpartition(b"\n")
                if len(rest) + len(part) > _MOST_LINE or total > MOST_BYTES:
                    raise FormatError(f"a line over {_MOST_LINE >> 20} MB, or a file over {MOST_BYTES >> 30} GB", self.name, number)
                if ended:
                    yield number, bytes(rest + whole)
                    number += whole.count(b"\n") + 1
                    rest = bytearray(left)
                else:
                    rest += part
        if rest:
            yield number, bytes(rest)
