"""Every programmatic check accepts and refuses what it should, and whatever goes wrong in one is that cell's failure alone."""

from __future__ import annotations

import http.server
import json
import re
import signal
import threading
import warnings
from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from criterial.core.criterion import Check, Criterion
from criterial.core.scale import Level, Likert, Numeric, Ordinal, Scale
from criterial.core.task import Message, Response
from criterial.core.verdict import State, Verdict
from criterial.errors import ConfigError
from criterial.judge.checks import CHECKS, Subject, check_options, holds, run_check
from tests.helpers_files import answer, task

HERE = __name__
EXPLODES = r"(.*?,){25}P"


def ran(kind: str, text: str, scale: Scale | None = None, **options: Any) -> Verdict:
    """Return the verdict of a check on a response's text; its options must be sound."""
    check = Check(kind, options)
    assert check_options(check, [HERE]) == ""
    return run_check(Criterion("c", "x", scale or Criterion("c", "x").scale, check=check), Subject(task(), answer(text)))


def met(kind: str, text: str, **options: Any) -> bool:
    """Return whether a yes/no check is met."""
    verdict = ran(kind, text, **options)
    assert verdict.state == State.DECIDED, verdict.reason
    return verdict.value == 1.0


YES, NO = True, False
OUTCOMES: list[tuple[str, dict[str, Any], str, bool]] = [
    ("regex", {"pattern": r"\bcat\b"}, "a cat sat", YES),
    ("regex", {"pattern": r"\bcat\b"}, "concatenate", NO),
    ("regex", {"pattern": "cat"}, "CAT", NO),
    ("regex", {"pattern": "cat", "flags": "i"}, "CAT", YES),
    ("regex", {"pattern": "a.b"}, "a\nb", NO),
    ("regex", {"pattern": "a.b", "flags": "s"}, "a\nb", YES),
    ("regex", {"pattern": "a b # both", "flags": "x"}, "ab", YES),
    ("regex", {"pattern": "A . b", "flags": "isx"}, "a\nB", YES),
    ("regex", {"pattern": "^two$"}, "one\ntwo\nthree", YES),
    ("regex", {"pattern": "cat", "min": 2}, "cat", NO),
    ("regex", {"pattern": "cat", "min": 2}, "cat cat", YES),
    ("regex", {"pattern": "cat", "max": 1}, "cat cat", NO),
    ("regex", {"pattern": "cat", "max": 1}, "dog", NO),
    ("regex", {"pattern": "cat", "min": 0, "max": 0}, "dog", YES),
    ("regex", {"pattern": "(a)(b)?", "min": 2, "max": 2}, "ab a", YES),
    ("contains", {"texts": "Paris"}, "in paris, france", YES),
    ("contains", {"texts": "Paris", "case_sensitive": True}, "in paris", NO),
    ("contains", {"texts": ["a", "b"]}, "a and b", YES),
    ("contains", {"texts": ["a", "z"]}, "a and b", NO),
    ("contains", {"texts": ["a", "z"], "match": "any"}, "a and b", YES),
    ("contains", {"texts": ["y", "z"], "match": "any"}, "a and b", NO),
    ("contains", {"texts": ["y", "z"], "match": "none"}, "a and b", YES),
    ("contains", {"texts": ["b", "z"], "match": "none"}, "a and b", NO),
    ("contains", {"texts": "cat", "whole_words": True}, "concatenate", NO),
    ("contains", {"texts": "cat", "whole_words": True}, "the (cat).", YES),
    ("contains", {"texts": "C++", "whole_words": True}, "in C++ and", YES),
    ("contains", {"texts": "STRASSE"}, "die Straße", YES),
    ("contains", {"texts": "a.c"}, "abc", NO),
    ("length", {"max": 3}, "one two three", YES),
    ("length", {"max": 2}, "one two three", NO),
    ("length", {"min": 4}, "one two three", NO),
    ("length", {"min": 3, "max": 3, "unit": "words"}, "one two three", YES),
    ("length", {}, "", YES),
    ("json_schema", {"schema": {"type": "object", "required": ["a"]}}, '{"a": 1}', YES),
    ("json_schema", {"schema": {"type": "object", "required": ["a"]}}, '{"b": 1}', NO),
    ("json_schema", {"schema": {"type": "array"}}, '```json\n[1, 2]\n```', YES),
    ("json_schema", {"schema": {"type": "array"}}, 'Here you are:\n```\n[1]\n```\nDone.', YES),
    ("json_schema", {"schema": {"type": "array"}}, 'Here you are: [1]', NO),
    ("json_schema", {"schema": {}}, "not JSON", NO),
    ("json_schema", {"schema": {}}, "", NO),
    ("json_schema", {"schema": {"$ref": "#/$defs/n", "$defs": {"n": {"type": "number"}}}}, "5", YES),
    ("number", {"equals": 42}, "The answer is 42.", YES),
    ("number", {"equals": 42}, "First 42, then 43.", NO),
    ("number", {"equals": 42, "which": "first"}, "First 42, then 43.", YES),
    ("number", {"equals": 43, "which": "first"}, "First 42, then 43.", NO),
    ("number", {"equals": 42, "which": "any"}, "41, 42, 43", YES),
    ("number", {"equals": 44, "which": "any"}, "41, 42, 43", NO),
    ("number", {"equals": 1}, "no number at all", NO),
    ("number", {"equals": 1234567}, "It is 1,234,567 people.", YES),
    ("number", {"equals": 1234.5}, "It costs $1,234.50.", YES),
    ("number", {"equals": -5}, "It is -5 degrees.", YES),
    ("number", {"equals": -5}, "It is \u22125 °C.", YES),
    ("number", {"equals": 12}, "It weighs 12kg.", YES),
    ("number", {"equals": 50}, "About 50%.", YES),
    ("number", {"equals": 1.5e-3}, "It is 1.5e-3.", YES),
    ("number", {"equals": 3.14159, "tolerance": 0.01}, "pi is 3.14", YES),
    ("number", {"equals": 3.14159, "tolerance": 0.001}, "pi is 3.14", NO),
    ("number", {"equals": 100, "relative_tolerance": 0.05}, "104", YES),
    ("number", {"equals": 100, "relative_tolerance": 0.05}, "106", NO),
    ("number", {"equals": -100, "relative_tolerance": 0.05}, "-104", YES),
    ("number", {"equals": 100, "tolerance": 10, "relative_tolerance": 0.05}, "109", YES),
    ("number", {"equals": 0.3}, "0.30", YES),
    ("number", {"equals": 0.5}, "It costs $.50", YES),
    ("number", {"equals": 1}, "Version 2.0.1", YES),
    ("number", {"equals": 20}, "10%-20%", YES),
    ("number", {"equals": 19}, "COVID-19", YES),
    ("number", {"equals": 4}, "pages 3--4", YES),
    ("number", {"equals": -4}, "3 and -4", YES),
    ("number", {"equals": 2345}, "1,2345", YES),
    ("number", {"equals": 7, "pattern": r"answer:\s*(\d+)"}, "answer: 7, not 9", YES),
    ("number", {"equals": 9, "pattern": r"answer:\s*(\d+)"}, "answer: 7, not 9", NO),
    ("number", {"equals": 7, "pattern": r"\d+(?= kg)"}, "9 m and 7 kg", YES),
    ("number", {"equals": 7, "pattern": r"x=(\w+)"}, "x=seven", NO),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "options", "text", "expected"), OUTCOMES, ids=[f"{k} {json.dumps(o)[:50]} {t[:24]!r}" for k, o, t, _ in OUTCOMES]
)
def test_a_check_accepts_and_refuses(kind: str, options: dict[str, Any], text: str, expected: bool) -> None:
    assert met(kind, text, **options) == expected


