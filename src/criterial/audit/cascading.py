"""The threshold of a cascade, fitted on stored verdicts: the least sure verdict of a cheap judge that may stand, for an error promised."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from criterial.audit.matched import Matched, matched
from criterial.core.score import Estimate
from criterial.core.table import VerdictTable
from criterial.errors import ConfigError
from criterial.maths.calibration import folds_of
from criterial.maths.intervals import cluster_mean, share_interval
from criterial.score.estimates import mean_estimate

__all__ = ["CascadeFit", "CascadeOptions", "CascadePoint", "fit_cascade"]

_GRID = 60
_SAME = 1e-9
_STARTS = (0.05, 0.1, 0.2, 0.4)


@dataclass(frozen=True)
class CascadeOptions:
    """What a cascade must keep to."""

    error: float = 0.05
    """The most that may be wrong among the verdicts that stand."""
    confidence: float = 0.95
    """How sure that must be."""
    seed: int = 0
    """Of the folds on which it is tried out."""

    def __post_init__(self) -> None:
        if not 0.0 < self.error < 1.0 or not 0.5 <= self.confidence < 1.0:
            raise ConfigError("error lies between 0 and 1, and confidence from 0.5 up to 1")


@dataclass(frozen=True)
class CascadePoint:
    """One threshold."""

    below: float
    """What is decided with less is passed on."""
    error: Estimate
    """Share wrong among the verdicts that stand."""
    bound: float | None
    """Upper end of that, as sure as asked for; None where nothing stands."""
    kept: float
    """Share of all verdicts that stand."""


@dataclass(frozen=True)
class CascadeFit:
    """A cascade's threshold, with what it promises."""

    cheap: str
    """The cheap judge."""
    truth: str
    """What counts as right: labels, or the dear judge."""
    options: CascadeOptions
    """What was asked for."""
    chosen: CascadePoint | None
    """The threshold; None where no threshold keeps the promise."""
    everything: CascadePoint
    """What passing on nothing but what the cheap judge did not decide would do."""
    responses: float
    """Share of responses of which nothing is passed on: calls of the dear judge saved, at one call a response."""
    tried: Estimate
    """Share wrong among what stands on tasks that the threshold was not chosen on."""
    tried_kept: Estimate
    """Share that stands there."""
    curve: tuple[CascadePoint, ...]
    """All thresholds that were looked at, the strictest first."""


def fit_cascade(cheap: VerdictTable, truth: VerdictTable, named: str = "labels", options: CascadeOptions | None = None) -> CascadeFit:
    """Return the loosest threshold whose error is kept to, by stored verdicts alone.

    Parameters
    ----------
    cheap : VerdictTable
        The cheap judge's verdicts; its first repeat counts.
    truth : VerdictTable
        People's labels, or the dear judge's verdicts, on the same cases.
    named : str
        What the truth is called.
    options : CascadeOptions, optional
        What is to be kept to.

    Returns
    -------
    CascadeFit

    Raises
    ------
    ConfigError
        If the cheap judge gives no probabilities, or there are fewer than two tasks.

    Notes
    -----
    Thresholds are tested from the strictest to the loosest, and the first whose upper bound passes the error ends the search: however
    many are looked at, the chance of promising too much stays what it is for one (fixed-sequence testing). The search begins where 5, 10,
    20 and 40 % of verdicts stand, and each of the four may err with a quarter of 1 - confidence.

    References
    ----------
    Angelopoulos et al. (2021), Learn then test: calibrating predictive algorithms to achieve risk control.
    """
    options = options or CascadeOptions()
    cells = matched(cheap.layer(0), truth)
    sure_N, wrong_N = _sureness(cells, cheap), (np.abs(cells.judge_N - cells.label_N) > _SAME).astype(np.float64)
    if len(np.unique(cells.task_N)) < 2:
        raise ConfigError("a threshold needs verdicts on two tasks or more")
    place, curve = _search(sure_N, wrong_N, cells.task_N, options)
    chosen = None if place is None else curve[place]
    tried, kept = _tried(sure_N, wrong_N, cells.task_N, options)
    stands_N = sure_N >= (np.inf if chosen is None else chosen.below)
    row_N = cheap.row_N[cells.cell_N]
    whole, there = np.bincount(row_N, ~stands_N) == 0, np.bincount(row_N) > 0
    return CascadeFit(
        cheap=cheap.layers[0].judge,
        truth=named,
        options=options,
        chosen=chosen,
        everything=_point(0.0, sure_N, wrong_N, cells.task_N, options),
        responses=float(whole[there].mean()),
        tried=tried,
        tried_kept=kept,
        curve=tuple(curve),
    )


