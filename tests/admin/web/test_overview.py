"""The first page, and the events that keep it up to date."""

from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp

from proxy.admin.live import MOST_WATCHERS
from proxy.sandbox.server import Sandbox
from tests.admin.overview_service import overview_service
from tests.admin.visitor import Visitor, visitor
from tests.admin.watching import events
from tests.running import Running, by_id, running
from tests.waiting import until

FILM = "strada-sl-film"


def _film(connector: Running) -> str:
    return f"/files/{connector.thron.tenant.find(FILM).id}"


async def test_plain_page(connector: Running, admin: Visitor) -> None:
    """The page says everything without a script, and is small."""
    await connector.get(f"{_film(connector)}/film.mp4?secret=1")
    await connector.get("/media/en/nothing")
    page = await admin.get("/")
    for words in (
        "answers",
        "none failed",
        "In the last hour",
        "Load again",
        "1 request served, 1 not found",
    ):
        assert words in page.words
    assert f"{_film(connector)}/film.mp4" in page.words
    assert "secret" not in page.text
    assert len(page.text) < 150_000


async def test_thron_does_not_answer(connector: Running, admin: Visitor) -> None:
    """The page says that THRON is down, since when and why."""
    await connector.tenant.thron.session()
    connector.thron.api_down = True
    for number in range(8):
        await connector.get(f"/media/en/name-{number}")
    thron = overview_service(connector).overview(()).thron
    page = await admin.get("/")
    assert f"{thron.failures} requests to THRON without an answer, the first" in page.words
    assert thron.problem
    assert thron.problem in page.words


async def test_filter(connector: Running, admin: Visitor) -> None:
    """The page's address chooses among the recent requests, and keeps what was chosen."""
    await connector.get(_film(connector))
    await connector.get("/media/en/nothing")
    page = await admin.get("/?status=4xx&connector=media&text=noth")
    assert "/media/en/nothing" in page.words
    assert _film(connector) not in page.words
    assert '<option value="4xx" selected>' in page.text
    assert "<option selected>media</option>" in page.text
    assert 'value="noth"' in page.text
    assert "No recent request matches." in (await admin.get("/?status=5xx")).words
    assert (await admin.get("/?status=no&connector=%00&text=" + "x" * 999)).status == 200


async def test_in_italian(admin: Visitor) -> None:
    """The page and its events are in the reader's language."""
    admin.take(tdc_language="it")
    assert "Nell'ultima ora" in (await admin.get("/")).words
    async with events(admin.base, admin.cookies) as told:
        event = await told.next()
        assert event is not None
        assert "Adesso" in event.parts["tiles"]


async def test_events(connector: Running, admin: Visitor) -> None:
    """First everything is told, then what changes: a download as it runs, and as it ended."""
    async with events(admin.base, admin.cookies) as told:
        first = await told.next()
        assert first is not None
        assert first.name == "news"
        assert first.parts.keys() >= {"tiles", "chart", "downloads", "syncs", "requests"}
        connector.thron.faults.stall_after(10_000, where="source")
        async with connector.http.get(connector.url(f"{_film(connector)}/film.mp4")) as response:
            await response.content.readany()
            part = await told.until("downloads", "film.mp4")
            assert 'value="10000"' in part
        part = await told.until("requests", "film.mp4")
        assert "client left" in part
        await told.until("downloads", "No active downloads")


async def test_events_need_a_session(connector: Running, nobody: Visitor, admin: Visitor) -> None:
    """Nobody unknown is told anything, a machine's token opens no page, and no method but GET."""
    assert (await nobody.get("/events")).status == 303
    made = await connector.gateway.console.tokens.make("m", can_change=False, actor="test")
    page = await nobody.ask("GET", "/events", fields={"Authorization": f"Bearer {made.secret}"})
    assert page.status == 303
    assert (await admin.send("/events")).status == 405


async def test_no_more_watchers_than_there_is_room_for(admin: Visitor) -> None:
    """Who comes when it is full is told to come later."""
    async with aiohttp.ClientSession(cookies=admin.cookies) as http:
        watching = [await http.get(f"{admin.base}/events") for _ in range(MOST_WATCHERS)]
        assert {each.status for each in watching} == {200}
        assert (await admin.get("/events")).status == 503
        watching.pop().close()

        async def is_free() -> bool:
            async with http.get(f"{admin.base}/events") as response:
                return response.status == 200

        await until(is_free)
        for each in watching:
            each.close()


async def test_events_end_with_the_session(connector: Running, admin: Visitor) -> None:
    """Who is signed out is told so, and nothing more."""
    async with events(admin.base, admin.cookies) as told:
        assert await told.next() is not None
        await connector.gateway.console.sessions.end_all(actor="test", client="test")
        names = [event.name async for event in told.rest()]
        assert names[-1] == "signed-out"


async def test_events_end_with_the_listener(thron: Sandbox, tmp_path: Path) -> None:
    """The stream ends well when the connector stops, and holds nothing up."""
    async with AsyncExitStack() as stack:
        whole = await stack.enter_async_context(running(thron, tmp_path, by_id(thron)))
        admin = await stack.enter_async_context(visitor(whole.gateway))
        await admin.enter(whole.gateway.demo_url())
        base, cookies = admin.base, admin.cookies
        async with events(base, cookies) as told:
            assert await told.next() is not None
            await stack.aclose()
            assert {event.name async for event in told.rest()} <= {"news"}
