"""The sessions towards THRON: what they send, keep, trust, and go through."""

import gzip
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme
from aiohttp import web
from aiohttp.test_utils import BaseTestServer, TestServer
from pydantic import SecretStr
from yarl import URL

from proxy.app.tenant import api_session, byte_client, origin_fields, trusted_authorities
from proxy.delivery.http_client import HttpClient, HttpResponse
from proxy.delivery.origin_hosts import OriginHosts
from proxy.errors import ConfigurationError, OriginProhibited, OriginUnreachable
from proxy.settings import Settings
from tests.delivery.taking import read_whole
from tests.waiting import PATIENCE_S

CONTENT = gzip.compress(b"content")
NAMED = OriginHosts(["127.0.0.1", "localhost"])


class Origin:
    """Answers gzipped content with a cookie, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.app = web.Application()
        self.app.router.add_route("*", "/{path:.*}", self._answer)

    async def _answer(self, request: web.Request) -> web.Response:
        self.asked.append((request.raw_path, dict(request.headers)))
        if request.path == "/old":
            return web.Response(status=307, headers={"Location": "/new"})
        fields = {"Content-Encoding": "gzip", "Set-Cookie": "a=b; Path=/"}
        return web.Response(body=CONTENT, headers=fields)


@asynccontextmanager
async def _origin() -> AsyncIterator[tuple[Origin, BaseTestServer]]:
    origin = Origin()
    async with TestServer(origin.app) as server:
        yield origin, server


async def fetched(http: HttpClient, url: URL) -> HttpResponse:
    """Get a URL."""
    return await http.request("GET", url, fields=[], first_byte_timeout_s=PATIENCE_S)


async def test_bytes_are_edited_by_no_one() -> None:
    """The byte client decodes nothing, and sends no field of its own but Host."""
    async with (
        _origin() as (origin, server),
        byte_client(Settings(), NAMED) as http,
    ):
        answer = await fetched(http, server.make_url("/x"))
        assert await read_whole(answer) == CONTENT
    ((_, fields),) = origin.asked
    assert set(fields) == {"Host"}


@pytest.mark.parametrize("session", ["api", "bytes"])
async def test_cookies_are_not_kept(session: str) -> None:
    """What THRON or an origin sets in one answer is in no later request."""
    settings = Settings()
    async with _origin() as (origin, server):
        url = server.make_url("/x")
        if session == "api":
            async with api_session(settings) as http:
                for _ in range(2):
                    async with http.get(url):
                        pass
        else:
            async with byte_client(settings, NAMED) as client:
                for _ in range(2):
                    (await fetched(client, url)).close()
    assert len(origin.asked) == 2
    assert all("Cookie" not in fields for _, fields in origin.asked)


async def test_private_addresses_only_if_named() -> None:
    """A name that resolves to this machine is refused unless the operator named it."""
    public_only = OriginHosts(["*.thron.com"])
    async with _origin() as (origin, server), byte_client(Settings(), public_only) as http:
        with pytest.raises(OriginProhibited):
            await fetched(http, URL(f"http://localhost:{server.port}/"))
    assert not origin.asked


async def test_outbound_proxy() -> None:
    """The operator's own proxy carries bytes and API, though its address is private."""
    async with _origin() as (proxy, server):
        settings = Settings(outbound_proxy=SecretStr(f"http://ana:s3cret@localhost:{server.port}"))
        async with byte_client(settings, OriginHosts(["*.thron.com"])) as client:
            response = await fetched(client, URL("http://origin.invalid/x?y"))
            assert (response.status, await read_whole(response)) == (200, CONTENT)
        async with api_session(settings) as http, http.get("http://api.invalid/x") as answer:
            assert answer.status == 200
    asked = [target for target, _ in proxy.asked]
    assert asked == ["http://origin.invalid/x?y", "http://api.invalid/x"]
    assert "s3cret" not in repr(settings)


def test_fields_to_origins() -> None:
    """Origins get the same lines with every request; Referer and User-Agent as set."""
    usual = dict(origin_fields(Settings()))
    assert usual["Accept-Encoding"] == "identity"
    assert usual["Via"] == "1.1 thron-connector"
    assert usual["User-Agent"].startswith("thron-connector/")
    assert "Referer" not in usual
    named = dict(origin_fields(Settings(referer="https://www.example.com/", user_agent="Us/1")))
    assert (named["Referer"], named["User-Agent"]) == ("https://www.example.com/", "Us/1")


async def test_more_authorities(tmp_path: Path) -> None:
    """An authority of the operator's own is trusted beside the machine's, once it is named."""
    authority = trustme.CA()
    named = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(named))
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(serving)
    server = TestServer(Origin().app, scheme="https")
    await server.start_server(ssl=serving)
    url = server.make_url("/x")
    async with byte_client(Settings(), NAMED) as http:
        with pytest.raises(OriginUnreachable) as failed:
            await fetched(http, url)
        assert failed.value.proxy_status == "tls_certificate_error"
    async with byte_client(Settings(ca_file=named), NAMED) as http:
        answer = await fetched(http, url)
        assert (answer.status, await read_whole(answer)) == (200, CONTENT)
    await server.close()


def test_file_without_authorities(tmp_path: Path) -> None:
    """A file that holds no certificates is told with its setting."""
    junk = tmp_path / "ca.pem"
    junk.write_text("hello")
    with pytest.raises(ConfigurationError, match=r"^TDC_CA_FILE: "):
        trusted_authorities(Settings(ca_file=junk))
