"""Pages of figures in a real browser: plots are drawn, hostile names stay text, and nothing is fetched."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from criterial.core.score import Estimate, Finding
from criterial.report.page import Curve, Curves, Grid, Intervals, Page, Points, Row, Words
from criterial.report.page_html import html_page

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</svg><script>alert(1)</script>",
    "{{ 7 * 7 }}",
    "' onload='alert(1)",
]


def page_of(name: str) -> Page:
    figure = Estimate(0.5, 0.4, 0.6, 9, f"over {name}")
    return Page(
        name,
        (
            Words(name),
            Grid(name, ("a", name), [(name, figure), (None, 1.5)], name),
            Intervals(name, name, (Row(name, figure), Row("bare", Estimate(0.7, None, None, 1, "one"))), ((name, 0.5),)),
            Points(name, name, name, ((0.0, 1.0, name), (1.0, 2.0, ""))),
            Curves(name, name, name, (Curve(name, ((0.0, 0.0), (1.0, 1.0))), Curve(name, ((0.0, 0.5), (1.0, 0.5)), dashed=True))),
        ),
        (Finding("x", "warning", "", name, name),),
    )


@pytest.mark.parametrize("name", HOSTILE)
def test_names_from_data_stay_text(opened: Callable, name: str) -> None:
    shown = opened(html_page(page_of(name)))
    shown.assert_quiet()
    assert name in shown.page.inner_text("h1")
    assert shown.page.locator("script, img").count() == 0
    assert shown.page.locator("svg").count() == 3
    assert name in shown.page.locator("svg circle title").first.text_content()


def test_plots_lie_within_their_frames(opened: Callable) -> None:
    shown = opened(html_page(page_of("plain")))
    boxes = shown.page.evaluate(
        "[...document.querySelectorAll('svg')].map(s => { const f = s.getBoundingClientRect();"
        " return [...s.querySelectorAll('line, circle, polyline, text')].every(e => { const b = e.getBoundingClientRect();"
        " return b.left >= f.left - 1 && b.right <= f.right + 1 && b.top >= f.top - 1 && b.bottom <= f.bottom + 1; }); })"
    )
    assert boxes == [True, True, True]


def test_an_empty_plot_is_left_out(opened: Callable) -> None:
    shown = opened(html_page(Page("empty", (Intervals("i", "u", ()), Points("p", "x", "y", ()), Curves("c", "x", "y", ())))))
    assert shown.page.locator("svg, h2").count() == 0
