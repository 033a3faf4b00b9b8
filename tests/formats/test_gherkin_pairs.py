"""criterial.formats.gherkin_pairs: the first step is in the task, the second is the response, and people label them as duplicates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from criterial.core.scale import Binary
from criterial.errors import FormatError
from criterial.formats.load import FORMATS, read_cases, read_verdicts
from tests.formats.raw import raw
from tests.helpers_files import real, write

TEXT = {"id": 7, "text_a": "I press stop", "text_b": "I push stop", "cos": 0.91, "lev": 0.75, "rule": "R2"}
LABELLED = {**TEXT, "cos_band": "[0.90,0.95)", "label": 1, "labeler": "author"}
OVERLAP = {**TEXT, "id": 8, "band": "[0.90,0.95)", "annotator_1": 0, "annotator_2": 1, "annotator_3": 1, "consensus": 1}
PEOPLE = ("annotator-1", "annotator-2", "annotator-3")


def test_a_labelled_pair_has_the_verdict_of_who_labelled_it(tmp_path: Path) -> None:
    (made,) = read_cases(write(tmp_path, "p.jsonl", LABELLED))
    assert (made.task.id, made.task.tags) == ("pair-7", ("cos_band:[0.90,0.95)", "rule:R2"))
    assert made.task.messages[0].content == "Do these two steps say the same? The response is the second; the first is:\nI press stop"
    assert [(r.id, r.text) for r in made.responses] == [("pair-7/second", "I push stop")]
    assert [(c.id, c.scale) for c in made.rubric.criteria] == [("duplicate", Binary())]
    assert [(v.response, v.criterion, v.judge, v.value, v.task, v.reason) for v in made.verdicts] == [
        ("pair-7/second", "duplicate", "author", 1.0, "pair-7", "cos 0.91, lev 0.75")
    ]


def test_three_people_and_their_consensus_are_judges_of_one_pair(tmp_path: Path) -> None:
    (made,) = read_cases(write(tmp_path, "p.jsonl", OVERLAP))
    assert [(v.judge, v.value, v.reason) for v in made.verdicts] == [
        ("annotator-1", 0.0, "cos 0.91, lev 0.75"),
        ("annotator-2", 1.0, "cos 0.91, lev 0.75"),
        ("annotator-3", 1.0, "cos 0.91, lev 0.75"),
        ("consensus", 1.0, "cos 0.91, lev 0.75"),
    ]


@pytest.mark.parametrize(
    ("row", "change", "says", "path"),
    [
        (LABELLED, {"label": 2}, "expected 0 or 1, found 2", "label"),
        (LABELLED, {"label": True}, "expected a number", "label"),
        (LABELLED, {"label": 1.0}, "expected a number", "label"),
        (LABELLED, {"labeler": None}, "expected text", "labeler"),
        (LABELLED, {"text_a": None}, "expected text", "text_a"),
        (LABELLED, {"text_b": 5}, "expected text", "text_b"),
        (LABELLED, {"cos": 1.5}, "expected -1 to 1, found 1.5", "cos"),
        (LABELLED, {"lev": -0.5}, "expected 0 to 1, found -0.5", "lev"),
        (LABELLED, {"lev": "0.5"}, "expected a number", "lev"),
        (LABELLED, {"cos_band": []}, "expected text or a number or null", "cos_band"),
        (OVERLAP, {"annotator_2": None}, "expected a number", "annotator_2"),
        (OVERLAP, {"consensus": -1}, "expected 0 or 1, found -1", "consensus"),
    ],
)
def test_a_fault_is_told_with_line_and_path(row: Any, change: Any, says: str, path: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=says) as caught:
        read_cases(write(tmp_path, "p.jsonl", [row, {**row, "id": 9, **change}]))
    assert (caught.value.line, caught.value.path) == (2, path)


def test_the_real_labels_are_those_of_the_raw_lines() -> None:
    cases = read_cases(real("gherkin/labeled_pairs.jsonl.gz"))
    found = {c.task.id: (c.task.messages[0].content.split("\n")[1], c.responses[0].text, c.verdicts[0].value) for c in cases}
    rows = raw("gherkin/labeled_pairs")
    assert found == {f"pair-{r['id']}": (r["text_a"], r["text_b"], float(r["label"])) for r in rows}
    assert Counter((v.judge, v.value) for c in cases for v in c.verdicts) == {("author", 1.0): 317, ("author", 0.0): 328}
    assert [c.verdicts[0].reason for c in cases] == [f"cos {r['cos']}, lev {r['lev']}" for r in rows]


def fleiss(counts: Sequence[tuple[int, int]]) -> float:
    """Return Fleiss' kappa from how many people said yes, and how many no, of each item."""
    each = sum(counts[0])
    seen = sum(yes * (yes - 1) + no * (no - 1) for yes, no in counts) / (len(counts) * each * (each - 1))
    share = sum(yes for yes, _ in counts) / (len(counts) * each)
    chance = share**2 + (1 - share) ** 2
    return (seen - chance) / (1 - chance)


def test_the_real_annotators_agree_as_they_do_in_the_raw_lines() -> None:
    cases = read_cases(real("gherkin/labeled_pairs_overlap.jsonl.gz"))
    votes = [[v.value for v in c.verdicts if v.judge in PEOPLE] for c in cases]
    rows = [[r["annotator_1"], r["annotator_2"], r["annotator_3"]] for r in raw("gherkin/labeled_pairs_overlap")]
    assert votes == rows
    from_votes = fleiss([(v.count(1.0), v.count(0.0)) for v in votes])
    from_rows = fleiss([(sum(r), 3 - sum(r)) for r in rows])
    assert from_votes == from_rows
    assert round(from_rows, 3) == 0.902
    assert all(c.verdicts[-1].judge == "consensus" and c.verdicts[-1].value == (sum(r) >= 2) for c, r in zip(cases, rows, strict=True))


def test_the_verdicts_of_one_real_file_are_read_onto_the_cases_of_the_other() -> None:
    cases = read_cases(real("gherkin/labeled_pairs.jsonl.gz"))
    same, verdicts = read_verdicts(real("gherkin/labeled_pairs_overlap.jsonl.gz"), cases)
    labels = {c.task.id: c.verdicts[0].value for c in cases}
    assert [c.responses for c in same] == [c.responses for c in cases]
    assert all(labels[v.task] == v.value for v in verdicts if v.judge == "consensus")
    assert len(verdicts) == 4 * 41


@pytest.mark.parametrize(
    ("part", "names"), [("labeled_pairs", ["gherkin_pairs"]), ("labeled_pairs_overlap", ["gherkin_pairs"]), ("features", [])]
)
def test_the_real_pairs_fit_no_other_format_and_the_features_not_this_one(part: str, names: list[str]) -> None:
    first = raw(f"gherkin/{part}")[0]
    assert [f.name for f in FORMATS.values() if f.matches(first)] == names
