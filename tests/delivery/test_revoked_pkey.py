"""When the share key is suspected, and what that costs."""

from pathlib import Path

import aiohttp

from proxy.clock import Clock
from proxy.connectors.model import DeliveryMode
from proxy.delivery.delivery_builder import DeliveryBuilder, RevokedPkeyDetector
from proxy.delivery.failures import TTL_S
from proxy.delivery.resolution import Delivery
from proxy.sandbox.faults import Fault, Kind
from proxy.sandbox.server import Sandbox
from proxy.thron.client import Client
from proxy.thron.session import Credentials
from proxy.thron.token_keeper import TokenKeeper
from tests.running import by_id, running


def test_three_contents_that_fail() -> None:
    """Three different ones in a row are enough; one that is asked again and again is one."""
    detector = RevokedPkeyDetector()
    detector.note_delivery(now=0)
    assert not any(detector.note_failure("a", now=now) for now in range(1, 100))
    assert not detector.note_failure("b", now=100)
    assert detector.note_failure("c", now=101)
    assert detector.note_failure("a", now=102)


def test_a_success_between() -> None:
    """Whatever the CDN delivers by the key clears it."""
    detector = RevokedPkeyDetector()
    for now in range(100):
        detector.note_delivery(now=now)
        assert not detector.note_failure(f"missing-{now % 7}", now=now)


def test_all_that_were_asked_for() -> None:
    """Where nothing else was asked for in ten minutes, one failure is all there is to go by."""
    detector = RevokedPkeyDetector()
    assert detector.note_failure("a", now=0)
    detector.note_delivery(now=1)
    assert not detector.note_failure("a", now=600)
    assert detector.note_failure("a", now=601)


def test_failures_are_forgotten() -> None:
    """Three failures count within ten minutes."""
    detector = RevokedPkeyDetector()
    detector.note_delivery(now=0)
    assert not detector.note_failure("a", now=1)
    assert not detector.note_failure("b", now=2)
    detector.note_delivery(now=300)
    assert not detector.note_failure("c", now=601)
    assert not detector.note_failure("d", now=602)


async def test_an_hour_of_asking_for_what_is_missing(tmp_path: Path) -> None:
    """Through the whole gateway: 404 each time, six logins, and few questions to the CDN."""
    clock = [0.0]

    def now() -> float:
        return clock[0]

    async with Sandbox(now=now) as thron:
        missing, fine = (thron.tenant.find(name).id for name in ("strada-sl", "the-bell"))
        fault = Fault(Kind.STATUS, "delivery", status=404, times=None, target=missing)
        thron.faults.add(fault)
        wanted = by_id(thron, delivery=DeliveryMode.PUBLISHED)
        async with running(thron, tmp_path, wanted, clock=Clock(now, now)) as connector:
            # Once a second in the first minute. What is remembered lasts no longer than that, so
            # that later once a minute shows as much.
            for clock[0] in (*range(60), *range(60, 3600, 61)):
                assert (await connector.get(f"/files/{missing}")).status == 404
                if clock[0] == 50:
                    assert thron.faults.struck <= 2 * 50 / TTL_S
            assert thron.logins <= 6
            assert (await connector.get(f"/files/{fine}")).status == 200


async def test_a_missing_content_costs_six_logins_an_hour() -> None:
    """One content that is missing on the CDN, asked for once a second for an hour."""
    clock = [0.0]

    def now() -> float:
        return clock[0]

    async with Sandbox(now=now) as thron, aiohttp.ClientSession() as http:
        client = Client(http, api_url=thron.api_url)
        mine = Credentials(thron.client_id, thron.app_id, thron.app_key)
        async with TokenKeeper(client, mine, now=now, random=lambda: 0.5) as keeper:
            delivery_builder = DeliveryBuilder(
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
                assert not await delivery_builder.is_outdated(missing)
            assert thron.logins <= 6
            revoked = thron.tenant.new_pkey()
            assert revoked
            clock[0] = 3700
            assert await delivery_builder.is_outdated(missing)
            assert thron.logins <= 7
