"""``serve``: the connector as a process, until it is told to stop."""

import asyncio
import gc
import os

import click

from proxy.app.gateway import open_gateway
from proxy.commands.running import WithSettings, runs, stop_signals
from proxy.settings import load
from proxy.telemetry import log

# Between two looks of the garbage collector at what is new: some hundred requests.
_ALLOCATIONS = 20_000


@click.command(cls=WithSettings)
@runs
async def serve() -> int:
    """Run the connector until it is told to stop."""
    settings = load(os.environ)
    log.configure(settings.log_level)
    stop = stop_signals()
    async with open_gateway(settings, os.environ) as gateway:
        # What is made by now lives as long as the process: the garbage collector need not go over
        # it again and again, nor as often as by default for what a request leaves behind.
        gc.collect()
        gc.freeze()
        gc.set_threshold(_ALLOCATIONS, 20, 20)
        await asyncio.sleep(0)  # the log's lines of this turn come before the link
        link = gateway.set_up_url()
        if link is not None:  # a secret, so it does not go through the log
            click.echo(
                "The console has no password yet. To set one, open this link once, within 15"
                f" minutes:\n\n    {link}\n",
                err=True,
            )
        # What a start makes stays. To look through all of it for garbage takes 60 ms each time, for
        # which every download would wait.
        gc.collect()
        gc.freeze()
        await stop.wait()
    return 0
