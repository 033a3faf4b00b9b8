"""Gherkin feature files: what is given and done is the task, each Then is a criterion."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from criterial.core.criterion import Criterion, Source
from criterial.core.rubric import Rubric
from criterial.core.task import Case, Message, Task
from criterial.errors import FormatError
from criterial.formats.format import Format
from criterial.formats.gherkin_text import Examples, Feature, Scenario, Step, parse_gherkin
from criterial.formats.reading import Document
from criterial.formats.validation import take

__all__ = ["FORMAT"]

_MOST = 1 << 26
"""Characters that the scenarios of one file may come to: each row of examples copies its outline."""


def _read(document: Document, _: Rubric | None) -> Iterator[Case]:
    used: Counter[str] = Counter()
    for place, item in document.objects():
        with place.told():
            feature = parse_gherkin(take(item, "gherkin", str))
            if ".feature" not in document.path.suffixes:
                raise FormatError("not a Gherkin file", hint="its name ends in .feature")
            made = list(_cases(feature, document.stem, used)) if feature else []
        yield from made


def _cases(feature: Feature, stem: str, used: Counter[str]) -> Iterator[Case]:
    size = 0
    for scenario in (s for outline in feature.scenarios for s in _expanded(outline)):
        case = _case(feature, scenario, stem, used)
        size += len(case.task.messages[0].content) + len(case.task.context) + sum(len(c.text) for c in case.rubric.criteria)
        _check_size(size, scenario)
        yield case


def _check_size(size: int, scenario: Scenario) -> None:
    if size > _MOST:
        hint = "give fewer examples, or shorter ones"
        raise FormatError(f"the scenarios come to more than {_MOST >> 20} million characters", line=scenario.line, hint=hint)


def _case(feature: Feature, scenario: Scenario, stem: str, used: Counter[str]) -> Case:
    identity = f"{stem}/{scenario.name or 'scenario'}"
    used[identity] += 1
    if used[identity] > 1:
        identity = f"{identity}#{used[identity]}"
    about = (feature.name, feature.description, scenario.rule, scenario.description)
    done = "\n".join(f"{s.kind.capitalize()} {_told(s)}" for s in scenario.steps if s.kind != "then")
    messages = (Message("user", done or scenario.name or feature.name or stem),)
    task = Task(identity, messages, context="\n\n".join(filter(None, about)), tags=tuple(dict.fromkeys(scenario.tags)))
    criteria = tuple(_criteria(scenario, tuple(filter(None, (feature.name, scenario.rule)))))
    if not criteria:
        raise FormatError(
            f"scenario {scenario.name!r} has no Then: there is nothing to judge", line=scenario.line, hint="say what must hold after Then"
        )
    return Case(task, Rubric(criteria, id=identity, title=scenario.name, source=Source("Gherkin")), ())


def _criteria(scenario: Scenario, category: tuple[str, ...]) -> Iterator[Criterion]:
    """Yield the Thens; where more is done after the first of them, each says after what it holds."""
    kinds = [s.kind for s in scenario.steps]
    several = "then" in kinds and "when" in kinds[kinds.index("then") :]
    last = ""
    for number, step in enumerate(scenario.steps, 1):
        if step.kind == "when":
            last = step.text
        elif step.kind == "then":
            if not step.text:
                raise FormatError("the step says nothing", line=step.line)
            text = f"After “{last}”: {_told(step)}" if several and last else _told(step)
            yield Criterion(f"step-{number}", text, category=category)


def _told(step: Step) -> str:
    rows = [f"| {' | '.join(row)} |" for row in step.table]
    return "\n".join([step.text, *rows, *([] if step.block is None else [step.block])])


def _expanded(outline: Scenario) -> Iterator[Scenario]:
    """Yield a scenario for each row of its examples, or the scenario itself."""
    if not outline.examples:
        yield outline
        return
    for examples in outline.examples:
        if len(examples.table) < 2:
            raise FormatError("the examples have no rows", line=examples.line, hint="a line of names, then a line of values for each case")
        for values in examples.table[1:]:
            yield _filled(outline, examples, values)


def _filled(outline: Scenario, examples: Examples, values: tuple[str, ...]) -> Scenario:
    names = dict(zip(examples.table[0], values, strict=True))

    def fill(text: str) -> str:
        for name, value in names.items():
            _check_size(len(text) + text.count(f"<{name}>") * len(value), outline)
            text = text.replace(f"<{name}>", value)
        return text

    steps = tuple(
        replace(
            s,
            text=fill(s.text),
            table=tuple(tuple(map(fill, row)) for row in s.table),
            block=None if s.block is None else fill(s.block),
        )
        for s in outline.steps
    )
    tags = outline.tags + examples.tags
    return replace(outline, name=fill(outline.name), description=fill(outline.description), tags=tags, steps=steps, examples=())


def _matches(first: Mapping[str, Any]) -> bool:
    return set(first) == {"gherkin"}


FORMAT = Format(
    "gherkin", "Gherkin feature files (.feature): each Then is a criterion", _matches, _read, cites="Cucumber, Gherkin reference"
)
