"""Collapsed calls: many who ask for the same thing at once wait for one answer (RFC 9111, 4)."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Collapse(Generic[K, V]):
    """At most one running call for each key.

    The call runs in a task of its own: a caller that is cancelled leaves it to the others.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._tasks: dict[K, asyncio.Task[V]] = {}

    def start(self, key: K, call: Callable[[], Awaitable[V]]) -> None:
        """Begin a call in the background, unless one of the key is running."""
        _ = self._task(key, call)

    async def run(self, key: K, call: Callable[[], Awaitable[V]]) -> V:
        """Return the answer of the running call, or of a new one.

        Raises:
            Exception: What the call raises, to each who waits for it.
        """
        return await asyncio.shield(self._task(key, call))

    async def aclose(self) -> None:
        """Cancel the calls that still run, and wait until they are gone."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _task(self, key: K, call: Callable[[], Awaitable[V]]) -> asyncio.Future[V]:
        task = self._tasks.get(key)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._run(call), name=self._name)
            self._tasks[key] = task
            task.add_done_callback(lambda done: self._forget(key, done))
        return task

    async def _run(self, call: Callable[[], Awaitable[V]]) -> V:
        return await call()

    def _forget(self, key: K, done: asyncio.Task[V]) -> None:
        del self._tasks[key]
        if not done.cancelled():
            done.exception()  # seen here too: the callers may all have left
