"""Which criteria the embedded judge may decide: those that ask whether a response says something, and no others.

It sees what a text covers. It cannot tell whether that is right, good, polite or as long as it should be, so such criteria are left
alone with the reason. Questions that a program answers better (lengths, keywords, numbers) belong in a check.

A criterion of coverage is a frame (``The response states that``) about a claim (``the cat sat``). One pattern of frames recognises such
criteria and takes the frame off, so that no word of a frame is ever looked for in a response.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import regex

from criterial.core.ports import Question
from criterial.model.floor_features import has_words

__all__ = ["OTHER_SCRIPT", "Route", "claim_of", "other_script", "route"]

OTHER_SCRIPT = "it reads languages in Latin script only, English best"
"""Why a criterion or a response in another script is left alone."""
_QUALITIES = "it cannot judge quality, style, length or correctness"
_NOT_COVERAGE = "it only judges whether a response says something, and this criterion does not ask for that in a form it knows"
_MOST_FOREIGN = 0.3


class Route(NamedTuple):
    """What the embedded judge makes of a criterion."""

    claim: str
    """What a response has to cover, or empty where the criterion is left alone."""
    inverted: bool = False
    """Whether covering it means that the criterion is not met."""
    reason: str = ""
    """Why the criterion is left alone."""


class _Framed(NamedTuple):
    claim: str
    inverted: bool
    clause: bool
    """Whether the claim is a sentence that the frame introduces, as by `that`."""


_VERBS = """state mention include say note report describe explain list identify indicate provide give cover recommend advise suggest
specify contain discuss address acknowledge emphasize emphasise highlight define cite tell warn ask outline summarize summarise encourage
remind declare introduce instruct show""".split()
_ADJECTIVES = "detail inform name present".split()  # their other forms (detailed, named) more often begin something else than a frame


def _forms(verb: str) -> str:
    """Return the pattern of a regular verb's forms."""
    if verb.endswith("e"):
        return f"{verb[:-1]}(?:e|es|ed|ing)"
    if regex.search("[^aeiou]y$", verb):
        return f"{verb[:-1]}(?:y|ies|ied|ying)"
    return f"{verb}(?:e?s|ed|ing)?"


_SAYS = "|".join(
    (
        *map(_forms, _VERBS),
        *(f"{verb}s?" for verb in _ADJECTIVES),
        r"said|told|point(?:s|ed|ing)?\s+out|refer(?:s|red|ring)?\s+to|mak(?:e|es|ing)\s+(?:it\s+)?clear",
    )
)
_WHO = (
    r"(?:(?:the|this|a|its|generated|given|final)\s+)*"
    r"(?:response|answer|summary|text|output|reply|model|assistant|story|letter|email|post|essay|it)\s+"
)
_HEDGE = (
    r"(?:(?:should|must|needs?\s+to|has\s+to|can|also|clearly|explicitly|correctly|accurately|briefly|specifically|separately|at\s+least|"
    r"does|do)\s+)*"
)
_NOT = r"(?:fail(?:s|ed|ing)?|neglect(?:s|ed|ing)?|forgets?|forgot)\s+to|(?:does|do|did)(?:\s+not|n['\u2019]t)|never"
_OMITS = (
    r"omit(?:s|ted|ting)?|lea(?:ves?|ving)\s+out|left\s+out|"
    r"lack(?:s|ed|ing)?(?=\s+(?:(?:an?|any|the)\s+)?"
    r"(?:mention|statement|description|explanation|discussion|reference|list|definition|recommendation|warning)\b)"
)
_FRAME = regex.compile(
    rf"\s*(?:(?:(?:does|do|did|has|have)\s+)?{_WHO})?"
    rf"(?:(?P<omits>{_OMITS})|(?:(?P<omits>{_NOT})\s+)?{_HEDGE}(?:{_SAYS}))(?![\w-])"
    r"(?:\s+(?:(?P<clause>that|the\s+fact\s+that|how|why|when|whether)|either|explicitly|clearly)\b)*[\s:,]*",
    regex.IGNORECASE,
)
_NOTE = regex.compile(r"\s*\((?:justification|note)\b.*?\)\s*$", regex.IGNORECASE | regex.DOTALL)
_MANNER = (
    r"\bin\s+an?\s+(?:[\w,-]+\s+){0,4}(?:tone|style|manner|voice)\b|\bin\s+(?:plain|simple|formal|informal|lay)\s+(?:language|terms)\b|"
    r"\b(?:\d+|one|two|three|four|five|six|seven|eight|nine|ten)\s+(?:words?|sentences?|characters|paragraphs?|bullets?)\b"
)
_ASKS_MANNER = regex.compile(_MANNER, regex.IGNORECASE)
_ASKS_QUALITY = regex.compile(
    rf"{_MANNER}|"
    r"\b(?:well[-\s](?!known\b)\w+(?:ed|en|ught)|clear(?:ly)?\s+written|concise|coheren\w+|persuasive|engaging|polite|friendly|empath\w+|tone|"
    r"gramma\w+|spelling|typos?|fluen\w+|creativ\w+|original|readab\w+|factually|accura\w+|thorough\w*|comprehensive|hallucinat\w+|"
    r"overstat\w+|formal\w*|informal\w*|jargon|helpful|logical\w*|consisten\w+|formatt?\w*|markdown|bullet|headings?|"
    r"words?\s+(?:long|or\s+less|or\s+fewer)|word\s+count|sentences?\s+long|too\s+(?:long|short)|rhym\w+)\b",
    regex.IGNORECASE,
)
_LETTER, _LATIN = regex.compile(r"\p{L}"), regex.compile(r"\p{Latin}")


