"""What stands in the audit, for tests of whatever writes it."""

from proxy.admin.store import AuditRow, ConsoleStore
from proxy.catalogue.database import Database


async def audited(database: Database, *, newest: int = 100) -> tuple[AuditRow, ...]:
    """Return the newest entries of the audit, newest first."""
    return await ConsoleStore(database).audit(before=None, limit=newest)
