"""criterial.formats.dices: a conversation is a task, its last answer the response, each vote a repeat of the crowd."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from criterial.core.builder import table_of
from criterial.core.scale import Binary
from criterial.core.task import Case
from criterial.core.verdict import State
from criterial.errors import FormatError
from criterial.formats.load import FORMATS, read_cases
from criterial.score.cells import cells_of
from tests.formats.raw import raw
from tests.helpers_files import real, write

TEXT = {"id": 7, "conversation": "USER: Hi.\nLAMDA: Hello.\\nThere.\nUSER: Help!", "response": "No."}
CROWD = {**TEXT, "unsafe_votes": ["Yes", "No", "Unsure", "No"], "unsafe_share": 0.25}
EXPERT = {**TEXT, "safety_gold_raw": "Yes"}
OTHER = {**CROWD, "conversation": "A: Hi.\\nB: Hello.\\nA: Help!\\n"}
PARTS = ("dices_350_crowdsourced", "dices_350_expert", "dices_990")


def folder(where: Path, crowd: Any = CROWD, expert: Any = EXPERT, other: Any = OTHER) -> Path:
    """Write a folder of our own making."""
    where.mkdir()
    for name, rows in zip(PARTS, (crowd, expert, other), strict=True):
        write(where, f"{name}.jsonl", rows)
    return where


def test_the_two_files_on_the_same_conversations_are_one_set_of_cases(tmp_path: Path) -> None:
    one, two = read_cases(folder(tmp_path / "set"))
    assert (one.task.id, two.task.id) == ("350/7", "990/7")
    assert [(m.role, m.content) for m in one.task.messages] == [("user", "Hi."), ("assistant", "Hello.\nThere."), ("user", "Help!")]
    assert [(m.role, m.content) for m in two.task.messages] == [("user", "Hi."), ("assistant", "Hello."), ("user", "Help!")]
    assert [(r.id, r.text) for r in one.responses] == [("350/7/response", "No.")]
    assert [(c.id, c.text, c.scale, c.weight) for c in one.rubric.criteria] == [("unsafe", "Is the response unsafe?", Binary(), 1.0)]
    assert [(v.judge, v.repeat, v.state, v.value, v.cause) for v in one.verdicts] == [
        ("crowd", 0, State.DECIDED, 1.0, ""),
        ("crowd", 1, State.DECIDED, 0.0, ""),
        ("crowd", 2, State.ABSTAINED, None, "cannot_assess"),
        ("crowd", 3, State.DECIDED, 0.0, ""),
        ("expert", 0, State.DECIDED, 1.0, ""),
    ]
    assert one.rubric is two.rubric
    assert {(v.response, v.criterion, v.task) for v in two.verdicts} == {("990/7/response", "unsafe", "990/7")}


@pytest.mark.parametrize(("row", "share"), [(CROWD, 1 / 3), (EXPERT, 1.0)], ids=["crowd", "expert"])
def test_the_score_is_the_share_of_yes_among_yes_and_no(row: Any, share: float, tmp_path: Path) -> None:
    (made,) = read_cases(write(tmp_path, "d.jsonl", row), format="dices")
    assert made.task.id == "d/7"
    cells = cells_of(table_of([made], made.verdicts), panel=made.rubric.policy.panel)
    assert cells.credit_N.tolist() == pytest.approx([share])


def test_the_experts_label_stands_beside_the_crowd_without_weight(tmp_path: Path) -> None:
    one, _ = read_cases(folder(tmp_path / "set"))
    cells = cells_of(table_of([one], one.verdicts), panel=one.rubric.policy.panel)
    assert cells.credit_N.tolist() == pytest.approx([1 / 3])


@pytest.mark.parametrize("part", PARTS)
def test_a_file_alone_has_the_ids_that_it_has_in_the_folder(part: str, tmp_path: Path) -> None:
    where = folder(tmp_path / "set")
    (made,) = read_cases(where / f"{part}.jsonl", format="dices")
    assert made.task in [c.task for c in read_cases(where)]


def test_what_does_not_begin_with_a_speaker_is_one_message_as_it_stands(tmp_path: Path) -> None:
    text = "Hi.\\nA: Hello.\nThere."
    (made,) = read_cases(write(tmp_path, "d.jsonl", {**CROWD, "conversation": text}), format="dices")
    assert [(m.role, m.content) for m in made.task.messages] == [("user", text)]


@pytest.mark.parametrize(
    ("change", "says", "path"),
    [
        ({"unsafe_votes": ["Yes", "Perhaps"]}, "expected Yes, No or Unsure, found 'Perhaps'", "unsafe_votes[1]"),
        ({"unsafe_votes": ["Yes", True]}, "expected text", "unsafe_votes[1]"),
        ({"unsafe_votes": []}, "at least one vote", "unsafe_votes"),
        ({"unsafe_votes": "Yes"}, "expected a list", "unsafe_votes"),
        ({"unsafe_share": 0.3333}, "0.2500 of the votes is Yes, not 0.3333", "unsafe_share"),
        ({"unsafe_share": "0.25"}, "expected a number or null", "unsafe_share"),
        ({"safety_gold_raw": "Y"}, "expected Yes, No or Unsure", "safety_gold_raw"),
        ({"safety_gold_raw": None}, "expected text", "safety_gold_raw"),
        ({"conversation": None}, "expected text", "conversation"),
        ({"response": 5}, "expected text", "response"),
        ({"id": None}, "expected text or a number", "id"),
        ({"id": 7}, "'d/7' occurs twice", "id"),
    ],
)
def test_a_fault_is_told_with_line_and_path(change: Any, says: str, path: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=says) as caught:
        read_cases(write(tmp_path, "d.jsonl", [CROWD, {**CROWD, "id": 8, **change}]), format="dices")
    assert (caught.value.line, caught.value.path) == (2, path)


def test_a_row_without_any_verdict_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="neither unsafe_votes nor safety_gold_raw") as caught:
        read_cases(write(tmp_path, "d.jsonl", TEXT), format="dices")
    assert caught.value.line == 1


@pytest.mark.parametrize(
    ("expert", "says", "path"),
    [
        ({**EXPERT, "conversation": "USER: Hi."}, "another conversation", "conversation"),
        ({**EXPERT, "response": "Yes."}, "another response", "response"),
        ({**EXPERT, "unsafe_votes": ["Yes"]}, "'crowd' judged '350/7' in another file too", "id"),
    ],
)
def test_files_that_contradict_each_other_are_refused(expert: Any, says: str, path: str, tmp_path: Path) -> None:
    where = folder(tmp_path / "set", expert=expert)
    with pytest.raises(FormatError, match=says) as caught:
        read_cases(where)
    assert (caught.value.file, caught.value.line, caught.value.path) == (str(where / "dices_350_expert.jsonl"), 1, path)


def test_a_folder_with_none_of_the_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"no dices_350_crowdsourced\.jsonl"):
        read_cases(tmp_path, format="dices")


def real_cases() -> dict[str, Case]:
    """Return the real set's cases by task id."""
    return {c.task.id: c for c in read_cases(real("dices"))}


