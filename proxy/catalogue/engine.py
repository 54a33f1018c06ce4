"""A database engine from TDC_DATABASE_URL: SQLite or PostgreSQL."""

import asyncio
import os
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, event, make_url
from sqlalchemy.exc import ArgumentError

from proxy.catalogue.async_engine import AsyncConnection, AsyncEngine, create_async_engine
from proxy.errors import ConfigurationError, DatabaseFailed

SETTING = "TDC_DATABASE_URL"
_EXAMPLES = (
    "write sqlite:////var/lib/thron-connector/connector.db or postgresql+asyncpg://USER@HOST/NAME"
)

_BUSY_MS = 5000  # a writer of ours holds SQLite for milliseconds; a backup may for a second or two
_PAUSE_MS = 20
_CONNECT_S = 10.0
_COMMAND_S = 30.0

_TICK_S = 5.0
# Between two looks at a statement of SQLite that takes long: some hundredths of a second.
_INSTRUCTIONS = 10_000_000

# SQLite's user_version of a file without plain secrets; older versions left it at 0.
_SCRUBBED = 1


@dataclass(frozen=True, slots=True)
class DatabaseLocation:
    """Where a database is.

    Attributes:
        url: With the driver that is used; it may hold a password.
        path: Absolute, of an SQLite file; None for PostgreSQL.
    """

    url: URL = field(repr=False)
    path: Path | None

    def __str__(self) -> str:
        shown = self.url.set(query={})  # it may hold a password too
        return str(self.path or shown.render_as_string(hide_password=True))


def place(url: str) -> DatabaseLocation:
    """Return the place that a database URL names.

    Args:
        url: ``sqlite:///PATH`` or a plain path, or ``postgresql://...``, with or without the
            driver (``+aiosqlite``, ``+asyncpg``). Relative paths count from the working directory.

    Raises:
        ConfigurationError: It is no URL, or of another kind of database.
    """
    if "://" not in url:
        return _sqlite(url)
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as exc:
        # The URL may hold a password, so it is not repeated.
        raise ConfigurationError([f"{SETTING} is not a database URL: {_EXAMPLES}."]) from exc
    if parsed.drivername in {"sqlite", "sqlite+aiosqlite"}:
        return _sqlite(parsed.database or "")
    if parsed.drivername in {"postgres", "postgresql", "postgresql+asyncpg"}:
        return _postgresql(parsed)
    problem = f"{SETTING}: {parsed.drivername} is not supported; {_EXAMPLES}."
    raise ConfigurationError([problem])


def engine(where: DatabaseLocation, *, command_timeout_s: float | None = _COMMAND_S) -> AsyncEngine:
    """Return an engine for a place; nothing is connected yet.

    Args:
        where: The place.
        command_timeout_s: For one statement of PostgreSQL's.

    Raises:
        ConfigurationError: It is PostgreSQL's, whose driver is not installed.
    """
    if where.path is None:
        limits = {"timeout": _CONNECT_S, "command_timeout": command_timeout_s}
        try:
            return create_async_engine(where.url, pool_pre_ping=True, connect_args=limits)
        except ModuleNotFoundError as exc:  # asyncpg, of the extra "postgresql"
            install = "pip install 'thron-download-connector[postgresql]'"
            problem = f"{SETTING}: PostgreSQL needs a driver that is not installed: {install}"
            raise ConfigurationError([problem]) from exc
    made = create_async_engine(where.url)
    event.listen(made.sync_engine, "connect", _set_up_connection)
    event.listen(made.sync_engine, "begin", _begin)
    return made


def driver_failures() -> tuple[type[Exception], ...]:
    """Return the errors that SQLAlchemy passes on as the driver raised them."""
    asyncpg = sys.modules.get("asyncpg")  # imported by the engine: SQLite does without its 3 MB
    return () if asyncpg is None else (asyncpg.PostgresError, asyncpg.InterfaceError)


def is_locked(exc: BaseException) -> bool:
    """Tell whether a database failed only since another process has its lock."""
    if isinstance(exc, BlockingIOError):
        return True
    failure = exc.__cause__ if isinstance(exc, DatabaseFailed) else exc
    failure = getattr(failure, "orig", None) or failure
    if not isinstance(failure, sqlite3.OperationalError):
        return False
    # Extended codes have the plain one in their last byte (sqlite.org/rescode.html).
    return failure.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def reader(made: AsyncEngine) -> AsyncEngine:
    """Return the engine for transactions that read: what one sees belongs together.

    SQLite has it so anyway.
    """
    if made.dialect.name != "postgresql":
        return made
    return made.execution_options(isolation_level="REPEATABLE READ")


def writer(made: AsyncEngine) -> AsyncEngine:
    """Return the engine for transactions that write; in SQLite they lock from their start."""
    return made.execution_options(writes=True)


