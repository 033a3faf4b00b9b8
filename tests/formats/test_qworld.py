"""Qworld: generated criteria with signed points, as the package writes them and as the data set has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from criterial.core.criterion import Source
from criterial.errors import FormatError
from criterial.formats.load import FORMATS, read_cases
from tests.helpers_files import write

OUTPUT: dict[str, Any] = {
    "id": "q1",
    "question": "What is AI?",
    "scenarios": [],
    "raw_criteria": [{"criterion": "dropped", "points": 1}],
    "final_criteria": [{"criterion": "Explains it", "points": 9}, {"criterion": "Invents facts", "points": -8}],
}
ROW: dict[str, Any] = {
    "question": "What is AI?",
    "web_content": "A page.",
    "criteria": [{"criterion": "Explains it", "points": 9, "reasoning": "It was asked.", "tags": ["core"]}],
}


def test_the_packages_output_has_its_final_criteria_with_their_signs(tmp_path: Path) -> None:
    (made,) = read_cases(write(tmp_path, "c.json", OUTPUT))
    assert (made.task.id, made.task.messages[0].content, made.responses) == ("q1", "What is AI?", ())
    assert [(c.id, c.text, c.weight) for c in made.rubric.criteria] == [("c1", "Explains it", 9.0), ("c2", "Invents facts", -8.0)]


def test_the_data_set_has_reasons_and_tags(tmp_path: Path) -> None:
    (made,) = read_cases(write(tmp_path, "c.jsonl", ROW))
    (criterion,) = made.rubric.criteria
    assert (made.task.id, made.task.context) == ("c-1", "A page.")
    assert (criterion.tags, criterion.source) == (("core",), Source("Qworld", note="It was asked."))


@pytest.mark.parametrize(
    ("line", "says", "path"),
    [
        ({**OUTPUT, "final_criteria": [{"criterion": "x", "points": "9"}]}, "expected a number", "final_criteria[0].points"),
        ({**OUTPUT, "final_criteria": [{"points": 9}]}, "'criterion' is missing", "final_criteria[0]"),
        ({**OUTPUT, "final_criteria": []}, "at least one criterion", ""),
        ({**ROW, "criteria": [{**ROW["criteria"][0], "tags": "core"}]}, "expected a list", "criteria[0].tags"),
        ({**ROW, "question": 5}, "expected text", "question"),
        ({"question": "x"}, "'final_criteria' is missing", ""),
    ],
)
def test_a_fault_is_found_by_its_path(line: Any, says: str, path: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=says) as caught:
        read_cases(write(tmp_path, "c.jsonl", [ROW, line]), format="qworld")
    assert (caught.value.path, caught.value.line) == (path, 2)


def test_it_is_recognised() -> None:
    for line in (OUTPUT, ROW):
        assert [f.name for f in FORMATS.values() if f.matches(line)] == ["qworld"]
