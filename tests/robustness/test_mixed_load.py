"""Hours of mixed load, in which all changes that can change: right bytes, and nothing grows.

SOAK_S in the environment is how long each lasts, in seconds.
"""

import asyncio
import contextlib
import os
import random
import socket
import statistics
import time
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import takewhile
from operator import eq
from pathlib import Path

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from proxy.catalogue.database import Database
from proxy.catalogue.purges import Purge, PurgeKind, PurgeStore
from proxy.connectors.model import Connector, DeliveryMode
from proxy.connectors.store import ConnectorStore
from proxy.errors import DatabaseFailed
from proxy.sandbox.faults import Fault, Kind, Where
from proxy.sandbox.server import Sandbox
from tests.bench.process_tree import children
from tests.ports import free_address
from tests.process import Process, beside, environ_for, run
from tests.running import by_id
from tests.waiting import until

SOAK_S = float(os.environ.get("SOAK_S", "3600"))
# The rest is the warm-up: caches and the memory allocator fill in it.
_JUDGED = 0.5
_CLIENTS = 8
_PAUSE_S = 0.03
_SAMPLE_S = 2.0
# For each process. The allocator's arenas fill ever more slowly: what a quarter of an hour adds,
# the next half an hour does.
_MOST_KIB = 3 * 1024
# Of contents of three sizes: within one write, within a splice's first pipe, and a download.
_SIZES = {
    "strada-sl-film": 3 * 1024 * 1024,
    "press-kit": 300_000,
    "strada-sl-manual": 9_000,
}
_FAILED = ("broke off", "500", "502", "503", "504", "Error")
# A target stays good for a minute after its content was replaced.
_VERSIONS_KEPT = 40


@dataclass(frozen=True, slots=True)
class Sample:
    """What a connector's processes had together at one moment."""

    processes: int
    resident_kib: int
    descriptors: int
    threads: int
    tasks: int
    series: int


