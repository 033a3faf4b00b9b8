"""Which criteria the embedded judge may decide: those that ask whether a response says something, and no others.

It sees what a text covers. It cannot tell whether that is right, good, polite or as long as it should be, so such criteria are left
alone with the reason. Questions that a program answers better (lengths, keywords, numbers) belong in a check.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from criterial.core.ports import Question

__all__ = ["Route", "route"]


class Route(NamedTuple):
    """What the embedded judge makes of a criterion."""

    claim: str
    """What a response has to cover, or empty where the criterion is left alone."""
    inverted: bool = False
    """Whether covering it means that the criterion is not met."""
    reason: str = ""
    """Why the criterion is left alone."""


_SAYS = (
    r"(?:stat(?:e|es|ed|ing)|mention(?:s|ed|ing)?|includ(?:e|es|ed|ing)|say(?:s|ing)?|not(?:e|es|ing)|report(?:s|ing)?|describ(?:e|es|ed|ing)|"
    r"explain(?:s|ed|ing)?|list(?:s|ed|ing)?|nam(?:e|es|ed|ing)|identif(?:y|ies|ied)|indicat(?:e|es|ed|ing)|provid(?:e|es|ed|ing)|giv(?:e|es)|"
    r"cover(?:s|ed|ing)?|recommend(?:s|ed|ing)?|advis(?:e|es|ed|ing)|suggest(?:s|ed|ing)?|specif(?:y|ies|ied)|contain(?:s|ed|ing)?|discuss(?:es|ed)?|"
    r"address(?:es|ed)?|acknowledg(?:e|es|ed)|emphasi[sz]es?|highlights?|defin(?:e|es|ed)|points?\s+out|refer(?:s|red)?\s+to|cit(?:e|es|ed)|"
    r"tells?|warns?|asks?|informs?|outlin(?:e|es)|detail(?:s)?|present(?:s)?|summari[sz]es?|encourag(?:e|es)|reminds?|mak(?:e|es)\s+(?:clear|it\s+clear)|"
    r"declar(?:e|es)|introduc(?:e|es)|instructs?|show(?:s)?)"
)
_HEDGE = (
    r"(?:(?:should|must|needs?\s+to|has\s+to|can|also|clearly|explicitly|correctly|accurately|briefly|specifically|separately|at\s+least|"
    r"does|do)\s+)*"
)
_WHO = (
    r"(?:(?:the|this|a|its|generated|given|final)\s+)*"
    r"(?:response|answer|summary|text|output|reply|model|assistant|story|letter|email|post|essay|it)"
)
_COVERS = re.compile(rf"^\s*(?:{_WHO}\s+)?{_HEDGE}{_SAYS}\b", re.I)
_ASKED = re.compile(rf"^\s*(?:does|do|did|has|is)\s+{_WHO}\s+{_HEDGE}{_SAYS}\b", re.I)
_OMITS = re.compile(
    rf"^\s*(?:{_WHO}\s+)?(?:fails?\s+to|failing\s+to|does\s+not|doesn['\u2019]t|do\s+not|did\s+not|neglects?\s+to|never|omits?|lacks?|leaves?\s+out|"
    rf"forgets?\s+to)\s+(?:(?:explicitly|clearly)\s+)?(?:{_SAYS}\b)?",
    re.I,
)
_QUALITY = re.compile(
    r"\b(?:well[- ]\w+|clear(?:ly)?\s+written|concise|coheren\w+|persuasive|engaging|polite|friendly|empath\w+|tone|gramma\w+|spelling|"
    r"typos?|fluen\w+|"
    r"creativ\w+|original|readab\w+|factually|hallucinat\w+|overstat\w+|formal\w*|informal\w*|jargon|helpful|logical\w*|consisten\w+|"
    r"formatt?\w*|markdown|bullet|headings?|words?\s+(?:long|or\s+less|or\s+fewer)|word\s+count|sentences?\s+long|too\s+(?:long|short)|rhym\w+)\b",
    re.I,
)


def route(question: Question, has_response: bool, has_media: bool) -> Route:
    """Return what the embedded judge makes of a question.

    Parameters
    ----------
    question : Question
        The question.
    has_response : bool
        Whether the input holds a response.
    has_media : bool
        Whether it holds images.

    Returns
    -------
    Route
    """
    text = question.text.strip()
    obstacle = _obstacle(question, has_response, has_media)
    if obstacle:
        return Route("", reason=obstacle)
    if omitted := _OMITS.match(text):
        rest = text[omitted.end() :].strip(" :")
        return Route(rest, inverted=True) if len(rest) > 3 else Route("", reason=_NOT_COVERAGE)
    if _ASKED.match(text):
        return Route(_ASKED.sub("", text).strip(" :?"))
    if _COVERS.match(text):
        return Route(text)
    return Route("", reason="it cannot judge quality, style, length or correctness" if _QUALITY.search(text) else _NOT_COVERAGE)


def _obstacle(question: Question, has_response: bool, has_media: bool) -> str:
    """Return why the judge cannot even begin, or nothing."""
    if not has_response:
        return "it judges responses, and this is about the task"
    if has_media:
        return "it does not see images"
    if question.kind != "predicate":
        return "it answers yes/no criteria only"
    if question.condition:
        return "it cannot tell whether a condition holds"
    letters = [c for c in question.text if c.isalpha()]
    if not letters or sum(c > "\u024f" for c in letters) > 0.3 * len(letters):
        return "it reads languages in Latin script only, English best"
    return ""


_NOT_COVERAGE = "it only judges whether a response says something, and this criterion does not ask for that in a form it knows"
