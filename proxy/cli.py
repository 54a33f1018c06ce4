"""The command line: which commands there are, and in which module of ``commands`` each is.

Nothing is imported here that a command needs, so that ``--help`` answers at once. The module of a
command is imported when it is run, or when its own help is asked for (click's "lazy subcommands").
"""

import gc
import mimetypes
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import NamedTuple

import click

from proxy import __version__


class _Entry(NamedTuple):
    """A command that has not been imported yet."""

    module: str
    short_help: str


COMMANDS: Mapping[str, _Entry] = {
    "check": _Entry("diagnosis", "Test the connection to THRON, and say how to fix what fails."),
    "connectors": _Entry("connectors", "Install, list and remove connectors on folders."),
    "demo": _Entry("simulation", "Try it: a simulated THRON with a connector in front."),
    "password": _Entry("password", "Set the console's password, or print its hash."),
    "purge": _Entry("purge", "Purge the cache of running connectors."),
    "reload": _Entry("reload", "Apply new settings to the running connector."),
    "resolve": _Entry("diagnosis", "Explain each step from a public URL to its origin."),
    "sandbox": _Entry("simulation", "Run the simulated THRON alone."),
    "serve": _Entry("serve", "Run the connector until it is stopped."),
    "urls": _Entry("urls", "List the public URLs of a connector's contents."),
}
# Started by a supervisor alone (proxy/workers.py), so that no help lists it.
_HIDDEN: Mapping[str, _Entry] = {"worker": _Entry("worker", "Serve what is assigned.")}


@contextmanager
def importing() -> Iterator[None]:
    """Import within the block, without what libraries prepare for others.

    The garbage collector would go over what modules make, which stays, again and again: a sixth of
    a start. aiohttp would read tables that we do without: 2 MB, and 20 ms of a start.
    """
    gc.disable()
    mimetypes.knownfiles.clear()  # for files that aiohttp serves by itself
    try:
        with _no_default_authorities():
            yield
    finally:
        gc.enable()


@contextmanager
def _no_default_authorities() -> Iterator[None]:
    """Let aiohttp read no certificate authorities when it is imported in the block.

    They are for requests that name no SSL context; all of ours do
    (app/tenant.py:trusted_authorities).
    """
    if "aiohttp" in sys.modules:
        yield
        return
    # OpenSSL reads these (SSL_CTX_set_default_verify_paths(3)); they are the operator's afterwards.
    given = {name: os.environ.get(name) for name in ("SSL_CERT_FILE", "SSL_CERT_DIR")}
    os.environ |= dict.fromkeys(given, os.devnull)
    try:
        yield
    finally:
        for name, value in given.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


class _LazyGroup(click.Group):
    """The commands of a table, each imported when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names, for the completion of shells too."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's
        """Import a command; None if there is none of that name."""
        entry = COMMANDS.get(cmd_name) or _HIDDEN.get(cmd_name)
        if entry is None:
            return None
        with importing():
            module = import_module(f"proxy.commands.{entry.module}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        """Write the table: click's own would import every command for its summary."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.short_help) for name, entry in COMMANDS.items()])


@click.group(
    cls=_LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="thron-connector")
def main() -> None:
    """Plain, permanent public URLs for the contents of a THRON folder."""
