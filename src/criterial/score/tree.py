"""Tree means: a node's score is the weighted mean of its children's, a leaf's is its credit. The rule of PaperBench."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from criterial.core.method import Method
from criterial.core.rubric import Node, Rubric
from criterial.score.cells import Cells
from criterial.score.rows import Gated, PartScores, RowScores

__all__ = ["METHOD", "Tree", "tree"]


@dataclass(frozen=True)
class Tree(Gated):
    """Options of `tree`."""

    nodes: bool = True
    """Keep the score of every inner node as a part ``node:ID``."""


class _Branch(NamedTuple):
    """What is known of one node in the rows of its rubric."""

    value: NDArray[np.float64]
    known: NDArray[np.bool_]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    variance: NDArray[np.float64]
    decided: NDArray[np.float64]
    applies: NDArray[np.bool_]


def tree(cells: Cells, options: Tree | None = None) -> RowScores:
    """Return the tree score of every row. A flat rubric counts as a root whose children are its criteria.

    Parameters
    ----------
    cells : Cells
        The cells. Weights are relative to siblings.
    options : Tree, optional
        See there.

    Returns
    -------
    RowScores
        With the inner nodes as parts.

    Notes
    -----
    score(node) = sum(w_i score_i) / sum(w_i) over the children that are known and apply; children of no weight give 0. A
    fault (a deduction, or a criterion of negative weight) is a child of weight |w| whose absence is the credit.

    References
    ----------
    PaperBench (frontier-evals), graded task trees.
    """
    options = options or Tree()
    rows = cells.rows
    value, low, high, variance, coverage = np.zeros(rows), np.zeros(rows), np.ones(rows), np.zeros(rows), np.zeros(rows)
    known = np.zeros(rows, dtype=np.bool_)
    parts: dict[str, PartScores] = {}
    for use, rubric in enumerate(cells.table.rubrics):
        here = np.flatnonzero(cells.table.rubric_R == use)
        branches = _climb(cells, rubric, here)
        root = branches[_root(rubric).id]
        value[here], known[here], low[here], high[here] = root.value, root.known, root.low, root.high
        variance[here], coverage[here] = root.variance, root.decided
        if options.nodes:
            for node, _ in rubric.walk():
                _add_part(parts, f"node:{node.id}", branches[node.id], here, rows)
    graded = cells.total(cells.graded_N.astype(np.float64)) > 0
    scores = RowScores(value, known, low, high, np.sqrt(variance), graded & known, coverage, np.zeros(len(cells.known_N), dtype=np.bool_))
    gated = scores.with_gates(cells, options.floor)
    return replace(gated, parts=parts, clip_mean=True)


def _root(rubric: Rubric) -> Node:
    return rubric.tree or Node("", children=tuple(c.id for c in rubric.criteria))


def _climb(cells: Cells, rubric: Rubric, here: NDArray[np.int64]) -> dict[str, _Branch]:
    """Return every node's branch, children before parents."""
    order = [node for node, _ in rubric.walk()] or [_root(rubric)]
    done: dict[str, _Branch] = {}
    start = cells.table.start_R[here]
    for node in reversed(order):
        children: list[tuple[float, _Branch]] = []
        for child in node.children:
            if isinstance(child, Node):
                children.append((child.weight, done[child.id]))
            else:
                place = rubric.index[child]
                if rubric.criteria[place].effect != "gate":
                    children.append((abs(rubric.criteria[place].weight), _leaf(cells, start + place, rubric.criteria[place].is_fault)))
        done[node.id] = _mean(children, len(here))
    return done


def _leaf(cells: Cells, at: NDArray[np.int64], fault: bool) -> _Branch:
    known, applies = cells.known_N[at], cells.applies_N[at]
    value, low, high = cells.credit_N[at], cells.least_N[at], cells.most_N[at]
    if fault:
        limit = cells.columns.limit_C[cells.table.column_N[at]]
        value, low, high = (1.0 - np.minimum(credit, limit) for credit in (value, high, low))
    return _Branch(value, known, low, high, cells.variance_N[at], known.astype(np.float64), applies)


def _mean(children: list[tuple[float, _Branch]], rows: int) -> _Branch:
    total, reach = np.zeros(rows), np.zeros(rows)
    value, low, high, variance, decided = (np.zeros(rows) for _ in range(5))
    known, applies = np.zeros(rows, dtype=np.bool_), np.zeros(rows, dtype=np.bool_)
    for weight, branch in children:
        share = weight * (branch.known & branch.applies)
        span = weight * branch.applies
        total += share
        reach += span
        value += share * branch.value
        variance += share**2 * branch.variance
        low += span * branch.low
        high += span * branch.high
        decided += span * branch.decided
        known |= branch.known & branch.applies
        applies |= branch.applies
    safe, wide = np.where(total > 0, total, 1.0), np.where(reach > 0, reach, 1.0)
    return _Branch(
        value=value / safe,
        known=known & ((total > 0) | (reach <= 0)),
        low=low / wide,
        high=np.where(applies, high / wide, 1.0),
        variance=variance / safe**2,
        decided=decided / wide,
        applies=applies,
    )


def _add_part(parts: dict[str, PartScores], name: str, branch: _Branch, here: NDArray[np.int64], rows: int) -> None:
    part = parts.get(name)
    if part is None:
        flags = (np.zeros(rows, dtype=np.bool_) for _ in range(2))
        floats = [np.zeros(rows) for _ in range(4)]
        known, present = flags
        part = parts[name] = PartScores(floats[0], known, floats[1], floats[2], floats[3], present)
    for target, source in (
        (part.value_R, branch.value),
        (part.low_R, branch.low),
        (part.high_R, branch.high),
        (part.coverage_R, branch.decided),
    ):
        target[here] = source
    part.known_R[here] = branch.known & branch.applies
    part.present_R[here] = True


METHOD = Method(
    name="tree",
    room="score",
    call=tree,
    options=Tree,
    says="weighted means up a rubric tree, every inner node kept",
    cites="PaperBench",
)
