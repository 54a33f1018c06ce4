"""Through a real Varnish: what has changed is new at once, and the old is never seen again."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from proxy.catalogue.purges import PurgeStore
from proxy.sandbox.server import Sandbox
from tests.clients.command import answered
from tests.fronts.front import free_port, varnish
from tests.running import Answer, Running, by_id, running
from tests.waiting import until

HOUR_S = 3600
# Of refills of the cache while it is told; as many more by `make soak`.
RACES, RACES_OF_SOAK = 50, 1000


@dataclass(frozen=True, slots=True)
class Edge:
    """Varnish, and the connectors behind it.

    Attributes:
        url: Of a content, through Varnish.
        content_id: Its id.
        connectors: That share a database; Varnish asks the last.
    """

    url: str
    content_id: str
    connectors: tuple[Running, ...]

    @property
    def connector(self) -> Running:
        """The one that Varnish asks."""
        return self.connectors[-1]

    async def get(self) -> Answer:
        """Ask through Varnish."""
        return await self.connector.get(self.url)

    def publish(self, content: bytes) -> None:
        """Replace the file in THRON; no connector knows of it yet."""
        self.connector.thron.publish_new_version(self.content_id, content)

    async def know(self) -> None:
        """Let the connector know that something has changed, as a verification would."""
        database = self.connectors[0].gateway.parts.database
        await PurgeStore(database).note_changes([self.content_id])

    async def until_new(self, *, body: bytes | None, after: float) -> float:
        """Wait until Varnish gives what there is now; return the seconds that it took."""

        async def is_new() -> bool:
            answer = await self.get()
            return answer.status == 404 if body is None else answer.body == body

        await until(is_new)
        return time.monotonic() - after


@asynccontextmanager
async def edge(
    thron: Sandbox, home: Path, *, has_xkey: bool = False, processes: int = 1
) -> AsyncIterator[Edge]:
    """Run Varnish with hooks before connectors whose answers it may keep for an hour."""
    port = free_port()
    (hooks := home / "hooks.toml").write_text(
        f"""
        [[hook]]
        name = "varnish"
        preset = "varnish-{"xkey" if has_xkey else "ban"}"
        url = "http://127.0.0.1:{port}/"
        """
    )
    (state := home / "state").mkdir()
    (place := home / "varnish").mkdir()
    content_id = thron.tenant.find("logo").id
    wanted = by_id(thron, max_age_s=1, cdn_max_age_s=HOUR_S)
    async with AsyncExitStack() as stack:
        connectors = [
            await stack.enter_async_context(
                running(thron, state, wanted, purge_hooks=hooks, resolution_ttl_s=HOUR_S)
            )
            for _ in range(processes)
        ]
        behind = connectors[-1].gateway.parts.settings.listen.port
        front = await stack.enter_async_context(
            varnish(behind, place, port=port, has_xkey=has_xkey)
        )
        yield Edge(f"{front.url}/files/{content_id}/logo.png", content_id, tuple(connectors))


@pytest.mark.parametrize("has_xkey", [False, True], ids=["ban", "xkey"])
async def test_new_version(thron: Sandbox, tmp_path: Path, *, has_xkey: bool) -> None:
    """What a sync sees to be replaced is new in the cache; what it has stored is its own hit."""
    async with edge(thron, tmp_path, has_xkey=has_xkey) as here:
        await here.connector.gateway.sync.request("files")
        source = thron.tenant.bytes_of(here.content_id)
        assert [(await here.get()).body for _ in range(2)] == [source] * 2
        stored = await here.get()
        assert stored.fields["X-Cache"] == "HIT"
        assert "Surrogate-Control" not in stored.fields

        async def is_listed() -> bool:
            state = await here.connector.gateway.sync.state("files")
            return state.last is not None and state.running is None

        await until(is_listed)
        here.publish(b"new")
        await here.connector.gateway.sync.request("files")
        await here.until_new(body=b"new", after=0)


async def test_withdrawn(thron: Sandbox, tmp_path: Path) -> None:
    """A withdrawn content is a 404 through the cache, too, within 2 s of the connector knowing."""
    async with edge(thron, tmp_path) as here:
        assert (await here.get()).status == 200
        thron.unlink(here.content_id)
        assert (await here.get()).status == 200  # nobody knows of it yet
        await here.know()
        took_s = await here.until_new(body=None, after=time.monotonic())
        print(f"withdrawn after {took_s:.2f} s")


async def test_no_lifetime_in_caches(thron: Sandbox, tmp_path: Path) -> None:
    """With ``cdn_max_age_s`` 0 a cache keeps nothing, though browsers may."""
    async with edge(thron, tmp_path) as here:
        connector = here.connector.gateway.watch.connectors.by_slug["files"]
        changed = connector.model_copy(update={"max_age_s": HOUR_S, "cdn_max_age_s": 0})
        await here.connector.apply(changed)
        assert [(await here.get()).fields["X-Cache"] for _ in range(3)] == ["MISS"] * 3


async def test_a_changed_connector(thron: Sandbox, tmp_path: Path) -> None:
    """What a connector says of its answers, such as the disposition, changes in the cache."""
    async with edge(thron, tmp_path) as here:
        assert (await here.get()).fields["Content-Disposition"].startswith("attachment")
        connector = here.connector.gateway.watch.connectors.by_slug["files"]
        await here.connector.apply(connector.model_copy(update={"disposition": "inline"}))

        async def is_inline() -> bool:
            return (await here.get()).fields["Content-Disposition"].startswith("inline")

        await until(is_inline)


async def _races(here: Edge, number: int) -> list[float]:
    """Replace the content again and again while clients refill the cache; return the delays."""
    took_s = []
    ended = asyncio.Event()

    async def refill() -> None:
        while not ended.is_set():
            await here.get()

    async with asyncio.TaskGroup() as tasks:
        for _ in range(4):
            tasks.create_task(refill())
        for version in range(number):
            new = f"version {version}".encode()
            here.publish(new)
            knew = time.monotonic()
            await here.know()
            took_s.append(await here.until_new(body=new, after=knew))
            assert {(await here.get()).body for _ in range(20)} == {new}
        ended.set()
    return sorted(took_s)


@pytest.mark.parametrize("processes", [1, 2])
async def test_never_the_old_file_again(thron: Sandbox, tmp_path: Path, processes: int) -> None:
    """However often a cache is refilled while it is told, it keeps no old file."""
    async with edge(thron, tmp_path, processes=processes) as here:
        took_s = await _races(here, RACES // processes)
        print(f"new after {took_s[len(took_s) // 2]:.2f} s, {took_s[-1]:.2f} s at most")


@pytest.mark.soak
@pytest.mark.parametrize("processes", [1, 2])
async def test_a_thousand_races(thron: Sandbox, tmp_path: Path, processes: int) -> None:
    """The same a thousand times."""
    async with edge(thron, tmp_path, processes=processes) as here:
        took_s = await _races(here, RACES_OF_SOAK)
        print(f"new after {took_s[len(took_s) // 2]:.2f} s, {took_s[-1]:.2f} s at most")


@pytest.mark.parametrize(
    "herd", [pytest.param(20, id="20"), pytest.param(1000, id="1000", marks=pytest.mark.soak)]
)
async def test_herd(thron: Sandbox, tmp_path: Path, herd: int) -> None:
    """Many cold requests at once are one to the connector, and each gets every octet."""
    async with edge(thron, tmp_path) as here:
        before = await answered(here.connector)
        bodies = await asyncio.gather(*(here.get() for _ in range(herd)))
        source = thron.tenant.bytes_of(here.content_id)
        assert {each.body for each in bodies} == {source}
        after = await answered(here.connector)
        assert after.get("200", 0) - before.get("200", 0) == 1


async def test_who_may_purge(thron: Sandbox, tmp_path: Path) -> None:
    """A purge without tags is refused, and so is one from another address."""
    async with edge(thron, tmp_path) as here:
        assert (await here.connector.ask("PURGE", here.url)).status == 400
        for came_through_tls in (
            {"X-Forwarded-Proto": "https"},
            {"X-Forwarded-For": "203.0.113.7"},
        ):
            headers = {"ban-surrogate-key": ".", **came_through_tls}
            async with (
                aiohttp.ClientSession() as http,
                http.request("BAN", here.url, headers=headers) as answer,
            ):
                assert answer.status == 405
        elsewhere = aiohttp.TCPConnector(local_addr=("127.0.0.3", 0))
        async with (
            aiohttp.ClientSession(connector=elsewhere) as http,
            http.request("BAN", here.url, headers={"ban-surrogate-key": "."}) as answer,
        ):
            assert answer.status == 405
