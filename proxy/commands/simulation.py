"""``demo`` and ``sandbox``: the simulated THRON, with a connector in front and alone."""

import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

import click

from proxy.commands.running import runs, stop_signals
from proxy.demo import describe, open_demo
from proxy.errors import ConfigurationError
from proxy.sandbox.server import Sandbox

_library = click.option(
    "--library",
    type=click.Path(exists=True, file_okay=False, readable=True, path_type=Path),
    help="Directory of your own files, used as the tenant's contents.",
)


@click.command()
@_library
@click.option(
    "--port",
    type=click.IntRange(1, 65534),
    help="Port of the URLs; health is on the next one.  [8080, or any if that is taken]",
)
@runs
async def demo(library: Path | None, port: int | None) -> int:
    """Run a simulated THRON with a connector in front, and print URLs to try."""
    stop = stop_signals()
    with tempfile.TemporaryDirectory(prefix="thron-connector-") as state:
        async with open_demo(library=library, port=port, state=Path(state)) as running:
            click.echo(describe(running))
            await stop.wait()
    return 0


@click.command()
@_library
@click.option(
    "--port",
    type=click.IntRange(1, 65533),
    help="Port of the API; delivery and storage are on the next two.  [any free ones]",
)
@click.option(
    "--contents", type=click.IntRange(1), help="Number of generated contents to use instead."
)
@runs
async def sandbox(library: Path | None, port: int | None, contents: int | None) -> int:
    """Run the simulated THRON alone, and print the settings to reach it."""
    if library is not None and contents is not None:
        raise click.UsageError("Give one of --library and --contents.")
    stop = stop_signals()
    thron = Sandbox(library=library, port=port or 0, generated=contents or 0)
    async with AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(thron)
        except OSError as exc:
            raise ConfigurationError([f"--port: {exc.strerror}"]) from exc
        values = {
            "TDC_CLIENT_ID": thron.client_id,
            "TDC_APP_ID": thron.app_id,
            "TDC_APP_KEY": thron.app_key,
            "TDC_API_URL": thron.api_url,
            "TDC_CDN_URL": thron.cdn_url,
            "TDC_ORIGIN_HOSTS": "127.0.0.1",
        }
        for name, value in values.items():
            click.echo(f"export {name}={value}")
        click.echo(f"# root folder: {thron.root_folder_id}")
        await stop.wait()
    return 0
