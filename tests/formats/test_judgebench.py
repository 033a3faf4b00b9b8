"""criterial.formats.judgebench: pairs of which one is right, in an order that does not tell which."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from criterial.errors import FormatError
from criterial.formats.load import FORMATS
from criterial.formats.pairs import read_preferences
from tests.formats.raw import raw, winner
from tests.helpers_files import real, write

ROW = {
    "question_id": "q1",
    "query_type": "law",
    "prompt": "What is it?",
    "chosen": "This.",
    "rejected": "That.",
    "response_model": "m",
    "source": "gpt",
}


@pytest.mark.parametrize(("identity", "order"), [("q1", ["chosen", "rejected"]), ("q4", ["rejected", "chosen"])])
def test_the_right_answer_wins_in_either_order(identity: str, order: list[str], tmp_path: Path) -> None:
    ((made,), (said,)) = read_preferences(write(tmp_path, "j.jsonl", {**ROW, "question_id": identity}))
    assert (made.task.id, made.task.messages[0].content, made.task.tags) == (identity, "What is it?", ("query_type:law", "source:gpt"))
    assert [(r.id, r.system, r.text) for r in made.responses] == [(f"{identity}/{k}", "m", ROW[k]) for k in order]
    assert (said.judge, winner(said)) == ("answer key", f"{identity}/chosen")


@pytest.mark.parametrize(("change", "path"), [({"chosen": None}, "chosen"), ({"prompt": 3}, "prompt"), ({"query_type": []}, "query_type")])
def test_a_fault_is_told_with_line_and_path(change: Any, path: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="expected") as caught:
        read_preferences(write(tmp_path, "j.jsonl", [ROW, {**ROW, "question_id": "q2", **change}]))
    assert (caught.value.line, caught.value.path) == (2, path)


def test_only_this_format_takes_its_lines() -> None:
    assert [f.name for f in FORMATS.values() if f.matches(ROW)] == ["judgebench"]


def test_the_real_set_has_every_right_answer_winning_and_no_order_that_tells_it() -> None:
    cases, found = read_preferences(real("judgebench"))
    rows = {r["question_id"]: r for r in raw("judgebench/pairs")}
    assert len(cases) == len(found) == len(rows) == 348
    texts = {r.id: r.text for c in cases for r in c.responses}
    assert all(texts[winner(said)] == rows[said.task]["chosen"] for said in found)
    first = sum(c.responses[0].id.endswith("chosen") for c in cases)
    assert abs(first - 174) < 3 * (348 / 4) ** 0.5
    assert Counter(t for c in cases for t in c.task.tags if t.startswith("source:")) == {"source:gpt": 199, "source:claude": 149}
