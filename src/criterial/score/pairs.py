"""What the order of a pair does to its verdicts: how often the response that is shown first wins, and how often both orders agree."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from criterial.core.score import Estimate, Finding
from criterial.core.table import VerdictTable
from criterial.core.verdict import State
from criterial.score.cells import cells_of
from criterial.score.estimates import mean_estimate

__all__ = ["OrderEffect", "order_effect", "order_finding"]


@dataclass(frozen=True)
class OrderEffect:
    """What showing a pair in one order or the other does."""

    first_wins: Estimate
    """Share of points that goes to the response shown first, over pairs seen in both orders: 0.5 without a bias, whoever is better."""
    agree: Estimate
    """Share of these pairs on which both orders come to the same verdict."""
    one_order: int
    """Comparisons seen in one order alone."""


def order_effect(table: VerdictTable) -> OrderEffect | None:
    """Return the effect of the order in which pairs are shown, or None where nothing is about a pair.

    Parameters
    ----------
    table : VerdictTable
        With criteria of scope ``pair``; a judge's even repeats saw the first response of a case first, its odd ones the second.

    Returns
    -------
    OrderEffect or None
    """
    cells_N = np.flatnonzero(table.about_pair_N)
    if not len(cells_N):
        return None
    # the first response's cell of each pair; the other's says the same, mirrored
    _, first_of_task = np.unique(table.task_R, return_index=True)
    cells_N = cells_N[np.isin(table.row_N[cells_N], first_of_task)]
    credit_LN, known_LN = _layers(table)
    judges = list(dict.fromkeys(layer.judge for layer in table.layers))
    first, agree, tasks, single = [], [], [], 0
    for judge in judges:
        ways = [[i for i, layer in enumerate(table.layers) if layer.judge == judge and layer.repeat % 2 == odd] for odd in (0, 1)]
        even_N, odd_N = (_mean(credit_LN[way], known_LN[way]) for way in ways)
        even_N, odd_N = even_N[cells_N], odd_N[cells_N]
        both = np.isfinite(even_N) & np.isfinite(odd_N)
        single += int((np.isfinite(even_N) ^ np.isfinite(odd_N)).sum())
        first.append((even_N[both] + 1.0 - odd_N[both]) / 2)
        agree.append((np.sign(even_N[both] - 0.5) == np.sign(odd_N[both] - 0.5)).astype(np.float64))
        tasks.append(table.task_R[table.row_N[cells_N[both]]])
    clusters = np.concatenate(tasks)
    first_wins, agreed = (mean_estimate(np.concatenate(a), clusters, unit=True) for a in (first, agree))
    return OrderEffect(first_wins, agreed, single)


def _layers(table: VerdictTable) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    each = [cells_of(table, layer, settle=False) for layer in range(len(table.layers))]
    return np.stack([c.credit_N for c in each]), table.state_LN == State.DECIDED


def _mean(credit_LN: NDArray[np.float64], known_LN: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the mean over layers, infinite where none is decided."""
    count_N = known_LN.sum(axis=0)
    total_N = np.where(known_LN, credit_LN, 0.0).sum(axis=0)
    mean_N: NDArray[np.float64] = np.where(count_N > 0, total_N / np.maximum(count_N, 1), np.inf)
    return mean_N


def order_finding(table: VerdictTable) -> Finding | None:
    """Return what a reader of verdicts on pairs must know of their order.

    Parameters
    ----------
    table : VerdictTable
        Any.

    Returns
    -------
    Finding or None
        None where nothing is about a pair.
    """
    effect = order_effect(table)
    if effect is None:
        return None
    if effect.first_wins.value is None:
        message = "Pairs were seen in one order alone, so what their order did to the verdicts cannot be told."
        return Finding("pair_order", "warning", "judge", message, "use --repeats 2: every other repeat shows the pairs the other way round")
    first, agree = (f"{e.value:.0%}{_between(e)}" for e in (effect.first_wins, effect.agree))
    message = f"The response shown first takes {first} of the points of pairs seen in both orders; both orders agree on {agree} of them."
    return Finding("pair_order", "note", "judge", message, "without a bias the first takes 50%, whoever is better")


def _between(figure: Estimate) -> str:
    return "" if figure.low is None or figure.high is None else f" [{figure.low:.0%}, {figure.high:.0%}]"
