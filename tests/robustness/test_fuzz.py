"""Whatever is sent: an answer with a defined status or a closed connection, and no traceback."""

import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.request import urlopen

import orjson
import pytest
from hypothesis import HealthCheck, example, given, settings

from tests.process import Process, command, serving
from tests.robustness.conversations import conversations

# What the public listener may answer to whatever it is asked, while THRON is well.
DEFINED = {100, 200, 204, 206, 301, 304, 400, 404, 405, 412, 416, 417, 429, 503, 505}
CONNECTORS = """
[[connector]]
slug = "files"
folder = "{folder}"
identifier = "content_id"

[[connector]]
slug = "media"
folder = "{folder}"
identifier = "pretty_id"

[[connector]]
slug = "products"
folder = "{folder}"
identifier = "metadata"
metadata = "sku"
"""
# The last request of every conversation, so that its end is an answer and not a silence.
LAST = b"GET /-/livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
# What conversations that make sense are answered.
GRASPED = {200, 206, 400, 404, 405}


@dataclass(frozen=True, slots=True)
class Target:
    """A connector in a process of its own, and what it has."""

    process: Process
    address: tuple[str, int]
    known: list[bytes]

    def say(self, sent: bytes, *, patience_s: float = 0.1) -> bytes:
        """Send octets on one connection, and return what comes back until it is over.

        What waits for more octets than were sent is left soon, as an impatient client does.
        """
        with socket.create_connection(self.address) as connection:
            connection.settimeout(patience_s)
            received = bytearray()
            try:
                connection.sendall(sent + b"\r\n\r\n" + LAST)
                while octets := connection.recv(1 << 18):
                    received += octets
            except (TimeoutError, ConnectionError):
                pass
            return bytes(received)


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    state = tmp_path_factory.mktemp("state")
    with command("sandbox", environ={}) as thron:
        environ = _exported(thron) | {"STATE_DIRECTORY": str(state)}
        contents = _contents(environ["TDC_API_URL"])
        document = state / "connectors.toml"
        document.write_text(CONNECTORS.format(folder=_folder(thron)))
        applied = ("connectors", "apply", "--yes", str(document))
        with command(*applied, environ=environ) as apply:
            assert apply.status() == 0, apply.output
        with serving(environ) as (process, public, _):
            host, _, port = public.rpartition(":")
            known = [
                *(f"/files/{content}".encode() for content in contents[:5]),
                b"/media/en/strada-sl-film/x.mp4",
                b"/products/VA-1001-FILM",
                b"/products/VA-1001-FILM?download",
                b"/products/none",
            ]
            yield Target(process, (host, int(port)), known)


def _exported(thron: Process) -> dict[str, str]:
    pattern = re.compile(r"^export (TDC_\w+)=(.*)$", re.MULTILINE)
    thron.printed("# root folder")
    return dict(pattern.findall(thron.output))


def _folder(thron: Process) -> str:
    return thron.printed("# root folder").rpartition(" ")[2]


def _contents(api_url: str) -> list[str]:
    with urlopen(f"{api_url}/sandbox/contents") as answer:  # noqa: S310 - the sandbox on loopback
        found = orjson.loads(answer.read())
    small = [each for each in found if each["length"] < 100_000 and each["status"] == "PUBLISHED"]
    return [each["id"] for each in small]


def _statuses(received: bytes) -> set[int]:
    return {int(found) for found in re.findall(rb"^HTTP/\d\.\d (\d{3}) ", received, re.MULTILINE)}


def _hold(target: Target, *, examples: int, is_same_each_time: bool) -> None:
    before = target.process.descriptors()
    seen: set[int] = set()
    patience_s = 0.1

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=is_same_each_time,
        suppress_health_check=list(HealthCheck),
    )
    # Not one conversation in a hundred gets so far; which ones are drawn changes with the sources.
    @example(b"DELETE /files/x HTTP/1.1\r\nHost: a\r\n\r\n")
    @given(conversations(target.known))
    def converse(sent: bytes) -> None:
        received = target.say(sent, patience_s=patience_s)
        statuses = _statuses(received)
        seen.update(statuses)
        assert statuses <= DEFINED
        assert b"aiohttp" not in received

    converse()
    if not seen >= GRASPED:  # a busy machine answers later than an impatient client waits
        patience_s = 2.0
        converse()
    assert seen >= GRASPED, "the fuzzer has lost its grip"
    _still_well(target)
    assert target.process.descriptors() <= before + 8, "keep-alive connections to the sandbox"


def _still_well(target: Target) -> None:
    """Hold that the log tells no bug and that a content still comes."""
    asked = b"HEAD " + target.known[0] + b" HTTP/1.1\r\nHost: a\r\n\r\n"
    assert b" 200 OK" in target.say(asked, patience_s=60)
    lines = target.process.output.splitlines()
    bugs = [each for each in lines if "Traceback" in each or "exception" in each]
    assert not bugs, "\n".join(bugs)
    assert target.process.events, "each line but the set-up link is one JSON object"


@pytest.mark.timeout(600)  # a thousand conversations, beside whatever else the machine does
def test_strangers(target: Target) -> None:
    """No conversation gets a status that is not meant, or leaves a traceback or a descriptor."""
    _hold(target, examples=1000, is_same_each_time=True)


@pytest.mark.soak
def test_crowd_of_strangers(target: Target) -> None:
    """The same for a long time."""
    _hold(target, examples=20_000, is_same_each_time=False)


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\r\n" * 100, id="empty lines"),
        pytest.param(b"GET /files HTTP/1.1\r\nHost: a\r\n\r\n" * 500, id="a long pipeline"),
        pytest.param(b"\x00" * 100_000, id="zeros"),
        pytest.param(b"G" * 1_000_000, id="a method without end"),
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"1;" + b"x" * 200_000 + b"\r\n",
            id="a chunk extension without end",
        ),
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"0\r\n" + b"X: y\r\n" * 50_000 + b"\r\n",
            id="a trailer section without end",
        ),
    ],
)
def test_too_much(target: Target, sent: bytes) -> None:
    """Sizes without measure are refused like all else."""
    assert _statuses(target.say(sent)) <= DEFINED
    _still_well(target)
