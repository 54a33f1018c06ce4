"""One download, from a public address to the bytes."""

import asyncio
import gzip
import time
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from multidict import CIMultiDict

from proxy.backoff import Backoff
from proxy.connectors.model import DeliveryMode, Disposition
from proxy.delivery.admission import Admission
from proxy.delivery.delivery_builder import DeliveryBuilder
from proxy.delivery.download import Downloads, Limits, PublicBases
from proxy.delivery.resolution import Delivery
from proxy.delivery.retry import RetryPolicy
from proxy.delivery.transfer import MinRate
from proxy.sandbox.faults import Fault, Kind
from proxy.sandbox.server import Sandbox
from proxy.semantics.forwarded import TrustedProxies
from proxy.telemetry.live import Traffic
from proxy.telemetry.middleware import Observer
from tests.running import Running, by_id, by_name, running
from tests.waiting import PATIENCE_S

FILM = "b68d7e9f-7488-4ff1-bdfe-3af6768a631f"
PATH = f"/files/{FILM}"


async def test_three_kinds_of_address_give_the_same_bytes(connector: Running) -> None:
    """Content ID, prettyID and metadata lead to one content, byte for byte the source file."""
    content = connector.thron.tenant.find("strada-sl-film")
    source = connector.thron.tenant.bytes_of(content.id)
    for path in (
        f"/files/{content.id}",
        "/media/EN/strada-sl-film/x.mp4",
        "/products/VA-1001-FILM",
    ):
        answer = await connector.get(path)
        assert (answer.status, answer.body == source) == (200, True), path


async def test_what_is_known_is_answered_without_the_origin(connector: Running) -> None:
    """After one download: HEAD, 304, 412 and 416 are made here."""
    whole = await connector.get(PATH)
    tag, length = whole.fields["ETag"], len(whole.body)
    connector.thron.log.clear()
    head = await connector.ask("HEAD", PATH)
    assert (head.status, head.fields["Content-Length"]) == (200, str(length))
    assert head.fields["Content-Type"] == whole.fields["Content-Type"]
    fresh = await connector.get(PATH, If_None_Match=tag)
    assert (fresh.status, fresh.fields["ETag"], fresh.body) == (304, tag, b"")
    assert (await connector.get(PATH, If_Match='"another"')).status == 412
    outside = await connector.get(PATH, Range=f"bytes={length}-")
    assert (outside.status, outside.fields["Content-Range"]) == (416, f"bytes */{length}")
    assert len(connector.thron.log) == 0


async def test_an_origin_that_codes(connector: Running) -> None:
    """Its content goes with its coding to a client that can decode it, and to nobody else."""
    connector.thron.faults.add(Fault(Kind.CODED, "source", times=None))
    source = connector.thron.tenant.bytes_of(FILM)
    for accepted in ("gzip", "identity", "gzip;q=0, br", ""):
        for method in ("GET", "HEAD"):
            answer = await connector.ask(method, PATH, Accept_Encoding=accepted)
            if accepted == "gzip":
                assert (answer.status, answer.fields["Content-Encoding"]) == (200, "gzip")
                assert answer.fields["Vary"] == "Accept-Encoding"
                assert method == "HEAD" or gzip.decompress(answer.body) == source
            else:
                assert answer.status == 502
                assert "http_response_content_coding" in answer.fields["Proxy-Status"]
                assert answer.fields["Cache-Control"] == "no-store"
    part = await connector.get(PATH, Accept_Encoding="gzip", Range="bytes=0-1")
    assert (part.status, part.body) == (206, b"\x1f\x8b")
    assert (await connector.get(PATH, Accept_Encoding="br", Range="bytes=0-1")).status == 502
    connector.thron.faults.add(Fault(Kind.WEAK_VALIDATOR, "source", times=None))
    part = await connector.get(PATH, Accept_Encoding="gzip", Range="bytes=0-1")
    assert part.status == 502
    connector.thron.faults.clear()
    whole = await connector.get(PATH, Accept_Encoding="identity")
    assert (whole.status, whole.body, "Vary" in whole.fields) == (200, source, False)


