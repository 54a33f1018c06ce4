"""A cache is told once every process has obeyed: in order, until it is done."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from pydantic import SecretStr

from proxy.catalogue.async_engine import AsyncConnection
from proxy.catalogue.database import Database
from proxy.catalogue.purges import Purge, PurgeKind, PurgeStore, enter_purges
from proxy.catalogue.replicas import ReplicaStore
from proxy.clock import utc_now
from proxy.connectors.store import ConnectorWatch
from proxy.edge.hooks import PurgeHook
from proxy.edge.sender import PurgeSender
from proxy.telemetry.metrics import Metrics
from tests.delivery.origin_server import origin_server
from tests.logs import logged
from tests.waiting import until

FILM, POSTER = Purge(PurgeKind.CHANGED, "film"), Purge(PurgeKind.CONTENT, "poster")


@dataclass
class Cache:
    """A cache that notes what it is told, as long as it is well.

    Attributes:
        told: The tags of each request.
        ids: The id of each request, taken or not.
        status: What it answers.
        retry_after: What it asks to wait.
    """

    told: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    status: int = 200
    retry_after: str = ""

    async def answer(self, request: web.Request) -> web.Response:
        """Answer a purge."""
        retry = {"Retry-After": self.retry_after} if self.retry_after else {}
        if request.path == "/hanging":
            await asyncio.Event().wait()
        self.ids.append(request.headers["id"])
        if self.status < 300:
            self.told.append(request.headers["tags"])
        return web.Response(status=self.status, headers=retry)


@dataclass
class Bench:
    """A database with purges, and what sends them."""

    database: Database
    sender: PurgeSender
    cache: Cache
    metrics: Metrics
    seconds: list[float]
    leads: list[bool]

    async def order(self, *purges: Purge) -> None:
        """Order purges at the same moment."""

        async def order(connection: AsyncConnection) -> None:
            await enter_purges(connection, purges, actor="test", now=self.database.now())

        await self.database.write(order)

    async def until_told(self, *tags: str) -> None:
        """Wait until the cache has been told exactly this, in order."""

        async def is_told() -> bool:
            return self.cache.told == [*tags]

        await until(is_told)


@asynccontextmanager
async def bench(
    url: str, *names: str, now: Callable[[], datetime] = utc_now
) -> AsyncIterator[Bench]:
    cache, metrics, seconds, leads = Cache(), Metrics(), [0.0], [True]
    async with (
        origin_server(cache.answer) as server,
        Database.open(url, now=now) as database,
        ConnectorWatch.open(database, changed=_nothing) as watch,
        aiohttp.ClientSession() as http,
    ):
        sender = PurgeSender(
            database,
            watch,
            [
                PurgeHook(
                    each,
                    "PURGE",
                    f"{server.url}/{each}",
                    {"tags": "{tags}", "id": "{id}"},
                    "",
                    50,
                    SecretStr(""),
                )
                for each in names or ("cache",)
            ],
            http,
            leads=lambda: leads[0],
            metrics=metrics,
            monotonic=lambda: seconds[0],
        )
        await sender.look()
        async with sender.running():
            yield Bench(database, sender, cache, metrics, seconds, leads)


def _same(now: datetime) -> datetime:
    return now


async def _nothing() -> None:
    """Follow no tenant."""


async def test_told(database_url: str) -> None:
    """What was ordered goes out by its tags, each once; the figures say so."""
    async with bench(database_url) as here:
        await here.order(FILM, POSTER, FILM)
        await here.until_told("content-film content-poster")

        async def is_noted() -> bool:
            (state,) = await here.sender.states()
            return (state.name, state.waiting, state.problem) == ("cache", 0, None)

        await until(is_noted)
        exposed = here.metrics.exposition().decode()
        done = 'thron_connector_purge_hook_requests_total{hook="cache",outcome="done"} 1.0'
        assert done in exposed


async def test_not_before_every_process_has_obeyed(database_url: str) -> None:
    """A process that has not, and one that has another revision to read, are waited for."""
    async with bench(database_url) as here:
        replicas = ReplicaStore(here.database)
        for each in ("one", "other"):
            await replicas.join(each, revision=0)
        await here.order(FILM)
        number = await PurgeStore(here.database).last()
        revision = await here.database.revision()
        await replicas.beat("one", purge=number, revision=revision)
        for _ in range(3):
            await replicas.beat("other", purge=number, revision=revision - 1)
            await asyncio.sleep(0.5)
        assert here.cache.told == []
        assert [each.waiting for each in await here.sender.states()] == [1]
        await replicas.beat("other", purge=number, revision=revision)
        await here.until_told("content-film")


async def test_a_silent_process_is_given_up(database_url: str) -> None:
    """After ten seconds without a heartbeat it is waited for no more, and will notice."""
    async with bench(database_url) as here:
        replicas = ReplicaStore(here.database)
        await replicas.join("silent", revision=0)
        await here.order(FILM)

        async def a_second_later() -> bool:
            here.seconds[0] += 1
            return bool(log.of("process given up"))

        with logged() as log:
            await until(a_second_later)
            assert here.seconds[0] > 10
            await here.until_told("content-film")
        assert not await replicas.beat("silent", purge=0, revision=0)


async def test_silence_counts_from_its_beginning(sqlite_url: str) -> None:
    """A process killed before is given up though nothing waits, and keeps no later purge."""
    async with bench(sqlite_url) as here:
        replicas = ReplicaStore(here.database)
        await replicas.join("killed", revision=0)
        for _ in range(8):
            here.seconds[0] += 2
            await here.sender.look()
        assert await replicas.all() == ()


async def test_until_it_is_done(sqlite_url: str) -> None:
    """A cache that is down is told when it is back, in order; one line in the log says it is."""
    async with bench(sqlite_url) as here:
        here.cache.status = 503
        with logged() as log:
            await here.order(FILM)

            async def has_failed() -> bool:
                return (await here.sender.states())[0].problem == "the cache answered 503"

            await until(has_failed)
            await here.order(POSTER)
            for _ in range(5):
                here.seconds[0] += 60
                await asyncio.sleep(0.5)
            assert len(log.of("cache not told")) == 1
            here.cache.status = 200
            here.seconds[0] += 60
            await here.until_told("content-film content-poster")
            await log.wait("cache told again")


async def test_it_outlives_a_restart(sqlite_url: str) -> None:
    """What was not told before the end is told after the next start, and the rest not again."""
    async with bench(sqlite_url) as here:
        await here.order(FILM)
        await here.until_told("content-film")
        here.cache.status = 500
        await here.order(POSTER)
    async with bench(sqlite_url) as here:
        await here.until_told("content-poster")


async def test_a_hook_that_nobody_repairs_has_an_end(database_url: str) -> None:
    """After a week its cache is to forget everything instead, and the others' caches nothing."""
    now = datetime.now(UTC)
    gone = Purge(PurgeKind.CONNECTOR, "gone")
    async with bench(database_url, "well", "ill", now=lambda: now) as here:
        here.cache.status = 503
        await here.order(gone, FILM)

        async def has_failed() -> bool:
            return all(each.problem for each in await here.sender.states())

        await until(has_failed)
        assert {each.waiting_since for each in await here.sender.states()} == {now}

        async def are_dropped() -> bool:
            dropped = {(each["hook"], each["purges"]) for each in log.of("purges dropped")}
            return dropped == {("well", 2), ("ill", 2)}

        with logged() as log:
            now += timedelta(days=8)
            await until(are_dropped)
        exposed = here.metrics.exposition().decode()
        assert 'thron_connector_purge_hook_dropped_total{hook="ill"} 2.0' in exposed
        assert 'thron_connector_purge_hook_oldest_seconds{hook="ill"} 691200.0' in exposed
        here.cache.status, here.cache.told[:] = 200, []
        here.seconds[0] += 60
        everything = "connector-gone no-connector"

        async def is_told() -> bool:
            return here.cache.told == [everything] * 2

        await until(is_told)


