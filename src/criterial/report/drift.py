"""A drift audit for people and programs: the decision and its reasons, every slice, what moved, and which verdicts changed."""

from __future__ import annotations

from dataclasses import asdict

from criterial.audit.drift import Drift, Slice
from criterial.audit.red_team import Attack
from criterial.core.score import Edit
from criterial.report.json import as_json
from criterial.report.page import Block, Grid, Intervals, Page, Row, Words

__all__ = ["attack_json", "attack_page", "drift_json", "drift_page"]

_COMPARED = {
    "verdicts": "share of verdicts that agree with the labels",
    "preferences": "share of pairs in which the response that people prefer scores higher",
    "scores": "mean score; there are no labels, so nobody can say which side is right",
}
_DECISIONS = {
    "block": "BLOCK: the edit loses agreement.",
    "warn": "WARN: the edit may pass, but read why this was not certain.",
    "pass": "PASS: a loss beyond the tolerance is ruled out as far as this sample can.",
}
_COLUMNS = ("slice", "n", "before", "after", "change [95 %]", "worse", "better", "flips", "p", "power", "n for .8")


def drift_json(found: Drift) -> str:
    """Return a drift audit as one JSON object.

    Parameters
    ----------
    found : Drift
        Any.

    Returns
    -------
    str
    """
    whole = asdict(found)
    whole["slices"] = [_slice_dict(s) for s in found.slices]
    return as_json(whole)


def _slice_dict(part: Slice) -> dict[str, object]:
    return {**asdict(part), "flips": part.flips}


def drift_page(found: Drift) -> Page:
    """Return a drift audit as a page.

    Parameters
    ----------
    found : Drift
        Any.

    Returns
    -------
    Page
    """
    blocks: list[Block] = [Words(_DECISIONS[found.decision]), _slices(found.slices, _COMPARED[found.compared], found.tolerance)]
    blocks.append(
        Intervals(
            "Change by slice",
            "after less before",
            tuple(Row(s.name, s.delta, int(i > 0)) for i, s in enumerate(found.slices)),
            (("no change", 0.0), ("tolerated", -found.tolerance)),
        )
    )
    noise = (
        ("between the rubrics", found.between, ""),
        ("between repeats of one rubric", found.within, found.within.method if found.within.value is None else ""),
        ("beyond the judge's own noise", found.beyond, ""),
    )
    blocks.append(Grid("Single verdicts that differ", ("", "share [95 %]", ""), noise))
    blocks += _movements(found)
    blocks += _edits(found.edits)
    return Page("Drift", tuple(blocks), found.why)


def _slices(slices: tuple[Slice, ...], what: str, tolerance: float) -> Grid:
    rows = [(s.name, s.n, s.before, s.after, s.delta, s.lost, s.gained, s.flips, _p(s.p), s.power, s.needed) for s in slices]
    caption = (
        f"{what}. Power is the chance of showing a change of {100 * tolerance:g} points. Tests: "
        f"{'; '.join(dict.fromkeys(s.test for s in slices[:1]))}; p of slices is corrected by Holm for all slices."
    )
    return Grid("Before and after", _COLUMNS, rows, caption)


def _movements(found: Drift) -> list[Block]:
    blocks: list[Block] = []
    if found.features:
        rows = [(f.name, f.n, f.shift, f.flips, f.others, _p(f.p)) for f in found.features]
        caption = "Positive: verdicts moved towards responses that have the property. p is corrected by Holm."
        blocks.append(Grid("Which way verdicts moved", ("towards", "n", "shift [95 %]", "flips", "flips elsewhere", "p"), rows, caption))
    shifts = [(c.criterion, c.n, c.flips, c.change) for c in found.criteria if c.flips > 0]
    if shifts:
        blocks.append(Grid("Criteria whose verdicts changed", ("criterion", "n", "flips", "mean change of credit [95 %]"), shifts))
    if found.systems:
        places = [(s.system, s.before, s.after, s.place_before, s.place_after) for s in found.systems]
        blocks.append(Grid("Systems", ("system", "score before", "after", "place before", "after"), places))
    if found.flips:
        flips = [(f.task, f.response, f.criterion or "score", f.before, f.after, f.effect or "-") for f in found.flips]
        blocks.append(Grid("Verdicts that changed", ("task", "response", "criterion", "before", "after", "by the label"), flips))
    return blocks


def _edits(edits: tuple[Edit, ...]) -> list[Block]:
    if not edits:
        return [Words("The rubrics do not differ.")]
    return [Grid("Edits", ("criterion", "action", "what"), [(e.criterion, e.action, e.reason) for e in edits])]


def _p(p: float) -> float | str:
    return p if p >= 0.001 else "< 0.001"


def attack_json(found: Attack) -> str:
    """Return a red-team search as one JSON object.

    Parameters
    ----------
    found : Attack
        Any.

    Returns
    -------
    str
    """
    whole = asdict(found)
    for name in ("bench", "target"):
        part: Slice | None = getattr(found, name)
        whole[name] = None if part is None else _slice_dict(part)
    return as_json(whole)


def attack_page(found: Attack) -> Page:
    """Return a red-team search as a page that ends in what to mend.

    Parameters
    ----------
    found : Attack
        Any.

    Returns
    -------
    Page
    """
    tried = f"{found.tried} edits tried in {found.generations} generations, {found.judgements} judgements"
    if found.bench is None or found.target is None:
        return Page("Red team", (Words(f"{tried}: no edit kept the benchmark and lost agreement on the target."),), found.fixes)
    rows = tuple(s for s in (found.bench, found.target))
    blocks: list[Block] = [
        Words(f"{tried}. All figures are of test cases that the search never saw."),
        _slices(rows, _COMPARED["verdicts"], found.tolerance),
        Grid("The gap", ("", "[95 %]"), [("change on the benchmark less change on the target", found.gap)]),
    ]
    if found.features:
        moved = [(f.name, f.n, f.shift, _p(f.p)) for f in found.features]
        blocks.append(Grid("Which way it pushed the judge on the target", ("towards", "n", "shift [95 %]", "p"), moved))
    fixes = [(f.where, f.message, f.hint) for f in found.fixes]
    blocks.append(Grid("What to mend", ("criterion", "what was found", "what to do"), fixes))
    return Page("Red team", tuple(blocks))