@dataclass(slots=True)
class Mixed:
    """Load on a connector in a process of its own, and what came of it.

    Attributes:
        pid: Of the process that serves.
        versions: Of each content, the newest last.
        etags: Of what was downloaded last.
        came: Answers by what was asked and how it ended.
        samples: Of each process that has served, in their order.
    """

    thron: Sandbox
    process: Process
    pid: int
    database: Database
    environ: dict[str, str]
    public: str
    admin: str
    http: aiohttp.ClientSession
    dice: random.Random
    versions: dict[str, deque[bytes]] = field(default_factory=dict)
    etags: dict[str, str] = field(default_factory=dict)
    came: Counter[str] = field(default_factory=Counter)
    looking: asyncio.Lock = field(default_factory=asyncio.Lock)
    samples: dict[int, list[Sample]] = field(default_factory=lambda: defaultdict(list))

    def url(self, content_id: str) -> str:
        """Return one of the addresses of a content."""
        return f"{self.public}/{self.dice.choice(('files', 'cdn'))}/{content_id}"

    def hold_that_it_is_one(
        self, content_id: str, body: bytes, answer: aiohttp.ClientResponse, first: int = 0
    ) -> None:
        """Hold that what came is all of one version, or the part of one that begins there."""
        versions = self.versions[content_id]
        parts = [each[first : first + len(body)] for each in versions]
        if body not in parts or (answer.status == 200 and len(body) != len(versions[-1])):
            places = [sum(1 for _ in takewhile(bool, map(eq, body, part))) for part in parts]
            raise AssertionError(f"{answer}: {len(body)} bytes; those of each version: {places}")

    async def whole(self, content_id: str) -> str:
        """Download a content, and hold that it is one of its versions."""
        async with self.http.get(self.url(content_id)) as answer:
            body = await answer.read()
            if answer.status == 200:
                self.hold_that_it_is_one(content_id, body, answer)
                self.etags[content_id] = answer.headers["ETag"]
            return str(answer.status)

    async def part(self, content_id: str) -> str:
        """Download a part, and hold that it is one of a version's."""
        length = len(self.versions[content_id][-1])
        first = self.dice.randrange(length)
        last = self.dice.randrange(first, length)
        fields = {"Range": f"bytes={first}-{last}"}
        async with self.http.get(self.url(content_id), headers=fields) as answer:
            body = await answer.read()
            if answer.status == 206:
                assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{length}"
                self.hold_that_it_is_one(content_id, body, answer, first)
            return str(answer.status)

    async def unchanged(self, content_id: str) -> str:
        """Ask whether a content is still the one that was downloaded last."""
        fields = {"If-None-Match": self.etags.get(content_id, '"none"')}
        async with self.http.get(self.url(content_id), headers=fields) as answer:
            await answer.read()
            return str(answer.status)

    async def head(self, content_id: str) -> str:
        """Ask for the header section."""
        async with self.http.head(self.url(content_id)) as answer:
            return str(answer.status)

    async def aborted(self, content_id: str) -> str:
        """Leave in the middle."""
        async with self.http.get(self.url(content_id)) as answer:
            await answer.content.readany()
            answer.close()
            return str(answer.status)

    async def absent(self, _content_id: str) -> str:
        """Ask for what nobody has, differently each time, with a method of one's own."""
        word = f"{self.dice.randrange(10**9):x}"
        url = f"{self.public}/{self.dice.choice(('files', word))}/{word}"
        method = self.dice.choice(("GET", "HEAD", f"X{word.upper()}"))
        async with self.http.request(method, url) as answer:
            await answer.read()
            return str(answer.status)

    async def garbage(self, _content_id: str) -> str:
        """Send what is no HTTP, or leave in the header section."""
        host, _, port = self.public.removeprefix("http://").rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        with contextlib.closing(writer):
            if self.dice.random() < 0.5:
                writer.write(b"GET /files/x HTTP/1.1\r\nHost: a\r\nX: ")
                return "left"
            writer.write(self.dice.randbytes(200) + b"\r\n\r\n")
            return (await reader.read(12))[-3:].decode()

    async def ask(self) -> None:
        """Ask for something until cancelled; what a client may meet is only counted."""
        asked: Sequence[Callable[[str], Awaitable[str]]] = (
            *(self.whole, self.whole, self.part, self.part, self.unchanged, self.head),
            *(self.aborted, self.absent, self.garbage),
        )
        while True:
            ask = self.dice.choice(asked)
            try:
                ended = await ask(self.dice.choice(list(self.versions)))
            except aiohttp.ClientPayloadError:
                ended = "broke off"
            except (aiohttp.ClientError, OSError) as exc:
                ended = type(exc).__name__
            self.came[f"{getattr(ask, '__name__', '')} {ended}"] += 1
            await asyncio.sleep(_PAUSE_S * self.dice.random() * 2)

    async def publish(self) -> None:
        """Replace a content by one of the same length, and other bytes."""
        content_id, versions = self.dice.choice(list(self.versions.items()))
        data = self.dice.randbytes(len(versions[-1]))
        versions.append(data)  # before anybody can be given it
        self.thron.publish_new_version(content_id, data)

    async def end_tokens(self) -> None:
        """End every session with THRON."""
        self.thron.expire_tokens()

    async def break_origins(self) -> None:
        """Let one answer of an origin break off, and another be refused."""
        where: Where = self.dice.choice(("static", "source"))
        at = self.dice.randrange(1, 200_000)
        self.thron.faults.clear()
        self.thron.faults.add(
            Fault(self.dice.choice((Kind.RESET, Kind.TRUNCATED)), where, at=at),
            Fault(Kind.STATUS, "delivery", status=503),
        )

    async def purge(self) -> None:
        """Forget all, or a connector."""
        purge = self.dice.choice((Purge(PurgeKind.ALL), Purge(PurgeKind.CONNECTOR, "files")))
        await PurgeStore(self.database).order(purge, actor="test")

    async def change_connectors(self) -> None:
        """Install a connector that nobody has seen before, and remove it the next time."""
        store = ConnectorStore(self.database)
        served = (await store.read()).all
        others = [each.slug for each in served if each.slug not in {"files", "cdn"}]
        for slug in others:
            await store.remove(slug, actor="test")
        if not others:
            await self.install(by_id(self.thron, f"other-{self.dice.randrange(10**9):x}"))

    async def install(self, *connectors: Connector) -> None:
        """Install connectors on the root folder."""
        folder_id = self.thron.root_folder_id
        wanted = [each.model_copy(update={"folder_id": folder_id}) for each in connectors]
        await ConnectorStore(self.database).apply(wanted, actor="test")

    async def reload(self) -> None:
        """Let a new process take over."""
        async with self.looking:  # at the one that ends nobody looks
            status, output = await run("reload", environ=self.environ)
            assert status == 0, output
            handed_over = [each for each in self.process.events if each["event"] == "handed over"]
            self.pid = int(handed_over[-1]["pid"])

    async def sample(self) -> None:
        """Look at the processes that serve."""
        async with self.looking, self.http.get(f"{self.admin}/metrics") as answer:
            families = list(text_string_to_metric_families(await answer.text()))
            processes, resident_kib, descriptors, threads = _looked_at(self.pid)
        (tasks,) = (each for each in families if each.name == "thron_connector_event_loop_tasks")
        self.samples[self.pid].append(
            Sample(
                processes=processes,
                resident_kib=resident_kib,
                descriptors=descriptors,
                threads=threads,
                tasks=int(tasks.samples[0].value),
                series=sum(len(each.samples) for each in families),
            )
        )


def _looked_at(pid: int) -> tuple[int, int, int, int]:
    """Return the number, resident KiB, descriptors and threads of a process with its children."""
    process = Path(f"/proc/{pid}")
    status = (process / "status").read_text("ascii")
    facts = dict(line.split(":", 1) for line in status.splitlines())
    own = (
        1,
        int(facts["VmRSS"].split()[0]),
        len(list((process / "fd").iterdir())),
        int(facts["Threads"]),
    )
    return tuple(map(sum, zip(own, *map(_looked_at, children(pid)), strict=True)))  # type: ignore[return-value] # four


