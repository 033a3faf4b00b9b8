"""Pairs of responses as cases: what a judge prefers is a verdict on each of the two, and a `Preference` can be had back from them.

The first response of a case is the one that the file names first. A judge's even repeats (0, 2, ...) saw the pair in that order, its
odd repeats in the other; a verdict says whether the response lost, tied or won, so a score is a win rate with ties as half.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from criterial.core.criterion import Criterion
from criterial.core.rubric import Rubric
from criterial.core.scale import Level, Ordinal
from criterial.core.task import Case, Response, Task
from criterial.core.verdict import Preference, State, Verdict
from criterial.errors import FormatError

__all__ = ["PAIR", "Opinion", "pair_case", "preferences_of"]

PAIR = Criterion("preferred", "Is the better of the two responses.", Ordinal((Level("lost"), Level("tied"), Level("won"))), scope="pair")
"""The criterion of a comparison as a whole."""
_LOST, _TIED, _WON = 0.0, 1.0, 2.0
_MARKS = {"first": (_WON, _LOST), "second": (_LOST, _WON), "tie": (_TIED, _TIED)}


class Opinion(NamedTuple):
    """What one judge said of a pair."""

    judge: str
    """Who."""
    winner: str | None
    """``first``, ``second`` or ``tie``; None where the reply could not be read."""
    repeat: int = 0
    """Which repeat; in odd ones the second response was shown first."""
    reason: str = ""
    """What else the file says of it."""


def pair_case(task: Task, rubric: Rubric, first: Response, second: Response, opinions: Iterable[Opinion]) -> Case:
    """Return a pair as a case.

    Parameters
    ----------
    task : Task
        What both respond to.
    rubric : Rubric
        Holds `PAIR`.
    first : Response
        The response that the file names first.
    second : Response
        The other.
    opinions : iterable of Opinion
        What judges said.

    Returns
    -------
    Case
    """
    verdicts = [v for o in opinions for v in _verdicts(o, task.id, (first.id, second.id))]
    return Case(task, rubric, (first, second), tuple(verdicts))


def _verdicts(said: Opinion, task: str, responses: tuple[str, str]) -> Iterator[Verdict]:
    told = {"judge": said.judge, "repeat": said.repeat, "reason": said.reason, "task": task}
    for place, response in enumerate(responses):
        if said.winner is None:
            yield Verdict(response, PAIR.id, State.FAILED, cause="malformed", **told)  # type: ignore[arg-type]
        else:
            yield Verdict(response, PAIR.id, value=_MARKS[said.winner][place], **told)  # type: ignore[arg-type]


def preferences_of(cases: Iterable[Case]) -> list[Preference]:
    """Return the preferences that stand in the cases' verdicts; one that failed is none.

    Parameters
    ----------
    cases : iterable of Case
        As `pair_case` makes them.

    Returns
    -------
    list of Preference

    Raises
    ------
    FormatError
        If a case is no pair, or the two verdicts of a judge contradict each other.
    """
    return [p for case in cases for p in _of_case(case)]


def _of_case(case: Case) -> Iterator[Preference]:
    if len(case.responses) != 2 or PAIR.id not in case.rubric.index:
        raise FormatError(f"task {case.task.id!r} is no pair: it needs two responses and the criterion {PAIR.id!r}")
    first, second = (r.id for r in case.responses)
    for (judge, repeat), given in _marks_of(case).items():
        winner = next((w for w, (a, b) in _MARKS.items() if (given.get(first), given.get(second)) == (a, b)), None)
        if winner is None:
            raise FormatError(f"the verdicts of {judge!r} on the two responses of task {case.task.id!r} do not fit each other")
        swapped = bool(repeat % 2)
        shown = (second, first) if swapped else (first, second)
        side = winner if winner == "tie" else "a" if (winner == "first") != swapped else "b"
        yield Preference(case.task.id, *shown, side, judge=judge, repeat=repeat)


def _marks_of(case: Case) -> dict[tuple[str, int], dict[str, float]]:
    """Return what each judge and repeat says of each response."""
    marks: dict[tuple[str, int], dict[str, float]] = {}
    for verdict in case.verdicts:
        if verdict.criterion == PAIR.id and verdict.value is not None:
            marks.setdefault((verdict.judge, verdict.repeat), {})[verdict.response] = verdict.value
    return marks
