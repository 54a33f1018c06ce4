"""``serve``: the connector, from the sockets it is given to those it hands over.

One process, or a supervisor of several.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from dataclasses import replace
from functools import partial
from typing import Protocol

import click

from proxy.cli import importing
from proxy.commands.running import (
    WithSettings,
    keep_what_start_made,
    runs,
    tell_set_up,
)
from proxy.errors import ConfigurationError, GatewayError
from proxy.hints import with_hint
from proxy.server.child_processes import ChildProcesses
from proxy.server.handover import Holder, Predecessor, handover_path
from proxy.server.listeners import Sockets, addressed, bind_all
from proxy.server.service_manager import (
    given_names,
    given_sockets,
    gives_sockets,
    is_supervised,
    keep_watchdog,
    notify,
)
from proxy.settings import Settings, load, state_directory
from proxy.telemetry import log

# For a successor to log in to THRON, while its predecessor still serves.
_LOGIN_S = 15.0


@click.command(cls=WithSettings)
@runs
async def serve() -> int:
    """Run the connector until it is stopped."""
    predecessor = Predecessor.inherited(os.environ)
    try:
        settings = load(os.environ)
        log.configure(settings.log_level)
        return await _serve(settings, predecessor)
    except (ConfigurationError, GatewayError) as exc:
        if predecessor is None:
            raise
        # It tells whoever has asked for this process.
        await predecessor.fail(
            exc.problems if isinstance(exc, ConfigurationError) else [with_hint(exc)]
        )
        return 1
    finally:  # not before it has been told
        if predecessor is not None:
            predecessor.close()


class _Serving(Protocol):
    """What serves: the connector in one process, or the supervisor of several."""

    def not_ready(self) -> Sequence[str]:
        """Return why nothing new should come here."""

    def is_set_up(self) -> bool:
        """Tell whether there are credentials."""

    def accept(self) -> None:
        """Take connections from now on."""

    def reloaded(self, problems: Sequence[str]) -> None:
        """Show why a reload was refused, until one is not."""

    def set_up_url(self) -> str | None:
        """Return a new link to set the console's password, if this process is to tell it."""

    def end_soon(self) -> None:
        """Send new clients elsewhere, while their connections are still accepted."""

    def close_listeners(self) -> None:
        """Take those that wait, unless a successor does, and no more."""

    def end_now(self) -> None:
        """Let nothing that runs finish."""


def _open(
    settings: Settings,
    sockets: Sockets,
    children: ChildProcesses,
    *,
    failed: Callable[[int], None],
    progressed: Callable[[], None] | None,
) -> AbstractAsyncContextManager[_Serving]:
    if settings.workers > 1:
        from proxy.workers import Supervisor  # noqa: PLC0415

        return Supervisor.open(
            settings, sockets=sockets, processes=children, failed=failed, progressed=progressed
        )
    with importing():  # a supervisor does without the 50 MB of what its processes import
        from proxy.app.gateway import open_gateway  # noqa: PLC0415

    return open_gateway(settings, os.environ, sockets=sockets, progressed=progressed)


async def _serve(settings: Settings, predecessor: Predecessor | None) -> int:
    signals = _Signals()
    # Whoever started this process stays, or has handed it to the service manager. Where orphans
    # cannot be adopted, every process stays for its successor.
    stays = predecessor is None or sys.platform != "linux"
    children = ChildProcesses(
        is_first=stays and not is_supervised(os.environ), failed=signals.child_failed
    )
    tell_manager = partial(notify, dict(os.environ))
    is_reload = predecessor is not None
    try:
        async with AsyncExitStack() as stack:
            sockets, settings, predecessor = await _listening(stack, settings, predecessor)
            sockets = replace(sockets, are_ours=not gives_sockets(os.environ))
            progressed = predecessor.progressed if predecessor is not None else None
            async with _open(
                settings, sockets, children, failed=signals.worker_failed, progressed=progressed
            ) as serving:
                signals.at_once = serving.end_now
                if predecessor is not None:
                    predecessor.progressed()
                    await predecessor.ready(await _lacks(serving))
                serving.accept()
                if predecessor is not None:
                    await predecessor.accepts()
                holder = Holder(
                    sockets.named,
                    sockets.handed_over,
                    environ=dict(os.environ),
                    start=children.start,
                    is_ready=lambda: not serving.not_ready(),
                    notify=tell_manager,
                    reloaded=serving.reloaded,
                )
                stack.callback(holder.close)
                signals.follow(holder, children)
                holder.listen(handover_path(state_directory(os.environ), settings.listen))
                if not is_reload:  # else the manager has been told by the predecessor
                    tell_manager("READY=1")
                watchdog = asyncio.create_task(keep_watchdog(dict(os.environ)), name="watchdog")
                stack.callback(watchdog.cancel)
                if (link := serving.set_up_url()) is not None:
                    await tell_set_up(link)
                keep_what_start_made()
                await signals.end_or(sockets.handed_over)
                if not sockets.handed_over.is_set():
                    tell_manager("STOPPING=1")
                    serving.end_soon()
                    holder.stop()
                    lame_duck_s = settings.lame_duck_s if signals.is_announced else 0
                    with suppress(TimeoutError):
                        async with asyncio.timeout(lame_duck_s):
                            await sockets.handed_over.wait()
                    await holder.attended()
                holder.leave()
                serving.close_listeners()
            if predecessor is not None and not sockets.handed_over.is_set():
                # Its end may be that of whoever still has a download from the process before.
                with suppress(TimeoutError):
                    async with asyncio.timeout(settings.drain_s):
                        await predecessor.gone()
    except asyncio.CancelledError:
        if signals.status is None:
            raise
        return signals.status
    return await children.stay() or signals.status or 0


