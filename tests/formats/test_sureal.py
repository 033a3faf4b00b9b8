"""criterial.formats.sureal: one case a source content of a data set, a response a condition, a judge a subject."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from criterial.core.builder import table_of
from criterial.core.scale import Likert, Numeric
from criterial.errors import FormatError
from criterial.formats.load import FORMATS, read_cases
from criterial.score.cells import cells_of
from tests.formats.raw import raw
from tests.helpers_files import real, write

MARKS = {"dataset": "D", "asset_id": 3, "content": "Bunny", "condition": "Bunny_20_288.yuv", "votes": [1.0, 4]}
DIFFERENCES = {
    "dataset": "E",
    "asset_id": 0,
    "content": 1.0,
    "condition": "1.0_2.0",
    "differential_votes": {"101": 33.5, "102": None, "103": -100},
}


def test_the_marks_of_a_condition_are_verdicts_of_its_subjects(tmp_path: Path) -> None:
    rows = [MARKS, {**MARKS, "content": "Fox", "condition": "other", "votes": [5]}, {**MARKS, "condition": "Bunny_25fps.yuv", "votes": [2]}]
    one, two = read_cases(write(tmp_path, "v.jsonl", rows))
    assert (one.task.id, two.task.id, one.task.tags) == ("D/Bunny", "D/Fox", ("dataset:D",))
    assert [(r.id, r.system, r.tags) for r in one.responses] == [
        ("D/Bunny_20_288.yuv", "20_288.yuv", ("asset:3",)),
        ("D/Bunny_25fps.yuv", "25fps.yuv", ("asset:3",)),
    ]
    assert [(r.id, r.system) for r in two.responses] == [("D/other", "other")]
    (criterion,) = one.rubric.criteria
    assert (criterion.id, criterion.scale) == ("quality", Likert(5, ("bad", "poor", "fair", "good", "excellent")))
    assert [(v.response, v.criterion, v.judge, v.value, v.task) for v in one.verdicts] == [
        ("D/Bunny_20_288.yuv", "quality", "D/subject-1", 1.0, "D/Bunny"),
        ("D/Bunny_20_288.yuv", "quality", "D/subject-2", 4.0, "D/Bunny"),
        ("D/Bunny_25fps.yuv", "quality", "D/subject-1", 2.0, "D/Bunny"),
    ]


def test_a_differential_vote_that_is_missing_is_no_verdict(tmp_path: Path) -> None:
    (made,) = read_cases(write(tmp_path, "v.jsonl", DIFFERENCES))
    assert (made.task.id, made.responses[0].id, made.responses[0].system) == ("E/1.0", "E/1.0_2.0", "2.0")
    (criterion,) = made.rubric.criteria
    assert (criterion.id, criterion.scale) == ("degradation", Numeric(-100.0, 100.0))
    assert "higher is worse" in criterion.text
    assert [(v.judge, v.value) for v in made.verdicts] == [("E/subject-101", 33.5), ("E/subject-103", -100.0)]


@pytest.mark.parametrize(("row", "mean"), [(MARKS, (2.5 - 1) / 4), (DIFFERENCES, (-33.25 + 100) / 200)], ids=["marks", "differences"])
def test_the_score_is_the_mean_vote_on_a_scale_from_0_to_1(row: Any, mean: float, tmp_path: Path) -> None:
    (made,) = read_cases(write(tmp_path, "v.jsonl", row))
    cells = cells_of(table_of([made], made.verdicts), panel=made.rubric.policy.panel)
    assert cells.credit_N.tolist() == pytest.approx([mean])


@pytest.mark.parametrize(
    ("row", "change", "says", "path"),
    [
        (MARKS, {"votes": [1, 6]}, "not a value of this scale", "votes[1]"),
        (MARKS, {"votes": [1, 1.5]}, "not a value of this scale", "votes[1]"),
        (MARKS, {"votes": [True]}, "expected a number", "votes[0]"),
        (MARKS, {"votes": ["5"]}, "expected a number", "votes[0]"),
        (MARKS, {"votes": [None]}, "expected a number", "votes[0]"),
        (MARKS, {"votes": None}, "expected a list", "votes"),
        (MARKS, {"dataset": 5}, "expected text", "dataset"),
        (MARKS, {"content": None}, "expected text or a number", "content"),
        (MARKS, {"asset_id": None}, "expected text or a number", "asset_id"),
        (MARKS, {"condition": MARKS["condition"]}, "'Bunny_20_288.yuv' occurs twice in 'D'", "condition"),
        (DIFFERENCES, {"differential_votes": {"101": 100.5}}, "outside -100 to 100", "differential_votes.101"),
        (DIFFERENCES, {"differential_votes": {"101": "5"}}, "expected a number or null", "differential_votes.101"),
        (DIFFERENCES, {"differential_votes": [5]}, "expected an object", "differential_votes"),
    ],
)
def test_a_fault_is_told_with_line_and_path(row: Any, change: Any, says: str, path: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=says) as caught:
        read_cases(write(tmp_path, "v.jsonl", [row, {**row, "condition": "another", **change}]))
    assert (caught.value.line, caught.value.path) == (2, path)


def test_both_kinds_of_votes_in_one_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="'votes' is missing") as caught:
        read_cases(write(tmp_path, "v.jsonl", [MARKS, DIFFERENCES]))
    assert caught.value.line == 2


def test_the_real_set_keeps_every_vote_of_every_subject() -> None:
    cases = read_cases(real("mos_video"))
    assets = {r.id: (r.tags[0], r.system) for c in cases for r in c.responses}
    told: Counter[tuple[str, str, str, str, float]] = Counter()
    for row in raw("mos_video/votes_acr5"):
        system = row["condition"][len(row["content"]) + 1 :]
        for place, vote in enumerate(row["votes"]):
            told[row["dataset"], f"asset:{row['asset_id']}", system, f"{row['dataset']}/subject-{place + 1}", vote] += 1
    for row in raw("mos_video/votes_dmos100"):
        for subject, vote in row["differential_votes"].items():
            if vote is not None:
                system = row["condition"].split("_")[1]
                told[row["dataset"], f"asset:{row['asset_id']}", system, f"{row['dataset']}/subject-{subject}", vote] += 1
    found = Counter((c.task.tags[0].removeprefix("dataset:"), *assets[v.response], v.judge, v.value) for c in cases for v in c.verdicts)
    assert found == told
    assert (len(cases), len(assets), sum(told.values())) == (11 + 24, 99 + 216, 2484 + 14_903)


def test_the_mean_opinion_scores_of_the_real_set_are_those_of_the_raw_lines() -> None:
    cases = read_cases(real("mos_video/votes_acr5.jsonl.gz"))
    table = table_of(cases, [v for c in cases for v in c.verdicts])
    credit = cells_of(table, panel=cases[0].rubric.policy.panel).credit_N
    found = {name: 1 + 4 * float(c) for name, c in zip(table.responses, credit, strict=True)}
    told = {f"{r['dataset']}/{r['condition']}": sum(r["votes"]) / len(r["votes"]) for r in raw("mos_video/votes_acr5")}
    assert found == pytest.approx(told)


@pytest.mark.parametrize("part", ["votes_acr5", "votes_dmos100"])
def test_the_real_files_fit_no_other_format(part: str) -> None:
    first = raw(f"mos_video/{part}")[0]
    assert [f.name for f in FORMATS.values() if f.matches(first)] == ["sureal"]
