"""Forms of our own pages are told from those of other sites."""

import pytest
from multidict import CIMultiDict

from proxy.admin.auth.csrf import fits, is_foreign, token


def test_tokens_belong_to_their_session() -> None:
    """A token fits the session it was made for, and no other."""
    assert fits(token("a"), "a")
    assert not fits(token("a"), "b")
    assert not fits("", "a")
    assert not fits(token("a")[:-1], "a")
    assert not fits("0" * 32 + token("a")[32:], "a")
    assert token("a") != token("a")
    assert not fits("ü", "a")


@pytest.mark.parametrize(
    ("fields", "is_so"),
    [
        pytest.param({}, False, id="a client that says nothing"),
        pytest.param({"Sec-Fetch-Site": "same-origin"}, False, id="our own page"),
        pytest.param({"Sec-Fetch-Site": "none"}, False, id="the address bar"),
        pytest.param({"Sec-Fetch-Site": "same-site"}, True, id="a sister site"),
        pytest.param({"Sec-Fetch-Site": "cross-site"}, True, id="another site"),
        pytest.param({"Origin": "null"}, True, id="an origin that is hidden"),
        pytest.param({"Origin": "http://console.example:x"}, True, id="an origin that is none"),
        pytest.param(
            {"Sec-Fetch-Site": "same-origin", "Origin": "https://front.example"},
            False,
            id="a proxy that does not hand on the host",
        ),
    ],
)
def test_foreign(fields: dict[str, str], *, is_so: bool) -> None:
    """Browsers tell where a request comes from."""
    asked = {"host": "127.0.0.1", "port": 8081, "is_port_known": True, "is_secure": False}
    assert is_foreign(CIMultiDict(fields), **asked) is is_so  # type: ignore[arg-type] # of each its own


@pytest.mark.parametrize(
    ("origin", "host", "port", "is_secure", "is_so"),
    [
        pytest.param("http://console.test:8081", "console.test", 8081, False, False, id="a port"),
        pytest.param("http://Console.Test", "console.test", None, False, False, id="port 80"),
        pytest.param("http://console.test:80", "console.test", None, False, False, id="80 named"),
        pytest.param("http://console.test", "console.test", 80, False, False, id="80 asked for"),
        pytest.param("https://console.test", "console.test", 443, True, False, id="https"),
        pytest.param("https://console.test", "console.test", None, False, False, id="TLS in front"),
        pytest.param("https://console.test:8443", "console.test", 8443, False, False, id="so too"),
        pytest.param("http://[::1]:8081", "[::1]", 8081, False, False, id="an IPv6 address"),
        pytest.param("http://console.test:9", "console.test", 8081, False, True, id="another port"),
        pytest.param(
            "http://console.test", "console.test", 8081, False, True, id="port 80 instead"
        ),
        pytest.param(
            "http://console.test:8081", "console.test", None, False, True, id="8081 for 80"
        ),
        pytest.param("http://console.test", "console.test", None, True, True, id="http for https"),
        pytest.param("http://a.console.test", "console.test", None, False, True, id="a name below"),
        pytest.param("ftp://console.test", "console.test", None, False, True, id="another scheme"),
    ],
)
def test_origins_are_compared(
    origin: str, host: str, port: int | None, *, is_secure: bool, is_so: bool
) -> None:
    """An Origin is ours by host, by port, and by scheme where that is known."""
    fields = CIMultiDict({"Origin": origin})
    found = is_foreign(fields, host=host, port=port, is_port_known=True, is_secure=is_secure)
    assert found is is_so


def test_a_port_that_is_not_known() -> None:
    """Where a proxy names the host without the browser's port, the host decides."""
    asked = {"host": "console.test", "port": None, "is_port_known": False, "is_secure": True}
    for origin, is_so in (("https://console.test:8443", False), ("https://evil.test:8443", True)):
        assert is_foreign(CIMultiDict({"Origin": origin}), **asked) is is_so  # type: ignore[arg-type] # of each its own
