"""Downloads whichever way THRON's delivery turns out to be; where it allows less, exactly what.

As tests/test_readings.py, but for ranges, conditions and lengths, in both modes of delivery.
"""

from pathlib import Path

import pytest

from proxy.connectors.model import DeliveryMode
from proxy.sandbox.server import Sandbox, Switches
from tests.readings import READINGS
from tests.running import Running, by_id, by_name, by_sku, running

FILM = "28f6239f-69a7-4b92-aed3-169ee0b93ab0"


@pytest.mark.parametrize("reading", READINGS)
async def test_reading(reading: Switches, tmp_path: Path) -> None:
    """All three identifiers give the content: whole, in part, as fields alone, conditionally."""
    print(reading)
    async with Sandbox(switches=reading) as thron:
        wanted = [
            kind(thron, f"{kind.__name__.replace('_', '-')}-{mode}", delivery=mode)
            for mode in DeliveryMode
            for kind in (by_id, by_name, by_sku)
        ]
        async with running(thron, tmp_path, *wanted) as connector:
            files = {
                DeliveryMode.ORIGINAL: thron.tenant.bytes_of(FILM),
                DeliveryMode.PUBLISHED: thron.tenant.rendition_of(FILM, "WEBHD"),
            }
            for mode, data in files.items():
                for path in (
                    f"/by-id-{mode}/{FILM}",
                    f"/by-name-{mode}/en/dawn-on-the-pass",
                    f"/by-sku-{mode}/VA-0512-FILM",
                ):
                    await check(connector, path, data, reading, mode)


async def check(
    connector: Running, path: str, data: bytes, reading: Switches, mode: DeliveryMode
) -> None:
    """Ask for one address in every way, its length being unknown and known."""
    is_static = mode is DeliveryMode.PUBLISHED
    ranges = reading.static_ranges if is_static else reading.source_ranges
    validator = reading.static_validator if is_static else reading.source_validator
    await check_range(connector, path, data, ranges=ranges)
    head = await connector.ask("HEAD", path)
    assert (head.status, head.body) == (200, b"")
    # Limit: an origin that tells no length, and ignores ranges, leaves HEAD without one.
    assert head.fields.get("Content-Length", str(len(data))) == str(len(data))
    whole = await connector.get(path)
    assert (whole.status, whole.body == data) == (200, True)
    await check_range(connector, path, data, ranges=ranges)
    # Limit: without ranges at the origin there are none here, and none are announced.
    assert whole.fields.get("Accept-Ranges") == ("bytes" if ranges else None)
    tag = whole.fields.get("ETag")
    # Limit: without a validator, or with one that changes, a client cannot revalidate.
    assert (tag is None) is (validator == "none")
    if validator in {"strong", "weak"}:
        assert (await connector.get(path, If_None_Match=str(tag))).status == 304
    assert (await connector.get(path, If_None_Match='"another"')).status == 200


async def check_range(connector: Running, path: str, data: bytes, *, ranges: bool) -> None:
    """Ask for ten octets; the whole in their place is what RFC 9110, 14.2 allows."""
    part = await connector.get(path, Range="bytes=100-109")
    if ranges:
        assert (part.status, part.body) == (206, data[100:110])
    else:
        assert (part.status, part.body == data) == (200, True)
