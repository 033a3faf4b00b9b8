"""AuraOne rubrics: anchors give each scale its values, and nothing that is said is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from criterial.core.criterion import Source
from criterial.core.scale import Binary, Level, Likert, Numeric, Ordinal
from criterial.errors import FormatError
from criterial.formats.load import FORMATS, read_cases
from tests.helpers_files import write


def anchors(*values: Any) -> list[dict[str, Any]]:
    return [{"value": v, "label": f"at {v}"} for v in values]


def criterion(kind: str, *values: Any, **more: Any) -> dict[str, Any]:
    return {"criterion_id": kind, "label": kind.title(), "scale_type": kind, "weight": 0.25, "anchors": anchors(*values), **more}


FILE: dict[str, Any] = {
    "version": "auraone-rubric-v1",
    "rubric_id": "own",
    "label": "Own rubric",
    "tie_break_rule": "manual_review",
    "judge_prompt_contract": {"instruction": "Be fair.", "output_format": "json", "required_fields": ["score"]},
    "provenance": {"source": "here", "created_by": "Bo", "created_at": "2026-01-01", "synthetic": True},
    "criteria": [
        criterion("binary", 0, 1, description="Is it right?", examples=["x"]),
        criterion("ordinal", 4, 0, 1),
        criterion("likert", 1, 2, 3),
        criterion("continuous", "0", 2.5),
    ],
}


@pytest.mark.parametrize("name", ["r.json", "r.yaml"])
def test_each_scale_has_the_values_of_its_anchors(name: str, tmp_path: Path) -> None:
    (made,) = read_cases(write(tmp_path, name, FILE))
    binary, ordinal, likert, continuous = made.rubric.criteria
    assert (binary.id, binary.title, binary.text, binary.weight) == ("binary", "Binary", "Is it right?\n0: at 0\n1: at 1", 0.25)
    assert (binary.scale, binary.source) == (Binary(), Source("rubric-spec", note='examples: ["x"]'))
    assert ordinal.scale == Ordinal((Level("0", "at 0", 0.0), Level("1", "at 1", 0.25), Level("4", "at 4", 1.0)))
    assert (ordinal.text, likert.scale, likert.text) == ("Ordinal", Likert(3, ("at 1", "at 2", "at 3")), "Likert")
    assert (continuous.scale, continuous.text) == (Numeric(0.0, 2.5), "Continuous\n0: at 0\n2.5: at 2.5")
    assert (made.rubric.id, made.rubric.title, made.rubric.guidelines) == ("own", "Own rubric", "Be fair.")
    assert made.rubric.source is not None and made.rubric.source.by == "Bo"
    assert "manual_review" in made.rubric.source.note and '"synthetic": true' in made.rubric.source.note


def test_a_likert_scale_with_anchors_at_its_ends_has_all_points_between(tmp_path: Path) -> None:
    (made,) = read_cases(write(tmp_path, "r.json", {**FILE, "criteria": [criterion("likert", 1, 5)]}))
    assert (made.rubric.criteria[0].scale, made.rubric.criteria[0].text) == (Likert(5), "Likert\n1: at 1\n5: at 5")


@pytest.mark.parametrize(
    ("change", "says", "path"),
    [
        ({"version": "2"}, "the version is '2'", "version"),
        ({"criteria": [criterion("binary", 0, 2)]}, "the anchors 0 and 1", "criteria[0].anchors"),
        ({"criteria": [criterion("stars", 0, 1)]}, "no scale_type 'stars'", "criteria[0].scale_type"),
        ({"criteria": [criterion("ordinal", 1)]}, "at least two anchors", "criteria[0].anchors"),
        ({"criteria": [criterion("ordinal", 1, 1.0)]}, "at least two anchors", "criteria[0].anchors"),
        ({"criteria": [criterion("ordinal", "low", 1)]}, "expected a number, found 'low'", "criteria[0].anchors[0].value"),
        ({"criteria": [criterion("binary", 0, 1, weight=0)]}, "it is more than 0", "criteria[0].weight"),
        ({"criteria": [criterion("binary", 0, 1, weight=True)]}, "expected a number", "criteria[0].weight"),
        ({"criteria": [criterion("binary", 0, 1)] * 2}, "'binary' occurs twice", "criteria[1].id"),
        ({"criteria": [{"label": "x"}]}, "'criterion_id' is missing", "criteria[0]"),
        ({"provenance": "me"}, "expected an object or null", "provenance"),
        ({"rubric_id": None}, "expected text or a number", "rubric_id"),
    ],
)
def test_a_fault_is_found_by_its_path(change: dict[str, Any], says: str, path: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=says) as caught:
        read_cases(write(tmp_path, "c.json", {**FILE, **change}), format="rubric_spec")
    assert caught.value.path == path
    assert caught.value.line is not None


def test_it_is_recognised() -> None:
    assert [f.name for f in FORMATS.values() if f.matches(FILE)] == ["rubric_spec"]
