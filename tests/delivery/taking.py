"""A client that takes a download in pieces, and tells how it ended."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import aiohttp
from yarl import URL

from proxy.delivery.http_client import HttpResponse
from proxy.telemetry.access_record import AccessRecord


def new_record(*, expected: int | None = None) -> AccessRecord:
    """Return the record of a request that has just come."""
    return AccessRecord("id", "127.0.0.1", "http", None, 0.0, expected=expected)


@dataclass(frozen=True, slots=True)
class Taken:
    """What a client got.

    Attributes:
        body: All octets that came.
        is_whole: Whether the message ended as it should; False where the client saw an error.
    """

    status: int
    fields: Mapping[str, str]
    body: bytes = field(repr=False)
    is_whole: bool


async def take(http: aiohttp.ClientSession, url: URL, **fields: str) -> Taken:
    """Download a URL; fields are named with underscores for hyphens."""
    headers = {name.replace("_", "-"): value for name, value in fields.items()}
    async with http.get(url, headers=headers, allow_redirects=False) as response:
        return await rest_of(response)


async def read_whole(response: HttpResponse) -> bytes:
    """Read an origin's answer to its end."""
    body = b""
    while octets := await response.read():
        body += octets
    return body


async def rest_of(response: aiohttp.ClientResponse) -> Taken:
    """Read a response to its end, good or bad."""
    body = bytearray()
    try:
        async for chunk in response.content.iter_any():
            body += chunk
    except aiohttp.ClientError:
        return Taken(response.status, response.headers, bytes(body), is_whole=False)
    return Taken(response.status, response.headers, bytes(body), is_whole=True)
