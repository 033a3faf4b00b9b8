"""A run's verdicts as plain data for a page, each text once; and how reports write figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from criterial.core.rubric import Rubric
from criterial.core.scale import label_of
from criterial.core.score import Estimate
from criterial.core.table import VerdictTable
from criterial.core.task import Case
from criterial.core.verdict import State
from criterial.score.panel import vote_entropy
from criterial.score.record import Run
from criterial.score.systems import PassRate

__all__ = ["cell_text", "estimate_text", "run_view", "shown_tasks"]

_MOST = 100_000


def estimate_text(figure: Estimate, digits: int = 3) -> str:
    """Return an estimate as a cell of a table shows it: with its interval, or a dash where there is none.

    Parameters
    ----------
    figure : Estimate
        Any.
    digits : int
        Decimals.

    Returns
    -------
    str
    """
    return "-" if figure.value is None else figure.text(digits)


def cell_text(cell: str | float | Estimate | None, digits: int = 3) -> str:
    """Return what a table shows in a cell.

    Parameters
    ----------
    cell : str, number, Estimate or None
        Any.
    digits : int
        Decimals of what is no whole number.

    Returns
    -------
    str
    """
    if cell is None:
        return "-"
    if isinstance(cell, Estimate):
        return estimate_text(cell, digits)
    return f"{cell:.{digits}f}" if isinstance(cell, float) else str(cell)


def shown_tasks(run: Run) -> list[int]:
    """Return the tasks whose verdicts an HTML page holds: all, or as many, evenly spread, as keep it light.

    Parameters
    ----------
    run : Run
        Any.

    Returns
    -------
    list of int
        Indices into the run's cases; at least one where there is any.
    """
    tasks, verdicts = len(run.cases), run.table.state_LN.size
    count = tasks if verdicts <= _MOST else max(1, tasks * _MOST // verdicts)
    return [place * tasks // count for place in range(count)]


def run_view(run: Run) -> dict[str, Any]:
    """Return the verdicts that an HTML page shows of a run, as JSON types.

    Parameters
    ----------
    run : Run
        Any.

    Returns
    -------
    dict
        ``rubrics`` with their criteria and pass rates, ``tasks``, ``rows`` with their cells, and ``texts``, each once: prompts, responses,
        criteria and reasons are given by their place in it.
    """
    texts = _Strings()
    task_at = {task: place for place, task in enumerate(shown_tasks(run))}
    rows = [row for row, task in enumerate(run.table.task_R.tolist()) if task in task_at]
    rubric_at = {rubric: place for place, rubric in enumerate(dict.fromkeys(run.table.rubric_R[rows].tolist()))}
    return {
        "rubrics": _rubrics(run, list(rubric_at), texts),
        "tasks": [{"id": run.cases[t].task.id, "prompt": texts(_prompt(run.cases[t]))} for t in task_at],
        "rows": _rows(run, rows, texts, task_at, rubric_at),
        "layers": [f"{layer.judge}" + (f" #{layer.repeat + 1}" if len(run.table.layers) > 1 else "") for layer in run.table.layers],
        "texts": texts.kept,
    }


class _Strings:
    """Keeps each text once and gives its place."""

    def __init__(self) -> None:
        self.kept: list[str] = [""]
        self._place: dict[str, int] = {"": 0}

    def __call__(self, text: str) -> int:
        if text not in self._place:
            self._place[text] = len(self.kept)
            self.kept.append(text)
        return self._place[text]


def _prompt(case: Case) -> str:
    messages = case.task.messages
    return "\n\n".join(f"{m.role}: {m.content}" if len(messages) > 1 else m.content for m in messages)


def _figure(figure: Estimate) -> Mapping[str, Any]:
    return {"value": figure.value, "low": figure.low, "high": figure.high, "n": figure.n, "method": figure.method}


def _rubrics(run: Run, chosen: Sequence[int], texts: _Strings) -> list[dict[str, Any]]:
    rates: dict[int, list[PassRate]] = {}
    for rate in run.criteria:
        rates.setdefault(rate.rubric, []).append(rate)
    return [_rubric(run.table.rubrics[u], rates.get(u, []), texts) for u in chosen]


def _rubric(rubric: Rubric, rates: Sequence[PassRate], texts: _Strings) -> dict[str, Any]:
    criteria = [
        {
            "id": c.id,
            "title": c.title or c.id,
            "text": texts(c.text),
            "weight": c.weight,
            "fault": c.is_fault,
            "required": c.required,
            "effect": c.effect,
            "check": c.check.kind if c.check else "",
            "category": "/".join(c.category),
            "rate": _figure(rate.rate),
            "decided": rate.decided,
            "open": rate.open,
        }
        for c, rate in zip(rubric.criteria, rates, strict=True)
    ]
    return {"id": rubric.id, "title": rubric.title, "criteria": criteria}


def _rows(
    run: Run, chosen: Sequence[int], texts: _Strings, task_at: Mapping[int, int], rubric_at: Mapping[int, int]
) -> list[dict[str, Any]]:
    table = run.table
    responses = [r for c in run.cases for r in c.responses]
    entropy_N = vote_entropy(table) if len(table.layers) > 1 else np.zeros(len(table.row_N))
    out = []
    for row in chosen:
        response, score, first = responses[row], run.scores[row], int(table.start_R[row])
        out.append(
            {
                "id": response.id,
                "system": response.system,
                "task": task_at[int(table.task_R[row])],
                "rubric": rubric_at[int(table.rubric_R[row])],
                "text": texts(response.text),
                "score": score.value,
                "low": score.low,
                "high": score.high,
                "se": score.se,
                "coverage": score.coverage,
                "vetoed": list(score.vetoed_by),
                "acted": [*(f"cap of {c}" for c in score.capped), *score.acted],
                "parts": {k: [p.value, p.low, p.high] for k, p in score.parts.items() if not k.startswith("node:")},
                "cells": [_cell(run, n, texts, entropy_N) for n in range(first, first + int(table.width_R[row]))],
            }
        )
    return out


def _cell(run: Run, cell: int, texts: _Strings, entropy_N: np.ndarray[Any, np.dtype[np.float64]]) -> Sequence[Any]:
    """Return state, credit, label, disagreement, and for each layer its own verdict."""
    table, cells = run.table, run.scores.cells
    known, applies = bool(cells.known_N[cell]), bool(cells.applies_N[cell])
    state = "decided" if known and applies else "not_applicable" if not applies else "abstained" if cells.abstained_N[cell] else "failed"
    asked = [layer for layer in range(len(table.layers)) if table.state_LN[layer, cell] != State.ABSENT]
    credit = round(float(cells.credit_N[cell]), 4) if known else None
    return [state, credit, round(float(entropy_N[cell]), 3), [_layer(table, layer, cell, texts) for layer in asked]]


def _layer(table: VerdictTable, layer: int, cell: int, texts: _Strings) -> Sequence[Any]:
    verdict = table.verdict(layer, cell)
    scale = table.criteria[table.column_N[cell]].scale
    value = verdict.state.name.lower() if verdict.value is None else label_of(scale, verdict.value)
    who = -1 if table.checked_LN[layer, cell] else layer  # a program gave it, whoever judges the rest of the layer
    return [who, value, verdict.cause, texts(verdict.reason), [round(p, 3) for p in verdict.probs]]
