"""criterial.formats.bigbench_mistake: a criterion a step up to the first wrong one, and one for the answer."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from criterial.core.builder import table_of
from criterial.errors import FormatError
from criterial.formats.load import FORMATS, read_cases
from tests.formats.raw import raw
from tests.helpers_files import real, write

ROW = {
    "item_id": "sums-1",
    "task": "sums",
    "input": "1 + 1 + 1 =",
    "steps": ["1 + 1 = 3", "3 + 1 = 4", "So it is 4"],
    "answer": "4",
    "target": "3",
    "mistake_index": 1,
}


def marks(row: Any, where: Path) -> list[tuple[str, float | None, str, str]]:
    """Return criterion, value, judge and reason of each verdict of a row."""
    (made,) = read_cases(write(where, "b.jsonl", row))
    return [(v.criterion, v.value, v.judge, v.reason) for v in made.verdicts]


def test_each_step_is_a_turn_and_those_after_the_first_wrong_one_have_no_verdict(tmp_path: Path) -> None:
    (made,) = read_cases(write(tmp_path, "b.jsonl", ROW))
    assert (made.task.id, made.task.messages[0].content, made.task.references, made.task.tags) == (
        "sums-1",
        "1 + 1 + 1 =",
        ("3",),
        ("task:sums",),
    )
    (response,) = made.responses
    assert (response.id, [(m.role, m.content) for m in response.messages]) == (
        "sums-1/trace",
        [("assistant", "1 + 1 = 3"), ("assistant", "3 + 1 = 4"), ("assistant", "So it is 4")],
    )
    assert [(c.id, c.text, c.scope, c.turn) for c in made.rubric.criteria] == [
        ("step-1", "This step is right, given the steps before it.", "turn", 0),
        ("step-2", "This step is right, given the steps before it.", "turn", 1),
        ("step-3", "This step is right, given the steps before it.", "turn", 2),
        ("answer", "The final answer is right.", "response", None),
    ]
    assert marks(ROW, tmp_path) == [
        ("step-1", 1.0, "human", ""),
        ("step-2", 0.0, "human", ""),
        ("answer", 0.0, "target", "the answer is '4'"),
    ]


def test_a_trace_without_a_mistake_has_a_verdict_on_each_step(tmp_path: Path) -> None:
    assert [m[:2] for m in marks({**ROW, "mistake_index": None, "target": "4"}, tmp_path)] == [
        ("step-1", 1.0),
        ("step-2", 1.0),
        ("step-3", 1.0),
        ("answer", 1.0),
    ]


def test_an_answer_that_is_not_there_is_wrong(tmp_path: Path) -> None:
    assert marks({**ROW, "answer": None}, tmp_path)[-1] == ("answer", 0.0, "target", "there is no answer")


def test_traces_of_one_length_share_a_rubric(tmp_path: Path) -> None:
    one, two, longer = read_cases(
        write(tmp_path, "b.jsonl", [ROW, {**ROW, "item_id": "sums-2"}, {**ROW, "item_id": "sums-3", "steps": [*ROW["steps"], "x"]}])
    )
    assert one.rubric is two.rubric
    assert len(longer.rubric.criteria) == 5


@pytest.mark.parametrize(
    ("change", "says", "path"),
    [
        ({"mistake_index": 3}, "from 0 and below 3, found 3", "mistake_index"),
        ({"mistake_index": -1}, "from 0 and below 3, found -1", "mistake_index"),
        ({"mistake_index": 1.0}, "expected a number or null", "mistake_index"),
        ({"mistake_index": True}, "expected a number or null", "mistake_index"),
        ({"steps": []}, "at least one step", "steps"),
        ({"steps": ["x", None]}, "expected text", "steps[1]"),
        ({"answer": 4}, "expected text or null", "answer"),
        ({"target": None}, "expected text", "target"),
        ({"input": None}, "expected text", "input"),
        ({"task": 5}, "expected text", "task"),
        ({"item_id": None}, "expected text or a number", "item_id"),
    ],
)
def test_a_fault_is_told_with_line_and_path(change: Any, says: str, path: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=says) as caught:
        read_cases(write(tmp_path, "b.jsonl", [ROW, {**ROW, "item_id": "sums-2", **change}]))
    assert (caught.value.line, caught.value.path) == (2, path)


def test_the_real_set_has_each_first_mistake_where_the_raw_lines_have_it() -> None:
    cases = read_cases(real("bigbench_mistake"))
    rows = {r["item_id"]: r for r in raw("bigbench_mistake/traces")}
    assert {c.task.id: [m.content for m in c.responses[0].messages] for c in cases} == {i: r["steps"] for i, r in rows.items()}
    for case in cases:
        row = rows[case.task.id]
        *steps, answer = case.verdicts
        assert [v.criterion for v in steps] == [f"step-{n}" for n in range(1, len(steps) + 1)]
        values = [v.value for v in steps]
        assert (values.index(0.0) if 0.0 in values else None) == row["mistake_index"]
        assert len(steps) == (len(row["steps"]) if row["mistake_index"] is None else row["mistake_index"] + 1)
        assert (answer.criterion, answer.judge, answer.value == 1.0) == ("answer", "target", row["answer"] == row["target"])
    right = Counter((all(v.value for v in c.verdicts[:-1]), bool(c.verdicts[-1].value)) for c in cases)
    assert right == {(True, True): 274, (True, False): 19, (False, True): 136, (False, False): 886}
    table = table_of(cases, [v for c in cases for v in c.verdicts])
    assert (len(cases), len(table.rubrics), sum(len(c.verdicts) for c in cases)) == (1315, 62, 11_666)


def test_the_real_file_fits_no_other_format() -> None:
    first = raw("bigbench_mistake/traces")[0]
    assert [f.name for f in FORMATS.values() if f.matches(first)] == ["bigbench_mistake"]
