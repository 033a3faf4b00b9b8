"""Cases with planted truth, and ways to grade them, for tests of endpoints, stores and runs."""

from __future__ import annotations

from typing import Any

from criterial.model.scripted import planted
from criterial.score.record import Run


def planted_cases(tasks: int = 5, criteria: int = 4, responses: int = 2) -> list[dict[str, Any]]:
    """Return cases whose verdicts `criterial.model.scripted.planted` fixes; one criterion in four has five points, one negative weight."""
    return [
        {
            "id": f"t{t}",
            "prompt": f"Question {t}: what is to be done?",
            "rubric": [
                {
                    "id": f"c{c}",
                    "text": f"States fact {c} of task {t}",
                    "weight": -2 if c % 4 == 3 else c % 4 + 1,
                    **({"scale": "likert:5"} if c % 4 == 2 else {}),
                }
                for c in range(criteria)
            ],
            "responses": [{"id": f"t{t}/r{r}", "system": f"s{r}", "text": f"Answer {r} to question {t}."} for r in range(responses)],
        }
        for t in range(tasks)
    ]


def truth(case: dict[str, Any], response: dict[str, Any], criterion: dict[str, Any]) -> float:
    """Return the planted value of one cell."""
    labels = ("1", "2", "3", "4", "5") if "scale" in criterion else ("no", "yes")
    label = planted(criterion["text"], f"{case['prompt']}\n{response['text']}", labels)
    return float(label) if "scale" in criterion else float(label == "yes")


def wrong_cells(run: Run, cases: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Return the decided cells whose value is not the planted one."""
    known = {(c["id"], r["id"], k["id"]): truth(c, r, k) for c in cases for r in c["responses"] for k in c["rubric"]}
    found = [v for v in run.table.verdicts() if v.value is not None]
    return [(v.response, v.criterion) for v in found if v.value != known[v.task, v.response, v.criterion]]


__all__ = ["planted_cases", "truth", "wrong_cells"]
