"""A token's end, while downloads run and others begin."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proxy.clock import Clock
from proxy.connectors.model import DeliveryMode
from proxy.sandbox.faults import Fault, Kind
from proxy.sandbox.server import Sandbox
from tests.delivery.taking import Taken, rest_of, take
from tests.running import Running, by_id, running

PUBLISHED = DeliveryMode.PUBLISHED


@pytest.fixture
def seconds() -> list[float]:
    return [0.0]


@pytest.fixture
async def connector(tmp_path: Path, seconds: list[float]) -> AsyncIterator[Running]:
    """Run forty contents behind ``sources`` (streamed by the API's host) and ``renditions``."""
    async with Sandbox(generated=40) as thron:
        wanted = by_id(thron, "sources"), by_id(thron, "renditions", delivery=PUBLISHED)
        clock = Clock(now=lambda: seconds[0])
        async with running(thron, tmp_path, *wanted, clock=clock) as whole:
            yield whole


def is_source(taken: Taken, connector: Running, content_id: str) -> bool:
    """Tell whether a download is the whole source file."""
    return taken.is_whole and taken.body == connector.thron.tenant.bytes_of(content_id)


async def test_no_download_notices_and_one_login_follows(
    connector: Running, seconds: list[float]
) -> None:
    """Twenty run on and twenty new ones begin, half of each mode: all whole, one new login."""
    thron = connector.thron
    ids = [content.id for content in thron.tenant.contents()]
    urls = [
        connector.url(f"/{'sources' if place % 2 else 'renditions'}/{content_id}")
        for place, content_id in enumerate(ids)
    ]
    thron.faults.stall_after(10, where="source", times=10)
    thron.faults.stall_after(10, where="static", times=10)
    first = await asyncio.gather(*[connector.http.get(url) for url in urls[:20]])
    assert thron.logins == 1
    seconds[0] += 5  # no look-up waits for its turn, which a busy machine may make a long wait
    thron.expire_tokens()
    later = [asyncio.create_task(take(connector.http, url)) for url in urls[20:]]
    await asyncio.gather(*later)
    thron.faults.release()
    taken = [await rest_of(response) for response in first] + [task.result() for task in later]
    pairs = zip(taken, ids, strict=True)
    assert all(is_source(each, connector, content_id) for each, content_id in pairs)
    assert thron.logins == 2


async def test_a_right_that_lacks_is_no_login_storm(connector: Running) -> None:
    """Fifteen requests at once for what the application may not share: no login at all."""
    thron = connector.thron
    thron.tenant.app.may_share = False
    urls = [connector.url(f"/sources/{content.id}") for content in thron.tenant.contents()][:15]
    for _ in range(2):
        taken = await asyncio.gather(*[take(connector.http, url) for url in urls])
        assert {each.status for each in taken} <= {404, 503}  # an outage from the third on
        assert {each.fields["Proxy-Status"] for each in taken} == {
            "thron-connector; received-status=403"
        }
    assert thron.logins == 1


async def test_a_source_that_breaks_after_its_tokens_end_is_resumed(connector: Running) -> None:
    """The rest is asked for with a new token; the client sees nothing of it."""
    thron = connector.thron
    content = next(thron.tenant.contents())
    data = bytes(range(256)) * 4096
    thron.publish_new_version(content.id, data)
    thron.faults.add(Fault(Kind.RESET, "source", at=500_000))
    thron.faults.add(Fault(Kind.TRICKLE, "source", octets_per_s=10_000_000))
    async with connector.http.get(connector.url(f"/sources/{content.id}")) as response:
        begun = await response.content.readexactly(1000)
        thron.expire_tokens()
        taken = await rest_of(response)
    assert taken.is_whole
    assert begun + taken.body == data
    assert thron.logins == 2


async def test_known_published_addresses_need_no_token(connector: Running) -> None:
    """A connector whose key is revoked goes on with known published addresses."""
    thron = connector.thron
    content = next(thron.tenant.contents())
    url = connector.url(f"/renditions/{content.id}")
    assert is_source(await take(connector.http, url), connector, content.id)
    thron.tenant.app.active = False
    thron.expire_tokens()
    assert is_source(await take(connector.http, url), connector, content.id)
