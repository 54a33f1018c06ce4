"""Which hosts content may come from."""

import socket

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
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
        pytest.param("https://:secret@acme-cdn.thron.com/x", id="a password alone"),
        pytest.param("https://@acme-cdn.thron.com/x", id="empty user information"),
        pytest.param("http://u:p@10.0.0.5:9000/x", id="user information for a named host"),
        pytest.param("https://[::1%25.thron.com]/x", id="an address that ends like a pattern"),
        pytest.param("https://[::1%25eth0]:8080/x", id="a zone of a named address"),
        pytest.param("https://acme.thron.com:99999/x", id="a port beyond the last"),
        pytest.param("https://acme.thron.com:0/x", id="no port"),
        pytest.param("https://münchen.thron.com/x", id="a host beyond ASCII"),
        pytest.param("https://acme%2e.thron.com/x", id="a host with an escape"),
        pytest.param("https://a..thron.com/x", id="an empty label"),
        pytest.param(f"https://{'a.' * 130}thron.com/x", id="a host too long"),
        pytest.param("https://.thron.com/x", id="a label short"),
        pytest.param("https:///x", id="no host"),
        pytest.param("ftp://acme-cdn.thron.com/x", id="another scheme"),
        pytest.param("file:///etc/passwd", id="a file"),
        pytest.param("https://169.254.169.254/latest", id="a cloud's metadata"),
    ],
)
def test_prohibited(url: str) -> None:
    """Whatever is not allowed is refused by name, before any connection."""
    with pytest.raises(OriginProhibited):
        HOSTS.check(URL(url, encoded=True))


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("https://10.1.2.3/x", id="an address"),
        pytest.param("https://8.8.8.8/x", id="a public one"),
        pytest.param("https://0x7f.0.0.3/x", id="one in another spelling"),
    ],
)
def test_no_address_under_a_pattern(url: str) -> None:
    """A pattern is of names; an address that ends like one is prohibited all the same."""
    with pytest.raises(OriginProhibited):
        OriginHosts(["*.1.2.3", "*.8.8", "*.0.3"]).check(URL(url, encoded=True))


def test_nothing_is_allowed_by_nothing() -> None:
    """An empty list of patterns is no pattern that fits all."""
    with pytest.raises(OriginProhibited):
        OriginHosts([]).check(URL("https://example.com/"))


TENANT = OriginHosts([], tenant_urls=["https://acme-view.thron.com"])


def test_the_tenants_own_hosts_are_public_ones() -> None:
    """Allowed without a pattern, but not as if the operator had named them: https, public."""
    TENANT.check(URL("https://acme-view.thron.com/x"))
    for url in ("http://acme-view.thron.com/x", "https://acme-cdn.thron.com/x"):
        with pytest.raises(OriginProhibited):
            TENANT.check(URL(url))
    with pytest.raises(OriginProhibited):
        TENANT.check_address("acme-view.thron.com", 443, "10.0.0.1")
    TENANT.check_address("acme-view.thron.com", 443, "8.8.8.8")


def test_a_port_is_named_with_its_host() -> None:
    """A private address is allowed at the port that the operator named, and at no other."""
    hosts = OriginHosts(["files.internal:9000", "*.internal", "media.internal"])
    hosts.check_address("files.internal", 9000, "10.0.0.1")
    hosts.check_address("MEDIA.internal", 443, "10.0.0.1")
    with pytest.raises(OriginProhibited):
        hosts.check_address("files.internal", 443, "10.0.0.1")


BUCKETS = OriginHosts(["*.thron.com", "10.0.0.5"], is_open_to_api=True)


