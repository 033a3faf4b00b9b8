"""What is kept of a run, and making one of a table: shared by runs that were judged and runs that were given."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import criterial
from criterial.core.digest import plain
from criterial.core.method import load
from criterial.core.rubric import Panel, Policy
from criterial.core.score import Finding
from criterial.core.table import VerdictTable
from criterial.core.task import Case
from criterial.formats.native import case_to_dict
from criterial.formats.validation import build
from criterial.score.pairs import order_finding
from criterial.score.record import Run

__all__ = ["code_digest", "judge_method", "make_run", "scoring_to_dict", "stored_cases"]

UNCALIBRATED = Finding(
    "uncalibrated",
    "warning",
    "judge",
    "The embedded judge measures whether a response covers what a criterion mentions. Nobody checked it on criteria like yours.",
    "calibrate it on about 50 labels of your own (criterial judge calibrate), or name a judge that reads (--judge chat:MODEL@URL)",
)


def judge_method(name: str, options: Mapping[str, Any]) -> Callable[..., Any]:
    """Return a judge method with its options bound.

    Parameters
    ----------
    name : str
        Its name in the judge room.
    options : mapping
        Its options.

    Returns
    -------
    callable
        From case, response, decider and repeat to verdicts.
    """
    card = load("judge", name)
    return partial(card.call, options=card.with_options(dict(options)))


def stored_cases(cases: Sequence[Case]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield cases as a store keeps them: digest and plain data, without the verdicts that came with them.

    Parameters
    ----------
    cases : sequence of Case
        Any.

    Yields
    ------
    tuple of (str, dict)
    """
    for case in cases:
        yield case.digest, case_to_dict(replace(case, verdicts=()))


@cache
def code_digest() -> str:
    """Return the SHA-256 of this package's code: with other code, verdicts may be others.

    Returns
    -------
    str
    """
    hasher = hashlib.sha256()
    package = Path(criterial.__file__).parent
    for file in sorted(package.rglob("*.py")):
        hasher.update(f"{file.relative_to(package).as_posix()}\0".encode() + file.read_bytes())
    return hasher.hexdigest()


def scoring_to_dict(policy: Policy | None, panel: Panel | None) -> dict[str, Any]:
    """Return what takes the place of the rubrics' own scoring as plain data, to be kept in a run's configuration.

    Parameters
    ----------
    policy : Policy or None
        A policy.
    panel : Panel or None
        A panel.

    Returns
    -------
    dict
        ``policy`` and ``panel``, where they are given.
    """
    given = {"policy": policy, "panel": panel}
    return {name: plain(value) for name, value in given.items() if value is not None}


def make_run(identity: str, cases: Sequence[Case], table: VerdictTable, config: Mapping[str, Any]) -> Run:
    """Return a run of a table, with what its reader must know.

    Parameters
    ----------
    identity : str
        Its name.
    cases : sequence of Case
        What was judged.
    table : VerdictTable
        The verdicts.
    config : mapping
        What it was begun with.

    Returns
    -------
    Run
    """
    notes = [] if config["calibrated"] else [UNCALIBRATED]
    order = order_finding(table)
    notes += [order] if order is not None else []
    policy = build(Policy, config["policy"], "policy") if config.get("policy") else None
    panel = build(Panel, config["panel"], "panel") if "panel" in config else None
    return Run(identity, cases, table, config["name"], policy=policy, panel=panel, notes=notes)
