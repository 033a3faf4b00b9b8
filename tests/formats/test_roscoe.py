"""criterial.formats.roscoe: whole responses and their steps, each under the criteria of its level, with the expert's marks."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from criterial.core.builder import table_of
from criterial.core.criterion import Source
from criterial.core.scale import Binary, Likert
from criterial.errors import FormatError
from criterial.formats.load import read_cases
from tests.formats.raw import raw
from tests.helpers_files import real, write

CRITERIA = [
    {"level": "overall", "criterion": "Quality", "question": "How good?", "type": "graded", "labels": None, "worst": 1, "best": 5},
    {"level": "overall", "criterion": "Missing", "question": "Is a step missing?", "type": "categorical", "labels": ["yes", "no"]},
    {"level": "stepwise", "criterion": "Grammar", "question": "Is its grammar odd?", "type": "categorical", "labels": ["yes", "no"]},
]
WHOLE = {"item_id": "i1", "dataset": "sums", "context": "1 + 1 + 1?", "response": "One.\nTwo."}
OVERALL = [
    {**WHOLE, "verdicts": {"Quality": 4, "Missing": "yes"}},
    {**WHOLE, "response": "Three.", "verdicts": {"Quality": 5, "Missing": "no"}},
]
STEPS = [
    {**WHOLE, "step": "One.", "verdicts": {"Grammar": "no"}},
    {**WHOLE, "step": "Two.", "verdicts": {"Grammar": "yes"}},
    {**WHOLE, "response": "Three.", "step": "Three.", "verdicts": {"Grammar": "no"}},
]


def folder(where: Path, **changes: Any) -> Path:
    """Write a folder of our own making."""
    where.mkdir()
    for name, rows in {"overall": OVERALL, "stepwise": STEPS, **changes}.items():
        if rows is not None and name != "criteria":
            write(where, f"{name}.jsonl", rows)
    write(where, "criteria.json", changes.get("criteria", CRITERIA))
    return where


def test_wholes_come_first_and_the_steps_of_each_are_a_case_of_their_own(tmp_path: Path) -> None:
    overall, first, second = read_cases(folder(tmp_path / "set"))
    assert (overall.task.id, overall.task.messages[0].content, overall.task.tags) == ("i1", "1 + 1 + 1?", ("set:sums",))
    assert [(r.id, r.text, r.system) for r in overall.responses] == [("i1/1", "One.\nTwo.", "gpt-3"), ("i1/2", "Three.", "gpt-3")]
    assert [(c.id, c.scale, c.weight) for c in overall.rubric.criteria] == [("Quality", Likert(5), 1.0), ("Missing", Binary(), -1.0)]
    assert overall.rubric.source == Source("ROSCOE")
    assert [(v.response, v.criterion, v.value, v.judge) for v in overall.verdicts] == [
        ("i1/1", "Quality", 4.0, "expert"),
        ("i1/1", "Missing", 1.0, "expert"),
        ("i1/2", "Quality", 5.0, "expert"),
        ("i1/2", "Missing", 0.0, "expert"),
    ]
    assert (first.task.id, second.task.id) == ("i1/1/steps", "i1/2/steps")
    assert "One.\nTwo." in first.task.context
    assert [(r.id, r.text) for r in first.responses] == [("i1/1/step-1", "One."), ("i1/1/step-2", "Two.")]
    assert [v.value for v in first.verdicts] == [0.0, 1.0]
    assert first.rubric is second.rubric


@pytest.mark.parametrize(("file", "count"), [("overall", 1), ("stepwise", 2)])
def test_either_file_is_read_alone_where_it_is_named(file: str, count: int, tmp_path: Path) -> None:
    assert len(read_cases(folder(tmp_path / "set") / f"{file}.jsonl", format="roscoe")) == count


@pytest.mark.parametrize(
    ("changes", "file", "says", "path"),
    [
        ({"overall": [{**OVERALL[0], "verdicts": {"Quality": 6}}]}, "overall.jsonl", "not a value", "verdicts.Quality"),
        ({"overall": [{**OVERALL[0], "verdicts": {"Missing": "perhaps"}}]}, "overall.jsonl", "not a value", "verdicts.Missing"),
        ({"overall": [{**OVERALL[0], "verdicts": {"Grammar": "no"}}]}, "overall.jsonl", "no criterion 'Grammar'", "verdicts.Grammar"),
        ({"stepwise": [{**STEPS[0], "step": 5}]}, "stepwise.jsonl", "expected text", "step"),
        ({"stepwise": [WHOLE]}, "stepwise.jsonl", "'step' is missing", ""),
        ({"criteria": [{**CRITERIA[0], "type": "vague"}]}, "criteria.json", "graded or categorical", "type"),
        ({"criteria": [{**CRITERIA[0], "worst": 0}]}, "criteria.json", "from 1 up", "worst"),
        ({"criteria": [{**CRITERIA[1], "labels": ["no", "yes"]}]}, "criteria.json", "expected", "labels"),
        ({"criteria": CRITERIA[:2]}, "criteria.json", "no criteria of level 'stepwise'", ""),
    ],
    ids=["mark", "word", "level", "step", "steps", "type", "worst", "labels", "none"],
)
def test_a_fault_is_told_with_file_and_path(changes: Any, file: str, says: str, path: str, tmp_path: Path) -> None:
    where = folder(tmp_path / "set", **changes)
    with pytest.raises(FormatError, match=says) as caught:
        read_cases(where, format="roscoe")
    assert (caught.value.file, caught.value.path) == (str(where / file), path)


def test_the_real_set_has_every_verdict_of_its_files() -> None:
    cases = read_cases(real("roscoe"))
    told = Counter(
        (name, str(mark)) for part in ("overall", "stepwise") for row in raw(f"roscoe/{part}") for name, mark in row["verdicts"].items()
    )
    words = {("binary", 1.0): "yes", ("binary", 0.0): "no"}
    found: Counter[tuple[str, str]] = Counter()
    for case in cases:
        for verdict in case.verdicts:
            kind = case.rubric.criteria[case.rubric.index[verdict.criterion]].scale.type
            found[verdict.criterion, words.get((kind, verdict.value or 0.0), f"{verdict.value:g}")] += 1
    assert found == told
    table = table_of(cases, [v for c in cases for v in c.verdicts])
    assert (len(cases), len(table.responses), len(table.rubrics), sum(told.values())) == (931, 468 + 1225, 2, 4 * 468 + 9 * 1225)


def test_the_steps_of_the_real_set_stand_in_their_responses_in_order() -> None:
    for case in read_cases(real("roscoe") / "stepwise.jsonl.gz", format="roscoe"):
        whole = case.task.context
        places = [whole.index(r.text) for r in case.responses]
        assert places == sorted(places)
