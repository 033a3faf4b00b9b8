"""What the golden stores hold: two runs of planted truth, one cut off, and answers under keys of their own.

`scripts/golden_store.py` makes the store of the present version; those of past versions are kept as they were made.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from sqlalchemy import Connection, text

from criterial.core.ports import Answer, DecisionReply, DecisionRequest, Question, Usage
from criterial.model.spec import JudgeSettings
from criterial.run.grading import grade
from criterial.store import schema
from criterial.store.database import Database
from criterial.store.journal import Journal

FOLDER = Path(__file__).parent / "store" / "golden"
"""Where golden stores are, each under the version of its schema."""
ANSWERS = {
    "golden-levels": Answer("decided", (0.25, 0.75), graded=True, reason="because, naïvely"),
    "golden-number": Answer("decided", number=7.5),
    "golden-abstained": Answer("abstained", cause="cannot_assess"),
    "golden-apart": Answer("not_applicable"),
}
USAGE = Usage(calls=1, retries=1, input_tokens=30, cached_tokens=10, output_tokens=5, money=0.25)
FACTS = ["names the city", "names the year", "names the author"]
TRUTH = {
    "t0/r0": ([1.0, 0.0, 1.0, 3.0], 0.625),
    "t0/r1": ([0.0, 0.0, None, 5.0], 0.4),
    "t1/r0": ([1.0, 1.0, 1.0, 4.0], 0.9375),
}
"""For each response the values of its criteria (None abstains), and its score."""


def golden_cases(name: str) -> list[dict[str, Any]]:
    """Return a run's cases: three facts of weights 1, 2 and 3, and a scale of five points of weight 2."""
    facts: list[dict[str, Any]] = [{"id": f"f{n}", "text": f"It {fact}", "weight": n + 1} for n, fact in enumerate(FACTS)]
    rubric = [*facts, {"id": "clear", "text": "How clear is it?", "scale": "likert:5", "weight": 2}]
    said = {response: " ".join(str(v) for v in values) for response, (values, _) in TRUTH.items()}
    return [
        {"id": task, "prompt": f"{name}, {task}: Où?", "rubric": rubric, "responses": [r for r in _responses(said) if r["id"][:2] == task]}
        for task in ("t0", "t1")
    ]


def _responses(said: dict[str, str]) -> list[dict[str, str]]:
    return [{"id": response, "text": text, "system": response[-2:]} for response, text in said.items()]


class Planted:
    """Reads the truth in the response itself, asks nobody, and counts; at one of its calls it may kill its process."""

    identity, name, calibrated, questions_per_call = "planted-1", "planted", True, 1

    def __init__(self, last: int = -1) -> None:
        self.calls, self._last = 0, last

    async def decide(self, request: DecisionRequest) -> DecisionReply:
        self.calls += 1
        if self.calls == self._last:
            os.kill(os.getpid(), signal.SIGKILL)
        text = next(b.text for b in request.input.blocks if b.label == "response")
        return DecisionReply(tuple(self._answer(q, text.split()) for q in request.questions), USAGE)

    @staticmethod
    def _answer(question: Question, said: list[str]) -> Answer:
        value = said[3] if question.kind == "score" else said[next(n for n, f in enumerate(FACTS) if f in question.text)]
        if value == "None":
            return Answer("abstained", cause="cannot_assess")
        place = int(float(value)) - (question.base if question.kind == "score" else 0)
        levels = max(2, len(question.levels))
        return Answer("decided", tuple(float(n == place) for n in range(levels)), reason=f"it says {value}")

    def estimate(self, request: DecisionRequest) -> Usage:
        return USAGE

    async def close(self) -> None:
        pass


def make(path: Path) -> None:
    """Write a store with a whole run, a run whose process was killed in the middle of a call, and answers of every kind."""
    url = f"sqlite:///{path}"
    with at(1):
        grade(golden_cases("whole"), Planted(), store=url)
    with at(2):
        asyncio.run(_journal(url))
    assert in_a_process(cut_off, url) == -signal.SIGKILL
    store = sqlite3.connect(path)
    store.execute("VACUUM")
    store.close()


def cut_off(url: str) -> None:
    """Begin a run and be killed in the middle of its sixth call."""
    with at(3):
        grade(golden_cases("cut off"), Planted(last=6), store=url, settings=JudgeSettings(concurrency=1))


def in_a_process(work: Callable[[str], None], url: str) -> int:
    """Do what a function of this module does in a process of its own, and return how that ended."""
    program = f"import sys; from tests.helpers_golden import {work.__name__} as work; work(sys.argv[1])"
    return subprocess.run([sys.executable, "-c", program, url], cwd=Path(__file__).parents[1], check=False).returncode


@contextmanager
def at(hour: int) -> Iterator[None]:
    """Have times and names that are the same whenever this is run."""
    seconds = map(float, itertools.count(1_700_000_000 + 3600 * hour))
    names = (uuid.UUID(int=hour << 100 | n << 64) for n in itertools.count(1))
    with mock.patch("time.time", side_effect=seconds), mock.patch("uuid.uuid4", side_effect=names):
        yield


async def _journal(url: str) -> None:
    database = Database(url)
    async with Journal(database, "golden") as journal:
        call = await journal.intend("t/r", list(ANSWERS))
        await journal.settle(call, 1_700_000_000.0, list(ANSWERS.items()), USAGE)
    database.close()


def to_two(then: Callable[[], object]) -> Callable[[Connection], None]:
    """Return a migration of several steps in whose middle something happens."""

    def migrate(connection: Connection) -> None:
        connection.execute(text("ALTER TABLE runs ADD COLUMN note TEXT DEFAULT 'none'"))
        connection.execute(text("CREATE TABLE notes (run VARCHAR(64) PRIMARY KEY)"))
        connection.execute(text("INSERT INTO notes SELECT id FROM runs"))
        connection.execute(text("DELETE FROM answers"))
        then()
        connection.execute(text("INSERT INTO answers VALUES ('new', 'call', '{\"o\":\"not_applicable\"}')"))

    return migrate


def migrate_and_die(url: str) -> None:
    """Open a store as a version 2 whose migration kills its process."""
    schema.VERSION, schema._MIGRATIONS[1] = 2, to_two(lambda: os.kill(os.getpid(), signal.SIGKILL))
    Database(url)
