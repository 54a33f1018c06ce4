"""Blobs sent as a static server would, or as awkwardly as asked."""

import asyncio
import resource
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from email import message_from_bytes
from typing import TypeVar

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from proxy.sandbox.blob import Blob, BytesBlob, RuleBlob, rule_bytes
from proxy.sandbox.static import ServerBehaviour, respond

T = TypeVar("T")
FILM = RuleBlob(length=300_000, media_type="video/mp4")
PART = {"Range": "bytes=100000-249999"}


@asynccontextmanager
async def serving(
    blob: Blob, behaviour: ServerBehaviour, fields: dict[str, str] | None = None
) -> AsyncIterator[str]:
    async def handle(request: web.Request) -> web.StreamResponse:
        return await respond(request, blob, behaviour=behaviour, fields=fields or {})

    app = web.Application()
    app.router.add_route("*", "/film.mp4", handle)
    async with TestServer(app) as server:
        yield f"http://127.0.0.1:{server.port}/film.mp4"


async def ask(
    behaviour: ServerBehaviour,
    *,
    method: str = "GET",
    headers: dict[str, str] | None = None,
    blob: Blob = FILM,
    fields: dict[str, str] | None = None,
    look: Callable[[aiohttp.ClientResponse], Awaitable[T]],
) -> T:
    async with (
        serving(blob, behaviour, fields) as url,
        aiohttp.ClientSession() as http,
        http.request(method, url, headers=headers) as response,
    ):
        return await look(response)


async def whole(response: aiohttp.ClientResponse) -> tuple[aiohttp.ClientResponse, bytes]:
    return response, await response.read()


async def until_it_breaks(response: aiohttp.ClientResponse) -> bytes:
    received = bytearray()
    with pytest.raises(aiohttp.ClientPayloadError):
        await gather(response, received)
    return bytes(received)


async def gather(response: aiohttp.ClientResponse, received: bytearray) -> None:
    async for data in response.content.iter_any():
        received += data


async def test_whole() -> None:
    """A plain GET gets all octets with what a player needs to seek in them."""
    response, body = await ask(ServerBehaviour(), look=whole)
    assert response.status == 200
    assert body == rule_bytes(0, 300_000)
    assert response.headers["Accept-Ranges"] == "bytes"
    assert response.headers["Content-Length"] == "300000"
    assert response.headers["Content-Type"] == "video/mp4"
    assert response.headers["ETag"] == FILM.etag
    assert response.headers["Last-Modified"] == "Wed, 20 Mar 2024 09:00:00 GMT"


async def test_part() -> None:
    """A range gets its octets and says where they lie."""
    response, body = await ask(ServerBehaviour(), headers=PART, look=whole)
    assert response.status == 206
    assert response.headers["Content-Range"] == "bytes 100000-249999/300000"
    assert body == rule_bytes(100_000, 250_000)


async def test_head() -> None:
    """HEAD gets the fields of GET and no octets."""
    response, body = await ask(ServerBehaviour(), method="HEAD", look=whole)
    assert (response.status, body) == (200, b"")
    assert response.headers["Content-Length"] == "300000"
    assert response.headers["Content-Type"] == "video/mp4"


async def test_post_is_answered_as_get() -> None:
    """A source download may be a POST."""
    response, body = await ask(ServerBehaviour(), method="POST", headers=PART, look=whole)
    assert (response.status, len(body)) == (206, 150_000)


async def test_not_modified() -> None:
    """A 304 has the validator and no content."""
    headers = {"If-None-Match": FILM.etag}
    response, body = await ask(
        ServerBehaviour(), headers=headers, fields={"X-Also": "1"}, look=whole
    )
    assert (response.status, body) == (304, b"")
    assert response.headers["ETag"] == FILM.etag
    assert response.headers["X-Also"] == "1"
    assert "Content-Length" not in response.headers
    assert "Content-Type" not in response.headers


async def test_not_satisfiable() -> None:
    """A 416 tells the complete length."""
    response, _ = await ask(ServerBehaviour(), headers={"Range": "bytes=300000-"}, look=whole)
    assert response.status == 416
    assert response.headers["Content-Range"] == "bytes */300000"


