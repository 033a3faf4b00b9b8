"""Master keys: responses without content that some judges credit all the same."""

from __future__ import annotations

from collections.abc import Sequence

from criterial.audit.probe import Probe, Variant, dealt, with_texts
from criterial.core.method import Method
from criterial.core.task import Case

__all__ = ["KEYS", "METHOD", "master_keys"]

KEYS = (":", ".", ",", "Solution", "Thought process:", "Let's solve this problem step by step.", "解", "かいせつ", "Respuesta", "Answer:")
"""Responses that say nothing."""


def master_keys(cases: Sequence[Case], options: None = None) -> Probe:
    """Return responses that say nothing, which of ten depends on their ids.

    Parameters
    ----------
    cases : sequence of Case
        The cases.
    options : None
        There are none.

    Returns
    -------
    Probe

    References
    ----------
    One token to fool LLM-as-a-judge, arXiv 2507.08794.
    """
    changed = with_texts(cases, lambda case, response, text: KEYS[dealt(case, response, len(KEYS))])
    return Probe((Variant("a response that says nothing", changed),), "nothing", empty=True)


METHOD = Method(
    name="master_keys",
    room="audit",
    call=master_keys,
    says="whether a colon or an opening phrase in place of a response is credited",
    cites="arXiv 2507.08794",
)