def test_the_real_set_keeps_every_vote_and_label_in_order() -> None:
    cases = real_cases()
    words = {1.0: "Yes", 0.0: "No", None: "Unsure"}
    crowd = {i: [words[v.value] for v in c.verdicts if v.judge == "crowd"] for i, c in cases.items()}
    expert = {i: [words[v.value] for v in c.verdicts if v.judge == "expert"] for i, c in cases.items()}
    rows = [(f"{part.split('_')[1]}/{row['id']}", row) for part in PARTS for row in raw(f"dices/{part}")]
    assert crowd == {i: r["unsafe_votes"] for i, r in rows if "unsafe_votes" in r}
    assert {i: e for i, e in expert.items() if e} == {i: [r["safety_gold_raw"]] for i, r in rows if "safety_gold_raw" in r}
    assert all(cases[i].responses[0].text == r["response"] for i, r in rows)
    assert (len(cases), sum(len(c.verdicts) for c in cases.values())) == (231 + 619, 28_413 + 231 + 45_100)
    assert Counter(v.state for c in cases.values() for v in c.verdicts)[State.ABSTAINED] == 1778 + 2307


def test_the_conversations_of_the_real_set_keep_every_word_and_the_person_speaks_first_and_last() -> None:
    cases = real_cases()
    names = {"350": {"user": "USER", "assistant": "LAMDA"}, "990": {"user": "A", "assistant": "B"}}
    for part in PARTS:
        group = part.split("_")[1]
        for row in raw(f"dices/{part}"):
            messages = cases[f"{group}/{row['id']}"].task.messages
            told = "".join(f"{names[group][m.role]}:{m.content}" for m in messages)
            assert re.sub(r"\s", "", told) == re.sub(r"\s|\\n", "", row["conversation"])
            assert [m.role for m in messages] == ["user", "assistant"] * (len(messages) // 2) + ["user"]


def test_the_crowd_calls_more_unsafe_what_the_expert_calls_unsafe() -> None:
    shares: dict[float | None, list[float]] = {1.0: [], 0.0: []}
    for case in real_cases().values():
        votes = [v.value for v in case.verdicts if v.judge == "crowd"]
        for label in (v.value for v in case.verdicts if v.judge == "expert"):
            shares[label].append(votes.count(1.0) / len(votes))
    means = {label: sum(s) / len(s) for label, s in shares.items()}
    assert {label: round(mean, 3) for label, mean in means.items()} == {1.0: 0.416, 0.0: 0.251}


@pytest.mark.parametrize("part", PARTS)
def test_the_real_files_fit_no_other_format(part: str) -> None:
    first = raw(f"dices/{part}")[0]
    assert [f.name for f in FORMATS.values() if f.matches(first)] == ["dices"]
