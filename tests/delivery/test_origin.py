"""A Delivery opened: the remembered target, then its sources; what is not taken for the content."""

from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

from proxy.clock import Clock
from proxy.connectors.model import DeliveryMode
from proxy.delivery.http_client import HttpClient
from proxy.delivery.origin import Origins
from proxy.delivery.origin_client import OriginClient
from proxy.delivery.resolution import Delivery
from proxy.delivery.source_file import SourceFiles
from proxy.errors import (
    OriginAnswerInvalid,
    OriginError,
    OriginGone,
    OriginRefused,
    OriginUnreachable,
    ThronRefused,
)
from proxy.sandbox.server import Sandbox
from proxy.thron.delivery_urls import source_urls
from tests.delivery.conftest import NAMED, http_client
from tests.delivery.origin_server import Handler, OriginServer, origin_server
from tests.running import Running, running
from tests.waiting import PATIENCE_S

THEN = "Sun, 06 Nov 1994 08:49:37 GMT"


@pytest.fixture
async def whole(thron: Sandbox, tmp_path: Path) -> AsyncIterator[Running]:
    async with running(thron, tmp_path) as connector:
        yield connector


@pytest.fixture
async def http() -> AsyncIterator[HttpClient]:
    async with http_client() as client:
        yield client


class Bench:
    """Origins with clocks of their own."""

    def __init__(self, whole: Running, http: HttpClient) -> None:
        self.seconds = 0.0
        origin_client = OriginClient(
            http, NAMED, first_byte_timeout_s=PATIENCE_S, now=lambda: self.seconds
        )
        self.origins = Origins(
            origin_client,
            SourceFiles(origin_client, whole.tenant.thron, now=lambda: self.seconds),
            clock=Clock(now=lambda: self.seconds, wall=lambda: 1_000_000 + self.seconds),
            target_ttl_s=60,
            refusal_ttl_s=600,
            sent=[("X-Sent", "1")],
            random=lambda: 0.0,
        )

    async def get(
        self, delivery: Delivery, method: str = "GET", *fields: tuple[str, str]
    ) -> tuple[int, bytes, Delivery]:
        """Open a delivery, and return status, content and what is known then."""
        opened = await self.origins.open(delivery, method=method, fields=fields)
        with closing(opened) as upstream:
            body = b""
            while method == "GET" and (chunk := await upstream.read()):
                body += chunk
            return upstream.status, body, upstream.delivery


@pytest.fixture
def bench(whole: Running, http: HttpClient) -> Bench:
    return Bench(whole, http)


def published(server: OriginServer, *paths: str) -> Delivery:
    """Return a delivery whose sources are these paths."""
    return Delivery(
        content_id="0a1b",
        mode=DeliveryMode.PUBLISHED,
        sources=tuple(server.url + path for path in paths),
        file_name="film.mp4",
    )


def redirecting(target: str) -> Handler:
    """Return an origin whose sources lead to a target."""

    async def origin(request: web.Request) -> web.Response:
        if request.path.startswith("/source"):
            return web.Response(status=302, headers={"Location": target})
        return web.Response(body=b"octets", headers={"ETag": '"1"'})

    return origin


async def test_a_target_is_remembered_for_its_time(bench: Bench) -> None:
    """The next one asks there at once, until the TTL is over."""
    async with origin_server(redirecting("/static/x")) as server:
        _, _, delivery = await bench.get(published(server, "/source"))
        assert delivery.target is not None
        assert delivery.target.until == 60
        bench.seconds = 59
        assert (await bench.get(delivery))[:2] == (200, b"octets")
        bench.seconds = 60
        assert (await bench.get(delivery))[:2] == (200, b"octets")
    asked = [path for _, path, _ in server.requests]
    assert asked == ["/source", "/static/x", "/static/x", "/source", "/static/x"]
    assert {fields["X-Sent"] for _, _, fields in server.requests} == {"1"}


