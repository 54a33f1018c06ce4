"""Requests that no application meets: what is no HTTP, and what makes no request."""

import asyncio
import re

import pytest

from tests.running import Running


async def said(connector: Running, sent: bytes) -> bytes:
    """Send octets to the public listener, and return all that comes until it closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", connector.url("/").port)
    writer.write(sent)
    answer = await reader.read()
    writer.close()
    return answer


MALFORMED = [
    pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="no Host"),
    pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", id="two Hosts"),
    pytest.param(b"GET / HTTP/9.9\r\nHost: a\r\n\r\n", id="unknown version"),
    pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", id="HTTP/2"),
    pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", id="TLS"),
    pytest.param(b"GET /\x00 HTTP/1.1\r\nHost: a\r\n\r\n", id="NUL in the target"),
    pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nX: \x00\r\n\r\n", id="NUL in a field"),
    pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n", id="blank before the colon"),
    pytest.param(b"GET / HTTP/1.1\nHost: a\n\n", id="bare LF"),
    pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n", id="folded line"),
    pytest.param(b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", id="long target"),
    pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 9000 + b"\r\n\r\n", id="long field"),
    pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 200 + b"\r\n", id="many fields"),
    pytest.param(
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        id="two lengths of content",
    ),
    pytest.param(
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        id="lengths that differ",
    ),
    pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", id="negative length"),
    pytest.param(b"GET http://a:99999/ HTTP/1.1\r\nHost: a\r\n\r\n", id="port of no host"),
]


@pytest.mark.parametrize("sent", MALFORMED)
async def test_malformed_request(connector: Running, sent: bytes) -> None:
    """It is answered by 400 with a request id, repeats nothing, names no software's version."""
    answer = await said(connector, sent)
    head, _, text = answer.partition(b"\r\n\r\n")
    assert re.match(rb"HTTP/1\.[01] 400 ", head)
    assert b"\r\nServer: thron-connector\r\n" in head
    assert b"\r\nConnection: close" in head or head.startswith(b"HTTP/1.0")
    assert b"aiohttp" not in answer
    request_id = re.search(rb"\r\nX-Request-Id: ([0-9a-f]{32})", head)
    assert request_id is not None
    assert text == b"This is not an HTTP request that can be understood.\n%s\n" % request_id[1]


@pytest.mark.parametrize("host", ["xn--", "xn--a-ecp.ru", "xn--\x2e"])
async def test_target_whose_host_is_none(connector: Running, host: str) -> None:
    """A connection whose request cannot even be made is closed, not left open for ever."""
    assert await said(connector, f"GET http://{host}/ HTTP/1.1\r\nHost: a\r\n\r\n".encode()) == b""


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"OPTIONS * HTTP/1.1", id="asterisk-form"),
        pytest.param(b"CONNECT files.example:443 HTTP/1.1", id="authority-form"),
    ],
)
async def test_target_that_is_no_path(connector: Running, line: bytes) -> None:
    """Forms of target that a gateway has no use for are 400."""
    answer = await said(connector, line + b"\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")


async def test_what_follows_a_malformed_request_is_not_read(connector: Running) -> None:
    """Nothing of a connection counts after a request that two parsers may read differently."""
    smuggling = (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"0\r\n\r\nGET /-/livez HTTP/1.1\r\nHost: a\r\n\r\n"
    )
    answer = await said(connector, smuggling)
    assert answer.count(b"HTTP/1.") == 1


async def test_content_of_a_request_is_not_read_as_a_request(connector: Running) -> None:
    """The content of a request is read past, whatever it looks like."""
    inner = b"GET /-/livez HTTP/1.1\r\nHost: a\r\n\r\n"
    answer = await said(
        connector,
        b"GET /files/none HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\n"
        b"Content-Length: %d\r\n\r\n%s"
        b"GET /-/readyz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" % (len(inner), inner),
    )
    assert re.findall(rb"HTTP/1\.1 (\d+) ", answer) == [b"404", b"200"]
