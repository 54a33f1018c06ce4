"""Failures of the last seconds: remembered for one delivery, and judged over all contents."""

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from proxy.errors import (
    GatewayError,
    OriginError,
    OriginGone,
    OriginRefused,
    ThronError,
    ThronRefused,
)
from proxy.text import Text

TTL_S: Final = 5.0
# The origin may ask for a longer wait; in a minute it is asked all the same.
_LONGEST_S: Final = 60.0
_MOST_FAILURES: Final = 10_000
# Nobody needs to come back for these in a moment.
_NOT_TO_COME = (OriginGone, OriginRefused, ThronRefused)
# Dead links asked for in a row are no outage yet, as long as something was delivered just now.
_SILENT_S: Final = 60.0
_CONTENTS: Final = 3
_RETRY_AFTER_S: Final = 10.0

E = TypeVar("E", bound=GatewayError)


@dataclass(frozen=True, slots=True)
class _Failure:
    """A failure without its traceback, which would keep its frames alive."""

    error: type[GatewayError]
    message: str
    status: int
    proxy_status: str | None
    received_status: int | None
    until: float

    def new_error(self, now: float) -> GatewayError:
        """Return the error anew: one that is raised twice accumulates tracebacks."""
        return self.error(
            Text("{problem} (a moment ago)", problem=self.message),
            status=self.status,
            proxy_status=self.proxy_status,
            received_status=self.received_status,
            retry_after_s=None if issubclass(self.error, _NOT_TO_COME) else self.until - now,
        )


@dataclass(slots=True)
class _Trials:
    """How many requests try the same delivery now, and when one of them last succeeded."""

    running: int = 0
    succeeded_at: float = float("-inf")


class NegativeCache:
    """Remembers failures for some seconds, so that not every request has to fail anew; bounded.

    A bad file is its own trouble: after a failure the same request is answered from memory for some
    seconds, then one asker may try while the others still get the old answer.
    """

    def __init__(self, *, now: Callable[[], float]) -> None:
        self._now = now
        self._failures: dict[Hashable, _Failure] = {}
        self._trials: dict[Hashable, _Trials] = {}

    @contextmanager
    def trial(self, key: Hashable) -> Iterator[None]:
        """Let a request try in the block, and remember how it fails.

        Args:
            key: The delivery, and what else an answer may depend on.

        Raises:
            GatewayError: The same request has failed a moment ago.
        """
        began = self._now()
        failure = self._failures.get(key)
        if failure is not None and began < failure.until:
            raise failure.new_error(began)
        if failure is not None:  # this one may try; until it knows the others go on waiting
            self._failures[key] = replace(failure, until=began + TTL_S)
        trials = self._trials.setdefault(key, _Trials())
        trials.running += 1
        try:
            yield
        except (OriginError, ThronError) as exc:
            if trials.succeeded_at < began:  # else it was a broken connection, not the content
                self._remember(key, exc)
            raise
        except BaseException:  # a client that leaves gives its turn to the next
            if key in self._failures:
                self._failures[key] = replace(self._failures[key], until=began)
            raise
        else:
            trials.succeeded_at = self._now()
            self._failures.pop(key, None)
        finally:
            trials.running -= 1
            if trials.running == 0:
                del self._trials[key]

    def forget(self) -> None:
        """Forget every failure."""
        self._failures.clear()

    def _remember(self, key: Hashable, exc: GatewayError) -> None:
        wait_s = min(max(TTL_S, exc.asked_wait_s or 0.0), _LONGEST_S)
        until = self._now() + wait_s
        failure = _Failure(
            type(exc), exc.text, exc.status, exc.proxy_status, exc.received_status, until
        )
        if exc.retry_after_s is None and not isinstance(exc, _NOT_TO_COME):
            exc.retry_after_s = wait_s
        self._failures.pop(key, None)
        self._failures[key] = failure
        if len(self._failures) > _MOST_FAILURES:
            del self._failures[next(iter(self._failures))]


class Outages:
    """Distinguishes absence from outage: one refused content is a 404, all refused are a 503.

    Caches and monitors act on the status. A content without rendition, or without the right to it,
    is its own trouble; a tenant whose every content is refused has an operator who must hear of it.

    Attributes:
        succeeded_at: When a content was delivered last; whoever delivers it sets it.
    """

    def __init__(self, *, now: Callable[[], float]) -> None:
        self._now = now
        self.succeeded_at = float("-inf")
        self._refused: set[str] = set()
        self._refused_after = self.succeeded_at

    def with_status(self, refusal: E, *, content_id: str) -> E:
        """Return a refusal as the client gets it: 404, or 503 where every content is refused."""
        if self._refused_after != self.succeeded_at:
            self._refused.clear()
            self._refused_after = self.succeeded_at
        if len(self._refused) < _CONTENTS:
            self._refused.add(content_id)
        is_silent = self._now() - self.succeeded_at >= _SILENT_S
        if not is_silent or len(self._refused) < _CONTENTS:
            return refusal.anew(status=404)
        return refusal.anew(
            suffix=Text("so it is with every content that was asked for lately"),
            status=503,
            retry_after_s=_RETRY_AFTER_S,
        )
