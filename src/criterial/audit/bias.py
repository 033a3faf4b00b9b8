"""What moves a judge away from people that should not: the order of a pair, length, format, whose response it is, and for whom it errs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from criterial.audit.matched import Matched
from criterial.core.score import Estimate
from criterial.core.table import VerdictTable
from criterial.core.task import Case
from criterial.maths.association import slope
from criterial.maths.multiplicity import benjamini_hochberg
from criterial.score.estimates import bootstrap_estimates
from criterial.score.pairs import order_effect

__all__ = ["Bias", "Functioning", "biases", "functioning"]

Floats = NDArray[np.float64]
_MARKDOWN = re.compile(r"^\s*(?:#{1,6} |[-*+] |\d+[.)] |> |\|.*\|)|\*\*[^*\n]+\*\*|```", re.MULTILINE)
_LEAST = 10
_LEVEL = 0.05


@dataclass(frozen=True)
class Bias:
    """One thing that should not move a judge, and how far it does."""

    name: str
    """``position``, ``verbosity``, ``format`` or ``self-preference``."""
    figure: Estimate
    """How far."""
    neutral: float
    """What it is without a bias."""
    says: str
    """What the figure is."""

    @property
    def shows(self) -> bool:
        """Whether the interval leaves no bias out."""
        return self.figure.low is not None and self.figure.high is not None and not self.figure.low <= self.neutral <= self.figure.high


@dataclass(frozen=True)
class Functioning:
    """A criterion by which a judge errs otherwise for one group of responses than for the rest."""

    criterion: str
    """Name of the criterion."""
    group: str
    """``system:NAME`` or ``tag:NAME``."""
    difference: Estimate
    """Mean of the judge's mark less people's, in the group less in the rest: above 0 favours the group."""
    p: float
    """Corrected so that of all that are listed one in twenty is false on average (Benjamini and Hochberg)."""


def biases(
    cells: Matched, judged: VerdictTable, cases: Sequence[Case], own: str = "", resamples: int = 2000, seed: int = 0
) -> tuple[Bias, ...]:
    """Return what the verdicts at hand tell of a judge's biases.

    Parameters
    ----------
    cells : Matched
        The judge beside people.
    judged : VerdictTable
        The judge's verdicts.
    cases : sequence of Case
        The cases of the table, for the texts of the responses.
    own : str
        Pattern of the systems that are the judge's own or of its family; empty looks for no self-preference.
    resamples : int
        Bootstrap resamples of tasks.
    seed : int
        Their seed.

    Returns
    -------
    tuple of Bias
        ``position`` from pairs seen in both orders; the others from how the judge's error against people goes with what a response is.
        A response that people find better because it is longer is no bias: the error is what is left.
    """
    out = []
    order = order_effect(judged)
    if order is not None and order.first_wins.value is not None:
        out.append(Bias("position", order.first_wins, 0.5, "share of points that goes to the response shown first, over both orders"))
    decided = cells.where(cells.decided_N)
    error_N = decided.judge_N - decided.label_N
    features = _features(decided, judged, cases, own)
    known_N = np.ones(len(error_N), dtype=np.bool_)
    figures = (
        bootstrap_estimates([slope(error_N, f, known_N) for f, _ in features.values()], decided.task_N, resamples, seed) if features else ()
    )
    out += [Bias(name, f, 0.0, says) for (name, (_, says)), f in zip(features.items(), figures, strict=True)]
    return tuple(out)


def _features(cells: Matched, judged: VerdictTable, cases: Sequence[Case], own: str) -> dict[str, tuple[Floats, str]]:
    """Return what each cell's response has more than others; of a pair, more than the other response."""
    texts = [r.text for c in cases for r in c.responses]
    length_R = np.log2([max(len(t.split()), 1) for t in texts])
    format_R = np.array([bool(_MARKDOWN.search(t)) for t in texts], dtype=np.float64)
    found = {
        "verbosity": (_of_cells(length_R, cells, judged), "error against people for every doubling of the response's length"),
        "format": (_of_cells(format_R, cells, judged), "error against people where a response has markdown, less where it has none"),
    }
    if own:
        own_R = np.array([fnmatchcase(s, own) for s in judged.systems], dtype=np.float64)
        found["self-preference"] = (_of_cells(own_R, cells, judged), f"error against people for {own}, less for other systems")
    return {name: f for name, f in found.items() if np.ptp(f[0]) > 0} if len(cells.task_N) else {}


