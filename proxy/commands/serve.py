"""``serve``: the connector as a process, until it is told to stop."""

import os
from contextlib import AbstractAsyncContextManager

import click

from proxy.app import Gateway, open_gateway
from proxy.commands.running import WithSettings, runs, stop_signals
from proxy.settings import load
from proxy.telemetry import log


@click.command(cls=WithSettings)
@runs
async def serve() -> int:
    """Run the connector until it is told to stop."""
    settings = load(os.environ)
    log.configure(settings.log_level)
    await _until_stopped(open_gateway(settings, os.environ))
    return 0


async def _until_stopped(running: AbstractAsyncContextManager[Gateway]) -> None:
    """Hold a gateway until the first signal; a second one ends it at once."""
    stop = stop_signals()
    async with running as gateway:
        _print_set_up_link(gateway.set_up_url())
        await stop.wait()


def _print_set_up_link(url: str | None) -> None:
    """Print the link of the first start; it is a secret, so it must not go through the log."""
    if url is not None:
        click.echo(
            "The console has no password yet. To set one, open this link once, within 15 minutes:"
            f"\n\n    {url}\n",
            err=True,
        )
