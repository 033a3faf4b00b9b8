"""Four processes write into one store while a fifth reads it: nothing is lost or doubled, and nobody sees an error.

reliability.md figure 16, with a tenth of its writes unless CRITERIAL_CALLS=10000 asks for all.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import time
from pathlib import Path

import pytest

from criterial.core.ports import Answer, Usage
from criterial.store.database import Database
from criterial.store.journal import Journal, recorded
from criterial.store.runs import lost_calls, total_usage

WRITERS, TOGETHER, COMMON = 4, 8, 100
CALLS = int(os.environ.get("CRITERIAL_CALLS", "1000"))
_processes = multiprocessing.get_context("spawn")


def write(url: str, writer: int) -> None:
    """Book so many calls to a run of one's own; some of the answers are those of all writers."""

    async def ask(journal: Journal, numbers: range) -> None:
        for number in numbers:
            key = f"all-{number}" if number < COMMON else f"{writer}-{number}"
            call = await journal.intend("t/r", [key])
            await journal.settle(call, time.time(), [(key, Answer("decided", number=float(number)))], Usage(calls=1, money=0.25))

    async def body() -> None:
        async with Journal(database, f"run-{writer}") as journal:
            await asyncio.gather(*(ask(journal, range(start, CALLS, TOGETHER)) for start in range(TOGETHER)))

    database = Database(url)
    asyncio.run(body())
    database.close()


def watch(url: str, done: multiprocessing.synchronize.Event, seen: multiprocessing.Queue[list[int]]) -> None:
    """Read the bills of all runs again and again, and tell how they grew."""
    database, totals = Database(url), [0]
    while not done.is_set():
        totals.append(sum(total_usage(database, f"run-{w}").calls for w in range(WRITERS)))
        time.sleep(0.01)
    seen.put(totals)
    database.close()


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_four_writers_and_a_reader_share_a_store(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/shared.sqlite" if kind == "sqlite" else request.getfixturevalue("postgres")
    done, seen = _processes.Event(), _processes.Queue()
    reader = _processes.Process(target=watch, args=(url, done, seen))
    writers = [_processes.Process(target=write, args=(url, w)) for w in range(WRITERS)]
    for process in (reader, *writers):
        process.start()
    for process in writers:
        process.join(120)
    done.set()
    totals = seen.get(timeout=60)
    reader.join(60)
    assert [p.exitcode for p in (reader, *writers)] == [0] * (WRITERS + 1)
    assert totals == sorted(totals) and len({*totals}) > 3

    database = Database(url)
    for writer in range(WRITERS):
        assert total_usage(database, f"run-{writer}") == Usage(calls=CALLS, money=0.25 * CALLS)
        assert lost_calls(database, f"run-{writer}") == []
    keys = [f"all-{n}" for n in range(COMMON)] + [f"{w}-{n}" for w in range(WRITERS) for n in range(COMMON, CALLS)]
    with database.begin(write=False) as connection:
        assert {k: a.number for k, a in recorded(connection, keys).items()} == {k: float(k.split("-")[1]) for k in keys}
    database.close()
