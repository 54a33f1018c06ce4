"""The audit, page by page."""

from dataclasses import dataclass

from pydantic import Field

from proxy.admin.api.operations import Model, operation
from proxy.catalogue.audit import AuditRow, read_audit
from proxy.catalogue.database import Database

_LARGEST = 200


class AuditQuery(Model):
    """Which page."""

    before: int | None = Field(
        None, ge=1, le=2**31 - 1, description="only entries with a smaller number"
    )
    limit: int = Field(50, ge=1, le=_LARGEST)


class AuditPage(Model):
    """Entries, newest first."""

    items: tuple[AuditRow, ...]
    before: int | None = Field(description="for the next page; null: there is none")


@dataclass(frozen=True, slots=True)
class AuditApi:
    """Reads the audit."""

    database: Database

    @operation("GET", "/api/audit", tag="Audit")
    async def list_audit(self, query: AuditQuery) -> AuditPage:
        """List who changed what, newest first."""
        found = await read_audit(self.database, before=query.before, limit=query.limit + 1)
        items = found[: query.limit]
        return AuditPage(items=items, before=items[-1].number if len(found) > len(items) else None)
