"""LLMBar: pairs of outputs of which people prefer one, and the choices of many judges in both orders, as a folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from criterial.core.criterion import Source
from criterial.core.rubric import Rubric
from criterial.core.task import Case, Message, Response, Task
from criterial.errors import FormatError
from criterial.formats.format import Format
from criterial.formats.pairing import PAIR, Opinion, pair_case
from criterial.formats.parts import has_parts, part
from criterial.formats.reading import Document
from criterial.formats.validation import NULL, build, take, texts, word

__all__ = ["FORMAT"]

_RUBRIC = Rubric((PAIR,), id="llmbar", source=Source("LLMBar"))
_WINNERS = {"1": "first", "2": "second"}


def _read(document: Document, _: Rubric | None) -> Iterator[Case]:
    folder, pairs = document.path, document
    if folder.is_dir():
        pairs = part(folder, "pairs")
    else:
        folder = folder.parent
    if not pairs.first:
        return
    outcomes = _outcomes(part(folder, "judge_outcomes")) if has_parts(folder, "judge_outcomes") else {}
    left = dict(outcomes)
    yield from pairs.each(lambda item: _case(item, left.pop(word(item, "item_id"), [])))
    if left:
        raise FormatError(f"judges chose in pair {next(iter(left))!r}, which is not in pairs.jsonl", document.name)


def _case(item: Mapping[str, Any], outcomes: list[Opinion]) -> Case:
    identity = word(item, "item_id")
    asked = Message("user", take(item, "input", str))
    task = build(Task, {"id": identity, "messages": (asked,), "tags": (f"subset:{take(item, 'subset', str)}",)})
    outputs = [Response(f"{identity}/{n}", (Message("assistant", take(item, f"output_{n}", str)),)) for n in (1, 2)]
    human = Opinion("human", _winner(item, "human_label"))
    if human.winner is None:
        raise FormatError("expected 1 or 2, found null", path="human_label")
    return pair_case(task, _RUBRIC, outputs[0], outputs[1], [human, *outcomes])


def _outcomes(document: Document) -> dict[str, list[Opinion]]:
    """Return the choices of judges by pair; each judge with each strategy is a judge of its own."""
    found: dict[str, list[Opinion]] = {}
    seen: set[tuple[str, str]] = set()
    for place, item in document.objects():
        with place.told():
            identity = word(item, "item_id")
            judge = f"{take(item, 'judge', str)}/{take(item, 'strategy', str)}"
            if (identity, judge) in seen:
                raise FormatError(f"two outcomes of {judge!r} for pair {identity!r}", path="judge")
            seen.add((identity, judge))
            scores = texts(item, "scores", default=[])
            reason = f"scores {', '.join(scores)}" if scores else ""
            ways = enumerate(("winner", "winner_swapped"))
            found.setdefault(identity, []).extend(Opinion(judge, _winner(item, key), repeat, reason) for repeat, key in ways)
    return found


def _winner(item: Mapping[str, Any], key: str) -> str | None:
    given: Any = take(item, key, (str, int, NULL))
    if given is None:
        return None
    if str(given) not in _WINNERS:
        raise FormatError(f"expected 1 or 2, found {str(given)[:20]}", path=key)
    return _WINNERS[str(given)]


def _folder(document: Document) -> bool:
    return has_parts(document.path, "pairs", "judge_outcomes")


FORMAT = Format(
    "llmbar",
    "a folder of pairs with people's choices and those of judges in both orders",
    lambda first: False,
    _read,
    cites="princeton-nlp/LLMBar",
    folder=_folder,
)