async def test_nothing_is_dropped_that_a_process_has_yet_to_obey(sqlite_url: str) -> None:
    """Its cache would be filled by that process again; nor does the table grow by trying."""
    now = datetime.now(UTC)
    async with bench(sqlite_url, now=lambda: now) as here:
        await ReplicaStore(here.database).join("stuck", purge=0, revision=0)
        await here.order(FILM)
        now += timedelta(days=8)
        for _ in range(3):
            await here.sender.look()
        kept = await PurgeStore(here.database).since(0)
        assert [each.purge for each in kept] == [FILM]


async def test_what_one_cache_is_to_forget_is_not_another_s(sqlite_url: str) -> None:
    """A purge of everything that names a hook is for that hook's cache."""
    async with bench(sqlite_url, "other") as here:
        await here.order(Purge(PurgeKind.ALL, "this"), FILM)
        await here.until_told("content-film")


async def test_a_hook_of_another_file_waits(database_url: str) -> None:
    """Where the leader has not read it, its purges wait, seen by everybody, for who has."""
    async with bench(database_url, "theirs") as here:
        here.cache.status = 503
        await here.order(FILM)
    with logged() as log:
        async with bench(database_url, "ours") as here:
            await here.order(POSTER)
            await here.until_told("content-poster")
            await log.wait("purge hook unknown")

            async def is_ours_done() -> bool:
                ours, theirs = await here.sender.states()
                assert (theirs.name, theirs.is_known, theirs.waiting) == ("theirs", False, 2)
                assert "its purges wait" in (theirs.problem or "")
                return (ours.name, ours.is_known, ours.waiting) == ("ours", True, 0)

            await until(is_ours_done)
            await here.sender.look()
            exposed = here.metrics.exposition().decode()
            assert 'thron_connector_purge_hook_waiting{hook="theirs"} 2.0' in exposed
        async with bench(database_url, "theirs", "ours") as here:
            await here.until_told("content-film content-poster")
    assert len(log.of("purge hook unknown")) == 1


