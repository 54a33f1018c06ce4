"""One of several delivery processes: the public listener alone."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial

from proxy.app.figures import of_tenant
from proxy.app.public import open_public
from proxy.app.replica import open_replica
from proxy.app.report import reporting
from proxy.server.assignment import Assignment, Serving
from proxy.server.certificate import Certificate
from proxy.server.listeners import Sockets
from proxy.server.shared_counts import SharedMemory


@asynccontextmanager
async def open_delivery_process(
    assignment: Assignment, environ: Mapping[str, str], *, progressed: Callable[[], None]
) -> AsyncIterator[Serving]:
    """Serve the public listener, once told to, until the end of the block.

    Then let downloads finish.

    Args:
        assignment: Of this process.
        environ: For the state directory.
        progressed: As for ``open_context``.

    Raises:
        ConfigurationError: The database or a file cannot be used.
        DatabaseFailed: The database does not answer.
    """
    settings, certificate = assignment.settings, None
    if settings.tls_cert is not None and settings.tls_key is not None:
        certificate = Certificate(settings.tls_cert, settings.tls_key)
    sockets = Sockets(assignment.sockets, certificate)
    memory = SharedMemory(assignment.memory, processes=settings.workers)
    shared = memory.of(
        assignment.number - 1,
        max_downloads=settings.max_downloads,
        max_connections=settings.max_connections,
    )
    async with (
        open_replica(
            settings, environ, questions=shared.questions, progressed=progressed
        ) as replica,
        open_public(
            replica,
            *sockets.public,
            handed_over=sockets.handed_over,
            accepts_at_once=False,
            shared=shared,
        ) as public,
    ):
        replica.metrics.collect(partial(of_tenant, replica.context.connection))
        with reporting(replica, public) as introduce:
            yield Serving(
                handed_over=sockets.handed_over,
                not_ready=public.not_ready,
                is_set_up=lambda: replica.context.tenant is not None,
                accept=public.listener.accept,
                introduce=introduce,
                end_soon=public.end_soon,
                close_listeners=partial(public.listener.close, for_all=True),
                end_now=public.end_now,
            )
