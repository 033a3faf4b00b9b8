"""Shared by the tests of files, reports and judges: where real data is, writing files, and random nouns in all their fields."""

from __future__ import annotations

import base64
import gzip
import json
import re
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import strategies as st

from criterial.core.builder import table_of
from criterial.core.criterion import Check, Criterion, Evidence, Example, Source
from criterial.core.rubric import Node, Panel, Policy, Rubric
from criterial.core.scale import Binary, Choice, Level, Likert, Numeric, Ordinal, Scale, levels_of
from criterial.core.task import Case, Media, Message, Response, Task
from criterial.core.verdict import State, Verdict
from criterial.score.record import Run
from tests.helpers_images import PNG, WEBP
from tests.helpers_shared import SHARED


def real(name: str) -> Path:
    """Return a real data set's path, or skip with its name where this checkout has none."""
    path = SHARED / "data" / name
    if not path.exists():
        pytest.skip(f"REAL DATA IS MISSING: {path}")
    return path


# ---------------------------------------------------------------------------------------------------------------- writing files


class _Quoting(yaml.SafeDumper):
    """Writes every text in quotes (PyYAML takes 1e3 for a text, YAML 1.2 for a number) and no anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


_Quoting.add_representer(str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"'))


def as_toml(value: Any) -> str:
    """Return a value as inline TOML; a mapping at the top becomes keys of the document in `dumped`."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{as_toml(str(k))} = {as_toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(as_toml(v) for v in value) + "]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


DUMPERS: dict[str, Callable[[Any], str]] = {
    ".json": lambda v: json.dumps(v, ensure_ascii=False, indent=1),
    ".jsonl": lambda v: "".join(json.dumps(x, ensure_ascii=False) + "\n" for x in (v if isinstance(v, list) else [v])),
    ".yaml": lambda v: yaml.dump(v, Dumper=_Quoting, allow_unicode=True, sort_keys=False),
    ".toml": lambda v: "".join(f"{as_toml(str(k))} = {as_toml(x)}\n" for k, x in v.items()),
}


def write(folder: Path, name: str, content: Any) -> Path:
    """Write bytes, a text, or a value in the container that the name tells (``.gz`` on top); return the path."""
    path = folder / name
    if not isinstance(content, (str, bytes)):
        content = DUMPERS[Path(name.removesuffix(".gz")).suffix](content)
    raw = content if isinstance(content, bytes) else content.encode("utf-8")
    path.write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
    return path


def page_data(html: str) -> str:
    """Return the JSON that a run's page holds compressed."""
    (packed,) = re.findall(r'<script type="text/plain" id="data">([A-Za-z0-9+/]+=*)</script>', html)
    return zlib.decompress(base64.b64decode(packed, validate=True)).decode()


# ---------------------------------------------------------------------------------------------------------------- nouns by hand


def task(text: str = "Name the capital of France.", identity: str = "t", **fields: Any) -> Task:
    """Return a task of one message."""
    return Task(identity, (Message("user", text),), **fields)


def answer(text: str = "It is Paris.", identity: str = "r", **fields: Any) -> Response:
    """Return a response of one message."""
    return Response(identity, (Message("assistant", text),), **fields)


def case(*criteria: Criterion | str, responses: Sequence[Response] = (), of: Task | None = None, **rubric: Any) -> Case:
    """Return a case; a text stands for a binary criterion."""
    made = tuple(c if isinstance(c, Criterion) else Criterion(f"c{i + 1}", c) for i, c in enumerate(criteria))
    return Case(of or task(), Rubric(made, **rubric), tuple(responses) or (answer(),))


def run_of(cases: Sequence[Case], verdicts: Iterable[Verdict], judge: str = "j", name: str = "run1", **fields: Any) -> Run:
    """Return a run of verdicts that were written by hand."""
    return Run(name, list(cases), table_of(cases, verdicts), judge, **fields)


