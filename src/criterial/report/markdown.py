"""A run as Markdown: systems, criteria and what is not decided, for issues and pull requests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from criterial.core.method import Method
from criterial.core.verdict import CAUSES
from criterial.report.view import estimate_text
from criterial.score.record import Run
from criterial.score.systems import PassRate, SystemScore

__all__ = ["METHOD", "render"]

_MOST_CRITERIA = 50


def render(run: Run) -> str:
    """Return a run as Markdown text.

    Parameters
    ----------
    run : Run
        Any.

    Returns
    -------
    str
    """
    return "\n".join(_lines(run)) + "\n"


def _lines(run: Run) -> Iterator[str]:
    yield f"# Run {run.id}"
    yield ""
    yield f"Judged by {_plain(run.judge)}. " + ", ".join(f"{n} {state.replace('_', ' ')}" for state, n in run.verdicts.items()) + "."
    if run.stopped:
        yield f"\n**Not complete** ({_plain(run.stopped)}): run the same command again to go on."
    for note in run.notes:
        yield f"\n> **Mind:** {_plain(f'{note.message} {note.hint[:1].upper()}{note.hint[1:]}')}"
    yield ""
    yield from _table(
        ("system", "mean score [95 %]", "if all missing fail / pass", "coverage", "responses", "unscored"),
        [_system_row(s) for s in run.systems],
    )
    yield ""
    methods = dict.fromkeys(s.mean.method for s in run.systems)
    yield "Intervals: " + "; ".join(methods) + "."
    if run.causes:
        yield "\n## Not decided\n"
        yield from _table(("cause", "verdicts", "meaning"), [(c, str(n), CAUSES.get(c, "")) for c, n in run.causes.items()])
    yield "\n## Criteria\n"
    rates = run.criteria[:_MOST_CRITERIA]
    yield from _table(("criterion", "weight", "credit [95 %]", "decided", "open", "text"), [_rate_row(run, r) for r in rates])
    if len(run.criteria) > len(rates):
        yield f"\n{len(run.criteria) - len(rates)} more criteria: see the HTML report."


def _system_row(system: SystemScore) -> Sequence[str]:
    bounds = f"{system.low:.3f} / {system.high:.3f}"
    return (
        system.system or "(unnamed)",
        estimate_text(system.mean),
        bounds,
        f"{system.coverage:.0%}",
        str(system.responses),
        str(system.unscored),
    )


def _rate_row(run: Run, rate: PassRate) -> Sequence[str]:
    rubric = run.table.rubrics[rate.rubric]
    criterion = rubric.criteria[rubric.index[rate.criterion]]
    return (criterion.id, f"{criterion.weight:g}", estimate_text(rate.rate, 2), str(rate.decided), str(rate.open), criterion.text[:120])


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "|" + " --- |" * len(head)
    for row in rows:
        yield "| " + " | ".join(_plain(cell) for cell in row) + " |"


def _plain(text: str) -> str:
    """Return text in which nothing is Markdown or HTML."""
    for mark in "\\`*_[]<>|#!&~":
        text = text.replace(mark, "\\" + mark)
    return " ".join(text.split())


METHOD = Method(name="markdown", room="report", call=render, says="tables for issues and pull requests")
