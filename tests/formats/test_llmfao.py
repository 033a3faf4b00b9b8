"""criterial.formats.llmfao: a crowd's and models' votes on pairs, with the texts of the pairs where the folder has them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from criterial.errors import FormatError
from criterial.formats.load import FORMATS, read_cases
from criterial.formats.pairs import read_preferences
from tests.formats.raw import raw, winner
from tests.helpers_files import real, write

VOTE = {"id": "0", "prompt": "8", "model_x": "97", "model_y": "98", "worker": "58", "winner": "tie", "left": "A", "right": "B"}
MODEL_VOTE = {**{k: v for k, v in VOTE.items() if k != "worker"}, "winner": "left"}
PAIR = {
    "id": 0,
    "prompt": 8,
    "text": "Argue.",
    "type": "reflexion",
    "slug": "k8s",
    "model_x": 97,
    "result_x": "X",
    "model_y": 98,
    "result_y": "Y",
}


def folder(tmp_path: Path) -> Path:
    """Return a folder of two pairs, of which one has no texts."""
    write(tmp_path, "pairs.jsonl", PAIR)
    write(tmp_path, "crowd_votes.jsonl", [VOTE, {**VOTE, "worker": "9", "winner": "right"}])
    write(tmp_path, "gpt4_votes.jsonl", [MODEL_VOTE, {**MODEL_VOTE, "id": "1", "prompt": "3"}])
    write(tmp_path, "prompts.json", [{"id": 3, "text": "Explain."}])
    return tmp_path


def test_workers_and_models_are_judges_of_the_pairs(tmp_path: Path) -> None:
    (one, two), found = read_preferences(folder(tmp_path))
    assert (one.task.id, one.task.messages[0].content, one.task.tags) == ("0", "Argue.", ("prompt:8", "type:reflexion", "slug:k8s"))
    assert [(r.id, r.system, r.text) for r in one.responses] == [("0/x", "A", "X"), ("0/y", "B", "Y")]
    assert (two.task.messages[0].content, two.task.tags) == ("Explain.", ("prompt:3",))
    assert [(p.task, p.judge, p.winner) for p in found] == [
        ("0", "worker-58", "tie"),
        ("0", "worker-9", "b"),
        ("0", "gpt4", "a"),
        ("1", "gpt4", "a"),
    ]


def test_votes_alone_are_read_without_texts(tmp_path: Path) -> None:
    ((made,), found) = read_preferences(write(tmp_path, "crowd_votes.jsonl", VOTE))
    assert [r.system for r in made.responses] == ["A", "B"]
    assert [p.winner for p in found] == ["tie"]


@pytest.mark.parametrize(
    ("change", "says", "path"),
    [
        ({"worker": "58"}, "two votes of 'worker-58' on pair '0'", "id"),
        ({"winner": "both"}, "expected left, right or tie, found 'both'", "winner"),
        ({"left": "C"}, "pair '0' was of models A and B before", "id"),
        ({"model_y": None}, "expected text or a number", "model_y"),
    ],
)
def test_a_fault_is_told_with_line_and_path(change: Any, says: str, path: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=says) as caught:
        read_cases(write(tmp_path, "crowd_votes.jsonl", [VOTE, {**VOTE, "worker": "1", **change}]))
    assert (caught.value.line, caught.value.path) == (2, path)


def test_only_this_format_takes_its_lines() -> None:
    assert [f.name for f in FORMATS.values() if f.matches(VOTE)] == ["llmfao"]


def test_the_real_set_keeps_every_vote() -> None:
    cases, found = read_preferences(real("llmfao"))
    systems = {r.id: r.system for c in cases for r in c.responses}
    said = Counter((p.task, p.judge, systems.get(winner(p), "tie")) for p in found)
    told: Counter[tuple[str, str, str]] = Counter()
    for name in ("crowd", "gpt3", "gpt4"):
        for row in raw(f"llmfao/{name}_votes"):
            judge = f"worker-{row['worker']}" if name == "crowd" else name
            told[row["id"], judge, row.get(row["winner"], "tie")] += 1
    assert said == told
    assert (len(cases), said.total()) == (2185, 10586)
    texts = {str(r["id"]): (r["result_x"], r["result_y"]) for r in raw("llmfao/pairs")}
    assert {c.task.id: tuple(r.text for r in c.responses) for c in cases if c.task.id in texts} == texts
    assert all("not part" not in c.task.messages[0].content for c in cases)
