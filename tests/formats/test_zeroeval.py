"""criterial.formats.zeroeval: a case an item, a response a model, and whether it was right."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from criterial.core.builder import table_of
from criterial.errors import FormatError
from criterial.formats.load import FORMATS, read_cases
from criterial.score.scoring import score
from criterial.score.systems import system_scores
from tests.formats.raw import raw
from tests.helpers_files import real, write

ROW = {"item_id": "i1", "model": "m", "correct": 1, "output_chars": 12}
ITEM = {"item_id": "i1", "question": "1 + 1?", "answer": "2"}


def test_the_questions_come_from_the_file_beside(tmp_path: Path) -> None:
    write(tmp_path, "sums.items.jsonl", ITEM)
    rows = [ROW, {**ROW, "model": "n", "correct": 0, "output_chars": None}, {**ROW, "item_id": "i2"}]
    one, two = read_cases(write(tmp_path, "sums.responses.jsonl", rows))
    assert (one.task.id, one.task.messages[0].content, one.task.references, one.task.tags) == (
        "sums/i1",
        "1 + 1?",
        ("2",),
        ("benchmark:sums",),
    )
    assert [(r.id, r.system) for r in one.responses] == [("sums/i1/m", "m"), ("sums/i1/n", "n")]
    assert [(v.response, v.value, v.judge, v.reason) for v in one.verdicts] == [
        ("sums/i1/m", 1.0, "answer key", "output of 12 characters"),
        ("sums/i1/n", 0.0, "answer key", ""),
    ]
    assert (two.task.id, two.task.references) == ("sums/i2", ())


def test_a_folder_holds_several_benchmarks(tmp_path: Path) -> None:
    write(tmp_path, "sums.responses.jsonl", ROW)
    write(tmp_path, "words.responses.jsonl", ROW)
    write(tmp_path, "words.published.json", [{"model": "m", "published_accuracy": 100}])
    assert [c.task.id for c in read_cases(tmp_path)] == ["sums/i1", "words/i1"]


@pytest.mark.parametrize(
    ("change", "says", "path"),
    [
        ({"item_id": "i1"}, "two marks of model 'm' on item 'i1'", "model"),
        ({"correct": 2}, "expected 0 or 1, found 2", "correct"),
        ({"correct": "yes"}, "expected a number", "correct"),
        ({"model": None}, "expected text", "model"),
        ({"output_chars": "many"}, "expected a number or null", "output_chars"),
    ],
)
def test_a_fault_is_told_with_line_and_path(change: Any, says: str, path: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=says) as caught:
        read_cases(write(tmp_path, "z.jsonl", [ROW, {**ROW, "item_id": "i2", **change}]))
    assert (caught.value.line, caught.value.path) == (2, path)


def test_only_this_format_takes_its_lines() -> None:
    assert [f.name for f in FORMATS.values() if f.matches(ROW)] == ["zeroeval"]


def test_the_real_set_gives_every_models_accuracy() -> None:
    cases = read_cases(real("zeroeval_matrix"))
    marks: dict[str, list[int]] = defaultdict(list)
    for name in ("crux", "gsm", "math-l5"):
        for row in raw(f"zeroeval_matrix/{name}.responses"):
            marks[row["model"]].append(row["correct"])
    found = system_scores(score(table_of(cases, [v for c in cases for v in c.verdicts])))
    assert {s.system: s.mean.value for s in found} == pytest.approx({m: sum(v) / len(v) for m, v in marks.items()})
    assert (len(cases), sum(len(c.responses) for c in cases)) == (1836, 70257)
    assert all(c.task.references for c in cases)
