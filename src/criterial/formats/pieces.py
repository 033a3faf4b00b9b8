"""What several importers need: lists of objects with their paths, ids for rows that have none, and signed points."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from criterial.core.criterion import Criterion
from criterial.core.task import Response
from criterial.core.verdict import Verdict
from criterial.errors import FormatError
from criterial.formats.reading import Document
from criterial.formats.validation import NULL, below, build, take, word

__all__ = ["UNSEEN_OUTPUT", "UNSEEN_TASK", "by_response", "numbered", "objects", "row_id", "signed_criterion", "tagged"]

T = TypeVar("T")

UNSEEN_TASK = "(the task is not part of the file)"
"""Stands for a task of which a file holds scores only."""
UNSEEN_OUTPUT = "(the output is not part of the file)"
"""Stands for such a response."""


def by_response(verdicts: Iterable[Verdict], responses: Iterable[Response]) -> tuple[Verdict, ...]:
    """Return verdicts in the order of their responses, as the native form has them.

    Parameters
    ----------
    verdicts : iterable of Verdict
        Verdicts in any order; those on one response keep theirs.
    responses : iterable of Response
        The responses.

    Returns
    -------
    tuple of Verdict
    """
    place = {response.id: i for i, response in enumerate(responses)}
    return tuple(sorted(verdicts, key=lambda verdict: place[verdict.response]))


def objects(data: Mapping[str, Any], key: str, path: str = "") -> list[tuple[Mapping[str, Any], str]]:
    """Return a value that must be a list of objects, each with its path.

    Parameters
    ----------
    data : mapping
        An object of a file.
    key : str
        The key.
    path : str
        Where the object stands.

    Returns
    -------
    list of (mapping, str)

    Raises
    ------
    FormatError
        If it is not there, no list, or holds anything but objects.
    """
    listed: list[Any] = take(data, key, list, path)
    placed = [(item, f"{below(path, key)}[{i}]") for i, item in enumerate(listed)]
    for item, place in placed:
        if not isinstance(item, Mapping):
            raise FormatError("expected an object", path=place)
    return placed


def numbered(document: Document, make: Callable[[dict[str, Any], str], T]) -> Iterator[T]:
    """Yield what is made of each object and of a name for it: the file's and the object's number in it.

    Parameters
    ----------
    document : Document
        The file.
    make : callable
        From an object and its name to what it becomes.

    Yields
    ------
    object
        What was made.

    Raises
    ------
    FormatError
        At the first fault.
    """
    for number, (place, item) in enumerate(document.objects(), 1):
        with place.told():
            made = make(item, f"{document.stem}-{number}")
        yield made


def row_id(item: Mapping[str, Any], name: str, *keys: str) -> str:
    """Return the id of a row, or its name where it has none.

    Parameters
    ----------
    item : mapping
        The row.
    name : str
        What it is called otherwise.
    *keys : str
        Where an id may stand, best first.

    Returns
    -------
    str

    Raises
    ------
    FormatError
        If an id is neither a text nor a number.
    """
    key = next((k for k in keys if item.get(k) is not None), None)
    return name if key is None else word(item, key)


def signed_criterion(item: Mapping[str, Any], path: str, name: str, **fields: Any) -> Criterion:
    """Return a criterion that is written as ``criterion`` and signed ``points``.

    Parameters
    ----------
    item : mapping
        The criterion.
    path : str
        Where it stands.
    name : str
        Its id.
    **fields : object
        Further fields of the criterion.

    Returns
    -------
    Criterion

    Raises
    ------
    FormatError
        If text or points are missing or of another type.
    """
    own = {"id": name, "text": take(item, "criterion", str, path), "weight": take(item, "points", (int, float), path)}
    return build(Criterion, {**own, **fields}, path)


def tagged(item: Mapping[str, Any], *keys: str, path: str = "") -> tuple[str, ...]:
    """Return a tag ``key:value`` for each of some labels that are there.

    Parameters
    ----------
    item : mapping
        The object that has them.
    *keys : str
        The labels.
    path : str
        Where the object stands.

    Returns
    -------
    tuple of str

    Raises
    ------
    FormatError
        If a label is neither a text nor a number.
    """
    found: list[tuple[str, Any]] = [(key, take(item, key, (str, int, float, NULL), path, None)) for key in keys]
    return tuple(f"{key}:{value}" for key, value in found if value not in (None, ""))
