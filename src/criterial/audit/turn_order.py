"""Turn order: the turns of a conversation, the last first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from criterial.audit.probe import Probe, Variant
from criterial.core.method import Method
from criterial.core.task import Case, Message, Response

__all__ = ["METHOD", "turn_order"]


def turn_order(cases: Sequence[Case], options: None = None) -> Probe:
    """Return conversations whose exchanges come in reverse.

    Parameters
    ----------
    cases : sequence of Case
        The cases; responses with fewer than two turns of the assistant stay, and criteria on one turn are left out.
    options : None
        There are none.

    Returns
    -------
    Probe
        Where a criterion is about the whole conversation and not about what came when, a sound judge says the same.
    """
    changed = tuple(_turned(cases))
    return Probe((Variant("exchanges in reverse", changed),), "same")


def _turned(cases: Sequence[Case]) -> Iterator[Case]:
    for case in cases:
        whole = tuple(c for c in case.rubric.criteria if c.turn is None)
        responses = tuple(_reversed(r) for r in case.responses)
        if whole and case.rubric.tree is None and responses != case.responses and not any(c.requires for c in whole):
            yield replace(case, rubric=replace(case.rubric, criteria=whole), responses=responses)


def _reversed(response: Response) -> Response:
    exchanges: list[list[Message]] = []
    for message in response.messages:
        if message.role == "user" or not exchanges or (message.role == "assistant" and exchanges[-1][-1].role == "assistant"):
            exchanges.append([])
        exchanges[-1].append(message)
    return replace(response, messages=tuple(m for e in exchanges[::-1] for m in e)) if len(exchanges) > 1 else response


METHOD = Method(name="turn_order", room="audit", call=turn_order, says="whether the order of a conversation's exchanges moves the judge")