@pytest.mark.parametrize(
    ("left_s", "until"), [(45, 15), (1000, 60), (30, None), (-5, None)], ids=str
)
async def test_a_signed_target_ends_before_its_signature(
    bench: Bench, left_s: int, until: int | None
) -> None:
    """Half a minute before; one that ends sooner is not remembered at all."""
    target = f"/static/x?xseo=&dt=exp={1_000_000 + left_s}~hmac=00"
    async with origin_server(redirecting(target)) as server:
        _, _, delivery = await bench.get(published(server, "/source"))
    assert (delivery.target.until if delivery.target else None) == until


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410])
async def test_a_target_that_is_gone_is_asked_for_again(bench: Bench, status: int) -> None:
    """An old version's name, or a lapsed signature: the source has a new one."""
    current = "/static/1"

    async def origin(request: web.Request) -> web.Response:
        if request.path == "/source":
            return web.Response(status=302, headers={"Location": current})
        return web.Response(status=200 if request.path == current else status, text="x")

    async with origin_server(origin) as server:
        _, _, delivery = await bench.get(published(server, "/source"))
        current = "/static/2"
        _, _, delivery = await bench.get(delivery)
    assert delivery.target is not None
    assert delivery.target.url.endswith("/static/2")


@pytest.mark.parametrize("status", [200, 400, 403, 404, 410, 415])
async def test_the_next_channel_after_any_refusal(bench: Bench, status: int) -> None:
    """A 4xx or a page may be about one channel; where all fail, the last failure is told."""

    async def origin(request: web.Request) -> web.Response:
        if request.path == "/good":
            return web.Response(body=b"octets", headers={"ETag": '"1"'})
        refusal = 401 if request.path == "/last" else status
        return web.Response(status=refusal, text="<html></html>", content_type="text/html")

    async with origin_server(origin) as server:
        assert (await bench.get(published(server, "/a", "/good")))[:2] == (200, b"octets")
        with pytest.raises(OriginRefused, match="401"):
            await bench.get(published(server, "/a", "/last"))


async def test_channels_are_tried_in_order(bench: Bench) -> None:
    """The first that is there is the one from then on; where none is, the content is gone."""

    async def origin(request: web.Request) -> web.Response:
        return web.Response(status=200 if request.path == "/b" else 404, text="x")

    async with origin_server(origin) as server:
        _, _, delivery = await bench.get(published(server, "/a", "/b", "/c"))
        assert delivery.sources == (f"{server.url}/b",)
        with pytest.raises(OriginGone):
            await bench.get(published(server, "/a", "/c"))
        with pytest.raises(OriginGone):
            await bench.get(published(server))


@pytest.mark.parametrize("refusal", [403, 405, 400, 501])
async def test_a_refused_head_is_a_get_of_one_octet(bench: Bench, refusal: int) -> None:
    """And it tells the same: the length of the whole."""

    async def origin(request: web.Request) -> web.Response:
        if request.method == "HEAD":
            return web.Response(status=refusal)
        assert request.headers["Range"] == "bytes=0-0"
        return web.Response(status=206, body=b"o", headers={"Content-Range": "bytes 0-0/1234"})

    async with origin_server(origin) as server:
        status, _, delivery = await bench.get(published(server, "/a"), "HEAD")
    assert status == 200
    assert delivery.representation is not None
    assert delivery.representation.known.complete_length == 1234


