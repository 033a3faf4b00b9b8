"""Tinker cookbook: rubric items on the range in which their grader answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from criterial.core.criterion import Source
from criterial.core.scale import Numeric
from criterial.core.task import Message
from criterial.errors import FormatError
from criterial.formats.load import FORMATS, read_cases
from tests.helpers_files import write

ITEM = {
    "rubric_str": "Is the sum right?",
    "extraction_regex": "<score>(.*?)</score>",
    "grader_output_format_instruction": "Please output your score between 0 and 1 wrapped in <score> ... </score>",
}
FIVE = {**ITEM, "rubric_str": "How kind?", "grader_output_format_instruction": "Write a mark from 1 to 5."}
LINE: dict[str, Any] = {
    "convo": [{"role": "system", "content": "Add."}, {"role": "user", "content": "1 + 1?"}],
    "rubric_items": [ITEM, FIVE],
}


def test_a_line_is_a_conversation_with_marks_on_the_told_range(tmp_path: Path) -> None:
    (made,) = read_cases(write(tmp_path, "c.jsonl", LINE))
    assert (made.task.id, made.task.messages) == ("c-1", (Message("system", "Add."), Message("user", "1 + 1?")))
    one, five = made.rubric.criteria
    assert (one.id, one.text, one.scale, one.weight, one.source) == ("c1", "Is the sum right?", Numeric(0.0, 1.0), 1.0, None)
    assert (five.scale, five.source) == (
        Numeric(1.0, 5.0),
        Source("Tinker cookbook", note="grader_output_format_instruction: Write a mark from 1 to 5."),
    )


def test_an_item_may_leave_out_what_the_recipe_has_by_default(tmp_path: Path) -> None:
    (made,) = read_cases(write(tmp_path, "c.jsonl", {**LINE, "rubric_items": [{"rubric_str": "x"}]}))
    assert made.rubric.criteria[0].scale == Numeric(0.0, 1.0)


@pytest.mark.parametrize(
    ("changes", "says", "path"),
    [
        (
            {"rubric_items": [{**ITEM, "grader_output_format_instruction": "Write a mark."}]},
            "the range of the score is not told",
            "rubric_items[0].grader_output_format_instruction",
        ),
        (
            {"rubric_items": [{**ITEM, "grader_output_format_instruction": "between 1 and 1"}]},
            "low < high",
            "rubric_items[0].grader_output_format_instruction",
        ),
        ({"rubric_items": [{}]}, "the range|'rubric_str' is missing", "rubric_items[0]"),
        ({"rubric_items": []}, "at least one criterion", ""),
        ({"rubric_items": [ITEM, 5]}, "expected an object", "rubric_items[1]"),
        ({"convo": "".split()}, "expected a text or a list of messages", "convo"),
        ({"convo": [{"role": "user", "content": 5}]}, "expected a text or a list of parts", "convo[0].content"),
    ],
)
def test_a_fault_is_found_by_its_path(changes: dict[str, Any], says: str, path: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=says) as caught:
        read_cases(write(tmp_path, "c.jsonl", [LINE, {**LINE, **changes}]), format="tinker")
    assert (caught.value.path, caught.value.line) == (path, 2)


def test_it_is_recognised() -> None:
    assert [f.name for f in FORMATS.values() if f.matches(LINE)] == ["tinker"]
