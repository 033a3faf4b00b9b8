"""Programmatic checks: criteria that a program decides, so that no model is asked and nothing is paid.

A check never runs code that a file brought along: ``python`` calls a function of a module that the user has allowed by name.
"""

from __future__ import annotations

import importlib
import json
import math
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from criterial.core.criterion import Check, Criterion
from criterial.core.scale import Numeric, parse_value
from criterial.core.task import Response, Task
from criterial.core.verdict import State, Verdict
from criterial.errors import ConfigError

__all__ = ["CHECKS", "Subject", "check_options", "holds", "run_check"]

_WORD = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*")
_SENTENCE = re.compile(r"[^.!?\u3002\uff01\uff1f]+[.!?\u3002\uff01\uff1f]+|[^.!?\u3002\uff01\uff1f]+$")
_NUMBER = re.compile(r"[-+\u2212]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][-+]?\d+)?")
_FENCE = re.compile(r"```(?:json)?\s*\n(.*?)```", re.S)


class Subject(NamedTuple):
    """What a check looks at."""

    task: Task
    """What was asked."""
    response: Response
    """What was answered."""


Outcome = tuple[Any, str]
"""The value, in any form that `parse_value` reads or None to abstain, and the reason."""


def _regex(options: Mapping[str, Any], subject: Subject) -> Outcome:
    flags = re.MULTILINE
    for letter in options.get("flags", ""):
        flags |= {"i": re.IGNORECASE, "s": re.DOTALL, "x": re.VERBOSE}[letter]
    found = len(re.findall(options["pattern"], subject.response.text, flags))
    if options.get("count"):
        return found, f"{found} {'match' if found == 1 else 'matches'} of /{options['pattern']}/"
    least = options.get("min", 1)
    most = options.get("max", math.inf)
    return least <= found <= most, f"{found} {'match' if found == 1 else 'matches'} of /{options['pattern']}/"


def _contains(options: Mapping[str, Any], subject: Subject) -> Outcome:
    fold: Callable[[str], str] = str if options.get("case_sensitive") else str.casefold
    text = fold(subject.response.text)
    wanted = [options["texts"]] if isinstance(options["texts"], str) else list(options["texts"])
    if options.get("whole_words"):
        found = [w for w in wanted if re.search(rf"(?<!\w){re.escape(fold(w))}(?!\w)", text)]
    else:
        found = [w for w in wanted if fold(w) in text]
    match = {"any": bool(found), "all": len(found) == len(wanted), "none": not found}[options.get("match", "all")]
    return match, f"contains {', '.join(found)}" if found else f"contains none of {', '.join(wanted)}"


def _length(options: Mapping[str, Any], subject: Subject) -> Outcome:
    text = subject.response.text
    unit = options.get("unit", "words")
    counted = {
        "words": lambda: len(_WORD.findall(text)),
        "characters": lambda: len(text),
        "sentences": lambda: len([s for s in _SENTENCE.findall(text) if s.strip()]),
        "lines": lambda: len([line for line in text.splitlines() if line.strip()]),
        "paragraphs": lambda: len([p for p in re.split(r"\n\s*\n", text) if p.strip()]),
        "bullets": lambda: len(re.findall(r"^\s*(?:[-*\u2022]|\d+[.)])\s+\S", text, re.M)),
    }[unit]()
    return options.get("min", 0) <= counted <= options.get("max", math.inf), f"{counted} {unit}"


def _json_schema(options: Mapping[str, Any], subject: Subject) -> Outcome:
    import jsonschema  # third party, and slow to import: needed by this check alone

    text = subject.response.text.strip()
    fenced = _FENCE.search(text)
    try:
        value = json.loads(fenced.group(1) if fenced else text)
    except (ValueError, RecursionError):
        return False, "the response is not JSON"
    errors = list(jsonschema.Draft202012Validator(options["schema"]).iter_errors(value))
    if not errors:
        return True, "the response is JSON that fits the schema"
    place = "/".join(str(p) for p in errors[0].absolute_path) or "the top"
    return False, f"at {place}: {errors[0].message[:200]}"


def _number(options: Mapping[str, Any], subject: Subject) -> Outcome:
    text = subject.response.text
    if "pattern" in options:
        texts = [m.group(1) if m.re.groups else m.group() for m in re.finditer(options["pattern"], text)]
    else:
        texts = _NUMBER.findall(text)
    numbers = [float(t.replace(",", "").replace("\u2212", "-")) for t in texts if _NUMBER.fullmatch(t.strip())]
    if not numbers:
        return False, "the response holds no number"
    picked = {"last": numbers[-1:], "first": numbers[:1], "any": numbers}[options.get("which", "last")]
    expected = float(options["equals"])
    tolerance = max(float(options.get("tolerance", 0.0)), abs(expected) * float(options.get("relative_tolerance", 0.0)))
    near = [n for n in picked if abs(n - expected) <= tolerance + 1e-12 * abs(expected)]
    return bool(near), f"{(near or picked)[0]:g} against {expected:g}"


