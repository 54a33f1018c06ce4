"""The database: opened, read and written in transactions that are whole, whatever happens.

Each noun has a store of its own, which writes its change, the new revision and the audit's entry
in one transaction, so that what is killed in the middle has not happened. Processes see each
other's changes by the revision.
"""

import asyncio
import sqlite3
import time
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Iterator,
    Mapping,
)
from contextlib import (
    AbstractAsyncContextManager,
    asynccontextmanager,
    contextmanager,
    suppress,
)
from datetime import UTC, datetime
from typing import Any, Self, TypeVar

import structlog
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import ProgrammingError, SQLAlchemyError

from proxy.catalogue import migrate, schema, secret_keys
from proxy.catalogue.async_engine import AsyncConnection, AsyncEngine
from proxy.catalogue.encryption import Encryption, is_encrypted
from proxy.catalogue.engine import (
    SETTING,
    DatabaseLocation,
    driver_failures,
    engine,
    file_id,
    following,
    is_locked,
    is_scrubbed,
    make_file,
    mark_scrubbed,
    place,
    reader,
    restrict_to_owner,
    scrub,
    write_ahead,
    writer,
)
from proxy.clock import utc_now
from proxy.errors import ConfigurationError, DatabaseFailed
from proxy.settings import Settings

log = structlog.get_logger("proxy.database")

# Any number that others are unlikely to lock in the same PostgreSQL database.
_PREPARING_LOCK = 0x74_64_63
# For another process to bring the database up to date: as long as a reload waits for all of a
# start.
_PREPARING_S = 900.0
_LOOK_AGAIN_S = 0.25
# For a table of PostgreSQL's to be free: whoever comes later to read it waits behind us.
_TABLE_LOCK_S = 30

# Reads for requests that wait: how long one may take, how many run at once, and how many that
# were given up may be left behind before the database is not asked any more.
_SOON_S = 1.0
_SOON_STEPS = 50
_SOON_AT_ONCE = 8
_SOON_LEFT_BEHIND = 4


T = TypeVar("T")


