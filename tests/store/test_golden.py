"""Stores of every schema version there has been open in this one, and a migration that is cut off leaves the old store whole.

reliability.md figure 17. That a store of a newer version is refused stands in test_journal.py.
"""

from __future__ import annotations

import re
import shutil
import signal
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

import criterial as cr
from criterial.store import schema
from criterial.store.database import Database
from criterial.store.journal import recorded
from criterial.store.runs import list_runs, session_history, total_usage
from tests.helpers_golden import ANSWERS, FOLDER, TRUTH, USAGE, Planted, golden_cases, in_a_process, make, migrate_and_die, to_two


def golden(version: int, folder: Path) -> str:
    """Copy a golden store and return the copy's URL."""
    return f"sqlite:///{shutil.copy(FOLDER / f'version_{version}.sqlite', folder / 'store.sqlite')}"


def version_of(path: Path) -> int:
    store = sqlite3.connect(path)
    found = int(store.execute("SELECT value FROM meta WHERE key = 'version'").fetchone()[0])
    store.close()
    return found


def values(run: cr.Run) -> dict[str, list[float | None]]:
    found: dict[str, list[float | None]] = {response: [] for response in TRUTH}
    for verdict in run.table.verdicts():
        found[verdict.response].append(verdict.value)
    return found


def test_there_is_a_golden_store_of_every_version() -> None:
    # Before VERSION is raised, scripts/golden_store.py writes the store of the version that is left; after, that of the new one.
    found = {p.name: version_of(p) for p in FOLDER.iterdir()}
    assert found == {f"version_{v}.sqlite": v for v in range(1, schema.VERSION + 1)}
    assert set(schema._MIGRATIONS) == set(range(1, schema.VERSION))


@pytest.mark.parametrize("version", range(1, schema.VERSION + 1))
def test_a_golden_store_opens_and_says_what_was_put_in(version: int, tmp_path: Path) -> None:
    url = golden(version, tmp_path)
    database = Database(url)
    whole, cut = sorted(list_runs(database), key=lambda r: r.created)
    with database.begin(write=False) as connection:
        assert recorded(connection, [*ANSWERS, "never"]) == ANSWERS
    assert total_usage(database, "golden") == USAGE and total_usage(database, whole.id).calls == 12 * USAGE.calls
    assert [s["outcome"] for r in (whole, cut) for s in session_history(database, r.id)] == ["finished", "running"]
    database.close()
    assert version_of(tmp_path / "store.sqlite") == schema.VERSION

    run = cr.open_run(whole.id, url)
    assert (whole.state, run.stopped, run.lost_calls) == ("finished", "", [])
    assert values(run) == {response: marks for response, (marks, _) in TRUTH.items()}
    assert [s.value for s in run.scores] == pytest.approx([score for _, score in TRUTH.values()])
    assert run.cases == cr.load_cases(golden_cases("whole"))
    assert "it says 1.0" in {v.reason for v in run.table.verdicts()}


@pytest.mark.parametrize("version", range(1, schema.VERSION + 1))
def test_the_interrupted_run_of_a_golden_store_is_resumed(version: int, tmp_path: Path) -> None:
    url = golden(version, tmp_path)
    cut = cr.open_run("last", url)
    assert cut.stopped == "stopped" and cut.lost_calls == ["t0/t0/r1: f1"]
    truth = {response: marks for response, (marks, _) in TRUTH.items()}
    on_record = [(a, b) for response, marks in values(cut).items() for a, b in zip(marks, truth[response], strict=True) if a is not None]
    assert len(on_record) <= 5 and all(a == b for a, b in on_record)

    judge = Planted()
    run = cr.grade(golden_cases("cut off"), judge, store=url)
    assert not run.stopped and values(run) == truth and run.lost_calls == ["t0/t0/r1: f1"]
    assert judge.calls + len(on_record) == 12  # another prompt would be another question, and ask for all


def test_the_golden_store_of_this_version_is_what_is_written_now(tmp_path: Path) -> None:
    make(tmp_path / "now.sqlite")
    kept, now = (tables(path) for path in (FOLDER / f"version_{schema.VERSION}.sqlite", tmp_path / "now.sqlite"))
    assert kept == now, "the schema changed: raise VERSION, and write down in _MIGRATIONS how an older store is brought up to it"
    data = (FOLDER / f"version_{schema.VERSION}.sqlite").read_bytes()
    assert len(data) < 100_000 and not re.search(rb"/(tmp|root|home|Users)/", data)


def tables(path: Path) -> list[tuple[str]]:
    store = sqlite3.connect(path)
    found = store.execute("SELECT sql FROM sqlite_master ORDER BY name").fetchall()
    store.close()
    return found


def fail() -> None:
    raise RuntimeError("in the middle")


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of a store of version 1 with a run and four answers."""
    if request.param == "sqlite":
        yield golden(1, tmp_path)
        return
    name: str = request.getfixturevalue("postgres")
    empty(name)
    database = Database(name)
    with database.begin() as connection:
        connection.execute(text("INSERT INTO runs VALUES ('r', 1, 1, 'finished', '{}', '{}')"))
        for key in ANSWERS:
            connection.execute(text("INSERT INTO answers VALUES (:key, 'call', '{\"o\":\"not_applicable\"}')"), {"key": key})
    database.close()
    yield name
    empty(name)


def empty(name: str) -> None:
    """Take a store away."""
    if name.startswith("sqlite"):
        Path(name.removeprefix("sqlite:///")).unlink()
        return
    engine = create_engine(name.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()


def kept(url: str) -> tuple[set[str], int, int]:
    """Return the answers on record, how many runs there are, and what a table of the newer version holds (-1: there is none)."""
    database = Database(url)
    with database.begin(write=False) as connection:
        answers = set(recorded(connection, [*ANSWERS, "new"]))
        runs = connection.execute(text("SELECT count(*) FROM runs")).scalar_one()
        there = schema.inspect(connection).has_table("notes")
        notes = connection.execute(text("SELECT count(*) FROM notes")).scalar_one() if there else -1
    database.close()
    return answers, runs, notes


@pytest.mark.parametrize("how", ["an error", "kill -9"])
def test_a_migration_that_is_cut_off_leaves_the_old_store_whole_and_runs_again(how: str, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = kept(url)
    assert before[0] == set(ANSWERS) and before[2] == -1
    if how == "kill -9":
        assert in_a_process(migrate_and_die, url) == -signal.SIGKILL
    with monkeypatch.context() as newer:
        newer.setattr(schema, "VERSION", 2)
        newer.setitem(schema._MIGRATIONS, 1, to_two(fail))
        if how == "an error":
            with pytest.raises(RuntimeError, match="in the middle"):
                Database(url)
    assert kept(url) == before
    monkeypatch.setattr(schema, "VERSION", 2)
    monkeypatch.setitem(schema._MIGRATIONS, 1, to_two(lambda: None))
    after = kept(url)
    assert after == ({"new"}, before[1], before[1])
    assert kept(url) == after  # once


def test_many_who_open_a_store_at_once_make_or_migrate_it_once(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    times: list[int] = []
    monkeypatch.setattr(schema, "VERSION", 2)
    monkeypatch.setitem(schema._MIGRATIONS, 1, to_two(lambda: times.append(1)))
    errors: list[BaseException] = []

    def open_it() -> None:
        try:
            Database(url).close()
        except BaseException as error:
            errors.append(error)

    for fresh in (False, True):
        if fresh:
            empty(url)
        threads = [threading.Thread(target=open_it) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert errors == []
    assert times == [1]
