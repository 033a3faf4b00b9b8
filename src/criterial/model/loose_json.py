"""Reading the object out of a reply that is not quite JSON: fences, prose around it, trailing commas, comments, bad escapes.

What was cut off is never completed: an object counts only where its closing brace is there, so a verdict is read or it is not,
but never guessed. (The items of a list that breaks off after some whole ones are kept, whole ones only.)
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

__all__ = ["last_object", "sole_object"]

_TRAILING = re.compile(r",(\s*[}\]])")
_COMMENT = re.compile(r'("(?:\\.|[^"\\])*")|//[^\n]*|/\*.*?\*/', re.S)
_ESCAPE = re.compile(r'\\(?!["\\/bfnrt]|u[0-9a-fA-F]{4})')
_PYTHON = re.compile(r'("(?:\\.|[^"\\])*")|\b(True|False|None)\b')
_WORDS = {"True": "true", "False": "false", "None": "null"}
_BETWEEN = re.compile(r"[\s,]*")
_OPENED = re.compile(r'\{(?=\s*")')
_LONGEST = 200_000
_MOST = 2_000


def last_object(text: str, key: str, wanted: Callable[[Mapping[str, Any]], bool] = lambda value: True) -> dict[str, Any] | None:
    """Return the last JSON object in a text that has a key, or None.

    Parameters
    ----------
    text : str
        A reply.
    key : str
        A key that the object must have.
    wanted : callable, optional
        Whether an object is one that is looked for; others, such as echoes of what was judged, are passed over.

    Returns
    -------
    dict or None
        Nothing of an object that has a key twice: which of the two was meant is not guessed.
    """
    text = text[-_LONGEST:]
    for mend in (str, _mended):
        found = _last_whole(mend(text), key, wanted)
        if found is not None:
            return found
    return _whole_items(text, key, wanted)


def sole_object(text: str, key: str, judged: Sequence[str]) -> dict[str, Any] | None:
    """Return the JSON object with a key that a text is, with nothing around it, or None.

    Parameters
    ----------
    text : str
        A reply.
    key : str
        A key that the object must have.
    judged : sequence of str
        Texts that were judged.

    Returns
    -------
    dict or None
        None where an equal object stands in what was judged, plain or escaped once: it is an echo.
    """
    text = text.strip()
    value, end = _decode(text, 0)
    if end != len(text) or not isinstance(value, dict) or key not in value:
        return None
    for shown in judged:
        for unescaped in (shown, shown.replace('\\"', '"').replace("\\n", "\n")):
            places = [m.start() for m in _OPENED.finditer(unescaped)] if f'"{key}"' in unescaped else []
            if len(places) > _MOST or any(_decode(unescaped, p)[0] == value for p in places):
                return None
    return value


def _last_whole(text: str, key: str, wanted: Callable[[Mapping[str, Any]], bool]) -> dict[str, Any] | None:
    best: dict[str, Any] | None = None
    reach = -1
    for start in reversed([m.start() for m in _OPENED.finditer(text)][-_MOST:]):
        value, end = _decode(text, start)
        # An object further left is the answer only where it holds the one found: then that one was a part of it.
        if end > reach and isinstance(value, dict) and key in value and wanted(value):
            best, reach = value, end
    return best


def _whole_items(text: str, key: str, wanted: Callable[[Mapping[str, Any]], bool]) -> dict[str, Any] | None:
    """Return ``{key: [whole items]}`` of a list that breaks off."""
    opened = text.find("[", text.rfind(f'"{key}"')) if f'"{key}"' in text else -1
    items: list[Any] = []
    position = opened + 1
    while 0 <= opened < position:
        start = _BETWEEN.match(text, position).end()  # type: ignore[union-attr]
        value, position = _decode(text, start)
        if isinstance(value, dict):
            items.append(value)
    return {key: items} if items and wanted({key: items}) else None


def _decode(text: str, start: int) -> tuple[Any, int]:
    """Return the object that begins at a place and where it ends; nothing and -1 where none does."""
    try:
        return _DECODER.raw_decode(text, start)
    except (ValueError, RecursionError):
        return None, -1


def _refuse(word: str) -> Any:
    raise ValueError(word)


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise ValueError("a key stands twice")
    return value


_DECODER = json.JSONDecoder(strict=False, parse_constant=_refuse, object_pairs_hook=_once)


def _mended(text: str) -> str:
    text = _COMMENT.sub(lambda m: m.group(1) or "", text)
    text = _PYTHON.sub(lambda m: m.group(1) or _WORDS[m.group(2)], text)
    return _ESCAPE.sub(r"\\\\", _TRAILING.sub(r"\1", text))
