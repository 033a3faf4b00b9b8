"""criterial.formats.wildbench: one case a session, a response a model, and a layer for each judge with each version of its prompt."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from criterial.core.builder import table_of
from criterial.core.scale import Likert
from criterial.errors import FormatError
from criterial.formats.load import read_cases
from tests.formats.raw import raw
from tests.helpers_files import real, write

ROW = {"session_id": "s1", "model": "m", "judge": "j", "version": "v1", "score_1_10": 4, "output_chars": 452}


def test_the_scores_of_a_session_are_layers_of_one_case(tmp_path: Path) -> None:
    rows = [ROW, {**ROW, "version": "v2", "score_1_10": 10, "output_chars": 449}, {**ROW, "model": "n", "output_chars": None}]
    (made,) = read_cases(write(tmp_path, "w.jsonl", rows))
    assert [(r.id, r.system) for r in made.responses] == [("s1/m", "m"), ("s1/n", "n")]
    assert [(c.id, c.scale) for c in made.rubric.criteria] == [("score", Likert(10))]
    assert [(v.response, v.judge, v.value, v.reason) for v in made.verdicts] == [
        ("s1/m", "j/v1", 4.0, "output of 452 characters"),
        ("s1/m", "j/v2", 10.0, "output of 449 characters"),
        ("s1/n", "j/v1", 4.0, ""),
    ]
    assert [layer.judge for layer in table_of([made], made.verdicts).layers] == ["j/v1", "j/v2"]


@pytest.mark.parametrize(
    ("rows", "says", "path"),
    [
        ([{**ROW, "score_1_10": 0}], "1 to 10 was expected", "score_1_10"),
        ([{**ROW, "score_1_10": 4.5}], "1 to 10 was expected", "score_1_10"),
        ([{**ROW, "score_1_10": True}], "expected a number", "score_1_10"),
        ([{**ROW, "output_chars": "many"}], "expected a number or null", "output_chars"),
        ([{k: v for k, v in ROW.items() if k != "version"}], "'version' is missing", ""),
        ([ROW, {**ROW, "score_1_10": 5}], "two scores of 'j/v1'", "judge"),
    ],
)
def test_a_fault_is_told_with_line_and_path(rows: Any, says: str, path: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=says) as caught:
        read_cases(write(tmp_path, "w.jsonl", rows))
    assert (caught.value.line, caught.value.path) == (len(rows), path)


def test_the_real_set_keeps_every_score_of_every_judge() -> None:
    cases = read_cases(real("wildbench_scores"))
    told = Counter(
        (r["session_id"], r["model"], f"{r['judge']}/{r['version']}", float(r["score_1_10"])) for r in raw("wildbench_scores/scores")
    )
    systems = {r.id: r.system for c in cases for r in c.responses}
    assert Counter((v.task, systems[v.response], v.judge, v.value) for c in cases for v in c.verdicts) == told
    assert len(cases) == 683
