"""Forms of our own pages are told from those of other sites."""

import pytest
from multidict import CIMultiDict

from proxy.console.csrf import fits, is_foreign, token


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
        pytest.param({"Origin": "http://127.0.0.1:8081"}, False, id="our own origin"),
        pytest.param({"Origin": "https://127.0.0.1:8081"}, False, id="a proxy ended TLS"),
        pytest.param({"Origin": "http://127.0.0.1:9"}, True, id="another port"),
        pytest.param({"Origin": "null"}, True, id="an origin that is hidden"),
        pytest.param(
            {"Sec-Fetch-Site": "same-origin", "Origin": "https://front.example"},
            False,
            id="a proxy that does not hand on the host",
        ),
    ],
)
def test_foreign(fields: dict[str, str], *, is_so: bool) -> None:
    """Browsers tell where a request comes from."""
    assert is_foreign(CIMultiDict(fields), host="127.0.0.1:8081") is is_so
