"""Learned weights for people and programs: what each criterion weighs, how good that is on questions left out, and a patch to paste."""

from __future__ import annotations

import json
from dataclasses import asdict

from criterial.audit.weights import Learned
from criterial.core.score import Estimate
from criterial.report.json import as_json
from criterial.report.page import Block, Grid, Intervals, Page, Row

__all__ = ["weights_json", "weights_page", "weights_patch"]

_Cells = tuple[str | float | int | Estimate | None, ...]
_PENALTIES = {0.0: "ridge", 1.0: "lasso"}


def weights_json(found: Learned) -> str:
    """Return learned weights as one JSON object.

    Parameters
    ----------
    found : Learned
        Any.

    Returns
    -------
    str
    """
    return as_json({"patch": found.patch, **asdict(found)})


def weights_patch(found: Learned) -> str:
    """Return learned weights as YAML to paste into a rubric.

    Parameters
    ----------
    found : Learned
        Any.

    Returns
    -------
    str
        Of criteria their ids and weights; of groups a policy that weighs these.
    """
    said = f"# by the preferences of {len(found.people)} {'people' if len(found.people) > 1 else 'person'}: {found.opinions} opinions"
    # a JSON string is a YAML string, whatever is in it
    named = [(json.dumps(name, ensure_ascii=False), weight) for name, weight in found.patch.items()]
    if found.by == "criterion":
        return "\n".join([said, "criteria:", *(f"  - {{id: {name}, weight: {weight:g}}}" for name, weight in named)]) + "\n"
    listed = [f"      {name}: {weight:g}" for name, weight in named]
    return "\n".join([said, "policy:", "  name: axes", "  options:", f"    by: {found.by}", "    weights:", *listed]) + "\n"


def weights_page(found: Learned) -> Page:
    """Return learned weights as a page.

    Parameters
    ----------
    found : Learned
        Any.

    Returns
    -------
    Page
    """
    blocks: list[Block] = [
        _weights(found),
        Intervals("Weights", "share of all weight", tuple(Row(w.name, w.weight) for w in found.weights)),
    ]
    blocks.append(_rules(found))
    if found.without:
        blocks.append(_without(found))
    return Page("Weights by people's preferences", tuple(blocks), found.notes)


def _weights(found: Learned) -> Grid:
    rows: list[_Cells] = [(w.name, w.weight, w.kept, w.free, w.lacking, "avoiding it" if w.fault else "") for w in found.weights]
    kind = _PENALTIES.get(found.penalty.l1, f"elastic net, {found.penalty.l1:.0%} lasso")
    how = next((w.weight.method for w in found.weights), "")
    caption = (
        f"{found.pairs} pairs, {found.opinions} opinions by {', '.join(found.people)}; {found.ties:.0%} ties, which count as half. "
        f"Penalty chosen on questions left out: {kind}, C = {found.penalty.c:g}. Intervals: {how}. Kept: share of resamples in which it "
        "weighs anything. Left free: its share where weights may be negative. Lacking: opinions on pairs in which it has no difference."
    )
    columns = (found.by, "weight [95 %]", "kept", "left free", "lacking", "what weighs")
    return Grid(f"Weights of {len(rows)}", columns, rows, caption)


def _rules(found: Learned) -> Grid:
    rows: list[_Cells] = [(r.name, r.right, r.over_equal) for r in found.rules]
    caption = (
        "Share of opinions other than ties that a weighing meets, on questions that it was not learned from; an even score meets half. "
        f"Intervals: {found.rules[0].right.method}; weights are not learned anew in these."
    )
    return Grid("Which response people prefer", ("weights", "right [95 %]", "more than equal weights [95 %]"), rows, caption)


def _without(found: Learned) -> Grid:
    rows: list[_Cells] = [(one.person, one.opinions, one.moved, one.right) for one in found.without]
    caption = "Moved: share of all weight that moves. Right: how often the others' weights meet this person's opinions."
    return Grid("Learned from everybody but one", ("without", "opinions", "moved", "right [95 %]"), rows, caption)
