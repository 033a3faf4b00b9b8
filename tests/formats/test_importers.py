"""What each benchmark's own file becomes, field by field, on small files of our own writing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from criterial.core.criterion import Criterion, Source
from criterial.core.rubric import Node, Policy
from criterial.core.scale import Choice, Level, Likert, Numeric, Ordinal
from criterial.core.task import Case, Message
from criterial.core.verdict import State
from criterial.errors import FormatError
from criterial.formats.load import read_cases
from tests.formats.samples import (
    AUTORUBRIC,
    BIGGEN,
    GRADED,
    HEALTHBENCH,
    INFOBENCH,
    PROFESSIONAL,
    PROMETHEUS,
    REALSUMM,
    UNGRADED,
    folder,
    leaf,
    tree,
)
from tests.helpers_files import write


def read(where: Path, content: Any, ending: str = ".jsonl") -> list[Case]:
    """Write content to a file and read it."""
    return read_cases(write(where, f"set{ending}", content))


def marks(case: Case) -> list[tuple[str, str, str, float | None, str]]:
    """Return a case's verdicts in short."""
    return [(v.response, v.criterion, v.state.name, v.value, v.cause) for v in case.verdicts]


# ---------------------------------------------------------------------------------------------------------------- HealthBench


def test_a_healthbench_line_is_a_conversation_with_signed_criteria(tmp_path: Path) -> None:
    (made,) = read(tmp_path, HEALTHBENCH)
    assert (made.task.id, made.task.tags) == ("h1", ("theme:aches",))
    assert made.task.messages == (Message("user", "My head aches."), Message("assistant", "Since when?"), Message("user", "Today."))
    first, second = made.rubric.criteria
    assert (first.id, first.text, first.weight, first.category) == ("c1", "Asks about fever", 5.0, ("completeness",))
    assert first.tags == ("level:example", "axis:completeness")
    assert (second.id, second.weight, second.category, second.tags) == ("c2", -3.0, (), ())
    assert made.rubric.policy == Policy("weighted", {"clip": "mean", "negative_only": False})
    assert made.rubric.source == Source("HealthBench")
    assert [(r.id, r.system, r.text) for r in made.responses] == [
        ("h1/ideal", "ideal", "Do you have a fever?"),
        ("h1/reference-1", "reference-1", "Rest."),
        ("h1/reference-2", "reference-2", "Drink."),
    ]
    assert made.verdicts == ()


@pytest.mark.parametrize(
    "data", [None, {}, {"ideal_completion": None, "ideal_completions_ref_completions": None}, {"ideal_completion": ""}]
)
def test_a_healthbench_line_without_completions_has_no_responses(data: Any, tmp_path: Path) -> None:
    assert read(tmp_path, {**HEALTHBENCH, "ideal_completions_data": data})[0].responses == ()


def test_the_professional_variant_has_other_keys(tmp_path: Path) -> None:
    (made,) = read(tmp_path, PROFESSIONAL)
    assert (made.task.id, made.task.messages) == ("p1", (Message("user", "My head aches."),))
    assert [(c.text, c.weight) for c in made.rubric.criteria] == [("Asks about fever", 5.0)]


# ---------------------------------------------------------------------------------------------------------------- PaperBench


def test_an_ungraded_tree_is_a_rubric_without_responses(tmp_path: Path) -> None:
    (made,) = read(tmp_path, UNGRADED, ".json")
    assert made.rubric.tree == Node("top", "Reproduce the paper", 1.0, ("one", Node("inner", "Inside", 1.0, ("two", "three"))))
    assert [(c.id, c.weight, c.category) for c in made.rubric.criteria] == [
        ("one", 1.0, ("Code Development",)),
        ("two", 3.0, ("Code Development",)),
        ("three", 1.0, ("Code Development",)),
    ]
    assert (made.rubric.policy, made.rubric.title, made.task.tags) == (Policy("tree"), "set", ("paper:set",))
    assert (made.task.id, made.task.messages[0].content) == ("top", "Reproduce the paper")
    assert (made.responses, made.verdicts) == ((), ())


