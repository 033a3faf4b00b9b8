"""Alignment of a judge with exact marks: over systems and benchmarks, and within a system, where its name tells nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from criterial.compare.evidence import Marks
from criterial.core.score import Estimate, Finding, Score
from criterial.errors import ConfigError
from criterial.maths.sums import Sums, divided, standardised
from criterial.score.estimates import bootstrap_estimates, mean_estimate

__all__ = ["Alignment", "Divergence", "alignment", "divergence"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
_ROUNDING = 1e-12
_FEW = 5


@dataclass(frozen=True)
class Alignment:
    """How far a judge's marks go with exact ones, at three distances."""

    systems: tuple[str, ...]
    """Systems that both marked."""
    suites: tuple[str, ...]
    """Benchmarks that both marked."""
    cells: int
    """Cells of a system and a benchmark."""
    marks: int
    """Single marks that both gave."""
    pearson: Estimate
    """Pearson's correlation of the cells' means: whether the judge tells which system does well on which benchmark."""
    spearman: Estimate
    """The same of their ranks."""
    within_systems: Estimate
    """Pearson's correlation of single marks less their system's mean: 0 for a judge that knows the system's name and no more."""
    within_cells: Estimate
    """The same less the cell's mean: 0 for a judge that knows the benchmark's name besides."""
    by_system: tuple[tuple[str, Estimate], ...]
    """Pearson's correlation of the single marks of each system."""
    range: tuple[float, float]
    """Where the middle nine tenths of the judge's marks lie."""
    notes: tuple[Finding, ...]
    """What a reader must know."""


@dataclass(frozen=True)
class Divergence:
    """How two parts of a score moved from one set of scores to another."""

    first: Estimate
    """Mean change of the first part."""
    second: Estimate
    """Mean change of the second."""
    apart: bool
    """Whether one is shown to rise and the other to fall."""


def alignment(judged: Marks, exact: Marks, resamples: int = 2000, seed: int = 0) -> Alignment:
    """Return how far a judge's marks go with exact ones.

    Parameters
    ----------
    judged : Marks
        A judge's marks of systems on items of benchmarks.
    exact : Marks
        What is right, such as accuracy by an answer key; matched by names of systems, benchmarks and items.
    resamples, seed : int
        Bootstrap resamples of items and their seed. The systems and benchmarks stay as they are.

    Returns
    -------
    Alignment

    Raises
    ------
    ConfigError
        If they have fewer than three cells in common.

    Notes
    -----
    Means of cells say whether a judge orders systems, and one that only knows the systems' names can do that. Where a judge does not vary
    within systems its correlation there is taken for 0, not left out.

    References
    ----------
    PEEM, arXiv 2603.10477 (card peem): .97 over 35 cells. The figures within systems are ours.
    """
    systems = tuple(s for s in judged.systems if s in set(exact.systems))
    judge_SI, exact_SI, both_SI, suites, suite_I = _common(judged, exact, systems)
    cells_KS = np.array([both_SI[:, suite_I == k].any(axis=1) for k in range(len(suites))]).reshape(len(suites), len(systems))
    if cells_KS.sum() < 3:
        raise ConfigError(f"the two have {int(cells_KS.sum())} cells of a system and a benchmark in common; a correlation needs 3")
    sums_IKS6 = _sums(judge_SI, exact_SI, both_SI, suite_I, len(suites))
    figures = [_over_cells(sums_IKS6, cells_KS, ranks) for ranks in (False, True)]
    figures += [_within(sums_IKS6, axis) for axis in ((1,), ())]
    figures += [_within(sums_IKS6[:, :, [s]], (1,)) for s in range(len(systems))]
    told = bootstrap_estimates(figures, np.arange(len(sums_IKS6)), resamples, seed, "items")
    low, high = np.quantile(judge_SI[both_SI], [0.05, 0.95])
    by_system = tuple(zip(systems, told[4:], strict=True))
    kept = tuple(suites[k] for k in np.flatnonzero(cells_KS.any(axis=1)).tolist())
    pearson, spearman, systems_within, cells_within = (_around(told[0]), _around(told[1]), *told[2:4])
    return Alignment(
        tuple(systems[s] for s in np.flatnonzero(cells_KS.any(axis=0)).tolist()),
        kept,
        int(cells_KS.sum()),
        int(both_SI.sum()),
        pearson,
        spearman,
        systems_within,
        cells_within,
        by_system,
        (float(low), float(high)),
        tuple(_notes(systems, kept, pearson, systems_within)),
    )


