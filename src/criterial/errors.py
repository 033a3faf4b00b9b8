"""Every error that this package raises on purpose, in one tree.

    CriterialError
    ├── FormatError         a file, or a part of it, is not what it should be (also ValueError)
    ├── TableError          arrays or verdicts that do not fit their rubric (also ValueError)
    ├── ConfigError         a judge, a store or an option that cannot be used as named (also ValueError)
    │   ├── UnknownMethod   no method or backend of that name
    │   └── DuplicateMethod two packages claim one name
    ├── MissingExtra        an optional dependency is not installed (also ImportError)
    ├── JudgeError          a call that gave no verdict; carries its cause
    ├── SandboxUnavailable  no sandbox works here, so no untrusted program is run
    └── StoreError          the store cannot be read or written
        ├── StoreVersionError  the store was written by a newer version
        └── UnknownRun      no run of that name

To add one: subclass the nearest class here, keep it picklable (arguments go to ``super().__init__``), and name it above.
"""

from __future__ import annotations

__all__ = [
    "ConfigError",
    "CriterialError",
    "DuplicateMethod",
    "FormatError",
    "JudgeError",
    "MissingExtra",
    "SandboxUnavailable",
    "StoreError",
    "StoreVersionError",
    "TableError",
    "UnknownMethod",
    "UnknownRun",
]

_MOST = 1000


def _brief(text: str) -> str:
    """Return a text without its middle where it is too long to read: a file decides what an error quotes."""
    return text if len(text) <= _MOST else f"{text[: _MOST // 2]} ... {text[-_MOST // 4 :]}"


class CriterialError(Exception):
    """Base of all errors raised on purpose."""

    def __str__(self) -> str:
        return _brief(super().__str__())


class FormatError(CriterialError, ValueError):
    """A file, or a part of it, is not what it should be.

    Parameters
    ----------
    message : str
        What is wrong, in one sentence.
    file : str, optional
        The file's path as the user gave it.
    line : int, optional
        1-based line in the file.
    path : str, optional
        Where inside the document, as ``rubric[2].weight``.
    hint : str, optional
        What to do about it.
    """

    def __init__(self, message: str, file: str = "", line: int | None = None, path: str = "", hint: str = "") -> None:
        super().__init__(message, file, line, path, hint)
        self.message = message
        self.file = file
        self.line = line
        self.path = path
        self.hint = hint

    def __str__(self) -> str:
        place = self.file
        if self.line is not None:
            place += f":{self.line}" if place else f"line {self.line}"
        if self.path:
            place += f" at {_brief(self.path)}" if place else _brief(self.path)
        text = f"{place}: {_brief(self.message)}" if place else _brief(self.message)
        return f"{text}\n  hint: {self.hint}" if self.hint else text

    def located(self, file: str = "", line: int | None = None, path: str = "") -> FormatError:
        """Return the same error with the place filled in where it was not known before.

        Parameters
        ----------
        file : str
            The file's path.
        line : int or None
            1-based line.
        path : str
            Path of the enclosing value; put in front of the error's own path.

        Returns
        -------
        FormatError
        """
        joined = path + ("." if path and self.path and not self.path.startswith("[") else "") + self.path
        return FormatError(self.message, self.file or file, self.line if self.line is not None else line, joined, self.hint)


class TableError(CriterialError, ValueError):
    """Arrays or verdicts do not fit the rubric that they are said to belong to."""


class ConfigError(CriterialError, ValueError):
    """A judge, a store or an option cannot be used as it was named."""


class UnknownMethod(ConfigError):
    """No method or backend has that name."""


class DuplicateMethod(ConfigError):
    """Two packages claim the same method name."""


class MissingExtra(CriterialError, ImportError):
    """An optional dependency is not installed.

    Parameters
    ----------
    package : str
        The distribution that is missing.
    extra : str
        The extra of this package that brings it.
    purpose : str
        What it is needed for.
    """

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(package, extra, purpose)
        self.package = package
        self.extra = extra
        self.purpose = purpose

    def __str__(self) -> str:
        return f"{self.purpose} needs the package {self.package!r}: pip install 'criterial[{self.extra}]'"


class JudgeError(CriterialError):
    """A call to a model gave nothing that could be read as an answer.

    Parameters
    ----------
    cause : str
        A short stable word (``rate_limit``, ``timeout``, ``malformed``, ``refusal``, ...; see `criterial.core.verdict.CAUSES`).
    detail : str
        One line for people. Never holds a key or the text of a response.
    """

    def __init__(self, cause: str, detail: str = "") -> None:
        super().__init__(cause, detail)
        self.cause = cause
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.cause}: {self.detail}" if self.detail else self.cause


class SandboxUnavailable(CriterialError):
    """No sandbox works here, so an untrusted program is not run.

    Parameters
    ----------
    message : str
        What does not work.
    hint : str, optional
        What to install or to change.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  hint: {self.hint}" if self.hint else self.message


class StoreError(CriterialError):
    """The store cannot be read or written."""


class StoreVersionError(StoreError):
    """The store was written by a newer version of this package."""


class UnknownRun(StoreError):
    """The store holds no run of that name."""
