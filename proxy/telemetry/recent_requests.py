"""The requests that ended last, in memory that does not grow."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated

from pydantic import Field

from proxy.telemetry.access_record import AccessRecord
from proxy.telemetry.redaction import redacted

KEPT = 500
# Of a path, in characters: a hostile one is some thousands long.
_LONGEST = 400


@dataclass(frozen=True, slots=True)
class EndedRequest:
    """A request on the public listener that has ended.

    It says what its access record told, without what may be secret.
    """

    number: Annotated[
        int, Field(description="grows by one from request to request since the start")
    ]
    at: Annotated[datetime, Field(description="when it ended")]
    duration_s: float
    request_id: str
    client: str
    method: str
    path: Annotated[str, Field(description="raw, without the query, cut where it is very long")]
    status: Annotated[int | None, Field(description="null: it ended before the answer began")]
    octets: int
    expected: Annotated[int | None, Field(description="octets that the answer promised")]
    connector: str | None
    content_id: str | None
    resolution: Annotated[
        str | None, Field(description="hit, or why THRON was asked (RFC 9211, 2.2)")
    ]
    selected_range: str | None
    first_byte_s: float | None
    resumed: Annotated[
        int, Field(description="how often a broken upstream was continued by another")
    ]
    ended_by: Annotated[str, Field(description="complete, client, origin or gateway")]
    error: str | None
    reason: str | None


class RecentRequests:
    """Keeps the last requests; they are told of when somebody looks.

    Args:
        now: Seconds since 1970.
        most: How many.
    """

    def __init__(self, *, now: Callable[[], float], most: int = KEPT) -> None:
        self._now = now
        self._kept: deque[tuple[int, float, AccessRecord]] = deque(maxlen=most)
        self.last = 0

    def add(self, record: AccessRecord) -> None:
        """Keep a record, now that its request has ended."""
        self.last += 1
        self._kept.append((self.last, self._now(), record))

    def newest(
        self, *, most: int = KEPT, wanted: Callable[[EndedRequest], bool] | None = None
    ) -> tuple[EndedRequest, ...]:
        """Return the last requests, newest first.

        Args:
            most: How many.
            wanted: Which; all of them if None.
        """
        ended = (_ended(record, number, at) for number, at, record in reversed(self._kept))
        return tuple(islice(filter(wanted, ended), most))


def _ended(record: AccessRecord, number: int, at: float) -> EndedRequest:
    path = redacted(record.shown_path)
    return EndedRequest(
        number=number,
        at=datetime.fromtimestamp(at, UTC),
        duration_s=record.lasted_s,
        request_id=record.request_id,
        client=record.client,
        method=record.method[:16],
        path=path if len(path) <= _LONGEST else f"{path[:_LONGEST]}…",
        status=record.status,
        octets=record.octets,
        expected=record.expected,
        connector=record.connector,
        content_id=record.content_id,
        resolution=record.resolution,
        selected_range=record.selected_range,
        first_byte_s=record.first_byte_s,
        resumed=record.resumed,
        ended_by=record.ended_by,
        error=record.error,
        reason=record.reason and redacted(record.reason),
    )
