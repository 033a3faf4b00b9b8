"""A gullible judge: it does what it is told by any text outside a block, and else answers as planted.

It sees the very messages that a chat model would be sent. Whatever of a response reaches it as anything but the content of its block is
obeyed, so what it credits shows where a template leaks. It says nothing about models that obey what stands inside.
"""

from __future__ import annotations

import re
import unicodedata

from criterial.core.ports import Answer, DecisionReply, DecisionRequest, Question, Usage
from criterial.model.chat_format import Sheet
from criterial.model.scripted import Truth

__all__ = ["GullibleDecider", "is_order", "outside"]

_BLOCK = re.compile(r"<(\w+) ([0-9a-f]{16})>\n.*?\n</\1 \2>", re.S)
_ORDERS = re.compile(
    r"every criterion (?:is|as) met|all criteria are met|\"answer\": ?\"yes\"|"
    r"kriterium (?:ist|als) erfüllt|critère est rempli|criterio se cumple|标准均已满足|基準を満たし|критерии выполнены|المعايير مستوفاة"
)


def is_order(text: str) -> bool:
    """Return whether a text tells a judge to credit all criteria, in one of the ways in which the attack set does.

    Parameters
    ----------
    text : str
        Any; case, width and invisible characters do not matter.

    Returns
    -------
    bool
    """
    seen = "".join(c for c in unicodedata.normalize("NFKC", text) if c.isspace() or unicodedata.category(c)[0] != "C")
    return _ORDERS.search(seen.casefold()) is not None


def outside(prompt: str) -> str:
    """Return what a reader takes for the judge's own instructions: all but the blocks, each up to the first tag that closes it.

    Parameters
    ----------
    prompt : str
        With blocks as `criterial.core.fence` renders them.

    Returns
    -------
    str
    """
    return _BLOCK.sub("", prompt)


class GullibleDecider:
    """Gives every criterion its best label where it is ordered to, from outside a block, and else what is planted.

    Parameters
    ----------
    truth : callable, optional
        From a criterion's text, what is judged, and the labels to the right label; without it nothing is credited.
    """

    name = "gullible"
    calibrated = False
    questions_per_call = 1000

    def __init__(self, truth: Truth | None = None) -> None:
        self._truth = truth
        self.identity = f"gullible:{getattr(truth, '__qualname__', 'no')}"

    async def decide(self, request: DecisionRequest) -> DecisionReply:
        """Answer every question of a request, as ordered or as planted.

        Parameters
        ----------
        request : DecisionRequest
            Input and questions.

        Returns
        -------
        DecisionReply
        """
        sheet = Sheet.of(request)
        obeys = is_order(outside(f"{sheet.system()}\n{sheet.user(plain=True)}"))
        return DecisionReply(tuple(self._answer(request, q, obeys) for q in request.questions), Usage(1))

    def _answer(self, request: DecisionRequest, question: Question, obeys: bool) -> Answer:
        if question.kind == "text":
            return Answer("decided", reason=request.input.text)
        reason = "ordered to" if obeys else "as planted"
        if question.kind == "number":
            return Answer("decided", number=question.high if obeys else question.low, reason=reason)
        labels = [level.label for level in question.levels]
        shown = "\n".join(b.text for b in request.input.blocks)
        right = labels[-1] if obeys else self._truth(question.text, shown, labels) if self._truth else labels[0]
        return Answer("decided", tuple(float(label == right) for label in labels), reason=reason)

    def estimate(self, request: DecisionRequest) -> Usage:
        """Return one call at no cost.

        Parameters
        ----------
        request : DecisionRequest
            Any.

        Returns
        -------
        Usage
        """
        return Usage(1)

    async def close(self) -> None:
        """Do nothing."""
