"""Lines that do not parse are counted one by one, nothing is run, and meaning is left alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from criterial.core.criterion import Check, Criterion
from criterial.core.scale import Binary, Numeric
from criterial.core.task import Message, Response, Task
from criterial.core.verdict import State
from criterial.judge.checks import Subject, check_options, run_check
from criterial.judge.syntax import code_of, error_lines

SOUND = """\
def mean(values):
    total = 0
    for value in values:
        total += value
    return total / len(values)
"""


def broken(*slips: tuple[str, str]) -> str:
    code = SOUND
    for before, after in slips:
        assert before in code
        code = code.replace(before, after)
    return code


@pytest.mark.parametrize(
    ("code", "lines"),
    [
        (SOUND, []),
        ("", []),
        (broken(("(values):", "(values)")), [1]),
        (broken(("total = 0", "total = ")), [2]),
        (broken(("in values:", "in values")), [3]),
        (broken(("total = 0", "total = "), ("return total", "return total total")), [2, 5]),
        (broken(("(values):", "(values)"), ("total = 0", "0 = total = ("), ("in values:", "in values")), [1, 2, 3]),
    ],
    ids=["sound", "empty", "colon of def", "half a line", "colon of for", "two", "three"],
)
def test_each_slip_is_one_line(code: str, lines: list[int]) -> None:
    assert [line for line, _ in error_lines(code, 20)] == lines


def verdict(text: str, scale: Any, **options: Any) -> Any:
    criterion = Criterion("s", "It parses", scale, check=Check("syntax", options))
    return run_check(criterion, Subject(Task("t", (Message("user", "q"),)), Response("r", (Message("assistant", text),))))


def test_on_a_yes_no_scale_the_code_parses_or_not_and_on_numbers_its_bad_lines_are_counted() -> None:
    bad = broken(("total = 0", "total = "), ("return total", "return total total"))
    assert [verdict(t, Binary()).value for t in (SOUND, bad)] == [1.0, 0.0]
    assert [verdict(t, Numeric(0, 5, True)).value for t in (SOUND, bad)] == [0.0, 2.0]
    assert verdict(bad, Numeric(0, 1, True)).value == 1.0
    assert verdict(bad, Binary()).reason.startswith("line 2: ")


def test_code_stands_in_fences_where_there_are_any() -> None:
    text = f"Here it is:\n```python\n{SOUND}```\nand its output\n```text\n3 3 3\n```\n```py\nx = 1\n```"
    assert code_of(text, "python") == f"{SOUND}\nx = 1\n"
    assert verdict(text, Binary()).value == 1.0
    assert verdict("```text\nno code\n```", Binary()).state == State.ABSTAINED


def test_nothing_is_run(tmp_path: Path) -> None:
    trap = tmp_path / "ran"
    assert verdict(f"open({str(trap)!r}, 'w').close()", Binary()).value == 1.0
    assert not trap.exists()


@given(st.text(max_size=80))
def test_any_text_ends_in_a_count(text: str) -> None:
    assert 0 <= len(error_lines(text, 5)) <= 5


@pytest.mark.parametrize(
    "code", ["(" * 5000, "[" * 300 + "]" * 300, "x = " + "-" * 20000 + "1", "\0"], ids=["open", "deep", "unary", "nul"]
)
def test_what_the_parser_gives_up_is_an_error_and_no_crash(code: str) -> None:
    assert len(error_lines(code, 3)) >= 1


def test_a_program_that_is_too_long_is_a_failed_check() -> None:
    found = verdict("x = 1\n" * 50_000, Binary())
    assert (found.state, found.cause) == (State.FAILED, "check_error")


@pytest.mark.parametrize("options", [{"language": "java"}, {"most": 0}, {"most": "many"}], ids=repr)
def test_options_that_mean_nothing_are_refused(options: dict[str, Any]) -> None:
    assert check_options(Check("syntax", options))
