"""What is written reads back equal: cases, rubrics and verdicts with all their fields, with the same digest in every process.

`CRITERIAL_FUZZ=100000` draws as many rubrics as the promise is about.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from criterial.core.criterion import Check, Criterion
from criterial.core.digest import canonical, plain
from criterial.core.rubric import Node, Policy, Rubric
from criterial.core.scale import Choice, Level, Likert, Numeric, Ordinal
from criterial.core.task import Case, Media, Message
from criterial.core.verdict import State, Verdict
from criterial.errors import FormatError
from criterial.formats.load import read_rubric, read_verdicts
from criterial.formats.native import case_of, case_to_dict, rubric_of, rubric_to_dict, verdict_of, verdict_to_dict
from criterial.formats.reading import parse_json
from criterial.formats.toml_text import parse_toml
from criterial.formats.writing import WRITERS
from criterial.formats.yaml_text import parse_yaml
from tests.helpers_files import answer, case, cases, criteria, rubrics, task, verdict, write
from tests.helpers_images import PNG

COUNT = int(os.environ.get("CRITERIAL_FUZZ", "150"))
AT_ONCE = 2_500
"""Rubrics that one run of Hypothesis draws, which remembers them all."""


def over_the_wire(value: Any) -> Any:
    """Return a value after it was JSON text."""
    return parse_json(json.dumps(value, ensure_ascii=False))


@settings(max_examples=150)
@given(made=cases())
def test_a_case_reads_back_equal_and_with_its_digest(made: Case) -> None:
    read = case_of(over_the_wire(case_to_dict(made)))
    assert read == made
    assert (read.digest, read.rubric.digest) == (made.digest, made.rubric.digest)
    assert case_to_dict(read) == case_to_dict(made)


PARSERS: dict[str, Callable[[str, str], Any]] = {".json": parse_json, ".yaml": parse_yaml, ".toml": parse_toml}


@pytest.mark.parametrize("part", range(max(1, COUNT // AT_ONCE)))
def test_a_rubric_reads_back_equal_and_with_its_digest(part: int) -> None:
    @seed(part)
    @settings(max_examples=min(COUNT, AT_ONCE))
    @given(made=rubrics())
    def reads_back(made: Rubric) -> None:
        for ending, parse in PARSERS.items():
            read = rubric_of(parse(WRITERS[ending](rubric_to_dict(made)), f"r{ending}"))
            assert read == made
            assert read.digest == made.digest
            assert canonical(read) == canonical(made)

    reads_back()


@settings(max_examples=150)
@given(data=st.data())
def test_a_verdict_reads_back_equal(data: st.DataObject) -> None:
    criterion = data.draw(criteria())[0]
    made = data.draw(verdict(criterion, response="r", task="t", judge="j", repeat=2))
    assert verdict_of(over_the_wire(verdict_to_dict(made, criterion)), {criterion.id: criterion}.get) == made


@settings(max_examples=50)
@given(made=cases())
def test_leaving_any_written_field_out_makes_another_rubric_with_another_digest(made: Case) -> None:
    written = plain(made.rubric)
    for place, criterion in enumerate(written["criteria"]):
        for key in criterion.keys() - {"id", "text"}:
            fewer = [{k: v for k, v in c.items() if (i, k) != (place, key)} for i, c in enumerate(written["criteria"])]
            other = rubric_of({**written, "criteria": fewer})
            assert other != made.rubric
            assert other.digest != made.rubric.digest


DIGESTS = """
import sys
from criterial.formats.native import rubric_of
from criterial.formats.reading import parse_json
from criterial.formats.toml_text import parse_toml
from criterial.formats.writing import WRITERS
from criterial.formats.yaml_text import parse_yaml
for line in open(sys.argv[1], encoding="utf-8"):
    print(rubric_of(parse_json(line)).digest)
