"""What plain loaders let through and no file may hold: numbers that are none or too large, dates, NUL, halves of characters."""

from __future__ import annotations

import math
import re
from typing import Any

from criterial.errors import FormatError

__all__ = ["check_values", "decode", "finite_float", "kind_of", "steps_of", "whole_number"]

_HALF = re.compile("[\ud800-\udfff]")


def finite_float(text: str) -> float:
    """Return a number that was written with a point or an exponent.

    Parameters
    ----------
    text : str
        The number as it was written.

    Returns
    -------
    float

    Raises
    ------
    FormatError
        If it is not finite.
    """
    value = float(text)
    if not math.isfinite(value):
        raise FormatError(f"{text[:30]} is too large", hint="every number must be finite")
    return value


def whole_number(text: str) -> int:
    """Return a number that was written without a point.

    Parameters
    ----------
    text : str
        The number as it was written.

    Returns
    -------
    int

    Raises
    ------
    FormatError
        If it takes more than 64 bits.
    """
    if len(text) > 18 and not -(1 << 63) <= int(text[:25]) < 1 << 63:
        raise FormatError(f"{text[:30]} has more than 64 bits")
    return int(text)


def decode(raw: bytes, file: str, line: int | None = None) -> str:
    """Return bytes as text.

    Parameters
    ----------
    raw : bytes
        UTF-8, with or without a byte order mark.
    file : str
        Name for messages.
    line : int, optional
        Line for messages where the bytes are one line of a file.

    Returns
    -------
    str

    Raises
    ------
    FormatError
        If it is not UTF-8, or holds NUL.
    """
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        place = line or raw.count(b"\n", 0, error.start) + 1
        raise FormatError("not UTF-8", file, place, hint="save the file as UTF-8") from error
    if "\0" in text:
        raise FormatError("a NUL character", file, line or text.count("\n", 0, text.index("\0")) + 1)
    return text


def check_values(value: Any, path: str = "") -> None:
    """Raise where plain data holds what no store and no other program takes.

    Parameters
    ----------
    value : object
        Dicts, lists and scalars.
    path : str
        Where it stands.

    Raises
    ------
    FormatError
        At NUL or half a surrogate pair in a text, a number that is not finite or takes more than 64 bits, or a date.
    """
    if isinstance(value, dict):
        for key, item in value.items():
            check_values(key, path)
            check_values(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for i, item in enumerate(value):
            check_values(item, f"{path}[{i}]")
    else:
        _check_scalar(value, path)


def _check_scalar(value: Any, path: str) -> None:
    if isinstance(value, str):
        if "\0" in value:
            raise FormatError("a text holds a NUL character", path=path)
        if _HALF.search(value):
            raise FormatError("a text holds half a surrogate pair", path=path, hint="write the whole character")
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise FormatError(f"{value} is not a number", path=path, hint="every number must be finite")
    elif isinstance(value, int):
        if not -(1 << 63) <= value < 1 << 63:
            raise FormatError("a number has more than 64 bits", path=path)
    elif value is not None:
        raise FormatError(f"a {type(value).__name__} is neither text nor number", path=path, hint="write it in quotes")


def kind_of(value: Any) -> str:
    """Return what a value is, in the words of messages.

    Parameters
    ----------
    value : object
        Plain data.

    Returns
    -------
    str
    """
    return {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}.get(type(value), "a number")


def steps_of(path: str) -> list[str | int]:
    """Return an error's path as keys and indices.

    Parameters
    ----------
    path : str
        As ``rubric[2].weight``.

    Returns
    -------
    list of str or int
    """
    out: list[str | int] = []
    for part in path.replace("[", ".[").split("."):
        if part.startswith("[") and part[1:-1].isdecimal():
            out.append(int(part[1:-1]))
        elif part:
            out.append(part)
    return out
