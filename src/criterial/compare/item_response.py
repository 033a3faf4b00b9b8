"""Item response theory: the abilities that best explain which systems got which items right, hard ones and telling ones among them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components
from scipy.special import expit

from criterial.compare.evidence import Evidence, Marks
from criterial.compare.ranking import Strengths, ranking_of
from criterial.core.method import Method
from criterial.core.score import Finding, Ranking
from criterial.errors import ConfigError
from criterial.maths.graded_response import fit_graded
from criterial.maths.item_checks import LEAST_SYSTEMS, OneAbility, one_ability
from criterial.maths.item_response import ItemFit, fit_items
from criterial.maths.marginal import MarginalFit
from criterial.model.blas import one_thread

__all__ = ["METHOD", "ItemResponse", "families", "item_response"]

Array = NDArray[np.float64]
_MOST_LEVELS = 20
# Of ZeroEval's 49 systems one model under two names, or two versions of it, correlate .28 to .38, and 95 % of pairs below .07
_ALIKE, _LEAST_ITEMS = 0.25, 20
_LISTED = 5


@dataclass(frozen=True)
class ItemResponse:
    """Options of `item_response`."""

    model: Literal["2pl", "rasch", "graded"] = "2pl"
    """A discrimination an item, or one for all, with marks from 0 to 1; or marks of a few levels, which are found in the data."""
    topics: bool = False
    """Whether each benchmark is fitted by itself, and a system's ability is the mean over benchmarks."""
    margin: float = 0.1
    """Difference of abilities below which systems count as equal."""


class _Fit(NamedTuple):
    """One fit, S systems and I items of T + 1 levels."""

    marks: Marks
    level_SI: Array
    """What was fitted: marks, or levels from 0."""
    ability_S: Array
    cov_SS: Array
    slope_I: Array
    threshold_IT: Array
    constant_I: NDArray[np.bool_]
    joint: bool
    """Whether the covariance holds the items' own error."""
    converged: bool
    steps: int
    gradient: float
    abilities: OneAbility | None
    """Whether there are several; None where that was not looked at."""


def item_response(evidence: Evidence, options: ItemResponse | None = None) -> Ranking:
    """Return systems by their abilities.

    Parameters
    ----------
    evidence : Evidence
        With marks.
    options : ItemResponse, optional
        See there.

    Returns
    -------
    Ranking
        Strengths are in standard deviations of these systems' abilities; they mean nothing beside another panel's.

    Raises
    ------
    ConfigError
        If there are no marks; they do not fit the model; or benchmarks are fitted apart and a system has no mark on one.

    Notes
    -----
    The covariance is that of the abilities given the marks, with the items' own error in it. It follows from the model.

    References
    ----------
    Bock and Aitkin (1981), Psychometrika 46; Samejima (1969) for levels; Luo et al. (2025), arXiv 2509.24186 (card medirt).
    """
    options = options or ItemResponse()
    marks = evidence.marks
    parts = _topics(marks) if options.topics else [marks]
    with one_thread():
        fits = [_fit(part, options.model) for part in parts]
    items = sum(int(fit.marks.known_SI.any(axis=0).sum()) for fit in fits)
    among = f" of {len(fits)} benchmarks" if options.topics else ""
    return ranking_of(
        Strengths(
            systems=marks.systems,
            value_S=np.mean([fit.ability_S for fit in fits], axis=0),
            cov_SS=np.sum([fit.cov_SS for fit in fits], axis=0) / len(fits) ** 2,
            n_S=marks.known_SI.sum(axis=1),
            units=items,
            unit="mean ability over benchmarks" if options.topics else "ability in standard deviations of these systems",
            margin=options.margin,
            method=f"item_response ({options.model}){among}",
            basis=f"{items} item{'s' if items != 1 else ''}, by the model",
            exact=True,
            notes=tuple(_notes(fits, options)),
        )
    )


