"""Through a real Varnish: what has changed is new at once, and the old is never seen again."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import aiohttp
import pytest

from proxy.catalogue.seen_changes import SeenChanges
from proxy.edge.sender import HookState
from proxy.errors import DatabaseFailed
from proxy.sandbox.server import Sandbox
from tests.clients.command import answered
from tests.fronts.front import Front, nginx, varnish
from tests.logs import logged
from tests.ports import free_port
from tests.running import Answer, Running, by_id, running
from tests.waiting import until

HOUR_S = 3600
# Of refills of the cache while it is told; as many more by `make soak`.
RACES, RACES_OF_SOAK = 20, 1000
# nginx needs a second for each: as many contents are replaced at once.
AT_ONCE = 8
# One that another process notices is the harder case.
outages = pytest.mark.parametrize(
    ("processes", "down_s"),
    [
        (2, 3),
        pytest.param(1, 3, marks=pytest.mark.soak),
        pytest.param(1, 60, marks=pytest.mark.soak),
        pytest.param(2, 60, marks=pytest.mark.soak),
    ],
)


@dataclass(frozen=True, slots=True)
class Edge:
    """A cache, and the connectors behind it.

    Attributes:
        url: Of a content, through the cache.
        content_id: Its id.
        connectors: That share a database; the cache asks the last.
        port: Of the cache.
    """

    url: str
    content_id: str
    connectors: tuple[Running, ...]
    port: int

    @property
    def connector(self) -> Running:
        """The one that the cache asks."""
        return self.connectors[-1]

    async def get(self) -> Answer:
        """Ask through the cache."""
        return await self.connector.get(self.url)

    def publish(self, content: bytes) -> None:
        """Replace the file in THRON; no connector knows of it yet."""
        self.connector.thron.publish_new_version(self.content_id, content)

    async def know(self) -> None:
        """Let the connector know that something has changed, as a verification would."""
        seen = SeenChanges(self.connectors[0].gateway.context.database, monotonic=time.monotonic)
        seen.note(self.content_id)

        async def is_ordered() -> bool:
            with suppress(DatabaseFailed):  # a machine that stands still holds its lock for long
                await seen.write()
                return True
            return False

        await until(is_ordered)

    async def hooks(self) -> tuple[HookState, ...]:
        """Return how the hooks stand, as the process says that leads."""
        (leader,) = (each.gateway for each in self.connectors if each.gateway.sync.leads)
        return await leader.purge_sender.states()

    async def until_new(self, *, body: bytes | None, after: float) -> float:
        """Wait until the cache gives what there is now; return the seconds that it took."""

        async def is_new() -> bool:
            answer = await self.get()
            return answer.status == 404 if body is None else answer.body == body

        await until(is_new)
        return time.monotonic() - after


@asynccontextmanager
async def behind(
    thron: Sandbox, home: Path, *, preset: str | None, processes: int = 1
) -> AsyncIterator[Edge]:
    """Run connectors whose answers a cache may keep for an hour; the cache is the test's to run."""
    port, hooks = free_port(), None
    if preset is not None:
        (hooks := home / "hooks.toml").write_text(
            f'hook = [{{name = "cache", preset = "{preset}", url = "http://127.0.0.1:{port}/"}}]'
        )
    (state := home / "state").mkdir()
    content_id = thron.tenant.find("logo").id
    wanted = by_id(thron, max_age_s=1, cdn_max_age_s=HOUR_S if preset is not None else None)
    async with AsyncExitStack() as stack:
        connectors = [
            await stack.enter_async_context(
                running(thron, state, wanted, purge_hooks=hooks, resolution_ttl_s=HOUR_S)
            )
            for _ in range(processes)
        ]
        url = f"http://127.0.0.1:{port}/files/{content_id}/logo.png"
        yield Edge(url, content_id, tuple(connectors), port)


@asynccontextmanager
async def varnish_of(here: Edge, home: Path, *, has_xkey: bool = False) -> AsyncIterator[Front]:
    """Run Varnish where the hook of some connectors tells it."""
    (place := home / "varnish").mkdir(parents=True)
    connector_port = here.connector.gateway.context.settings.listen.port
    async with varnish(connector_port, place, port=here.port, has_xkey=has_xkey) as front:
        yield front


@asynccontextmanager
async def edge(
    thron: Sandbox, home: Path, *, has_xkey: bool = False, processes: int = 1
) -> AsyncIterator[Edge]:
    """Run Varnish with hooks before connectors whose answers it may keep for an hour."""
    preset = "varnish-xkey" if has_xkey else "varnish-ban"
    async with (
        behind(thron, home, preset=preset, processes=processes) as here,
        varnish_of(here, home, has_xkey=has_xkey),
    ):
        yield here


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


