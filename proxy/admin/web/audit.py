"""Who changed what, and when."""

from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from proxy.admin.web import pages
from proxy.admin.web.rendering import render
from proxy.catalogue.audit import read_audit
from proxy.catalogue.database import Database
from proxy.text import Text

_A_PAGE = 50

# What there may be in the audit, by the calls of ``Database.note``.
ACTIONS: Mapping[str, tuple[str, Text]] = {
    "connector created": ("good", Text("connector created")),
    "connector changed": ("info", Text("connector changed")),
    "connector removed": ("bad", Text("connector removed")),
    "tenant changed": ("info", Text("connection changed")),
    "purged": ("info", Text("cache purged")),
    "signed in": ("idle", Text("signed in")),
    "signed out": ("idle", Text("signed out")),
    "signed out everywhere": ("idle", Text("signed out everywhere")),
    "sign-in failed": ("bad", Text("sign-in failed")),
    "password set": ("warning", Text("password set")),
    "token created": ("warning", Text("token created")),
    "token revoked": ("info", Text("token revoked")),
}


@dataclass(frozen=True, slots=True)
class AuditPages:
    """Who changed what, and when."""

    database: Database

    @pages.get("/audit")
    async def show(self, request: web.Request) -> web.Response:
        """Show a page of the audit, newest first."""
        before = request.query.get("before", "")
        number = int(before) if before.isdecimal() and len(before) < 16 else None  # noqa: PLR2004 - what a database takes
        found = await read_audit(self.database, before=number, limit=_A_PAGE + 1)
        return render(
            request,
            "audit.html",
            entries=found[:_A_PAGE],
            older=found[_A_PAGE - 1].number if len(found) > _A_PAGE else None,
            is_first=number is None,
            actions=ACTIONS,
        )