def _common(judged: Marks, exact: Marks, systems: Sequence[str]) -> tuple[Floats, Floats, Flags, tuple[str, ...], NDArray[np.int64]]:
    """Return both sides' marks of the systems on the items that both have, where both are known, and the items' benchmarks."""
    named = [[(m.suites[k], item) for k, item in zip(m.suite_I.tolist(), m.items, strict=True)] for m in (judged, exact)]
    place = {name: i for i, name in enumerate(named[1])}
    items = [(i, place[name]) for i, name in enumerate(named[0]) if name in place]
    at_judged, at_exact = np.array(items, dtype=np.int64).reshape(-1, 2).T
    sides = []
    for marks, at_I in ((judged, at_judged), (exact, at_exact)):
        rows = [marks.systems.index(s) for s in systems]
        sides.append((marks.value_SI[rows][:, at_I], marks.known_SI[rows][:, at_I]))
    both_SI = sides[0][1] & sides[1][1]
    return sides[0][0], sides[1][0], both_SI, judged.suites, judged.suite_I[at_judged]


def _sums(judge_SI: Floats, exact_SI: Floats, both_SI: Flags, suite_I: NDArray[np.int64], suites: int) -> Floats:
    """Return what each item adds to six sums of each cell: how many, both marks, both squares, the product."""
    x_SI, y_SI = standardised(judge_SI, both_SI), standardised(exact_SI, both_SI)
    six_IS6 = np.stack([both_SI, x_SI, y_SI, x_SI * x_SI, y_SI * y_SI, x_SI * y_SI], axis=-1).transpose(1, 0, 2).astype(np.float64)
    sums_IKS6 = np.zeros((len(suite_I), suites, *six_IS6.shape[1:]))
    sums_IKS6[np.arange(len(suite_I)), suite_I] = six_IS6
    return sums_IKS6


def _over_cells(sums_IKS6: Floats, cells_KS: Flags, ranks: bool) -> Sums:
    """Return the correlation of the cells' means, or of their ranks."""
    sums_IX3 = sums_IKS6[:, cells_KS, :3]

    def statistic(sums_BM: Floats) -> Floats:
        sums_BX3 = sums_BM.reshape(len(sums_BM), -1, 3)
        count_BX = sums_BX3[:, :, 0]
        x_BX, y_BX = (sums_BX3[:, :, i] / np.maximum(count_BX, 1.0) for i in (1, 2))
        if ranks:
            # means that differ by rounding alone are equal
            x_BX, y_BX = (np.asarray(stats.rankdata(a.round(12), axis=1), dtype=np.float64) for a in (x_BX, y_BX))
        x_BX, y_BX = (a - a.mean(axis=1, keepdims=True) for a in (x_BX, y_BX))
        xx_B, yy_B, xy_B = ((a * b).sum(axis=1) for a, b in ((x_BX, x_BX), (y_BX, y_BX), (x_BX, y_BX)))
        # a resample that leaves a cell empty tells nothing
        return np.where((count_BX > 0).all(axis=1), np.clip(divided(xy_B, np.sqrt(xx_B * yy_B)), -1.0, 1.0), np.nan)

    return Sums(sums_IX3.reshape(len(sums_IX3), -1), statistic, "one of the two is the same in all cells")


