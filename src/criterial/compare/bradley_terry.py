"""Bradley-Terry: the strengths that best explain who won against whom, with ties and what being shown first is worth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from criterial.compare.davidson import Fit, Ties, clustered_covariance, fit_contests
from criterial.compare.davidson_bootstrap import resampled_strengths
from criterial.compare.evidence import Contests, Evidence
from criterial.compare.ranking import Scale, Strengths, on_scale, ranking_of
from criterial.core.method import Method
from criterial.core.score import Finding, Ranking
from criterial.errors import ConfigError

__all__ = ["METHOD", "BradleyTerry", "bradley_terry"]


@dataclass(frozen=True)
class BradleyTerry:
    """Options of `bradley_terry`."""

    ties: Ties = "davidson"
    """Ties as an outcome of their own, as half a win each, or left out."""
    order_effect: bool = False
    """Whether being shown first may be worth something."""
    scale: Scale = "elo"
    """Strengths as Elo points around 1500, or as log-odds around 0."""
    intervals: Literal["auto", "model", "clustered", "bootstrap"] = "auto"
    """By the model alone; allowing for dependence within tasks; by resampling tasks. ``auto`` allows for it where there are tasks
    with several contests, and at least twice as many tasks as systems."""
    resamples: int = 1000
    """Of the bootstrap."""
    seed: int = 0
    """Of the bootstrap."""
    prior_sd: float | None = None
    """Standard deviation of a normal prior of strengths, in log-odds; None is none unless it is needed."""
    margin: float = 0.05
    """Chance of a win beyond one half below which systems count as equal."""


def bradley_terry(evidence: Evidence, options: BradleyTerry | None = None) -> Ranking:
    """Return systems by the strengths that make the results most likely.

    Parameters
    ----------
    evidence : Evidence
        With contests, or marks that make them.
    options : BradleyTerry, optional
        See there.

    Returns
    -------
    Ranking
        Strengths are relative to the mean of all systems.

    Raises
    ------
    ConfigError
        If no two systems met, groups of systems never met, or an option does not fit the contests.

    References
    ----------
    Bradley and Terry (1952), Biometrika 39; Davidson (1970), JASA 65, for ties. Cards worldjen, researchqa.
    """
    options = options or BradleyTerry()
    contests = evidence.contests
    if options.order_effect and not _both_ways(contests):
        raise ConfigError("what being shown first is worth cannot be told: no pair of systems was shown both ways round")
    fit, weak = fit_contests(contests, options.ties, options.order_effect, options.prior_sd)
    cov_SS, basis, exact = _covariance(fit, contests, options)
    size, value_S = len(contests.systems), fit.x[: len(contests.systems)]
    logit = Strengths(
        systems=contests.systems,
        value_S=value_S,
        cov_SS=cov_SS[:size, :size],
        n_S=contests.n_S,
        units=len(contests.result_P) if exact else contests.clusters,
        unit="log-odds",
        margin=options.margin,
        method=f"bradley_terry (ties: {options.ties})",
        basis=basis,
        exact=exact,
        notes=tuple(_notes(fit, contests, weak)),
    )
    return ranking_of(on_scale(logit, options.scale))


def _both_ways(contests: Contests) -> bool:
    size = len(contests.systems)
    shown = set((contests.first_P * size + contests.second_P).tolist())
    return any((key % size) * size + key // size in shown for key in shown)


def _covariance(fit: Fit, contests: Contests, options: BradleyTerry) -> tuple[NDArray[np.float64], str, bool]:
    """Return the covariance of the parameters, what it is over, and whether it follows from the model alone."""
    tasks, number = contests.clusters, len(contests.result_P)
    kind = options.intervals
    if kind == "auto":
        kind = "clustered" if tasks < number and tasks >= 2 * len(contests.systems) else "model"
    if kind == "model" or tasks < 2:
        return fit.cov, f"{number} comparisons, by the model", True
    if kind == "clustered":
        return clustered_covariance(fit, contests.cluster_P), f"{tasks} tasks", False
    drawn_BS = resampled_strengths(fit, contests.cluster_P, options.resamples, options.seed)
    return np.cov(drawn_BS, rowvar=False), f"{tasks} tasks, {options.resamples} resamples", False


def _notes(fit: Fit, contests: Contests, weak: bool) -> list[Finding]:
    notes = []
    size, tasks = fit.design.size, contests.clusters
    if weak:
        message = (
            "some systems won, or lost, all contests against all others: how far they are ahead is bounded only by a weak prior (sd 3)"
        )
        notes.append(Finding("unbounded", "warning", "", message, "more contests of neighbours in the ranking settle it"))
    if tasks < len(contests.result_P) and tasks < 2 * size:
        message = f"{tasks} tasks are too few to allow for dependence within tasks: the intervals take all comparisons for independent"
        notes.append(Finding("few_tasks", "warning", "", message, "compare on more tasks"))
    if fit.design.ties:
        tie = float(np.exp(fit.x[size]) / (np.exp(fit.x[size]) + 2))
        notes.append(Finding("ties", "note", "", f"equal systems tie in {tie:.0%} of contests"))
    if fit.design.order:
        worth, se = fit.x[-1], float(np.sqrt(fit.cov[-1, -1]))
        message = f"being shown first is worth {worth:+.3f} in log-odds [{worth - 1.96 * se:.3f}, {worth + 1.96 * se:.3f}]"
        notes.append(Finding("order", "note", "", message))
    notes.append(Finding("optimum", "note", "", f"{fit.steps} Newton steps; gradient {fit.gradient:.1e} a contest"))
    return notes


METHOD = Method(
    name="bradley_terry",
    room="compare",
    call=bradley_terry,
    options=BradleyTerry,
    says="ranks by the strengths that best explain who won against whom, with ties",
    cites="Bradley and Terry 1952; Davidson 1970 (cards worldjen, researchqa)",
)
