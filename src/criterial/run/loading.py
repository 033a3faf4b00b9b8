"""Cases from wherever they are: files, nouns, plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from criterial.core.digest import digest
from criterial.core.rubric import Rubric
from criterial.core.task import Case
from criterial.formats.load import read_cases, read_responses, read_rubric
from criterial.formats.media import Sources
from criterial.formats.native import case_of, rubric_of

if TYPE_CHECKING:
    from criterial.formats.fetch_policy import FetchPolicy
    from criterial.formats.fetching import Fetcher

__all__ = ["Cases", "load_cases", "sample_cases"]

Cases = str | Path | Sequence[Case | Mapping[str, Any]]
"""A file, or cases as nouns or plain data."""


def load_cases(
    cases: Cases,
    rubric: str | Path | Rubric | Sequence[Any] | None = None,
    format: str | None = None,
    responses: str | Path | None = None,
    fetch: FetchPolicy | None = None,
) -> list[Case]:
    """Return cases from a file or from Python objects.

    Parameters
    ----------
    cases : path, or sequence of Case or mapping
        Where they are.
    rubric : path, Rubric or list, optional
        Judges all cases in place of their own.
    format : str, optional
        The file's format; None recognises it.
    responses : path, optional
        A file of responses that take the place of the cases' own.
    fetch : FetchPolicy, optional
        From where images and references that are given by their URL are fetched; without it nothing is.

    Returns
    -------
    list of Case

    Raises
    ------
    FormatError
        At the first fault.
    """
    common = (
        rubric
        if isinstance(rubric, Rubric) or rubric is None
        else read_rubric(rubric)
        if isinstance(rubric, (str, Path))
        else rubric_of(rubric)
    )
    fetcher = _fetcher(fetch) if fetch is not None else None
    if isinstance(cases, (str, Path)):
        loaded = read_cases(cases, format, common, fetcher)
        if common is not None:
            loaded = [c if c.rubric is common else replace(c, rubric=common, verdicts=()) for c in loaded]
    else:
        seen: dict[str, Rubric] = {}
        loaded = [_case(c, common, seen, Sources(None, fetcher)) for c in cases]
    return read_responses(responses, loaded, fetcher) if responses is not None else loaded


def sample_cases(cases: Sequence[Case], size: int | None) -> list[Case]:
    """Return a sample of cases that depends on their ids alone: the same in every process.

    Parameters
    ----------
    cases : sequence of Case
        All of them.
    size : int or None
        How many to keep, at most; None keeps all.

    Returns
    -------
    list of Case
        In their order; of a sample, cases without responses are left out.
    """
    if size is None:
        return list(cases)
    graded = [c for c in cases if c.responses]
    drawn = {c.task.id for c in sorted(graded, key=lambda c: digest("sample", c.task.id))[:size]}
    return [c for c in graded if c.task.id in drawn]


def _fetcher(policy: FetchPolicy) -> Fetcher:
    from criterial.formats.fetching import Fetcher  # brings aiohttp, which few need

    return Fetcher(policy)


def _case(given: Case | Mapping[str, Any], rubric: Rubric | None, seen: dict[str, Rubric], sources: Sources) -> Case:
    if isinstance(given, Case):
        return replace(given, rubric=rubric, verdicts=()) if rubric is not None else given
    return case_of(given, sources, rubric, seen)
