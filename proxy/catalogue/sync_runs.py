"""The runs of the sync, each a listing of a connector's folder, for every process to see."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, Select, delete, func, insert, select, update

from proxy.catalogue import schema
from proxy.catalogue.async_engine import AsyncConnection
from proxy.catalogue.database import Database
from proxy.clock import utc_now
from proxy.text import Text

_RUN = schema.sync_run
_COLUMNS = _RUN.c
# Of each connector so many runs that did well are remembered, and as many others: about a day.
_KEPT = 150


class RunKind(StrEnum):
    """Whether a run lists the whole folder, or what changed since the last one."""

    FULL = "full"
    DELTA = "delta"


class RunState(StrEnum):
    """The state of a run.

    Attributes:
        ASKED: Somebody wants it; it begins within seconds.
        RUNNING: It lists.
        OK: All of it is in the catalogue.
        FAILED: It ended early; what it had read is in the catalogue, and nothing was removed.
        SUSPENDED: So much was missing that nothing is removed until another listing agrees.
        CANCELLED: The connector was changed, or the process ended.
    """

    ASKED = "asked"
    RUNNING = "running"
    OK = "ok"
    FAILED = "failed"
    SUSPENDED = "suspended"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Run:
    """One run.

    Attributes:
        id: Grows from run to run.
        connector: Its slug.
        ended: None while it is asked for or running.
        seen: Contents listed so far, each counted once.
        expected: THRON's estimate of how many there are; never to be counted on.
        added: Contents that were new, or back.
        changed: Contents that were different.
        removed: Contents that had left the folder.
        skipped: Items that could not be read.
        problem: Why it failed or is suspended, with the fix.
    """

    id: int
    connector: str
    kind: RunKind
    state: RunState
    started: datetime
    ended: datetime | None = None
    seen: int = 0
    expected: int | None = None
    added: int = 0
    changed: int = 0
    removed: int = 0
    skipped: int = 0
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class SyncState:
    """How current a connector's catalogue is, for the console.

    Attributes:
        connector: Its slug.
        running: The run that lists now.
        is_asked: Whether one is asked for and has not begun yet.
        last: The run that ended last.
        last_ok: When the last run that did all its work ended: how old the catalogue is.
        next: When the next run is due; None while one runs, or if none is due by itself.
    """

    connector: str
    running: Run | None = None
    is_asked: bool = False
    last: Run | None = None
    last_ok: datetime | None = None
    next: datetime | None = None

    @property
    def seen(self) -> int:
        """Contents that the running listing has shown."""
        return self.running.seen if self.running is not None else 0

    @property
    def expected(self) -> int | None:
        """How many it is thought to show in all."""
        return self.running.expected if self.running is not None else None

    @property
    def since(self) -> datetime | None:
        """When the running listing began."""
        return self.running.started if self.running is not None else None

    @property
    def problem(self) -> str | None:
        """Why the last run did not do all its work; None if it did."""
        return self.last.problem if self.last is not None else None

    @property
    def is_suspended(self) -> bool:
        """Whether removals wait for another listing that agrees."""
        return self.last is not None and self.last.state is RunState.SUSPENDED


_UNDONE = (RunState.ASKED.value, RunState.RUNNING.value)


class SyncRunStore:
    """Reads and writes runs; every method raises DatabaseFailed where there is no answer."""

    def __init__(self, database: Database, *, now: Callable[[], datetime] = utc_now) -> None:
        self._database = database
        self._now = now

    async def ask(self, slug: str) -> None:
        """Ask for a full listing of a connector's folder; it begins within seconds."""
        values = _new(slug, RunKind.FULL, RunState.ASKED, self._now())

        async def write(connection: AsyncConnection) -> None:
            if slug not in await _asked(connection):
                await connection.execute(insert(_RUN).values(values))

        await self._database.write(write)

    async def asked(self) -> frozenset[str]:
        """Return the connectors for which a listing is asked for."""
        return await self._database.read(_asked)

    async def begin(self, slug: str, kind: RunKind) -> Run:
        """Begin a run, in place of whatever is asked for."""
        values = _new(slug, kind, RunState.RUNNING, self._now())

        async def write(connection: AsyncConnection) -> Run:
            await connection.execute(
                delete(_RUN).where(
                    _COLUMNS.connector == slug, _COLUMNS.state == RunState.ASKED.value
                )
            )
            await _forget_old(connection, slug)
            added = await connection.execute(insert(_RUN).values(values).returning(*_COLUMNS))
            return _read(added.one())

        return await self._database.write(write)

    async def end(self, run: Run, state: RunState, *, problem: str | None = None) -> Run:
        """Note how a run ended, and return it with all it did."""
        values = {"state": state.value, "ended": self._now(), "problem": problem}
        query = update(_RUN).where(_COLUMNS.id == run.id).values(values).returning(*_COLUMNS)

        async def write(connection: AsyncConnection) -> Run:
            return _read((await connection.execute(query)).one())

        return await self._database.write(write)

    async def suspended(self, slug: str) -> Run | None:
        """Return the last full listing that came to its end, if it is suspended."""
        ended = (RunState.OK.value, RunState.SUSPENDED.value)
        query = (
            select(_RUN)
            .where(_COLUMNS.connector == slug, _COLUMNS.kind == RunKind.FULL.value)
            .where(_COLUMNS.state.in_(ended))
            .order_by(_COLUMNS.id.desc())
            .limit(1)
        )
        last = await self._one(query)
        return last if last is not None and last.state is RunState.SUSPENDED else None

    async def last_began(self, slug: str) -> datetime | None:
        """Return when the last run began that did all its work."""
        query = (
            select(_RUN)
            .where(_COLUMNS.connector == slug, _COLUMNS.state == RunState.OK.value)
            .order_by(_COLUMNS.id.desc())
            .limit(1)
        )
        last = await self._one(query)
        return last.started if last is not None else None

    async def end_interrupted(self) -> None:
        """Note that the runs of a process that is gone have ended."""
        query = update(_RUN).where(_COLUMNS.state == RunState.RUNNING.value)
        problem = Text("The process ended in the middle of the listing; the next one is whole.")
        values = {
            "state": RunState.CANCELLED.value,
            "ended": self._now(),
            "problem": problem,
        }

        async def write(connection: AsyncConnection) -> None:
            await connection.execute(query.values(values))

        await self._database.write(write)

    async def runs(self, slug: str, *, newest: int = 20) -> tuple[Run, ...]:
        """Return the newest runs of a connector, newest first."""
        query = select(_RUN).where(_COLUMNS.connector == slug)
        query = query.order_by(_COLUMNS.id.desc()).limit(newest)

        async def read(connection: AsyncConnection) -> tuple[Run, ...]:
            return tuple(map(_read, (await connection.execute(query)).all()))

        return await self._database.read(read)

    async def states(self, slugs: Sequence[str]) -> tuple[SyncState, ...]:
        """Return how some connectors stand, without when their next runs are due."""

        async def read(connection: AsyncConnection) -> tuple[SyncState, ...]:
            return tuple([await _state(connection, slug) for slug in slugs])

        return await self._database.read(read)

    async def _one(self, query: Select[Any]) -> Run | None:
        async def read(connection: AsyncConnection) -> Run | None:
            row = (await connection.execute(query)).one_or_none()
            return _read(row) if row is not None else None

        return await self._database.read(read)