def test_a_graded_tree_carries_its_leaves_as_verdicts_and_an_invalid_one_as_failed(tmp_path: Path) -> None:
    (made,) = read(tmp_path, GRADED, ".json")
    assert marks(made) == [
        ("top/graded", "one", "DECIDED", 1.0, ""),
        ("top/graded", "two", "DECIDED", 0.0, ""),
        ("top/graded", "three", "FAILED", None, "malformed"),
    ]
    assert made.verdicts[0].reason == "there"
    assert {v.judge for v in made.verdicts} == {"graded"}
    assert read(tmp_path, UNGRADED, ".json")[0].rubric.digest == made.rubric.digest


def test_a_tree_that_is_one_leaf_gets_a_root(tmp_path: Path) -> None:
    (made,) = read(tmp_path, leaf("only", score=1), ".json")
    assert made.rubric.tree == Node("only/paperbench", children=("only",))
    assert marks(made) == [("only/graded", "only", "DECIDED", 1.0, "")]


def test_a_leaf_with_a_fraction_is_a_number_and_the_others_stay_yes_or_no(tmp_path: Path) -> None:
    (made,) = read(tmp_path, tree(leaf("a", score=0.25), leaf("b", score=1), score=0.6), ".json")
    assert [c.scale.type for c in made.rubric.criteria] == ["numeric", "binary"]
    assert made.rubric.criteria[0].scale == Numeric(0.0, 1.0)
    assert [v.value for v in made.verdicts] == [0.25, 1.0]


def test_a_finer_category_is_below_the_broad_one(tmp_path: Path) -> None:
    (made,) = read(tmp_path, tree(leaf("a", finegrained_task_category="Setup")), ".json")
    assert made.rubric.criteria[0].category == ("Code Development", "Setup")


@pytest.mark.parametrize(
    ("content", "says", "path"),
    [
        (tree(leaf("a"), score=1.0), "'score' is missing", "sub_tasks[0]"),
        (tree({"id": "a", "weight": 1, "sub_tasks": []}), "'requirements' is missing", "sub_tasks[0]"),
        (tree(leaf("a", weight="2")), "expected a number", "sub_tasks[0].weight"),
        (tree(leaf("a", weight=True)), "expected a number", "sub_tasks[0].weight"),
        (tree(leaf("a"), tree(leaf("b"), 5, id="in")), "expected a node", "sub_tasks[1].sub_tasks[1]"),  # type: ignore[arg-type]
        (tree(leaf("a"), id=5), "expected text", "id"),
    ],
    ids=["score", "requirements", "text", "bool", "node", "id"],
)
def test_a_fault_in_a_tree_is_found_by_its_path(content: Any, says: str, path: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=says) as caught:
        read(tmp_path, content, ".json")
    assert caught.value.path == path


def test_a_leaf_that_stands_twice_counts_twice(tmp_path: Path) -> None:
    (made,) = read(tmp_path, tree(leaf("a"), tree(leaf("a"), id="in")), ".json")
    assert len(made.rubric.criteria) == 2


def test_the_places_of_a_leaf_have_ids_and_marks_of_their_own(tmp_path: Path) -> None:
    (made,) = read(tmp_path, tree(leaf("a", score=1), tree(leaf("a", score=0), id="in"), score=0.5), ".json")
    assert [(v.criterion, v.value) for v in made.verdicts] == [("a", 1.0), ("a#2", 0.0)]
    assert made.rubric.tree == Node("top", "Reproduce the paper", 1.0, ("a", Node("in", "Reproduce the paper", 1.0, ("a#2",))))


@pytest.mark.parametrize("score", [7, -1, 1.5])
def test_a_score_outside_the_scale_is_refused(score: float, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="score"):
        read(tmp_path, tree(leaf("a", score=score), score=1.0), ".json")


# ---------------------------------------------------------------------------------------------------------------- InFoBench


def test_an_infobench_line_is_questions_with_verdicts_of_which_null_is_an_abstention(tmp_path: Path) -> None:
    (made,) = read(tmp_path, INFOBENCH)
    assert (made.task.id, made.task.messages[0].content) == ("i1", "Write a title.\n\nOn avocados.")
    assert made.task.tags == ("subset:Easy_set", "category:Blog")
    assert [(c.id, c.text, c.category) for c in made.rubric.criteria] == [
        ("q1", "Is it a title?", ("Format",)),
        ("q2", "Is it short?", ("Number",)),
        ("q3", "Is it about avocados?", ("Content",)),
    ]
    assert made.rubric.criteria[1].tags == ("label:Number", "label:Style")
    assert marks(made) == [
        ("i1/output", "q1", "DECIDED", 1.0, ""),
        ("i1/output", "q2", "DECIDED", 0.0, ""),
        ("i1/output", "q3", "ABSTAINED", None, "cannot_assess"),
    ]


