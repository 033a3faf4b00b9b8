"""A store whose files were torn opens to a prefix of what was committed, or says that it is damaged."""

from __future__ import annotations

import asyncio
import random
import shutil
import time
from pathlib import Path

import pytest

from criterial.core.ports import Answer, Usage
from criterial.errors import StoreError
from criterial.store.database import Database
from criterial.store.journal import Journal, recorded
from criterial.store.runs import total_usage

COMMITS = 150
KEYS = [f"k{n:03d}" for n in range(COMMITS)]


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a store as a kill leaves it: most commits are in the write-ahead log."""
    source, copy = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("killed")
    database = Database(f"sqlite:///{source}/s.sqlite")

    async def body() -> None:
        async with Journal(database, "run") as journal:
            for number, key in enumerate(KEYS):
                call = await journal.intend("t/r", [key])
                await journal.settle(call, time.time(), [(key, Answer("decided", number=float(number)))], Usage(calls=1))
            for file in source.iterdir():
                shutil.copy(file, copy / file.name)

    asyncio.run(body())
    database.close()
    return copy


def reopened(folder: Path) -> tuple[dict[str, float | None], int]:
    database = Database(f"sqlite:///{folder}/s.sqlite")
    try:
        with database.begin(write=False) as connection:
            found = {k: a.number for k, a in recorded(connection, KEYS).items()}
        return found, total_usage(database, "run").calls
    finally:
        database.close()


def damage(file: Path, rng: random.Random, how: str) -> None:
    data = bytearray(file.read_bytes())
    where = rng.randrange(len(data))
    if how == "cut":
        del data[where:]
    elif how == "zeroed":
        data[where:] = bytes(len(data) - where)
    else:
        end = min(len(data), where + rng.choice((1, 512, 4096)))
        data[where:end] = rng.randbytes(end - where)
    file.write_bytes(data)


def test_an_untorn_copy_holds_everything(killed: Path, tmp_path: Path) -> None:
    shutil.copytree(killed, tmp_path / "copy")
    assert reopened(tmp_path / "copy") == ({k: float(n) for n, k in enumerate(KEYS)}, COMMITS)


@pytest.mark.parametrize("how", ["cut", "zeroed", "noise"])
def test_a_torn_log_opens_to_a_prefix_of_commits(killed: Path, tmp_path: Path, how: str) -> None:
    # reliability.md figure 2: 1,000 offsets in all
    rng, kept = random.Random(how), set()
    for trial in range(334):
        folder = tmp_path / str(trial)
        shutil.copytree(killed, folder)
        (folder / "s.sqlite-shm").unlink(missing_ok=True)  # an index of the log, which no crash of a machine keeps
        damage(folder / "s.sqlite-wal", rng, how)
        found, calls = reopened(folder)
        assert found == {k: float(n) for n, k in enumerate(KEYS[: len(found)])} and calls == len(found)
        kept.add(len(found))
        shutil.rmtree(folder)
    assert len(kept) > 50


def test_a_torn_file_is_told_or_whole(killed: Path, tmp_path: Path) -> None:
    # The database file itself is synced before the log is let go; damage there is a fault of the disk. It is told, not read as a number.
    rng, told = random.Random(4), 0
    for trial in range(60):
        folder = tmp_path / str(trial)
        shutil.copytree(killed, folder)
        Database(f"sqlite:///{folder}/s.sqlite").close()  # the last to close moves the log into the file
        damage(folder / "s.sqlite", rng, "cut")
        try:
            found, _ = reopened(folder)
        except StoreError as error:
            told += "s.sqlite" in str(error)
        else:
            assert all(value == float(key[1:]) for key, value in found.items())
        shutil.rmtree(folder)
    assert told > 30