COUNTS = [
    ("words", "", 0),
    ("words", "one", 1),
    ("words", "It's a well-known, old-fashioned idea.", 5),
    ("words", "3.5 m/s, e.g. x_y", 8),
    ("words", "été naïve Ωmega", 3),
    ("words", "... -- !!", 0),
    ("characters", "", 0),
    ("characters", "a b\n", 4),
    ("characters", "é😀", 2),
    ("sentences", "", 0),
    ("sentences", "One. Two! Three? Four", 4),
    ("sentences", 'Use Node.js, e.g. here. Or "go." **Now.** (Yes.) End', 5),
    ("sentences", "They met at 5 p.m. Then they left.", 2),
    ("sentences", "Really?! Yes...", 2),
    ("sentences", "一。二！三？", 3),
    ("lines", "a\n\n  \nb\n", 2),
    ("lines", "", 0),
    ("paragraphs", "a\nb\n\nc\n \n\nd", 3),
    ("paragraphs", "\n\n", 0),
    ("bullets", "- a\n* b\n\u2022 c\n1. d\n2) e\n-f\nplain\n-", 5),
    ("bullets", "text - not a bullet", 0),
    ("bullets", "  - a\n\t* b\n-\nc\n- \nd", 2),
]


@pytest.mark.parametrize(("unit", "text", "count"), COUNTS, ids=[f"{u} {t[:20]!r}" for u, t, _ in COUNTS])
def test_units_are_counted(unit: str, text: str, count: int) -> None:
    assert met("length", text, unit=unit, min=count, max=count)
    assert not met("length", text, unit=unit, min=count + 1)
    assert ran("length", text, unit=unit).reason == f"{count} {unit}"


