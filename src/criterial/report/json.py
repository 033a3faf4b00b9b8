"""A run as one JSON object: what ``--json`` prints."""

from __future__ import annotations

import json

from criterial.core.method import Method
from criterial.score.record import Run

__all__ = ["METHOD", "render"]


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
    return json.dumps(run.to_dict(), ensure_ascii=False, indent=2, allow_nan=False) + "\n"


METHOD = Method(name="json", room="report", call=render, says="one JSON object for programs")
