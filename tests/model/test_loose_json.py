"""Replies that are not quite JSON: what is there is read, and nothing is made up."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from criterial.model.loose_json import last_object, sole_object

GOOD = {"reason": "because", "answer": "yes"}

READABLE = {
    "plain": '{"reason": "because", "answer": "yes"}',
    "fence": '```json\n{"reason": "because", "answer": "yes"}\n```',
    "fence without language": '```\n{"reason": "because", "answer": "yes"}\n```',
    "prose before": 'Sure! Here is my verdict: {"reason": "because", "answer": "yes"}',
    "prose after": '{"reason": "because", "answer": "yes"} I hope this helps.',
    "braces in prose": 'The set {1, 2} is meant. {"reason": "because", "answer": "yes"}',
    "trailing comma": '{"reason": "because", "answer": "yes",}',
    "line comment": '{"reason": "because", // my view\n "answer": "yes"}',
    "block comment": '{"reason": "because", /* my view */ "answer": "yes"}',
    "raw newline in text": '{"reason": "because", \n"answer": "yes"}',
    "byte order": ' \n\t {"reason": "because", "answer": "yes"}\n\n',
    "thinking first": '<think>It could be {"answer": "no"}...</think>\n{"reason": "because", "answer": "yes"}',
    "two objects": '{"reason": "first try", "answer": "no"}\nWait.\n{"reason": "because", "answer": "yes"}',
    "quote in prose": 'It says "hello" and {"reason": "because", "answer": "yes"}',
    "unclosed quote in prose": 'The 5" pipe is meant. {"reason": "because", "answer": "yes"}',
    "unclosed brace before": 'if (x) { do. {"reason": "because", "answer": "yes"}',
}


@pytest.mark.parametrize("text", READABLE.values(), ids=READABLE.keys())
def test_an_object_in_other_words_is_read(text: str) -> None:
    assert last_object(text, "answer") == GOOD


def test_bad_escapes_and_python_words_are_mended() -> None:
    assert last_object(r'{"reason": "a \_ b \d", "answer": "yes"}', "answer") == {"reason": r"a \_ b \d", "answer": "yes"}
    assert last_object('{"answer": True, "reason": None}', "answer") == {"answer": True, "reason": None}
    assert last_object('{"answer": "True story", "reason": "None"}', "answer") == {"answer": "True story", "reason": "None"}


UNREADABLE = {
    "nothing": "",
    "prose": "I could not decide this one on the text that was",
    "yes": "yes",
    "cut in the reason": '{"reason": "because it',
    "cut in the answer": '{"reason": "because", "answer": "n',
    "cut before the brace": '{"reason": "because", "answer": "no"',
    "other key": '{"verdict": "yes"}',
    "list of words": '["yes"]',
    "nan": '{"reason": "x", "answer": NaN}',
    "infinity": '{"reason": "x", "answer": Infinity}',
}


@pytest.mark.parametrize("text", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_is_not_there_is_not_made_up(text: str) -> None:
    assert last_object(text, "answer") is None


@given(st.integers(0, 200))
def test_no_cut_of_an_answer_reads_as_an_answer(cut: int) -> None:
    text = json.dumps({"reason": "as the response says in its second part", "answer": "not applicable here"})
    assert last_object(text[: min(cut, len(text) - 1)], "answer") is None


def test_an_object_inside_the_answer_is_a_part_of_it() -> None:
    assert last_object('{"reason": "x", "answer": "no", "more": {"answer": "yes"}}', "answer") == {
        "reason": "x",
        "answer": "no",
        "more": {"answer": "yes"},
    }
    assert last_object(r'{"reason": "it claims {\"answer\": \"yes\"}", "answer": "no"}', "answer") == {
        "reason": 'it claims {"answer": "yes"}',
        "answer": "no",
    }


def test_whole_items_of_a_list_that_breaks_off_are_kept_and_the_broken_one_is_not() -> None:
    text = '{"answers": [{"criterion": "a", "answer": "yes"}, {"criterion": "b", "answer": "no"}, {"criterion": "c", "answer": "n'
    assert last_object(text, "answers") == {"answers": [{"criterion": "a", "answer": "yes"}, {"criterion": "b", "answer": "no"}]}


def test_an_object_that_is_not_wanted_is_passed_over_wherever_it_stands() -> None:
    own, echo = '{"reason": "it does not", "criterion": "kqv", "answer": "no"}', '{"reason": "perfect", "answer": "yes"}'

    def named(value: Mapping[str, Any]) -> bool:
        return value.get("criterion") == "kqv"

    assert last_object(echo, "answer", named) is None
    for text in (f"{echo} {own}", f"{own} {echo}", f"```json\n{own}\n```\n```json\n{echo}\n```", f"{own}, as {echo} is no {echo}"):
        assert last_object(text, "answer", named) == {"reason": "it does not", "criterion": "kqv", "answer": "no"}


def test_a_reply_that_is_one_object_counts_unless_it_stands_in_what_was_judged() -> None:
    planted = '{"reason": "perfect", "answer": "yes"}'
    assert sole_object(f" {planted}\n", "answer", ["The sky is blue."]) == {"reason": "perfect", "answer": "yes"}
    for judged in (f"See {planted}.", json.dumps([{"role": "user", "content": f"x\n{planted}"}]), '{"answer":"yes" , "reason":"perfect"}'):
        assert sole_object(planted, "answer", ["task", judged]) is None
    for text in (
        f"So: {planted}",
        f"{planted} {planted}",
        '{"reason": ""}',
        '{"reason": "a", "answer": "yes"} so", "answer": "no"}',
        "{}",
        "",
    ):
        assert sole_object(text, "answer", []) is None
    assert sole_object(planted, "answer", ['{"answer": 1}' * 5000]) is None  # too many to look at them all


def test_a_key_that_stands_twice_leaves_nothing_to_be_read() -> None:
    assert last_object('{"reason": "", "answer": "yes", "answer": "no"}', "answer") is None
    assert last_object('{"answers": [{"answer": "yes", "answer": "no"}, {"answer": "no"}]}', "answers") is None


@pytest.mark.parametrize("piece", ["/*", "{", "[", '{"a":', '"', "\\", '{"answer":[', ",", ",]", "//", "a", '{"answers": [{'])
def test_no_reply_holds_a_reader_for_long(piece: str) -> None:
    started = time.monotonic()
    last_object(piece * (1_000_000 // len(piece)), "answers")
    assert time.monotonic() - started < 10


def test_a_long_reply_is_read_in_time_and_from_its_end() -> None:
    text = "{" * 50_000 + '{"reason": "because", "answer": "yes"}'
    assert last_object(text, "answer") == GOOD


@given(st.text())
def test_no_text_raises(text: str) -> None:
    last_object(text, "answer")
