"""Two replicas on one PostgreSQL behind HAProxy: whatever ends, downloads come right."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from csv import DictReader
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import aiohttp
import asyncpg  # type: ignore[import-untyped] # it ships no types
import pytest
from yarl import URL

from proxy.catalogue.database import Database
from proxy.catalogue.purges import Purge, PurgeKind, PurgeStore
from proxy.catalogue.sync_runs import SyncRunStore
from proxy.connectors.model import Connector
from proxy.connectors.store import ConnectorStore
from proxy.sandbox.server import Sandbox
from tests.catalogue.postgres import cluster, server
from tests.fronts.front import Front, haproxy
from tests.fronts.resuming import Tally, downloading
from tests.ports import free_address, free_port
from tests.process import Process, beside, environ_for
from tests.running import by_id
from tests.waiting import until

# Seconds of a download, so that many are in the middle of it.
FILM = Random(8).randbytes(12 * 1024 * 1024)  # noqa: S311 - octets to be told apart, no secret


class Replica:
    """A connector's process on ports of its own, which may be ended and started again."""

    def __init__(self, environ: dict[str, str], stack: AsyncExitStack) -> None:
        self.port = free_port()
        self._stack = stack
        self._environ = environ | {
            "TDC_LISTEN": f"127.0.0.1:{self.port}",
            "TDC_ADMIN_LISTEN": free_address(),
        }
        self._process: Process | None = None

    async def start(self) -> None:
        """Start it, and wait until it listens."""
        running = beside("serve", environ=self._environ)
        self._process = await self._stack.enter_async_context(running)
        await asyncio.to_thread(self._process.event, "listening")

    async def end(self, by: signal.Signals) -> None:
        """End it by a signal, and wait until it is gone."""
        assert self._process is not None
        self._process.tell(by)
        await asyncio.to_thread(self._process.exit_status)


@dataclass(frozen=True, slots=True)
class Site:
    """All that runs; the first replica leads, until it ends.

    Attributes:
        thron: Where the contents are.
        home: Of PostgreSQL.
        postgresql: Which runs until this is closed.
        database: As a command sees it that an operator runs.
        replicas: Both.
        front: HAProxy.
        http: Asks.
    """

    thron: Sandbox
    home: Path
    postgresql: ExitStack
    database: Database
    replicas: tuple[Replica, Replica]
    front: Front
    http: aiohttp.ClientSession

    async def apply(self, *more: Connector) -> None:
        """Install connectors, beside the one that is always there."""
        folder_id = self.thron.root_folder_id
        wanted = [by_id(self.thron), *more]
        resolved = [each.model_copy(update={"folder_id": folder_id}) for each in wanted]
        await ConnectorStore(self.database).apply(resolved, actor="test")

    async def until_all_say(self, path: str, status: int) -> float:
        """Wait until each replica itself answers so; return the seconds that it took."""
        began = time.monotonic()
        for replica in self.replicas:
            url = URL(f"http://127.0.0.1:{replica.port}{path}", encoded=True)

            async def says(url: URL = url) -> bool:
                async with self.http.get(url) as answer:
                    await answer.read()
                    return answer.status == status

            await until(says)
        return time.monotonic() - began

    async def until_both_are_taken(self) -> None:
        """Wait until HAProxy gives requests to each replica: it has had two good looks at it."""
        assert self.front.states_url is not None
        states_url = self.front.states_url

        async def are_up() -> bool:
            async with self.http.get(states_url) as answer:
                lines = DictReader((await answer.text()).lstrip("# ").splitlines())
            states = [each["status"] for each in lines if each["svname"].startswith("connector")]
            return states == ["UP", "UP"]

        await until(are_up)

    async def until_read(self) -> float:
        """Wait until a replica has read the folder anew; return the seconds until it began."""
        began, now = time.monotonic(), datetime.now(UTC)

        async def is_read() -> bool:
            last = await SyncRunStore(self.database).last_began("files")
            return last is not None and last > now

        await until(is_read)
        return time.monotonic() - began


