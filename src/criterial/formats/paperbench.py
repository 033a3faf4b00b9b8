"""PaperBench: a tree of requirements with weights among siblings; a graded tree carries a score at every leaf."""

from __future__ import annotations

from collections import Counter
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
from criterial.formats.validation import NULL, below, build, take

__all__ = ["FORMAT"]

_ROOT = "paperbench"


def _read(document: Document, _: Rubric | None) -> Iterator[Case]:
    return document.each(lambda item: _case(item, document.stem))


def _case(item: Mapping[str, Any], stem: str) -> Case:
    leaves = _Leaves(graded="score" in item)
    root = leaves.node(item, "")
    identity = take(item, "id", str)
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
    """Gathers the leaves of a tree as criteria and, where it is graded, their marks.

    The benchmark's own files have leaves that stand in several places; each place is a criterion with marks of its own.
    """

    def __init__(self, graded: bool) -> None:
        self.graded = graded
        self.criteria: list[Criterion] = []
        self.marks: dict[str, dict[str, Any]] = {}
        self._seen: Counter[str] = Counter()

    def node(self, item: Any, path: str) -> Node | str:
        """Return a node with its children, or a leaf's id."""
        if not isinstance(item, Mapping):
            raise FormatError("expected a node", path=path)
        identity = self._unique(take(item, "id", str, path))
        children: list[Any] = take(item, "sub_tasks", (list, NULL), path, None) or []
        if not children:
            self._leaf(identity, item, path)
            return identity
        nodes = tuple(self.node(c, below(path, f"sub_tasks[{i}]")) for i, c in enumerate(children))
        return Node(identity, take(item, "requirements", str, path), float(take(item, "weight", (int, float), path)), nodes)

    def _unique(self, identity: str) -> str:
        self._seen[identity] += 1
        return identity if self._seen[identity] == 1 else f"{identity}#{self._seen[identity]}"

    def _leaf(self, identity: str, item: Mapping[str, Any], path: str) -> None:
        scale: dict[str, Scale] = {}
        if self.graded:
            mark = float(take(item, "score", (int, float), path))
            if not 0.0 <= mark <= 1.0:
                raise FormatError(f"a score of 0 to 1 was expected, found {mark:g}", path=below(path, "score"))
            valid = take(item, "valid_score", bool, path, True)
            if mark not in (0.0, 1.0):
                scale = {"scale": Numeric(0.0, 1.0)}
            reason: str = take(item, "explanation", (str, NULL), path, None) or ""
            told = {"value": mark} if valid else {"state": State.FAILED, "cause": "malformed"}
            self.marks[identity] = {**told, "reason": reason}
        category = tuple(str(item[k]) for k in ("task_category", "finegrained_task_category") if item.get(k))
        fields = {"id": identity, "text": take(item, "requirements", str, path), "weight": take(item, "weight", (int, float), path)}
        self.criteria.append(build(Criterion, {**fields, "category": category, **scale}, path))


def _matches(first: Mapping[str, Any]) -> bool:
    return {"id", "requirements", "sub_tasks"} <= set(first)


FORMAT = Format("paperbench", "PaperBench rubric trees, graded or not (JSON)", _matches, _read, cites="frontier-evals, PaperBench")