def verdicts_of(cases: Sequence[Case], value: Callable[[int, int], float] = lambda row, column: 1.0, **fields: Any) -> list[Verdict]:
    """Return a decided verdict for every cell, by row and column."""
    rows = [(c, r) for c in cases for r in c.responses]
    return [
        Verdict(r.id, k.id, value=value(i, j), task=c.task.id, **fields)
        for i, (c, r) in enumerate(rows)
        for j, k in enumerate(c.rubric.criteria)
    ]


# ---------------------------------------------------------------------------------------------------------------- nouns by chance

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
names = texts.filter(str.strip)
tags = st.lists(texts, max_size=2).map(tuple)
shares = st.floats(0, 1)
sizes = st.just(0.0) | st.floats(1e-6, 1e6)
finite = st.builds(lambda size, sign: size * sign, sizes, st.sampled_from([1.0, -1.0]))
json_scalars = st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False) | texts
options = st.dictionaries(
    texts,
    st.recursive(json_scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=5),
    max_size=3,
)
panels = st.just(Panel()) | st.builds(
    Panel,
    st.sampled_from(["majority", "mean", "any", "all", "conservative", "lenient", "at_least"]),
    st.integers(1, 9),
    st.dictionaries(texts, sizes, max_size=2),
    st.booleans(),
    st.sampled_from(["verdict", "expected"]),
    st.floats(0, 10),
)
checks = st.builds(Check, names, options)
sources = st.none() | st.builds(Source, texts, texts, tags, texts)


@st.composite
def levels(draw: st.DrawFn) -> tuple[Level, ...]:
    """Draw levels with distinct labels."""
    labels = draw(st.lists(names.map(str.strip), min_size=2, max_size=4, unique_by=str.casefold))
    return tuple(Level(label, draw(texts), draw(st.none() | shares)) for label in labels)


@st.composite
def numeric(draw: st.DrawFn) -> Numeric:
    """Draw a numeric scale; one of whole numbers has whole ends."""
    whole = draw(st.booleans())
    low = draw(st.integers(-1000, 1000) if whole else finite)
    return Numeric(float(low), float(low + draw(st.integers(1, 1000) if whole else st.floats(0.5, 1e6))), whole)


@st.composite
def likert(draw: st.DrawFn) -> Likert:
    """Draw a Likert scale with all anchors or none."""
    points = draw(st.integers(2, 7))
    return Likert(points, draw(st.just(()) | st.lists(texts, min_size=points, max_size=points).map(tuple)))


scales: st.SearchStrategy[Scale] = st.one_of(st.just(Binary()), levels().map(Ordinal), likert(), levels().map(Choice), numeric())


@st.composite
def criteria(draw: st.DrawFn) -> tuple[Criterion, ...]:
    """Draw criteria with every field filled by chance; each requires some of those before it."""
    ids = draw(st.lists(names, min_size=1, max_size=4, unique=True))
    made = []
    for place, identity in enumerate(ids):
        made.append(
            Criterion(
                id=identity,
                text=draw(names),
                scale=draw(scales),
                weight=draw(finite),
                required=draw(st.booleans()),
                kind=draw(st.sampled_from(["rule", "principle", None])),
                effect=draw(st.sampled_from(["add", "deduct", "gate"])),
                cap=draw(st.none() | sizes),
                threshold=draw(st.floats(0, 1, exclude_min=True)),
                tier=draw(texts),
                category=draw(tags),
                scope=draw(st.sampled_from(["response", "turn", "pair", "task"])),
                turn=draw(st.none() | st.integers(0, 9)),
                applies_when=draw(st.none() | texts | checks),
                requires=tuple(draw(st.sets(st.sampled_from(ids[:place])))) if place else (),
                all_or_nothing=draw(st.booleans()),
                check=draw(st.none() | checks),
                evidence=tuple(draw(st.lists(st.builds(Evidence, texts, texts), max_size=2))),
                examples=tuple(draw(st.lists(st.builds(Example, texts, texts | finite, texts), max_size=2))),
                title=draw(texts),
                tags=draw(tags),
                source=draw(sources),
            )
        )
    return tuple(made)


