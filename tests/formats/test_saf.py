"""criterial.formats.saf: one case a question with its reference, a person's score as verdict and the feedback as reason."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from criterial.core.builder import table_of
from criterial.core.scale import Numeric
from criterial.errors import FormatError
from criterial.formats.load import read_cases
from criterial.score.scoring import score
from tests.formats.raw import raw
from tests.helpers_files import real, write

QUESTIONS = [
    {"question_id": "q1", "lang": "english", "question": "Why is it wet?", "references": ["It rained."]},
    {"question_id": "q2", "lang": "german", "question": "Warum?", "references": ["Darum."]},
]
ANSWER = {"question_id": "q1", "source_split": "training", "lang": "english", "human_feedback": "Yes.", "verdict": "Correct"}
ANSWERS = [
    {**ANSWER, "answer_id": "a", "answer": "Rain.", "human_score": 1.0},
    {**ANSWER, "answer_id": None, "answer": "Fog.", "human_score": 0.25, "human_feedback": None},
]


def folder(where: Path, answers: Any = ANSWERS, questions: Any = QUESTIONS) -> Path:
    """Write a folder of our own making."""
    where.mkdir()
    write(where, "questions.jsonl", questions)
    write(where, "answers.jsonl", answers)
    return where


def test_a_question_is_a_case_with_its_answers_and_their_marks(tmp_path: Path) -> None:
    (made,) = read_cases(folder(tmp_path / "set"))
    assert (made.task.id, made.task.messages[0].content, made.task.references) == ("q1", "Why is it wet?", ("It rained.",))
    assert made.task.tags == ("lang:english",)
    assert [(c.id, c.scale) for c in made.rubric.criteria] == [("score", Numeric(0.0, 1.0))]
    assert [(r.id, r.text, r.tags) for r in made.responses] == [
        ("q1/a", "Rain.", ("split:training", "verdict:Correct")),
        ("q1/#2", "Fog.", ("split:training", "verdict:Correct")),
    ]
    assert [(v.response, v.value, v.reason, v.judge) for v in made.verdicts] == [
        ("q1/a", 1.0, "Yes.", "human"),
        ("q1/#2", 0.25, "", "human"),
    ]


def test_the_file_of_answers_is_read_with_the_questions_beside_it(tmp_path: Path) -> None:
    where = folder(tmp_path / "set")
    assert read_cases(where / "answers.jsonl", format="saf") == read_cases(where)


@pytest.mark.parametrize(
    ("answers", "says", "path"),
    [
        ([{**ANSWERS[0], "human_score": 1.5}], "0 to 1 was expected", "human_score"),
        ([{**ANSWERS[0], "human_score": True}], "expected a number", "human_score"),
        ([{**ANSWERS[0], "question_id": "q9"}], "no question 'q9'", "question_id"),
        ([{**ANSWERS[0], "answer": None}], "expected text", "answer"),
        ([ANSWERS[0], ANSWERS[0]], "'a' occurs twice", "answer_id"),
    ],
)
def test_a_fault_is_told_with_line_and_path(answers: Any, says: str, path: str, tmp_path: Path) -> None:
    where = folder(tmp_path / "set", answers)
    with pytest.raises(FormatError, match=says) as caught:
        read_cases(where)
    assert (caught.value.file, caught.value.line, caught.value.path) == (str(where / "answers.jsonl"), len(answers), path)


def test_a_question_that_stands_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="'q1' occurs twice"):
        read_cases(folder(tmp_path / "set", questions=[QUESTIONS[0]] * 2))


def test_a_folder_without_questions_is_named(tmp_path: Path) -> None:
    where = folder(tmp_path / "set")
    (where / "questions.jsonl").unlink()
    with pytest.raises(FormatError, match=r"no questions\.jsonl"):
        read_cases(where, format="saf")


def test_the_real_set_scores_as_people_did() -> None:
    cases = read_cases(real("saf_short_answers"))
    told: dict[str, list[float]] = defaultdict(list)
    for row in raw("saf_short_answers/answers"):
        told[row["question_id"]].append(row["human_score"])
    scores = score(table_of(cases, [v for c in cases for v in c.verdicts]))
    found: dict[str, list[float | None]] = defaultdict(list)
    for one in scores:
        found[one.task].append(one.value)
    assert dict(found) == dict(told)
    assert sum(map(len, found.values())) == 2506
