"""Loading by path: the format is named, or recognised where that is not ambiguous."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from criterial.core.builder import table_of
from criterial.core.columns import table_of_columns
from criterial.core.criterion import Criterion
from criterial.core.rubric import Rubric
from criterial.core.table import VerdictTable
from criterial.core.task import Case, Response
from criterial.core.verdict import Verdict
from criterial.errors import FormatError, TableError
from criterial.formats import autorubric, native, paperbench, rubric_spec, verifiers
from criterial.formats.export import exported_row
from criterial.formats.format import Format
from criterial.formats.names import NAMES
from criterial.formats.reading import Document, Place
from criterial.formats.validation import word
from criterial.formats.verdict_columns import columns_of_lines, columns_of_parquet

if TYPE_CHECKING:
    from criterial.formats.fetching import Fetcher

__all__ = ["FORMATS", "read_cases", "read_responses", "read_rubric", "read_verdict_table", "read_verdicts"]

FORMATS: dict[str, Format] = {name: import_module(f"criterial.formats.{name}").FORMAT for name in NAMES}
"""Every format of cases by name."""


def read_cases(path: str | Path, format: str | None = None, rubric: Rubric | None = None, fetcher: Fetcher | None = None) -> list[Case]:
    """Return the cases of a file or folder.

    Parameters
    ----------
    path : str or Path
        A file; a folder that is a format of its own, such as REALSumm; or a folder of files, which are read in the order of their names.
    format : str, optional
        Name of its format; None recognises it, in a folder of files for each.
    rubric : Rubric, optional
        Judges all cases in place of their own rubrics; the file's verdicts, which are about those, are left out.
    fetcher : Fetcher, optional
        Fetches images and references that native files give by their URL; without it such a file is refused.

    Returns
    -------
    list of Case

    Raises
    ------
    FormatError
        At the first fault; if nothing is in the file; if its format is not known or ambiguous; if two tasks share an id.
    """
    documents = _documents(Document(path, fetcher), format)
    cases: list[Case] = []
    seen: set[str] = set()
    for document in documents:
        for number, case in enumerate(_cases_of(document, format, rubric), 1):
            if case.task.id in seen:
                raise FormatError(
                    f"the task id {case.task.id!r} occurs twice", document.name, path=f"case {number}", hint="give each case its own id"
                )
            seen.add(case.task.id)
            cases.append(case)
    return cases


def _documents(document: Document, named: str | None) -> list[Document]:
    """Return a file, a folder that is a format of its own, or the files of any other folder, by name."""
    whole = [f for f in FORMATS.values() if f.folder is not None]
    if not document.path.is_dir() or any(f.name == named or (named is None and f.folder and f.folder(document)) for f in whole):
        return [document]
    files = document.files()
    if not files:
        raise FormatError("there are no files of cases in this folder", document.name, hint="cases are .jsonl, .json, .toml or .yaml")
    return files


def _cases_of(document: Document, named: str | None, rubric: Rubric | None) -> list[Case]:
    with Place(document).told():
        cases = list(_format(document, named).read(document, rubric))
    if not cases:
        raise FormatError("there are no cases in it", document.name)
    return cases if rubric is None else [replace(c, rubric=rubric, verdicts=()) for c in cases]


def _format(document: Document, named: str | None) -> Format:
    if named is not None:
        if named not in FORMATS:
            raise FormatError(f"there is no format {named!r}", document.name, hint=f"there are {', '.join(FORMATS)}")
        return FORMATS[named]
    found = [f for f in FORMATS.values() if _fits(f, document)]
    if len(found) == 1:
        return found[0]
    if found:
        raise FormatError(f"could be {' or '.join(f.name for f in found)}", document.name, hint="say which with --format")
    hint = 'a case is {"id": ..., "prompt": ..., "rubric": [...], "responses": [...]}; other formats: ' + ", ".join(FORMATS)
    raise FormatError("not a format that is known", document.name, None if document.path.is_dir() else 1, hint=hint)


def _fits(format: Format, document: Document) -> bool:
    if document.path.is_dir():
        return format.folder is not None and format.folder(document)
    return format.matches(document.first)


def read_rubric(path: str | Path) -> Rubric:
    """Return the rubric of a file: this project's own form, or autorubric's.

    Parameters
    ----------
    path : str or Path
        JSON, TOML or YAML.

    Returns
    -------
    Rubric

    Raises
    ------
    FormatError
        At the first fault.
    """
    document = Document(path)
    given = document.whole()
    with Place(document).told():
        if autorubric.is_autorubric(given):
            return autorubric.autorubric_rubric(given, "")
        for other in (paperbench.FORMAT, verifiers.FORMAT, rubric_spec.FORMAT):
            if isinstance(given, Mapping) and other.matches(given):
                return next(other.read(document, None)).rubric
        wrapped = isinstance(given, Mapping) and "rubric" in given
        return native.rubric_of(given["rubric"], "rubric") if wrapped else native.rubric_of(given)


def read_responses(path: str | Path, cases: Sequence[Case], fetcher: Fetcher | None = None) -> list[Case]:
    """Return cases with the responses of a file in place of their own.

    Parameters
    ----------
    path : str or Path
        JSON lines of ``{"task": ..., "system": ..., "text": ...}``.
    cases : sequence of Case
        The cases.
    fetcher : Fetcher, optional
        Fetches images that are given by their URL.

    Returns
    -------
    list of Case
        Those that got a response.

    Raises
    ------
    FormatError
        If a line cannot be read, or names a task that is not there.
    """
    document = Document(path, fetcher)
    by_task: dict[str, dict[str, Response]] = {c.task.id: {} for c in cases}
    for place, item in document.objects():
        with place.told():
            task, response = native.responses_of(item, document.sources)
            if task not in by_task:
                raise FormatError(f"there is no task {task!r} in the cases", path="task")
            if by_task[task].setdefault(response.id, response) is not response:
                raise FormatError(f"two responses of task {task!r} have the id {response.id!r}", path="id", hint="give each its own id")
    return [replace(c, responses=tuple(by_task[c.task.id].values()), verdicts=()) for c in cases if by_task[c.task.id]]


def read_verdicts(path: str | Path, cases: Sequence[Case]) -> tuple[list[Case], list[Verdict]]:
    """Return the verdicts of a file, and the cases with any responses that the file brought along.

    Parameters
    ----------
    path : str or Path
        Lines of ``{"response": ..., "criterion": ..., "value": ...}``; a table with these columns, such as `criterial export`
        writes; or a file of cases that carry verdicts, such as graded PaperBench trees.
    cases : sequence of Case
        What the verdicts are about.

    Returns
    -------
    tuple of (list of Case, list of Verdict)

    Raises
    ------
    FormatError
        At the first fault.
    """
    document = Document(path)
    if document.path.is_dir() or not _verdict_lines(document):
        return _graded(read_cases(path), cases, document.name)
    find = _criteria_by_response(cases)
    plain = exported_row if document.is_table else dict[str, Any]
    return list(cases), list(document.each(lambda item: native.verdict_of(plain(item), find(item))))


def read_verdict_table(path: str | Path, cases: Sequence[Case]) -> tuple[list[Case], VerdictTable]:
    """Return the table of the verdicts of a file, as `read_verdicts` and `criterial.core.builder.table_of` make it, but much faster.

    Parameters
    ----------
    path : str or Path
        As for `read_verdicts`.
    cases : sequence of Case
        What the verdicts are about.

    Returns
    -------
    tuple of (list of Case, VerdictTable)
        The cases with any responses that the file brought along.

    Raises
    ------
    FormatError
        At the first fault; if the verdicts do not fit the cases.
    """
    document = Document(path)
    columns = None
    if document.is_lines:
        columns = columns_of_lines(document)
    elif document.path.suffix == ".parquet":
        columns = columns_of_parquet(document.path)
    table = table_of_columns(cases, columns) if columns is not None else None
    if table is not None:
        return list(cases), table
    loaded, verdicts = read_verdicts(path, cases)
    try:
        return loaded, table_of(loaded, verdicts)
    except TableError as error:
        raise FormatError(str(error), document.name) from None


def _verdict_lines(document: Document) -> bool:
    first = document.first
    return "response" in first and "criterion" in first and not isinstance(first.get("levels"), Mapping)


def _criteria_by_response(cases: Sequence[Case]) -> Callable[[Mapping[str, Any]], Callable[[str], Criterion | None]]:
    """Return a function that gives, for a verdict's object, the function that gives the criteria of its response."""
    by_rubric: dict[int, dict[str, Criterion]] = {id(c.rubric): {k.id: k for k in c.rubric.criteria} for c in cases}
    by_response: dict[str, dict[str, dict[str, Criterion]]] = {}
    for case in cases:
        for response in case.responses:
            by_response.setdefault(response.id, {})[case.task.id] = by_rubric[id(case.rubric)]
    nothing: dict[str, Criterion] = {}

    def find(item: Mapping[str, Any]) -> Callable[[str], Criterion | None]:
        if "response" not in item:
            return nothing.get  # the verdict's reader says what is missing
        response, task = word(item, "response"), word(item, "task", default="")
        of_task = by_response.get(response, {})
        if not task and len(of_task) > 1:
            raise FormatError(
                f'response id {response!r} occurs in {len(of_task)} tasks: say which with "task"',
                path="response",
                hint=f"the tasks are {', '.join(list(of_task)[:5])}",
            )
        known = of_task.get(task) if task else next(iter(of_task.values()), None)
        if known is None:
            there = f" of task {task!r}" if task else ""
            raise FormatError(f"there is no response {response!r}{there} in the cases", path="response")
        return known.get

    return find


def _graded(graded: Sequence[Case], cases: Sequence[Case], file: str) -> tuple[list[Case], list[Verdict]]:
    by_task = {c.task.id: c for c in graded}
    verdicts = [v for c in graded for v in c.verdicts]
    if not verdicts:
        raise FormatError("there are no verdicts in it", file, hint='a verdict is {"response": ..., "criterion": ..., "value": ...}')
    missing = [c.task.id for c in graded if c.task.id not in {k.task.id for k in cases}]
    if missing:
        raise FormatError(f"it has verdicts on task {missing[0]!r}, which is not in the cases", file)
    return list(_with_responses(cases, by_task)), verdicts


def _with_responses(cases: Sequence[Case], by_task: Mapping[str, Case]) -> Iterator[Case]:
    for case in cases:
        extra = by_task[case.task.id].responses if case.task.id in by_task else ()
        known = {r.id for r in case.responses}
        yield replace(case, responses=(*case.responses, *(r for r in extra if r.id not in known)), verdicts=())
