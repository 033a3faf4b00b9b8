"""Reading the object out of a reply that is not quite JSON: fences, prose around it, trailing commas, comments, bad escapes.

What was cut off is never completed: an object counts only where its closing brace is there, so a verdict is read or it is not,
but never guessed. (The items of a list that break off after some whole ones are kept, whole ones only.)
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

__all__ = ["last_object"]

_TRAILING = re.compile(r",(\s*[}\]])")
_COMMENT = re.compile(r'("(?:\\.|[^"\\])*")|//[^\n]*|/\*.*?\*/', re.S)
_ESCAPE = re.compile(r'\\(?!["\\/bfnrt]|u[0-9a-fA-F]{4})')
_PYTHON = re.compile(r'("(?:\\.|[^"\\])*")|\b(True|False|None)\b')
_WORDS = {"True": "true", "False": "false", "None": "null"}
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
    whole = _load(text.strip())
    if isinstance(whole, dict) and key in whole and not _echoed(text.strip(), echoes):
        return whole
    best: dict[str, Any] | None = None
    for start, end in _balanced(text):
        piece = text[start:end]
        value = _load(piece)
        if isinstance(value, dict) and key in value and not _echoed(piece, echoes):
            best = value
    return best if best is not None else _whole_items(text, key, echoes)


def _echoed(piece: str, echoes: Sequence[str]) -> bool:
    return any(piece in echo for echo in echoes)


def _balanced(text: str) -> Iterator[tuple[int, int]]:
    """Yield the outermost balanced braces outside strings; a quote that never closes does not hide what follows it."""
    position = text.find("{")
    while position >= 0:
        end = _close(text, position)
        if end is None:
            position = text.find("{", position + 1)
        else:
            yield position, end
            position = text.find("{", end)


def _close(text: str, start: int) -> int | None:
    depth, quoted, skip = 0, False, False
    for i in range(start, len(text)):
        c = text[i]
        if skip:
            skip = False
        elif quoted:
            skip = c == "\\"
            quoted = c != '"'
        elif c == '"':
            quoted = True
        elif c == "{":
            depth += 1
        elif c == "}":
            depth -= 1
            if depth == 0:
                return i + 1
    return None


def _whole_items(text: str, key: str, echoes: Sequence[str]) -> dict[str, Any] | None:
    """Return ``{key: [whole items]}`` of a list that breaks off."""
    opened = text.rfind(f'"{key}"')
    bracket = text.find("[", opened) if opened >= 0 else -1
    if bracket < 0:
        return None
    base = text[bracket:]
    pieces = [base[a:b] for a, b in _balanced(base)]
    items = [v for v in (_load(p) for p in pieces if not _echoed(p, echoes)) if isinstance(v, dict)]
    return {key: items} if items else None


def _load(text: str) -> Any:
    if not text or text[0] not in "{[":
        return None
    try:
        return _decode(text)
    except (ValueError, RecursionError):
        pass
    try:
        return _decode(_mended(text))
    except (ValueError, RecursionError):
        return None


def _refuse(word: str) -> Any:
    raise ValueError(word)


_decode = json.JSONDecoder(strict=False, parse_constant=_refuse).decode


def _mended(text: str) -> str:
    text = _COMMENT.sub(lambda m: m.group(1) or "", text)
    text = _PYTHON.sub(lambda m: m.group(1) or _WORDS[m.group(2)], text)
    return _ESCAPE.sub(r"\\\\", _TRAILING.sub(r"\1", text))
