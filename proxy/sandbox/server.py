"""The sandbox: three listeners on loopback that together are a THRON tenant."""

import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from aiohttp import web

from proxy.sandbox import manifest
from proxy.sandbox.auth_api import USERNAME, AuthApi
from proxy.sandbox.blob import BytesBlob
from proxy.sandbox.category_api import CategoryApi
from proxy.sandbox.content import SimulatedContent, Version
from proxy.sandbox.content_api import ContentApi
from proxy.sandbox.control import Control
from proxy.sandbox.delivery import DeliveryApi
from proxy.sandbox.edge import middlewares
from proxy.sandbox.faults import Fault, Faults, Kind
from proxy.sandbox.metadata_api import MetadataApi
from proxy.sandbox.record import RequestLog
from proxy.sandbox.search_api import SearchApi
from proxy.sandbox.source import SourceApi
from proxy.sandbox.specs import Library
from proxy.sandbox.static_files import StaticFiles
from proxy.sandbox.switches import Switches
from proxy.sandbox.sync_api import SyncApi
from proxy.sandbox.tenant import App, SimulatedTenant
from proxy.sandbox.tokens import Tokens
from proxy.sandbox.world import World

__all__ = ["Fault", "Kind", "Sandbox", "Switches"]

_HOST = "127.0.0.1"
# Downloads that are under way when it closes are let go, not waited for.
_SHUTDOWN_S = 0.05


