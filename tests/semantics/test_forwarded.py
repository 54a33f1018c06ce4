"""Who asks and how, seen past front proxies that are trusted and past those that are not."""

import time
from collections.abc import Sequence
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from proxy.semantics.forwarded import (
    FORWARDED,
    X_FORWARDED,
    Effective,
    Scheme,
    TrustedProxies,
    effective,
    valid_host,
)

NETWORKS = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]
PROXY = "10.0.0.1"

Lines = list[tuple[str, str]]


def seen(
    lines: Lines, *, peer: str = PROXY, scheme: Scheme = "http", named: Sequence[str] | None = None
) -> Effective:
    """Look past proxies that write what a case has: Forwarded, or else X-Forwarded-*."""
    if named is None:
        named = (FORWARDED,) if any(name == "Forwarded" for name, _ in lines) else X_FORWARDED
    trusted = TrustedProxies(NETWORKS, named)
    return effective(peer, scheme=scheme, fields=CIMultiDict(lines), trusted=trusted)


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        pytest.param([], Effective(PROXY, "http", None), id="it says nothing"),
        pytest.param([("Host", "A.Example:80")], Effective(PROXY, "http", "a.example"), id="Host"),
        pytest.param(
            [("X-Forwarded-For", "1.2.3.4"), ("X-Forwarded-Proto", "https")],
            Effective("1.2.3.4", "https", None),
            id="one proxy",
        ),
        pytest.param(
            [("X-Forwarded-Proto", "HTTPS")], Effective(PROXY, "https", None), id="scheme alone"
        ),
        pytest.param(
            [("Host", "inner"), ("X-Forwarded-Host", "media.example.com:443")],
            Effective(PROXY, "http", "media.example.com"),
            id="host alone",
        ),
        pytest.param(
            [("X-Forwarded-For", "6.6.6.6, 1.2.3.4")],
            Effective("1.2.3.4", "http", None),
            id="what the client wrote itself does not count",
        ),
        pytest.param(
            [("X-Forwarded-For", "6.6.6.6, 1.2.3.4, 10.0.0.2")],
            Effective("1.2.3.4", "http", None),
            id="two proxies",
        ),
        pytest.param(
            [("X-Forwarded-For", "1.2.3.4"), ("X-Forwarded-For", "10.0.0.2")],
            Effective("1.2.3.4", "http", None),
            id="on two lines",
        ),
        pytest.param(
            [("X-Forwarded-For", "10.0.0.3, 10.0.0.2")],
            Effective("10.0.0.3", "http", None),
            id="all trusted: the farthest",
        ),
        pytest.param(
            [("X-Forwarded-For", "1.2.3.4, 10.0.0.2"), ("X-Forwarded-Proto", "https, http")],
            Effective("1.2.3.4", "https", None),
            id="scheme as the outer proxy saw it",
        ),
        pytest.param(
            [("X-Forwarded-For", "1.2.3.4, 10.0.0.2"), ("X-Forwarded-Proto", "https")],
            Effective("1.2.3.4", "https", None),
            id="one scheme for the whole chain",
        ),
        pytest.param(
            [("X-Forwarded-For", "6.6.6.6, 1.2.3.4"), ("X-Forwarded-Proto", "https, http")],
            Effective("1.2.3.4", "http", None),
            id="scheme that the client wrote itself",
        ),
        pytest.param(
            [("X-Forwarded-For", "1.2.3.4, junk, 10.0.0.2")],
            Effective("10.0.0.2", "http", None),
            id="what cannot be read ends the walk",
        ),
        pytest.param(
            [("X-Forwarded-For", "1.2.3.4,")],
            Effective(PROXY, "http", None),
            id="an empty part ends it too",
        ),
        pytest.param(
            [("X-Forwarded-For", "999.2.3.4")], Effective(PROXY, "http", None), id="no address"
        ),
        pytest.param(
            [("Forwarded", 'for="1.2\\.3.4"')], Effective("1.2.3.4", "http", None), id="quoted pair"
        ),
        pytest.param(
            [("X-Forwarded-For", "unknown")], Effective(PROXY, "http", None), id="unknown"
        ),
        pytest.param(
            [("X-Forwarded-For", "1.2.3.4:5678")], Effective("1.2.3.4", "http", None), id="port"
        ),
        pytest.param(
            [("X-Forwarded-For", "2001:DB8::1")], Effective("2001:db8::1", "http", None), id="IPv6"
        ),
        pytest.param(
            [("X-Forwarded-For", "[2001:db8::1]:5678")],
            Effective("2001:db8::1", "http", None),
            id="IPv6 with port",
        ),
        pytest.param(
            [("X-Forwarded-For", "::ffff:1.2.3.4")],
            Effective("1.2.3.4", "http", None),
            id="IPv4 within IPv6",
        ),
        pytest.param(
            [("X-Forwarded-Proto", "wss")], Effective(PROXY, "http", None), id="another scheme"
        ),
        pytest.param(
            [("Host", "a"), ("X-Forwarded-Host", "b c")],
            Effective(PROXY, "http", "a"),
            id="host that is none",
        ),
        pytest.param(
            [("Forwarded", "for=1.2.3.4;proto=https;host=Media.Example.com")],
            Effective("1.2.3.4", "https", "media.example.com"),
            id="Forwarded",
        ),
        pytest.param(
            [("Forwarded", 'For="[2001:db8:cafe::17]:4711" ; Proto=http;by=203.0.113.43')],
            Effective("2001:db8:cafe::17", "http", None),
            id="example of RFC 7239",
        ),
        pytest.param(
            [("Forwarded", "for=6.6.6.6;proto=https, for=1.2.3.4;proto=http")],
            Effective("1.2.3.4", "http", None),
            id="element that the client wrote itself",
        ),
        pytest.param(
            [("Forwarded", "for=1.2.3.4;proto=https"), ("Forwarded", "for=10.0.0.2;proto=http")],
            Effective("1.2.3.4", "https", None),
            id="two proxies, two lines",
        ),
        pytest.param(
            [("Forwarded", "for=unknown;proto=https")],
            Effective(PROXY, "https", None),
            id="unknown client, known scheme",
        ),
        pytest.param(
            [("Forwarded", "for=1.2.3.4, for=_hidden, for=10.0.0.2")],
            Effective("10.0.0.2", "http", None),
            id="obfuscated identifier ends the walk",
        ),
        pytest.param(
            [("Forwarded", 'for="1.2.3.4:_port"')],
            Effective("1.2.3.4", "http", None),
            id="obfuscated port",
        ),
        pytest.param(
            [("Forwarded", 'for=6.6.6.6;host="'), ("Forwarded", "for=1.2.3.4;proto=https")],
            Effective("1.2.3.4", "https", None),
            id="an open quote does not swallow the next line",
        ),
        pytest.param(
            [("Forwarded", 'for=6.6.6.6;host="'), ("Forwarded", 'for="[2001:db8::1]"')],
            Effective("2001:db8::1", "http", None),
            id="nor does it when that line has quotes",
        ),
        pytest.param(
            [("Forwarded", 'for=1.2.3.4;host="a, for=6.6.6.6"')],
            Effective("1.2.3.4", "http", None),
            id="comma inside quotes",
        ),
        pytest.param([("Forwarded", "junk")], Effective(PROXY, "http", None), id="no element"),
        pytest.param(
            [("X-Forwarded-For", "1.1.1.1, " * 10_000 + "1.2.3.4")],
            Effective("1.2.3.4", "http", None),
            id="absurdly long",
        ),
    ],
)
def test_behind_a_trusted_proxy(lines: Lines, found: Effective) -> None:
    """A trusted peer is believed, and whom it names if that one is trusted too."""
    assert seen(lines) == found


