"""Corruption: half of each response is lost, which a judge that reads must notice."""

from __future__ import annotations

import re
from collections.abc import Sequence

from criterial.audit.probe import Probe, Variant, with_texts
from criterial.core.method import Method
from criterial.core.task import Case

__all__ = ["METHOD", "corruption"]

_SENTENCE = re.compile(r"(?<=[.!?\n])\s+")


def corruption(cases: Sequence[Case], options: None = None) -> Probe:
    """Return responses that have lost every other sentence, or of a single sentence every other word.

    Parameters
    ----------
    cases : sequence of Case
        The cases.
    options : None
        There are none.

    Returns
    -------
    Probe
        A judge that passes all probes that expect the same, and does not notice this, tells nothing.

    References
    ----------
    PEEM, arXiv 2603.10477 (card peem), the two-sided audit.
    """
    changed = with_texts(cases, lambda case, response, text: _halved(text))
    return Probe((Variant("every other sentence lost", changed),), "less")


def _halved(text: str) -> str:
    sentences = [s for s in _SENTENCE.split(text) if s.strip()]
    if len(sentences) > 1:
        return " ".join(sentences[::2])
    words = text.split()
    return " ".join(words[::2]) if len(words) > 1 else text


METHOD = Method(
    name="corruption",
    room="audit",
    call=corruption,
    says="whether the judge notices that every other sentence is lost",
    cites="PEEM, arXiv 2603.10477 (card peem)",
)
