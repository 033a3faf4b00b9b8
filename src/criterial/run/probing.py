"""Probing a judge: cases are graded as they are and as each probe changes them, and the two are compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from criterial.audit.noise import noise
from criterial.audit.probe import Probe, Probed, ProbeResult, read_probe
from criterial.core.method import load
from criterial.core.ports import Decider, DeciderInFront, Usage
from criterial.core.table import VerdictTable
from criterial.core.task import Case
from criterial.errors import ConfigError
from criterial.model.spec import JudgeSettings, make_decider
from criterial.run.grading import grade, plan
from criterial.run.plan import Plan
from criterial.run.progress import Progress
from criterial.score.pairs import order_effect

__all__ = ["PROBES", "Probes", "plan_probes", "probe"]

Probes = Sequence[str] | Mapping[str, Mapping[str, Any]]
"""Names of probes, alone or with their options."""

PROBES = (
    "verbosity",
    "format",
    "criterion_order",
    "option_order",
    "one_by_one",
    "turn_order",
    "injection",
    "master_keys",
    "withheld",
    "modality",
    "corruption",
)
"""The probes that `probe` makes where none are chosen."""


def probe(
    cases: Sequence[Case],
    judge: str | Decider,
    names: Probes = (),
    progress: Callable[[str], Progress] | None = None,
    **options: Any,
) -> Probed:
    """Return what probes find of a judge.

    Parameters
    ----------
    cases : sequence of Case
        Cases with responses.
    judge : str or Decider
        Who is probed: one judge.
    names : sequence of str, or mapping of str to mapping
        Probes, or probes with their options; all of `PROBES` where none is named.
    progress : callable, optional
        From what is being judged to who hears of its progress.
    **options : object
        Further fields of `criterial.run.options.GradeOptions`; with two repeats or more the judge's own noise is taken off.

    Returns
    -------
    Probed

    Raises
    ------
    CriterialError
        If cases, judge, probes or options cannot be used.
    """
    made = _made(cases, names)
    base = grade(cases, judge, progress=progress("the cases as they are") if progress else None, **options)
    spent = base.usage
    own = next((n.flips for n in noise(base.table)), None)
    results: list[ProbeResult] = []
    complete = not base.stopped
    for name, found in made.items():
        tables: dict[str, VerdictTable] = {}
        for variant in found.variants:
            heard = progress(f"{name}: {variant.name}") if progress else None
            run = grade(variant.cases, _asked(judge, name, found, options), progress=heard, **_options(found, options, spent))
            spent += run.usage
            complete &= not run.stopped
            tables[variant.name] = run.table
        if found.variants:
            results += read_probe(name, found, base.table, tables, own)
    left_out = tuple(name for name, found in made.items() if not found.variants)
    return Probed(base.judge, base.id, tuple(results), left_out, own, order_effect(base.table), complete, spent)


def plan_probes(cases: Sequence[Case], judge: str | Decider, names: Probes = (), **options: Any) -> Plan:
    """Return what `probe` would spend with the same arguments, without a call.

    Parameters
    ----------
    cases, judge, names, **options
        As for `probe`.

    Returns
    -------
    Plan

    Raises
    ------
    CriterialError
        As for `probe`.
    """
    plans = [plan(cases, judge, **options)]
    for name, found in _made(cases, names).items():
        plans += [plan(v.cases, _asked(judge, name, found, options), **_options(found, options)) for v in found.variants]
    whole = plans[0]
    for one in plans[1:]:
        whole = whole + one
    return whole


def _made(cases: Sequence[Case], names: Probes) -> Mapping[str, Probe]:
    unknown = [n for n in names if n not in PROBES]
    if unknown:
        raise ConfigError(f"there is no probe {unknown[0]!r}: choose among {', '.join(PROBES)}")
    given = names if isinstance(names, Mapping) else {}
    methods = {name: load("audit", name) for name in names or PROBES}
    return {name: m.call(cases, m.with_options(dict(given.get(name, {})))) for name, m in methods.items()}


def _options(found: Probe, options: Mapping[str, Any], spent: Usage | None = None) -> dict[str, Any]:
    """Return how the changed cases are graded: once, for what is left of the budget, and by the judge where a program would settle it."""
    budget = options.get("budget")
    left = budget.left(spent) if budget is not None and spent is not None else budget
    given = options.get("method_options", {})
    if found.empty and "settle_empty" in getattr(load("judge", options.get("method", "pointwise")).options, "__dataclass_fields__", {}):
        given = {**given, "settle_empty": False}
    return {**options, "repeats": 1, "budget": left, "method_options": given}


def _asked(judge: str | Decider, name: str, found: Probe, options: Mapping[str, Any]) -> str | Decider:
    """Return the judge as a probe asks it."""
    if not found.anew:
        return judge
    settings = options.get("settings") or JudgeSettings()
    if found.together is not None:
        settings = replace(settings, criteria_per_call=found.together)
    return _Anew(make_decider(judge, settings) if isinstance(judge, str) else judge, name, found.together)


class _Anew(DeciderInFront):
    """A decider under another identity, so that nothing on record stands for it."""

    def __init__(self, inner: Decider, name: str, together: int | None) -> None:
        super().__init__(inner)
        self.identity = f"{inner.identity}/{name}"
        self.questions_per_call = inner.questions_per_call if together is None else min(together, inner.questions_per_call)
