"""A hundred faults that people make in files: each is told in one sentence with its file, line and path, and a hint where one helps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from criterial.errors import FormatError
from criterial.formats.load import read_cases, read_responses, read_rubric, read_verdicts
from tests.helpers_files import answer, case, task, write


def place(text: str, mark: str) -> int:
    """Return the line on which a mark first stands."""
    return 1 + text[: text.index(mark)].count("\n")


def assert_told(caught: pytest.ExceptionInfo[FormatError], file: Path, line: int | None, path: str, hint: str) -> None:
    """Assert what an error says about where it is and what to do."""
    error = caught.value
    assert (error.file, error.line, error.path) == (str(file), line, path)
    assert hint in error.hint
    assert str(error).startswith(f"{file}:{line} at {path}: " if path else f"{file}:{line}: ")


CRITERIA = [
    # the criterion, what is said of it, path within it, the mark whose line is named, the hint
    (5, "expected a criterion", "", " 5", '"text"'),
    (None, "expected a criterion", "", "null", '"text"'),
    (["x"], "expected a criterion", "", " [", '"text"'),
    ({"id": "bad", "weight": 2}, "'text' is missing", "", "{", ""),
    ({"text": ""}, "'c2' has no text", "", "{", ""),
    ({"text": "  \n"}, "'c2' has no text", "", "{", ""),
    ({"text": 5}, "valid string, found '5'", "text", '"text"', ""),
    ({"text": ["x"]}, "valid string", "text", '"text"', ""),
    ({"id": "", "text": "x"}, "needs an id", "", "{", ""),
    ({"id": "c1", "text": "x"}, "the id 'c1' occurs twice", "id", '"id"', "own id"),
    ({"text": "x", "wieght": 2}, "unknown key 'wieght'", "wieght", '"wieght"', "did you mean 'weight'?"),
    ({"text": "x", "catagory": "a"}, "unknown key 'catagory'", "catagory", '"catagory"', "did you mean 'category'?"),
    ({"text": "x", "qqqq": 1}, "unknown key 'qqqq'", "qqqq", '"qqqq"', "known keys are"),
    ({"text": "x", "weight": "heavy"}, "valid number", "weight", '"weight"', ""),
    ({"text": "x", "weight": None}, "valid number, found 'None'", "weight", '"weight"', ""),
    ({"text": "x", "weight": [1]}, "valid number", "weight", '"weight"', ""),
    ({"text": "x", "required": "perhaps"}, "valid boolean", "required", '"required"', ""),
    ({"text": "x", "kind": "law"}, "'rule' or 'principle'", "kind", '"kind"', ""),
    ({"text": "x", "effect": "veto"}, "'add', 'deduct' or 'gate'", "effect", '"effect"', ""),
    ({"text": "x", "scope": "page"}, "'response', 'turn', 'pair' or 'task'", "scope", '"scope"', ""),
    ({"text": "x", "turn": 1.5}, "fractional part", "turn", '"turn"', ""),
    ({"text": "x", "cap": -1}, "the cap of 'c2' is -1", "cap", '"cap"', ""),
    ({"text": "x", "threshold": 0}, r"threshold of 'c2' is 0, not in \(0, 1\]", "threshold", '"threshold"', ""),
    ({"text": "x", "threshold": 1.01}, r"not in \(0, 1\]", "threshold", '"threshold"', ""),
    ({"text": "x", "category": 5}, "valid tuple", "category", '"category"', ""),
    ({"text": "x", "tags": "a,b"}, "valid tuple", "tags", '"tags"', ""),
    ({"text": "x", "requires": "c9"}, "requires 'c9', which is not there", "requires", '"requires"', ""),
    ({"text": "x", "check": {"max": 9}}, "a check needs a kind", "check", '"check"', "regex, contains"),
    ({"text": "x", "check": "regex"}, "dictionary", "check", '"check"', ""),
    ({"text": "x", "check": {"kind": 5}}, "valid string", "check.kind", '"kind"', ""),
    ({"text": "x", "check": {"kind": "regex", "options": 5}}, "valid dictionary", "check.options", '"options"', ""),
    ({"text": "x", "check": {"kind": "regex", "options": {}, "max": 1}}, "unknown key 'max'", "check.max", '"max"', ""),
    ({"text": "x", "applies_when": {"texts": "y"}}, "a check needs a kind", "applies_when", '"applies_when"', "contains"),
    ({"text": "x", "evidence": "proof"}, "valid tuple", "evidence", '"evidence"', ""),
    ({"text": "x", "evidence": [{"url": "u"}]}, "'text' is missing", "evidence[0]", '{\n     "url"', ""),
    ({"text": "x", "examples": [{"text": "e"}]}, "'value' is missing", "examples[0]", '{\n     "text"', ""),
    ({"text": "x", "examples": [{"text": "e", "value": 1, "why": "w"}]}, "unknown key 'why'", "examples[0].why", '"why"', ""),
    ({"text": "x", "source": "me"}, "dictionary", "source", '"source"', ""),
    ({"text": "x", "source": {"bye": "me"}}, "unknown key 'bye'", "source.bye", '"bye"', ""),
    ({"text": "x", "scale": "wat"}, "there is no scale 'wat'", "scale", '"scale"', "likert:5"),
    ({"text": "x", "scale": "likert:x"}, "there is no scale 'likert:x'", "scale", '"scale"', "likert:5"),
    ({"text": "x", "scale": 5}, "expected a scale", "scale", '"scale"', "likert:5"),
    ({"text": "x", "scale": None}, "expected a scale", "scale", '"scale"', "likert:5"),
    ({"text": "x", "scale": {"points": 5}}, "a scale needs a type", "scale", '"scale"', "binary, ordinal"),
    ({"text": "x", "scale": ["a", None]}, "expected a level", "scale[1]", "null", ""),
    ({"text": "x", "scale": {"type": "ordinal", "levels": ["a", True]}}, "expected a level", "scale.levels[1]", "true", ""),
    ({"text": "x", "scale": {"type": "binary", "levles": 2}}, "unknown key 'levles'", "scale.levles", '"levles"', ""),
]


@pytest.mark.parametrize(("criterion", "says", "path", "mark", "hint"), CRITERIA, ids=[repr(c[0])[:60] for c in CRITERIA])
@pytest.mark.parametrize("ending", [".json", ".json.gz"])
def test_a_fault_in_a_criterion_is_told(criterion: Any, says: str, path: str, mark: str, hint: str, ending: str, tmp_path: Path) -> None:
    whole = {"id": "r", "criteria": ["good"]}
    text = write(tmp_path, "good.json", whole).read_text()
    file = write(tmp_path, f"r{ending}", {**whole, "criteria": ["good", criterion]})
    text = write(tmp_path, "plain.json", {**whole, "criteria": ["good", criterion]}).read_text()
    after = text.index('"good"')
    with pytest.raises(FormatError, match=says) as caught:
        read_rubric(file)
    line = text[:after].count("\n") + place(text[after:], mark)
    assert_told(caught, file, line, f"criteria[1]{'.' if path and not path.startswith('[') else ''}{path}", hint)


SCALES = [
    ({"type": "likert", "points": 1}, "2 to 100 points, not 1", ""),
    ({"type": "likert", "points": 3, "anchors": ["a"]}, "1 anchors for 3 points", "every point or none"),
    ("likert:1", "2 to 100 points, not 1", ""),
    ("count:0", "needs low < high", ""),
    ("numeric:5-1", "needs low < high, a finite distance apart, not 5 and 1", ""),
    ({"type": "numeric", "low": 3, "high": 3}, "needs low < high", ""),
    (["only"], "2 to 255 levels, not 1", ""),
    (["a", "A"], "two levels have the same label", "without regard to case"),
    ([{"label": "a", "credit": 2}, "b"], r"credit of level 'a' is 2, not in \[0, 1\]", ""),
    ([{"label": ""}, "b"], "a level needs a label", ""),
    ({"type": "choice", "values": ["a"]}, "2 to 255 levels", ""),
    ({"type": "ordinal"}, "'levels' is missing", ""),
    ({"type": "stars"}, "'binary', 'ordinal', 'likert', 'choice' or 'numeric'", ""),
]


@pytest.mark.parametrize(("scale", "says", "hint"), SCALES, ids=[repr(s[0]) for s in SCALES])
def test_a_fault_in_a_scale_is_told_in_that_scales_words(scale: Any, says: str, hint: str, tmp_path: Path) -> None:
    file = write(tmp_path, "r.json", {"criteria": [{"text": "x", "scale": scale}]})
    with pytest.raises(FormatError, match=says) as caught:
        read_rubric(file)
    assert caught.value.path.startswith("criteria[0].scale")
    assert caught.value.line is not None
    assert hint in caught.value.hint


@pytest.mark.parametrize("scale", ["likert:" + "9" * 5000, "numeric:1.2.3-4", "numeric:.-5", "count:" + "9" * 5000])
def test_a_word_for_a_scale_with_no_number_in_it_is_refused(scale: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError) as caught:
        read_rubric(write(tmp_path, "r.json", {"criteria": [{"text": "x", "scale": scale}]}))
    assert caught.value.path == "criteria[0].scale"


RUBRICS = [
    ({"criteria": []}, "at least one criterion", "", None),
    ({"criteria": ["a"], "polcy": "x"}, "unknown key 'polcy'", "polcy", '"polcy"'),
    ({"criteria": ["a"], "policy": 5}, "dictionary", "policy", '"policy"'),
    ({"criteria": ["a"], "guidelines": 5}, "valid string", "guidelines", '"guidelines"'),
    ({"criteria": ["a", "b"], "tree": {"id": "n", "children": ["c1"]}}, "not in the tree: c2", "tree", '"tree"'),
    ({"criteria": ["a"], "tree": {"id": "n", "children": ["c1", "c1"]}}, "names 'c1', which is no criterion or stands", "tree", '"tree"'),
    ({"criteria": ["a"], "tree": {"id": "n", "children": ["zz"]}}, "names 'zz'", "tree", '"tree"'),
    ({"criteria": ["a"], "tree": {"id": "n", "children": []}}, "node 'n' has no children", "tree", '"tree"'),
    ({"criteria": ["a"], "tree": {"id": "c1", "children": ["c1"]}}, "the node id 'c1' is taken", "tree", '"tree"'),
    (
        {"criteria": ["a"], "tree": {"id": "n", "children": [{"id": "m", "weight": -1, "children": ["c1"]}]}},
        "the weight of node 'm' is -1",
        "tree",
        '"tree"',
    ),
    ({"criteria": ["a"], "tree": {"children": ["c1"]}}, "'id' is missing", "tree", '"tree"'),
    (
        {"criteria": [{"id": "a", "text": "x", "requires": "b"}, {"id": "b", "text": "y", "requires": "a"}]},
        "in a circle: a, b",
        "criteria",
        '"criteria"',
    ),
    ({"criteria": [{"id": "a", "text": "x", "requires": ["a"]}]}, "in a circle: a", "criteria", '"criteria"'),
]


@pytest.mark.parametrize(("rubric", "says", "path", "mark"), RUBRICS, ids=lambda v: repr(v)[:70])
def test_a_fault_of_the_whole_rubric_is_told(rubric: Any, says: str, path: str, mark: str | None, tmp_path: Path) -> None:
    file = write(tmp_path, "r.json", rubric)
    with pytest.raises(FormatError, match=says) as caught:
        read_rubric(file)
    assert (caught.value.file, caught.value.path) == (str(file), path)
    assert caught.value.line == (place(file.read_text(), mark) if mark else None)


CASES = [
    ({"colour": 1}, "unknown key 'colour'", "colour", "a case has id, prompt"),
    ({"id": ...}, "'id' is missing", "", "id of its own"),
    ({"id": ""}, "a task needs an id", "id", ""),
    ({"id": "  "}, "a task needs an id", "id", ""),
    ({"prompt": ...}, "either a prompt or messages", "", '"prompt": "..."'),
    ({"messages": ["x"]}, "either a prompt or messages", "", '"messages"'),
    ({"prompt": 5}, "expected a text or a list of messages", "prompt", ""),
    ({"prompt": []}, "expected a text or a list of messages", "prompt", ""),
    ({"prompt": [5]}, "expected a message with role and content", "prompt[0]", ""),
    ({"prompt": [{"role": "judge", "content": "x"}]}, "there is no role 'judge'", "prompt[0].role", "system, user"),
    ({"prompt": ["x", {"content": 5}]}, "a text or a list of parts", "prompt[1].content", ""),
    ({"prompt": [{"content": ["x"]}]}, "a part with text or image_url", "prompt[0].content[0]", ""),
    ({"prompt": [{"content": [{"text": "x"}, {"audio": "y"}]}]}, "a part with text or image_url", "prompt[0].content[1]", ""),
    ({"media": "a.png"}, "expected a list", "media", ""),
    ({"references": "Paris"}, "valid tuple", "references", ""),
    ({"references": [5]}, "expected a text", "references[0]", "--fetch HOST"),
    ({"context": 5}, "valid string", "context", ""),
    ({"tags": "x"}, "valid tuple", "tags", ""),
    ({"rubric": ...}, "the case has no rubric", "", "--rubric FILE"),
    ({"rubric": 5}, "expected a rubric", "rubric", "the list of criteria"),
    ({"rubric": None}, "expected a rubric", "rubric", "the list of criteria"),
    ({"rubric": {}}, "needs a list of criteria", "rubric.criteria", ""),
    ({"rubric": {"criteria": ["a", 5]}}, "expected a criterion", "rubric.criteria[1]", '"text"'),
    ({"rubric": ["a", {"text": "x", "scale": "wat"}]}, "there is no scale 'wat'", "rubric[1].scale", "likert"),
    ({"rubric": {"criteria": [{"text": "x", "wieght": 1}]}}, "unknown key 'wieght'", "rubric.criteria[0].wieght", "weight"),
    ({"responses": "x"}, "expected a list", "responses", ""),
    ({"responses": [5]}, "expected a response", "responses[0]", '"text"'),
    ({"responses": ["a", {}]}, "either a text or messages", "responses[1]", ""),
    ({"responses": [{"text": "a", "messages": ["b"]}]}, "either a text or messages", "responses[0]", ""),
    ({"responses": [{"text": 5}]}, "expected a text or a list of messages", "responses[0].text", ""),
    ({"responses": [{"id": " ", "text": "a"}]}, "a response needs an id", "responses[0].id", ""),
    ({"responses": [{"text": "a", "system": 5}]}, "valid string", "responses[0].system", ""),
    ({"responses": [{"text": "a", "sytem": "s"}]}, "unknown key 'sytem'", "responses[0].sytem", "did you mean 'system'?"),
    (
        {"responses": [{"id": "a", "text": "x"}, {"id": "a", "text": "y"}]},
        "two responses of task 'bad' have the id 'a'",
        "responses[1].id",
        "",
    ),
    ({"responses": [{"text": "a", "verdicts": 5}]}, "expected verdicts", "responses[0].verdicts", '"c1"'),
    ({"responses": [{"text": "a", "verdicts": {"c9": 1}}]}, "no criterion 'c9'", "responses[0].verdicts[0].criterion", ""),
    ({"responses": [{"text": "a", "verdicts": {"c1": "maybe"}}]}, "'maybe' is not a value", "responses[0].verdicts[0].value", ""),
    ({"responses": [{"text": "a", "verdicts": {"c1": 0.5}}]}, "0.5 is not a value of this scale", "responses[0].verdicts[0].value", ""),
    ({"responses": [{"text": "a", "verdicts": [{"value": 1}]}]}, "'criterion' is missing", "responses[0].verdicts[0]", "a verdict is"),
    (
        {"responses": [{"text": "a", "verdicts": {"c1": {"state": "lost"}}}]},
        "no state 'lost'",
        "responses[0].verdicts[0].state",
        "abstained",
    ),
    (
        {"responses": [{"text": "a", "verdicts": {"c1": {"state": "failed", "cause": "x"}}}]},
        "no cause 'x'",
        "responses[0].verdicts[0].cause",
        "timeout",
    ),
    (
        {"responses": [{"text": "a", "verdicts": {"c1": {"value": 1, "state": "failed"}}}]},
        "goes with the state decided",
        "responses[0].verdicts[0].value",
        "",
    ),
    ({"responses": [{"text": "a", "verdicts": {"c1": {"value": 1, "why": "w"}}}]}, "unknown key 'why'", "responses[0].verdicts[0].why", ""),
]


@pytest.mark.parametrize(("change", "says", "path", "hint"), CASES, ids=[repr(c[0])[:70] for c in CASES])
def test_a_fault_in_a_case_is_told(change: dict[str, Any], says: str, path: str, hint: str, tmp_path: Path) -> None:
    good = {"id": "good", "prompt": "p", "rubric": ["a"], "responses": ["x"]}
    bad = {k: v for k, v in {**good, "id": "bad", **change}.items() if v is not ...}
    file = write(tmp_path, "c.jsonl", [good, {**good, "id": "2"}, bad])
    with pytest.raises(FormatError, match=says) as caught:
        read_cases(file)
    assert_told(caught, file, 3, path, hint)


LINES = [
    (read_responses, {"text": "x"}, "'task' is missing", "", '"task"'),
    (read_responses, {"task": "zz", "text": "x"}, "no task 'zz'", "task", ""),
    (read_responses, {"task": "t"}, "either a text or messages", "", ""),
    (read_responses, {"task": "t", "text": "x", "modle": "m"}, "unknown key 'modle'", "modle", ""),
    (read_verdicts, {"response": "r", "value": 1}, "'criterion' is missing", "", "a verdict is"),
    (read_verdicts, {"response": "r9", "criterion": "c1", "value": 1}, "no response 'r9'", "response", ""),
    (read_verdicts, {"response": "r", "task": "z", "criterion": "c1", "value": 1}, "no response 'r' of task 'z'", "response", ""),
    (read_verdicts, {"response": "r", "criterion": "zz", "value": 1}, "no criterion 'zz' for response 'r'", "criterion", ""),
    (read_verdicts, {"response": "r", "criterion": "c1", "value": "sure"}, "'sure' is not a value", "value", ""),
    (read_verdicts, {"response": "r", "criterion": "c1", "value": [1]}, "list is not a value", "value", ""),
    (read_verdicts, {"response": "r", "criterion": "c1", "value": 2}, "2 is not a value of this scale", "value", ""),
    (read_verdicts, {"response": "r", "criterion": "c1", "state": "decided"}, "goes with the state decided", "value", ""),
    (read_verdicts, {"response": "r", "criterion": "c1", "value": 1, "score": 3}, "unknown key 'score'", "score", ""),
    (read_verdicts, {"response": "r", "criterion": "c1", "value": 1, "repeat": "x"}, "valid integer", "repeat", ""),
    (read_verdicts, {"response": "r", "criterion": "c1", "value": 1, "probs": "x"}, "valid tuple", "probs", ""),
]


@pytest.mark.parametrize(("reader", "bad", "says", "path", "hint"), LINES, ids=[repr(c[1])[:60] for c in LINES])
def test_a_fault_in_a_line_of_responses_or_verdicts_is_told(reader: Any, bad: Any, says: str, path: str, hint: str, tmp_path: Path) -> None:
    known = [case("a", responses=[answer(identity="r")])]
    good = {"task": "t", "text": "x"} if reader is read_responses else {"response": "r", "criterion": "c1", "value": 1}
    file = write(tmp_path, "lines.jsonl", [good, bad])
    with pytest.raises(FormatError, match=says) as caught:
        reader(file, known)
    assert_told(caught, file, 2, path, hint)


def test_two_cases_with_one_id_are_refused(tmp_path: Path) -> None:
    one = {"id": "same", "prompt": "p", "rubric": ["a"]}
    with pytest.raises(FormatError, match="'same' occurs twice") as caught:
        read_cases(write(tmp_path, "c.jsonl", [one, one]))
    assert (caught.value.path, caught.value.hint) == ("case 2", "give each case its own id")


@pytest.mark.parametrize("name", ["c.json", "c.jsonl", "c.yaml"])
def test_what_is_no_object_is_told_by_what_it_is(name: str, tmp_path: Path) -> None:
    for value, says in (([1], "a number"), (["x"], "a text"), ([[]], "a list"), ([None], "null"), ([True], "true or false")):
        with pytest.raises(FormatError, match=f"expected an object, found {says}"):
            read_cases(write(tmp_path, name, value))


# ------------------------------------------------------------------------------------------------------------------- lines, paths and types


@pytest.mark.parametrize(
    "whole",
    [
        pytest.param(["a", {"text": "x", "weight": "heavy"}], id="list"),
        pytest.param({"rubric": {"criteria": ["a", {"text": "x", "weight": "heavy"}]}}, id="wrapped"),
        pytest.param({"id": "t", "prompt": "p", "rubric": ["a", {"text": "x", "weight": "heavy"}]}, id="case"),
    ],
)
def test_the_line_of_a_fault_is_found_in_short_and_wrapped_rubrics(whole: Any, tmp_path: Path) -> None:
    file = write(tmp_path, "r.json", whole)
    with pytest.raises(FormatError, match="valid number") as caught:
        read_rubric(file)
    assert caught.value.line == place(file.read_text(), '"weight"')


def test_a_leaf_with_a_weight_below_0_is_a_fault_in_a_tree(tmp_path: Path) -> None:
    criteria = [{"text": "a", "weight": -1}, {"text": "b", "weight": 2}]
    found = read_rubric(write(tmp_path, "r.json", {"criteria": criteria, "tree": {"id": "n", "children": ["c1", "c2"]}}))
    assert [c.is_fault for c in found.criteria] == [True, False]


@pytest.mark.parametrize("several", [False, True])
def test_the_line_of_a_fault_in_a_case_of_several_lines_is_the_values(several: bool, tmp_path: Path) -> None:
    good = {"id": "1", "prompt": "p", "rubric": ["a"]}
    bad = {"id": "2", "prompt": "p", "rubric": [{"text": "x", "weight": "heavy"}]}
    file = write(tmp_path, "c.json", [good, bad] if several else bad)
    with pytest.raises(FormatError, match="valid number") as caught:
        read_cases(file)
    assert caught.value.line == place(file.read_text(), '"weight"')


@pytest.mark.parametrize("name", ["c.yaml", "c.yaml.gz"])
def test_yaml_tells_the_line_of_the_faulty_value_too(name: str, tmp_path: Path) -> None:
    text = "- {id: 1, prompt: p, rubric: [a]}\n- id: 2\n  prompt: p\n  rubric:\n  - text: x\n    weight: heavy\n"
    with pytest.raises(FormatError, match="valid number") as caught:
        read_cases(write(tmp_path, name, text))
    assert (caught.value.line, caught.value.path) == (6, "rubric[0].weight")


@pytest.mark.parametrize("change", [{"kind": 5}, {"kind": "regex", "options": 5}], ids=str)
def test_of_a_condition_the_fault_is_told_of_the_form_that_it_has(change: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(FormatError) as caught:
        read_rubric(write(tmp_path, "r.json", {"criteria": [{"text": "x", "applies_when": change}]}))
    assert caught.value.path == f"criteria[0].applies_when.{list(change)[-1]}"


def test_the_line_of_what_is_no_object_is_its_own(tmp_path: Path) -> None:
    file = write(tmp_path, "c.json", [{"id": "1", "prompt": "p", "rubric": ["a"]}, 5])
    with pytest.raises(FormatError, match="found a number") as caught:
        read_cases(file)
    assert caught.value.path == "[1]"
    assert caught.value.line == place(file.read_text(), " 5")


@pytest.mark.parametrize(
    "change",
    [
        {"responses": [{"text": "a", "verdicts": ["c1"]}]},
        {"responses": [{"text": "a", "verdicts": [5]}]},
        {"responses": [{"text": "a", "verdicts": {"c1": {"state": []}}}]},
    ],
    ids=str,
)
def test_verdicts_of_the_wrong_type_are_format_errors(change: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(FormatError):
        read_cases(write(tmp_path, "c.json", {"id": "t", "prompt": "p", "rubric": ["a"], **change}))


def test_a_state_of_the_wrong_type_is_a_format_error(tmp_path: Path) -> None:
    with pytest.raises(FormatError):
        read_verdicts(write(tmp_path, "v.jsonl", {"response": "r", "criterion": "c1", "state": []}), [case("a")])


def test_two_responses_with_one_id_are_told_with_the_file(tmp_path: Path) -> None:
    file = write(tmp_path, "r.jsonl", [{"task": "t", "id": "a", "text": "x"}] * 2)
    with pytest.raises(FormatError, match="have the id 'a'") as caught:
        read_responses(file, [case("a", of=task())])
    assert (caught.value.file, caught.value.line) == (str(file), 2)


@pytest.mark.parametrize(("given", "path"), [({"text": 5}, "text"), ({"messages": [5]}, "messages[0]")])
def test_a_path_does_not_begin_with_a_dot(given: dict[str, Any], path: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError) as caught:
        read_responses(write(tmp_path, "r.jsonl", {"task": "t", **given}), [case("a")])
    assert caught.value.path == path


def test_an_unknown_key_in_capitals_is_in_the_path(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="unknown key 'Weight'") as caught:
        read_rubric(write(tmp_path, "r.json", {"criteria": [{"text": "x", "Weight": 1}]}))
    assert caught.value.path == "criteria[0].Weight"


def test_the_hint_of_an_unknown_key_names_keys_of_that_object(tmp_path: Path) -> None:
    with pytest.raises(FormatError) as caught:
        read_verdicts(write(tmp_path, "v.jsonl", {"response": "r", "criterion": "c1", "value": 1, "qqq": 1}), [case("a")])
    assert "reason" in caught.value.hint
    assert "all_or_nothing" not in caught.value.hint
