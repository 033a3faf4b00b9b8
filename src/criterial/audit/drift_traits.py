"""What responses are like, to slice a drift audit by and to see which way verdicts moved: length, refusal, markup, place, system."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from criterial.audit.drift_items import Items
from criterial.core.score import Estimate
from criterial.core.table import VerdictTable
from criterial.core.task import Case
from criterial.errors import TableError
from criterial.maths.multiplicity import holm
from criterial.maths.paired import sign_flip

__all__ = ["Feature", "Traits", "features_of", "slices_of", "traits_of"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
_REFUSAL = re.compile(
    r"\W*(?:(?:i\W?m|i am)\s+(?:very\s+|really\s+)?sorry\b|sorry\b|i\s+(?:can\s?not|can\W?t|won\W?t|will\s+not|must\s+decline)\b|"
    r"(?:i\W?m|i am)\s+(?:unable|not\s+able)\b|as\s+an?\s+(?:ai|language\s+model)\b|unfortunately,?\s+i\s+(?:can\s?not|can\W?t))",
    re.I,
)
_MARKUP = re.compile(r"^\s{0,3}(?:#{1,6}\s|[-*+]\s|\d+[.)]\s|```|\|.*\|)|\*\*[^*\n]+\*\*", re.M)
_LEAST = 10
_LEAST_SLICE = 20
_FIFTHS = (0.2, 0.4, 0.6, 0.8)


@dataclass(frozen=True)
class Feature:
    """A property of responses, and how verdicts moved towards those that have it."""

    name: str
    """The property."""
    n: int
    """Items where the responses differ in it (pairs), or that have it."""
    shift: Estimate
    """Of pairs, how much more often the side that has it wins; elsewhere, how much further verdicts moved towards those that have it."""
    flips: float
    """Share of these items that changed."""
    others: float | None
    """Share of the other items that changed; None where there are none."""
    p: float
    """Chance of such a shift where the property plays no part, corrected by Holm for all properties."""


class Traits(NamedTuple):
    """What is known of each row's response."""

    length_R: Floats
    """Characters."""
    refuses_R: Flags
    """Whether it begins like a refusal."""
    marked_R: Flags
    """Whether it has headings, lists, code or bold words."""
    tags_R: tuple[frozenset[str], ...]
    """Tags of its task."""


def traits_of(table: VerdictTable, cases: Sequence[Case]) -> Traits | None:
    """Return what the responses of a table are like.

    Parameters
    ----------
    table : VerdictTable
        The table.
    cases : sequence of Case
        Its cases; none is fine.

    Returns
    -------
    Traits or None
        None without cases.

    Raises
    ------
    TableError
        If the cases are not those of the table.
    """
    if not cases:
        return None
    rows = [(c, r) for c in cases for r in c.responses]
    if [(c.task.id, r.id) for c, r in rows] != [(table.tasks[t], r) for t, r in zip(table.task_R, table.responses, strict=True)]:
        raise TableError("the cases are not those that the tables are about")
    texts = [r.text for _, r in rows]
    return Traits(
        np.array([len(t) for t in texts], dtype=np.float64),
        np.array([bool(_REFUSAL.match(t)) for t in texts], dtype=np.bool_),
        np.array([bool(_MARKUP.search(t)) for t in texts], dtype=np.bool_),
        tuple(frozenset(c.task.tags) for c, _ in rows),
    )


def slices_of(items: Items, table: VerdictTable, traits: Traits | None) -> Iterator[tuple[str, Flags]]:
    """Yield the slices of items that are worth a look of their own.

    Parameters
    ----------
    items : Items
        What is compared.
    table : VerdictTable
        Where it comes from.
    traits : Traits or None
        What the responses are like.

    Yields
    ------
    tuple of (str, (I,) bool)
        Name and members: 20 items or more, and not all of them.
    """
    for name, inside_I in _every_slice(items, table, traits):
        if _LEAST_SLICE <= inside_I.sum() < len(inside_I):
            yield name, inside_I


def _every_slice(items: Items, table: VerdictTable, traits: Traits | None) -> Iterator[tuple[str, Flags]]:
    if traits is not None:
        for tag in sorted(set().union(*(traits.tags_R[r] for r in items.row_I))):
            yield tag, np.array([tag in traits.tags_R[r] for r in items.row_I], dtype=np.bool_)
        yield from _fifths(items, traits)
    systems_R = np.array(table.systems, dtype=object)
    for system in sorted(set(table.systems) - {""}):
        yield f"system {system}", np.array((systems_R[items.row_I] == system) | (_paired(items) & (systems_R[items.other_I] == system)))


def _fifths(items: Items, traits: Traits) -> Iterator[tuple[str, Flags]]:
    length_I = traits.length_R[items.row_I] + np.where(_paired(items), traits.length_R[items.other_I], 0.0)
    edges = np.quantile(length_I, _FIFTHS)
    fifth_I = np.searchsorted(edges, length_I, side="left")
    what = "both responses" if items.pairs else "response"
    for place in range(5):
        ends = f"up to {edges[place]:.0f}" if place < 4 else f"over {edges[3]:.0f}"
        yield f"length {place + 1} of 5: {what} {ends} characters", fifth_I == place


