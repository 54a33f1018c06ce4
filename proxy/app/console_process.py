"""The one process beside the delivery processes: console, sync and link checks."""

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from proxy.admin.server import Console
from proxy.app.admin import open_admin
from proxy.app.gateway import tell_start
from proxy.app.replica import open_replica
from proxy.server.assignment import Assignment
from proxy.telemetry.live import Traffic


@asynccontextmanager
async def open_console_process(
    assignment: Assignment, environ: Mapping[str, str]
) -> AsyncIterator[Console]:
    """Serve the console, and keep the catalogue, until the end of the block.

    Args:
        assignment: Of this process.
        environ: For the state directory.

    Raises:
        ConfigurationError: The database or a file cannot be used.
        DatabaseFailed: The database does not answer.
    """
    async with (
        open_replica(assignment.settings, environ) as replica,
        open_admin(
            replica,
            assignment.sockets["admin_listen"],
            traffic=Traffic(now=time.time),
            not_ready=replica.parts.connection.not_ready,
        ) as admin,
    ):
        tell_start(replica.parts, replica.watch)
        yield admin.console
