"""Rubrics as Rewards: tiers, weights and signs are kept as they stand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from criterial.errors import FormatError
from criterial.formats.load import FORMATS, read_cases
from tests.helpers_files import write

LINE: dict[str, Any] = {
    "question": "What is it?",
    "reference_answer": "A stone.",
    "question_source": "own",
    "rubric": [
        {"title": "Names it", "description": "Essential Criteria: Says it is a stone.", "weight": 5},
        {"title": "Why", "description": "Important: Says why.", "weight": 3.5},
        {"title": "Style", "description": "Is short.", "weight": 1},
        {"title": "Harm", "description": "Pitfall Criteria: Does not mention water.", "weight": -1, "polarity": "positive"},
    ],
    "rubric_list": ["Essential Criteria: Says it is a stone."],
    "rubric_count": 4,
}


def test_a_question_has_tiered_signed_criteria(tmp_path: Path) -> None:
    (made,) = read_cases(write(tmp_path, "train.jsonl", LINE))
    assert (made.task.id, made.task.references, made.task.tags) == ("train-1", ("A stone.",), ("question_source:own",))
    assert [(c.id, c.title, c.text, c.weight, c.tier) for c in made.rubric.criteria] == [
        ("c1", "Names it", "Says it is a stone.", 5.0, "essential"),
        ("c2", "Why", "Says why.", 3.5, "important"),
        ("c3", "Style", "Is short.", 1.0, ""),
        ("c4", "Harm", "Does not mention water.", -1.0, "pitfall"),
    ]
    assert made.rubric.criteria[3].tags == ("polarity:positive",)
    assert made.responses == ()


@pytest.mark.parametrize(
    ("changes", "says", "path"),
    [
        ({"rubric_count": 3}, "rubric_count is 3 and there are 4", "rubric_count"),
        ({"rubric": [{"description": "x", "weight": "5"}], "rubric_count": None}, "expected a number", "rubric[0].weight"),
        ({"rubric": [{"description": "x", "weight": True}], "rubric_count": None}, "expected a number", "rubric[0].weight"),
        ({"rubric": [{"weight": 5}], "rubric_count": None}, "'description' is missing", "rubric[0]"),
        ({"rubric": [{"description": "Pitfall: ", "weight": 5}], "rubric_count": None}, "has no text", "rubric[0]"),
        ({"rubric": {"a": 1}}, "expected a list", "rubric"),
        ({"question": None}, "expected text", "question"),
    ],
)
def test_a_fault_is_found_by_its_path(changes: dict[str, Any], says: str, path: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=says) as caught:
        read_cases(write(tmp_path, "c.jsonl", [LINE, {**LINE, **changes}]))
    assert (caught.value.path, caught.value.line) == (path, 2)


def test_it_is_recognised_in_parquet_too(tmp_path: Path) -> None:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    assert [f.name for f in FORMATS.values() if f.matches(LINE)] == ["rar"]
    pq.write_table(pa.Table.from_pylist([LINE, LINE]), tmp_path / "c.parquet")
    first, second = read_cases(tmp_path / "c.parquet")
    assert (first.task.id, second.task.id) == ("c-1", "c-2")
    assert first.rubric.criteria == read_cases(write(tmp_path, "c.jsonl", LINE))[0].rubric.criteria
