"""Reading the object out of a reply that is not quite JSON: fences, prose around it, trailing commas, comments, bad escapes.

What was cut off is never completed: an object counts only where its closing brace is there, so a verdict is read or it is not,
but never guessed. (The items of a list that breaks off after some whole ones are kept, whole ones only.)
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

__all__ = ["last_object"]

_TRAILING = re.compile(r",(\s*[}\]])")
_COMMENT = re.compile(r'("(?:\\.|[^"\\])*")|//[^\n]*|/\*.*?\*/', re.S)
_ESCAPE = re.compile(r'\\(?!["\\/bfnrt]|u[0-9a-fA-F]{4})')
_PYTHON = re.compile(r'("(?:\\.|[^"\\])*")|\b(True|False|None)\b')
_WORDS = {"True": "true", "False": "false", "None": "null"}
_BETWEEN = re.compile(r"[\s,]*")
_LONGEST = 200_000


def last_object(text: str, key: str, echoes: Sequence[str] = ()) -> dict[str, Any] | None:
    """Return the last JSON object in a text that has a key, or None.

    Parameters
    ----------
    text : str
        A reply.
    key : str
        A key that the object must have.
    echoes : sequence of str
        Texts that were judged: an object that stands in one of them word for word is an echo and not an answer.

    Returns
    -------
    dict or None
    """
    text = text[-_LONGEST:]
    for mend in (str, _mended):
        found = _last_whole(mend(text), key, [mend(e) for e in echoes])
        if found is not None:
            return found
    return _whole_items(text, key, echoes)


def _last_whole(text: str, key: str, echoes: Sequence[str]) -> dict[str, Any] | None:
    best: dict[str, Any] | None = None
    reach = -1
    start = text.rfind("{")
    while start >= 0:
        value, end = _decode(text, start)
        # An object further left is the answer only where it holds the one found: then that one was a part of it.
        if end > reach and isinstance(value, dict) and key in value and not any(text[start:end] in echo for echo in echoes):
            best, reach = value, end
        start = text.rfind("{", 0, start)
    return best


def _whole_items(text: str, key: str, echoes: Sequence[str]) -> dict[str, Any] | None:
    """Return ``{key: [whole items]}`` of a list that breaks off."""
    opened = text.find("[", text.rfind(f'"{key}"')) if f'"{key}"' in text else -1
    items: list[Any] = []
    position = opened + 1
    while 0 <= opened < position:
        start = _BETWEEN.match(text, position).end()  # type: ignore[union-attr]
        value, position = _decode(text, start)
        if isinstance(value, dict) and not any(text[start:position] in echo for echo in echoes):
            items.append(value)
    return {key: items} if items else None


def _decode(text: str, start: int) -> tuple[Any, int]:
    """Return the object that begins at a place and where it ends; nothing and -1 where none does."""
    try:
        return _DECODER.raw_decode(text, start)
    except (ValueError, RecursionError):
        return None, -1


def _refuse(word: str) -> Any:
    raise ValueError(word)


_DECODER = json.JSONDecoder(strict=False, parse_constant=_refuse)


def _mended(text: str) -> str:
    text = _COMMENT.sub(lambda m: m.group(1) or "", text)
    text = _PYTHON.sub(lambda m: m.group(1) or _WORDS[m.group(2)], text)
    return _ESCAPE.sub(r"\\\\", _TRAILING.sub(r"\1", text))
