"""From a table to scores: each row by its own rubric's policy, with parts, and systems with intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from criterial.core.digest import canonical
from criterial.core.method import load
from criterial.core.rubric import Panel, Policy
from criterial.core.score import Part, Score
from criterial.core.table import VerdictTable
from criterial.score.cells import Cells, cells_of
from criterial.score.rows import Acted, PartScores, RowScores

__all__ = ["Scores", "score"]

ScoreMethod = Callable[..., RowScores]


@dataclass(frozen=True)
class Scores(Sequence[Score]):
    """The scores of a table's rows, as arrays and, item by item, as `Score`."""

    table: VerdictTable
    """What was scored."""
    cells: Cells
    """The pooled cells."""
    rows: RowScores
    """The numbers."""

    def __len__(self) -> int:
        return len(self.table.responses)

    def __iter__(self) -> Iterator[Score]:
        return (self.at(i) for i in range(len(self)))

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self.at(i) for i in range(*index.indices(len(self)))]
        return self.at(range(len(self))[index])

    def at(self, row: int) -> Score:
        """Return one row's score.

        Parameters
        ----------
        row : int
            Which row, from 0.

        Returns
        -------
        Score
        """
        rows, table = self.rows, self.table
        first, width = int(table.start_R[row]), int(table.width_R[row])
        criteria = table.rubrics[table.rubric_R[row]].criteria
        span = slice(first, first + width)
        known = bool(rows.known_R[row])
        return Score(
            response=table.responses[row],
            task=table.tasks[table.task_R[row]],
            system=table.systems[row],
            value=float(rows.value_R[row]) if known else None,
            low=float(rows.low_R[row]),
            high=float(rows.high_R[row]),
            se=float(rows.se_R[row]) if known and rows.graded_R[row] else None,
            coverage=float(rows.coverage_R[row]),
            parts={name: _part(part, row) for name, part in rows.parts.items() if part.present_R[row]},
            vetoed_by=tuple(criteria[i].id for i in np.flatnonzero(rows.vetoed_N[span])),
            capped=tuple(criteria[i].id for i in np.flatnonzero(rows.capped_N[span])),
            acted=tuple(line for one in rows.acted for line in _lines(one, row, int(table.rubric_R[row]))),
        )


def score(table: VerdictTable, policy: Policy | None = None, parts: bool = True, panel: Panel | None = None) -> Scores:
    """Return the scores of a table's rows.

    Parameters
    ----------
    table : VerdictTable
        The verdicts.
    policy : Policy, optional
        Take this one for all rows in place of their rubrics' own.
    parts : bool
        Whether categories, tiers, required and optional criteria are scored apart.
    panel : Panel, optional
        Pools judges and repeats of all rows in place of their policies' own panels.

    Returns
    -------
    Scores

    Raises
    ------
    ConfigError
        If there is no such policy, or it has options that its method does not know.
    """
    groups: dict[str, tuple[Policy, list[int]]] = {}
    for use, rubric in enumerate(table.rubrics):
        chosen = policy or rubric.policy
        chosen = chosen if panel is None else replace(chosen, panel=panel)
        groups.setdefault(canonical(chosen), (chosen, []))[1].append(use)
    if len(groups) <= 1:
        chosen = next((chosen for chosen, _ in groups.values()), Policy())
        cells = cells_of(table, panel=chosen.panel)
        return Scores(table, cells, _rows(table, cells, chosen, parts))
    pieces = []
    for chosen, uses in groups.values():
        keep_R = np.isin(table.rubric_R, uses)
        part = table.rows(keep_R)
        cells = cells_of(part, panel=chosen.panel)
        pieces.append((keep_R, cells, _rows(part, cells, chosen, parts)))
    return Scores(table, _joined_cells(table, pieces), _joined(table, [(keep_R, rows) for keep_R, _, rows in pieces]))


def _joined_cells(table: VerdictTable, pieces: Sequence[tuple[NDArray[np.bool_], Cells, RowScores]]) -> Cells:
    whole = cells_of(table)
    arrays = {f.name: getattr(whole, f.name).copy() for f in fields(Cells) if f.name.endswith("_N")}
    for keep_R, cells, _ in pieces:
        keep_N = np.repeat(keep_R, table.width_R)
        for name, array in arrays.items():
            array[keep_N] = getattr(cells, name)
    return replace(whole, **arrays)


def _rows(table: VerdictTable, cells: Cells, policy: Policy, parts: bool) -> RowScores:
    card = load("score", policy.name)
    method, options = card.call, card.with_options(dict(policy.options))
    rows: RowScores = method(cells, options)
    if len(table.layers) > 1:
        rows = _with_repeats(table, rows, method, options, policy.panel)
    if parts and not rows.parts:
        rows = replace(rows, parts=dict(_parts(cells, method, options)))
    return rows