@pytest.mark.parametrize("given", [[True, False], [True] * 4, []])
def test_verdicts_in_another_number_than_questions_have_all_failed(given: list[bool], tmp_path: Path) -> None:
    (made,) = read(tmp_path, {**INFOBENCH, "eval": given})
    assert {(v.state, v.cause, v.reason) for v in made.verdicts} == {(State.FAILED, "malformed", f"{len(given)} verdicts for 3 questions")}
    assert len(made.verdicts) == 3


@pytest.mark.parametrize(("given", "path"), [(5, "eval"), ([1, True, None], "eval[0]"), ([True, "yes", None], "eval[1]")])
def test_what_is_no_verdict_is_refused(given: Any, path: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError) as caught:
        read(tmp_path, {**INFOBENCH, "eval": given})
    assert (caught.value.path, caught.value.line) == (path, 1)


def test_an_instruction_without_output_or_verdicts_is_read(tmp_path: Path) -> None:
    bare = {k: v for k, v in INFOBENCH.items() if k not in ("output", "eval", "input", "question_label")}
    (made,) = read(tmp_path, bare)
    assert (made.responses, made.verdicts, made.task.messages[0].content) == ((), (), "Write a title.")
    (made,) = read(tmp_path, {**bare, "output": "x", "model": "m"})
    assert (made.responses[0].system, made.verdicts) == ("m", ())


# ---------------------------------------------------------------------------------------------------------------- Prometheus, BiGGen-Bench


def test_a_prometheus_line_is_five_levels_with_one_repeat_a_score(tmp_path: Path) -> None:
    (made,) = read(tmp_path, PROMETHEUS)
    assert (made.task.id, made.task.references, made.task.tags) == ("v-1", ("Make a plan.",), ("set:own", "category:generic"))
    assert made.rubric.criteria == (Criterion("score", "Is it useful?", Likert(5, tuple(f"level {n}" for n in range(1, 6)))),)
    assert [(v.value, v.repeat, v.reason, v.judge) for v in made.verdicts] == [
        (3.0, 0, "so", "gpt4"),
        (4.0, 1, "well", "gpt4"),
        (3.0, 2, "so", "gpt4"),
    ]
    assert [(r.id, r.system) for r in made.responses] == [("v-1/m", "m")]


def test_the_lines_of_one_item_are_one_case_and_other_items_under_its_id_are_others(tmp_path: Path) -> None:
    lines = [
        PROMETHEUS,
        {**PROMETHEUS, "model": "n", "gpt4_scores": [5]},
        {**PROMETHEUS, "task": "Another"},
        {**PROMETHEUS, "criterion": "Another?"},
    ]
    made = read(tmp_path, lines)
    assert [(c.task.id, [r.system for r in c.responses]) for c in made] == [("v-1", ["m", "n"]), ("v-1#2", ["m"]), ("v-1#3", ["m"])]
    assert [v.value for v in made[0].verdicts] == [3.0, 4.0, 3.0, 5.0]


def test_a_biggen_line_has_a_system_prompt_and_no_response(tmp_path: Path) -> None:
    (made,) = read(tmp_path, BIGGEN)
    assert made.task.messages == (Message("system", "You plan."), Message("user", "Plan a day."))
    assert (made.task.references, made.task.tags) == (("Sleep in.",), ("capability:planning",))
    assert made.rubric.criteria[0].scale == Likert(5, tuple(f"level {n}" for n in range(1, 6)))
    assert made.responses == ()
    (scored,) = read(tmp_path, {**BIGGEN, "response": "Rest.", "score": 4})
    assert [v.value for v in scored.verdicts] == [4.0]
    assert (made.rubric.source, read(tmp_path, PROMETHEUS)[0].rubric.source) == (Source("BiGGen-Bench"), Source("Prometheus"))