async def test_nothing_is_kept_for_long_for_hooks_that_there_are_no_more(sqlite_url: str) -> None:
    """Once the setting is gone for a day, a day's purges are all that there is; the log says so."""
    now, seconds = datetime.now(UTC), 0.0
    async with bench(sqlite_url, now=lambda: now) as here:
        here.cache.status = 503
        await here.order(FILM)
    async with (
        Database.open(sqlite_url, now=lambda: now) as database,
        ConnectorWatch.open(database, changed=_nothing) as watch,
        aiohttp.ClientSession() as http,
    ):
        metrics = Metrics()
        sender = PurgeSender(
            database,
            watch,
            [],
            http,
            leads=lambda: True,
            metrics=metrics,
            monotonic=lambda: seconds,
        )
        with logged() as log:
            await sender.look()
            seconds += 86_401
            assert [each.waiting for each in await sender.states()] == [1]
            await sender.look()
            await sender.look()
        assert await sender.states() == ()
        (dropped,) = log.of("purge hook dropped")
        assert (dropped["hook"], dropped["purges"]) == ("cache", 1)
        assert 'purge_hook_waiting{hook="cache"}' not in metrics.exposition().decode()
        now += timedelta(days=2)
        await PurgeStore(database).note_changes(["poster"])
        kept = await PurgeStore(database).since(0)
        assert [each.purge.value for each in kept] == ["poster"]


async def test_a_new_hook_begins_now(sqlite_url: str) -> None:
    """What was before it is not its cache's concern."""
    async with Database.open(sqlite_url) as database:
        await PurgeStore(database).order(FILM, actor="test")
    async with bench(sqlite_url) as here:
        await here.order(POSTER)
        await here.until_told("content-poster")


async def test_a_cache_that_hangs_keeps_no_other_waiting(sqlite_url: str) -> None:
    """Each hook goes on by itself."""
    async with bench(sqlite_url, "hanging", "cache") as here:
        await here.order(FILM)
        await here.until_told("content-film")


