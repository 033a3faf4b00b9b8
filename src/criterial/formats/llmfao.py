"""LLMFAO: votes of a crowd and of models on pairs of answers, ties allowed, as a folder of pairs and files of votes.

A file of votes alone is read too, without the texts. Each worker of the crowd is a judge; so is each model, named by its file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from criterial.core.criterion import Source
from criterial.core.rubric import Rubric
from criterial.core.task import Case, Message, Response, Task
from criterial.errors import FormatError
from criterial.formats.format import Format
from criterial.formats.pairing import PAIR, Opinion, pair_case
from criterial.formats.parts import has_parts, part
from criterial.formats.pieces import UNSEEN_OUTPUT, UNSEEN_TASK, tagged
from criterial.formats.reading import Document
from criterial.formats.validation import build, take, word

__all__ = ["FORMAT"]

_RUBRIC = Rubric((PAIR,), id="llmfao", source=Source("LLMFAO"))
_WINNERS = {"left": "first", "right": "second", "tie": "tie"}
_VOTES = "_votes"


class _Pair(NamedTuple):
    """What was compared."""

    prompt: str
    models: tuple[str, str]
    names: tuple[str, str]
    opinions: dict[str, Opinion]


class _Texts(NamedTuple):
    """What stands in the file of pairs."""

    asked: str
    results: tuple[str, str]
    tags: tuple[str, ...]


def _read(document: Document, _: Rubric | None) -> Iterator[Case]:
    whole = document.path.is_dir()
    files = [d for d in document.files() if d.stem.endswith(_VOTES)] if whole else [document]
    pairs = _votes(files)
    if not whole:
        yield from (_case(name, pair, None, UNSEEN_TASK) for name, pair in pairs.items())
        return
    texts = dict(part(document.path, "pairs").each(_texts))
    prompts = dict(part(document.path, "prompts").each(_prompt)) if has_parts(document.path, "prompts") else {}
    for name, pair in pairs.items():
        yield _case(name, pair, texts.get(name), prompts.get(pair.prompt, UNSEEN_TASK))


def _votes(files: Iterable[Document]) -> dict[str, _Pair]:
    """Return the pairs of all files by id, with everybody's votes."""
    pairs: dict[str, _Pair] = {}
    for file in files:
        for place, item in file.objects():
            with place.told():
                _add(pairs, item, file.stem.removesuffix(_VOTES))
    return pairs


def _add(pairs: dict[str, _Pair], item: Mapping[str, Any], file: str) -> None:
    identity, models = word(item, "id"), (word(item, "model_x"), word(item, "model_y"))
    new = _Pair(word(item, "prompt"), models, (take(item, "left", str), take(item, "right", str)), {})
    pair = pairs.setdefault(identity, new)
    if pair[:3] != new[:3]:
        raise FormatError(f"pair {identity!r} was of models {' and '.join(pair.names)} before", path="id")
    judge = f"worker-{word(item, 'worker')}" if "worker" in item else file
    winner: str = take(item, "winner", str)
    if winner not in _WINNERS:
        raise FormatError(f"expected left, right or tie, found {winner[:20]!r}", path="winner")
    if judge in pair.opinions:
        raise FormatError(f"two votes of {judge!r} on pair {identity!r}", path="id")
    pair.opinions[judge] = Opinion(judge, _WINNERS[winner])


def _texts(item: Mapping[str, Any]) -> tuple[str, _Texts]:
    results = (take(item, "result_x", str), take(item, "result_y", str))
    return word(item, "id"), _Texts(take(item, "text", str), results, tagged(item, "type", "slug"))


def _prompt(item: Mapping[str, Any]) -> tuple[str, str]:
    return word(item, "id"), take(item, "text", str)


def _case(identity: str, pair: _Pair, texts: _Texts | None, prompt: str) -> Case:
    known = texts or _Texts(prompt, (UNSEEN_OUTPUT, UNSEEN_OUTPUT), ())
    tags = (f"prompt:{pair.prompt}", *known.tags)
    task = build(Task, {"id": identity, "messages": (Message("user", known.asked),), "tags": tags})
    one, two = (
        Response(f"{identity}/{side}", (Message("assistant", text),), system=name)
        for side, text, name in zip("xy", known.results, pair.names, strict=True)
    )
    return pair_case(task, _RUBRIC, one, two, pair.opinions.values())


def _matches(first: Mapping[str, Any]) -> bool:
    return {"id", "model_x", "model_y", "winner", "left", "right"} <= set(first)


def _folder(document: Document) -> bool:
    return has_parts(document.path, "pairs") and any(d.stem.endswith(_VOTES) and _matches(d.first) for d in document.files())


FORMAT = Format(
    "llmfao", "votes of a crowd and of models on pairs: lines, or a folder", _matches, _read, cites="dustalov/llmfao", folder=_folder
)