def families(residual_SI: Array, known_SI: NDArray[np.bool_], least: float = _ALIKE) -> list[list[int]]:
    """Return groups of systems that are right and wrong together beyond what their abilities explain.

    Parameters
    ----------
    residual_SI : (S, I) float
        Marks less what was expected; not read where not known.
    known_SI : (S, I) bool
        Which are known.
    least : float
        Correlation of residuals from which two systems are near-identical.

    Returns
    -------
    list of list of int
        Systems that a chain of such pairs links; pairs with fewer than 20 items in common are not looked at.
    """
    known = known_SI.astype(np.float64)
    left = np.where(known_SI, residual_SI, 0.0)
    n_SS = known @ known.T
    size_SS = np.sqrt((left**2 @ known.T) * (known @ left.T**2))
    r_SS = np.divide(left @ left.T, size_SS, out=np.zeros_like(size_SS), where=(size_SS > 1e-9) & (n_SS >= _LEAST_ITEMS))
    # a bound that holds for all pairs at once: a few items alike by chance make no family
    reach_SS = np.sqrt(2 * np.log(10.0 * len(known) ** 2) / np.maximum(n_SS - 3, 1))
    low_SS = np.tanh(np.arctanh(np.clip(r_SS, -1 + 1e-12, 1 - 1e-12)) - reach_SS)
    _, group_S = connected_components((r_SS > least) & (low_SS > least / 2), directed=False)
    return [found for g in range(int(group_S.max()) + 1) if len(found := np.flatnonzero(group_S == g).tolist()) > 1]


def _topics(marks: Marks) -> list[Marks]:
    parts = []
    for k, suite in enumerate(marks.suites):
        inside_I = marks.suite_I == k
        known_SI = marks.known_SI[:, inside_I]
        if not known_SI.any(axis=1).all():
            system = marks.systems[int(np.flatnonzero(~known_SI.any(axis=1))[0])]
            raise ConfigError(f"{system!r} has no mark on {suite!r}: fit benchmarks apart only where all systems have marks on all")
        items = tuple(item for item, inside in zip(marks.items, inside_I, strict=True) if inside)
        parts.append(Marks(marks.systems, items, marks.value_SI[:, inside_I], known_SI, (suite,), np.zeros(len(items), dtype=np.int64)))
    return parts


def _fit(marks: Marks, model: Literal["2pl", "rasch", "graded"]) -> _Fit:
    if model == "graded":
        level_SI, levels = _levels(marks)
        graded = fit_graded(level_SI, marks.known_SI, levels)
        return _fit_of(marks, level_SI, graded, graded.threshold_IT, None)
    low, high = float(marks.value_SI[marks.known_SI].min()), float(marks.value_SI[marks.known_SI].max())
    if low < 0 or high > 1:
        raise ConfigError(
            f"marks run from {low:g} to {high:g}, and model {model} takes right and wrong, or shares, from 0 to 1: "
            "model=graded takes marks of a few levels; else rank by mean"
        )
    share_SI = np.where(marks.known_SI, marks.value_SI, 0.0)
    found = fit_items(share_SI, marks.known_SI, model)
    looked = len(marks.systems) >= LEAST_SYSTEMS and bool(np.isin(share_SI, (0.0, 1.0)).all())
    return _fit_of(marks, share_SI, found, found.difficulty_I[:, None], one_ability(found) if looked else None)


def _levels(marks: Marks) -> tuple[Array, int]:
    """Return marks as levels from 0, and how many there are."""
    values = np.unique(marks.value_SI[marks.known_SI])
    if len(values) > _MOST_LEVELS:
        raise ConfigError(
            f"the marks have {len(values)} different values; model graded takes {_MOST_LEVELS} at most: round them, or rank by mean"
        )
    level_SI = np.searchsorted(values, np.where(marks.known_SI, marks.value_SI, values[0]))
    return level_SI.astype(np.float64), max(len(values), 2)


