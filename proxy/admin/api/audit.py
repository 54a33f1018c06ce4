"""The audit, page by page."""

from datetime import datetime
from typing import Any

from pydantic import Field

from proxy.admin.api.operations import Call, Model, Nothing, Operation

_LARGEST = 200


class AuditQuery(Model):
    """Which page."""

    before: int | None = Field(
        None, ge=1, le=2**31 - 1, description="only entries with a smaller number"
    )
    limit: int = Field(50, ge=1, le=_LARGEST)


class Entry(Model):
    """Who did what, and when."""

    number: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: dict[str, Any]


class AuditPage(Model):
    """Entries, newest first."""

    items: tuple[Entry, ...]
    before: int | None = Field(description="for the next page; null: there is none")


async def list_audit(call: Call[AuditQuery, Nothing]) -> AuditPage:
    """List a page."""
    limit = call.query.limit
    found = await call.console.store.audit(before=call.query.before, limit=limit + 1)
    items = tuple(
        Entry(
            number=each.number,
            at=each.entry.at,
            actor=each.entry.actor,
            action=each.entry.action,
            subject=each.entry.subject,
            detail=dict(each.entry.detail),
        )
        for each in found[:limit]
    )
    return AuditPage(items=items, before=items[-1].number if len(found) > limit else None)


OPERATIONS = (
    Operation(
        "GET",
        "/api/audit",
        name="listAudit",
        tag="Audit",
        summary="List who changed what, newest first.",
        handler=list_audit,
        query=AuditQuery,
        content=Nothing,
        answer=AuditPage,
    ),
)
