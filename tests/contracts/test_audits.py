"""Every audit of tables gives finite figures or a documented error, without a warning, whatever little or lopsided it is given."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from criterial.audit.cascading import fit_cascade
from criterial.audit.drift import drift
from criterial.audit.items import items
from criterial.audit.judge import JudgeAuditOptions, audit_judge
from criterial.audit.noise import noise
from criterial.audit.turns import turn_decay
from criterial.core.table import VerdictTable
from criterial.core.task import Case
from criterial.errors import CriterialError
from criterial.report.drift import drift_json, drift_page
from criterial.report.items import items_json, items_page
from criterial.report.judge_audit import audits_json, audits_page
from criterial.report.page_html import html_page
from criterial.score.scoring import score
from tests.helpers_tables import ABSTAINED, COUNT, FAILED, NA, THREE, Cell, binary, case, cases_of, crit, numbers, rubric, table

MIXED = rubric(crit("a", scope="turn", turn=0), crit("b", scale=THREE, scope="turn", turn=1), crit("c", scale=COUNT), crit("d", -1.0))
GRADED: Cell = {"value": 1.0, "probs": (0.2, 0.8)}
SURE: Cell = {"value": 1.0, "probs": (0.0, 1.0)}
NO: Cell = {"value": 0.0, "probs": (1.0, 0.0)}

JUDGED: dict[str, list[list[Cell]]] = {
    "one": [[1, 2, 3, 0]],
    "two": [[1, 2, 3, 0], [0, 0, 0, 1]],
    "all the same": [[1, 1, 1, 1]] * 12,
    "nothing decided": [[FAILED, ABSTAINED, NA, None]] * 6,
    "some decided": [[1, FAILED, 2, 0], [FAILED, 1, FAILED, 1], [0, ABSTAINED, 3, NA]] * 5,
    "graded": [[GRADED, 2, 1, SURE], [NO, 0, 2, NO], [GRADED, 1, 0, GRADED]] * 8,
    "sure and wrong": [[SURE, 0, 0, SURE], [NO, 2, 3, NO]] * 12,
}
LABELS: dict[str, list[list[Cell]]] = {
    "the same": [],
    "all met": [[1, 2, 3, 1]],
    "none": [[0, 0, 0, 0]],
    "one cell": [[1, None, None, None], [None, None, None, None]],
    "alternating": [[1, 0, 3, 0], [0, 2, 0, 1]],
}


def tables(judged: str, labels: str) -> tuple[VerdictTable, VerdictTable, list[Case]]:
    rows = JUDGED[judged]
    pattern = LABELS[labels]
    labelled = [pattern[i % len(pattern)] for i in range(len(rows))] if pattern else rows
    return table(MIXED, rows), table(MIXED, labelled, labelled), cases_of(MIXED, len(rows))


def judge_audit(judged: VerdictTable, labels: VerdictTable, cases: list[Case]) -> Any:
    found = audit_judge(judged, labels, cases, JudgeAuditOptions(resamples=100))
    json.loads(audits_json([found]))
    assert "<html" in html_page(audits_page([found])) and "<html" in html_page(audits_page([found, found]))
    return found


def item_audit(judged: VerdictTable, labels: VerdictTable, cases: list[Case]) -> Any:
    found = items(judged, "responses")
    json.loads(items_json(found))
    assert "<html" in html_page(items_page(found))
    return found


def drifted(judged: VerdictTable, labels: VerdictTable, cases: list[Case]) -> Any:
    found = drift(labels.layer(0), dataclasses.replace(judged, layers=labels.layers[:1]), labels, cases)
    json.loads(drift_json(found))
    assert "<html" in html_page(drift_page(found))
    return found


AUDITS: dict[str, Callable[..., Any]] = {
    "judge": judge_audit,
    "noise": lambda judged, labels, cases: noise(labels),
    "items": item_audit,
    "cascade": lambda judged, labels, cases: fit_cascade(judged, labels),
    "drift": drifted,
    "turns": lambda judged, labels, cases: turn_decay(score(judged)),
}


@pytest.mark.parametrize("labels", LABELS)
@pytest.mark.parametrize("judged", JUDGED)
@pytest.mark.parametrize("audit", AUDITS)
def test_an_audit_is_finite_or_says_why_there_is_none(audit: str, judged: str, labels: str) -> None:
    try:
        found = AUDITS[audit](*tables(judged, labels))
    except CriterialError:
        return
    allowed = {float("-inf"), float("inf")} if audit == "cascade" else set()
    assert all(np.isfinite(x) or x in allowed for x in numbers(found))


@pytest.mark.parametrize("audit", AUDITS)
def test_every_audit_answers_where_there_is_enough(audit: str) -> None:
    assert any(True for _ in numbers(AUDITS[audit](*tables("graded", "alternating"))))


def test_one_criterion_and_one_rater_are_enough() -> None:
    made = binary(1)
    judged, labels = table(made, [[1], [0], [1], [1]]), table(made, [[1], [0], [0], [1]])
    found = judge_audit(judged, labels, [case(made, 1, f"t{i}") for i in range(4)])
    assert found.criteria == () and found.measures[0].figure.value == 0.75
