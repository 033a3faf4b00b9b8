"""What is wrong with items: the rules by which an audit flags them, each with a guard against chance."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from criterial.audit.item_matrix import ItemMatrix
from criterial.core.score import Estimate, Finding
from criterial.maths.item_checks import ItemTotal, LocalDependence
from criterial.maths.item_response import ItemFit
from criterial.maths.multiplicity import benjamini_hochberg
from criterial.score.estimates import mean_estimate

__all__ = ["Judged", "Pair", "findings_of", "pairs_of"]

Array = NDArray[np.float64]
_FALSE = 0.05
_SURE = 0.01
_KAPPA = 0.9
_Q3 = 0.2
_LEAST = 4
_BINS, _LEAST_BIN = 5, 8
_FIRM, _NEARLY = 0.1, 0.05
_WEAK, _ORDINARY, _STRONG = 0.1, 0.3, 0.2
_MIDDLE = (0.1, 0.9)
_FLIPS = 0.1
_SAME = 1e-9


class Judged(NamedTuple):
    """All figures that flags rest on."""

    matrix: ItemMatrix
    """What is audited."""
    fit: ItemFit
    """The model's fit."""
    total: ItemTotal
    """Correlations with the rest."""
    below_I: Array
    """How likely a correlation as low is where there is none, corrected so that one flag in twenty is false."""
    misfit_I: Array
    """How likely the misfit is."""
    rate_I: tuple[Estimate, ...]
    """Mean marks."""
    flip_I: tuple[Estimate, ...] | None
    """How often repeats differ; None where there are none."""


@dataclass(frozen=True)
class Pair:
    """Two items that ask the same."""

    first: str
    """The one that comes first."""
    second: str
    """The other."""
    code: Literal["duplicated", "redundant"]
    """The same verdict on every row; or nearly, or more alike than ability explains."""
    n: int
    """Rows that have both."""
    kappa: Estimate
    """Agreement beyond chance, of squared differences where marks lie between 0 and 1."""
    q3: float
    """Correlation of what ability leaves unexplained."""

    @property
    def twins(self) -> bool:
        """Whether one can stand for the other: the same verdict throughout, or kappa surely above .9."""
        return self.code == "duplicated" or (self.kappa.low is not None and self.kappa.low > _KAPPA)


def pairs_of(judged: Judged, dependence: LocalDependence) -> tuple[Pair, ...]:
    """Return the pairs of items that ask the same.

    Parameters
    ----------
    judged : Judged
        The figures.
    dependence : LocalDependence
        Yen's Q3 with its threshold.

    Returns
    -------
    tuple of Pair
        Duplicated first, then by kappa.

    Notes
    -----
    Items that few got right are alike by chance. Two that agree on all rows are duplicated where chance makes that less likely than one in
    a hundred over all pairs, rows being compared with those alike on all other items.
    """
    known = judged.matrix.known_RI.astype(np.float64)
    value = judged.matrix.value_RI
    n_II = known.T @ known
    square = (value**2).T @ known
    apart_II = np.maximum(square + square.T - 2 * value.T @ value, 0.0)
    sums = value.T @ known
    chance_II = (square + square.T) / np.maximum(n_II, 1) - 2 * sums * sums.T / np.maximum(n_II, 1) ** 2
    chance_II = np.where(n_II >= _LEAST, chance_II, 0.0)
    kappa_II = 1.0 - np.divide(apart_II / np.maximum(n_II, 1), chance_II, out=np.ones_like(chance_II), where=chance_II > _SAME)
    near = np.triu((kappa_II > _KAPPA) & ~judged.fit.constant_I & ~judged.fit.constant_I[:, None], 1)
    beyond = np.triu(dependence.q3_II > max(dependence.threshold, _Q3), 1)
    bar = np.log(_SURE / max(n_II.shape[0] * (n_II.shape[0] - 1) / 2, 1))
    found = []
    for i, j in np.argwhere(near | beyond).tolist():
        kappa = _kappa(judged.matrix, i, j, float(chance_II[i, j]))
        same = apart_II[i, j] < _SAME and near[i, j]
        code: Literal["duplicated", "redundant"] = "duplicated" if same and _chance(judged.matrix, i, j) < bar else "redundant"
        if code == "duplicated" or beyond[i, j] or (kappa.low is not None and kappa.low > _KAPPA):
            names = judged.matrix.items
            found.append(Pair(names[i], names[j], code, int(n_II[i, j]), kappa, float(dependence.q3_II[i, j])))
    return tuple(sorted(found, key=lambda p: (p.code, -(p.kappa.value or 0.0), -p.q3)))


def _kappa(matrix: ItemMatrix, i: int, j: int, chance: float) -> Estimate:
    both_R = matrix.known_RI[:, i] & matrix.known_RI[:, j]
    apart = mean_estimate(
        (matrix.value_RI[both_R, i] - matrix.value_RI[both_R, j]) ** 2, matrix.cluster_R[both_R], matrix.clusters, unit=True
    )
    if apart.value is None or chance <= _SAME:
        return Estimate(None, None, None, apart.n, "no agreement by chance to compare with")
    low, high = (None if end is None else 1.0 - end / chance for end in (apart.high, apart.low))
    return Estimate(1.0 - apart.value / chance, low, high, apart.n, apart.method)


