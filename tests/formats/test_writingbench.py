"""WritingBench: criteria on ten points, described in bands of two."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from criterial.core.scale import Likert, credit_of
from criterial.errors import FormatError
from criterial.formats.load import FORMATS, read_cases
from tests.helpers_files import real, write

NAME = "writingbench/queries.jsonl.gz"
BANDS = {"1-2": "none", "3-4": "little", "5-6": "some", "7-8": "much", "9-10": "all"}
CRITERION = {"name": "Tone", "criteria_description": "Sounds like a letter.", **BANDS}
LINE: dict[str, Any] = {"index": 3, "domain1": "Letters", "domain2": "", "lang": "en", "query": "Write to Ann.", "checklist": [CRITERION]}


def test_a_line_is_criteria_on_ten_points_with_the_band_of_each(tmp_path: Path) -> None:
    (made,) = read_cases(write(tmp_path, "c.jsonl", LINE))
    assert (made.task.id, made.task.messages[0].content, made.task.tags) == ("3", "Write to Ann.", ("domain1:Letters", "lang:en"))
    (criterion,) = made.rubric.criteria
    assert (criterion.id, criterion.title, criterion.text, criterion.weight) == ("c1", "Tone", "Tone: Sounds like a letter.", 1.0)
    described = ("none", "none", "little", "little", "some", "some", "much", "much", "all", "all")
    assert criterion.scale == Likert(10, described)
    assert [round(1 + 9 * credit_of(criterion.scale, point)) for point in range(1, 11)] == list(range(1, 11))


@pytest.mark.parametrize(
    ("line", "says", "path"),
    [
        ({**LINE, "checklist": [{k: v for k, v in CRITERION.items() if k != "5-6"}]}, "'5-6' is missing", "checklist[0]"),
        ({**LINE, "checklist": [{**CRITERION, "9-10": 5}]}, "expected text", "checklist[0].9-10"),
        ({**LINE, "checklist": [CRITERION, "x"]}, "expected an object", "checklist[1]"),
        ({**LINE, "checklist": []}, "at least one criterion", ""),
        ({**LINE, "query": ["x"]}, "expected text", "query"),
        ({**LINE, "lang": ["en"]}, "expected text or a number", "lang"),
    ],
)
def test_a_fault_is_found_by_its_path(line: Any, says: str, path: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=says) as caught:
        read_cases(write(tmp_path, "c.jsonl", line), format="writingbench")
    assert (caught.value.path, caught.value.line) == (path, 1)


def test_it_is_recognised_and_a_query_without_an_index_is_named_by_its_line(tmp_path: Path) -> None:
    assert [f.name for f in FORMATS.values() if f.matches(LINE)] == ["writingbench"]
    bare = {k: LINE[k] for k in ("query", "checklist")}
    assert [c.task.id for c in read_cases(write(tmp_path, "q.jsonl", [bare, bare]))] == ["q-1", "q-2"]


def test_the_real_set_has_five_criteria_a_query_and_every_band() -> None:
    cases = read_cases(real(NAME))
    with gzip.open(real(NAME), "rt", encoding="utf-8") as file:
        raw = [json.loads(line) for line in file]
    assert (len(cases), {len(c.rubric.criteria) for c in cases}) == (316, {5})
    assert sum("lang:en" in c.task.tags for c in cases) == 164
    for case, line in zip(cases, raw, strict=True):
        told = [(c["name"], *(c[band] for band in BANDS)) for c in line["checklist"]]
        assert [(c.title, *c.scale.anchors[::2]) for c in case.rubric.criteria if isinstance(c.scale, Likert)] == told
