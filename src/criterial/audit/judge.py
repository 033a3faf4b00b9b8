"""Is this judge good enough: everything that labels, repeats and orders tell of it, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from criterial.audit.agreement import Measure, agreement, base_rate, people_agree
from criterial.audit.bias import Bias, Functioning, biases, functioning
from criterial.audit.calibrating import Calibration, Policy, Rate, calibration, corrected_rates, policy
from criterial.audit.ceiling import ScoreAgreement, score_agreement
from criterial.audit.matched import Matched, matched
from criterial.audit.noise import Noise, noise
from criterial.core.score import Estimate, Finding
from criterial.core.table import VerdictTable
from criterial.core.task import Case
from criterial.score.estimates import mean_estimate

__all__ = ["CriterionAudit", "JudgeAudit", "JudgeAuditOptions", "audit_judge"]

_NOTHING = "It cannot be said whether this judge is good enough: it decided none of the verdicts that have labels."
_MOST_CRITERIA = 60
_QUICK = 500
_UNDECIDED, _NOISY = 0.05, 0.1


@dataclass(frozen=True)
class JudgeAuditOptions:
    """How a judge is audited."""

    resamples: int = 2000
    """Bootstrap resamples of tasks; a quarter of them for single criteria."""
    seed: int = 0
    """Their seed."""
    own: str = ""
    """Pattern of the systems that are of the judge's own family."""
    abstain: float = 0.0
    """What a verdict that is not given is worth, where a right one is 1 and a wrong one 0."""


@dataclass(frozen=True)
class CriterionAudit:
    """One criterion."""

    criterion: str
    """Its name."""
    labelled: int
    """Verdicts with labels."""
    base_rate: Estimate
    """Share of labels that say met."""
    decided: Estimate
    """Share that the judge decided."""
    measures: tuple[Measure, ...]
    """As of the whole."""


@dataclass(frozen=True)
class JudgeAudit:
    """What is known of a judge."""

    judge: str
    """Its name."""
    verdict: str
    """In one sentence: is it good enough."""
    labelled: int
    """Verdicts with labels."""
    raters: int
    """People, or layers of them, who labelled."""
    base_rate: Estimate
    """Share of labels that say met."""
    decided: Estimate
    """Share of labelled verdicts that the judge decided."""
    measures: tuple[Measure, ...]
    """Agreement over all criteria."""
    people: tuple[Measure, ...]
    """How far people agree among themselves."""
    scores: ScoreAgreement | None
    """Scores of responses."""
    criteria: tuple[CriterionAudit, ...]
    """Agreement by criterion, those with the most labels first; at most 60."""
    calibration: Calibration | None
    """Whether its probabilities come true."""
    policy: Policy | None
    """What another threshold would gain."""
    rates: tuple[Rate, ...]
    """Pass rates corrected for its errors."""
    noise: tuple[Noise, ...]
    """How often it contradicts itself."""
    biases: tuple[Bias, ...]
    """What moves it that should not."""
    functioning: tuple[Functioning, ...]
    """Criteria by which it errs otherwise for some group."""
    looked_at: int
    """How many criteria and groups were looked at for that."""
    findings: tuple[Finding, ...]
    """What to do, the gravest first."""