@settings(max_examples=100)
@given(words=st.lists(st.from_regex(r"[a-z]{1,8}", fullmatch=True), max_size=30), between=st.sampled_from([" ", "\n", ", ", " (", ") "]))
def test_as_many_words_are_counted_as_were_put_in(words: list[str], between: str) -> None:
    assert met("length", between.join(words), min=len(words), max=len(words))


@settings(max_examples=200)
@given(
    number=st.integers(-(10**12), 10**12) | st.decimals(-1e9, 1e9, places=4, allow_nan=False),
    commas=st.booleans(),
    unit=st.sampled_from(["", " km", "%", "."]),
)
def test_any_number_is_found_as_it_is_written(number: Any, commas: bool, unit: str) -> None:
    told = f"{number:,}" if commas else f"{number}"
    assert met("number", f"I think it is {told}{unit}", equals=float(number))
    assert not met("number", f"I think it is {told}{unit}", equals=float(number) + max(1.0, abs(float(number)) * 1e-6))


@pytest.mark.parametrize(("text", "value"), [("", 0.0), ("x x", 2.0), ("x " * 9, 5.0)])
def test_a_count_of_matches_is_a_number_that_stops_at_the_end_of_its_scale(text: str, value: float) -> None:
    verdict = ran("regex", text, Numeric(0.0, 5.0, True), pattern="x", count=True)
    assert (verdict.value, verdict.reason.split()[0]) == (value, str(text.count("x")))


@pytest.mark.parametrize(("text", "reason"), [("y", "0 matches of /x/"), ("x", "1 match of /x/"), ("x x", "2 matches of /x/")])
def test_the_reason_says_how_often_a_pattern_matched(text: str, reason: str) -> None:
    assert ran("regex", text, pattern="x").reason == reason
    assert ran("regex", text, Numeric(0.0, 5.0, True), pattern="x", count=True).reason == reason


def test_turns_of_the_assistant_are_what_is_checked() -> None:
    turns = Response("r", (Message("assistant", "one"), Message("user", "two two"), Message("assistant", "three")))
    verdict = run_check(Criterion("c", "x", check=Check("length", {"max": 2})), Subject(task("four words are here"), turns))
    assert (verdict.value, verdict.reason) == (1.0, "2 words")


def test_a_verdict_names_response_task_criterion_and_the_check_as_judge() -> None:
    verdict = ran("length", "a b", max=1)
    assert (verdict.response, verdict.task, verdict.criterion, verdict.judge, verdict.probs) == ("r", "t", "c", "check", ())
    assert (verdict.value, verdict.reason) == (0.0, "2 words")


# ---------------------------------------------------------------------------------------------------------------- python


def says_yes(text: str, asked: Any) -> bool:
    """Return whether the response is `yes`, and look at the task."""
    assert asked.messages
    return text == "yes"


def grades(text: str, asked: Any) -> tuple[str, str]:
    """Return a level and a reason."""
    return ("fine" if "good" in text else "poor"), f"read {len(text)} letters"