class Sandbox:
    """A simulated THRON, listening while it is entered.

    Args:
        switches: The readings of what is unknown; may be changed while it runs.
        library: What the tenant holds: a directory of the user's own files, or a Library; the
            shipped one if neither this nor ``generated`` is given.
        generated: How many generated contents it holds instead.
        port: The API's port, the CDN and the storage taking the next two; 0 for any three.
        now: The clock, in unix seconds.
    """

    client_id = "sandbox"
    app_id = "sandbox-app"
    app_key = "sandbox-app-key-7b1e0c52"
    app_key_wrong = "sandbox-app-key-wrong"
    username = USERNAME

    def __init__(
        self,
        *,
        switches: Switches | None = None,
        library: Path | Library | None = None,
        generated: int = 0,
        port: int = 0,
        now: Callable[[], float] = time.time,
    ) -> None:
        held = _library(library, generated)
        app = App(self.app_id, self.app_key, held.root_folder_id, pkey="s4ndbx")
        tenant = SimulatedTenant(held, client_id=self.client_id, app=app)
        chosen = switches or Switches()
        self._world = World(tenant, Tokens(chosen), chosen, now)
        self._port = port
        self._running = AsyncExitStack()

    async def __aenter__(self) -> Self:
        world = self._world
        delivery = DeliveryApi(world)
        source = SourceApi(world)
        static = StaticFiles(world, delivery)
        parts = (AuthApi, SearchApi, ContentApi, SyncApi, CategoryApi, MetadataApi, Control)
        api = [route for part in parts for route in part(world).routes()]
        api += source.routes()
        cdn = [
            web.get(r"/delivery/public/{rest:[\s\S]*}", delivery.redirect),
            web.get("/static/{name:.+}", static.answer),
        ]
        storage = [web.route("*", "/source/{content}/{version}", source.stored)]
        world.api_url = await self._listen("api", api, 0)
        world.cdn_url = await self._listen("cdn", cdn, 1)
        world.storage_url = await self._listen("storage", storage, 2)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.faults.clear()
        await self._running.aclose()

    async def _listen(self, listener: str, routes: list[web.RouteDef], place: int) -> str:
        app = web.Application(middlewares=middlewares(self._world, listener))
        app.add_routes(routes)
        runner = web.AppRunner(
            app,
            access_log=None,
            handler_cancellation=True,
            shutdown_timeout=_SHUTDOWN_S,
            keepalive_timeout=75,
        )
        await runner.setup()
        self._running.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, _HOST, self._port + place if self._port else 0)
        await site.start()
        port = runner.addresses[0][1]
        return f"http://{_HOST}:{port}"

    # What it is

    @property
    def api_url(self) -> str:
        """The base of the API, without a slash at the end."""
        return self._world.api_url

    @property
    def cdn_url(self) -> str:
        """The base of the CDN."""
        return self._world.cdn_url

    @property
    def storage_url(self) -> str:
        """The base of the storage that downloadSource may redirect to."""
        return self._world.storage_url

    @property
    def tenant(self) -> SimulatedTenant:
        """The model: folders, contents, the application."""
        return self._world.tenant

    @property
    def switches(self) -> Switches:
        """The readings that are followed; may be changed."""
        return self._world.switches

    @property
    def faults(self) -> Faults:
        """What is to go wrong."""
        return self._world.faults

    @property
    def log(self) -> RequestLog:
        """The requests received on all listeners, oldest first."""
        return self._world.log

    @property
    def tokens(self) -> Tokens:
        """The session tokens."""
        return self._world.tokens

    @property
    def logins(self) -> int:
        """How often someone has logged in."""
        return self._world.tokens.logins

    @property
    def pkey(self) -> str | None:
        """The share key of the application's folder."""
        return self._world.tenant.app.pkey

    @property
    def root_folder_id(self) -> str:
        """The folder on which the application is installed."""
        return self._world.tenant.app.root_folder_id

    @property
    def api_down(self) -> bool:
        """The API closes connections without an answer; the CDN goes on."""
        return self._world.api_down

    @api_down.setter
    def api_down(self, down: bool) -> None:
        self._world.api_down = down

    @property
    def secrets(self) -> frozenset[str]:
        """Everything that may stand nowhere in a connector's output."""
        known = {self.app_key, *self.tokens.all, *self._world.signatures, *self.tenant.pkeys}
        return frozenset(known)

    # What happens to it

    def expire_tokens(self) -> int:
        """End every session; returns how many there were."""
        return self._world.tokens.expire_all()

    def publish_new_version(
        self, content_id: str, data: bytes | None = None, *, file_name: str | None = None
    ) -> Version:
        """Replace a content's file and renditions; without data, by a text of its number."""
        content = self.tenant.find(content_id)
        blob = None if data is None else BytesBlob(data, content.version.media_type)
        touch = self.switches.replacement_raises_last_update
        return self.tenant.publish_new_version(
            content.id, now=self._world.now(), blob=blob, file_name=file_name, touch=touch
        )

    def unlink(self, content_id: str, folder_id: str | None = None) -> SimulatedContent:
        """Take a content out of one folder, or of all."""
        return self.tenant.unlink(content_id, folder_id, now=self._world.now())

    def link(self, content_id: str, folder_id: str) -> SimulatedContent:
        """Put a content into one more folder."""
        return self.tenant.link(content_id, folder_id, now=self._world.now())

    def unpublish(self, content_id: str, *, status: str = "READY") -> SimulatedContent:
        """Take a content off all its channels."""
        return self.tenant.set_status(content_id, status, now=self._world.now())

    def publish(self, content_id: str, *channels: str) -> SimulatedContent:
        """Publish a content on these channels, or on those that its file has."""
        found = self.tenant.find(content_id)
        chosen = channels or tuple(found.version.renditions)
        return self.tenant.set_status(
            content_id, "PUBLISHED", now=self._world.now(), channels=chosen
        )

    def set_channels(self, content_id: str, **states: str) -> SimulatedContent:
        """Give a content's channels other states; its status follows from them."""
        return self.tenant.set_channels(content_id, states, now=self._world.now())


def _library(library: Path | Library | None, generated: int) -> Library:
    if isinstance(library, Library):
        return library
    if isinstance(library, Path):
        return manifest.from_directory(library)
    return manifest.generated(generated) if generated else manifest.shipped()
