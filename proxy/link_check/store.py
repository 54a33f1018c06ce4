"""Runs of link checks and the last result of every address, kept for every process to see."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, delete, func, insert, select, update

from proxy.catalogue import queries, schema
from proxy.catalogue.async_engine import AsyncConnection
from proxy.catalogue.collisions import AddressStatus
from proxy.catalogue.database import Database
from proxy.catalogue.url_rows import Selection, UrlRow
from proxy.clock import utc_now
from proxy.connectors.model import Connector
from proxy.link_check.results import (
    CheckedPage,
    CheckedRow,
    CheckState,
    LinkCheck,
    LinkResult,
    LinkStatus,
    LinkTally,
    ProbeResult,
    Scope,
)

_CHECK = schema.link_check
_RESULT = schema.link_result
_AT = _RESULT.c
_ADDRESS = schema.address.c
# Of each connector so many runs are remembered.
_KEPT = 20

# Of these some lines lead to their content; all that are OK do, and no others.
_MAY_SERVE = frozenset({AddressStatus.FORMER, AddressStatus.COLLISION})

_RESULT_COLUMNS = (
    _AT.status.label("link_status"),
    _AT.media_type.label("link_media_type"),
    _AT.size.label("link_size"),
    _AT.problem.label("link_problem"),
    _AT.since.label("link_since"),
    _AT.checked.label("link_checked"),
)


class CheckRunning(Exception):
    """There is a run of this connector already."""


class LinkCheckStore:
    """Reads and writes link checks; every method raises DatabaseFailed where there is no answer."""

    def __init__(self, database: Database, *, now: Callable[[], datetime] = utc_now) -> None:
        self._database = database
        self._now = now

    async def begin(self, connector: Connector, scope: Scope) -> LinkCheck:
        """Begin a run.

        Raises:
            CheckRunning: One runs, in this process or another.
        """
        now = self._now()
        expected = select(func.count()).select_from(_tried(connector, scope).subquery())

        async def write(connection: AsyncConnection) -> LinkCheck:
            last = await _last(connection, connector.slug)
            if last is not None and not last.as_of(now).is_over:
                raise CheckRunning(connector.slug)
            mine = select(_CHECK.c.id).where(_CHECK.c.connector == connector.slug)
            oldest = mine.order_by(_CHECK.c.id.desc()).limit(1).offset(_KEPT).scalar_subquery()
            gone = delete(_CHECK).where(_CHECK.c.connector == connector.slug, _CHECK.c.id <= oldest)
            await connection.execute(gone)
            values = {
                "connector": connector.slug,
                "scope": scope.value,
                "state": CheckState.RUNNING.value,
                "started": now,
                "beat": now,
                "expected": (await connection.execute(expected)).scalar_one(),
                "checked": 0,
                "problems": 0,
            }
            made = await connection.execute(insert(_CHECK).values(values).returning(_CHECK))
            return _read_check(made.one())

        return await self._database.write(write)

    async def note(
        self, connector: Connector, check: LinkCheck | None, outcomes: Mapping[int, ProbeResult]
    ) -> LinkCheck | None:
        """Note results by the numbers of their lines, and return the run as it stands then.

        A try by itself belongs to no run. Without any result, it tells that the run is alive.
        """
        now = self._now()

        async def write(connection: AsyncConnection) -> LinkCheck | None:
            if outcomes:
                await _write_results(connection, connector, check, outcomes, now)
            if check is None:
                return None
            counts = {
                "beat": now,
                "checked": _CHECK.c.checked + len(outcomes),
                "problems": _CHECK.c.problems + sum(not each.is_ok for each in outcomes.values()),
            }
            query = update(_CHECK).where(_CHECK.c.id == check.id).values(counts)
            return _read_check((await connection.execute(query.returning(_CHECK))).one())

        return await self._database.write(write)

    async def ask_to_stop(self, slug: str) -> bool:
        """Ask a connector's run to end, and tell whether there is one."""
        query = (
            update(_CHECK)
            .where(_CHECK.c.connector == slug, _CHECK.c.state == CheckState.RUNNING.value)
            .values(state=CheckState.STOPPING.value)
            .returning(_CHECK.c.id)
        )

        async def write(connection: AsyncConnection) -> bool:
            return (await connection.execute(query)).first() is not None

        return await self._database.write(write)

    async def end(self, check: LinkCheck, state: CheckState, *, reason: str | None = None) -> None:
        """Note how a run ended; after a complete one, results whose lines are gone are deleted."""
        now = self._now()
        values = {"state": state.value, "ended": now, "beat": now, "reason": reason}
        query = update(_CHECK).where(_CHECK.c.id == check.id).values(values)
        gone = delete(_RESULT).where(
            _AT.connector == check.connector, _AT.line.not_in(select(_ADDRESS.id))
        )

        async def write(connection: AsyncConnection) -> None:
            await connection.execute(query)
            if state is CheckState.DONE:
                await connection.execute(gone)

        await self._database.write(write)

    async def last(self, slug: str) -> LinkCheck | None:
        """Return a connector's newest run, None before the first."""

        async def read(connection: AsyncConnection) -> LinkCheck | None:
            return await _last(connection, slug)

        found = await self._database.read(read)
        return found.as_of(self._now()) if found is not None else None

    async def to_try(
        self, connector: Connector, scope: Scope, *, after: int, most: int
    ) -> tuple[UrlRow, ...]:
        """Return lines to try, in the order of their numbers, after one of them."""
        query = _tried(connector, scope).where(_ADDRESS.id > after)
        query = query.order_by(_ADDRESS.id).limit(most)
        return tuple(map(queries.read_url_row, await self._read(query)))

    async def problems(self, connector: Connector) -> int:
        """Count the addresses that had a problem when they were last tried; quick."""
        query = _counted(connector).where(_AT.is_ok.is_(False))
        return sum(row.number for row in await self._read(query))

    async def tally(self, connector: Connector) -> LinkTally:
        """Count the addresses of a connector by their last result."""
        tried = _counted(connector)
        here = queries.conditions(connector, Selection(statuses=frozenset({AddressStatus.OK})))
        certain = select(func.count()).select_from(schema.address).where(*here)
        rest = queries.conditions(connector, Selection(statuses=_MAY_SERVE))
        others = select(func.count()).select_from(schema.address).where(*rest, _ADDRESS.serves)

        async def read(connection: AsyncConnection) -> LinkTally:
            found = {row.is_ok: row.number for row in (await connection.execute(tried)).all()}
            problems, working = found.get(False, 0), found.get(True, 0)
            serving = (await connection.execute(certain)).scalar_one()
            serving += (await connection.execute(others)).scalar_one()
            return LinkTally(problems, working, max(0, serving - problems - working))

        return await self._database.read(read)

    async def page(
        self,
        connector: Connector,
        status: LinkStatus,
        *,
        search: str = "",
        offset: int = 0,
        limit: int = 50,
    ) -> CheckedPage:
        """Return a page of the lines of one status, with their results."""
        query = _with_status(connector, status, Selection(search=search))
        count = select(func.count()).select_from(query.order_by(None).subquery())
        query = query.limit(limit).offset(offset)
        total = None if search else (await self.tally(connector)).of(status)

        async def read(connection: AsyncConnection) -> CheckedPage:
            number = total
            if number is None:
                number = (await connection.execute(count)).scalar_one()
            if not number:
                return CheckedPage((), 0, offset)
            found = (await connection.execute(query)).all()
            return CheckedPage(tuple(map(_read_checked, found)), number, offset)

        return await self._database.read(read)

    async def of_content(self, connector: Connector, content_id: str) -> Mapping[int, LinkResult]:
        """Return the results for the lines of a content, by their numbers."""
        query = _checked(connector, Selection(content_id=content_id))
        found = map(_read_checked, await self._read(query))
        return {each.line.number: each.result for each in found if each.result is not None}

    async def _read(self, query: Any) -> Sequence[Row[Any]]:
        async def read(connection: AsyncConnection) -> Sequence[Row[Any]]:
            return (await connection.execute(query)).all()

        return await self._database.read(read)


