"""ProfBench: weights by their words, and people's marks as verdicts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from criterial.core.builder import table_of
from criterial.errors import FormatError
from criterial.formats.load import FORMATS, read_cases
from criterial.score.scoring import score
from tests.helpers_files import write

LINE: dict[str, Any] = {
    "task_id": "Chem-0",
    "domain": "Chemistry PhD",
    "prompt": "Report on it.",
    "rubrics": [
        {
            "criterion_description": "States the yield.",
            "criterion_type": ["Extraction (recall)", "Reasoning"],
            "criterion_weight": "Critical",
            "o3_fulfilment": True,
            "grok4_fulfilment": False,
        },
        {"criterion_description": "Is tidy.", "criterion_type": "Style", "criterion_weight": "Additional", "o3_fulfilment": False},
        {"criterion_description": "Is odd.", "criterion_weight": 2.5, "o3_fulfilment": None, "grok4_fulfilment": True},
    ],
    "o3_response": "It is 9.",
    "grok4_response": "Well.",
    "r1-0528_response": None,
}


def test_a_task_has_weighted_criteria_and_peoples_marks(tmp_path: Path) -> None:
    (made,) = read_cases(write(tmp_path, "c.jsonl", LINE))
    assert (made.task.id, made.task.tags) == ("Chem-0", ("domain:Chemistry PhD",))
    assert [(c.text, c.weight, c.tier, c.category) for c in made.rubric.criteria] == [
        ("States the yield.", 4.0, "Critical", ("Extraction (recall)",)),
        ("Is tidy.", 1.0, "Additional", ("Style",)),
        ("Is odd.", 2.5, "", ()),
    ]
    assert made.rubric.criteria[0].tags == ("type:Extraction (recall)", "type:Reasoning")
    assert [(r.id, r.system, r.text) for r in made.responses] == [("Chem-0/o3", "o3", "It is 9."), ("Chem-0/grok4", "grok4", "Well.")]
    assert [(v.response, v.criterion, v.value, v.judge) for v in made.verdicts] == [
        ("Chem-0/o3", "c1", 1.0, "human"),
        ("Chem-0/o3", "c2", 0.0, "human"),
        ("Chem-0/grok4", "c1", 0.0, "human"),
        ("Chem-0/grok4", "c3", 1.0, "human"),
    ]


def test_the_score_is_the_share_of_weights_that_are_fulfilled(tmp_path: Path) -> None:
    (made,) = read_cases(
        write(tmp_path, "c.jsonl", {**LINE, "rubrics": LINE["rubrics"][:1] * 2 + [{**LINE["rubrics"][1], "grok4_fulfilment": True}]})
    )
    o3, grok4 = score(table_of([made], made.verdicts))
    assert (o3.value, grok4.value) == (pytest.approx(8 / 9), pytest.approx(1 / 9))


def changed(**changes: Any) -> dict[str, Any]:
    return {**LINE, "rubrics": [{**LINE["rubrics"][0], **changes}]}


@pytest.mark.parametrize(
    ("line", "says", "path"),
    [
        (changed(criterion_weight="Huge"), "no weight 'Huge'", "rubrics[0].criterion_weight"),
        (changed(criterion_weight=None), "expected text or a number", "rubrics[0].criterion_weight"),
        (changed(o3_fulfilment="yes"), "expected true or false or null", "rubrics[0].o3_fulfilment"),
        (changed(o3_fulfilment=1), "expected true or false or null", "rubrics[0].o3_fulfilment"),
        (changed(**{"r1-0528_fulfilment": True}), "of which there is no response", "rubrics[0].r1-0528_fulfilment"),
        (changed(criterion_type=[5]), "expected text", "rubrics[0].criterion_type[0]"),
        (changed(criterion_description=""), "has no text", "rubrics[0]"),
        ({**LINE, "o3_response": ["x"]}, "expected text or null", "o3_response"),
        ({k: v for k, v in LINE.items() if k != "task_id"}, "'task_id' is missing", ""),
    ],
)
def test_a_fault_is_found_by_its_path(line: Any, says: str, path: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=says) as caught:
        read_cases(write(tmp_path, "c.jsonl", [{**LINE, "task_id": "other"}, line]))
    assert (caught.value.path, caught.value.line) == (path, 2)


def test_it_is_recognised() -> None:
    assert [f.name for f in FORMATS.values() if f.matches(LINE)] == ["profbench"]
