"""The console answers to addresses, loopback names and the names it was given; to no other."""

from pathlib import Path

import pytest

from proxy.admin.auth.console_host import is_known
from proxy.sandbox.server import Sandbox
from tests.admin.visitor import Visitor, visitor
from tests.running import running


@pytest.mark.parametrize(
    ("host", "is_so"),
    [
        pytest.param("localhost", True, id="loopback"),
        pytest.param("console.localhost", True, id="a loopback name"),
        pytest.param("127.0.0.1", True, id="an address"),
        pytest.param("192.0.2.7", True, id="another address"),
        pytest.param("[::1]", True, id="an IPv6 address"),
        pytest.param("console.example", True, id="a name that was given"),
        pytest.param("sub.console.example", False, id="a name below it"),
        pytest.param("evil.example", False, id="any other"),
        pytest.param("evil-localhost", False, id="one that ends like loopback"),
        pytest.param("localhost.evil.example", False, id="one that begins like loopback"),
        pytest.param("127.0.0.1.evil.example", False, id="one that begins like an address"),
        pytest.param("127.1", False, id="what some take for an address"),
        pytest.param("2130706433", False, id="the same as a number"),
    ],
)
def test_known(host: str, *, is_so: bool) -> None:
    """A host is known or not."""
    assert is_known(host, ("console.example",)) is is_so


@pytest.mark.parametrize("path", ["/", "/login", "/metrics", "/static/console.css", "/nothing"])
async def test_a_rebound_name_is_refused(admin: Visitor, path: str) -> None:
    """By another site's name not even an administrator sees a page; the setting is named."""
    page = await admin.ask("GET", path, fields={"Host": "rebound.example:8081"})
    assert page.status == 421
    assert "TDC_ADMIN_HOSTS" in page.text
    assert "rebound.example" in page.text
    assert "Set-Cookie" not in page.fields
    assert page.fields["Content-Type"].startswith("text/plain")


async def test_the_api_is_refused_too(admin: Visitor) -> None:
    """The API says it in its own form."""
    page = await admin.ask("GET", "/api/audit", fields={"Host": "rebound.example"})
    assert (page.status, page.json["status"]) == (421, 421)
    assert "TDC_ADMIN_HOSTS" in page.json["detail"]


async def test_probes_answer_to_all(nobody: Visitor) -> None:
    """A load balancer gets a probe's status by any name, and its reasons by a known one alone."""
    foreign = {"Host": "balancer.example"}
    for path in ("/livez", "/readyz"):
        known = await nobody.get(path)
        page = await nobody.ask("GET", path, fields=foreign)
        assert page.status == known.status
        assert page.text == "OK\n"
        assert known.json


async def test_names_are_given_by_the_setting(thron: Sandbox, tmp_path: Path) -> None:
    """A name of TDC_ADMIN_HOSTS is answered, on any port."""
    known = ("console.example",)
    async with running(thron, tmp_path, admin_hosts=known) as whole, visitor(whole.gateway) as one:
        for host in ("console.example", "Console.Example:8081", "console.example."):
            assert (await one.ask("GET", "/login", fields={"Host": host})).status == 200
