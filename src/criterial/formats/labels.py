"""Labels for calibrating: texts with people's yes or no."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from criterial.core.scale import Binary, parse_value
from criterial.core.task import Case
from criterial.core.verdict import State, Verdict
from criterial.errors import FormatError, TableError
from criterial.formats.load import read_cases, read_verdicts
from criterial.formats.reading import Document
from criterial.formats.validation import take

__all__ = ["read_labels"]


def read_labels(path: str | Path, cases: str | Path | None = None) -> list[tuple[str, str, bool]]:
    """Return criterion, response and label of every binary label of a file.

    Parameters
    ----------
    path : str or Path
        Lines of ``{"criterion": TEXT, "response": TEXT, "value": 1}``; or cases that carry verdicts; or, with cases, verdict lines.
    cases : str or Path, optional
        Cases whose ids the verdict lines name.

    Returns
    -------
    list of (str, str, bool)

    Raises
    ------
    FormatError
        If the file holds none, or a line cannot be read.
    """
    document = Document(path)
    if cases is not None:
        loaded, verdicts = read_verdicts(path, read_cases(cases))
        found = list(_joined(loaded, verdicts))
    elif document.path.is_dir() or not _self_contained(document):
        loaded = read_cases(path)
        found = list(_joined(loaded, [v for c in loaded for v in c.verdicts]))
    else:
        found = list(document.each(_line))
    if not found:
        raise FormatError(
            "there are no yes/no labels in it", document.name, hint='a label is {"criterion": TEXT, "response": TEXT, "value": 1}'
        )
    return found


def _self_contained(document: Document) -> bool:
    first = document.first
    return isinstance(first.get("criterion"), str) and isinstance(first.get("response"), str)


def _line(item: Mapping[str, Any]) -> tuple[str, str, bool]:
    value: Any = take(item, "value", (bool, int, float, str))
    try:
        return take(item, "criterion", str), take(item, "response", str), bool(parse_value(Binary(), value))
    except TableError as error:
        raise FormatError(str(error), path="value") from None


def _joined(cases: Sequence[Case], verdicts: Sequence[Verdict]) -> Iterator[tuple[str, str, bool]]:
    places = {(t, r.id): (c.rubric, r.text) for c in cases for r in c.responses for t in (c.task.id, "")}
    for verdict in verdicts:
        rubric, text = places[verdict.task, verdict.response]
        criterion = rubric.criteria[rubric.index[verdict.criterion]]
        if isinstance(criterion.scale, Binary) and criterion.check is None and verdict.state == State.DECIDED:
            yield criterion.text, text, bool(verdict.value)