@pytest.mark.parametrize(
    ("status", "fields", "body"),
    [
        pytest.param(206, {"Content-Range": "bytes 0-5/6"}, b"octets", id="a part unasked for"),
        pytest.param(200, {"Content-Type": "text/html"}, b"<html></html>", id="a page"),
        pytest.param(200, {}, b"", id="nothing, without a word that it is all"),
        pytest.param(204, {}, b"", id="no content"),
        pytest.param(300, {}, b"which?", id="choices"),
    ],
)
async def test_what_is_not_the_content(
    bench: Bench, status: int, fields: dict[str, str], body: bytes
) -> None:
    """It is refused, never handed on."""

    async def origin(_request: web.Request) -> web.Response:
        return web.Response(status=status, headers=fields, body=body)

    async with origin_server(origin) as server:
        with pytest.raises(OriginAnswerInvalid):
            await bench.get(published(server, "/a"))


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({}, id="no Content-Range"),
        pytest.param({"Content-Range": "bytes */6"}, id="an unsatisfied one"),
        pytest.param({"Content-Range": "bytes 0-9/100"}, id="more than follows"),
        pytest.param({"Content-Range": "bytes 0-4/100"}, id="less than follows"),
        pytest.param({"Content-Type": "multipart/byteranges; boundary=x"}, id="several parts"),
    ],
)
async def test_a_part_that_is_none(bench: Bench, fields: dict[str, str]) -> None:
    """A 206 must say which octets it holds, and hold them."""

    async def origin(_request: web.Request) -> web.Response:
        return web.Response(status=206, headers=fields, body=b"octets")

    async with origin_server(origin) as server:
        with pytest.raises(OriginAnswerInvalid):
            await bench.get(published(server, "/a"), "GET", ("Range", "bytes=0-5"))


async def test_an_odd_range_spoils_nobody_else(bench: Bench) -> None:
    """What an origin says to one client's range is not remembered for those who ask otherwise."""

    async def origin(request: web.Request) -> web.Response:
        return web.Response(status=500 if "Range" in request.headers else 200, body=b"octets")

    async with origin_server(origin) as server:
        with pytest.raises(OriginUnreachable):
            await bench.get(published(server, "/a"), "GET", ("Range", "bytes=0-5"))
        assert (await bench.get(published(server, "/a")))[0] == 200


async def test_a_part_of_another_length(bench: Bench) -> None:
    """The part that was asked for has as many octets as its range says."""

    async def origin(_request: web.Request) -> web.Response:
        return web.Response(status=206, headers={"Content-Range": "bytes 0-4/9"}, body=b"octets")

    async with origin_server(origin) as server:
        with pytest.raises(OriginAnswerInvalid):
            await bench.get(published(server, "/a"), "GET", ("Range", "bytes=0-4"))


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        pytest.param("bytes=10-15", "bytes 0-5/100", id="another first-pos"),
        pytest.param("bytes=0-9", "bytes 0-5/100", id="another last-pos"),
        pytest.param("bytes=-6", "bytes 0-5/100", id="the beginning for a suffix"),
        pytest.param("bytes=10-", "bytes 0-5/6", id="the whole for what lies outside"),
    ],
)
async def test_another_part_than_was_asked_for(bench: Bench, asked: str, said: str) -> None:
    """It is refused by name: a client would join it to the wrong octets."""

    async def origin(_request: web.Request) -> web.Response:
        return web.Response(status=206, headers={"Content-Range": said}, body=b"octets")

    async with origin_server(origin) as server:
        with pytest.raises(OriginAnswerInvalid, match="another range"):
            await bench.get(published(server, "/a"), "GET", ("Range", asked))


