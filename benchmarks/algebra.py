"""How fast the algebra is: 10^6 verdicts under several policies and panels, and CPU per verdict of panels and cascades."""

from __future__ import annotations

import asyncio
import time

import numpy as np
from stopwatch import best

from criterial.core.criterion import Criterion
from criterial.core.fence import Block
from criterial.core.ports import Answer, DecisionReply, DecisionRequest, Input, Usage
from criterial.core.rubric import Panel, Policy, Rubric
from criterial.core.table import Layer, VerdictTable
from criterial.judge.pointwise import question_of
from criterial.model.cascade import CascadeDecider
from criterial.score.scoring import score

RESPONSES, CRITERIA = 100_000, 10
TIERS = ("essential", "important", "highlight", "pitfall")
SIX = Policy(
    "composed",
    {
        "steps": [
            {"op": "group", "by": "tier"},
            {"op": "saturate"},
            {"op": "truncate", "core": "essential", "forfeit": ["important", "highlight"], "damage": "pitfall"},
            {"op": "total", "weights": {"essential": 2.0}},
            {"op": "shape"},
            {"op": "clip"},
        ]
    },
)


def table(layers: int) -> VerdictTable:
    """Return 10^6 random verdicts a layer, one rubric for all."""
    rng = np.random.default_rng(0)
    criteria = (Criterion(f"c{i}", f"does {i}", tier=TIERS[i % 4], weight=-1.0 if i % 4 == 3 else 1.0) for i in range(CRITERIA))
    size = (layers, RESPONSES * CRITERIA)
    names = tuple(f"r{i}" for i in range(RESPONSES))
    return VerdictTable(
        rubrics=(Rubric(tuple(criteria)),),
        tasks=names,
        responses=names,
        systems=("a",) * RESPONSES,
        task_R=np.arange(RESPONSES),
        rubric_R=np.zeros(RESPONSES, dtype=np.int64),
        layers=tuple(Layer(f"judge {i}") for i in range(layers)),
        state_LN=np.ones(size, dtype=np.uint8),
        value_LN=rng.integers(0, 2, size).astype(np.float64),
        cause_LN=np.zeros(size, dtype=np.uint8),
        probs_LNK=np.zeros((*size, 0), dtype=np.float32),
        checked_LN=np.zeros(size, dtype=np.bool_),
    )


class Sure:
    """Answers at once; every other question, or none, unsure."""

    calibrated, questions_per_call = True, 1 << 20

    def __init__(self, name: str, unsure: bool) -> None:
        self.name = self.identity = name
        self._unsure = unsure

    async def decide(self, request: DecisionRequest) -> DecisionReply:
        yes, no = Answer("decided", (0.0, 1.0), graded=True), Answer("abstained", cause="uncertain")
        return DecisionReply(tuple(no if self._unsure and i % 2 else yes for i in range(len(request.questions))))

    def estimate(self, request: DecisionRequest) -> Usage:
        return Usage()

    async def close(self) -> None:
        pass


def cascade_cost() -> float:
    """Return milliseconds of CPU a verdict that a cascade adds."""
    questions = tuple(question_of(Criterion(f"c{i}", f"does {i}")) for i in range(CRITERIA))
    request = DecisionRequest(Input("judge", (Block("response", "text"),)), questions)
    plain, cascade = Sure("dear", False), CascadeDecider(Sure("cheap", True), Sure("dear", False))

    async def ask(decider: Sure | CascadeDecider) -> None:
        for _ in range(5_000):
            await decider.decide(request)

    spent = []
    for decider in (plain, cascade):
        began = time.process_time()
        asyncio.run(ask(decider))
        spent.append(time.process_time() - began)
    return 1000 * (spent[1] - spent[0]) / (5_000 * CRITERIA)


def main() -> None:
    """Print the table."""
    one, three = table(1), table(3)
    print(f"{RESPONSES * CRITERIA:,} verdicts            seconds   bar   with means of its four tiers")
    for name, policy, bar in (
        ("weighted", Policy(), "0.5"),
        ("tree", Policy("tree"), "0.5"),
        ("six operators", SIX, "1.0"),
        ("tiers", Policy("tiers"), ""),
        ("saturating", Policy("saturating"), ""),
        ("geometric", Policy("geometric", {"by": "tier"}), ""),
    ):
        alone, parts = (best(lambda p=policy, q=q: score(one, p, parts=q)) for q in (False, True))
        print(f"{name:27} {alone:7.2f} {bar:>6} {parts:8.2f}")
    for rule in ("majority", "mean", "conservative"):
        spent = best(lambda r=rule: score(three, Policy(), parts=False, panel=Panel(r)))
        print(f"panel of three, {rule:12} {spent:7.2f}        {1000 * spent / (3 * RESPONSES * CRITERIA):.5f} ms a verdict (bar 0.1)")
    print(f"cascade                                    {cascade_cost():.5f} ms of CPU a verdict more (bar 0.1)")


if __name__ == "__main__":
    main()