"""


def test_digests_of_any_rubrics_are_the_same_in_other_processes_and_under_other_hash_seeds(tmp_path: Path) -> None:
    drawn: list[Rubric] = []

    @settings(max_examples=min(max(COUNT // 3, 50), 1000), database=None)
    @given(made=rubrics())
    def draw(made: Rubric) -> None:
        drawn.append(made)

    draw()
    path = tmp_path / "rubrics.jsonl"
    path.write_text("".join(json.dumps(rubric_to_dict(made)) + "\n" for made in drawn), encoding="utf-8")
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", DIGESTS, str(path)], env={**os.environ, "PYTHONHASHSEED": s}, stdout=subprocess.PIPE, text=True
        )
        for s in ("0", "1", "random")
    ]
    assert {tuple(run.communicate()[0].split()) for run in runs} == {tuple(made.digest for made in drawn)}


DIGEST = "import sys; from criterial.formats.load import read_cases; print(*[c.digest for c in read_cases(sys.argv[1])])"


def test_digests_are_the_same_in_other_processes_and_under_other_hash_seeds(tmp_path: Path) -> None:
    made = case(
        Criterion("a", "é – 😀", weight=0.1, check=Check("contains", {"texts": ["x", "y"], "match": "any"})),
        Criterion("b", "y", scale=Likert(3, ("p", "q", "r")), requires=("a",), tags=("z", "a")),
        policy=Policy("weighted", {"clip": "none", "floor": 1e-17}),
    )
    path = write(tmp_path, "c.json", case_to_dict(made))
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", DIGEST, str(path)], env={**os.environ, "PYTHONHASHSEED": seed}, stdout=subprocess.PIPE, text=True
        )
        for seed in ("0", "1", "4242")
    ]
    assert {r.communicate()[0].strip() for r in runs} == {made.digest}


def test_writing_leaves_out_what_stands_at_its_default() -> None:
    assert case_to_dict(case("Says so", responses=[answer("x")], of=task("p"))) == {
        "id": "t",
        "messages": [{"role": "user", "content": "p"}],
        "rubric": {"criteria": [{"id": "c1", "text": "Says so"}]},
        "responses": [{"id": "r", "messages": [{"role": "assistant", "content": "x"}]}],
    }


@pytest.mark.parametrize(
    ("scale", "value", "written"),
    [
        (Ordinal((Level("poor"), Level("fine"))), 1.0, "fine"),
        (Choice((Level("a"), Level("b"), Level("c"))), 2.0, "c"),
        (Ordinal((Level("3"), Level("1"), Level("2"))), 0.0, "3"),
        (Likert(5), 4.0, 4),
        (Numeric(0.0, 10.0), 2.5, 2.5),
        (Numeric(0.0, 10.0), 2.0, 2),
    ],
)
def test_a_value_is_written_as_people_say_it(scale: Any, value: float, written: Any) -> None:
    criterion = Criterion("c", "x", scale)
    told = verdict_to_dict(Verdict("r", "c", value=value), criterion)
    assert told["value"] == written
    assert verdict_of(told, {"c": criterion}.get).value == value


# ------------------------------------------------------------------------------------------------------------ what once came back otherwise

TREE = Rubric((Criterion("a", "x"), Criterion("b", "y", weight=3.0)), Node("root", children=("a", "b")))


def test_a_tree_keeps_the_policy_weighted() -> None:
    assert rubric_of(over_the_wire(rubric_to_dict(TREE))) == TREE


def test_an_image_keeps_its_name() -> None:
    made = case("x", of=task("p"))
    shown = Message("user", "p", (Media("image/png", PNG, "chart.png"),))
    made = Case(type(made.task)("t", (shown,)), made.rubric, made.responses)
    assert case_of(case_to_dict(made)) == made


@pytest.mark.parametrize(
    ("whole", "point"),
    [
        (Criterion("a", "x", weight=2), Criterion("a", "x", weight=2.0)),
        (Criterion("a", "x", Numeric(0, 10)), Criterion("a", "x", Numeric(0.0, 10.0))),
        (Criterion("a", "x", cap=3, effect="deduct"), Criterion("a", "x", cap=3.0, effect="deduct")),
        (Criterion("a", "x", threshold=1), Criterion("a", "x", threshold=1.0)),
    ],
)
def test_equal_rubrics_have_equal_digests(whole: Criterion, point: Criterion) -> None:
    assert Rubric((whole,)) == Rubric((point,))
    assert rubric_of(plain(Rubric((whole,)))).digest == Rubric((whole,)).digest


def test_a_label_with_spaces_about_it_reads_back() -> None:
    criterion = Criterion("c", "x", Ordinal((Level("bad "), Level("good"))))
    made = Verdict("r", "c", value=0.0)
    assert verdict_of(verdict_to_dict(made, criterion), {"c": criterion}.get) == made


def test_a_large_number_reads_back(tmp_path: Path) -> None:
    made = case(Criterion("c", "x", Numeric(0.0, 1e30)))
    path = write(tmp_path, "v.jsonl", verdict_to_dict(Verdict("r", "c", value=1e20), made.rubric.criteria[0]))
    assert read_verdicts(path, [made])[1][0].value == 1e20


@pytest.mark.parametrize("probs", [(0.2, 0.3, 0.5), (0.5,), (7.0, -6.0), (0.1, 0.1)])
def test_probabilities_of_a_file_are_one_a_level_and_sum_to_one(probs: tuple[float, ...]) -> None:
    with pytest.raises(FormatError, match="prob"):
        verdict_of({"response": "r", "criterion": "c", "value": 1, "probs": list(probs)}, {"c": Criterion("c", "x")}.get)


def test_a_repeat_is_counted_from_0() -> None:
    with pytest.raises(FormatError, match="repeat"):
        verdict_of({"response": "r", "criterion": "c", "value": 1, "repeat": -1}, {"c": Criterion("c", "x")}.get)


def test_a_written_rubric_file_is_the_same_rubric(tmp_path: Path) -> None:
    tree = Rubric(TREE.criteria, TREE.tree, Policy("tree"), id="r", guidelines="g")
    for name in ("r.json", "r.yaml", "r.toml"):
        assert read_rubric(write(tmp_path, name, plain(tree))).digest == tree.digest


def test_a_state_without_a_value_keeps_cause_and_probabilities() -> None:
    criterion = Criterion("c", "x")
    made = Verdict("r", "c", State.ABSTAINED, probs=(0.45, 0.55), cause="uncertain", reason="close", calibrated=False)
    assert verdict_of(verdict_to_dict(made, criterion), {"c": criterion}.get) == made