async def test_a_page_without_a_name_is_a_content(connector: Running) -> None:
    """THRON does not always tell the name of a file; of a document it may be HTML."""
    thron = connector.thron
    thron.switches.file_names_sent = False
    thron.switches.source_by = "redirect"
    content = thron.tenant.find("newsletter-spring-2024")
    answer = await connector.get("/media/en/newsletter-spring-2024")
    assert (answer.status, answer.body) == (200, thron.tenant.bytes_of(content.id))
    assert answer.fields["Content-Security-Policy"] == "sandbox"
    thron.faults.add(Fault(Kind.HTML, "source", times=None))
    assert (await connector.get(PATH)).status == 404


async def test_if_range_of_another_version_gives_the_whole(connector: Running) -> None:
    """Whether or not the entity-tag is known here."""
    for _ in range(2):
        answer = await connector.get(PATH, Range="bytes=0-9", If_Range='"another"')
        assert answer.status == 200
        assert answer.body == connector.thron.tenant.bytes_of(FILM)
    tag = answer.fields["ETag"]
    assert (await connector.get(PATH, Range="bytes=0-9", If_Range=tag)).status == 206


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PROPFIND", "PATCH"])
async def test_other_methods(connector: Running, method: str) -> None:
    """405, with what is allowed, and no question to THRON."""
    connector.thron.log.clear()
    answer = await connector.ask(method, PATH)
    assert answer.status == 405
    assert answer.fields["Allow"] == "GET, HEAD, OPTIONS"
    assert answer.fields["Cache-Control"] == "no-store"
    assert answer.fields["X-Request-Id"] in answer.body.decode()
    assert len(connector.thron.log) == 0


@pytest.mark.parametrize(
    ("method", "status", "fields"),
    [
        pytest.param("GET", 412, {"If_Match": '"another"'}, id="412"),
        pytest.param("HEAD", 412, {"If_Match": '"another"'}, id="412 to a HEAD"),
        pytest.param("GET", 416, {"Range": "bytes=99999999-"}, id="416"),
    ],
)
async def test_a_refusal_says_why(
    connector: Running, method: str, status: int, fields: dict[str, str]
) -> None:
    """Text with the request id, by the origin's word first and then by our own; never stored."""
    for _ in range(2):
        answer = await connector.ask(method, PATH, **fields)
        assert answer.status == status
        assert answer.fields["Content-Type"] == "text/plain; charset=utf-8"
        assert answer.fields["Cache-Control"] == "no-store"
        assert "Content-Disposition" not in answer.fields
        if method == "GET":
            assert answer.fields["X-Request-Id"] in answer.body.decode()
            assert answer.fields["Content-Length"] == str(len(answer.body))


async def test_options(connector: Running) -> None:
    """A preflight is answered for any address."""
    answer = await connector.ask("OPTIONS", PATH, Origin="https://a.example")
    assert answer.status == 204
    assert answer.fields["Access-Control-Allow-Origin"] == "*"


async def test_the_query_turns_the_disposition(thron: Sandbox, tmp_path: Path) -> None:
    """Either way; no other query is read, and none reaches THRON."""
    inline = by_id(thron, "shown", disposition=Disposition.INLINE)
    async with running(thron, tmp_path, by_id(thron), inline) as connector:
        for path, word in (
            (PATH, "attachment"),
            (f"{PATH}?inline", "inline"),
            (f"/shown/{FILM}?utm_source=mail", "inline"),
            (f"/shown/{FILM}?download", "attachment"),
        ):
            answer = await connector.get(path)
            assert answer.fields["Content-Disposition"].startswith(word), path
        assert not [each for each in thron.log if "utm_source" in each.target]


async def test_a_connector_that_is_off_serves_nothing(thron: Sandbox, tmp_path: Path) -> None:
    """Its addresses are 404, as if there were none."""
    async with running(thron, tmp_path, by_id(thron, enabled=False)) as connector:
        assert (await connector.get(PATH)).status == 404


async def test_a_former_name_points_to_the_current_one(thron: Sandbox, tmp_path: Path) -> None:
    """The content comes at once, with the address that caches and search engines should keep."""
    path = "/media/en/strada-sl-film"
    async with running(
        thron, tmp_path, by_name(thron), resolution_ttl_s=1e-6, public_url="https://dl.example.com"
    ) as connector:
        assert "Link" not in (await connector.get(path)).fields
        thron.tenant.rename(FILM, now=time.time(), pretty_ids=(("EN", "renamed"),))
        answer = await connector.get(path)
        assert answer.status == 200
        link = '<https://dl.example.com/media/en/renamed>; rel="canonical"'
        assert answer.fields["Link"] == link


