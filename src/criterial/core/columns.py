"""Verdicts in columns: the table of a million of them at once, where `criterial.core.builder.table_of` takes one after another.

Ids, words and values repeat, so each column is kept as its distinct values and a code a verdict; what is looked up, parsed or checked
is the distinct values, or the distinct pairs of two columns.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from criterial.core.builder import Addresses, CellValues, TableBuilder, homes_of
from criterial.core.scale import levels_of, parse_value
from criterial.core.table import CAUSE_CODES, CHECK, Layer, VerdictTable
from criterial.core.task import Case
from criterial.core.verdict import State
from criterial.errors import TableError

__all__ = ["VerdictColumns", "Words", "table_of_columns"]

Codes = NDArray[np.int64]
Key = tuple[str, int]
_STATES = {s.name.lower(): s for s in State if s != State.ABSENT}
_CAUSE = {cause: code for code, cause in enumerate(CAUSE_CODES)}
_CAUSE_OF_STATE = {State.ABSTAINED: "cannot_assess", State.FAILED: "missing"}
_TOLERANCE = 1e-3


class Words:
    """A column of values that repeat: the distinct ones, and which of them each verdict has."""

    def __init__(self) -> None:
        self._places: dict[Any, int] = {}
        self._codes = array("q")

    def extend(self, values: Sequence[Any]) -> None:
        """Add values at the end.

        Parameters
        ----------
        values : sequence
            Hashable.
        """
        for value in dict.fromkeys(values):
            self._places.setdefault(value, len(self._places))
        self._codes.extend(map(self._places.__getitem__, values))

    def extend_coded(self, codes: Codes, values: Sequence[Any]) -> None:
        """Add values that are coded already.

        Parameters
        ----------
        codes : (V,) int
            Indices into values.
        values : sequence
            Distinct.
        """
        here = np.array([self._places.setdefault(v, len(self._places)) for v in values], dtype=np.int64)
        self._codes.frombytes(here[codes].tobytes())

    @property
    def values(self) -> list[Any]:
        """The distinct values, in the order in which they came."""
        return list(self._places)

    @property
    def code_V(self) -> Codes:
        """Which of them each verdict has."""
        return np.frombuffer(self._codes, dtype=np.int64) if len(self._codes) else np.zeros(0, dtype=np.int64)


@dataclass(frozen=True)
class VerdictColumns:
    """Verdicts in columns, as files have them; None stands for what is not said."""

    task: Words
    """Id of the task."""
    response: Words
    """Id of the response."""
    criterion: Words
    """Id of the criterion."""
    judge: Words
    """Who judged."""
    repeat: Words
    """Which repeat."""
    state: Words
    """``decided``, ``abstained``, ``not_applicable`` or ``failed``."""
    value: Words
    """The value with its type, as (type, value), so that ``True`` and ``1`` stay two; `criterial.core.scale.parse_value` reads it."""
    cause: Words
    """Why there is no value."""
    calibrated: Words
    """Whether the judge was calibrated."""
    probs: Sequence[float] | NDArray[np.float64]
    """The probabilities of all verdicts, one after another."""
    probs_V: Sequence[int] | Codes
    """How many of them each verdict has."""
    reasons: Sequence[str]
    """The reason of each; empty where nothing was said."""


def table_of_columns(cases: Sequence[Case], columns: VerdictColumns, layers: Sequence[Layer] | None = None) -> VerdictTable | None:
    """Return the table of verdicts in columns, the same as `criterial.core.builder.table_of` makes of them one by one.

    Parameters
    ----------
    cases : sequence of Case
        What they are about.
    columns : VerdictColumns
        The verdicts.
    layers : sequence of Layer, optional
        The table's layers, where they are known; what checks gave then lies in all those of its repeat.

    Returns
    -------
    VerdictTable or None
        None where anything in them is not as it must be: read them one by one, and the fault is told with its place.
    """
    try:
        return _table(cases, columns, layers)
    except (TableError, LookupError, TypeError):
        return None


def _table(cases: Sequence[Case], columns: VerdictColumns, layers: Sequence[Layer] | None) -> VerdictTable:
    known, empty = Addresses(cases), TableBuilder(cases, [Layer("")]).build()
    row_V = _looked_up(lambda task, response: known.row(task or "", response), _coded(columns.task), _coded(columns.response))
    indices = [rubric.index for rubric in empty.rubrics]
    place_V = _looked_up(lambda index, criterion: index[criterion], (empty.rubric_R[row_V], indices), _coded(columns.criterion))
    cell_V = empty.start_R[row_V] + place_V
    keys: dict[Key, int] = {}
    layer_V = _looked_up(
        lambda judge, repeat: keys.setdefault((judge or "", repeat or 0), len(keys)), _coded(columns.judge), _coded(columns.repeat)
    )
    values = _values(empty, cell_V, columns)
    _need(len(np.unique(layer_V * empty.row_N.size + cell_V)) == len(cell_V))
    at = {key: np.flatnonzero(layer_V == k) for key, k in keys.items()}
    homes, kept = _layers(at, cell_V, columns) if layers is None else _layers_given(at, layers)
    builder = TableBuilder(cases, kept or [Layer("")])
    for key, at_V in at.items():
        state, value, cause, probs = (v[at_V] for v in values)
        part = CellValues(state, value, cause, probs, key[0] == CHECK, [columns.reasons[i] for i in at_V.tolist()])
        for home in homes[key]:
            builder.put_cells(home, cell_V[at_V], part)
    return builder.build()


def _layers(at: Mapping[Key, Codes], cell_V: Codes, columns: VerdictColumns) -> tuple[dict[Key, list[int]], list[Layer]]:
    """Return where the verdicts of each judge and repeat lie, and the layers, as verdicts from elsewhere make them."""
    checks = any(judge == CHECK for judge, _ in at)
    homes = homes_of({key: set(cell_V[at_V].tolist()) if checks else set() for key, at_V in at.items()})
    kept = sorted(set(chain.from_iterable(homes.values())))
    said = {key: columns.calibrated.values[columns.calibrated.code_V[at_V[0]]] for key, at_V in at.items()}
    return {key: [kept.index(h) for h in homes[key]] for key in at}, [Layer(*key, calibrated=said[key] is not False) for key in kept]


def _layers_given(at: Mapping[Key, Codes], layers: Sequence[Layer]) -> tuple[dict[Key, list[int]], list[Layer]]:
    def fits(key: Key, layer: Layer) -> bool:
        return layer.repeat == key[1] and key[0] in (CHECK, layer.judge)

    return {key: [i for i, layer in enumerate(layers) if fits(key, layer)] for key in at}, list(layers)


def _values(empty: VerdictTable, cell_V: Codes, columns: VerdictColumns) -> tuple[NDArray[Any], ...]:
    """Return state, value, cause and probabilities of each verdict, checked."""
    criterion_V = empty.column_N[cell_V]
    scales = [c.scale for c in empty.criteria]
    told = _coded(columns.value)
    value_V = _looked_up(lambda scale, raw: 0.0 if raw is None else parse_value(scale, raw[1]), (criterion_V, scales), told)
    state_V = _looked_up(_state, _coded(columns.state), told)
    cause_V = _looked_up(_cause, _coded(columns.cause), (state_V.astype(np.int64), list(State)))
    levels_C = np.array([len(levels_of(s)) for s in scales], dtype=np.int64)
    probs_VK = _probabilities(columns, levels_C[criterion_V], int(levels_C.max(initial=0)))
    return state_V.astype(np.uint8), value_V.astype(np.float64), cause_V.astype(np.uint8), probs_VK


def _state(said: str | None, value: object) -> int:
    state = _STATES[said or ("failed" if value is None else "decided")]
    _need((state == State.DECIDED) == (value is not None))
    return int(state)


def _cause(said: str | None, state: State) -> int:
    return _CAUSE[_CAUSE_OF_STATE.get(state, "") if said is None else said]


def _probabilities(columns: VerdictColumns, levels_V: Codes, most: int) -> NDArray[np.float32]:
    counts_V = np.asarray(columns.probs_V, dtype=np.int64)
    given = np.asarray(columns.probs, dtype=np.float64)
    has_V = counts_V > 0
    _need(bool((counts_V == levels_V)[has_V].all()) and bool(np.isfinite(given).all()) and float(given.min(initial=0.0)) >= 0.0)
    out = np.zeros((len(counts_V), most))
    out[has_V[:, None] & (np.arange(most) < counts_V[:, None])] = given
    _need(bool((np.abs(out[has_V].sum(axis=1) - 1.0) <= _TOLERANCE).all()))
    return out.astype(np.float32)


def _coded(column: Words) -> tuple[Codes, list[Any]]:
    return column.code_V, column.values


def _looked_up(look: Callable[[Any, Any], float], *coded: tuple[Codes, Sequence[Any]]) -> NDArray[Any]:
    """Return what a function says of each verdict's pair of values, asked once a distinct pair."""
    (one_V, ones), (two_V, twos) = coded
    pairs, pair_V = np.unique(one_V * max(len(twos), 1) + two_V, return_inverse=True)
    found = [look(ones[p // len(twos)], twos[p % len(twos)]) for p in pairs.tolist()]
    return np.array(found, dtype=np.float64 if any(isinstance(f, float) for f in found) else np.int64)[pair_V]


def _need(sound: bool) -> None:
    if not sound:
        raise TableError("read these verdicts one by one")
