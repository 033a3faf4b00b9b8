"""Seeded mutants of small sets with verdicts: each is read, or refused by a FormatError that names the file."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from criterial.core.builder import table_of
from criterial.formats.load import read_cases
from criterial.formats.pairing import preferences_of
from tests.formats import (
    test_bigbench_mistake,
    test_dices,
    test_frank,
    test_gherkin_pairs,
    test_judgebench,
    test_llmbar,
    test_llmfao,
    test_pandalm,
    test_roscoe,
    test_saf,
    test_scholarqa,
    test_sureal,
    test_wice,
    test_wildbench,
    test_zeroeval,
)
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
    "dices": {f"{p}.jsonl": [r] for p, r in zip(test_dices.PARTS, (test_dices.CROWD, test_dices.EXPERT, test_dices.OTHER), strict=True)},
    "sureal": {"acr.jsonl": [test_sureal.MARKS], "dmos.jsonl": [test_sureal.DIFFERENCES]},
    "wice": {"wice.jsonl": [test_wice.ROW]},
    "bigbench_mistake": {"traces.jsonl": [test_bigbench_mistake.ROW]},
    "judgebench": {"pairs.jsonl": [test_judgebench.ROW]},
    "llmfao": {"pairs.jsonl": [test_llmfao.PAIR], "crowd_votes.jsonl": [test_llmfao.VOTE], "gpt4_votes.jsonl": [test_llmfao.MODEL_VOTE]},
    "scholarqa": {"pairwise_a.json": [test_scholarqa.WHOLE], "pairwise_b_ann1.json": [test_scholarqa.RATED]},
    "zeroeval": {"a.items.jsonl": [test_zeroeval.ITEM], "a.responses.jsonl": [test_zeroeval.ROW]},
    "gherkin_pairs": {"labelled.jsonl": [test_gherkin_pairs.LABELLED], "overlap.jsonl": [test_gherkin_pairs.OVERLAP]},
}
"""By format: the content of each of its files."""


def reader(name: str) -> Callable[[Path], None]:
    """Return what reads a set and puts its verdicts into a table."""

    def read(path: Path) -> None:
        found = read_cases(path, name)
        table_of(found, [v for c in found for v in c.verdicts])
        if name in ("llmbar", "pandalm", "judgebench", "llmfao", "scholarqa"):
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
