"""criterial.formats.llmbar: pairs with people's labels and the choices of judges in both orders, none of them lost."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from criterial.core.verdict import Preference, State
from criterial.errors import FormatError
from criterial.formats.load import read_cases
from criterial.formats.pairs import read_preferences
from tests.formats.raw import raw, winner
from tests.helpers_files import real, write

PAIR = {"item_id": "p#1", "subset": "own/Natural", "input": "Say hello.", "output_1": "Hello.", "output_2": "No.", "human_label": 1}
OUTCOME = {"item_id": "p#1", "judge": "J", "strategy": "Vanilla", "winner": "1", "winner_swapped": "2"}


def bar(where: Path, pairs: Any = (PAIR,), outcomes: Any = (OUTCOME,)) -> Path:
    """Write a folder of LLMBar's form."""
    where.mkdir()
    write(where, "pairs.jsonl", list(pairs))
    write(where, "judge_outcomes.jsonl", list(outcomes))
    return where


def test_a_judge_in_both_orders_is_two_repeats_and_two_preferences(tmp_path: Path) -> None:
    ((made,), found) = read_preferences(bar(tmp_path / "set"))
    assert (made.task.id, made.task.tags, [r.text for r in made.responses]) == ("p#1", ("subset:own/Natural",), ["Hello.", "No."])
    assert [c.scope for c in made.rubric.criteria] == ["pair"]
    assert [(p.judge, p.repeat, p.a, p.b, p.winner) for p in found] == [
        ("human", 0, "p#1/1", "p#1/2", "a"),
        ("J/Vanilla", 0, "p#1/1", "p#1/2", "a"),
        ("J/Vanilla", 1, "p#1/2", "p#1/1", "a"),
    ]
    assert [winner(p) for p in found] == ["p#1/1", "p#1/1", "p#1/2"]


def test_a_reply_that_could_not_be_read_is_a_failed_verdict_and_no_preference(tmp_path: Path) -> None:
    outcome = {**OUTCOME, "winner": None, "scores": ["9", "7"]}
    ((made,), found) = read_preferences(bar(tmp_path / "set", outcomes=[outcome]))
    failed = [v for v in made.verdicts if v.state == State.FAILED]
    assert [(v.response, v.cause, v.reason, v.repeat) for v in failed] == [
        ("p#1/1", "malformed", "scores 9, 7", 0),
        ("p#1/2", "malformed", "scores 9, 7", 0),
    ]
    assert [(p.judge, p.repeat) for p in found] == [("human", 0), ("J/Vanilla", 1)]


def test_the_file_of_pairs_is_read_alone_where_it_is_named(tmp_path: Path) -> None:
    where = bar(tmp_path / "set")
    assert read_cases(where / "pairs.jsonl", format="llmbar") == read_cases(where)
    (where / "judge_outcomes.jsonl").unlink()
    assert {v.judge for v in read_cases(where / "pairs.jsonl", format="llmbar")[0].verdicts} == {"human"}


@pytest.mark.parametrize(
    ("pairs", "outcomes", "says", "path"),
    [
        ([{**PAIR, "human_label": 3}], [], "expected 1 or 2", "human_label"),
        ([{**PAIR, "human_label": None}], [], "expected 1 or 2", "human_label"),
        ([{**PAIR, "output_2": 5}], [], "expected text", "output_2"),
        ([PAIR], [{**OUTCOME, "winner": "both"}], "expected 1 or 2", "winner"),
        ([PAIR], [{**OUTCOME, "winner_swapped": True}], "expected text or a number or null", "winner_swapped"),
        ([PAIR], [OUTCOME, OUTCOME], "two outcomes of 'J/Vanilla'", "judge"),
        ([PAIR], [{**OUTCOME, "item_id": "gone"}], "pair 'gone'", ""),
    ],
)
def test_a_fault_of_llmbar_is_told_with_its_path(pairs: Any, outcomes: Any, says: str, path: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=says) as caught:
        read_cases(bar(tmp_path / "set", pairs, outcomes))
    assert caught.value.path == path


def accuracy(found: Iterable[Preference], judge: str, subset: str) -> tuple[float, float]:
    """Return a judge's accuracy over both orders, and how often the orders agree."""
    by_pair: dict[str, dict[tuple[str, int], str]] = defaultdict(dict)
    for said in found:
        if said.task.startswith(subset) and said.judge in (judge, "human"):
            by_pair[said.task][said.judge, said.repeat] = winner(said)
    right = [s[judge, k] == s["human", 0] for s in by_pair.values() for k in (0, 1)]
    same = [s[judge, 0] == s[judge, 1] for s in by_pair.values()]
    return sum(right) / len(right), sum(same) / len(same)


@pytest.mark.parametrize("judge", ["GPT-4", "ChatGPT", "Falcon"])
def test_the_accuracy_of_llmbars_judges_is_that_of_the_raw_lines(judge: str) -> None:
    labels = {r["item_id"]: str(r["human_label"]) for r in raw("llmbar/pairs")}
    rows = [
        r for r in raw("llmbar/judge_outcomes")
        if (r["judge"], r["strategy"]) == (judge, "Vanilla") and r["item_id"].startswith("LLMBar/Natural#")
    ]  # fmt: skip
    right = sum((r["winner"] == labels[r["item_id"]]) + (r["winner_swapped"] == labels[r["item_id"]]) for r in rows) / (2 * len(rows))
    same = sum(r["winner"] == r["winner_swapped"] for r in rows) / len(rows)
    _, found = read_preferences(real("llmbar"))
    assert accuracy(found, f"{judge}/Vanilla", "LLMBar/Natural#") == pytest.approx((right, same))


def test_llmbar_keeps_every_choice_of_every_judge() -> None:
    told: Counter[Any] = Counter()
    for row in raw("llmbar/judge_outcomes"):
        for repeat, key in enumerate(("winner", "winner_swapped")):
            told[row["item_id"], f"{row['judge']}/{row['strategy']}", repeat, row[key]] += 1
    cases, found = read_preferences(real("llmbar"))
    kept = Counter((p.task, p.judge, p.repeat, winner(p).rpartition("/")[2]) for p in found if p.judge != "human")
    failed = [v for c in cases for v in c.verdicts if v.state == State.FAILED and v.response.endswith("/1")]
    kept.update((v.task, v.judge, v.repeat, None) for v in failed)
    assert kept == told
    assert (len(cases), len(failed)) == (727, 2 * 76 + 28 + 28 + 13 + 10)