@lru_cache(maxsize=20_000)
def claim_of(criterion: str) -> str:
    """Return what a criterion wants to see in a response, without the words that frame it.

    Parameters
    ----------
    criterion : str
        As ``The response states that: the cat sat`` or ``Does the answer state that the cat sat?``.

    Returns
    -------
    str
        As ``the cat sat``; the whole text where no frame is found, or one that asks for something to be left out.
    """
    framed = _framed(criterion)
    return framed.claim if framed and not framed.inverted else _NOTE.sub("", criterion.strip())


def other_script(text: str) -> bool:
    """Return whether too much of a text is in another script than Latin for the embedded judge to read it.

    Parameters
    ----------
    text : str
        Any; one without letters is in no script.

    Returns
    -------
    bool
    """
    letters = len(_LETTER.findall(text))
    return letters - len(_LATIN.findall(text)) > _MOST_FOREIGN * letters


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
    if not has_response:
        return Route("", reason="it judges responses, and this is about the task")
    if has_media:
        return Route("", reason="it does not see images")
    if question.kind != "predicate":
        return Route("", reason="it answers yes/no criteria only")
    if question.condition:
        return Route("", reason="it cannot tell whether a condition holds")
    return _read(question.text)


@lru_cache(maxsize=20_000)
def _read(criterion: str) -> Route:
    """Return what the embedded judge makes of a criterion's words."""
    if not _LETTER.search(criterion) or other_script(criterion):
        return Route("", reason=OTHER_SCRIPT)
    framed = _framed(criterion)
    # What a clause says of quality (`states that the tone was friendly`) is said of its subject, not asked of the response.
    asks = _ASKS_MANNER if framed and framed.clause else _ASKS_QUALITY
    if asks.search(framed.claim if framed else criterion):
        return Route("", reason=_QUALITIES)
    return Route(framed.claim, framed.inverted) if framed else Route("", reason=_NOT_COVERAGE)


def _framed(criterion: str) -> _Framed | None:
    """Return a criterion's claim, or None where it has no frame or nothing in it."""
    text = _NOTE.sub("", criterion.strip())
    frame = _FRAME.match(text)
    claim = text[frame.end() :].rstrip(" ?") if frame else ""
    if frame is None or not (claim.isdigit() or (len(claim) > 1 and has_words(claim))):
        return None
    return _Framed(claim, frame["omits"] is not None, frame["clause"] is not None)
