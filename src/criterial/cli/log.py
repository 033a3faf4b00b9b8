"""The log of `criterial --log FILE`: one JSON object a line, with secrets redacted by value."""

from __future__ import annotations

import base64
import errno
import json
import logging
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from criterial import __version__
from criterial.errors import ConfigError

__all__ = ["log_to"]

_LEVELS = ("debug", "info", "warning")
_LEAST_SECRET = 8
"""Shorter values are placeholders such as EMPTY, and words of their own."""
_URL = re.compile(r"\w+://[^\s>]+")
_OWN = frozenset(logging.makeLogRecord({}).__dict__) | {"taskName"}
"""What every record has; the rest are the fields that came with it."""


@contextmanager
def log_to(file: Path, level: str) -> Iterator[None]:
    """Write what this package logs to a file, added to what it holds.

    Parameters
    ----------
    file : Path
        Where to.
    level : str
        ``debug``, ``info`` or ``warning``: the least that is written.

    Yields
    ------
    None

    Raises
    ------
    ConfigError
        If there is no such level, or the file cannot be written: found out at once, with a first line.
    """
    if level not in _LEVELS:
        raise ConfigError(f"{level!r} is no level of a log: write {', '.join(_LEVELS)}")
    logger = logging.getLogger("criterial")
    try:
        handler = _JsonLines(file)
    except OSError as error:
        raise ConfigError(
            f"the log {file} cannot be written ({error.strerror}): see that it can, or name another file with --log"
        ) from error
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(level.upper())
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)
        handler.close()


class _JsonLines(logging.Handler):
    """Adds each record to a file by one write, so that lines of several threads and processes do not mix."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self._file = file.open("ab", buffering=0)
        self._secrets = _secrets()
        self._broken = False
        try:
            self._write(datetime.now(UTC), "INFO", "log begun", {"version": __version__})
        except OSError:
            self._file.close()
            raise

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record; a file that can no longer be written ends the log, not the run."""
        if self._broken:
            return
        fields = {name: value for name, value in record.__dict__.items() if name not in _OWN}
        try:
            self._write(datetime.fromtimestamp(record.created, UTC), record.levelname, record.getMessage(), fields)
        except OSError as error:
            self._broken = True
            print(f"criterial: the log {self._file.name} ends here ({error.strerror}); the run goes on", file=sys.stderr)

    def _write(self, when: datetime, level: str, event: str, fields: dict[str, object]) -> None:
        line = {"time": when.isoformat(timespec="milliseconds"), "level": level, "event": event, "fields": fields}
        raw = self._secrets.sub("[key]", json.dumps(line, default=str)).encode() + b"\n"
        if self._file.write(raw) < len(raw):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()


def _secrets() -> re.Pattern[str]:
    """Return what matches every secret that this process was given, in any of the shapes in which it may turn up."""
    found = {s for s in _given() if len(s) >= _LEAST_SECRET}
    plain = found | {unquote(s) for s in found}
    shapes = plain | {quote(s, safe=safe) for s in plain for safe in ("", "/")}
    shapes |= {base64.b64encode(s.encode()).decode() for s in plain} | {json.dumps(s)[1:-1] for s in plain}
    return re.compile("|".join(re.escape(s) for s in sorted(shapes, key=len, reverse=True)) or r"(?!)")


def _given() -> Iterator[str]:
    """Yield the keys of the environment, and what URLs of the environment and the command line hold besides a place."""
    ours = {name: value for name, value in os.environ.items() if name.startswith(("CRITERIAL_", "OPENAI_"))}
    yield from (value for name, value in ours.items() if name.endswith("_API_KEY"))
    for text in (*ours.values(), *sys.argv):
        for url in _URL.findall(text):
            try:
                parts = urlsplit(url)
            except ValueError:  # no URL after all
                continue
            yield parts.password or (parts.username or "" if parts.scheme.startswith("http") else "")
            yield from (value for _, value in parse_qsl(parts.query))
