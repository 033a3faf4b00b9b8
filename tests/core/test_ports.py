"""What crosses a port adds up: usage sums, money that is unknown stays unknown, and images come in the order of their blocks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from criterial.core.fence import render
from criterial.core.ports import Block, DecisionReply, Input, Usage
from criterial.core.task import Media
from tests.helpers_tables import MANY

COUNT = st.integers(0, 10**6)
USAGE = st.builds(Usage, COUNT, COUNT, COUNT, COUNT, COUNT, st.one_of(st.none(), COUNT.map(float)))


@given(USAGE, USAGE, USAGE)
@MANY
def test_usage_adds_field_by_field_and_unknown_money_makes_the_sum_unknown(a: Usage, b: Usage, c: Usage) -> None:
    both = a + b
    for name in ("calls", "retries", "input_tokens", "cached_tokens", "output_tokens"):
        assert getattr(both, name) == getattr(a, name) + getattr(b, name)
    assert both.money == (None if a.money is None or b.money is None else a.money + b.money)
    assert (a + b) + c == a + (b + c)
    assert a + Usage() == a


def test_tokens_are_those_read_and_written_and_cached_ones_are_among_those_read() -> None:
    assert Usage(input_tokens=10, cached_tokens=4, output_tokens=3).tokens == 13


def test_a_reply_that_says_nothing_of_its_cost_cost_nothing() -> None:
    assert DecisionReply(()).usage == Usage()


def test_an_input_shows_its_blocks_fenced_and_its_images_in_order() -> None:
    first, second, third = (Media("image/png", bytes([i])) for i in range(3))
    shown = Input("judge", (Block("task", "q", (first, second)), Block("response", "a", (third,))))
    assert shown.text == render(shown.blocks)
    assert shown.media == (first, second, third)
