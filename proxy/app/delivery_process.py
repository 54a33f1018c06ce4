"""One of several delivery processes: the public listener alone."""

import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from proxy.app.figures import of_tenant
from proxy.app.public import open_public
from proxy.app.replica import open_replica
from proxy.app.report import reporting
from proxy.server.assignment import Assignment, Introduce
from proxy.server.certificate import Certificate
from proxy.server.shared_counts import SharedMemory


@dataclass(frozen=True, slots=True)
class DeliveryProcess:
    """A public listener, how it ends, and to whom it is told who asks how it stands."""

    introduce: Introduce
    end_soon: Callable[[], None]
    end_now: Callable[[], None]


@asynccontextmanager
async def open_delivery_process(
    assignment: Assignment, environ: Mapping[str, str]
) -> AsyncIterator[DeliveryProcess]:
    """Serve the public listener until the end of the block; then let downloads finish.

    Args:
        assignment: Of this process.
        environ: For the state directory.

    Raises:
        ConfigurationError: The database or a file cannot be used.
        DatabaseFailed: The database does not answer.
    """
    settings, sockets = assignment.settings, assignment.sockets
    served: list[tuple[socket.socket, Certificate | None]] = [(sockets["listen"], None)]
    if settings.tls_cert is not None and settings.tls_key is not None:
        served.append((sockets["tls_listen"], Certificate(settings.tls_cert, settings.tls_key)))
    memory = SharedMemory(assignment.memory, processes=settings.workers)
    shared = memory.of(
        assignment.number - 1,
        max_downloads=settings.max_downloads,
        max_connections=settings.max_connections,
    )
    async with (
        open_replica(settings, environ) as replica,
        open_public(replica, *served, shared=shared) as public,
    ):
        replica.metrics.collect(partial(of_tenant, replica.parts.connection))
        with reporting(replica, public) as introduce:
            yield DeliveryProcess(introduce, public.end_soon, public.end_now)
