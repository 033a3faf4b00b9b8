"""The page of a run works in a real browser: every reason one click away, by mouse and by keyboard, with filters, order and paging."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from playwright.sync_api import Page, expect

from criterial.core.criterion import Check, Criterion
from criterial.core.scale import Likert
from criterial.core.score import Finding
from criterial.core.verdict import State, Verdict
from criterial.score.record import Run
from tests.helpers_files import answer, case, run_of, task, verdicts_of
from tests.web.conftest import Watched

Opened = Callable[[Run | str], Watched]
ROWS = 45
CRITERIA = (Criterion("a", "States the first thing", weight=2.0, title="First"), Criterion("b", "States the second thing"))


def many() -> Run:
    """Return 45 responses to 45 tasks by two systems: response i meets a where i is even, b where i is a multiple of 3."""
    rows = [
        case(*CRITERIA, of=task(f"Prompt {i}", identity=f"task{i}"), responses=[answer(f"Words of {i}.", f"task{i}/r", system="xy"[i % 2])])
        for i in range(ROWS)
    ]
    marks = verdicts_of(rows, lambda row, column: float(row % (column + 2) == 0), judge="j")
    return run_of(rows, [Verdict(**{**vars(v), "reason": f"Reason {v.criterion} of {v.task}"}) for v in marks])


def states() -> Run:
    """Return one response with a cell in every state."""
    made = case(
        Criterion("yes", "x"),
        Criterion("no", "x"),
        Criterion("five", "x", Likert(5)),
        Criterion("unsure", "x"),
        Criterion("apart", "x"),
        Criterion("lost", "x"),
        Criterion("bad", "x", weight=-1.0),
        Criterion("len", "x", check=Check("length", {"max": 9})),
        responses=[answer(system="s")],
    )
    values = {"yes": 1.0, "no": 0.0, "five": 4.0, "bad": 1.0, "len": 1.0}
    marks = [Verdict("r", c, value=v, judge="j") for c, v in values.items()]
    marks += [Verdict("r", "unsure", State.ABSTAINED, cause="uncertain", judge="j", probs=(0.45, 0.55))]
    marks += [Verdict("r", "apart", State.NOT_APPLICABLE, judge="j"), Verdict("r", "lost", State.FAILED, cause="timeout", judge="j")]
    return run_of([made], marks)


def shown(page: Page) -> list[str]:
    """Return the names of the rows that are shown, in their order."""
    return page.eval_on_selector_all("#map th.who button", "nodes => nodes.map(n => n.title.split(' / ')[0])")


def cell(page: Page, row: int, column: int) -> str:
    """Return the selector of a cell's button."""
    return f"#map tbody tr:not(.rates) >> nth={row} >> td.cell >> nth={column} >> button"


def test_every_state_has_its_own_mark_and_says_itself_in_words(opened: Opened) -> None:
    watched = opened(states())
    cells = watched.page.eval_on_selector_all("#map td.cell button", "ns => ns.map(n => [n.textContent, n.className, n.ariaLabel])")
    assert cells == [
        ["✓", "decided", "yes: yes"],
        ["·", "decided", "no: no"],
        ["0.75", "decided", "five: 4"],
        ["?", "abstained", "unsure: abstained"],
        ["", "not_applicable", "apart: not_applicable"],
        ["✕", "failed", "lost: failed"],
        ["✓", "decided", "bad: yes"],
        ["✓", "decided", "len: yes"],
    ]
    colours = watched.page.eval_on_selector_all("#map td.cell button", "ns => ns.map(n => n.style.background)")
    assert "--good" in colours[0]
    assert "--bad" in colours[1]
    assert "--bad" in colours[6]  # met, but its weight is negative
    tiles = watched.page.eval_on_selector_all(".tile", "ns => ns.slice(0, 4).map(n => n.textContent)")
    assert tiles == ["5verdicts decided", "1abstained", "1not applicable", "1failed"]
    assert "timeout" in (watched.page.text_content("#top") or "")
    watched.assert_quiet()