def audit_judge(judged: VerdictTable, labels: VerdictTable, cases: Sequence[Case], options: JudgeAuditOptions | None = None) -> JudgeAudit:
    """Return everything that labels tell of a judge.

    Parameters
    ----------
    judged : VerdictTable
        One judge's verdicts, in any number of repeats.
    labels : VerdictTable
        People's verdicts on the same cases; each layer is a rater.
    cases : sequence of Case
        The cases of both tables.
    options : JudgeAuditOptions, optional
        See there.

    Returns
    -------
    JudgeAudit

    Raises
    ------
    TableError
        If the tables are not of the same cases, or no cell is labelled.
    """
    options = options or JudgeAuditOptions()
    cells = matched(judged, labels)
    n, seed = options.resamples, options.seed
    measures = agreement(cells, n, seed)
    erring, looked_at = functioning(cells, judged, cases, _QUICK, seed)
    found = JudgeAudit(
        judge=", ".join(dict.fromkeys(layer.judge for layer in judged.layers)),
        verdict=_verdict({m.name: m for m in measures}) if cells.decided_N.any() else _NOTHING,
        labelled=len(cells.label_N),
        raters=len(labels.layers),
        base_rate=base_rate(cells),
        decided=_decided(cells),
        measures=measures,
        people=people_agree(cells, n, seed),
        scores=score_agreement(judged, labels, resamples=n // 2, seed=seed),
        criteria=tuple(_criteria(cells, options)),
        calibration=calibration(cells, n, seed),
        policy=policy(cells, options.abstain, n, seed),
        rates=corrected_rates(cells, judged),
        noise=noise(judged),
        biases=biases(cells, judged, cases, options.own, n, seed),
        functioning=erring,
        looked_at=looked_at,
        findings=(),
    )
    ranked = sorted(_findings(found), key=lambda f: f.gravity)
    return replace(found, findings=tuple(ranked))


def _decided(cells: Matched) -> Estimate:
    return mean_estimate(cells.decided_N.astype(np.float64), cells.task_N, unit=True)


def _criteria(cells: Matched, options: JudgeAuditOptions) -> Iterator[CriterionAudit]:
    if len(cells.criteria) == 1:
        return
    for place, (name, mine) in enumerate(cells.by_criterion()):
        if place == _MOST_CRITERIA:
            return
        measures = agreement(mine, options.resamples // 4, options.seed, people=False)
        yield CriterionAudit(name, len(mine.label_N), base_rate(mine), _decided(mine), measures)


def _verdict(measures: dict[str, Measure]) -> str:
    kappa = measures.get("kappa") or measures["alpha"]
    figure, people = kappa.figure, kappa.people
    right = measures["accuracy"]
    if figure.value == 1.0 and right.figure.low is not None and right.figure.low > (right.chance or 0.0):
        return f"This judge says what people say in all of {right.figure.n} verdicts (accuracy [{right.figure.low:.2f}, 1.00])."
    if figure.value is None or figure.low is None or figure.high is None:
        return f"It cannot be said whether this judge is good enough: {figure.method}."
    if figure.low <= 0.0:
        return f"This judge is not shown to be better than chance: {kappa.name} {figure.value:.2f} [{figure.low:.2f}, {figure.high:.2f}]."
    said = f"better than chance ({kappa.name} {figure.value:.2f} [{figure.low:.2f}, {figure.high:.2f}])"
    if people is None or people.value is None or people.low is None:
        return f"This judge is {said}; whether it is as good as a person cannot be said, since no verdict has two labels."
    if figure.high < people.low:
        return f"This judge is {said}, and worse than one person is against the others ({people.value:.2f})."
    if figure.low >= people.value:
        return f"This judge is {said}, and as good as one person is against the others ({people.value:.2f}), or better."
    return f"This judge is {said}; that it is as good as one person against the others ({people.value:.2f}) is not ruled out, nor shown."


def _findings(found: JudgeAudit) -> Iterator[Finding]:
    measures = {m.name: m for m in found.measures}
    yield from _of_agreement(found, measures)
    yield from _of_probabilities(found)
    for bias in found.biases:
        if bias.shows:
            hint = _REMEDY.get(bias.name, "")
            yield Finding(f"bias_{bias.name}", "warning", "judge", f"{bias.name}: {bias.figure.text()}, {bias.says}", hint)
    if found.noise and (found.noise[0].flips.low or 0.0) > _NOISY:
        message = f"two repeats on one response differ in {found.noise[0].flips.text()} of cases"
        yield Finding("noisy", "warning", "judge", message, "judge with more repeats and pool them, or with --method consistent")
    for one in found.functioning[:10]:
        message = f"errs by {one.difference.text()} more for {one.group} than for others (p = {one.p:.3g})"
        yield Finding("functions_differently", "warning", one.criterion, message, "look at these verdicts before comparing the groups")


_REMEDY = {
    "position": "show every pair in both orders (--repeats 2) and count what both agree on",
    "verbosity": "compare responses of like length, or say in the rubric that length earns nothing",
    "format": "strip the format before judging, or say in the rubric that it earns nothing",
    "self-preference": "judge with a model of another family",
}


def _of_agreement(found: JudgeAudit, measures: dict[str, Measure]) -> Iterator[Finding]:
    accuracy = measures["accuracy"]
    if accuracy.figure.low is not None and accuracy.chance is not None and accuracy.figure.low <= accuracy.chance:
        message = f"accuracy {accuracy.figure.text()} is not shown to beat the commonest label's {accuracy.chance:.3f}"
        yield Finding("base_rate", "warning", "judge", message, "go by kappa, and label more verdicts of the rarer kind")
    if (found.decided.high or 1.0) < 1.0 - _UNDECIDED:
        message = f"only {found.decided.text()} of labelled verdicts were decided"
        yield Finding(
            "undecided", "warning", "judge", message, "agreement is over these alone: pass on the rest to another judge (cascade)"
        )
    yield from _of_leniency(measures["leniency"].figure)
    weak = [c.criterion for c in found.criteria if _no_better(c)]
    if weak:
        listed = ", ".join(weak[:6]) + (f" and {len(weak) - 6} more" if len(weak) > 6 else "")
        message = f"not shown to be better than chance on {listed}"
        yield Finding("weak_criteria", "warning", "judge", message, "reword these, give examples, or leave them to people")


def _of_leniency(figure: Estimate) -> Iterator[Finding]:
    if figure.low is not None and figure.high is not None and not figure.low <= 0.0 <= figure.high:
        word = "lenient" if figure.low > 0 else "harsh"
        message = f"marks {word}ly: by {figure.text()} of the scale"
        yield Finding("leniency", "warning", "judge", message, "calibrate it, or move its threshold")


def _no_better(criterion: CriterionAudit) -> bool:
    kappa = next((m.figure for m in criterion.measures if m.name == "kappa"), None)
    return kappa is not None and kappa.low is not None and kappa.low <= 0.0


def _of_probabilities(found: JudgeAudit) -> Iterator[Finding]:
    if found.calibration is not None and found.calibration.fitted:
        best = found.calibration.fitted[0]
        if best.change.high is not None and best.change.high < 0:
            message = f"its probabilities do not come true: {best.name} lowers the Brier score by {best.change.text()} on unseen tasks"
            yield Finding("uncalibrated", "warning", "judge", message, f"judge with --method '{best.method}'; no call is paid again")
    if found.policy is not None and (found.policy.gap.low or 0.0) > 0:
        between = "" if found.policy.low == found.policy.high else f", and nothing from {found.policy.low:.3f}"
        message = f"deciding at a half loses {found.policy.gap.text()} a verdict against yes from {found.policy.high:.3f}{between}"
        yield Finding("policy_gap", "warning", "judge", message, "move the threshold before blaming the model")
