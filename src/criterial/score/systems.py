"""Systems and criteria in sum: means with intervals over tasks, pass rates, and how many cells are in which state."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from criterial.core.score import Estimate
from criterial.core.verdict import State
from criterial.score.cells import Cells
from criterial.score.estimates import mean_estimate
from criterial.score.scoring import Scores

__all__ = ["PartMean", "PassRate", "SystemScore", "part_means", "pass_rates", "state_counts", "system_scores"]


@dataclass(frozen=True)
class SystemScore:
    """What one system got."""

    system: str
    """Its name."""
    mean: Estimate
    """Mean score of its scored responses, with an interval over tasks."""
    responses: int
    """How many responses it has."""
    unscored: int
    """How many of them have no score because nothing is decided."""
    low: float
    """Mean of the lower bounds of all its responses: its mean if every missing verdict went against it."""
    high: float
    """Mean of the upper bounds."""
    coverage: float
    """Mean coverage."""
    pooled: Estimate
    """Share of points earned over all of its decided cells at once: the ratio of sums in place of the mean of ratios."""


@dataclass(frozen=True)
class PartMean:
    """What a system's responses got in one part of their rubrics."""

    system: str
    """The system."""
    part: str
    """The part: ``required``, ``optional``, ``category:NAME``, ``tier:NAME``, ``turn:2`` ..."""
    mean: Estimate
    """Mean of the part's scores where there are any, with an interval over tasks."""


@dataclass(frozen=True)
class PassRate:
    """How often a criterion is met."""

    criterion: str
    """Its id."""
    rubric: int
    """Which of the table's rubrics it belongs to."""
    rate: Estimate
    """Mean credit where decided, with an interval over tasks."""
    decided: int
    """Cells decided."""
    open: int
    """Cells that apply and are not decided."""


def system_scores(scores: Scores) -> list[SystemScore]:
    """Return each system's scores, best mean first.

    Parameters
    ----------
    scores : Scores
        Of all responses.

    Returns
    -------
    list of SystemScore
    """
    names = np.array(scores.table.systems, dtype=object)
    out = [_system(scores, str(name), np.flatnonzero(names == name)) for name in dict.fromkeys(scores.table.systems)]
    return sorted(out, key=lambda s: (s.mean.value is None, -(s.mean.value or 0.0), s.system))


def _system(scores: Scores, name: str, rows_S: np.ndarray[tuple[int], np.dtype[np.int64]]) -> SystemScore:
    rows, table = scores.rows, scores.table
    scored_S = rows_S[rows.known_R[rows_S]]
    # single scores may fall below 0 by HealthBench's rule, their mean may not
    low, high = (0.0, 1.0) if rows.clip_mean else (-np.inf, np.inf)
    return SystemScore(
        system=name,
        mean=mean_estimate(rows.value_R[scored_S], table.task_R[scored_S], unit=rows.clip_mean),
        responses=len(rows_S),
        unscored=len(rows_S) - len(scored_S),
        low=float(np.clip(rows.low_R[rows_S].mean(), low, high)),
        high=float(np.clip(rows.high_R[rows_S].mean(), low, high)),
        coverage=float(rows.coverage_R[rows_S].mean()),
        pooled=_pooled(scores.cells, rows_S),
    )


def part_means(scores: Scores) -> list[PartMean]:
    """Return the mean score of each part by system; inner nodes of trees are left out.

    Parameters
    ----------
    scores : Scores
        Of all responses.

    Returns
    -------
    list of PartMean
        Part by part, turns in their order, and within a part in the order of `system_scores`.
    """
    table, names = scores.table, np.array(scores.table.systems, dtype=object)
    systems = [s.system for s in system_scores(scores)]
    out: list[PartMean] = []
    for name in sorted((n for n in scores.rows.parts if not n.startswith("node:")), key=_part_order):
        part = scores.rows.parts[name]
        for system in systems:
            rows = np.flatnonzero((names == system) & part.present_R & part.known_R)
            if len(rows):
                found = mean_estimate(part.value_R[rows], table.task_R[rows], unit=scores.rows.clip_mean)
                out.append(PartMean(system, name, found))
    return out


def _part_order(name: str) -> tuple[bool, str, int, str]:
    kind, _, rest = name.partition(":")
    return bool(rest), kind, int(rest) if kind == "turn" else 0, rest


def _pooled(cells: Cells, rows_S: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Estimate:
    """Return sum of points earned over sum of positive points, with a linearised interval over tasks."""
    counted_N = cells.known_N & cells.applies_N & ~cells.of(cells.columns.gate_C) & ~cells.of(cells.columns.deduct_C)
    earned_R = cells.total(np.where(counted_N, cells.weight_N * cells.credit_N, 0.0))[rows_S]
    top_R = cells.total(np.where(counted_N, np.maximum(cells.weight_N, 0.0), 0.0))[rows_S]
    if top_R.sum() <= 0:
        return Estimate(None, None, None, int(counted_N.sum()), "no positive points are decided")
    ratio = float(earned_R.sum() / top_R.sum())
    spread = mean_estimate((earned_R - ratio * top_R) / top_R.mean(), cells.table.task_R[rows_S])
    if spread.se is None:
        return replace(spread, value=ratio)
    return replace(spread, value=ratio, low=ratio + (spread.low or 0.0), high=ratio + (spread.high or 0.0))


def pass_rates(scores: Scores) -> list[PassRate]:
    """Return how often each criterion is met, in the table's order.

    Parameters
    ----------
    scores : Scores
        Of all responses.

    Returns
    -------
    list of PassRate
    """
    cells, table = scores.cells, scores.table
    order_N = np.argsort(table.column_N, kind="stable")
    bounds_C = np.searchsorted(table.column_N[order_N], np.arange(len(table.criteria) + 1))
    owners = [(u, c) for u, r in enumerate(table.rubrics) for c in r.criteria]
    out: list[PassRate] = []
    for column, (rubric, criterion) in enumerate(owners):
        here_N = order_N[bounds_C[column] : bounds_C[column + 1]]
        known_N = here_N[cells.known_N[here_N] & cells.applies_N[here_N]]
        rate = mean_estimate(cells.credit_N[known_N], table.task_R[table.row_N[known_N]], unit=True)
        if rate.se is None and len(known_N) > 1:  # one task: its responses are the units
            rate = mean_estimate(cells.credit_N[known_N], table.row_N[known_N], "responses", unit=True)
        out.append(PassRate(criterion.id, rubric, rate, len(known_N), int((cells.applies_N[here_N] & ~cells.known_N[here_N]).sum())))
    return out


def state_counts(scores: Scores) -> dict[str, int]:
    """Return how many cells are decided, abstained, not applicable and failed, layers pooled.

    Parameters
    ----------
    scores : Scores
        Of all responses.

    Returns
    -------
    dict of str to int
    """
    state_N = scores.cells.state_N
    named = {"decided": State.DECIDED, "abstained": State.ABSTAINED, "not_applicable": State.NOT_APPLICABLE, "failed": State.FAILED}
    return {name: int((state_N == state).sum()) for name, state in named.items()}
