"""criterial.formats.wice: the claim is the criterion, the cited sentences are the response."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from criterial.core.builder import table_of
from criterial.core.scale import Ordinal, label_of
from criterial.errors import FormatError
from criterial.formats.load import FORMATS, read_cases
from tests.formats.raw import raw
from tests.helpers_files import real, write

META = {"id": "x1", "claim_title": "Ann", "claim_section": "Life.", "claim_context": "Ann was born."}
ROW = {
    "id": "dev-1",
    "claim": "Ann sings and dances.",
    "evidence": ["About Ann", "Ann sings.", "Ann hums."],
    "supporting_sentences": [[1], [0, 2]],
    "label": "partially_supported",
    "meta": META,
}


def test_a_claim_is_judged_by_the_text_that_it_cites(tmp_path: Path) -> None:
    (made,) = read_cases(write(tmp_path, "w.jsonl", ROW))
    assert (made.task.id, made.task.messages[0].content) == ("dev-1", "Does the cited text support the claim?")
    assert made.task.context == "Article: Ann\nSection: Life.\nText around the claim: Ann was born."
    assert [(r.id, r.text) for r in made.responses] == [("dev-1/evidence", "About Ann\nAnn sings.\nAnn hums.")]
    (criterion,) = made.rubric.criteria
    assert (criterion.id, criterion.text) == ("claim", "Ann sings and dances.")
    assert isinstance(criterion.scale, Ordinal)
    assert [level.label for level in criterion.scale.levels] == ["not_supported", "partially_supported", "supported"]
    assert [(v.response, v.criterion, v.value, v.judge, v.task, v.reason) for v in made.verdicts] == [
        ("dev-1/evidence", "claim", 1.0, "human", "dev-1", "supporting sentences, counted from 0: [[1], [0, 2]]")
    ]


def test_context_that_is_empty_is_left_out(tmp_path: Path) -> None:
    (made,) = read_cases(write(tmp_path, "w.jsonl", {**ROW, "meta": {**META, "claim_section": "", "claim_context": ""}}))
    assert made.task.context == "Article: Ann"


@pytest.mark.parametrize(
    ("change", "says", "path"),
    [
        ({"label": "refuted"}, "expected not_supported, partially_supported, supported", "label"),
        ({"label": None}, "expected text", "label"),
        ({"claim": 5}, "expected text", "claim"),
        ({"claim": " "}, "has no text", "claim"),
        ({"evidence": ["x", 5, "y"]}, "expected text", "evidence[1]"),
        ({"supporting_sentences": [[1], 2]}, "expected a list", "supporting_sentences[1]"),
        ({"supporting_sentences": [[0, 3]]}, "from 0 and below 3", "supporting_sentences[0][1]"),
        ({"supporting_sentences": [[-1]]}, "from 0 and below 3", "supporting_sentences[0][0]"),
        ({"supporting_sentences": [[True]]}, "from 0 and below 3", "supporting_sentences[0][0]"),
        ({"meta": []}, "expected an object", "meta"),
        ({"meta": {**META, "claim_title": None}}, "expected text", "meta.claim_title"),
    ],
)
def test_a_fault_is_told_with_line_and_path(change: Any, says: str, path: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=says) as caught:
        read_cases(write(tmp_path, "w.jsonl", [ROW, {**ROW, "id": "dev-2", **change}]))
    assert (caught.value.line, caught.value.path) == (2, path)


def test_the_real_set_keeps_every_claim_with_its_label_and_sentences() -> None:
    cases = read_cases(real("wice"))
    found = {}
    for case in cases:
        ((criterion,), (verdict,), (response,)) = case.rubric.criteria, case.verdicts, case.responses
        assert verdict.value is not None
        sets = json.loads(verdict.reason.partition(": ")[2])
        found[case.task.id] = (criterion.text, label_of(criterion.scale, verdict.value), sets, response.text.split("\n"))
    rows = raw("wice/claims")
    assert found == {r["id"]: (r["claim"], r["label"], r["supporting_sentences"], r["evidence"]) for r in rows}
    assert Counter(label for _, label, _, _ in found.values()) == {"supported": 141, "partially_supported": 246, "not_supported": 37}
    table = table_of(cases, [v for c in cases for v in c.verdicts])
    assert (len(cases), len(table.rubrics), len(table.layers)) == (424, 424, 1)


def test_the_real_file_fits_no_other_format() -> None:
    first = raw("wice/claims")[0]
    assert [f.name for f in FORMATS.values() if f.matches(first)] == ["wice"]
