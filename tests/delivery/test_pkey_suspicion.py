"""When the share key is suspected, and what that costs."""

import aiohttp

from proxy.connectors.model import DeliveryMode
from proxy.delivery.delivery_builder import Deliveries
from proxy.delivery.pkey_suspicion import PkeySuspicion
from proxy.delivery.resolution import Delivery
from proxy.sandbox.server import Sandbox
from proxy.thron.client import Client
from proxy.thron.session import Credentials
from proxy.thron.token_keeper import TokenKeeper


def test_three_contents_that_fail() -> None:
    """Three different ones in a row are enough; one that is asked again and again is one."""
    suspicion = PkeySuspicion()
    suspicion.note_delivery(now=0)
    assert not any(suspicion.note_failure("a", now=now) for now in range(1, 100))
    assert not suspicion.note_failure("b", now=100)
    assert suspicion.note_failure("c", now=101)
    assert suspicion.note_failure("a", now=102)


def test_a_success_between() -> None:
    """Whatever the CDN delivers by the key clears it."""
    suspicion = PkeySuspicion()
    for now in range(100):
        suspicion.note_delivery(now=now)
        assert not suspicion.note_failure(f"missing-{now % 7}", now=now)


def test_all_that_were_asked_for() -> None:
    """Where nothing else was asked for in ten minutes, one failure is all there is to go by."""
    suspicion = PkeySuspicion()
    assert suspicion.note_failure("a", now=0)
    suspicion.note_delivery(now=1)
    assert not suspicion.note_failure("a", now=600)
    assert suspicion.note_failure("a", now=601)


def test_failures_are_forgotten() -> None:
    """Three failures count within ten minutes."""
    suspicion = PkeySuspicion()
    suspicion.note_delivery(now=0)
    assert not suspicion.note_failure("a", now=1)
    assert not suspicion.note_failure("b", now=2)
    suspicion.note_delivery(now=300)
    assert not suspicion.note_failure("c", now=601)
    assert not suspicion.note_failure("d", now=602)


async def test_a_missing_content_costs_six_logins_an_hour() -> None:
    """One content that is missing on the CDN, asked for once a second for an hour."""
    clock = [0.0]

    def now() -> float:
        return clock[0]

    async with Sandbox(now=now) as thron, aiohttp.ClientSession() as http:
        client = Client(http, api_url=thron.api_url)
        mine = Credentials(thron.client_id, thron.app_id, thron.app_key)
        async with TokenKeeper(client, mine, now=now, random=lambda: 0.5) as keeper:
            deliveries = Deliveries(
                keeper,
                client_id=thron.client_id,
                api_url=thron.api_url,
                cdn_url=thron.cdn_url,
                now=now,
            )
            source = f"{thron.cdn_url}/delivery/public/image/sandbox/x/{thron.pkey}/std/x.jpg"
            missing = Delivery("x", DeliveryMode.PUBLISHED, (source,), file_name="x.jpg")
            for second in range(3600):
                clock[0] = second
                assert not await deliveries.is_outdated(missing)
            assert thron.logins <= 6
            revoked = thron.tenant.new_pkey()
            assert revoked
            clock[0] = 3700
            assert await deliveries.is_outdated(missing)
            assert thron.logins <= 7
