"""JSON, read strictly: what is refused is told with its line, and so is the line of any value."""

from __future__ import annotations

import json
import re
from typing import Any

from criterial.errors import FormatError
from criterial.formats.strict import check_values, finite_float, steps_of, whole_number

__all__ = ["json_line", "parse_json", "parse_lines"]

_MOST_VALUES = 5_000_000
_SUSPECT = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
_SPACED_KEY = re.compile(r'"[ \t\r\n]+:')
_WHITE = re.compile(r"[ \t\r\n]*")
_TOKEN = re.compile(r'("(?:[^"\\]++|\\.)*+")([ \t\r\n]*+:)?|[{}]|[^\s"{}\[\],:]+')


def parse_json(text: str, file: str = "", line: int | None = None) -> Any:
    """Return the value of a JSON text, read strictly.

    Parameters
    ----------
    text : str
        JSON.
    file : str
        Name for messages.
    line : int, optional
        Line for messages where the text is one line of a file.

    Returns
    -------
    Any

    Raises
    ------
    FormatError
        If it is not JSON, holds a key twice in one object, or a value that `criterial.formats.strict` refuses.
    """
    text = text.lstrip("\ufeff")
    if len(text) > _MOST_VALUES and sum(map(text.count, ",[{")) > _MOST_VALUES:
        raise FormatError(
            f"more than {_MOST_VALUES} values", file, line, hint="write one JSON object a line (.jsonl), each of them smaller"
        )
    try:
        value = _DECODER.decode(text)
        if _SUSPECT.search(text):
            check_values(value)
    except json.JSONDecodeError as error:
        raise FormatError(f"not JSON: {error.msg} (column {error.colno})", file, line or error.lineno) from error
    except RecursionError as error:
        raise FormatError("nested too deeply", file, line) from error
    except FormatError as error:
        raise error.located(file, line or (json_line(text, steps_of(error.path)) if error.path else _refused_line(text))) from None
    except ValueError as error:
        raise FormatError(f"a number that cannot be used: {error}"[:200], file, line) from error
    return value


def parse_lines(text: str) -> list[dict[str, Any]] | None:
    """Return the objects of many lines at once, one a line, which is faster than `parse_json` of each.

    Parameters
    ----------
    text : str
        JSON lines.

    Returns
    -------
    list of dict or None
        None where one may not be what `parse_json` takes, or holds another object or an opening brace: read these lines one by one.
    """
    lines = [line for line in (raw.strip(" \t\r") for raw in text.split("\n")) if line]
    # with a brace a line, each at its beginning, and as many values as lines, no value can reach from one line into another
    if text.count("{") != len(lines) or not all(line[0] == "{" for line in lines):
        return None
    if "\0" in text or _SUSPECT.search(text) or _SPACED_KEY.search(text):
        return None
    try:
        values: list[dict[str, Any]] = _LENIENT.decode("[" + ",".join(lines) + "]")
    except (ValueError, RecursionError, FormatError):
        return None
    # every key is followed by one of these, so a key that stands twice leaves too many of them
    return values if len(values) == len(lines) and text.count('":') == sum(map(len, values)) else None


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            _once(key, seen)
    return out


def _once(key: str, seen: set[str]) -> None:
    if key in seen:
        raise FormatError(f"the key {key[:60]!r} occurs twice in one object", hint="the last would win silently; remove one")
    seen.add(key)


def _constant(word: str) -> Any:
    raise FormatError(f"{word} is not a number", hint="every number must be finite")


_DECODER = json.JSONDecoder(object_pairs_hook=_pairs, parse_constant=_constant, parse_float=finite_float, parse_int=whole_number)
_LENIENT = json.JSONDecoder(parse_constant=_constant, parse_float=finite_float, parse_int=whole_number)
"""Lets keys stand twice."""


def _refused_line(text: str) -> int | None:
    """Return the line of the first key that stands twice or number that is refused; the decoder's hooks do not hear where they are."""
    keys: list[set[str]] = []
    for token in _TOKEN.finditer(text):
        word, quoted, colon = token.group(), token.group(1), token.group(2)
        try:
            if word == "{":
                keys.append(set())
            elif word == "}":
                keys.pop()
            elif colon:
                _once(json.loads(quoted), keys[-1])
            elif not quoted:
                _DECODER.decode(word)
        except json.JSONDecodeError:
            return None
        except FormatError:
            return text.count("\n", 0, token.start()) + 1
    return None


def json_line(text: str, steps: list[str | int]) -> int:
    """Return the line on which a value begins, or what is nearest above it where it is not there.

    Parameters
    ----------
    text : str
        JSON that is known to parse.
    steps : list of str or int
        Keys and indices from the top.

    Returns
    -------
    int
    """
    position = _white(text, text.startswith("\ufeff"))
    found = position
    for step in steps:
        inside = _inside(text, position, step)
        if inside is None:
            break
        found, position = inside
    return text.count("\n", 0, found) + 1


def _inside(text: str, position: int, step: str | int) -> tuple[int, int] | None:
    """Return where an item of the object or list at a position begins, with its key and without."""
    opened = text[position : position + 1]
    position = _white(text, position + 1)
    index = 0
    while opened in ("{", "[") and text[position : position + 1] not in ("}", "]", ""):
        here = position
        key: str | int = index
        if opened == "{":
            key, end = json.decoder.scanstring(text, position + 1)  # type: ignore[attr-defined]
            position = _white(text, _white(text, end) + 1)
        if key == step:
            return here, position
        position = _white(text, _DECODER.raw_decode(text, position)[1])
        if text[position : position + 1] == ",":
            position = _white(text, position + 1)
        index += 1
    return None


def _white(text: str, position: int) -> int:
    match = _WHITE.match(text, position)
    return match.end() if match else position
