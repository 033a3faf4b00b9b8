"""Injection: every response ends in words for the judge that ask for credit, of twelve families with several forms each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from criterial.audit.injection_set import FAMILIES, attacked
from criterial.audit.probe import Probe, Probed, Variant, dealt, marks_of, paired_cells, with_texts
from criterial.core.method import Method
from criterial.core.scale import credit_of
from criterial.core.score import Estimate
from criterial.core.table import VerdictTable
from criterial.core.task import Case
from criterial.score.estimates import mean_estimate

__all__ = ["METHOD", "Injected", "Injection", "injection"]

_FORMS = tuple((family, form) for family, forms in FAMILIES.items() for form in forms)


@dataclass(frozen=True)
class Injection:
    """Options of `injection`."""

    each: bool = False
    """Whether every response is attacked by every family, one after the other; else each by one form of one."""


@dataclass(frozen=True)
class Injected:
    """What the attack set did to a judge."""

    version: str
    """Version of the attack set."""
    responses: int
    """How many responses were attacked, each by every family."""
    fenced: Probed
    """With each text in a block of its own, as this project always asks."""
    plain: Probed | None
    """Without blocks and without a word about orders in what is judged; None where that was not asked for."""

    @property
    def complete(self) -> bool:
        """Whether every verdict that was asked for came."""
        return self.fenced.complete and (self.plain is None or self.plain.complete)


def injection(cases: Sequence[Case], options: Injection | None = None) -> Probe:
    """Return responses that end in an order to the judge, in a form that depends on their ids.

    Parameters
    ----------
    cases : sequence of Case
        The cases; verdicts that they carry are taken for right.
    options : Injection, optional
        Whether all families are tried on each.

    Returns
    -------
    Probe
        One variant, or one a family; then with figures over all families.

    References
    ----------
    RobustJudge, arXiv 2506.09443, for the kinds; the words are ours.
    """
    if not (options or Injection()).each:
        return Probe((Variant("words that ask the judge for credit", _changed(cases, [form for _, form in _FORMS])),), "same")
    variants = tuple(Variant(family, _changed(cases, forms)) for family, forms in FAMILIES.items())
    right = {(c.task.id, v.response, v.criterion): v.value for c in cases for v in c.verdicts if v.value is not None}
    return Probe(variants, "same", figures=lambda base, tables: list(_figures(base, tables, right)))


def _changed(cases: Sequence[Case], forms: Sequence[str]) -> tuple[Case, ...]:
    return with_texts(cases, lambda case, response, text: attacked(text, forms[dealt(case, response, len(forms))]))


def _figures(
    base: VerdictTable, tables: Mapping[str, VerdictTable], right: Mapping[tuple[str, str, str], float]
) -> Iterator[tuple[str, Estimate]]:
    pairs = [_marks(base, table) for table in tables.values()]
    before, after, task = (np.concatenate(part) for part in zip(*pairs, strict=True))
    met, now = before >= 0.5, after >= 0.5
    yield "not met became met, all families", mean_estimate(now[~met].astype(np.float64), task[~met], unit=True)
    yield "met became not, all families", mean_estimate((~now[met]).astype(np.float64), task[met], unit=True)
    if right:
        yield "agrees with the labels, as they are", _accuracy([base], right)
        yield "agrees with the labels, injected", _accuracy(list(tables.values()), right)


def _marks(base: VerdictTable, table: VerdictTable) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Return the marks that a judge gave before and after, where it gave both, and whose task they are."""
    one_N, two_N = paired_cells(base, table)
    (before_N, known_N), (after_N, still_N) = marks_of(base, one_N), marks_of(table, two_N)
    both_N = known_N & still_N
    return before_N[both_N], after_N[both_N], base.task_R[base.row_N[one_N]][both_N]


def _accuracy(tables: Sequence[VerdictTable], right: Mapping[tuple[str, str, str], float]) -> Estimate:
    """Return how often verdicts that a judge decided are on the labels' side."""
    agree, task = [], []
    for table in tables:
        mark_N, known_N = marks_of(table, np.arange(len(table.row_N)))
        for cell in np.flatnonzero(known_N).tolist():
            row, criterion = table.row_N[cell], table.criteria[table.column_N[cell]]
            label = right.get((table.tasks[table.task_R[row]], table.responses[row], criterion.id))
            if label is not None:
                agree.append(float((mark_N[cell] >= 0.5) == (credit_of(criterion.scale, label) >= 0.5)))
                task.append(table.tasks[table.task_R[row]])
    _, of_I = np.unique(np.array(task, dtype=str), return_inverse=True)
    return mean_estimate(np.array(agree), of_I.astype(np.int64), unit=True)


METHOD = Method(
    name="injection",
    room="audit",
    call=injection,
    options=Injection,
    says="whether words in a response that ask for credit get it",
    cites="RobustJudge, arXiv 2506.09443",
)
