"""The audit: who changed what, read page by page, and pruned of what is old or would fill it.

An entry of a change is made in the change's own transaction (``Database.note``).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, select, true

from proxy.catalogue import schema
from proxy.catalogue.async_engine import AsyncConnection
from proxy.catalogue.database import Database

# A year and some weeks, to compare with the same days of last year.
KEPT = timedelta(days=400)
MOST_ENTRIES = 100_000
# Bounded apart, so that a crowd of guesses at the password pushes nothing else out.
MOST_FAILED_LOGINS = 1_000

# In one transaction, so that others get their turn to write.
_BATCH = 500

_ID = schema.audit.c.id


@dataclass(frozen=True, slots=True)
class AuditRow:
    """Who did what, and when.

    Attributes:
        number: To page by.
        detail: What is different, as plain values; never a secret.
    """

    number: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: Mapping[str, Any]


async def read_audit(database: Database, *, before: int | None, limit: int) -> tuple[AuditRow, ...]:
    """Return entries of the audit, newest first.

    Args:
        database: Has the audit.
        before: Only those with a smaller number; None from the newest on.
        limit: At most so many.

    Raises:
        DatabaseFailed: It does not answer.
    """
    query = select(schema.audit).order_by(_ID.desc()).limit(limit)
    if before is not None:
        query = query.where(before > _ID)

    async def read(connection: AsyncConnection) -> tuple[AuditRow, ...]:
        return tuple(
            AuditRow(row.id, row.at, row.actor, row.action, row.subject, row.detail)
            for row in await connection.execute(query)
        )

    return await database.read(read)


async def note(
    database: Database,
    *,
    actor: str,
    action: str,
    subject: str,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Enter what changed nothing, such as a sign-in that failed.

    Raises:
        DatabaseFailed: It does not answer.
    """

    async def write(connection: AsyncConnection) -> None:
        await database.note(connection, actor=actor, action=action, subject=subject, detail=detail)

    await database.write(write)


async def prune(
    database: Database,
    *,
    now: datetime,
    most_entries: int = MOST_ENTRIES,
    most_failed_logins: int = MOST_FAILED_LOGINS,
) -> None:
    """Delete what is too old, and of the rest what is beyond the newest.

    Args:
        database: Has the audit.
        now: Aware.
        most_entries: So many are kept.
        most_failed_logins: Of these, so many failed logins at the console.

    Raises:
        DatabaseFailed: It does not answer.
    """
    is_failed_login = schema.audit.c.action == "sign-in failed"
    for superfluous in (
        schema.audit.c.at < now - KEPT,
        and_(is_failed_login, _beyond_newest(most_failed_logins, is_failed_login)),
        _beyond_newest(most_entries, true()),
    ):
        while await _delete_some(database, superfluous) == _BATCH:
            pass


def _beyond_newest(number: int, kind: ColumnElement[bool]) -> ColumnElement[bool]:
    newest_beyond = select(_ID).where(kind).order_by(_ID.desc()).offset(number).limit(1)
    return newest_beyond.scalar_subquery() >= _ID


async def _delete_some(database: Database, superfluous: ColumnElement[bool]) -> int:
    some = select(_ID).where(superfluous).order_by(_ID).limit(_BATCH)

    async def write(connection: AsyncConnection) -> int:
        return (await connection.execute(delete(schema.audit).where(_ID.in_(some)))).rowcount

    return await database.write(write)
