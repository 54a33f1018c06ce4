"""The admin listener with the console, that of the metrics, and the catalogue's sync."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

from aiohttp import web

from proxy.admin.console import Console
from proxy.admin.server import open_console
from proxy.app.figures import CatalogueFigures, of_tenant
from proxy.app.public import connection_limiter
from proxy.app.replica import Replica
from proxy.app.tenant import cache_session, outbound_proxy
from proxy.catalogue.database import Database
from proxy.catalogue.queries import Contents
from proxy.catalogue.sync import Sync, SyncIntervals
from proxy.clock import utc_now
from proxy.connectors.store import ConnectorWatch
from proxy.edge.hooks import read_hooks
from proxy.edge.sender import PurgeSender
from proxy.server.listeners import Lifecycle, Listener, serving
from proxy.server.probes import METRICS, admin_probes
from proxy.telemetry.live import TrafficView
from proxy.telemetry.metrics import Metrics
from proxy.tenant import Resolutions

_CONNECTIONS = 48
# Of monitors and load balancers: what each asks costs as much as some downloads.
_METRICS_CONNECTIONS = 16


@dataclass(frozen=True, slots=True)
class Admin:
    """The admin listener, as it is served.

    Attributes:
        sync: Keeps the catalogue of contents.
        contents: Reads it.
        purge_sender: Tells caches in front of changes.
        console: What is served.
        listeners: Accept its connections, and those of the metrics' own listener.
    """

    sync: Sync
    contents: Contents
    purge_sender: PurgeSender
    console: Console
    listeners: tuple[Listener, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """The public listener as people see it: that of this process, or of several together.

    Attributes:
        traffic: What comes and goes.
        not_ready: Why nothing new should come to it.
        resolutions: What its resolver holds.
        silent: Processes that do not answer, as reasons for people.
        exposition: Metrics, with those of this process among them, as text.
    """

    traffic: TrafficView
    not_ready: Callable[[], Sequence[str]]
    resolutions: Callable[[], Resolutions]
    silent: Callable[[], Sequence[str]] = tuple
    exposition: Callable[[Metrics], bytes] = Metrics.exposition


@asynccontextmanager
async def open_admin(
    replica: Replica,
    sock: socket.socket,
    *,
    metrics_sock: socket.socket | None = None,
    seen: Seen,
    handed_over: asyncio.Event | None = None,
    accepts_at_once: bool = True,
    monotonic: Callable[[], float] = time.monotonic,
) -> AsyncIterator[Admin]:
    """Serve the console and keep the catalogue, until the end of the block.

    Args:
        replica: Of this process.
        sock: A bound one.
        metrics_sock: Another, on which metrics and probes are; None: they are with the console.
        seen: The public listener.
        handed_over: Set once a successor accepts the connections.
        accepts_at_once: Else once the listener is told to.
        monotonic: By which sign-ins and links end.

    Raises:
        ConfigurationError: TDC_PURGE_HOOKS cannot be used.
        DatabaseFailed: The database does not answer.
    """
    context, watch, metrics = replica.context, replica.watch, replica.metrics
    settings = context.settings
    contents = Contents(context.database, now=utc_now)
    async with AsyncExitStack() as stack:
        sync = await stack.enter_async_context(
            Sync.open(
                context.database,
                watch,
                lambda: context.tenant.listing if context.tenant is not None else None,
                intervals=SyncIntervals(settings.sync_interval_s),
            )
        )
        purge_sender = await stack.enter_async_context(_sending_purges(replica, sync, metrics))
        catalogue = CatalogueFigures(context.database, sync)
        metrics.collect(partial(of_tenant, context.connection))
        metrics.collect(catalogue.collect)

        async def exposition() -> bytes:
            await catalogue.read()
            return seen.exposition(metrics)

        probes = admin_probes(
            seen.not_ready,
            degraded=lambda: [*_degraded(context.database, watch), *seen.silent()],
            exposition=exposition,
        )
        without_metrics = {path: probe for path, probe in probes.items() if path != METRICS}
        console = await stack.enter_async_context(
            open_console(
                context,
                watch=watch,
                sync=sync,
                contents=contents,
                purge_sender=purge_sender,
                traffic=seen.traffic,
                resolutions=seen.resolutions,
                probes=probes if metrics_sock is None else without_metrics,
                monotonic=monotonic,
            )
        )
        handed_over = handed_over or asyncio.Event()
        serve = partial(serving, drained=_not_waited_for, accepts_at_once=accepts_at_once)
        listener = await stack.enter_async_context(
            serve(
                console.pages.server,
                (sock, None),
                limiter=connection_limiter("admin", _CONNECTIONS, settings, metrics),
                lifecycle=Lifecycle(handed_over, stopping=console.stopping),
            )
        )
        listeners = [listener]
        if metrics_sock is not None:
            alone = web.Application()
            alone.add_routes([web.get(path, probe) for path, probe in probes.items()])
            listener = await stack.enter_async_context(
                serve(
                    alone,
                    (metrics_sock, None),
                    limiter=connection_limiter("metrics", _METRICS_CONNECTIONS, settings, metrics),
                    lifecycle=Lifecycle(handed_over),
                )
            )
            listeners.append(listener)
        yield Admin(sync, contents, purge_sender, console, tuple(listeners))


@asynccontextmanager
async def _sending_purges(
    replica: Replica, sync: Sync, metrics: Metrics
) -> AsyncIterator[PurgeSender]:
    """Tell the caches of TDC_PURGE_HOOKS what to forget, until the end of the block."""
    settings = replica.context.settings
    hooks = read_hooks(settings.purge_hooks) if settings.purge_hooks is not None else ()
    async with cache_session(settings) as http:
        sender = PurgeSender(
            replica.context.database,
            replica.watch,
            hooks,
            http,
            leads=lambda: sync.leads,
            metrics=metrics,
            proxy=outbound_proxy(settings),
        )
        async with sender.running():
            yield sender


def _degraded(database: Database, watch: ConnectorWatch) -> Sequence[str]:
    """Return what is wrong, though the gateway answers what it can."""
    problem = database.problem
    found = [problem] if problem is not None else []
    if watch.connectors.is_new:
        found.append("no connector yet: make one in the console, or by connectors apply")
    return found


async def _not_waited_for() -> None:
    """Wait for nothing: a console's page that is cut is asked for again."""
