"""Each recipe of deploy/ with its real program: the connector's answers, through a front."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from proxy.sandbox.server import Sandbox
from tests.clients.command import answered, sha256
from tests.fronts.conftest import LARGE, LARGE_OCTETS, of_caches
from tests.fronts.front import TLS_PROXY, Front, varnish
from tests.logs import logged
from tests.running import Answer, Running
from tests.waiting import until

CLIENT = "127.0.0.3"
MIB = 1024**2


@of_caches
async def test_whole_content_and_a_hit(connector: Running, front: Front, large: str) -> None:
    """The second download is right as the first, and no octet of it crosses again."""
    url = f"{front.url}/files/{large}/kit.zip"
    first = await connector.get(url)
    assert (first.status, sha256(first.body)) == (200, sha256(LARGE))
    before = await answered(connector)
    second = await connector.get(url)
    assert (second.status, sha256(second.body)) == (200, sha256(LARGE))
    after = await answered(connector)
    assert {**after, "304": 0} == {**before, "304": 0}  # nginx revalidates after a second
    assert second.fields["X-Cache"] in {"HIT", "REVALIDATED"}
    assert second.fields["ETag"] == first.fields["ETag"]


async def test_ranges(connector: Running, front: Front, large: str) -> None:
    """A range is right when it is the first request for a URL, and again from the cache."""
    for name, asked, part in (
        ("first-byte", "bytes=0-0", slice(0, 1)),
        ("across-slices", "bytes=1048570-1048585", slice(1_048_570, 1_048_586)),
        ("open-ended", "bytes=2000000-", slice(2_000_000, None)),
        ("suffix", "bytes=-100", slice(-100, None)),
    ):
        for _ in range(2):
            answer = await connector.get(f"{front.url}/files/{large}/{name}.zip", Range=asked)
            assert (answer.status, answer.body) == (206, LARGE[part]), name
            assert answer.fields["Content-Range"].endswith(f"/{len(LARGE)}")


@of_caches
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
        # As the proxy that ends TLS before Varnish asks.
        async with _asking_from(connector, TLS_PROXY) as tls_proxy:
            answer = await tls_proxy.get(f"{front.url}{asked}", X_Forwarded_Proto="https")
    assert (answer.status, answer.body == thron.tenant.bytes_of(large)) == (200, True)


async def test_far_range_of_ten_gib(connector: Running, thron: Sandbox, front: Front) -> None:
    """Of a content larger than any cache, a range at its end comes without all before it."""
    content = thron.tenant.find("strada-sl-rushes")
    url = f"{front.url}/files/{content.id}/rushes.bin"
    for first in (0, 9 * 1024**3, 9 * 1024**3 + 500):
        answer = await connector.get(url, Range=f"bytes={first}-{first + 99}")
        expected = b"".join(content.version.source.read(first, first + 100))
        assert (answer.status, answer.body == expected) == (206, True)


async def test_varnish_holds_no_large_file(
    connector: Running, thron: Sandbox, tmp_path: Path
) -> None:
    """What it does not store goes straight through, and nothing after it; no client asks for that.

    How much memory it takes otherwise, ``test_large.py`` shows.
    """
    (home := tmp_path / "varnish").mkdir()
    content = thron.tenant.find("strada-sl-rushes")
    async with varnish(connector.gateway.context.settings.listen.port, home) as front:
        url = f"{front.url}/files/{content.id}/rushes.bin"
        large = await connector.get(url, Range=f"bytes=1-{9 * MIB}")
        expected = b"".join(content.version.source.read(1, 9 * MIB + 1))
        assert (large.status, large.body == expected) == (206, True)
        assert large.fields["Connection"] == "close"
        small = await connector.get(url, Range="bytes=1-9", X_Piped="1")
        assert (small.status, small.fields["X-Cache"]) == (206, "MISS")


# What a front may say otherwise, or adds.
OF_THE_HOP = frozenset(
    {"age", "connection", "date", "keep-alive", "server", "transfer-encoding", "via", "x-cache"}
    | {"x-request-id", "x-varnish", "cache-status", "accept-ranges", "content-length", "alt-svc"}
)


@pytest.mark.parametrize(
    "most", [pytest.param(8, id="8"), pytest.param(200, id="200", marks=pytest.mark.soak)]
)
async def test_as_the_connector_itself(connector: Running, front: Front, most: int) -> None:
    """Whole, part, HEAD and condition: each says through a front what it says without."""
    compared = 0
    ids = [each.id for each in connector.thron.tenant.contents()]
    forms = ("/files/{}", "/files/{}?inline", "/files/{}/a%20name.bin", "/brief/{}", "/brief/{}?x")
    for path in (form.format(each) for form in forms for each in ids):
        known = await connector.ask("HEAD", path)
        if compared == most or known.status != 200:
            continue
        compared += 1
        requests: list[tuple[str, dict[str, str]]] = [
            ("HEAD", {}),
            ("GET", {"Range": "bytes=1-9"}),
        ]
        if int(known.fields.get("Content-Length", 0)) <= LARGE_OCTETS:
            requests.append(("GET", {}))
        if (etag := known.fields.get("ETag")) is not None:
            requests.append(("GET", {"If_None_Match": etag}))
            requests.append(("GET", {"Range": "bytes=-5", "If_Range": etag}))
        for method, fields in requests:
            through = await connector.ask(method, f"{front.url}{path}", **fields)
            direct = await connector.ask(method, path, **fields)
            assert through.status == direct.status, path
            if direct.status >= 400:  # its text has the id of the request, or is the front's own
                continue
            assert through.body == direct.body, path
            said = _said(through)
            if through.status == 304:  # one that stores may repeat more of what it has stored
                said = {name: value for name, value in said.items() if name in _said(direct)}
            assert said == _said(direct), path
    assert compared == most


def _said(answer: Answer) -> dict[str, str]:
    """Return the field lines that are the connector's own."""
    lines = {name.lower(): value for name, value in answer.fields.items()}
    return {name: value for name, value in lines.items() if name not in OF_THE_HOP}


