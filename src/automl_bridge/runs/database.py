"""Opening the store's database: SQLite or PostgreSQL, its schema, and its errors in our words."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from contextlib import closing, contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from automl_bridge.errors import ConfigError, MissingExtraError, StateError, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Connection, Engine
    from sqlalchemy.engine import URL

__all__ = ["SCHEMA_VERSION", "Database", "no_space"]

SCHEMA_VERSION = 1
"""Raised with every change of the tables that an older version could not read."""

_HINT = "AUTOML_BRIDGE_HOME moves the folder, AUTOML_BRIDGE_STORE names another database"
_SQLITE = "sqlite:///"
_BUSY_SECONDS = 60.0
# Any number: writers that create the schema at once wait for each other by it.
_SCHEMA_LOCK = 6_148_914_691


def no_space(folder: Path, error: OSError) -> StorageError:
    """Say that ``folder`` cannot be written to, and how much space is left there."""
    existing = next((path for path in (folder, *folder.parents) if path.exists()), Path("/"))
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        free = shutil.disk_usage(existing).free / 1e6
        return StorageError(
            f"no space left in {folder}: {free:,.1f} MB are free",
            hint="free some space, or let AUTOML_BRIDGE_HOME name a folder elsewhere; then go on with the run",
        )
    return StorageError(f"cannot write to {folder}: {error.strerror or error}", hint=_HINT)


class Database:
    """A database that is opened when it is first used, and again in a forked process.

    Parameters
    ----------
    url
        SQLAlchemy URL: ``sqlite:///path`` or ``postgresql://…``.
    """

    def __init__(self, url: str) -> None:
        self._given = url
        # What can be seen without SQLAlchemy is: loading it takes longer than to see that there is no store yet.
        self.file = _plain_file(url) or _file_of(self.url)
        self._engine: Engine | None = None
        self._pid = 0
        self._ready = False
        self._writable = False

    @cached_property
    def url(self) -> URL:
        """The URL, with the driver that we use."""
        from sqlalchemy import make_url
        from sqlalchemy.exc import ArgumentError

        try:
            parsed = make_url(self._given)
        except (ArgumentError, ValueError):
            hint = "write it as sqlite:///path or postgresql://user@host/name"
            raise ConfigError(f"AUTOML_BRIDGE_STORE is not a database URL: {self._given!r}", hint=hint) from None
        return self._with_driver(parsed)

    @staticmethod
    def _with_driver(url: URL) -> URL:
        kind = url.get_backend_name()
        if kind == "sqlite":
            return url.set(drivername="sqlite")
        if kind in {"postgresql", "postgres"}:
            from importlib.util import find_spec

            if find_spec("psycopg") is None:
                raise MissingExtraError.of("PostgreSQL store", "postgresql", "psycopg")
            return url.set(drivername="postgresql+psycopg")
        hint = "write it as sqlite:///path or postgresql://user@host/name"
        raise ConfigError(f"AUTOML_BRIDGE_STORE names a database of another kind: {kind}", hint=hint)

    def is_missing(self) -> bool:
        """Whether there is no store yet, as far as can be told without opening it: one that is a file, not there."""
        return self.file is not None and not self._ready and not _exists(self.file)

    @property
    def where(self) -> str:
        """The database in words; a password in its URL is not shown."""
        return str(self.file) if self.file else self.url.render_as_string(hide_password=True)

    @contextmanager
    def reading(self) -> Iterator[Connection | None]:
        """Give a connection; None if there is no store yet. Creates nothing."""
        if self.is_missing():
            yield None
            return
        with self._translated():
            engine = self._open(write=False)
            with engine.connect().execution_options(automl_bridge_read=True) as connection:
                if not self._ready and not self._check_version(connection):
                    yield None
                    return
                yield connection

    def ask(self, query: str, values: Mapping[str, Any]) -> list[Any]:
        """Return the rows of a query in plain SQL, which only reads; none if there is no store yet.

        A SQLite file that is not open yet is asked without SQLAlchemy: loading that takes longer than all the rest of
        a short command.

        Parameters
        ----------
        query, values
            With parameters written as ``:name``.
        """
        if self.is_missing():
            return []
        if self.file is not None and self._engine is None:
            return self._ask_file(self.file, query, values)
        from sqlalchemy import text

        with self.reading() as connection:
            return [] if connection is None else list(connection.execute(text(query), values))

    def _ask_file(self, file: Path, query: str, values: Mapping[str, Any]) -> list[Any]:
        try:
            with closing(_connect(file)) as connection:
                known = connection.execute("SELECT name FROM sqlite_master WHERE name = 'automl_bridge_schema'")
                if known.fetchone() is None:
                    return []
                self._refuse_newer(connection.execute("SELECT max(version) FROM automl_bridge_schema").fetchone()[0])
                return connection.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise self._unusable(str(error)) from error

    @contextmanager
    def writing(self, *, durable: bool = False) -> Iterator[Connection]:
        """Give a connection whose changes are kept if the block ends well, all of them or none.

        Parameters
        ----------
        durable
            Whether they must outlive a loss of power too, not only of the process.
        """
        with self._translated():
            engine = self._open(write=True)
            if not self._ready or not self._writable:
                self._create(engine)
            options = {"automl_bridge_durable": durable}
            with engine.connect().execution_options(**options) as connection, connection.begin():
                yield connection

    def close(self) -> None:
        """Close the process's connections to it; the next use opens new ones."""
        from automl_bridge.runs.connections import forget

        forget(self.url)
        self._engine = None
        self._ready = self._writable = False

    def _open(self, *, write: bool) -> Engine:
        from automl_bridge.runs.connections import engine_for

        if self._engine is None or self._pid != os.getpid():
            if self.file and write:
                _make_folder(self.file.parent)
            self._ready = self._writable = False
            self._engine, self._pid = engine_for(self.url, self.file, self._make), os.getpid()
        return self._engine

    def _make(self) -> Engine:
        from sqlalchemy import create_engine

        return (
            _sqlite_engine(self.url, self.file)
            if self.file
            else create_engine(self.url, pool_size=2, pool_pre_ping=True)
        )

    def _check_version(self, connection: Connection) -> bool:
        """Return whether there is a store; refuse one of a newer version."""
        from sqlalchemy import inspect, select

        from automl_bridge.runs.tables import schema

        if not inspect(connection).has_table(schema.name):
            return False
        found = connection.execute(select(schema.c.version).order_by(schema.c.version.desc())).scalars().first()
        self._refuse_newer(found)
        self._ready = found is not None
        return self._ready

    def _refuse_newer(self, found: int | None) -> None:
        if found is not None and found > SCHEMA_VERSION:
            raise StateError(
                f"the run store {self.where} was written by a newer version (schema {found}, this one knows "
                f"{SCHEMA_VERSION})",
                hint="pip install --upgrade automl-bridge, or let AUTOML_BRIDGE_STORE name another database",
            )

    def _create(self, engine: Engine) -> None:
        from sqlalchemy import insert, text

        from automl_bridge.runs.connections import seen
        from automl_bridge.runs.tables import metadata, schema

        with engine.connect() as connection, connection.begin():
            if not self.file:
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _SCHEMA_LOCK})
            if not self._check_version(connection):
                metadata.create_all(connection)
                connection.execute(insert(schema).values(version=SCHEMA_VERSION))
        self._ready = self._writable = True
        seen(self.url, self.file)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn what the database throws into a StorageError that names the place and the way out."""
        from sqlalchemy.exc import DBAPIError

        try:
            yield
        except DBAPIError as error:
            words = str(error.orig).strip()
            if "disk is full" in words and self.file:
                raise no_space(self.file.parent, OSError(errno.ENOSPC, words)) from error
            raise self._unusable(words) from error

    def _unusable(self, words: str) -> StorageError:
        folder = f" in {self.file.parent}" if self.file else ""
        return StorageError(f"the run store {self.where}{folder} cannot be used: {words}", hint=_HINT)


def _plain_file(url: str) -> Path | None:
    """Return the file of ``sqlite:///path``; None where there is more to read."""
    prefix, name = url[: len(_SQLITE)], url[len(_SQLITE) :]
    if prefix != _SQLITE or not name or name == ":memory:" or "?" in name or "%" in name:
        return None
    return Path(name).expanduser().absolute()


