"""IFEval: each check agrees with IFEval's own rule, written out again here, on random responses of hostile characters."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from criterial.core.criterion import Criterion
from criterial.errors import FormatError
from criterial.formats.load import FORMATS, read_cases
from criterial.judge.checks import Subject, check_options, run_check
from tests.helpers_files import answer, real, task, write

NAME = "ifeval/prompts.jsonl.gz"
LINE: dict[str, Any] = {
    "key": 12,
    "prompt": "Write to Ann.",
    "instruction_id_list": ["punctuation:no_comma", "length_constraints:number_words"],
    "kwargs": [{}, {"relation": "at least", "num_words": 3.0, "keywords": None}],
}


def one(name: str, **arguments: Any) -> dict[str, Any]:
    return {"key": 1, "prompt": "Do it.", "instruction_id_list": [name], "kwargs": [arguments]}


@cache
def kept(where: Path, name: str, arguments: str) -> Criterion:
    return criterion(where, name, **json.loads(arguments))


def criterion(where: Path, name: str, **arguments: Any) -> Criterion:
    (case,) = read_cases(write(where, "c.jsonl", one(name, **arguments)))
    return case.rubric.criteria[0]


def test_a_line_is_rules_with_the_id_as_tag_and_a_check(tmp_path: Path) -> None:
    (made,) = read_cases(write(tmp_path, "c.jsonl", LINE))
    assert (made.task.id, made.task.messages[0].content, made.responses) == ("12", "Write to Ann.", ())
    first, second = made.rubric.criteria
    assert (first.id, first.kind, first.category, first.tags) == ("i1", "rule", ("punctuation",), ("ifeval:punctuation:no_comma",))
    assert (second.text, second.title) == ("Has at least 3 words.", "number_words")
    assert first.check is not None and second.check is not None and second.check.options["min"] == 3


def test_an_instruction_that_is_not_known_is_said_in_the_files_words(tmp_path: Path) -> None:
    made = criterion(tmp_path, "count:levels", N=3, words=["a", "b"], nothing=None)
    assert (made.text, made.check) == ("Follows the instruction count:levels: N = 3; words = a, b.", None)
    assert made.tags == ("ifeval:count:levels",)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("keywords:existence", {"keywords": ["a.b"]}),
        ("keywords:forbidden_words", {"forbidden_words": ["c++"]}),
        ("keywords:frequency", {"keyword": "why?", "relation": "at least", "frequency": 1}),
        ("keywords:letter_frequency", {"letter": "é", "let_relation": "at least", "let_frequency": 1}),
        ("combination:repeat_prompt", {"prompt_to_repeat": "Éclair"}),
        ("combination:repeat_prompt", {"prompt_to_repeat": "Go to Hawaii"}),
        ("startend:end_checker", {"end_phrase": 'The "end"'}),
        ("detectable_content:postscript", {"postscript_marker": "N.B."}),
        ("detectable_format:multiple_sections", {"section_spliter": "(S)", "num_sections": 2}),
    ],
)
def test_what_ifeval_takes_for_a_pattern_or_folds_its_own_way_has_no_check(name: str, arguments: Any, tmp_path: Path) -> None:
    assert criterion(tmp_path, name, **arguments).check is None


@pytest.mark.parametrize(
    ("line", "says", "path"),
    [
        ({**LINE, "kwargs": [{}]}, "expected 2 objects", "kwargs"),
        ({**LINE, "kwargs": [{}, None]}, "expected an object", "kwargs[1]"),
        ({**LINE, "instruction_id_list": ["x", 5]}, "expected text", "instruction_id_list[1]"),
        ({**LINE, "instruction_id_list": [], "kwargs": []}, "at least one criterion", ""),
        (one("length_constraints:number_words", relation="about", num_words=3), "no relation 'about'", "kwargs[0].relation"),
        (one("length_constraints:number_words", relation="at least"), "'num_words' is missing", "kwargs[0]"),
        (one("length_constraints:number_words", relation="at least", num_words="3"), "expected a number", "kwargs[0].num_words"),
        (one("length_constraints:number_words", relation="at least", num_words=2.5), "whole number", "kwargs[0].num_words"),
        (one("length_constraints:number_words", relation="at least", num_words=-1), "whole number", "kwargs[0].num_words"),
        (one("keywords:existence", keywords=[]), "a list of texts", "kwargs[0].keywords"),
        (one("startend:end_checker", end_phrase=" "), "not blank", "kwargs[0].end_phrase"),
        ({k: v for k, v in LINE.items() if k != "key"}, "'key' is missing", ""),
    ],
)
def test_a_fault_is_found_by_its_path(line: Any, says: str, path: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=says) as caught:
        read_cases(write(tmp_path, "c.jsonl", line))
    assert (caught.value.path, caught.value.line) == (path, 1)


# ---------------------------------------------------------------------------------------------------------------- IFEval's rules


def compare(count: int, relation: str, number: int) -> bool:
    return count < number if relation == "less than" else count >= number


def bullets(text: str, num_bullets: int) -> bool:
    stars = re.findall(r"^\s*\*[^\*].*$", text, flags=re.MULTILINE)
    return len(stars) + len(re.findall(r"^\s*-.*$", text, flags=re.MULTILINE)) == num_bullets


def paragraphs(text: str, num_paragraphs: int) -> bool:
    parts = re.split(r"\s?\*\*\*\s?", text)
    if any(not p.strip() for p in parts[1:-1]):
        return False
    ends = [parts[0]] if len(parts) == 1 else [parts[0], parts[-1]]
    return len(parts) - sum(not p.strip() for p in ends) == num_paragraphs


def title(text: str) -> bool:
    return any(t.lstrip("<").rstrip(">").strip() for t in re.findall(r"<<[^\n]+>>", text))


def two_responses(text: str) -> bool:
    parts = text.split("******")
    if any(not p.strip() for p in parts[1:-1]):
        return False
    valid = [p.strip() for p in parts if p.strip()]
    return len(valid) == 2 and valid[0] != valid[1]


def postscript(text: str, postscript_marker: str) -> bool:
    pattern = {"P.S.": r"\s*p\.\s?s\..*$", "P.P.S": r"\s*p\.\s?p\.\s?s.*$"}[postscript_marker]
    return bool(re.findall(pattern, text.lower(), flags=re.MULTILINE))


RULES: dict[str, Callable[..., bool]] = {
    "keywords:existence": lambda t, keywords: all(re.search(k, t, re.IGNORECASE) for k in keywords),
    "keywords:frequency": lambda t, keyword, relation, frequency: compare(
        len(re.findall(keyword.strip(), t, re.IGNORECASE)), relation, frequency
    ),
    "keywords:forbidden_words": lambda t, forbidden_words: not any(re.search(rf"\b{w}\b", t, re.IGNORECASE) for w in forbidden_words),
    "keywords:letter_frequency": lambda t, letter, let_relation, let_frequency: compare(
        Counter(t.lower())[letter.strip().lower()], let_relation, let_frequency
    ),
    "length_constraints:number_words": lambda t, relation, num_words: compare(len(re.findall(r"\w+", t)), relation, num_words),
    "length_constraints:number_paragraphs": paragraphs,
    "detectable_content:number_placeholders": lambda t, num_placeholders: len(re.findall(r"\[.*?\]", t)) >= num_placeholders,
    "detectable_content:postscript": postscript,
    "detectable_format:number_bullet_lists": bullets,
    "detectable_format:multiple_sections": lambda t, section_spliter, num_sections: (
        len(re.split(r"\s?" + section_spliter.strip() + r"\s?\d+\s?", t)) - 1 >= num_sections
    ),
    "detectable_format:title": title,
    "detectable_format:constrained_response": lambda t: any(f"My answer is {w}." in t for w in ("yes", "no", "maybe")),
    "combination:two_responses": two_responses,
    "combination:repeat_prompt": lambda t, prompt_to_repeat: t.strip().lower().startswith(prompt_to_repeat.strip().lower()),
    "startend:end_checker": lambda t, end_phrase: t.strip().strip('"').lower().endswith(end_phrase.strip().lower()),
    "startend:quotation": lambda t: len(t.strip()) > 1 and t.strip()[0] == '"' and t.strip()[-1] == '"',
    "punctuation:no_comma": lambda t: "," not in t,
}
TRIALS: list[tuple[str, dict[str, Any], str]] = [
    ("keywords:existence", {"keywords": ["ab", "k a"]}, "abkAB K\u212aſ\n.,"),
    ("keywords:frequency", {"keyword": " aba ", "relation": "at least", "frequency": 2}, "abA \n"),
    ("keywords:frequency", {"keyword": "ab", "relation": "less than", "frequency": 2}, "abAB \n"),
    ("keywords:frequency", {"keyword": "ab", "relation": "less than", "frequency": 0}, "ab "),
    ("keywords:forbidden_words", {"forbidden_words": ["ab", "a b"]}, "abA_ é\u0301-.\n"),
    ("keywords:letter_frequency", {"letter": "k", "let_relation": "at least", "let_frequency": 2}, "kK\u212aa \n"),
    ("keywords:letter_frequency", {"letter": "I", "let_relation": "less than", "let_frequency": 3}, "iI\u0130\u0131a \n"),
    ("keywords:letter_frequency", {"letter": "!", "let_relation": "less than", "let_frequency": 1}, "!a \n"),
    ("length_constraints:number_words", {"relation": "at least", "num_words": 3}, "aé_9\u0301\u0939\u093f -'\n\x1c"),
    ("length_constraints:number_words", {"relation": "less than", "num_words": 3}, "aé_9\u0301\u0939\u093f -'\n\x1c"),
    ("length_constraints:number_paragraphs", {"num_paragraphs": 1}, "a* \n"),
    ("length_constraints:number_paragraphs", {"num_paragraphs": 2}, "a** \n"),
    ("detectable_content:number_placeholders", {"num_placeholders": 2}, "[]a\n"),
    ("detectable_content:postscript", {"postscript_marker": "P.S."}, "pPsS. \n"),
    ("detectable_content:postscript", {"postscript_marker": "P.P.S"}, "pPsS. \n"),
    ("detectable_format:number_bullet_lists", {"num_bullets": 1}, "*- a\n\r\x1c"),
    ("detectable_format:number_bullet_lists", {"num_bullets": 2}, "*- a\n\n"),
    ("detectable_format:multiple_sections", {"section_spliter": "S", "num_sections": 2}, "S1 \n\x1c"),
    ("detectable_format:title", {}, "<> a\n"),
    ("combination:two_responses", {}, "a* \n"),
    ("combination:repeat_prompt", {"prompt_to_repeat": "Ak, b"}, "aA k\u212aK,b\n\x1c"),
    ("startend:end_checker", {"end_phrase": "ik."}, 'iI\u0130k\u212a." \n'),
    ("startend:quotation", {}, '"a \n'),
    ("punctuation:no_comma", {}, ", a\n\x1c"),
]


@pytest.mark.parametrize(("name", "arguments", "letters"), TRIALS, ids=[f"{n}-{i}" for i, (n, _, _) in enumerate(TRIALS)])
@given(data=st.data())
def test_a_check_says_what_ifeval_says(
    name: str, arguments: dict[str, Any], letters: str, data: st.DataObject, tmp_path_factory: Any
) -> None:
    made = kept(tmp_path_factory.getbasetemp(), name, json.dumps(arguments))
    words = [*letters, "*" * 3, "*" * 6, "ab", "Ak, b", "ik.", "<<", ">>", "\n*\n", "S1", "p.s.", "aba"]
    usable = [w for w in words if set(w) <= set(letters)]
    text = "".join(data.draw(st.lists(st.sampled_from(usable), max_size=14)))
    verdict = run_check(made, Subject(task(), answer(text)))
    assert verdict.value is not None, verdict.reason
    assert bool(verdict.value) == (bool(text.strip()) and RULES[name](text, **arguments)), repr(text)


@pytest.mark.parametrize("text", ["My answer is yes.", "well, My answer is maybe. Or", "my answer is yes.", "My answer is", " "])
def test_a_constrained_answer_is_met_as_ifeval_says(text: str, tmp_path: Path) -> None:
    made = criterion(tmp_path, "detectable_format:constrained_response")
    verdict = run_check(made, Subject(task(), answer(text)))
    assert bool(verdict.value) == RULES["detectable_format:constrained_response"](text)


def test_no_letter_without_case_is_what_another_becomes_in_small_letters() -> None:
    letters = [chr(n) for n in range(0x110000) if not 0xD800 <= n < 0xE000]
    assert not [c for c in letters if c.lower() != c and len(c.lower()) == 1 and c.lower() == c.lower().upper()]
    ascii_of = {c: c.lower() for c in letters if not c.isascii() and any(x.isascii() for x in c.lower())}
    assert ascii_of == {"\u212a": "k", "\u0130": "i\u0307"}


def test_it_is_recognised() -> None:
    assert [f.name for f in FORMATS.values() if f.matches(LINE)] == ["ifeval"]


# ---------------------------------------------------------------------------------------------------------------- the real set


def test_the_real_set_is_read_whole_with_runnable_checks() -> None:
    cases = read_cases(real(NAME))
    with gzip.open(real(NAME), "rt", encoding="utf-8") as file:
        raw = [json.loads(line) for line in file]
    assert [c.task.id for c in cases] == [str(line["key"]) for line in raw] and len(cases) == 296
    told = [name for line in raw for name in line["instruction_id_list"]]
    criteria = [c for case in cases for c in case.rubric.criteria]
    assert [c.tags for c in criteria] == [(f"ifeval:{name}",) for name in told]
    assert (len(criteria), sum(c.check is not None for c in criteria)) == (466, 320)
    assert all(check_options(c.check) == "" for c in criteria if c.check)
    assert {n for n, c in zip(told, criteria, strict=True) if c.check} == set(RULES)


def test_on_the_real_prompts_every_check_says_what_ifeval_says_of_texts_that_nearly_follow() -> None:
    with gzip.open(real(NAME), "rt", encoding="utf-8") as file:
        raw = [json.loads(line) for line in file]
    compared = 0
    for case, line in zip(read_cases(real(NAME)), raw, strict=True):
        spoken = [str(v) for k in line["kwargs"] for v in k.values()]
        prompts = [line["prompt"], line["prompt"].lower(), f'"{line["prompt"]}"', " ".join([*spoken, *line["prompt"].split() * 9])]
        prompts += [f"* {p}\n* two\n***\n<<{p[:9]}>> ****** Section 1 [x] P.S. {spoken[-1:] and spoken[-1]}" for p in prompts]
        for made, name, arguments in zip(case.rubric.criteria, line["instruction_id_list"], line["kwargs"], strict=True):
            for text in prompts if made.check else ():
                verdict = run_check(made, Subject(case.task, answer(text)))
                assert bool(verdict.value) == RULES[name](text, **arguments), (name, arguments, text)
                compared += 1
    assert compared > 2000