def _python(options: Mapping[str, Any], subject: Subject) -> Outcome:
    module, _, name = options["function"].partition(":")
    found = getattr(importlib.import_module(module), name)(subject.response.text, subject.task)
    if isinstance(found, tuple) and len(found) == 2:
        return found[0], str(found[1])
    return found, f"{options['function']} returned {found!r}"[:200]


class _Kind(NamedTuple):
    call: Callable[[Mapping[str, Any], Subject], Outcome]
    needs: tuple[str, ...]
    may: tuple[str, ...]
    says: str


CHECKS: dict[str, _Kind] = {
    "regex": _Kind(_regex, ("pattern",), ("flags", "min", "max", "count"), "whether (with count: how often) a regular expression matches"),
    "contains": _Kind(_contains, ("texts",), ("match", "case_sensitive", "whole_words"), "whether any, all or none of some texts occur"),
    "length": _Kind(_length, (), ("unit", "min", "max"), "how many words, characters, sentences, lines, paragraphs or bullets"),
    "json_schema": _Kind(_json_schema, ("schema",), (), "whether the response is JSON that fits a schema"),
    "number": _Kind(
        _number,
        ("equals",),
        ("tolerance", "relative_tolerance", "which", "pattern"),
        "whether the last, first or any number is the expected one",
    ),
    "python": _Kind(_python, ("function",), (), "what a function of an allowed module returns"),
}
"""Every kind of check: its function, the options that it needs and may have, and what it decides."""

_CHOICES = {
    "match": ("any", "all", "none"),
    "unit": ("words", "characters", "sentences", "lines", "paragraphs", "bullets"),
    "which": ("last", "first", "any"),
}


def check_options(check: Check, allowed: Collection[str] = ()) -> str:
    """Return what is wrong with a check's options, or nothing.

    Parameters
    ----------
    check : Check
        The check as it stands in a rubric.
    allowed : collection of str
        Modules whose functions ``python`` checks may call.

    Returns
    -------
    str
        One sentence, empty where the check can run.
    """
    kind = CHECKS.get(check.kind)
    if kind is None:
        return f"there is no check {check.kind!r}; there are {', '.join(CHECKS)}"
    missing = [n for n in kind.needs if n not in check.options]
    if missing:
        return f"the check {check.kind} needs {', '.join(missing)}"
    unknown = [n for n in check.options if n not in (*kind.needs, *kind.may)]
    if unknown:
        return f"the check {check.kind} does not know {', '.join(unknown)}"
    return _option_fault(check, allowed)


def _option_fault(check: Check, allowed: Collection[str]) -> str:
    for name, choices in _CHOICES.items():
        if name in check.options and check.options[name] not in choices:
            return f"{name} is one of {', '.join(choices)}, not {check.options[name]!r}"
    if "pattern" in check.options:
        try:
            re.compile(check.options["pattern"])
        except (re.error, TypeError) as error:
            return f"the pattern cannot be used: {error}"
    if set(check.options.get("flags", "")) - set("isx"):
        return "flags are i, s and x"
    if check.kind == "python" and str(check.options["function"]).partition(":")[0] not in allowed:
        module = str(check.options["function"]).partition(":")[0]
        return f"it calls {check.options['function']}, which is not allowed: pass --allow-python {module} if you trust that module"
    return ""


def holds(check: Check, subject: Subject) -> bool:
    """Return whether a condition holds.

    Parameters
    ----------
    check : Check
        The condition.
    subject : Subject
        Task and response.

    Returns
    -------
    bool

    Raises
    ------
    ConfigError
        If the check itself fails.
    """
    try:
        return bool(CHECKS[check.kind].call(check.options, subject)[0])
    except Exception as error:
        raise ConfigError(f"the condition {check.kind} failed: {type(error).__name__}: {error}") from error


def run_check(criterion: Criterion, subject: Subject) -> Verdict:
    """Return the verdict of a criterion's check.

    Parameters
    ----------
    criterion : Criterion
        One with a check.
    subject : Subject
        Task and response.

    Returns
    -------
    Verdict
        Failed with cause ``check_error`` where the check raised or returned no value of the scale.
    """
    blank = Verdict(subject.response.id, criterion.id, judge="check", task=subject.task.id)
    if criterion.check is None:
        return replace(blank, state=State.FAILED, cause="check_error", reason="the criterion has no check")
    try:
        raw, reason = CHECKS[criterion.check.kind].call(criterion.check.options, subject)
        if raw is None:
            return replace(blank, state=State.ABSTAINED, cause="cannot_assess", reason=reason)
        if isinstance(criterion.scale, Numeric) and criterion.check.options.get("count"):
            raw = min(raw, criterion.scale.high)  # a count stops at the end of its scale
        return replace(blank, value=parse_value(criterion.scale, raw), reason=reason)
    except Exception as error:  # a check is the user's own code: whatever it raises is this cell's failure, not the run's
        return replace(blank, state=State.FAILED, cause="check_error", reason=f"{type(error).__name__}: {error}"[:300])
