"""PandaLM's test set: pairs of responses with the votes of three people and the choices of judges, ties allowed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from criterial.core.criterion import Source
from criterial.core.rubric import Rubric
from criterial.core.task import Case, Message, Response, Task
from criterial.errors import FormatError
from criterial.formats.format import Format
from criterial.formats.pairing import PAIR, Opinion, pair_case
from criterial.formats.reading import Document
from criterial.formats.validation import build, take, word

__all__ = ["FORMAT"]

_RUBRIC = Rubric((PAIR,), id="pandalm", source=Source("PandaLM"))
_WINNERS: dict[str, str | None] = {"0": "tie", "tie": "tie", "1": "first", "2": "second", "garbage": None}
_JUDGE = "judge_"


def _read(document: Document, _: Rubric | None) -> Iterator[Case]:
    return document.each(_case)


def _case(item: Mapping[str, Any]) -> Case:
    identity = word(item, "idx")
    given = take(item, "input", str, default="")
    asked = take(item, "instruction", str) + (f"\n\n{given}" if given else "")
    tags = (f"application:{item['motivation_app']}",) if item.get("motivation_app") else ()
    task = build(Task, {"id": identity, "messages": (Message("user", asked),), "tags": tags})
    systems = take(item, "cmp_key", str).split("_")
    if len(systems) != 2:
        raise FormatError("expected the names of two models with one _ between them", path="cmp_key")
    first, second = (
        Response(f"{identity}/{n}", (Message("assistant", _text(item, f"response{n}")),), system=system)
        for n, system in enumerate(systems, 1)
    )
    return pair_case(task, _RUBRIC, first, second, _opinions(item))


def _text(item: Mapping[str, Any], key: str) -> str:
    """Return a response; where the set's authors let a word become a JSON value, as the file spells it."""
    given: Any = take(item, key, (str, bool))
    return given if isinstance(given, str) else json.dumps(given)


def _opinions(item: Mapping[str, Any]) -> Iterator[Opinion]:
    votes: list[Any] = take(item, "human_votes", list)
    for place in range(len(votes)):
        winner = _winner({str(place): votes[place]}, str(place), f"human_votes[{place}]")
        if winner is None:
            raise FormatError("expected 0, 1 or 2", path=f"human_votes[{place}]")
        yield Opinion(f"annotator-{place + 1}", winner)
    for key in item:
        if key.startswith(_JUDGE):
            yield Opinion(key.removeprefix(_JUDGE), _winner(item, key, key))


def _winner(item: Mapping[str, Any], key: str, path: str) -> str | None:
    given = item[key]
    said = str(given).lower()
    if isinstance(given, (bool, float)) or said not in _WINNERS:
        raise FormatError(f"expected 0, 1, 2 or Tie, found {said[:20]}", path=path)
    return _WINNERS[said]


def _matches(first: Mapping[str, Any]) -> bool:
    return {"cmp_key", "response1", "response2", "human_votes"} <= set(first)


FORMAT = Format("pandalm", "PandaLM pairs with three people's votes (JSON lines)", _matches, _read, cites="WeOpenML/PandaLM")
