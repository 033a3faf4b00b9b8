"""A judge's verdicts beside people's, cell by cell: what every audit of a judge starts from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from criterial.core.table import VerdictTable
from criterial.core.verdict import State
from criterial.errors import TableError
from criterial.score.cells import Cells, cells_of
from criterial.score.columns import Columns, columns_of

__all__ = ["Matched", "criterion_names", "matched", "raters_of"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Matched:
    """The cells that people labelled, N of them, J raters.

    A mark is a cell's credit, in [0, 1]; of a choice whose values earn no credit, its value.
    """

    criteria: tuple[str, ...]
    """Names of the criteria, each once however many rubrics hold it."""
    systems: tuple[str, ...]
    """Names of the systems."""
    criterion_N: Ints
    """Criterion of each cell."""
    system_N: Ints
    """System of each cell."""
    task_N: Ints
    """Task of each cell."""
    cell_N: Ints
    """Place of each cell in the table."""
    judge_N: Floats
    """The judge's mark, 0 where it decided nothing."""
    decided_N: Flags
    """Whether the judge decided."""
    label_N: Floats
    """The mark that most people gave, of equals the lower."""
    vote_JN: Floats
    """Each rater's mark."""
    voted_JN: Flags
    """Where there is one."""
    threshold_N: Floats
    """Mark from which the criterion counts as met."""
    probability_N: Floats
    """The judge's probability that it is met, by its own probabilities of levels."""
    graded_N: Flags
    """Whether it gave any."""

    @property
    def judge_met_N(self) -> Flags:
        """Whether the judge says that the criterion is met."""
        return self.judge_N >= self.threshold_N

    @property
    def label_met_N(self) -> Flags:
        """Whether most people say so."""
        return self.label_N >= self.threshold_N

    @property
    def mean_N(self) -> Floats:
        """The mean of people's marks."""
        total_N = np.where(self.voted_JN, self.vote_JN, 0.0).sum(axis=0)
        return np.asarray(total_N / np.maximum(self.voted_JN.sum(axis=0), 1))

    def where(self, keep_N: Flags) -> Matched:
        """Return some of the cells.

        Parameters
        ----------
        keep_N : (N,) bool
            Which.

        Returns
        -------
        Matched
        """
        kept: dict[str, Any] = {}
        for field in fields(self):
            if field.name.endswith("N"):
                kept[field.name] = getattr(self, field.name)[..., keep_N]
        return replace(self, **kept)

    def by_criterion(self) -> Iterator[tuple[str, Matched]]:
        """Yield the cells of each criterion.

        Yields
        ------
        tuple of (str, Matched)
            Name and cells, those with the most cells first.
        """
        count_C = np.bincount(self.criterion_N, minlength=len(self.criteria))
        for place in sorted(range(len(self.criteria)), key=lambda c: (-count_C[c], self.criteria[c])):
            if count_C[place]:
                yield self.criteria[place], self.where(self.criterion_N == place)


def matched(judged: VerdictTable, labels: VerdictTable) -> Matched:
    """Return a judge's verdicts beside people's.

    Parameters
    ----------
    judged : VerdictTable
        The judge's verdicts; its repeats are pooled by majority. Of criteria of scope ``pair`` each repeat counts by itself, since
        it shows the pair in its own order, and one response of each pair, since the other's verdict is the same, mirrored.
    labels : VerdictTable
        The labels, of the same cases; each layer is a rater.

    Returns
    -------
    Matched

    Raises
    ------
    TableError
        If the tables are not of the same cases, or no cell is labelled.
    """
    rows, others = ([(t.tasks[i], r) for i, r in zip(t.task_R, t.responses, strict=True)] for t in (judged, labels))
    if rows != others or [r.digest for r in judged.rubrics] != [r.digest for r in labels.rubrics]:
        raise TableError("the labels are of other cases than the verdicts")
    theirs = cells_of(labels, settle=False)
    keep_N = theirs.known_N & theirs.applies_N & ~_mirrored(labels)
    if not keep_N.any():
        raise TableError("no cell has a label")
    pair_N = judged.about_pair_N
    whole = _beside(judged, None, labels, theirs).where(keep_N & ~pair_N)
    if not pair_N.any():
        return whole
    each = [_beside(judged, layer, labels, theirs) for layer in range(len(judged.layers))]
    asked_LN = judged.state_LN != State.ABSENT
    return _joined([whole, *(m.where(keep_N & pair_N & asked_N) for m, asked_N in zip(each, asked_LN, strict=True))])


