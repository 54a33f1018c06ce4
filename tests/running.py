"""The whole connector on real ports, in front of a sandbox."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from multidict import CIMultiDictProxy
from pydantic import SecretStr
from yarl import URL

from proxy.app.gateway import Gateway, open_gateway
from proxy.clock import Clock
from proxy.connectors.model import Connector, Connectors, Identifier
from proxy.connectors.store import ConnectorStore
from proxy.sandbox.server import Sandbox
from proxy.settings import Listen, Pump, Settings, state_directory
from proxy.tenant import Tenant
from tests.catalogue.fresh import sqlite_file

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer read whole, as the bytes that came."""

    status: int
    fields: CIMultiDictProxy[str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Running:
    """A connector that runs, its THRON, and a client that follows and decodes nothing."""

    thron: Sandbox
    gateway: Gateway
    http: aiohttp.ClientSession

    @property
    def tenant(self) -> Tenant:
        """The parts that talk to the sandbox."""
        assert self.gateway.context.tenant is not None
        return self.gateway.context.tenant

    def url(self, path: str) -> URL:
        """Return the URL of a raw path on the public listener; a whole URL stays as it is."""
        base = "" if path.startswith("http") else self.gateway.public_url
        return URL(base + path, encoded=True)

    async def ask(self, method: str, path: str, **fields: str) -> Answer:
        """Send a request; fields are named with underscores for hyphens."""
        headers = {name.replace("_", "-"): value for name, value in fields.items()}
        async with self.http.request(
            method, self.url(path), headers=headers, allow_redirects=False
        ) as response:
            return Answer(response.status, response.headers, await response.read())

    async def get(self, path: str, **fields: str) -> Answer:
        """GET a raw path."""
        return await self.ask("GET", path, **fields)

    async def apply(self, *wanted: Connector) -> Connectors:
        """Resolve connectors in the sandbox, and serve them from now on."""
        found = [(await self.tenant.previewer.resolve(each))[0] for each in wanted]
        await ConnectorStore(self.gateway.context.database).apply(found, actor="test")
        await self.gateway.watch.refresh()
        return self.gateway.watch.connectors


@asynccontextmanager
async def running(
    thron: Sandbox,
    state: Path,
    *connectors: Connector,
    environ: Mapping[str, str] | None = None,
    monotonic: Callable[[], float] | None = None,
    clock: Clock | None = None,
    **changed: Any,
) -> AsyncIterator[Running]:
    """Run a connector in front of a sandbox until the end of the block.

    Args:
        thron: Running.
        state: Where the database is kept.
        connectors: Served from the start; their folder may be empty for the app's root folder.
        environ: More than the state directory.
        monotonic: By which the console's sign-ins and links end; None: the machine's.
        clock: By which what was learnt from THRON lapses; None: the machine's.
        changed: Settings that differ from a test's usual ones.
    """
    settings = usual_settings(thron).model_copy(update=changed)
    environ = {"STATE_DIRECTORY": str(state), **(environ or {})}
    database = state_directory(environ) / "connector.db"
    if settings.database_url is None and not database.exists():
        database.write_bytes(await asyncio.to_thread(sqlite_file))
    async with (
        open_gateway(
            settings,
            environ,
            monotonic=monotonic or time.monotonic,
            clock=clock,
        ) as gateway,
        aiohttp.ClientSession(
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            connector=aiohttp.TCPConnector(limit=0, ssl=False),
        ) as http,
    ):
        self = Running(thron, gateway, http)
        await self.apply(*connectors)
        yield self


def usual_settings(thron: Sandbox) -> Settings:
    """Return settings for a sandbox: any free ports, no drain, patience with a busy machine.

    PUMP in the environment forces a pump: `make matrix` runs the delivery's tests with each.
    """
    return Settings(
        client_id=thron.client_id,
        app_id=thron.app_id,
        app_key=SecretStr(thron.app_key),
        api_url=thron.api_url,
        cdn_url=thron.cdn_url,
        origin_hosts=(LOOPBACK,),
        listen=Listen(host=LOOPBACK, port=0),
        admin_listen=Listen(host=LOOPBACK, port=0),
        connect_timeout_s=60,
        first_byte_timeout_s=60,
        read_gap_s=60,
        drain_s=0,
        sync_interval_s=0,
        pump=Pump(os.environ.get("PUMP", "auto")),
    )


def by_id(thron: Sandbox, slug: str = "files", **more: Any) -> Connector:
    """Return a connector on the application's root folder with content ids in its addresses."""
    return Connector(
        slug=slug, folder=thron.root_folder_id, identifier=Identifier.CONTENT_ID, **more
    )


def by_name(thron: Sandbox, slug: str = "media", **more: Any) -> Connector:
    """The same with prettyIDs."""
    return Connector(
        slug=slug, folder=thron.root_folder_id, identifier=Identifier.PRETTY_ID, **more
    )


def by_sku(thron: Sandbox, slug: str = "products", **more: Any) -> Connector:
    """The same with the metadata ``sku``."""
    return Connector(
        slug=slug,
        folder=thron.root_folder_id,
        identifier=Identifier.METADATA,
        metadata="sku",
        **more,
    )