def _file_of(url: URL) -> Path | None:
    if url.get_backend_name() != "sqlite":
        return None
    if not url.database or url.database == ":memory:":
        hint = "a run must outlive its process: write sqlite:///path"
        raise ConfigError("AUTOML_BRIDGE_STORE names a database in memory", hint=hint)
    return Path(url.database).expanduser().absolute()


def _exists(file: Path) -> bool:
    try:
        return file.exists()
    except OSError as error:
        raise StorageError(f"cannot read {file}: {error.strerror}", hint=_HINT) from error


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise no_space(folder, error) from error


def _sqlite_engine(url: URL, file: Path) -> Engine:
    from sqlalchemy import create_engine, event

    engine = create_engine(url.set(database=str(file)), creator=lambda: _connect(file), pool_size=2)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        # A writer takes the lock at its beginning: one that read first and then writes could not wait for it.
        if options.get("automl_bridge_read"):
            connection.exec_driver_sql("BEGIN")
            return
        level = "FULL" if options.get("automl_bridge_durable") else "NORMAL"
        connection.exec_driver_sql(f"PRAGMA synchronous = {level}")
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


_OPTIONS: dict[str, Any] = {"timeout": _BUSY_SECONDS, "isolation_level": None, "check_same_thread": False}


def _connect(file: Path) -> sqlite3.Connection:
    """Connect for writing where that can be, else for reading only."""
    address = file.as_uri()
    # In a folder that cannot be written to, the second works if a writer left its side files there. For the third
    # there are none: nobody can be writing.
    modes = ("mode=rwc", "mode=ro", "immutable=1")
    for mode in modes:
        try:
            connection = sqlite3.connect(f"{address}?{mode}", uri=True, **_OPTIONS)
            return _prepared(connection, write=mode == modes[0])
        except sqlite3.OperationalError as error:
            if mode == modes[-1] or not file.exists() or not _is_read_only(error):
                raise
    raise AssertionError


def _is_read_only(error: sqlite3.OperationalError) -> bool:
    return any(words in str(error) for words in ("readonly", "unable to open", "read-only"))


def _prepared(connection: sqlite3.Connection, *, write: bool) -> sqlite3.Connection:
    try:
        if write:
            connection.execute("PRAGMA journal_mode = WAL").fetchone()
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection
