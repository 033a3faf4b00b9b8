"""Small rubrics, cases and verdict tables, written as their cells, and the strategies that draw them at random."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st

from criterial.core.builder import table_of
from criterial.core.criterion import Criterion
from criterial.core.rubric import Node, Policy, Rubric
from criterial.core.scale import Binary, Choice, Level, Likert, Numeric, Ordinal, Scale
from criterial.core.score import Part, Score
from criterial.core.table import VerdictTable
from criterial.core.task import Case, Message, Response, Task
from criterial.core.verdict import State, Verdict
from criterial.score.scoring import Scores, score

SHARED = Path(__file__).resolve().parents[2] / "shared"
"""The folder of data sets and notes beside the project root."""

QUICK = settings(deadline=None, max_examples=60)
"""For properties that build tables."""
MANY = settings(deadline=None, max_examples=200)
"""For properties of scalars and texts."""

ABSTAINED, NA, FAILED = State.ABSTAINED, State.NOT_APPLICABLE, State.FAILED
Cell = float | State | None | dict[str, Any]
"""A decided value, a state without one, None for a cell that nobody asked for, or the fields of a verdict."""

_CAUSES = {ABSTAINED: "cannot_assess", NA: "", FAILED: "timeout"}


def shared(path: str) -> Path:
    """Return a path in the shared folder, or skip the test by its name where it is not there."""
    found = SHARED / path
    if not found.exists():
        pytest.skip(f"real data is missing: {found}")
    return found


def crit(name: str, weight: float = 1.0, **fields: Any) -> Criterion:
    return Criterion(name, f"does {name}", weight=weight, **fields)


def rubric(*criteria: Criterion, tree: Node | None = None, policy: str = "weighted", **options: Any) -> Rubric:
    return Rubric(criteria, tree, Policy(policy, options))


def binary(*weights: float, **options: Any) -> Rubric:
    """Return a rubric of yes/no criteria c0, c1, ... with these weights."""
    return rubric(*(crit(f"c{i}", w) for i, w in enumerate(weights)), **options)


def task(name: str = "t0", **fields: Any) -> Task:
    return Task(name, (Message("user", f"ask {name}"),), **fields)


def response(name: str = "r0", text: str = "an answer", **fields: Any) -> Response:
    return Response(name, (Message("assistant", text),), **fields)


def case(rubric: Rubric, responses: int | Sequence[Response] = 1, name: str = "t0") -> Case:
    made = [response(f"r{i}") for i in range(responses)] if isinstance(responses, int) else responses
    return Case(task(name), rubric, tuple(made))


def verdict(case: Case, response: Response, criterion: Criterion, cell: Cell, **fields: Any) -> Verdict | None:
    """Return the verdict of one written cell."""
    blank = Verdict(response.id, criterion.id, task=case.task.id, judge="judge")
    if cell is None:
        return None
    if isinstance(cell, State):
        told: dict[str, Any] = {"state": cell, "cause": _CAUSES[cell]}
    else:
        told = cell if isinstance(cell, dict) else {"value": float(cell)}
    return replace(blank, **{**told, **fields})


def cases_of(rubrics: Rubric | Sequence[Rubric], rows: int, systems: Sequence[str] | None = None, one_task: bool = False) -> list[Case]:
    """Return cases with one response a row, each a task of its own unless all are to be of one."""
    each = [rubrics] * rows if isinstance(rubrics, Rubric) else list(rubrics)
    made = [response(f"r{i}", system=systems[i] if systems else "") for i in range(rows)]
    if one_task:
        return [case(each[0], made)]
    return [case(each[i], made[i : i + 1], f"t{i}") for i in range(rows)]


def table(
    rubrics: Rubric | Sequence[Rubric],
    *layers: Sequence[Sequence[Cell]],
    systems: Sequence[str] | None = None,
    one_task: bool = False,
    judges: Sequence[str] = ("judge",),
) -> VerdictTable:
    """Return the table of layers of rows of cells; with one judge's name the layers are that judge's repeats."""
    cases = cases_of(rubrics, len(layers[0]), systems, one_task)
    owners = [(c, r) for c in cases for r in c.responses]
    told = []
    for k, rows in enumerate(layers):
        judge, repeat = (judges[k], 0) if len(judges) > 1 else (judges[0], k)
        for (owner, made), row in zip(owners, rows, strict=True):
            for criterion, cell in zip(owner.rubric.criteria, row, strict=True):
                told.append(verdict(owner, made, criterion, cell, judge=judge, repeat=repeat))
    return table_of(cases, [v for v in told if v is not None])


def scores(rubrics: Rubric | Sequence[Rubric], *layers: Sequence[Sequence[Cell]], **told: Any) -> Scores:
    return score(table(rubrics, *layers, **told))


def score_of(rubric: Rubric, *layers: Sequence[Cell]) -> Score:
    """Return the score of one row; each argument is the row in one repeat."""
    found: Score = scores(rubric, *([row] for row in layers))[0]
    return found


def figures(found: Score | Part) -> tuple[float | None, ...]:
    """Return a score's value, bounds and coverage."""
    return found.value, found.low, found.high, found.coverage


