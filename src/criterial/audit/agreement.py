"""A judge against people: every figure with an interval over tasks, and beside it what chance gives and what one person gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from criterial.audit.matched import Matched
from criterial.core.score import Estimate
from criterial.maths import association as go
from criterial.maths.agreement import auroc, counts_of
from criterial.maths.bootstrap import cluster_weights, percentile_interval
from criterial.maths.icc import icc
from criterial.maths.intervals import cluster_mean
from criterial.maths.raters import alpha, cohen, fleiss, gwet, tally
from criterial.maths.sums import Sums
from criterial.score.estimates import bootstrap_estimates, mean_estimate

__all__ = ["Measure", "agreement", "base_rate", "people_agree"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
_MOST_LEVELS = 40
_FEW = 3
_SAME = 1e-9
Made = Mapping[str, tuple[Sums, float | None]]
"""Figures by name, each with what chance gives."""


@dataclass(frozen=True)
class Measure:
    """One figure of agreement."""

    name: str
    """What it is."""
    figure: Estimate
    """The judge's."""
    chance: float | None
    """What it is by chance, or for a judge without a bias; None where that depends on the judge."""
    people: Estimate | None = None
    """What one person gets against the others, where two or more labelled a cell."""


def agreement(cells: Matched, resamples: int = 2000, seed: int = 0, people: bool = True) -> tuple[Measure, ...]:
    """Return how far a judge agrees with people where it decided.

    Parameters
    ----------
    cells : Matched
        The judge beside people; one cell or more.
    resamples : int
        Bootstrap resamples of tasks.
    seed : int
        Their seed, and that of who stands for one person.
    people : bool
        Whether one person's agreement with the others is taken too.

    Returns
    -------
    tuple of Measure
        ``accuracy`` (the same mark) with the share of the commonest label as chance; ``TPR``, ``TNR`` and ``precision`` of meeting the
        criterion; ``kappa``, ``AC1``, ``alpha``, ``MCC``; with three marks or more ``quadratic kappa``, ``AC2``, ``interval alpha``,
        ``Pearson``, ``Spearman``, ``Kendall`` and ``slope`` (of the judge's marks on people's); ``leniency``; ``AUROC``.
    """
    found = _found(_Marks(cells.judge_N, cells.label_N, cells.decided_N, cells.threshold_N), cells.task_N, resamples, seed)
    beside = _of_people(cells, resamples, seed) if people else {}
    out = [Measure(name, figure, chance, beside.get(name, (None, None))[0]) for name, (figure, chance) in found.items()]
    ranked = cells.where(cells.graded_N)
    return (*out, Measure("AUROC", _auroc(ranked, resamples, seed), 0.5))


def base_rate(cells: Matched) -> Estimate:
    """Return the share of labels that say that the criterion is met.

    Parameters
    ----------
    cells : Matched
        Cells with labels.

    Returns
    -------
    Estimate
    """
    return mean_estimate(cells.label_met_N.astype(np.float64), cells.task_N, unit=True)


def people_agree(cells: Matched, resamples: int = 2000, seed: int = 0) -> tuple[Measure, ...]:
    """Return how far people agree among themselves.

    Parameters
    ----------
    cells : Matched
        Cells with labels; those of one rater alone tell little.
    resamples : int
        Bootstrap resamples of tasks.
    seed : int
        Their seed.

    Returns
    -------
    tuple of Measure
        Krippendorff's alpha, Fleiss' kappa, Gwet's AC1, with three marks or more ICC(1); none where no cell has two raters.
    """
    if not (cells.voted_JN.sum(axis=0) > 1).any():
        return ()
    named = {"alpha": alpha(cells.vote_JN, cells.voted_JN)}
    levels = np.unique(cells.vote_JN[cells.voted_JN])
    if len(levels) >= _FEW:
        named["interval alpha"] = alpha(cells.vote_JN, cells.voted_JN, "interval")
        named["ICC(1)"] = icc(cells.vote_JN, cells.voted_JN, 1)
    if 2 <= len(levels) <= _MOST_LEVELS:
        counts_IL, level_L = tally(cells.vote_JN, cells.voted_JN)
        named |= {"Fleiss' kappa": fleiss(counts_IL, level_L), "AC1": gwet(counts_IL, level_L)}
    figures = bootstrap_estimates(list(named.values()), cells.task_N, resamples, seed)
    return tuple(Measure(name, figure, 0.0) for name, figure in zip(named, figures, strict=True))


class _Marks(NamedTuple):
    """One rater's marks beside labels."""

    judge_N: Floats
    label_N: Floats
    known_N: Flags
    threshold_N: Floats


def _found(marks: _Marks, task_N: NDArray[np.int64], resamples: int, seed: int) -> dict[str, tuple[Estimate, float | None]]:
    """Return figures by name, each with what chance gives."""
    made = _made(marks)
    figures = bootstrap_estimates([s for s, _ in made.values()], task_N, resamples, seed)
    coefficients = {n: (f, chance) for (n, (_, chance)), f in zip(made.items(), figures, strict=True)}
    return _shares(marks, task_N) | coefficients


