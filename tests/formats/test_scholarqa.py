"""criterial.formats.scholarqa: pairs of reports with preferences and scores; annotators of one set are judges of the same cases."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from criterial.errors import FormatError
from criterial.formats.load import FORMATS, read_cases
from criterial.formats.pairs import read_preferences
from tests.formats.raw import winner
from tests.helpers_files import real, write

WHOLE = {
    "question": "Why?",
    "models": ["a", "b"],
    "question_intent": "Comparison",
    "human_overall": [0.8, 0.7],
    "model_overall": [0.5, 0.6],
    "human_citation_recall": [0.25, 1],
    "model_citation_recall": [0.5, None],
    "preference_ranking_norm": [1.0, 0.5],
}
RATED = {
    "question": "Why?",
    "models": ["a", "b"],
    "model_overall": [0.5, 0.6],
    "human_citation_recall": [2, 3],
    "preference_ranking_norm": [0.5, 0.5],
}


def test_scores_stand_beside_the_preference_and_earn_nothing(tmp_path: Path) -> None:
    ((made,), (said,)) = read_preferences(write(tmp_path, "pairwise_authored.json", [WHOLE]))
    assert made.task.id.startswith("authored/")
    assert made.task.tags == ("set:authored", "question_intent:Comparison")
    assert [r.system for r in made.responses] == ["a", "b"]
    assert [(k.id, k.weight) for k in made.rubric.criteria if k.weight] == [("preferred", 1.0)]
    assert (said.judge, said.winner) == ("human", "a")
    assert [(v.response[-1], v.criterion, v.judge, v.value) for v in made.verdicts if v.criterion != "preferred"] == [
        ("a", "overall", "metric", 0.5),
        ("a", "overall", "human", 0.8),
        ("a", "citation_recall", "metric", 0.5),
        ("a", "citation_recall", "human", 0.25),
        ("b", "overall", "metric", 0.6),
        ("b", "overall", "human", 0.7),
        ("b", "citation_recall", "human", 1.0),
    ]


def test_annotators_of_a_set_are_judges_of_the_same_pair_in_whatever_order_it_is_named(tmp_path: Path) -> None:
    write(tmp_path, "pairwise_test_assigned_ann1.json", [RATED])
    other = {
        **RATED,
        "models": ["b", "a"],
        "model_overall": [0.6, 0.5],
        "human_citation_recall": [1, 2],
        "preference_ranking_norm": [1.0, 0.0],
    }
    write(tmp_path, "pairwise_test_assigned_ann2.json", [other])
    ((made,), found) = read_preferences(tmp_path)
    assert [(p.judge, p.winner) for p in found] == [("annotator-1", "tie"), ("annotator-2", "b")]
    rated = {(v.response[-1], v.judge): v.value for v in made.verdicts if v.criterion == "citation_recall_rating"}
    assert rated == {("a", "annotator-1"): 2, ("b", "annotator-1"): 3, ("a", "annotator-2"): 2, ("b", "annotator-2"): 1}


@pytest.mark.parametrize(
    ("change", "says", "path"),
    [
        ({}, "the pair a and b occurs twice", "[1].models"),
        ({"question": "Q", "models": ["a"]}, "expected two values, found 1", "[1].models"),
        ({"question": "Q", "models": ["a", "a"]}, "found one twice", "[1].models[1]"),
        ({"question": "Q", "models": ["a", 1]}, "expected text", "[1].models[1]"),
        ({"question": "Q", "model_overall": [0.5, 1.5]}, "1.5 lies outside the scale", "[1].model_overall[1]"),
        ({"question": "Q", "human_citation_recall": [0.5, 3]}, "0.5 lies outside the scale", "[1].human_citation_recall[0]"),
        ({"question": "Q", "human_answer_recall": [1, 1]}, "no such score where human_overall is missing", "[1].human_answer_recall"),
        ({"question": "Q", "preference_ranking_norm": [1.0, "b"]}, "expected a number", "[1].preference_ranking_norm[1]"),
    ],
)
def test_a_fault_is_told_with_its_path(change: Any, says: str, path: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=says) as caught:
        read_cases(write(tmp_path, "pairwise_x.json", [RATED, {**RATED, **change}]))
    assert caught.value.path in (path, path.removeprefix("[1]."))
    assert caught.value.line is not None


@pytest.mark.parametrize(
    ("second", "says"),
    [({**RATED, "model_overall": [0.5, 0.7]}, "was 0.6 before, and is 0.7"), (WHOLE, "only rated their citations")],
)
def test_files_that_contradict_each_other_are_refused(second: Any, says: str, tmp_path: Path) -> None:
    write(tmp_path, "pairwise_t_ann1.json", [RATED])
    write(tmp_path, "pairwise_t_ann2.json", [second])
    with pytest.raises(FormatError, match=says):
        read_cases(tmp_path)


def test_only_this_format_takes_its_objects() -> None:
    assert [f.name for f in FORMATS.values() if f.matches(RATED)] == ["scholarqa"]


def test_the_real_set_keeps_every_preference_and_score() -> None:
    folder = real("scholarqa_cs2")
    cases, found = read_preferences(folder)
    told: Counter[tuple[str, str, str]] = Counter()
    scores = 0
    for path in sorted(folder.glob("*.json.gz")):
        who = path.name.partition("_ann")[2][:1]
        with gzip.open(path, "rt", encoding="utf-8") as file:
            rows = json.load(file)
        for row in rows:
            a, b = row["preference_ranking_norm"]
            told[row["question"], f"annotator-{who}" if who else "human", "tie" if a == b else row["models"][a < b]] += 1
            if who != "2":
                scores += sum(v is not None for k, vs in row.items() if k.startswith("model_") for v in vs)
            scores += sum(v is not None for k, vs in row.items() if k.startswith("human_") for v in vs)
    questions = {c.task.id: c.task.messages[0].content for c in cases}
    systems = {r.id: r.system for c in cases for r in c.responses}
    assert Counter((questions[p.task], p.judge, systems.get(winner(p), "tie")) for p in found) == told
    assert sum(v.criterion != "preferred" for c in cases for v in c.verdicts) == scores
    assert (len(cases), len(found)) == (1070, 1670)
