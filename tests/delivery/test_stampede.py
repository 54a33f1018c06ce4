"""Many who ask for the same thing at once."""

import asyncio
import time
from pathlib import Path

import pytest

from proxy.connectors.model import DeliveryMode
from proxy.sandbox.faults import Fault, Kind
from proxy.sandbox.server import Sandbox
from tests.running import Running, by_id, by_name, running


@pytest.mark.parametrize("many", [200, pytest.param(1000, marks=pytest.mark.soak)])
async def test_many_first_requests_are_one_question(
    thron: Sandbox, tmp_path: Path, many: int
) -> None:
    """One look-up at THRON, one login, and each gets the content."""
    content = thron.tenant.find("logo-vector")
    data = thron.tenant.bytes_of(content.id)
    # A quarter of the places can wait long for source files. On a busy machine all of them do,
    # since the sandbox that is to answer has its turns in the same loop: a thousand need longer
    # there than a look-up may take.
    async with running(thron, tmp_path, by_id(thron), max_downloads=5000) as connector:
        thron.log.clear()
        answers = await asyncio.gather(
            *[connector.get(f"/files/{content.id}") for _ in range(many)]
        )
    assert {answer.status for answer in answers} == {200}
    assert all(answer.body == data for answer in answers)
    assert len(thron.log.of("api", "search")) == 1
    assert thron.logins == 1


async def test_first_requests_for_a_rendition_are_one_redirect(
    thron: Sandbox, tmp_path: Path
) -> None:
    """The CDN's redirector is asked once, the target by each."""
    content = thron.tenant.find("logo-vector")
    data = thron.tenant.rendition_of(content.id, "std")
    wanted = by_id(thron, delivery=DeliveryMode.PUBLISHED)
    async with running(thron, tmp_path, wanted) as connector:
        answers = await asyncio.gather(*[connector.get(f"/files/{content.id}") for _ in range(50)])
    assert {(answer.status, answer.body) for answer in answers} == {(200, data)}
    assert len(thron.log.of("cdn", "/delivery/")) == 1
    assert len(thron.log.of("cdn", "/static/")) == 50


async def test_unknown_addresses_cost_one_question_each(thron: Sandbox, tmp_path: Path) -> None:
    """A crowd that asks for what is not there is answered from memory."""
    wanted = by_id(thron), by_name(thron)
    async with running(thron, tmp_path, *wanted, negative_ttl_s=3600) as connector:
        thron.log.clear()
        for _ in range(3):
            paths = ["/files/00000000-0000-4000-8000-000000000000", "/media/EN/nothing-of-the-kind"]
            answers = await asyncio.gather(*[connector.get(path) for path in paths * 100])
            assert {answer.status for answer in answers} == {404}
        assert len(thron.log.of("api")) == 2


async def test_unknown_addresses_have_a_budget(connector: Running) -> None:
    """Of two hundred different ones at once those beyond patience are refused with Retry-After."""
    thron = connector.thron
    thron.log.clear()
    began = time.monotonic()
    tasks = [
        asyncio.create_task(connector.get(f"/media/EN/nothing-{number}")) for number in range(200)
    ]
    beyond = None
    for answered in asyncio.as_completed(tasks):
        answer = await answered
        assert answer.status in {404, 503}
        if answer.status == 503:
            beyond = answer
            break
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert beyond is not None
    assert int(beyond.fields["Retry-After"]) > 0
    took_s = time.monotonic() - began
    assert len(thron.log.of("api")) <= max(100, 20 + 20 * took_s)  # twenty, and twenty a second


async def test_a_404_may_be_stored_for_a_short_time(connector: Running) -> None:
    """As long as this gateway remembers it."""
    answer = await connector.get("/files/00000000-0000-4000-8000-000000000000")
    assert answer.status == 404
    assert answer.fields["Cache-Control"] == "public, max-age=10"


async def test_what_cannot_be_an_id_is_never_asked_for(connector: Running) -> None:
    """Scanners' paths are 404 or 400 without a question."""
    thron = connector.thron
    thron.log.clear()
    for path in ("/files/wp-login.php", "/files/%2e%2e", "/media/EN/a%20b", "/media/x"):
        assert (await connector.get(path)).status in {400, 404}, path
    assert len(thron.log) == 0


async def test_a_flood_of_unknown_addresses_takes_no_place_of_a_download(
    thron: Sandbox, tmp_path: Path
) -> None:
    """While they wait for a THRON that is silent, a known link is served, and a drain waits."""
    published = by_id(thron, delivery=DeliveryMode.PUBLISHED), by_name(thron)
    async with running(thron, tmp_path, *published, max_downloads=1) as connector:
        known = f"/files/{thron.tenant.find('logo-vector').id}"
        assert (await connector.get(known)).status == 200
        thron.faults.add(Fault(Kind.STALL, "api", times=None))
        flood = [
            asyncio.create_task(connector.get(f"/media/EN/nothing-{number}")) for number in range(9)
        ]
        await thron.faults.hit.wait()
        assert (await connector.get(known)).status == 200
        assert connector.gateway.admission.running == 0
        drain = asyncio.create_task(connector.gateway.admission.drained(at_most_s=60))
        await asyncio.sleep(0)
        assert not drain.done()
        thron.faults.clear()
        assert {answer.status for answer in await asyncio.gather(*flood)} == {404}
        assert await drain == 0
