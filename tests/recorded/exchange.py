"""One request, and its answer as a text that is the same each time."""

import asyncio
import hashlib
import re
from dataclasses import dataclass

from tests.waiting import PATIENCE_S

_FEW_OCTETS = 300
_MOST_OCTETS = 20_000

# What differs from run to run: when, and on which ports, it ran; and secrets.
_VARIES = (
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:<port>"),
    (re.compile(r"^(Date|Server|X-Request-Id): .*", re.MULTILINE), r"\1: <\1>"),
    (re.compile(r"\bttl=-?\d+"), "ttl=<s>"),
    (re.compile(r"^Age: \d+", re.MULTILINE), "Age: <s>"),
    # The contents are of 2024, this run is not.
    (re.compile(r"20(?!24)\d\d-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)?"), "<time>"),
    (re.compile(r'("[a-z_]+_s"): ?\d+(\.\d+)?(?=[,}])'), r"\1:<s>"),
    (re.compile(r'("(?:number|id)"):\d+'), r"\1:<n>"),
    (re.compile(r"^[0-9a-f]{32}$", re.MULTILINE), "<X-Request-Id>"),
    (re.compile(r'("request_id"): ?"\w+"'), r'\1:"<id>"'),
    (re.compile(r'("secret"): ?"[^"]+"'), r'\1:"<secret>"'),
    (re.compile(r'("hint"): ?"[^"]+"'), r'\1:"<hint>"'),
    (re.compile(r'("version"): ?"[^"]+"'), r'\1:"<version>"'),
    (re.compile(r"'nonce-[^']+'"), "'nonce-<nonce>'"),
    (re.compile(r"((?:__Host-)?\w+=)[\w.:~-]{20,}(; )"), r"\1<value>\2"),
)


@dataclass(frozen=True, slots=True)
class Request:
    """A request as its octets; its name heads the recorded answer.

    Attributes:
        line: Method and target.
        fields: Beside Host and Connection.
        body: Sent with its length.
        version: Of the protocol.
        host: The Host field; None for the listener's own address.
        source: The address that it comes from: of 127.0.0.0/8, 127.0.0.1 being a trusted proxy.
    """

    line: str
    fields: tuple[str, ...] = ()
    body: str = ""
    version: str = "HTTP/1.1"
    host: str | None = None
    source: str = "127.0.0.9"

    @property
    def name(self) -> str:
        """What is told of it in a recording."""
        more = [] if self.version == "HTTP/1.1" else [self.version]
        more += [f"Host: {self.host}"] if self.host is not None else []
        more += ["from a trusted proxy"] if self.source == "127.0.0.1" else []
        parts = [self.line, *more, *self.fields, *([self.body] if self.body else [])]
        return " | ".join(parts).encode("ascii", "backslashreplace").decode()

    def octets(self, authority: str, secrets: dict[str, str]) -> bytes:
        """Return what is sent."""
        host = authority if self.host is None else self.host
        lines = [f"{self.line} {self.version}", f"Host: {host}", "Connection: close", *self.fields]
        body = self.body.encode()
        if body:
            lines.append(f"Content-Length: {len(body)}")
        head = "\r\n".join([*lines, "", ""])
        for name, secret in secrets.items():
            head = head.replace(f"<{name}>", secret)
        return head.encode("utf-8", "surrogateescape") + body


async def answered(request: Request, authority: str, secrets: dict[str, str]) -> str:
    """Send a request to a listener; return the answer without what varies from run to run."""
    host, _, port = authority.rpartition(":")
    async with asyncio.timeout(PATIENCE_S):
        reader, writer = await asyncio.open_connection(
            host, int(port), local_addr=(request.source, 0)
        )
        writer.write(request.octets(authority, secrets))
        answer = await reader.read()
        writer.close()
    return recordable(answer, is_head=request.line.startswith("HEAD "))


def recordable(answer: bytes, *, is_head: bool = False) -> str:
    """Return an answer as a text without what varies from run to run."""
    head, _, body = answer.partition(b"\r\n\r\n")
    if head.startswith(b"HTTP/1.1 1"):  # an interim answer
        return f"{head.decode()}\n{recordable(body, is_head=is_head)}"
    if b"\r\nTransfer-Encoding: chunked" in head and not is_head:
        body = _joined(body)
    # The order of fields means nothing, that of lines of one field does (RFC 9110, 5.3).
    start, *lines = head.decode("latin-1").split("\r\n")
    fields = "\n".join([start, *sorted(lines, key=lambda line: line.partition(":")[0].lower())])
    shown = _shown(body, head)
    same = _same(shown)
    if same != shown:
        fields = re.sub(r"\nContent-Length: \d+", "\nContent-Length: <n>", fields)
    return f"{_same(fields)}\n\n{same}".replace("\r", "").rstrip("\n")


def _same(text: str) -> str:
    """Replace what varies from run to run."""
    for varying, instead in _VARIES:
        text = varying.sub(instead, text)
    return text


def _joined(chunks: bytes) -> bytes:
    """Return the content of chunks (RFC 9112, 7.1)."""
    joined = b""
    while chunks:
        size, _, rest = chunks.partition(b"\r\n")
        length = int(size, 16)
        joined, chunks = joined + rest[:length], rest[length + 2 :]
    return joined


def _shown(body: bytes, head: bytes) -> str:
    """Return a text as it is; of anything else, where it is longer, that it is the same."""
    is_text = re.search(rb"^Content-Type: (text/|application/(toml|.*json))", head, re.MULTILINE)
    try:
        text = body.decode()
    except UnicodeDecodeError:
        is_text, text = None, "\0"
    if (is_text and len(body) <= _MOST_OCTETS) or (len(body) <= _FEW_OCTETS and text.isprintable()):
        return text
    return f"<{len(body)} octets, SHA-256 {hashlib.sha256(body).hexdigest()[:16]}>"
