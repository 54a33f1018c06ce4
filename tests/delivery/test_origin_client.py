"""Requests to origins: redirects by hand, hosts checked at each, failures named."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress

import pytest
from aiohttp import web

from proxy.delivery.origin_client import OriginClient
from proxy.delivery.origin_hosts import OriginHosts
from proxy.errors import (
    OriginAnswerInvalid,
    OriginError,
    OriginIncomplete,
    OriginProhibited,
    OriginTimeout,
    OriginUnreachable,
)
from tests.delivery.conftest import NAMED, http_client
from tests.delivery.origin_server import origin_server
from tests.delivery.taking import read_whole
from tests.waiting import PATIENCE_S


@asynccontextmanager
async def saying(*octets: bytes) -> AsyncIterator[str]:
    """Run a server that says just these octets to whoever connects, and closes."""

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.writelines(octets)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(say, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("form", ["absolute", "relative", "protocol-relative"])
async def test_a_redirect_is_followed_byte_for_byte(
    origin_client: OriginClient, status: int, form: str
) -> None:
    """Every status and form of Location leads on; no octet of a signed target is touched."""
    target = "/static/a%2Fb%20c~d.bin?xseo=&dt=exp=1~hmac=%7E%2b+0"

    async def origin(request: web.Request) -> web.Response:
        if request.raw_path == target:
            return web.Response(body=b"here")
        before = {"absolute": f"http://{request.host}", "relative": "", "protocol-relative": ""}
        lead = f"//{request.host}" if form == "protocol-relative" else before[form]
        return web.Response(status=status, headers={"Location": lead + target})

    async with origin_server(origin) as server:
        answer = await origin_client.follow("GET", f"{server.url}/start", fields=[("X-One", "1")])
        with closing(answer.response):
            assert await read_whole(answer.response) == b"here"
    assert answer.is_redirected
    assert answer.url == server.url + target
    assert [(method, path, fields["X-One"]) for method, path, fields in server.requests] == [
        ("GET", "/start", "1"),
        ("GET", target, "1"),
    ]


async def test_an_answer_without_redirect_is_where_it_was_asked(
    origin_client: OriginClient,
) -> None:
    """Then nothing volatile is worth remembering."""

    async def origin(_request: web.Request) -> web.Response:
        return web.Response(status=404)

    async with origin_server(origin) as server:
        answer = await origin_client.follow("HEAD", f"{server.url}/start", fields=[])
        with closing(answer.response):
            assert (answer.response.status, answer.is_redirected) == (404, False)


@pytest.mark.parametrize(
    ("location", "error", "name"),
    [
        pytest.param(None, OriginAnswerInvalid, "http_protocol_error", id="no Location"),
        pytest.param("http://[", OriginAnswerInvalid, "http_protocol_error", id="no URL"),
        pytest.param("//[", OriginAnswerInvalid, "http_protocol_error", id="no reference"),
        pytest.param("/start", OriginAnswerInvalid, "proxy_loop_detected", id="a loop"),
        pytest.param("http://10.0.0.1/", OriginProhibited, "http_request_denied", id="host"),
        pytest.param("ftp://127.0.0.1/", OriginProhibited, "http_request_denied", id="ftp"),
        pytest.param(
            "http://no-such-host.invalid/", OriginUnreachable, "dns_error", id="no such host"
        ),
    ],
)
async def test_a_redirect_that_leads_nowhere(
    origin_client: OriginClient, location: str | None, error: type[OriginError], name: str
) -> None:
    """Each is named, and no connection is left behind."""

    async def origin(_request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": location} if location else {})

    async with origin_server(origin) as server:
        with pytest.raises(error) as failed:
            await origin_client.follow("GET", f"{server.url}/start", fields=[])
    assert failed.value.proxy_status == name
    assert "127.0.0.1" not in str(failed.value)


async def test_throns_api_may_redirect_to_any_public_host() -> None:
    """What it names is refused by its address only, and so is where that redirects to by name."""
    hosts = OriginHosts(["127.0.0.1", "storage.invalid"], is_open_to_api=True)

    async def storage(_request: web.Request) -> web.Response:
        return web.Response(status=307, headers={"Location": "https://bucket.invalid/x"})

    async with http_client(hosts) as http, origin_server(storage) as server:
        origin_client = OriginClient(http, hosts, first_byte_timeout_s=PATIENCE_S, now=lambda: 0.0)
        with pytest.raises(OriginUnreachable, match="no such host"):
            await origin_client.follow(
                "GET", "https://bucket.invalid/x", fields=[], is_from_api=True
            )
        with pytest.raises(OriginProhibited, match="private address"):
            await origin_client.follow("GET", "https://localhost/x", fields=[], is_from_api=True)
        with pytest.raises(OriginProhibited, match="not allowed"):
            await origin_client.follow("GET", "https://bucket.invalid/x", fields=[])
        with pytest.raises(OriginProhibited, match="not allowed"):
            await origin_client.follow("GET", server.url, fields=[], is_from_api=True)


@pytest.mark.parametrize(
    "location",
    [
        pytest.param(b"https://[::1%25.thron.com]/x", id="an address that ends like a pattern"),
        pytest.param(b"https://a.thron.com:99999/x", id="a port beyond the last"),
        pytest.param(b"https://m\xc3\xbcnchen.thron.com/x", id="a host beyond ASCII"),
        pytest.param(b"//m\xc3\xbcnchen.thron.com/x", id="the same without scheme"),
        pytest.param(b"https://m\xfcnchen.thron.com/x", id="a host that is no UTF-8"),
        pytest.param(b"https://:secret@a.thron.com/x", id="a password alone"),
        pytest.param(b"/caf\xe9?x", id="a path that is no UTF-8"),
        pytest.param(b"https://a.thron.com\\@127.0.0.1/", id="a backslash"),
    ],
)
async def test_a_redirect_that_is_no_reference(
    origin_client: OriginClient, location: bytes
) -> None:
    """However an origin spells it, it is an error of the origin's and no bug of ours."""
    async with saying(b"HTTP/1.1 302 Found\r\nLocation: ", location, b"\r\n\r\n") as url:
        with pytest.raises((OriginProhibited, OriginAnswerInvalid)) as failed:
            await origin_client.follow("GET", f"{url}/start", fields=[])
    assert failed.value.status == 502
    assert "secret" not in str(failed.value)