def _spoofed(field: str, name: str, value: str) -> dict[str, str]:
    """Return a line that claims something by ``Forwarded``, or by a field of the other family."""
    if field == "Forwarded":
        return {"Forwarded": f"{name}={value}"}
    return {f"X-Forwarded-{name.title()}": value}


@pytest.mark.parametrize("field", ["Forwarded", "X-Forwarded"])
async def test_spoofed_host_poisons_nothing(
    connector: Running, front: Front, large: str, field: str
) -> None:
    """What a client claims of the host changes neither its answer nor the one that is stored."""
    url = f"{front.url}/{large}/kit.zip"
    for claimed in (_spoofed(field, "host", "media-b.example"), {}):
        answer = await connector.ask("GET", url, **{"Host": "media-a.example", **claimed})
        assert (answer.status, answer.body == LARGE) == (200, True)
        other = await connector.ask("GET", url, **{"Host": "media-b.example", **claimed})
        assert other.status == 404


@pytest.mark.parametrize("field", ["Forwarded", "X-Forwarded"])
async def test_spoofed_scheme_poisons_nothing(
    connector: Running, front: Front, large: str, field: str
) -> None:
    """What a client claims of the scheme leaves the redirect to https in place, for all."""
    url = f"{front.url}/https-only/{large}/kit.zip"
    for claimed in (_spoofed(field, "proto", "https"), {}):
        answer = await connector.ask("GET", url, **claimed)
        assert (answer.status, answer.fields["Location"][:8]) == (301, "https://")


@pytest.mark.parametrize("field", ["Forwarded", "X-Forwarded"])
async def test_spoofed_address_hides_no_client(
    connector: Running, front: Front, large: str, field: str
) -> None:
    """A client that claims another address is known by its own, in the log and to the limits."""
    url = f"{front.url}/files/{large}"
    with logged() as log:
        async with _asking_from(connector, CLIENT) as asking:
            await asking.ask("GET", url, **_spoofed(field, "for", "6.6.6.6"))

        async def clients() -> bool:
            asked = [each for each in log.of("download") if each["path"].startswith("/files/")]
            return bool(asked) and {each["client"] for each in asked} == {CLIENT}

        await until(clients)


@asynccontextmanager
async def _asking_from(connector: Running, address: str) -> AsyncIterator[Running]:
    """Give a client whose connections come from a loopback address of its own."""
    from_there = aiohttp.TCPConnector(local_addr=(address, 0))
    async with aiohttp.ClientSession(connector=from_there, auto_decompress=False) as http:
        yield replace(connector, http=http)
