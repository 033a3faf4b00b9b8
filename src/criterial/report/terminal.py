"""A run on a terminal: systems first, then what is not decided and why."""

from __future__ import annotations

from typing import TextIO

import regex
from rich.console import Console
from rich.table import Table
from rich.text import Text

from criterial.core.verdict import CAUSES
from criterial.report.view import estimate_text
from criterial.score.record import Run
from criterial.score.systems import SystemScore

__all__ = ["plain", "show"]

_BAR = 24
_MOST_ROWS = 40
_MOST_SYSTEMS = 4
_BLANKS = regex.compile(r"[\t-\r\x85\u2028\u2029]+")
_CONTROLS = regex.compile(
    r"""(?:\x1b\[|\x9b)[0-?]*[\x20-/]*[@-~]  # colours, moves of the cursor
    |(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)  # titles, links and other texts for the terminal itself
    |[\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069]""",
    regex.VERBOSE,
)


def show(run: Run, stream: TextIO, responses: bool = True) -> None:
    """Write a run's tables.

    Parameters
    ----------
    run : Run
        Any.
    stream : file
        Where to; colours are left out where it is no terminal.
    responses : bool
        Whether single responses are listed, where there are not too many.
    """
    console = Console(file=stream, highlight=False, width=None if stream.isatty() else 120)
    console.print(_systems(run))
    if run.parts:
        console.print(_parts(run))
    if responses and len(run.scores) <= _MOST_ROWS:
        console.print(_responses(run))
    counts = run.verdicts
    console.print(plain(", ".join(f"{n} {state.replace('_', ' ')}" for state, n in counts.items() if n)))
    for cause, number in run.causes.items():
        console.print(plain(f"  {number:5} {cause}: {CAUSES.get(cause, '')}"))
    for note in run.notes:
        console.print(plain(f"Mind: {note.message}", "yellow"))
        console.print(plain(f"  {note.hint}"))


def plain(text: str, style: str = "") -> Text:
    """Return text in which nothing is markup and nothing reaches the terminal but letters.

    Parameters
    ----------
    text : str
        Any.
    style : str
        How it looks.

    Returns
    -------
    Text
    """
    return Text(_CONTROLS.sub("", _BLANKS.sub(" ", text)), style=style)


def _systems(run: Run) -> Table:
    table = Table(title=plain(f"run {run.id}, judged by {run.judge}"), title_justify="left", box=None, pad_edge=False)
    table.add_column("system", max_width=32, no_wrap=True)
    for name, justify in (
        ("mean [95 %]", "left"),
        ("", "left"),
        ("bounds", "left"),
        ("pooled", "right"),
        ("decided", "right"),
        ("n", "right"),
    ):
        table.add_column(name, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    unit = all(s.low >= 0.0 and s.high <= 1.0 for s in run.systems)
    for system in run.systems:
        n = str(system.mean.n) + (f" (+{system.unscored} unscored)" if system.unscored else "")
        bar = _bar(system) if unit else Text("")
        between = f"{system.low:.2f} to {system.high:.2f}"
        pooled = "-" if system.pooled.value is None else f"{system.pooled.value:.3f}"
        titled = plain(system.system or "(unnamed)")
        table.add_row(titled, estimate_text(system.mean), bar, between, pooled, f"{system.coverage:.0%}", n)
    how = "; ".join(dict.fromkeys(s.mean.method for s in run.systems))
    table.caption = "\n".join(
        (
            f"mean: {how}",
            "bounds: the mean if all that is missing failed, or passed",
            "pooled: points earned over points possible, all decided verdicts together",
        )
    )
    table.caption_justify = "left"
    return table


def _parts(run: Run) -> Table:
    names = list(dict.fromkeys(p.part for p in run.parts))
    table = Table(title="parts", title_justify="left", box=None, pad_edge=False)
    table.add_column("", max_width=40, no_wrap=True)
    shown = [s.system for s in run.systems][:_MOST_SYSTEMS]
    for system in shown:
        table.add_column(plain(system or "(unnamed)"), no_wrap=True)
    found = {(p.system, p.part): estimate_text(p.mean, 2) for p in run.parts}
    for name in names[:_MOST_ROWS]:
        table.add_row(plain(name), *(found.get((s, name), "-") for s in shown))
    if len(names) > _MOST_ROWS or len(run.systems) > len(shown):
        table.caption = "more parts and systems: see the HTML report, or --json"
        table.caption_justify = "left"
    return table


def _bar(system: SystemScore) -> Text:
    """Return the interval on a line from 0 to 1."""
    if system.mean.value is None or not 0.0 <= system.mean.value <= 1.0:
        return Text("")
    low = system.mean.value if system.mean.low is None else max(0.0, system.mean.low)
    high = system.mean.value if system.mean.high is None else min(1.0, system.mean.high)
    marks = ["\u2500" if low <= (i + 0.5) / _BAR <= high else "\u00b7" for i in range(_BAR)]
    marks[min(_BAR - 1, int(system.mean.value * _BAR))] = "\u25cf"
    return Text("".join(marks))


def _responses(run: Run) -> Table:
    table = Table(title="responses", title_justify="left", box=None, pad_edge=False)
    table.add_column("task", max_width=24, no_wrap=True)
    table.add_column("response", max_width=28, no_wrap=True)
    for name, justify in (("score", "right"), ("bounds", "left"), ("decided", "right")):
        table.add_column(name, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    table.add_column("what the policy did", justify="left", overflow="fold")
    for score in run.scores:
        value = "-" if score.value is None else f"{score.value:.3f}" + (f" \u00b1{score.se:.2f}" if score.se is not None else "")
        note = "; ".join((*(f"vetoed by {c}" for c in score.vetoed_by), *(f"cap of {c}" for c in score.capped), *score.acted))
        named = score.response.removeprefix(f"{score.task}/")
        table.add_row(plain(score.task), plain(named), value, f"{score.low:.2f} to {score.high:.2f}", f"{score.coverage:.0%}", plain(note))
    table.caption = "\u00b1: standard error from the judge's probabilities or repeats"
    table.caption_justify = "left"
    return table
