"""Exchanges as values: secrets stay out of their repr, Retry-After is read."""

import pytest

from proxy.thron.exchange import Reply, Request, parse_retry_after


@pytest.mark.parametrize(
    ("value", "date", "seconds"),
    [
        pytest.param("120", None, 120.0, id="seconds"),
        pytest.param(" 0 ", None, 0.0, id="none at all"),
        pytest.param("999999999", None, 86_400.0, id="no more than a day"),
        pytest.param("-5", None, None, id="negative"),
        pytest.param("1.5", None, None, id="not whole"),
        pytest.param("", None, None, id="empty"),
        pytest.param(None, None, None, id="absent"),
        pytest.param("soon", "Thu, 01 Jan 2026 00:00:00 GMT", None, id="a word"),
        pytest.param(
            "Thu, 01 Jan 2026 00:02:00 GMT", "Thu, 01 Jan 2026 00:00:00 GMT", 120.0, id="a date"
        ),
        pytest.param(
            "Thu, 01 Jan 2026 00:00:00 GMT", "Thu, 01 Jan 2026 00:02:00 GMT", 0.0, id="a past date"
        ),
        pytest.param(
            "Thu, 01 Jan 2026 00:02:00 GMT", None, None, id="a date and nothing to compare"
        ),
        pytest.param(
            "Thu, 01 Jan 2026 00:02:00 -0000",
            "Thu, 01 Jan 2026 00:00:00 GMT",
            None,
            id="a date without a zone",
        ),
    ],
)
def test_retry_after(value: str | None, date: str | None, seconds: float | None) -> None:
    """A wait is read from seconds or from a date against the same message's date."""
    assert parse_retry_after(value, date=date) == seconds


def test_repr_holds_no_secret() -> None:
    """Neither a form nor an answer's body shows in a repr."""
    request = Request("POST", "/api", form=(("appKey", "k3y"),))
    reply = Reply(200, "application/json", b'{"appUserTokenId":"t0ken"}')
    assert "k3y" not in repr(request)
    assert "t0ken" not in repr(reply)