def test_a_click_on_a_cell_shows_its_reason_and_the_responses_text(opened: Opened) -> None:
    watched = opened(many())
    page = watched.page
    expect(page.locator("#panel")).to_be_hidden()
    page.click(cell(page, 7, 1))
    expect(page.locator("#panel")).to_be_visible()
    assert page.eval_on_selector_all("#panel pre", "ns => ns.map(n => n.textContent)") == [
        "Reason b of task7",
        "States the second thing",
        "Words of 7.",
        "Prompt 7",
    ]
    assert page.text_content("#panel h2") == "y · r under b"
    watched.assert_quiet()


@pytest.mark.parametrize("how", ["Escape", "Close"])
@pytest.mark.parametrize(
    "opener", [cell, lambda page, row, column: f"#map th.who button >> nth={row}", lambda page, row, column: "#map th.col button >> nth=1"]
)
def test_the_panel_closes_and_the_focus_returns(how: str, opener: Callable[[Page, int, int], str], opened: Opened) -> None:
    page = opened(many()).page
    button = page.locator(opener(page, 3, 1))
    button.click()
    expect(page.locator("#panel .close")).to_be_focused()
    page.keyboard.press("Escape") if how == "Escape" else page.click("#panel .close")
    expect(page.locator("#panel")).to_be_hidden()
    expect(button).to_be_focused()


def test_all_of_it_works_from_the_keyboard(opened: Opened) -> None:
    page = opened(many()).page
    page.focus("#map th.col button >> nth=1")
    for expected in ("y", "x"):  # tabbing goes along the row: name, cells, then the next row
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent").startswith("x" if expected == "y" else "✓")
    page.keyboard.press("Enter")
    expect(page.locator("#panel h2")).to_have_text("x · r under a")
    page.keyboard.press("Escape")
    expect(page.locator("#panel")).to_be_hidden()
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "First: yes"


def test_opening_another_cell_over_an_open_panel_returns_to_that_cell(opened: Opened) -> None:
    page = opened(many()).page
    page.click(cell(page, 0, 0))
    page.click(cell(page, 5, 1))
    assert page.text_content("#panel h2") == "y · r under b"
    page.keyboard.press("Escape")
    expect(page.locator(cell(page, 5, 1))).to_be_focused()


def test_escape_closes_the_panel_wherever_the_focus_is(opened: Opened) -> None:
    page = opened(many()).page
    page.click(cell(page, 0, 0))
    page.click("#panel pre >> nth=0")
    page.keyboard.press("Escape")
    expect(page.locator("#panel")).to_be_hidden(timeout=500)


def test_a_name_shows_the_response_with_its_score(opened: Opened) -> None:
    page = opened(many()).page
    page.click("#map th.who button >> nth=2")
    assert page.text_content("#panel .soft") == "x · score 0.667 · 100\u202f% of the weight decided"
    assert page.eval_on_selector_all("#panel pre", "ns => ns.map(n => n.textContent)") == ["Words of 2.", "Prompt 2"]


def test_a_head_shows_the_criterion_with_how_often_it_is_met(opened: Opened) -> None:
    run = many()
    page = opened(run).page
    page.click("#map th.col button >> nth=0")
    assert page.text_content("#panel h2") == "First"
    assert page.text_content("#panel pre") == "States the first thing"
    rate = run.criteria[0].rate
    assert f"{rate.value:.3f} [{rate.low:.3f}, {rate.high:.3f}]" in (page.text_content("#panel") or "")
    assert "45 decided, 0 open" in (page.text_content("#panel") or "")


def test_paging_shows_forty_and_then_the_rest(opened: Opened) -> None:
    page = opened(many()).page
    back, on = page.locator("#map .controls button >> nth=0"), page.locator("#map .controls button >> nth=1")
    assert shown(page) == [f"task{i}" for i in range(40)]
    expect(page.locator("#map .controls span")).to_have_text("45 responses, page 1 of 2")
    expect(back).to_be_disabled()
    on.click()
    assert shown(page) == [f"task{i}" for i in range(40, 45)]
    expect(on).to_be_disabled()
    page.click(cell(page, 4, 1))
    assert page.text_content("#panel pre") == "Reason b of task44"
    page.keyboard.press("Escape")
    back.click()
    assert len(shown(page)) == 40


