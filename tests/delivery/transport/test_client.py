"""The client of the bytes, against origins that speak HTTP badly or mean harm."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from proxy.delivery.origin_hosts import GuardedResolver
from proxy.delivery.transport.client import Http1Client
from proxy.delivery.transport.connection import Response
from proxy.errors import (
    OriginAnswerInvalid,
    OriginError,
    OriginIncomplete,
    OriginTimeout,
    OriginUnreachable,
)
from tests.delivery.conftest import NAMED, TLS
from tests.delivery.taking import read_whole
from tests.delivery.transport.hostile import hostile
from tests.waiting import PATIENCE_S, until

OK = b"HTTP/1.1 200 OK\r\n"
FINE = OK + b"Content-Length: 2\r\n\r\nok"


def new_client(*, most_idle: int = 10) -> Http1Client:
    """Return a client that may go to loopback."""
    return Http1Client(
        GuardedResolver(NAMED),
        tls=TLS,
        connect_timeout_s=PATIENCE_S,
        most_idle=most_idle,
    )


@pytest.fixture
async def client() -> AsyncIterator[Http1Client]:
    async with new_client() as made:
        yield made


async def ask(client: Http1Client, url: URL, method: str = "GET") -> Response:
    """Send a request without fields of its own."""
    return await client.request(method, url, fields=[], first_byte_timeout_s=PATIENCE_S)


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        pytest.param(OK + b"Content-Length: 2\r\n" * 2 + b"\r\nok", "protocol", id="length twice"),
        pytest.param(OK + b"Content-Length: 2, 2\r\n\r\nok", "protocol", id="a list of lengths"),
        pytest.param(OK + b"Content-Length: +2\r\n\r\nok", "protocol", id="a signed length"),
        pytest.param(OK + b"Content-Length: 0x2\r\n\r\nok", "protocol", id="a hexadecimal length"),
        pytest.param(OK + b"Content-Length: -1\r\n\r\n", "protocol", id="a negative length"),
        pytest.param(
            OK + b"Content-Length: 99999999999999999999\r\n\r\n", "protocol", id="an endless length"
        ),
        pytest.param(
            OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "protocol",
            id="length and chunks",
        ),
        pytest.param(
            OK + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
            "protocol",
            id="chunks and length",
        ),
        pytest.param(
            OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "coding", id="another coding"
        ),
        pytest.param(
            OK + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", "coding", id="a last one"
        ),
        pytest.param(
            b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "coding",
            id="chunks by HTTP/1.0",
        ),
        pytest.param(OK + b"A: b\r\n folded\r\n\r\n", "protocol", id="a folded line"),
        pytest.param(OK + b"A: b\nB: c\r\n\r\n", "protocol", id="a bare LF"),
        pytest.param(OK + b"A: b\rB: c\r\n\r\n", "protocol", id="a bare CR"),
        pytest.param(OK + b"A: \0\r\n\r\n", "protocol", id="NUL"),
        pytest.param(OK + b"A : b\r\n\r\n", "protocol", id="space before the colon"),
        pytest.param(OK + b": b\r\n\r\n", "protocol", id="no name"),
        pytest.param(OK + b"nothing\r\n\r\n", "protocol", id="no colon"),
        pytest.param(b"HTTP/2.0 200 OK\r\n\r\n", "protocol", id="another version"),
        pytest.param(b"\r\n" + FINE, "protocol", id="a blank line first"),
        pytest.param(b"ICY 200 OK\r\n\r\n", "protocol", id="another protocol"),
        pytest.param(b"<html>", "protocol", id="HTTP/0.9"),
        pytest.param(b"HTTP/1.1 99 No\r\n\r\n", "protocol", id="no status"),
        pytest.param(
            b"HTTP/1.1 101 No\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", "protocol", id="101"
        ),
        pytest.param(OK + b"A: " + b"b" * 40_000, "section", id="an endless field"),
        pytest.param(OK + b"A: b\r\n" * 10_000, "section", id="endless fields"),
        pytest.param(OK + b"A: b\r\n" * 300 + b"\r\n", "protocol", id="many fields"),
        pytest.param(b"HTTP/1.1 103 No\r\n\r\n" * 5_000, "section", id="endless interim answers"),
    ],
)
async def test_what_could_be_read_in_two_ways(
    client: Http1Client, answer: bytes, name: str
) -> None:
    """It is an error with a name, and the connection serves no other request."""
    names = {
        "protocol": "http_protocol_error",
        "coding": "http_response_transfer_coding",
        "section": "http_response_header_section_size",
    }
    async with hostile(answer, FINE) as origin:
        with pytest.raises(OriginAnswerInvalid) as failed:
            await ask(client, origin.url)
        assert failed.value.proxy_status == names[name]
        assert await read_whole(await ask(client, origin.url)) == b"ok"
        assert origin.connections == 2


@pytest.mark.parametrize(
    ("content", "error"),
    [
        pytest.param(b"2\r\nok\r\n0\r\n", OriginIncomplete, id="no end"),
        pytest.param(b"2\r\nok", OriginIncomplete, id="a torn chunk"),
        pytest.param(b"2\r\nok\r\n-1\r\n", OriginAnswerInvalid, id="a negative size"),
        pytest.param(b"2\r\nok\r\n0x2\r\nok\r\n", OriginAnswerInvalid, id="a hexadecimal size"),
        pytest.param(b"2\r\nokok\r\n", OriginAnswerInvalid, id="longer than its size"),
        pytest.param(b"2\nok\n", OriginAnswerInvalid, id="bare LF"),
        pytest.param(
            b"2\r\nok\r\nfffffffffffffffff\r\n", OriginAnswerInvalid, id="an endless size"
        ),
        pytest.param(b"2;" + b"x" * 300_000, OriginAnswerInvalid, id="an endless extension"),
        pytest.param(b"0\r\n" + b"A: b\r\n" * 50_000, OriginAnswerInvalid, id="endless trailers"),
    ],
)
async def test_chunks_that_are_none(
    client: Http1Client, content: bytes, error: type[OriginError]
) -> None:
    """The content is broken off, and never taken for whole."""
    async with hostile(OK + b"Transfer-Encoding: chunked\r\n\r\n" + content, closes=True) as origin:
        response = await ask(client, origin.url)
        with pytest.raises(error):
            await read_whole(response)


@pytest.mark.parametrize(
    ("method", "answer", "content"),
    [
        pytest.param("GET", FINE + b"x", b"ok", id="behind a length"),
        pytest.param("GET", FINE + FINE, b"ok", id="a second answer"),
        pytest.param("HEAD", OK + b"Content-Length: 2\r\n\r\nok", b"", id="content for HEAD"),
        pytest.param("GET", b"HTTP/1.1 304 No\r\nContent-Length: 2\r\n\r\nok", b"", id="of a 304"),
        pytest.param("GET", b"HTTP/1.1 204 No\r\n\r\nx", b"", id="of a 204"),
        pytest.param(
            "GET",
            OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n" + FINE,
            b"ok",
            id="behind chunks",
        ),
        pytest.param(
            "GET",
            OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n\r\n",
            b"ok",
            id="a blank line behind chunks",
        ),
        pytest.param(
            "GET",
            OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nA: b\r\n\r\n\r\n\r\n",
            b"ok",
            id="blank lines behind trailers",
        ),
        pytest.param(
            "GET", OK + b"Connection: x, Close\r\nContent-Length: 2\r\n\r\nok", b"ok", id="close"
        ),
        pytest.param(
            "GET", b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", b"ok", id="HTTP/1.0"
        ),
    ],
)
async def test_a_connection_in_doubt_serves_no_other_request(
    client: Http1Client, method: str, answer: bytes, content: bytes
) -> None:
    """What came is exact; the next request goes by a connection of its own."""
    async with hostile(answer, FINE) as origin:
        assert await read_whole(await ask(client, origin.url, method)) == content
        assert await read_whole(await ask(client, origin.url)) == b"ok"
        assert (origin.connections, origin.requests) == (2, 2)


@pytest.mark.parametrize(
    ("method", "answer", "content"),
    [
        pytest.param("GET", FINE, b"ok", id="a length"),
        pytest.param("GET", OK + b"Content-Length: 0\r\n\r\n", b"", id="nothing"),
        pytest.param("HEAD", OK + b"Content-Length: 2\r\n\r\n", b"", id="HEAD"),
        pytest.param("HEAD", OK + b"Transfer-Encoding: chunked\r\n\r\n", b"", id="HEAD of chunks"),
        pytest.param("GET", b"HTTP/1.1 304 No\r\nContent-Length: 2\r\n\r\n", b"", id="304"),
        pytest.param(
            "GET",
            OK + b"Transfer-Encoding: chunked\r\n\r\n1;x=y\r\no\r\n1\r\nk\r\n0\r\nA: b\r\n\r\n",
            b"ok",
            id="chunks with extension and trailer",
        ),
        pytest.param(
            "GET", b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\n" * 3 + FINE, b"ok", id="interim answers"
        ),
    ],
)
async def test_a_whole_answer_leaves_its_connection(
    client: Http1Client, method: str, answer: bytes, content: bytes
) -> None:
    """The next request goes by the same."""
    async with hostile(answer, FINE) as origin:
        assert await read_whole(await ask(client, origin.url, method)) == content
        assert await read_whole(await ask(client, origin.url)) == b"ok"
        assert (origin.connections, origin.requests) == (1, 2)


async def test_a_length_for_head_is_told(client: Http1Client) -> None:
    """No content follows, and yet its length is known."""
    async with hostile(OK + b"Content-Length: 2\r\n\r\n") as origin:
        assert (await ask(client, origin.url, "HEAD")).content_length == 2


async def test_without_a_length_the_end_is_where_the_connection_ends(client: Http1Client) -> None:
    """All that came by then is the content (RFC 9112, 6.3)."""
    async with hostile(OK + b"\r\n" + b"x" * 300_000, closes=True) as origin:
        assert await read_whole(await ask(client, origin.url)) == b"x" * 300_000


async def test_octets_on_an_idle_connection_close_it(client: Http1Client) -> None:
    """Whether they come before the next request is noticed by us or not."""
    async with hostile(FINE) as origin:
        origin.answers = [[FINE, b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"], [FINE]]
        assert await read_whole(await ask(client, origin.url)) == b"ok"
        await until(lambda: _true(origin.requests == 1))
        with suppress(OriginError):  # if they come that late, they are an answer of this origin's
            await read_whole(await ask(client, origin.url))
        assert await read_whole(await ask(client, origin.url)) == b"ok"


async def _true(value: bool) -> bool:  # noqa: FBT001 - a value to wait for
    return value


async def test_a_connection_that_was_closed_while_idle_is_replaced(client: Http1Client) -> None:
    """However late that is noticed, nobody hears of it."""
    async with hostile(FINE, closes=True) as origin:
        for _ in range(5):
            assert await read_whole(await ask(client, origin.url)) == b"ok"
        assert origin.requests == 5


async def test_a_new_connection_that_says_nothing_is_not_tried_again(client: Http1Client) -> None:
    """One retry is for what was idle."""
    async with hostile(b"", closes=True) as origin:
        with pytest.raises(OriginUnreachable) as failed:
            await ask(client, origin.url)
        assert failed.value.proxy_status == "connection_terminated"
        assert origin.requests == 1


async def test_silence_on_a_used_connection_is_a_time_out(client: Http1Client) -> None:
    """The first-byte limit counts for every request, and closes the connection."""
    async with hostile(FINE, b"HTTP/1.1 2") as origin:
        await read_whole(await ask(client, origin.url))
        with pytest.raises(OriginTimeout):
            await client.request("GET", origin.url, fields=[], first_byte_timeout_s=0.1)
        origin.answers = [[FINE]]
        assert await read_whole(await ask(client, origin.url)) == b"ok"
        assert origin.connections == 2


async def test_idle_connections_are_bounded() -> None:
    """A burst leaves no more than that; the one that was idle the longest makes room."""
    async with hostile(FINE) as origin, new_client(most_idle=2) as client:
        # All at once, so that none takes another's.
        responses = await asyncio.gather(*(ask(client, origin.url) for _ in range(5)))
        assert [await read_whole(each) for each in responses] == [b"ok"] * 5
        connections = origin.connections
        responses = await asyncio.gather(*(ask(client, origin.url) for _ in range(2)))
        assert origin.connections == connections


async def test_an_idle_connection_serves_its_own_host_alone(client: Http1Client) -> None:
    """Whichever was idle last, no request goes to another port, nor without the TLS it wants."""
    async with hostile(FINE) as one, hostile(FINE.replace(b"ok", b"no")) as other:
        for _ in range(3):
            assert await read_whole(await ask(client, one.url)) == b"ok"
            assert await read_whole(await ask(client, other.url)) == b"no"
        assert (one.connections, other.connections) == (1, 1)
        shaking_hands = asyncio.create_task(ask(client, one.url.with_scheme("https")))
        await until(lambda: _true(one.connections == 2))
        shaking_hands.cancel()
        await asyncio.wait([shaking_hands])
        assert one.requests == 3


async def test_who_leaves_closes(client: Http1Client) -> None:
    """A request that is given up leaves no connection that somebody else could get."""
    async with hostile(b"", FINE) as origin:
        waiting = asyncio.create_task(ask(client, origin.url))
        await until(lambda: _true(origin.requests == 1))
        waiting.cancel()
        with suppress(asyncio.CancelledError):
            await waiting
        assert await read_whole(await ask(client, origin.url)) == b"ok"
        assert origin.connections == 2


@pytest.mark.parametrize("field", [("A", "b\r\nC: d"), ("A\r\nB", "c"), ("A", "b\nc"), ("A", "\0")])
async def test_no_field_is_split(client: Http1Client, field: tuple[str, str]) -> None:
    """A value that would be two lines is never sent."""
    async with hostile(FINE) as origin:
        with pytest.raises(ValueError, match="would be two"):
            await client.request("GET", origin.url, fields=[field], first_byte_timeout_s=PATIENCE_S)
        assert not origin.connections


@pytest.mark.parametrize("target", ["/a b", "/a\r\nX: y", "/\udce9", "/\x7f"])
async def test_no_target_is_split(client: Http1Client, target: str) -> None:
    """A URL that would end the request line early is an error of whoever gave it."""
    with pytest.raises(OriginAnswerInvalid):
        await ask(client, URL(f"http://127.0.0.1:9{target}", encoded=True))


async def test_a_form_is_sent_whole(client: Http1Client) -> None:
    """With its length, and by a connection of its own."""
    async with hostile(FINE) as origin:
        await read_whole(await ask(client, origin.url))
        await client.request(
            "POST",
            origin.url,
            fields=[],
            form={"tokenId": "a b&c"},
            first_byte_timeout_s=PATIENCE_S,
        )
        assert origin.connections == 2


_MESSAGES = [
    FINE,
    OK + b"Transfer-Encoding: chunked\r\n\r\n2;x\r\nok\r\n0\r\nA: b\r\n\r\n",
    b"HTTP/1.1 103 Early\r\n\r\n" + FINE,
    OK + b'ETag: "1"\r\nConnection: close\r\n\r\nok',
]


@given(
    message=st.sampled_from(_MESSAGES),
    cuts=st.lists(st.integers(1, 60), max_size=8),
    edits=st.lists(st.tuples(st.integers(0, 90), st.binary(max_size=3)), max_size=2),
)
def test_any_octets_in_any_pieces(
    message: bytes, cuts: list[int], edits: list[tuple[int, bytes]]
) -> None:
    """Pieces change nothing; edited octets are an answer or an error of ours, and never hang."""
    for place, put in edits:
        message = message[:place] + put + message[place + 1 :]
    at = sorted({0, len(message), *(cut for cut in cuts if cut < len(message))})
    pieces = [message[a:b] for a, b in pairwise(at)]

    async def told(pieces: list[bytes]) -> tuple[int, bytes] | None:
        async with hostile(closes=True) as origin, new_client() as client:
            origin.answers = [pieces]
            try:
                response = await ask(client, origin.url)
                return response.status, await read_whole(response)
            except OriginError:
                return None

    by_pieces = asyncio.run(told(pieces))
    assert by_pieces == asyncio.run(told([message]))
    if not edits:
        assert by_pieces == (200, b"ok")
