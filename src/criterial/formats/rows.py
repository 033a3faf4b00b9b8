"""Tables as objects: CSV by its header, and Parquet through pyarrow. An empty cell and a null are keys that are not there."""

from __future__ import annotations

import csv
import datetime
import io
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from criterial.errors import FormatError, MissingExtra
from criterial.formats.parquet_size import parquet_size

__all__ = ["MOST_VALUES", "RISKY", "csv_rows", "parquet_rows"]

_CELL = 1 << 26
_BATCH = 64
_MOST_BATCH = 1 << 26
_MOST_COLUMNS = 10_000
MOST_VALUES = 100_000_000
"""The most values that a Parquet file may hold: those that are alike take no room in it."""
RISKY = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula."""


def csv_rows(text: str, file: str, delimiter: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the rows of a table in text, each with the line on which it begins.

    Parameters
    ----------
    text : str
        The file.
    file : str
        Name for messages.
    delimiter : str
        What stands between cells.

    Yields
    ------
    tuple of (int, dict)
        Line and cells by column; all cells are texts.

    Raises
    ------
    FormatError
        If a row has another number of cells than the header, a quote is not closed, or there are very many columns.
    """
    rows = _records(text, file, delimiter)
    start, header = next(rows, (1, []))
    header = [name.strip() for name in header]
    _check_header(header, file, start)
    for line, cells in rows:
        if len(cells) != len(header):
            raise FormatError(f"expected {len(header)} cells, one a column, found {len(cells)}", file, line)
        yield line, {name: _cell(cell) for name, cell in zip(header, cells, strict=True) if cell.strip()}


def _records(text: str, file: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that are not blank, each with its line."""
    lines = io.TextIOWrapper(io.BytesIO(text.encode()), encoding="utf-8", newline="")
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    line = 1
    while (cells := _next(reader, file, line)) is not None:
        if any(cell.strip() for cell in cells):
            yield line, cells
        line = reader.line_num + 1


def _next(reader: Iterator[list[str]], file: str, line: int) -> list[str] | None:
    """Return the next row, or None behind the last; the limit on the size of a cell holds for the whole process, so not for longer."""
    before = csv.field_size_limit(_CELL)
    try:
        return next(reader, None)
    except csv.Error as error:
        raise FormatError(f"not a table: {error}", file, line, hint="write a quote inside a quoted cell twice") from None
    finally:
        csv.field_size_limit(before)


def _check_header(header: list[str], file: str, line: int) -> None:
    if len(header) > _MOST_COLUMNS:
        raise FormatError(f"{len(header)} columns; {_MOST_COLUMNS} are the most", file, line, hint="write a row for each of them")
    for name, count in Counter(header).items():
        if not name:
            raise FormatError("a column has no name", file, line, hint="the first line names the columns")
        if count > 1:
            raise FormatError(f"two columns are called {name!r}", file, line)


def _cell(cell: str) -> str:
    """Return a cell without the quote that our CSV, as others, puts before what a spreadsheet would take for a formula."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(RISKY) else cell


def parquet_rows(path: Path, file: str, most: int) -> Iterator[dict[str, Any]]:
    """Yield the rows of a Parquet file; dates become texts.

    Parameters
    ----------
    path : Path
        The file.
    file : str
        Name for messages.
    most : int
        The most bytes that it may hold uncompressed.

    Yields
    ------
    dict
        Values by column.

    Raises
    ------
    FormatError
        If it cannot be read, or is too large.
    MissingExtra
        If pyarrow is not installed.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise MissingExtra("pyarrow", "parquet", "reading Parquet") from error
    try:
        with pq.ParquetFile(path) as opened:
            _check_header(list(opened.schema_arrow.names), file, 1)
            size = parquet_size(path, file)
            if size.bytes > most or size.values > MOST_VALUES:
                raise _too_large(most, file)
            read = 0
            for batch in opened.iter_batches(max(1, min(_BATCH, _MOST_BATCH // size.largest))):
                read += batch.nbytes
                if read > most:
                    raise _too_large(most, file)
                for row in batch.to_pylist():
                    yield _present(row)
    except FormatError:
        raise
    except (pa.ArrowException, OSError, ValueError, ArithmeticError) as error:  # names that are no UTF-8, dates that no calendar has
        raise FormatError(f"not Parquet that can be read: {error}"[:300], file) from None


def _too_large(most: int, file: str) -> FormatError:
    hint = "write it as several files"
    return FormatError(f"larger than {most >> 20} MB uncompressed, or than {MOST_VALUES // 10**6} million values", file, hint=hint)


def _present(value: Any) -> Any:
    """Return a value without the keys that hold null, which Parquet cannot tell from keys that are not there."""
    if isinstance(value, dict):
        return {key: _present(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_present(item) for item in value]
    return value.isoformat() if isinstance(value, (datetime.date, datetime.time)) else value
