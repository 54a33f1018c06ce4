"""What an origin's answer tells of the whole content."""

import pytest
from aiohttp import web

from proxy.connectors.model import DeliveryMode
from proxy.delivery.origin_client import OriginClient
from proxy.delivery.resolution import Delivery
from proxy.delivery.upstream import upstream_of
from proxy.semantics.evaluation import RepresentationMetadata
from tests.delivery.origin_server import origin_server

DELIVERY = Delivery(
    content_id="0a1b", mode=DeliveryMode.PUBLISHED, sources=("https://a/",), file_name="a.bin"
)
TAG = {"ETag": '"1"', "Date": "Sun, 06 Nov 1994 08:49:37 GMT"}


@pytest.mark.parametrize(
    ("method", "status", "fields", "body", "told", "length"),
    [
        pytest.param("GET", 200, {}, b"octets", 200, 6, id="the whole"),
        pytest.param("GET", 206, {"Content-Range": "bytes 1-2/6"}, b"ct", 206, 6, id="a part"),
        pytest.param("GET", 206, {"Content-Range": "bytes 1-2/*"}, b"ct", 206, None, id="unknown"),
        pytest.param("HEAD", 206, {"Content-Range": "bytes 0-0/6"}, b"o", 200, 6, id="an octet"),
        pytest.param("HEAD", 416, {"Content-Range": "bytes */0"}, b"", 200, 0, id="none of none"),
        pytest.param("HEAD", 200, {}, b"octets", 200, 6, id="range ignored"),
    ],
)
async def test_what_is_known_then(
    origin_client: OriginClient,
    method: str,
    status: int,
    fields: dict[str, str],
    body: bytes,
    told: int,
    length: int | None,
) -> None:
    """Validators, date and complete length; an octet that was asked for a HEAD is none."""

    async def origin(_request: web.Request) -> web.Response:
        return web.Response(status=status, headers={**TAG, **fields}, body=body)

    async with origin_server(origin) as server:
        response = await origin_client.send("GET", server.url, fields=[])
        upstream = upstream_of(response, DELIVERY, method)
        response.close()
    assert upstream.status == told
    representation = upstream.delivery.representation
    assert representation is not None
    assert representation.known == RepresentationMetadata(
        etag='"1"', date=TAG["Date"], complete_length=length
    )
    assert not {name for name, _ in representation.fields} & {"Content-Length", "Content-Range"}
    if method == "HEAD":
        assert upstream.fields.getall("Content-Length") == [str(length)]
        assert "Content-Range" not in upstream.fields


async def test_an_answer_to_conditions_tells_nothing_new(origin_client: OriginClient) -> None:
    """A 304 has no content to describe: what was known stays."""

    async def origin(_request: web.Request) -> web.Response:
        return web.Response(status=304, headers={"ETag": '"2"'})

    async with origin_server(origin) as server:
        response = await origin_client.send("GET", server.url, fields=[])
        upstream = upstream_of(response, DELIVERY, "GET")
        response.close()
    assert upstream.delivery.representation is None


async def test_the_content_begins_with_what_was_read_already(origin_client: OriginClient) -> None:
    """Then the rest comes, then the end."""

    async def origin(_request: web.Request) -> web.Response:
        return web.Response(body=b"octets")

    async with origin_server(origin) as server:
        response = await origin_client.send("GET", server.url, fields=[])
        response.unread(b"head ")
        upstream = upstream_of(response, DELIVERY, "GET")
        assert [await upstream.read() for _ in range(3)] == [b"head ", b"octets", b""]