class Database:
    """The database, open; made by ``Database.open``.

    Every method raises DatabaseFailed where the database does not answer. What a cancelled
    caller began is still done, and done before the database closes.

    Attributes:
        place: Where it is.
        encryption: Of what is secret in it; None where there is no key: then no secret is kept.
        now: Aware time.
        written: Set by this process's next write; then there is another one.
    """

    def __init__(
        self,
        made: AsyncEngine,
        *,
        where: DatabaseLocation,
        encryption: Encryption | None,
        now: Callable[[], datetime],
        progressed: Callable[[], None],
    ) -> None:
        self._made = made
        self._progressed = progressed
        self.encryption = encryption
        self._reader = reader(made)
        self._writer = writer(made)
        self.now = now
        self.written = asyncio.Event()
        self._running: set[asyncio.Task[Any]] = set()
        self._soon = asyncio.Semaphore(_SOON_AT_ONCE)
        self._left_behind = 0
        self._file = file_id(where.path) if where.path is not None else None
        self.place = where

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        url: str,
        *,
        secret_keys_given: tuple[str, ...] = (),
        now: Callable[[], datetime] = utc_now,
        progressed: Callable[[], None] | None = None,
    ) -> AsyncIterator[Self]:
        """Open a database, making its file and its tables where there are none.

        Args:
            url: As TDC_DATABASE_URL has it: a path, ``sqlite:///PATH``, ``postgresql://...``.
            secret_keys_given: As TDC_SECRET_KEY has them, newest first.
            now: Aware time, for the audit.
            progressed: Is called, from any thread, as opening gets on: a large database may take
                minutes to be brought to this release's tables.

        Raises:
            ConfigurationError: It cannot be reached or written, or is not for this program.
        """
        where = place(url)
        if where.path is not None:
            make_file(where.path)
        encryption = secret_keys.encryption(where, secret_keys_given)
        made = engine(where)
        try:
            progressed = progressed or (lambda: None)
            self = cls(made, where=where, encryption=encryption, now=now, progressed=progressed)
            with following(made, progressed):
                await self._prepare()
            try:
                yield self
            finally:
                await asyncio.gather(*self._running, return_exceptions=True)
        finally:
            await made.dispose()

    @property
    def problem(self) -> str | None:
        """What has become of the SQLite file; None while it is there.

        SQLite goes on with a file that is deleted, and makes a new, empty one for the next
        connection: what is written is lost, and what is read is not the connector's.
        """
        if self.place.path is None or file_id(self.place.path) == self._file:
            return None
        return (
            f"The database {self.place} has been deleted or replaced while the connector runs:"
            " put it back from a backup, and restart the connector. Until then it serves what it"
            " remembers and what THRON answers, and keeps nothing."
        )

    async def revision(self) -> int:
        """Return the number that grows with every change of connectors or tenant."""
        return await self.read(revision)

    async def read(self, reading: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Return what queries of a room of its own read, in one transaction."""
        return await asyncio.shield(self._begin(self._read(reading)))

    async def read_soon(self, reading: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Do the same for a request that waits: within a second, or not at all.

        Where the database hangs, neither reads nor those who wait for them pile up: once several
        reads have been given up and still hang, others fail at once, until one of them ends.
        """
        async with self._soon:
            if self._left_behind >= _SOON_LEFT_BEHIND:
                raise DatabaseFailed("The database hangs.")
            task = self._begin(self._read(reading))
            for _ in range(_SOON_STEPS):  # an event loop that lags is not the database's fault
                done, _pending = await asyncio.wait({task}, timeout=_SOON_S / _SOON_STEPS)
                if done:
                    return task.result()
            self._left_behind += 1
            task.add_done_callback(self._caught_up)
            raise DatabaseFailed(f"The database did not answer within {_SOON_S:g} s.")

    async def write(self, writing: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Let a room of its own write its tables in one transaction; what it raises undoes it."""
        return await asyncio.shield(self._begin(self._write(writing)))

    async def write_at_start(self, writing: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Do the same for a process that starts: one that hangs with the lock is waited for."""
        return await self._when_unlocked(lambda: self.write(writing))

    async def note(
        self,
        connection: AsyncConnection,
        *,
        actor: str,
        action: str,
        subject: str,
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        """Enter something in the audit, in the transaction of what it tells.

        Args:
            connection: Of the transaction.
            actor: Such as ``cli`` or a user of the console.
            action: Such as ``connector changed``.
            subject: The slug, or the client id; of a purge what is forgotten, empty for all.
            detail: What is different, as plain values; never a secret.
        """
        await connection.execute(
            insert(schema.audit).values(
                at=self.now().astimezone(UTC),
                actor=actor,
                action=action,
                subject=subject,
                detail=dict(detail or {}),
            )
        )

    def unshared(self) -> AsyncConnection:
        """Return a connection outside of transactions, for who enters it to hold long."""
        return self._made.execution_options(isolation_level="AUTOCOMMIT").connect()

    def _begin(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Do the work of a transaction to its end, whatever becomes of the caller.

        A transaction cancelled while it begins would be lost with its lock held: measured with
        SQLAlchemy 2.1 and aiosqlite 0.22, every later writer found the database locked.
        """
        task = asyncio.create_task(work, name="database")
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # seen here too: who asked may have left

    def _caught_up(self, _: asyncio.Task[Any]) -> None:
        self._left_behind -= 1

    async def _read(self, reading: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        with failures():
            if (problem := self.problem) is not None:
                raise DatabaseFailed(problem)
            async with self._reader.begin() as connection:
                return await reading(connection)

    async def _write(self, writing: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """One writer at a time: SQLite's own lock, and the revision's row in PostgreSQL."""
        with failures():
            if (problem := self.problem) is not None:
                raise DatabaseFailed(problem)
            async with self._writer.begin() as connection:
                await connection.execute(select(schema.revision.c.number).with_for_update())
                found = await writing(connection)
        self.written.set()
        self.written = asyncio.Event()
        return found

    async def _prepare(self) -> None:
        try:
            await self._when_unlocked(self._prepare_once)
        except migrate.UnusableDatabase as exc:
            raise ConfigurationError([f"{SETTING}: {self.place} {exc}."]) from exc
        except _failures(TypeError, ValueError) as exc:  # URL parameters that no driver knows
            raise ConfigurationError([_unreachable(self.place, exc)]) from exc

    async def _when_unlocked(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Return what an attempt gives, made again while another process has the database's lock.

        One that hangs with it is killed after a minute; one that brings a large database up to
        date takes some.
        """
        began = time.monotonic()
        is_told = False
        while True:
            try:
                return await attempt()
            except (SQLAlchemyError, sqlite3.Error, BlockingIOError, DatabaseFailed) as exc:
                if not is_locked(exc) or time.monotonic() - began > _PREPARING_S:
                    raise
            if not is_told:
                is_told = True
                log.warning(
                    "waiting for the database",
                    place=str(self.place),
                    reason="another process has its lock",
                    fix="nothing while that one is upgrading it; else see which process hangs",
                )
            self._progressed()
            await asyncio.sleep(_LOOK_AGAIN_S)

    async def _prepare_once(self) -> None:
        """Bring the database to this release's tables.

        Raises:
            BlockingIOError: Another process does so.
        """
        # Most starts find it so, and need no lock that another process can have. PostgreSQL's
        # tables can be another revision's from one query to the next.
        is_ready = False
        with suppress(ProgrammingError):
            async with self._reader.begin() as connection:
                is_ready = await connection.run_sync(migrate.is_current)
                is_ready = is_ready and await self._plain_app_key(connection) is None
        if not is_ready:
            async with self._preparing() as connection:
                is_new = await connection.run_sync(migrate.prepare)
                await self._encrypt_plain_text(connection)
                if is_new and self.place.path is not None:
                    await mark_scrubbed(connection)
        if self.place.path is not None:
            restrict_to_owner(self.place.path)
            await write_ahead(self._reader)
            if not await is_scrubbed(self._reader):
                await scrub(self._made)

    @asynccontextmanager
    async def _preparing(self) -> AsyncIterator[AsyncConnection]:
        """Begin a transaction that no other process can be in."""
        if self.place.path is not None:
            async with self._writer.begin() as connection:
                yield connection
            return
        # A statement that rewrites a large table takes as long as it takes.
        unlimited = engine(self.place, command_timeout_s=None)
        try:
            async with unlimited.begin() as connection:
                lock = text(f"SELECT pg_try_advisory_xact_lock({_PREPARING_LOCK})")
                if not (await connection.execute(lock)).scalar_one():
                    raise BlockingIOError("another process prepares it")
                await connection.execute(text(f"SET LOCAL lock_timeout = '{_TABLE_LOCK_S}s'"))
                yield connection
        finally:
            await unlimited.dispose()

    async def _plain_app_key(self, connection: AsyncConnection) -> str | None:
        """Return the app key if an older version kept it as it was given."""
        query = select(schema.tenant.c.app_key)
        app_key: str | None = (await connection.execute(query)).scalar_one_or_none()
        return None if app_key is None or is_encrypted(app_key) else app_key

    async def _encrypt_plain_text(self, connection: AsyncConnection) -> None:
        table = schema.tenant
        app_key = await self._plain_app_key(connection)
        if app_key is None:
            return
        if self.encryption is None:
            raise migrate.UnusableDatabase(f"holds an app key in plain text: {secret_keys.NO_KEY}")
        query = update(table).values(app_key=self.encryption.encrypt(app_key))
        await connection.execute(query)


def _failures(*more: type[Exception]) -> tuple[type[Exception], ...]:
    return (SQLAlchemyError, sqlite3.Error, OSError, *driver_failures(), *more)


def open_database(
    settings: Settings,
    environ: Mapping[str, str],
    *,
    progressed: Callable[[], None] | None = None,
) -> AbstractAsyncContextManager[Database]:
    """Open the database of the settings, as ``Database.open`` does.

    Args:
        settings: Loaded.
        environ: For the state directory.
        progressed: As for ``Database.open``.
    """
    return Database.open(
        settings.database(environ),
        secret_keys_given=settings.secret_keys,
        progressed=progressed,
    )


async def revision(connection: AsyncConnection) -> int:
    """Return the number that grows with every change of connectors or tenant."""
    number: int = (await connection.execute(select(schema.revision.c.number))).scalar_one()
    return number


async def bump(connection: AsyncConnection) -> None:
    """Let every process see, within two seconds, that connectors or tenant have changed."""
    table = schema.revision
    await connection.execute(update(table).values(number=table.c.number + 1))


def _unreachable(where: DatabaseLocation, exc: BaseException) -> str:
    reason = str(getattr(exc, "orig", None) or exc) or type(exc).__name__
    fix = (
        "check that the server runs and lets this user in"
        if where.path is None
        else "name another file, or see which program holds it"
    )
    return f"{SETTING}: {where} cannot be used ({reason}); {fix}."


@contextmanager
def failures() -> Iterator[None]:
    """Tell what a database does not answer as ours."""
    try:
        yield
    except _failures() as exc:
        raise DatabaseFailed(f"The database failed: {getattr(exc, 'orig', None) or exc}") from exc
