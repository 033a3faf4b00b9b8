"""Responses, verdicts and labels from files of their own are laid on the right cases, or refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from criterial.core.builder import table_of
from criterial.core.criterion import Check, Criterion
from criterial.core.scale import Likert
from criterial.core.verdict import State
from criterial.errors import FormatError, TableError
from criterial.formats.labels import read_labels
from criterial.formats.load import read_cases, read_responses, read_verdicts
from criterial.formats.native import case_to_dict
from criterial.score.scoring import score
from tests.formats.samples import GRADED, HEALTHBENCH, INFOBENCH, UNGRADED, folder, leaf, tree
from tests.helpers_files import answer, case, task, write

TWO = [case("a", "b", of=task(identity=f"t{i}"), responses=[answer(identity="same"), answer(identity=f"own{i}")]) for i in range(2)]


def test_responses_take_the_place_of_the_cases_own_and_cases_without_one_are_left_out(tmp_path: Path) -> None:
    lines = [{"task": "t1", "system": "s", "text": "new"}, {"prompt_id": "t1", "system": "u", "messages": ["x", "y"]}]
    for name in ("r.jsonl", "r.json", "r.yaml", "r.jsonl.gz"):
        (found,) = read_responses(write(tmp_path, name, lines), TWO)
        assert found.task == TWO[1].task
        assert [(r.id, r.system, r.text) for r in found.responses] == [("t1/s", "s", "new"), ("t1/u", "u", "x\n\ny")]


def test_new_responses_drop_the_verdicts_on_the_old(tmp_path: Path) -> None:
    (made,) = read_cases(write(tmp_path, "i.jsonl", INFOBENCH))
    (found,) = read_responses(write(tmp_path, "r.jsonl", {"task": "i1", "text": "x"}), [made])
    assert made.verdicts
    assert found.verdicts == ()


@pytest.mark.parametrize("name", ["v.jsonl", "v.json", "v.yaml"])
def test_verdict_lines_are_read_by_the_scale_of_their_criterion(name: str, tmp_path: Path) -> None:
    known = [case(Criterion("yes", "x"), Criterion("five", "y", Likert(5)))]
    lines = [
        {"response": "r", "criterion": "yes", "value": "met", "judge": "j"},
        {"response": "r", "criterion": "five", "value": "4", "judge": "j", "repeat": 1, "probs": [0, 0, 0, 1, 0], "calibrated": False},
        {"response": "r", "criterion": "five", "state": "abstained", "judge": "k"},
    ]
    cases, found = read_verdicts(write(tmp_path, name, lines), known)
    assert cases == known
    assert [(v.criterion, v.value, v.judge, v.repeat, v.calibrated) for v in found] == [
        ("yes", 1.0, "j", 0, True),
        ("five", 4.0, "j", 1, False),
        ("five", None, "k", 0, True),
    ]
    assert table_of(cases, found).state_LN.shape == (3, 2)


def test_a_response_id_of_two_tasks_needs_the_task(tmp_path: Path) -> None:
    line = {"response": "same", "criterion": "c1", "value": 1}
    with pytest.raises(FormatError, match='occurs in 2 tasks: say which with "task"') as caught:
        read_verdicts(write(tmp_path, "v.jsonl", line), TWO)
    assert (caught.value.line, caught.value.path) == (1, "response")
    cases, found = read_verdicts(write(tmp_path, "v.jsonl", [{**line, "task": "t1"}, {**line, "response": "own0"}]), TWO)
    assert [(v.task, v.response) for v in table_of(cases, found).verdicts()] == [("t0", "own0"), ("t1", "same")]


def test_a_response_id_of_two_tasks_is_refused_where_it_is_read(tmp_path: Path) -> None:
    known = [case(Criterion("c", "x", Likert(3 + 2 * i)), of=task(identity=f"t{i}")) for i in range(2)]
    with pytest.raises(FormatError, match="task"):
        read_verdicts(write(tmp_path, "v.jsonl", {"response": "r", "criterion": "c", "value": 5}), known)


@pytest.mark.parametrize("content", [GRADED, [GRADED]], ids=["tree", "list"])
def test_a_graded_tree_gives_verdicts_and_brings_its_response(content: Any, tmp_path: Path) -> None:
    known = read_cases(write(tmp_path, "rubric.json", UNGRADED))
    cases, found = read_verdicts(write(tmp_path, "graded.json", content), known)
    assert [r.id for r in cases[0].responses] == ["top/graded"]
    assert [v.state for v in found] == [State.DECIDED, State.DECIDED, State.FAILED]
    (scored,) = score(table_of(cases, found))
    assert scored.value == pytest.approx(0.5)  # one 1, inner 0: the mean over what is decided
    assert (scored.low, scored.high) == (pytest.approx(0.5), pytest.approx(0.625))  # the failed leaf is a quarter of a half


def test_a_graded_tree_with_fractions_is_not_scored_0_on_an_ungraded_rubric(tmp_path: Path) -> None:
    known = read_cases(write(tmp_path, "rubric.json", tree(leaf("a"), leaf("b"))))
    try:
        cases, found = read_verdicts(write(tmp_path, "graded.json", tree(leaf("a", score=0.9), leaf("b", score=0.9), score=0.9)), known)
        (scored,) = score(table_of(cases, found))
    except (FormatError, TableError):
        return
    assert scored.value == pytest.approx(0.9)


def test_verdicts_of_a_labelled_file_of_cases_are_read(tmp_path: Path) -> None:
    path = write(tmp_path, "i.jsonl", INFOBENCH)
    known = read_cases(path)
    cases, found = read_verdicts(path, known)
    assert found == list(known[0].verdicts)
    assert cases[0].responses == known[0].responses


def test_a_file_of_cases_without_verdicts_or_on_other_tasks_is_refused(tmp_path: Path) -> None:
    known = read_cases(write(tmp_path, "h.jsonl", HEALTHBENCH))
    with pytest.raises(FormatError, match="no verdicts in it") as caught:
        read_verdicts(tmp_path / "h.jsonl", known)
    assert '"criterion"' in caught.value.hint
    with pytest.raises(FormatError, match="'i1', which is not in the cases"):
        read_verdicts(write(tmp_path, "i.jsonl", INFOBENCH), known)


# ---------------------------------------------------------------------------------------------------------------- labels


@pytest.mark.parametrize("value", [1, True, "yes", "met", 0, False, "no", "unmet"])
def test_self_contained_labels_are_read(value: Any, tmp_path: Path) -> None:
    line = {"criterion": "States x", "response": "x it is", "value": value}
    assert read_labels(write(tmp_path, "l.jsonl", line)) == [("States x", "x it is", value in (1, True, "yes", "met"))]


def test_labels_within_cases_are_the_decided_yes_or_no_without_a_check(tmp_path: Path) -> None:
    (labelled,) = read_cases(write(tmp_path, "i.jsonl", INFOBENCH))
    assert read_labels(tmp_path / "i.jsonl") == [
        (c.text, "Green gold", m) for c, m in zip(labelled.rubric.criteria[:2], (True, False), strict=True)
    ]
    mixed = case(Criterion("bin", "a"), Criterion("five", "b", Likert(5)), Criterion("checked", "c", check=Check("length", {"max": 3})))
    marks = {"bin": 1, "five": 3, "checked": 1}
    content = case_to_dict(mixed)
    content["responses"][0]["verdicts"] = marks
    assert read_labels(write(tmp_path, "c.json", content)) == [("a", "It is Paris.", True)]


def test_labels_may_be_verdict_lines_beside_their_cases(tmp_path: Path) -> None:
    cases = write(tmp_path, "c.json", case_to_dict(case("a", "b")))
    lines = [{"response": "r", "criterion": "c1", "value": 1}, {"task": "t", "response": "r", "criterion": "c2", "value": 0}]
    assert read_labels(write(tmp_path, "v.jsonl", lines), cases) == [("a", "It is Paris.", True), ("b", "It is Paris.", False)]


def test_a_folder_holds_labels(tmp_path: Path) -> None:
    assert read_labels(folder(tmp_path / "set")) == [
        ("The response states that: A cat sat.", "The cat sat.", True),
        ("The response states that: It rained.", "The cat sat.", False),
    ]


@pytest.mark.parametrize(
    ("lines", "says", "line", "path"),
    [
        ([{"criterion": "a", "response": "b", "value": 1}, {"criterion": "a", "response": "b"}], "'value' is missing", 2, ""),
        ([{"criterion": "a", "response": "b", "value": "maybe"}], "'maybe' is not a value", 1, "value"),
        ([{"criterion": "a", "response": "b", "value": 3}], "3 is not a value", 1, "value"),
        ([HEALTHBENCH], "there are no yes/no labels in it", None, ""),
    ],
    ids=["missing", "word", "number", "none"],
)
def test_what_is_no_label_is_refused(lines: Any, says: str, line: int | None, path: str, tmp_path: Path) -> None:
    file = write(tmp_path, "l.jsonl", lines)
    with pytest.raises(FormatError, match=says) as caught:
        read_labels(file)
    assert (caught.value.file, caught.value.line, caught.value.path) == (str(file), line, path)


def test_labels_do_not_guess_which_response_is_meant(tmp_path: Path) -> None:
    cases = [case_to_dict(case("a", of=task(identity=f"t{i}"), responses=[answer(f"text {i}")])) for i in range(2)]
    with pytest.raises((FormatError, TableError)):
        read_labels(
            write(tmp_path, "v.jsonl", {"response": "r", "criterion": "c1", "value": 1}), write(tmp_path, "c.json", json.dumps(cases))
        )
