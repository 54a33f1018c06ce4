"""The one process beside the delivery processes: console, sync and link checks."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from proxy.admin.console import Console
from proxy.app.admin import Seen, open_admin
from proxy.app.gateway import tell_start
from proxy.app.public import STOPPING
from proxy.app.replica import open_replica
from proxy.app.whole import Whole
from proxy.server.assignment import Assignment, Introduce


@dataclass(frozen=True, slots=True)
class ConsoleProcess:
    """The console, how it ends, and to whom it is told how to ask a delivery process."""

    console: Console
    introduce: Introduce
    end_soon: Callable[[], None]
    end_now: Callable[[], None]


@asynccontextmanager
async def open_console_process(
    assignment: Assignment, environ: Mapping[str, str]
) -> AsyncIterator[ConsoleProcess]:
    """Serve the console, and keep the catalogue, until the end of the block.

    Args:
        assignment: Of this process.
        environ: For the state directory.

    Raises:
        ConfigurationError: The database or a file cannot be used.
        DatabaseFailed: The database does not answer.
    """
    settings, draining = assignment.settings, asyncio.Event()
    async with (
        open_replica(settings, environ) as replica,
        Whole.open(number=settings.workers) as whole,
    ):

        def not_ready() -> Sequence[str]:
            return [STOPPING] if draining.is_set() else whole.not_ready()

        seen = Seen(whole, not_ready, whole.resolutions, whole.silent, whole.exposition)
        sock, own = assignment.sockets["admin_listen"], assignment.sockets.get("metrics_listen")
        async with open_admin(replica, sock, metrics_sock=own, seen=seen) as admin:
            tell_start(replica.parts, replica.watch)
            console = admin.console
            yield ConsoleProcess(console, whole.introduce, draining.set, console.stopping.set)