def _of_cells(feature_R: Floats, cells: Matched, judged: VerdictTable) -> Floats:
    row_N = judged.row_N[cells.cell_N]
    pair_N = judged.about_pair_N[cells.cell_N]
    total_T = np.bincount(judged.task_R, feature_R)
    other_N = total_T[cells.task_N] - feature_R[row_N]
    return np.where(pair_N, feature_R[row_N] - other_N, feature_R[row_N])


def functioning(
    cells: Matched, judged: VerdictTable, cases: Sequence[Case], resamples: int = 500, seed: int = 0
) -> tuple[tuple[Functioning, ...], int]:
    """Return the criteria by which a judge errs otherwise for some group of responses than for the rest.

    Parameters
    ----------
    cells : Matched
        The judge beside people.
    judged : VerdictTable
        The judge's verdicts.
    cases : sequence of Case
        The cases of the table; groups are their systems and their tasks' tags.
    resamples : int
        Bootstrap resamples of tasks.
    seed : int
        Their seed.

    Returns
    -------
    tuple of (tuple of Functioning, int)
        Those whose corrected p is below .05, and how many were looked at: criteria and groups with 10 labelled verdicts in and out.
    """
    decided = cells.where(cells.decided_N)
    groups = _groups(decided, judged, cases)
    looked = [one for place in range(len(decided.criteria)) for one in _of_criterion(decided, place, groups, resamples, seed)]
    if not looked:
        return (), 0
    ratio = np.array([abs(e.value or 0.0) / (e.se or 1.0) for _, _, e in looked])
    p_H = benjamini_hochberg(2 * stats.norm.sf(ratio))
    found = [Functioning(c, g, e, float(p)) for (c, g, e), p in zip(looked, p_H, strict=True) if p < _LEVEL]
    return tuple(sorted(found, key=lambda f: f.p)), len(looked)


def _of_criterion(
    cells: Matched, place: int, groups: dict[str, NDArray[np.bool_]], resamples: int, seed: int
) -> Iterator[tuple[str, str, Estimate]]:
    """Yield how far the error on one criterion differs for each group that is large enough, and not nearly all."""
    mine = cells.criterion_N == place
    named = {g: inside[mine].astype(np.float64) for g, inside in groups.items() if _LEAST <= inside[mine].sum() <= mine.sum() - _LEAST}
    if not named:
        return
    error_N, known_N = (cells.judge_N - cells.label_N)[mine], np.ones(int(mine.sum()), dtype=np.bool_)
    figures = bootstrap_estimates([slope(error_N, i, known_N) for i in named.values()], cells.task_N[mine], resamples, seed)
    yield from ((cells.criteria[place], g, f) for g, f in zip(named, figures, strict=True) if f.se)


def _groups(cells: Matched, judged: VerdictTable, cases: Sequence[Case]) -> dict[str, NDArray[np.bool_]]:
    found: dict[str, NDArray[np.bool_]] = {}
    if len(cells.systems) > 1:
        found |= {f"system:{s}": cells.system_N == i for i, s in enumerate(cells.systems) if s}
    tags = sorted({t for c in cases for t in c.task.tags})
    of_T = [set(c.task.tags) for c in cases]
    return found | {f"tag:{t}": np.array([t in own for own in of_T], dtype=np.bool_)[cells.task_N] for t in tags}