@st.composite
def rubrics(draw: st.DrawFn) -> Rubric:
    """Draw a rubric, flat or with a tree over all of its criteria."""
    made = draw(criteria())
    policy = draw(st.builds(Policy, names, options, panels))
    tree = draw(st.none() | trees([c.id for c in made]))
    if tree is not None and policy == Policy():
        policy = Policy("tree")
    return Rubric(made, tree, policy, draw(texts), draw(texts), draw(texts), draw(sources))


@st.composite
def trees(draw: st.DrawFn, leaves: Sequence[str]) -> Node:
    """Draw a tree whose leaves are the given ids, each once."""
    fresh = (f"node {i}" for i in range(100))

    def grow(here: list[str], depth: int) -> Node:
        children: list[Node | str] = []
        while here:
            size = draw(st.integers(1, len(here)))
            part, here = here[:size], here[size:]
            children += [grow(part, depth + 1)] if depth < 3 and draw(st.booleans()) else part
        free = next(n for n in fresh if n not in leaves)
        return Node(free, draw(texts), draw(sizes), tuple(children))

    return grow(list(draw(st.permutations(list(leaves)))), 0)


media = st.builds(Media, st.just("image/png"), st.binary(max_size=8).map(lambda tail: PNG + tail)) | st.builds(
    Media, st.just("image/webp"), st.binary(max_size=8).map(lambda tail: WEBP + tail)
)
messages = st.lists(
    st.builds(Message, st.sampled_from(["system", "user", "assistant", "tool"]), texts, st.lists(media, max_size=1).map(tuple)),
    min_size=1,
    max_size=3,
).map(tuple)
tasks = st.builds(Task, names, messages, tags, texts, tags)
responses = st.builds(Response, names, messages, texts, tags)


def values(scale: Scale) -> st.SearchStrategy[float]:
    """Return the values of a scale."""
    if isinstance(scale, Numeric):
        whole = st.integers(int(scale.low), int(scale.high)).map(float)
        return whole if scale.integer else st.floats(scale.low, scale.high)
    first = 1 if isinstance(scale, Likert) else 0
    return st.integers(first, len(levels_of(scale)) - 1 + first).map(float)


@st.composite
def verdict(draw: st.DrawFn, criterion: Criterion, **fields: Any) -> Verdict:
    """Draw a verdict on a criterion, decided or not, that says everything a file can say."""
    state = draw(st.sampled_from([State.DECIDED, State.DECIDED, State.ABSTAINED, State.NOT_APPLICABLE, State.FAILED]))
    cause = {State.ABSTAINED: ["cannot_assess", "uncertain"], State.FAILED: ["timeout", "malformed", "missing"]}.get(state, [""])
    count = len(levels_of(criterion.scale))
    parts = draw(st.just(()) | st.lists(st.floats(0.001, 1), min_size=count, max_size=count).map(tuple))
    return Verdict(
        criterion=criterion.id,
        state=state,
        value=draw(values(criterion.scale)) if state == State.DECIDED else None,
        probs=tuple(p / sum(parts) for p in parts),
        reason=draw(texts),
        cause=draw(st.sampled_from(cause)),
        calibrated=draw(st.booleans()),
        **fields,
    )


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Draw a case with everything that a cases file can carry."""
    rubric, asked = draw(rubrics()), draw(tasks)
    answered = tuple(draw(st.lists(responses, max_size=2, unique_by=lambda r: r.id)))
    marks: list[Verdict] = []
    for response in answered:
        for criterion in rubric.criteria:
            judges = draw(st.lists(st.tuples(texts, st.integers(0, 3)), max_size=2, unique=True))
            marks += [draw(verdict(criterion, response=response.id, task=asked.id, judge=j, repeat=k)) for j, k in judges]
    return Case(asked, rubric, answered, tuple(marks))
