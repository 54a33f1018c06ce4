"""What stands in the audit, for tests of whatever writes it."""

from proxy.catalogue.audit import AuditRow, read_audit
from proxy.catalogue.database import Database


async def audited(database: Database, *, newest: int = 100) -> tuple[AuditRow, ...]:
    """Return the newest entries of the audit, newest first."""
    return await read_audit(database, before=None, limit=newest)
