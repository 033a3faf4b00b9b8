"""A run as plain data for pages: what every report shows, computed once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from criterial.core.scale import label_of
from criterial.core.score import Estimate
from criterial.core.table import VerdictTable
from criterial.core.verdict import CAUSES, State
from criterial.score.panel import vote_entropy
from criterial.score.record import Run

__all__ = ["cell_text", "estimate_text", "run_view"]

_LONGEST = 20_000


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


def run_view(run: Run) -> dict[str, Any]:
    """Return all that an HTML page shows of a run, as JSON types.

    Parameters
    ----------
    run : Run
        Any.

    Returns
    -------
    dict
        ``rubrics`` with their criteria and pass rates, ``rows`` with their cells, ``systems``, and the run's own figures.
    """
    texts = _Strings()
    return {
        "run": run.id,
        "judge": run.judge,
        "stopped": run.stopped,
        "notes": [{"message": n.message, "hint": n.hint} for n in run.notes],
        "verdicts": run.verdicts,
        "causes": [[c, n, CAUSES.get(c, c)] for c, n in run.causes.items()],
        "usage": {"calls": run.total.calls, "tokens": run.total.tokens, "money": run.total.money},
        "lost": list(run.lost_calls),
        "systems": [
            {
                "name": s.system,
                "mean": _figure(s.mean),
                "pooled": _figure(s.pooled),
                "low": s.low,
                "high": s.high,
                "coverage": s.coverage,
                "responses": s.responses,
                "unscored": s.unscored,
            }
            for s in run.systems
        ],
        "parts": [{"system": p.system, "part": p.part, "mean": _figure(p.mean)} for p in run.parts],
        "rubrics": _rubrics(run),
        "tasks": [
            {
                "id": c.task.id,
                "prompt": texts(
                    _clip("\n\n".join(f"{m.role}: {m.content}" if len(c.task.messages) > 1 else m.content for m in c.task.messages))
                ),
            }
            for c in run.cases
        ],
        "rows": _rows(run, texts),
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


def _clip(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}\n[{len(text) - _LONGEST} more characters]"


def _figure(figure: Estimate) -> Mapping[str, Any]:
    return {"value": figure.value, "low": figure.low, "high": figure.high, "n": figure.n, "method": figure.method}


def _rubrics(run: Run) -> list[dict[str, Any]]:
    rates = iter(run.criteria)
    out = []
    for rubric in run.table.rubrics:
        criteria = []
        for c in rubric.criteria:
            rate = next(rates)
            criteria.append(
                {
                    "id": c.id,
                    "title": c.title or c.id,
                    "text": c.text,
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
            )
        out.append({"id": rubric.id, "title": rubric.title, "policy": rubric.policy.name, "criteria": criteria})
    return out


def _rows(run: Run, texts: _Strings) -> list[dict[str, Any]]:
    table = run.table
    responses = [r for c in run.cases for r in c.responses]
    entropy_N = vote_entropy(table) if len(table.layers) > 1 else np.zeros(len(table.row_N))
    out = []
    for row, (response, score) in enumerate(zip(responses, run.scores, strict=True)):
        first = int(table.start_R[row])
        out.append(
            {
                "id": response.id,
                "system": response.system,
                "task": int(table.task_R[row]),
                "rubric": int(table.rubric_R[row]),
                "text": texts(_clip(response.text)),
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
