"""Opening a store: `sqlite:///FILE` for one machine, `postgresql://...` for a team."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Dialect, Engine, Table, create_engine, event, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DatabaseError, NoSuchModuleError

from criterial.errors import ConfigError, MissingExtra, StoreError
from criterial.store.schema import prepare

__all__ = ["DEFAULT_STORE", "Database", "insert_new"]

DEFAULT_STORE = "sqlite:///.criterial/store.sqlite"
"""Where runs are kept unless `CRITERIAL_STORE` or an argument says otherwise."""
_BUSY_MS = 30_000
_GO_ON = "run the same command again: what is on record is kept"
_TO_DO = {
    "SQLITE_FULL": f"make room there and {_GO_ON}",
    "SQLITE_IOERR": f"make room there or see that the disk is sound, and {_GO_ON}",
    "SQLITE_CANTOPEN": f"see that its folder can be read and written, and {_GO_ON}",
    "SQLITE_READONLY": f"see that it can be written, and {_GO_ON}",
    "SQLITE_CORRUPT": "see that the disk is sound and try again, or name another store with --store",
    "SQLITE_NOTADB": "name another store with --store",
}
"""What to do about a fault of a file, by the beginning of SQLite's name for it."""


class Database:
    """An open store.

    Parameters
    ----------
    url : str, optional
        ``sqlite:///FILE``, ``sqlite://`` (for the time being) or ``postgresql://...``; None takes `CRITERIAL_STORE`, then `DEFAULT_STORE`.
    create : bool
        Whether a missing SQLite file is made.

    Raises
    ------
    ConfigError
        If the URL cannot be read.
    StoreError
        If the store cannot be opened, or is newer than this code.
    """

    def __init__(self, url: str | None = None, create: bool = True) -> None:
        named = _named(url)
        self._scratch: tempfile.TemporaryDirectory[str] | None = None
        if _parsed(named).get_backend_name() == "sqlite" and _sqlite_file(named) is None:
            # A store in memory would have one connection for readers and writers: a scratch file has as many as are needed.
            self._scratch = tempfile.TemporaryDirectory(prefix="criterial-")
            named = f"sqlite:///{self._scratch.name}/store.sqlite"
        self.url = _parsed(named).render_as_string(hide_password=True)
        file = _sqlite_file(named)
        self.address = named if file is None else f"sqlite:///{file.absolute()}"
        """The store's whole URL, password included, for other processes of this run; never to be shown."""
        if file is not None:
            if not create and not file.exists():
                raise StoreError(f"there is no store at {file}: grade something first, or name one with --store sqlite:///FILE")
            try:
                file.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise StoreError(
                    f"{self.url}: its folder cannot be made: {error.strerror}; name another with --store sqlite:///FILE"
                ) from error
        self.engine = _engine(named)
        self.is_file = self.engine.dialect.name == "sqlite"
        try:
            with self.begin() as connection:
                prepare(connection, self.url)
        except BaseException:
            self.close()
            raise

    @contextmanager
    def begin(self, write: bool = True) -> Iterator[Connection]:
        """Open a transaction.

        Parameters
        ----------
        write : bool
            False for reading alone, one statement at a time: that waits for nobody and keeps nobody waiting.

        Yields
        ------
        Connection
            Committed at the end, rolled back on an error.

        Raises
        ------
        StoreError
            If the database refuses; names the store.
        """
        with self.faults(), self.engine.connect().execution_options(writes=write) as connection, connection.begin():
            yield connection

    @contextmanager
    def faults(self) -> Iterator[None]:
        """Give the database's errors the name of the store.

        Yields
        ------
        None

        Raises
        ------
        StoreError
            In place of the driver's error.
        """
        try:
            yield
        except DatabaseError as error:
            code = getattr(error.orig, "sqlite_errorname", "")
            todo = next((f"; {said}" for begins, said in _TO_DO.items() if code.startswith(begins)), "")
            raise StoreError(f"{self.url}: {error.orig}{todo}") from error

    @staticmethod
    def exists(url: str | None = None) -> bool:
        """Return whether there is a store at a URL; one that is no file counts as there.

        Parameters
        ----------
        url : str, optional
            As for the class.

        Returns
        -------
        bool
        """
        file = _sqlite_file(_named(url))
        return file is None or file.exists()

    def close(self) -> None:
        """Let go of all connections, and of a store that was for the time being."""
        self.engine.dispose()
        if self._scratch is not None:
            self._scratch.cleanup()


def insert_new(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows, leaving those alone whose key is there already.

    Parameters
    ----------
    connection : Connection
        Inside a transaction.
    table : Table
        Where to.
    rows : sequence of dict
        One a row; none is fine.
    """
    if rows:
        sql, order = _insert_sql(connection.dialect, table)
        given: Any = rows if order is None else [tuple(row[name] for name in order) for row in rows]
        connection.exec_driver_sql(sql, given)


@lru_cache(maxsize=64)
def _insert_sql(dialect: Dialect, table: Table) -> tuple[str, tuple[str, ...] | None]:
    """Return the text of an insert and the order of its parameters (None: by name), compiled once: the journal lives on it."""
    maker = postgresql if dialect.name == "postgresql" else sqlite
    compiled = maker.insert(table).on_conflict_do_nothing().compile(dialect=dialect)
    return str(compiled), tuple(compiled.positiontup) if compiled.positiontup is not None else None


def _named(url: str | None) -> str:
    return url or os.environ.get("CRITERIAL_STORE") or DEFAULT_STORE


def _parsed(url: str) -> URL:
    try:
        return make_url(url)
    except ArgumentError as error:
        raise ConfigError(f"{url!r} is no store: write sqlite:///FILE or postgresql://USER@HOST/NAME") from error


def _sqlite_file(url: str) -> Path | None:
    parsed = _parsed(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database or parsed.database == ":memory:":
        return None
    return Path(parsed.database)


def _engine(url: str) -> Engine:
    parsed = _parsed(url)
    if parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    is_file = parsed.get_backend_name() == "sqlite"
    options: dict[str, Any] = {"connect_args": {"check_same_thread": False}} if is_file else {}  # the journal commits in a thread
    try:
        engine = create_engine(parsed, **options)
    except ModuleNotFoundError as error:
        raise MissingExtra("psycopg", "postgres", "a PostgreSQL store") from error
    except NoSuchModuleError as error:
        raise ConfigError(f"no such kind of store: {parsed.drivername}; write sqlite:///FILE or postgresql://USER@HOST/NAME") from error
    if is_file:
        event.listen(engine, "connect", _set_pragmas)
        event.listen(engine, "begin", _begin)
    return engine


def _set_pragmas(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # we open transactions ourselves: the driver's own rule breaks WAL readers
    for pragma in _pragmas():
        connection.execute(pragma).close()


def _pragmas() -> Iterable[str]:
    yield f"PRAGMA busy_timeout={_BUSY_MS}"
    yield "PRAGMA journal_mode=WAL"
    yield "PRAGMA synchronous=FULL"
    yield "PRAGMA foreign_keys=ON"


def _begin(connection: Connection) -> None:
    # A writer takes the lock at once: upgrading later from a read can only fail with "database is locked".
    # A read is one statement, which SQLite puts into a transaction of its own.
    if connection.get_execution_options().get("writes", True):
        connection.exec_driver_sql("BEGIN IMMEDIATE")
