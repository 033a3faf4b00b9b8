"""Which criteria, or items of a benchmark, are reversed, saturated, redundant or else broken, by their verdicts; and which few will do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from criterial.audit.item_flags import Judged, Pair, findings_of, pairs_of
from criterial.audit.item_matrix import ItemMatrix, Rows, matrix_of_marks, matrix_of_table
from criterial.audit.item_subset import RESAMPLES, agreements, curve_sizes, estimate_of, order_of
from criterial.compare.evidence import Marks
from criterial.core.score import Estimate, Finding
from criterial.core.table import VerdictTable
from criterial.maths.item_checks import LEAST_SYSTEMS, OneAbility, item_misfit, item_total, local_dependence, one_ability, simulated
from criterial.maths.item_response import ItemFit, fit_items, information
from criterial.maths.multiplicity import benjamini_hochberg
from criterial.maths.sums import Sums, divided, estimate
from criterial.model.blas import one_thread
from criterial.score.estimates import mean_estimate

__all__ = ["ItemAudit", "ItemFigures", "Subset", "items"]

Array = NDArray[np.float64]
_Z = float(stats.norm.ppf(0.975))
_KEEPS, _RELIABLE = 0.9, 0.7
# 20 simulations are just enough to tell one misfit item among any number: its p is then below 1 in 20 times their number
_MANY_CELLS = 10_000


@dataclass(frozen=True)
class ItemFigures:
    """What is known of one item."""

    item: str
    """Its name."""
    text: str
    """What it asks; empty where not known."""
    n: int
    """How many rows have a verdict on it."""
    turned: bool
    """Whether meeting it is bad, so that its verdicts were turned round."""
    rate: Estimate
    """Mean mark, higher better."""
    total: Estimate
    """Correlation with the mean of the row's other items."""
    slope: Estimate
    """Discrimination."""
    difficulty: Estimate
    """Ability at which half of the mark is expected, in standard deviations of the rows."""
    information: float
    """Fisher's information about an ability, mean over the rows at hand."""
    misfit: float | None
    """How likely a misfit as large is for an item that follows the model; None for one that is the same throughout."""
    flips: Estimate | None
    """Share of pairs of repeats of a judge that differ; None where nothing was judged twice."""
    codes: tuple[str, ...]
    """Kinds of findings, worst first."""


@dataclass(frozen=True)
class Subset:
    """A few items in place of all."""

    items: tuple[str, ...]
    """Which, the most telling first."""
    agreement: Estimate
    """Kendall's tau of the rows' scores on them with the scores on all."""


@dataclass(frozen=True)
class ItemAudit:
    """What verdicts say of the items that they are on."""

    unit: str
    """What the rows are: responses, or systems."""
    model: str
    """The model of item response theory: 2pl, or rasch where there are too few rows for discriminations."""
    items: tuple[ItemFigures, ...]
    """Each item, in the rubric's order."""
    pairs: tuple[Pair, ...]
    """Items that ask the same."""
    findings: tuple[Finding, ...]
    """What is wrong with items, worst first."""
    notes: tuple[Finding, ...]
    """What a reader must know of the whole."""
    abilities: tuple[tuple[str, Estimate], ...]
    """Each row's ability, in standard deviations."""
    ratio: float | None
    """First eigenvalue to the second, high where one ability explains the marks. None with fewer than three items that vary."""
    reliability: Estimate
    """Share of the variance of abilities that is not error."""
    alpha: Estimate
    """Cronbach's alpha."""
    curve: tuple[tuple[int, Estimate], ...]
    """How many items, and how far the rows' order by them agrees with that by all."""
    enough: int | None
    """The fewest items of the curve whose tau is above .9 with its interval; None where only all items' is."""
    matrix: ItemMatrix = field(repr=False)
    """What was audited."""
    fit: ItemFit = field(repr=False)
    """The model's fit."""
    able_K: NDArray[np.int64] = field(repr=False)
    """Items that a subset is chosen from: those that count, are not reversed and are no twin of one before them."""

    def shrink(self, k: int) -> Subset:
        """Return the few items that tell most about the rows at hand, and how far they keep the order.

        Parameters
        ----------
        k : int
            How many, from 1 to all that are neither reversed nor the twin of another.

        Returns
        -------
        Subset

        Raises
        ------
        ConfigError
            k is out of range.
        """
        with one_thread():
            chosen = order_of(self.fit, self.able_K, k)
            found = agreements(self.matrix, self.fit, self.able_K, [k])[0]
        return Subset(tuple(self.matrix.items[i] for i in chosen), found)


