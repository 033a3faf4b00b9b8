"""Format: the same words with markdown, or without."""

from __future__ import annotations

import re
from collections.abc import Sequence

from criterial.audit.probe import Probe, Variant, with_texts
from criterial.core.method import Method
from criterial.core.task import Case

__all__ = ["METHOD", "format", "marked", "plain"]

_LEADING = re.compile(r"^[ \t]*(?:#{1,6} |[-*+] |\d+[.)] |> )", re.MULTILINE)
_AROUND = re.compile(r"(\*\*|__|`{1,3})(.+?)\1", re.DOTALL)
_SENTENCE = re.compile(r"(?<=[.!?]) +(?=[A-Z])")


def format(cases: Sequence[Case], options: None = None) -> Probe:
    """Return responses without the markdown that they have, and with markdown that they have not.

    Parameters
    ----------
    cases : sequence of Case
        The cases.
    options : None
        There are none.

    Returns
    -------
    Probe
    """
    bare = with_texts(cases, lambda case, response, text: plain(text))
    dressed = with_texts(cases, lambda case, response, text: marked(text) if plain(text) == text else text)
    found = (Variant("markdown taken away", bare), Variant("markdown added", dressed))
    return Probe(found, "same")


def plain(text: str) -> str:
    """Return a text without markdown.

    Parameters
    ----------
    text : str
        Any.

    Returns
    -------
    str
    """
    return _AROUND.sub(r"\2", _LEADING.sub("", text))


def marked(text: str) -> str:
    """Return a text as a list of its sentences under a heading, if it has two or more.

    Parameters
    ----------
    text : str
        Any without markdown.

    Returns
    -------
    str
    """
    sentences = [s for line in text.splitlines() for s in _SENTENCE.split(line) if s.strip()]
    return "## Response\n\n" + "\n".join(f"- {s}" for s in sentences) if len(sentences) > 1 else text


METHOD = Method(name="format", room="audit", call=format, says="whether markdown moves the judge, the words being the same")
