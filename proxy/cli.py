"""Words in, exit status out."""

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec

import click

from proxy import __version__
from proxy.demo import describe, open_demo
from proxy.errors import ConfigurationError, GatewayError
from proxy.gateway import open_gateway
from proxy.observe import log
from proxy.sandbox.server import Sandbox
from proxy.settings import load, table

P = ParamSpec("P")

_DEMO_PORT = 8080

_library = click.option(
    "--library",
    type=click.Path(exists=True, file_okay=False, readable=True, path_type=Path),
    help="A directory of your own files, to be the tenant's contents.",
)


def _settings_help() -> str:
    width = max(len(name) for name, _, _ in table())
    rows = (f"{name:{width}}  {help_} [{default}]" for name, default, help_ in table())
    return "\b\nSettings, by environment, NAME_FILE, or the TOML file in TDC_CONFIG:\n" + "\n".join(
        rows
    )


def _runs(command: Callable[P, Coroutine[Any, Any, int]]) -> Callable[P, None]:
    """Run a command's coroutine; an operator's slip is exit status 2, without a traceback."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        log.configure("warning")
        try:
            status = asyncio.run(command(*args, **kwargs))
        except ConfigurationError as exc:
            for problem in exc.problems:
                click.echo(problem, err=True)
            status = 2
        except GatewayError as exc:
            click.echo(str(exc), err=True)
            status = 1
        sys.exit(status)

    return run


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="thron-connector")
def main() -> None:
    """Plain, permanent public URLs for the contents of a THRON folder."""


@main.command(epilog=_settings_help())
@_runs
async def serve() -> int:
    """Run the connector until it is told to stop."""
    settings = load(os.environ)
    log.configure(settings.log_level)
    await _until_stopped(open_gateway(settings, os.environ))
    return 0


@main.command()
@_library
@click.option("--port", type=click.IntRange(1, 65534), help="The public port [8080].")
@_runs
async def demo(library: Path | None, port: int | None) -> int:
    """Run a simulated THRON with a connector in front, and print URLs to try."""
    with tempfile.TemporaryDirectory(prefix="thron-connector-") as state:
        chosen = _DEMO_PORT if port is None else port
        async with open_demo(library=library, port=chosen, state=Path(state)) as running:
            click.echo(describe(running))
            await _stop_signal()
    return 0


@main.command()
@_library
@click.option("--port", type=click.IntRange(1, 65533), help="The API's port [any free one].")
@click.option("--contents", type=click.IntRange(1), help="So many generated contents instead.")
@_runs
async def sandbox(library: Path | None, port: int | None, contents: int | None) -> int:
    """Run the simulated THRON alone."""
    async with Sandbox(library=library, port=port or 0, generated=contents or 0) as thron:
        for name, value in (
            ("TDC_CLIENT_ID", thron.client_id),
            ("TDC_APP_ID", thron.app_id),
            ("TDC_APP_KEY", thron.app_key),
            ("TDC_API_URL", thron.api_url),
            ("TDC_CDN_URL", thron.cdn_url),
            ("TDC_ORIGIN_HOSTS", "127.0.0.1"),
        ):
            click.echo(f"export {name}={value}")
        click.echo(f"# root folder: {thron.root_folder_id}")
        await _stop_signal()
    return 0


async def _until_stopped(running: AbstractAsyncContextManager[Any]) -> None:
    """Hold a context until the first signal; a second one ends it at once."""
    async with running:
        await _stop_signal()
        task = asyncio.current_task()
        if task is not None:
            _on_signal(task.cancel)


async def _stop_signal() -> None:
    stop = asyncio.Event()
    _on_signal(stop.set)
    await stop.wait()


def _on_signal(call: Callable[[], object]) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, call)