@pytest.mark.parametrize("score", [0, 6, 2.5, True, "3", None])
def test_a_score_that_is_none_of_the_five_points_is_refused(score: Any, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="1 to 5 was expected") as caught:
        read(tmp_path, [PROMETHEUS, {**PROMETHEUS, "item_id": "2", "gpt4_scores": [score]}])
    assert (caught.value.path, caught.value.line) == ("scores", 2)


def test_a_score_without_feedback_is_kept(tmp_path: Path) -> None:
    (made,) = read(tmp_path, {**PROMETHEUS, "gpt4_feedback": ["so"]})
    assert [(v.value, v.reason) for v in made.verdicts] == [(3.0, "so"), (4.0, ""), (3.0, "")]


def test_two_responses_of_a_model_to_one_item_are_refused_at_the_second(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="two responses of model 'm'") as caught:
        read(tmp_path, [PROMETHEUS, PROMETHEUS])
    assert (caught.value.line, caught.value.path) == (2, "model")


@pytest.mark.parametrize("part", ["documents", "summaries"])
def test_a_row_that_stands_twice_is_refused_with_its_line(part: str, tmp_path: Path) -> None:
    where = folder(tmp_path / "set", **{part: [*REALSUMM[part][:1]] * 2})
    with pytest.raises(FormatError, match="occurs twice") as caught:
        read_cases(where)
    assert (caught.value.file, caught.value.line) == (str(where / f"{part}.jsonl"), 2)


def test_the_line_of_a_fault_is_its_own(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="1 to 5") as caught:
        read(tmp_path, [PROMETHEUS, {**PROMETHEUS, "model": "n", "gpt4_scores": [9]}])
    assert caught.value.line == 2


def test_a_level_that_is_not_described_is_refused(tmp_path: Path) -> None:
    levels = {k: v for k, v in BIGGEN["score_rubric"].items() if k != "score4_description"}  # type: ignore[attr-defined]
    with pytest.raises(FormatError, match="'score4_description' is missing") as caught:
        read(tmp_path, {**BIGGEN, "score_rubric": levels})
    assert caught.value.path == "score_rubric"


# ---------------------------------------------------------------------------------------------------------------- autorubric


@pytest.mark.parametrize("ending", [".json", ".yaml"])
def test_items_of_one_prompt_and_rubric_are_one_case(ending: str, tmp_path: Path) -> None:
    (made,) = read(tmp_path, AUTORUBRIC, ending)
    assert (made.task.id, made.task.messages[0].content, made.task.references) == ("set", "Explain rain.", ("Water falls.",))
    assert [c.id for c in made.rubric.criteria] == ["wet", "c2"]
    assert [(r.id, r.text, r.system) for r in made.responses] == [("item-1", "Water falls.", "set"), ("item-2", "Magic.", "set")]
    assert marks(made) == [
        ("item-1", "wet", "DECIDED", 1.0, ""),
        ("item-1", "c2", "DECIDED", 1.0, ""),
        ("item-2", "wet", "ABSTAINED", None, "cannot_assess"),
        ("item-2", "c2", "DECIDED", 0.0, ""),
    ]
    assert [v.reason for v in made.verdicts] == ["yes", "", "", ""]


@pytest.mark.parametrize(
    ("own", "prompt", "references", "criteria"),
    [
        ({"prompt": "Another"}, "Another", ("Water falls.",), ["wet", "c2"]),
        ({"reference_submission": "Other"}, "Explain rain.", ("Other",), ["wet", "c2"]),
        ({"rubric": [{"name": "own", "requirement": "x"}], "ground_truth": ["UNMET"]}, "Explain rain.", ("Water falls.",), ["own"]),
    ],
    ids=["prompt", "reference", "rubric"],
)
def test_an_item_with_something_of_its_own_is_a_case_of_its_own(
    own: Any, prompt: str, references: Any, criteria: list[str], tmp_path: Path
) -> None:
    items = [AUTORUBRIC["items"][0], {**AUTORUBRIC["items"][1], **own}]  # type: ignore[index]
    alone, shared = read(tmp_path, {**AUTORUBRIC, "items": items}, ".json")
    assert (shared.task.id, [r.id for r in shared.responses]) == ("set", ["item-1"])
    assert (alone.task.id, alone.task.messages[0].content, alone.task.references) == ("set/2", prompt, references)
    assert [c.id for c in alone.rubric.criteria] == criteria
    assert {v.task for v in alone.verdicts} == {"set/2"}


