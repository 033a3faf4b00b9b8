"""What the figures of real sets have in common: reading raw lines by nothing of this package, and scoring what it read."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from criterial.core.builder import table_of
from criterial.core.task import Case
from criterial.core.verdict import Verdict
from criterial.score.scoring import Scores, score
from criterial.score.systems import SystemScore, system_scores

Row = dict[str, Any]


class Figure(NamedTuple):
    """One figure of a set."""

    what: str
    ours: float
    raw: float | None = None
    published: str = ""


class Sheet(NamedTuple):
    """A set with its figures."""

    name: str
    cases: Sequence[Case]
    figures: list[Figure]


def lines(path: Path) -> list[Row]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def mean(values: Iterable[float]) -> float:
    listed = list(values)
    return sum(listed) / len(listed)


def scored(cases: Sequence[Case], keep: Callable[[Verdict], bool] = lambda v: True) -> Scores:
    return score(table_of(cases, [v for c in cases for v in c.verdicts if keep(v)]))


def by_system(cases: Sequence[Case], keep: Callable[[Verdict], bool] = lambda v: True) -> dict[str, SystemScore]:
    return {s.system: s for s in system_scores(scored(cases, keep)) if s.mean.value is not None}


def shown(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:g}" if float(value).is_integer() else f"{value:.4f}".removeprefix("0")
