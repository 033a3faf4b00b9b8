"""How long a text is: words, sentences, lines, paragraphs, bullets."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import regex

__all__ = ["UNITS"]

_WORD = regex.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*")
_SENTENCE_END = regex.compile(
    r"""(?:(?<!\b\p{L}\.\p{L})|(?!\.\s+\p{Ll}))  # the sentence goes on after "e.g. this"
    [.!?]+["'\u201d\u2019)\]*_]*(?=\s|$)
    |[\u3002\uff01\uff1f]+""",
    regex.VERBOSE,
)
_PARAGRAPH_END = regex.compile(r"\n\s*\n")
_BULLET = regex.compile(r"^[^\S\n]*(?:[-*\u2022]|\d+[.)])[^\S\n]+\S", regex.MULTILINE)

UNITS: Mapping[str, Callable[[str], int]] = {
    "words": lambda text: len(_WORD.findall(text)),
    "characters": len,
    "sentences": lambda text: sum(bool(s.strip()) for s in _SENTENCE_END.split(text)),
    "lines": lambda text: sum(bool(line.strip()) for line in text.splitlines()),
    "paragraphs": lambda text: sum(bool(p.strip()) for p in _PARAGRAPH_END.split(text)),
    "bullets": lambda text: len(_BULLET.findall(text)),
}
"""Every unit of length with what counts it."""