def _tried(connector: Connector, scope: Scope) -> Select[Any]:
    query = queries.url_rows(connector, Selection()).where(_ADDRESS.serves)
    if scope is Scope.ALL:
        return query
    return query.join(_RESULT, _AT.line == _ADDRESS.id).where(
        _AT.connector == connector.slug, _AT.is_ok.is_(False)
    )


def _counted(connector: Connector) -> Select[Any]:
    serving = [*queries.conditions(connector, Selection()), _ADDRESS.serves]
    return (
        select(_AT.is_ok, func.count().label("number"))
        .select_from(_RESULT)
        .join(schema.address, _ADDRESS.id == _AT.line)
        .where(_AT.connector == connector.slug, *serving)
        .group_by(_AT.is_ok)
    )


def _with_status(connector: Connector, status: LinkStatus, selection: Selection) -> Select[Any]:
    if status is LinkStatus.UNTRIED:
        untried = _checked(connector, selection).where(_AT.line.is_(None))
        return untried.order_by(_ADDRESS.title_key, _ADDRESS.id)
    return (
        queries.url_rows(connector, selection)
        .add_columns(*_RESULT_COLUMNS)
        .join(_RESULT, _AT.line == _ADDRESS.id)
        .where(
            _ADDRESS.serves,
            _AT.connector == connector.slug,
            _AT.is_ok.is_(status is LinkStatus.WORKING),
        )
        .order_by(_AT.status, _AT.line)
    )


