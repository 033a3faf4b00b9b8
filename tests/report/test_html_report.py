"""A run as one HTML page: nothing outside it, one script and one style admitted by hash, and data that cannot leave its element."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings

from criterial.core.criterion import Check, Criterion
from criterial.core.rubric import Node, Policy
from criterial.core.task import Message, Task
from criterial.core.verdict import State, Verdict
from criterial.report.html import render
from criterial.report.view import run_view
from criterial.score.record import Run
from tests.helpers_files import answer, case, names, page_data, run_of, task, verdicts_of


class Page(HTMLParser):
    """Reads a page as a browser does: elements with their attributes, and the text of scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.raw: list[tuple[str, str]] = []
        self.comments: list[str] = []
        self.words = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.elements and self.elements[-1][0] in ("script", "style") and data.strip():
            self.raw.append((self.elements[-1][0], data))
        else:
            self.words += data

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)


ESCAPES = [
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "-->",
    "]]>",
    "<![CDATA[",
    "</SCRIPT >",
    "<\\/script>",
    "\u2028alert(1)\u2029",
    "{{ 7 * 7 }}{% raw %}{{ run }}",
    "&lt;/script&gt;",
    "\\u003c/script",
    '"}];alert(1);//',
    "</title><img src=x>",
    "\x00\x01\x1f\x7f",
    "😀 漢字",
]


def run_with(text: str) -> Run:
    """Return a run in which one text stands in every field that a page shows."""
    made = case(
        Criterion(f"id {text}", f"text {text}", title=f"title {text}", category=(f"cat {text}",)),
        of=Task(f"task {text}", (Message("user", f"prompt {text}"),)),
        responses=[answer(f"answer {text}", identity=f"response {text}", system=f"system {text}")],
        title=f"rubric {text}",
    )
    return run_of([made], verdicts_of([made], reason=f"reason {text}", judge=f"judge {text}"), judge=f"judge {text}", stopped=text)


@pytest.mark.parametrize("text", ESCAPES)
def test_no_text_leaves_the_data_element_and_all_come_back_whole(text: str) -> None:
    page = Page(render(run_with(text)))
    assert [tag for tag, _ in page.elements].count("script") == 2
    assert not {"img", "iframe", "object", "link", "base"} & {tag for tag, _ in page.elements}
    assert page.comments == []
    data = json.loads(page_data(render(run_with(text))))
    assert data == json.loads(json.dumps({**run_view(run_with(text)), "scale": [0.0, 1.0]}))
    assert f"reason {text}" in data["texts"]


@settings(max_examples=60)
@given(text=names)
def test_no_text_at_all_leaves_the_data_element(text: str) -> None:
    html = render(run_with(text))
    page = Page(html)
    assert [tag for tag, _ in page.elements].count("script") == 2
    assert json.loads(page_data(html))["layers"] == [f"judge {text}"]
    assert page.words.count(f"judged by judge {text}") == 1


def policy(page: Page) -> dict[str, str]:
    """Return a page's content security policy by directive."""
    (content,) = (a["content"] for tag, a in page.elements if tag == "meta" and a.get("http-equiv") == "Content-Security-Policy")
    return dict(part.strip().split(" ", 1) for part in (content or "").split(";"))