def _fit_of(marks: Marks, level_SI: Array, found: ItemFit | MarginalFit, threshold_IT: Array, abilities: OneAbility | None) -> _Fit:
    joint = found.ability_cov_SS is not None
    cov_SS = np.diag(found.ability_se_S**2) if found.ability_cov_SS is None else found.ability_cov_SS
    rest = (found.constant_I, joint, found.converged, found.iterations, found.gradient, abilities)
    return _Fit(marks, level_SI, found.ability_S, cov_SS, found.slope_I, threshold_IT, *rest)


def _residuals(fit: _Fit) -> Array:
    """Return marks less what the model expects."""
    above_TSI = expit(fit.slope_I * (fit.ability_S[:, None] - fit.threshold_IT.T[:, None, :]))
    residuals: Array = fit.level_SI - above_TSI.sum(axis=0)
    return residuals


def _notes(fits: Sequence[_Fit], options: ItemResponse) -> Iterator[Finding]:
    systems = fits[0].marks.systems
    if len(systems) < LEAST_SYSTEMS and options.model != "rasch":
        message = f"discrimination not estimable from {len(systems)} systems ({LEAST_SYSTEMS} are needed): slopes are mostly their prior"
        yield Finding("few_systems", "note", "", message, "model=rasch takes one slope for all items")
    if not all(fit.converged for fit in fits):
        yield Finding("not_converged", "warning", "", "the fit did not come to rest: abilities may be off", "rank by mean")
    if not all(fit.joint for fit in fits):
        yield Finding("items_known", "warning", "", "intervals take the items for known, so that they are too narrow")
    constant, items = sum(int(fit.constant_I.sum()) for fit in fits), sum(len(fit.constant_I) for fit in fits)
    if constant:
        yield Finding("constant_items", "note", "", f"{constant} of {items} items have the same mark throughout and tell next to nothing")
    for fit in fits:
        yield from _fit_notes(fit, options)
    steps, gradient = sum(fit.steps for fit in fits), max(fit.gradient for fit in fits)
    yield Finding("optimum", "note", "", f"{steps} steps; gradient {gradient:.1e}")


def _fit_notes(fit: _Fit, options: ItemResponse) -> Iterator[Finding]:
    marks, where = fit.marks, fit.marks.suites[0] if options.topics else ""
    of = f" of {where}" if where else ""
    if options.model != "graded" and not np.isin(fit.level_SI, (0.0, 1.0)).all():
        message = f"some marks{of} lie between 0 and 1 and count as shares of a right answer: intervals are then too wide"
        yield Finding("shares", "note", where, message, "model=graded takes marks of a few levels for what they are")
    if fit.abilities is not None and fit.abilities.ratio is not None:
        ratio, bar, one = fit.abilities
        message = f"{'one' if one else 'more than one'} ability: the first eigenvalue{of} is {ratio:.1f} times the second (bar {bar:.1f})"
        hint = "look at what the items ask" if options.topics else "topics=true fits each benchmark by itself"
        yield Finding("dimensions", "note" if one else "warning", where, message, "" if one else hint)
    for group in families(_residuals(fit), marks.known_SI & ~fit.constant_I):
        named = ", ".join(marks.systems[s] for s in group[:_LISTED]) + (f" and {len(group) - _LISTED} more" if len(group) > _LISTED else "")
        message = f"near-identical systems{of}: {named} are right and wrong together beyond their abilities, and count as several"
        yield Finding(
            "family", "warning", where, message, "rank one of them, or mind that items that tell them from the rest weigh too much"
        )


METHOD = Method(
    name="item_response",
    room="compare",
    call=item_response,
    options=ItemResponse,
    says="ranks by abilities, with items hard and telling in different degree (IRT: 2PL, Rasch, graded)",
    cites="Bock and Aitkin 1981; Samejima 1969; Luo et al. 2025 (card medirt)",
)