def _paired(items: Items) -> Flags:
    return items.other_I >= 0


def features_of(items: Items, orders: Sequence[tuple[Items, float]], table: VerdictTable, traits: Traits | None) -> tuple[Feature, ...]:
    """Return the properties of responses that go with changed verdicts, the least likely to be chance first.

    Parameters
    ----------
    items : Items
        What is compared.
    orders : sequence of (Items, float)
        Of pairs, the items as seen in one order, with 1 where the first response of a case was shown first and -1 where it was second.
    table : VerdictTable
        Where they come from.
    traits : Traits or None
        What the responses are like.

    Returns
    -------
    tuple of Feature
        Those that 10 items or more have, and, unless they are pairs, 10 do not; none where nothing changed.
    """
    if not np.any(items.moved_I):
        return ()
    found = [f for name, value_I in _properties(items, table, traits) if (f := _feature(name, items, value_I)) is not None]
    for_place = [(o, np.full(len(o.moved_I), sign)) for o, sign in orders if len(o.moved_I)]
    if for_place:
        moved, value, task = (np.concatenate(a) for a in zip(*((o.moved_I, v, o.task_I) for o, v in for_place), strict=True))
        found += [f for f in [_of_pairs("shown first", moved, value, task)] if f is not None]
    p = holm(np.array([f.p for f in found])) if found else ()
    return tuple(sorted((replace(f, p=float(q)) for f, q in zip(found, p, strict=True)), key=lambda f: (f.p, f.name)))


def _properties(items: Items, table: VerdictTable, traits: Traits | None) -> Iterator[tuple[str, Floats]]:
    """Yield each property: 1 where the response has it; of pairs 1 where the first alone has it, -1 where the second alone does."""
    systems_R = np.array(table.systems, dtype=object)
    each: list[tuple[str, Floats]] = []
    if traits is not None:
        each += [("refusing", traits.refuses_R.astype(np.float64)), ("markdown", traits.marked_R.astype(np.float64))]
        if not items.pairs:
            short, long = np.quantile(traits.length_R[items.row_I], (_FIFTHS[0], _FIFTHS[-1]))
            each += [("shorter", (traits.length_R <= short).astype(np.float64)), ("longer", (traits.length_R >= long).astype(np.float64))]
    each += [(f"system {s}", (systems_R == s).astype(np.float64)) for s in sorted(set(table.systems) - {""})]
    for name, value_R in each:
        yield name, value_R[items.row_I] - np.where(_paired(items), value_R[items.other_I], 0.0)
    if traits is not None and items.pairs:
        yield "shorter", np.sign(traits.length_R[items.other_I] - traits.length_R[items.row_I])


def _feature(name: str, items: Items, value_I: Floats) -> Feature | None:
    if items.pairs:
        return _of_pairs(name, items.moved_I, value_I, items.task_I)
    has = value_I > 0
    if has.sum() < _LEAST or (~has).sum() < _LEAST:
        return None
    apart = has - has.mean()
    moved = items.moved_I - items.moved_I.mean()
    size = float((apart**2).sum())
    shift = float((apart * moved).sum()) / size
    rest = moved - shift * apart
    changed = items.moved_I != 0
    p = sign_flip(apart * moved, items.task_I)
    found = _estimate(shift, apart * rest / size, items.task_I, int(has.sum()))
    return Feature(name, int(has.sum()), found, float(changed[has].mean()), float(changed[~has].mean()), p)


def _of_pairs(name: str, moved_I: Floats, value_I: Floats, task_I: NDArray[np.int64]) -> Feature | None:
    differ = value_I != 0
    if differ.sum() < _LEAST:
        return None
    towards = (value_I * moved_I)[differ]
    shift = float(towards.mean())
    found = _estimate(shift, (towards - shift) / len(towards), task_I[differ], len(towards))
    others = float((moved_I[~differ] != 0).mean()) if (~differ).any() else None
    return Feature(name, len(towards), found, float((towards != 0).mean()), others, sign_flip(towards, task_I[differ]))


def _estimate(value: float, influence_I: Floats, task_I: NDArray[np.int64], n: int) -> Estimate:
    """Return a figure with Student's t interval over tasks, from what each item adds to its error."""
    _, task = np.unique(task_I, return_inverse=True)
    sum_T = np.bincount(task, influence_I)
    tasks = len(sum_T)
    if tasks < 2:
        return Estimate(value, None, None, n, "no interval: all from one of the tasks")
    se = float(np.sqrt(tasks / (tasks - 1) * (sum_T**2).sum()))
    half = float(stats.t.ppf(0.975, tasks - 1)) * se
    return Estimate(value, value - half, value + half, n, f"t interval over {tasks} tasks", se)
