"""TOML with nothing in it that JSON does not have, and no key that takes the parser minutes."""

from __future__ import annotations

import re
import tomllib
from typing import Any

from criterial.errors import FormatError
from criterial.formats.strict import check_values

__all__ = ["parse_toml"]

_MOST_PARTS = 64
_PART = r"""(?:[A-Za-z0-9_-]++|"(?:[^"\\\n]|\\.)*+"?|'[^'\n]*+'?)"""
_DOTTED = re.compile(rf"{_PART}(?:[ \t]*+\.[ \t]*+{_PART})*+")
_LONG_TEXT = re.compile(r"""\"{3,}|'{3,}""")


def parse_toml(text: str, file: str) -> dict[str, Any]:
    """Return the value of a TOML text.

    Parameters
    ----------
    text : str
        TOML.
    file : str
        Name for messages.

    Returns
    -------
    dict

    Raises
    ------
    FormatError
        If it is not TOML, or holds a value that `criterial.formats.strict` refuses.
    """
    _check_keys(text, file)
    try:
        value = tomllib.loads(text)
        check_values(value)
    except FormatError as error:
        raise error.located(file) from None
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        line = re.search(r"line (\d+)", str(error))
        raise FormatError(f"not TOML: {error}", file, int(line.group(1)) if line else None) from error
    return value


def _check_keys(text: str, file: str) -> None:
    """Raise at a key of very many parts: tomllib takes steps as their square."""
    for number, line in enumerate(text.split("\n"), 1):
        if line.count(".") >= _MOST_PARTS:
            keys = (key for piece in _LONG_TEXT.split(line) for key in _DOTTED.findall(piece))
            if any(len(re.findall(_PART, key)) > _MOST_PARTS for key in keys):
                raise FormatError(f"a key of more than {_MOST_PARTS} parts", file, number)
