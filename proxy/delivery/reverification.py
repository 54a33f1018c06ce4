"""Verifies in the background what caches in front may keep for long, though nobody asks us for it.

A cache that answers in our place keeps from us the requests by which we would notice that a content
was replaced or withdrawn.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from itertools import islice
from typing import Self

import structlog

from proxy.catalogue.polling import polling
from proxy.connectors.model import Connector
from proxy.delivery.lookup import Lookup
from proxy.delivery.resolution import Resolution
from proxy.delivery.retrying_caller import RetryingCaller
from proxy.errors import (
    ContentUnfinished,
    ThronAnswerInvalid,
    ThronError,
    ThronFailed,
    ThronRefused,
)

log = structlog.get_logger("proxy.reverification")

# As many as one question to THRON is sure to hold (docs/thron.md 1.6), and two questions a second:
# requests that wait have the rest of what THRON takes.
_AT_ONCE = 50
_PAUSE_S = 0.5
# In a row: then it is not these contents, but THRON.
_MOST_FAILURES = 3


class Reverification:
    """Goes over what is remembered, round after round."""

    def __init__(
        self,
        lookup: Lookup,
        *,
        resolutions: Callable[[], Sequence[Resolution]],
        changed: Callable[[str], None],
        caller: RetryingCaller,
        now: Callable[[], float],
        pause_s: float = _PAUSE_S,
    ) -> None:
        """Make what has verified nothing yet.

        Args:
            lookup: Asks THRON.
            resolutions: Gives those that are remembered.
            changed: Is told of a content that is not what it was, or is gone.
            caller: Asks with a circuit breaker.
            now: Monotonic seconds, as in the resolutions.
            pause_s: Between two questions.
        """
        self._lookup = lookup
        self._resolutions = resolutions
        self._changed = changed
        self._caller = caller
        self._now = now
        self._pause_s = pause_s

    @asynccontextmanager
    async def running(self, *, every_s: float) -> AsyncIterator[Self]:
        """Begin a round at an interval, if the one before is over, until the end of the block."""
        async with polling("reverification", self.go_round, interval_s=every_s):
            yield self

    async def go_round(self) -> None:
        """Verify each content once that a cache may hold; THRON's outage ends the round."""
        kept: dict[str, tuple[Connector, dict[str, Resolution]]] = {}
        for each in self._resolutions():
            lifetime_s = each.connector.cdn_max_age_s or 0
            age_s = self._now() - each.verified_at  # about as long ago it was asked for
            if each.connector.max_age_s < lifetime_s and age_s <= lifetime_s:
                _, contents = kept.setdefault(each.connector.slug, (each.connector, {}))
                contents[each.delivery.content_id] = each
        failures = 0
        for connector, contents in kept.values():
            waiting = iter(contents.items())
            while some := dict(islice(waiting, _AT_ONCE)):
                try:
                    await self._verify(connector, some)
                except (ThronAnswerInvalid, ThronFailed, ThronRefused) as exc:
                    # It may concern these contents alone, which must not cost the others theirs.
                    log.warning("not verified", connector=connector.slug, reason=str(exc))
                    failures += 1
                    if failures == _MOST_FAILURES:
                        return
                except ThronError:
                    return
                else:
                    failures = 0
                await asyncio.sleep(self._pause_s)

    async def _verify(self, connector: Connector, contents: dict[str, Resolution]) -> None:
        try:
            found = await self._caller.ask(
                lambda: self._lookup.members(connector, contents), about=tuple(contents)
            )
        except ContentUnfinished:  # none of them has a rendition any more
            found = ()
        updated = {each.id: each.last_update for each in found}
        for content_id, known in contents.items():
            if content_id not in updated or updated[content_id] != known.updated:
                self._changed(content_id)
