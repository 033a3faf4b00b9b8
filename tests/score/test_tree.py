"""Tree scores are those of a plain recursion, on random trees and at every inner node that PaperBench's experts' trees carry."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from criterial.core.builder import table_of
from criterial.core.rubric import Node, Policy, Rubric
from criterial.core.score import Part
from criterial.formats.load import read_cases
from criterial.score.scoring import score
from tests.helpers_tables import FAILED, NA, QUICK, Cell, close, crit, rubric, score_of, scores, shared

Credits = Mapping[str, float | None]
"""Credit of each leaf; None where it is not known. A leaf that is not in it does not apply."""


@st.composite
def trees(draw: Callable[..., Any]) -> Rubric:
    """Draw a rubric tree up to four levels deep, with nodes of one child and weights of 0."""
    weight = st.sampled_from([0.0, 0.5, 1.0, 2.0, 3.0, 7.25])
    leaves: list[Any] = []
    names = iter(range(10_000))

    def grow(depth: int) -> Node:
        children: list[Node | str] = []
        for _ in range(draw(st.integers(1, 3))):
            if depth < 3 and draw(st.booleans()):
                children.append(grow(depth + 1))
            else:
                leaves.append(crit(f"leaf{next(names)}", draw(weight)))
                children.append(leaves[-1].id)
        return Node(f"node{next(names)}", weight=draw(weight), children=tuple(children))

    root = grow(0)
    return rubric(*leaves, tree=root, policy="tree")


def recursion(node: Node | str, made: Rubric, credits: Credits) -> float | None:
    """Return a node's score: the weighted mean over its children that have one, 0 where none of them has a weight."""
    if isinstance(node, str):
        return credits.get(node)
    known = [(weight(c, made), v) for c in node.children if (v := recursion(c, made, credits)) is not None]
    total = sum(w for w, _ in known)
    return (sum(w * v for w, v in known) / total if total > 0 else 0.0) if known else None


def weight(child: Node | str, made: Rubric) -> float:
    return child.weight if isinstance(child, Node) else made.criteria[made.index[child]].weight


def decided_share(node: Node | str, made: Rubric, credits: Credits) -> float:
    """Return the share of a node's weight that is known, of what applies."""
    if isinstance(node, str):
        return float(credits[node] is not None)
    parts = [(weight(c, made), decided_share(c, made, credits)) for c in node.children if applies(c, credits)]
    total = sum(w for w, _ in parts)
    return sum(w * v for w, v in parts) / total if total > 0 else 0.0


def applies(node: Node | str, credits: Credits) -> bool:
    return node in credits if isinstance(node, str) else any(applies(c, credits) for c in node.children)


def undecided_by_weight(node: Node | str, made: Rubric, credits: Credits) -> bool:
    """Return whether some node has known children, but only weightless ones beside an unknown one that counts."""
    if isinstance(node, str):
        return False
    there = [(weight(c, made), recursion(c, made, credits)) for c in node.children if applies(c, credits)]
    known = [w for w, v in there if v is not None]
    return bool(known and sum(known) == 0 and any(w > 0 for w, _ in there)) or any(
        undecided_by_weight(c, made, credits) for c in node.children
    )


@given(trees(), st.data())
@QUICK
def test_every_node_scores_what_a_plain_recursion_gives(made: Rubric, data: st.DataObject) -> None:
    cells: list[Cell] = [data.draw(st.sampled_from([0.0, 1.0, 1.0, FAILED, NA])) for _ in made.criteria]
    credits = {c.id: cell if isinstance(cell, float) else None for c, cell in zip(made.criteria, cells, strict=True) if cell is not NA}
    assert made.tree is not None
    assume(not undecided_by_weight(made.tree, made, credits))  # see the end of this file
    found = score_of(made, cells)
    least, most = ({k: end if v is None else v for k, v in credits.items()} for end in (0.0, 1.0))
    for node, _ in made.walk():
        part = found.parts[f"node:{node.id}"]
        assert part.value == close(recursion(node, made, credits))
        assert part.coverage == close(decided_share(node, made, credits) if applies(node, credits) else 0.0)
        if applies(node, credits):
            assert (part.low, part.high) == close((recursion(node, made, least), recursion(node, made, most)))
    assert Part(found.value, found.low, found.high, found.coverage) == found.parts[f"node:{made.tree.id}"]


