"""Every score method of the catalogue keeps the contract of its room: shapes, bounds, untouched inputs, order, limiting cases, options."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Sequence
from typing import Any, get_args, get_type_hints

import numpy as np
import pytest

from criterial.catalogue import entries, find
from criterial.core.builder import TableBuilder
from criterial.core.method import Method
from criterial.core.rubric import Node, Policy, Rubric
from criterial.core.table import VerdictTable
from criterial.errors import ConfigError
from criterial.score.cells import cells_of
from criterial.score.rows import RowScores
from criterial.score.scoring import score
from tests.helpers_tables import ABSTAINED, COUNT, FAILED, NA, THREE, Cell, case, crit, rubric, same_arrays, table

METHODS = [find(name) for name in sorted(entries()) if name.startswith("score.")]
each_method = pytest.mark.parametrize("method", METHODS, ids=lambda m: m.name)

FLAT = rubric(crit("a", 2.0), crit("b", 1.0, scale=THREE), crit("c", 0.5, scale=COUNT), crit("d", 1.0))
GATED = rubric(crit("a", 3.0), crit("gate", effect="gate"), crit("b", requires=("a",)), crit("e", 0.0))
TREE = rubric(
    crit("a", 2.0), crit("b"), crit("c", scale=THREE), tree=Node("root", children=("a", Node("n", weight=2.0, children=("b", "c"))))
)
BEST: dict[str, list[Cell]] = {FLAT.digest: [1, 2, 3, 1], GATED.digest: [1, 1, 1, 1], TREE.digest: [1, 1, 2]}
GRADED: Cell = {"value": 1.0, "probs": (0.25, 0.75)}

ROWS: list[tuple[Rubric, list[Cell]]] = [
    (FLAT, [1, 2, 3, 1]),
    (FLAT, [0, 0, 0, 0]),
    (FLAT, [1, 1, 2, FAILED]),
    (FLAT, [GRADED, NA, ABSTAINED, None]),
    (FLAT, [FAILED, None, ABSTAINED, NA]),
    (GATED, [1, 0, 1, 1]),
    (GATED, [1, FAILED, FAILED, 0]),
    (GATED, [0, 1, 1, 0]),
    (TREE, [1, 0, 2]),
    (TREE, [NA, GRADED, FAILED]),
]


def table_of_rows(rows: Sequence[tuple[Rubric, list[Cell]]], layers: int = 1) -> VerdictTable:
    return table([r for r, _ in rows], *([[row for _, row in rows]] * layers))


EMPTY = TableBuilder([case(FLAT, 0), case(TREE, 0, "t1")], table_of_rows(ROWS).layers).build()
TABLES = {
    "none": EMPTY,
    **{f"one ({i})": table_of_rows([row]) for i, row in enumerate(ROWS)},
    "two": table_of_rows(ROWS[:2]),
    "two of two rubrics": table_of_rows([ROWS[0], ROWS[-1]]),
    "all": table_of_rows(ROWS),
    "three layers": table_of_rows(ROWS, 3),
}
each_table = pytest.mark.parametrize("built", TABLES.values(), ids=list(TABLES))


def arrays(thing: Any) -> Iterator[tuple[str, np.ndarray]]:
    """Yield every array of a record of arrays and of the records in it."""
    for field in dataclasses.fields(thing):
        value = getattr(thing, field.name)
        if isinstance(value, np.ndarray):
            yield field.name, value
        elif isinstance(value, dict):
            for part in value.values():
                yield from arrays(part)


def same(a: RowScores, b: RowScores) -> bool:
    return same_arrays(a, b) and a.parts.keys() == b.parts.keys() and all(same_arrays(a.parts[n], b.parts[n]) for n in a.parts)


OTHERS: dict[str, list[Any]] = {
    "by": ["tier", "criterion", "parent"],
    "steps": [({"op": "met"}, {"op": "group", "by": "criterion"}, {"op": "saturate"}, {"op": "shape"}), ({"op": "total", "how": "sum"},)],
    "weights": [{"a": 2.0, "": 0.5}],
    "points": [{"": 2.0}],
    "veto": [{"a": 0.5}],
    "synergy": [{"a+b": 0.25}],
    "lopsided": [{"a+b": -0.25}],
    "marks": [(1.0, 5.0)],
    "cuts": [(0.25, 0.5)],
    "core": [""],
    "bonus": [("other",)],
    "damage": [""],
}
"""Values of options that are no numbers, by the option's name."""