@pytest.mark.parametrize(
    "url",
    [
        "https://bucket-17.s3.eu-west-1.amazonaws.com/x?X-Amz-Signature=0",
        "https://acme.blob.core.windows.net/x",
        "https://8.8.8.8/x",
        "https://[2606:4700::1111]/x",
        "http://10.0.0.5/x",
    ],
)
def test_throns_api_may_redirect_to_any_public_host(url: str) -> None:
    """By https; or to what is allowed anyway."""
    BUCKETS.check_redirect_of_api(URL(url, encoded=True))


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("http://bucket.s3.amazonaws.com/x", id="plain http"),
        pytest.param("https://127.0.0.1/x", id="this machine"),
        pytest.param("https://169.254.169.254/latest", id="a cloud's metadata"),
        pytest.param("https://[::ffff:10.0.0.1]/x", id="a private address in IPv6"),
        pytest.param("https://[fe80::1%25eth0]/x", id="an address with a zone"),
        pytest.param("https://2130706433/x", id="an address as a number"),
        pytest.param("https://127.1/x", id="an address cut short"),
        pytest.param("https://0x7f000001/x", id="an address in hexadecimal"),
        pytest.param("https://u:p@bucket.s3.amazonaws.com/x", id="user information"),
        pytest.param("https://bücket.example/x", id="a host beyond ASCII"),
        pytest.param("https://a.example:70000/x", id="a port beyond the last"),
        pytest.param("file:///etc/passwd", id="a file"),
    ],
)
def test_throns_api_may_not_redirect_elsewhere(url: str) -> None:
    """Neither to private addresses, nor by plain http."""
    with pytest.raises(OriginProhibited):
        BUCKETS.check_redirect_of_api(URL(url, encoded=True))


def test_a_closed_door_stays_closed_to_the_api() -> None:
    """Asked by plain http, or behind a proxy that resolves names, it may redirect nowhere else."""
    with pytest.raises(OriginProhibited, match="TDC_ORIGIN_HOSTS"):
        OriginHosts(["*.thron.com"]).check_redirect_of_api(URL("https://bucket.example/x"))


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
        ("64:ff9b::8.8.8.8", True),
        ("64:ff9b:1::8.8.8.8", False),
        ("fec0::1", False),
        ("::ffff:0:8.8.8.8", False),
        ("::ffff:0:127.0.0.1", False),
        ("192.88.99.1", False),
        ("192.0.0.8", False),
        ("2002:808:808::", True),
        ("2001:db8::1", False),
        ("3fff::1", False),
        ("5f00::1", False),
        ("100::1", False),
        ("240.0.0.1", False),
        ("198.18.0.1", False),
    ],
)
def test_public_addresses(address: str, *, public: bool) -> None:
    """Private, local and special addresses are none, in whatever they are wrapped."""
    assert is_public(address) is public


class Answering(AbstractResolver):
    """A resolver whose every name has these addresses."""

    def __init__(self, *addresses: str) -> None:
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return them."""
        return [
            ResolveResult(hostname=host, host=each, port=port, family=family, proto=0, flags=0)
            for each in self._addresses
        ]

    async def close(self) -> None:
        """Release nothing."""


@pytest.mark.parametrize(
    ("addresses", "is_allowed"),
    [
        pytest.param(["8.8.8.8", "2606:4700::1111"], True, id="all public"),
        pytest.param(["10.0.0.1"], False, id="one, private"),
        pytest.param(["8.8.8.8", "2606:4700::1111", "10.0.0.1"], False, id="the last private"),
        pytest.param(["::1", "8.8.8.8"], False, id="the first private"),
    ],
)
async def test_every_address_of_a_name_is_checked(
    addresses: list[str], *, is_allowed: bool
) -> None:
    """One private among public ones is enough, unless the operator named the host."""
    resolver = GuardedResolver(OriginHosts(["*.thron.com"]), Answering(*addresses))
    if is_allowed:
        assert [each["host"] for each in await resolver.resolve("a.thron.com", 443)] == addresses
    else:
        with pytest.raises(OriginProhibited, match="TDC_ORIGIN_HOSTS"):
            await resolver.resolve("a.thron.com", 443)
    named = GuardedResolver(OriginHosts(["a.thron.com"]), Answering(*addresses))
    assert len(await named.resolve("a.thron.com", 443)) == len(addresses)


async def test_a_name_at_a_private_address_is_refused() -> None:
    """What DNS says is checked too, unless the operator named the host."""
    resolver = GuardedResolver(OriginHosts(["*.thron.com"]))
    with pytest.raises(OriginProhibited):
        await resolver.resolve("localhost", 80)
    await resolver.close()
    resolver = GuardedResolver(OriginHosts(["localhost"]))
    assert await resolver.resolve("localhost", 80)
    await resolver.close()
