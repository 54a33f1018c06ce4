"""Faults on order, each as a client sees it (docs/thron.md 12, Faults)."""

import asyncio
import socket

import aiohttp
import pytest

from proxy.sandbox.faults import Fault, Faults, Kind, Where
from proxy.sandbox.server import Sandbox
from proxy.sandbox.tenant import octets
from tests.sandbox.conftest import Answer, Caller
from tests.sandbox.small import FILM, MANUAL, MP4, PDF

VALIDATE = "/api/xsso/resources/accessmanager/validateToken/sandbox"


@pytest.fixture
async def place(stranger: Caller) -> str:
    url = stranger.delivery("video", FILM, "WEB", "film")
    return (await stranger.plain(url)).location


async def struck(stranger: Caller, place: str, fault: Fault) -> Answer:
    stranger.thron.faults.add(fault)
    return await stranger.plain(place)


@pytest.mark.parametrize(
    ("fault", "status", "media_type"),
    [
        pytest.param(Fault(Kind.STATUS), 503, "text/plain", id="503"),
        pytest.param(Fault(Kind.STATUS, status=502), 502, "text/plain", id="502"),
        pytest.param(Fault(Kind.HTML), 200, "text/html", id="a page"),
        pytest.param(Fault(Kind.HTML, status=503), 503, "text/html", id="the edge's page"),
        pytest.param(Fault(Kind.ENVELOPE), 200, "application/json", id="envelope with 200"),
        pytest.param(Fault(Kind.EMPTY), 200, "application/octet-stream", id="empty"),
    ],
)
async def test_other_answers(
    stranger: Caller, place: str, fault: Fault, status: int, media_type: str
) -> None:
    """A fault may answer instead of the file; once, unless more is ordered."""
    answer = await struck(stranger, place, fault)
    assert (answer.status, answer.media_type) == (status, media_type)
    assert answer.body != octets(MP4)
    assert (await stranger.plain(place)).body == octets(MP4)


async def test_burst(stranger: Caller, place: str) -> None:
    """A fault strikes as often as ordered, or until it is taken back."""
    faults = stranger.thron.faults
    faults.fail(500, times=2)
    assert [(await stranger.plain(place)).status for _ in range(3)] == [500, 500, 200]
    faults.fail(500, times=None)
    assert [(await stranger.plain(place)).status for _ in range(3)] == [500, 500, 500]
    faults.clear()
    assert (await stranger.plain(place)).status == 200
    assert faults.struck == 5


async def test_busy(stranger: Caller, place: str) -> None:
    """429 comes with its Retry-After, if any."""
    answer = await struck(stranger, place, Fault(Kind.BUSY, retry_after="7"))
    assert (answer.status, answer.fields["Retry-After"]) == (429, "7")
    assert "Retry-After" not in (await struck(stranger, place, Fault(Kind.BUSY))).fields


async def test_redirects(stranger: Caller, place: str) -> None:
    """Redirects may run in a circle, or lead to where nobody should go."""
    assert (await struck(stranger, place, Fault(Kind.REDIRECT_LOOP))).location == place
    private = "http://169.254.169.254/latest/meta-data/"
    fault = Fault(Kind.REDIRECT_TO, location=private)
    assert (await struck(stranger, place, fault)).location == private
    host = (await struck(stranger, place, Fault(Kind.DNS))).location.split("/")[2]
    assert host.endswith(".invalid")
    secure = (await struck(stranger, place, Fault(Kind.TLS))).location
    assert secure.startswith("https://127.0.0.1:")
    with pytest.raises(aiohttp.ClientConnectorSSLError):
        await stranger.plain(secure)


async def test_latency_ends_when_released(stranger: Caller, place: str) -> None:
    """An answer may come late; whoever waits is let on by release."""
    stranger.thron.faults.add(Fault(Kind.LATENCY, seconds=60))
    waiting = asyncio.create_task(stranger.plain(place))
    await stranger.thron.faults.hit.wait()
    stranger.thron.faults.release()
    assert (await waiting).status == 200


async def test_short_latency(stranger: Caller, place: str) -> None:
    """Latency ends by itself."""
    assert (await struck(stranger, place, Fault(Kind.LATENCY, seconds=0.01))).status == 200


async def test_stall_before_the_first_byte(stranger: Caller, place: str) -> None:
    """A stall without an octet gives no status line until released."""
    stranger.thron.faults.add(Fault(Kind.STALL))
    waiting = asyncio.create_task(stranger.plain(place))
    await stranger.thron.faults.hit.wait()
    assert not waiting.done()
    stranger.thron.faults.release()
    assert (await waiting).body == octets(MP4)


async def test_stall_in_the_middle(thron: Sandbox, stranger: Caller, place: str) -> None:
    """A body may stand still after so many octets, and go on when released."""
    thron.faults.stall_after(100_000)
    async with aiohttp.ClientSession() as http, http.get(place) as response:
        got = await response.content.readexactly(100_000)
        rest = asyncio.create_task(response.content.read())
        thron.faults.release()
        assert got + await rest == octets(MP4)
    assert stranger.thron is thron


@pytest.mark.parametrize("kind", [Kind.TRUNCATED, Kind.RESET])
async def test_torn_body(thron: Sandbox, stranger: Caller, place: str, kind: Kind) -> None:
    """A body may break off, the full length having been promised."""
    thron.faults.add(Fault(kind, at=100_000))
    async with aiohttp.ClientSession() as http, http.get(place) as response:
        assert response.headers["Content-Length"] == str(MP4.length)
        assert len(await response.content.readexactly(50_000)) == 50_000
        with pytest.raises((aiohttp.ClientPayloadError, ConnectionResetError)):
            await response.content.readexactly(MP4.length - 50_000)
    assert (await stranger.plain(place)).body == octets(MP4)


