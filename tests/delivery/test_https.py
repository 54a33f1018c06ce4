"""Force HTTPS: by redirect, behind a trusted proxy, and natively."""

import ssl
from collections.abc import Sequence
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
import trustme
from structlog.testing import capture_logs

from proxy.sandbox.server import Sandbox
from proxy.semantics.forwarded import FORWARDED, X_FORWARDED
from proxy.settings import Listen
from tests.running import LOOPBACK, Running, by_id, by_name, running

FILM = "/files/b68d7e9f-7488-4ff1-bdfe-3af6768a631f"
LOOPBACK_ALONE = (ip_network("127.0.0.1/32"),)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def native(authority: trustme.CA, tmp_path: Path) -> dict[str, Any]:
    """Return the settings of a native HTTPS listener."""
    certificate = authority.issue_cert(LOOPBACK)
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    certificate.cert_chain_pems[0].write_to_path(chain)
    certificate.private_key_pem.write_to_path(key)
    return {"tls_cert": chain, "tls_key": key, "tls_listen": Listen(host=LOOPBACK, port=0)}


async def get(connector: Running, url: str, authority: trustme.CA, **fields: str) -> Any:
    """GET a URL, trusting the authority; return status, fields and content."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    async with connector.http.get(
        url, ssl=context, allow_redirects=False, headers=fields
    ) as response:
        return response.status, response.headers, await response.read()


async def test_a_plain_request_is_redirected(thron: Sandbox, tmp_path: Path) -> None:
    """301 to the https address, name and disposition kept, for known and unknown contents."""
    async with running(
        thron, tmp_path, by_id(thron, force_https=True), public_url="http://dl.example.com"
    ) as connector:
        for path in (f"{FILM}/caf%C3%A9.mp4?inline", f"{FILM}?download&utm_source=x", "/files/x1"):
            answer = await connector.get(path)
            assert answer.status == 301
            wanted = f"https://dl.example.com{path}".replace("&utm_source=x", "")
            assert answer.fields["Location"] == wanted
            assert answer.fields["Cache-Control"] == "public, max-age=300"
            assert answer.fields["Access-Control-Allow-Origin"] == "*"
            assert "Strict-Transport-Security" not in answer.fields


@pytest.mark.parametrize(
    ("named", "https", "ignored"),
    [
        pytest.param(
            X_FORWARDED,
            {"X_Forwarded_Proto": "https"},
            {"Forwarded": "proto=https"},
            id="X-Forwarded-Proto",
        ),
        pytest.param(
            [FORWARDED],
            {"Forwarded": "for=192.0.2.1;proto=https"},
            {"X_Forwarded_Proto": "https"},
            id="Forwarded",
        ),
    ],
)
async def test_no_loop_behind_a_trusted_proxy(
    thron: Sandbox,
    tmp_path: Path,
    named: Sequence[str],
    https: dict[str, str],
    ignored: dict[str, str],
) -> None:
    """A trusted proxy's word that the client came by https is enough, in the field it writes."""
    async with running(
        thron,
        tmp_path,
        by_id(thron, force_https=True),
        trusted_proxies=LOOPBACK_ALONE,
        forwarded=named,
    ) as connector:
        assert (await connector.get(FILM, **https)).status == 200
        assert (await connector.get(FILM, **ignored)).status == 301
        assert (await connector.get(FILM)).status == 301


async def test_an_untrusted_peer_may_say_what_it_likes(thron: Sandbox, tmp_path: Path) -> None:
    """Its word does not count; the operator is told once what would help."""
    async with running(thron, tmp_path, by_id(thron, force_https=True)) as connector:
        with capture_logs() as logs:
            for _ in range(3):
                assert (await connector.get(FILM, X_Forwarded_Proto="https")).status == 301
    (fix,) = (entry["fix"] for entry in logs if "fix" in entry)
    assert "TDC_TRUSTED_PROXIES" in fix


def _native_url(connector: Running) -> str:
    listen = connector.gateway.context.settings.tls_listen
    assert listen is not None
    return f"https://{listen.local}{FILM}"


async def test_native_tls_serves(
    thron: Sandbox, tmp_path: Path, native: dict[str, Any], authority: trustme.CA
) -> None:
    """The redirect leads to our own https listener, and that gives the content."""
    async with running(thron, tmp_path, by_id(thron, force_https=True), **native) as connector:
        redirect = await connector.get(FILM)
        assert redirect.fields["Location"] == _native_url(connector)
        status, _, body = await get(connector, redirect.fields["Location"], authority)
        assert status == 200
        assert body == thron.tenant.bytes_of(FILM.rpartition("/")[2])
        status, _, part = await get(
            connector, redirect.fields["Location"], authority, Range="bytes=100-199"
        )
        assert (status, part) == (206, body[100:200])


async def test_not_forced_both_work(
    thron: Sandbox, tmp_path: Path, native: dict[str, Any], authority: trustme.CA
) -> None:
    """Plain and https give the same content, and neither speaks of the other."""
    async with running(thron, tmp_path, by_id(thron), **native) as connector:
        plain = await connector.get(FILM)
        status, fields, body = await get(connector, _native_url(connector), authority)
        assert (plain.status, status) == (200, 200)
        assert plain.body == body
        assert "Strict-Transport-Security" not in fields


@pytest.mark.parametrize(
    ("forced", "other_forced", "is_told"),
    [
        pytest.param(True, True, True, id="all connectors of the host force"),
        pytest.param(True, False, False, id="another connector of the host does not"),
        pytest.param(False, True, False, id="this one does not"),
    ],
)
async def test_hsts_only_where_all_of_the_host_force(
    thron: Sandbox, tmp_path: Path, *, forced: bool, other_forced: bool, is_told: bool
) -> None:
    """A browser that was told so asks for nothing else of this host by http any more."""
    wanted = by_id(thron, force_https=forced), by_name(thron, force_https=other_forced)
    async with running(thron, tmp_path, *wanted, trusted_proxies=LOOPBACK_ALONE) as connector:
        answer = await connector.get(FILM, X_Forwarded_Proto="https")
        assert answer.status == 200
        assert ("Strict-Transport-Security" in answer.fields) is is_told
        plain = await connector.get(FILM, X_Forwarded_Proto="http")
        assert "Strict-Transport-Security" not in plain.fields


async def test_a_host_of_its_own_is_judged_alone(thron: Sandbox, tmp_path: Path) -> None:
    """Its https is its own affair; a disabled connector does not count."""
    own = by_id(thron, force_https=True).model_copy(update={"host": "media.example.com"})
    shared = by_name(thron, force_https=True)
    off = by_name(thron, "off", enabled=False)
    async with running(
        thron, tmp_path, own, shared, off, trusted_proxies=LOOPBACK_ALONE
    ) as connector:
        path = FILM.removeprefix("/files")
        redirect = await connector.get(path, Host="media.example.com")
        assert redirect.status == 301
        assert redirect.fields["Location"] == f"https://media.example.com{path}"
        answer = await connector.get(path, Host="media.example.com", X_Forwarded_Proto="https")
        assert answer.status == 200
        assert answer.fields["Strict-Transport-Security"] == "max-age=31536000"
        answer = await connector.get("/media/EN/strada-sl-film", X_Forwarded_Proto="https")
        assert answer.fields["Strict-Transport-Security"] == "max-age=31536000"