def test_items_may_bring_all_rubrics(tmp_path: Path) -> None:
    items = [{"submission": "s", "rubric": [{"requirement": f"r{i}"}], "ground_truth": ["MET"]} for i in range(2)]
    made = read(tmp_path, {"prompt": "p", "items": items}, ".json")
    assert [c.rubric.criteria[0].text for c in made] == ["r0", "r1"]
    assert [c.task.id for c in made] == ["set/1", "set/2"]


@pytest.mark.parametrize("word", ["CANNOT_ASSESS", "cannot assess", "NA", "n/a"])
def test_words_for_not_knowing_are_abstentions(word: str, tmp_path: Path) -> None:
    (made,) = read(tmp_path, {**AUTORUBRIC, "items": [{"submission": "s", "ground_truth": [word, word]}]}, ".json")
    assert {v.state for v in made.verdicts} == {State.ABSTAINED}


@pytest.mark.parametrize(("kind", "scale"), [("ordinal", Ordinal), ("nominal", Choice)])
def test_options_are_levels_with_their_values_as_credit(kind: str, scale: Callable[..., Any], tmp_path: Path) -> None:
    options = [{"label": "a", "value": 1.0}, {"label": "b", "value": 0.25}, {"label": "none", "na": True}]
    data = {
        "prompt": "p",
        "rubric": [{"requirement": "x", "scale_type": kind, "options": options}],
        "items": [{"submission": "s", "ground_truth": ["b"]}],
    }
    (made,) = read(tmp_path, data, ".json")
    assert made.rubric.criteria[0].scale == scale((Level("a", credit=1.0), Level("b", credit=0.25)))
    assert made.verdicts[0].value == 1.0


def test_the_mark_of_the_option_for_not_applicable_is_not_applicable(tmp_path: Path) -> None:
    options = [{"label": "a", "value": 1.0}, {"label": "b", "value": 0.0}, {"label": "does not matter", "na": True}]
    data = {
        "prompt": "p",
        "rubric": [{"requirement": "x", "options": options}],
        "items": [{"submission": "s", "ground_truth": ["does not matter"]}],
    }
    (made,) = read(tmp_path, data, ".json")
    assert made.verdicts[0].state == State.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("items", "says", "path"),
    [
        ([{"submission": "s", "ground_truth": ["MET"]}], "expected 2 verdicts, one a criterion", "items[0].ground_truth"),
        ([{"submission": "s", "ground_truth": ["MET", "mid"]}], "'mid' is not a value", "items[0].ground_truth[1]"),
        ([{"submission": "s"}, {"submission": 5}], "expected text", "items[1].submission"),
        ([{"submission": "s"}, {}], "'submission' is missing", "items[1]"),
        ([{"submission": "s"}, 5], "expected an item", "items[1]"),
        ([{"submission": "s", "rubric": 5}], "expected a list of criteria", "items[0].rubric"),
    ],
    ids=["number", "value", "type", "missing", "item", "rubric"],
)
def test_a_fault_in_an_item_is_found_by_its_path(items: Any, says: str, path: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=says) as caught:
        read(tmp_path, {**AUTORUBRIC, "items": items}, ".json")
    assert caught.value.path == path


def test_items_without_any_rubric_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="no rubric, neither here nor for the whole file"):
        read(tmp_path, {"items": [{"submission": "s"}]}, ".json")


# ---------------------------------------------------------------------------------------------------------------- REALSumm


