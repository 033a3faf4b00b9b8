"""Gherkin as its grammar has it, with English keywords: features, rules, backgrounds, scenarios with examples, and steps."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import NoReturn

from criterial.errors import FormatError

__all__ = ["Examples", "Feature", "Scenario", "Step", "parse_gherkin"]

_HEADINGS = {
    "Feature": "feature",
    "Business Need": "feature",
    "Ability": "feature",
    "Rule": "rule",
    "Background": "background",
    "Scenario Outline": "scenario",
    "Scenario Template": "scenario",
    "Scenario": "scenario",
    "Example": "scenario",
    "Examples": "examples",
    "Scenarios": "examples",
}
_HEADING = re.compile(rf"({'|'.join(_HEADINGS)}):(.*)", re.DOTALL)
_STEP = re.compile(r"(Given|When|Then|And|But|\*)\s(.*)", re.DOTALL)
_LANGUAGE = re.compile(r"#\s*language\s*:\s*([\w-]+)\s*")
_FENCES = ('"""', "```", "'''")  # the last is Behave's own
_ESCAPED = re.compile(r"\\(.)")


@dataclass(frozen=True)
class Step:
    """One step with what is attached to it."""

    line: int
    """Where it stands, from 1."""
    kind: str
    """``given``, ``when`` or ``then``; And, But and * go on with the kind before them."""
    text: str
    """What it says, without the keyword."""
    table: tuple[tuple[str, ...], ...] = ()
    """Rows of cells."""
    block: str | None = None
    """A text over several lines."""


@dataclass(frozen=True)
class Examples:
    """A table of values for the placeholders of a scenario."""

    line: int
    """Where it stands, from 1."""
    tags: tuple[str, ...]
    """Tags without @."""
    table: tuple[tuple[str, ...], ...]
    """The names of the placeholders, then the rows of their values."""


@dataclass(frozen=True)
class Scenario:
    """One scenario; with examples it stands for as many as they have rows."""

    line: int
    """Where it stands, from 1."""
    name: str
    """Its name, which may be empty."""
    rule: str
    """Name of the rule that it is under, if any."""
    tags: tuple[str, ...]
    """Tags without @, those of feature and rule first."""
    description: str
    """Free text below its name."""
    steps: tuple[Step, ...]
    """Its steps, those of the backgrounds first."""
    examples: tuple[Examples, ...] = ()
    """Its tables of examples."""


@dataclass(frozen=True)
class Feature:
    """A whole file."""

    name: str
    """Its name, which may be empty."""
    description: str
    """Free text below its name."""
    scenarios: tuple[Scenario, ...]
    """All scenarios, those of rules among them."""


def parse_gherkin(text: str) -> Feature | None:
    """Return the feature of a file.

    Parameters
    ----------
    text : str
        The file.

    Returns
    -------
    Feature or None
        None where there is nothing but blank lines and comments.

    Raises
    ------
    FormatError
        At the first line that does not fit the grammar.
    """
    return _Parser(text).feature()


