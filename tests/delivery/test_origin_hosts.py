"""Which hosts content may come from."""

import pytest
from yarl import URL

from proxy.delivery.origin_hosts import GuardedResolver, OriginHosts, is_public
from proxy.errors import OriginProhibited

HOSTS = OriginHosts(
    ["*.thron.com", "media.example.com", "10.0.0.5:9000", "[::1]:8080"],
    named_urls=["https://acme-view.thron.com", "http://127.0.0.1:4000/base"],
)


@pytest.mark.parametrize(
    "url",
    [
        "https://acme-cdn.thron.com/delivery/public/x",
        "https://ACME-CDN.Thron.COM/x",
        "https://a.b.thron.com:8443/x",
        "https://media.example.com/x",
        "http://media.example.com:81/x",
        "http://10.0.0.5:9000/x",
        "http://[::1]:8080/x",
        "http://127.0.0.1:4000/x",
    ],
)
def test_allowed(url: str) -> None:
    """A pattern allows https, a host named in full plain http and its ports too."""
    HOSTS.check(URL(url, encoded=True))


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("http://acme-cdn.thron.com/x", id="plain http by a pattern"),
        pytest.param("https://thron.com/x", id="the bare domain of a pattern"),
        pytest.param("https://evilthron.com/x", id="a domain that only ends like it"),
        pytest.param("https://thron.com.evil.example/x", id="a domain that only begins like it"),
        pytest.param("https://acme.thron.com.:443/x", id="a dot too many"),
        pytest.param("https://10.0.0.5/x", id="another port of a named address"),
        pytest.param("http://127.0.0.1:4001/x", id="another port of the API's host"),
        pytest.param("http://[::2]:8080/x", id="another address"),
        pytest.param("https://user@acme-cdn.thron.com/x", id="user information"),
        pytest.param("ftp://acme-cdn.thron.com/x", id="another scheme"),
        pytest.param("file:///etc/passwd", id="a file"),
        pytest.param("https://169.254.169.254/latest", id="a cloud's metadata"),
    ],
)
def test_prohibited(url: str) -> None:
    """Whatever is not allowed is refused by name, before any connection."""
    with pytest.raises(OriginProhibited):
        HOSTS.check(URL(url, encoded=True))


def test_nothing_is_allowed_by_nothing() -> None:
    """An empty list of patterns is no pattern that fits all."""
    with pytest.raises(OriginProhibited):
        OriginHosts([]).check(URL("https://example.com/"))


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("::ffff:8.8.8.8", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fc00::1", False),
        ("ff02::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("2002:7f00:1::", False),
        ("64:ff9b::7f00:1", False),
        ("::7f00:1", False),
    ],
)
def test_public_addresses(address: str, *, public: bool) -> None:
    """Private, local and special addresses are none, in whatever they are wrapped."""
    assert is_public(address) is public


async def test_a_name_at_a_private_address_is_refused() -> None:
    """What DNS says is checked too, unless the operator named the host."""
    resolver = GuardedResolver(OriginHosts(["*.thron.com"]))
    with pytest.raises(OriginProhibited):
        await resolver.resolve("localhost", 80)
    await resolver.close()
    resolver = GuardedResolver(OriginHosts(["localhost"]))
    assert await resolver.resolve("localhost", 80)
    await resolver.close()