def knows_nothing(text: str, asked: Any) -> None:
    """Abstain."""


def fails(text: str, asked: Any) -> bool:
    """Raise, whatever is asked."""
    raise KeyError("secret " * 200)


def ends(text: str, asked: Any) -> bool:
    """Recurse without end."""
    return ends(text, asked)


def says_seven(text: str, asked: Any) -> int:
    """Return what is no value of a yes/no scale."""
    return 7


@pytest.mark.parametrize(("text", "value"), [("yes", 1.0), ("no", 0.0)])
def test_a_python_check_is_called_with_text_and_task(text: str, value: float) -> None:
    assert ran("python", text, function=f"{HERE}:says_yes").value == value


def test_a_python_check_may_give_any_value_of_the_scale_with_a_reason() -> None:
    scale = Ordinal((Level("poor"), Level("fine")))
    verdict = ran("python", "good", scale, function=f"{HERE}:grades")
    assert (verdict.value, verdict.reason) == (1.0, "read 4 letters")


def test_a_python_check_that_returns_none_abstains() -> None:
    verdict = ran("python", "x", function=f"{HERE}:knows_nothing")
    assert (verdict.state, verdict.value, verdict.cause) == (State.ABSTAINED, None, "cannot_assess")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("fails", "KeyError"),
        ("ends", "RecursionError"),
        ("says_seven", "TableError"),
        ("is_not_there", "AttributeError"),
        ("HERE", "TypeError"),
    ],
)
def test_whatever_a_python_check_raises_is_a_failed_verdict(name: str, says: str) -> None:
    verdict = ran("python", "x", function=f"{HERE}:{name}")
    assert (verdict.state, verdict.value, verdict.cause) == (State.FAILED, None, "check_error")
    assert verdict.reason.startswith(f"{says}: ")
    assert len(verdict.reason) <= 300


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("length", {"min": "three"}),
        ("contains", {"texts": 5}),
        ("number", {"equals": "many"}),
        ("json_schema", {"schema": {"type": "no such type"}}),
        ("json_schema", {"schema": {"$ref": "#/$defs/absent"}}),
        ("number", {"equals": 1, "pattern": r"(x)?\d"}),
    ],
)
def test_an_error_within_a_check_is_a_failed_verdict(kind: str, options: dict[str, Any]) -> None:
    verdict = run_check(Criterion("c", "x", check=Check(kind, options)), Subject(task(), answer("[1]")))
    assert (verdict.state, verdict.cause) == (State.FAILED, "check_error")


@pytest.mark.parametrize("scale", [Likert(5), Numeric(0.0, 1.0)])
def test_yes_or_no_on_a_scale_that_has_no_such_value_is_a_failed_verdict(scale: Scale) -> None:
    assert ran("length", "a", scale, max=3).cause == "check_error"


def test_a_criterion_without_a_check_fails_instead_of_guessing() -> None:
    verdict = run_check(Criterion("c", "x"), Subject(task(), answer()))
    assert (verdict.state, verdict.cause) == (State.FAILED, "check_error")


# ---------------------------------------------------------------------------------------------------------------- options

