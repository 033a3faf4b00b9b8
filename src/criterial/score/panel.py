"""Panels: how several judges, and a judge's repeats, become one verdict a cell."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from criterial.core.rubric import Panel
from criterial.core.table import VerdictTable
from criterial.core.verdict import State
from criterial.score.columns import Columns, credit_of_values

__all__ = ["Pooled", "layer_weights", "pooled", "vote_entropy"]

_SHRINK = 0.05
_LEAST_SHARED = 20


class Pooled(NamedTuple):
    """One verdict a cell."""

    state_N: NDArray[np.uint8]
    """`State` of each cell."""
    value_N: NDArray[np.float64]
    """Value in the criterion's scale where decided."""
    credit_N: NDArray[np.float64]
    """Credit where decided, which under the rule ``mean`` may lie between levels."""


def pooled(table: VerdictTable, columns: Columns, panel: Panel) -> Pooled:
    """Return one verdict a cell.

    A cell is decided where judges of at least half of the weight that was not lost decided it; what it then is, the rule says.

    Parameters
    ----------
    table : VerdictTable
        The verdicts, in layers of judges and repeats.
    columns : Columns
        Its criteria.
    panel : Panel
        The rule.

    Returns
    -------
    Pooled
    """
    decided_LN = table.state_LN == State.DECIDED
    credit_LN = np.stack([credit_of_values(v, columns, table.column_N) for v in table.value_LN])
    read_LN = _read(table, columns, panel, credit_LN)
    weight_LN = layer_weights(table, panel, credit_LN)[:, None] * decided_LN
    fault_N = columns.fault_C[table.column_N]
    value_N, credit_N = _likeliest(table.value_LN, credit_LN, weight_LN, fault_N)
    total_N = np.where(weight_LN.sum(axis=0) > 0, weight_LN.sum(axis=0), 1.0)
    numeric_N = columns.numeric_C[table.column_N]
    if panel.rule == "mean" or panel.reading == "expected":
        credit_N = (weight_LN * read_LN).sum(axis=0) / total_N
    elif panel.rule == "majority":
        value_N = np.where(numeric_N, (weight_LN * table.value_LN).sum(axis=0) / total_N, value_N)
        credit_N = np.where(numeric_N, (weight_LN * credit_LN).sum(axis=0) / total_N, credit_N)
    else:
        place_N = _chosen(panel, credit_LN, weight_LN > 0, fault_N)
        value_N, credit_N = (np.take_along_axis(a, place_N[None], axis=0)[0] for a in (table.value_LN, credit_LN))
    return Pooled(_state(table, panel), value_N, credit_N)


def _state(table: VerdictTable, panel: Panel) -> NDArray[np.uint8]:
    weight_L = _own_weights(table, panel)[:, None]
    decided, apart, abstained = (
        (weight_L * (table.state_LN == s)).sum(axis=0) for s in (State.DECIDED, State.NOT_APPLICABLE, State.ABSTAINED)
    )
    heard = decided + apart + abstained
    undecided = np.where(apart > abstained, State.NOT_APPLICABLE, State.ABSTAINED)
    return np.where(heard <= 0, State.FAILED, np.where(2 * decided >= heard - 1e-9, State.DECIDED, undecided)).astype(np.uint8)


