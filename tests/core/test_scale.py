"""A scale reads every accepted spelling, refuses all else without clamping or guessing, and gives each value its credit."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from criterial.core.scale import Binary, Choice, Level, Likert, Numeric, Ordinal, Scale, credit_of, label_of, levels_of, parse_value
from criterial.errors import FormatError, TableError
from tests.helpers_tables import COUNT, MANY, SCALES, THREE, credits_of, values_of

MARKS = Ordinal(tuple(Level(str(i)) for i in range(1, 6)))
COLOURS = Choice((Level("Red", credit=1.0), Level("green"), Level("blue", credit=0.25)))
YES = ("yes", "true", "met", "pass", "passed", "satisfied", "present")
NO = ("no", "false", "unmet", "not met", "fail", "failed", "not satisfied", "unsatisfied", "absent")


@pytest.mark.parametrize("spell", [str, str.upper, str.title, lambda w: f"  {w}\n"], ids=["plain", "upper", "title", "padded"])
@pytest.mark.parametrize(("word", "value"), [(w, 1.0) for w in YES] + [(w, 0.0) for w in NO])
def test_every_spelling_of_yes_and_no_is_read_in_any_case_and_padding(word: str, value: float, spell: Any) -> None:
    assert parse_value(Binary(), spell(word)) == value


@pytest.mark.parametrize(
    ("scale", "raw", "value"),
    [
        (Binary(), True, 1.0),
        (Binary(), False, 0.0),
        (Binary(), 1, 1.0),
        (Binary(), 0.0, 0.0),
        (Binary(), "1", 1.0),
        (Binary(), " 0.0 ", 0.0),
        (THREE, "some", 1.0),
        (THREE, "ALL", 2.0),
        (THREE, 2, 2.0),  # no level bears a number as its label: a number is the index
        (THREE, "2", 2.0),
        (MARKS, 3, 2.0),  # levels labelled 1 to 5: a bare 3 is the label, not the index
        (MARKS, 3.0, 2.0),
        (MARKS, "3", 2.0),
        (MARKS, "3.0", 2.0),
        (MARKS, "5", 4.0),
        (Likert(5), 4, 4.0),
        (Likert(5), "4", 4.0),
        (Likert(5), "4.0", 4.0),
        (Likert(7), 7.0, 7.0),
        (COLOURS, "red", 0.0),
        (COLOURS, "BLUE", 2.0),
        (COLOURS, 1, 1.0),
        (Choice((Level("2"), Level("1"))), 1, 1.0),  # the label again, wherever it stands
        (Numeric(0, 10), 7, 7.0),
        (Numeric(0, 10), "7.25", 7.25),
        (Numeric(-1, 1), "-1e-1", -0.1),
        (COUNT, 3, 3.0),
        (COUNT, "2.0", 2.0),
    ],
)
def test_what_people_files_and_judges_write_is_read(scale: Scale, raw: Any, value: float) -> None:
    assert parse_value(scale, raw) == value


@pytest.mark.parametrize(
    ("scale", "raw"),
    [
        *((Binary(), raw) for raw in (2, -1, 0.5, "0.5", "maybe", "", "yes!", "yesno", None, [], {}, b"yes")),
        *((scale, raw) for scale in (THREE, Likert(5), COLOURS, COUNT) for raw in (True, False)),  # a bool is an answer to yes or no alone
        *((scale, raw) for scale in SCALES for raw in (math.nan, math.inf, -math.inf, "nan", "inf", "-Infinity", "1e999", None, (1,))),
        *((THREE, raw) for raw in (3, -1, 1.5, "most", "yes")),
        *((MARKS, raw) for raw in (6, -1, "6", 2.5)),
        *((Likert(5), raw) for raw in (0, 6, 3.5, "0", "6", "four")),
        *((COLOURS, raw) for raw in (3, "purple", 0.5)),
        *((Numeric(0, 10), raw) for raw in (10.001, -0.001, "11", "ten")),
        *((COUNT, raw) for raw in (1.5, "1.5", 4, -1)),
    ],
)
def test_what_is_no_value_of_the_scale_is_refused_and_never_clamped(scale: Scale, raw: Any) -> None:
    with pytest.raises(TableError):
        parse_value(scale, raw)


@pytest.mark.parametrize("scale", SCALES, ids=lambda s: s.type)
@given(raw=st.one_of(st.text(max_size=8), st.integers(-(10**300), 10**300), st.floats(), st.booleans(), st.none(), st.binary(max_size=3)))
@MANY
def test_whatever_is_given_comes_out_as_a_value_of_the_scale_or_as_a_table_error(scale: Scale, raw: Any) -> None:
    try:
        value = parse_value(scale, raw)
    except TableError:
        return
    inside = scale.low <= value <= scale.high if isinstance(scale, Numeric) else value in values_of(scale)
    assert inside
    assert 0.0 <= credit_of(scale, value) <= 1.0


@pytest.mark.parametrize("scale", SCALES, ids=lambda s: s.type)
def test_a_value_is_read_back_from_its_own_label(scale: Scale) -> None:
    assert [parse_value(scale, label_of(scale, v)) for v in values_of(scale)] == values_of(scale)


@pytest.mark.parametrize("scale", SCALES, ids=lambda s: s.type)
def test_credit_is_spread_evenly_or_as_given(scale: Scale) -> None:
    assert {v: credit_of(scale, v) for v in values_of(scale)} == pytest.approx(credits_of(scale))
    if not isinstance(scale, Numeric):
        assert [v.credit for v in levels_of(scale)] == pytest.approx(list(credits_of(scale).values()))


@pytest.mark.parametrize(
    ("scale", "labels"),
    [
        (Binary(), ["no", "yes"]),
        (Likert(3, ("bad", "fair", "good")), ["1", "2", "3"]),
        (THREE, ["none", "some", "all"]),
        (COLOURS, ["Red", "green", "blue"]),
        (Numeric(), []),
    ],
)
def test_levels_stand_in_the_order_of_the_probabilities(scale: Scale, labels: list[str]) -> None:
    assert [v.label for v in levels_of(scale)] == labels


def test_five_points_and_numbers_from_0_to_1_unless_said_otherwise() -> None:
    assert (Likert(), Numeric()) == (Likert(5), Numeric(0.0, 1.0, False))


def test_anchors_describe_the_points_and_levels_keep_their_descriptions() -> None:
    assert [v.description for v in levels_of(Likert(2, ("bad", "good")))] == ["bad", "good"]
    assert [v.description for v in levels_of(Ordinal((Level("a", "worst"), Level("b", "best"))))] == ["worst", "best"]


@pytest.mark.parametrize(
    ("scale", "value", "label"),
    [(Binary(), 1.0, "yes"), (Likert(5), 4.0, "4"), (THREE, 1.0, "some"), (Numeric(0, 9), 2.5, "2.5"), (COUNT, 3.0, "3")],
)
def test_a_value_is_written_as_people_write_it(scale: Scale, value: float, label: str) -> None:
    assert label_of(scale, value) == label


@pytest.mark.parametrize(
    ("scale", "value"),
    [(Binary(), 2.0), (Binary(), -1.0), (Likert(5), 0.0), (Likert(5), 6.0), (THREE, 3.0), (COLOURS, -1.0), (Numeric(0, 1), 1.01)],
)
def test_a_value_that_the_scale_lacks_has_no_credit(scale: Scale, value: float) -> None:
    with pytest.raises(TableError):
        credit_of(scale, value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Level("  "), "label"),
        (lambda: Level("a", credit=1.01), r"'a' is 1.01, not in \[0, 1\]"),
        (lambda: Level("a", credit=math.nan), "not in"),
        (lambda: Ordinal((Level("a"),)), "2 to 255 levels, not 1"),
        (lambda: Choice(tuple(Level(str(i)) for i in range(256))), "not 256"),
        (lambda: Choice((Level("Yes"), Level("yes"))), "same label"),
        (lambda: Likert(1), "2 to 100 points, not 1"),
        (lambda: Likert(101), "not 101"),
        (lambda: Likert(3, ("bad", "good")), "2 anchors for 3 points"),
        (lambda: Numeric(1, 1), "low < high"),
        (lambda: Numeric(2, 1), "not 2 and 1"),
        (lambda: Numeric(0, math.inf), "finite"),
        (lambda: Numeric(math.nan, 1), "finite"),
    ],
)
def test_a_scale_that_cannot_be_used_is_refused(make: Any, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        make()


@pytest.mark.parametrize("raw", [10**400, -(10**400)])
def test_a_huge_integer_is_refused_like_any_other_number(raw: int) -> None:
    with pytest.raises(TableError):
        parse_value(Numeric(0, 10), raw)


@pytest.mark.parametrize("raw", [0, "0"])
def test_zero_on_levels_labelled_one_to_five_is_refused_and_not_taken_for_the_first(raw: Any) -> None:
    with pytest.raises(TableError):
        parse_value(MARKS, raw)


@pytest.mark.parametrize("raw", [0.5, "0.50"])
def test_a_number_that_is_a_label_is_that_level(raw: Any) -> None:
    assert parse_value(Ordinal((Level("0"), Level("0.5"), Level("1"))), raw) == 1.0


def test_a_padded_label_can_be_answered() -> None:
    assert parse_value(Ordinal((Level(" low "), Level("high"))), " low ") == 0.0


@pytest.mark.parametrize(("scale", "value"), [(Binary(), 0.7), (Binary(), -0.5), (Likert(5), 2.5), (Binary(), math.nan), (COUNT, 1.5)])
def test_a_value_between_two_levels_has_no_credit(scale: Scale, value: float) -> None:
    with pytest.raises(TableError):
        credit_of(scale, value)


def test_a_range_whose_span_is_no_float_is_refused() -> None:
    with pytest.raises(FormatError, match="a finite distance apart"):
        Numeric(-1e308, 1e308)
