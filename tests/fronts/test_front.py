"""nginx with slices and Varnish, each a CDN that pulls from the connector."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from ipaddress import ip_network
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
import pytest

from proxy.catalogue.connector import Connector, Identifier
from proxy.sandbox.server import Sandbox
from proxy.sandbox.switches import Validator
from tests.clients.command import answered, sha256
from tests.fronts.front import Front, nginx, varnish
from tests.running import Answer, Running, by_id, running

# Three slices and a bit.
LARGE_OCTETS = 3 * 1024 * 1024 + 99
LARGE = Random(3).randbytes(LARGE_OCTETS)  # noqa: S311 - octets to be told apart, no secret
Kind = Callable[[int, Path], AbstractAsyncContextManager[Front]]
# Until something expires: a second by its Cache-Control, and a busy machine.
PATIENCE_S = 30


@pytest.fixture
async def connector(thron: Sandbox, tmp_path: Path) -> AsyncIterator[Running]:
    """Run connectors that answers may be stored of for long, for a second, and by ``reference``."""
    wanted = (
        by_id(thron),
        by_id(thron, "brief", max_age_s=1),
        by_id(thron, "https-only", force_https=True),
        Connector(
            slug="references",
            folder=thron.root_folder_id,
            identifier=Identifier.METADATA,
            metadata="reference",
        ),
    )
    trusted = (ip_network("127.0.0.1/32"),)
    (state := tmp_path / "state").mkdir()
    async with running(
        thron, state, *wanted, trusted_proxies=trusted, resolution_ttl_s=0.1
    ) as whole:
        yield whole


@pytest.fixture(params=[nginx, varnish], ids=["nginx", "varnish"])
async def front(
    request: pytest.FixtureRequest, connector: Running, tmp_path: Path
) -> AsyncIterator[Front]:
    home = tmp_path / "front"
    home.mkdir()
    async with request.param(connector.gateway.parts.settings.listen.port, home) as front:
        yield front


@pytest.fixture
def large(thron: Sandbox) -> str:
    """Publish a file of several slices; return the content's id."""
    content = thron.tenant.find("press-kit")
    thron.publish_new_version(content.id, LARGE)
    return content.id


async def until(
    holds: Callable[[Answer, dict[str, int]], bool], connector: Running, url: str
) -> Answer:
    """Ask for a URL again and again until something holds of answer and connector's figures."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            answer = await connector.get(url)
            if holds(answer, await answered(connector)):
                return answer
            await asyncio.sleep(0.05)


async def test_whole_content_and_a_hit(connector: Running, front: Front, large: str) -> None:
    """The second download is right as the first, and does not reach the connector."""
    url = f"{front.url}/files/{large}/kit.zip"
    first = await connector.get(url)
    assert (first.status, sha256(first.body)) == (200, sha256(LARGE))
    before = await answered(connector)
    second = await connector.get(url)
    assert (second.status, sha256(second.body)) == (200, sha256(LARGE))
    assert await answered(connector) == before
    assert second.fields["X-Cache"] == "HIT"
    assert second.fields["ETag"] == first.fields["ETag"]


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        pytest.param("bytes=0-0", slice(0, 1), id="first octet"),
        pytest.param("bytes=1048570-1048585", slice(1_048_570, 1_048_586), id="across slices"),
        pytest.param("bytes=2000000-", slice(2_000_000, None), id="open-ended"),
        pytest.param("bytes=-100", slice(-100, None), id="suffix"),
    ],
)
async def test_range(connector: Running, front: Front, large: str, asked: str, part: slice) -> None:
    """A range is right when it is the first request for the content, and again from the cache."""
    url = f"{front.url}/files/{large}/kit.zip"
    for _ in range(2):
        answer = await connector.get(url, Range=asked)
        assert (answer.status, answer.body) == (206, LARGE[part])
        assert answer.fields["Content-Range"].endswith(f"/{len(LARGE)}")


@pytest.mark.parametrize(
    "reading",
    [
        pytest.param({"source_ranges": False}, id="no ranges"),
        pytest.param({"source_length": False}, id="no length"),
        pytest.param({"source_validator": "weak"}, id="weak validator"),
        pytest.param({"source_validator": "none"}, id="no validator"),
        pytest.param({"source_by": "redirect"}, id="redirect to a storage"),
    ],
)
async def test_other_readings_of_thron(
    connector: Running, front: Front, large: str, reading: dict[str, Any]
) -> None:
    """Whatever THRON's source files turn out to be like, whole and range come right."""
    for name, value in reading.items():
        setattr(connector.thron.switches, name, value)
    url = f"{front.url}/files/{large}/kit.zip"
    part = await connector.get(url, Range="bytes=2000000-2000099")
    assert part.body in {LARGE[2_000_000:2_000_100], LARGE}
    assert part.status == (206 if len(part.body) == 100 else 200)
    whole = await connector.get(url)
    assert (whole.status, sha256(whole.body)) == (200, sha256(LARGE))