def _sureness(cells: Matched, cheap: VerdictTable) -> NDArray[np.float64]:
    """Return the probability of what the cheap judge decided, minus infinity where it decided nothing."""
    probs_NK = cheap.probs_LNK[0][cells.cell_N]
    if not (probs_NK.sum(axis=1)[cells.decided_N] > 0).any():
        raise ConfigError("the cheap judge gives no probabilities: there is no threshold to fit (a chat model gives some with --logprobs)")
    most_N = probs_NK.max(axis=1).astype(np.float64)
    return np.where(cells.decided_N, np.where(most_N > 0, most_N, 1.0), -np.inf)


def _search(
    sure_N: NDArray[np.float64], wrong_N: NDArray[np.float64], task_N: NDArray[np.int64], options: CascadeOptions
) -> tuple[int | None, list[CascadePoint]]:
    known_N = sure_N[np.isfinite(sure_N)]
    levels = np.unique(np.quantile(known_N, np.linspace(0, 1, _GRID), method="nearest"))[::-1] if len(known_N) else np.ones(1)
    curve = [_point(float(level), sure_N, wrong_N, task_N, options) for level in levels]
    reached = [_loosest(curve, start, options.error) for start in _STARTS]
    return max((place for place in reached if place is not None), default=None), curve


def _loosest(curve: list[CascadePoint], start: float, error: float) -> int | None:
    """Return the last threshold that keeps to the error, of those from where a share of all verdicts stands."""
    chosen = None
    for place, point in enumerate(curve):
        if point.kept < start:
            continue
        if point.bound is None or point.bound > error:
            break
        chosen = place
    return chosen


def _point(
    below: float, sure_N: NDArray[np.float64], wrong_N: NDArray[np.float64], task_N: NDArray[np.int64], options: CascadeOptions
) -> CascadePoint:
    stands_N = sure_N >= below
    error = mean_estimate(wrong_N[stands_N], task_N[stands_N], unit=True)
    return CascadePoint(below, error, _bound(wrong_N[stands_N], task_N[stands_N], options.confidence), float(stands_N.mean()))


def _bound(wrong_N: NDArray[np.float64], task_N: NDArray[np.int64], confidence: float) -> float | None:
    if not len(wrong_N):
        return None
    found = cluster_mean(wrong_N, task_N)
    if found.se is None:
        return None
    each = 1.0 - (1.0 - confidence) / len(_STARTS)
    return share_interval(found.mean, found.se, len(wrong_N), found.clusters, 2 * each - 1)[1]


def _tried(
    sure_N: NDArray[np.float64], wrong_N: NDArray[np.float64], task_N: NDArray[np.int64], options: CascadeOptions
) -> tuple[Estimate, Estimate]:
    """Return error and share of what stands on tasks that the threshold was not chosen on."""
    stands_N = np.zeros(len(sure_N), dtype=np.bool_)
    for fold, held_N in _folds(task_N, options.seed):
        place, curve = _search(sure_N[fold], wrong_N[fold], task_N[fold], options)
        if place is not None:
            stands_N[held_N] = sure_N[held_N] >= curve[place].below
    kept = mean_estimate(stands_N.astype(np.float64), task_N, unit=True)
    return mean_estimate(wrong_N[stands_N], task_N[stands_N], unit=True), kept


def _folds(task_N: NDArray[np.int64], seed: int) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    fold_N = folds_of(task_N, 5, seed)
    for fold in np.unique(fold_N):
        yield fold_N != fold, fold_N == fold
