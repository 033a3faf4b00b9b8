"""criterial.formats.pandalm: pairs with the votes of three people and the choices of judges."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from criterial.core.verdict import Preference, State
from criterial.errors import FormatError
from criterial.formats.load import read_cases
from criterial.formats.pairs import read_preferences
from tests.formats.raw import raw
from tests.helpers_files import real, write

PANDA = {
    "idx": 7,
    "cmp_key": "m-1_n-2",
    "motivation_app": "Mail",
    "instruction": "Greet.",
    "input": "Ann",
    "response1": "Hello Ann.",
    "response2": True,
    "human_votes": [1, 1, 0],
    "judge_gpt": "Tie",
    "judge_other": 2,
    "judge_odd": "garbage",
}


def test_votes_and_judges_of_pandalm_are_judges_of_one_pair(tmp_path: Path) -> None:
    ((made,), found) = read_preferences(write(tmp_path, "p.jsonl", PANDA))
    assert (made.task.id, made.task.messages[0].content, made.task.tags) == ("7", "Greet.\n\nAnn", ("application:Mail",))
    assert [(r.id, r.system, r.text) for r in made.responses] == [("7/1", "m-1", "Hello Ann."), ("7/2", "n-2", "true")]
    assert [(p.judge, p.winner) for p in found] == [
        ("annotator-1", "a"),
        ("annotator-2", "a"),
        ("annotator-3", "tie"),
        ("gpt", "tie"),
        ("other", "b"),
    ]
    assert [v.state for v in made.verdicts if v.judge == "odd"] == [State.FAILED] * 2


@pytest.mark.parametrize(
    ("change", "says", "path"),
    [
        ({"human_votes": [1, 3, 0]}, "expected 0, 1, 2 or Tie", "human_votes[1]"),
        ({"human_votes": [1, "garbage", 0]}, "expected 0, 1 or 2", "human_votes[1]"),
        ({"human_votes": [True]}, "expected 0, 1, 2 or Tie", "human_votes[0]"),
        ({"judge_gpt": "first"}, "expected 0, 1, 2 or Tie", "judge_gpt"),
        ({"cmp_key": "one_two_three"}, "two models", "cmp_key"),
        ({"response1": None}, "expected text or true or false", "response1"),
    ],
)
def test_a_fault_of_pandalm_is_told_with_line_and_path(change: Any, says: str, path: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=says) as caught:
        read_cases(write(tmp_path, "p.jsonl", [PANDA, {**PANDA, "idx": 8, **change}]))
    assert (caught.value.line, caught.value.path) == (2, path)


def kappa(one: Sequence[str], two: Sequence[str]) -> float:
    """Return Cohen's kappa of two raters."""
    n = len(one)
    seen = sum(a == b for a, b in zip(one, two, strict=True)) / n
    counts = Counter(one), Counter(two)
    chance = sum(counts[0][k] * counts[1][k] for k in counts[0]) / n**2
    return (seen - chance) / (1 - chance)


def sides(found: Iterable[Preference]) -> Mapping[str, dict[str, str]]:
    """Return each judge's winners by pair."""
    out: dict[str, dict[str, str]] = defaultdict(dict)
    for said in found:
        out[said.judge][said.task] = said.winner
    return out


def test_pandalms_annotators_agree_and_its_judges_are_right_as_often_as_in_the_raw_lines() -> None:
    cases, found = read_preferences(real("pandalm/pairs.jsonl.gz"))
    said = sides(found)
    rows = raw("pandalm/pairs")
    word = {"0": "tie", "1": "a", "2": "b", "Tie": "tie"}
    for place in range(3):
        assert list(said[f"annotator-{place + 1}"].values()) == [word[str(r["human_votes"][place])] for r in rows]
    people = [list(said[f"annotator-{n}"].values()) for n in (1, 2, 3)]
    assert [round(kappa(people[a], people[b]), 3) for a, b in ((0, 1), (0, 2), (1, 2))] == [0.862, 0.891, 0.857]
    majority = {str(r["idx"]): Counter(word[str(v)] for v in r["human_votes"]).most_common(1)[0][0] for r in rows}
    for judge, right in (("gpt-3.5-turbo", 398), ("pandalm-7b", 372)):
        assert sum(said[judge].get(t) == w for t, w in majority.items()) == right
    assert len(cases) == 584
