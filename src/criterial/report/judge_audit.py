"""An audit of judges for people and programs: the answer first, then every figure with what stands beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict

from criterial.audit.agreement import Measure
from criterial.audit.calibrating import Calibration
from criterial.audit.ceiling import ScoreAgreement
from criterial.audit.judge import JudgeAudit
from criterial.core.score import Estimate
from criterial.report.json import as_json
from criterial.report.page import Block, Curve, Curves, Grid, Intervals, Page, Row, Words

__all__ = ["audits_json", "audits_page"]

_SHOWN = ("accuracy", "kappa", "AC1", "alpha", "TPR", "TNR", "leniency")


def audits_json(audits: Sequence[JudgeAudit]) -> str:
    """Return audits as one JSON object.

    Parameters
    ----------
    audits : sequence of JudgeAudit
        Any.

    Returns
    -------
    str
    """
    return as_json({"judges": [asdict(a) for a in audits]})


def audits_page(audits: Sequence[JudgeAudit]) -> Page:
    """Return audits as a page: one in full, several side by side.

    Parameters
    ----------
    audits : sequence of JudgeAudit
        At least one.

    Returns
    -------
    Page
    """
    if len(audits) > 1:
        return Page(f"Audit of {len(audits)} judges", tuple(_side_by_side(audits)))
    (one,) = audits
    blocks = (Words(one.verdict), *_whole(one), *_probabilities(one), *_moved(one), *_by_criterion(one))
    return Page(f"Audit of {one.judge}", blocks, one.findings)


def _side_by_side(audits: Sequence[JudgeAudit]) -> Iterator[Block]:
    ranked = sorted(audits, key=lambda a: -(_figure(a, "accuracy").value or 0.0))
    rows = []
    for a in ranked:
        position = next((b.figure for b in a.biases if b.name == "position"), None)
        rows.append((a.judge, a.labelled, _figure(a, "accuracy"), _figure(a, "kappa"), position, a.decided.value))
    caption = (
        "Intervals over tasks. First wins: share of points that goes to the response shown first, over both orders; 0.5 without a bias. "
        "Audit one with --judge NAME for everything else."
    )
    columns = ("judge", "labels", "accuracy [95 %]", "kappa [95 %]", "first wins [95 %]", "decided")
    yield Grid("Judges against people", columns, rows, caption)
    yield Intervals("Accuracy", "accuracy", tuple(Row(a.judge, _figure(a, "accuracy")) for a in ranked), _chance(ranked[0], "accuracy"))
    if ranked[0].people:
        yield _people(ranked[0])


def _figure(audit: JudgeAudit, name: str) -> Estimate:
    return next((m.figure for m in audit.measures if m.name == name), Estimate(None, None, None, 0, "not taken"))


def _chance(audit: JudgeAudit, name: str) -> tuple[tuple[str, float], ...]:
    chance = next((m.chance for m in audit.measures if m.name == name), None)
    return () if chance is None else (("commonest label", chance),)


def _whole(one: JudgeAudit) -> Iterator[Block]:
    taken = [m for m in one.measures if m.figure.value is not None]
    rows = [(m.name, m.figure, m.chance, m.people, m.figure.n or None) for m in taken]
    who = f"{one.raters} raters" if one.raters > 1 else "one rater"
    caption = (
        f"{one.labelled} labels by {who}, {_percent(one.base_rate)} of them met; {_percent(one.decided)} of them decided. "
        "Chance: for accuracy what always giving the commonest label gets, elsewhere the value without agreement or bias. "
        f"One person: what one rater, drawn by chance, gets against the others.{_lost(one)}"
    )
    yield Grid("Agreement with people", ("", "judge [95 %]", "chance", "one person [95 %]", "n"), rows, caption)
    yield Intervals("Agreement", "", tuple(_rows([m for m in taken if m.name != "slope"])))
    if one.people:
        yield _people(one)
    if one.scores is not None:
        yield _scores(one.scores)


def _lost(one: JudgeAudit) -> str:
    """Return what could not be taken, and why."""
    lost: dict[str, list[str]] = {}
    for m in one.measures:
        if m.figure.value is None:
            lost.setdefault(m.figure.method, []).append(m.name)
    return "".join(f" No {', '.join(names)}: {why}." for why, names in lost.items())


def _scores(s: ScoreAgreement) -> Grid:
    listed: list[tuple[str, Estimate]] = [
        ("Pearson", s.pearson),
        ("the most that people's noise allows", s.ceiling),
        ("share of that", s.fraction),
        ("Spearman", s.spearman),
        ("Kendall", s.kendall),
        ("mean squared error", s.mse),
        ("above the least possible", s.excess),
    ]
    reasons = dict.fromkeys(f.method for _, f in listed if f.value is None)
    caption = f"{s.raters:.1f} ratings a response on average. " + "; ".join(reasons)
    return Grid("Scores of responses, judge and mean of people", ("", "[95 %]"), listed, caption)


def _rows(measures: Sequence[Measure]) -> Iterator[Row]:
    for m in measures:
        yield Row(m.name, m.figure)
        if m.people is not None:
            yield Row(f"{m.name}, one person", m.people, 1)


def _people(one: JudgeAudit) -> Grid:
    rows = [(m.name, m.figure) for m in one.people]
    return Grid("People among themselves", ("", "[95 %]"), rows, "No judge is to be blamed for not agreeing more than people do.")


def _percent(figure: Estimate) -> str:
    if figure.value is None:
        return "an unknown share"
    text = f"{figure.value:.1%}"
    return text if figure.low is None or figure.high is None else f"{text} [{figure.low:.1%}, {figure.high:.1%}]"


def _probabilities(one: JudgeAudit) -> Iterator[Block]:
    if one.calibration is not None:
        yield from _calibrated(one.calibration)
    if one.policy is not None:
        p = one.policy
        worth = [("at a half", p.plain), (f"yes from {p.high:.3f}, no below {p.low:.3f}", p.best), ("gained", p.gap)]
        caption = f"Worth of a verdict: right 1, wrong 0, none {p.abstain:g}; the policy is chosen on other tasks than it is measured on."
        yield Grid("Is it the policy?", ("decides", "worth [95 %]"), worth, caption)
    if len(one.rates) and any(r.corrected.value is not None for r in one.rates):
        rates = [(r.system or "(unnamed)", r.said, r.labelled, r.corrected) for r in one.rates]
        caption = "Corrected: the judge's rate over all its verdicts, set right by its errors where people labelled (PPI++)."
        yield Grid("Pass rates", ("system", "judge says [95 %]", "people say [95 %]", "corrected [95 %]"), rates, caption)


def _calibrated(found: Calibration) -> Iterator[Block]:
    rows: list[tuple[str, Estimate | float, float | None]] = [
        ("Brier score", found.brier, found.plain_brier),
        ("log loss", found.log_loss, None),
        ("expected calibration error", found.ece, 0.0),
        ("calibration error less chance", found.debiased, 0.0),
    ]
    yield Grid("Do its probabilities come true?", ("", "[95 %]", "beside it"), rows, "Beside the Brier score: that of the base rate.")
    curve = tuple((b.p, b.share) for b in found.bins)
    band = [Curve("", tuple((b.p, getattr(b, name)) for b in found.bins), dashed=True) for name in ("low", "high")]
    curves = (Curve("labels", curve), Curve("as it should be", ((0.0, 0.0), (1.0, 1.0)), dashed=True), *band)
    yield Curves("Reliability", "the judge's probability that it is met", "share of labels that say so", curves)
    if found.fitted:
        rows_fit = [(f.name, f.brier, f.change, f.ece, f"--method '{f.method}'") for f in found.fitted if len(f.method) < 120]
        caption = "Fitted on all labels; figures are of tasks left out of the fit. A later run uses one at no cost in calls."
        yield Grid("Calibrators", ("", "Brier [95 %]", "change [95 %]", "ECE [95 %]", "use it"), rows_fit, caption)


def _moved(one: JudgeAudit) -> Iterator[Block]:
    if one.biases:
        rows = [(b.name, b.figure, b.neutral, "shows" if b.shows else "not shown", b.says) for b in one.biases]
        yield Grid("What moves it that should not", ("", "[95 %]", "without a bias", "", "is"), rows)
    if one.looked_at:
        listed = [(f.criterion, f.group, f.difference, f.p) for f in one.functioning]
        caption = f"Of {one.looked_at} criteria and groups; corrected p below .05 (Benjamini and Hochberg). Above 0 favours the group."
        yield Grid("Errs otherwise for some", ("criterion", "group", "error more than others [95 %]", "p"), listed, caption)
    if one.noise:
        flips = [(n.criterion or "all criteria", n.flips) for n in one.noise]
        yield Grid("Contradicts itself", ("criterion", "two repeats differ [95 %]"), flips, bars=True)


def _by_criterion(one: JudgeAudit) -> Iterator[Block]:
    if not one.criteria:
        return
    rows = []
    for c in one.criteria:
        figures = {m.name: m.figure for m in c.measures}
        rows.append((c.criterion, c.labelled, c.base_rate, *(figures.get(name) for name in _SHOWN)))
    caption = "Those with the most labels first. A dash: undefined, such as kappa where all labels are alike."
    if any(c.base_rate.low is None for c in one.criteria):
        caption += " No interval: all labels of the criterion are of one task."
    yield Grid("By criterion", ("criterion", "labels", "met", *_SHOWN), rows, caption, digits=2)
    kappas = [Row(c.criterion, next((m.figure for m in c.measures if m.name == "kappa"), c.base_rate)) for c in one.criteria]
    yield Intervals("Cohen's kappa by criterion", "kappa", tuple(kappas), (("chance", 0.0),))
