"""What a drift audit compares: the same cells, preferences or scores of two tables, right or wrong by labels where there are any."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from criterial.core.table import VerdictTable
from criterial.core.verdict import State
from criterial.errors import TableError
from criterial.score.cells import cells_of
from criterial.score.scoring import score

__all__ = ["Cellwise", "Items", "cellwise", "common_layers", "counterpart", "items_of", "joined", "noise_of"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Ints = NDArray[np.int64]
_SAME = 1e-9


@dataclass(frozen=True)
class Items:
    """What is compared, I items."""

    kind: Literal["verdicts", "preferences", "scores"]
    """Verdicts beside labels; whose score is higher beside which response people prefer; or scores, where there are no labels."""
    before_I: Floats
    """How right the old rubric's verdict is, from 0 to 1, half where it is none; or the old score."""
    after_I: Floats
    """The same under the new rubric."""
    moved_I: Floats
    """How far the verdict moved in favour of the response."""
    gold_I: Floats
    """The label's credit, of a pair that of its first response; 0 without labels."""
    task_I: Ints
    """The task of each."""
    row_I: Ints
    """The response's row; of a pair the first one's."""
    other_I: Ints
    """The other response's row, -1 where it is no pair."""
    cell_I: Ints
    """The cell in the table before, -1 where scores are compared."""
    said_I: Floats
    """The old verdict's credit, half where it is none; or the old score."""
    left_out: int = 0
    """Items without a verdict under one rubric or the other, because a call failed."""

    def where(self, keep_I: Flags) -> Items:
        """Return some of the items.

        Parameters
        ----------
        keep_I : (I,) bool
            Which.

        Returns
        -------
        Items
        """
        return replace(self, **{f.name: getattr(self, f.name)[keep_I] for f in fields(self) if f.name.endswith("_I")})

    @property
    def pairs(self) -> bool:
        """Whether each is about a pair."""
        return bool(len(self.other_I)) and bool((self.other_I >= 0).all())


@dataclass(frozen=True)
class Cellwise:
    """The cells that two tables share, M of them, one a pair where they are about pairs."""

    before_M: Ints
    """Cell in the table before."""
    after_M: Ints
    """Cell in the table after."""
    task_M: Ints
    """Its task."""
    other_M: Ints
    """Row of the other response where the criterion is about a pair, else -1."""
    sign_M: Floats
    """1 where meeting the criterion is good, -1 where it is a fault."""


def common_layers(before: VerdictTable, after: VerdictTable) -> tuple[VerdictTable, VerdictTable]:
    """Return two tables with the layers that both have, in the same order.

    Parameters
    ----------
    before : VerdictTable
        Verdicts under one rubric.
    after : VerdictTable
        Verdicts of the same responses under another.

    Returns
    -------
    tuple of (VerdictTable, VerdictTable)

    Raises
    ------
    TableError
        If they are of other responses, or no judge and repeat is in both.
    """
    _check_rows(before, after, "the two tables are of different responses: judge the same cases under both rubrics")
    place = {(layer.judge, layer.repeat): i for i, layer in enumerate(after.layers)}
    kept = [(i, place[layer.judge, layer.repeat]) for i, layer in enumerate(before.layers) if (layer.judge, layer.repeat) in place]
    if not kept:
        raise TableError("the two tables are by different judges: drift compares two rubrics under one judge")
    return before.layer(*(i for i, _ in kept)), after.layer(*(j for _, j in kept))


def _check_rows(one: VerdictTable, two: VerdictTable, message: str) -> None:
    rows, others = ([(t.tasks[i], r) for i, r in zip(t.task_R, t.responses, strict=True)] for t in (one, two))
    if rows != others:
        raise TableError(message)


def counterpart(table: VerdictTable, other: VerdictTable) -> Ints:
    """Return where each cell of a table lies in another of the same responses: the criterion of the same id.

    Parameters
    ----------
    table : VerdictTable
        One.
    other : VerdictTable
        The other.

    Returns
    -------
    (N,) int
        -1 where the other table has no such criterion.
    """
    out_N = np.full(len(table.row_N), -1, dtype=np.int64)
    uses = np.unique(np.stack([table.rubric_R, other.rubric_R]), axis=1).T
    for use, theirs in uses.tolist():
        rows = np.flatnonzero((table.rubric_R == use) & (other.rubric_R == theirs))
        for name, place in table.rubrics[use].index.items():
            there = other.rubrics[theirs].index.get(name)
            if there is not None:
                out_N[table.start_R[rows] + place] = other.start_R[rows] + there
    return out_N


