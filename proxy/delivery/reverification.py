"""Verifies in the background what caches in front may keep for long, though nobody asks us for it.

A cache that answers in our place keeps from us the requests by which we would notice that a content
was replaced or withdrawn.
"""

import asyncio
import math
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager
from functools import partial
from itertools import groupby, islice
from operator import itemgetter
from typing import Self

import structlog

from proxy.catalogue.polling import polling
from proxy.connectors.model import Connector
from proxy.delivery.resolution import Resolution
from proxy.delivery.retrying_caller import RetryingCaller
from proxy.errors import (
    ContentUnfinished,
    ThronAnswerInvalid,
    ThronError,
    ThronFailed,
    ThronRefused,
    ThronTimeout,
    ThronUnreachable,
)
from proxy.thron.content import Content

log = structlog.get_logger("proxy.reverification")

# Two questions a second: requests that wait have the rest of what THRON takes. As many contents at
# once as one question is sure to hold (docs/thron.md 1.6); those that THRON answered nothing about
# are asked about in half the company the next time, down to each alone.
_SIZES = (50, 25, 12, 6, 3, 1)
_PAUSE_S = 0.5
# In a row: then it is these contents, or THRON.
_MOST_FAILURES = 3

_Key = tuple[str, str]  # slug and content id
_SLUG = itemgetter(0)


class Reverification:
    """Goes over what is remembered, round after round."""

    def __init__(
        self,
        members: Callable[[Connector, Iterable[str]], Awaitable[Sequence[Content]]],
        *,
        resolutions: Callable[[], Sequence[Resolution]],
        served_for_s: float,
        changed: Callable[[str], None],
        caller: RetryingCaller,
        now: Callable[[], float],
        pause_s: float = _PAUSE_S,
    ) -> None:
        """Make what has verified nothing yet.

        Args:
            members: Asks THRON which of some contents a connector serves.
            resolutions: Gives those that are remembered.
            served_for_s: How long after THRON's word a content can still be served by it.
            changed: Is told of a content that is not what it was, or is gone.
            caller: Asks with a circuit breaker.
            now: Monotonic seconds, as in the resolutions.
            pause_s: Between two questions.
        """
        self._members = members
        self._resolutions = resolutions
        self._served_for_s = served_for_s
        self._changed = changed
        self._caller = caller
        self._now = now
        self._pause_s = pause_s
        # Contents without an answer the last time, and how many are asked about at once the next;
        # the longest ago comes first.
        self._unanswered: dict[_Key, int] = {}
        self._last_answered: _Key | None = None

    @asynccontextmanager
    async def running(self, *, every_s: float) -> AsyncIterator[Self]:
        """Begin a round at an interval, if the one before is over, until the end of the block."""
        go_round = partial(self.go_round, at_most_s=every_s)
        async with polling("reverification", go_round, interval_s=every_s):
            yield self

    async def go_round(self, *, at_most_s: float = math.inf) -> None:
        """Verify each content once that a cache may hold; THRON's outage ends the round.

        Args:
            at_most_s: Then no more is asked about contents that had no answer the last time: the
                others are due again.
        """
        ends_at = self._now() + at_most_s
        known = {
            (each.connector.slug, each.delivery.content_id): each
            for each in self._resolutions()
            if self._may_be_in_a_cache(each)
        }
        self._unanswered = {key: n for key, n in self._unanswered.items() if key in known}
        failures = 0
        for size in _SIZES:
            for keys in self._batches(known, size):
                if size < _SIZES[0] and self._now() >= ends_at:
                    return
                try:
                    failures = 0 if await self._verify(keys, known, size=size) else failures + 1
                    await asyncio.sleep(self._pause_s)
                    if failures == _MOST_FAILURES:
                        # These contents, or THRON: one that it last answered about tells.
                        if (last := self._last_answered) not in known:
                            return
                        if not await self._verify((last,), known, size=1):
                            return
                        failures = 0
                except ThronError:
                    return

    def _may_be_in_a_cache(self, resolution: Resolution) -> bool:
        """Tell whether a cache may hold it for longer than anybody else."""
        connector = resolution.connector
        lifetime_s = connector.cdn_max_age_s or 0
        age_s = self._now() - resolution.verified_at
        return connector.max_age_s < lifetime_s and age_s <= self._served_for_s + lifetime_s

    def _batches(self, known: Mapping[_Key, Resolution], size: int) -> Iterator[tuple[_Key, ...]]:
        """Give what is due to be asked about in such a company, each batch of one connector."""
        if size == _SIZES[0]:
            due = sorted((key for key in known if key not in self._unanswered), key=_SLUG)
        else:  # the longest ago first, whichever connector's it is: nobody's wait behind another's
            due = [key for key, its in self._unanswered.items() if its == size]
        for _, of_one in groupby(due, key=_SLUG):
            while batch := tuple(islice(of_one, size)):
                yield batch

    async def _verify(
        self, keys: Sequence[_Key], known: Mapping[_Key, Resolution], *, size: int
    ) -> bool:
        """Ask about some contents of one connector; False if there is no answer about any.

        Raises:
            ThronError: THRON cannot be asked.
        """
        connector = known[keys[0]].connector

        async def ask() -> list[Sequence[Content] | BaseException]:
            # They go to THRON together; what only one of them is to blame for is that one's alone.
            found = await asyncio.gather(
                *(self._members(connector, [content_id]) for _, content_id in keys),
                return_exceptions=True,
            )
            failures = [failure for each in found if (failure := _failure(each)) is not None]
            if len(failures) == len(found):
                raise failures[0]
            return found

        try:
            # Whatever this asks about, it is one thing that fails: no outage for those who wait.
            found = await self._caller.ask(ask, about="reverification")
        except (ThronAnswerInvalid, ThronFailed, ThronRefused) as exc:
            # It may concern these contents alone, which must not cost the others theirs.
            log.warning("not verified", connector=connector.slug, reason=str(exc))
            self._ask_in_smaller_company(keys, size)
            return False
        except (ThronTimeout, ThronUnreachable):
            if not self._caller.is_down:
                self._ask_in_smaller_company(keys, size)
            raise
        for key, each in zip(keys, found, strict=True):
            self._unanswered.pop(key, None)
            if (failure := _failure(each)) is not None:
                log.warning("not verified", connector=key[0], content=key[1], reason=str(failure))
                self._unanswered[key] = _SIZES[-1]
                continue
            self._last_answered = key
            content = None if isinstance(each, BaseException) else next(iter(each), None)
            if content is None or _is_another_version(content, known[key]):
                self._changed(key[1])
        return True

    def _ask_in_smaller_company(self, keys: Iterable[_Key], size: int) -> None:
        smaller = max(size // 2, _SIZES[-1])
        for key in keys:
            self._unanswered.pop(key, None)
            self._unanswered[key] = smaller


def _failure(found: object) -> BaseException | None:
    """Return what is no answer; that a content has no rendition any more is one."""
    if isinstance(found, BaseException) and not isinstance(found, ContentUnfinished):
        return found
    return None


def _is_another_version(content: Content, known: Resolution) -> bool:
    """Tell whether THRON has another version than is known.

    An older one is what an answer tells that was long on its way, or an index that lags
    (docs/thron.md 4.1).
    """
    if content.last_update is None or known.updated is None:
        return content.last_update != known.updated
    return content.last_update > known.updated