def other_options(method: Method) -> Iterator[dict[str, Any]]:
    """Yield every option at its default and at each other value that its type suggests and that it does not refuse."""
    if method.options is None:
        return
    yield {}
    hints = get_type_hints(method.options)
    for field in dataclasses.fields(method.options):
        choices = OTHERS.get(field.name) or list(_choices(hints[field.name], field.default))
        assert choices, f"say here what else {field.name} may be"
        for choice in choices:
            try:
                method.with_options({field.name: choice})
            except ConfigError:
                continue
            yield {field.name: choice}


def _choices(kind: Any, default: Any) -> Iterator[Any]:
    for one in get_args(kind) or (kind,):
        if one is bool:
            yield not default
        elif one is float:
            yield from (0.0, 0.25, 1.0)
        else:
            yield None if one is type(None) else one


def test_the_catalogue_has_score_methods() -> None:
    assert {m.name for m in METHODS} >= {"weighted", "tree"}


@each_method
def test_a_card_says_what_the_method_is_and_where(method: Method) -> None:
    assert method.room == "score"
    assert method.call.__name__ == method.name
    assert method.call.__module__.endswith(f".{method.name}")
    assert method.says
    assert "\n" not in method.says
    assert method.needs == ()
    assert method.options is None or method.options.__dataclass_params__.frozen  # type: ignore[attr-defined]


@each_method
@each_table
def test_scores_are_finite_numbers_a_row_within_bounds(method: Method, built: VerdictTable) -> None:
    cells = cells_of(built)
    found = method.call(cells, method.with_options({}))
    rows = len(built.responses)
    for name, array in arrays(found):
        assert array.shape == ((len(built.row_N),) if name.endswith("_N") else (rows,)), name
        assert array.dtype == (np.bool_ if name.startswith(("known", "graded", "present", "capped", "vetoed")) else np.float64), name
        assert np.isfinite(array).all(), name
    for part in (found, *found.parts.values()):
        assert (part.low_R <= part.high_R + 1e-12).all()
        assert (part.value_R[part.known_R] >= part.low_R[part.known_R] - 1e-12).all()
        assert (part.value_R[part.known_R] <= part.high_R[part.known_R] + 1e-12).all()
        assert (part.value_R[~part.known_R] == 0).all()
        assert ((part.coverage_R >= 0) & (part.coverage_R <= 1 + 1e-12)).all()
    assert (found.se_R >= 0).all()
    assert not (found.graded_R & ~found.known_R).any()


@each_method
@each_table
def test_the_inputs_are_not_written_to(method: Method, built: VerdictTable) -> None:
    cells = cells_of(built)
    locked = [array for thing in (cells, cells.columns, built) for _, array in arrays(thing)]
    before = [array.copy() for array in locked]
    for array in locked:
        array.setflags(write=False)
    try:
        for options in other_options(method):
            method.call(cells, method.with_options(options))
    finally:
        for array in reversed(locked):  # a view can be unlocked only after the array that it looks at
            array.setflags(write=True)
    assert all(np.array_equal(a, b) for a, b in zip(before, locked, strict=True))


@each_method
@each_table
def test_the_same_cells_give_the_same_scores_twice(method: Method, built: VerdictTable) -> None:
    assert same(method.call(cells_of(built), None), method.call(cells_of(built), method.with_options({})))


@each_method
@pytest.mark.parametrize("seed", range(5))
def test_rows_score_the_same_in_any_order_and_company(method: Method, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(ROWS))[: 3 + seed]
    whole = method.call(cells_of(table_of_rows(ROWS)), None)
    some = method.call(cells_of(table_of_rows([ROWS[i] for i in order])), None)
    for name in ("value_R", "known_R", "low_R", "high_R", "se_R", "graded_R", "coverage_R"):
        assert np.array_equal(getattr(some, name), getattr(whole, name)[order]), name
    for name, part in some.parts.items():
        for field in dataclasses.fields(part):
            assert np.array_equal(getattr(part, field.name), getattr(whole.parts[name], field.name)[order]), (name, field.name)


