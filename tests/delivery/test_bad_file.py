"""One bad file: whatever its origin does with it, every other content goes on."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from proxy.catalogue.purges import Purge, PurgeKind
from proxy.connectors.model import DeliveryMode
from proxy.sandbox.faults import Fault, Kind, Where
from proxy.sandbox.server import Sandbox
from tests.running import by_id, running

BAD = "28f6239f-69a7-4b92-aed3-169ee0b93ab0"
HEALTHY = (
    "a6037cdd-beed-4431-94b6-d9cb5822fb57",
    "8718f96f-6fca-468d-9ef5-ef94955e6aa9",
    "5f143789-6a48-4dbb-9b9f-8509c0a08105",
)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault(Kind.STATUS, status=500, times=None), id="500"),
        pytest.param(Fault(Kind.STALL, times=None), id="stall"),
        pytest.param(Fault(Kind.RESET, times=None), id="reset"),
        pytest.param(Fault(Kind.GARBAGE, times=None), id="garbage"),
    ],
)
@pytest.mark.parametrize(
    ("mode", "where"), [(DeliveryMode.PUBLISHED, "delivery"), (DeliveryMode.ORIGINAL, "source")]
)
async def test_one_bad_file_hurts_no_other(
    thron: Sandbox, tmp_path: Path, mode: DeliveryMode, where: Where, fault: Fault
) -> None:
    """Of 15 requests for healthy contents none fails while a bad one is asked for beside each."""
    thron.faults.add(replace(fault, where=where, target=BAD))
    wanted = by_id(thron, delivery=mode)
    # The others have no longer than a bad one either: what that takes is the test's time.
    limits_s: dict[str, Any] = {"first_byte_timeout_s": 3.0} if fault.kind is Kind.STALL else {}
    async with running(thron, tmp_path, wanted, **limits_s) as connector:
        crowd = await asyncio.gather(*[connector.get(f"/files/{BAD}") for _ in range(8)])
        assert {answer.status for answer in crowd} <= {502, 503, 504}
        for content_id in HEALTHY * 5:
            failed, answer = await asyncio.gather(
                connector.get(f"/files/{BAD}"), connector.get(f"/files/{content_id}")
            )
            assert failed.status in {502, 503, 504}
            assert int(failed.fields["Retry-After"]) > 0
            assert answer.status == 200


@pytest.mark.parametrize("mode", DeliveryMode)
async def test_a_bad_file_is_asked_for_seldom(
    thron: Sandbox, tmp_path: Path, mode: DeliveryMode
) -> None:
    """What failed a moment ago is not tried by each who asks; a purge wants to see for itself."""
    where: Where = "delivery" if mode is DeliveryMode.PUBLISHED else "source"
    thron.faults.add(Fault(Kind.STATUS, where, status=500, times=None, target=BAD))
    async with running(thron, tmp_path, by_id(thron, delivery=mode)) as connector:
        answers = [await connector.get(f"/files/{BAD}") for _ in range(5)]
        assert {answer.status for answer in answers} <= {502, 503}
        struck = thron.faults.struck
        assert struck <= 3
        await connector.tenant.purge(Purge(PurgeKind.ALL, ""))
        await connector.get(f"/files/{BAD}")
        assert thron.faults.struck > struck


async def test_one_missing_rendition_is_no_outage(thron: Sandbox, tmp_path: Path) -> None:
    """It is a 404 beside what is delivered; where nothing is, it is a 503 for the operator."""
    thron.faults.add(Fault(Kind.STATUS, "delivery", status=403, times=None, target=BAD))
    wanted = by_id(thron, delivery=DeliveryMode.PUBLISHED)
    async with running(thron, tmp_path, wanted) as connector:
        assert (await connector.get(f"/files/{HEALTHY[0]}")).status == 200
        missing = await connector.get(f"/files/{BAD}")
        assert (missing.status, missing.fields["Cache-Control"]) == (404, "no-store")
    thron.faults.add(Fault(Kind.STATUS, "delivery", status=403, times=None))
    async with running(thron, tmp_path, wanted) as connector:
        answers = [await connector.get(f"/files/{each}") for each in (*HEALTHY, BAD)]
        assert [answer.status for answer in answers] == [404, 404, 503, 503]
        assert answers[-1].fields["Cache-Control"] == "no-store"
        assert int(answers[-1].fields["Retry-After"]) > 0


@pytest.mark.parametrize("mode", DeliveryMode)
@pytest.mark.parametrize("kind", [Kind.STATUS, Kind.BUSY])
async def test_the_wait_that_thron_asks_for_is_passed_on(
    thron: Sandbox, tmp_path: Path, mode: DeliveryMode, kind: Kind
) -> None:
    """A 503 or 429 with Retry-After is a 503 with the same, asked for once."""
    where: Where = "delivery" if mode is DeliveryMode.PUBLISHED else "source"
    thron.faults.add(Fault(kind, where, times=None, retry_after="42"))
    async with running(thron, tmp_path, by_id(thron, delivery=mode)) as connector:
        for _ in range(2):
            answer = await connector.get(f"/files/{BAD}")
            assert answer.status == 503
            assert 0 < int(answer.fields["Retry-After"]) <= 42
        assert thron.faults.struck == 1