async def test_further_fields_win() -> None:
    """The caller's fields are sent, in place of ours where both have one."""
    fields = {"Content-Disposition": "attachment", "Content-Type": "text/plain"}
    response, _ = await ask(ServerBehaviour(), fields=fields, look=whole)
    assert response.headers.getall("Content-Type") == ["text/plain"]
    assert response.headers["Content-Disposition"] == "attachment"


async def test_multipart() -> None:
    """Several ranges are parts of one multipart body, in the order asked for."""
    headers = {"Range": "bytes=200000-200009,0-4"}
    response, body = await ask(ServerBehaviour(), headers=headers, look=whole)
    assert response.status == 206
    assert "Content-Range" not in response.headers
    assert len(body) == int(response.headers["Content-Length"])
    head = f"Content-Type: {response.headers['Content-Type']}\r\n\r\n".encode()
    _, *parts = message_from_bytes(head + body).walk()
    assert [part["Content-Range"] for part in parts] == [
        "bytes 200000-200009/300000",
        "bytes 0-4/300000",
    ]
    assert rule_bytes(200_000, 200_010) in body


async def test_nothing_to_send() -> None:
    """An empty representation has a length of 0."""
    response, body = await ask(ServerBehaviour(), blob=BytesBlob(b"", "text/plain"), look=whole)
    assert (response.status, body) == (200, b"")
    assert response.headers["Content-Length"] == "0"
    assert response.headers["Content-Type"] == "text/plain"


@pytest.mark.parametrize(
    ("behaviour", "method", "headers", "status", "expected"),
    [
        pytest.param(
            ServerBehaviour(ranges=False), "GET", PART, 200, {"Accept-Ranges": None}, id="ranges"
        ),
        pytest.param(
            ServerBehaviour(length=False),
            "GET",
            {},
            200,
            {"Content-Length": None, "Transfer-Encoding": "chunked"},
            id="no length",
        ),
        pytest.param(
            ServerBehaviour(length=False),
            "GET",
            PART,
            206,
            {"Content-Length": None},
            id="part, no length",
        ),
        pytest.param(
            ServerBehaviour(validator="weak"), "GET", {}, 200, {"ETag": f"W/{FILM.etag}"}, id="weak"
        ),
        pytest.param(
            ServerBehaviour(validator="none"), "GET", {}, 200, {"ETag": None}, id="no tag"
        ),
        pytest.param(
            ServerBehaviour(validator="weak"),
            "GET",
            {**PART, "If-Range": f"W/{FILM.etag}"},
            200,
            {},
            id="If-Range with a weak tag",
        ),
        pytest.param(
            ServerBehaviour(last_modified=False),
            "GET",
            {},
            200,
            {"Last-Modified": None},
            id="no date",
        ),
        pytest.param(
            ServerBehaviour(head_refused=True), "HEAD", {}, 405, {"Allow": "GET"}, id="no HEAD"
        ),
        pytest.param(
            ServerBehaviour(multi_range="whole"),
            "GET",
            {"Range": "bytes=0-1,4-5"},
            200,
            {"Content-Length": "300000"},
            id="several ranges, whole",
        ),
        pytest.param(
            ServerBehaviour(media_type="text/html"),
            "GET",
            PART,
            206,
            {"Content-Type": "text/html"},
            id="media type",
        ),
    ],
)
async def test_behaviour(
    behaviour: ServerBehaviour,
    method: str,
    headers: dict[str, str],
    status: int,
    expected: dict[str, str | None],
) -> None:
    """Each behaviour changes what it says and leaves the octets alone."""
    response, body = await ask(behaviour, method=method, headers=headers, look=whole)
    assert response.status == status
    assert {name: response.headers.get(name) for name in expected} == expected
    if status == 206:
        assert body == rule_bytes(100_000, 250_000)
    elif method == "GET":
        assert body == rule_bytes(0, 300_000)


