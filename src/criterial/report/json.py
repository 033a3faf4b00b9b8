"""A run as one JSON object: what ``--json`` prints."""

from __future__ import annotations

import json
from dataclasses import asdict, is_dataclass
from typing import Any

from criterial.core.method import Method
from criterial.score.record import Run

__all__ = ["METHOD", "as_json", "render"]


def as_json(told: Any) -> str:
    """Return figures as JSON text.

    Parameters
    ----------
    told : dict or dataclass
        What a program is to read; a dataclass is told field by field.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If a number is not finite.
    """
    whole = asdict(told) if is_dataclass(told) and not isinstance(told, type) else told
    return json.dumps(whole, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def render(run: Run) -> str:
    """Return a run as JSON text.

    Parameters
    ----------
    run : Run
        Any.

    Returns
    -------
    str
    """
    return as_json(run.to_dict())


METHOD = Method(name="json", room="report", call=render, says="one JSON object for programs")
