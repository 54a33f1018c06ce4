"""Origins asked through aiohttp, whose errors become ours here."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import aiohttp
from yarl import URL

from proxy.delivery.http_client import Fields
from proxy.errors import (
    OriginAnswerInvalid,
    OriginError,
    OriginIncomplete,
    OriginTimeout,
    OriginUnreachable,
)

# aiohttp's errors, the narrower before the wider, with their names in RFC 9209, 2.3.
_FAILURES: tuple[tuple[type[Exception], type[OriginError], str, str], ...] = (
    (aiohttp.ConnectionTimeoutError, OriginTimeout, "connection_timeout", "no connection in time"),
    (TimeoutError, OriginTimeout, "http_response_timeout", "no answer in time"),
    (aiohttp.ClientConnectorDNSError, OriginUnreachable, "dns_error", "no such host"),
    (
        aiohttp.ClientConnectorCertificateError,
        OriginUnreachable,
        "tls_certificate_error",
        "no valid certificate",
    ),
    (aiohttp.ClientSSLError, OriginUnreachable, "tls_protocol_error", "no TLS"),
    (aiohttp.ClientConnectorError, OriginUnreachable, "connection_refused", "no connection"),
    (aiohttp.ClientPayloadError, OriginIncomplete, "http_response_incomplete", "it broke off"),
    (aiohttp.ClientResponseError, OriginAnswerInvalid, "http_protocol_error", "no HTTP"),
    (Exception, OriginUnreachable, "connection_terminated", "the connection broke"),
)


class AiohttpClient:
    """Sends requests by a session that edits nothing: no decompression, no cookies."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def request(
        self,
        method: str,
        url: URL,
        *,
        fields: Fields,
        form: Mapping[str, str] | None = None,
        first_byte_timeout_s: float,
    ) -> "AiohttpResponse":
        """Return the answer of one request, as ``HttpClient.request``."""
        with _errors_mapped():
            async with asyncio.timeout(first_byte_timeout_s):
                return AiohttpResponse(
                    await self._session.request(
                        method, url, headers=list(fields), data=form, allow_redirects=False
                    )
                )


class AiohttpResponse:
    """An answer that aiohttp reads, as ``HttpResponse``."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.method = response.method
        self.url = response.url
        self.status = response.status
        self.fields = response.headers
        self.content_length = response.content_length
        self._unread = b""

    async def read(self) -> bytes:
        """Return the next octets as they come, b"" at the end."""
        if self._unread:
            octets, self._unread = self._unread, b""
            return octets
        with _errors_mapped():
            return await self._response.content.readany()

    def unread(self, octets: bytes) -> None:
        """Put octets back, to be read again before what comes next."""
        self._unread = octets + self._unread

    def close(self) -> None:
        """Let go of the connection, which aiohttp closes if something is still to come."""
        self._response.release()


@contextmanager
def _errors_mapped() -> Iterator[None]:
    """Turn what aiohttp raises inside the block into errors of ours.

    No message holds a URL: it may be signed.
    """
    try:
        yield
    except (aiohttp.ClientError, ConnectionError, TimeoutError) as exc:
        error, name, words = next(row[1:] for row in _FAILURES if isinstance(exc, row[0]))
        raise error(f"{words} ({type(exc).__name__})", proxy_status=name) from exc
