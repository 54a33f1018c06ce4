"""The requests that ended last, in memory that does not grow."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated

from pydantic import Field

from proxy.telemetry.access_record import AccessRecord
from proxy.telemetry.redaction import redacted

KEPT = 500
Ended = tuple[int, float, AccessRecord]
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
    """Shows the last requests; what is shown of one is made when somebody looks.

    Args:
        ended: Their numbers, when they ended, in seconds since 1970, and their records, the newest
            last. Whoever ends requests adds to it.
    """

    def __init__(self, ended: Sequence[Ended]) -> None:
        self._ended = ended

    @property
    def last(self) -> int:
        """The number of the newest."""
        return self._ended[-1][0] if self._ended else 0

    def newest(
        self, *, most: int = KEPT, wanted: Callable[[EndedRequest], bool] | None = None
    ) -> tuple[EndedRequest, ...]:
        """Return the last requests, newest first.

        Args:
            most: How many.
            wanted: Which; all of them if None.
        """
        ended = (_ended(record, number, at) for number, at, record in reversed(self._ended))
        return tuple(islice(filter(wanted, ended), most))


def _ended(record: AccessRecord, number: int, at: float) -> EndedRequest:
    path = redacted(record.path)
    return EndedRequest(
        number=number,
        at=datetime.fromtimestamp(at, UTC),
        duration_s=record.duration_s or 0.0,
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