def cellwise(before: VerdictTable, after: VerdictTable) -> Cellwise:
    """Return the cells that two tables share.

    Parameters
    ----------
    before : VerdictTable
        One.
    after : VerdictTable
        The other, of the same responses.

    Returns
    -------
    Cellwise
    """
    after_N = counterpart(before, after)
    other_R = _other(before)
    pair_N = before.about_pair_N
    # the verdict on the second response of a pair says the same, mirrored
    second_N = pair_N & (other_R[before.row_N] >= 0) & (other_R[before.row_N] < before.row_N)
    here = np.flatnonzero((after_N >= 0) & ~second_N)
    faults_C = np.array([c.is_fault for c in before.criteria], dtype=np.bool_)
    return Cellwise(
        before_M=here,
        after_M=after_N[here],
        task_M=before.task_R[before.row_N[here]],
        other_M=np.where(pair_N[here], other_R[before.row_N[here]], -1),
        sign_M=np.where(faults_C[before.column_N[here]], -1.0, 1.0),
    )


def _other(table: VerdictTable) -> Ints:
    """Return the row of the other response of each row's task, -1 where the task has not two."""
    count_T = np.bincount(table.task_R, minlength=len(table.tasks))
    order = np.argsort(table.task_R, kind="stable")
    pairs = order[count_T[table.task_R[order]] == 2].reshape(-1, 2)
    out_R = np.full(len(table.task_R), -1, dtype=np.int64)
    out_R[pairs[:, 0]], out_R[pairs[:, 1]] = pairs[:, 1], pairs[:, 0]
    return out_R


def items_of(before: VerdictTable, after: VerdictTable, labels: VerdictTable | None) -> Items:
    """Return what is compared between two tables.

    Parameters
    ----------
    before : VerdictTable
        Verdicts under one rubric; layers are pooled by majority.
    after : VerdictTable
        Verdicts of the same responses under another.
    labels : VerdictTable or None
        What is right: verdicts on criteria of the rubrics; or, where it shares none with them, on pairs as wholes.

    Returns
    -------
    Items

    Raises
    ------
    TableError
        If the labels are of other responses, or nothing that is labelled is judged in both.
    """
    if labels is None:
        return _scores(before, after)
    _check_rows(before, labels, "the labels are of other responses than the verdicts")
    found = _verdicts(before, after, labels)
    found = _preferences(before, after, labels) if found is None else found
    if not len(found.before_I):
        raise TableError("nothing that has a label was decided under both rubrics")
    return found


def _verdicts(before: VerdictTable, after: VerdictTable, labels: VerdictTable) -> Items | None:
    shared = cellwise(before, after)
    label_M = counterpart(before, labels)[shared.before_M]
    (gold, _), (said, given), (says, gives) = (_said(t) for t in (labels, before, after))
    wanted_M = (label_M >= 0) & ~np.isnan(gold[label_M])
    if not wanted_M.any():
        return None
    told_M = wanted_M & given[shared.before_M] & gives[shared.after_M]
    here, there, label = shared.before_M[told_M], shared.after_M[told_M], label_M[told_M]
    gold_I = gold[label]
    return Items(
        kind="verdicts",
        before_I=_right(said[here], gold_I),
        after_I=_right(says[there], gold_I),
        moved_I=_moved(said[here], says[there]) * shared.sign_M[told_M],
        gold_I=gold_I,
        task_I=shared.task_M[told_M],
        row_I=before.row_N[here],
        other_I=shared.other_M[told_M],
        cell_I=here,
        said_I=np.nan_to_num(said[here], nan=0.5),
        left_out=int(wanted_M.sum() - told_M.sum()),
    )


def _said(table: VerdictTable) -> tuple[Floats, Flags]:
    """Return the credit of each cell, not a number where the judge gave no verdict, and where no call failed.

    Of equal votes the lower is taken, which on a pair makes both responses lose: there half of what sets them apart is added to a half.
    """
    cells = cells_of(table, settle=False)
    decided_N = cells.known_N & cells.applies_N
    credit_N = np.where(decided_N, cells.credit_N, np.nan)
    other_N = _other(table)[table.row_N]
    pair = np.flatnonzero(table.about_pair_N & (other_N >= 0))
    mirror = table.start_R[other_N[pair]] + pair - table.start_R[table.row_N[pair]]
    credit_N[pair] = (1.0 + credit_N[pair] - credit_N[mirror]) / 2
    return credit_N, cells.state_N != State.FAILED


def _right(said_I: Floats, gold_I: Floats) -> Floats:
    return np.where(np.isnan(said_I), 0.5, 1.0 - np.abs(np.nan_to_num(said_I) - gold_I))


def _moved(said_I: Floats, says_I: Floats) -> Floats:
    return np.nan_to_num(says_I, nan=0.5) - np.nan_to_num(said_I, nan=0.5)