async def _listening(
    stack: AsyncExitStack, settings: Settings, predecessor: Predecessor | None
) -> tuple[Sockets, Settings, Predecessor | None]:
    """Return sockets that listen: given, bound, or taken from one that stops.

    Raises:
        ConfigurationError: An address is taken, and not given.
    """
    if predecessor is not None:
        sockets = await predecessor.take()
        if sockets is None:
            raise ConfigurationError(["the process before this one has ended, or gives no sockets"])
        names = given_names(os.environ)
        settings = addressed(settings, (each for each in sockets.items() if each[0] in names))
        return *bind_all(stack, settings, sockets.items()), predecessor
    given = given_sockets(os.environ)
    settings = addressed(settings, given)
    try:
        return *bind_all(stack, settings, given), None
    except ConfigurationError:
        predecessor = await Predecessor.of(
            handover_path(state_directory(os.environ), settings.listen)
        )
        if predecessor is not None:
            stack.callback(predecessor.close)
        sockets = await predecessor.take() if predecessor is not None else None
        if sockets is not None:
            return *bind_all(stack, settings, sockets.items()), predecessor
        # Where one has just stopped, its addresses are free by now.
        return *bind_all(stack, settings), None


async def _lacks(serving: _Serving) -> Sequence[str]:
    """Return why it cannot answer, once it has had time to log in."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_LOGIN_S if serving.is_set_up() else 0):
            while serving.not_ready():  # noqa: ASYNC110 - no event tells it
                await asyncio.sleep(0.05)
    return serving.not_ready()


class _Signals:
    """What signals do: the first one ends the process softly, the next one at once; SIGHUP reloads.

    Attributes:
        at_once: Is called by the second signal that ends the process.
        is_announced: Whether load balancers are to notice the end before it comes: not where a
            terminal has ended the process, nor where nobody serves any more.
        status: With which the process ends since its successor or its workers have failed.
    """

    def __init__(self) -> None:
        self._task = asyncio.current_task()
        self._end = asyncio.Event()
        self._holder: Holder | None = None
        self._children: ChildProcesses | None = None
        self._has_waiting_reload = False
        self.at_once: Callable[[], None] = lambda: None
        self.is_announced = True
        self.status: int | None = None
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._received, number)

    def follow(self, holder: Holder, children: ChildProcesses) -> None:
        """Reload by a holder, and pass on to children what comes once one has succeeded."""
        self._holder, self._children = holder, children
        if self._has_waiting_reload:
            self._received(signal.SIGHUP)

    async def end_or(self, handed_over: asyncio.Event) -> None:
        """Wait for a signal that ends the process, or for a successor."""
        waits = [asyncio.create_task(event.wait()) for event in (self._end, handed_over)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()

    def child_failed(self, status: int) -> None:
        """End at once: the successor has failed, and nobody serves any more."""
        if self._holder is not None and self._holder.handed_over.is_set():
            self.status = status
            self._end_now()

    def worker_failed(self, status: int) -> None:
        """End: nobody serves any more; or note how a worker ended where it was to end."""
        self.status = self.status or status
        self.is_announced = self.is_announced and self._end.is_set()
        self._end.set()

    def _received(self, number: signal.Signals) -> None:
        holder = self._holder
        is_succeeded = holder is not None and holder.handed_over.is_set()
        if is_succeeded and self._children is not None:
            self._children.pass_on(number)
        if number is signal.SIGHUP:
            self._has_waiting_reload = holder is None
            if holder is not None and not is_succeeded:
                holder.hang_up()
            return
        if self._end.is_set():
            self._end_now()
        self.is_announced = number is not signal.SIGINT
        self._end.set()

    def _end_now(self) -> None:
        self.at_once()
        if self._task is not None:
            self._task.cancel()