def _checked(connector: Connector, selection: Selection) -> Select[Any]:
    query = queries.url_rows(connector, selection).add_columns(*_RESULT_COLUMNS)
    return query.outerjoin(_RESULT, _AT.line == _ADDRESS.id).where(_ADDRESS.serves)


async def _last(connection: AsyncConnection, slug: str) -> LinkCheck | None:
    query = select(_CHECK).where(_CHECK.c.connector == slug).order_by(_CHECK.c.id.desc()).limit(1)
    row = (await connection.execute(query)).one_or_none()
    return _read_check(row) if row is not None else None


async def _write_results(
    connection: AsyncConnection,
    connector: Connector,
    check: LinkCheck | None,
    outcomes: Mapping[int, ProbeResult],
    now: datetime,
) -> None:
    mine = _AT.line.in_(sorted(outcomes))
    known = {row.line: row for row in (await connection.execute(select(_RESULT).where(mine))).all()}
    await connection.execute(delete(_RESULT).where(mine))
    values = []
    for number, each in outcomes.items():
        row, since = known.get(number), now
        if row is not None and (row.status, row.is_ok) == (each.status, each.is_ok):
            since = row.since
        values.append(
            {
                "line": number,
                "connector": connector.slug,
                "check_id": check.id if check is not None else 0,
                "status": each.status,
                "is_ok": each.is_ok,
                "media_type": each.media_type,
                "size": each.size,
                "problem": each.problem,
                "since": since,
                "checked": now,
            }
        )
    await connection.execute(insert(_RESULT), values)


def _read_check(row: Row[Any]) -> LinkCheck:
    plain = {each.name: getattr(row, each.name) for each in fields(LinkCheck)}
    return LinkCheck(**{**plain, "scope": Scope(row.scope), "state": CheckState(row.state)})


def _read_checked(row: Row[Any]) -> CheckedRow:
    line = queries.read_url_row(row)
    if row.link_status is None:
        return CheckedRow(line, None)
    outcome = ProbeResult(row.link_status, row.link_media_type, row.link_size, row.link_problem)
    return CheckedRow(line, LinkResult(outcome, row.link_since, row.link_checked))
