"""A store of a million verdicts: what it takes to write, resume, open, ask for its status, tell of its calls and score it anew.

    python benchmarks/million.py [--verdicts 1000000]

The judge answers at once inside the process, so what is timed is this project alone. Every step runs in a process of its own; its
time is that of the call after imports, and its memory the peak of the process. To resume is to grade again with every answer on record:
each cell is looked up, none is asked.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

from apart import apart, tell

import criterial as cr
from criterial.core.ports import Answer, DecisionReply, DecisionRequest, Usage
from criterial.core.rubric import Policy
from criterial.run.existing import open_run
from criterial.score.scoring import score
from criterial.store.database import Database
from criterial.store.history import history
from criterial.store.runs import find_run, list_runs, session_history, total_usage

CRITERIA = 10
BARS = {"write": "", "resume": "10 s", "open": "", "status": "0.1 s", "calls": "", "score": "1 s"}


class Instant:
    """A judge that takes no time."""

    identity = name = "instant"
    calibrated, questions_per_call = True, CRITERIA

    async def decide(self, request: DecisionRequest) -> DecisionReply:
        right = sum(map(len, request.input.label)) % 2 == 0
        return DecisionReply(tuple(Answer("decided", (float(not right), float(right))) for _ in request.questions), Usage(1))

    def estimate(self, request: DecisionRequest) -> Usage:
        return Usage(1)

    async def close(self) -> None:
        return None


def cases(verdicts: int) -> list[dict[str, Any]]:
    rubric = [{"id": f"c{c}", "text": f"States fact {c}", "weight": 1 + c % 3} for c in range(CRITERIA)]
    return [
        {
            "id": f"t{t}",
            "prompt": f"Question {t}?",
            "rubric": rubric,
            "responses": [{"id": f"t{t}/r{r}", "system": f"s{r}", "text": f"Answer {r} to question {t}."} for r in range(10)],
        }
        for t in range(verdicts // (10 * CRITERIA))
    ]


def step(name: str, verdicts: int, store: str) -> float:
    """Return the seconds that one step takes."""
    work = cases(verdicts) if name in ("write", "resume") else []
    run = open_run("last", store) if name == "score" else None
    began = time.perf_counter()
    if name in ("write", "resume"):
        made = cr.grade(work, Instant(), store=store, settings=cr.JudgeSettings(concurrency=64))
        assert made.usage.calls == (0 if name == "resume" else verdicts // CRITERIA)
    elif name == "open":
        assert len(open_run("last", store).table.responses) == verdicts // CRITERIA
    elif name == "status":
        database = Database(store, create=False)
        found = find_run(database, "last")
        assert len(list_runs(database)) == len(session_history(database, found.id)) // 2 == 1
        assert total_usage(database, found.id).calls == verdicts // CRITERIA
        database.close()
    elif name == "calls":
        database = Database(store, create=False)
        assert history(database, find_run(database, "last").id).questions == verdicts
        database.close()
    elif run is not None:
        assert len(score(run.table, Policy("strict"))) == verdicts // CRITERIA
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--verdicts", type=int, default=1_000_000)
    parser.add_argument("--step", choices=BARS)
    parser.add_argument("--store", default="")
    given = parser.parse_args()
    if given.step:
        tell(step(given.step, given.verdicts, given.store))
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "store.sqlite"
        print(f"{'step':8} {'seconds':>9} {'bar':>7} {'peak MB':>8}")
        for name, bar in BARS.items():
            seconds, peak = apart("--step", name, "--verdicts", str(given.verdicts), "--store", f"sqlite:///{file}")
            print(f"{name:8} {seconds:9.3f} {bar:>7} {peak:8.0f}", flush=True)
        print(f"{given.verdicts} verdicts take {file.stat().st_size / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