def items(data: VerdictTable | Marks, rows: Rows = "auto", seed: int = 0) -> ItemAudit:
    """Return which items deserve trust, from the verdicts on them alone.

    Parameters
    ----------
    data : VerdictTable or Marks
        Verdicts, pooled over judges and repeats; or marks of systems in [0, 1].
    rows : {"auto", "responses", "systems"}
        What a row is, for verdicts.
    seed : int
        Seed of the simulations and resamples.

    Returns
    -------
    ItemAudit

    Raises
    ------
    ConfigError
        There are fewer than two items or four rows, no item has verdicts on four rows, or marks are outside [0, 1].

    References
    ----------
    Card medirt; Yen (1984) for pairs; Cronbach (1951), Psychometrika 16.
    """
    matrix = matrix_of_marks(data) if isinstance(data, Marks) else matrix_of_table(data, rows)
    with one_thread():
        return _audit(matrix, seed)


def _audit(matrix: ItemMatrix, seed: int) -> ItemAudit:
    right, known = matrix.right_RI, matrix.known_RI
    fit = fit_items(right, known, "2pl" if len(right) >= LEAST_SYSTEMS else "rasch", "items")
    clean = simulated(fit, 40 if right.size < _MANY_CELLS else 20, seed)
    total = item_total(matrix.value_RI, known, matrix.cluster_R)
    rates, flips = tuple(_rate(matrix, i) for i in range(len(matrix.items))), _flip_rates(matrix)
    judged = Judged(matrix, fit, total, benjamini_hochberg(total.p_I), item_misfit(fit, clean=clean).p_I, rates, flips)
    pairs = pairs_of(judged, local_dependence(fit, clean=clean))
    findings = findings_of(judged, pairs)
    codes: dict[str, list[str]] = {}
    for finding in findings:
        codes.setdefault(finding.where, []).append(finding.code)
    told_I = np.sum(known * information(fit, fit.ability_S), axis=0) / np.maximum(known.sum(axis=0), 1)
    figures = tuple(_figures(judged, i, float(told_I[i]), codes.get(name, [])) for i, name in enumerate(matrix.items))
    able_K = _able(matrix, pairs, figures)
    sizes = curve_sizes(len(able_K))
    curve = tuple(zip(sizes, agreements(matrix, fit, able_K, sizes, seed), strict=True))
    abilities = one_ability(fit, seed=seed)
    reliability = _reliability(matrix, fit, seed)
    return ItemAudit(
        unit=matrix.unit,
        model=fit.model,
        items=figures,
        pairs=pairs,
        findings=findings,
        notes=tuple(_notes(matrix, abilities, reliability)),
        abilities=_abilities(matrix, fit),
        ratio=abilities.ratio,
        reliability=reliability,
        alpha=_alpha(matrix, seed),
        curve=curve,
        enough=next((k for k, tau in curve if tau.low is not None and tau.low >= _KEEPS and k < len(figures)), None),
        matrix=matrix,
        fit=fit,
        able_K=able_K,
    )


def _able(matrix: ItemMatrix, pairs: tuple[Pair, ...], figures: tuple[ItemFigures, ...]) -> NDArray[np.int64]:
    """Return the items that a subset is chosen from: those that count, are not reversed and are no twin of one before them."""
    twins = {p.second for p in pairs if p.twins}
    able = [i for i, f in enumerate(figures) if matrix.counted_I[i] > 0 and f.item not in twins and "reversed" not in f.codes]
    return np.array(able or range(len(figures)), dtype=np.int64)


def _abilities(matrix: ItemMatrix, fit: ItemFit) -> tuple[tuple[str, Estimate], ...]:
    n_R = matrix.known_RI.sum(axis=1)
    ends = ((float(m), float(s), int(n)) for m, s, n in zip(fit.ability_S, fit.ability_se_S, n_R, strict=True))
    found = (Estimate(m, m - _Z * s, m + _Z * s, n, "by the model, items taken as known", s) for m, s, n in ends)
    return tuple(zip(matrix.rows, found, strict=True))


def _rate(matrix: ItemMatrix, item: int) -> Estimate:
    known_R = matrix.known_RI[:, item]
    return mean_estimate(matrix.value_RI[known_R, item], matrix.cluster_R[known_R], matrix.clusters, unit=True)


def _flip_rates(matrix: ItemMatrix) -> tuple[Estimate, ...] | None:
    if matrix.flips is None:
        return None
    item_F, cluster_F, share_F = matrix.flips
    own = [item_F == i for i in range(len(matrix.items))]
    return tuple(mean_estimate(share_F[here], cluster_F[here], matrix.clusters, unit=True) for here in own)


def _figures(judged: Judged, i: int, told: float, codes: Sequence[str]) -> ItemFigures:
    matrix, fit = judged.matrix, judged.fit
    n, varies = int(matrix.known_RI[:, i].sum()), not fit.constant_I[i]
    slope, difficulty = _curve(judged, i, n)
    total = Estimate(None, None, None, n, "the same throughout, or nothing to compare it with")
    if judged.total.defined_I[i]:
        r, low, high = (float(of[i]) for of in (judged.total.r_I, judged.total.low_I, judged.total.high_I))
        total = Estimate(r, low, high, n, f"Fisher's z over {matrix.clusters}")
    return ItemFigures(
        item=matrix.items[i],
        text=matrix.texts[i],
        n=n,
        turned=bool(matrix.fault_I[i]),
        rate=judged.rate_I[i],
        total=total,
        slope=slope,
        difficulty=difficulty,
        information=told if varies else 0.0,
        misfit=float(judged.misfit_I[i]) if varies else None,
        flips=None if judged.flip_I is None else judged.flip_I[i],
        codes=tuple(dict.fromkeys(codes)),
    )


