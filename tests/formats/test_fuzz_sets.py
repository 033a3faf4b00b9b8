"""Seeded mutants of small sets with verdicts: each is read, or refused by a FormatError that names the file."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from criterial.core.table import table_of
from criterial.formats.load import read_cases
from criterial.formats.pairing import preferences_of
from tests.formats import test_frank, test_llmbar, test_pandalm, test_roscoe, test_saf, test_wildbench
from tests.formats.test_fuzz import assert_read_or_refused, changed
from tests.helpers_files import write

EACH = 400
SETS: dict[str, dict[str, Any]] = {
    "roscoe": {"overall.jsonl": test_roscoe.OVERALL, "stepwise.jsonl": test_roscoe.STEPS, "criteria.json": test_roscoe.CRITERIA},
    "saf": {"questions.jsonl": test_saf.QUESTIONS, "answers.jsonl": test_saf.ANSWERS},
    "llmbar": {"pairs.jsonl": [test_llmbar.PAIR], "judge_outcomes.jsonl": [test_llmbar.OUTCOME]},
    "frank": {"frank.jsonl": [test_frank.ROW]},
    "wildbench": {"wildbench.jsonl": [test_wildbench.ROW]},
    "pandalm": {"pandalm.jsonl": [test_pandalm.PANDA]},
}
"""By format: the content of each of its files."""


def reader(name: str) -> Callable[[Path], None]:
    """Return what reads a set and puts its verdicts into a table."""

    def read(path: Path) -> None:
        found = read_cases(path, name)
        table_of(found, [v for c in found for v in c.verdicts])
        if name in ("llmbar", "pandalm"):
            preferences_of(found)

    return read


@pytest.mark.parametrize("name", SETS)
def test_a_sound_set_is_recognised(name: str, tmp_path: Path) -> None:
    for file, content in SETS[name].items():
        write(tmp_path, file, content)
    assert read_cases(tmp_path) == read_cases(tmp_path, name)


@pytest.mark.parametrize(("name", "file"), [(name, file) for name, files in SETS.items() for file in files])
def test_values_of_the_wrong_type_are_read_or_refused(name: str, file: str, tmp_path: Path) -> None:
    chance = random.Random(f"{name} {file}")
    for part, content in SETS[name].items():
        write(tmp_path, part, content)
    outcomes = []
    for _ in range(EACH):
        content = changed(SETS[name][file], chance)
        write(tmp_path, file, content)
        outcomes.append(assert_read_or_refused(reader(name), tmp_path))
    assert 0 < sum(outcomes) < EACH
