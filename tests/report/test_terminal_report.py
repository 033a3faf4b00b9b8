"""A run on a terminal: names are shown letter by letter whatever they hold, and lines keep to the width."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from criterial.core.criterion import Criterion
from criterial.core.scale import Numeric
from criterial.core.score import Finding
from criterial.core.verdict import State, Verdict
from criterial.report.terminal import show
from criterial.score.record import Run
from tests.helpers_files import answer, case, run_of, task, verdicts_of

MARKUP = ["[red]red[/red]", "[bold", "[/]", "[/bold]", "[link=http://e]x[/link]", "[@click=x]y[/]", "a[b]c", "\\[red]", ":smile:", "[1, 2]"]


def shown(run: Run, responses: bool = True) -> str:
    """Return what is written where there is no terminal."""
    stream = io.StringIO()
    show(run, stream, responses)
    return stream.getvalue()


def run_named(name: str, judge: str = "j") -> Run:
    """Return a run in which one name stands in all places but the judge's."""
    made = case(
        Criterion(name, "x", effect="gate"), "y", of=task(identity=f"{name}"), responses=[answer(identity=f"{name}.", system=f"{name}!")]
    )
    return run_of([made], verdicts_of([made], lambda _, column: float(column)), judge=judge)


@pytest.mark.parametrize("name", MARKUP)
def test_markup_in_names_is_shown_as_it_is(name: str) -> None:
    text = shown(run_named(name))
    lines = text.splitlines()
    assert any(line.startswith(f"{name}!") for line in lines)
    assert any(line.startswith(f"{name} ") and f"{name}." in line and f"vetoed by {name}" in line for line in lines)
    assert "\x1b" not in text


@pytest.mark.parametrize("name", MARKUP)
def test_markup_in_notes_is_shown_as_it_is(name: str) -> None:
    made = case("a")
    text = shown(run_of([made], verdicts_of([made]), notes=[Finding("x", "warning", "w", f"Note {name}", f"hint {name}")]))
    assert f"Mind: Note {name}" in text
    assert f"  hint {name}" in text


@pytest.mark.parametrize("judge", MARKUP)
def test_markup_in_the_judges_name_is_shown_as_it_is(judge: str) -> None:
    assert shown(run_named("n", judge)).splitlines()[0].rstrip() == f"run run1, judged by {judge}"


@pytest.mark.parametrize("name", ["\x1b[2J", "\x1b]0;title\x07", "\x9b31m", "\x1b]8;;http://e\x1b\\x"], ids=repr)
def test_escape_sequences_in_names_do_not_reach_the_terminal(name: str) -> None:
    text = shown(run_named(f"a{name}b"))
    assert not set(text) & {"\x1b", "\x9b", "\x07"}


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("a\x1b[31mb\x1b[0m", "ab"),
        ("a\x1b]0;title\x07b", "ab"),
        ("a\x9d0;title\x9cb", "ab"),
        ("a\x1b]8;;http://e\x1b\\b", "ab"),
        ("a\r\n\tb", "a b"),
        ("a\u202eb\x00\x7f\ud800", "ab"),
        ("a\x1b]b", "a]b"),
    ],
)
def test_what_is_no_letter_is_taken_out_of_every_text(name: str, letters: str) -> None:
    made = case("a", of=task(identity=name), responses=[answer(identity=name, system=name)])
    notes = [Finding("x", "warning", "w", f"Note {name}", f"hint {name}")]
    text = shown(run_of([made], verdicts_of([made]), judge=name, notes=notes))
    assert text.splitlines()[0].rstrip() == f"run run1, judged by {letters}"
    assert f"Mind: Note {letters}\n  hint {letters}\n" in text
    assert sum(line.startswith(f"{letters} ") for line in text.splitlines()) == 2


@settings(max_examples=80)
@given(name=st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=200))
def test_no_name_breaks_the_width_or_the_run(name: str) -> None:
    lines = shown(run_named(name)).splitlines()
    assert max(map(cell_len, lines)) <= 120
    assert sum("mean [95 %]" in line for line in lines) == 1


def test_the_figures_are_those_worked_out_by_hand() -> None:
    rows = [
        case("a", Criterion("c2", "b", weight=3.0), of=task(identity=f"t{i}"), responses=[answer(identity=f"t{i}/s", system="s")])
        for i in range(2)
    ]
    marks = [v for v in verdicts_of(rows) if (v.task, v.criterion) != ("t1", "c2")]
    text = shown(run_of(rows, [*marks, Verdict("t1/s", "c2", State.FAILED, cause="timeout", task="t1")]))
    lines = [line.split() for line in text.splitlines()]
    assert ["t0", "s", "1.000", "1.00", "to", "1.00", "100%"] in lines
    assert ["t1", "s", "1.000", "0.25", "to", "1.00", "25%"] in lines
    assert "3 decided, 1 failed" in text
    assert "    1 timeout: no answer within the deadline" in text
    system = next(line for line in lines if line[:1] == ["s"])
    assert system[1] == "1.000"
    assert system[-2:] == ["62%", "2"]


@pytest.mark.parametrize(("value", "at"), [(0.0, 0), (0.5, 12), (1.0, 23)])
def test_the_dot_of_the_bar_stands_where_the_mean_is(value: float, at: int) -> None:
    made = case(Criterion("c", "x", Numeric(0.0, 1.0)), responses=[answer(system="s")])
    text = shown(run_of([made], verdicts_of([made], lambda *_: value)), responses=False)
    bar = next(word for line in text.splitlines() for word in line.split() if "●" in word)
    assert (len(bar), bar.index("●")) == (24, at)


def test_the_line_of_the_bar_spans_the_interval() -> None:
    rows = [case("a", of=task(identity=f"t{i}"), responses=[answer(identity=f"r{i}", system="s")]) for i in range(30)]
    run = run_of(rows, verdicts_of(rows, lambda row, _: float(row % 3 > 0)))
    (system,) = run.systems
    assert system.mean.low is not None
    assert system.mean.high is not None
    inside = [system.mean.low <= (i + 0.5) / 24 <= system.mean.high for i in range(24)]
    bar = next(w for line in shown(run, responses=False).splitlines() for w in line.split() if "●" in w)
    assert [mark in "─●" for mark in bar] == inside
    assert bar.index("●") == int(24 * 2 / 3)
    assert 3 < sum(inside) < 20


def test_a_system_without_a_score_has_no_bar_and_says_so() -> None:
    made = case("a", responses=[answer(system="s")])
    text = shown(run_of([made], [Verdict("r", "c1", State.FAILED, cause="timeout")]))
    assert "●" not in text
    assert "0 (+1 unscored)" in text
    assert "0.00 to 1.00" in text


@pytest.mark.parametrize(("count", "listed"), [(40, True), (41, False)])
def test_single_responses_are_listed_up_to_forty(count: int, listed: bool) -> None:
    rows = [case("a", of=task(identity=f"t{i}"), responses=[answer(system="s")]) for i in range(count)]
    assert ("standard error" in shown(run_of(rows, verdicts_of(rows)))) == listed
    assert "standard error" not in shown(run_of(rows, verdicts_of(rows)), responses=False)