def _chance(matrix: ItemMatrix, i: int, j: int) -> float:
    """Return the logarithm of how likely two items are to agree on all rows if they have no more in common than their rates.

    Rates are those among rows alike on all other items. A model's slopes would not do: twins make themselves its ability.
    """
    both_R = matrix.known_RI[:, i] & matrix.known_RI[:, j]
    known, right = matrix.known_RI[both_R].copy(), matrix.right_RI[both_R]
    known[:, [i, j]] = False
    centred = np.where(known, right - (right * known).sum(axis=0) / np.maximum(known.sum(axis=0), 1), 0.0)
    rest_R = centred.sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    bins = max(1, min(_BINS, len(rest_R) // _LEAST_BIN))
    bin_R = np.argsort(np.argsort(rest_R, kind="stable"), kind="stable") * bins // len(rest_R)
    one_R, two_R = ((np.bincount(bin_R, right[:, k]) / np.bincount(bin_R))[bin_R] for k in (i, j))
    return float(np.log(one_R * two_R + (1.0 - one_R) * (1.0 - two_R)).sum())


def findings_of(judged: Judged, pairs: tuple[Pair, ...]) -> tuple[Finding, ...]:
    """Return what is wrong with items.

    Parameters
    ----------
    judged : Judged
        The figures.
    pairs : tuple of Pair
        Items that ask the same.

    Returns
    -------
    tuple of Finding
        Worst first, an item's together.
    """
    misfit_I = benjamini_hochberg(np.where(judged.fit.constant_I, 1.0, judged.misfit_I))
    found = [f for i in range(len(judged.matrix.items)) for f in _item(judged, i, misfit_I)]
    found += _twins(pairs, judged.matrix.unit)
    place = {name: i for i, name in enumerate(judged.matrix.items)}
    return tuple(sorted(found, key=lambda f: (f.gravity, place[f.where])))


def _item(judged: Judged, i: int, misfit_I: Array) -> Iterator[Finding]:
    matrix, name = judged.matrix, judged.matrix.items[i]
    n = int(matrix.known_RI[:, i].sum())
    if n < _LEAST:
        yield Finding(
            "undecided", "note", name, f"{n} {matrix.unit} have a verdict on it: nothing can be said", "judge more, or ask why not"
        )
        return
    yield from _saturated(judged, i)
    if judged.total.defined_I[i]:
        yield from _direction(judged, i)
    if misfit_I[i] < _FALSE:
        message = "better and worse rows are right on it in shares that no curve of ability fits"
        yield Finding("misfit", "note", name, message, "read its verdicts: it may ask two things, or be guessed")
    flips = None if judged.flip_I is None else judged.flip_I[i]
    if flips is not None and flips.low is not None and flips.low > _FLIPS:
        message = f"a judge's repeats differ in {flips.text(2)} of pairs"
        yield Finding("inconsistent", "warning", name, message, "say more plainly what a judge has to see, or take a majority of repeats")


def _saturated(judged: Judged, i: int) -> Iterator[Finding]:
    matrix, name, rate = judged.matrix, judged.matrix.items[i], judged.rate_I[i]
    if rate.value is None or rate.low is None or rate.high is None:
        return
    spare = min(rate.high, 1.0 - rate.low)
    top = rate.value > 0.5
    which = ("met" if top else "missed") if not matrix.fault_I[i] else ("avoided" if top else "committed")
    if judged.fit.constant_I[i] and (rate.value < _SAME or rate.value > 1 - _SAME):
        firm = spare < _FIRM
        message = f"{which} by all {rate.n} {matrix.unit}: mean mark {rate.text(2)}"
        hint = "drop it, or ask for more" if top else "drop it, or check that it can be met at all"
        yield Finding("saturated", "warning" if firm else "note", name, message, hint if firm else "more rows tell whether it ever differs")
    elif spare < _NEARLY:
        yield Finding(
            "saturated", "note", name, f"{which} by nearly all: mean mark {rate.text(2)}", "it tells next to nothing about most rows"
        )


def _direction(judged: Judged, i: int) -> Iterator[Finding]:
    name, total, rate = judged.matrix.items[i], judged.total, judged.rate_I[i].value or 0.0
    r, low, high = (float(of[i]) for of in (total.r_I, total.low_I, total.high_I))
    shown = f"its correlation with the rest is {r:.2f} [{low:.2f}, {high:.2f}]"
    if high < 0 and judged.below_I[i] < _FALSE:
        hint = (
            "check its key, the sign of its points and its wording"
            if not judged.matrix.fault_I[i]
            else "check whether it is a fault at all"
        )
        yield Finding(
            "reversed", "error" if r < -_STRONG else "warning", name, f"better {judged.matrix.unit} do worse on it: {shown}", hint
        )
    elif r < _WEAK and high < _ORDINARY and _MIDDLE[0] <= rate <= _MIDDLE[1]:
        hint = "drop it, or report it apart: it may ask for something else than the rest"
        yield Finding("uninformative", "warning", name, f"it does not go with the rest: {shown}", hint)


def _twins(pairs: tuple[Pair, ...], unit: str) -> Iterator[Finding]:
    """Yield a finding for each second item, naming the first that it goes with."""
    seen: set[str] = set()
    for pair in pairs:
        if pair.second in seen:
            continue
        seen.add(pair.second)
        others = [p.first for p in pairs if p.second == pair.second and (p.code, p.twins) == (pair.code, pair.twins)]
        with_ = ", ".join(others[:3]) + (f" and {len(others) - 3} more" if len(others) > 3 else "")
        if pair.code == "duplicated":
            message = f"the same verdict as {with_} on all {pair.n} {unit}"
            yield Finding("duplicated", "warning", pair.second, message, "remove one: the same thing counts twice")
        else:
            message = f"goes with {with_} beyond what ability explains: Q3 {pair.q3:.2f}"
            if pair.twins:
                message = f"nearly the same verdicts as {with_}: kappa {pair.kappa.text(2)}"
            yield Finding("redundant", "warning" if pair.twins else "note", pair.second, message, "merge them, or say how they differ")
