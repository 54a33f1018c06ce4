"""A TLS connection that only waits holds little, and takes requests of any length all the same."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import trustme

from tests.process import Process, serving

_CONNECTIONS = 150
# Of 256 that asyncio sets aside for each.
_MOST_KIB = 100


@pytest.fixture
def connector(tmp_path: Path) -> Iterator[tuple[Process, str]]:
    """Run a connector with an HTTPS listener, whose address comes with it."""
    pem = tmp_path / "pem"
    trustme.CA().issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(pem))
    environ = {
        "STATE_DIRECTORY": str(tmp_path),
        "TDC_TLS_LISTEN": "127.0.0.1:0",
        "TDC_TLS_CERT": str(pem),
        "TDC_TLS_KEY": str(pem),
    }
    with serving(environ) as (process, _, _admin):
        yield process, process.event("listening")["tls"]


def test_idle_connections_are_small(connector: tuple[Process, str]) -> None:
    """They have asked once, and stay."""
    process, address = connector
    with ExitStack() as stack:
        stack.enter_context(_connected(address, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
        before_kib = process.resident_kib()
        for _ in range(_CONNECTIONS):
            stack.enter_context(_connected(address, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
        assert (process.resident_kib() - before_kib) / _CONNECTIONS < _MOST_KIB


def test_long_requests_are_read_whole(connector: tuple[Process, str]) -> None:
    """A hundred requests at once are more than fits; each is answered."""
    one = b"GET /%b HTTP/1.1\r\nHost: a\r\nUser-Agent: %b\r\n\r\n" % (b"a" * 500, b"b" * 500)
    sock = _connected(connector[1], one * 100)
    with sock:
        received = b""
        while received.count(b"HTTP/1.1 503 ") < 99:
            received += sock.recv(65536)


def _connected(address: str, asked: bytes) -> ssl.SSLSocket:
    """Return a connection on which something has been asked, and an answer has begun."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    host, port = address.split(":")
    sock = context.wrap_socket(socket.create_connection((host, int(port))))
    sock.sendall(asked)
    assert sock.recv(9) == b"HTTP/1.1 "
    return sock
