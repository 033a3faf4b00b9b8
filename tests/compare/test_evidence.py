"""What contests a table and marks amount to."""

from __future__ import annotations

import numpy as np
import pytest

from criterial.compare.evidence import Contest, Mark, contests_of_marks, contests_of_pairs, evidence_of
from criterial.core.builder import table_of
from criterial.core.verdict import State, Verdict
from criterial.errors import ConfigError
from criterial.formats.native import case_of


def pair_case(weight: float = 1.0) -> dict:
    scale = {"type": "ordinal", "levels": ["lost", "tied", "won"]}
    criteria = [{"id": "better", "text": "is better", "scope": "pair", "scale": scale, "weight": weight}]
    responses = [{"id": "r1", "system": "x", "text": "1"}, {"id": "r2", "system": "y", "text": "2"}]
    return {"id": "t", "prompt": "p", "rubric": {"criteria": criteria}, "responses": responses}


def verdicts(*values: float | None, repeat: int = 0) -> list[Verdict]:
    return [
        Verdict(
            f"r{i + 1}",
            "better",
            State.FAILED if v is None else State.DECIDED,
            v,
            judge="j",
            repeat=repeat,
            cause="" if v is not None else "timeout",
            task="t",
        )
        for i, v in enumerate(values)
    ]


def test_a_pair_is_one_contest_a_layer_and_odd_repeats_saw_it_the_other_way_round() -> None:
    case = case_of(pair_case())
    table = table_of([case], [*verdicts(2, 0), *verdicts(1, 1, repeat=1)])
    assert list(contests_of_pairs(table)) == [Contest("x", "y", 1.0, "t"), Contest("y", "x", 0.5, "t")]
    assert list(contests_of_pairs(table, judge="other")) == []
    assert next(iter(contests_of_pairs(table, prefix="run/"))).task == "run/t"


def test_the_worse_wins_where_the_criterion_is_a_fault_and_a_failed_verdict_is_no_contest() -> None:
    fault = table_of([case_of(pair_case(-1.0))], verdicts(2, 0))
    assert [c.result for c in contests_of_pairs(fault)] == [0.0]
    assert list(contests_of_pairs(table_of([case_of(pair_case())], verdicts(2, None)))) == []


def test_marks_make_every_pair_of_systems_meet_on_what_both_have() -> None:
    marks = [Mark("a", "1", 0.9), Mark("a", "2", 0.5), Mark("b", "1", 0.4), Mark("b", "2", 0.45), Mark("c", "2", 0.5)]
    found = contests_of_marks(evidence_of(marks, []).marks, tie=0.1)
    listed = {(found.systems[i], found.systems[j], r) for i, j, r in zip(found.first_P, found.second_P, found.result_P, strict=True)}
    assert listed == {("a", "b", 1.0), ("a", "b", 0.5), ("a", "c", 0.5), ("b", "c", 0.5)}
    assert found.clusters == 2


def test_several_marks_of_one_system_on_one_item_are_averaged_and_suites_keep_items_apart() -> None:
    marks = [Mark("a", "1", 1.0, "x"), Mark("a", "1", 0.0, "x"), Mark("a", "1", 1.0, "y"), Mark("b", "1", 1.0, "x")]
    found = evidence_of(marks, []).marks
    np.testing.assert_array_equal(found.value_SI, [[0.5, 1.0], [1.0, 0.0]])
    np.testing.assert_array_equal(found.known_SI, [[True, True], [True, False]])
    assert found.suites == ("x", "y") and found.suite_I.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("marks", "contests", "says"),
    [
        ([], [], "there are none"),
        ([Mark("a", "1", 1.0)], [], "there is one"),
        ([Mark("", "1", 1.0), Mark("b", "1", 1.0)], [], "has no system"),
    ],
)
def test_what_cannot_be_ranked_is_refused(marks: list[Mark], contests: list[Contest], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        evidence_of(marks, contests)


def test_what_is_not_there_is_named() -> None:
    with pytest.raises(ConfigError, match="no scores"):
        _ = evidence_of([], [Contest("a", "b", 1.0, "t")]).marks
    with pytest.raises(ConfigError, match="no two systems met"):
        _ = evidence_of([Mark("a", "1", 1.0), Mark("b", "2", 1.0)], []).contests
    same = [Contest("a", "a", 1.0, "t"), Contest("a", "b", 0.0, "u")]
    assert len(evidence_of([], same).contests.result_P) == 1