async def test_too_many_downloads_are_refused(thron: Sandbox, tmp_path: Path) -> None:
    """At once and with Retry-After; never a queue."""
    thron.faults.stall_after(100, where="source", times=None)
    async with running(thron, tmp_path, by_id(thron), max_downloads=1) as connector:
        async with connector.http.get(connector.url(PATH)):
            refused = await connector.get(PATH)
            assert refused.status == 503
            assert int(refused.fields["Retry-After"]) > 0
            assert (await connector.ask("HEAD", PATH)).status == 200  # it takes no place
        assert await connector.gateway.admission.drained(at_most_s=PATIENCE_S) == 0
        thron.faults.clear()
        assert (await connector.get(PATH)).status == 200


async def test_an_empty_file(connector: Running) -> None:
    """Nothing at all is a whole content too, before and after its length is known."""
    connector.thron.publish_new_version(FILM, b"")
    for _ in range(2):
        assert (await connector.ask("HEAD", PATH)).status == 200
        answer = await connector.get(PATH)
        assert (answer.status, answer.body) == (200, b"")
        assert answer.fields["Content-Length"] == "0"
        assert (await connector.get(PATH, Range="bytes=0-")).status == 416


async def test_a_pkey_is_doubted_whatever_the_age(thron: Sandbox, tmp_path: Path) -> None:
    """Where the CDN does not know a content, the pkey is looked at before THRON is asked again."""
    doubted = []

    class Doubting(DeliveryBuilder):
        async def is_outdated(self, delivery: Delivery) -> bool:
            doubted.append(delivery.content_id)
            return False

    renditions = by_id(thron, delivery=DeliveryMode.PUBLISHED)
    async with running(thron, tmp_path, renditions, negative_ttl_s=1e-9) as connector:
        await connector.tenant.thron.session()
        thron.tenant.app.pkey = "another-key"
        doubting = Doubting(
            connector.tenant.thron,
            client_id=thron.client_id,
            api_url=thron.api_url,
            cdn_url=thron.cdn_url,
        )
        connection = connector.gateway.context.connection
        connection.tenant = replace(connector.tenant, delivery_builder=doubting)
        downloads = Downloads(
            watch=connector.gateway.watch,
            connection=connection,
            not_ready=tuple,
            limits=Limits(
                admission=Admission(
                    max_downloads=1,
                    max_per_client=0,
                    trusted=TrustedProxies(),
                    now=time.monotonic,
                ),
                retry_policy=RetryPolicy(
                    lambda: 0.5, attempts=8, backoff=Backoff(0.1, longest_s=5)
                ),
                read_gap_s=PATIENCE_S,
                min_rate=MinRate(min_rate_bytes_s=1, window_s=300),
            ),
            bases=PublicBases("http://dl.example.com", "https://dl.example.com"),
            stale_if_error_s=60,
        )
        observer = Observer(
            downloads.answer,
            traffic=Traffic(now=time.time),
            trusted=TrustedProxies(),
            negative_ttl_s=10,
            stopping=asyncio.Event(),
        )
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", observer.answer)
        async with TestClient(TestServer(app)) as client:
            answer = await client.get(f"/files/{FILM}")
    assert (answer.status, doubted) == (404, [FILM])


async def test_a_loop_ends(connector: Running) -> None:
    """What has passed through a connector already is not asked for again."""
    answer = await connector.get("/media/en/logo", Via="1.1 cdn, 1.1 thron-connector")
    assert answer.status == 502
    assert answer.fields["Proxy-Status"] == "thron-connector; error=proxy_loop_detected"
    assert (await connector.get("/media/en/logo", Via="1.1 varnish")).status == 200


async def test_a_loop_ends_whichever_line_tells_it(connector: Running) -> None:
    """Proxies may add to Via by a line of their own (RFC 9110, 5.3)."""
    fields = CIMultiDict([("Via", "1.1 cdn"), ("Via", "1.1 thron-connector")])
    async with connector.http.get(connector.url("/media/en/logo"), headers=fields) as answer:
        assert answer.status == 502
