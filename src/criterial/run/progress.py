"""How far a run is: a bar on a terminal, plain lines elsewhere, nothing where nobody watches."""

from __future__ import annotations

import sys
import time
from typing import Protocol, TextIO

from criterial.core.ports import Usage

__all__ = ["PlainProgress", "Progress", "Silent", "TerminalProgress", "progress_for"]


class Progress(Protocol):
    """Hears of every response that is done."""

    def start(self, total: int) -> None:
        """Begin.

        Parameters
        ----------
        total : int
            Verdicts to come.
        """
        ...

    def advance(self, verdicts: int, failed: int, spent: Usage) -> None:
        """Note progress.

        Parameters
        ----------
        verdicts : int
            Verdicts that came in since the last note.
        failed : int
            How many of them have failed.
        spent : Usage
            Spent so far in all.
        """
        ...

    def finish(self) -> None:
        """End."""
        ...


class Silent:
    """Shows nothing."""

    def start(self, total: int) -> None:
        """Begin with a total; shows nothing."""

    def advance(self, verdicts: int, failed: int, spent: Usage) -> None:
        """Note verdicts, failed ones and what is spent; shows nothing."""

    def finish(self) -> None:
        """End; shows nothing."""


class PlainProgress:
    """A line every few seconds.

    Parameters
    ----------
    stream : file
        Where to.
    every : float
        Seconds between lines.
    """

    def __init__(self, stream: TextIO, every: float = 10.0) -> None:
        self._stream = stream
        self._every = every
        self._total = self._done = self._failed = 0
        self._began = self._said = time.monotonic()

    def start(self, total: int) -> None:
        """Begin with a total of verdicts to come (`Progress.start`)."""
        self._total = total
        self._began = self._said = time.monotonic()

    def advance(self, verdicts: int, failed: int, spent: Usage) -> None:
        """Note progress and write a line if the last is long ago; see `Progress.advance` for verdicts, failed and spent."""
        self._done += verdicts
        self._failed += failed
        now = time.monotonic()
        if now - self._said >= self._every:
            self._said = now
            self._stream.write(f"{describe(self._done, self._total, self._failed, now - self._began, spent)}\n")
            self._stream.flush()

    def finish(self) -> None:
        """End; the summary that follows says the rest."""


class TerminalProgress:
    """A bar with rate, failures, spend and time left.

    Parameters
    ----------
    stream : file
        A terminal.
    """

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console  # slow to import, and needed on a terminal alone
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        columns = (TextColumn("judging"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[note]}"), TimeRemainingColumn())
        self._bar = Bar(*columns, console=Console(file=stream), transient=True)
        self._task = self._bar.add_task("", total=None, note="")
        self._failed = 0
        self._began = time.monotonic()

    def start(self, total: int) -> None:
        """Begin with a total of verdicts to come (`Progress.start`)."""
        self._began = time.monotonic()
        self._bar.update(self._task, total=total)
        self._bar.start()

    def advance(self, verdicts: int, failed: int, spent: Usage) -> None:
        """Note progress on the bar; see `Progress.advance` for verdicts, failed and spent."""
        self._failed += failed
        self._bar.update(self._task, advance=verdicts)
        done = self._bar.tasks[0].completed
        self._bar.update(self._task, note=_note(int(done), self._failed, time.monotonic() - self._began, spent))

    def finish(self) -> None:
        """Remove the bar."""
        self._bar.stop()


def progress_for(stream: TextIO | None = None) -> Progress:
    """Return what fits a stream: a bar on a terminal, lines elsewhere.

    Parameters
    ----------
    stream : file, optional
        Standard error where it is left out.

    Returns
    -------
    Progress
    """
    stream = stream or sys.stderr
    return TerminalProgress(stream) if stream.isatty() else PlainProgress(stream)


def describe(done: int, total: int, failed: int, seconds: float, spent: Usage) -> str:
    """Return progress as one line.

    Parameters
    ----------
    done : int
        Verdicts so far.
    total : int
        Verdicts in all.
    failed : int
        Failed so far.
    seconds : float
        Time so far.
    spent : Usage
        Spent so far.

    Returns
    -------
    str
    """
    left = seconds / done * (total - done) if done else 0.0
    return f"{done}/{total} verdicts, {_note(done, failed, seconds, spent)}, {left:.0f} s left"


def _note(done: int, failed: int, seconds: float, spent: Usage) -> str:
    parts = [f"{done / seconds if seconds > 0 else 0:.0f}/s"]
    if failed:
        parts.append(f"{failed} failed")
    if spent.tokens:
        parts.append(f"{spent.tokens:,} tokens")
    if spent.money:
        parts.append(f"${spent.money:.4f}")
    return ", ".join(parts)
