"""What of an answer is read ahead."""

import asyncio
import gzip
import zlib

import pytest
from aiohttp import web

from proxy.delivery.error_sniffing import sniff_error
from proxy.delivery.http_client import HttpResponse
from proxy.delivery.origin_client import OriginClient
from proxy.delivery.upstream import may_be_error
from proxy.errors import (
    GatewayError,
    HtmlInsteadOfFile,
    OriginAnswerInvalid,
    OriginGone,
    TokenRejected,
)
from tests.delivery.origin_server import origin_server
from tests.delivery.taking import read_whole
from tests.waiting import PATIENCE_S

PAGE = b"<!DOCTYPE html><html><body>Log in</body></html>"


async def sniffed(response: HttpResponse, name: str) -> GatewayError | None:
    """Return the error that an answer is, if it may be one and is."""
    return await sniff_error(response, expected_name=name) if may_be_error(response) else None


@pytest.mark.parametrize(
    ("status", "media_type", "body", "name", "error"),
    [
        pytest.param(200, "text/html", PAGE, "a.mp4", HtmlInsteadOfFile, id="a page"),
        pytest.param(200, "text/html", PAGE, "a.html", None, id="a page that is the file"),
        pytest.param(
            200,
            "application/json",
            b'{"resultCode":"ACCESS_DENIED","ssoCode":"SESSION_EXPIRED"}',
            "a.mp4",
            TokenRejected,
            id="an envelope",
        ),
        pytest.param(200, "application/json", b'{"a": 1}', "a.json", None, id="JSON"),
        pytest.param(200, "text/plain", b"hello", "a.txt", None, id="text"),
        pytest.param(200, "video/mp4", b"<html>", "a.mp4", None, id="another type"),
        pytest.param(200, "text/html", PAGE + bytes(70_000), "a.mp4", None, id="too long for one"),
        pytest.param(403, "text/plain", b"denied", "a.mp4", TokenRejected, id="403"),
        pytest.param(404, "video/mp4", b"", "a.mp4", OriginGone, id="404"),
    ],
)
async def test_an_error_in_place_of_the_content(
    origin_client: OriginClient,
    status: int,
    media_type: str,
    body: bytes,
    name: str,
    error: type[GatewayError] | None,
) -> None:
    """It is told, or what was read of the content comes back with the rest still to read."""

    async def origin(_request: web.Request) -> web.Response:
        return web.Response(status=status, body=body, content_type=media_type)

    async with origin_server(origin) as server:
        response = await origin_client.send("GET", server.url, fields=[])
        found = await sniffed(response, name)
        assert (None if found is None else type(found)) is error
        if error is None:
            assert await read_whole(response) == body
        response.close()


@pytest.mark.parametrize(
    ("fields", "is_file"),
    [
        ({"Content-Disposition": "attachment"}, True),
        ({"ETag": '"1"'}, True),
        ({"last-modified": "Sun, 06 Nov 1994 08:49:37 GMT"}, True),
        ({"Cache-Control": "no-store"}, False),
    ],
)
async def test_a_page_without_a_name(
    origin_client: OriginClient, fields: dict[str, str], *, is_file: bool
) -> None:
    """It is the content where anything says that it is a file; a login page says nothing."""

    async def origin(_request: web.Request) -> web.Response:
        return web.Response(body=PAGE, content_type="text/html", headers=fields)

    async with origin_server(origin) as server:
        response = await origin_client.send("GET", server.url, fields=[])
        error = await sniff_error(response, expected_name=None)
        assert (error is None) is is_file
        response.close()


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "deflate"])
@pytest.mark.parametrize(
    ("body", "media_type", "name", "error"),
    [
        pytest.param(PAGE, "text/html", "a.mp4", HtmlInsteadOfFile, id="a page"),
        pytest.param(PAGE, "text/html", "a.html", None, id="a page that is the file"),
        pytest.param(b'{"resultCode":"OK"}', "text/plain", "a", OriginAnswerInvalid, id="envelope"),
        pytest.param(b'{"a": 1}', "application/json", "a.json", None, id="JSON"),
        pytest.param(b"{" * 500_000, "application/json", "a.json", None, id="much in little"),
    ],
)
async def test_an_error_is_seen_through_its_coding(
    origin_client: OriginClient,
    coding: str,
    body: bytes,
    media_type: str,
    name: str,
    error: type | None,
) -> None:
    """An origin may code its errors, too; the content stays as it came."""
    octets = zlib.compress(body) if coding == "deflate" else gzip.compress(body)

    async def origin(_request: web.Request) -> web.Response:
        fields = {"Content-Encoding": coding, "Content-Type": media_type}
        return web.Response(body=octets, headers=fields)

    async with origin_server(origin) as server:
        response = await origin_client.send("GET", server.url, fields=[])
        found = await sniffed(response, name)
        assert (None if found is None else type(found)) is error
        if error is None:
            assert await read_whole(response) == octets
        response.close()


@pytest.mark.parametrize(
    ("coding", "body"),
    [("br", b"\x0b\x02\x80<html>\x03"), ("gzip", b"<html>"), ("gzip, gzip", b"<html>")],
)
async def test_what_cannot_be_seen_through_is_no_content(
    origin_client: OriginClient, coding: str, body: bytes
) -> None:
    """Where a coding is unknown, or is not what it says, it might be an error in it."""

    async def origin(_request: web.Request) -> web.Response:
        fields = {"Content-Encoding": coding, "Content-Type": "text/html"}
        return web.Response(body=body, headers=fields)

    async with origin_server(origin) as server:
        response = await origin_client.send("GET", server.url, fields=[])
        error = await sniff_error(response, expected_name="a.mp4")
        assert isinstance(error, OriginAnswerInvalid)
        response.close()


async def test_text_need_not_wait_for_its_end(origin_client: OriginClient) -> None:
    """What begins as no error is handed on at once, though it is short and slow."""
    go_on = asyncio.Event()

    async def origin(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_type = "text/plain"
        await response.prepare(request)
        await response.write(b"hello ")
        await go_on.wait()
        await response.write(b"world")
        return response

    async with origin_server(origin) as server:
        response = await origin_client.send("GET", server.url, fields=[])
        assert may_be_error(response)
        assert await sniff_error(response, expected_name="a.txt") is None
        assert await response.read() == b"hello "
        go_on.set()
        assert await read_whole(response) == b"world"


async def test_who_leaves_meanwhile_leaves_no_connection(origin_client: OriginClient) -> None:
    """The answer is closed, and the origin sees it."""
    begun, left = asyncio.Event(), asyncio.Event()

    async def origin(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            left.set()
        return response

    async with origin_server(origin) as server:
        response = await origin_client.send("GET", server.url, fields=[])
        looking = asyncio.create_task(sniff_error(response, expected_name="a.mp4"))
        await begun.wait()
        await asyncio.sleep(0)
        looking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await looking
        async with asyncio.timeout(PATIENCE_S):
            await left.wait()
