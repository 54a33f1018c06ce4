"""What the audit forgets: what is old, and what would fill it.

Guesses at the console's password are bounded apart, so that a crowd of them pushes nothing else
out.
"""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, delete, select, true

from proxy.catalogue import schema
from proxy.catalogue.async_engine import AsyncConnection
from proxy.catalogue.database import Database

# A year and some weeks, to compare with the same days of last year.
KEPT = timedelta(days=400)
MOST_ENTRIES = 100_000
MOST_FAILED_LOGINS = 1_000

# In one transaction, so that others get their turn to write.
_BATCH = 500

_ID = schema.audit.c.id


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
