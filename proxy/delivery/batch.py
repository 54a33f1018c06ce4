"""Batched calls: keys that arrive while a call is on its way share the next one."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping
from itertools import islice
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Batch(Generic[K, V]):
    """One running call at a time, with all the keys that wait by then.

    Nobody waits for company: the first key is asked for at once, and whoever comes while that
    call runs goes together with the others.
    """

    def __init__(
        self, call: Callable[[tuple[K, ...]], Awaitable[Mapping[K, V]]], *, most: int
    ) -> None:
        """Make an idle batch.

        Args:
            call: Gives the values of some keys; a key may be missing in its answer.
            most: How many keys one call may have.
        """
        self._call = call
        self._most = most
        self._waiting: dict[K, asyncio.Future[V | None]] = {}
        self._task: asyncio.Task[None] | None = None

    async def get(self, key: K) -> V | None:
        """Return the value of a key, None if the call's answer does not have it.

        Raises:
            Exception: What the call raised, to each whose key it had.
        """
        loop = asyncio.get_running_loop()
        future = self._waiting.setdefault(key, loop.create_future())
        if self._task is None:
            self._task = loop.create_task(self._run(), name="batch")
        return await asyncio.shield(future)

    async def aclose(self) -> None:
        """Cancel the running call, and those who wait."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        for future in self._waiting.values():
            future.cancel()

    async def _run(self) -> None:
        try:
            while self._waiting:
                keys = tuple(islice(self._waiting, self._most))
                futures = {key: self._waiting.pop(key) for key in keys}
                await self._settle(futures)
        finally:
            self._task = None

    async def _settle(self, futures: Mapping[K, asyncio.Future[V | None]]) -> None:
        try:
            values = await self._call(tuple(futures))
        except asyncio.CancelledError:
            for future in futures.values():
                future.cancel()
            raise
        except Exception as exc:  # noqa: BLE001 - it is handed to those who asked, whatever it is
            for future in futures.values():
                future.set_exception(exc)
                future.exception()  # seen here too: the one who asked may have left
        else:
            for key, future in futures.items():
                future.set_result(values.get(key))