async def test_beyond_the_end(connector: Running, front: Front, large: str) -> None:
    """A range outside the content is 416 through a front as well."""
    answer = await connector.get(f"{front.url}/files/{large}", Range="bytes=9000000-")
    assert answer.status == 416
    assert answer.fields["Content-Range"] == f"bytes */{len(LARGE)}"


async def test_an_empty_file(connector: Running, front: Front) -> None:
    """An empty file is 200 and empty, also where the front asks in slices."""
    content = connector.thron.tenant.find("empty-file")
    answer = await connector.get(f"{front.url}/files/{content.id}/nothing.txt")
    assert (answer.status, answer.body) == (200, b"")


async def test_revalidation(connector: Running, front: Front) -> None:
    """What has expired is revalidated: the connector answers 304, and no content crosses again."""
    content = connector.thron.tenant.find("logo")
    url = f"{front.url}/brief/{content.id}/logo.png"
    source = connector.thron.tenant.bytes_of(content.id)
    assert (await connector.get(url)).body == source
    fetched = await answered(connector)
    answer = await until(lambda _, figures: figures.get("304", 0) > 0, connector, url)
    assert (answer.status, answer.body) == (200, source)
    revalidated = await answered(connector)
    assert {**revalidated, "304": 0} == {**fetched, "304": 0}


async def test_new_version(connector: Running, front: Front, large: str) -> None:
    """After expiry the same URL gives the new version, whole; never a mixture on the way."""
    url = f"{front.url}/brief/{large}/kit.zip"
    assert (await connector.get(url)).body == LARGE
    new = bytes(reversed(LARGE))
    connector.thron.publish_new_version(large, new)
    async with asyncio.timeout(PATIENCE_S):
        while (body := await _whole_or_nothing(connector, url)) != new:
            assert body in {LARGE, b""}
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("validator", ["strong", "weak", "none"])
async def test_slices_of_two_versions_are_not_mixed(
    connector: Running, tmp_path: Path, large: str, validator: Validator
) -> None:
    """Where nginx asked for a slice of the old version, a download of the new one is not both.

    By the entity-tag nginx sees it, and breaks off; parts without one are not stored.
    """
    connector.thron.switches.source_validator = validator
    (home := tmp_path / "front").mkdir()
    async with nginx(connector.gateway.parts.settings.listen.port, home) as front:
        url = f"{front.url}/files/{large}/kit.zip"
        assert (await connector.get(url, Range="bytes=2097152-2097153")).status == 206
        new = bytes(reversed(LARGE))
        connector.thron.publish_new_version(large, new)
        direct = str(connector.url(f"/files/{large}"))
        await until(lambda answer, _: answer.body == new, connector, direct)
        assert await _whole_or_nothing(connector, url) == (new if validator == "none" else b"")


async def test_encoded_slash(connector: Running, front: Front) -> None:
    """A metadata value with slashes stays one segment, in every slice of its content."""
    content = connector.thron.tenant.find("Value with slashes")
    connector.thron.publish_new_version(content.id, LARGE)
    url = f"{front.url}/references/VA%2F2001%2F54/slash.bin"
    whole = await connector.get(url)
    assert (whole.status, sha256(whole.body)) == (200, sha256(LARGE))
    part = await connector.get(url, Range="bytes=2097150-2097160")
    assert part.body == LARGE[2_097_150:2_097_161]
    assert (await connector.get(f"{front.url}/references/VA/2001/54")).status == 404


async def test_other_addresses_of_odd_letters(connector: Running, front: Front) -> None:
    """Blanks, percent signs, punctuation and other scripts come through as they are."""
    for title, segment in {
        "Value with a space": "Notte%20blu",
        "Value with a percent sign": "100%2525%20lana",
        "Value with ? # & ; \\ +": "chi%3Fva%23piano%26sano%3Bva%5Clontano%2B",
        "Value in other scripts": "%E5%B1%B1%E3%81%AE%E9%81%93%20%E2%80%93%20Gr%C3%B6%C3%9Fe%2054",
    }.items():
        content = connector.thron.tenant.find(title)
        answer = await connector.get(f"{front.url}/references/{segment}")
        assert answer.body == connector.thron.tenant.bytes_of(content.id), segment


