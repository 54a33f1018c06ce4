"""What every command shares: settings in its help, its exit status, and how it is stopped."""

import asyncio
import gc
import signal
import sys
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec

import click

from proxy.connectors.model import Connectors
from proxy.errors import ConfigurationError, GatewayError
from proxy.hints import with_hint
from proxy.settings import table
from proxy.telemetry import log

P = ParamSpec("P")

# Between two looks of the garbage collector at what is new: some hundred requests, and so few that
# to free them all, as a listing leaves them, takes some 2 ms of the event loop.
_ALLOCATIONS = 5_000


class WithSettings(click.Command):
    """A command whose help ends with the settings."""

    def format_epilog(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        formatter: click.HelpFormatter,
    ) -> None:
        """Write the table, as wide as the terminal is."""
        rows = [
            (name, help_ if default == "unset" else f"{help_} [{default}]")
            for name, default, help_ in table()
        ]
        with formatter.section("Settings, from the environment"):
            formatter.write_dl(rows)
        formatter.write_paragraph()
        formatter.write_text(
            "Each can also come from a file whose path is in NAME_FILE, or from the TOML file whose"
            " path is in TDC_CONFIG (in lower case, without TDC_). The environment goes first."
        )


def runs(command: Callable[P, Coroutine[Any, Any, int]]) -> Callable[P, None]:
    """Run a command's coroutine; an operator's mistake is exit status 2, without a traceback."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        log.configure("error")
        try:
            status = asyncio.run(command(*args, **kwargs))
        except ConfigurationError as exc:
            for problem in exc.problems:
                click.echo(problem, err=True)
            status = 2
        except GatewayError as exc:
            click.echo(with_hint(exc), err=True)
            status = 1
        except asyncio.CancelledError:
            status = 1  # a second signal cut what was running
        sys.exit(status)

    return run


def stop_signals() -> asyncio.Event:
    """Return an event that the first signal sets; the next signal cancels the calling task."""
    stop = asyncio.Event()
    task = asyncio.current_task()

    def received() -> None:
        if stop.is_set() and task is not None:
            task.cancel()
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, received)
    return stop


def keep_what_start_made() -> None:
    """Let the garbage collector pass over what lives as long as the process.

    To look through all of it takes 60 ms each time, for which every download would wait. What a
    request leaves behind is looked for less often than by default, too.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_ALLOCATIONS, 80, 20)


async def tell_set_up(link: str) -> None:
    """Print the link to set the console's password: a secret, so it does not go through the log."""
    await asyncio.sleep(0)  # the log's lines of this turn come before it
    click.echo(
        "The console has no password yet. To set one, open this link once, within 15"
        f" minutes:\n\n    {link}\n",
        err=True,
    )


def answered(question: str) -> str | None:
    """Return what is typed; None if nobody is there to type."""
    try:
        return str(click.prompt(question, err=True)).strip()
    except click.Abort:
        click.echo("\nNobody answered; --yes goes on without asking.", err=True)
        return None


def require(slug: str, known: Connectors) -> None:
    """Raise a ConfigurationError that names the connectors, where this one is not among them."""
    if known.of_slug(slug) is None:
        slugs = ", ".join(each.slug for each in known.all) or "none"
        raise ConfigurationError([f"There is no connector {slug!r}; there are: {slugs}."])