def _shares(marks: _Marks, task_N: NDArray[np.int64]) -> dict[str, tuple[Estimate, float | None]]:
    said_N, met_N = marks.judge_N >= marks.threshold_N, marks.label_N >= marks.threshold_N
    of: dict[str, tuple[Flags, Flags, float | None]] = {
        "accuracy": (np.abs(marks.judge_N - marks.label_N) < _SAME, marks.known_N, _commonest(marks.label_N[marks.known_N])),
        "TPR": (said_N, marks.known_N & met_N, None),
        "TNR": (~said_N, marks.known_N & ~met_N, None),
        "precision": (met_N, marks.known_N & said_N, None),
    }
    return {n: (mean_estimate(v[k].astype(np.float64), task_N[k], unit=True), chance) for n, (v, k, chance) in of.items()}


def _made(marks: _Marks) -> Made:
    """Return the coefficients of one rater against labels."""
    judge_N, label_N, known_N, threshold_N = marks
    pair_2N, known_2N = np.stack([judge_N, label_N]), np.stack([known_N, known_N])
    levels = np.unique(pair_2N[:, known_N])
    made: dict[str, tuple[Sums, float | None]] = {}
    if len(levels) <= _MOST_LEVELS:
        made["kappa"] = cohen(pair_2N, known_2N), 0.0
    if 2 <= len(levels) <= _MOST_LEVELS:
        counts_IL, level_L = tally(pair_2N, known_2N)
        made["AC1"] = gwet(counts_IL, level_L), 0.0
    if _FEW <= len(levels) <= _MOST_LEVELS:
        made["quadratic kappa"] = cohen(pair_2N, known_2N, "quadratic"), 0.0
        made["AC2"] = gwet(counts_IL, level_L, "quadratic"), 0.0
    made["alpha"] = alpha(pair_2N, known_2N), 0.0
    made["MCC"] = go.mcc(counts_of(judge_N >= threshold_N, label_N >= threshold_N) * known_N[:, None]), 0.0
    if len(levels) >= _FEW:
        made["interval alpha"] = alpha(pair_2N, known_2N, "interval"), 0.0
        made["Pearson"] = go.pearson(judge_N, label_N, known_N), 0.0
        made["Spearman"] = go.spearman(judge_N, label_N, known_N), 0.0
        made["Kendall"] = go.kendall(judge_N, label_N, known_N), 0.0
        made["slope"] = go.slope(judge_N, label_N, known_N), 1.0
    made["leniency"] = go.leniency(judge_N, label_N, known_N, 1.0), 0.0
    return made


def _commonest(label_N: Floats) -> float | None:
    """Return what always giving the commonest label would get."""
    return float(np.unique(label_N, return_counts=True)[1].max() / len(label_N)) if len(label_N) else None


def _of_people(cells: Matched, resamples: int, seed: int) -> dict[str, tuple[Estimate, float | None]]:
    """Return the figures of one rater a cell, drawn by chance, against what most of the others say."""
    several_N = cells.voted_JN.sum(axis=0) > 1
    if not several_N.any():
        return {}
    kept = cells.where(several_N)
    rng = np.random.default_rng(seed)
    drawn_N = np.where(kept.voted_JN, rng.random(kept.voted_JN.shape), -1.0).argmax(axis=0)
    place_N = np.arange(len(drawn_N))
    others_JN = kept.voted_JN.copy()
    others_JN[drawn_N, place_N] = False
    own_N, all_N = kept.vote_JN[drawn_N, place_N], np.ones(len(drawn_N), dtype=np.bool_)
    found = _found(_Marks(own_N, _most(kept.vote_JN, others_JN), all_N, kept.threshold_N), kept.task_N, resamples, seed)
    del found["leniency"]  # people are neither lenient nor harsh against people
    return found


def _most(vote_JN: Floats, there_JN: Flags) -> Floats:
    """Return the commonest mark of each cell, of equals the lower; the median where there are too many different ones."""
    levels = np.unique(vote_JN[there_JN])
    if len(levels) > _MOST_LEVELS:
        return _middle(vote_JN, there_JN)
    counts_NL, level_L = tally(vote_JN, there_JN)
    most: Floats = level_L[counts_NL.argmax(axis=1)]
    return most


def _middle(vote_JN: Floats, there_JN: Flags) -> Floats:
    """Return the median of each cell's marks, of two in the middle the lower."""
    sorted_JN = np.sort(np.where(there_JN, vote_JN, np.inf), axis=0)
    place_N = (there_JN.sum(axis=0) - 1) // 2
    return np.asarray(sorted_JN[place_N, np.arange(sorted_JN.shape[1])])


def _auroc(cells: Matched, resamples: int, seed: int) -> Estimate:
    """Return how well probabilities rank met above not met, over all cells that have one."""
    n = len(cells.probability_N)
    if not n:
        return Estimate(None, None, None, 0, "the judge gives no probabilities")
    value = float(auroc(cells.probability_N, cells.label_met_N)[0])
    if not np.isfinite(value):
        return Estimate(None, None, None, n, "the labels are all of one kind")
    clusters = cluster_mean(cells.probability_N, cells.task_N).clusters
    drawn = [auroc(cells.probability_N, cells.label_met_N, weights) for weights in cluster_weights(cells.task_N, resamples, seed)]
    interval = percentile_interval(np.concatenate(drawn)) if clusters > 1 else None
    if interval is None:
        return Estimate(value, None, None, n, f"no interval: {clusters} task{'s' if clusters != 1 else ''}")
    return Estimate(value, *interval, n, f"bootstrap of {clusters} tasks", float(np.nanstd(np.concatenate(drawn))))