@pytest.mark.parametrize("packed", [False, True])
def test_a_realsumm_folder_is_documents_with_votes_on_content_units(packed: bool, tmp_path: Path) -> None:
    where = folder(tmp_path / "set")
    if packed:
        for path in list(where.iterdir()):
            write(where, f"{path.name}.gz", path.read_bytes())
            path.unlink()
    (made,) = read_cases(where)
    assert (made.task.id, made.task.tags) == ("d1", ("set:realsumm",))
    assert [c.text for c in made.rubric.criteria] == ["The response states that: A cat sat.", "The response states that: It rained."]
    assert [(r.id, r.system, r.text) for r in made.responses] == [
        ("d1/abs:one", "abs:one", "The cat sat."),
        ("d1/ext:two", "ext:two", "Rain."),
    ]
    assert marks(made) == [("d1/abs:one", "d1-1", "DECIDED", 1.0, ""), ("d1/abs:one", "d1-2", "DECIDED", 0.0, "")]
    assert [(v.reason, v.judge) for v in made.verdicts] == [("2 of 3 people", "crowd"), ("", "crowd")]


@pytest.mark.parametrize(
    ("part", "key"), [("documents", "criteria"), ("summaries", "summary"), ("verdicts", "present"), ("verdicts", "doc_id")]
)
def test_a_key_missing_in_a_part_is_told_with_that_parts_name_and_line(part: str, key: str, tmp_path: Path) -> None:
    rows = [REALSUMM[part][0], {k: v for k, v in REALSUMM[part][0].items() if k != key}]
    where = folder(tmp_path / "set", **{part: rows})
    with pytest.raises(FormatError, match=f"'{key}' is missing") as caught:
        read_cases(where)
    assert (caught.value.file, caught.value.line) == (str(where / f"{part}.jsonl"), 2)


# ----------------------------------------------------------------------------------------------------------------- values of the wrong type

HALF = {"criterion": "x", "points": 1}
WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("health.jsonl", {**HEALTHBENCH, "example_tags": None}, "null for example_tags"),
    ("health.jsonl", {**HEALTHBENCH, "example_tags": 5}, "a number for example_tags"),
    ("health.jsonl", {**HEALTHBENCH, "ideal_completions_data": 5}, "a number for the completions' data"),
    ("health.jsonl", {**HEALTHBENCH, "ideal_completions_data": {"ideal_completions_ref_completions": 5}}, "a number for completions"),
    ("health.jsonl", {**HEALTHBENCH, "rubrics": [{**HALF, "tags": 5}]}, "a number for a criterion's tags"),
    ("info.jsonl", {**INFOBENCH, "question_label": 5}, "a number for question_label"),
    ("prom.jsonl", {**PROMETHEUS, "gpt4_scores": 5}, "a number for scores"),
    ("prom.jsonl", {**PROMETHEUS, "gpt4_feedback": 5}, "a number for feedback"),
    ("paper.json", {**UNGRADED, "sub_tasks": 5}, "a number for sub_tasks"),
    ("auto.json", {**AUTORUBRIC, "rubric": {"sections": 5}}, "a number for sections"),
    ("auto.json", {**AUTORUBRIC, "rubric": [{"requirement": "x", "options": [{"value": 1}, {"value": 0}]}]}, "options without labels"),
]


@pytest.mark.parametrize(("name", "content", "what"), WRONG, ids=[w[2] for w in WRONG])
def test_a_part_of_the_wrong_type_is_a_format_error(name: str, content: Any, what: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError):
        read_cases(write(tmp_path, name, content))


ROWS: list[tuple[str, dict[str, Any]]] = [
    ("documents", {"criteria": 5}),
    ("documents", {"criteria": [5]}),
    ("documents", {"criteria": [["d1-1"]]}),
    ("documents", {"criteria": [["d1-1", 5]]}),
    ("documents", {"doc_id": []}),
    ("summaries", {"summary": 5}),
    ("summaries", {"doc_id": []}),
    ("verdicts", {"present": "x"}),
    ("verdicts", {"present": None}),
    ("verdicts", {"present": 7}),
    ("verdicts", {"votes": 5}),
    ("verdicts", {"votes": ["a"]}),
    ("verdicts", {"criterion_id": "of no document"}),
]


@pytest.mark.parametrize(("part", "change"), ROWS, ids=[json.dumps(r[1]) for r in ROWS])
def test_a_row_of_the_wrong_type_is_a_format_error(part: str, change: dict[str, Any], tmp_path: Path) -> None:
    rows = [{**REALSUMM[part][0], **change}]
    with pytest.raises(FormatError):
        read_cases(folder(tmp_path / "set", **{part: rows}))
