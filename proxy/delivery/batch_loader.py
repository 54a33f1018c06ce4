"""A batch loader: keys that arrive while a call is on its way share the next one."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping
from itertools import islice
from typing import Generic, TypeVar

_MOST_CALLS = 3
_OVERLAP_AFTER_S = 1.0

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class BatchLoader(Generic[K, V]):
    """One call after the other, each with all the keys that wait by then.

    Nobody waits for company: the first key is asked for at once, and whoever comes while that
    call runs goes together with the others. Nor does a call that hangs keep them waiting: after
    a while the next one is made beside it.
    """

    def __init__(
        self,
        call: Callable[[tuple[K, ...]], Awaitable[Mapping[K, V]]],
        *,
        most: int,
        divided_on: tuple[type[Exception], ...] = (),
        most_calls: int = _MOST_CALLS,
        overlap_after_s: float = _OVERLAP_AFTER_S,
    ) -> None:
        """Make a loader that has called nothing yet.

        Args:
            call: Gives the values of some keys; a key may be missing in its answer.
            most: How many keys one call may have.
            divided_on: Failures that one key alone may have caused: the keys are then asked for
                in halves, so that the others get their values.
            most_calls: How many calls may run beside each other where they hang.
            overlap_after_s: How long the next call waits for the one before, in seconds.
        """
        self._call = call
        self._most = most
        self._divided_on = divided_on
        self._most_calls = most_calls
        self._overlap_after_s = overlap_after_s
        self._calls: set[asyncio.Task[None]] = set()
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
        """Cancel the running calls and all waiting callers."""
        tasks = [*self._calls, *([self._task] if self._task is not None else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for future in self._waiting.values():
            future.cancel()

    async def _run(self) -> None:
        try:
            while self._waiting:
                keys = tuple(islice(self._waiting, self._most))
                futures = {key: self._waiting.pop(key) for key in keys}
                call = asyncio.get_running_loop().create_task(self._settle(futures), name="batch")
                self._calls.add(call)
                call.add_done_callback(self._calls.discard)
                await asyncio.wait({call}, timeout=self._overlap_after_s)
                if len(self._calls) >= self._most_calls:
                    await asyncio.wait(self._calls, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._task = None

    async def _settle(self, futures: Mapping[K, asyncio.Future[V | None]]) -> None:
        parts = [tuple(futures)]
        # As many halves fail before one is answered where a single key is to blame; where more do
        # it is not the keys, and whoever is asked has trouble enough.
        failures_left = 2 * len(futures).bit_length()
        while parts:
            keys = parts.pop()
            try:
                values = await self._call(keys)
            except asyncio.CancelledError:
                for future in futures.values():
                    future.cancel()
                raise
            except Exception as exc:  # noqa: BLE001 - it is handed to those who asked, whatever it is
                failures_left -= 1
                if len(keys) > 1 and failures_left > 0 and isinstance(exc, self._divided_on):
                    middle = len(keys) // 2
                    parts += [keys[middle:], keys[:middle]]
                    continue
                for key in keys:
                    futures[key].set_exception(exc)
                    futures[key].exception()  # seen here too: the one who asked may have left
            else:
                failures_left = 2 * len(futures).bit_length()
                for key in keys:
                    futures[key].set_result(values.get(key))
