"""One session with THRON for all processes: who logs in, and what the others use."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

import aiohttp
import pytest

from proxy.catalogue.async_engine import AsyncConnection
from proxy.catalogue.database import Database
from proxy.catalogue.session_store import SharedSessions
from proxy.sandbox.server import Sandbox, Switches
from proxy.thron.client import Client
from proxy.thron.messages import SearchCriteria, search
from proxy.thron.session import Credentials, ThronSession
from proxy.thron.token_keeper import TokenKeeper

KEY = "k" * 32
NOON = 1_700_000_000.0
MINE = Credentials("acme", "app", "app-key")
MINUTES = 60.0


@dataclass(slots=True)
class Clock:
    """A clock that all processes of a test share."""

    now: float = NOON

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@asynccontextmanager
async def store(
    url: str, clock: Clock, credentials: Credentials = MINE, *, key: str = KEY
) -> AsyncIterator[SharedSessions]:
    """Open the store as a process of its own does."""
    async with Database.open(url, secret_keys_given=(key,)) as database:
        assert database.encryption is not None
        yield SharedSessions(database, database.encryption, credentials, now=clock)


@asynccontextmanager
async def replicas(
    thron: Sandbox, url: str, clock: Clock, *, number: int = 2
) -> AsyncIterator[list[TokenKeeper]]:
    """Run the keepers of several processes on one database."""
    mine = Credentials(thron.client_id, thron.app_id, thron.app_key)
    async with AsyncExitStack() as stack:
        made = []
        for _ in range(number):
            sessions = await stack.enter_async_context(store(url, clock, mine))
            http = await stack.enter_async_context(aiohttp.ClientSession())
            client = Client(http, api_url=thron.api_url)
            keeper = TokenKeeper(client, mine, now=clock, random=lambda: 0.5, store=sessions)
            made.append(await stack.enter_async_context(keeper))
        yield made


async def ask(thron: Sandbox, keeper: TokenKeeper) -> None:
    """Ask for something that needs a good token."""
    criteria = SearchCriteria(folder_id=thron.root_folder_id)
    assert (await keeper.ask(search(thron.client_id, criteria))).contents


async def test_a_session_is_kept_whole(database_url: str) -> None:
    """What one process saves another loads, the pkey and the folder too."""
    session = ThronSession("token-1", "pkey-1", "root", logged_in_at=NOON)
    clock = Clock()
    async with store(database_url, clock) as one, store(database_url, clock) as other:
        assert await other.load() is None
        await one.save(session)
        loaded = await other.load()
        assert loaded is not None
        assert (loaded.token, loaded.pkey) == ("token-1", "pkey-1")
        assert (loaded.root_category_id, loaded.logged_in_at) == ("root", NOON)


@pytest.mark.parametrize(
    "changed", [{"app_key": "other"}, {"app_id": "other"}, {"username": "somebody"}]
)
async def test_other_credentials_have_another_session(
    changed: dict[str, str], sqlite_url: str
) -> None:
    """What was given for some credentials is not used with others."""
    other = replace(MINE, **changed)
    async with store(sqlite_url, Clock()) as mine, store(sqlite_url, Clock(), other) as theirs:
        await mine.save(ThronSession("token-1"))
        assert await theirs.load() is None


async def test_a_session_of_another_version_is_none(sqlite_url: str) -> None:
    """While replicas are updated one may keep more of a session than the other knows."""

    @dataclass(frozen=True, slots=True, eq=False)
    class Later(ThronSession):
        region: str = "eu"

    async with store(sqlite_url, Clock()) as mine:
        await mine.save(Later("token-1"))
        assert await mine.load() is None


async def test_another_key_opens_no_session(sqlite_url: str) -> None:
    """A session that was encrypted with a key that is not known is as if there were none."""
    async with store(sqlite_url, Clock()) as one:
        await one.save(ThronSession("token-1"))
    async with store(sqlite_url, Clock(), key="z" * 32) as other:
        assert await other.load() is None
        await other.save(ThronSession("token-2"))
        assert await other.load() is not None


async def test_the_lease_is_one_s(database_url: str) -> None:
    """While one may log in the others may not, until it gives the lease back or has gone."""
    clock = Clock()
    async with store(database_url, clock) as one, store(database_url, clock) as other:
        assert await one.acquire()
        assert await one.acquire()
        assert not await other.acquire()
        await other.release()
        assert not await other.acquire()
        await one.release()
        assert await other.acquire()
        clock.now += 121
        assert await one.acquire()


async def test_a_database_that_fails_keeps_nobody_from_logging_in(sqlite_url: str) -> None:
    """Without an answer of it each process logs in for itself."""
    async with store(sqlite_url, Clock()) as sessions, Database.open(sqlite_url) as database:
        await database.write(_drop_the_table)
        assert await sessions.acquire()
        await sessions.save(ThronSession("token-1"))
        assert await sessions.load() is None
        await sessions.release()


async def _drop_the_table(connection: AsyncConnection) -> None:
    await connection.exec_driver_sql("DROP TABLE thron_session")


async def test_two_replicas_log_in_once(database_url: str) -> None:
    """Where a login ends the former session, two replicas work for ten minutes with one login.

    A session that THRON ends costs one more, whichever of them finds it out.
    """
    clock = Clock()
    switches = Switches(login_revokes_earlier=True)
    async with (
        Sandbox(switches=switches, now=clock) as thron,
        replicas(thron, database_url, clock) as keepers,
    ):
        for second in range(0, 600, 5):
            clock.now = NOON + second
            if second == 300:
                thron.expire_tokens()
            await asyncio.gather(*(ask(thron, keeper) for keeper in keepers))
        assert thron.logins == 2


async def test_five_first_callers_log_in_once(sqlite_url: str) -> None:
    """Processes that start together have one login between them."""
    clock = Clock()
    async with (
        Sandbox(now=clock) as thron,
        replicas(thron, sqlite_url, clock, number=5) as keepers,
    ):
        await asyncio.gather(*(ask(thron, keeper) for keeper in keepers))
        assert thron.logins == 1
        assert sum(keeper.state.logins for keeper in keepers) == 1


@pytest.mark.parametrize(
    ("later_s", "logins"),
    [
        pytest.param(49 * MINUTES, 1, id="young enough not to ask whether it is good"),
        pytest.param(59 * MINUTES, 1, id="validated first"),
        pytest.param(61 * MINUTES, 2, id="ended"),
    ],
)
async def test_a_process_uses_the_session_of_an_earlier_one(
    later_s: float, logins: int, sqlite_url: str
) -> None:
    """A restart, or a command beside the server, logs in only where the session has ended."""
    clock = Clock()
    async with Sandbox(now=clock) as thron:
        async with replicas(thron, sqlite_url, clock, number=1) as keepers:
            await ask(thron, keepers[0])
        clock.now += later_s
        async with replicas(thron, sqlite_url, clock, number=1) as keepers:
            await ask(thron, keepers[0])
        assert thron.logins == logins


async def test_the_pkey_outlives_the_session(sqlite_url: str) -> None:
    """With the session ended and THRON down, the last pkey is still known."""
    clock = Clock()
    async with Sandbox(now=clock) as thron:
        async with replicas(thron, sqlite_url, clock, number=1) as keepers:
            await keepers[0].session()
        clock.now += 10 * 60 * MINUTES
        thron.api_down = True
        async with replicas(thron, sqlite_url, clock, number=1) as keepers:
            last = await keepers[0].last_known()
        assert last is not None
        assert last.pkey == thron.pkey