def _within(sums_IKS6: Floats, pooled: tuple[int, ...]) -> Sums:
    """Return the correlation of single marks less the means of their groups: cells, pooled over benchmarks where axis 1 is."""
    sums_IX6 = (sums_IKS6.sum(axis=pooled) if pooled else sums_IKS6).reshape(len(sums_IKS6), -1, 6)

    def statistic(sums_BM: Floats) -> Floats:
        count_BX, x_BX, y_BX, xx_BX, yy_BX, xy_BX = np.moveaxis(sums_BM.reshape(len(sums_BM), -1, 6), -1, 0)
        count_BX = np.maximum(count_BX, 1.0)
        xx_B, yy_B = ((s - t * t / count_BX).sum(axis=1) for s, t in ((xx_BX, x_BX), (yy_BX, y_BX)))
        xx_B, yy_B = (np.where(v > _ROUNDING * s.sum(axis=1), v, 0.0) for v, s in ((xx_B, xx_BX), (yy_B, yy_BX)))
        xy_B = (xy_BX - x_BX * y_BX / count_BX).sum(axis=1)
        found_B = np.clip(divided(xy_B, np.sqrt(xx_B * yy_B), 0.0), -1.0, 1.0)
        return np.where((xx_B == 0.0) & (yy_B > 0.0), 0.0, found_B)

    return Sums(sums_IX6.reshape(len(sums_IX6), -1), statistic, "the exact marks do not vary there")


def _around(found: Estimate) -> Estimate:
    """Return the figure with an interval about it on Fisher's scale.

    Resamples of items add noise to the means of cells, which takes a high correlation of these down: near 1 even the upper end of their
    percentiles lies below the figure itself.
    """
    if found.value is None or found.low is None or not found.se or abs(found.value) > 1.0 - _ROUNDING:
        return found
    half = float(stats.norm.ppf(0.975)) * found.se / (1.0 - found.value**2)
    low, high = (float(np.tanh(np.arctanh(found.value) + sign * half)) for sign in (-1.0, 1.0))
    return replace(found, low=low, high=high, method=f"Fisher's z, {found.method}")


def _notes(systems: Sequence[str], suites: Sequence[str], over: Estimate, within: Estimate) -> Iterator[Finding]:
    if over.low is not None and over.low > 0 and (within.low is None or within.low <= 0):
        message = (
            f"the judge orders cells (Pearson {over.value:.2f}) and is not shown to tell a good response of a system from a bad one "
            f"({'undefined' if within.value is None else f'{within.value:.2f}'}): it may know no more than the systems' names"
        )
        yield Finding("names_alone", "warning", "", message, "do not use it on single responses")
    if len(systems) < _FEW or len(suites) < 2:
        message = f"{len(systems)} systems on {len(suites)} benchmarks: cells of one system or benchmark are not independent of each other"
        yield Finding("few_cells", "note", "", message, "the interval is for these systems and benchmarks, and for other items")


def divergence(
    before: Sequence[Score], after: Sequence[Score], first: str = "category:prompt", second: str = "category:response"
) -> Divergence:
    """Return how two parts of scores moved, and whether they moved apart: a prompt that looks better and gets worse responses.

    Parameters
    ----------
    before : sequence of Score
        Scores as they were.
    after : sequence of Score
        Scores of the same tasks and systems afterwards, as with another prompt.
    first, second : str
        Parts, by their names in `Score.parts`.

    Returns
    -------
    Divergence

    Raises
    ------
    ConfigError
        If no score before and after is of one task and system with both parts.

    References
    ----------
    PEEM, arXiv 2603.10477 (card peem): a jailbreak raises the prompt's score by .73 and lowers the response's by .93.
    """
    was = {(s.task, s.system): s for s in before}
    pairs = [(was[s.task, s.system], s) for s in after if (s.task, s.system) in was]
    moved = [[_change(one, other, name) for name in (first, second)] for one, other in pairs]
    kept = [i for i, changes in enumerate(moved) if None not in changes]
    if not kept:
        raise ConfigError(f"no task has scores before and after with the parts {first} and {second}")
    names = {task: i for i, task in enumerate(dict.fromkeys(pairs[i][0].task for i in kept))}
    task_I = np.array([names[pairs[i][0].task] for i in kept], dtype=np.int64)
    one, other = (mean_estimate(np.array([moved[i][side] for i in kept], dtype=np.float64), task_I) for side in (0, 1))
    return Divergence(one, other, _opposite(one, other) or _opposite(other, one))


def _change(before: Score, after: Score, part: str) -> float | None:
    values = [s.parts[part].value if part in s.parts else None for s in (before, after)]
    return None if values[0] is None or values[1] is None else values[1] - values[0]


def _opposite(rises: Estimate, falls: Estimate) -> bool:
    return rises.low is not None and falls.high is not None and rises.low > 0.0 > falls.high
