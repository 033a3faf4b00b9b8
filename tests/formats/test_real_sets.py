"""The real benchmark files are read whole: counts as their READMEs tell, and figures as an independent reading of the raw lines gives."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import pytest

from criterial.core.builder import table_of
from criterial.core.task import Case
from criterial.core.verdict import State
from criterial.formats.labels import read_labels
from criterial.formats.load import read_cases, read_rubric, read_verdicts
from criterial.formats.native import case_of, case_to_dict
from criterial.score.scoring import score
from tests.helpers_files import SHARED, real

PAPERS = sorted(p.name for p in (SHARED / "data" / "paperbench").glob("*.json.gz")) or ["rubric.rice.json.gz"]
GRADED = [p for p in PAPERS if p.startswith("human_graded")] or ["human_graded.rice.json.gz"]


@lru_cache
def loaded(name: str) -> tuple[Case, ...]:
    """Return the cases of a real set."""
    return tuple(read_cases(real(name)))


def raw(name: str) -> list[dict[str, Any]]:
    """Return a real file's lines, read by nothing of ours."""
    with gzip.open(real(name), "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def counts(cases: tuple[Case, ...]) -> tuple[int, int, int, int]:
    """Return how many tasks, responses, criteria and verdicts there are."""
    return (
        len(cases),
        *(sum(len(part) for part in parts) for parts in zip(*((c.responses, c.rubric.criteria, c.verdicts) for c in cases), strict=True)),
    )  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("healthbench_500/tasks.jsonl.gz", (311, 962, 3603, 0)),
        ("infobench/en_gpt4_output_gpt4_verdicts.jsonl.gz", (312, 312, 1409, 1409)),
        ("infobench/ko_gpt4_output_gpt4_verdicts.jsonl.gz", (312, 312, 1408, 1408)),
        ("prometheus_bench/ordinal_gpt4.jsonl.gz", (239, 372, 239, 1116)),
        ("biggen_rubrics/tasks.jsonl.gz", (395, 0, 395, 0)),
        ("realsumm_scu", (62, 1240, 647, 12940)),
    ],
)
def test_a_real_set_has_the_counts_of_its_readme(name: str, expected: tuple[int, int, int, int]) -> None:
    assert counts(loaded(name)) == expected


@pytest.mark.parametrize(
    "name", ["healthbench_500/tasks.jsonl.gz", "infobench/ko_gpt4_output_gpt4_verdicts.jsonl.gz", "prometheus_bench/ordinal_gpt4.jsonl.gz"]
)
def test_real_cases_read_back_equal_in_the_native_form(name: str) -> None:
    for case in loaded(name)[:100]:
        read = case_of(json.loads(json.dumps(case_to_dict(case))))
        assert read == case
        assert read.digest == case.digest


def test_healthbench_keeps_every_point_tag_turn_and_completion() -> None:
    for line, case in zip(raw("healthbench_500/tasks.jsonl.gz"), loaded("healthbench_500/tasks.jsonl.gz"), strict=True):
        assert [(c.text, c.weight, list(c.tags)) for c in case.rubric.criteria] == [
            (r["criterion"], r["points"], r["tags"]) for r in line["rubrics"]
        ]
        assert [(m.role, m.content) for m in case.task.messages] == [(m["role"], m["content"]) for m in line["prompt"]]
        assert list(case.task.tags) == line["example_tags"]
        data = line["ideal_completions_data"] or {}
        told = [data.get("ideal_completion"), *(data.get("ideal_completions_ref_completions") or [])]
        assert [r.text for r in case.responses] == [t for t in told if t]


def test_infobench_keeps_the_share_of_requirements_followed() -> None:
    name = "infobench/en_gpt4_output_gpt4_verdicts.jsonl.gz"
    marks = [m for line in raw(name) for m in line["eval"]]
    found = [v.value for c in loaded(name) for v in c.verdicts]
    assert found == [float(m) for m in marks]


def test_the_one_korean_line_with_too_few_verdicts_has_failed_and_no_other() -> None:
    name = "infobench/ko_gpt4_output_gpt4_verdicts.jsonl.gz"
    odd = [line["id"] for line in raw(name) if len(line["eval"]) != len(line["decomposed_questions"])]
    failed = {c.task.id for c in loaded(name) for v in c.verdicts if v.state == State.FAILED}
    assert len(odd) == 1
    assert failed == set(odd)


