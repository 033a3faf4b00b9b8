"""Where the real data lies, for tests that measure on it."""

from __future__ import annotations

from pathlib import Path

SHARED = Path(__file__).resolve().parents[2] / "shared"
"""The folder `shared` beside the project."""
