"""The one process beside the delivery processes: console, sync and link checks."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from proxy.admin.server import Console
from proxy.app.admin import Seen, open_admin
from proxy.app.gateway import tell_start
from proxy.app.replica import open_replica
from proxy.app.report import Introduce
from proxy.app.whole import Whole
from proxy.server.assignment import Assignment


@dataclass(frozen=True, slots=True)
class ConsoleProcess:
    """The console, and to whom it is told how to ask a delivery process."""

    console: Console
    introduce: Introduce


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
    settings = assignment.settings
    async with (
        open_replica(settings, environ) as replica,
        Whole.open(number=settings.workers) as whole,
        open_admin(
            replica,
            assignment.sockets["admin_listen"],
            seen=Seen(whole, whole.not_ready, whole.resolutions, whole.silent, whole.exposition),
        ) as admin,
    ):
        tell_start(replica.parts, replica.watch)
        yield ConsoleProcess(admin.console, whole.introduce)