FAULTS: list[tuple[str, dict[str, Any], str]] = [
    (
        "wordcount",
        {},
        "there is no check 'wordcount'; there are regex, contains, length, json_schema, number, syntax, coherence, program, python",
    ),
    ("regex", {}, "the check regex needs pattern"),
    ("contains", {"match": "any"}, "the check contains needs texts"),
    ("json_schema", {}, "the check json_schema needs schema"),
    ("number", {"tolerance": 1}, "the check number needs equals"),
    ("python", {}, "the check python needs function"),
    ("regex", {"pattern": "a", "flag": "i"}, "the check regex does not know flag"),
    ("length", {"maximum": 3, "minimum": 1}, "the check length does not know maximum, minimum"),
    ("regex", {"pattern": "("}, "the pattern cannot be used: missing ) at position 1"),
    ("number", {"equals": 1, "pattern": "["}, "the pattern cannot be used: unterminated character set at position 1"),
    ("regex", {"pattern": 5}, "the pattern cannot be used: it is no text but 5"),
    ("regex", {"pattern": "a", "flags": "g"}, "flags are i, s and x"),
    ("regex", {"pattern": "a", "flags": "iM"}, "flags are i, s and x"),
    ("contains", {"texts": "a", "match": "some"}, "match is one of any, all, none, not 'some'"),
    ("length", {"unit": "pages"}, "unit is one of words, characters, sentences, lines, paragraphs, bullets, not 'pages'"),
    ("length", {"unit": ["words"]}, "unit is one of words, characters, sentences, lines, paragraphs, bullets, not ['words']"),
    ("number", {"equals": 1, "which": "best"}, "which is one of last, first, any, not 'best'"),
    ("python", {"function": "os:system"}, "it calls os:system, which is not allowed: pass --allow-python os if you trust that module"),
    (
        "python",
        {"function": "mine.sub:f"},
        "it calls mine.sub:f, which is not allowed: pass --allow-python mine.sub if you trust that module",
    ),
    ("python", {"function": "min:f"}, "it calls min:f, which is not allowed: pass --allow-python min if you trust that module"),
    ("python", {"function": ":f"}, "function is module:name, not ':f'"),
    ("regex", {"pattern": "a", "max": 0}, "min (1) is more than max (0)"),
    ("regex", {"pattern": "a", "count": 1}, "count is true or false, not 1"),
    ("regex", {"pattern": ["a"]}, "the pattern cannot be used: it is no text but ['a']"),
    ("contains", {"texts": ["a", ""]}, "texts is a text or a list of texts, none of them empty, not ['a', '']"),
    ("contains", {"texts": {"a"}}, "the options of the check contains cannot be used: Object of type set is not JSON serializable"),
    ("length", {"max": 2.5}, "max is a whole number, 0 or more, not 2.5"),
    ("length", {"min": True}, "min is a whole number, 0 or more, not True"),
    ("number", {"equals": "42"}, "equals is a finite number, not '42'"),
    ("number", {"equals": 10**400}, f"equals is a finite number, not {str(10**400)[:18]}...{'0' * 19}"),
    ("number", {"equals": 1, "tolerance": -1}, "tolerance is a finite number, 0 or more, not -1"),
    ("python", {"function": 5}, "function is module:name, not 5"),
]


@pytest.mark.parametrize(("kind", "options", "sentence"), FAULTS, ids=[f"{k} {o}"[:60] for k, o, _ in FAULTS])
def test_a_fault_in_options_is_one_sentence(kind: str, options: dict[str, Any], sentence: str) -> None:
    assert check_options(Check(kind, options), ["mine"]) == sentence


def test_only_a_module_that_was_allowed_by_its_whole_name_may_be_called() -> None:
    for allowed, said in (([], False), (["mine"], True), (["min", "mine.sub"], False), (("mine",), True)):
        assert (check_options(Check("python", {"function": "mine:f"}), allowed) == "") == said


def test_every_kind_says_what_it_decides_and_knows_its_own_options() -> None:
    for kind, card in CHECKS.items():
        assert card.says
        assert re.match(r"there is no check", check_options(Check(f"{kind}x")))
        assert is_dataclass(card)
        needed = [f.name for f in fields(card) if f.default is MISSING]
        assert check_options(Check(kind)) == (f"the check {kind} needs {', '.join(needed)}" if needed else "")


# ---------------------------------------------------------------------------------------------------------------- conditions


def test_a_condition_holds_or_not() -> None:
    assert holds(Check("contains", {"texts": "a"}), Subject(task(), answer("a")))
    assert not holds(Check("contains", {"texts": "a"}), Subject(task(), answer("b")))


@pytest.mark.parametrize("check", [Check("python", {"function": f"{HERE}:fails"}), Check("length", {"min": "x"}), Check("absent")])
def test_a_condition_that_fails_is_a_config_error(check: Check) -> None:
    with pytest.raises(ConfigError, match=f"the condition {check.kind} failed"):
        holds(check, Subject(task(), answer()))


# ---------------------------------------------------------------------------------------------------------------- hostile and odd


