"""criterial.formats.frank: one case an article, a response a system, and shares of sentences without each kind of error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from criterial.core.builder import table_of
from criterial.errors import FormatError
from criterial.formats.load import read_cases
from criterial.score.scoring import score
from tests.formats.raw import raw
from tests.helpers_files import real, write

KINDS = "Semantic_Frame_Errors RelE EntE CircE Discourse_Errors CorefE LinkE Content_Verifiability_Errors OutE GramE Other".split()
ROW = {"hash": "h1", "model_name": "m", "dataset": "own", "split": "test", "Factuality": 0.5, **dict.fromkeys(KINDS, 1.0), "OutE": 0.5}


def test_factuality_is_the_score_and_the_kinds_stand_beside_it(tmp_path: Path) -> None:
    (made,) = read_cases(write(tmp_path, "f.jsonl", [ROW, {**ROW, "model_name": "n", "Factuality": 1.0}]))
    assert (made.task.id, made.task.tags) == ("h1", ("dataset:own", "split:test"))
    assert [(r.id, r.system) for r in made.responses] == [("h1/m", "m"), ("h1/n", "n")]
    assert [(c.id, c.weight) for c in made.rubric.criteria] == [("Factuality", 1.0), *((k, 0.0) for k in KINDS)]
    assert {v.criterion: v.value for v in made.verdicts if v.response == "h1/m"} == {k: ROW[k] for k in ("Factuality", *KINDS)}
    assert [s.value for s in score(table_of([made], made.verdicts))] == [0.5, 1.0]


@pytest.mark.parametrize(
    ("rows", "says", "path"),
    [
        ([{**ROW, "OutE": 1.5}], "0 to 1 was expected", "OutE"),
        ([{**ROW, "RelE": "1"}], "expected a number", "RelE"),
        ([{k: v for k, v in ROW.items() if k != "GramE"}], "'GramE' is missing", ""),
        ([{k: v for k, v in ROW.items() if k != "split"}], "'split' is missing", ""),
        ([ROW, ROW], "two summaries of 'm'", "model_name"),
    ],
)
def test_a_fault_is_told_with_line_and_path(rows: Any, says: str, path: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=says) as caught:
        read_cases(write(tmp_path, "f.jsonl", rows))
    assert (caught.value.line, caught.value.path) == (len(rows), path)


def test_the_real_set_keeps_every_share_and_scores_by_factuality() -> None:
    rows = {f"{r['hash']}/{r['model_name']}": r for r in raw("frank/human_annotations")}
    cases = read_cases(real("frank/human_annotations.jsonl.gz"))
    assert {(v.response, v.criterion): v.value for c in cases for v in c.verdicts} == {
        (name, kind): row[kind] for name, row in rows.items() for kind in ("Factuality", *KINDS)
    }
    scores = score(table_of(cases, [v for c in cases for v in c.verdicts]))
    assert {s.response: s.value for s in scores} == {name: row["Factuality"] for name, row in rows.items()}


def test_a_share_without_one_kind_of_error_is_never_below_the_share_without_any() -> None:
    for row in raw("frank/human_annotations"):
        assert all(row["Factuality"] <= row[kind] + 1e-6 for kind in KINDS)
