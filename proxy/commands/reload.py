"""``reload``: the running connector takes on its settings, certificate and code as they are now."""

import os

import click

from proxy.commands.running import runs
from proxy.errors import ConfigurationError
from proxy.server.handover import ask_for_reload, handover_path
from proxy.settings import PREFIX, listen_address, state_directory

_WHERE_IT_IS = (
    "if one runs, give this command its STATE_DIRECTORY and TDC_LISTEN, or send it SIGHUP. One that"
    " stops takes no reload any more while its last downloads finish: start it again."
)


@click.command()
@runs
async def reload() -> int:
    """Apply new settings, certificate and code to the running connector.

    Settings are those of this command's environment; without any, those with which the connector
    was started. Files that they name are read again. All is taken, or nothing. Downloads go on.
    """
    given = {name: value for name, value in os.environ.items() if name.startswith(PREFIX)}
    listen = listen_address(os.environ)
    path = handover_path(state_directory(os.environ), listen)
    problems = await ask_for_reload(path, given or None)
    if problems is None:
        problems = [f"No connector that listens on {listen} answers at {path}; {_WHERE_IT_IS}"]
    if problems:
        raise ConfigurationError(problems)
    click.echo("Reloaded. Downloads that were running go on.")
    return 0
