"""Who changed what, and when."""

from aiohttp import web

from proxy.console.parts import CONSOLE
from proxy.console.rendering import render

_A_PAGE = 50


async def show(request: web.Request) -> web.Response:
    """Show a page of the audit, newest first."""
    before = request.query.get("before", "")
    number = int(before) if before.isdecimal() and len(before) < 16 else None  # noqa: PLR2004 - what a database takes
    found = await request.app[CONSOLE].store.audit(before=number, limit=_A_PAGE + 1)
    return render(
        request,
        "audit.html",
        entries=found[:_A_PAGE],
        older=found[_A_PAGE - 1].number if len(found) > _A_PAGE else None,
        is_first=number is None,
    )


ROUTES = (web.get("/audit", show),)
