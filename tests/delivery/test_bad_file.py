"""One bad file: whatever its origin does with it, every other content goes on."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from proxy.catalogue.connector import DeliveryMode
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
    async with running(thron, tmp_path, wanted, first_byte_timeout_s=1.0) as connector:
        crowd = await asyncio.gather(*[connector.get(f"/files/{BAD}") for _ in range(8)])
        assert {answer.status for answer in crowd} <= {502, 503, 504}
        for content_id in HEALTHY * 5:
            failed, answer = await asyncio.gather(
                connector.get(f"/files/{BAD}"), connector.get(f"/files/{content_id}")
            )
            assert failed.status in {502, 503, 504}
            assert answer.status == 200
