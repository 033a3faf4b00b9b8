"""What changed between two rubrics and two tables: the wording, every verdict that flipped, criteria one by one, and systems."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from criterial.audit.drift_items import Cellwise, Items
from criterial.audit.matched import criterion_names
from criterial.core.criterion import Criterion
from criterial.core.rubric import Rubric
from criterial.core.scale import label_of
from criterial.core.score import Edit, Estimate
from criterial.core.table import VerdictTable
from criterial.core.verdict import State
from criterial.score.cells import Cells, cells_of
from criterial.score.estimates import mean_estimate
from criterial.score.scoring import score
from criterial.score.systems import system_scores

__all__ = ["CriterionShift", "Flip", "SystemShift", "criteria_of", "edits_between", "edits_of", "flips_of", "systems_of"]

_SAME = 1e-9
_SHOWN_WORDS = 40
Effect = Literal["worse", "better", ""]
_EFFECTS: tuple[Effect, ...] = ("worse", "better", "")


@dataclass(frozen=True)
class Flip:
    """A verdict that changed."""

    task: str
    """The task's id."""
    response: str
    """The response's id; of a pair the first one's."""
    criterion: str
    """The criterion's id; empty where whole scores are compared."""
    before: str
    """The verdict before."""
    after: str
    """And after."""
    effect: Literal["worse", "better", ""]
    """What that means by the label, where there is one."""


@dataclass(frozen=True)
class CriterionShift:
    """What happened to one criterion's verdicts."""

    criterion: str
    """Its id, with the beginning of its text where the id means several things."""
    n: int
    """Verdicts compared."""
    flips: float
    """Share of them that changed."""
    change: Estimate
    """Mean change of their credit."""


@dataclass(frozen=True)
class SystemShift:
    """What happened to one system's score."""

    system: str
    """Its name."""
    before: Estimate
    """Mean score before."""
    after: Estimate
    """And after."""
    place_before: int
    """Its place before, from 1."""
    place_after: int
    """And after."""


def edits_of(old: Rubric, new: Rubric) -> list[Edit]:
    """Return how a rubric differs from another, criterion by criterion, with the words that went and came.

    Parameters
    ----------
    old : Rubric
        Before.
    new : Rubric
        After.

    Returns
    -------
    list of Edit
        Empty where nothing that a judge or a score sees differs. Advice to the judge is called ``guidelines``.
    """
    out = []
    for c in old.criteria:
        if c.id not in new.index:
            out.append(Edit("remove", c.id, "is gone", before=c.text))
        elif (other := new.criteria[new.index[c.id]]) != c:
            out.append(_edit(c, other))
    out += [Edit("add", c.id, "is new", after=c.text) for c in new.criteria if c.id not in old.index]
    if old.guidelines != new.guidelines:
        out.append(Edit("replace", "guidelines", _words(old.guidelines, new.guidelines), old.guidelines, new.guidelines))
    return out


def _edit(old: Criterion, new: Criterion) -> Edit:
    if replace(old, weight=new.weight) == new:
        return Edit("reweigh", old.id, f"weighs {new.weight:g} in place of {old.weight:g}", old.text, new.text)
    if old.text != new.text:
        return Edit("replace", old.id, _words(old.text, new.text), old.text, new.text)
    return Edit("replace", old.id, "the same words are asked or counted in another way", old.text, new.text)


def _words(old: str, new: str) -> str:
    """Return which words went and which came."""
    one, two = old.split(), new.split()
    gone: list[str] = []
    come: list[str] = []
    for kind, a, b, c, d in SequenceMatcher(None, one, two, autojunk=False).get_opcodes():
        if kind != "equal":
            gone += one[a:b]
            come += two[c:d]
    parts = [f"{name}: {_cut(words)}" for name, words in (("drops", gone), ("adds", come)) if words]
    return "; ".join(parts) or "spaces alone"


def _cut(words: list[str]) -> str:
    more = len(words) - _SHOWN_WORDS
    return " ".join(words[:_SHOWN_WORDS]) + (f" ... and {more} more" if more > 0 else "")


def edits_between(before: VerdictTable, after: VerdictTable) -> tuple[Edit, ...]:
    """Return how the rubrics of two tables of the same responses differ, each edit once.

    Parameters
    ----------
    before : VerdictTable
        One.
    after : VerdictTable
        The other.

    Returns
    -------
    tuple of Edit
    """
    uses = dict.fromkeys(zip(before.rubric_R.tolist(), after.rubric_R.tolist(), strict=True))
    return tuple(dict.fromkeys(e for one, two in uses for e in edits_of(before.rubrics[one], after.rubrics[two])))


