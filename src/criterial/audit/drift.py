"""The drift gate: whether verdicts under an edited rubric still agree with what we trust, on every slice and not only on the whole.

An edit may pass the usual benchmark and still push the judge one way on other traffic. Two tables of the same responses, judged under the
rubric before and after the edit, are compared in pairs: what people labelled is right or wrong before and after.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from criterial.audit.drift_changes import CriterionShift, Flip, SystemShift, criteria_of, edits_between, flips_of, systems_of
from criterial.audit.drift_items import Cellwise, Items, cellwise, common_layers, items_of, joined, noise_of
from criterial.audit.drift_traits import Feature, Traits, features_of, slices_of, traits_of
from criterial.core.score import Edit, Estimate, Finding
from criterial.core.table import VerdictTable
from criterial.core.task import Case
from criterial.errors import ConfigError
from criterial.maths.multiplicity import holm
from criterial.maths.paired import mcnemar, mcnemar_power, mcnemar_sample, mean_power, mean_sample, paired_difference, sign_flip
from criterial.score.estimates import mean_estimate

__all__ = ["Drift", "Slice", "drift", "slice_of"]

_LEVEL, _POWER = 0.05, 0.8
_INCOMPLETE = 0.05
_LEAST_SLICE = 20
_SAME = 1e-9


@dataclass(frozen=True)
class Slice:
    """A part of the items, before and after."""

    name: str
    """What they share; ``all`` is the whole."""
    n: int
    """How many items."""
    before: Estimate
    """Accuracy under the old rubric; the mean score where there are no labels."""
    after: Estimate
    """The same under the new one."""
    delta: Estimate
    """After less before, with an interval over tasks."""
    lost: int
    """Items that got worse: b."""
    gained: int
    """Items that got better: c."""
    p: float
    """Chance of a difference so large or larger where there is none; of slices other than ``all`` corrected by Holm for all of them."""
    test: str
    """The test: McNemar's exact one where each task has one item that is right or wrong, sign flips of tasks elsewhere."""
    power: float | None
    """Chance that this many items would show a drop of the size that is tolerated; None where there is one task."""
    needed: int | None
    """How many items would show it with a chance of .8."""

    @property
    def flips(self) -> float:
        """Share of items that changed either way: (b + c) / n, which a net of 0 can hide."""
        return (self.lost + self.gained) / self.n


@dataclass(frozen=True)
class Drift:
    """What an edit of a rubric did to a judge's verdicts."""

    decision: Literal["block", "warn", "pass"]
    """``block``: it lost more agreement than is tolerated; ``warn``: that cannot be ruled out, or something else needs a look."""
    why: tuple[Finding, ...]
    """The reasons: errors block, warnings warn."""
    compared: Literal["verdicts", "preferences", "scores"]
    """What the figures are about: verdicts beside labels, preferences by score beside labels, or scores where there are no labels."""
    tolerance: float
    """The drop that is tolerated, as a share."""
    slices: tuple[Slice, ...]
    """The whole first, then each slice."""
    between: Estimate
    """Share of single verdicts that differ between the two rubrics."""
    within: Estimate
    """Share that differ between repeats of the same rubric: the judge's own inconsistency."""
    beyond: Estimate
    """Their difference: what the edit did beyond the judge's own noise."""
    features: tuple[Feature, ...]
    """Properties of responses, and how verdicts moved towards them."""
    criteria: tuple[CriterionShift, ...]
    """Each criterion that both rubrics have, those that changed most first."""
    systems: tuple[SystemShift, ...]
    """Systems in their order before; empty where there are fewer than two."""
    flips: tuple[Flip, ...]
    """Every pooled verdict that changed, those that got worse first."""
    edits: tuple[Edit, ...]
    """How the rubrics differ."""
    left_out: int
    """Items without a verdict on one side, because a call failed."""


def drift(
    before: VerdictTable,
    after: VerdictTable,
    labels: VerdictTable | None = None,
    cases: Sequence[Case] = (),
    tolerance: float = 0.02,
    seed: int = 0,
) -> Drift:
    """Return what an edit of a rubric did to a judge's verdicts, and whether it may pass.

    Parameters
    ----------
    before : VerdictTable
        Verdicts under the old rubric. Layers that only one of the two tables has are left out; the others are pooled by majority.
    after : VerdictTable
        Verdicts of the same responses under the new one, by the same judge; criteria are matched by id.
    labels : VerdictTable, optional
        What is right: verdicts on the same criteria; or on a criterion of scope ``pair`` that neither rubric has, beside which the scores
        of the two responses are compared. Without labels nobody can say which verdict is right, so nothing blocks.
    cases : sequence of Case, optional
        The cases, for slices by tag and length, and for features.
    tolerance : float
        The drop of accuracy that is tolerated, as a share; of scores, the change in them.
    seed : int
        Seed of random sign flips.

    Returns
    -------
    Drift

    Raises
    ------
    TableError
        If the tables, labels or cases are not about the same responses, or share no judge or no decided item.
    ConfigError
        If the tolerance is not in (0, 1).

    References
    ----------
    RIPD, arXiv 2602.13576, for the attack; the gate is that of card ripd, except that a slice blocks only where its drop is also larger
    than the tolerance: of enough items, any drop is significant.
    """
    if not 0.0 < tolerance < 1.0:
        raise ConfigError(f"a tolerance of {tolerance:g}: write a share between 0 and 1, such as 0.02 for 2 points")
    found = _compared(*common_layers(before, after), labels, cases, tolerance, seed)
    why = (*_losses(found), *_doubts(found))
    severities = {f.severity for f in why}
    return replace(found, why=why, decision="block" if "error" in severities else "warn" if "warning" in severities else "pass")