def test_prometheus_keeps_all_three_scores_of_every_response() -> None:
    name = "prometheus_bench/ordinal_gpt4.jsonl.gz"
    told = Counter((line["item_id"], line["model"], tuple(line["gpt4_scores"])) for line in raw(name))
    found: Counter[Any] = Counter()
    for case in loaded(name):
        for response in case.responses:
            marks = sorted((v.repeat, v.value) for v in case.verdicts if v.response == response.id)
            found[case.task.id.partition("#")[0], response.system, tuple(v for _, v in marks)] += 1
    assert found == told


def test_realsumm_keeps_every_majority_vote() -> None:
    told = {(r["doc_id"], r["system"], r["criterion_id"]): float(r["present"]) for r in raw("realsumm_scu/verdicts.jsonl.gz")}
    found = {(v.task, v.response.removeprefix(f"{v.task}/"), v.criterion): v.value for c in loaded("realsumm_scu") for v in c.verdicts}
    assert found == told


def test_realsumms_verdicts_are_labels() -> None:
    labels = read_labels(real("realsumm_scu"))
    assert len(labels) == 12940
    assert sum(met for *_, met in labels) == sum(r["present"] for r in raw("realsumm_scu/verdicts.jsonl.gz"))
    assert all(criterion.startswith("The response states that: ") for criterion, *_ in labels)


def leaves(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the leaves of a raw tree."""
    if not node["sub_tasks"]:
        yield node
    for child in node["sub_tasks"]:
        yield from leaves(child)


def index(kind: str, paper: str) -> dict[str, Any]:
    """Return a paper's line of the index."""
    lines = json.loads(real("paperbench/index.json").read_text())
    return next(line for line in lines if line["paper"] == paper and line["kind"].startswith(kind))  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", PAPERS)
def test_a_paperbench_tree_has_the_leaves_of_its_index_with_their_weights(name: str) -> None:
    path = real(f"paperbench/{name}")
    kind, _, paper = name.removesuffix(".json.gz").partition(".")
    rubric = read_rubric(path)
    (tree,) = raw(f"paperbench/{name}")
    assert len(rubric.criteria) == index(kind.split("_")[0], paper)["leaves"]
    assert [(c.text, c.weight) for c in rubric.criteria] == [(leaf["requirements"], leaf["weight"]) for leaf in leaves(tree)]
    assert read_cases(path)[0].rubric.digest == rubric.digest


@pytest.mark.parametrize("name", GRADED)
def test_an_expert_graded_tree_scores_as_stored_at_its_root(name: str) -> None:
    (case,) = read_cases(real(f"paperbench/{name}"))
    (tree,) = raw(f"paperbench/{name}")
    (scored,) = score(table_of([case], case.verdicts))
    assert scored.value == pytest.approx(tree["score"], abs=1e-9)
    assert scored.coverage == 1.0


def mean(node: dict[str, Any], marks: dict[str, float]) -> float:
    """Return a raw tree's score as PaperBench defines it: leaves as marked, above them the weighted mean."""
    if not node["sub_tasks"]:
        return marks[node["id"]]
    return sum(c["weight"] * mean(c, marks) for c in node["sub_tasks"]) / sum(c["weight"] for c in node["sub_tasks"])


@pytest.mark.parametrize("paper", ["rice", "all-in-one"])
def test_expert_grades_are_verdicts_on_the_ungraded_rubric_under_its_own_weights(paper: str) -> None:
    graded = real(f"paperbench/human_graded.{paper}.json.gz")
    found, verdicts = read_verdicts(graded, read_cases(real(f"paperbench/rubric.{paper}.json.gz")))
    marks = {leaf["id"]: leaf["score"] for leaf in leaves(raw(f"paperbench/{graded.name}")[0])}
    (scored,) = score(table_of(found, verdicts))
    assert scored.value == pytest.approx(mean(raw(f"paperbench/rubric.{paper}.json.gz")[0], marks), abs=1e-9)


def test_expert_grades_on_another_tree_of_the_same_paper_are_refused() -> None:
    paper = "stay-on-topic-with-classifier-free-guidance"
    with pytest.raises(ValueError, match="no criterion"):
        table_of(*read_verdicts(real(f"paperbench/human_graded.{paper}.json.gz"), read_cases(real(f"paperbench/rubric.{paper}.json.gz"))))


def test_a_set_of_another_kind_is_not_taken_for_one_of_these() -> None:
    for name in ("llmbar/pairs.jsonl.gz", "frank/metric_scores.jsonl.gz", "saf_short_answers/answers.jsonl.gz"):
        with pytest.raises(ValueError, match="not a format that is known"):
            read_cases(real(name))
