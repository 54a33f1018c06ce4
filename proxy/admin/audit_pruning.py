"""The audit is pruned by the console's process, now and then."""

from collections.abc import AsyncIterator

from aiohttp import web

from proxy.admin.parts import CONSOLE
from proxy.catalogue.audit_retention import prune
from proxy.catalogue.polling import polling

_EVERY_S = 600.0


async def audit_pruning(app: web.Application) -> AsyncIterator[None]:
    """Prune as long as the application runs; a cleanup context of aiohttp."""
    console = app[CONSOLE]

    async def poll() -> None:
        await prune(console.parts.database, now=console.now())

    async with polling("audit", poll, interval_s=_EVERY_S):
        yield
