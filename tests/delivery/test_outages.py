"""Absence or outage."""

import pytest

from proxy.delivery.failures import Outages
from proxy.errors import GatewayError, OriginGone, OriginRefused, ThronRefused


class Bench:
    """Outages with a clock of their own."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.outages = Outages(now=lambda: self.seconds)

    def refuse(self, *content_ids: str) -> list[int]:
        """Refuse contents, and return the statuses."""
        return [
            self.outages.with_status(OriginGone("404"), content_id=each).status
            for each in content_ids
        ]


def test_one_content_is_absent_however_often_it_is_asked_for() -> None:
    """And so are two."""
    assert Bench().refuse(*"aaaaabbbbb") == [404] * 10


def test_all_contents_are_an_outage() -> None:
    """From the third on, until one is delivered; those that are refused then are absent."""
    bench = Bench()
    assert bench.refuse(*"abca") == [404, 404, 503, 503]
    bench.outages.succeeded_at = bench.seconds
    assert bench.refuse(*"abcdef") == [404] * 6


def test_a_run_of_dead_links_is_no_outage() -> None:
    """Something was delivered within the last minute; after that it is one."""
    bench = Bench()
    bench.outages.succeeded_at = bench.seconds
    bench.seconds = 59
    assert bench.refuse(*"abcdef") == [404] * 6
    bench.seconds = 60
    assert bench.refuse("a") == [503]


@pytest.mark.parametrize("kind", [OriginGone, OriginRefused, ThronRefused])
def test_a_refusal_stays_what_it_is(kind: type[GatewayError]) -> None:
    """Its kind, its name in Proxy-Status and its words; an outage is worth coming back for."""
    outages = Outages(now=lambda: 0.0)
    for content_id, status, retry_after_s in (("a", 404, None), ("b", 404, None), ("c", 503, 10)):
        refusal = kind("why", proxy_status="http_request_denied")
        told = outages.with_status(refusal, content_id=content_id)
        assert type(told) is kind
        assert str(told).startswith("why")
        assert ("; so it is with every content" in str(told)) is (status == 503)
        assert (told.status, told.retry_after_s) == (status, retry_after_s)
        assert told.proxy_status == "http_request_denied"
