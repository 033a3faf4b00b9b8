"""A judge against people: agreement on the cells that both decided, with chance, base rate and intervals beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from criterial.core.score import Estimate
from criterial.core.table import VerdictTable
from criterial.errors import TableError
from criterial.maths.agreement import auroc, counts_of, kappa_of
from criterial.maths.bootstrap import cluster_bootstrap, cluster_weights, percentile_interval
from criterial.score.cells import Cells, cells_of
from criterial.score.estimates import mean_estimate

__all__ = ["Agreement", "agreement"]


@dataclass(frozen=True)
class Agreement:
    """How far a judge agrees with labels."""

    labelled: int
    """Labelled cells."""
    decided: Estimate
    """Share of them that the judge decided."""
    base_rate: Estimate
    """Share of yes among the labels: what always saying the commoner would already get, as its complement or itself."""
    accuracy: Estimate
    """Agreement where the judge decided."""
    kappa: Estimate
    """Cohen's kappa where the judge decided: 0 is chance."""
    auroc: Estimate
    """How well the judge's probabilities rank yes above no, over all cells that have one: 0.5 is chance."""

    def lines(self) -> list[str]:
        """Return the figures in words.

        Returns
        -------
        list of str
        """
        named = (
            ("decided", self.decided),
            ("base rate (labels met)", self.base_rate),
            ("accuracy where decided", self.accuracy),
            ("Cohen's kappa where decided", self.kappa),
            ("AUROC of the probabilities", self.auroc),
        )
        return [f"{name:30}{_shown(figure)}" for name, figure in named]


def _shown(figure: Estimate) -> str:
    if figure.value is None:
        return f"undefined ({figure.method})"
    if figure.low is None or figure.high is None:
        return f"{figure.value:.3f}  n = {figure.n}, {figure.method}"
    return f"{figure.value:.3f}  [{figure.low:.3f}, {figure.high:.3f}]  n = {figure.n}"


def agreement(judged: VerdictTable, labels: VerdictTable, resamples: int = 2000, seed: int = 0) -> Agreement:
    """Return how far a judge's verdicts agree with labels on the same cells.

    Parameters
    ----------
    judged : VerdictTable
        The judge's verdicts.
    labels : VerdictTable
        The labels, of the same cases; several labellers are pooled by majority.
    resamples : int
        Bootstrap resamples of tasks.
    seed : int
        Their seed.

    Returns
    -------
    Agreement

    Raises
    ------
    TableError
        If the tables are not of the same cases, or no cell is labelled.
    """
    rows, others = ([(t.tasks[i], r) for i, r in zip(t.task_R, t.responses, strict=True)] for t in (judged, labels))
    if rows != others or [r.digest for r in judged.rubrics] != [r.digest for r in labels.rubrics]:
        raise TableError("the labels are of other cases than the verdicts")
    ours, theirs = cells_of(judged, settle=False), cells_of(labels, settle=False)
    known_N = theirs.known_N & theirs.applies_N
    if not known_N.any():
        raise TableError("no cell has a label")
    task_N = judged.task_R[judged.row_N]
    label_N = _met(theirs)
    both_N = known_N & ours.known_N & ours.applies_N
    counts = counts_of(_met(ours)[both_N], label_N[both_N])
    probability_N, graded_N = _probability(judged)
    ranked_N = known_N & graded_N
    return Agreement(
        labelled=int(known_N.sum()),
        decided=mean_estimate(ours.known_N[known_N].astype(np.float64), task_N[known_N], unit=True),
        base_rate=mean_estimate(label_N[known_N].astype(np.float64), task_N[known_N], unit=True),
        accuracy=mean_estimate(counts[:, 0] + counts[:, 3], task_N[both_N], unit=True),
        kappa=_kappa(counts, task_N[both_N], resamples, seed),
        auroc=_auroc(probability_N[ranked_N], label_N[ranked_N], task_N[ranked_N], resamples, seed),
    )


def _met(cells: Cells) -> NDArray[np.bool_]:
    met: NDArray[np.bool_] = cells.credit_N >= 0.5
    return met


def _probability(table: VerdictTable) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the expected credit of each cell by the judge's probabilities, and where there are any."""
    levels = table.probs_LNK.shape[2]
    columns = cells_of(table).columns
    if levels == 0:
        return np.zeros(len(table.row_N)), np.zeros(len(table.row_N), dtype=np.bool_)
    credit_NK = columns.credit_CK[table.column_N][:, :levels]
    given_LN = table.probs_LNK.sum(axis=2) > 0
    mean_LN = (table.probs_LNK * credit_NK).sum(axis=2)
    count_N = given_LN.sum(axis=0)
    return np.where(given_LN, mean_LN, 0.0).sum(axis=0) / np.maximum(count_N, 1), count_N > 0


def _kappa(counts: NDArray[np.float64], task: NDArray[np.int64], resamples: int, seed: int) -> Estimate:
    if not len(counts):
        return Estimate(None, None, None, 0, "nothing was decided")
    value = float(kappa_of(counts.sum(axis=0, keepdims=True))[0])
    if not np.isfinite(value):
        return Estimate(None, None, None, len(counts), "judge and labels say the same of every cell")
    return _with_interval(value, len(counts), cluster_bootstrap(counts, kappa_of, task, resamples, seed), task, resamples)


def _auroc(score: NDArray[np.float64], label: NDArray[np.bool_], task: NDArray[np.int64], resamples: int, seed: int) -> Estimate:
    if not len(score):
        return Estimate(None, None, None, 0, "the judge gives no probabilities")
    value = float(auroc(score, label)[0])
    if not np.isfinite(value):
        return Estimate(None, None, None, len(score), "the labels are all of one kind")
    drawn = [auroc(score, label, weights) for weights in cluster_weights(task, resamples, seed)]
    return _with_interval(value, len(score), np.concatenate(drawn), task, resamples)


def _with_interval(value: float, n: int, values_B: NDArray[np.float64], task: NDArray[np.int64], resamples: int) -> Estimate:
    clusters = len(np.unique(task))
    interval: Sequence[float] | None = percentile_interval(values_B) if clusters > 1 else None
    if interval is None:
        return Estimate(value, None, None, n, f"no interval: {clusters} task{'s' if clusters != 1 else ''}")
    return Estimate(value, interval[0], interval[1], n, f"bootstrap of {clusters} tasks, {resamples} resamples", float(np.nanstd(values_B)))