class _Parser:
    """Walks the lines once; `here` is the next one."""

    def __init__(self, text: str) -> None:
        self.lines = text.replace("\r\n", "\n").split("\n")
        self.here = 0
        self.before_feature = True

    # -------------------------------------------------------------------------------- lines

    def peek(self) -> str | None:
        """Return the next line that is neither blank nor a comment, stripped; None at the end."""
        while self.here < len(self.lines):
            line = self.lines[self.here].strip()
            if line and not line.startswith("#"):
                return line
            self._check_language(line)
            self.here += 1
        return None

    def _check_language(self, comment: str) -> None:
        said = _LANGUAGE.fullmatch(comment) if self.before_feature else None
        if said and said[1] != "en":
            raise FormatError(f"the keywords are in the language {said[1]!r}", line=self.here + 1, hint="only English keywords are read")

    def fail(self, message: str, hint: str = "") -> NoReturn:
        """Raise at the next line."""
        raise FormatError(message, line=min(self.here + 1, len(self.lines)), hint=hint)

    def heading(self, kind: str) -> str | None:
        """Take a heading of a kind; return its name, or None where another line comes next."""
        line = self.peek()
        found = _HEADING.match(line) if line else None
        if found is None or _HEADINGS[found[1]] != kind:
            return None
        self.here += 1
        return found[2].strip()

    def description(self, ends: Callable[[str], bool]) -> str:
        """Take free text up to a line that ends it."""
        taken: list[str] = []
        while (line := self.peek()) is not None and not line.startswith("@") and not ends(line):
            taken.append(line)
            self.here += 1
        return "\n".join(taken)

    def tags(self) -> tuple[str, ...]:
        """Take lines of tags."""
        found: list[str] = []
        while (line := self.peek()) is not None and line.startswith("@"):
            for tag in re.split(r"\s#", line)[0][1:].split("@"):
                if not tag.strip() or len(tag.split()) > 1:
                    self.fail("a tag may not be empty or contain whitespace", "write each tag as @word")
                found.append(tag.strip())
            self.here += 1
        return tuple(found)

    # -------------------------------------------------------------------------------- the grammar

    def feature(self) -> Feature | None:
        """Return the whole file."""
        if self.peek() is None:
            return None
        tags, name = self.tags(), self.heading("feature")
        if name is None:
            self.fail("expected a feature", 'a file begins with "Feature: NAME"')
        self.before_feature = False
        description = self.description(_opens("background", "scenario", "rule"))
        scenarios = self.scenarios(tags, "", self.background())
        return Feature(name, description, tuple(scenarios))

    def scenarios(self, tags: tuple[str, ...], rule: str, background: tuple[Step, ...]) -> list[Scenario]:
        """Return the scenarios of a feature with its rules, or of a rule."""
        found: list[Scenario] = []
        while True:
            start, own = self.here, self.tags()
            line = self.peek()
            if line is None:
                if own:
                    self.fail("these tags belong to nothing")
                return found
            if rule_name := self._rule():
                if rule:
                    self.here = start
                    return found
                self.description(_opens("background", "scenario", "rule"))
                found += self.scenarios(tags + own, rule_name, background + self.background())
            else:
                found.append(self.scenario(tags + own, rule, background))

    def _rule(self) -> str:
        name = self.heading("rule")
        return "" if name is None else name or "(a rule)"

    def background(self) -> tuple[Step, ...]:
        """Return the steps of a background, if there is one."""
        if self.heading("background") is None:
            return ()
        self.description(_ends_text)
        return self.steps()

    def scenario(self, tags: tuple[str, ...], rule: str, background: tuple[Step, ...]) -> Scenario:
        """Return one scenario."""
        name = self.heading("scenario")
        if name is None:
            self.fail("expected a scenario, a step, a table, examples or a rule")
        line = self.here
        description = self.description(_ends_text)
        steps = background + self.steps()
        examples: list[Examples] = []
        while (more := self.examples()) is not None:
            examples.append(more)
        return Scenario(line, name, rule, tags, description, steps, tuple(examples))

    def examples(self) -> Examples | None:
        """Return the next table of examples of a scenario, if there is one."""
        start, tags = self.here, self.tags()
        if self.heading("examples") is None:
            self.here = start
            return None
        line = self.here
        self.description(lambda text: text.startswith("|") or bool(_HEADING.match(text)))
        return Examples(line, tags, self.table())

    def steps(self) -> tuple[Step, ...]:
        """Return the steps that follow."""
        found: list[Step] = []
        kind = "given"
        while (line := self.peek()) is not None and (match := _STEP.match(f"{line} ")):
            kind = match[1].lower() if match[1] in ("Given", "When", "Then") else kind
            number = self.here = self.here + 1
            table, block = self.table(), self.block()
            found.append(Step(number, kind, match[2].strip(), table or self.table(), block))
        return tuple(found)

    def table(self) -> tuple[tuple[str, ...], ...]:
        """Return the rows that follow."""
        rows: list[tuple[str, ...]] = []
        while (line := self.peek()) is not None and line.startswith("|"):
            cells = _cells(line)
            if not cells or len(cells) != len((rows or [cells])[0]):
                self.fail("inconsistent cell count within the table")
            rows.append(cells)
            self.here += 1
        return tuple(rows)

    def block(self) -> str | None:
        """Return the fenced text that follows, if any, without its indentation."""
        line = self.peek()
        if line is None or not line.startswith(_FENCES):
            return None
        fence, opened = line[:3], self.here
        indent = len(self.lines[opened]) - len(self.lines[opened].lstrip())
        taken: list[str] = []
        for raw in self.lines[opened + 1 :]:
            if raw.strip().startswith(fence):
                self.here = opened + len(taken) + 2
                return "\n".join(taken)
            margin = len(raw) - len(raw.lstrip())
            taken.append(raw[min(indent, margin) :].replace("".join(f"\\{c}" for c in fence), fence))
        return self.fail(f"the text that begins here with {fence} is not closed")


def _opens(*kinds: str) -> Callable[[str], bool]:
    """Return a test for the headings of some kinds."""
    return lambda line: bool((found := _HEADING.match(line)) and _HEADINGS[found[1]] in kinds)


def _ends_text(line: str) -> bool:
    """Return whether a line ends the free text of a scenario or background."""
    return bool(_STEP.match(f"{line} ")) or _opens("scenario", "examples", "rule", "background")(line)


def _cells(line: str) -> tuple[str, ...]:
    """Return the cells of a row; as in every Gherkin parser, what stands after the last bar is no cell."""
    plain = re.sub(r"\\.", "..", line)
    bars = [i for i, letter in enumerate(plain) if letter == "|"]
    return tuple(_unescaped(line[a + 1 : b].strip()) for a, b in pairwise(bars))


def _unescaped(cell: str) -> str:
    return _ESCAPED.sub(lambda m: {"n": "\n", "|": "|", "\\": "\\"}.get(m[1], m[0]), cell)
