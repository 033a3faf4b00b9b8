"""Rubric files: this project's own forms, autorubric's, PaperBench's, and a rubric inside a case or a wrapper."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from criterial.core.criterion import Criterion
from criterial.core.rubric import Node, Policy, Rubric
from criterial.core.scale import Choice, Level, Ordinal
from criterial.errors import FormatError
from criterial.formats.load import read_rubric
from tests.helpers_files import write

OWN = Rubric((Criterion("c1", "a"), Criterion("x", "b", weight=-2.0)))
LISTED = ["a", {"id": "x", "text": "b", "weight": -2}]
ASKED = [{"requirement": "Says so", "weight": 3}, {"name": "tone", "requirement": "Is kind", "weight": -1.5}]
MADE = [("c1", "Says so", 3.0, ()), ("tone", "Is kind", -1.5, ())]


@pytest.mark.parametrize(
    "given",
    [
        LISTED,
        {"criteria": LISTED},
        {"rubric": LISTED},
        {"rubric": {"criteria": LISTED}},
        {"id": "t", "prompt": "p", "rubric": LISTED, "responses": []},
    ],
    ids=["list", "object", "wrapped list", "wrapped object", "case"],
)
@pytest.mark.parametrize("ending", [".json", ".yaml"])
def test_own_rubrics_are_a_list_an_object_or_wrapped(given: Any, ending: str, tmp_path: Path) -> None:
    assert read_rubric(write(tmp_path, f"r{ending}", given)) == OWN


def told(rubric: Rubric) -> list[tuple[str, str, float, tuple[str, ...]]]:
    """Return what distinguishes simple criteria."""
    return [(c.id, c.text, c.weight, c.category) for c in rubric.criteria]


@pytest.mark.parametrize(
    ("given", "expected", "guidelines"),
    [
        (ASKED, MADE, ""),
        ({"criteria": ASKED, "guidelines": "Be fair"}, MADE, "Be fair"),
        ({"rubric": ASKED}, MADE, ""),
        ({"rubric": {"criteria": ASKED}, "guidelines": "outer"}, MADE, "outer"),
        ({"rubric": {"criteria": ASKED, "guidelines": "inner"}, "guidelines": "outer"}, MADE, "inner"),
        (
            {"sections": [{"name": "A", "criteria": ASKED[:1]}, {"title": "B", "criteria": ASKED[1:]}]},
            [("c1", "Says so", 3.0, ("A",)), ("tone", "Is kind", -1.5, ("B",))],
            "",
        ),
        ({"rubric": {"sections": [{"criteria": ASKED}]}}, MADE, ""),
    ],
    ids=["list", "criteria", "wrapped", "guidelines", "inner guidelines", "sections", "wrapped sections"],
)
@pytest.mark.parametrize("ending", [".json", ".yaml"])
def test_autorubrics_forms_are_recognised(given: Any, expected: Any, guidelines: str, ending: str, tmp_path: Path) -> None:
    rubric = read_rubric(write(tmp_path, f"r{ending}", given))
    assert told(rubric) == expected
    assert rubric.guidelines == guidelines
    assert rubric.source is not None
    assert rubric.source.by == "autorubric"


def test_autorubrics_names_by_place_run_on_over_sections(tmp_path: Path) -> None:
    one = {"requirement": "x"}
    rubric = read_rubric(write(tmp_path, "r.json", {"sections": [{"criteria": [one, one]}, {"criteria": [one]}]}))
    assert [c.id for c in rubric.criteria] == ["c1", "c2", "c3"]


@pytest.mark.parametrize(("kind", "made"), [(None, Ordinal), ("ordinal", Ordinal), ("nominal", Choice)])
def test_autorubrics_options_are_levels_without_the_one_for_not_applicable(kind: str | None, made: Any, tmp_path: Path) -> None:
    options = [{"label": "poor", "value": 0.0}, {"label": "n/a", "na": True, "value": 0}, {"label": "fine", "value": 0.75}]
    criterion = {"requirement": "x", "options": options, **({"scale_type": kind} if kind else {})}
    rubric = read_rubric(write(tmp_path, "r.json", [criterion]))
    assert rubric.criteria[0].scale == made((Level("poor", credit=0.0), Level("fine", credit=0.75)))


def test_a_paperbench_tree_is_a_rubric(tmp_path: Path) -> None:
    leaf = {"id": "l", "requirements": "Leaf", "weight": 2, "sub_tasks": [], "task_category": "Code Development"}
    rubric = read_rubric(write(tmp_path, "r.json", {"id": "top", "requirements": "Top", "weight": 1, "sub_tasks": [leaf]}))
    assert rubric.tree == Node("top", "Top", 1.0, ("l",))
    assert rubric.policy == Policy("tree")
    assert told(rubric) == [("l", "Leaf", 2.0, ("Code Development",))]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (5, "expected a rubric"),
        ('"text"', "expected a rubric"),
        (None, "expected a rubric"),
        ({}, "needs a list of criteria"),
        ([], "at least one criterion"),
        ({"criteria": "x"}, "needs a list of criteria"),
        ({"rubric": None}, "expected a rubric"),
        ({"sections": []}, "needs a list of criteria"),
        ([{"requirement": "x"}, {"text": "y"}], "'requirement' is missing"),
        ([{"requirement": "x"}, 5], "expected a criterion"),
        ([{"requirement": "x", "weight": "heavy"}], "valid number"),
        ([{"requirement": 5}], "expected text"),
        ([{"requirement": "x", "options": [5]}], "option with label and value"),
        ({"rubric": {"sections": [{"criteria": [{"requirement": "x"}]}, {}]}}, "expected a list of criteria"),
    ],
    ids=str,
)
def test_what_is_no_rubric_is_refused_with_the_files_name(given: Any, says: str, tmp_path: Path) -> None:
    path = write(tmp_path, "r.json", given)
    with pytest.raises(FormatError, match=says) as caught:
        read_rubric(path)
    assert caught.value.file == str(path)


@pytest.mark.parametrize(
    "given",
    [
        {"sections": 5},
        {"sections": {"a": 1}},
        [{"requirement": "x", "options": [{"value": 1}, {"value": 0}]}],
        [{"requirement": "x", "options": 5}],
    ],
    ids=str,
)
def test_wrong_types_in_autorubrics_forms_are_format_errors(given: Any, tmp_path: Path) -> None:
    with pytest.raises(FormatError):
        read_rubric(write(tmp_path, "r.json", given))


@pytest.mark.parametrize(
    ("given", "path"),
    [
        pytest.param([{"requirement": "x"}, {}], "[1]", id="list"),
        pytest.param({"criteria": [{"requirement": "x"}, {}]}, "criteria[1]", id="criteria"),
        pytest.param({"rubric": {"criteria": [{"requirement": "x"}, {}]}}, "rubric.criteria[1]", id="wrapped"),
    ],
)
def test_a_fault_in_autorubrics_forms_is_found_by_its_path_and_line(given: Any, path: str, tmp_path: Path) -> None:
    file = write(tmp_path, "r.json", given)
    with pytest.raises(FormatError, match="'requirement' is missing") as caught:
        read_rubric(file)
    assert caught.value.path == path
    assert caught.value.line == 1 + file.read_text().split("{}")[0].count("\n")


def test_a_tree_too_deep_to_be_hashed_is_refused_or_hashed(tmp_path: Path) -> None:
    tree: dict[str, Any] = {"id": "leaf", "requirements": "x", "weight": 1, "sub_tasks": []}
    for i in range(400):
        tree = {"id": f"n{i}", "requirements": "x", "weight": 1, "sub_tasks": [tree]}
    path = tmp_path / "r.json"
    path.write_text(repr(tree).replace("'", '"'))
    try:
        rubric = read_rubric(path)
    except FormatError:
        return
    assert len(rubric.digest) == 64
