"""Programmatic checks: criteria that a program decides, so that no model is asked and nothing is paid.

Each kind of check is a frozen dataclass of its options that is called with what it looks at. A check never runs code that a file
brought along (``python`` calls a function of a module that the user has allowed by name), fetches nothing, and gives up a pattern
that takes too long.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import MISSING, dataclass, fields, replace
from functools import cache, lru_cache
from reprlib import repr as brief
from typing import Any, ClassVar

import regex

from criterial.core.criterion import Check, Criterion
from criterial.core.digest import canonical
from criterial.core.scale import Numeric, parse_value
from criterial.core.table import CHECK
from criterial.core.verdict import State, Verdict
from criterial.errors import ConfigError
from criterial.judge.check_kind import Kind, Outcome, Subject, need, need_flag, need_number, need_one_of, need_range, within
from criterial.judge.coherence import Coherence
from criterial.judge.counting import UNITS
from criterial.judge.program import Program, is_program, misplaced
from criterial.judge.syntax import code_of, error_lines

__all__ = [
    "CHECKS",
    "Contains",
    "JsonSchema",
    "Length",
    "Number",
    "Python",
    "Regex",
    "Subject",
    "Syntax",
    "check_options",
    "holds",
    "program_of",
    "run_check",
]

_SECONDS = 1.0
_FLAGS = {"i": regex.IGNORECASE, "s": regex.DOTALL, "x": regex.VERBOSE}
_FENCE = regex.compile(r"```(?:json)?\s*\n(.*?)```", regex.DOTALL)
_NUMBER = regex.compile(
    r"""(?:(?<![\w%\-\u2212])[-+\u2212])?  # after a number or a word it is the dash of a range
    (?:(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|(?<![\w.])\.\d+)
    (?:[eE][-+]?\d+)?""",
    regex.VERBOSE,
)


@lru_cache(maxsize=256)
def _compiled(pattern: str, flags: int = 0) -> regex.Pattern[str]:
    try:
        return regex.compile(pattern, flags)
    except (regex.error, ValueError, OverflowError, RecursionError) as error:
        raise ConfigError(f"the pattern cannot be used: {error}") from error


def _need_pattern(pattern: Any, flags: int = 0) -> None:
    need(isinstance(pattern, str), f"the pattern cannot be used: it is no text but {brief(pattern)}")
    _compiled(pattern, flags)


def _matches(pattern: str, text: str, flags: int = 0) -> list[regex.Match[str]]:
    try:
        return list(_compiled(pattern, flags).finditer(text, timeout=_SECONDS))
    except TimeoutError:
        raise ConfigError(f"the pattern took more than {_SECONDS:g} s on this response and was given up: {pattern[:100]}") from None


@dataclass(frozen=True)
class Regex(Kind):
    """Options of ``regex``."""

    says: ClassVar[str] = "whether (with count: how often) a regular expression matches"

    pattern: str
    """The expression; ``^`` and ``$`` are the ends of lines."""
    flags: str = ""
    """Letters of ``isx``: ignore case, dot matches line ends, blanks and comments are skipped."""
    min: int = 1
    """The fewest matches with which the criterion is met."""
    max: int | None = None
    """The most; None is no limit."""
    count: bool = False
    """Whether the value is the number of matches."""

    def __post_init__(self) -> None:
        need(isinstance(self.flags, str) and set(self.flags) <= set(_FLAGS), "flags are i, s and x")
        _need_pattern(self.pattern, self._bits)
        need_range(self.min, self.max)
        need_flag("count", self.count)

    def __call__(self, subject: Subject) -> Outcome:
        """Return the number of matches, or whether it is within bounds."""
        found = len(_matches(self.pattern, subject.response.text, self._bits))
        reason = f"{found} {'match' if found == 1 else 'matches'} of /{self.pattern}/"
        return found if self.count else within(found, self.min, self.max), reason

    @property
    def _bits(self) -> int:
        bits = int(regex.MULTILINE)
        for letter in self.flags:
            bits |= _FLAGS[letter]
        return bits


@dataclass(frozen=True)
class Contains(Kind):
    """Options of ``contains``."""

    says: ClassVar[str] = "whether any, all or none of some texts occur"

    texts: str | list[str]
    """What is looked for: one text or several."""
    match: str = "all"
    """``all``, ``any`` or ``none`` of them must occur."""
    case_sensitive: bool = False
    """Whether capitals matter."""
    whole_words: bool = False
    """Whether a text inside a longer word does not count."""

    def __post_init__(self) -> None:
        sound = isinstance(self._wanted, list) and self._wanted and all(isinstance(t, str) and t for t in self._wanted)
        need(bool(sound), f"texts is a text or a list of texts, none of them empty, not {brief(self.texts)}")
        need_one_of("match", self.match, ("any", "all", "none"))
        need_flag("case_sensitive", self.case_sensitive)
        need_flag("whole_words", self.whole_words)

    def __call__(self, subject: Subject) -> Outcome:
        """Return whether the texts occur as they should."""
        fold: Callable[[str], str] = str if self.case_sensitive else str.casefold
        text = fold(subject.response.text)
        if self.whole_words:
            found = [w for w in self._wanted if regex.search(rf"(?<!\w){regex.escape(fold(w))}(?!\w)", text)]
        else:
            found = [w for w in self._wanted if fold(w) in text]
        met = {"any": bool(found), "all": len(found) == len(self._wanted), "none": not found}[self.match]
        return met, f"contains {', '.join(found)}" if found else f"contains none of {', '.join(self._wanted)}"

    @property
    def _wanted(self) -> list[str]:
        return [self.texts] if isinstance(self.texts, str) else self.texts


@dataclass(frozen=True)
class Length(Kind):
    """Options of ``length``."""

    says: ClassVar[str] = "how many words, characters, sentences, lines, paragraphs or bullets"

    unit: str = "words"
    """What is counted."""
    min: int = 0
    """The fewest with which the criterion is met."""
    max: int | None = None
    """The most; None is no limit."""

    def __post_init__(self) -> None:
        need_one_of("unit", self.unit, tuple(UNITS))
        need_range(self.min, self.max)

    def __call__(self, subject: Subject) -> Outcome:
        """Return whether the length is within bounds."""
        counted = UNITS[self.unit](subject.response.text)
        return within(counted, self.min, self.max), f"{counted} {self.unit}"


@dataclass(frozen=True)
class JsonSchema(Kind):
    """Options of ``json_schema``."""

    says: ClassVar[str] = "whether the response is JSON that fits a schema"

    schema: Mapping[str, Any] | bool
    """A JSON Schema of the draft 2020-12. A reference out of it is not followed."""

    def __post_init__(self) -> None:
        import jsonschema  # third party, and slow to import: needed by this check alone

        try:
            jsonschema.Draft202012Validator.check_schema(self.schema)
        except jsonschema.SchemaError as error:
            raise ConfigError(f"the schema is no JSON Schema: {error.message[:200]}") from error

    def __call__(self, subject: Subject) -> Outcome:
        """Return whether the response is JSON that fits."""
        from referencing import Registry
        from referencing.exceptions import Unresolvable

        text = subject.response.text.strip()
        fenced = _FENCE.search(text)
        try:
            value = json.loads(fenced.group(1) if fenced else text)
        except (ValueError, RecursionError):
            return False, "the response is not JSON"
        try:
            error = next(_validator()(self.schema, registry=Registry()).iter_errors(value), None)
        except Unresolvable as missing:
            raise ConfigError(f"the schema refers to {missing.ref}, which does not stand in it, and nothing is fetched") from missing
        if error is None:
            return True, "the response is JSON that fits the schema"
        return False, f"at {'/'.join(str(p) for p in error.absolute_path) or 'the top'}: {error.message[:200]}"


@cache
def _validator() -> Any:
    """Return the validator of JSON Schema whose patterns have a time limit, which those of the library have not."""
    import jsonschema

    def fits_pattern(validator: Any, pattern: str, value: Any, schema: Any) -> Any:
        if isinstance(value, str) and not _matches(pattern, value):
            yield jsonschema.ValidationError(f"{value!r} does not match {pattern!r}")

    extend: Any = jsonschema.validators.extend
    return extend(jsonschema.Draft202012Validator, {"pattern": fits_pattern})


@dataclass(frozen=True)
class Number(Kind):
    """Options of ``number``."""

    says: ClassVar[str] = "whether the last, first or any number is the expected one"

    equals: float
    """The expected number."""
    tolerance: float = 0.0
    """How far off a number may be."""
    relative_tolerance: float = 0.0
    """How far off it may be as a share of the expected one; the wider of both tolerances holds."""
    which: str = "last"
    """Which number of the response counts: ``last``, ``first`` or ``any``."""
    pattern: str | None = None
    """A regular expression whose first group (or whole match) is the number; None looks at all numbers."""

    def __post_init__(self) -> None:
        need_number("equals", self.equals)
        need_number("tolerance", self.tolerance, 0)
        need_number("relative_tolerance", self.relative_tolerance, 0)
        need_one_of("which", self.which, ("last", "first", "any"))
        if self.pattern is not None:
            _need_pattern(self.pattern)

    def __call__(self, subject: Subject) -> Outcome:
        """Return whether the number is the expected one."""
        numbers = self._numbers(subject.response.text)
        if not numbers:
            return False, "the response holds no number"
        picked = {"last": numbers[-1:], "first": numbers[:1], "any": numbers}[self.which]
        tolerance = max(self.tolerance, abs(self.equals) * self.relative_tolerance) + 1e-12 * abs(self.equals)
        near = [n for n in picked if abs(n - self.equals) <= tolerance]
        return bool(near), f"{(near or picked)[0]:g} against {self.equals:g}"

    def _numbers(self, text: str) -> list[float]:
        if self.pattern is None:
            told = _NUMBER.findall(text)
        else:
            told = [m[min(1, m.re.groups)] for m in _matches(self.pattern, text)]
            need(None not in told, "the first group of the pattern matched nothing")
        return [float(t.replace(",", "").replace("\u2212", "-")) for t in told if _NUMBER.fullmatch(t.strip())]


@dataclass(frozen=True)
class Python(Kind):
    """Options of ``python``."""

    says: ClassVar[str] = "what a function of an allowed module returns"

    function: str
    """The function as ``module:name``; it is called with the response's text and the task."""

    def __post_init__(self) -> None:
        module, _, name = self.function.partition(":") if isinstance(self.function, str) else ("", "", "")
        need(bool(module) and name.isidentifier(), f"function is module:name, not {brief(self.function)}")

    def __call__(self, subject: Subject) -> Outcome:
        """Return what the function returns."""
        module, _, name = self.function.partition(":")
        found = getattr(importlib.import_module(module), name)(subject.response.text, subject.task)
        if isinstance(found, tuple) and len(found) == 2:
            return found[0], str(found[1])
        return found, f"{self.function} returned {found!r}"[:200]


@dataclass(frozen=True)
class Syntax(Kind):
    """Options of ``syntax``."""

    says: ClassVar[str] = "whether (on a scale of numbers: in how many lines not) the code of a response parses"

    language: str = "python"
    """The language: ``python``. Code is parsed and never run."""
    most: int = 20
    """How many lines are looked for at most."""

    def __post_init__(self) -> None:
        need_one_of("language", self.language, ("python",))
        need(type(self.most) is int and self.most > 0, f"most is a whole number, 1 or more, not {brief(self.most)}")

    def __call__(self, subject: Subject) -> Outcome:
        """Return the number of lines that do not parse."""
        code = code_of(subject.response.text, self.language)
        if not code.strip():
            return None, "the response holds no code"
        found = error_lines(code, self.most)
        told = "; ".join(f"line {line}: {message}" for line, message in found[:3])
        return len(found), told or "the code parses"


CHECKS: dict[str, type[Kind]] = {
    "regex": Regex,
    "contains": Contains,
    "length": Length,
    "json_schema": JsonSchema,
    "number": Number,
    "syntax": Syntax,
    "coherence": Coherence,
    "program": Program,
    "python": Python,
}
"""Every kind of check: a frozen dataclass of its options, with what it decides in one line."""


def _prepared(check: Check) -> Kind:
    """Return a check ready to be called; raise `ConfigError` where its kind or its options cannot be used."""
    kind = CHECKS.get(check.kind) if isinstance(check.kind, str) else None
    if kind is None:
        raise ConfigError(f"there is no check {brief(check.kind)}; there are {', '.join(CHECKS)}")
    need(isinstance(check.options, Mapping), f"the options of the check {check.kind} are no names with values")
    missing = [f.name for f in fields(kind) if f.default is MISSING and f.name not in check.options]
    need(not missing, f"the check {check.kind} needs {', '.join(missing)}")
    unknown = [str(n) for n in check.options if n not in {f.name for f in fields(kind)}]
    need(not unknown, f"the check {check.kind} does not know {', '.join(unknown)}")
    try:
        return _made(check.kind, canonical(check.options))
    except ConfigError:
        raise
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigError(f"the options of the check {check.kind} cannot be used: {error}") from error


@lru_cache(maxsize=1024)
def _made(kind: str, options: str) -> Kind:
    given: dict[str, Any] = json.loads(options)
    return CHECKS[kind](**given)


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
    try:
        made = _prepared(check)
    except ConfigError as error:
        return str(error)
    if isinstance(made, Python) and (module := made.function.partition(":")[0]) not in allowed:
        return f"it calls {made.function}, which is not allowed: pass --allow-python {module} if you trust that module"
    return ""


def program_of(criterion: Criterion) -> Program | None:
    """Return the program that decides a criterion, ready to be asked for.

    Parameters
    ----------
    criterion : Criterion
        Any.

    Returns
    -------
    Program or None
        None where no program decides it, or one whose options cannot be used: `run_check` says what is wrong with them.
    """
    if criterion.check is None or not is_program(criterion.check) or misplaced(criterion) or check_options(criterion.check):
        return None
    made = _prepared(criterion.check)
    return made if isinstance(made, Program) else None


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
        return bool(_prepared(check)(subject)[0])
    except Exception as error:
        raise ConfigError(f"the condition {check.kind} failed: {_told(error)}") from error


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
    blank = Verdict(subject.response.id, criterion.id, judge=CHECK, task=subject.task.id)
    if criterion.check is None:
        return replace(blank, state=State.FAILED, cause="check_error", reason="the criterion has no check")
    try:
        check = _prepared(criterion.check)
        raw, reason = check(subject)
        if raw is None:
            return replace(blank, state=State.ABSTAINED, cause="cannot_assess", reason=reason)
        if isinstance(criterion.scale, Numeric) and (isinstance(check, Syntax) or (isinstance(check, Regex) and check.count)):
            raw = min(raw, criterion.scale.high)  # a count stops at the end of its scale
        elif isinstance(check, Syntax):
            raw = raw == 0
        return replace(blank, value=parse_value(criterion.scale, raw), reason=reason)
    except Exception as error:  # a check is the user's own code: whatever it raises is this cell's failure, not the run's
        return replace(blank, state=State.FAILED, cause="check_error", reason=_told(error)[:300])


def _told(error: Exception) -> str:
    return str(error) if isinstance(error, ConfigError) else f"{type(error).__name__}: {error}"