EVERY_FIELD = [
    ("Host", "a.example"),
    ("Forwarded", "for=1.1.1.1;proto=https;host=forwarded.example"),
    ("X-Forwarded-For", "2.2.2.2"),
    ("X-Forwarded-Proto", "https"),
    ("X-Forwarded-Host", "x-forwarded.example"),
]


@pytest.mark.parametrize(
    ("named", "found"),
    [
        pytest.param(
            ["forwarded"], Effective("1.1.1.1", "https", "forwarded.example"), id="Forwarded"
        ),
        pytest.param(
            X_FORWARDED, Effective("2.2.2.2", "https", "x-forwarded.example"), id="X-Forwarded-*"
        ),
        pytest.param(
            ["x-forwarded-for"],
            Effective("2.2.2.2", "http", "a.example", unbelieved_https=True),
            id="for",
        ),
        pytest.param(["x-forwarded-proto"], Effective(PROXY, "https", "a.example"), id="proto"),
        pytest.param(
            ["x-forwarded-host"],
            Effective(PROXY, "http", "x-forwarded.example", unbelieved_https=True),
            id="host",
        ),
    ],
)
def test_only_named_fields_count(named: Sequence[str], found: Effective) -> None:
    """A trusted proxy passes on what it does not write: the client wrote that, and lies."""
    assert seen(EVERY_FIELD, named=named) == found


