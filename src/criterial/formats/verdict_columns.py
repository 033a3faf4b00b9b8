"""Verdicts in columns, from JSON lines and from Parquet, and a table's verdicts as Parquet has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from criterial.core.columns import VerdictColumns, Words
from criterial.core.scale import credit_of, levels_of
from criterial.core.table import CAUSE_CODES, CHECK, VerdictTable
from criterial.core.verdict import State
from criterial.errors import FormatError, MissingExtra
from criterial.formats.native import told_value
from criterial.formats.parquet_size import parquet_size
from criterial.formats.reading import MOST_BYTES, Document
from criterial.formats.rows import MOST_VALUES

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["COLUMNS", "arrow_of", "columns_of_arrow", "columns_of_lines", "columns_of_parquet"]

COLUMNS = (
    "task",
    "response",
    "system",
    "criterion",
    "judge",
    "repeat",
    "state",
    "value",
    "credit",
    "probs",
    "reason",
    "cause",
    "calibrated",
)
"""The columns of a table of verdicts."""
_TEXTS = ("task", "response", "criterion", "judge", "state", "cause")
_WORDS = (*_TEXTS, "repeat", "value", "calibrated")
_REPEATED = {*_TEXTS, "value", "reason"}
_KNOWN = {*_WORDS, "probs", "reason"}


def columns_of_lines(document: Document) -> VerdictColumns | None:
    """Return the verdicts of a file of JSON lines.

    Parameters
    ----------
    document : Document
        The file.

    Returns
    -------
    VerdictColumns or None
        None where a line is not plainly a verdict: read them one by one, and the first fault is told.
    """
    try:
        return _columns_of_lines(document)
    except FormatError:
        return None


def _columns_of_lines(document: Document) -> VerdictColumns | None:
    words = {name: Words() for name in _WORDS}
    probs: list[float] = []
    probs_V: list[int] = []
    reasons: list[str] = []
    for part in document.batches():
        columns = _said(part)
        if columns is None or not _plain(columns):
            return None
        columns["value"] = [None if v is None else (type(v), v) for v in columns["value"]]
        for name in _WORDS:
            words[name].extend(columns[name])
        lists = [p or () for p in columns["probs"]]
        probs_V += map(len, lists)
        probs += chain.from_iterable(lists)
        reasons += [r or "" for r in columns["reason"]]
    if not set(map(type, probs)) <= {int, float}:
        return None
    return VerdictColumns(**words, probs=probs, probs_V=probs_V, reasons=reasons)


def _said(part: Sequence[Mapping[str, Any]]) -> dict[str, Sequence[Any]] | None:
    """Return the columns of these verdicts with None for what is not there; None if anything else is null, or is no column."""
    names = sorted(set().union(*part))
    if not set(names) <= _KNOWN:
        return None
    if len(names) > 1 and all(len(item) == len(names) for item in part):
        columns: dict[str, Sequence[Any]] = dict(zip(names, zip(*map(itemgetter(*names), part), strict=True), strict=True))
    else:
        columns = {name: [item.get(name) for item in part] for name in names}
    said = sum(len(values) - values.count(None) for name, values in columns.items() if name != "value")
    if sum(map(len, part)) != said + sum("value" in item for item in part):
        return None
    return {**dict.fromkeys(_KNOWN, (None,) * len(part)), **columns}


def _plain(columns: Mapping[str, Sequence[Any]]) -> bool:
    """Return whether every column holds what it should, so that nothing needs to be turned into something else."""
    some = {name: set(map(type, values)) - {type(None)} for name, values in columns.items()}
    return (
        all(some[name] <= {str} for name in (*_TEXTS, "reason"))
        and None not in columns["response"]
        and None not in columns["criterion"]
        and some["repeat"] <= {int}
        and all(r is None or r >= 0 for r in columns["repeat"])
        and some["calibrated"] <= {bool}
        and some["probs"] <= {list}
        and some["value"] <= {str, int, float, bool}
    )


def columns_of_parquet(path: Path) -> VerdictColumns | None:
    """Return the verdicts of a Parquet file with columns as `arrow_of` makes them.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    VerdictColumns or None
        None where it is not plainly such a file: read its rows one by one.

    Raises
    ------
    MissingExtra
        If pyarrow is not installed.
    """
    pa, pq = _pyarrow("reading Parquet")
    try:
        size, schema = parquet_size(path, ""), pq.read_schema(path)
        if size.bytes > MOST_BYTES or size.values > MOST_VALUES or not _is_plain_schema(schema):
            return None
        return columns_of_arrow(pq.read_table(path, read_dictionary=[n for n in schema.names if n in _REPEATED]))
    except (pa.ArrowException, OSError, ValueError):
        return None


def columns_of_arrow(table: pa.Table) -> VerdictColumns | None:
    """Return the verdicts of an Arrow table.

    Parameters
    ----------
    table : pyarrow.Table
        With columns as `arrow_of` makes them; those of them that a verdict can do without may be missing.

    Returns
    -------
    VerdictColumns or None
        None where a column is of another type or holds what it should not.
    """
    if not _is_plain_schema(table.schema):
        return None
    words = {name: _words(_column(table, name)) for name in _WORDS}
    values = words["value"]
    words["value"] = Words()
    words["value"].extend_coded(values.code_V, [None if v is None else (str, v) for v in values.values])
    reason_V, said = _coded(_column(table, "reason"))
    if not _sound(words, [*values.values, *said]):
        return None
    said = [r or "" for r in said]
    reasons = [said[r] for r in reason_V.tolist()]
    probs, probs_V = _probs(table)
    return VerdictColumns(**words, probs=probs, probs_V=probs_V, reasons=reasons)


def _sound(words: Mapping[str, Words], texts: Sequence[str | None]) -> bool:
    """Return whether columns from Arrow hold what they should: types are known, so no NUL, no id that is missing, no repeat below 0."""
    told = chain(texts, *(words[name].values for name in _TEXTS))
    needed = (*words["response"].values, *words["criterion"].values)
    return None not in needed and not any("\0" in t for t in told if t) and all(r is None or r >= 0 for r in words["repeat"].values)


def _is_plain_schema(schema: pa.Schema) -> bool:
    pa, _ = _pyarrow("reading Parquet")

    def is_text(kind: Any) -> bool:
        return bool(pa.types.is_string(kind.value_type if pa.types.is_dictionary(kind) else kind))

    fits = {
        **dict.fromkeys(_REPEATED, is_text),
        "repeat": pa.types.is_integer,
        "calibrated": pa.types.is_boolean,
        "probs": lambda kind: pa.types.is_list(kind) and pa.types.is_floating(kind.value_type),
    }
    needed = {"response", "criterion", "value"} <= set(schema.names) <= set(COLUMNS)
    return needed and all(fits[f.name](f.type) for f in schema if f.name in fits)


def _column(table: pa.Table, name: str) -> Any:
    pa, _ = _pyarrow("reading Parquet")
    return pa.nulls(len(table)) if name not in table.column_names else table.column(name).combine_chunks()


def _words(column: Any) -> Words:
    words = Words()
    words.extend_coded(*_coded(column))
    return words


def _coded(column: Any) -> tuple[NDArray[np.int64], list[Any]]:
    """Return which of its distinct values each row of a column has, and these, null among them."""
    pa, _ = _pyarrow("reading Parquet")
    coded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    values = coded.dictionary.to_pylist()
    code_V = coded.indices.fill_null(len(values)).to_numpy(zero_copy_only=False).astype(np.int64)
    return code_V, [*values, None] if coded.indices.null_count else values


def _probs(table: pa.Table) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    if "probs" not in table.column_names:
        return np.zeros(0), np.zeros(len(table), dtype=np.int64)
    column = _column(table, "probs")
    flat = column.flatten().to_numpy(zero_copy_only=False).astype(np.float64)
    return flat, np.nan_to_num(column.value_lengths().to_numpy(zero_copy_only=False)).astype(np.int64)


def arrow_of(table: VerdictTable) -> pa.Table:
    """Return a table's verdicts as an Arrow table with the columns `COLUMNS`, in the order of `VerdictTable.verdicts`.

    Parameters
    ----------
    table : VerdictTable
        The verdicts.

    Returns
    -------
    pyarrow.Table

    Raises
    ------
    MissingExtra
        If pyarrow is not installed.
    """
    pa, _ = _pyarrow("writing Parquet")
    layer_V, cell_V = _told_cells(table)
    row_V, column_V = table.row_N[cell_V], table.column_N[cell_V]
    checked_V = table.checked_LN[layer_V, cell_V]
    repeat_L = np.array([layer.repeat for layer in table.layers], dtype=np.int64)
    calibrated_L = np.array([layer.calibrated for layer in table.layers], dtype=np.bool_)
    judges = [*(layer.judge for layer in table.layers), CHECK]
    told, credit = _values(table, layer_V, cell_V)
    columns = {
        "task": _spread(table.tasks, table.task_R[row_V]),
        "response": _spread(table.responses, row_V),
        "system": _spread(table.systems, row_V),
        "criterion": _spread([c.id for c in table.criteria], column_V),
        "judge": _spread(judges, np.where(checked_V, len(table.layers), layer_V)),
        "repeat": pa.array(repeat_L[layer_V]),
        "state": _spread([s.name.lower() for s in State], table.state_LN[layer_V, cell_V]),
        "value": pa.array(told, type=pa.string()),
        "credit": pa.array(credit, type=pa.float64()),
        "probs": _probs_column(table, layer_V, cell_V),
        "reason": pa.array(_reasons(table, layer_V, cell_V), type=pa.string()),
        "cause": _spread([c or None for c in CAUSE_CODES], table.cause_LN[layer_V, cell_V]),
        "calibrated": pa.array(calibrated_L[layer_V] | checked_V),
    }
    return pa.table({name: columns[name] for name in COLUMNS})


def _told_cells(table: VerdictTable) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return layer and cell of every verdict; what a check gave stands once a repeat."""
    told: dict[int, NDArray[np.bool_]] = {}
    asked_LN = table.state_LN != State.ABSENT
    for at, layer in enumerate(table.layers):
        before_N = told.setdefault(layer.repeat, np.zeros(asked_LN.shape[1], dtype=np.bool_))
        asked_LN[at] &= ~(table.checked_LN[at] & before_N)
        before_N |= table.checked_LN[at]
    layer_V, cell_V = np.nonzero(asked_LN)
    return layer_V, cell_V


