"""``serve``: the connector, until it is told to stop: one process, or a supervisor of several."""

import asyncio
import os

import click

from proxy.cli import importing
from proxy.commands.running import (
    WithSettings,
    keep_what_start_made,
    runs,
    stop_signals,
    tell_set_up,
)
from proxy.settings import Settings, load
from proxy.telemetry import log


@click.command(cls=WithSettings)
@runs
async def serve() -> int:
    """Run the connector until it is told to stop."""
    settings = load(os.environ)
    log.configure(settings.log_level)
    stop = stop_signals()
    if settings.workers == 1:
        return await _serve(settings, stop)
    from proxy.workers import supervise  # noqa: PLC0415 - one process does without

    return await supervise(settings, stop=stop)


async def _serve(settings: Settings, stop: asyncio.Event) -> int:
    with importing():  # a supervisor does without the 50 MB of what its processes import
        from proxy.app.gateway import open_gateway  # noqa: PLC0415
    async with open_gateway(settings, os.environ) as gateway:
        if (link := gateway.set_up_url()) is not None:
            await tell_set_up(link)
        keep_what_start_made()
        await stop.wait()
    return 0