@contextmanager
def following(made: AsyncEngine, progressed: Callable[[], None]) -> Iterator[None]:
    """Call back, within the block, as statements are done, and while long ones get on.

    PostgreSQL says nothing of a statement that runs: of that it is called every few seconds.

    Args:
        made: Not connected yet.
        progressed: Is called from any thread.
    """

    def executed(*_: Any) -> None:
        progressed()

    def running() -> bool:
        progressed()
        return False  # else SQLite would interrupt it

    def connected(connection: Any, _record: Any) -> None:
        connection.run_async(lambda raw: raw.set_progress_handler(running, _INSTRUCTIONS))

    async def waiting() -> None:
        while True:
            await asyncio.sleep(_TICK_S)
            progressed()

    events: list[tuple[str, Callable[..., None]]] = [("after_cursor_execute", executed)]
    ticking: asyncio.Task[None] | None = None
    if made.dialect.name == "sqlite":
        events.append(("connect", connected))
    else:
        ticking = asyncio.create_task(waiting(), name="database-opening")
    for name, told in events:
        event.listen(made.sync_engine, name, told)
    try:
        yield
    finally:
        if ticking is not None:
            ticking.cancel()
        for name, told in events:
            event.remove(made.sync_engine, name, told)


async def write_ahead(made: AsyncEngine) -> None:
    """Switch an SQLite file to its write-ahead log: readers and the writer then do not wait.

    SQLite waits for no lock here by itself, so whoever opens at the same moment is waited for.
    """
    async with made.connect() as connection:
        raw: Any = (await connection.get_raw_connection()).driver_connection
        for tries_left in range(_BUSY_MS // _PAUSE_MS, -1, -1):
            try:
                cursor = await raw.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError:
                if not tries_left:
                    raise
                await asyncio.sleep(_PAUSE_MS / 1000)
            else:
                await cursor.close()
                return


async def is_scrubbed(made: AsyncEngine) -> bool:
    """Tell whether nothing of what older versions wrote plainly is left in an SQLite file."""
    async with made.connect() as connection:
        found = await connection.exec_driver_sql("PRAGMA user_version")
        version: int = found.scalar_one()
        return version >= _SCRUBBED


async def mark_scrubbed(connection: AsyncConnection) -> None:
    """Note that an SQLite file holds nothing that older versions wrote."""
    await connection.exec_driver_sql(f"PRAGMA user_version = {_SCRUBBED}")


async def scrub(made: AsyncEngine) -> None:
    """Rewrite an SQLite file, so that no page of it holds what was deleted.

    Its log is emptied too. Where another process still reads, that is done at the next start.
    """
    async with made.connect() as connection:
        raw: Any = (await connection.get_raw_connection()).driver_connection  # VACUUM begins none
        await raw.execute_fetchall("PRAGMA secure_delete = ON")
        await raw.execute_fetchall("VACUUM")
        # Readers are not waited for.
        await raw.execute_fetchall("PRAGMA busy_timeout = 0")
        (is_busy, *_), *_ = await raw.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")
        await raw.execute_fetchall(f"PRAGMA busy_timeout = {_BUSY_MS}")
        if not is_busy:
            await raw.execute_fetchall(f"PRAGMA user_version = {_SCRUBBED}")


def make_file(path: Path) -> None:
    """Make an SQLite file that only its owner can read.

    SQLite gives its ``-wal`` and ``-shm`` files the mode of the database.
    """
    with _file_problems(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


def file_id(path: Path) -> tuple[int, int] | None:
    """Return what identifies a file beside its name; None if it is not there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def restrict_to_owner(path: Path) -> None:
    """Let only the owner read and write a file that was there before."""
    with _file_problems(path):
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)


def _sqlite(path: str) -> DatabaseLocation:
    if path in {"", ":memory:"}:
        problem = f"{SETTING}: a database in memory would forget every connector; {_EXAMPLES}."
        raise ConfigurationError([problem])
    absolute = Path(path).expanduser().absolute()
    return DatabaseLocation(URL.create("sqlite+aiosqlite", database=str(absolute)), absolute)


def _postgresql(url: URL) -> DatabaseLocation:
    # What libpq and every hoster's panel call sslmode, asyncpg calls ssl, with the same words.
    query = {"ssl" if name == "sslmode" else name: value for name, value in url.query.items()}
    return DatabaseLocation(url.set(drivername="postgresql+asyncpg", query=query), None)


@contextmanager
def _file_problems(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        problem = (
            f"{SETTING}: {path} cannot be opened for writing ({exc.strerror}); name another file,"
            " or give the user that runs the connector its directory."
        )
        raise ConfigurationError([problem]) from exc


def _set_up_connection(connection: Any, _record: Any) -> None:
    # The driver must not begin transactions by itself: it leaves out DDL and reads.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin(connection: Connection) -> None:
    # A writer takes its lock at once: one that reads first and then finds the database changed
    # would fail without waiting (SQLITE_BUSY_SNAPSHOT).
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