def test_the_filter_shows_one_system_and_goes_back_to_the_first_page(opened: Opened) -> None:
    page = opened(many()).page
    page.click("#map .controls button >> nth=1")
    page.select_option("select >> nth=0", "y")
    assert shown(page) == [f"task{i}" for i in range(1, 45, 2)]
    expect(page.locator("#map .controls span")).to_have_text("22 responses, page 1 of 1")
    page.select_option("select >> nth=0", "")
    expect(page.locator("#map .controls span")).to_have_text("45 responses, page 1 of 2")


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("words of 17.", ["task17"]),
        ("WORDS OF 3", ["task3", *(f"task{i}" for i in range(30, 40))]),
        ("task44", ["task44"]),
        ("nowhere", []),
        ("<b>", []),
    ],
)
def test_the_search_looks_into_texts_and_names(words: str, found: list[str], opened: Opened) -> None:
    watched = opened(many())
    watched.page.fill("input[type=search]", words)
    assert shown(watched.page) == found
    expect(watched.page.locator("#map .controls span")).to_have_text(f"{len(found)} responses, page 1 of 1")
    watched.assert_quiet()


def test_search_and_filter_hold_together(opened: Opened) -> None:
    page = opened(many()).page
    page.fill("input[type=search]", "words of 3")
    page.select_option("select >> nth=0", "x")
    assert shown(page) == [f"task{i}" for i in range(30, 40, 2)]


@pytest.mark.parametrize(("order", "sign"), [("lowest", 1), ("highest", -1)])
def test_the_order_follows_the_scores_and_keeps_equals_as_given(order: str, sign: int, opened: Opened) -> None:
    run = many()
    page = opened(run).page
    page.select_option("select >> nth=1", order)
    wanted = sorted(range(ROWS), key=lambda i: sign * (run.scores[i].value or 0.0))
    assert shown(page) == [f"task{i}" for i in wanted[:40]]


def test_the_order_can_begin_with_the_least_decided_and_with_the_most_divided(opened: Opened) -> None:
    rows = [case("a", "b", of=task(identity=f"t{i}"), responses=[answer(identity=f"t{i}/r", system="s")]) for i in range(4)]
    marks = [v for repeat in range(2) for v in verdicts_of(rows, judge="j", repeat=repeat) if (v.task, v.criterion) != ("t2", "c2")]
    split = [Verdict(**{**vars(v), "value": 0.0}) if (v.task, v.criterion, v.repeat) == ("t3", "c1", 1) else v for v in marks]
    page = opened(run_of(rows, split)).page
    page.select_option("select >> nth=1", "undecided")
    assert shown(page) == ["t2", "t0", "t1", "t3"]
    page.select_option("select >> nth=1", "split")
    assert shown(page) == ["t3", "t0", "t1", "t2"]
    page.click(cell(page, 0, 0))
    assert "the repeats disagree: 1.00 bits" in (page.text_content("#panel") or "")
    assert page.eval_on_selector_all("#panel h3", "ns => ns.map(n => n.textContent)")[:2] == ["j #1: yes", "j #2: no"]


def test_a_response_without_a_score_is_last_in_either_order(opened: Opened) -> None:
    rows = [case("a", of=task(identity=f"t{i}"), responses=[answer(identity=f"t{i}/r", system="s")]) for i in range(3)]
    marks = [Verdict("t0/r", "c1", State.FAILED, cause="timeout"), Verdict("t1/r", "c1", value=0.0), Verdict("t2/r", "c1", value=1.0)]
    page = opened(run_of(rows, marks)).page
    page.select_option("select >> nth=1", "highest")
    assert shown(page) == ["t2", "t1", "t0"]
    page.select_option("select >> nth=1", "lowest")
    assert shown(page) == ["t1", "t2", "t0"]


def test_responses_without_a_system_can_be_chosen(opened: Opened) -> None:
    rows = [case("a", of=task(identity=f"t{i}"), responses=[answer(identity=f"t{i}/r", system=s)]) for i, s in enumerate(["", "s"])]
    page = opened(run_of(rows, verdicts_of(rows))).page
    page.select_option("select >> nth=0", label="(unnamed)")
    assert shown(page) == ["t0"]


