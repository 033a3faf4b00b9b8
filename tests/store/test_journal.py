"""The journal's promise: acknowledged is on disk, known is not asked again, and what was in flight is listed. SQLite and PostgreSQL."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from criterial.core.fence import Block
from criterial.core.ports import Answer, DecisionReply, DecisionRequest, Input, Question, Usage
from criterial.core.scale import Level
from criterial.errors import ConfigError, JudgeError, StoreError, StoreVersionError, UnknownRun
from criterial.run.admission import Gate
from criterial.store.database import Database
from criterial.store.history import history
from criterial.store.journal import Journal, recorded
from criterial.store.journaled import JournaledDecider, RecordedDecider
from criterial.store.runs import begin_run, find_run, list_runs, lost_calls, session_history, total_usage

ANSWERS = {
    "decided": Answer("decided", (0.25, 0.75), graded=True, reason="because ünïcode"),
    "number": Answer("decided", number=7.5),
    "abstained": Answer("abstained", cause="cannot_assess", reason="?"),
    "apart": Answer("not_applicable"),
    "unkeepable": Answer("decided", (0.0, 1.0), reason="a\0b\ud800c"),
    "failed": Answer("failed", cause="timeout"),
}


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    if request.param == "sqlite":
        made = Database(f"sqlite:///{tmp_path}/store.sqlite")
    else:
        made = Database(request.getfixturevalue("postgres"))
        with made.begin() as connection:
            connection.execute(text("TRUNCATE answers, calls, intents, sessions, blobs, runs, run_cases, run_blocks"))
    yield made
    made.close()


def known(database: Database, *keys: str) -> dict[str, Answer]:
    with database.begin(write=False) as connection:
        return recorded(connection, keys)


def test_answers_come_back_as_they_went_in_and_failed_ones_do_not(database: Database) -> None:
    async def body() -> None:
        async with Journal(database, "run") as journal:
            call = await journal.intend("t/r", list(ANSWERS))
            await journal.settle(call, time.time(), list(ANSWERS.items()), Usage(2, 1, 30, 10, 5, 0.25))
            assert await journal.known([*ANSWERS, "never"]) == {k: a for k, a in ANSWERS.items() if k != "failed"}

    asyncio.run(body())
    assert known(database, *ANSWERS) == {k: a for k, a in ANSWERS.items() if k != "failed"}
    assert ANSWERS["unkeepable"].reason == "a\ufffdb\ufffdc"
    assert total_usage(database, "run") == Usage(2, 1, 30, 10, 5, 0.25)
    assert lost_calls(database, "run") == []


def test_a_call_takes_from_its_start_until_it_is_settled(database: Database) -> None:
    async def body() -> None:
        async with Journal(database, "run") as journal:
            call = await journal.intend("t/r", ["c"])
            await journal.settle(call, time.time() - 7.0, [("k", ANSWERS["decided"])], Usage(1))

    asyncio.run(body())
    found = history(database, "run")
    assert found.median is not None
    assert 7.0 <= found.median < 9.0


def test_an_intent_without_a_reply_stays_behind_and_is_listed(database: Database) -> None:
    async def body() -> None:
        async with Journal(database, "run") as journal:
            await journal.intend("t/r", ["c1", "c2"])

    asyncio.run(body())
    assert lost_calls(database, "run") == ["t/r: c1, c2"]
    assert lost_calls(database, "other") == []


def test_what_is_acknowledged_is_seen_by_another_connection_at_once(database: Database) -> None:
    async def body() -> None:
        async with Journal(database, "run") as journal:
            for n in range(20):
                call = await journal.intend("t/r", ["c"])
                await journal.settle(call, time.time(), [(f"k{n}", ANSWERS["decided"])], Usage(1))
                assert set(known(database, f"k{n}")) == {f"k{n}"}

    asyncio.run(body())


def test_many_at_once_are_all_kept(database: Database) -> None:
    async def one(journal: Journal, n: int) -> None:
        call = await journal.intend(f"t/{n}", ["c"])
        await asyncio.sleep(0)
        await journal.settle(call, time.time(), [(f"k{n}", ANSWERS["decided"])], Usage(1, 0, n, 0, 0, 0.0))

    async def body() -> None:
        async with Journal(database, "run") as journal:
            await asyncio.gather(*(one(journal, n) for n in range(500)))

    asyncio.run(body())
    assert len(known(database, *(f"k{n}" for n in range(500)))) == 500
    assert total_usage(database, "run").input_tokens == sum(range(500))
    assert lost_calls(database, "run") == []


def test_a_commit_that_the_database_refuses_is_an_error_to_those_who_wait_and_the_next_one_goes_on(database: Database) -> None:
    def forbid(connection: Connection, forbidden: bool) -> None:
        if database.is_file:
            refuse = "CREATE TRIGGER full BEFORE INSERT ON answers WHEN NEW.key = 'refused' BEGIN SELECT RAISE(FAIL, 'no room'); END"
            allow = "DROP TRIGGER full"
        else:
            refuse, allow = "ALTER TABLE answers ADD CONSTRAINT room CHECK (key <> 'refused')", "ALTER TABLE answers DROP CONSTRAINT room"
        connection.execute(text(refuse if forbidden else allow))

    async def keep(journal: Journal, key: str) -> None:
        call = await journal.intend("t/r", [key])
        await journal.settle(call, time.time(), [(key, ANSWERS["decided"])], Usage(1))

    async def body() -> None:
        async with Journal(database, "run") as journal:
            await keep(journal, "before")
            with pytest.raises(StoreError, match="room"):
                await keep(journal, "refused")
            await keep(journal, "after")

    with database.begin() as connection:
        forbid(connection, True)
    try:
        asyncio.run(asyncio.wait_for(body(), 20))
    finally:
        with database.begin() as connection:
            forbid(connection, False)
    assert set(known(database, "before", "refused", "after")) == {"before", "after"}
    assert lost_calls(database, "run") == ["t/r: refused"]


def test_the_first_answer_to_a_question_stands(database: Database) -> None:
    async def body() -> None:
        async with Journal(database, "run") as journal:
            for answer in (ANSWERS["decided"], ANSWERS["abstained"]):
                call = await journal.intend("t/r", ["c"])
                await journal.settle(call, time.time(), [("k", answer)], Usage(1))

    asyncio.run(body())
    assert known(database, "k") == {"k": ANSWERS["decided"]}


def test_money_is_unknown_where_any_call_had_no_price(database: Database) -> None:
    async def body() -> None:
        async with Journal(database, "run") as journal:
            for money in (0.5, None):
                call = await journal.intend("t/r", ["c"])
                await journal.settle(call, time.time(), [], Usage(1, money=money))

    asyncio.run(body())
    assert total_usage(database, "run").money is None


class Counting:
    """Answers every question with yes and counts what it is asked."""

    identity, name, calibrated, questions_per_call = "counting", "counting", True, 2

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    async def decide(self, request: DecisionRequest) -> DecisionReply:
        self.asked.append([q.name for q in request.questions])
        await asyncio.sleep(0.001)
        return DecisionReply(tuple(Answer("decided", (0.0, 1.0)) for _ in request.questions), Usage(1, 0, 10))

    def estimate(self, request: DecisionRequest) -> Usage:
        return Usage(1, 0, 10)

    async def close(self) -> None:
        pass


def request(names: str = "abcde", response: str = "text") -> DecisionRequest:
    questions = tuple(Question(n, "predicate", f"Says {n}", (Level("no"), Level("yes"))) for n in names)
    return DecisionRequest(Input("Judge.", (Block("response", response),), label=("t", "r")), questions)


def decide(database: Database, inner: Counting, asked: DecisionRequest, gate: Gate | None = None) -> DecisionReply:
    async def body() -> DecisionReply:
        async with Journal(database, "run") as journal:
            return await JournaledDecider(inner, journal, gate or Gate(4)).decide(asked)

    return asyncio.run(body())


def test_a_request_is_split_and_only_what_is_not_known_is_asked(database: Database) -> None:
    inner = Counting()
    first = decide(database, inner, request("abc"))
    assert inner.asked == [["a", "b"], ["c"]]
    assert first.usage == Usage(2, 0, 20)
    second = decide(database, inner, request("abcde"))
    assert inner.asked[2:] == [["d", "e"]]
    assert [a.outcome for a in second.answers] == ["decided"] * 5
    third = decide(database, inner, request("edcba"))
    assert len(inner.asked) == 3 and third.usage == Usage()


class Slow(Counting):
    """Answers when it is let go on, or breaks."""

    def __init__(self, breaks: bool = False) -> None:
        super().__init__()
        self.go, self.breaks = asyncio.Event(), breaks

    async def decide(self, request: DecisionRequest) -> DecisionReply:
        reply = await super().decide(request)
        await self.go.wait()
        if self.breaks:
            raise RuntimeError("broken")
        return reply


def test_what_is_being_asked_is_not_asked_again_and_answers_all_who_wait(database: Database) -> None:
    inner = Slow()

    async def body() -> list[DecisionReply]:
        async with Journal(database, "run") as journal:
            decider = JournaledDecider(inner, journal, Gate(8))
            asking = [asyncio.create_task(decider.decide(request(names))) for names in ("abc", "abc", "bcd", "d")]
            await asyncio.sleep(0.05)
            inner.go.set()
            return await asyncio.gather(*asking)

    replies = asyncio.run(body())
    assert sorted(name for names in inner.asked for name in names) == ["a", "b", "c", "d"]
    assert [len(r.answers) for r in replies] == [3, 3, 3, 1]
    assert all(a.outcome == "decided" for r in replies for a in r.answers)
    assert sum(r.usage.calls for r in replies) == len(inner.asked)


def test_whoever_waits_for_one_that_is_cut_off_or_breaks_gets_a_failure_and_no_hang(database: Database) -> None:
    async def body(breaks: bool) -> DecisionReply:
        inner = Slow(breaks)
        async with Journal(database, "run") as journal:
            decider = JournaledDecider(inner, journal, Gate(8))
            first = asyncio.create_task(decider.decide(request("ab", f"text {breaks}")))
            second = asyncio.create_task(decider.decide(request("ab", f"text {breaks}")))
            await asyncio.sleep(0.05)
            inner.go.set() if breaks else first.cancel()
            await asyncio.gather(first, return_exceptions=True)
            return await asyncio.wait_for(second, 5)

    for breaks in (False, True):
        found = asyncio.run(body(breaks))
        assert [(a.outcome, a.cause) for a in found.answers] == [("failed", "stopped")] * 2


def test_another_input_is_asked_anew(database: Database) -> None:
    inner = Counting()
    decide(database, inner, request("a"))
    decide(database, inner, request("a", response="text."))
    assert len(inner.asked) == 2


def test_a_stopped_gate_fails_what_is_left_and_keeps_nothing_of_it(database: Database) -> None:
    inner, gate = Counting(), Gate(4)
    gate.stop("stopped")
    reply = decide(database, inner, request("ab"), gate)
    assert [(a.outcome, a.cause) for a in reply.answers] == [("failed", "stopped")] * 2
    assert inner.asked == [] and lost_calls(database, "run") == []


def test_the_record_alone_answers_what_it_has(database: Database) -> None:
    decide(database, Counting(), request("ab"))
    recorded_decider = RecordedDecider(database, "counting", "counting", True)
    answers = asyncio.run(recorded_decider.decide(request("abc"))).answers
    assert [a.outcome for a in answers] == ["decided", "decided", "failed"]


def test_runs_are_found_by_their_beginning_and_the_last(database: Database) -> None:
    for name in ("abc1", "abd2"):
        begin_run(database, name, {"name": "j"}, 1, [("d", {"id": name})])
    begin_run(database, "abc1", {"name": "other"}, 1, [("d", {"id": "abc1"})])
    assert find_run(database, "abd").id == "abd2"
    assert find_run(database, "abc1").config == {"name": "j"}
    assert {r.id for r in list_runs(database)} == {"abc1", "abd2"}
    assert find_run(database, "last").id == "abd2"
    with pytest.raises(UnknownRun, match="more than one"):
        find_run(database, "ab")
    for missing in ("zzz", "a%", "ab_1"):
        with pytest.raises(UnknownRun, match="no run"):
            find_run(database, missing)


def test_sittings_are_kept_apart(database: Database) -> None:
    async def body(fail: bool) -> None:
        async with Journal(database, "run"):
            if fail:
                raise JudgeError("stopped")

    asyncio.run(body(False))
    with pytest.raises(JudgeError):
        asyncio.run(body(True))
    assert [s["outcome"] for s in session_history(database, "run")] == ["finished", "stopped"]


def test_every_commit_of_a_file_is_synced_and_written_ahead(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/s.sqlite")
    with database.engine.connect() as connection:
        pragmas = {p: connection.exec_driver_sql(f"PRAGMA {p}").scalar() for p in ("journal_mode", "synchronous", "busy_timeout")}
    database.close()
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "busy_timeout": 30_000}


def test_a_newer_store_is_refused_by_name_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    Database(f"sqlite:///{path}").close()
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE meta SET value = '99'")
    raw.close()
    before = path.read_bytes()
    with pytest.raises(StoreVersionError, match=r"s\.sqlite has schema version 99.*upgrade"):
        Database(f"sqlite:///{path}")
    assert path.read_bytes() == before


def test_a_file_that_is_no_store_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("these are my notes, not a database, and they must not be touched at all" * 20)
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"notes\.txt"):
        Database(f"sqlite:///{path}")
    assert path.read_bytes() == before


def test_a_missing_store_is_not_made_by_reading(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no store"):
        Database(f"sqlite:///{tmp_path}/none.sqlite", create=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", ["nonsense", "mysql+nothing://h/d", "redis://h"])
def test_other_kinds_of_store_are_refused_with_what_to_write(url: str) -> None:
    with pytest.raises(ConfigError, match=r"write sqlite:///FILE or postgresql://"):
        Database(url)


def test_a_store_for_the_time_being_leaves_nothing_behind() -> None:
    database = Database("sqlite://")
    folder = Path(database.engine.url.database or "").parent
    assert folder.is_dir()
    database.close()
    assert not folder.exists()


def test_a_password_is_not_shown() -> None:
    with pytest.raises(StoreError) as caught:
        Database("postgresql://me:hunter2@127.0.0.1:1/db")
    assert "hunter2" not in str(caught.value)
    assert "127.0.0.1:1" in str(caught.value)
