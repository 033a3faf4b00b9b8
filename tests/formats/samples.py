"""One small sound file of every format, of our own writing, and what is in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.helpers_files import write

NATIVE = [
    {
        "id": "n1",
        "prompt": "Name the capital of France.",
        "references": ["Paris"],
        "context": "An atlas.",
        "tags": ["lang:en"],
        "rubric": {
            "criteria": [
                {"id": "a", "text": "Says Paris", "weight": 2, "category": "facts/places", "evidence": ["atlas"]},
                {"id": "b", "text": "Is short", "check": {"kind": "length", "max": 9}, "requires": "a"},
                {"id": "c", "text": "Is kind", "scale": ["rude", "kind"], "examples": [{"text": "Hi", "value": "kind"}]},
            ],
            "tree": {"id": "top", "children": ["a", {"id": "rest", "weight": 2, "children": ["b", "c"]}]},
            "guidelines": "Be fair",
        },
        "responses": [{"id": "x", "system": "s", "text": "Paris.", "verdicts": {"a": 1, "c": {"value": "kind", "reason": "r"}}}, "Lyon."],
    },
    {"id": "n2", "messages": [{"role": "user", "content": [{"text": "Hi"}]}], "rubric": ["Greets"], "responses": [{"messages": ["Hello"]}]},
]
HEALTHBENCH = {
    "prompt_id": "h1",
    "prompt": [
        {"role": "user", "content": "My head aches."},
        {"role": "assistant", "content": "Since when?"},
        {"role": "user", "content": "Today."},
    ],
    "rubrics": [
        {"criterion": "Asks about fever", "points": 5, "tags": ["level:example", "axis:completeness"]},
        {"criterion": "Names a drug without need", "points": -3, "tags": []},
    ],
    "example_tags": ["theme:aches"],
    "ideal_completions_data": {"ideal_completion": "Do you have a fever?", "ideal_completions_ref_completions": ["Rest.", "Drink."]},
}
PROFESSIONAL = {"id": "p1", "conversation": "My head aches.", "rubric_items": [{"criterion": "Asks about fever", "points": 5}]}
INFOBENCH = {
    "id": "i1",
    "instruction": "Write a title.",
    "input": "On avocados.",
    "decomposed_questions": ["Is it a title?", "Is it short?", "Is it about avocados?"],
    "question_label": [["Format"], ["Number", "Style"], ["Content"]],
    "category": "Blog",
    "subset": "Easy_set",
    "output": "Green gold",
    "eval": [True, False, None],
}
PROMETHEUS = {
    "item_id": "v-1",
    "set": "own",
    "category": "generic",
    "model": "m",
    "task": "How do I save time?",
    "response": "Plan your day.",
    "reference": "Make a plan.",
    "criterion": "Is it useful?",
    "levels": {str(n): f"level {n}" for n in range(1, 6)},
    "gpt4_scores": [3, 4, 3],
    "gpt4_feedback": ["so", "well", "so"],
}
BIGGEN = {
    "id": "b-1",
    "capability": "planning",
    "task": "travel",
    "system_prompt": "You plan.",
    "input": "Plan a day.",
    "reference_answer": "Sleep in.",
    "score_rubric": {"criteria": "Is it a plan?", **{f"score{n}_description": f"level {n}" for n in range(1, 6)}},
}


def leaf(identity: str, **fields: Any) -> dict[str, Any]:
    """Return a leaf of a PaperBench tree."""
    return {"id": identity, "requirements": f"Does {identity}", "weight": 1, "sub_tasks": [], "task_category": "Code Development", **fields}


def tree(*children: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return a PaperBench tree."""
    return {"id": "top", "requirements": "Reproduce the paper", "weight": 1, "task_category": None, "sub_tasks": list(children), **fields}


GRADED = tree(
    leaf("one", score=1, explanation="there"),
    tree(leaf("two", score=0, weight=3), leaf("three", score=0, valid_score=False), id="inner", requirements="Inside", score=0.0),
    score=0.5,
)
UNGRADED = tree(leaf("one"), tree(leaf("two", weight=3), leaf("three"), id="inner", requirements="Inside"))
AUTORUBRIC = {
    "name": "set",
    "prompt": "Explain rain.",
    "reference_submission": "Water falls.",
    "rubric": [
        {"name": "wet", "requirement": "Says water"},
        {"requirement": "Depth", "options": [{"label": "low", "value": 0.0}, {"label": "high", "value": 1.0}]},
    ],
    "items": [
        {"submission": "Water falls.", "description": "good", "ground_truth": ["MET", "high"], "ground_truth_reasons": ["yes", None]},
        {"submission": "Magic.", "ground_truth": ["CANNOT_ASSESS", "low"]},
    ],
}
REALSUMM = {
    "documents": [{"doc_id": "d1", "reference": "A cat sat.", "criteria": [["d1-1", "A cat sat."], ["d1-2", "It rained."]]}],
    "summaries": [
        {"doc_id": "d1", "system": "abs:one", "summary": "The cat sat."},
        {"doc_id": "d1", "system": "ext:two", "summary": "Rain."},
    ],
    "verdicts": [
        {"doc_id": "d1", "system": "abs:one", "criterion_id": "d1-1", "votes": [1, 1, 0], "present": 1},
        {"doc_id": "d1", "system": "abs:one", "criterion_id": "d1-2", "votes": [], "present": 0},
        {"doc_id": "d1", "system": "gone", "criterion_id": "d1-1", "votes": [1], "present": 1},
    ],
}

SINGLE: dict[str, tuple[str, Any, str]] = {
    "native": ("native.jsonl", NATIVE, "native"),
    "native.yaml": ("native.yaml", NATIVE, "native"),
    "native.toml": ("native.toml", NATIVE[0], "native"),
    "healthbench": ("health.jsonl", [HEALTHBENCH], "healthbench"),
    "professional": ("professional.jsonl", [PROFESSIONAL], "healthbench"),
    "infobench": ("info.jsonl", [INFOBENCH], "infobench"),
    "prometheus": ("prometheus.jsonl", [PROMETHEUS], "prometheus"),
    "biggen": ("biggen.jsonl", [BIGGEN], "prometheus"),
    "graded": ("graded.json", GRADED, "paperbench"),
    "ungraded": ("ungraded.json", UNGRADED, "paperbench"),
    "autorubric": ("auto.json", AUTORUBRIC, "autorubric"),
    "autorubric.yaml": ("auto.yaml", AUTORUBRIC, "autorubric"),
}
"""By name: the file's name, its content, and its format."""


def folder(where: Path, **changes: Any) -> Path:
    """Write a REALSumm folder; return its path."""
    where.mkdir(exist_ok=True)
    for name, rows in {**REALSUMM, **changes}.items():
        if rows is not None:
            write(where, f"{name}.jsonl", "".join(json.dumps(r) + "\n" for r in rows))
    return where