def inner(item: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if item.get("sub_tasks"):
        yield item
        for child in item["sub_tasks"]:
            yield from inner(child)


@pytest.mark.parametrize(
    ("paper", "nodes", "root"),
    [("all-in-one", 60, 0.713935), ("rice", 128, 0.185681), ("stay-on-topic-with-classifier-free-guidance", 39, 0.481530)],
)
def test_every_inner_node_of_an_expert_graded_tree_has_the_score_that_its_file_gives(paper: str, nodes: int, root: float) -> None:
    path = shared(f"data/paperbench/human_graded.{paper}.json.gz")
    graded = json.loads(gzip.decompress(path.read_bytes()))
    (case,) = read_cases(path)
    (found,) = score(table_of([case], case.verdicts))
    expected = {f"node:{item['id']}": item["score"] for item in inner(graded)}
    assert len(expected) == nodes
    assert {name: part.value for name, part in found.parts.items()} == pytest.approx(expected, abs=1e-9)
    assert found.value == pytest.approx(root, abs=1e-6)
    assert found.coverage == pytest.approx(1.0)


TREE = Node("root", children=("a", Node("n", weight=3.0, children=("b", "c"))))
LEAVES = (crit("a", 1.0), crit("b", 1.0), crit("c", 3.0))


def test_weights_are_relative_to_siblings_at_every_level() -> None:
    found = score_of(rubric(*LEAVES, tree=TREE, policy="tree"), [0, 0, 1])
    assert found.parts["node:n"].value == 0.75
    assert found.value == close(9 / 16)


def test_inner_nodes_can_be_left_out_and_categories_take_their_place() -> None:
    leaves = [crit(c.id, c.weight, tier=t) for c, t in zip(LEAVES, "xxy", strict=True)]
    found = score_of(rubric(*leaves, tree=TREE, policy="tree", nodes=False), [0, 1, 1])
    assert {name: part.value for name, part in found.parts.items()} == {"tier:x": 0.75, "tier:y": 1.0}


def test_a_gate_is_no_child_but_vetoes_the_tree() -> None:
    made = rubric(*LEAVES, crit("gate", 5.0, effect="gate"), tree=Node("top", children=(TREE, "gate")), policy="tree", floor=0.125)
    passed, failed, unknown = scores(made, [[1, 1, 1, 1], [1, 1, 1, 0], [1, 1, 1, FAILED]])
    assert (passed.value, passed.low, passed.vetoed_by) == (1.0, 1.0, ())
    assert (failed.value, failed.low, failed.high, failed.vetoed_by) == (0.125, 0.125, 0.125, ("gate",))
    assert (unknown.value, unknown.low, unknown.high) == (1.0, 0.125, 1.0)


def test_requirements_hold_in_a_tree() -> None:
    needy = (crit("a", 1.0), crit("b", 1.0), crit("c", 3.0, requires=("b",)))
    found = score_of(rubric(*needy, tree=TREE, policy="tree"), [1, 0, 1])
    assert found.parts["node:n"].value == 0.0
    assert found.value == 0.25


def test_the_standard_error_follows_the_weights_up_the_tree() -> None:
    even = {"value": 1.0, "probs": (0.5, 0.5)}
    found = score_of(rubric(*LEAVES, tree=TREE, policy="tree"), [even, 1, even])
    assert found.se == close(0.5 * ((1 / 4) ** 2 + (3 / 4 * 3 / 4) ** 2) ** 0.5)
    assert score_of(rubric(*LEAVES, tree=TREE, policy="tree"), [1, even, 1]).se == close(0.5 * 3 / 4 / 4)
    assert score_of(rubric(*LEAVES, tree=TREE, policy="tree"), [1, 0, 1]).se is None


def test_trees_of_different_shape_in_one_table_keep_their_own_nodes() -> None:
    first = rubric(*LEAVES, tree=TREE, policy="tree")
    second = rubric(crit("x"), tree=Node("other", children=("x",)), policy="tree")
    third = rubric(crit("y", 3.0), crit("z"), tree=Node("root", children=("y", "z")), policy="tree")  # another node of the same name
    found = [{name: part.value for name, part in s.parts.items()} for s in scores([first, second, third], [[1, 1, 1], [0], [1, 0]])]
    assert found == [{"node:root": 1.0, "node:n": 1.0}, {"node:other": 0.0}, {"node:root": 0.75}]


def test_a_node_is_not_known_while_nothing_that_counts_in_it_is() -> None:
    made = Rubric(
        (crit("note", 0.0), crit("a"), crit("b")), Node("root", children=(Node("n", children=("note", "a")), "b")), Policy("tree")
    )
    found = score_of(made, [1, FAILED, 1])
    assert found.parts["node:n"].value is None
    assert found.value == 1.0


def test_a_tree_of_fifty_levels_is_scored() -> None:
    node = Node("n0", children=("a",))
    for level in range(1, 50):
        node = Node(f"n{level}", children=(node,))
    assert score_of(Rubric((crit("a"),), node, Policy("tree")), [1]).value == 1.0


@pytest.mark.parametrize("effect", ["add", "deduct"])
def test_a_fault_in_a_tree_is_a_child_whose_absence_is_the_credit(effect: Any) -> None:
    made = rubric(crit("a", 3.0), crit("slip", -1.0, effect=effect), policy="tree")
    clean, faulty, unknown = scores(made, [[1, 0], [1, 1], [0, FAILED]])
    assert (clean.value, faulty.value) == (1.0, 0.75)
    assert (unknown.value, unknown.low, unknown.high) == (0.0, 0.0, 0.25)


def test_the_cap_of_a_deduction_in_a_tree_bounds_what_it_takes_from_its_parent() -> None:
    made = rubric(crit("a", 4.0), crit("slip", -4.0, effect="deduct", cap=1.0), policy="tree")
    assert score_of(made, [1, 1]).value == 0.875
