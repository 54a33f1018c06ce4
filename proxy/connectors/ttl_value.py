"""One answer about a tenant, asked of THRON once by all who want it, and remembered for a while."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from proxy.thron.token_keeper import TokenKeeper

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Request(Generic[T]):
    thron: TokenKeeper
    client_id: str
    asked_at: float
    task: asyncio.Task[T]


class TtlValue(Generic[T]):
    """Remembers the answer for the tenant that was asked about last.

    Args:
        ask: Asks THRON; what it raises is not remembered.
        fresh_s: For so many seconds an answer is good.
        now: Monotonic time, in seconds.
    """

    def __init__(
        self,
        ask: Callable[[TokenKeeper, str], Awaitable[T]],
        *,
        fresh_s: float,
        now: Callable[[], float],
    ) -> None:
        self._ask = ask
        self._fresh_s = fresh_s
        self._now = now
        self._asked: _Request[T] | None = None

    async def of(self, thron: TokenKeeper, client_id: str) -> T:
        """Return the answer; who gives up waiting does not end it for the others.

        Raises:
            ConfigurationError, ThronError: As what asks.
        """
        asked = self._asked
        if asked is None or not self._is_good(asked, thron, client_id):
            task = asyncio.create_task(self._answer(thron, client_id), name="remembered")
            asked = self._asked = _Request(thron, client_id, self._now(), task)
        return await asyncio.shield(asked.task)

    async def _answer(self, thron: TokenKeeper, client_id: str) -> T:
        return await self._ask(thron, client_id)

    def _is_good(self, asked: _Request[T], thron: TokenKeeper, client_id: str) -> bool:
        if asked.thron is not thron or asked.client_id != client_id:
            return False
        if not asked.task.done():
            return True
        has_failed = asked.task.cancelled() or asked.task.exception() is not None
        return not has_failed and self._now() - asked.asked_at <= self._fresh_s
