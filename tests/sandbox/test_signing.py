"""Signed addresses hold byte for byte and for their time (docs/thron.md 7.2)."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.sandbox.signing import is_presigned, is_signed, presign, sign

TARGETS = st.text(string.ascii_letters + string.digits + "/%._-&=", min_size=1).map("/{}?a=".format)


@given(TARGETS)
def test_signed(target: str) -> None:
    """A token is good until it lapses."""
    signed, signature = sign(target, until_s=100)
    assert signature in signed
    assert is_signed(signed, now=99)
    assert not is_signed(signed, now=100)


@given(TARGETS)
def test_presigned(target: str) -> None:
    """So is a storage address."""
    signed, _ = presign(target, now=1_000_000, life_s=300)
    assert is_presigned(signed, now=1_000_299)
    assert not is_presigned(signed, now=1_000_300)


@pytest.mark.parametrize(
    "spoil", [str.upper, lambda t: t + "&x=1", lambda t: t.replace("%22", '"')]
)
def test_spoilt(spoil: object) -> None:
    """Any other byte breaks it."""
    assert callable(spoil)
    target = "/static/A_b_C.pdf?xseo=&d=%22x%22"
    assert not is_signed(spoil(sign(target, until_s=100)[0]), now=0)
    assert not is_presigned(spoil(presign(target, now=0, life_s=9)[0]), now=0)
