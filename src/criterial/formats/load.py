"""Loading by path: the format is named, or recognised where that is not ambiguous."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from criterial.core.criterion import Criterion
from criterial.core.rubric import Rubric
from criterial.core.task import Case, Response
from criterial.core.verdict import Verdict
from criterial.errors import FormatError
from criterial.formats import autorubric, healthbench, infobench, native, paperbench, prometheus, realsumm
from criterial.formats.format import Format
from criterial.formats.reading import Document

__all__ = ["FORMATS", "read_cases", "read_responses", "read_rubric", "read_verdicts"]

FORMATS: dict[str, Format] = {
    module.FORMAT.name: module.FORMAT for module in (native, healthbench, paperbench, infobench, prometheus, autorubric, realsumm)
}
"""Every format of cases by name."""


def read_cases(path: str | Path, format: str | None = None, rubric: Rubric | None = None) -> list[Case]:
    """Return the cases of a file or folder.

    Parameters
    ----------
    path : str or Path
        A file; a folder that is a format of its own, such as REALSumm; or a folder of files, which are read in the order of their names.
    format : str, optional
        Name of its format; None recognises it, in a folder of files for each.
    rubric : Rubric, optional
        Judges all cases in place of their own rubrics.

    Returns
    -------
    list of Case

    Raises
    ------
    FormatError
        At the first fault; if nothing is in the file; if its format is not known or ambiguous; if two tasks share an id.
    """
    documents = _documents(Document(path), format)
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
    candidates = [FORMATS[named]] if named in FORMATS else list(FORMATS.values())
    if not document.path.is_dir() or any(f.folder is not None and f.folder(document) for f in candidates):
        return [document]
    files = document.files()
    if not files:
        raise FormatError("there are no files of cases in this folder", document.name, hint="cases are .jsonl, .json, .toml or .yaml")
    return files


def _cases_of(document: Document, named: str | None, rubric: Rubric | None) -> list[Case]:
    try:
        cases = list(_format(document, named).read(document, rubric))
    except RecursionError:
        raise FormatError("nested too deeply", document.name) from None
    if not cases:
        raise FormatError("there are no cases in it", document.name)
    return cases


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
    return format.folder is None and format.matches(document.first)


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
    try:
        if _requirements(given):
            return autorubric.autorubric_rubric(given, "")
        if isinstance(given, Mapping) and paperbench.FORMAT.matches(given):
            return next(iter(paperbench.FORMAT.read(document, None))).rubric
        if isinstance(given, Mapping) and "rubric" in given:
            given = given["rubric"]
        return native.rubric_of(given)
    except FormatError as error:
        raise error.located(document.name, document.line_of(_steps(error.path))) from None


def _requirements(given: Any) -> bool:
    """Return whether a rubric is written in autorubric's words."""
    while isinstance(given, Mapping) and ("rubric" in given or "sections" in given):
        given = given["rubric"] if "rubric" in given else (given["sections"] or [None])[0]
    listed = given.get("criteria") if isinstance(given, Mapping) else given
    return isinstance(listed, list) and bool(listed) and isinstance(listed[0], Mapping) and "requirement" in listed[0]


def _steps(path: str) -> list[str | int]:
    """Return an error's path as keys and indices."""
    out: list[str | int] = []
    for part in path.replace("[", ".[").split("."):
        if part.startswith("[") and part[1:-1].isdigit():
            out.append(int(part[1:-1]))
        elif part:
            out.append(part)
    return out


def read_responses(path: str | Path, cases: Sequence[Case]) -> list[Case]:
    """Return cases with the responses of a file in place of their own.

    Parameters
    ----------
    path : str or Path
        JSON lines of ``{"task": ..., "system": ..., "text": ...}``.
    cases : sequence of Case
        The cases.

    Returns
    -------
    list of Case
        Those that got a response.

    Raises
    ------
    FormatError
        If a line cannot be read, or names a task that is not there.
    """
    document = Document(path)
    by_task: dict[str, list[Response]] = {c.task.id: [] for c in cases}
    for line, item in document.objects():
        try:
            task, response = native.responses_of(item, document.path.parent)
        except FormatError as error:
            raise error.located(document.name, line) from None
        if task not in by_task:
            raise FormatError(f"there is no task {task!r} in the cases", document.name, line, "task")
        by_task[task].append(response)
    return [replace(c, responses=tuple(by_task[c.task.id]), verdicts=()) for c in cases if by_task[c.task.id]]


def read_verdicts(path: str | Path, cases: Sequence[Case]) -> tuple[list[Case], list[Verdict]]:
    """Return the verdicts of a file, and the cases with any responses that the file brought along.

    Parameters
    ----------
    path : str or Path
        Lines of ``{"response": ..., "criterion": ..., "value": ...}``; or a file of cases that carry verdicts, such as graded
        PaperBench trees.
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
    verdicts: list[Verdict] = []
    for line, item in document.objects():
        try:
            response, task = str(item.get("response", "")), str(item.get("task", ""))
            verdicts.append(native.verdict_of(item, find(response, task)))
        except FormatError as error:
            raise error.located(document.name, line) from None
    return list(cases), verdicts


def _verdict_lines(document: Document) -> bool:
    first = document.first
    return "response" in first and "criterion" in first and not isinstance(first.get("levels"), Mapping)


def _criteria_by_response(cases: Sequence[Case]) -> Callable[[str, str], Callable[[str], Criterion | None]]:
    """Return a function that gives, for a response, the function that gives its criteria."""
    by_rubric: dict[int, dict[str, Criterion]] = {id(c.rubric): {k.id: k for k in c.rubric.criteria} for c in cases}
    by_response: dict[tuple[str, str], dict[str, Criterion]] = {}
    for case in cases:
        for response in case.responses:
            by_response[case.task.id, response.id] = by_response["", response.id] = by_rubric[id(case.rubric)]
    nothing: dict[str, Criterion] = {}

    def find(response: str, task: str) -> Callable[[str], Criterion | None]:
        known = by_response.get((task, response))
        if known is None and response:
            of_task = f" of task {task!r}" if task else ""
            raise FormatError(f"there is no response {response!r}{of_task} in the cases", path="response")
        return (known or nothing).get

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
