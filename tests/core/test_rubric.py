"""Criteria, rubrics, tasks and cases that cannot mean anything are refused, with the path of the fault and a hint."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from criterial.core.criterion import Criterion
from criterial.core.rubric import Node, Rubric
from criterial.core.task import Case, Media, Message, Response, Task
from criterial.errors import FormatError
from tests.helpers_tables import MANY, binary, crit, response, rubric, task

A, B, C = crit("a"), crit("b"), crit("c")


def tree(*children: Node | str) -> Node:
    return Node("root", children=children)


@pytest.mark.parametrize(
    ("make", "path", "message"),
    [
        (lambda: Criterion(" ", "x"), "", "needs an id"),
        (lambda: Criterion("a", "\n"), "", "'a' has no text"),
        (lambda: crit("a", math.nan), "weight", "'a' is nan, not a finite number"),
        (lambda: crit("a", math.inf), "weight", "not a finite number"),
        (lambda: crit("a", cap=-1.0), "cap", "0 or more"),
        (lambda: crit("a", cap=math.nan), "cap", "cap of 'a' is nan, not a finite number"),
        (lambda: crit("a", cap=math.inf), "cap", "not a finite number"),
        (lambda: crit("a", 1e-200), "weight", "is 1e-200; it is 0 or between 1e-100 and 1e\\+100 in size"),
        (lambda: crit("a", -1e200), "weight", "in size"),
        (lambda: crit("a", threshold=0.0), "threshold", r"not in \(0, 1\]"),
        (lambda: crit("a", threshold=1.1), "threshold", r"is 1.1, not in"),
        (lambda: crit("a", threshold=math.nan), "threshold", "is nan"),
        (lambda: Rubric(()), "", "at least one criterion"),
        (lambda: rubric(A, B, crit("a")), "criteria[2].id", "'a' occurs twice"),
        (lambda: rubric(A, crit("b", requires=("z",))), "criteria[1].requires", "'b' requires 'z', which is not there"),
        (lambda: rubric(crit("a", requires=("a",))), "criteria", "in a circle: a$"),
        (lambda: rubric(A, B, tree=tree("a")), "tree", "not in the tree: b"),
        (lambda: rubric(A, tree=tree("a", "a")), "tree", "names 'a', which is no criterion or stands in the tree already"),
        (lambda: rubric(A, tree=tree("a", "z")), "tree", "names 'z'"),
        (lambda: rubric(A, tree=tree("a", Node("n"))), "tree", "'n' has no children"),
        (lambda: rubric(A, tree=Node("root")), "tree", "'root' has no children"),
        (lambda: rubric(A, B, tree=tree(Node("n", children=("a",)), Node("n", children=("b",)))), "tree", "'n' is taken"),
        (lambda: rubric(A, tree=tree(Node("a", children=("a",)))), "tree", "'a' is taken"),
        (lambda: rubric(A, tree=tree(Node("n", weight=-0.5, children=("a",)))), "tree", "node 'n' is -0.5; a node's weight is 0 or more"),
        (lambda: Task("", (Message("user", "q"),)), "id", "needs an id"),
        (lambda: Task("t", ()), "messages", "'t' has no messages"),
        (lambda: Response(" ", (Message("assistant", "q"),)), "id", "needs an id"),
        (lambda: Response("r", ()), "messages", "'r' has no messages"),
        (lambda: Case(task("t"), rubric(A), (response("r"), response("s"), response("r"))), "responses[2].id", "'t' have the id 'r'"),
    ],
)
def test_what_cannot_mean_anything_is_refused_with_its_path(make: Any, path: str, message: str) -> None:
    with pytest.raises(FormatError, match=message) as caught:
        make()
    assert caught.value.path == path


@pytest.mark.parametrize(
    ("make", "hint"),
    [
        (lambda: rubric(A, A), "its own id"),
        (lambda: rubric(A, B, tree=tree("a")), "leaf of the tree exactly once"),
        (lambda: rubric(A, tree=tree("a", Node("n"))), "a leaf is a criterion"),
    ],
)
def test_a_refusal_says_what_to_do(make: Any, hint: str) -> None:
    with pytest.raises(FormatError, match=hint) as caught:
        make()
    assert hint in caught.value.hint


def test_a_circle_is_named_without_what_only_leads_into_it_or_out_of_it() -> None:
    needs = {"out": (), "x": ("y", "out"), "y": ("x",)}
    with pytest.raises(FormatError, match=r"circle: x, y$"):
        rubric(*(crit(name, requires=wanted) for name, wanted in needs.items()))


@given(st.data())
@MANY
def test_requirements_are_accepted_exactly_where_they_can_be_ordered(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 6))
    edges = data.draw(st.sets(st.tuples(st.integers(0, size - 1), st.integers(0, size - 1)), max_size=9))
    reach = {i: {j for a, j in edges if a == i} for i in range(size)}
    for _ in range(size):
        reach = {i: set(r).union(*(reach[j] for j in r)) for i, r in reach.items()}
    circular = any(i in reach[i] for i in range(size))
    criteria = [crit(f"c{i}", requires=tuple(f"c{j}" for a, j in sorted(edges) if a == i)) for i in range(size)]
    if circular:
        with pytest.raises(FormatError, match="circle"):
            rubric(*criteria)
    else:
        assert len(rubric(*criteria).criteria) == size


def test_walking_a_tree_yields_each_inner_node_once_with_its_parent_parents_first_and_siblings_in_order() -> None:
    left = Node("left", children=(Node("low", children=("a",)), "b"))
    right = Node("right", weight=0.0, children=("c",))
    root = tree(left, right)  # a weight of 0 is a weight
    walked = list(rubric(A, B, C, tree=root).walk())
    assert [(n.id, p.id if p else None) for n, p in walked] == [("root", None), ("left", "root"), ("low", "left"), ("right", "root")]
    assert list(binary(1, 1).walk()) == []


def test_a_criterion_is_found_by_its_id() -> None:
    assert binary(1, 1, 1).index == {"c0": 0, "c1": 1, "c2": 2}


def test_a_response_reads_as_the_assistants_turns_alone() -> None:
    turns = (Message("assistant", "first"), Message("user", "go on"), Message("tool", "42"), Message("assistant", "second"))
    assert Response("r", turns).text == "first\n\nsecond"


def test_an_image_is_given_as_a_data_url() -> None:
    assert Media("image/png", b"\x00\xff").url == "data:image/png;base64,AP8="


@pytest.mark.parametrize("weight", [math.nan, math.inf])
def test_a_node_weight_that_is_not_finite_is_refused(weight: float) -> None:
    with pytest.raises(FormatError, match="weight"):
        rubric(A, tree=tree(Node("n", weight=weight, children=("a",))))


def test_a_leaf_of_negative_weight_is_a_fault_and_stands_in_the_tree() -> None:
    made = rubric(crit("a", 3.0), crit("b", -1.0), crit("c", effect="deduct"), tree=tree("a", "b", "c"))
    assert [c.is_fault for c in made.criteria] == [False, True, True]


def test_a_tree_may_be_fifty_levels_deep_and_no_deeper() -> None:
    node = Node("n1", children=("a",))
    for level in range(2, 51):
        node = Node(f"n{level}", children=(node,))
    assert len(rubric(A, tree=node).digest) == 64
    with pytest.raises(FormatError, match="more than 50 levels deep"):
        rubric(A, tree=Node("n51", children=(node,)))