async def _state(connection: AsyncConnection, slug: str) -> SyncState:
    mine = select(_RUN).where(_COLUMNS.connector == slug)
    undone = (await connection.execute(mine.where(_COLUMNS.state.in_(_UNDONE)))).all()
    newest = mine.where(_COLUMNS.state.not_in(_UNDONE)).order_by(_COLUMNS.id.desc()).limit(1)
    last = (await connection.execute(newest)).one_or_none()
    well = select(func.max(_COLUMNS.ended)).where(
        _COLUMNS.connector == slug, _COLUMNS.state == RunState.OK.value
    )
    last_ok = (await connection.execute(well)).scalar_one()
    running = [_read(row) for row in undone if row.state == RunState.RUNNING.value]
    return SyncState(
        connector=slug,
        running=running[-1] if running else None,
        is_asked=any(row.state == RunState.ASKED.value for row in undone),
        last=_read(last) if last is not None else None,
        last_ok=last_ok,
    )


async def _asked(connection: AsyncConnection) -> frozenset[str]:
    query = select(_COLUMNS.connector).where(_COLUMNS.state == RunState.ASKED.value)
    return frozenset(row.connector for row in (await connection.execute(query)).all())


async def _forget_old(connection: AsyncConnection, slug: str) -> None:
    """Forget old runs; successful ones are counted apart, so that some of them stay."""
    is_well = _COLUMNS.state == RunState.OK.value
    for kind in (is_well, ~is_well):
        mine = select(_COLUMNS.id).where(_COLUMNS.connector == slug, kind)
        oldest = mine.order_by(_COLUMNS.id.desc()).limit(1).offset(_KEPT)
        last = (await connection.execute(oldest)).scalar_one_or_none()
        if last is not None:
            gone = delete(_RUN).where(_COLUMNS.connector == slug, kind, _COLUMNS.id <= last)
            await connection.execute(gone)


def _new(slug: str, kind: RunKind, state: RunState, now: datetime) -> dict[str, Any]:
    counts = dict.fromkeys(("seen", "added", "changed", "removed", "skipped"), 0)
    return {
        "connector": slug,
        "kind": kind.value,
        "state": state.value,
        "started": now,
        **counts,
    }


def _read(row: Row[Any]) -> Run:
    plain = {each.name: getattr(row, each.name) for each in fields(Run)}
    return Run(**{**plain, "kind": RunKind(row.kind), "state": RunState(row.state)})
