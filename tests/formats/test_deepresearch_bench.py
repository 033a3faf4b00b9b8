"""DeepResearch Bench: weights of two levels, of which the tree gives the benchmark's weighted mark."""

from __future__ import annotations

import gzip
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from criterial.core.builder import table_of
from criterial.core.criterion import Source
from criterial.core.rubric import Node, Policy
from criterial.core.scale import Numeric
from criterial.core.verdict import Verdict
from criterial.errors import FormatError
from criterial.formats.load import FORMATS, read_cases
from criterial.score.scoring import score
from tests.helpers_files import answer, real, write

NAME = "deepresearch_bench/criteria.jsonl.gz"
LINE: dict[str, Any] = {
    "id": 7,
    "prompt": "Compare two bridges.",
    "dimension_weight": {"insight": 0.75, "readability": 0.25},
    "criterions": {
        "insight": [
            {"criterion": "Causes", "explanation": "Says why they differ.", "weight": 0.6},
            {"criterion": "Costs", "explanation": "Names both prices.", "weight": 0.4, "comment": "rare"},
        ],
        "readability": [{"criterion": "Is short", "explanation": "", "weight": 1}],
    },
}


def changed(**changes: Any) -> dict[str, Any]:
    return {**LINE, **changes}


def test_a_line_is_a_tree_of_dimensions_and_criteria(tmp_path: Path) -> None:
    (made,) = read_cases(write(tmp_path, "c.jsonl", LINE))
    assert (made.task.id, made.task.messages[0].content, made.responses) == ("7", "Compare two bridges.", ())
    assert made.rubric.tree == Node(
        "task 7",
        children=(Node("insight", "", 0.75, ("insight-1", "insight-2")), Node("readability", "", 0.25, ("readability-1",))),
    )
    assert made.rubric.policy == Policy("tree")
    first, second, third = made.rubric.criteria
    assert (first.title, first.text, first.weight, first.category) == ("Causes", "Causes: Says why they differ.", 0.6, ("insight",))
    assert (first.scale, first.source) == (Numeric(0.0, 10.0), None)
    assert (second.weight, second.source) == (0.4, Source("DeepResearch Bench", note="comment: rare"))
    assert (third.text, third.weight) == ("Is short", 1.0)


def test_the_score_is_the_weighted_mark_over_ten(tmp_path: Path) -> None:
    (made,) = read_cases(write(tmp_path, "c.jsonl", LINE))
    answered = replace(made, responses=(answer(),))
    marks = {"insight-1": 8.0, "insight-2": 3.0, "readability-1": 6.5}
    (scored,) = score(table_of([answered], [Verdict("r", c, value=v, judge="j", task="7") for c, v in marks.items()]))
    assert scored.value == pytest.approx((0.75 * (0.6 * 8 + 0.4 * 3) + 0.25 * 6.5) / 10, abs=1e-12)


@pytest.mark.parametrize(
    ("line", "says", "path"),
    [
        (changed(criterions={**LINE["criterions"], "depth": []}), "'depth' is not in both", "criterions"),
        (changed(dimension_weight={"insight": 1}), "'readability' is not in both", "criterions"),
        (changed(dimension_weight={"insight": "1", "readability": 0}), "expected a number", "dimension_weight.insight"),
        (changed(dimension_weight={"insight": -1, "readability": 2}), "0 or more", "tree"),
        (changed(criterions={**LINE["criterions"], "insight": []}), "has no children", "tree"),
        (changed(criterions={**LINE["criterions"], "insight": ["x"]}), "expected an object", "criterions.insight[0]"),
        (
            changed(criterions={**LINE["criterions"], "readability": [{"criterion": "x"}]}),
            "'weight' is missing",
            "criterions.readability[0]",
        ),
        ({k: v for k, v in LINE.items() if k != "prompt"}, "'prompt' is missing", ""),
        ({k: v for k, v in LINE.items() if k != "id"}, "'id' is missing", ""),
    ],
)
def test_a_fault_is_found_by_its_path_and_line(line: Any, says: str, path: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=says) as caught:
        read_cases(write(tmp_path, "c.jsonl", [changed(id=1), line]))
    assert (caught.value.path, caught.value.line) == (path, 2)


def test_two_tasks_of_one_id_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="'7' occurs twice"):
        read_cases(write(tmp_path, "c.jsonl", [LINE, LINE]))


def test_it_is_recognised_and_nothing_else_is(tmp_path: Path) -> None:
    assert [f.name for f in FORMATS.values() if f.matches(LINE)] == ["deepresearch_bench"]
    assert not FORMATS["deepresearch_bench"].matches({"criterions": {}})


def test_the_real_set_has_weights_of_one_at_both_levels_and_loses_none() -> None:
    cases = read_cases(real(NAME))
    with gzip.open(real(NAME), "rt", encoding="utf-8") as file:
        raw = [json.loads(line) for line in file]
    assert (len(cases), sum(len(c.rubric.criteria) for c in cases)) == (57, 1439)
    for case, line in zip(cases, raw, strict=True):
        by_id = {c.id: c for c in case.rubric.criteria}
        assert case.rubric.tree is not None
        nodes = [n for n in case.rubric.tree.children if isinstance(n, Node)]
        assert {n.id: n.weight for n in nodes} == line["dimension_weight"]
        assert math.isclose(sum(n.weight for n in nodes), 1.0, abs_tol=1e-9)
        for node in nodes:
            leaves = [by_id[str(child)] for child in node.children]
            assert [(c.title, c.weight) for c in leaves] == [(c["criterion"], c["weight"]) for c in line["criterions"][node.id]]
            assert math.isclose(sum(c.weight for c in leaves), 1.0, abs_tol=1e-9)
