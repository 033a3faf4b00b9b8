"""scripts/real_sets.py: our figures are those of the raw lines, and the table of docs/real_sets.md is what it prints."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.helpers_files import real

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def script() -> Any:
    """Return the script as a module."""
    sys.path.insert(0, str(PROJECT / "scripts"))  # as Python does for a script
    spec = importlib.util.spec_from_file_location("real_sets", PROJECT / "scripts" / "real_sets.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def found(script: Any) -> list[Any]:
    """Return every set with its figures."""
    real("README.md")
    return list(script.sheets(real("README.md").parent))


def test_every_figure_is_that_of_the_raw_lines(found: list[Any]) -> None:
    compared = [(s.name, f) for s in found for f in s.figures if f.raw is not None]
    assert len(compared) > 80
    for name, figure in compared:
        assert figure.ours == pytest.approx(figure.raw, abs=1e-9), (name, figure.what)


def test_a_figure_of_a_part_is_near_the_published_one_of_the_whole(found: list[Any]) -> None:
    for sheet in found:
        for figure in sheet.figures:
            if figure.published:
                near = 1e-6 if sheet.name == "paperbench" else 0.04
                assert figure.ours == pytest.approx(float(figure.published), abs=near), (sheet.name, figure.what)


def test_the_page_holds_the_table_that_is_printed(script: Any, found: list[Any]) -> None:
    page = (PROJECT / "docs" / "real_sets.md").read_text(encoding="utf-8")
    assert "\n".join(script.table(found)) + "\n" in page