async def test_a_refusal_stays_one(stranger: Caller, place: str) -> None:
    """What strikes a request that is refused does not make a file of the refusal's text."""
    lost = place.rpartition("/")[0] + "/lost.bin"
    answer = await struck(stranger, lost, Fault(Kind.TRUNCATED, times=None, at=100_000))
    assert answer.status == (await stranger.plain(lost)).status == 404


async def test_reset_before_the_first_byte(stranger: Caller, place: str) -> None:
    """A connection may be reset instead of answered."""
    with pytest.raises((aiohttp.ClientOSError, aiohttp.ServerDisconnectedError)):
        await struck(stranger, place, Fault(Kind.RESET, times=None))


async def test_trickle(thron: Sandbox, stranger: Caller, place: str) -> None:
    """A body may come slowly."""
    thron.faults.add(Fault(Kind.TRICKLE, octets_per_s=10))
    async with aiohttp.ClientSession() as http, http.get(place) as response:
        assert len(await response.content.readany()) < 10
    assert stranger.thron is thron


async def test_wrong_fields(stranger: Caller, place: str) -> None:
    """Type, length and validators may be wrong or missing, Range ignored, HEAD refused."""
    thron = stranger.thron
    wrong = await struck(stranger, place, Fault(Kind.MEDIA_TYPE, media_type="text/html"))
    assert wrong.media_type == "text/html"
    assert "Content-Length" not in (await struck(stranger, place, Fault(Kind.NO_LENGTH))).fields
    assert "ETag" not in (await struck(stranger, place, Fault(Kind.NO_VALIDATOR))).fields
    weak = await struck(stranger, place, Fault(Kind.WEAK_VALIDATOR))
    assert weak.fields["ETag"].startswith("W/")
    thron.faults.add(Fault(Kind.CHANGING_VALIDATOR, times=2))
    tags = {(await stranger.plain(place)).fields["ETag"] for _ in range(2)}
    assert len(tags) == 2
    thron.faults.add(Fault(Kind.RANGE_IGNORED))
    assert (await stranger.plain(place, Range="bytes=0-0")).status == 200
    thron.faults.add(Fault(Kind.RANGE_SHIFTED))
    shifted = await stranger.get(place, Range="bytes=10-19")
    assert (shifted.status, shifted.fields["Content-Range"][:11]) == (206, "bytes 11-20")
    coded = await struck(stranger, place, Fault(Kind.CODED))
    assert coded.fields["Content-Encoding"] == "gzip"
    assert coded.fields["Content-Length"] == str(len(coded.body))
    assert coded.body.startswith(b"\x1f\x8b")
    thron.faults.add(Fault(Kind.HEAD_REFUSED))
    assert (await stranger.plain(place)).status == 200
    assert (await stranger.plain(place, "HEAD")).status == 405


@pytest.mark.parametrize("where", ["api", "login", "delivery", "source"])
async def test_where(caller: Caller, where: Where) -> None:
    """A fault strikes one kind of request and leaves the others alone."""
    thron = caller.thron
    thron.faults.fail(500, where=where, times=None)
    source = "/api/xadmin/resources/content/downloadSource?clientId=sandbox&xcontentId="
    statuses = {
        "login": (await caller.login()).status,
        "api": (await caller.get(VALIDATE)).status,
        "delivery": (await caller.plain(caller.delivery("document", MANUAL, "WEB", "x"))).status,
        "source": (await caller.get(source + MANUAL)).status,
    }
    assert statuses.pop(where) == 500
    assert 500 not in statuses.values()


async def test_on_storage(caller: Caller) -> None:
    """The storage can fail by itself."""
    thron = caller.thron
    thron.switches.source_by = "redirect"
    thron.faults.tear_after(10, where="storage")
    source = "/api/xadmin/resources/content/downloadSource?clientId=sandbox&xcontentId="
    stored = (await caller.get(source + MANUAL)).location
    with pytest.raises(aiohttp.ClientPayloadError):
        await caller.plain(stored)
    assert (await caller.plain(stored)).body == octets(PDF)


async def test_torn_api_answer(caller: Caller) -> None:
    """An API answer may break off, too."""
    caller.thron.faults.tear_after(10, where="api")
    with pytest.raises(aiohttp.ClientPayloadError):
        await caller.get(VALIDATE)


async def test_narrowed(stranger: Caller, place: str) -> None:
    """A fault can be narrowed to a target and a method."""
    thron = stranger.thron
    thron.faults.add(Fault(Kind.STATUS, target="nothing-of-it"))
    thron.faults.add(Fault(Kind.STATUS, method="HEAD"))
    assert (await stranger.plain(place)).status == 200
    assert (await stranger.plain(place, "HEAD")).status == 503
    assert len(thron.faults.waiting) == 1


async def test_a_stall_does_not_hold_up_the_end() -> None:
    """A sandbox that is closed lets everyone go who waits."""
    async with Sandbox() as thron:
        thron.faults.add(Fault(Kind.STALL, "api", times=None))
        host, port = thron.api_url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port), family=socket.AF_INET)
        writer.write(f"GET {VALIDATE} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        await thron.faults.hit.wait()
    assert await reader.read(1) in {b"", b"H"}
    writer.close()


def test_take_counts_down() -> None:
    """Two equal faults strike together and are counted apart."""
    faults = Faults()
    faults.add(Fault(Kind.STATUS, times=2), Fault(Kind.STATUS))
    assert len(faults.take("static", method="GET", target="/x")) == 2
    assert len(faults.take("static", method="GET", target="/x")) == 1
    assert faults.take("static", method="GET", target="/x") == ()
