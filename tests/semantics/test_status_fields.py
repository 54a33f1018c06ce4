"""Cache-Status and Proxy-Status, as RFC 9211, RFC 9209 and RFC 9651 have them."""

import re
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy import errors
from proxy.semantics.status_fields import (
    ERROR_TYPES,
    CacheStatus,
    Forward,
    ProxyStatus,
    appended,
)


@pytest.mark.parametrize(
    ("member", "text"),
    [
        pytest.param(CacheStatus("us", hit=True), "us; hit", id="hit"),
        pytest.param(CacheStatus("us", hit=True, ttl_s=30), "us; hit; ttl=30", id="hit with ttl"),
        pytest.param(CacheStatus("us", hit=True, ttl_s=-5), "us; hit; ttl=-5", id="stale hit"),
        pytest.param(
            CacheStatus("us", fwd="uri-miss", stored=True),
            "us; fwd=uri-miss; stored",
            id="miss that is kept",
        ),
        pytest.param(
            CacheStatus("us", fwd="stale", fwd_status=304, collapsed=True),
            "us; fwd=stale; fwd-status=304; collapsed",
            id="validated, with others",
        ),
        pytest.param(CacheStatus("us"), "us", id="nothing known"),
        pytest.param(
            CacheStatus("us", hit=True, ttl_s=10**20), "us; hit; ttl=999999999999999", id="capped"
        ),
        pytest.param(ProxyStatus("us"), "us", id="nothing to report"),
        pytest.param(
            ProxyStatus("us", error="http_request_denied", received_status=403),
            "us; error=http_request_denied; received-status=403",
            id="denied",
        ),
        pytest.param(
            ProxyStatus("us", error="connection_timeout"),
            "us; error=connection_timeout",
            id="error",
        ),
        pytest.param(
            ProxyStatus("us", received_status=200), "us; received-status=200", id="only a status"
        ),
    ],
)
def test_member(member: CacheStatus | ProxyStatus, text: str) -> None:
    """A member is a name with its parameters."""
    assert str(member) == text


@pytest.mark.parametrize("name", ["", "us two", 'us"', "us;hit", "us\r\nX: y", "1us", "ùs"])
def test_names_are_tokens(name: str) -> None:
    """What is no token cannot name a cache or a gateway."""
    with pytest.raises(ValueError, match="not a token"):
        CacheStatus(name)
    with pytest.raises(ValueError, match="not a token"):
        ProxyStatus(name)


def test_contradictions_are_refused() -> None:
    """A hit is not forwarded, and unknown words and figures are refused."""
    with pytest.raises(ValueError, match="not forwarded"):
        CacheStatus("us", hit=True, fwd="miss")
    with pytest.raises(ValueError, match="not a reason"):
        CacheStatus("us", fwd="whim")  # type: ignore[arg-type] # the check for those without mypy
    with pytest.raises(ValueError, match="not an error type"):
        ProxyStatus("us", error="bad_mood")
    with pytest.raises(ValueError, match="status code"):
        ProxyStatus("us", received_status=99)
    with pytest.raises(ValueError, match="status code"):
        CacheStatus("us", fwd="miss", fwd_status=600)


def _descendants(kind: type[errors.GatewayError]) -> list[type[errors.GatewayError]]:
    return [kind, *(one for child in kind.__subclasses__() for one in _descendants(child))]


def test_every_error_of_ours_has_a_registered_type() -> None:
    """The proxy_status of each error class is an error type of RFC 9209."""
    named = {kind.proxy_status for kind in _descendants(errors.GatewayError)} - {None}
    assert named <= ERROR_TYPES


OURS = CacheStatus("us", hit=True)


@pytest.mark.parametrize(
    ("received", "value"),
    [
        pytest.param(None, "us; hit", id="none"),
        pytest.param("", "us; hit", id="empty"),
        pytest.param("a; hit", "a; hit, us; hit", id="one"),
        pytest.param(
            'OriginCache; hit; ttl=1100,"CDN Company Here";fwd=uri-miss;x="a,b"',
            'OriginCache; hit; ttl=1100, "CDN Company Here";fwd=uri-miss;x="a,b", us; hit',
            id="examples of RFC 9211",
        ),
        pytest.param("a;x=?0;y=-5", "a;x=?0;y=-5, us; hit", id="other types"),
        pytest.param("HIT from cloudfront", "us; hit", id="no structured field"),
        pytest.param("a,", "us; hit", id="comma at the end"),
        pytest.param('"open', "us; hit", id="open quote"),
        pytest.param("a\r\nX: y", "us; hit", id="line break"),
        pytest.param("a, " * 500 + "a", "us; hit", id="overlong"),
    ],
)
def test_appended(received: str | None, value: str) -> None:
    """Our member comes last; a list that is none begins anew."""
    assert appended(received, OURS) == value


forwards = st.none() | st.sampled_from(get_args(Forward))
members = st.one_of(
    st.builds(
        CacheStatus,
        st.just("us"),
        fwd=forwards,
        fwd_status=st.none() | st.integers(100, 599),
        ttl_s=st.none() | st.integers(),
        stored=st.booleans(),
        collapsed=st.booleans(),
    ),
    st.builds(
        ProxyStatus,
        st.just("us"),
        error=st.none() | st.sampled_from(sorted(ERROR_TYPES)),
        received_status=st.none() | st.integers(100, 599),
    ),
)


@given(received=st.lists(members, min_size=1, max_size=4), member=members)
def test_lists_of_ours_are_well_formed(
    received: list[CacheStatus | ProxyStatus], member: CacheStatus | ProxyStatus
) -> None:
    """Each member of ours is read back where it is received, and ours comes after it."""
    value = ", ".join(map(str, received))
    assert appended(value, member) == f"{value}, {member}"


@given(received=st.text(st.characters()))
def test_nothing_is_injected_through_a_received_field(received: str) -> None:
    """Whatever is received, the field is one line of printable ASCII that ends with ours."""
    value = appended(received, OURS)
    assert re.fullmatch("[ -~]+", value)
    assert value.endswith("us; hit")
