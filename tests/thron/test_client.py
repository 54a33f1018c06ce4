"""The client against real servers: what it sends, and whose errors it raises."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext, suppress

import aiohttp
import pytest
from aiohttp import web

from proxy.errors import ThronAnswerInvalid, ThronError, ThronTimeout, ThronUnreachable
from proxy.sandbox.server import Sandbox
from proxy.thron.client import LARGEST_ANSWER, Client
from proxy.thron.exchange import Question, Reply, Request
from proxy.thron.messages import SearchCriteria, search
from proxy.thron.session import login, validate

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
ANYTHING = Request("GET", "/api/x")
SEARCH = search("acme", SearchCriteria(folder_id="folder"))
LOGIN = login("acme", "app", "key")


@asynccontextmanager
async def answering(handler: Handler) -> AsyncIterator[str]:
    """Run a server that answers every request with this handler; gives its base URL."""
    server = web.Server(handler)
    runner = web.ServerRunner(server, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def saying(octets: bytes) -> AsyncIterator[str]:
    """Run a server that sends these octets for any request and closes; gives its base URL."""

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(octets)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(speak, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_login_and_search(client: Client, thron: Sandbox) -> None:
    """A login gives token, pkey and root folder, and the token opens a search."""
    given = await client.ask(login(thron.client_id, thron.app_id, thron.app_key), token=None)
    assert (given.pkey, given.root_category_id) == (thron.pkey, thron.root_folder_id)
    criteria = SearchCriteria(folder_id=given.root_category_id)
    page = await client.ask(search(thron.client_id, criteria), token=given.token)
    assert page.contents
    assert page.skipped == 0


async def test_token_in_its_field_only(client: Client, thron: Sandbox) -> None:
    """The token travels in X-TOKENID and never in a URL, and an app key in a body."""
    given = await client.ask(login(thron.client_id, thron.app_id, thron.app_key), token=None)
    await client.ask(validate(thron.client_id), token=given.token)
    asked = list(thron.log)
    assert dict(asked[-1].fields)["X-TOKENID"] == given.token
    for request in asked:
        assert given.token not in request.target
        assert thron.app_key not in request.target
        assert ("Accept", "application/json") in request.fields


async def test_the_token_follows_no_redirect(http: aiohttp.ClientSession) -> None:
    """Not to another host, not to another path: whoever answers there is told nothing."""
    seen: list[str] = []

    async def note(request: web.BaseRequest) -> web.StreamResponse:
        seen.append(request.raw_path)
        return web.Response(text="{}")

    async with answering(note) as elsewhere:

        async def redirect(request: web.BaseRequest) -> web.StreamResponse:
            seen.append(request.raw_path)
            to = "/other" if request.path == "/here" else f"{elsewhere}/other"
            return web.Response(status=307, headers={"Location": to})

        async with answering(redirect) as url:
            client = Client(http, api_url=url)
            for path in ("/here", "/there"):
                reply = await client.send(Request("POST", path, form=(("k", "v"),)), token="t")
                assert reply.status == 307
    assert seen == ["/here", "/there"]


async def test_encoding_on_the_wire(http: aiohttp.ClientSession) -> None:
    """Path and query arrive encoded once, a form as a form, and JSON as JSON."""
    seen: list[tuple[str, str, bytes]] = []

    async def note(request: web.BaseRequest) -> web.StreamResponse:
        seen.append((request.raw_path, request.content_type, await request.read()))
        return web.Response(text="{}")

    async with answering(note) as url:
        client = Client(http, api_url=url + "/")
        await client.send(Request("GET", "/a%2Fb", query=(("q", "x &=%/è"),)), token=None)
        await client.send(Request("POST", "/f", form=(("k", "a b&+"),)), token=None)
        await client.send(Request("POST", "/j", json={"k": "è"}), token=None)
        await client.send(Request("POST", "/e"), token=None)
    assert seen == [
        ("/a%2Fb?q=x%20%26%3D%25%2F%C3%A8", "application/octet-stream", b""),
        ("/f", "application/x-www-form-urlencoded", b"k=a%20b%26%2B"),
        ("/j", "application/json", '{"k":"è"}'.encode()),
        ("/e", "application/x-www-form-urlencoded", b""),
    ]


async def test_any_answer_is_a_reply(http: aiohttp.ClientSession) -> None:
    """A status is no error here, a redirect is not followed, and Retry-After is surfaced."""

    async def refuse(_: web.BaseRequest) -> web.StreamResponse:
        fields = {
            "Retry-After": "7",
            "Location": "https://127.0.0.1:1/",
            "Content-Type": "Text/HTML; a=b",
        }
        return web.Response(status=307, body=b"moved", headers=fields)

    async with answering(refuse) as url:
        reply = await Client(http, api_url=url).send(ANYTHING, token="t")
    assert reply == Reply(307, "text/html", b"moved", 7.0, moved_to="https://127.0.0.1:1")


async def test_compressed_answers(http: aiohttp.ClientSession) -> None:
    """A compressed answer is read as what it holds."""

    async def squeeze(_: web.BaseRequest) -> web.StreamResponse:
        return web.Response(body=gzip.compress(b"{}"), headers={"Content-Encoding": "gzip"})

    async with answering(squeeze) as url:
        reply = await Client(http, api_url=url).send(ANYTHING, token=None)
    assert reply.body == b"{}"


async def test_an_endless_answer_is_cut(http: aiohttp.ClientSession) -> None:
    """An answer that would cost memory is refused, compressed or not."""

    async def bomb(_: web.BaseRequest) -> web.StreamResponse:
        body = gzip.compress(bytes(LARGEST_ANSWER + 1), compresslevel=1)
        return web.Response(body=body, headers={"Content-Encoding": "gzip"})

    async with answering(bomb) as url:
        with pytest.raises(ThronAnswerInvalid, match="larger"):
            await Client(http, api_url=url).send(ANYTHING, token=None)


@pytest.mark.parametrize(
    ("octets", "error"),
    [
        pytest.param(b"", ThronUnreachable, id="closed"),
        pytest.param(b"SSH-2.0-x\r\n\r\n", ThronAnswerInvalid, id="not HTTP"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", ThronUnreachable, id="torn"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nxxxx",
            ThronUnreachable,
            id="not gzip",
        ),
    ],
)
async def test_broken_answers(
    http: aiohttp.ClientSession, octets: bytes, error: type[ThronError]
) -> None:
    """A broken answer is an error of ours that names no secret."""
    async with saying(octets) as url:
        with pytest.raises(ThronError) as raised:
            await Client(http, api_url=url).send(ANYTHING, token="t0ken")
    assert type(raised.value) is error
    assert "t0ken" not in str(raised.value)


@pytest.mark.parametrize(
    "api_url",
    ["http://127.0.0.1:1", "http://no-such-host.invalid", "http://[", "http://127.0.0.1:99999"],
    ids=["refused", "no DNS", "no URL", "no port"],
)
async def test_nobody_there(http: aiohttp.ClientSession, api_url: str) -> None:
    """A host that cannot be reached is an error of ours."""
    with pytest.raises(ThronUnreachable):
        await Client(http, api_url=api_url).send(ANYTHING, token=None)


async def test_tls_failure(http: aiohttp.ClientSession, thron: Sandbox) -> None:
    """A host that does not speak TLS is unreachable."""
    api_url = thron.api_url.replace("http://", "https://")
    with pytest.raises(ThronUnreachable):
        await Client(http, api_url=api_url).send(ANYTHING, token=None)


async def test_silence_ends(http: aiohttp.ClientSession) -> None:
    """An answer that does not come is waited for no longer than said."""
    over = asyncio.Event()

    async def stall(_: web.BaseRequest) -> web.StreamResponse:
        await over.wait()
        return web.Response()

    async with answering(stall) as url:
        with pytest.raises(ThronTimeout):
            await Client(http, api_url=url, total_timeout_s=0.05).send(ANYTHING, token=None)
        over.set()


async def test_turns(http: aiohttp.ClientSession) -> None:
    """No more requests run at once than allowed, and the others wait for their turn."""
    running = most = 0
    full = asyncio.Event()

    async def count(_: web.BaseRequest) -> web.StreamResponse:
        nonlocal running, most
        running += 1
        most = max(most, running)
        if running == 3:
            full.set()
        await full.wait()
        running -= 1
        return web.Response()

    async with answering(count) as url:
        client = Client(http, api_url=url, max_concurrent=3)
        replies = await asyncio.gather(*(client.send(ANYTHING, token=None) for _ in range(20)))
    assert len(replies) == 20
    assert most == 3


@pytest.mark.parametrize(
    ("question", "status", "body", "is_answered"),
    [
        pytest.param(SEARCH, 200, '{"resultCode": "OK", "items": []}', True, id="a value"),
        pytest.param(SEARCH, 403, '{"ssoCode": "SESSION_EXPIRED"}', True, id="session ended"),
        pytest.param(SEARCH, 403, '{"resultCode": "GET_NOT_ALLOWED"}', True, id="no right"),
        pytest.param(LOGIN, 403, '{"resultCode": "ACCESS_DENIED"}', True, id="login refused"),
        pytest.param(SEARCH, 503, "", False, id="nobody behind a balancer"),
        pytest.param(SEARCH, 500, "", False, id="a failure"),
        pytest.param(SEARCH, 429, "", False, id="too many questions"),
        pytest.param(SEARCH, 200, "<html>", False, id="a page of another server"),
    ],
)
async def test_what_counts_as_an_answer(
    http: aiohttp.ClientSession,
    question: Question[object],
    status: int,
    body: str,
    *,
    is_answered: bool,
) -> None:
    """A value and a refusal do; a failure, and what another server says in its place, do not."""
    answers: list[str] = []

    async def answer(_: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=status, text=body, content_type="application/json")

    async with answering(answer) as url:
        client = Client(http, api_url=url, answered=lambda: answers.append("answered"))
        with suppress(ThronError):
            await client.ask(question, token="t")
    assert answers == ["answered"] * is_answered


async def test_silence(http: aiohttp.ClientSession) -> None:
    """What is asked and not answered is silence, until anything is answered; a reset is heard."""
    go_on = asyncio.Event()

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/stalls":
            await go_on.wait()
        if request.path == "/resets" and request.transport is not None:
            request.transport.abort()
        return web.Response()

    async with answering(answer) as url, AsyncExitStack() as stack:
        stack.callback(go_on.set)
        client = Client(http, api_url=url)
        stalls, resets = Request("GET", "/stalls"), Request("POST", "/resets")
        for alive, error in ((ANYTHING, None), (resets, ThronUnreachable)):
            with pytest.raises(ThronTimeout):
                await client.send(stalls, token=None, at_most_s=0.05)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await client.send(stalls, token=None)
            assert client.silent_s >= 0.1
            with pytest.raises(error) if error else nullcontext():
                await client.send(alive, token=None)
            assert client.silent_s == 0
