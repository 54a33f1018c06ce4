"""Which of the recent requests are wanted; pure."""

from enum import StrEnum
from urllib.parse import unquote, urlencode

from pydantic import Field

from proxy.admin.api.operations import Model
from proxy.telemetry.recent_requests import KEPT, EndedRequest


class Outcome(StrEnum):
    """How a request ended."""

    SUCCESS = "2xx"
    REDIRECT = "3xx"
    CLIENT_ERROR = "4xx"
    SERVER_ERROR = "5xx"
    BROKEN = "broken"


class RequestsQuery(Model):
    """What to look for; all of it has to hold."""

    status: Outcome | None = Field(
        None, description="class of the status; broken: ended before its content was whole"
    )
    connector: str = Field("", max_length=63, description="slug")
    text: str = Field(
        "", max_length=200, description="part of path, content id, client, request id or error"
    )
    limit: int = Field(100, ge=1, le=KEPT)

    @property
    def is_narrow(self) -> bool:
        """Whether it asks for less than everything."""
        return self.status is not None or bool(self.connector or self.text)

    @property
    def address(self) -> str:
        """It as the query of a page's address, empty where it asks for everything."""
        asked = {"status": self.status or "", "connector": self.connector, "text": self.text}
        return urlencode({name: str(value) for name, value in asked.items() if value})

    def wants(self, ended: EndedRequest) -> bool:
        """Tell whether a request is one of those."""
        return (
            (self.status is None or outcome(ended) is self.status)
            and (not self.connector or ended.connector == self.connector)
            and (not self.text or _mentions(ended, self.text.casefold()))
        )


def outcome(ended: EndedRequest) -> Outcome:
    """Return how a request ended."""
    if ended.ended_by != "complete" or ended.status is None:
        return Outcome.BROKEN
    return {2: Outcome.SUCCESS, 3: Outcome.REDIRECT, 4: Outcome.CLIENT_ERROR}.get(
        ended.status // 100, Outcome.SERVER_ERROR
    )


def readable(path: str) -> str:
    """Return a raw path as people write it; as it came where it is no UTF-8."""
    try:
        text = unquote(path, errors="strict")
    except UnicodeDecodeError:
        return path
    return text if text.isprintable() else path


def _mentions(ended: EndedRequest, text: str) -> bool:
    told = (
        readable(ended.path),
        ended.path,
        ended.content_id,
        ended.client,
        ended.request_id,
        ended.error,
        ended.reason,
    )
    return any(text in each.casefold() for each in told if each)
