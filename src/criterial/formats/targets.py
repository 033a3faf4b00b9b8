"""Rubrics and cases out: this project's own files, and the formats of others, with a word on all that these cannot hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from criterial.core.rubric import Rubric
from criterial.core.task import Case
from criterial.errors import ConfigError, FormatError
from criterial.formats.losses import Losses
from criterial.formats.native import case_to_dict, rubric_to_dict
from criterial.formats.to_autorubric import cases_to_autorubric, rubric_to_autorubric
from criterial.formats.to_healthbench import cases_to_healthbench, rubric_to_healthbench
from criterial.formats.to_promptfoo import cases_to_promptfoo, rubric_to_promptfoo
from criterial.formats.to_verifiers import cases_to_verifiers, rubric_to_verifiers
from criterial.formats.writing import WRITERS

__all__ = ["TARGETS", "Target", "target_of", "write_target"]


@dataclass(frozen=True)
class Target:
    """A format that is written."""

    name: str
    """Name on the command line."""
    endings: tuple[str, ...]
    """Endings that its files can have."""
    rubric: Callable[[Rubric, Losses], Any]
    """A rubric as plain data."""
    cases: Callable[[Sequence[Case], Losses], Any]
    """Cases as plain data."""
    only: tuple[str, ...] = ()
    """Endings that files of cases can have, where these are fewer."""


def _native_rubric(rubric: Rubric, _: Losses) -> Any:
    return rubric_to_dict(rubric)


def _native_cases(cases: Sequence[Case], _: Losses) -> Any:
    written = [case_to_dict(c) for c in cases]
    return written[0] if len(written) == 1 else written


TARGETS: dict[str, Target] = {
    target.name: target
    for target in (
        Target("native", (".json", ".jsonl", ".yaml", ".yml", ".toml"), _native_rubric, _native_cases),
        Target("autorubric", (".json", ".yaml", ".yml"), rubric_to_autorubric, cases_to_autorubric, (".json",)),
        Target("verifiers", (".toml", ".json"), rubric_to_verifiers, cases_to_verifiers),
        Target("promptfoo", (".yaml", ".yml", ".json"), rubric_to_promptfoo, cases_to_promptfoo),
        Target("healthbench", (".jsonl", ".json"), rubric_to_healthbench, cases_to_healthbench),
    )
}
"""Every format that is written, by name."""


def target_of(path: Path, to: str | None = None) -> Target:
    """Return the format of a file that is to be written.

    Parameters
    ----------
    path : Path
        The file: ``x.verifiers.toml`` names its format, ``promptfooconfig.yaml`` too, and any other is native.
    to : str, optional
        The format's name.

    Returns
    -------
    Target

    Raises
    ------
    ConfigError
        If there is no such format, or it has no files of that ending.
    """
    name = to or _named(path)
    if name not in TARGETS:
        raise ConfigError(f"there is no format {name[:40]!r} to write; there are {', '.join(TARGETS)}")
    target = TARGETS[name]
    if path.suffix.lower() not in target.endings:
        raise ConfigError(f"{path.name}: {name} is written as {', '.join(target.endings)}")
    return target


def _named(path: Path) -> str:
    inner = Path(path.stem).suffix.removeprefix(".").lower()
    if path.stem.lower() == "promptfooconfig":
        return "promptfoo"
    return inner if inner in TARGETS else "native"


def write_target(given: Rubric | Sequence[Case], path: Path, target: Target) -> list[str]:
    """Write a rubric or cases to a file.

    Parameters
    ----------
    given : Rubric or sequence of Case
        What is written.
    path : Path
        The file.
    target : Target
        Its format.

    Returns
    -------
    list of str
        What the format cannot hold, one line each.

    Raises
    ------
    ConfigError
        If the format's files of that ending hold rubrics alone, and cases are given.
    FormatError
        If the format cannot hold it at all; nothing is written then.
    """
    if not isinstance(given, Rubric) and target.only and path.suffix.lower() not in target.only:
        raise ConfigError(f"{path.name}: cases are written for {target.name} as {', '.join(target.only)}")
    lost = Losses()
    try:
        value = target.rubric(given, lost) if isinstance(given, Rubric) else target.cases(given, lost)
        text = WRITERS[path.suffix.lower()](value)
    except FormatError as error:
        raise error.located(str(path)) from None
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return lost.lines()
