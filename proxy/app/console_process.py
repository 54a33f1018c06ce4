"""The one process beside the delivery processes: console, sync and link checks."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

from proxy.app.admin import Seen, open_admin
from proxy.app.gateway import tell_start
from proxy.app.public import STOPPING
from proxy.app.replica import open_replica
from proxy.app.whole import Whole
from proxy.server.assignment import Assignment, Serving
from proxy.server.listeners import Sockets
from proxy.server.shared_counts import SharedMemory


@asynccontextmanager
async def open_console_process(
    assignment: Assignment, environ: Mapping[str, str], *, progressed: Callable[[], None]
) -> AsyncIterator[Serving]:
    """Serve the console once told to, and keep the catalogue, until the end of the block.

    Args:
        assignment: Of this process.
        environ: For the state directory.
        progressed: As for ``open_context``.

    Raises:
        ConfigurationError: The database or a file cannot be used.
        DatabaseFailed: The database does not answer.
    """
    settings, sockets, draining = assignment.settings, Sockets(assignment.sockets), asyncio.Event()
    questions = SharedMemory(assignment.memory, processes=settings.workers).questions_beside()
    async with (
        open_replica(settings, environ, questions=questions, progressed=progressed) as replica,
        Whole.open(
            number=settings.workers, served=lambda: replica.watch.connectors.by_slug
        ) as whole,
    ):

        def not_ready() -> Sequence[str]:
            return [STOPPING] if draining.is_set() else whole.not_ready()

        seen = Seen(whole, not_ready, whole.resolutions, whole.silent, whole.exposition)
        async with open_admin(
            replica,
            sockets.admin,
            metrics_sock=sockets.metrics,
            seen=seen,
            handed_over=sockets.handed_over,
            accepts_at_once=False,
        ) as admin:

            def accept() -> None:
                for listener in admin.listeners:
                    listener.accept()
                tell_start(replica.context, replica.watch)

            def close_listeners() -> None:
                for listener in admin.listeners:
                    listener.close(for_all=True)

            yield Serving(
                handed_over=sockets.handed_over,
                not_ready=not_ready,
                is_set_up=lambda: replica.context.tenant is not None,
                accept=accept,
                introduce=whole.introduce,
                end_soon=draining.set,
                close_listeners=close_listeners,
                end_now=admin.console.stopping.set,
                reloaded=admin.console.reloaded,
                set_up_url=admin.console.set_up_url,
            )
