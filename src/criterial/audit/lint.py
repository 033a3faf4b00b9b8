"""Linting: what is wrong with a rubric before anybody is judged by it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from criterial.core.criterion import Check, Criterion
from criterial.core.rubric import Rubric
from criterial.core.scale import Binary, Likert
from criterial.core.score import Finding
from criterial.judge.checks import check_options
from criterial.judge.program import misplaced

__all__ = ["CODES", "lint"]

CODES: dict[str, str] = {
    "check": "a check that cannot run",
    "duplicate": "two criteria with the same words",
    "near_duplicate": "two criteria that share nearly all their words",
    "sign": "points whose sign contradicts the text",
    "no_points": "no criterion can earn points",
    "zero_weight": "a weight of 0",
    "dominant": "one criterion holds more than half of all positive points",
    "compound": "several questions in one",
    "vague": "a word of praise without a boundary",
    "no_anchors": "a Likert scale whose points are not described",
    "long": "a text too long to be judged as one thing",
    "checkable": "something that a program decides better",
    "uncapped": "a deduction without a cap",
}
"""Every kind of finding, in words."""

_FAULT = re.compile(
    r"^\W*(?:(?:the\s+)?(?:response|answer|model|assistant)\s+)?(?:fails?\s+to|failing\s+to|failed\s+to|neglects?\s+to|omits?\b|forgets?\s+to|lacks?\b|incorrectly|wrongly|"
    r"inaccurately|misstates?|misinterprets?|misidentifies|overstates?|understates?|invents?|fabricates?|hallucinates?|contradicts?|ignores?\b|"
    r"includes?\s+(?:unnecessary|irrelevant|incorrect|inaccurate|false|misleading|harmful)|"
    r"gives?\s+(?:incorrect|inaccurate|false|misleading|harmful)|provides?\s+(?:incorrect|inaccurate|false|misleading|harmful))",
    re.I,
)
_VIRTUE = re.compile(
    r"^\W*(?:(?:the\s+)?(?:response|answer|model|assistant)\s+)?(?:correctly|accurately|clearly|properly|appropriately|successfully|explicitly|avoids?\b|refrains?\s+from|"
    r"does\s+not\s+(?:hallucinate|invent|fabricate|overstate|include\s+(?:irrelevant|incorrect)))",
    re.I,
)
_VAGUE = re.compile(
    r"\b(good|great|nice|appropriate(?:ly)?|adequate(?:ly)?|high[- ]quality|proper(?:ly)?|reasonabl[ye]|sufficient(?:ly)?|satisfactory)\b",
    re.I,
)
_CHECKABLE = re.compile(
    r"\b(?:(?:at\s+(?:least|most)|exactly|no\s+more\s+than|fewer\s+than|less\s+than|under|over|within)\s+\d+\s+(?:words?|sentences?|characters?|lines?|paragraphs?|bullets?)|"
    r"valid\s+json|(?:contains?|uses?|includes?)\s+the\s+(?:word|phrase|keyword)s?\b|(?:starts?|begins?|ends?)\s+with\s+the\s+(?:word|phrase))",
    re.I,
)
_WORD = re.compile(r"[^\W_]+")
_NEAR = 0.85
_LONG = 1200


def lint(rubric: Rubric) -> list[Finding]:
    """Return what is wrong with a rubric, worst first.

    Parameters
    ----------
    rubric : Rubric
        The rubric. That it is well formed (ids, requirements, tree) is checked when it is read.

    Returns
    -------
    list of Finding
        Empty where nothing was found. Errors keep it from being used; warnings change what its scores mean; notes are advice.
    """
    found = [f for c in rubric.criteria for f in _criterion(c)]
    found += _duplicates(rubric.criteria)
    found += _points(rubric)
    return sorted(found, key=lambda f: f.gravity)


def _criterion(c: Criterion) -> Iterator[Finding]:
    for check in (c.check, c.applies_when):
        if isinstance(check, Check) and (fault := check_options(check, [str(check.options.get("function", "")).partition(":")[0]])):
            yield Finding("check", "error", c.id, fault)
    if fault := misplaced(c):
        yield Finding("check", "error", c.id, fault)
    yield from _signs(c)
    if c.effect == "deduct" and c.cap is None:
        yield Finding(
            "uncapped", "note", c.id, "deducts for every occurrence without a cap", "set a cap, or one fault can use up all points"
        )
    if isinstance(c.scale, Likert) and not c.scale.anchors:
        yield Finding(
            "no_anchors", "note", c.id, "the points of its scale are not described", "describe each point, so that two judges mean the same"
        )
    if isinstance(c.scale, Binary) and c.check is None:
        yield from _wording(c)


def _signs(c: Criterion) -> Iterator[Finding]:
    if c.weight == 0 and c.effect != "gate":
        yield Finding("zero_weight", "note", c.id, "its weight is 0, so it never counts")
    if c.effect != "add":
        return
    if c.weight > 0 and _FAULT.match(c.text):
        yield Finding(
            "sign", "warning", c.id, f"adds {c.weight:g} points for a fault: {_start(c)}", "make the weight negative, or say what is wanted"
        )
    if c.weight < 0 and _VIRTUE.match(c.text):
        yield Finding(
            "sign",
            "warning",
            c.id,
            f"takes {-c.weight:g} points for a merit: {_start(c)}",
            "make the weight positive, or say what is unwanted",
        )


def _wording(c: Criterion) -> Iterator[Finding]:
    if len(c.text) > _LONG:
        yield Finding("long", "note", c.id, f"its text has {len(c.text)} characters", "split it into criteria that are judged one by one")
    if c.text.count("?") > 1 or len(re.findall(r"\b(?:and also|as well as|and then)\b|;", c.text)) > 1:
        yield Finding("compound", "note", c.id, f"asks several things at once: {_start(c)}", "split it, so that each part can be met alone")
    if match := _VAGUE.search(c.text):
        yield Finding("vague", "note", c.id, f"says {match.group(1)!r} without saying where it begins", "say what a judge has to see")
    if match := _CHECKABLE.search(c.text):
        yield Finding("checkable", "note", c.id, f"{match.group(0)!r} can be counted", "give it a check: it is exact and costs nothing")


def _start(c: Criterion) -> str:
    return f'"{c.text[:80]}{"..." if len(c.text) > 80 else ""}"'


def _duplicates(criteria: Sequence[Criterion]) -> Iterator[Finding]:
    plain = [" ".join(w.lower() for w in _WORD.findall(c.text)) for c in criteria]
    words = [frozenset(p.split()) for p in plain]
    first: dict[str, int] = {}
    for i, c in enumerate(criteria):
        if plain[i] in first:
            other = criteria[first[plain[i]]].id
            yield Finding("duplicate", "warning", c.id, f"has the same words as {other}", "remove one: the same thing counts twice")
        elif (near := _nearest(words, i)) is not None:
            yield Finding(
                "near_duplicate",
                "note",
                c.id,
                f"shares nearly all its words with {criteria[near].id}",
                "check that they ask different things",
            )
        first.setdefault(plain[i], i)


def _nearest(words: Sequence[frozenset[str]], i: int) -> int | None:
    return next((j for j in range(i) if _overlap(words[i], words[j]) >= _NEAR), None)


def _overlap(a: frozenset[str], b: frozenset[str]) -> float:
    return len(a & b) / len(a | b) if a and b else 0.0


def _points(rubric: Rubric) -> Iterator[Finding]:
    if rubric.tree is not None:
        return
    positive = {c.id: c.weight for c in rubric.criteria if c.effect == "add" and c.weight > 0}
    total = sum(positive.values())
    if not positive:
        yield Finding(
            "no_points",
            "warning",
            "rubric",
            "no criterion earns points",
            "the score is 1 less the share of points lost; say so, or add what is wanted",
        )
    for name, weight in positive.items():
        if len(positive) > 2 and weight > total / 2:
            yield Finding("dominant", "note", name, f"holds {weight / total:.0%} of all positive points")