def test_responses_under_other_rubrics_stand_in_tables_of_their_own(opened: Opened) -> None:
    rows = [
        case(*"abc"[: i + 1], of=task(identity=f"t{i}"), responses=[answer(identity=f"t{i}/r", system="s")], title=f"Rubric {i}")
        for i in range(3)
    ]
    watched = opened(run_of(rows, verdicts_of(rows)))
    assert watched.page.eval_on_selector_all("#map h3", "ns => ns.map(n => n.textContent)") == ["Rubric 0", "Rubric 1", "Rubric 2"]
    assert watched.page.eval_on_selector_all("#map table.map", "ts => ts.map(t => t.querySelectorAll('td.cell').length)") == [1, 2, 3]
    assert watched.page.eval_on_selector_all("#map details tbody tr td:first-child", "ns => ns.map(n => n.textContent)") == [
        "c1",
        "c1",
        "c2",
        "c1",
        "c2",
        "c3",
    ]
    watched.assert_quiet()


def test_the_systems_table_shows_means_intervals_and_bounds(opened: Opened) -> None:
    run = many()
    watched = opened(run)
    rows = watched.page.eval_on_selector_all("#top table >> nth=0 >> tbody tr", "rs => rs.map(r => [...r.cells].map(c => c.textContent))")
    assert [(r[0], r[1], r[2]) for r in rows] == [
        (s.system, f"{s.mean.value:.3f}", f"{s.mean.low:.3f} to {s.mean.high:.3f}") for s in run.systems
    ]
    assert rows[0][-1] == "23"


def test_notes_an_early_end_and_lost_calls_are_said_at_the_top(opened: Opened) -> None:
    made = case("a")
    notes = [Finding("x", "warning", "judge", "Nobody checked it.", "calibrate it")]
    watched = opened(run_of([made], verdicts_of([made]), notes=notes, stopped="budget", lost_calls=("k1", "k2")))
    told = watched.page.eval_on_selector_all(".note", "ns => ns.map(n => n.textContent)")
    assert told[0] == "Not complete: budget. Run the same command again to go on."
    assert told[1] == "Mind: Nobody checked it. Calibrate it."
    assert told[2].startswith("2 calls were in flight")
    watched.assert_quiet()


def test_a_run_without_responses_is_a_page_too(opened: Opened) -> None:
    watched = opened(run_of([replace(case("a"), responses=())], []))
    expect(watched.page.locator("#map .controls span")).to_have_text("0 responses, page 1 of 1")
    watched.assert_quiet()


def test_a_narrow_window_scrolls_the_map_and_not_the_page(opened: Opened) -> None:
    made = case(*(f"criterion {i}" for i in range(40)))
    page = opened(run_of([made], verdicts_of([made]))).page
    page.set_viewport_size({"width": 420, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate("document.querySelector('#map .scroll').scrollWidth > innerWidth")


def test_colours_tell_what_is_wanted_of_faults_too(opened: Opened) -> None:
    kinds = [{}, {"weight": -1.0}, {"effect": "deduct"}, {"effect": "deduct", "weight": -1.0}]
    made = case(*(Criterion(f"c{i}", "x", **k) for i, k in enumerate(kinds)), responses=[answer(identity=r) for r in "ab"])
    marks = [Verdict(r, f"c{i}", value=v, judge="j") for r, v in (("a", 1.0), ("b", 0.0)) for i in range(4)]
    page = opened(run_of([made], marks)).page
    fills = page.eval_on_selector_all("#map td.cell button", "ns => ns.map(n => getComputedStyle(n).backgroundColor)")
    wanted, unwanted = fills[0], fills[4]
    assert wanted != unwanted
    assert fills == [wanted, *[unwanted] * 3, unwanted, *[wanted] * 3]


def test_a_persons_verdict_on_what_a_check_could_decide_is_said_to_be_the_persons(opened: Opened) -> None:
    made = case(Criterion("len", "x", check=Check("length", {"max": 9})), responses=[answer(identity=r) for r in "ab"])
    page = opened(run_of([made], [Verdict("a", "len", value=1.0, judge="ann"), Verdict("b", "len", value=1.0, judge="check")])).page
    for row, judge in enumerate(("ann", "check")):
        page.click(cell(page, row, 0))
        assert page.eval_on_selector_all("#panel h3", "ns => ns.map(n => n.textContent)")[0] == f"{judge}: yes"