@pytest.mark.parametrize(
    ("octets", "error", "name"),
    [
        pytest.param(b"", OriginUnreachable, "connection_terminated", id="nothing"),
        pytest.param(b"HTTP/1.1 ", OriginUnreachable, "connection_terminated", id="a beginning"),
        pytest.param(
            b"SSH-2.0-x\r\n\r\n", OriginAnswerInvalid, "http_protocol_error", id="no HTTP"
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
            OriginAnswerInvalid,
            "http_protocol_error",
            id="no length",
        ),
    ],
)
async def test_what_is_no_answer(
    origin_client: OriginClient, octets: bytes, error: type[OriginError], name: str
) -> None:
    """An origin that speaks no HTTP is told from one that says nothing."""
    async with saying(octets) as url:
        with pytest.raises(error) as failed:
            await origin_client.send("GET", url, fields=[])
    assert failed.value.proxy_status == name


@pytest.mark.parametrize(
    "begun",
    [
        pytest.param(b"Content-Length: 100\r\n\r\nshort", id="shorter than its length"),
        pytest.param(b"Transfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n", id="no end"),
    ],
)
async def test_a_broken_content(origin_client: OriginClient, begun: bytes) -> None:
    """Whatever breaks in the content is one of ours, and may be resumed."""
    is_begun = asyncio.Event()

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n" + begun)
        await is_begun.wait()
        writer.close()

    server = await asyncio.start_server(say, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        response = await origin_client.send("GET", url, fields=[])
        assert await response.read() == b"short"
        is_begun.set()
        with pytest.raises((OriginIncomplete, OriginUnreachable)):
            await response.read()
        response.close()


async def test_silence_ends_with_the_time_for_the_first_octet() -> None:
    """An origin that accepts and says nothing is a time-out."""

    async def origin(_request: web.Request) -> web.Response:
        await asyncio.Event().wait()
        return web.Response()

    async with origin_server(origin) as server, http_client() as http:
        origin_client = OriginClient(http, NAMED, first_byte_timeout_s=0.2, now=lambda: 0.0)
        with pytest.raises(OriginTimeout) as failed:
            await origin_client.send("GET", server.url, fields=[])
    assert failed.value.proxy_status == "http_response_timeout"


async def test_a_refused_connection(origin_client: OriginClient) -> None:
    """Nobody listens there."""
    async with saying() as url:
        pass
    with pytest.raises(OriginUnreachable) as failed:
        await origin_client.send("GET", url, fields=[])
    assert failed.value.proxy_status == "connection_refused"


async def test_a_host_that_fails_is_left_alone() -> None:
    """After failures of three contents no connection is made, until one may try again."""
    now = 0.0
    answer = 503

    async def origin(_request: web.Request) -> web.Response:
        return web.Response(status=answer)

    async with http_client() as http, origin_server(origin) as server:
        origin_client = OriginClient(http, NAMED, first_byte_timeout_s=PATIENCE_S, now=lambda: now)

        async def ask(content_id: str) -> None:
            (await origin_client.send("GET", server.url, fields=[], content_id=content_id)).close()

        for content_id in "aabbaabbc":
            await ask(content_id)
        with pytest.raises(OriginUnreachable) as failed:
            await ask("d")
        assert failed.value.retry_after_s
        assert len(server.requests) == 9
        now, answer = 6.0, 404
        await ask("a")
        await ask("b")


async def test_a_host_that_cannot_be_reached_is_left_alone() -> None:
    """Failures to connect count like its own word for it."""
    async with saying() as url:
        pass
    async with http_client() as http:
        origin_client = OriginClient(http, NAMED, first_byte_timeout_s=PATIENCE_S, now=lambda: 0.0)
        names = []
        for content_id in "abcd":
            with pytest.raises(OriginUnreachable) as failed:
                await origin_client.send("GET", url, fields=[], content_id=content_id)
            names.append(failed.value.proxy_status)
    assert names == ["connection_refused"] * 3 + ["destination_unavailable"]


async def test_what_may_be_of_one_content_never_trips() -> None:
    """A 500, a reset, silence and what is no HTTP leave the host open to others."""

    async def origin(request: web.Request) -> web.Response:
        assert request.transport is not None
        match request.path:
            case "/reset":
                request.transport.abort()
            case "/silence":
                await asyncio.Event().wait()
            case "/garbage":
                request.transport.write(b"no HTTP\r\n\r\n")
                request.transport.close()
        return web.Response(status=500 if request.path == "/500" else 200)

    async with http_client() as http, origin_server(origin) as server:
        origin_client = OriginClient(http, NAMED, first_byte_timeout_s=PATIENCE_S, now=lambda: 0.0)
        hasty = OriginClient(http, NAMED, first_byte_timeout_s=0.05, now=lambda: 0.0)
        for number in range(4):
            for path in ("/500", "/reset", "/garbage", "/silence"):
                asked = hasty if path == "/silence" else origin_client
                with suppress(OriginError):
                    url = f"{server.url}{path}"
                    (await asked.send("GET", url, fields=[], content_id=str(number))).close()
        (
            await origin_client.send("GET", f"{server.url}/fine", fields=[], content_id="other")
        ).close()


async def test_an_answer_of_404_or_403_never_trips() -> None:
    """They are answers: a hundred of them change nothing."""

    async def origin(request: web.Request) -> web.Response:
        return web.Response(status=int(request.path[1:]))

    async with http_client() as http, origin_server(origin) as server:
        origin_client = OriginClient(http, NAMED, first_byte_timeout_s=PATIENCE_S, now=lambda: 0.0)
        for status in (403, 404) * 20:
            (await origin_client.send("GET", f"{server.url}/{status}", fields=[])).close()
    assert len(server.requests) == 40


async def test_a_connection_is_used_again_only_after_a_whole_answer(
    origin_client: OriginClient,
) -> None:
    """What is left unread is closed, what is read whole goes back."""
    ports: list[object] = []

    async def origin(request: web.Request) -> web.Response:
        assert request.transport is not None
        ports.append(request.transport.get_extra_info("peername"))
        return web.Response(body=bytes(1_000_000))

    async with origin_server(origin) as server:
        for is_read in (True, False, True):
            response = await origin_client.send("GET", server.url, fields=[])
            with closing(response):
                if is_read:
                    await read_whole(response)
    assert ports[0] == ports[1]
    assert ports[1] != ports[2]


async def test_a_method_that_is_not_implemented_is_no_failure(origin_client: OriginClient) -> None:
    """Several HEADs at once to an origin that answers them 501 leave it open for GET."""

    async def origin(request: web.Request) -> web.Response:
        return web.Response(status=501 if request.method == "HEAD" else 200)

    async with origin_server(origin) as server:
        for method, status in [*[("HEAD", 501)] * 6, ("GET", 200)]:
            response = await origin_client.send(method, server.url, fields=[])
            with closing(response):
                assert response.status == status
