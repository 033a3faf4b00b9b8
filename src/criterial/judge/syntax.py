"""How many lines of a program do not parse: what a compiler agent deducts for, without running anything."""

from __future__ import annotations

import ast
import re
import warnings

__all__ = ["code_of", "error_lines"]

_FENCE = re.compile(r"```[ \t]*([\w+-]*)[^\n]*\n(.*?)```", re.DOTALL)
_MOST = 200_000


def code_of(text: str, language: str) -> str:
    """Return the code in a response: its fenced blocks of that language or of none, joined; the whole text where there is no block.

    Parameters
    ----------
    text : str
        The response.
    language : str
        As ``python``.

    Returns
    -------
    str
    """
    blocks = _FENCE.findall(text)
    if not blocks:
        return text
    wanted = {language, language[:2], f"{language}3", ""}
    return "\n".join(body for named, body in blocks if named.lower() in wanted)


def error_lines(code: str, most: int) -> list[tuple[int, str]]:
    """Return the lines of a Python program that do not parse, each with what is wrong.

    Parameters
    ----------
    code : str
        The program. It is parsed and never run.
    most : int
        How many are looked for at most.

    Returns
    -------
    list of (int, str)
        1-based lines. A line that is found is blanked out before the next is looked for, so that one slip counts once.

    Raises
    ------
    ValueError
        If the program is longer than 200,000 characters.
    """
    if len(code) > _MOST:
        raise ValueError(f"the program has more than {_MOST} characters")
    lines = code.split("\n")
    found: dict[int, str] = {}
    while len(found) < most:
        fault = _fault("\n".join(lines))
        if fault is None:
            break
        place = min(max(fault[0], 1), len(lines))
        if place in found:  # what is wrong is no single line
            break
        found[place] = fault[1]
        indent = lines[place - 1][: len(lines[place - 1]) - len(lines[place - 1].lstrip())]
        opens = lines[place - 1].rstrip().endswith(":") or re.match(
            r"\s*(?:def|class|if|for|while|with|try|else|elif|except)\b", lines[place - 1]
        )
        lines[place - 1] = f"{indent}if 1:" if opens else f"{indent}pass"
    return sorted(found.items())


def _fault(code: str) -> tuple[int, str] | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(code)
    except SyntaxError as error:
        return error.lineno or 1, str(error.msg)
    except (ValueError, RecursionError, MemoryError) as error:
        return 1, f"cannot be parsed: {type(error).__name__}"
    return None