async def _race(here: Edge, number: int) -> None:
    """Replace the content again and again while clients refill the cache; print the delays."""
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
    took_s.sort()
    middle, nearly = took_s[number // 2], took_s[number * 99 // 100]
    print(f"new after {middle:.2f} s, 99 % {nearly:.2f} s, {took_s[-1]:.2f} s at most")


@pytest.mark.parametrize("processes", [1, 2])
async def test_never_the_old_file_again(thron: Sandbox, tmp_path: Path, processes: int) -> None:
    """However often a cache is refilled while it is told, it keeps no old file."""
    async with edge(thron, tmp_path, processes=processes) as here:
        await _race(here, RACES // processes)


@pytest.mark.parametrize(
    "races", [2 * AT_ONCE, pytest.param(RACES_OF_SOAK, marks=pytest.mark.soak)]
)
async def test_never_the_old_file_again_by_nginx(
    thron: Sandbox, tmp_path: Path, races: int
) -> None:
    """nginx, which nobody tells, revalidates: it keeps no old file either."""
    async with behind(thron, tmp_path, preset=None) as here:
        (home := tmp_path / "nginx").mkdir()
        ids = [each.id for each in thron.tenant.contents() if "alue" in each.titles.get("EN", "")]
        async with nginx(here.connector.gateway.context.settings.listen.port, home, port=here.port):
            urls = {each: here.url.replace(here.content_id, each) for each in ids[:AT_ONCE]}
            each_of = [replace(here, url=url, content_id=id_) for id_, url in urls.items()]
            await asyncio.gather(*(_race(each, races // AT_ONCE) for each in each_of))


@pytest.mark.soak
@pytest.mark.parametrize("processes", [1, 2])
async def test_a_thousand_races(thron: Sandbox, tmp_path: Path, processes: int) -> None:
    """The same a thousand times."""
    async with edge(thron, tmp_path, processes=processes) as here:
        await _race(here, RACES_OF_SOAK)


@pytest.mark.bench
@pytest.mark.timeout(0)
@pytest.mark.parametrize("processes", [1, 2])
async def test_how_soon(thron: Sandbox, tmp_path: Path, processes: int) -> None:
    """From the order to the new file in Varnish, with nothing else to do; the longest explained.

    What the kernel ran instead of this process, which holds connectors, THRON and client, is told
    by /proc (schedstat): on an idle machine it is nothing.
    """
    async with edge(thron, tmp_path, processes=processes) as here:
        assert (await here.get()).status == 200
        took: list[tuple[float, float]] = []
        for version in range(200):
            here.publish(new := f"version {version}".encode())
            waited_s = _waited_for_a_processor_s()
            ordered = time.monotonic()
            await here.know()
            took_s = await here.until_new(body=new, after=ordered)
            took.append((took_s, _waited_for_a_processor_s() - waited_s))
        took.sort()
        longest_s, without_s = took[-1]
        print(
            f"{processes} processes: {took[len(took) // 2][0]:.3f} s, 99 % {took[-3][0]:.3f} s, at"
            f" most {longest_s:.3f} s, of which {without_s:.3f} s without a processor"
        )


def _waited_for_a_processor_s() -> float:
    return int(Path("/proc/self/schedstat").read_text("ascii").split()[1]) / 1e9


@outages
async def test_a_cache_that_is_down(
    thron: Sandbox, tmp_path: Path, processes: int, down_s: int
) -> None:
    """What Varnish was not told while it was stopped, it is told when it has been started again."""
    async with behind(thron, tmp_path, preset="varnish-ban", processes=processes) as here:
        async with varnish_of(here, tmp_path / "first"):
            assert (await here.get()).status == 200
        here.publish(b"new")
        with logged() as log:
            await here.know()
            await log.wait("cache not told")
            await asyncio.sleep(down_s)
            assert [each.waiting for each in await here.hooks()] == [1]
            async with varnish_of(here, tmp_path / "again"):
                back = time.monotonic()
                await log.wait("cache told again")

                async def is_done() -> bool:
                    return [(each.waiting, each.problem) for each in await here.hooks()] == [
                        (0, None)
                    ]

                await until(is_done)
                print(f"told {time.monotonic() - back:.1f} s after it was back")
                assert (await here.get()).body == b"new"


@outages
async def test_a_cache_that_hangs(
    thron: Sandbox, tmp_path: Path, processes: int, down_s: int
) -> None:
    """Varnish that hangs has kept what it stored: it is the new file soon after it goes on."""
    async with (
        behind(thron, tmp_path, preset="varnish-ban", processes=processes) as here,
        varnish_of(here, tmp_path / "first") as front,
    ):
        assert (await here.get()).status == 200
        here.publish(b"new")
        with front.frozen():
            await here.know()
            await asyncio.sleep(down_s)
        took_s = await here.until_new(body=b"new", after=time.monotonic())
        print(f"new {took_s:.1f} s after it went on")


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