@pytest.fixture
def listener() -> Iterator[tuple[str, list[str]]]:
    """A server on this machine that counts who calls."""
    calls: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            calls.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: Any) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/schema", calls
        server.shutdown()
        thread.join()


def test_a_schema_fetches_nothing(listener: tuple[str, list[str]]) -> None:
    url, calls = listener
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ran("json_schema", "{}", schema={"$ref": url})
    assert calls == []


def test_a_pattern_that_explodes_ends_before_it_holds_the_run() -> None:
    def alarm(*_: Any) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, alarm)
    signal.setitimer(signal.ITIMER_REAL, 2.0)
    try:
        verdict = ran("regex", "a" * 40 + "!", pattern=r"(a+)+$")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert not verdict.reason.startswith("TimeoutError")  # ended by the check itself, not by this test


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("regex", {"pattern": EXPLODES}),
        ("number", {"equals": 1, "pattern": EXPLODES}),
        ("json_schema", {"schema": {"type": "string", "pattern": EXPLODES}}),
    ],
)
def test_a_pattern_that_takes_too_long_is_a_failed_verdict_that_says_so(kind: str, options: dict[str, Any]) -> None:
    verdict = ran(kind, f'"{",".join(map(str, range(80)))}"', **options)
    assert (verdict.state, verdict.cause) == (State.FAILED, "check_error")
    assert verdict.reason == f"the pattern took more than 1 s on this response and was given up: {EXPLODES}"


def test_a_reference_out_of_a_schema_is_named() -> None:
    verdict = ran("json_schema", "{}", schema={"$ref": "http://127.0.0.1:1/schema"})
    assert verdict.reason == "the schema refers to http://127.0.0.1:1/schema, which does not stand in it, and nothing is fetched"


@pytest.mark.parametrize(("text", "number"), [("It is .5", 0.5), ("It is -.25", -0.25)])
def test_a_number_may_begin_with_its_point(text: str, number: float) -> None:
    assert met("number", text, equals=number)
    assert not met("number", text, equals=number * 10 ** len(text.rpartition(".")[2]))


@pytest.mark.parametrize(("text", "number"), [("From 3-5 items.", 5), ("2020-21", 21), ("10-4", 4)])
def test_the_dash_of_a_range_is_no_sign(text: str, number: float) -> None:
    assert met("number", text, equals=number)


@pytest.mark.parametrize("text", ["It costs 3.50 euros.", "Version 2.0.1 is out.", "See example.org now."])
def test_a_point_within_a_word_ends_no_sentence(text: str) -> None:
    assert met("length", text, unit="sentences", min=1, max=1)


def test_an_empty_bullet_is_none() -> None:
    assert ran("length", "-\nplain", unit="bullets").reason == "0 bullets"


def test_flags_of_the_wrong_type_are_told() -> None:
    assert check_options(Check("regex", {"pattern": "a", "flags": 5})) == "flags are i, s and x"


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("length", {"min": "three"}),
        ("length", {"min": 9, "max": 3}),
        ("contains", {"texts": 5}),
        ("contains", {"texts": []}),
        ("contains", {"texts": ["a", None]}),
        ("number", {"equals": "many"}),
        ("number", {"equals": 1, "tolerance": -1}),
        ("json_schema", {"schema": 5}),
        ("json_schema", {"schema": {"type": "no such type"}}),
        ("python", {"function": f"{HERE}"}),
    ],
)
def test_an_option_that_can_never_work_is_told_before_anything_is_spent(kind: str, options: dict[str, Any]) -> None:
    assert check_options(Check(kind, options), [HERE]) != ""


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=300)
@given(kind=st.sampled_from([k for k in CHECKS if k != "python"]), data=st.data())
def test_options_of_any_type_are_either_told_or_decide(kind: str, data: st.DataObject) -> None:
    names = [f.name for f in fields(CHECKS[kind])]
    check = Check(kind, data.draw(st.dictionaries(st.sampled_from(names), JSON)))
    if check_options(check) == "" and "pattern" not in check.options and kind != "json_schema":
        said = State.ABSTAINED if kind == "coherence" else State.DECIDED  # two words have no order
        assert run_check(Criterion("c", "x", check=check), Subject(task(), answer("a 1"))).state == said