def test_the_policy_admits_the_one_script_and_the_one_style_by_their_hashes() -> None:
    page = Page(render(run_with("x")))
    found = policy(page)

    def admitted(text: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    (style,) = (text for tag, text in page.raw if tag == "style")
    script = page.raw[-1][1]
    assert found["default-src"] == "'none'"
    assert found["style-src"] == admitted(style)
    assert found["script-src"] == admitted(script)
    assert (found["base-uri"], found["form-action"]) == ("'none'", "'none'")
    assert "unsafe" not in " ".join(found.values())


def test_the_policy_stands_before_anything_that_it_governs() -> None:
    tags = [tag for tag, _ in Page(render(run_with("x"))).elements]
    assert tags.index("meta") < min(tags.index("style"), tags.index("script"))
    assert [a for tag, a in Page(render(run_with("x"))).elements if tag == "meta"][1].get("http-equiv") == "Content-Security-Policy"


def test_the_page_refers_to_nothing_outside_it() -> None:
    text = render(run_with("x"))
    page = Page(text)
    loading = {"src", "href", "srcset", "action", "formaction", "data", "poster", "background", "ping", "manifest", "style"}
    assert [(tag, a) for tag, a in page.elements if loading & set(a)] == []
    assert [(tag, k) for tag, a in page.elements for k in a if k.startswith("on")] == []
    addresses = set(re.findall(r"\w+://[^\s\"'`<>)]+", text))
    assert addresses == {"http://www.w3.org/2000/svg"}  # a name space, not fetched
    assert not re.search(
        r"@import|url\(|fetch\(|XMLHttpRequest|WebSocket|importScripts|innerHTML|outerHTML|document\.write|eval\(|Function\(", text
    )


def test_the_title_is_the_runs_name_without_anything_but_letters_and_digits() -> None:
    made = case("a")
    text = render(run_of([made], verdicts_of([made]), name="ab</title><b>12"))
    assert "<title>Run abtitleb12</title>" in text


def test_a_page_of_two_thousand_verdicts_is_under_two_megabytes() -> None:
    chance = random.Random(7)
    words = ["".join(chance.choices("abcdefghij", k=6)) for _ in range(3000)]
    prose = lambda n: " ".join(chance.choices(words, k=n))  # noqa: E731
    criteria = [f"The response states that {prose(12)}" for _ in range(10)]
    rows = [
        case(*criteria, of=task(prose(60), identity=f"t{i}"), responses=[answer(prose(250), identity=f"t{i}/{s}", system=s) for s in "ab"])
        for i in range(100)
    ]
    marks = [Verdict(**{**vars(v), "reason": prose(20), "probs": (0.25, 0.75)}) for v in verdicts_of(rows, judge="j")]
    assert len(marks) == 2000
    assert len(render(run_of(rows, marks)).encode()) < 2_000_000


def test_a_text_that_stands_in_many_cells_is_kept_once() -> None:
    reason = "The same reason for all of them. " * 20
    rows = [case("a", "b", "c", of=task(identity=f"t{i}")) for i in range(50)]
    assert page_data(render(run_of(rows, verdicts_of(rows, reason=reason)))).count(reason) == 1


@pytest.mark.parametrize(("size", "tail"), [(20_000, ""), (20_001, "\n[1 more characters]"), (30_000, "\n[10000 more characters]")])
def test_a_very_long_response_is_cut_and_says_by_how_much(size: int, tail: str) -> None:
    made = case("a", responses=[answer("x" * size)])
    html = render(run_of([made], verdicts_of([made])))
    data = json.loads(page_data(html))
    assert data["texts"][data["rows"][0]["text"]] == "x" * 20_000 + tail
    assert ("1 of the texts below end after 20000 characters" in html) == bool(tail)


def test_the_view_holds_every_verdict_of_every_layer_with_its_state() -> None:
    made = case("a", "b", "c", Criterion("len", "d", check=Check("length", {"max": 9})))
    marks: list[Verdict] = [
        Verdict("r", "c1", value=1.0, judge="j", repeat=0, probs=(0.25, 0.75), reason="why"),
        Verdict("r", "c1", value=0.0, judge="j", repeat=1),
        Verdict("r", "c2", State.ABSTAINED, cause="uncertain", judge="j"),
        Verdict("r", "c3", State.NOT_APPLICABLE, judge="j"),
        Verdict("r", "len", State.FAILED, cause="check_error", judge="j"),
    ]
    data = run_view(run_of([made], marks))
    (row,) = data["rows"]
    cells: list[Any] = [
        [state, credit, entropy, [[layer, value, cause, data["texts"][reason], probs] for layer, value, cause, reason, probs in layers]]
        for state, credit, entropy, layers in row["cells"]
    ]
    assert cells == [
        ["decided", 0.0, 1.0, [[0, "yes", "", "why", [0.25, 0.75]], [1, "no", "", "", []]]],
        ["abstained", None, 0.0, [[0, "abstained", "uncertain", "", []]]],
        ["not_applicable", None, 0.0, [[0, "not_applicable", "", "", []]]],
        ["failed", None, 0.0, [[0, "failed", "check_error", "", []]]],
    ]
    assert data["layers"] == ["j #1", "j #2"]
    assert [c["check"] for c in data["rubrics"][0]["criteria"]] == ["", "", "", "length"]


def test_the_view_shows_parts_by_category_and_leaves_the_nodes_of_a_tree_out() -> None:
    made = case(
        Criterion("a", "x", category=("facts",)),
        Criterion("b", "y", category=("style",)),
        tree=Node("top", children=("a", Node("inner", children=("b",)))),
    )
    flat, tall = (
        run_view(run_of([made], verdicts_of([made], lambda _, column: float(column)), policy=Policy(name)))["rows"][0]["parts"]
        for name in ("weighted", "tree")
    )
    assert flat == {"category:facts": [0.0, 0.0, 0.0], "category:style": [1.0, 1.0, 1.0]}
    assert not [name for name in tall if name.startswith("node:")]


def crowd(tasks: int, text: str = "It is Paris.", criteria: int = 10) -> Run:
    """Return a run of many tasks by two systems, each task under a rubric of its own."""
    rows = [
        case(
            *(f"fact {c} of {i}" for c in range(criteria)),
            of=task(f"Prompt {i}", identity=f"t{i}"),
            responses=[answer(f"{text} {i}", identity=f"t{i}/{s}", system=s) for s in "ab"],
        )
        for i in range(tasks)
    ]
    return run_of(rows, verdicts_of(rows, lambda row, column: float((row + column) % 3 > 0), judge="j"))


def test_a_page_of_more_than_a_hundred_thousand_verdicts_holds_whole_tasks_evenly_spread_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("criterial.report.view._MOST", 200)
    run = crowd(40)
    html = render(run)
    data = json.loads(page_data(html))
    assert [t["id"] for t in data["tasks"]] == [f"t{i}" for i in range(0, 40, 4)]
    assert [(r["id"], data["tasks"][r["task"]]["id"]) for r in data["rows"]] == [
        (f"t{i}/{s}", f"t{i}") for i in range(0, 40, 4) for s in "ab"
    ]
    for row in data["rows"]:  # each still under its own rubric, with its own score
        task_id = data["tasks"][row["task"]]["id"]
        assert data["texts"][data["rubrics"][row["rubric"]]["criteria"][3]["text"]] == f"fact 3 of {task_id[1:]}"
        assert row["score"] == next(s.value for s in run.scores if s.response == row["id"])
    assert len(data["rubrics"]) == 10
    assert "fact 3 of 1" not in data["texts"]
    words = Page(html).words
    assert "this table holds 10 of 40 tasks" in words
    assert "criterial export run1 --to" in words
    assert f"{800:,}verdicts decided" in words  # of all


def test_a_page_of_all_tasks_says_nothing_of_a_part() -> None:
    words = Page(render(crowd(3))).words
    assert "Left out" not in words
    assert "Cut" not in words


@pytest.mark.parametrize(("room", "longest"), [(9_500_000, 20_000), (6_000, 4_000), (1_100, 500), (100, 100)])
def test_texts_are_cut_as_short_as_the_pages_size_asks_for(room: int, longest: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("criterial.report.html._LIMIT", room)
    chance = random.Random(7)
    long = "".join(chance.choices("abcdefgh ", k=30_000))
    html = render(crowd(2, long, criteria=1))
    texts = json.loads(page_data(html))["texts"]
    assert f"{long[:longest]}\n[{30_002 - longest} more characters]" in texts
    assert f"2 of the texts below end after {longest} characters" in html