def close(expected: Any) -> Any:
    """Return what equals the expected numbers to twelve digits, and None alone where None is expected."""
    if isinstance(expected, tuple):
        return tuple(close(v) for v in expected)
    return None if expected is None else pytest.approx(expected, rel=1e-12, abs=1e-12)


def same_arrays(a: Any, b: Any) -> bool:
    """Return whether two frozen records of arrays are equal, field by field."""
    return all(np.array_equal(getattr(a, f), getattr(b, f)) for f in a.__dataclass_fields__ if isinstance(getattr(a, f), np.ndarray))


THREE = Ordinal((Level("none"), Level("some"), Level("all")))
COUNT = Numeric(0.0, 3.0, integer=True)
SCALES: tuple[Scale, ...] = (
    Binary(),
    THREE,
    Ordinal((Level("1"), Level("2"), Level("3", credit=0.9), Level("4", credit=1.0))),
    Likert(5),
    Choice((Level("red", credit=1.0), Level("green"), Level("blue", credit=0.25))),
    Numeric(-2.0, 6.0),
    COUNT,
)
"""One of every kind."""


def values_of(scale: Scale) -> list[float]:
    """Return every value of a scale; of a range of numbers its ends and what lies between in quarters."""
    if isinstance(scale, Numeric):
        steps = int(scale.high - scale.low) if scale.integer else 4
        return [scale.low + (scale.high - scale.low) * i / steps for i in range(steps + 1)]
    if isinstance(scale, Likert):
        return [float(i + 1) for i in range(scale.points)]
    count = 2 if isinstance(scale, Binary) else len(scale.levels if isinstance(scale, Ordinal) else scale.values)
    return [float(i) for i in range(count)]


def credits_of(scale: Scale) -> dict[float, float]:
    """Return the credit of every value by the rules of the scale docstrings, worked out apart from the package."""
    values = values_of(scale)
    if isinstance(scale, (Ordinal, Choice)):
        levels = scale.levels if isinstance(scale, Ordinal) else scale.values
        even = [i / (len(levels) - 1) if isinstance(scale, Ordinal) else 0.0 for i in range(len(levels))]
        return {v: even[i] if levels[i].credit is None else float(levels[i].credit or 0.0) for i, v in enumerate(values)}
    return {v: (v - values[0]) / (values[-1] - values[0]) for v in values}


WEIGHTS = st.one_of(st.sampled_from([-5.0, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 7.0]), st.floats(-10, 10).map(lambda w: round(w, 3)))
POSITIVE = st.one_of(st.sampled_from([0.25, 1.0, 2.0, 7.0]), st.floats(0.01, 10).map(lambda w: round(w, 3)))
OPEN = st.sampled_from([FAILED, ABSTAINED, None])


def cell_of(scale: Scale, nothing: st.SearchStrategy[Any] | None = None) -> st.SearchStrategy[Any]:
    """Return a strategy of cells: mostly values of the scale, sometimes one of the nothings."""
    values = st.sampled_from(values_of(scale))
    return values if nothing is None else st.one_of(values, values, nothing)


@st.composite
def rows_of(draw: Callable[..., Any], rubric: Rubric, rows: int = 1, nothing: st.SearchStrategy[Any] | None = None) -> list[list[Any]]:
    return [[draw(cell_of(c.scale, nothing)) for c in rubric.criteria] for _ in range(rows)]


@st.composite
def flat_rubrics(
    draw: Callable[..., Any], weights: st.SearchStrategy[float] = WEIGHTS, most: int = 7, effects: Iterable[str] = ("add",)
) -> Rubric:
    """Draw a flat rubric over all scales."""
    made = []
    for i in range(draw(st.integers(1, most))):
        effect = draw(st.sampled_from(list(effects)))
        fields: dict[str, Any] = {"scale": draw(st.sampled_from(SCALES)), "effect": effect}
        if effect == "deduct":
            fields |= {"scale": draw(st.sampled_from((Binary(), COUNT))), "cap": draw(st.sampled_from([None, 0.0, 1.0, 2.5]))}
        made.append(crit(f"c{i}", draw(weights), **fields))
    return rubric(*made)


def numbers(thing: Any) -> Iterator[float]:
    """Yield every number of a result, however deep it lies."""
    if isinstance(thing, (float, np.floating)):
        yield float(thing)
    elif isinstance(thing, np.ndarray):
        yield from thing.astype(float).ravel().tolist()
    elif dataclasses.is_dataclass(thing):
        for field in dataclasses.fields(thing):
            yield from numbers(getattr(thing, field.name))
    elif isinstance(thing, (tuple, list)):
        for item in thing:
            yield from numbers(item)