def scored(method: Method, made: Rubric, row: list[Cell]) -> RowScores:
    found: RowScores = method.call(cells_of(table(made, [row])), None)
    return found


@each_method
@pytest.mark.parametrize("made", [FLAT, GATED, TREE], ids=["flat", "gated", "tree"])
@pytest.mark.parametrize("nothing", [FAILED, ABSTAINED, None], ids=["failed", "abstained", "absent"])
def test_a_row_without_verdicts_has_no_score_and_may_be_anything(method: Method, made: Rubric, nothing: Cell) -> None:
    found = scored(method, made, [nothing] * len(made.criteria))
    assert not found.known_R.any()
    worst, best = (scored(method, made, row).value_R.item() for row in ([0] * len(made.criteria), BEST[made.digest]))
    assert (found.low_R.item(), found.high_R.item(), found.coverage_R.item()) == pytest.approx((worst, best, 0.0))


@each_method
@pytest.mark.parametrize("made", [FLAT, GATED, TREE], ids=["flat", "gated", "tree"])
def test_a_row_that_meets_everything_scores_1_and_one_that_meets_nothing_0(method: Method, made: Rubric) -> None:
    ends = []
    for row in (BEST[made.digest], [0] * len(made.criteria)):
        found = scored(method, made, row)
        assert found.known_R.all()
        ends.append(found.value_R.item())
        assert (found.low_R.item(), found.high_R.item()) == pytest.approx((ends[-1], ends[-1]))
        assert found.coverage_R.item() == pytest.approx(1.0)
    if method.name == "deduction":  # marks, not shares
        assert ends == pytest.approx([sum(c.weight for c in made.criteria if c.effect == "add"), 0.0])
    elif method.name == "geometric" and made is not GATED:  # what is missed leaves a rest of it
        assert ends == pytest.approx([1.0, 0.5 ** sum(c.weight for c in made.criteria)])
    else:
        assert ends == pytest.approx([1.0, 0.0])


@each_method
@pytest.mark.parametrize("floor", [float("nan"), float("inf")])
def test_a_floor_that_is_no_score_is_refused(method: Method, floor: float) -> None:
    with pytest.raises(ConfigError, match="the floor is a finite score"):
        method.with_options({"floor": floor})


@each_method
def test_a_failed_gate_is_the_floor_and_names_itself(method: Method) -> None:
    found = scored(method, GATED, [1, 0, 1, 1])
    assert (found.value_R.item(), found.low_R.item(), found.high_R.item()) == (0.0, 0.0, 0.0)
    assert found.vetoed_N.tolist() == [False, True, False, False]


@each_method
def test_options_are_read_back_from_json(method: Method) -> None:
    for given in other_options(method):
        options = method.with_options(given)
        assert method.with_options(json.loads(json.dumps(dataclasses.asdict(options)))) == options
        assert all(getattr(options, name) == value for name, value in given.items())


@each_method
@each_table
def test_every_option_gives_finite_scores(method: Method, built: VerdictTable) -> None:
    for given in other_options(method):
        found = method.call(cells_of(built), method.with_options(given))
        assert all(np.isfinite(array).all() for _, array in arrays(found)), given


@each_method
def test_an_unknown_option_is_a_documented_error(method: Method) -> None:
    with pytest.raises(ConfigError, match=method.name):
        method.with_options({"no_such_option": 1})


@each_method
@each_table
def test_a_policy_takes_the_method_by_its_name(method: Method, built: VerdictTable) -> None:
    found = score(built, Policy(method.name))
    direct = method.call(cells_of(built), None)
    assert [s.value for s in found] == [float(v) if k else None for v, k in zip(direct.value_R, direct.known_R, strict=True)]
    assert all(0.0 <= s.low <= s.high <= (5.0 if method.name == "deduction" else 1.0) for s in found)
