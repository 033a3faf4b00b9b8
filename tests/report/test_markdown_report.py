"""A run as Markdown: whatever names and texts hold, the tables parse back to exactly what was put in."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from markdown_it import MarkdownIt

from criterial.core.criterion import Criterion
from criterial.core.score import Finding
from criterial.core.verdict import State, Verdict
from criterial.report.markdown import render
from criterial.score.record import Run
from tests.helpers_files import answer, case, names, run_of, task, verdicts_of

PARSER = MarkdownIt("gfm-like", {"linkify": False, "html": True})
HOSTILE = [
    "a | b",
    "| --- |",
    "`code`",
    "``` fence",
    "**bold** _it_ __u__",
    "<script>alert(1)</script>",
    "<!-- gone",
    "[link](http://e)",
    "![i](x)",
    "[ref]: http://e",
    "# head",
    "two\nlines",
    "\r\n\r\n| x | y |",
    "back\\slash \\| pipe",
    "> quote",
    "- item",
    "1. item",
    "tab\there",
    "ends with \\",
    "\\\\|",
    "&",
    "&#60;i&#62;",
    "😀 ümlaut 漢字",
]


def run_named(text: str) -> Run:
    """Return a run in which one text stands in every place that a report shows."""
    made = case(Criterion(f"id {text}", f"text {text}"), of=task(identity=f"task {text}"), responses=[answer(system=f"system {text}")])
    return run_of([made], verdicts_of([made]), judge=f"judge {text}")


def tables(markdown: str) -> list[list[list[str]]]:
    """Return the tables of a Markdown text as a reader sees them: rows of cells of plain text, failing on any markup in a cell."""
    out: list[list[list[str]]] = []
    tokens = PARSER.parse(markdown)
    for before, token in pairwise(tokens):
        if before.type == "table_open":
            out.append([])
        if before.type == "tr_open":
            out[-1].append([])
        if token.type == "inline" and before.type in ("td_open", "th_open"):
            kinds = {t.type for t in token.children or ()}
            assert kinds <= {"text", "text_special", "softbreak"}, f"markup in a cell: {kinds} of {token.content!r}"
            out[-1][-1].append("".join(t.content for t in token.children or ()))
    return out


def on_one_line(text: str) -> str:
    """Return a text as a table shows it."""
    return " ".join(text.split())


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_text_is_shown_as_it_is_in_a_table_that_keeps_its_shape(text: str) -> None:
    systems, criteria = tables(render(run_named(text)))
    assert [len(row) for row in systems] == [6, 6]
    assert [len(row) for row in criteria] == [6, 6]
    assert systems[1][0] == on_one_line(f"system {text}")
    assert (criteria[1][0], criteria[1][5]) == (on_one_line(f"id {text}"), on_one_line(f"text {text}"))


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_judge_stays_a_word_in_its_sentence(text: str) -> None:
    tokens = PARSER.parse(render(run_named(text)))
    sentence = tokens[tokens.index(next(t for t in tokens if t.type == "heading_close")) + 2]
    assert {t.type for t in sentence.children or ()} <= {"text", "text_special", "softbreak"}
    assert "".join(t.content for t in sentence.children or ()).startswith(on_one_line(f"Judged by judge {text}. 1 decided"))


@settings(max_examples=150)
@given(text=names)
def test_any_text_is_shown_as_it_is(text: str) -> None:
    systems, criteria = tables(render(run_named(text)))
    assert systems[1][0] == on_one_line(f"system {text}")
    assert criteria[1][0] == on_one_line(f"id {text}")


@pytest.mark.parametrize("text", ["&lt;b&gt;", "&amp;", "&copy;", "~~struck~~"])
def test_entities_and_strikethrough_are_shown_as_they_are(text: str) -> None:
    assert tables(render(run_named(text)))[0][1][0] == f"system {text}"


@pytest.mark.parametrize(
    "note",
    [
        Finding("x", "warning", "w", "See <img src=x onerror=alert(1)>.", "use `x`"),
        Finding("x", "warning", "w", "First.\n\n# Second", "third"),
        Finding("x", "warning", "w", "[click](http://e)", ""),
    ],
    ids=["html", "lines", "link"],
)
def test_a_note_is_text_within_its_quote(note: Finding) -> None:
    made = case("a")
    tokens = PARSER.parse(render(run_of([made], verdicts_of([made]), notes=[note])))
    kinds = {t.type for token in tokens for t in (token, *(token.children or ()))}
    assert not kinds & {"html_inline", "html_block", "link_open", "code_inline"}
    assert sum(t.type == "heading_open" for t in tokens) == 2


def test_the_report_says_what_is_not_decided_and_why() -> None:
    made = case("a", "b", "c", responses=[answer(system="s")])
    marks = [
        Verdict("r", "c1", value=1.0),
        Verdict("r", "c2", State.FAILED, cause="timeout"),
        Verdict("r", "c3", State.ABSTAINED, cause="uncertain"),
    ]
    text = render(run_of([made], marks, stopped="budget"))
    systems, causes, criteria = tables(text)
    assert systems[1] == ["s", "1.000", "0.333 / 1.000", "33%", "1", "0"]
    assert [row[:2] for row in causes[1:]] == [["timeout", "1"], ["uncertain", "1"]]
    assert [row[3:5] for row in criteria[1:]] == [["1", "0"], ["0", "1"], ["0", "1"]]
    assert "**Not complete** (budget)" in text
    assert "1 decided, 1 abstained, 0 not applicable, 1 failed" in text


def test_a_note_is_quoted_with_its_hint() -> None:
    made = case("a")
    text = render(run_of([made], verdicts_of([made]), notes=[Finding("x", "warning", "w", "Nobody checked it.", "calibrate it")]))
    assert "\n> **Mind:** Nobody checked it. Calibrate it\n" in text


def test_an_interval_stands_beside_its_mean_and_says_what_it_is_over() -> None:
    rows: list[Any] = [case("a", of=task(identity=f"t{i}"), responses=[answer(identity=f"r{i}", system="s")]) for i in range(4)]
    run = run_of(rows, verdicts_of(rows, lambda row, _: float(row % 2)))
    (system,) = run.systems
    assert system.mean.low is not None
    assert system.mean.high is not None
    text = render(run)
    assert tables(text)[0][1][1] == f"0.500 [{system.mean.low:.3f}, {system.mean.high:.3f}]"
    assert system.mean.method.endswith(" interval over 4 tasks")
    assert f"Intervals: {system.mean.method}." in text


def test_a_long_rubric_is_cut_with_the_number_left_out_and_long_texts_at_120() -> None:
    made = case(*(f"{i} {'x' * 200}" for i in range(53)))
    text = render(run_of([made], verdicts_of([made])))
    (_, criteria) = tables(text)
    assert len(criteria) == 51
    assert "3 more criteria: see the HTML report." in text
    assert max(len(row[5]) for row in criteria) == 120
