"""OpenRubrics: one text of tagged items becomes rules and principles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from criterial.errors import FormatError
from criterial.formats.load import FORMATS, read_cases
from tests.helpers_files import write

RUBRIC = """Judge by these:
1. The response names
   two cities. [Hard Rule]
2. The response is kind:
   - to Ann
   - to Bo [Principle]
3. The response is short.
"""
LINE: dict[str, Any] = {
    "instruction": "Name cities.",
    "rubric": RUBRIC,
    "response_a": "Rome, Oslo",
    "response_b": "Rome",
    "winner": "response_a",
    "source": "own",
}


def criteria(where: Path, rubric: str) -> list[tuple[str, str | None]]:
    (case,) = read_cases(write(where, "c.jsonl", {**LINE, "rubric": rubric}))
    return [(c.text, c.kind) for c in case.rubric.criteria]


def test_a_row_is_rules_and_principles_with_both_responses(tmp_path: Path) -> None:
    (made,) = read_cases(write(tmp_path, "c.jsonl", LINE))
    assert (made.task.id, made.task.messages[0].content, made.task.tags) == ("c-1", "Name cities.", ("source:own", "winner:response_a"))
    assert [(c.id, c.text, c.kind) for c in made.rubric.criteria] == [
        ("c1", "The response names two cities.", "rule"),
        ("c2", "The response is kind: - to Ann - to Bo", "principle"),
        ("c3", "The response is short.", None),
    ]
    assert made.rubric.guidelines == "Judge by these:"
    assert [(r.id, r.system, r.text) for r in made.responses] == [
        ("c-1/response_a", "response_a", "Rome, Oslo"),
        ("c-1/response_b", "response_b", "Rome"),
    ]
    assert made.verdicts == ()


@pytest.mark.parametrize(
    "rubric",
    [
        "[Hard Rule] Says hello\n[Principle] Is kind\n",
        "- [hard rule]: Says hello\n- Is kind **[Principle]**\n",
        "* Says hello [HARD RULE]\n\n* Is kind [principle]",
        "[Hard Rule] 1. Says hello\n[Principle] 2. Is kind",
        "1) Says hello [Hard Rule]\n2) Is kind [Principle]",
    ],
)
def test_the_tag_may_stand_anywhere_in_its_item(rubric: str, tmp_path: Path) -> None:
    assert criteria(tmp_path, rubric) == [("Says hello", "rule"), ("Is kind", "principle")]


def test_the_derived_sets_have_other_keys(tmp_path: Path) -> None:
    line = {"question_id": "q", "prompt": "Hi", "rubric": "1. Greets [Hard Rule]", "chosen": "Hi", "rejected": None}
    (made,) = read_cases(write(tmp_path, "c.jsonl", line), format="openrubrics")
    assert (made.task.id, [r.system for r in made.responses]) == ("q", ["chosen"])
    with pytest.raises(FormatError, match="could be native or openrubrics"):
        read_cases(write(tmp_path, "c.jsonl", line))


@pytest.mark.parametrize(
    ("changes", "says", "path"),
    [
        ({"rubric": "Be good"}, "no .Hard Rule. and no .Principle.", "rubric"),
        ({"rubric": "1. x [Hard Rule] [Principle]"}, "both as a rule and as a principle", "rubric"),
        ({"rubric": "1. [Hard Rule]\n2. x [Principle]"}, "has no text", "rubric"),
        ({"rubric": ["x"]}, "expected text", "rubric"),
        ({"instruction": 5}, "expected text", "instruction"),
        ({"response_a": ["x"]}, "expected text or null", "response_a"),
        ({"winner": {"a": 1}}, "expected text or a number", "winner"),
    ],
)
def test_a_fault_is_found_by_its_path(changes: dict[str, Any], says: str, path: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=says) as caught:
        read_cases(write(tmp_path, "c.jsonl", [LINE, {**LINE, **changes}]), format="openrubrics")
    assert (caught.value.path, caught.value.line) == (path, 2)


def test_it_is_recognised() -> None:
    assert [f.name for f in FORMATS.values() if f.matches(LINE)] == ["openrubrics"]
