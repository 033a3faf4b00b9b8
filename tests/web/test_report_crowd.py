"""The page of several hundred responses: filters, order, paging and details show what the table holds, by mouse and by keyboard."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from criterial.core.criterion import Criterion
from criterial.core.verdict import State, Verdict
from criterial.report.html import render
from criterial.score.record import Run
from tests.helpers_files import answer, case, run_of, task, verdicts_of
from tests.web.conftest import Watched

Opened = Callable[[Run | str], Watched]
TASKS, SYSTEMS = 120, "xyz"
CRITERIA = (
    Criterion("clear", "Is clear"),
    Criterion("clear-end", "Ends clearly", title="Clear end"),
    Criterion("false", "Is false", weight=-1.0),
)
OPEN = {3: (State.FAILED, "timeout"), 5: (State.ABSTAINED, "uncertain"), 7: (State.NOT_APPLICABLE, "")}


def crowd() -> Run:
    """Return 360 responses of three systems: a verdict's place tells its state, its value and its reason."""
    rows = [
        case(
            *CRITERIA,
            of=task(f"Prompt {i}", identity=f"task{i}"),
            responses=[answer(f"Words {i} of {s}.", f"task{i}/{s}", system=s) for s in SYSTEMS],
        )
        for i in range(TASKS)
    ]
    marks = []
    for place, verdict in enumerate(verdicts_of(rows, lambda row, column: float(row % (column + 2) == 0), judge="j")):
        fields = {**vars(verdict), "reason": f"Reason {place}."}
        state, cause = OPEN.get(place % 11, (State.DECIDED, ""))
        if state != State.DECIDED:
            fields |= {"state": state, "cause": cause, "value": None}
        marks.append(Verdict(**fields))
    return run_of(rows, marks)


@pytest.fixture(scope="module")
def run() -> Run:
    return crowd()


def kinds(run: Run, row: int) -> list[str]:
    """Return of a row what the page calls each verdict."""
    names = {State.FAILED: "failed", State.ABSTAINED: "abstained", State.NOT_APPLICABLE: "not_applicable"}
    states, values = run.table.state_RC[row], run.table.values_RC[row]
    good = [v == 1.0 for v in values[:2]] + [values[2] == 0.0]
    return [names.get(State(int(s)), "wanted" if g else "unwanted") for s, g in zip(states, good, strict=True)]


def shown(page: Page) -> list[str]:
    """Return the responses on all pages, page by page, by clicks."""
    found = []
    while True:
        found += page.eval_on_selector_all("#map th.who button", "ns => ns.map(n => n.title.split(' / ')[1])")
        if page.locator("#on").is_disabled():
            return found
        page.click("#on")


@pytest.mark.parametrize(("criterion", "columns"), [("", [0, 1, 2]), ("clear", [0]), ("Clear end", [1])])
def test_a_filter_shows_the_responses_that_the_table_says(criterion: str, columns: list[int], run: Run, opened: Opened) -> None:
    page = opened(run).page
    page.fill("input[list]", criterion)
    for kind in ("failed", "abstained", "not_applicable", "wanted", "unwanted"):
        page.select_option("select >> nth=2", kind)
        wanted = [name for row, name in enumerate(run.table.responses) if any(kinds(run, row)[c] == kind for c in columns)]
        assert 0 < len(wanted) < len(run.table.responses)
        assert shown(page) == wanted
    assert page.locator("#map thead .chosen").all_text_contents() == ([criterion] if criterion else [])


def test_words_of_a_criterions_name_choose_all_that_hold_them(run: Run, opened: Opened) -> None:
    page = opened(run).page
    page.fill("input[list]", "CLEA")
    assert page.locator("#map thead .chosen").all_text_contents() == ["clear", "Clear end"]
    page.fill("input[list]", "no such criterion")
    expect(page.locator("#where")).to_have_text("0 responses, page 1 of 1")
    options = page.eval_on_selector_all("#criteria option", "ns => ns.map(n => n.value)")
    assert options == ["clear", "Clear end", "false"]


def test_the_most_failed_can_stand_first(run: Run, opened: Opened) -> None:
    page = opened(run).page
    page.select_option("select >> nth=1", "failed")
    rows = range(len(run.table.responses))
    assert shown(page) == [run.table.responses[r] for r in sorted(rows, key=lambda r: -kinds(run, r).count("failed"))]


