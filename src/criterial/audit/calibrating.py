"""Whether a judge's probabilities come true, what would make them, what its policy loses, and rates corrected for its errors."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from criterial.audit.matched import Matched
from criterial.core.score import Estimate
from criterial.core.table import VerdictTable
from criterial.maths.association import Bin, brier, calibration_error, ece, log_loss, reliability
from criterial.maths.calibration import (
    Calibrator,
    Isotonic,
    Platt,
    Temperature,
    cross_fitted,
    fit_isotonic,
    fit_platt,
    fit_temperature,
    policy_gap,
    prediction_powered,
)
from criterial.score.cells import cells_of
from criterial.score.estimates import as_estimate, bootstrap_estimates, mean_estimate

__all__ = ["Calibration", "Fitted", "Policy", "Rate", "calibration", "corrected_rates", "method_text", "policy"]

_LEAST = 20
_FITS: Mapping[str, Callable[[NDArray[np.float64], NDArray[np.float64]], Calibrator]] = {
    "platt": fit_platt,
    "temperature": fit_temperature,
    "isotonic": fit_isotonic,
}


@dataclass(frozen=True)
class Fitted:
    """A calibrator, with what it gains on tasks that it was not fitted on."""

    name: str
    """``platt``, ``temperature`` or ``isotonic``."""
    curve: Calibrator
    """Fitted on all labels."""
    method: str
    """What makes a later run use it: ``--method`` and this."""
    brier: Estimate
    """Brier score on tasks that it has not seen."""
    change: Estimate
    """That less the judge's own: below 0 is a gain."""
    ece: Estimate
    """Expected calibration error on tasks that it has not seen."""


@dataclass(frozen=True)
class Calibration:
    """How far a judge's probabilities come true."""

    brier: Estimate
    """Mean squared error of the probability that a criterion is met."""
    plain_brier: float
    """What always saying the base rate would get."""
    log_loss: Estimate
    """Mean of minus the logarithm of the probability of what the label says."""
    ece: Estimate
    """Expected calibration error; above 0 by chance alone."""
    debiased: Estimate
    """Root mean square calibration error less what chance adds."""
    bins: tuple[Bin, ...]
    """The reliability curve."""
    fitted: tuple[Fitted, ...]
    """Calibrators, best first; none with fewer than 20 labels of either kind or two tasks."""


@dataclass(frozen=True)
class Policy:
    """What deciding otherwise by the same probabilities would gain."""

    abstain: float
    """What not deciding is taken to be worth, where right is 1 and wrong 0."""
    low: float
    """No below this probability,"""
    high: float
    """yes from this one on, and between them no verdict."""
    plain: Estimate
    """What deciding at a half is worth a verdict."""
    best: Estimate
    """What the best policy is worth on tasks that it was not chosen on."""
    gap: Estimate
    """The one less the other: what the policy is at fault for before the model is blamed."""


@dataclass(frozen=True)
class Rate:
    """A system's pass rate as the judge tells it, and corrected by labels."""

    system: str
    """Its name; empty for all."""
    said: Estimate
    """Share of its verdicts that the judge says are met."""
    labelled: Estimate
    """The same by people, where they labelled."""
    corrected: Estimate
    """The judge's rate over all verdicts, corrected by its errors where people labelled (PPI++)."""


def calibration(cells: Matched, resamples: int = 2000, seed: int = 0) -> Calibration | None:
    """Return how far a judge's probabilities come true.

    Parameters
    ----------
    cells : Matched
        The judge beside people; cells without probabilities are left out.
    resamples : int
        Bootstrap resamples of tasks.
    seed : int
        Their seed.

    Returns
    -------
    Calibration or None
        None where the judge gives no probabilities.
    """
    cells = cells.where(cells.graded_N)
    if not len(cells.task_N):
        return None
    p_N, label_N, all_N = cells.probability_N, cells.label_met_N.astype(np.float64), np.ones(len(cells.task_N), dtype=np.bool_)
    makers = (brier, log_loss, ece, calibration_error)
    figures = bootstrap_estimates([m(p_N, label_N, all_N) for m in makers], cells.task_N, resamples, seed)
    share = float(label_N.mean())
    enough = min(label_N.sum(), (1 - label_N).sum()) >= _LEAST and len(np.unique(cells.task_N)) >= 2
    fitted = [_fitted(name, p_N, label_N, cells.task_N, resamples, seed) for name in _FITS] if enough else []
    fitted.sort(key=lambda f: f.brier.value or 0.0)
    bins = reliability(p_N, label_N, all_N, cells.task_N)
    return Calibration(figures[0], share * (1 - share), figures[1], figures[2], figures[3], bins, tuple(fitted))


