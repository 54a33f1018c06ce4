"""What goes on while THRON's API is down."""

import asyncio
import signal
from pathlib import Path

import pytest

from proxy.clock import Clock
from proxy.connectors.model import Connector, DeliveryMode
from proxy.sandbox.faults import Fault, Kind
from proxy.sandbox.server import Sandbox
from tests.process import beside
from tests.running import by_id, by_name, by_sku, running
from tests.waiting import until

PUBLISHED = DeliveryMode.PUBLISHED
FILM = "/files/b68d7e9f-7488-4ff1-bdfe-3af6768a631f"
PATHS = (FILM, "/media/EN/strada-sl-film", "/products/VA-1001-FILM")
# A resolution lapses before the next request can come.
AT_ONCE = 0.001


def published(thron: Sandbox) -> tuple[Connector, ...]:
    """Return a connector of each identifier that delivers renditions."""
    return tuple(kind(thron, delivery=PUBLISHED) for kind in (by_id, by_name, by_sku))


async def test_known_addresses_go_on(thron: Sandbox, tmp_path: Path) -> None:
    """What was resolved before is served stale, whole and by range, and says so."""
    async with running(thron, tmp_path, *published(thron), resolution_ttl_s=AT_ONCE) as connector:
        before = [await connector.get(path) for path in PATHS]
        thron.api_down = True
        for path, known in zip(PATHS, before, strict=True):
            whole = await connector.get(path)
            assert (whole.status, whole.body == known.body) == (200, True)
            assert "fwd=stale" in whole.fields["Cache-Status"]
            ranged = await connector.get(path, Range="bytes=5-9")
            assert (ranged.status, ranged.body) == (206, known.body[5:10])


async def test_unknown_addresses_wait(thron: Sandbox, tmp_path: Path) -> None:
    """What nobody asked for before is 503 with Retry-After, from the first request on."""
    async with running(thron, tmp_path, *published(thron)) as connector:
        thron.api_down = True
        for path in PATHS * 4:
            answer = await connector.get(path)
            assert answer.status == 503
            assert int(answer.fields["Retry-After"]) > 0
            assert "destination_unavailable" in answer.fields["Proxy-Status"]
            assert answer.fields["Cache-Control"] == "no-store"


async def test_a_login_that_fails_is_not_repeated_for_each_request(
    thron: Sandbox, tmp_path: Path
) -> None:
    """While the API is down, a crowd of requests makes few connections to it."""
    async with running(thron, tmp_path, *published(thron)) as connector:
        thron.api_down = True
        thron.expire_tokens()
        thron.log.clear()
        await asyncio.gather(*[connector.get(path) for path in PATHS * 10])
        assert len(thron.log.of("api")) <= 10


async def test_it_comes_back(thron: Sandbox, tmp_path: Path) -> None:
    """Once THRON answers, unknown addresses are found, and stale ones verified."""
    async with running(thron, tmp_path, *published(thron), resolution_ttl_s=AT_ONCE) as connector:
        await connector.get(FILM)
        thron.api_down = True
        assert (await connector.get(FILM)).status == 200
        assert (await connector.get(PATHS[1])).status == 503
        thron.api_down = False
        assert (await connector.get(PATHS[1])).status == 200
        thron.unlink("strada-sl-film")
        assert (await connector.get(FILM)).status == 404


async def test_it_comes_back_while_nobody_asks(thron: Sandbox, tmp_path: Path) -> None:
    """On an idle site an outage ends with the answer that a listing of the folder gets."""
    seconds = [0.0]
    clock = Clock(now=lambda: seconds[0])
    async with running(thron, tmp_path, by_name(thron), clock=clock) as connector:
        resolver = connector.tenant.resolver
        thron.api_down = True
        for number in range(3):
            assert (await connector.get(f"/media/en/name-{number}")).status == 503
        assert resolver.is_thron_down
        thron.api_down = False
        seconds[0] += 60
        await connector.gateway.sync.request("media")
        await until(lambda: _is(resolver.outage is None))
        assert not resolver.is_thron_down


