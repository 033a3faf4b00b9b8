"""PaperBench: a tree of requirements with weights among siblings; a graded tree carries a score at every leaf."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from criterial.core.criterion import Criterion, Source
from criterial.core.rubric import Node, Policy, Rubric
from criterial.core.scale import Numeric, Scale
from criterial.core.task import Case, Message, Response, Task
from criterial.core.verdict import State, Verdict
from criterial.errors import FormatError
from criterial.formats.format import Format
from criterial.formats.reading import Document
from criterial.formats.validation import build, take

__all__ = ["FORMAT"]

_ROOT = "paperbench"


def _read(document: Document, rubric: Rubric | None) -> Iterator[Case]:
    for line, item in document.objects():
        try:
            yield _case(item, document.stem)
        except FormatError as error:
            raise error.located(document.name, line) from None


def _case(item: Mapping[str, Any], stem: str) -> Case:
    leaves = _Leaves(graded="score" in item)
    root = leaves.node(item, "")
    identity = str(item["id"])
    if isinstance(root, str):  # a tree that is one leaf
        root = Node(f"{identity}/{_ROOT}", children=(root,))
    rubric = Rubric(tuple(leaves.criteria), root, Policy("tree"), id=identity, title=stem, source=Source("PaperBench"))
    task = Task(identity, (Message("user", str(item["requirements"])),), tags=(f"paper:{stem}",))
    if not leaves.graded:
        return Case(task, rubric, ())
    submission = f"{identity}/graded"
    response = Response(submission, (Message("assistant", "(the graded submission is not part of the file)"),), system=stem)
    verdicts = tuple(Verdict(submission, c, task=identity, judge="graded", **mark) for c, mark in leaves.marks.items())
    return Case(task, rubric, (response,), verdicts)


class _Leaves:
    """Gathers the leaves of a tree as criteria and, where it is graded, their marks."""

    def __init__(self, graded: bool) -> None:
        self.graded = graded
        self.criteria: list[Criterion] = []
        self.marks: dict[str, dict[str, Any]] = {}

    def node(self, item: Any, path: str) -> Node | str:
        """Return a node with its children, or a leaf's id."""
        if not isinstance(item, Mapping):
            raise FormatError("expected a node", path=path)
        identity = take(item, "id", str, path)
        children = item.get("sub_tasks") or []
        if not children:
            self._leaf(identity, item, path)
            return identity
        below = tuple(self.node(c, f"{path}.sub_tasks[{i}]".lstrip(".")) for i, c in enumerate(children))
        return Node(identity, take(item, "requirements", str, path), float(take(item, "weight", (int, float), path)), below)

    def _leaf(self, identity: str, item: Mapping[str, Any], path: str) -> None:
        scale: dict[str, Scale] = {}
        if self.graded:
            mark = float(take(item, "score", (int, float), path))
            valid = item.get("valid_score", True)
            if mark not in (0.0, 1.0):
                scale = {"scale": Numeric(0.0, 1.0)}
            reason = str(item.get("explanation") or "")
            told = {"value": mark} if valid else {"state": State.FAILED, "cause": "malformed"}
            self.marks[identity] = {**told, "reason": reason}
        category = tuple(str(item[k]) for k in ("task_category", "finegrained_task_category") if item.get(k))
        fields = {"id": identity, "text": take(item, "requirements", str, path), "weight": take(item, "weight", (int, float), path)}
        self.criteria.append(build(Criterion, {**fields, "category": category, **scale}, path))


def _matches(first: Mapping[str, Any]) -> bool:
    return {"id", "requirements", "sub_tasks"} <= set(first)


FORMAT = Format("paperbench", "PaperBench rubric trees, graded or not (JSON)", _matches, _read, cites="frontier-evals, PaperBench")
