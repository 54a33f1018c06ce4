"""The clients of a bench.

They are not measured, and need not be the fastest: of nginx, wrk got no more answers for a second
of its processor's time. wrk cannot ask by HEAD.
"""

import selectors
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection

Address = tuple[str, int]

_TIMEOUT_S = 60
_READ = 1 << 20
_CLOSE = "Connection: close\r\n"


def request(path: str, *, method: str = "GET", fields: str = "") -> bytes:
    """Return a request as octets.

    Args:
        path: The target.
        method: GET or HEAD.
        fields: More field lines, each with CRLF at its end.
    """
    return f"{method} {path} HTTP/1.1\r\nHost: bench\r\nUser-Agent: bench\r\n{fields}\r\n".encode()


@dataclass(slots=True)
class _Asker:
    """One connection that asks the same again and again."""

    sock: socket.socket
    asked: bytes
    _received: bytes = b""

    def ask(self) -> None:
        """Send the request; what comes is the answer to it."""
        self._received = b""
        self.sock.sendall(self.asked)

    def is_answered(self) -> bool:
        """Read what has come, and tell whether the answer is whole."""
        read = self.sock.recv(65536)
        if not read:
            raise ConnectionError(f"closed by the server after {self._received[:200]!r}")
        self._received = received = self._received + read
        end = received.find(b"\r\n\r\n")
        if end < 0:
            return False
        if received[9:12] not in {b"200", b"206", b"304"}:
            raise ValueError(f"an answer that was not wanted: {received[:500]!r}")
        if self.asked.startswith(b"HEAD") or received[9:12] == b"304":
            return True
        return len(received) >= end + 4 + _content_length(received[:end])


def _content_length(section: bytes) -> int:
    at = section.lower().index(b"\r\ncontent-length:") + 17
    return int(section[at : at + 20].split(b"\r\n")[0])


def answers(address: Address, asked: bytes, *, seconds: float, connections: int = 64) -> int:
    """Ask on many connections for so long, and return how many answers came."""
    counted = 0
    with ExitStack() as stack:
        selector = stack.enter_context(selectors.EpollSelector())
        for _ in range(connections):
            asker = _Asker(stack.enter_context(socket.create_connection(address)), asked)
            asker.sock.settimeout(_TIMEOUT_S)
            selector.register(asker.sock, selectors.EVENT_READ, asker)
            asker.ask()
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for key, _ in _ready(selector):
                if key.data.is_answered():
                    counted += 1
                    key.data.ask()
    return counted


def first_bytes_s(address: Address, asked: bytes, *, times: int, every_s: float = 0) -> list[float]:
    """Ask one after the other on one connection; return how long each first octet took."""
    took: list[float] = []
    with socket.create_connection(address, timeout=_TIMEOUT_S) as sock:
        asker = _Asker(sock, asked)
        for _ in range(times):
            time.sleep(every_s)
            began = time.perf_counter()
            asker.ask()
            sock.recv(1, socket.MSG_PEEK)
            took.append(time.perf_counter() - began)
            while not asker.is_answered():
                pass
    return took


def download(address: Address, path: str, *, octets: int, connections: int = 1) -> None:
    """Download a file on so many connections at once; the octets are counted, not copied."""
    with _downloads(address, path, connections) as selector:
        received = dict.fromkeys(selector.get_map(), 0)
        while selector.get_map():
            for key, _ in _ready(selector):
                if read := _discarded(key):
                    received[key.fd] += read
                    continue
                selector.unregister(key.fileobj)
                _require(received[key.fd], octets)


def keep_downloading(address: Address, path: str, *, octets: int, connections: int) -> None:
    """Download a file on so many connections, again and again, until the process is ended."""
    while True:
        download(address, path, octets=octets, connections=connections)


def download_by_tls(address: Address, path: str, *, octets: int, context: ssl.SSLContext) -> None:
    """Download a file by HTTPS."""
    buffer = bytearray(_READ)
    with (
        socket.create_connection(address, timeout=_TIMEOUT_S) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as sock,
    ):
        sock.sendall(request(path, fields=_CLOSE))
        received = 0
        while read := sock.recv_into(buffer):
            received += read
        _require(received, octets)


def etag(address: Address, path: str) -> str:
    """Return the entity-tag of a file; the server knows the file from now on."""
    http = HTTPConnection(*address, timeout=_TIMEOUT_S)
    with closing(http):
        http.request("GET", path, headers={"Range": "bytes=0-0"})
        answer = http.getresponse()
        answer.read()
        return str(answer.headers["ETag"])


@dataclass(slots=True)
class SlowReaders:
    """Downloads that are read at a low rate, for as long as somebody goes on reading."""

    _selector: selectors.BaseSelector
    _per_s: int
    _next: float = field(default_factory=time.monotonic)

    def read(self, seconds: float) -> None:
        """Read each at its rate, once a second."""
        for _ in range(int(seconds)):
            for key in list(self._selector.get_map().values()):
                sock: socket.socket = key.fileobj  # type: ignore[assignment] # what was registered
                try:
                    sock.recv(self._per_s, socket.MSG_TRUNC)
                except BlockingIOError:
                    continue
            self._next += 1
            time.sleep(max(0.0, self._next - time.monotonic()))


@contextmanager
def slow_readers(
    address: Address, path: str, *, connections: int, per_s: int
) -> Iterator[SlowReaders]:
    """Begin downloads that are to be read slowly."""
    with _downloads(address, path, connections) as selector:
        yield SlowReaders(selector, per_s)


@contextmanager
def _downloads(address: Address, path: str, connections: int) -> Iterator[selectors.BaseSelector]:
    with ExitStack() as stack:
        selector = stack.enter_context(selectors.EpollSelector())
        for _ in range(connections):
            sock = stack.enter_context(socket.create_connection(address))
            sock.sendall(request(path, fields=_CLOSE))
            sock.setblocking(False)  # noqa: FBT003 - the socket module's own signature
            selector.register(sock, selectors.EVENT_READ)
        yield selector


def _discarded(key: selectors.SelectorKey) -> int:
    sock: socket.socket = key.fileobj  # type: ignore[assignment] # what was registered
    return len(sock.recv(_READ, socket.MSG_TRUNC))


def _require(received: int, octets: int) -> None:
    """Raise if an answer, with its header section, has not so many octets."""
    if received <= octets:
        raise ConnectionError(f"the server closed after {received} of {octets} octets")


def _ready(
    selector: selectors.BaseSelector,
) -> list[tuple[selectors.SelectorKey, int]]:
    ready = selector.select(_TIMEOUT_S)
    if not ready:
        raise TimeoutError(f"nothing came for {_TIMEOUT_S} s")
    return ready