def _read(table: VerdictTable, columns: Columns, panel: Panel, credit_LN: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return each layer's credit as the panel reads it: of its verdict, or expected by its probabilities, less its risk."""
    probs_LNK = table.probs_LNK
    if panel.reading == "verdict" or probs_LNK.shape[2] == 0:
        return credit_LN
    credit_NK = columns.credit_CK[table.column_N][:, : probs_LNK.shape[2]]
    mean_LN = (probs_LNK * credit_NK).sum(axis=2)
    spread_LN = np.sqrt(np.maximum((probs_LNK * credit_NK**2).sum(axis=2) - mean_LN**2, 0.0))
    against_N = np.where(columns.fault_C[table.column_N], 1.0, -1.0)  # a cautious reading of a fault is that it is there
    read_LN = np.clip(mean_LN + against_N * panel.risk * spread_LN, 0.0, 1.0)
    return np.where(probs_LNK.sum(axis=2) > 0, read_LN, credit_LN)


def _likeliest(
    value_LN: NDArray[np.float64], credit_LN: NDArray[np.float64], weight_LN: NDArray[np.float64], fault_N: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the value of most weight in each cell with its credit; of equals the one that scores lower."""
    worth_LN = np.where(fault_N, -credit_LN, credit_LN)
    best_N, most_N = np.zeros(value_LN.shape[1], dtype=np.int64), np.full(value_LN.shape[1], -1.0)
    lowest_N = np.full(value_LN.shape[1], np.inf)
    for layer, (value_N, mine_N) in enumerate(zip(value_LN, weight_LN, strict=True)):
        votes_N = np.where(mine_N > 0, ((value_LN == value_N) * weight_LN).sum(axis=0), -1.0)
        even_N = np.abs(votes_N - most_N) <= 1e-9
        better_N = (votes_N > most_N + 1e-9) | (even_N & (votes_N > 0) & (worth_LN[layer] < lowest_N))
        best_N, most_N, lowest_N = (np.where(better_N, a, b) for a, b in ((layer, best_N), (votes_N, most_N), (worth_LN[layer], lowest_N)))
    value, credit = (np.take_along_axis(a, best_N[None], axis=0)[0] for a in (value_LN, credit_LN))
    return value, credit


def _chosen(panel: Panel, credit_LN: NDArray[np.float64], heard_LN: NDArray[np.bool_], fault_N: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the layer whose verdict each cell takes, for rules that look at the order of credits."""
    order_LN = np.argsort(np.where(heard_LN, -credit_LN, np.inf), axis=0, kind="stable")  # highest credit first, unheard last
    count_N = np.maximum(heard_LN.sum(axis=0), 1)
    last_N, first_N = count_N - 1, np.zeros_like(count_N)
    place_N = {
        "any": first_N,
        "all": last_N,
        "conservative": np.where(fault_N, first_N, last_N),
        "lenient": np.where(fault_N, last_N, first_N),
        "at_least": np.minimum(panel.need - 1, last_N),
    }[panel.rule]
    chosen_N: NDArray[np.int64] = np.take_along_axis(order_LN, place_N[None], axis=0)[0]
    return chosen_N


def layer_weights(table: VerdictTable, panel: Panel, credit_LN: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the weight of each layer's vote.

    Parameters
    ----------
    table : VerdictTable
        The verdicts.
    panel : Panel
        Weights by judge; whether correlated judges count less.
    credit_LN : (L, N) float
        Credit of each layer's values.

    Returns
    -------
    (L,) float
        At least 0. A judge's repeats share its weight.

    Notes
    -----
    Correlated judges have the weights R^-1 1, with R the correlations of their credits over the cells that both decided, shrunk by
    5 % towards none: two judges that always agree count as one. Judges that share fewer than 20 cells count as uncorrelated.
    """
    weight_L = _own_weights(table, panel)
    if not panel.independent:
        return weight_L
    names = list(dict.fromkeys(layer.judge for layer in table.layers))
    member_LJ = np.array([[layer.judge == name for name in names] for layer in table.layers], dtype=np.float64)
    heard_LN = (table.state_LN == State.DECIDED).astype(np.float64)
    count_JN = member_LJ.T @ heard_LN
    credit_JN = member_LJ.T @ (heard_LN * credit_LN) / np.maximum(count_JN, 1.0)
    share_J = _precision_weights(_correlations(credit_JN, count_JN > 0))
    weighed: NDArray[np.float64] = weight_L * (member_LJ @ share_J)
    return weighed


def _own_weights(table: VerdictTable, panel: Panel) -> NDArray[np.float64]:
    names = [layer.judge for layer in table.layers]
    most = max(map(names.count, names), default=1)
    return np.array([panel.weights.get(n, 1.0) * (most / names.count(n)) for n in names], dtype=np.float64)


def _correlations(credit_JN: NDArray[np.float64], heard_JN: NDArray[np.bool_]) -> NDArray[np.float64]:
    judges = len(credit_JN)
    found = np.eye(judges)
    for a in range(judges):
        for b in range(a):
            both = heard_JN[a] & heard_JN[b]
            x, y = credit_JN[a, both], credit_JN[b, both]
            if both.sum() >= _LEAST_SHARED and x.std() > 0 and y.std() > 0:
                found[a, b] = found[b, a] = float(((x - x.mean()) * (y - y.mean())).mean() / (x.std() * y.std()))
    return found


def _precision_weights(correlation: NDArray[np.float64]) -> NDArray[np.float64]:
    judges = len(correlation)
    shrunk = (1.0 - _SHRINK) * correlation + _SHRINK * np.eye(judges)
    raw = np.maximum(np.linalg.solve(shrunk, np.ones(judges)), 0.0)
    share: NDArray[np.float64] = raw * judges / raw.sum() if raw.sum() > 0 else np.ones(judges)
    return share


def vote_entropy(table: VerdictTable) -> NDArray[np.float64]:
    """Return how much the layers disagree on each cell: the entropy of their votes in bits, 0 where they agree.

    Parameters
    ----------
    table : VerdictTable
        With several layers.

    Returns
    -------
    (N,) float
    """
    decided_LN = table.state_LN == State.DECIDED
    count_N = decided_LN.sum(axis=0)
    entropy_N = np.zeros(decided_LN.shape[1])
    order = np.where(decided_LN, table.value_LN, np.inf)
    order.sort(axis=0)
    for value_N, votes_N in _votes(order):
        share_N = np.where(np.isfinite(value_N), votes_N, 0) / np.maximum(count_N, 1)
        entropy_N -= np.where(share_N > 0, share_N * np.log2(np.maximum(share_N, 1e-300)), 0.0)
    return np.abs(entropy_N)


def _votes(sorted_LN: NDArray[np.float64]) -> list[tuple[NDArray[np.float64], NDArray[np.int64]]]:
    """Return each layer's value with how many layers gave it, counted once: at the first of its equals."""
    out = []
    for i, value_N in enumerate(sorted_LN):
        same_LN = sorted_LN == value_N
        first_N = ~same_LN[:i].any(axis=0)
        out.append((value_N, same_LN.sum(axis=0) * first_N))
    return out