async def test_one_process_sends(sqlite_url: str) -> None:
    """Where another one leads, nothing is sent."""
    async with bench(sqlite_url) as here:
        here.leads[0] = False
        await here.order(FILM)
        await asyncio.sleep(1)
        assert here.cache.told == []
        here.leads[0] = True
        await here.until_told("content-film")


@pytest.mark.parametrize(
    ("purge", "tags"),
    [
        pytest.param(Purge(PurgeKind.CONNECTOR, "media"), "connector-media no-connector", id="c"),
        pytest.param(Purge(PurgeKind.ALL), "no-connector", id="all"),
        pytest.param(Purge(PurgeKind.ADDRESS, "media/en/x"), "connector-media", id="address"),
    ],
)
async def test_tags(sqlite_url: str, purge: Purge, tags: str) -> None:
    """A connector's purge reaches 404s of its name; an unknown address may be any content's."""
    async with bench(sqlite_url) as here:
        await here.order(purge)
        await here.until_told(tags)


async def test_try(sqlite_url: str) -> None:
    """A try purges nothing, and says what is wrong."""
    async with bench(sqlite_url) as here:
        assert await here.sender.try_hook("cache") is None
        assert here.cache.told == ["content--"]
        here.cache.status = 401
        assert await here.sender.try_hook("cache") == "the cache answered 401"
        with pytest.raises(KeyError):
            await here.sender.try_hook("none")


async def test_a_message_sent_again_has_the_same_id(sqlite_url: str) -> None:
    """A receiver that took it, and whose answer was lost, does nothing twice."""
    async with bench(sqlite_url) as here:
        here.cache.status = 503
        await here.order(FILM)

        async def has_failed() -> bool:
            return bool((await here.sender.states())[0].problem)

        await until(has_failed)
        here.cache.status = 200
        here.seconds[0] += 60
        await here.until_told("content-film")
        assert len(here.cache.ids) == 2
        assert len(set(here.cache.ids)) == 1


async def test_a_database_put_back_gives_no_id_again(tmp_path: Path) -> None:
    """Orders are numbered as before then: a receiver must not take a new one for one it has seen.

    Nor does CloudFront take a CallerReference for other paths.
    """
    ids = []
    for day in (1, 2):
        now = datetime(2026, 1, day, tzinfo=UTC)
        async with bench(f"sqlite:///{tmp_path / str(day)}", now=partial(_same, now)) as here:
            await here.order(FILM)
            await here.until_told("content-film")
            ids += here.cache.ids
    assert len(set(ids)) == 2


async def test_each_try_is_a_message_of_its_own(sqlite_url: str) -> None:
    """A receiver that does nothing about an id that it has seen takes each try."""
    async with bench(sqlite_url) as here:
        for _ in range(2):
            assert await here.sender.try_hook("cache") is None
        first, second = here.cache.ids
        assert first != second


@pytest.mark.parametrize(
    ("retry_after", "waits_s"),
    [
        pytest.param("", 1, id="as ever"),
        pytest.param("30", 30, id="what it asks for"),
        pytest.param("86400", 60, id="a minute at most"),
        pytest.param("soon", 1, id="nonsense"),
    ],
)
async def test_it_waits_as_a_cache_asks(sqlite_url: str, retry_after: str, waits_s: float) -> None:
    """A CDN that limits the rate of purges is not asked again before it wants to be."""
    async with bench(sqlite_url) as here:
        here.cache.status, here.cache.retry_after = 429, retry_after
        await here.order(FILM)

        async def has_failed() -> bool:
            return (await here.sender.states())[0].problem == "the cache answered 429"

        await until(has_failed)
        here.cache.status = 200
        here.seconds[0] += waits_s - 0.1
        await asyncio.sleep(0.5)
        assert here.cache.told == []
        here.seconds[0] += 0.2
        await here.until_told("content-film")
