"""What the overview shows, made once for all who watch."""

import pytest

from proxy.admin.live import MOST_WATCHERS, Live, Watcher
from proxy.admin.requests_query import RequestsQuery
from proxy.admin.web.i18n import Language
from proxy.errors import Overloaded
from tests.admin.overview_service import overview_service
from tests.running import Running

ALL = RequestsQuery()


@pytest.fixture
def live(connector: Running) -> Live:
    """Give a look at a running connector, for which no time passes."""
    console = connector.gateway.console
    return Live(
        overview_service(connector, monotonic=lambda: 0.0),
        connector.gateway.sync,
        refused_reload=lambda: console.refused_reload,
    )


async def test_one_look_for_all(live: Live) -> None:
    """Who asks within a tick is given the same look, rendered once for each language."""
    snapshot = await live.snapshot()
    assert await live.snapshot() is snapshot
    assert live.parts(snapshot, Language.ENGLISH) is live.parts(snapshot, Language.ENGLISH)
    assert "In the last hour" in live.parts(snapshot, Language.ENGLISH)["tiles"]
    assert "Nell&#39;ultima ora" in live.parts(snapshot, Language.ITALIAN)["tiles"]


async def test_a_refused_reload_is_shown_until_a_good_one(connector: Running, live: Live) -> None:
    """All reasons are on the overview, and in the API, until a reload succeeds."""

    async def shown() -> str:
        parts = live.parts(await live.snapshot(at_most_s=0), Language.ENGLISH)
        return parts["hints"]

    connector.gateway.console.reloaded(["TDC_X: <wrong>", "TDC_Y is no setting"])
    assert "TDC_X: &lt;wrong&gt;; TDC_Y is no setting" in await shown()
    connector.gateway.console.reloaded([])
    assert "TDC_X" not in await shown()


async def test_only_what_has_changed(connector: Running, live: Live) -> None:
    """The first news are everything; then what is different, and nothing twice."""
    watcher = Watcher(live, language=Language.ENGLISH, query=ALL)
    snapshot = await live.snapshot()
    assert watcher.news(snapshot).keys() == {
        "hints",
        "tiles",
        "chart",
        "downloads",
        "syncs",
        "requests",
    }
    assert watcher.news(snapshot) == {}
    await connector.get("/files/nothing")
    assert watcher.news(snapshot).keys() == {"requests"}
    assert watcher.news(snapshot) == {}


async def test_requests_as_asked(connector: Running, live: Live) -> None:
    """Each watcher is told of the requests that it asks for."""
    await connector.get("/files/nothing")
    await connector.get("/media/en/nothing-else")
    query = RequestsQuery(connector="media")
    news = Watcher(live, language=Language.ENGLISH, query=query).news(await live.snapshot())
    assert "/media/en/nothing-else" in news["requests"]
    assert "/files/nothing" not in news["requests"]


async def test_hostile_paths_are_text(connector: Running, live: Live) -> None:
    """What clients send is text in the page, whatever it looks like."""
    await connector.get("/media/en/%3Cimg%20src=x%20onerror=alert(1)%3E%22'")
    html = live.requests(ALL, Language.ENGLISH)
    assert "<img" not in html
    assert "&lt;img src=x" in html


def test_bounded(live: Live) -> None:
    """So many may watch and no more, until one of them leaves."""
    watching = [live.watching() for _ in range(MOST_WATCHERS)]
    for each in watching:
        each.__enter__()
    with pytest.raises(Overloaded), live.watching():
        pass
    watching.pop().__exit__(None, None, None)
    with live.watching():
        assert live.watchers == MOST_WATCHERS