@pytest.mark.parametrize(
    ("status", "asked", "is_taken"),
    [
        pytest.param(304, ("If-None-Match", '"1"'), True, id="304 to a tag"),
        pytest.param(304, ("If-Modified-Since", THEN), True, id="304 to a date"),
        pytest.param(412, ("If-Match", '"1"'), True, id="412 to a tag"),
        pytest.param(412, ("If-Unmodified-Since", THEN), True, id="412 to a date"),
        pytest.param(416, ("Range", "bytes=100-"), True, id="416 to a range outside"),
        pytest.param(304, ("Range", "bytes=0-1"), False, id="304 to no condition"),
        pytest.param(304, ("If-Match", '"1"'), False, id="304 to If-Match"),
        pytest.param(412, ("If-None-Match", '"1"'), False, id="412 to If-None-Match"),
        pytest.param(416, ("If-Match", '"1"'), False, id="416 to no range"),
        pytest.param(416, ("Range", "bytes=0-1"), False, id="416 to a range inside"),
    ],
)
async def test_the_origins_word_on_what_it_was_asked(
    bench: Bench, status: int, asked: tuple[str, str], *, is_taken: bool
) -> None:
    """304, 412 and 416 are handed on where the request could come to them, else refused."""

    async def origin(_request: web.Request) -> web.Response:
        fields = {"Content-Range": "bytes */6"} if status == 416 else {}
        return web.Response(status=status, headers=fields)

    async with origin_server(origin) as server:
        if is_taken:
            assert (await bench.get(published(server, "/a"), "GET", asked))[0] == status
        else:
            with pytest.raises(OriginAnswerInvalid):
                await bench.get(published(server, "/a"), "GET", asked)


@pytest.mark.parametrize(
    ("status", "tries", "error"),
    [(503, 3, OriginUnreachable), (429, 3, OriginUnreachable), (400, 1, OriginRefused)],
)
async def test_what_may_pass_is_tried_again(
    bench: Bench, status: int, tries: int, error: type[OriginError]
) -> None:
    """Three times before the first octet; what would not change is not."""

    async def origin(_request: web.Request) -> web.Response:
        return web.Response(status=status)

    async with origin_server(origin) as server:
        with pytest.raises(error):
            await bench.get(published(server, "/a"))
    assert len(server.requests) == tries


async def test_an_empty_file_is_one(bench: Bench) -> None:
    """Where the origin says that it is: by a validator."""

    async def origin(_request: web.Request) -> web.Response:
        return web.Response(body=b"", headers={"ETag": '"0"'})

    async with origin_server(origin) as server:
        assert (await bench.get(published(server, "/a")))[:2] == (200, b"")


async def test_an_origin_that_is_left_alone_costs_no_retry(bench: Bench) -> None:
    """It is known when to ask it again; the retries are kept for the others."""
    answers = iter([503, 200])

    async def failing(_request: web.Request) -> web.Response:
        return web.Response(status=503)

    async def failing_once(_request: web.Request) -> web.Response:
        return web.Response(status=next(answers), body=b"octets", headers={"ETag": '"1"'})

    async with origin_server(failing) as server, origin_server(failing_once) as other:
        for number in range(20):
            with pytest.raises(OriginUnreachable) as failed:
                await bench.get(replace(published(server, f"/{number}"), content_id=str(number)))
        assert failed.value.retry_after_s is not None
        assert len(server.requests) == 7  # three times each the first two, then the third
        assert (await bench.get(published(other, "/a")))[:2] == (200, b"octets")


async def test_a_refused_source_file_is_asked_for_once(bench: Bench, whole: Running) -> None:
    """THRON's refusal of a content counts for every request for it, until it is forgotten."""
    thron = whole.thron
    film, kit = (thron.tenant.find(name).id for name in ("strada-sl-film", "press-kit"))

    def source_file(content_id: str) -> Delivery:
        urls = source_urls(thron.api_url, thron.client_id, content_id=content_id, save_as="x")
        return Delivery(content_id, DeliveryMode.ORIGINAL, urls, "x")

    def asked() -> int:
        return len(thron.log.of("api", "downloadSource"))

    thron.tenant.app.may_share = False
    with pytest.raises(ThronRefused):
        await bench.get(source_file(film))
    count = asked()
    for fields in ((), [("Range", "bytes=0-9")]):
        bench.seconds += 60  # longer than a failure of any kind is remembered
        with pytest.raises(ThronRefused):
            await bench.get(source_file(film), "GET", *fields)
    assert asked() == count
    with pytest.raises(ThronRefused):
        await bench.get(source_file(kit))
    assert asked() > count
    thron.tenant.app.may_share = True
    await bench.origins.forget_failures()
    assert (await bench.get(source_file(film)))[0] == 200
