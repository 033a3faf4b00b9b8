"""Real files read by nothing of ours, so that what an importer makes of them can be compared; and who won a pair."""

from __future__ import annotations

import gzip
import json
from typing import Any

from criterial.core.verdict import Preference
from tests.helpers_files import real


def raw(name: str) -> list[dict[str, Any]]:
    """Return the lines of a real set's file, named without its ending."""
    with gzip.open(real(f"{name}.jsonl.gz"), "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def winner(said: Preference) -> str:
    """Return the id of the response preferred, or tie."""
    return {"a": said.a, "b": said.b}.get(said.winner, "tie")