def _values(table: VerdictTable, layer_V: NDArray[np.int64], cell_V: NDArray[np.int64]) -> tuple[list[str | None], list[float | None]]:
    """Return each verdict's value in words and its credit, made once for each value of a criterion."""
    decided_V = table.state_LN[layer_V, cell_V] == State.DECIDED
    values, value_V = np.unique(table.value_LN[layer_V, cell_V], return_inverse=True)
    pairs, pair_V = np.unique(table.column_N[cell_V] * max(len(values), 1) + value_V, return_inverse=True)
    words: list[str | None] = [None] * (len(pairs) + 1)
    credits: list[float | None] = [None] * (len(pairs) + 1)
    for at in np.unique(pair_V[decided_V]).tolist():
        column, value = divmod(int(pairs[at]), len(values))
        criterion = table.criteria[column]
        words[at] = str(told_value(criterion, float(values[value])))
        credits[at] = credit_of(criterion.scale, float(values[value]))
    places = np.where(decided_V, pair_V, len(pairs)).tolist()
    return [words[p] for p in places], [credits[p] for p in places]


def _reasons(table: VerdictTable, layer_V: NDArray[np.int64], cell_V: NDArray[np.int64]) -> list[str | None]:
    if not table.reasons:
        return [None] * len(cell_V)
    return [table.reasons[layer][cell] or None for layer, cell in zip(layer_V.tolist(), cell_V.tolist(), strict=True)]


def _probs_column(table: VerdictTable, layer_V: NDArray[np.int64], cell_V: NDArray[np.int64]) -> Any:
    pa, _ = _pyarrow("writing Parquet")
    probs_VK = table.probs_LNK[layer_V, cell_V]
    has_V = probs_VK.any(axis=1)
    levels_C = np.array([len(levels_of(c.scale)) for c in table.criteria], dtype=np.int64)
    counts_V = np.where(has_V, levels_C[table.column_N[cell_V]], 0)
    flat = probs_VK[np.arange(probs_VK.shape[1]) < counts_V[:, None]].astype(np.float64)
    offsets = np.concatenate([[0], np.cumsum(counts_V)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(flat), mask=pa.array(~has_V))


def _spread(values: Sequence[str | None], code_V: NDArray[Any]) -> Any:
    """Return a column of texts from the distinct ones and which of them each verdict has."""
    pa, _ = _pyarrow("writing Parquet")
    return pa.array(list(values), type=pa.string()).take(pa.array(code_V.astype(np.int64)))


def _pyarrow(purpose: str) -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtra("pyarrow", "parquet", purpose) from error
    return pyarrow, pyarrow.parquet
