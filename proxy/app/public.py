"""The public listener: what answers it, and within which limits."""

import asyncio
import random
import socket
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial

from proxy.app.replica import Replica
from proxy.backoff import Backoff
from proxy.delivery.admission import Admission
from proxy.delivery.download import Downloads, Limits, PublicBases
from proxy.delivery.retry import RetryPolicy
from proxy.delivery.transfer import MinRate
from proxy.server.certificate import Certificate
from proxy.server.connection_limiter import ConnectionLimiter
from proxy.server.descriptors import affordable
from proxy.server.listeners import Lifecycle, Listener, serving
from proxy.server.memory import trimming
from proxy.server.shared_counts import Shared, SharedCount
from proxy.settings import Settings
from proxy.telemetry.live import Traffic, sampling
from proxy.telemetry.metrics import Metrics
from proxy.telemetry.middleware import Observer
from proxy.tenant import TenantConnection

# Long enough for a phone in a tunnel, short enough for a crowd of stalled readers.
_MIN_RATE_WINDOW_S = 300.0

STOPPING = "stopping: running downloads finish, new ones go elsewhere"


@dataclass(frozen=True, slots=True)
class Public:
    """The public listener, as it is served.

    Attributes:
        admission: Counts the downloads.
        traffic: What comes and goes.
        not_ready: Why nothing new should come here.
        listener: Accepts its connections.
        lifecycle: Of the listener.
    """

    admission: Admission
    traffic: Traffic
    not_ready: Callable[[], Sequence[str]]
    listener: Listener
    lifecycle: Lifecycle

    def end_soon(self) -> None:
        """Send new clients elsewhere, while their connections are still accepted."""
        self.admission.is_closing = True
        self.lifecycle.draining.set()

    def end_now(self) -> None:
        """Let nothing that runs finish."""
        self.lifecycle.stopping.set()


@asynccontextmanager
async def open_public(
    replica: Replica,
    *sockets: tuple[socket.socket, Certificate | None],
    handed_over: asyncio.Event | None = None,
    accepts_at_once: bool = True,
    shared: Shared | None = None,
) -> AsyncIterator[Public]:
    """Serve the public listener until the end of the block; then let downloads finish.

    Args:
        replica: Of this process.
        sockets: Bound ones, with TLS or without.
        shared: What several processes have together; None: there is one.
        handed_over: Set once a successor accepts their connections.
        accepts_at_once: Else once the listener is told to.
    """
    settings, connection = replica.context.settings, replica.context.connection
    max_downloads, max_connections = affordable(settings)
    metrics, traffic = replica.metrics, replica.traffic
    metrics.watch(traffic)
    admission = Admission(
        max_downloads=max_downloads,
        max_per_client=settings.max_downloads_per_client,
        trusted=settings.proxies,
        now=time.monotonic,
        shared=shared.downloads if shared is not None else None,
        shared_clients=(
            shared.clients if shared is not None and settings.max_downloads_per_client else None
        ),
    )
    not_ready = partial(_not_ready, connection, admission)
    downloads = Downloads(
        watch=replica.watch,
        connection=connection,
        not_ready=not_ready,
        limits=Limits(
            admission=admission,
            retry_policy=RetryPolicy(random.random, attempts=8, backoff=Backoff(0.1, longest_s=5)),
            read_gap_s=settings.read_gap_s,
            pump=settings.pump,
            min_rate=MinRate(settings.min_rate_bytes_s, _MIN_RATE_WINDOW_S),
        ),
        bases=PublicBases(settings.public_base, settings.secure_base),
        stale_if_error_s=settings.stale_if_error_s,
        purges_caches=settings.purge_hooks is not None,
    )
    limiter = connection_limiter(
        "public",
        max_connections,
        settings,
        metrics,
        shared=shared.connections if shared is not None else None,
    )
    lifecycle = Lifecycle(handed_over or asyncio.Event())
    observer = Observer(
        downloads.answer,
        at_once=downloads.answer_at_once,
        traffic=traffic,
        trusted=settings.proxies,
        negative_ttl_s=settings.negative_ttl_s,
        stopping=lifecycle.stopping,
    )

    async def drained() -> None:
        """Wait for downloads, and for those whose answer is due or who may still ask."""
        drain_s = 0.0 if lifecycle.stopping.is_set() else settings.drain_s
        began = time.monotonic()
        await admission.drained(at_most_s=drain_s)
        with suppress(TimeoutError):
            async with asyncio.timeout(began + drain_s - time.monotonic()):
                # After a handover nobody is in a hurry: what is closed may just have been asked.
                await limiter.settled(with_idle=lifecycle.handed_over.is_set())

    async with AsyncExitStack() as stack:
        await stack.enter_async_context(sampling(traffic))
        await stack.enter_async_context(trimming(lambda: admission.running))
        for _, certificate in sockets:
            if certificate is not None:
                await stack.enter_async_context(certificate.watched())
        listener = await stack.enter_async_context(
            serving(
                observer.answer,
                *sockets,
                limiter=limiter,
                drained=drained,
                lifecycle=lifecycle,
                accepts_at_once=accepts_at_once,
                at_once=observer.answer_at_once,
            )
        )
        yield Public(admission, traffic, not_ready, listener, lifecycle)


def connection_limiter(
    listener: str,
    most: int,
    settings: Settings,
    metrics: Metrics,
    *,
    shared: SharedCount | None = None,
) -> ConnectionLimiter:
    """Return what bounds the connections of a listener, and counts them."""
    limiter = ConnectionLimiter(
        most=most,
        trusted=settings.proxies,
        count=lambda reason: metrics.connections_closed.labels(listener, reason).inc(),
        now=time.monotonic,
        shared=shared,
    )
    metrics.connections.labels(listener).set_function(lambda: limiter.open)
    return limiter


def _not_ready(connection: TenantConnection, admission: Admission) -> Sequence[str]:
    if admission.is_closing:
        return [STOPPING]
    return connection.not_ready()