def _beside(judged: VerdictTable, layer: int | None, labels: VerdictTable, theirs: Cells) -> Matched:
    ours = cells_of(judged, layer, settle=False)
    columns, column_N = ours.columns, judged.column_N
    valued_N = _valued(columns)[column_N]
    vote_JN, voted_JN = raters_of(labels)
    names, criterion_C = criterion_names(judged)
    systems, system_R = np.unique(np.array(judged.systems), return_inverse=True)
    probability_N, graded_N = _probability(ours.table, columns)
    return Matched(
        criteria=names,
        systems=tuple(systems.tolist()),
        criterion_N=criterion_C[column_N],
        system_N=system_R[judged.row_N],
        task_N=judged.task_R[judged.row_N],
        cell_N=np.arange(len(judged.row_N)),
        judge_N=np.where(valued_N, ours.value_N, ours.credit_N),
        decided_N=ours.known_N & ours.applies_N,
        label_N=np.where(valued_N, theirs.value_N, theirs.credit_N),
        vote_JN=vote_JN,
        voted_JN=voted_JN,
        threshold_N=np.minimum(columns.threshold_C[column_N], 1.0),
        probability_N=probability_N,
        graded_N=graded_N,
    )


def _mirrored(table: VerdictTable) -> Flags:
    """Return the cells on pairs that say what another response's cell says."""
    first_R = np.zeros(len(table.responses), dtype=np.bool_)
    first_R[np.unique(table.task_R, return_index=True)[1]] = True
    return np.asarray(table.about_pair_N & ~first_R[table.row_N])


def _joined(parts: list[Matched]) -> Matched:
    joined: dict[str, Any] = {}
    for field in fields(Matched):
        if field.name.endswith("N"):
            joined[field.name] = np.concatenate([getattr(p, field.name) for p in parts], axis=-1)
    return replace(parts[0], **joined)


def raters_of(table: VerdictTable) -> tuple[Floats, Flags]:
    """Return the marks of each layer of a table.

    Parameters
    ----------
    table : VerdictTable
        Any.

    Returns
    -------
    mark_JN : (J, N) float
        Marks as in `Matched`, a row a layer.
    known_JN : (J, N) bool
        Where there is one.
    """
    each = [cells_of(table, layer, settle=False) for layer in range(len(table.layers))]
    valued_N = _valued(columns_of(table.rubrics))[table.column_N]
    marks = [np.where(valued_N, c.value_N, c.credit_N) for c in each]
    return np.stack(marks), table.state_LN == State.DECIDED


def _valued(columns: Columns) -> Flags:
    """Return which criteria are told by their value, since no value of theirs earns credit."""
    return np.asarray(columns.most_C <= 0.0)


def criterion_names(table: VerdictTable) -> tuple[tuple[str, ...], Ints]:
    """Return criteria by id and text: one that several rubrics hold is one.

    Parameters
    ----------
    table : VerdictTable
        Any.

    Returns
    -------
    names : tuple of str
        Ids; where an id means several things, with the beginning of the text.
    of_C : (C,) int
        Which of them each column is.
    """
    keys: dict[tuple[str, str], int] = {}
    of_C = np.array([keys.setdefault((c.id, c.text), len(keys)) for c in table.criteria], dtype=np.int64)
    ids = [identity for identity, _ in keys]
    several = {identity for identity in ids if ids.count(identity) > 1} if len(set(ids)) < len(ids) else set()
    return tuple(f"{identity}: {text[:60]}" if identity in several else identity for identity, text in keys), of_C


def _probability(table: VerdictTable, columns: Columns) -> tuple[Floats, Flags]:
    """Return how likely each cell is met by the judge's probabilities, the mean of its repeats, and where there are any."""
    levels = table.probs_LNK.shape[2]
    if levels == 0:
        return np.zeros(len(table.row_N)), np.zeros(len(table.row_N), dtype=np.bool_)
    met_CK = columns.credit_CK[:, :levels] >= np.minimum(columns.threshold_C, 1.0)[:, None]
    given_LN = table.probs_LNK.sum(axis=2) > 0
    chance_LN = np.clip((table.probs_LNK * met_CK[table.column_N]).sum(axis=2), 0.0, 1.0)
    count_N = given_LN.sum(axis=0)
    return np.where(given_LN, chance_LN, 0.0).sum(axis=0) / np.maximum(count_N, 1), count_N > 0