def _compared(
    before: VerdictTable, after: VerdictTable, labels: VerdictTable | None, cases: Sequence[Case], tolerance: float, seed: int
) -> Drift:
    items = items_of(before, after, labels)
    traits = traits_of(before, cases)
    orders = list(_orders(before, after, labels)) if items.pairs else []
    slices = _slices(items, orders, before, traits, tolerance, seed)
    shared = cellwise(before, after)
    between, within, beyond = _noise(before, after, shared)
    return Drift(
        decision="pass",
        why=(),
        compared=items.kind,
        tolerance=tolerance,
        slices=slices,
        between=between,
        within=within,
        beyond=beyond,
        features=features_of(items, orders, before, traits),
        criteria=criteria_of(before, after, shared),
        systems=systems_of(before, after),
        flips=flips_of(before, after, shared, items),
        edits=edits_between(before, after),
        left_out=items.left_out,
    )


def slice_of(name: str, items: Items, tolerance: float, seed: int = 0) -> Slice:
    """Return items before and after, tested in pairs.

    Parameters
    ----------
    name : str
        What they are called.
    items : Items
        At least one.
    tolerance : float
        The drop that the power is for.
    seed : int
        Seed of random sign flips.

    Returns
    -------
    Slice
    """
    paired = paired_difference(items.before_I, items.after_I, items.task_I)
    flat = bool(np.isin(np.concatenate([items.before_I, items.after_I]), (0.0, 1.0)).all()) and items.kind != "scores"
    if flat and paired.clusters == len(items.before_I):
        p, test = float(mcnemar(paired.lost, paired.gained)), "McNemar, exact"
    else:
        p, test = sign_flip(items.after_I - items.before_I, items.task_I, seed=seed), f"sign flips of {paired.clusters} tasks"
    n = len(items.before_I)
    how = f"over {paired.clusters} tasks" if paired.low is not None else "no interval: all from one of the tasks"
    power, needed = None, None
    if paired.se is not None and (flat or paired.se < _SAME):
        discordance = min(max((paired.lost + paired.gained) / n, tolerance), 1.0)
        power = mcnemar_power(int(paired.effective), discordance, tolerance, _LEVEL)
        needed = int(np.ceil(mcnemar_sample(_POWER, discordance, tolerance, _LEVEL) * n / paired.effective))
    elif paired.se is not None:
        power, needed = mean_power(paired.se, tolerance, _LEVEL), mean_sample(_POWER, paired.se, n, tolerance, _LEVEL)
    unit = items.kind != "scores"
    return Slice(
        name=name,
        n=n,
        before=mean_estimate(items.before_I, items.task_I, unit=unit),
        after=mean_estimate(items.after_I, items.task_I, unit=unit),
        delta=Estimate(paired.difference, paired.low, paired.high, n, how, paired.se),
        lost=paired.lost,
        gained=paired.gained,
        p=p,
        test=test,
        power=power,
        needed=needed,
    )


def _orders(before: VerdictTable, after: VerdictTable, labels: VerdictTable | None) -> Iterator[tuple[Items, float]]:
    """Yield the items as seen in each order in which pairs were shown."""
    for odd, sign in ((0, 1.0), (1, -1.0)):
        seen = [i for i, layer in enumerate(before.layers) if layer.repeat % 2 == odd]
        if seen:
            yield items_of(before.layer(*seen), after.layer(*seen), labels), sign


def _slices(
    items: Items, orders: Sequence[tuple[Items, float]], table: VerdictTable, traits: Traits | None, tolerance: float, seed: int
) -> tuple[Slice, ...]:
    """Return the whole, and the slices with p-values corrected among themselves: the whole is the one question that was asked."""
    parts = [(name, items.where(inside)) for name, inside in slices_of(items, table, traits)]
    for name, side in (("the better one shown first", 1.0), ("the better one shown second", -1.0)):
        placed = [seen.where(np.sign(seen.gold_I - 0.5) == side * sign) for seen, sign in orders]
        if placed and items.kind != "scores":
            whole = joined(placed)
            parts += [(name, whole)] if len(whole.before_I) >= _LEAST_SLICE else []
    made = [slice_of(name, part, tolerance, seed) for name, part in parts]
    corrected = holm(np.array([s.p for s in made])) if made else ()
    return (slice_of("all", items, tolerance, seed), *(replace(s, p=float(p)) for s, p in zip(made, corrected, strict=True)))