def _fitted(
    name: str, p_N: NDArray[np.float64], label_N: NDArray[np.float64], task_N: NDArray[np.int64], resamples: int, seed: int
) -> Fitted:
    fit = _FITS[name]
    found, curve = cross_fitted(fit, p_N, label_N, task_N, resamples=resamples, seed=seed), fit(p_N, label_N)
    after, change, error = (as_estimate(f) for f in (found.brier_after, found.brier_change, found.ece_after))
    return Fitted(name, curve, method_text(curve), after, change, error)


def method_text(curve: Calibrator) -> str:
    """Return what a later run passes as its method to use a calibrator.

    Parameters
    ----------
    curve : Platt, Temperature or Isotonic
        The calibrator.

    Returns
    -------
    str
        For ``--method`` of the command line.
    """
    if isinstance(curve, Platt):
        return f"calibrated:slope={curve.slope:.4f},intercept={curve.intercept:.4f}"
    if isinstance(curve, Temperature):
        return f"calibrated:slope={1.0 / curve.temperature:.4f}"
    assert isinstance(curve, Isotonic)
    return "calibrated:" + json.dumps({"score": [round(v, 6) for v in curve.score], "p": [round(v, 6) for v in curve.p]})


def policy(cells: Matched, abstain: float = 0.0, resamples: int = 2000, seed: int = 0) -> Policy | None:
    """Return what another threshold, or a band in which nothing is decided, would gain.

    Parameters
    ----------
    cells : Matched
        The judge beside people; cells without probabilities are left out.
    abstain : float
        What not deciding is worth, where right is 1 and wrong 0; 0 looks for a threshold alone.
    resamples : int
        Bootstrap resamples of tasks.
    seed : int
        Their seed.

    Returns
    -------
    Policy or None
        None where the judge gives no probabilities, or fewer than 20 labels of either kind or two tasks have some.
    """
    cells = cells.where(cells.graded_N)
    label_N = cells.label_met_N.astype(np.float64)
    if min(label_N.sum(), (1 - label_N).sum()) < _LEAST or len(np.unique(cells.task_N)) < 2:
        return None
    found = policy_gap(cells.probability_N, label_N, cells.task_N, abstain, resamples=resamples, seed=seed)
    plain, best, gap = (as_estimate(f) for f in (found.plain, found.best, found.gap))
    return Policy(abstain, found.band.low, min(found.band.high, 1.0), plain, best, gap)


def corrected_rates(cells: Matched, judged: VerdictTable) -> tuple[Rate, ...]:
    """Return pass rates by system, corrected for the judge's errors where people labelled only some verdicts.

    Parameters
    ----------
    cells : Matched
        The judge beside people.
    judged : VerdictTable
        All of the judge's verdicts; those that people did not label are taken to be like those that they did.

    Returns
    -------
    tuple of Rate
        One a system, by name; none of pairs, of which one wins by nature. Where all of a system's verdicts have labels the corrected
        rate is the labels' own.
    """
    if any(c.scope == "pair" for c in judged.criteria):
        return ()
    ours = cells_of(judged, settle=False)
    unlabelled_N = np.ones(len(judged.row_N), dtype=np.bool_)
    unlabelled_N[cells.cell_N] = False
    threshold_N = np.minimum(ours.columns.threshold_C[judged.column_N], 1.0)
    said_N, there_N = (ours.credit_N >= threshold_N).astype(np.float64), ours.known_N & ours.applies_N
    system_N, task_N = np.array(judged.systems)[judged.row_N], judged.task_R[judged.row_N]
    return tuple(_rates(cells, said_N, there_N, unlabelled_N, system_N, task_N))


def _rates(
    cells: Matched,
    said_N: NDArray[np.float64],
    there_N: NDArray[np.bool_],
    unlabelled_N: NDArray[np.bool_],
    system_N: NDArray[np.str_],
    task_N: NDArray[np.int64],
) -> Iterator[Rate]:
    for place, system in enumerate(cells.systems):
        mine = cells.where((cells.system_N == place) & cells.decided_N)
        all_N = there_N & (system_N == system)
        label_N, judge_N = mine.label_met_N.astype(np.float64), mine.judge_met_N.astype(np.float64)
        labelled = mean_estimate(label_N, mine.task_N, unit=True)
        rest_N = all_N & unlabelled_N
        powered = prediction_powered(label_N, judge_N, mine.task_N, said_N[rest_N], task_N[rest_N])
        corrected = as_estimate(powered) if rest_N.any() else labelled
        yield Rate(system, mean_estimate(said_N[all_N], task_N[all_N], unit=True), labelled, corrected)
