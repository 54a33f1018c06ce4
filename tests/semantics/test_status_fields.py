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
    ForwardReason,
    ProxyStatus,
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


forwards = st.none() | st.sampled_from(get_args(ForwardReason))
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


# RFC 9651, 3: a token, and parameters that are tokens, integers or true.
_MEMBER = re.compile(r"[A-Za-z*][!-~]*(; [a-z][a-z-]*(=([a-z][a-z_-]*|-?[0-9]{1,15}))?)*")


@given(member=members)
def test_members_are_well_formed(member: CacheStatus | ProxyStatus) -> None:
    """Whatever is told, the field is a Structured Field."""
    assert _MEMBER.fullmatch(str(member))