@asynccontextmanager
async def site(thron: Sandbox, home: Path) -> AsyncIterator[Site]:
    """Run two replicas with their database, behind HAProxy, until the end of the block."""
    async with AsyncExitStack() as stack:
        place = stack.enter_context(cluster())
        postgresql = stack.enter_context(ExitStack())
        postgresql.enter_context(server(place))
        connection = await asyncpg.connect(host=str(place), user="postgres")
        await connection.execute("CREATE DATABASE connector")
        await connection.close()
        url = f"postgresql://postgres@/connector?host={place}"
        database = await stack.enter_async_context(Database.open(url))
        http = await stack.enter_async_context(aiohttp.ClientSession())
        environ = environ_for(thron, home) | {
            "TDC_DATABASE_URL": url,
            "TDC_SECRET_KEY": "0" * 44,
            "TDC_SYNC_INTERVAL_S": "1",
            "TDC_RESOLUTION_TTL_S": "3600",  # what is new shows by a purge alone
            "TDC_LAME_DUCK_S": "3",
            "TDC_DRAIN_S": "60",
            "TDC_TRUSTED_PROXIES": "127.0.0.1",
        }
        one, other = Replica(environ, stack), Replica(environ, stack)
        (front := home / "front").mkdir()
        proxy = await stack.enter_async_context(haproxy(one.port, front, second_port=other.port))
        self = Site(thron, place, postgresql, database, (one, other), proxy, http)
        await self.apply()
        await one.start()
        await self.until_read()
        await other.start()
        await self.until_both_are_taken()
        yield self


async def _changes_and_purges(here: Site, number: int) -> tuple[float, float]:
    """Withdraw a content, and install a connector; return how long each took to show everywhere."""
    logo, purges = here.thron.tenant.find("logo").id, PurgeStore(here.database)
    await here.until_all_say(f"/files/{logo}", 200)
    here.thron.unlink(logo)
    await here.until_all_say(f"/files/{logo}", 200)  # what is remembered holds for an hour
    await purges.order(Purge(PurgeKind.CONTENT, logo), actor="test")
    purged_s = await here.until_all_say(f"/files/{logo}", 404)
    here.thron.link(logo, here.thron.root_folder_id)
    await purges.order(Purge(PurgeKind.CONTENT, logo), actor="test")
    await here.until_all_say(f"/files/{logo}", 200)
    await here.apply(by_id(here.thron, slug := f"added-{number}"))
    return purged_s, await here.until_all_say(f"/{slug}/{logo}", 200)


async def _leader_killed(here: Site, leader: Replica, tally: Tally) -> float:
    """Kill the one that leads in the middle of a download; return how soon the other one leads."""
    begun = tally.begun

    async def is_delivering() -> bool:
        return tally.begun >= begun + 2  # in turn: one by each

    await until(is_delivering)
    await leader.end(signal.SIGKILL)
    met = set(tally.running)
    took_s = await here.until_read()
    await leader.start()

    async def have_noticed() -> bool:  # not before what HAProxy still holds has come
        return not met & tally.running

    await until(have_noticed)
    return took_s


async def _without_the_database(here: Site, *, outage_s: float) -> None:
    """End PostgreSQL, and start it again; nobody notices, whether an address is known or not."""
    here.postgresql.close()
    await asyncio.sleep(outage_s)
    unknown = here.thron.tenant.find("press-kit").id
    await here.until_all_say(f"/files/{unknown}", 200)
    here.postgresql.enter_context(server(here.home))
    await here.until_read()


async def _rolling_restart(here: Site, leader: Replica, follower: Replica) -> None:
    """Restart one after the other, as an upgrade does; the lead goes to and fro."""
    for replica in (leader, follower):
        await replica.end(signal.SIGTERM)
        await replica.start()
        await here.until_both_are_taken()


@pytest.mark.parametrize(
    ("rounds", "clients"),
    [
        (1, 4),
        pytest.param(10, 12, marks=pytest.mark.soak),
    ],
    ids=["once", "soak"],
)
async def test_under_load(thron: Sandbox, tmp_path: Path, rounds: int, clients: int) -> None:
    """No octet is wrong, every download can be resumed, and only a kill is noticed."""
    film = thron.tenant.find("strada-sl-film").id
    thron.publish_new_version(film, FILM)
    async with (
        site(thron, tmp_path) as here,
        downloading(f"{here.front.url}/files/{film}", FILM, clients=clients) as tally,
    ):
        leader, follower = here.replicas
        for number in range(rounds):
            purged_s, changed_s = await _changes_and_purges(here, number)
            print(f"everywhere: a purge after {purged_s:.1f} s, a change after {changed_s:.1f} s")
            led_s = await _leader_killed(here, leader, tally)
            leader, follower = follower, leader
            print(f"leader killed: {tally}; the other led after {led_s:.1f} s")
            by_kills = tally.noticed
            await _without_the_database(here, outage_s=2)
            print(f"PostgreSQL restarted: {tally}")
            await _rolling_restart(here, leader, follower)
            print(f"rolling restart: {tally}")
            assert tally.noticed == by_kills
        assert tally.broken
        assert tally.whole > clients
