"""The tables of a store, their version, and how an older store is brought up to it."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    func,
    insert,
    inspect,
    select,
    update,
)

from criterial.errors import StoreVersionError

__all__ = ["VERSION", "answers", "blobs", "calls", "intents", "meta", "prepare", "run_blocks", "run_cases", "runs", "sessions"]

VERSION = 1
"""Version of the schema that this code writes."""

_LOCK = 0x637269
"""PostgreSQL's lock on making and migrating a store: a number of our own."""

metadata = MetaData()

meta = Table("meta", metadata, Column("key", String(40), primary_key=True), Column("value", Text, nullable=False))

answers = Table(
    "answers",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("call", String(32), nullable=False),
    Column("body", Text, nullable=False),
    sqlite_with_rowid=False,
)

calls = Table(
    "calls",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("run", String(64), nullable=False),
    Column("session", String(32), nullable=False),
    Column("started", Float, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("questions", Integer, nullable=False),
    Column("calls", Integer, nullable=False),
    Column("retries", Integer, nullable=False),
    Column("input_tokens", BigInteger, nullable=False),
    Column("cached_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("money", Float),
    Column("causes", Text, nullable=False),
    Index("calls_run", "run"),
    sqlite_with_rowid=False,
)

intents = Table(
    "intents",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("run", String(64), nullable=False),
    Column("session", String(32), nullable=False),
    Column("started", Float, nullable=False),
    Column("label", Text, nullable=False),
    Column("questions", Text, nullable=False),
    sqlite_with_rowid=False,
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("run", String(64), nullable=False),
    Column("started", Float, nullable=False),
    Column("ended", Float),
    Column("outcome", String(20), nullable=False),
)

blobs = Table(
    "blobs",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("body", LargeBinary, nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("created", Float, nullable=False),
    Column("updated", Float, nullable=False),
    Column("state", String(20), nullable=False),
    Column("config", Text, nullable=False),
    Column("summary", Text, nullable=False),
)

run_cases = Table(
    "run_cases",
    metadata,
    Column("run", String(64), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("digest", String(64), nullable=False),
    sqlite_with_rowid=False,
)

run_blocks = Table(
    "run_blocks",
    metadata,
    Column("run", String(64), primary_key=True),
    Column("name", String(40), primary_key=True),
    Column("body", LargeBinary, nullable=False),
)

_MIGRATIONS: dict[int, Callable[[Connection], None]] = {}
"""For each older version, the function that lifts a store to the next one."""


def prepare(connection: Connection, url: str) -> None:
    """Create the tables, or bring an older store up to `VERSION`, in the connection's transaction.

    Parameters
    ----------
    connection : Connection
        Open, inside a transaction.
    url : str
        The store's name for messages; without a password.

    Raises
    ------
    StoreVersionError
        If the store is newer than this code.
    """
    if connection.dialect.name == "postgresql":  # whoever opens the store meanwhile waits; the writer's lock of SQLite does as much
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    if not inspect(connection).has_table("meta"):
        metadata.create_all(connection)
        connection.execute(insert(meta).values(key="version", value=str(VERSION)))
        return
    found = int(connection.execute(select(meta.c.value).where(meta.c.key == "version")).scalar_one())
    if found > VERSION:
        raise StoreVersionError(
            f"{url} has schema version {found}; this version of criterial writes {VERSION}: upgrade criterial, or name another store"
        )
    for version in range(found, VERSION):
        _MIGRATIONS[version](connection)
    if found < VERSION:
        connection.execute(update(meta).where(meta.c.key == "version").values(value=str(VERSION)))
