"""Programs as checks: the code of a response is run in a sandbox, against tests or for what it writes.

A program is asked like any other question, through the decider, so that it is journaled and not run again; but no model is asked.
"""

from __future__ import annotations

import ast
import json
import math
import warnings
from dataclasses import asdict, dataclass
from reprlib import repr as brief
from typing import ClassVar

from criterial.core.criterion import Check, Criterion
from criterial.core.ports import Answer, Question
from criterial.core.scale import Choice, Likert, Numeric, Scale, levels_of
from criterial.errors import ConfigError
from criterial.judge.check_kind import Kind, Outcome, Subject, need, need_number, need_one_of
from criterial.judge.syntax import code_of

__all__ = ["Program", "is_program", "misplaced", "value_of"]

_FEWEST_MB, _MOST_MB, _MOST_SECONDS = 64, 1 << 16, 3600


@dataclass(frozen=True)
class Program(Kind):
    """Options of ``program``."""

    says: ClassVar[str] = "whether (on other scales: how far) the code of a response passes tests, run in a sandbox"

    language: str
    """The language: ``python``, or ``sh`` with `expected`."""
    tests: str = ""
    """Tests in Python that import the code as the module ``solution``: functions and methods named ``test...``, or bare asserts."""
    stdin: str = ""
    """What the code, run as a program, reads on standard input."""
    expected: str | None = None
    """What it must write on standard output, in place of tests."""
    seconds: float = 10.0
    """The most time on the processor; by the clock it has three times as much."""
    megabytes: int = 512
    """The most memory."""

    def __post_init__(self) -> None:
        need_one_of("language", self.language, ("python", "sh"))
        for name, text in (("tests", self.tests), ("stdin", self.stdin), ("expected", self.expected or "")):
            need(isinstance(text, str), f"{name} is a text, not {brief(text)}")
        need((self.tests != "") != (self.expected is not None), "give tests, or expected with or without stdin")
        need(not (self.tests and self.stdin), "stdin goes with expected, not with tests")
        if self.tests:
            need(self.language == "python", "tests are written in python for code in python; give expected")
            _need_tests(self.tests)
        need_number("seconds", self.seconds)
        need(0 < self.seconds <= _MOST_SECONDS, f"seconds is more than 0 and at most {_MOST_SECONDS}, not {brief(self.seconds)}")
        fits = type(self.megabytes) is int and _FEWEST_MB <= self.megabytes <= _MOST_MB
        need(fits, f"megabytes is a whole number from {_FEWEST_MB} to {_MOST_MB}, not {brief(self.megabytes)}")

    def __call__(self, subject: Subject) -> Outcome:
        """Refuse: who runs code is a sandbox (`Kind.__call__`)."""
        raise ConfigError("a program is run in a sandbox, by a judge that asks for it")

    def code(self, subject: Subject) -> str:
        """Return the code of a response.

        Parameters
        ----------
        subject : Subject
            Task and response.

        Returns
        -------
        str
            Its fenced blocks of the language, or all of it; empty where there is nothing.
        """
        found = code_of(subject.response.text, self.language)
        return found if found.strip() else ""

    def question(self, name: str) -> Question:
        """Return the question that this program is.

        Parameters
        ----------
        name : str
            The criterion's id.

        Returns
        -------
        Question
        """
        return Question(name, "program", json.dumps(asdict(self), sort_keys=True))


def _need_tests(text: str) -> None:
    """Raise unless a text holds tests that can run."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ConfigError(f"the tests cannot be parsed: {error}") from error
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.startswith("test"):
            owned = [a.arg for a in node.args.args[: len(node.args.args) - len(node.args.defaults)] if a.arg != "self"]
            need(not owned and isinstance(node, ast.FunctionDef), f"the test {node.name} is no plain function without arguments")
    proves = any(
        isinstance(n, (ast.Assert, ast.Raise)) or (isinstance(n, ast.Attribute) and n.attr.startswith("assert")) for n in ast.walk(tree)
    )
    need(proves, "the tests hold no assert, so that no code would fail them")


def is_program(check: object) -> bool:
    """Return whether a check is a program.

    Parameters
    ----------
    check : object
        A check, a condition in words, or None.

    Returns
    -------
    bool
    """
    return isinstance(check, Check) and check.kind == "program"


def misplaced(criterion: Criterion) -> str:
    """Return why a criterion cannot have the program that it has, or nothing.

    Parameters
    ----------
    criterion : Criterion
        Any.

    Returns
    -------
    str
    """
    if is_program(criterion.applies_when):
        return "a program cannot be a condition: require a criterion that has it as its check"
    if is_program(criterion.check) and isinstance(criterion.scale, Choice):
        return "a program gives a share of tests, which is no value of a scale without order"
    if is_program(criterion.check) and criterion.scope in ("pair", "task"):
        return f"a program runs the code of one response, and the scope is {criterion.scope}"
    return ""


def value_of(scale: Scale, answer: Answer) -> float | None:
    """Return the value that the answer to a program amounts to.

    Parameters
    ----------
    scale : Scale
        The criterion's scale, one with an order.
    answer : Answer
        With the share of tests that pass.

    Returns
    -------
    float or None
        The share laid on the scale and rounded down where there is nothing between its values, so that the best is for all tests alone;
        None where there is no answer.
    """
    if answer.number is None:
        return None
    if isinstance(scale, Numeric):
        value = scale.low + answer.number * (scale.high - scale.low)
        return float(math.floor(value + 1e-9)) if scale.integer else value
    return float(math.floor(answer.number * (len(levels_of(scale)) - 1) + 1e-9) + isinstance(scale, Likert))
