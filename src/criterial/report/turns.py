"""Degradation for people and programs: how scores fall along conversations, and when questions are asked in harder ways."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from criterial.audit.turns import Decay, Drop
from criterial.report.json import as_json
from criterial.report.page import Block, Curve, Curves, Grid, Intervals, Page, Row

__all__ = ["drop_blocks", "turn_blocks", "turns_json", "turns_page"]


def turns_json(decays: Sequence[Decay], drops: Sequence[Drop]) -> str:
    """Return both as one JSON object.

    Parameters
    ----------
    decays : sequence of Decay
        Of conversations; may be empty.
    drops : sequence of Drop
        Of perturbed questions; may be empty.

    Returns
    -------
    str
    """
    told = {"conversations": [asdict(d) for d in decays], "perturbations": [asdict(d) for d in drops]}
    return as_json(told)


def turns_page(decays: Sequence[Decay], drops: Sequence[Drop]) -> Page:
    """Return both as a page.

    Parameters
    ----------
    decays : sequence of Decay
        Of conversations; may be empty.
    drops : sequence of Drop
        Of perturbed questions; may be empty.

    Returns
    -------
    Page
    """
    return Page("Degradation", (*turn_blocks(decays), *drop_blocks(drops)))


def turn_blocks(decays: Sequence[Decay]) -> tuple[Block, ...]:
    """Return how scores go along conversations as blocks of a page.

    Parameters
    ----------
    decays : sequence of Decay
        May be empty.

    Returns
    -------
    tuple of Block
    """
    if not decays:
        return ()
    rows = [(d.system, d.conversations, d.incomplete, d.slope, d.decay) for d in decays]
    columns = ("system", "conversations", "incomplete", "change per turn [95 %]", "first less last turn [95 %]")
    caption = (
        "Change of score from one turn to the next within a conversation: that long conversations may be harder does not enter. "
        f"Intervals: {decays[0].slope.method}. Incomplete: a turn has no score."
    )
    curves = tuple(Curve(d.system, tuple((float(t.turn), t.mean.value) for t in d.turns if t.mean.value is not None)) for d in decays)
    return (
        Grid("Along conversations", columns, rows, caption),
        Intervals("Change of score per turn", "score", tuple(Row(d.system, d.slope) for d in decays), (("none", 0.0),)),
        Curves("Mean score by turn; late turns are of long conversations alone", "turn", "score", curves),
    )


def drop_blocks(drops: Sequence[Drop]) -> tuple[Block, ...]:
    """Return what systems lose when questions are asked in harder ways as blocks of a page.

    Parameters
    ----------
    drops : sequence of Drop
        May be empty.

    Returns
    -------
    tuple of Block
    """
    if not drops:
        return ()
    rows = [(d.system, d.level, d.drop.n, d.unpaired, d.clean, d.drop, d.lost) for d in drops]
    columns = ("system", "asked as", "questions", "unpaired", "asked plainly [95 %]", "drop [95 %]", "share lost")
    caption = f"Scores of the same questions, asked plainly less asked so. Intervals: {drops[0].drop.method}."
    lines = tuple(Row(f"{d.system}, {d.level}", d.drop) for d in drops)
    return Grid("Asked in harder ways", columns, rows, caption), Intervals("Drop of score", "score", lines, (("none", 0.0),))
