"""RuscaRL and RubricHub: rows for verl with signed points, and copies of them that must agree."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from criterial.core.task import Message
from criterial.errors import FormatError
from criterial.formats.load import FORMATS, read_cases
from tests.helpers_files import write

RUBRICS: list[dict[str, Any]] = [
    {"criterion": "Asks about fever", "points": 5},
    {"criterion": "Names a drug", "points": -6, "tags": None},
    {
        "criterion": "Has 42",
        "points": 10,
        "tags": {"verifier": "rule", "function": "math_verify", "parameters": {"answer": "42"}},
    },
    {"criterion": "Is kind", "points": 1, "tags": {"verifier": "llm"}},
    {"criterion": "Is short", "points": 1, "tags": ["axis:style"]},
]
LINE: dict[str, Any] = {
    "prompt": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes?"}, {"role": "user", "content": "It aches."}],
    "data_source": "own",
    "ability": "chat",
    "reward_model": {"style": "rubric", "rubrics": RUBRICS, "ground_truth": ""},
    "extra_info": {"index": 9, "prompt": "copy", "reward_model": {"rubrics": RUBRICS}},
}


def test_a_row_is_a_conversation_with_signed_criteria(tmp_path: Path) -> None:
    (made,) = read_cases(write(tmp_path, "c.jsonl", LINE))
    assert (made.task.id, made.task.tags, made.task.references) == ("9", ("data_source:own", "ability:chat"), ())
    assert made.task.messages[1:] == (Message("assistant", "Yes?"), Message("user", "It aches."))
    assert [(c.text, c.weight, c.kind) for c in made.rubric.criteria] == [
        ("Asks about fever", 5.0, None),
        ("Names a drug", -6.0, None),
        ("Has 42", 10.0, "rule"),
        ("Is kind", 1.0, None),
        ("Is short", 1.0, None),
    ]
    assert [c.tags for c in made.rubric.criteria[2:]] == [
        ("verifier:rule", "function:math_verify", 'parameters:{"answer": "42"}'),
        ("verifier:llm",),
        ("axis:style",),
    ]
    assert all(c.check is None for c in made.rubric.criteria)


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "Hi", "reward_model": {"rubrics": RUBRICS[:1], "ground_truth": "Yes"}},
        {"prompt": "Hi", "reward_model": {"rubrics": RUBRICS[:1], "ground_truth": ["Yes"]}, "Rubrics": RUBRICS[:1]},
        {"prompt": "Hi", "reward_model": {"rubrics": RUBRICS[:1], "ground_truth": "Yes"}, "extra_info": {"reward_model": "as above"}},
    ],
)
def test_what_is_not_there_is_left_out(row: dict[str, Any], tmp_path: Path) -> None:
    (made,) = read_cases(write(tmp_path, "c.jsonl", row))
    assert (made.task.id, made.task.references, len(made.rubric.criteria)) == ("c-1", ("Yes",), 1)


def test_rubrics_may_stand_in_the_extra_information_alone(tmp_path: Path) -> None:
    row = {"prompt": "Hi", "reward_model": {"style": "rubric"}, "extra_info": {"rubrics": RUBRICS}}
    assert len(read_cases(write(tmp_path, "c.jsonl", row), format="rusca")[0].rubric.criteria) == 5


@pytest.mark.parametrize(
    ("changes", "says", "path"),
    [
        (
            {"extra_info": {"reward_model": {"rubrics": RUBRICS[:2]}}},
            "differ from those at reward_model.rubrics",
            "extra_info.reward_model.rubrics",
        ),
        ({"Rubrics": [{**RUBRICS[0], "points": 4}]}, "differ from those", "Rubrics"),
        ({"reward_model": {"rubrics": [{"criterion": "x"}]}, "extra_info": None}, "'points' is missing", "reward_model.rubrics[0]"),
        (
            {"reward_model": {"rubrics": [{"criterion": "x", "points": 1, "tags": "y"}]}, "extra_info": None},
            "expected an object or a list",
            "reward_model.rubrics[0].tags",
        ),
        ({"reward_model": {}, "extra_info": {}}, "no rubrics in the row", "reward_model"),
        ({"reward_model": {"rubrics": {}}, "extra_info": None}, "expected a list", "reward_model.rubrics"),
        ({"prompt": None}, "expected a text or a list of messages", "prompt"),
        ({"prompt": [{"role": "judge", "content": "x"}]}, "no role 'judge'", "prompt[0].role"),
    ],
)
def test_a_fault_is_found_by_its_path(changes: dict[str, Any], says: str, path: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=says) as caught:
        read_cases(write(tmp_path, "c.jsonl", [LINE, {**LINE, **changes}]))
    assert (caught.value.path, caught.value.line) == (path, 2)


def test_it_is_recognised_in_parquet_too_where_absent_keys_are_null(tmp_path: Path) -> None:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    assert [f.name for f in FORMATS.values() if f.matches(LINE)] == ["rusca"]
    rubrics = RUBRICS[:4]
    row = {**LINE, "reward_model": {"rubrics": rubrics}, "extra_info": {"index": 9, "reward_model": {"rubrics": rubrics}}}
    pq.write_table(pa.Table.from_pylist([row]), tmp_path / "c.parquet")
    (made,) = read_cases(tmp_path / "c.parquet")
    assert made == read_cases(write(tmp_path, "c.jsonl", row))[0]
