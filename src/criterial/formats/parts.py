"""Sets that are a folder of several files, each under a name of its own: JSON lines or JSON, compressed or not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from criterial.errors import FormatError
from criterial.formats.reading import Document

__all__ = ["has_parts", "part"]

_ENDINGS = (".jsonl", ".jsonl.gz", ".json", ".json.gz")


def part(folder: Path, name: str) -> Document:
    """Return one file of a folder.

    Parameters
    ----------
    folder : Path
        The folder.
    name : str
        The file's name without its ending.

    Returns
    -------
    Document

    Raises
    ------
    FormatError
        If it is not there.
    """
    path = next(_found(folder, name), None)
    if path is None:
        raise FormatError(f"the folder has no {name}.jsonl", str(folder))
    return Document(path)


def has_parts(folder: Path, *names: str) -> bool:
    """Return whether a folder has all of some files.

    Parameters
    ----------
    folder : Path
        The folder.
    *names : str
        Their names without endings.

    Returns
    -------
    bool
    """
    return all(next(_found(folder, name), None) for name in names)


def _found(folder: Path, name: str) -> Iterator[Path]:
    return (path for path in (folder / f"{name}{ending}" for ending in _ENDINGS) if path.is_file())