async def _every(seconds: float, act: Callable[[], Awaitable[None]]) -> None:
    while True:
        await asyncio.sleep(seconds)
        with contextlib.suppress(DatabaseFailed):  # a machine that stands still may hold it up
            await act()


@asynccontextmanager
async def mixed(thron: Sandbox, state: Path, *, workers: int) -> AsyncIterator[Mixed]:
    """Run a connector in processes of its own, and load on it, until the end of the block."""
    public, admin = free_address(), free_address()
    environ = environ_for(thron, state) | {
        "TDC_WORKERS": str(workers),
        "TDC_LISTEN": public,
        "TDC_ADMIN_LISTEN": admin,
        "TDC_LAME_DUCK_S": "0",
        "TDC_SYNC_INTERVAL_S": "20",
        "TDC_RESOLUTION_TTL_S": "5",
    }
    async with (
        beside("serve", environ=environ) as process,
        Database.open(f"sqlite:///{state}/connector.db") as database,
        aiohttp.ClientSession(
            auto_decompress=False,
            connector=aiohttp.TCPConnector(limit=0, socket_factory=_narrow),
        ) as http,
    ):
        await asyncio.to_thread(process.event, "listening")
        self = Mixed(
            *(thron, process, process.pid, database, environ),
            *(f"http://{public}", f"http://{admin}", http),
            random.Random(14),  # noqa: S311 - repeatable load, no secret
        )
        for name, length in _SIZES.items():
            content_id, data = thron.tenant.find(name).id, self.dice.randbytes(length)
            thron.publish_new_version(content_id, data)
            self.versions[content_id] = deque([data], maxlen=_VERSIONS_KEPT)
        await self.install(by_id(thron), by_id(thron, "cdn", delivery=DeliveryMode.PUBLISHED))

        async def is_served() -> bool:
            for _ in range(20):  # by every process: each connection comes to one by chance
                close = {"Connection": "close"}
                async with http.get(self.url(content_id), headers=close) as answer:
                    await answer.read()
                    if answer.status != 200:
                        return False
            return True

        await until(is_served)
        yield self


def _narrow(address: tuple[object, ...]) -> socket.socket:
    """Return a socket that takes little at once: whoever leaves is in the middle."""
    sock = socket.socket(address[0], address[1], address[2])  # type: ignore[arg-type] # untyped
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 128 * 1024)
    return sock


def _growth(figures: Sequence[int]) -> float:
    """Return by how much figures grew from the first to the last, by their regression line."""
    slope, _ = statistics.linear_regression(range(len(figures)), figures)
    return slope * len(figures)


@pytest.mark.soak
@pytest.mark.parametrize("workers", [1, 2])
async def test_mixed_load(thron: Sandbox, tmp_path: Path, workers: int) -> None:
    """Whole, parts, aborts; sessions, versions, connectors and processes that change: all flat."""
    began = time.monotonic()
    async with mixed(thron, tmp_path, workers=workers) as load, asyncio.TaskGroup() as tasks:
        acts = {
            load.publish: 3.0,
            load.break_origins: 1.0,
            load.purge: 7.0,
            load.change_connectors: 11.0,
            load.end_tokens: 30.0,
            load.sample: _SAMPLE_S,
        }
        running = [tasks.create_task(load.ask()) for _ in range(_CLIENTS)]
        running += [tasks.create_task(_every(each, act)) for act, each in acts.items()]
        for share in (0.1, 0.2, 1.0):  # two reloads, and most of the time for the last process
            await asyncio.sleep(max(0.0, began + SOAK_S * share - time.monotonic()))
            if share < 1:
                await load.reload()
        for task in running:
            task.cancel()
    print(f"{SOAK_S:g} s: {load.came.total()} requests", dict(sorted(load.came.items())))
    cut = (each for each in load.process.events if each["level"] == "warning")
    print(Counter((each["event"], each.get("status"), each.get("reason")) for each in cut))
    judged = list(load.samples.values())[-1]
    judged = judged[int(len(judged) * (1 - _JUDGED)) :]
    grown = {name: _growth([getattr(each, name) for each in judged]) for name in Sample.__slots__}
    print("first", judged[0], "last", judged[-1], "grown", grown)
    # What is replaced just as its origin breaks off cannot go on; nothing else may fail.
    failed = sum(load.came[each] for each in load.came if each.endswith(_FAILED))
    assert failed < load.came.total() / 1000
    errors = [each for each in load.process.events if each["level"] == "error"]
    for each in errors:
        print(*each.values(), sep="\n")  # an assertion's text is cut
    assert errors == []
    assert "Traceback" not in load.process.output
    assert grown["resident_kib"] < _MOST_KIB * judged[-1].processes
    for name in ("descriptors", "threads", "tasks", "series"):
        assert grown[name] < 10, name
