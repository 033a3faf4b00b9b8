"""criterial.formats.targets: what another format can hold comes back equal, and all else is told."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from criterial.core.criterion import Check, Criterion, Evidence, Example, Source
from criterial.core.digest import plain
from criterial.core.rubric import Node, Policy, Rubric
from criterial.core.scale import Binary, Choice, Level, Likert, Numeric, Ordinal
from criterial.core.task import Case, Message, Task
from criterial.core.verdict import State, Verdict
from criterial.errors import ConfigError, FormatError
from criterial.formats.healthbench import POLICY
from criterial.formats.load import read_cases, read_rubric
from criterial.formats.targets import TARGETS, target_of, write_target
from tests.formats.samples import AUTORUBRIC, HEALTHBENCH
from tests.helpers_files import answer, case, cases, finite, names, rubrics, shares, texts, write

RICH = Rubric(
    (
        Criterion("a", "Says so", weight=2.0, category=("facts",), evidence=()),
        Criterion("b", "Is long", check=Check("length", {"min": 9}), requires=("a",), category=("form", "size")),
        Criterion("c", "Is kind", Ordinal((Level("rude", "no smile"), Level("kind", credit=0.9))), -1.0),
        Criterion("d", "Errors", Numeric(0.0, 9.0, True), 2.0, effect="deduct", cap=3.0),
        Criterion("e", "Is safe", effect="gate"),
        Criterion("f", "Tone", Likert(3)),
        Criterion("g", "Kind", Choice((Level("x", credit=1.0), Level("y")))),
    ),
    Node("top", children=("a", "b", "c", "d", "e", "f", "g")),
    Policy("tree"),
    id="rich",
    guidelines="Be fair",
)


def convert(made: Any, path: Path, to: str | None = None) -> list[str]:
    """Write something; return what was lost."""
    return write_target(made, path, target_of(path, to))


# ---------------------------------------------------------------------------------------------------------------- native


@settings(max_examples=60, deadline=None)
@given(made=rubrics(), ending=st.sampled_from([".json", ".jsonl", ".yaml", ".yml"]))
def test_a_native_rubric_reads_back_equal(made: Rubric, ending: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("native") / f"r{ending}"
    assert convert(made, path) == []
    assert read_rubric(path) == made


@settings(max_examples=40, deadline=None)
@given(made=cases(), ending=st.sampled_from([".json", ".jsonl", ".yaml"]))
def test_native_cases_read_back_equal(made: Case, ending: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("native") / f"c{ending}"
    both = [made, replace(made, task=replace(made.task, id=f"{made.task.id}2"), verdicts=())]
    assert convert(both, path) == []
    assert read_cases(path) == both


@settings(max_examples=60, deadline=None)
@given(made=rubrics())
def test_a_native_rubric_in_toml_reads_back_equal(made: Rubric, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("native") / "r.toml"
    assert convert(made, path) == []
    assert read_rubric(path) == made


def test_toml_holds_one_case_and_no_null(tmp_path: Path) -> None:
    made = case(Criterion("a", "x", check=Check("python", {"default": None})))
    with pytest.raises(FormatError, match="TOML has no null"):
        convert([made], tmp_path / "c.toml")
    with pytest.raises(FormatError, match="one case or rubric"):
        convert([made, made], tmp_path / "c.toml")
    assert not (tmp_path / "c.toml").exists()
    convert([case("x")], tmp_path / "deep" / "c.toml")
    assert read_cases(tmp_path / "deep" / "c.toml") == [case("x")]


# ---------------------------------------------------------------------------------------------------------------- autorubric

labels = st.lists(names.map(str.strip), min_size=2, max_size=4, unique_by=str.casefold)


@st.composite
def levelled(draw: st.DrawFn) -> Any:
    """Draw a scale of levels that say their credits."""
    made = tuple(Level(label, credit=draw(shares)) for label in draw(labels))
    return draw(st.sampled_from([Ordinal, Choice]))(made)


@st.composite
def plain_rubrics(draw: st.DrawFn) -> Rubric:
    """Draw a rubric with nothing but what autorubric holds."""
    ids = draw(st.lists(names, min_size=1, max_size=4, unique=True))
    scales, sections = st.just(Binary()) | levelled(), st.sampled_from([(), ("form",), ("facts",)])
    made = [Criterion(i, draw(names), draw(scales), draw(finite), category=draw(sections)) for i in ids]
    return Rubric(tuple(made), guidelines=draw(texts), source=Source("autorubric"))


@settings(max_examples=60, deadline=None)
@given(made=plain_rubrics(), ending=st.sampled_from([".json", ".yaml"]))
def test_what_autorubric_holds_reads_back_equal_and_without_a_word(
    made: Rubric, ending: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("auto") / f"r.autorubric{ending}"
    assert convert(made, path) == []
    assert read_rubric(path) == made


@settings(max_examples=60, deadline=None)
@given(made=rubrics())
def test_any_rubric_can_be_read_by_autorubrics_reader(made: Rubric, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("auto") / "r.autorubric.json"
    convert(made, path)
    read = read_rubric(path)
    assert [(c.id, c.text) for c in read.criteria] == [(c.id, c.text) for c in made.criteria]
    assert [c.is_fault for c in read.criteria] == [c.is_fault and c.weight != 0 for c in made.criteria]


def test_an_autorubric_dataset_keeps_its_ground_truth(tmp_path: Path) -> None:
    (made,) = read_cases(write(tmp_path, "set.json", AUTORUBRIC))
    lost = convert([made], tmp_path / "out.json", "autorubric")
    (read,) = read_cases(tmp_path / "out.json")
    assert (read.task, read.rubric, read.verdicts) == (made.task, made.rubric, made.verdicts)
    assert [r.text for r in read.responses] == [r.text for r in made.responses]
    assert [line.partition(" (")[0] for line in lost] == [
        "verdicts: who judged becomes ground truth",
        "response: system",
        "response: id becomes its description",
    ]


def test_cases_of_several_tasks_become_items_of_their_own(tmp_path: Path) -> None:
    one = case("x", responses=[answer("a", "r1"), answer("b", "r2")], of=Task("t1", (Message("user", "p"),), ("ref",)))
    two = case("y", of=Task("t2", (Message("user", "q"),)))
    lost = convert(
        [one, two, case("z", responses=[answer()], of=Task("t3", (Message("user", "s"), Message("user", "t"))))],
        tmp_path / "o.json",
        "autorubric",
    )
    read = read_cases(tmp_path / "o.json")
    assert [(c.task.messages[0].content, c.rubric.criteria[0].text, c.responses[0].text) for c in read] == [
        ("p", "x", "a"),
        ("p", "x", "b"),
        ("q", "y", "It is Paris."),
        ("s\n\nt", "z", "It is Paris."),
    ]
    assert "task: turns become one prompt (t3)" in lost


def test_verdicts_that_are_no_ground_truth_are_told(tmp_path: Path) -> None:
    marks = [Verdict("r1", "c1", value=1.0, judge="j", task="t"), Verdict("r1", "c1", value=0.0, judge="k", task="t")]
    marks += [Verdict("r2", "c1", State.NOT_APPLICABLE, judge="j", task="t")]
    made = replace(case("x", responses=[answer("a", "r1"), answer("b", "r2")]), verdicts=tuple(marks))
    lost = convert([made], tmp_path / "o.json", "autorubric")
    assert "verdicts of more than one judge or repeat: the first alone is ground truth (k/0)" in lost
    assert "verdicts of a response that has not one for each criterion, as ground truth must (r2)" in lost
    assert [v.value for v in read_cases(tmp_path / "o.json")[0].verdicts] == [1.0]


def test_what_autorubric_would_take_otherwise_is_written_out(tmp_path: Path) -> None:
    convert(Rubric((Criterion("a", "x"),)), tmp_path / "r.autorubric.json")
    assert json.loads((tmp_path / "r.autorubric.json").read_text()) == [{"name": "a", "requirement": "x", "weight": 1}]
    levels = Criterion("b", "y", Ordinal((Level("low"), Level("high"))))
    unsure = replace(case(levels), verdicts=(Verdict("r", "b", State.ABSTAINED, cause="cannot_assess", judge="j", task="t"),))
    convert([unsure, replace(case("x"), task=Task("u", (Message("user", "p"),)))], tmp_path / "c.autorubric.json")
    told = json.loads((tmp_path / "c.autorubric.json").read_text())
    assert told["rubric"] is None and all("ground_truth" not in item for item in told["items"])
    with pytest.raises(ConfigError, match=r"cases are written for autorubric as \.json"):
        convert([unsure], tmp_path / "c.autorubric.yaml")


# ---------------------------------------------------------------------------------------------------------------- HealthBench


def test_healthbench_reads_back_equal_and_without_a_word(tmp_path: Path) -> None:
    made = read_cases(write(tmp_path, "h.jsonl", [HEALTHBENCH, {**HEALTHBENCH, "prompt_id": "h2", "ideal_completions_data": None}]))
    assert convert(made, tmp_path / "out.healthbench.jsonl") == []
    assert read_cases(tmp_path / "out.healthbench.jsonl") == made


def test_a_category_becomes_an_axis_and_other_responses_are_told(tmp_path: Path) -> None:
    made = case(Criterion("c1", "x", category=("tone",)), Criterion("own", "y", weight=2.0, effect="deduct"), policy=POLICY)
    lost = convert([made], tmp_path / "o.jsonl", "healthbench")
    (read,) = read_cases(tmp_path / "o.jsonl")
    assert [(c.category, c.weight) for c in read.rubric.criteria] == [(("tone",), 1.0), ((), -2.0)]
    assert lost == ["criterion: id (own)", "criterion: effect (own)", "responses that are neither ideal nor reference completions (r)"]


def test_a_rubric_alone_is_the_list_of_points(tmp_path: Path) -> None:
    lost = convert(RICH, tmp_path / "r.healthbench.json")
    told = json.loads((tmp_path / "r.healthbench.json").read_text())
    assert [r["points"] for r in told["rubrics"]] == [2, 1, -1, -2, 1, 1, 1]
    assert "criterion: scale numeric becomes yes or no (d)" in lost


# ---------------------------------------------------------------------------------------------------------------- verifiers


def accepted(path: Path) -> list[dict[str, Any]]:
    """Return the criteria of a file that obeys what verifiers' `RubricJudge` checks."""
    text = path.read_text(encoding="utf-8")
    criteria: list[dict[str, Any]] = (tomllib.loads(text) if path.suffix == ".toml" else json.loads(text))["criteria"]
    assert all(set(c) <= {"name", "text", "weight", "choices"} for c in criteria)
    assert len({c["name"] for c in criteria}) == len(criteria)
    assert all(c.get("weight", 1.0) >= 0 for c in criteria) and any(c.get("weight", 1.0) for c in criteria)
    assert all(len(set(c.get("choices", "ab"))) == len(c.get("choices", "ab")) >= 2 for c in criteria)
    return criteria