def _least_ns(value: str) -> int:
    """Return the time to read a value; what else runs on the machine adds to all but the least."""
    found = []
    for _ in range(30):
        began = time.thread_time_ns()
        seen([("Forwarded", value)], peer="198.51.100.7")
        found.append(time.thread_time_ns() - began)
    return min(found)


@pytest.mark.parametrize(
    "part", ["a", "a=", "a=b;", "a=b,", 'a="', "\\", ' a="\\"', " ", "a=b; ;", "a=b ", ",", '"']
)
def test_time_is_linear_in_the_length(part: str) -> None:
    """A value eight times as long takes no more than some eight times as long."""
    short, long = (part * (octets // len(part)) for octets in (256, 2048))
    assert _least_ns(long) < 24 * _least_ns(short)  # of the square it would be 64 times


@pytest.mark.parametrize("junk", ["a=b;", "a=b ", 'a="\\"', "a=b,"])
def test_what_is_not_read_takes_no_time(junk: str) -> None:
    """Each element is found at the end of what is left, without a look at what is before it."""
    elements = ",a=b" * 32  # the most that are read
    assert _least_ns(junk * 460 + elements) < 4 * _least_ns(elements)


@pytest.mark.parametrize(
    ("lines", "claimed"),
    [
        pytest.param([], False, id="nothing said"),
        pytest.param([("X-Forwarded-Proto", "https")], True, id="X-Forwarded-Proto"),
        pytest.param([("X-Forwarded-Proto", "http, https")], True, id="somewhere in the list"),
        pytest.param([("Forwarded", "for=1.2.3.4;proto=https")], True, id="Forwarded"),
        pytest.param([("X-Forwarded-Proto", "http")], False, id="plain"),
        pytest.param([("X-Forwarded-For", "1.2.3.4")], False, id="only an address"),
    ],
)
def test_before_an_untrusted_peer(lines: Lines, *, claimed: bool) -> None:
    """An untrusted peer changes nothing; that it claims https is reported."""
    found = seen([("Host", "a.example"), *lines], peer="198.51.100.7")
    assert found == Effective("198.51.100.7", "http", "a.example", unbelieved_https=claimed)


def test_native_tls_is_https_anyway() -> None:
    """A connection of our own TLS listener is https, and nothing is reported."""
    found = seen([("X-Forwarded-Proto", "https")], peer="198.51.100.7", scheme="https")
    assert found == Effective("198.51.100.7", "https", None)


@pytest.mark.parametrize(
    ("peer", "client"),
    [
        pytest.param("::ffff:10.0.0.1", "1.2.3.4", id="trusted IPv4 on an IPv6 socket"),
        pytest.param("fd00::1", "1.2.3.4", id="trusted IPv6"),
        pytest.param("fe80::1%eth0", "fe80::1%eth0", id="untrusted, with a zone"),
        pytest.param("::ffff:8.8.8.8", "8.8.8.8", id="untrusted IPv4 on an IPv6 socket"),
        pytest.param("", "", id="no address"),
        pytest.param("/run/connector.sock", "/run/connector.sock", id="local socket"),
    ],
)
def test_peers(peer: str, client: str) -> None:
    """A peer is known by its address, however the socket spells it."""
    assert seen([("X-Forwarded-For", "1.2.3.4")], peer=peer).client == client


@pytest.mark.parametrize(
    ("value", "host"),
    [
        pytest.param("media.example.com", "media.example.com", id="plain"),
        pytest.param("Media.Example.COM:8080", "media.example.com", id="capitals and port"),
        pytest.param("example.com.", "example.com", id="dot at the end"),
        pytest.param("example.com:", "example.com", id="empty port"),
        pytest.param("localhost", "localhost", id="single label"),
        pytest.param("my_host.internal", "my_host.internal", id="underscore"),
        pytest.param("xn--caf-dma.example", "xn--caf-dma.example", id="IDNA stays"),
        pytest.param("127.0.0.1:80", "127.0.0.1", id="IPv4"),
        pytest.param("[::1]:80", "[::1]", id="IPv6"),
        pytest.param("[2001:DB8:0::1]", "[2001:db8::1]", id="IPv6 normalised"),
        pytest.param("[127.0.0.1]", None, id="IPv4 in brackets"),
        pytest.param("::1", None, id="IPv6 without brackets"),
        pytest.param("[::1", None, id="open bracket"),
        pytest.param("example.com:99999", None, id="port out of range"),
        pytest.param("example.com:http", None, id="port no number"),
        pytest.param("a, b", None, id="two"),
        pytest.param("user@example.com", None, id="user"),
        pytest.param("example.com/path", None, id="path"),
        pytest.param("exa mple.com", None, id="blank"),
        pytest.param("a..b", None, id="empty label"),
        pytest.param(".", None, id="only a dot"),
        pytest.param("-a.example", None, id="hyphen first"),
        pytest.param("a" * 64 + ".example", None, id="overlong label"),
        pytest.param("a." * 130 + "b", None, id="overlong name"),
        pytest.param("café.example", None, id="not ASCII"),
        pytest.param("a\r\nX: y", None, id="line break"),
        pytest.param("example.com\n", None, id="line break at the end"),
        pytest.param("", None, id="empty"),
    ],
)
def test_valid_host(value: str, host: str | None) -> None:
    """A Host names one host, or none."""
    assert valid_host(value) == host


parts = st.sampled_from(
    ["1.2.3.4", "10.0.0.2", "6.6.6.6:80", "[2001:db8::1]:4", "unknown", "", "junk", '"', "a.b"]
)
elements = st.sampled_from(
    ["for=1.2.3.4", "for=10.0.0.2;proto=https", 'for="[fd00::1]";host=a.b', 'host="', "proto=http"]
)
texts = st.text(st.characters(), max_size=30)
lists = st.one_of(
    texts,
    st.lists(parts, max_size=4).map(", ".join),
    st.lists(elements, max_size=4).map(", ".join),
)
written = st.lists(
    st.tuples(
        st.sampled_from(
            ["Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Host"]
        ),
        lists,
    ),
    max_size=5,
)


@given(lines=written, peer=st.sampled_from(["198.51.100.7", "::1", "10.0.0.1", "", "@"]))
def test_any_fields_give_an_answer(lines: Lines, peer: str) -> None:
    """Nothing raises, and a host is always one that a Host field may name."""
    found = seen(lines, peer=peer)
    assert found.host is None or valid_host(found.host) == found.host
    assert found.scheme in {"http", "https"}


@given(lines=written)
def test_untrusted_words_change_nothing(lines: Lines) -> None:
    """Whatever an untrusted peer writes, it is the client, over its own scheme."""
    found = seen(lines, peer="198.51.100.7")
    assert (found.client, found.scheme) == ("198.51.100.7", "http")


@given(forged=lists, name=st.sampled_from(["Forwarded", "X-Forwarded-For"]))
def test_forged_elements_never_hide_the_last(forged: str, name: str) -> None:
    """Whatever a client sends ahead, the address that the trusted proxy appends is the client."""
    appended = "for=203.0.113.9" if name == "Forwarded" else "203.0.113.9"
    for lines in ([(name, f"{forged}, {appended}")], [(name, forged), (name, appended)]):
        assert seen(lines).client == "203.0.113.9"


def test_a_proxy_may_have_been_asked_by_http() -> None:
    """What a proxy heard by http came by http, though the proxy itself speaks https to us."""
    fields = CIMultiDict({"X-Forwarded-For": "1.2.3.4", "X-Forwarded-Proto": "http"})
    trusted = TrustedProxies(NETWORKS, X_FORWARDED)
    found = effective(PROXY, scheme="https", fields=fields, trusted=trusted)
    assert found == Effective("1.2.3.4", "http", None)
