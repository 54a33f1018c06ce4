"""Purges are obeyed by every process; each says so, and when old answers have ended."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from proxy.catalogue.database import Database
from proxy.catalogue.purges import Purge, PurgeKind, PurgeOrder, PurgeStore
from proxy.catalogue.replicas import ReplicaStore
from proxy.connectors.model import Connector, Identifier
from proxy.connectors.store import ConnectorStore, ConnectorWatch
from proxy.edge.acknowledgement import Acknowledgements
from proxy.edge.purge_poller import PurgePoller
from proxy.errors import DatabaseFailed
from proxy.telemetry.access_record import AccessRecord
from tests.logs import logged
from tests.waiting import PATIENCE_S

NEVER_S = 3600.0
ALL = Purge(PurgeKind.ALL)
FILM, LOGO = (Purge(PurgeKind.CHANGED, each) for each in ("film", "logo"))
FILES = Connector(slug="files", folder="f", folder_id="f", identifier=Identifier.CONTENT_ID)


@dataclass
class Process:
    """One that serves, asked when the test says so, with a clock of its own."""

    database: Database
    watch: ConnectorWatch
    purges: list[Purge] = field(default_factory=list)
    running: list[AccessRecord] = field(default_factory=list)
    now: float = 0.0
    once: asyncio.Event = field(default_factory=asyncio.Event)
    meanwhile: list[Callable[[], Awaitable[object]]] = field(default_factory=list)

    async def obey(self, *purges: Purge) -> None:
        """Remember what was ordered; each time, the next thing happens meanwhile."""
        self.purges += purges
        self.once.set()
        if self.meanwhile:
            await self.meanwhile.pop(0)()

    def answer(self, connector: str, content_id: str | None) -> AccessRecord:
        """Begin an answer that does not end."""
        record = AccessRecord("id", "client", "http", None, began=self.now)
        record.connector, record.content_id = connector, content_id
        self.running.append(record)
        return record

    def end(self, record: AccessRecord) -> None:
        """End it."""
        record.duration_s = self.now - record.began
        self.running.remove(record)

    async def repeats(self) -> list[Purge]:
        """Return what caches are to be told again."""
        ordered = await PurgeStore(self.database).since(0)
        return [each.purge for each in ordered if each.is_repeat]

    def records(self) -> Iterable[AccessRecord]:
        """Return what runs."""
        return self.running


@asynccontextmanager
async def process(
    url: str, *, acknowledges: bool = True, interval_s: float = NEVER_S
) -> AsyncIterator[tuple[Process, PurgePoller]]:
    """Run a process with a database of its own connections."""
    async with (
        Database.open(url) as database,
        ConnectorWatch.open(database, changed=_nothing, interval_s=NEVER_S) as watch,
    ):
        made = Process(database, watch)
        async with PurgePoller.open(
            database,
            watch,
            made.obey,
            running=made.records,
            acknowledges=acknowledges,
            monotonic=lambda: made.now,
            interval_s=interval_s,
        ) as poller:
            yield made, poller


async def _nothing() -> None:
    """Follow no tenant."""


@pytest.fixture(params=[True, False], ids=["with hooks", "without"])
def acknowledges(request: pytest.FixtureRequest) -> bool:
    with_hooks: bool = request.param
    return with_hooks


async def test_another_process_s_order_is_obeyed(sqlite_url: str, *, acknowledges: bool) -> None:
    """An order through another connection to the database is seen without being asked for."""
    order = Purge(PurgeKind.CONTENT, "c-1")
    async with (
        Database.open(sqlite_url) as theirs,
        process(sqlite_url, acknowledges=acknowledges, interval_s=0.01) as (ours, _),
        asyncio.timeout(PATIENCE_S),
    ):
        await PurgeStore(theirs).order(order, actor="cli")
        await ours.once.wait()
    assert ours.purges == [order]


async def test_this_process_s_order_is_obeyed_at_once(sqlite_url: str) -> None:
    """It waits for no interval."""
    async with (
        Database.open(sqlite_url) as database,
        ConnectorWatch.open(database, changed=_nothing, interval_s=NEVER_S) as watch,
    ):
        made = Process(database, watch)
        async with (
            PurgePoller.open(
                database,
                watch,
                made.obey,
                running=made.records,
                acknowledges=True,
                interval_s=NEVER_S,
                news=lambda: database.written,
            ),
            asyncio.timeout(PATIENCE_S),
        ):
            await asyncio.sleep(0)
            await PurgeStore(database).order(ALL, actor="cli")
            await made.once.wait()


async def test_each_order_once(sqlite_url: str, *, acknowledges: bool) -> None:
    """Several orders are obeyed in their order, those of one moment together, and none again."""
    orders = [Purge(PurgeKind.CONNECTOR, "files"), ALL, ALL]
    async with process(sqlite_url, acknowledges=acknowledges) as (ours, poller):
        for order in orders:
            await PurgeStore(ours.database).order(order, actor="cli")
        await poller.refresh()
        await poller.refresh()
    assert ours.purges == orders[:2]


async def test_earlier_orders_are_ignored(sqlite_url: str, *, acknowledges: bool) -> None:
    """A process that starts later knows nothing yet, so it obeys no order from before."""
    async with Database.open(sqlite_url) as database:
        await PurgeStore(database).order(ALL, actor="cli")
    async with process(sqlite_url, acknowledges=acknowledges) as (ours, poller):
        await poller.refresh()
        assert ours.purges == []
        await PurgeStore(ours.database).order(ALL, actor="cli")
        await poller.refresh()
        assert ours.purges == [ALL]


async def test_its_word(database_url: str) -> None:
    """What it has obeyed stands in the database at once, and nothing once it has ended."""
    async with Database.open(database_url) as database:
        replicas = ReplicaStore(database)
        async with process(database_url) as (ours, poller):
            number = await PurgeStore(database).order(ALL, actor="cli")
            (before,) = await replicas.all()
            await poller.refresh()
            (after,) = await replicas.all()
            assert before.purge < number == after.purge
            await poller.refresh()
            assert await replicas.all() == (after,)  # nothing new to be said
            ours.now += 2
            await poller.refresh()
            (later,) = await replicas.all()
            assert (later.purge, later.beats) == (number, after.beats + 1)
        assert await replicas.all() == ()


async def test_a_changed_connector_is_obeyed_with_its_revision(sqlite_url: str) -> None:
    """A process that obeys such a purge serves the connector as it is by then."""
    async with process(sqlite_url) as (ours, poller):
        store = ConnectorStore(ours.database)
        await store.apply([FILES], actor="test")
        await ours.watch.refresh()
        changed = FILES.model_copy(update={"max_age_s": 7})
        await store.apply([changed], actor="test")
        assert ours.watch.connectors.of_slug("files") == FILES
        await poller.refresh()
        assert ours.purges == [Purge(PurgeKind.CONNECTOR, "files")]
        assert ours.watch.connectors.of_slug("files") == changed
        (said,) = await ReplicaStore(ours.database).all()
        assert said.revision == ours.watch.connectors.revision


async def test_given_up(database_url: str) -> None:
    """Whoever was given up forgets all, and has caches told again of what it missed."""
    async with process(database_url) as (ours, poller):
        replicas, purges = ReplicaStore(ours.database), PurgeStore(ours.database)
        (said,) = await replicas.all()
        await replicas.leave(said.id)
        await purges.order(Purge(PurgeKind.CONTENT, "film"), actor="cli")
        await poller.refresh()
        assert ours.purges == [Purge(PurgeKind.CONTENT, "film"), ALL]
        assert await ours.repeats() == [Purge(PurgeKind.CONTENT, "film")]
        await poller.refresh()
        (said,) = await replicas.all()
        assert said.purge == await purges.last()
        assert len(ours.purges) == 2


@pytest.mark.parametrize(
    ("purge", "connector", "content_id", "is_meant"),
    [
        pytest.param(FILM, "files", "film", True, id="its content"),
        pytest.param(FILM, "files", "poster", False, id="another content"),
        pytest.param(FILM, "files", None, True, id="not looked up yet"),
        pytest.param(Purge(PurgeKind.CONNECTOR, "files"), "files", "film", True, id="connector"),
        pytest.param(Purge(PurgeKind.CONNECTOR, "media"), "files", "film", False, id="another"),
        pytest.param(Purge(PurgeKind.ADDRESS, "files//film"), "files", "x", True, id="address"),
        pytest.param(ALL, "files", "film", True, id="all"),
    ],
)
async def test_told_again_when_an_old_answer_has_ended(
    sqlite_url: str, purge: Purge, connector: str, content_id: str | None, *, is_meant: bool
) -> None:
    """An answer that began before a purge may be what a cache stores after it."""
    async with process(sqlite_url) as (ours, poller):
        old = ours.answer(connector, content_id)
        await PurgeStore(ours.database).order(purge, actor="cli")
        await poller.refresh()
        new = ours.answer(connector, content_id)
        await poller.refresh()
        assert await ours.repeats() == []
        old.content_id = content_id or "film"  # looked up by now
        ours.end(old)
        await poller.refresh()
        again = Purge(PurgeKind.CHANGED, content_id or "film")
        assert await ours.repeats() == ([again] if is_meant else [])
        ours.end(new)  # that one was right, and a repeat is none's order to forget
        await poller.refresh()
        assert len(await ours.repeats()) == is_meant
        assert ours.purges == [purge]


async def test_one_slow_reader_keeps_no_cache_wrong(sqlite_url: str) -> None:
    """Of many old answers each that ends is followed by a repeat; the more, the rarer."""
    async with process(sqlite_url) as (ours, poller):
        olds = [ours.answer("files", "film") for _ in range(40)]
        await PurgeStore(ours.database).order(FILM, actor="cli")
        await poller.refresh()
        for old in olds[1:]:
            ours.now += 1
            ours.end(old)
            await poller.refresh()
        told = len(await ours.repeats())
        assert 4 <= told <= 6  # after 1, 2, 4, 8 ... seconds
        ours.end(olds[0])
        await poller.refresh()
        assert len(await ours.repeats()) == told + 1


async def test_the_end_of_a_process_ends_its_old_answers(sqlite_url: str) -> None:
    """What it gave before a purge may be in a cache; nobody else knows of it."""
    async with Database.open(sqlite_url) as database:
        purges = PurgeStore(database)
        async with process(sqlite_url) as (ours, poller):
            ended = ours.answer("files", "film")
            ours.answer("files", "poster")
            await purges.order(ALL, actor="cli")
            await poller.refresh()
            ours.answer("files", "logo")  # a new one, which is right
            ours.end(ended)
        again = [each.purge for each in await purges.since(0) if each.is_repeat]
        assert again == [Purge(PurgeKind.CHANGED, each) for each in ("film", "poster")]
        assert await ReplicaStore(database).all() == ()


async def test_a_process_ends_without_its_database(sqlite_url: str) -> None:
    """It does not fail for that; the others give it up."""
    with logged() as log:
        async with process(sqlite_url):
            file = _file(sqlite_url)
            away = file.rename(file.with_suffix(".away"))
        assert log.of("not signed off")
    away.rename(file)


async def test_what_is_ordered_while_it_rejoins(database_url: str) -> None:
    """What caches are told without it until it has joined is repeated, once it has obeyed it."""
    poster = Purge(PurgeKind.CHANGED, "poster")
    async with process(database_url) as (ours, poller):
        replicas, purges = ReplicaStore(ours.database), PurgeStore(ours.database)
        acknowledgements = Acknowledgements(replicas, monotonic=lambda: 0.0)
        (said,) = await replicas.all()
        await replicas.leave(said.id)
        await purges.order(FILM, actor="cli")

        async def told_without_it() -> None:
            """At the last moment: it has read what was ordered, and has not joined yet."""
            await purges.order(poster, actor="cli")
            told = await acknowledgements.of(await purges.since(0))
            assert [each.purge for each in told] == [FILM, poster]

        async def no_repeat_before_it_has_obeyed() -> None:
            assert await ours.repeats() == []
            await purges.order(LOGO, actor="cli")
            told = await acknowledgements.of(await purges.since(0))
            assert LOGO not in [each.purge for each in told]  # it has joined: it is waited for

        ours.meanwhile += [told_without_it, no_repeat_before_it_has_obeyed]
        await poller.refresh()
        assert ours.purges[:3] == [FILM, poster, ALL]
        assert [*await ours.repeats()][:2] == [FILM, poster]
        await poller.refresh()
        (said,) = await replicas.all()
        assert (said.purge, ours.purges[3:]) == (await purges.last(), [LOGO])


async def test_a_rejoining_that_fails_is_taken_up_again(sqlite_url: str) -> None:
    """Where the database fails in the middle of it, nothing of it is left out."""
    async with process(sqlite_url) as (ours, poller):
        replicas, purges = ReplicaStore(ours.database), PurgeStore(ours.database)
        (said,) = await replicas.all()
        await replicas.leave(said.id)
        await purges.order(FILM, actor="cli")
        file = _file(sqlite_url)
        away = file.with_suffix(".away")

        async def database_is_gone() -> None:
            file.rename(away)

        ours.meanwhile += [_nothing, database_is_gone]  # when it forgets all, having joined
        with pytest.raises(DatabaseFailed):
            await poller.refresh()
        away.rename(file)
        assert await ours.repeats() == []
        await poller.refresh()
        assert ours.purges == [FILM, ALL, ALL]
        assert await ours.repeats() == [FILM]


async def test_one_that_was_away_for_days_has_everything_told_again(sqlite_url: str) -> None:
    """What was ordered meanwhile is kept for a day: the rest it cannot name."""
    async with process(sqlite_url) as (ours, poller):
        replicas = ReplicaStore(ours.database)
        (said,) = await replicas.all()
        await replicas.leave(said.id)
        ours.now += 2 * 86_400
        await poller.refresh()
        assert await ours.repeats() == [ALL]


async def test_who_has_obeyed_nothing_says_so(sqlite_url: str) -> None:
    """Given up before its first purge, it does not claim what was ordered while it rejoins."""
    async with process(sqlite_url) as (ours, poller):
        replicas, purges = ReplicaStore(ours.database), PurgeStore(ours.database)
        (said,) = await replicas.all()
        await replicas.leave(said.id)
        ours.now += 2
        ours.meanwhile.append(partial(purges.order, FILM, actor="cli"))
        await poller.refresh()
        (said,) = await replicas.all()
        assert said.purge == 0 < await purges.last()
        await poller.refresh()
        (said,) = await replicas.all()
        assert (said.purge, ours.purges) == (await purges.last(), [ALL, FILM])


async def test_a_new_process_says_what_it_serves(sqlite_url: str) -> None:
    """It claims the connectors that it has read, not those that there are by now."""
    async with Database.open(sqlite_url) as database:
        await ConnectorStore(database).apply([FILES], actor="test")
        async with ConnectorWatch.open(database, changed=_nothing, interval_s=NEVER_S) as watch:
            changed = FILES.model_copy(update={"max_age_s": 7})
            await ConnectorStore(database).apply([changed], actor="test")
            made = Process(database, watch)
            async with PurgePoller.open(
                database, watch, made.obey, running=made.records, acknowledges=True
            ):
                (said,) = await ReplicaStore(database).all()
                assert said.revision == watch.connectors.revision < await database.revision()


async def test_a_repeat_is_obeyed_by_nobody(sqlite_url: str) -> None:
    """It is for caches alone."""
    async with process(sqlite_url) as (ours, poller):
        await PurgeStore(ours.database).repeat([FILM])
        await poller.refresh()
        assert ours.purges == []
        assert await PurgeStore(ours.database).since(0) == (PurgeOrder(1, FILM, is_repeat=True),)


async def test_a_purge_of_all_is_repeated_by_content(sqlite_url: str) -> None:
    """Downloads may end for hours: caches do not lose everything again with each of them."""
    async with process(sqlite_url) as (ours, poller):
        olds = [ours.answer("files", each) for each in ("film", "poster")]
        unresolved = ours.answer("files", None)
        await PurgeStore(ours.database).order(ALL, actor="cli")
        await poller.refresh()
        for each in (*olds, unresolved):
            ours.end(each)
            await poller.refresh()
        assert await ours.repeats() == [
            Purge(PurgeKind.CHANGED, each) for each in ("film", "poster")
        ]


def _file(sqlite_url: str) -> Path:
    return Path(sqlite_url.removeprefix("sqlite:///"))