@settings(max_examples=60, deadline=None)
@given(made=rubrics(), ending=st.sampled_from([".toml", ".json"]))
def test_any_rubric_obeys_the_rules_of_verifiers(made: Rubric, ending: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("verifiers") / f"r.verifiers{ending}"
    if any(c.weight for c in made.criteria):
        convert(made, path)
        assert [(c["name"], c["text"], c.get("weight", 1)) for c in accepted(path)] == [
            (c.id, c.text, abs(c.weight)) for c in made.criteria
        ]
    else:
        with pytest.raises(FormatError, match="all 0"):
            convert(made, path)


def test_choices_stand_worst_first_and_a_fault_the_other_way_round(tmp_path: Path) -> None:
    lost = convert(RICH, tmp_path / "r.verifiers.toml")
    assert {c["name"]: c.get("choices") for c in accepted(tmp_path / "r.verifiers.toml")} == {
        "a": None,
        "b": None,
        "c": ["kind", "rude"],
        "d": ["yes", "no"],
        "e": None,
        "f": ["1", "2", "3"],
        "g": ["y", "x"],
    }
    assert lost == [
        "rubric: tree",
        "rubric: policy",
        "rubric: id",
        "rubric: guidelines",
        "criterion: category (a, b)",
        "criterion: requires (b)",
        "criterion: check (b)",
        "criterion: descriptions of levels (c)",
        "criterion: credits of levels become evenly spaced (c)",
        "criterion: what takes points becomes points for its absence (c, d)",
        "criterion: cap (d)",
        "criterion: scale numeric becomes yes or no (d)",
        "criterion: effect gate becomes add (e)",
        "criterion: scale likert becomes ordinal (f)",
        "criterion: scale choice becomes ordinal (g)",
    ]


def test_cases_of_one_rubric_are_that_rubric_and_of_several_are_refused(tmp_path: Path) -> None:
    assert convert([case("x"), case("x")], tmp_path / "o.verifiers.json") == ["tasks, responses and verdicts: only the rubric is written"]
    assert accepted(tmp_path / "o.verifiers.json") == [{"name": "c1", "text": "x"}]
    with pytest.raises(FormatError, match="holds one rubric, and the cases have 2"):
        convert([case("x"), case("y")], tmp_path / "p.verifiers.json")


# ---------------------------------------------------------------------------------------------------------------- promptfoo


def test_promptfoo_gets_an_assertion_a_criterion(tmp_path: Path) -> None:
    made = case(
        Criterion("a", "Says so", weight=2.0), Criterion("b", "Is rude", weight=-1.0), of=Task("t", (Message("user", "p"),), ("ref",))
    )
    lost = convert([made], tmp_path / "promptfooconfig.yaml")
    assert yaml.safe_load((tmp_path / "promptfooconfig.yaml").read_text()) == {
        "prompts": ["{{prompt}}"],
        "tests": [
            {
                "description": "t",
                "vars": {"prompt": "p", "reference": "ref"},
                "assert": [
                    {"type": "llm-rubric", "value": "Says so", "metric": "a", "threshold": 0.5, "weight": 2},
                    {
                        "type": "llm-rubric",
                        "value": "Is rude\nThis is a fault: score 1.0 where it does not hold, and 0.0 where it does.",
                        "metric": "b",
                        "threshold": 0.5,
                    },
                ],
            }
        ],
    }
    assert "criterion: what takes points becomes points for its absence (b)" in lost


def test_levels_and_numbers_become_words_of_which_a_faults_are_reversed(tmp_path: Path) -> None:
    convert(RICH, tmp_path / "r.promptfoo.yaml")
    told = yaml.safe_load((tmp_path / "r.promptfoo.yaml").read_text())["defaultTest"]["assert"]
    values = {a["metric"]: a["value"] for a in told}
    assert values["c"] == "Is kind\nscore 1: rude (no smile)\nscore 0.1: kind"
    assert values["d"] == "Errors\nA number from 0 to 9: score 0.0 at 9 and 1.0 at 0."
    assert values["f"] == "Tone\nscore 0: 1\nscore 0.5: 2\nscore 1: 3"


@pytest.mark.parametrize("text", ["Holds {{name}}", "{% if x %}", "{# note #}"])
def test_the_text_of_an_assertion_is_no_template(text: str, tmp_path: Path) -> None:
    convert(case(text).rubric, tmp_path / "r.promptfoo.json")
    (told,) = json.loads((tmp_path / "r.promptfoo.json").read_text())["defaultTest"]["assert"]
    assert told["value"] == f"{{% raw %}}{text}{{% endraw %}}"
    with pytest.raises(FormatError, match="raw block"):
        convert(case(f"{text} {{% endraw %}}").rubric, tmp_path / "r.promptfoo.json")
    lost = convert([case(Criterion(text, "x"), of=Task("t", (Message("user", text),)))], tmp_path / "c.promptfoo.json")
    assert json.loads((tmp_path / "c.promptfoo.json").read_text())["tests"][0]["vars"] == {"prompt": text}
    assert "task: template marks ({{, {%, {#) in vars, which promptfoo may render (t)" in lost
    assert lost[-1].startswith("criterion: template marks")


# ---------------------------------------------------------------------------------------------------------------- all of them


@pytest.mark.parametrize("name", [t for t in TARGETS if t != "native"])
def test_a_feature_that_is_not_held_is_told_whatever_it_is(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"r{TARGETS[name].endings[0]}"
    for change in ({"requires": ("a",)}, {"all_or_nothing": True}, {"tier": "A1"}, {"applies_when": "asked"}, {"scope": "task"}):
        rubric = Rubric((Criterion("a", "x"), Criterion("b", "y", **change)))  # type: ignore[arg-type]
        assert f"criterion: {next(iter(change))} (b)" in convert(rubric, path, name)


FULL = Criterion(
    "own",
    "x",
    Likert(5),
    -2.0,
    required=False,
    kind="rule",
    effect="deduct",
    cap=1.0,
    threshold=0.7,
    tier="A1",
    category=("form", "size"),
    scope="turn",
    turn=0,
    applies_when="asked",
    requires=("a",),
    all_or_nothing=True,
    check=Check("length", {"max": 9}),
    evidence=(Evidence("fact"),),
    examples=(Example("good", "5"),),
    title="t",
    tags=("k:v",),
    source=Source("me"),
)
HELD = {
    "autorubric": {"id", "text", "weight"},
    "verifiers": {"id", "text"},
    "promptfoo": {"id", "text", "threshold"},
    "healthbench": {"text", "weight", "tags"},
}


@pytest.mark.parametrize("name", HELD)
def test_every_field_of_a_criterion_is_held_or_told(name: str, tmp_path: Path) -> None:
    assert plain(FULL).keys() == {f.name for f in fields(Criterion)}
    lost = "\n".join(convert(Rubric((Criterion("a", "y"), FULL)), tmp_path / f"r{TARGETS[name].endings[0]}", name))
    for key in plain(FULL).keys() - HELD[name]:
        told = "takes points" if key == "weight" or (key == "effect" and "takes points" in lost) else key
        assert re.search(rf"criterion: [^\n]*{told}[^\n]*\bown\b", lost), key


@pytest.mark.parametrize(
    ("name", "to", "expected"),
    [
        ("x.json", None, "native"),
        ("x.verifiers.toml", None, "verifiers"),
        ("x.autorubric.yaml", None, "autorubric"),
        ("promptfooconfig.yaml", None, "promptfoo"),
        ("x.healthbench.jsonl", None, "healthbench"),
        ("x.v2.json", None, "native"),
        ("x.json", "verifiers", "verifiers"),
    ],
)
def test_the_format_is_told_by_the_name_of_the_file(name: str, to: str | None, expected: str) -> None:
    assert target_of(Path(name), to).name == expected


@pytest.mark.parametrize(
    ("name", "to", "says"), [("x.json", "none", "no format 'none'"), ("x.yaml", "verifiers", "written as"), ("x", None, "written as")]
)
def test_what_cannot_be_written_is_refused(name: str, to: str | None, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        target_of(Path(name), to)