def _preferences(before: VerdictTable, after: VerdictTable, labels: VerdictTable) -> Items:
    """Return whose score is higher beside what people prefer, for pairs."""
    other_R = _other(labels)
    gold, _ = _said(labels)
    cell = np.flatnonzero(~np.isnan(gold) & labels.about_pair_N & (other_R[labels.row_N] > labels.row_N))
    row_P = labels.row_N[cell]
    other_P = other_R[row_P]
    sides, known_P = [], np.ones(len(cell), dtype=np.bool_)
    for table in (before, after):
        rows = score(table, parts=False).rows
        ahead_P = rows.value_R[row_P] - rows.value_R[other_P]
        sides.append(np.where(np.abs(ahead_P) <= _SAME, 0.5, (ahead_P > 0).astype(np.float64)))
        known_P &= rows.known_R[row_P] & rows.known_R[other_P]
    said, says = (side[known_P] for side in sides)
    gold_I, row_I = gold[cell][known_P], row_P[known_P]
    right, rights = (1.0 - np.abs(s - gold_I) for s in (said, says))
    lost = int((~known_P).sum())
    none_I = np.full(len(row_I), -1)
    return Items("preferences", right, rights, says - said, gold_I, labels.task_R[row_I], row_I, other_P[known_P], none_I, said, lost)


def _scores(before: VerdictTable, after: VerdictTable) -> Items:
    one, two = score(before, parts=False).rows, score(after, parts=False).rows
    row_I = np.flatnonzero(one.known_R & two.known_R)
    if not len(row_I):
        raise TableError("no response has a score under both rubrics")
    said, says = one.value_R[row_I], two.value_R[row_I]
    nothing, none_I = np.zeros(len(row_I)), np.full(len(row_I), -1)
    left_out = len(before.responses) - len(row_I)
    return Items("scores", said, says, says - said, nothing, before.task_R[row_I], row_I, none_I, none_I, said, left_out)


def joined(parts: Sequence[Items]) -> Items:
    """Return the items of several as one.

    Parameters
    ----------
    parts : sequence of Items
        At least one, all of one kind.

    Returns
    -------
    Items
    """
    arrays: dict[str, Any] = {f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Items) if f.name.endswith("_I")}
    return replace(parts[0], **arrays, left_out=sum(p.left_out for p in parts))


def noise_of(before: VerdictTable, after: VerdictTable, shared: Cellwise) -> tuple[Floats, Flags, Floats, Flags]:
    """Return how often single verdicts differ between two rubrics, and between repeats of the same rubric.

    Parameters
    ----------
    before : VerdictTable
        One, with layers as in `common_layers`.
    after : VerdictTable
        The other.
    shared : Cellwise
        Their cells.

    Returns
    -------
    between_M : (M,) float
        Share of layers in which the cell's verdict differs between the rubrics.
    compared_M : (M,) bool
        Where there is such a layer.
    within_M : (M,) float
        Share of pairs of repeats of one judge in which it differs, under either rubric. Repeats that saw a pair in different orders are not
        compared: they differ by more than chance.
    repeated_M : (M,) bool
        Where there is such a pair.
    """
    sides = [(_codes(t)[:, cells], t.state_LN[:, cells]) for t, cells in ((before, shared.before_M), (after, shared.after_M))]
    told = [(state != State.ABSENT) & (state != State.FAILED) for _, state in sides]
    both_LM = told[0] & told[1]
    between_M, compared_M = _share((sides[0][0] != sides[1][0]) & both_LM, both_LM)
    apart: list[Flags] = []
    counted: list[Flags] = []
    for i, one in enumerate(before.layers):
        for j, two in enumerate(before.layers[:i]):
            if one.judge == two.judge:
                seen_M = (shared.other_M < 0) | ((one.repeat - two.repeat) % 2 == 0)
                for (code_LM, _), told_LM in zip(sides, told, strict=True):
                    counted.append(told_LM[i] & told_LM[j] & seen_M)
                    apart.append((code_LM[i] != code_LM[j]) & counted[-1])
    nothing = np.zeros((1, len(shared.before_M)), dtype=np.bool_)
    return (between_M, compared_M, *_share(np.array(apart or nothing), np.array(counted or nothing)))


def _codes(table: VerdictTable) -> Floats:
    """Return each verdict as one number; nothing that a scale can hold stands for what is no value."""
    return np.where(table.state_LN == State.DECIDED, table.value_LN, -1e300 * table.state_LN)


def _share(apart_XM: Flags, counted_XM: Flags) -> tuple[Floats, Flags]:
    count_M = counted_XM.sum(axis=0)
    return apart_XM.sum(axis=0) / np.maximum(count_M, 1), count_M > 0