async def test_a_source_file_needs_the_api(thron: Sandbox, tmp_path: Path) -> None:
    """``original`` outlives the API only as long as a storage target lasts."""
    async with running(thron, tmp_path, by_id(thron)) as connector:
        assert (await connector.get(FILM)).status == 200
        thron.api_down = True
        assert (await connector.get(FILM)).status == 502
    thron.api_down = False
    thron.switches.source_by = "redirect"
    async with running(thron, tmp_path, by_id(thron)) as connector:
        assert (await connector.get(FILM)).status == 200
        thron.api_down = True
        assert (await connector.get(FILM)).status == 200


async def test_source_files_that_are_waited_for_leave_places_to_others(
    thron: Sandbox, tmp_path: Path
) -> None:
    """Where the API hangs, what the CDN delivers goes on, however many originals are asked for."""
    seconds = [0.0]
    wanted = by_id(thron, "originals"), by_id(thron, delivery=PUBLISHED)
    clock = Clock(now=lambda: seconds[0])
    ids = [each.id for each in thron.tenant.contents() if each.content_type == "IMAGE"][:8]
    async with running(thron, tmp_path, *wanted, clock=clock, max_downloads=8) as connector:
        assert (await connector.get(FILM)).status == 200
        for each in ids:
            await connector.ask("HEAD", f"/originals/{each}")
        thron.faults.add(Fault(Kind.STALL, "source", times=None))
        first = [asyncio.create_task(connector.get(f"/originals/{each}")) for each in ids[:2]]
        await until(lambda: _is(thron.faults.struck == 2))
        seconds[0] += 5
        for each in ids[2:]:
            assert (await connector.get(f"/originals/{each}")).status in {404, 503}
        assert (await connector.get(FILM)).status == 200
        thron.faults.clear()
        assert [answer.status for answer in await asyncio.gather(*first)] == [200, 200]


async def _is(holds: bool) -> bool:  # noqa: FBT001 - what ``until`` asks for
    return holds


async def test_a_share_right_that_lacks_is_asked_for_once(thron: Sandbox, tmp_path: Path) -> None:
    """The refusal of a content is remembered; neither a login nor a download is tried again."""
    thron.tenant.app.may_share = False
    async with running(thron, tmp_path, by_id(thron)) as connector:
        for _ in range(5):
            answer = await connector.get(FILM)
            assert answer.status == 404
            assert answer.fields["Proxy-Status"] == "thron-connector; received-status=403"
        asked = len(thron.log.of("api", "downloadSource"))
        assert asked <= 3  # one for each form of the request
        assert thron.logins == 1


@pytest.mark.parametrize("kind", [Kind.HTML, Kind.STATUS, Kind.BUSY, Kind.ENVELOPE])
async def test_an_api_that_answers_nonsense_is_down(
    thron: Sandbox, tmp_path: Path, kind: Kind
) -> None:
    """Pages, 5xx and 429 in place of answers leave known addresses as they are."""
    async with running(thron, tmp_path, *published(thron), resolution_ttl_s=AT_ONCE) as connector:
        known = await connector.get(FILM)
        thron.faults.add(Fault(kind, "api", times=None))
        stale = await connector.get(FILM)
        assert (stale.status, stale.body == known.body) == (200, True)
        assert (await connector.get(PATHS[1])).status in {502, 503}


async def test_an_api_that_hangs(thron: Sandbox, tmp_path: Path) -> None:
    """Stopped, it accepts and never answers: known links are served stale, unknown ones refused.

    The API is a process of its own; the CDN goes on, of the same tenant.
    """
    async with beside("sandbox", environ={}) as api:
        told = await asyncio.to_thread(api.printed, "TDC_API_URL")
        async with running(
            thron,
            tmp_path,
            *published(thron),
            api_url=told.partition("=")[2],
            resolution_ttl_s=AT_ONCE,
        ) as connector:
            known = [await connector.get(path) for path in PATHS]
            api.tell(signal.SIGSTOP)
            for _ in range(3):
                stale = await asyncio.gather(*[connector.get(path) for path in PATHS * 3])
                assert [each.body for each in stale] == [each.body for each in known] * 3
                assert all("fwd=stale" in each.fields["Cache-Status"] for each in stale)
            unknown = await connector.get("/media/en/unknown")
            assert unknown.status == 503
            assert int(unknown.fields["Retry-After"]) > 0