async def test_head_and_conditions(connector: Running, front: Front, large: str) -> None:
    """HEAD tells the length of the whole, and a current entity-tag gets 304."""
    url = f"{front.url}/files/{large}/kit.zip"
    head = await connector.ask("HEAD", url)
    assert (head.status, head.body) == (200, b"")
    assert head.fields["Content-Length"] == str(len(LARGE))
    again = await connector.get(url, If_None_Match=head.fields["ETag"])
    assert (again.status, again.body) == (304, b"")


async def test_cors_and_disposition(connector: Running, front: Front, large: str) -> None:
    """What a page of another origin needs comes through, and ?inline is not stored as the other."""
    url = f"{front.url}/files/{large}/kit.zip"
    assert (await connector.ask("OPTIONS", url)).fields["Allow"] == "GET, HEAD, OPTIONS"
    plain = await connector.get(url, Origin="https://shop.example")
    assert plain.fields["Access-Control-Allow-Origin"] == "*"
    assert plain.fields["Content-Disposition"].startswith("attachment")
    inline = await connector.get(f"{url}?inline&utm_source=mail")
    assert inline.fields["Content-Disposition"].startswith("inline")


async def test_https_only(connector: Running, front: Front, large: str) -> None:
    """Where HTTPS is forced, plain http is redirected by the connector, through the front."""
    answer = await connector.get(f"{front.url}/https-only/{large}/kit.zip")
    assert answer.status == 301
    assert answer.fields["Location"].startswith("https://")
    assert "max-age=300" in answer.fields["Cache-Control"]
    assert answer.fields["Access-Control-Allow-Origin"] == "*"


async def test_https_is_reached(
    connector: Running, thron: Sandbox, front: Front, large: str
) -> None:
    """Behind a front that ends TLS, a connector that forces HTTPS serves and does not loop."""
    asked = f"/https-only/{large}/kit.zip"
    if front.secure_url is not None:
        answer = await connector.get(f"{front.secure_url}{asked}")
    else:
        answer = await connector.get(f"{front.url}{asked}", X_Forwarded_Proto="https")
    assert (answer.status, answer.body == thron.tenant.bytes_of(large)) == (200, True)


async def test_far_range_of_ten_gib(connector: Running, thron: Sandbox, front: Front) -> None:
    """Of a content larger than any cache, a range at its end comes without all before it."""
    content = thron.tenant.find("strada-sl-rushes")
    url = f"{front.url}/files/{content.id}/rushes.bin"
    for first in (0, 9 * 1024**3, 9 * 1024**3 + 500):
        answer = await connector.get(url, Range=f"bytes={first}-{first + 99}")
        expected = b"".join(content.version.source.read(first, first + 100))
        assert (answer.status, answer.body == expected) == (206, True)


@pytest.mark.parametrize("kind", [nginx, varnish], ids=["nginx", "varnish"])
async def test_goes_on_while_the_connector_is_down(
    thron: Sandbox, tmp_path: Path, kind: Kind
) -> None:
    """What a front has stored and what has expired since is served while nobody answers it."""
    content = thron.tenant.find("logo")
    source = thron.tenant.bytes_of(content.id)
    (home := tmp_path / "front").mkdir()
    (state := tmp_path / "state").mkdir()
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession())
        async with running(thron, state, by_id(thron, max_age_s=1)) as connector:
            port = connector.gateway.parts.settings.listen.port
            front = await stack.enter_async_context(kind(port, home))
            url = f"{front.url}/files/{content.id}"
            assert (await connector.get(url)).body == source
        await stack.enter_async_context(asyncio.timeout(PATIENCE_S))
        stale = False
        while not stale:
            async with http.get(url) as response:
                assert (response.status, await response.read() == source) == (200, True)
                fields = response.headers
            stale = fields["X-Cache"] == "STALE" or int(fields.get("Age", "0")) > 1
            await asyncio.sleep(0.05)


async def _whole_or_nothing(connector: Running, url: str) -> bytes:
    """Return a body that came whole; empty where the front broke it off."""
    try:
        return (await connector.get(url)).body
    except aiohttp.ClientError:
        return b""
