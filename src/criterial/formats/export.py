"""Verdicts out: JSON lines that `criterial score --verdicts` reads back, CSV for spreadsheets, Parquet for everything else."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from criterial.core.scale import credit_of
from criterial.core.table import VerdictTable
from criterial.errors import ConfigError, FormatError
from criterial.formats.native import verdict_to_dict
from criterial.formats.rows import RISKY
from criterial.formats.verdict_columns import COLUMNS, arrow_of

__all__ = ["export_verdicts", "exported_row"]


def export_verdicts(table: VerdictTable, path: str | Path) -> int:
    """Write every verdict of a table to a file, by its ending as JSON lines, CSV or Parquet.

    Parameters
    ----------
    table : VerdictTable
        The verdicts.
    path : str or Path
        ``.jsonl``, ``.csv`` or ``.parquet``.

    Returns
    -------
    int
        How many were written.

    Raises
    ------
    ConfigError
        If the ending is none of these.
    MissingExtra
        If Parquet is asked for without pyarrow.
    """
    path = Path(path)
    writers = {".jsonl": _jsonl, ".csv": _csv, ".parquet": _parquet}
    if path.suffix.lower() not in writers:
        raise ConfigError(f"{path.name}: verdicts are written as .jsonl, .csv or .parquet")
    path.parent.mkdir(parents=True, exist_ok=True)
    return writers[path.suffix.lower()](table, path)


def _rows(table: VerdictTable) -> Iterator[dict[str, Any]]:
    criteria = [{c.id: c for c in r.criteria} for r in table.rubrics]
    rows = {(table.tasks[t], r): i for i, (t, r) in enumerate(zip(table.task_R, table.responses, strict=True))}
    for verdict in table.verdicts():
        row = rows[verdict.task, verdict.response]
        criterion = criteria[table.rubric_R[row]][verdict.criterion]
        told = verdict_to_dict(verdict, criterion)
        yield {
            **told,
            "system": table.systems[row],
            "state": verdict.state.name.lower(),
            "credit": None if verdict.value is None else credit_of(criterion.scale, verdict.value),
        }


def _jsonl(table: VerdictTable, path: Path) -> int:
    rows = list(_rows(table))
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            told = {k: v for k, v in row.items() if k not in ("system", "credit")}
            file.write(json.dumps(told, ensure_ascii=False) + "\n")
    return len(rows)


def _csv(table: VerdictTable, path: Path) -> int:
    rows = list(_rows(table))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows([_cell(row.get(c)) for c in COLUMNS] for row in rows)
    return len(rows)


def _cell(value: Any) -> Any:
    """Return a value that no spreadsheet takes for a formula."""
    if isinstance(value, list):
        return " ".join(f"{v:.4g}" for v in value)
    if isinstance(value, str) and value.startswith(RISKY):
        return f"'{value}"
    return value


def _parquet(table: VerdictTable, path: Path) -> int:
    made = arrow_of(table)
    import pyarrow.parquet as pq

    pq.write_table(made, path)
    return len(made)


def exported_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a verdict from a row of a table, whose cells may all be texts.

    Parameters
    ----------
    row : mapping
        Cells by column, as `export_verdicts` writes them.

    Returns
    -------
    dict
        As a line of verdicts has it.

    Raises
    ------
    FormatError
        If a repeat is no whole number, or a probability no number.
    """
    told = {key: value for key, value in row.items() if key not in ("system", "credit")}
    for key, read in (("repeat", int), ("probs", lambda cell: [float(p) for p in cell.split()]), ("calibrated", _truth)):
        if isinstance(told.get(key), str):
            try:
                told[key] = read(told[key])
            except (ValueError, KeyError):
                raise FormatError(f"{told[key][:40]!r} is no {key}", path=key) from None
    return told


def _truth(cell: str) -> bool:
    return {"true": True, "false": False}[cell.strip().lower()]
