"""Singleflight: many who ask for the same thing at once wait for one call (RFC 9111, 4)."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class _Running(Generic[V]):
    task: asyncio.Task[V]
    since: float


class SingleFlight(Generic[K, V]):
    """At most one running call for each key.

    The call runs in a task of its own: a caller that is cancelled leaves it to the others.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._running: dict[K, _Running[V]] = {}

    def start(self, key: K, call: Callable[[], Awaitable[V]]) -> None:
        """Begin a call in the background, unless one of the key is running."""
        _ = self._call(key, call)

    async def run(
        self, key: K, call: Callable[[], Awaitable[V]], *, timeout_s: float | None = None
    ) -> V:
        """Return the answer of the running call, or of a new one.

        Args:
            key: What is asked for.
            call: Asks for it.
            timeout_s: How old the call may become before this caller stops waiting, in seconds
                from the call's own begin: joining late does not start the wait anew.

        Raises:
            TimeoutError: The call has become that old; it goes on for the others.
            Exception: What the call raises, to each who waits for it.
        """
        running = self._call(key, call)
        try:
            async with asyncio.timeout_at(None if timeout_s is None else running.since + timeout_s):
                return await asyncio.shield(running.task)
        finally:
            del running  # the traceback of its exception has this frame: a cycle

    async def aclose(self) -> None:
        """Cancel the calls that still run, and wait until they are gone."""
        tasks = [running.task for running in self._running.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _call(self, key: K, call: Callable[[], Awaitable[V]]) -> _Running[V]:
        running = self._running.get(key)
        if running is None:
            loop = asyncio.get_running_loop()
            task = loop.create_task(self._run(call), name=self._name)
            running = self._running[key] = _Running(task, loop.time())
            task.add_done_callback(partial(self._forget, key))
        return running

    async def _run(self, call: Callable[[], Awaitable[V]]) -> V:
        return await call()

    def _forget(self, key: K, done: asyncio.Task[V]) -> None:
        del self._running[key]
        if not done.cancelled():
            done.exception()  # seen here too: the callers may all have left