def _with_repeats(table: VerdictTable, rows: RowScores, method: ScoreMethod, options: Any, panel: Panel) -> RowScores:
    """Return the scores with the standard error over layers, which sees all of the judge's noise and not only what it admits."""
    each = [method(cells_of(table, layer, panel=panel), options) for layer in range(len(table.layers))]
    known_LR = np.array([e.known_R for e in each])
    value_LR = np.array([e.value_R for e in each])
    count_R = known_LR.sum(axis=0)
    mean_R = np.where(known_LR, value_LR, 0.0).sum(axis=0) / np.maximum(count_R, 1)
    square_R = np.where(known_LR, (value_LR - mean_R) ** 2, 0.0).sum(axis=0)
    se_R = np.sqrt(square_R / np.maximum(count_R - 1, 1) / np.maximum(count_R, 1))
    repeated_R = count_R > 1
    return replace(rows, se_R=np.where(repeated_R, se_R, rows.se_R), graded_R=rows.graded_R | (repeated_R & rows.known_R))


def _parts(cells: Cells, method: ScoreMethod, options: Any) -> Iterator[tuple[str, PartScores]]:
    criteria = cells.table.criteria
    named: dict[str, list[int]] = {}
    if not all(c.required for c in criteria):
        for i, c in enumerate(criteria):
            named.setdefault("required" if c.required else "optional", []).append(i)
    for i, c in enumerate(criteria):
        for depth in range(1, len(c.category) + 1):
            named.setdefault("category:" + "/".join(c.category[:depth]), []).append(i)
        if c.tier:
            named.setdefault(f"tier:{c.tier}", []).append(i)
        if c.scope == "turn" and c.turn is not None:
            named.setdefault(f"turn:{c.turn + 1}", []).append(i)
    for name in sorted(named):
        inside_C = np.zeros(len(criteria), dtype=np.bool_)
        inside_C[named[name]] = True
        inside_N = inside_C[cells.table.column_N] & ~cells.of(cells.columns.gate_C)
        part = method(cells.only(inside_N), options)
        present_R = cells.total(inside_N.astype(np.float64)) > 0
        yield name, PartScores(part.value_R, part.known_R & present_R, part.low_R, part.high_R, part.coverage_R, present_R)


def _lines(acted: Acted, row: int, rubric: int) -> Iterator[str]:
    """Yield what an operator changed in one row, in words."""
    if not acted.names:
        if acted.where[row]:
            yield f"{acted.step}: {acted.before[row]:.3g} -> {acted.after[row]:.3g}"
        return
    for place in np.flatnonzero(acted.where[row]):
        name = acted.names[rubric][place] or "(none)"
        yield f"{acted.step} {name}: {acted.before[row, place]:.3g} -> {acted.after[row, place]:.3g}"


def _part(part: PartScores, row: int) -> Part:
    return Part(
        float(part.value_R[row]) if part.known_R[row] else None,
        float(part.low_R[row]),
        float(part.high_R[row]),
        float(part.coverage_R[row]),
    )


def _joined(table: VerdictTable, pieces: Sequence[tuple[NDArray[np.bool_], RowScores]]) -> RowScores:
    rows = len(table.responses)

    def join(arrays: Sequence[NDArray[Any]], masks: Sequence[NDArray[np.bool_]], size: int) -> NDArray[Any]:
        out = np.zeros(size, dtype=arrays[0].dtype)
        for array, mask in zip(arrays, masks, strict=True):
            out[mask] = array
        return out

    keeps = [keep_R for keep_R, _ in pieces]
    cell_keeps = [np.repeat(keep_R, table.width_R) for keep_R in keeps]
    scored = [s for _, s in pieces]
    by_row = ("value_R", "known_R", "low_R", "high_R", "se_R", "graded_R", "coverage_R")
    fields: dict[str, Any] = {name: join([getattr(s, name) for s in scored], keeps, rows) for name in by_row}
    for name in ("capped_N", "vetoed_N"):
        fields[name] = join([getattr(s, name) for s in scored], cell_keeps, len(table.row_N))
    acted = [_spread(one, keep_R, table) for s, keep_R in zip(scored, keeps, strict=True) for one in s.acted]
    return RowScores(**fields, clip_mean=all(s.clip_mean for s in scored), acted=tuple(acted), parts=_joined_parts(scored, keeps, rows))


def _spread(acted: Acted, keep_R: NDArray[np.bool_], table: VerdictTable) -> Acted:
    """Return what an operator changed in some of a table's rows as a note on all of them."""

    def spread(array: NDArray[Any]) -> NDArray[Any]:
        out = np.zeros((len(keep_R), *array.shape[1:]), dtype=array.dtype)
        out[keep_R] = array
        return out

    used = dict(zip(np.unique(table.rubric_R[keep_R]).tolist(), acted.names, strict=False))
    names = tuple(used.get(u, ()) for u in range(len(table.rubrics))) if acted.names else ()
    return Acted(acted.step, spread(acted.where), spread(acted.before), spread(acted.after), names)


def _joined_parts(scored: Sequence[RowScores], keeps: Sequence[NDArray[np.bool_]], rows: int) -> dict[str, PartScores]:
    parts: dict[str, PartScores] = {}
    for one, keep_R in zip(scored, keeps, strict=True):
        for name, part in one.parts.items():
            if name not in parts:
                blank = {f: np.zeros(rows, dtype=getattr(part, f).dtype) for f in PartScores.__dataclass_fields__}
                parts[name] = PartScores(**blank)
            for field_name in PartScores.__dataclass_fields__:
                getattr(parts[name], field_name)[keep_R] = getattr(part, field_name)
    return parts
