"""verifiers: a rubric file whose choices run from worst to best."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from criterial.core.scale import Binary, Level, Ordinal, credit_of
from criterial.errors import FormatError
from criterial.formats.load import FORMATS, read_cases
from tests.helpers_files import write

FILE: dict[str, Any] = {
    "criteria": [
        {"name": "kind", "text": "Is it kind?", "weight": 2.0},
        {"name": "depth", "text": "How deep is it?", "choices": ["shallow", "fair", "deep"]},
        {"name": "free", "text": "Is it free?", "weight": 0, "choices": ["no", "yes"]},
    ]
}


@pytest.mark.parametrize("name", ["r.toml", "r.json", "list.json"])
def test_a_file_is_one_rubric_without_a_task(name: str, tmp_path: Path) -> None:
    (made,) = read_cases(write(tmp_path, name, FILE["criteria"] if name == "list.json" else FILE))
    assert (made.task.id, made.task.messages[0].content, made.responses) == (name.partition(".")[0], "(no prompt)", ())
    kind, depth, free = made.rubric.criteria
    assert (kind.id, kind.text, kind.weight, kind.scale) == ("kind", "Is it kind?", 2.0, Binary())
    assert (depth.weight, depth.scale) == (1.0, Ordinal((Level("shallow"), Level("fair"), Level("deep"))))
    assert [credit_of(depth.scale, i) for i in range(3)] == [0.0, 0.5, 1.0]
    assert (free.weight, free.scale) == (0.0, Binary())


@pytest.mark.parametrize(
    ("criteria", "says", "path"),
    [
        ([{"name": "a", "text": "x", "weight": -1}], "it is 0 or more", "criteria[0].weight"),
        ([{"name": "a", "text": "x", "weight": 0}], "no criterion has a positive weight", "criteria"),
        ([{"name": "a", "text": "x"}, {"name": "a", "text": "y"}], "'a' occurs twice", "criteria[1].id"),
        ([{"name": "a", "text": "x", "choices": ["one"]}], "2 to 255 levels", "criteria[0].choices"),
        ([{"name": "a", "text": "x", "choices": ["b", "b"]}], "the same label", "criteria[0].choices"),
        ([{"name": "a", "text": "x", "choices": ["b", 2]}], "expected text", "criteria[0].choices[1]"),
        ([{"name": "a"}], "'text' is missing", "criteria[0]"),
        ([{"name": "a", "text": "x", "weight": "2"}], "expected a number", "criteria[0].weight"),
        (["x"], "expected an object", "criteria[0]"),
        ([], "at least one criterion", "criteria"),
    ],
)
def test_a_fault_is_found_by_its_path(criteria: Any, says: str, path: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=says) as caught:
        read_cases(write(tmp_path, "c.json", {"criteria": criteria}), format="verifiers")
    assert caught.value.path == path
    assert caught.value.line is not None


def test_two_rubrics_in_one_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="a second rubric") as caught:
        read_cases(write(tmp_path, "c.jsonl", [FILE, FILE]))
    assert caught.value.line == 2


def test_it_is_recognised_and_other_lists_of_criteria_are_not() -> None:
    assert [f.name for f in FORMATS.values() if f.matches(FILE)] == ["verifiers"]
    for other in ({"criteria": []}, {"criteria": [{"id": "a", "text": "x"}]}, {"name": "a", "text": "x"}, {**FILE, "version": "1"}):
        assert not FORMATS["verifiers"].matches(other)