def _curve(judged: Judged, i: int, n: int) -> tuple[Estimate, Estimate]:
    """Return an item's slope and difficulty."""
    matrix, fit = judged.matrix, judged.fit
    if fit.constant_I[i]:
        nothing = Estimate(None, None, None, n, "the same throughout" if n else "no verdict")
        return nothing, nothing
    steep, centre = float(fit.slope_I[i]), float(fit.difficulty_I[i])
    few = Estimate(None, None, None, n, f"discrimination not estimable from {len(matrix.rows)} {matrix.unit}: {LEAST_SYSTEMS} are needed")
    if fit.slope_se_I is None or fit.difficulty_se_I is None:
        why = "no interval: the information is not positive definite"
        slope, difficulty = (Estimate(v, None, None, n, why) for v in (steep, centre))
    else:
        se, off = float(fit.slope_se_I[i]), float(fit.difficulty_se_I[i])
        times = float(np.exp(_Z * se / steep))
        slope = Estimate(steep, steep / times, steep * times, n, "by the model", se)
        difficulty = Estimate(centre, centre - _Z * off, centre + _Z * off, n, "by the model", off)
    return few if fit.model == "rasch" else slope, difficulty


def _reliability(matrix: ItemMatrix, fit: ItemFit, seed: int) -> Estimate:
    ability_R = fit.ability_S
    sums_R4 = np.column_stack([ability_R, ability_R**2, fit.ability_se_S**2, np.ones(len(ability_R))])

    def share(sums_B4: Array) -> Array:
        mean_B, square_B, error_B = sums_B4[:, :3].T / np.maximum(sums_B4[:, 3], 1.0)
        spread_B = square_B - mean_B**2
        return divided(spread_B, spread_B + error_B)

    found = estimate(Sums(sums_R4, share, "abilities do not differ"), matrix.cluster_R, RESAMPLES, seed)
    return estimate_of(found, f"bootstrap of {matrix.clusters}")


def _alpha(matrix: ItemMatrix, seed: int) -> Estimate:
    value, count = matrix.value_RI, float(len(matrix.items))
    if not matrix.known_RI.all():
        return Estimate(None, None, None, len(value), f"not all {matrix.unit} have a verdict on every item")
    whole_R = value.sum(axis=1)
    sums_RM = np.column_stack([value, (value**2).sum(axis=1), whole_R, whole_R**2, np.ones(len(value))])

    def alpha(sums_BM: Array) -> Array:
        mean_BM = sums_BM / np.maximum(sums_BM[:, -1:], 1.0)
        own_B = mean_BM[:, -4] - np.sum(mean_BM[:, :-4] ** 2, axis=1)
        out: Array = count / (count - 1.0) * (1.0 - divided(own_B, mean_BM[:, -2] - mean_BM[:, -3] ** 2))
        return out

    found = estimate(Sums(sums_RM, alpha, "scores do not differ"), matrix.cluster_R, RESAMPLES, seed)
    return estimate_of(found, f"bootstrap of {matrix.clusters}")


def _notes(matrix: ItemMatrix, abilities: OneAbility, reliability: Estimate) -> Iterator[Finding]:
    rows = len(matrix.rows)
    if rows < LEAST_SYSTEMS:
        message = f"discrimination not estimable from {rows} {matrix.unit} ({LEAST_SYSTEMS} are needed): all items have one slope"
        yield Finding("few_rows", "warning", "", message, f"audit more {matrix.unit}")
    elif abilities.ratio is not None and not abilities.one:
        ratio, bar, _ = abilities
        message = f"more than one ability: the first eigenvalue is {ratio:.1f} times the second (bar {bar:.1f})"
        yield Finding(
            "dimensions", "warning", "", message, "items of the lesser kind look weak or reversed here: audit each kind by itself"
        )
    if reliability.high is not None and reliability.high < _RELIABLE:
        message = f"rows differ little beyond error: reliability {reliability.value:.2f} [{reliability.low:.2f}, {reliability.high:.2f}]"
        yield Finding("unreliable", "warning", "", message, "take more items that tell, or rows that differ more")
    if not matrix.binary:
        message = "marks between 0 and 1 count as right from each item's middle mark up, for slopes, difficulties, abilities and Q3"
        yield Finding("cut", "note", "", message)
    without = int(np.count_nonzero(matrix.counted_I == 0))
    if without:
        yield Finding("no_weight", "note", "", f"{without} items have the weight 0: they are audited, and no subset takes them")