def _noise(before: VerdictTable, after: VerdictTable, shared: Cellwise) -> tuple[Estimate, Estimate, Estimate]:
    between_M, compared_M, within_M, repeated_M = noise_of(before, after, shared)
    task = shared.task_M
    between = mean_estimate(between_M[compared_M], task[compared_M], unit=True)
    if not repeated_M.any():
        pairs = bool((shared.other_M >= 0).all()) and bool(len(shared.other_M))
        need = "4 or more: two of each order" if pairs else "2 or more"
        nothing = Estimate(None, None, None, 0, f"the judge's own inconsistency was not measured: use --repeats {need}")
        return between, nothing, nothing
    both_M = compared_M & repeated_M
    within = mean_estimate(within_M[repeated_M], task[repeated_M], unit=True)
    return between, within, mean_estimate((between_M - within_M)[both_M], task[both_M])


def _losses(found: Drift) -> Iterator[Finding]:
    """Yield what blocks: a drop beyond the tolerance for certain, or a slice that is significantly worse."""
    if found.compared == "scores":
        return
    whole, allowed = found.slices[0], found.tolerance
    if whole.delta.high is not None and -whole.delta.high > allowed:
        message = f"agreement fell by {_points(whole.delta, -1)}, more than the {100 * allowed:g} points that are tolerated"
        yield Finding("drop", "error", "all", message, "look at the verdicts that got worse; take the edit back, or mend its wording")
    for part in found.slices:
        if part.p <= _LEVEL and -(part.delta.value or 0.0) > allowed:
            message = (
                f"agreement fell by {_points(part.delta, -1)} on {part.name} (p = {part.p:.2g}, {part.lost} worse, {part.gained} better)"
            )
            yield Finding("slice", "error", part.name, message, "the edit hurts here; see which criteria and features changed")


def _doubts(found: Drift) -> Iterator[Finding]:
    """Yield what warns: a drop that the sample could not show, flips that the net hides, verdicts that are missing, scores that moved."""
    whole, allowed = found.slices[0], found.tolerance
    if whole.power is None or whole.power < _POWER:
        able = "no chance, since all is one task," if whole.power is None else f"a chance of {whole.power:.2f}"
        need = f"judge {whole.needed} items or more" if whole.needed else "judge responses to many tasks"
        message = f"{whole.n} items have {able} of showing a change of {100 * allowed:g} points"
        yield Finding("power", "warning", "all", message, f"{need} for a chance of {_POWER:g}, or tolerate more")
    yield from _hidden(found)
    total = whole.n + found.left_out
    if found.left_out > _INCOMPLETE * total:
        message = f"{found.left_out} of {total} items have no verdict on one side, because calls failed"
        yield Finding("incomplete", "warning", "all", message, "run the same command again: what is on record is not asked again")
    if found.compared == "scores":
        yield from _moved(found)


def _hidden(found: Drift) -> Iterator[Finding]:
    net = abs(found.slices[0].delta.value or 0.0)
    measured = found.beyond.value is not None
    changed = found.beyond if measured else found.between
    if changed.low is not None and changed.low - net > found.tolerance:
        noise = "beyond the judge's own noise" if measured else "its own noise included"
        message = f"{_share(changed)} of verdicts changed, {noise}, where the net is {100 * net:.1f} points: changes both ways cancel"
        yield Finding("hidden_flips", "warning", "all", message, "" if measured else found.within.method)


def _moved(found: Drift) -> Iterator[Finding]:
    """Yield what warns where there are no labels: nobody can say which score is right."""
    hint = "label some of these responses, and the gate can say which verdicts are right"
    for part in found.slices:
        moved = part.delta.value or 0.0
        if part.p <= _LEVEL and abs(moved) > found.tolerance:
            message = f"scores moved by {_points(part.delta)} on {part.name} (p = {part.p:.2g})"
            yield Finding("shift", "warning", part.name, message, hint)
    for system in found.systems:
        if system.place_before != system.place_after:
            message = f"{system.system} was in place {system.place_before} and is in place {system.place_after}"
            yield Finding("rank", "note", system.system, message, hint)


def _points(figure: Estimate, sign: int = 1) -> str:
    """Return a difference in points of a hundred."""
    value = 100 * sign * (figure.value or 0.0)
    if figure.low is None or figure.high is None:
        return f"{value:.1f} points"
    low, high = sorted((100 * sign * figure.low, 100 * sign * figure.high))
    return f"{value:.1f} points [{low:.1f}, {high:.1f}]"


def _share(figure: Estimate) -> str:
    return f"{figure.value:.1%} [{figure.low:.1%}, {figure.high:.1%}]"
