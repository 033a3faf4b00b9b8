"""criterial.formats.pairs and pairing: verdicts on both responses of a pair, and the preferences in them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from criterial.core.builder import table_of
from criterial.core.rubric import Rubric
from criterial.core.task import Case
from criterial.errors import FormatError
from criterial.formats.native import case_to_dict
from criterial.formats.pairing import PAIR, Opinion, pair_case, preferences_of
from criterial.formats.pairs import read_preferences
from criterial.score.scoring import score
from tests.formats.raw import winner
from tests.helpers_files import answer, case, task, write


def pair(*said: Opinion) -> Case:
    """Return a pair with opinions."""
    return pair_case(task(), Rubric((PAIR,)), answer("Paris.", "x"), answer("Lyon.", "y"), said)


@pytest.mark.parametrize(
    ("side", "repeat", "letter", "won"),
    [
        ("first", 0, "a", "x"),
        ("second", 0, "b", "y"),
        ("tie", 0, "tie", "tie"),
        ("first", 1, "b", "x"),
        ("second", 1, "a", "y"),
        ("tie", 3, "tie", "tie"),
    ],
)
def test_a_preference_says_what_was_shown_first_and_who_won(side: str, repeat: int, letter: str, won: str) -> None:
    (found,) = preferences_of([pair(Opinion("j", side, repeat))])
    assert (found.a, found.b) == (("y", "x") if repeat % 2 else ("x", "y"))
    assert (found.winner, winner(found), found.judge, found.repeat) == (letter, won, "j", repeat)


def test_the_score_of_a_response_is_its_share_of_wins_with_ties_as_half() -> None:
    for side, scores in (("first", [1.0, 0.0]), ("second", [0.0, 1.0]), ("tie", [0.5, 0.5])):
        made = pair(Opinion("j", side))
        assert [s.value for s in score(table_of([made], made.verdicts))] == scores


def test_preferences_survive_the_native_form(tmp_path: Path) -> None:
    made = pair(Opinion("j", "first"), Opinion("j", "tie", 1), Opinion("k", None, reason="mumbled"))
    cases, found = read_preferences(write(tmp_path, "p.json", case_to_dict(made)))
    assert [(c.task, c.responses, set(c.verdicts)) for c in cases] == [(made.task, made.responses, set(made.verdicts))]
    assert found == preferences_of([made])
    assert len(found) == 2


def test_what_is_no_pair_is_refused_with_its_task() -> None:
    with pytest.raises(FormatError, match="task 't' is no pair"):
        preferences_of([case("x", responses=[answer("1", "1"), answer("2", "2")])])
    with pytest.raises(FormatError, match="task 't' is no pair"):
        preferences_of([replace(pair(), responses=(answer(),))])


def test_verdicts_that_contradict_each_other_are_refused() -> None:
    made = pair(Opinion("j", "first"))
    with pytest.raises(FormatError, match="'j' on the two responses"):
        preferences_of([replace(made, verdicts=tuple(replace(v, value=2.0) for v in made.verdicts))])
