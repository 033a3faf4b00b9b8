"""Tables as objects: CSV by its header, and Parquet through pyarrow. An empty cell and a null are keys that are not there."""

from __future__ import annotations

import csv
import datetime
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from criterial.errors import FormatError, MissingExtra

__all__ = ["RISKY", "csv_rows", "parquet_rows"]

_CELL = 1 << 26
_BATCH = 64
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
        If a row has another number of cells than the header, or a quote is not closed.
    """
    rows = iter(_records(text, file, delimiter))
    start, header = next(rows, (1, []))
    header = [name.strip() for name in header]
    _check_header(header, file, start)
    for line, cells in rows:
        if len(cells) != len(header):
            raise FormatError(f"expected {len(header)} cells, one a column, found {len(cells)}", file, line)
        yield line, {name: _cell(cell) for name, cell in zip(header, cells, strict=True) if cell.strip()}


def _records(text: str, file: str, delimiter: str) -> list[tuple[int, list[str]]]:
    """Return the rows that are not blank. Read at once, as the limit on the size of a cell holds for the whole process."""
    found: list[tuple[int, list[str]]] = []
    before, line = csv.field_size_limit(_CELL), 1
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        for cells in reader:
            if any(cell.strip() for cell in cells):
                found.append((line, cells))
            line = reader.line_num + 1
    except csv.Error as error:
        raise FormatError(f"not a table: {error}", file, line, hint="write a quote inside a quoted cell twice") from None
    finally:
        csv.field_size_limit(before)
    return found


def _check_header(header: list[str], file: str, line: int) -> None:
    for name in header:
        if not name:
            raise FormatError("a column has no name", file, line, hint="the first line names the columns")
        if header.count(name) > 1:
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
            held = sum(opened.metadata.row_group(i).total_byte_size for i in range(opened.metadata.num_row_groups))
            if held > most:
                raise FormatError(f"larger than {most >> 20} MB uncompressed", file)
            for batch in opened.iter_batches(_BATCH):
                for row in batch.to_pylist():
                    yield _present(row)
    except (pa.ArrowException, OSError) as error:
        raise FormatError(f"not Parquet that can be read: {error}"[:300], file) from None


def _present(value: Any) -> Any:
    """Return a value without the keys that hold null, which Parquet cannot tell from keys that are not there."""
    if isinstance(value, dict):
        return {key: _present(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_present(item) for item in value]
    return value.isoformat() if isinstance(value, (datetime.date, datetime.time)) else value