def flips_of(before: VerdictTable, after: VerdictTable, shared: Cellwise, items: Items) -> tuple[Flip, ...]:
    """Return every pooled verdict that changed, or every pair of which another response is ahead, those that got worse first.

    Parameters
    ----------
    before : VerdictTable
        One.
    after : VerdictTable
        The other.
    shared : Cellwise
        Their cells.
    items : Items
        What is compared, with the labels.

    Returns
    -------
    tuple of Flip
    """
    found = _of_pairs(items, before) if items.kind == "preferences" else _of_cells(before, after, shared, items)
    return tuple(sorted(found, key=lambda f: _EFFECTS.index(f.effect)))


def _of_pairs(items: Items, table: VerdictTable) -> Iterator[Flip]:
    for i in np.flatnonzero(np.abs(items.moved_I) > _SAME).tolist():
        first, second = (table.responses[rows[i]] for rows in (items.row_I, items.other_I))
        said, says = ({0.0: second, 0.5: "tie", 1.0: first}[float(v)] for v in (items.said_I[i], items.said_I[i] + items.moved_I[i]))
        yield Flip(table.tasks[items.task_I[i]], first, "", said, says, _effect(items, i))


def _of_cells(before: VerdictTable, after: VerdictTable, shared: Cellwise, items: Items) -> Iterator[Flip]:
    one, two = cells_of(before, settle=False), cells_of(after, settle=False)
    place = {cell: i for i, cell in enumerate(items.cell_I.tolist())} if items.kind == "verdicts" else {}
    differ_M = _differ(one, two, shared)
    for here, there in zip(shared.before_M[differ_M].tolist(), shared.after_M[differ_M].tolist(), strict=True):
        row = int(before.row_N[here])
        names = before.tasks[before.task_R[row]], before.responses[row], before.criteria[before.column_N[here]].id
        yield Flip(*names, _shown(one, here), _shown(two, there), _effect(items, place[here]) if here in place else "")


def _effect(items: Items, i: int) -> Effect:
    change = float(items.after_I[i] - items.before_I[i])
    return "worse" if change < -_SAME else "better" if change > _SAME else ""


def _differ(one: Cells, two: Cells, shared: Cellwise) -> NDArray[np.bool_]:
    here, there = shared.before_M, shared.after_M
    other_M = (one.state_N[here] != two.state_N[there]) | (np.abs(one.value_N[here] - two.value_N[there]) > _SAME)
    return np.asarray(_told(one, two, shared) & other_M)


def _told(one: Cells, two: Cells, shared: Cellwise) -> NDArray[np.bool_]:
    """Return where no call failed on either side."""
    return np.asarray((one.state_N[shared.before_M] != State.FAILED) & (two.state_N[shared.after_M] != State.FAILED))


def _shown(cells: Cells, cell: int) -> str:
    """Return a pooled verdict as people write it."""
    state = State(int(cells.state_N[cell]))
    if state != State.DECIDED:
        return state.name.lower().replace("_", " ")
    table = cells.table
    return label_of(table.criteria[table.column_N[cell]].scale, float(cells.value_N[cell]))


def criteria_of(before: VerdictTable, after: VerdictTable, shared: Cellwise) -> tuple[CriterionShift, ...]:
    """Return what happened to each criterion that two tables share, those that changed most first.

    Parameters
    ----------
    before : VerdictTable
        One.
    after : VerdictTable
        The other.
    shared : Cellwise
        Their cells.

    Returns
    -------
    tuple of CriterionShift
    """
    one, two = cells_of(before, settle=False), cells_of(after, settle=False)
    both_M = (one.known_N & one.applies_N)[shared.before_M] & (two.known_N & two.applies_N)[shared.after_M]
    change_M = two.credit_N[shared.after_M] - one.credit_N[shared.before_M]
    differ_M = _differ(one, two, shared)
    told_M = _told(one, two, shared)
    names, of_C = criterion_names(before)
    key_M = of_C[before.column_N[shared.before_M]]
    out = []
    for key, name in enumerate(names):
        mine = key_M == key
        told = mine & told_M
        if told.any():
            change = mean_estimate(change_M[mine & both_M], shared.task_M[mine & both_M])
            out.append(CriterionShift(name, int(told.sum()), float(differ_M[told].mean()), change))
    return tuple(sorted(out, key=lambda c: (-c.flips, c.criterion)))


def systems_of(before: VerdictTable, after: VerdictTable) -> tuple[SystemShift, ...]:
    """Return what happened to the scores of systems, in their order before; nothing where there are fewer than two.

    Parameters
    ----------
    before : VerdictTable
        One.
    after : VerdictTable
        The other.

    Returns
    -------
    tuple of SystemShift
    """
    if len(set(before.systems)) < 2:
        return ()
    means: list[dict[str, Estimate]] = [{s.system: s.mean for s in system_scores(score(t, parts=False))} for t in (before, after)]
    places = [{name: i for i, name in enumerate(each, 1)} for each in means]
    return tuple(SystemShift(name, means[0][name], means[1][name], places[0][name], places[1][name]) for name in means[0])
