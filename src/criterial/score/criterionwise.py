"""Criterion by criterion: a pair compared on each of its criteria, with a veto for critical ones, decided where both orders agree.

How a pair is judged is `criterial.judge.pairs`: criteria of scope ``pair``, odd repeats in the other order. This is what becomes of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from criterial.core.method import Method
from criterial.score.board import within
from criterial.score.cells import Cells, cells_of
from criterial.score.points import coverage_of
from criterial.score.rows import Gated, RowScores

__all__ = ["METHOD", "Criterionwise", "Hybrid", "both_orders", "criterionwise", "hybrid_results", "pair_totals"]


def _weights() -> dict[str, float]:
    return {"core": 5.0, "important": 2.0, "highlight": 1.0}


@dataclass(frozen=True)
class Criterionwise(Gated):
    """Options of `criterionwise`."""

    weights: Mapping[str, float] = field(default_factory=_weights)
    """Weight by tier; a tier that is not named keeps the size of its criteria's own."""
    critical: str = "critical"
    """The tier that decides alone wherever one of its criteria is not a tie."""
    orders: Literal["strict", "compat"] = "strict"
    """``strict``: won where both orders say so. ``compat``, as published: won too where the order that shows the response first says so and
    the other ties."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, weight in self.weights.items():
            within(f"the weight of {name!r}", weight, 0.0, 1e9)


class Hybrid(NamedTuple):
    """What items and votes together make of pairs, P of them."""

    total_P2: NDArray[np.float64]
    """Points of each of the two."""
    result_P: NDArray[np.float64]
    """1 where the first won, 0 where it lost, 0.5 for a tie."""


def criterionwise(cells: Cells, options: Criterionwise | None = None) -> RowScores:
    """Return whether each row's response won (1), tied (0.5) or lost (0) against the other of its pair.

    Parameters
    ----------
    cells : Cells
        The cells. Of a rubric with criteria of scope ``pair`` only these and the gates count.
    options : Criterionwise, optional
        See there.

    Returns
    -------
    RowScores
        Known where something is decided in every order that was asked for. Where there is one order alone, it decides.

    Notes
    -----
    A criterion says s = 4 credit - 2 of the response: 2 where it won, 0 tied, -2 lost; of a fault the opposite. One judge's total in one
    repeat is `pair_totals`. The judges and repeats that show one order vote by the signs of their totals, and `both_orders` makes one
    result of the two orders. It never falls where a response does better on a criterion, so the bounds are reached.

    References
    ----------
    OpenRS, pairwise adaptive rubrics, arXiv 2602.14069 (card openrs).
    """
    options = options or Criterionwise()
    gate_N = cells.of(cells.columns.gate_C)
    cells = cells.only(_compared(cells) | gate_N)
    size_C = np.array([abs(options.weights.get(c.tier, c.weight)) for c in cells.table.criteria], dtype=np.float64)
    critical_C = np.array([c.tier == options.critical for c in cells.table.criteria], dtype=np.bool_)
    size_N, critical_N = size_C[cells.table.column_N], cells.of(critical_C)
    votes_3WR, known_WR = _votes(cells, size_N, critical_N, ~gate_N)
    value_R, low_R, high_R = (both_orders(first_R, second_R, options.orders == "compat") for first_R, second_R in votes_3WR)
    known_R: NDArray[np.bool_] = np.logical_and(*known_WR)
    found = RowScores(
        value_R=np.where(known_R, np.clip(value_R, low_R, high_R), 0.0),
        known_R=known_R,
        low_R=low_R,
        high_R=high_R,
        se_R=np.zeros(cells.rows),
        graded_R=np.zeros(cells.rows, dtype=np.bool_),
        coverage_R=coverage_of(cells, cells.weight_N),
        capped_N=np.zeros(len(gate_N), dtype=np.bool_),
        clip_mean=True,
    )
    return found.with_gates(cells, options.floor)


def pair_totals(
    score_N: NDArray[np.float64],
    weight_N: NDArray[np.float64],
    critical_N: NDArray[np.bool_],
    row_N: NDArray[np.int64],
    rows: int,
) -> NDArray[np.float64]:
    """Return what the criteria of each row say together of its response.

    Parameters
    ----------
    score_N : (N,) float
        What each criterion says: positive where the response is better, negative where worse, 0 for a tie or nothing.
    weight_N : (N,) float
        Weights, at least 0.
    critical_N : (N,) bool
        Whether the criterion is critical.
    row_N : (N,) int
        The row of each.
    rows : int
        How many rows.

    Returns
    -------
    (R,) float
        The sum of the critical scores where one of them is not 0. Elsewhere the weighted mean of the scores that are not 0; 0 where
        there are none.
    """
    counts_N = score_N != 0
    veto_R = np.bincount(row_N, counts_N & critical_N, rows) > 0
    critical_R = np.bincount(row_N, score_N * critical_N, rows)
    usual_N = weight_N * (counts_N & ~critical_N)
    size_R = np.bincount(row_N, usual_N, rows)
    mean_R = np.bincount(row_N, usual_N * score_N, rows) / np.where(size_R > 0, size_R, 1.0)
    return np.where(veto_R, critical_R, mean_R)


def both_orders(first_R: NDArray[np.float64], second_R: NDArray[np.float64], compat: bool = False) -> NDArray[np.float64]:
    """Return what two orders of showing a pair amount to.

    Parameters
    ----------
    first_R : (R,) float
        What is said of the response where it is shown first: positive where it is better, negative where worse.
    second_R : (R,) float
        And where it is shown second.
    compat : bool
        Whether, as published, the order that shows it first can win alone where the other ties, and the other lose alone.

    Returns
    -------
    (R,) float
        1 won, 0 lost, 0.5 neither; of the other response the rest to 1.
    """
    won_R = (first_R > 0) & ((second_R >= 0) if compat else (second_R > 0))
    lost_R = (second_R < 0) & ((first_R <= 0) if compat else (first_R < 0))
    return 0.5 + 0.5 * (won_R.astype(np.float64) - lost_R)


def hybrid_results(
    label_P2C: NDArray[np.float64], orders_won_P2: NDArray[np.int64], known_P2C: NDArray[np.bool_] | None = None, bonus: float = 5.0
) -> Hybrid:
    """Return who wins by the labels of rubric items and the votes of a pairwise judge together.

    Parameters
    ----------
    label_P2C : (P, 2, C) float
        Label of each item for each of the two answers, 1 to 5 as published.
    orders_won_P2 : (P, 2) int
        In how many orders each was preferred.
    known_P2C : (P, 2, C) bool, optional
        Where there is a label; an item counts where there is one for both answers. All, if not given.
    bonus : float
        Points for each order won.

    Returns
    -------
    Hybrid

    References
    ----------
    ResearchQA, arXiv 2509.00496 (card researchqa).
    """
    counts_P1C = np.ones_like(label_P2C[:, :1], dtype=np.bool_) if known_P2C is None else known_P2C.all(axis=1, keepdims=True)
    total_P2 = np.where(counts_P1C, label_P2C, 0.0).sum(axis=2) + bonus * orders_won_P2
    return Hybrid(total_P2, 0.5 + 0.5 * np.sign(total_P2[:, 0] - total_P2[:, 1]))


def _compared(cells: Cells) -> NDArray[np.bool_]:
    """Return which cells count: those of scope ``pair``, and all of a rubric that has none of that scope."""
    about_pairs_U = np.array([any(c.scope == "pair" for c in r.criteria) for r in cells.table.rubrics], dtype=np.bool_)
    return cells.table.about_pair_N | ~about_pairs_U[cells.table.rubric_R[cells.table.row_N]]


def _votes(
    cells: Cells, size_N: NDArray[np.float64], critical_N: NDArray[np.bool_], counts_N: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the sums of the layers' signs: as is, at worst and at best, by whether the response was shown first or second.

    Also whether anything is decided in each of the two orders. An order that was never asked for is taken to say what the other does.
    """
    table = cells.table
    votes, known = np.zeros((3, 2, cells.rows)), np.zeros((2, cells.rows), dtype=np.bool_)
    for place, layer in enumerate(table.layers):
        one = cells_of(table, place)
        there_N = one.applies_N & cells.applies_N & counts_N
        known[layer.repeat % 2] |= cells.total((there_N & one.known_N).astype(np.float64)) > 0
        for kind, score_N in enumerate(_scores(one)):
            total_R = pair_totals(np.where(there_N, score_N, 0.0), size_N, critical_N, table.row_N, cells.rows)
            votes[kind, layer.repeat % 2] += np.sign(np.round(total_R, 9))
    ways = {layer.repeat % 2 for layer in table.layers}
    if len(ways) == 1:
        (way,) = ways
        votes[:, 1 - way], known[1 - way] = votes[:, way], known[way]
    first_R = np.zeros(cells.rows, dtype=np.bool_)
    first_R[np.unique(table.task_R, return_index=True)[1]] = True  # even repeats show the first of a case first
    return np.where(first_R, votes, votes[:, ::-1]), np.where(first_R, known, known[::-1])


def _scores(cells: Cells) -> tuple[NDArray[np.float64], ...]:
    """Return what each cell says of its response: as is, with nothing where it is not known; at worst; at best."""
    sign_N = np.where(cells.of(cells.columns.fault_C), -1.0, 1.0)
    is_N, least_N, most_N = (np.round(sign_N * (4.0 * a - 2.0), 12) for a in (cells.credit_N, cells.least_N, cells.most_N))
    return np.where(cells.known_N, is_N, 0.0), np.minimum(least_N, most_N), np.maximum(least_N, most_N)


METHOD = Method(
    name="criterionwise",
    room="score",
    call=criterionwise,
    options=Criterionwise,
    says="pairs won by the weighted sum of their criteria, critical ones alone where they differ, both orders agreeing",
    cites="OpenRS, arXiv 2602.14069 (card openrs)",
)