def test_all_filters_hold_together_and_the_search_finds_reasons(run: Run, opened: Opened) -> None:
    watched = opened(run)
    page = watched.page
    page.fill("input[type=search]", "reason 40")  # 40 is task4/y under clear-end; 400 to 409 are of tasks 44 and 45
    assert shown(page) == ["task4/y", *(run.table.responses[r] for r in range(133, 137))]
    assert page.locator("#map button.found").count() == 1 + 10
    page.select_option("select >> nth=0", label="y")
    page.select_option("select >> nth=2", "failed")
    found = [r for r in (13, 133, 136) if "failed" in kinds(run, r) and run.table.systems[r] == "y"]
    assert shown(page) == [run.table.responses[r] for r in found]
    watched.assert_quiet()


def test_opening_a_response_shows_its_verdicts_with_their_reasons(run: Run, opened: Opened) -> None:
    page = opened(run).page
    page.click("#map th.who button >> nth=1")
    told = page.eval_on_selector_all("#panel .verdicts tbody tr", "rs => rs.map(r => [...r.cells].map(c => c.innerText))")
    assert told == [["clear", "failed (timeout)\nReason 3."], ["Clear end", "no\nReason 4."], ["false", "abstained (uncertain)\nReason 5."]]
    assert page.locator("#panel h3").all_text_contents() == ["Response", "Task task0"]


def test_every_judge_is_named_where_there_are_several(opened: Opened) -> None:
    made = case("a")
    page = opened(run_of([made], [v for who in "jk" for v in verdicts_of([made], judge=who, reason=f"Says {who}.")])).page
    page.click("#map th.who button")
    assert page.inner_text("#panel .verdicts td") == "j #1: yes\nSays j.\nk #1: yes\nSays k."


def test_the_keyboard_pages_and_stays_with_the_pager(run: Run, opened: Opened) -> None:
    page = opened(run).page
    page.focus("#on")
    for at in range(2, 10):
        page.keyboard.press("Enter")
        expect(page.locator("#where")).to_have_text(f"360 responses, page {at} of 9")
    expect(page.locator("#back")).to_be_focused()  # there is no page after the ninth
    page.keyboard.press("Enter")
    expect(page.locator("#where")).to_have_text("360 responses, page 8 of 9")
    for typed, at in (("3", 3), ("99", 9), ("0", 1), ("", 1), ("2.4", 2)):
        page.fill("#to", typed)
        page.keyboard.press("Enter")
        expect(page.locator("#where")).to_have_text(f"360 responses, page {at} of 9")
        expect(page.locator("#to")).to_have_value(str(at))


def test_the_pager_stays_in_sight_and_a_new_page_begins_at_its_top(run: Run, opened: Opened) -> None:
    page = opened(run).page
    page.locator("#map tbody tr >> nth=30").scroll_into_view_if_needed()
    page.mouse.wheel(0, 2000)
    expect(page.locator("#on")).to_be_in_viewport()
    page.click("#on")
    expect(page.locator("#map th.who >> nth=1")).to_be_in_viewport()


def test_every_control_has_a_name_and_every_table_its_heads(run: Run, opened: Opened) -> None:
    page = opened(run).page
    boxes = {"System": "combobox", "Order": "combobox", "Criterion": "combobox", "Verdict": "combobox", "Search": "searchbox"}
    for name, role in {**boxes, "Go to page": "spinbutton"}.items():
        expect(page.get_by_role(role, name=name, exact=True)).to_be_visible()
    expect(page.get_by_role("columnheader", name="Clear end")).to_be_visible()
    expect(page.get_by_role("rowheader", name="task1").first).to_be_visible()
    expect(page.get_by_role("navigation", name="Pages")).to_be_visible()
    assert page.eval_on_selector_all("th", "ns => ns.filter(n => !n.scope).length") == 0


def test_without_scripts_the_figures_stand_and_the_table_is_said_to_need_one(run: Run, browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(render(run), encoding="utf-8")
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(path.as_uri())
    text = page.inner_text("body")
    context.close()
    for system in run.systems:
        assert f"{system.mean.low:.3f} to {system.mean.high:.3f}" in text
    assert "timeout" in text
    assert "The table of verdicts needs this page's own script" in text
    assert "Unpacking" not in text


def test_a_browser_that_cannot_unpack_says_so(run: Run, opened: Opened) -> None:
    page = opened(render(run)).page
    page.add_init_script("delete window.DecompressionStream")
    page.reload()
    expect(page.locator("#map")).to_contain_text("A browser of 2023 or later unpacks them.")
    expect(page.locator("#top h1")).to_have_text("Run run1")
