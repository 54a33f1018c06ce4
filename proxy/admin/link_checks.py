"""The link checks that the console's process runs, and their store."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from aiohttp import web

from proxy.admin.parts import CONSOLE, Console
from proxy.connectors.addresses import Address
from proxy.connectors.model import Connector
from proxy.errors import NotConfigured
from proxy.link_check.probe import LinkProbe
from proxy.link_check.results import ProbeResult
from proxy.link_check.run import LinkChecker
from proxy.link_check.store import LinkCheckStore


@dataclass(frozen=True, slots=True)
class LinkChecks:
    """The store, and who fills it."""

    store: LinkCheckStore
    checker: LinkChecker


LINK_CHECKS = web.AppKey("link_checks", LinkChecks)


async def link_checks(app: web.Application) -> AsyncIterator[None]:
    """Run link checks as long as the application; a cleanup context of aiohttp."""
    console = app[CONSOLE]
    store = LinkCheckStore(console.parts.database, now=console.now)
    async with LinkChecker.open(store, _Tries(console).try_) as checker:
        app[LINK_CHECKS] = LinkChecks(store, checker)
        yield


class _Tries:
    """Tries with the tenant that is connected when a try begins."""

    def __init__(self, console: Console) -> None:
        self._console = console

    async def try_(self, connector: Connector, address: Address) -> ProbeResult:
        tenant = self._console.parts.tenant
        if tenant is None:
            return ProbeResult(NotConfigured.status, problem=NotConfigured.public)
        return await LinkProbe(tenant.resolver, tenant.origins).try_(connector, address)