async def test_changing_validator() -> None:
    """The entity-tag is another one with each answer, so that no If-Range holds."""
    async with (
        serving(FILM, ServerBehaviour(validator="changing")) as url,
        aiohttp.ClientSession() as http,
    ):
        async with http.head(url) as first:
            etag = first.headers["ETag"]
        async with http.get(url, headers={**PART, "If-Range": etag}) as second:
            assert second.status == 200
            assert second.headers["ETag"] != etag


@pytest.mark.parametrize("length", [True, False], ids=["length", "chunked"])
@pytest.mark.parametrize("cut", [0, 1, 65_536, 100_000])
async def test_truncated(*, cut: int, length: bool) -> None:
    """The connection closes after so many octets, and the client can tell."""
    body = await ask(
        ServerBehaviour(truncate_at=cut, length=length), headers=PART, look=until_it_breaks
    )
    assert body == rule_bytes(100_000, 100_000 + cut)


async def test_truncated_at_the_end() -> None:
    """After the last octet there is nothing left to cut."""
    _, body = await ask(ServerBehaviour(truncate_at=150_000), headers=PART, look=whole)
    assert body == rule_bytes(100_000, 250_000)


async def test_reset() -> None:
    """The connection is reset after so many octets."""
    async with serving(FILM, ServerBehaviour(reset_at=70_000)) as url:
        port = int(url.split(":")[2].partition("/")[0])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /film.mp4 HTTP/1.1\r\nHost: sandbox\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"Content-Length: 300000" in head
        with pytest.raises(ConnectionResetError):
            await reader.read(-1)
        writer.close()


async def test_stall_goes_on() -> None:
    """A stall lasts until it is ended, and no octet is lost by it."""
    go_on = asyncio.Event()

    async def look(response: aiohttp.ClientResponse) -> bytes:
        first = await response.content.readexactly(70_000)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(response.content.read(1), 0.05)
        go_on.set()
        return first + await response.read()

    body = await ask(ServerBehaviour(stall_at=70_000, go_on=go_on), look=look)
    assert body == rule_bytes(0, 300_000)


async def test_stall_ends_when_the_client_leaves() -> None:
    """A stalled answer does not outlive its connection."""

    async def look(response: aiohttp.ClientResponse) -> bytes:
        first = await response.content.readexactly(100)
        response.close()
        return first

    # Leaving `ask` closes the server, which waits for its handlers.
    assert len(await ask(ServerBehaviour(stall_at=100), look=look)) == 100


async def test_trickle() -> None:
    """Octets come a few at a time."""

    async def look(response: aiohttp.ClientResponse) -> list[int]:
        return [len(data) async for data in response.content.iter_any()]

    blob = BytesBlob(bytes(50))
    assert await ask(ServerBehaviour(trickle_bytes_s=200), blob=blob, look=look) == [20, 20, 10]


async def test_stall_before_the_status() -> None:
    """Nothing comes before its time."""
    async with (
        serving(FILM, ServerBehaviour(stall_before_s=60)) as url,
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=0.05)) as http,
    ):
        with pytest.raises(TimeoutError):
            await http.get(url)


async def test_http_1_0_without_a_length() -> None:
    """For HTTP/1.0, which has no chunks, the end of the connection is the end of the body."""
    async with serving(FILM, ServerBehaviour(length=False)) as url:
        port = int(url.split(":")[2].partition("/")[0])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /film.mp4 HTTP/1.0\r\n\r\n")
        head, _, body = (await reader.read(-1)).partition(b"\r\n\r\n")
        assert b"chunked" not in head
        assert body == rule_bytes(0, 300_000)
        writer.close()


async def test_large_body_in_little_memory() -> None:
    """Half a gibibyte passes without being gathered, at the reader's pace."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    async def look(response: aiohttp.ClientResponse) -> int:
        octets = 0
        async for data in response.content.iter_any():
            octets += len(data)
        return octets

    blob = RuleBlob(length=512 * 2**20)
    assert await ask(ServerBehaviour(), blob=blob, look=look) == 512 * 2**20
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32 * 1024
