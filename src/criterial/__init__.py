"""Rubrics as one verdict table: judge, score, report, and what later rooms add.

Names are resolved when they are first used, so that importing costs only what is used.
"""

from __future__ import annotations

import importlib
import logging
from typing import Any

__version__ = "0.1.0"

_NAMES = {
    "Binary": "core.scale",
    "Budget": "run.admission",
    "Case": "core.task",
    "Check": "core.criterion",
    "Choice": "core.scale",
    "CriterialError": "errors",
    "Criterion": "core.criterion",
    "FetchPolicy": "formats.fetch_policy",
    "FormatError": "errors",
    "JudgeSettings": "model.spec",
    "Level": "core.scale",
    "Likert": "core.scale",
    "Message": "core.task",
    "Numeric": "core.scale",
    "Ordinal": "core.scale",
    "Policy": "core.rubric",
    "Price": "model.exchange",
    "Ranking": "core.score",
    "Response": "core.task",
    "Rubric": "core.rubric",
    "Run": "score.record",
    "Score": "core.score",
    "State": "core.verdict",
    "Task": "core.task",
    "Verdict": "core.verdict",
    "VerdictTable": "core.table",
    "agrade": "run.grading",
    "grade": "run.grading",
    "load_cases": "run.loading",
    "make_decider": "model.spec",
    "open_run": "run.existing",
    "plan": "run.grading",
    "rank": "run.ranking",
    "read_rubric": "formats.load",
    "score_verdicts": "run.existing",
    "table_of": "core.builder",
}

__all__ = [
    "__version__",
    "Binary",
    "Budget",
    "Case",
    "Check",
    "Choice",
    "CriterialError",
    "Criterion",
    "FetchPolicy",
    "FormatError",
    "JudgeSettings",
    "Level",
    "Likert",
    "Message",
    "Numeric",
    "Ordinal",
    "Policy",
    "Price",
    "Ranking",
    "Response",
    "Rubric",
    "Run",
    "Score",
    "State",
    "Task",
    "Verdict",
    "VerdictTable",
    "agrade",
    "grade",
    "load_cases",
    "make_decider",
    "open_run",
    "plan",
    "rank",
    "read_rubric",
    "score_verdicts",
    "table_of",
]

logging.getLogger(__name__).addHandler(logging.NullHandler())  # without one, Python prints warnings where nobody asked for a log


def __getattr__(name: str) -> Any:
    if name not in _NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_NAMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
