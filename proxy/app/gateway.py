"""The whole connector in one process: the public listener and the console."""

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import structlog

from proxy.admin.console import Console
from proxy.app.admin import Seen, open_admin
from proxy.app.public import open_public
from proxy.app.replica import open_replica
from proxy.catalogue.queries import Contents
from proxy.catalogue.sync import Sync
from proxy.clock import Clock
from proxy.connectors.store import ConnectorWatch
from proxy.delivery.admission import Admission
from proxy.edge.sender import PurgeSender
from proxy.server.listeners import Listener, Sockets, bind_all
from proxy.settings import Settings
from proxy.telemetry.live import Traffic
from proxy.telemetry.middleware import NAME_THE_PROXY
from proxy.tenant import AppContext

log = structlog.get_logger("proxy.app")


@dataclass(frozen=True, slots=True)
class Gateway:
    """The running connector.

    Attributes:
        context: Its settings have the ports that were bound.
        watch: The connectors that are served.
        admission: Counts the downloads.
        traffic: What comes and goes on the public listener.
        sync: Keeps the catalogue of contents.
        contents: Reads it.
        purge_sender: Tells caches in front of changes.
        console: On the admin listener.
        listeners: The public one and the admin's.
        owns_sockets: Whether nobody listens on their sockets once this process has ended.
        not_ready: Why nothing new should come here.
        end_soon: Sends new clients elsewhere, while their connections are still accepted.
        end_now: Lets nothing that runs finish.
    """

    context: AppContext
    watch: ConnectorWatch
    admission: Admission
    traffic: Traffic
    sync: Sync
    contents: Contents
    purge_sender: PurgeSender
    console: Console
    listeners: tuple[Listener, ...]
    owns_sockets: bool
    not_ready: Callable[[], Sequence[str]]
    end_soon: Callable[[], None]
    end_now: Callable[[], None]

    @property
    def public_url(self) -> str:
        """Base of the public listener, as it is reached from this machine."""
        return f"http://{self.context.settings.listen.local}"

    @property
    def admin_url(self) -> str:
        """Base of the admin listener, as it is reached from this machine."""
        return self.console.url

    def is_set_up(self) -> bool:
        """Tell whether there are credentials."""
        return self.context.tenant is not None

    def reloaded(self, problems: Sequence[str]) -> None:
        """Show why a reload was refused, until one is not."""
        self.console.reloaded(problems)

    def accept(self) -> None:
        """Take connections from now on."""
        for listener in self.listeners:
            listener.accept()
        tell_start(self.context, self.watch)

    def close_listeners(self) -> None:
        """Take those that wait, unless a successor does, and no more."""
        for listener in self.listeners:
            listener.close(for_all=self.owns_sockets)

    def set_up_url(self) -> str | None:
        """Return a new link to set the console's password, as ``Console`` gives it."""
        return self.console.set_up_url()

    def demo_url(self) -> str:
        """Return a link that signs in to the console, as ``Console`` gives it."""
        return self.console.demo_url()


@asynccontextmanager
async def open_gateway(
    settings: Settings,
    environ: Mapping[str, str],
    *,
    sockets: Sockets | None = None,
    monotonic: Callable[[], float] = time.monotonic,
    clock: Clock | None = None,
    progressed: Callable[[], None] | None = None,
) -> AsyncIterator[Gateway]:
    """Run the connector until the end of the block; then let downloads finish (TDC_DRAIN_S).

    Args:
        settings: Loaded; port 0 takes any free port.
        environ: For the state directory.
        sockets: That are bound as the settings say; no connection is accepted on them before
            ``Gateway.accept``. None: they are bound, and accepted on at once.
        monotonic: By which the console's sign-ins and links end.
        clock: As for ``open_context``.
        progressed: The same.

    Raises:
        ConfigurationError: An address is taken, the database or a file cannot be used.
        DatabaseFailed: The database does not answer.
    """
    async with AsyncExitStack() as stack:
        # Before anything else: an address that is taken must leave no trace of this process.
        accepts_at_once = sockets is None
        if sockets is None:
            sockets, settings = bind_all(stack, settings)
        replica = await stack.enter_async_context(
            open_replica(settings, environ, clock=clock, progressed=progressed)
        )
        # It closes after the console: until it has drained all that downloads need must work.
        public = await stack.enter_async_context(
            open_public(
                replica,
                *sockets.public,
                handed_over=sockets.handed_over,
                accepts_at_once=accepts_at_once,
            )
        )
        admin = await stack.enter_async_context(
            open_admin(
                replica,
                sockets.admin,
                metrics_sock=sockets.metrics,
                seen=Seen(public.traffic, public.not_ready, replica.context.connection.resolutions),
                handed_over=sockets.handed_over,
                accepts_at_once=accepts_at_once,
                monotonic=monotonic,
            )
        )
        gateway = Gateway(
            replica.context,
            replica.watch,
            public.admission,
            public.traffic,
            admin.sync,
            admin.contents,
            admin.purge_sender,
            admin.console,
            (public.listener, *admin.listeners),
            sockets.are_ours,
            public.not_ready,
            public.end_soon,
            public.end_now,
        )
        if accepts_at_once:
            tell_start(replica.context, replica.watch)
        yield gateway


def tell_start(context: AppContext, watch: ConnectorWatch) -> None:
    """Log where the connector listens, and what its operator should know of the settings."""
    settings = context.settings
    if watch.connectors.is_new:
        log.warning(
            "no connector yet",
            database=str(context.database.place),
            fix="make one in the console, or by connectors apply; if there were some, the"
            " database has been lost: see TDC_DATABASE_URL, or restore a backup",
        )
    log.info(
        "listening",
        public=str(settings.listen),
        admin=str(settings.admin_listen),
        tls=str(settings.tls_listen) if settings.tls_listen else None,
        metrics=str(settings.metrics_listen) if settings.metrics_listen else None,
        set_up=context.tenant is not None,
    )
    if settings.has_unnamed_proxy:
        log.warning("unnamed proxy in front", public=settings.public_url, fix=NAME_THE_PROXY)
