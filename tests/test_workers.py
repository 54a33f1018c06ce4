"""Several processes: what they share, what one's end does to the others, and their own end."""

import asyncio
import os
import resource
import signal
import socket
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import orjson
import pytest

from proxy.admin.auth.api_tokens import ApiTokens
from proxy.catalogue.database import Database
from proxy.clock import utc_now
from proxy.sandbox.server import Sandbox
from tests.bench.process_tree import children
from tests.commands.cli import FILM
from tests.process import Process, beside, environ_for, installed, run, served
from tests.running import by_id
from tests.waiting import until


@dataclass(frozen=True, slots=True)
class Workers:
    """A connector of several processes."""

    process: Process
    public_url: str
    admin_url: str
    environ: dict[str, str]

    @property
    def at_its_addresses(self) -> dict[str, str]:
        """The environment with the addresses that were bound, for a reload."""
        return self.environ | {
            "TDC_LISTEN": self.public_url.removeprefix("http://"),
            "TDC_ADMIN_LISTEN": self.admin_url.removeprefix("http://"),
            "TDC_DRAIN_S": "3600",
            "TDC_LAME_DUCK_S": "0",
            "TDC_LOG_LEVEL": "debug",
        }

    async def status(self) -> int:
        """Ask on a connection of its own, and return the status."""
        async with aiohttp.ClientSession() as http, http.get(f"{self.public_url}/-/livez") as probe:
            return probe.status

    def of(self, event: str) -> list[dict[str, Any]]:
        """Return what has been logged of an event so far."""
        return [each for each in self.process.events if each["event"] == event]

    def pid(self, name: str, *, nth: int = 1) -> int:
        """Return the process id of a process that has become ready for the nth time."""
        ready = [each["pid"] for each in self.of("process ready") if each["process"] == name]
        pid: int = ready[nth - 1]
        return pid


@asynccontextmanager
async def workers(thron: Sandbox, state: Path, **settings: str) -> AsyncIterator[Workers]:
    """Run a connector with a connector on the sandbox's folder, all processes ready."""
    environ = await installed(thron, state, by_id(thron)) | {"TDC_WORKERS": "2", **settings}
    async with served(environ) as (process, public, admin):
        await asyncio.to_thread(process.event, "process ready", nth=3)
        yield Workers(process, f"http://{public}", f"http://{admin}", environ)


@asynccontextmanager
async def connected(running: Workers, name: str) -> AsyncIterator[aiohttp.ClientSession]:
    """Give a client with one connection, to the process of a name."""
    async with AsyncExitStack() as stack:
        while True:
            only = aiohttp.TCPConnector(limit=1)
            http = await stack.enter_async_context(aiohttp.ClientSession(connector=only))
            async with http.get(f"{running.public_url}/files/unknown") as answer:
                await answer.read()
            if await answered_by(running, answer.headers["X-Request-Id"]) == name:
                yield http
                return


async def answered_by(running: Workers, request_id: str) -> str:
    """Return the name of the process that answered a request, once its log says so."""
    found: list[str] = []

    async def told() -> bool:
        found.extend(
            each["process"] for each in running.of("download") if each["request_id"] == request_id
        )
        return bool(found)

    await until(told)
    return found[0]


async def test_two_serve(thron: Sandbox, tmp_path: Path) -> None:
    """Each of two processes answers, with one login to THRON; SIGTERM ends all with status 0."""
    film = thron.tenant.find(FILM).id
    async with workers(thron, tmp_path) as running:
        for name in ("delivery-1", "delivery-2"):
            async with (
                connected(running, name) as http,
                http.get(f"{running.public_url}/files/{film}") as answer,
            ):
                assert await answer.read() == thron.tenant.bytes_of(film)
        running.process.tell(signal.SIGTERM)
        assert await asyncio.to_thread(running.process.status) == 0
        # One for all processes, unless the database has kept them waiting.
        assert thron.logins == 1 or running.of("session not shared")


async def test_killed(thron: Sandbox, tmp_path: Path) -> None:
    """Of a killed process the downloads break, and curl ends them; others go on, a new one serves.

    None of the clients takes a torn file for a whole one.
    """
    film = thron.tenant.find(FILM).id
    data = thron.tenant.bytes_of(film)
    torn = tmp_path / "torn"
    async with workers(thron, tmp_path) as running:
        url = f"{running.public_url}/files/{film}"
        async with connected(running, "delivery-1") as one, connected(running, "delivery-2") as two:
            thron.faults.stall_after(200_000, where="source", times=2)
            async with one.get(url) as broken, two.get(url) as whole:
                begun = await broken.content.readexactly(100_000)
                await whole.content.readexactly(100_000)
                os.kill(running.pid("delivery-1"), signal.SIGKILL)
                with pytest.raises(aiohttp.ClientPayloadError):
                    begun += await broken.content.read()
                ended = await asyncio.to_thread(running.process.event, "process ended")
                assert (ended["process"], ended["status"]) == ("delivery-1", -signal.SIGKILL)
                thron.faults.release()
                assert await whole.content.read() == data[100_000:]
        torn.write_bytes(begun)
        curl = await asyncio.create_subprocess_exec("curl", "-fsS", "-C", "-", "-o", torn, url)
        assert await curl.wait() == 0
        assert torn.read_bytes() == data
        async with connected(running, "delivery-1"):
            assert running.pid("delivery-1") != running.pid("delivery-1", nth=2)


async def test_a_second_signal_ends_all_at_once(thron: Sandbox, tmp_path: Path) -> None:
    """What runs is cut by a second signal: status 1."""
    film = thron.tenant.find(FILM).id
    async with workers(thron, tmp_path, TDC_DRAIN_S="3600") as running:
        async with connected(running, "delivery-1") as http:
            thron.faults.stall_after(200_000, where="source")
            async with http.get(f"{running.public_url}/files/{film}") as answer:
                await answer.content.readexactly(100_000)
                running.process.tell(signal.SIGTERM)
                await asyncio.to_thread(running.process.event, "draining", nth=2)
                running.process.tell(signal.SIGTERM)
                with pytest.raises(aiohttp.ClientPayloadError):
                    await answer.read()
        assert await asyncio.to_thread(running.process.status) == 1


async def test_the_supervisor_is_killed(thron: Sandbox, tmp_path: Path) -> None:
    """Its processes let what runs finish, and end; none is left that nobody looks after."""
    film = thron.tenant.find(FILM).id
    async with workers(thron, tmp_path, TDC_DRAIN_S="3600") as running:
        async with connected(running, "delivery-1") as http:
            thron.faults.stall_after(200_000, where="source")
            async with http.get(f"{running.public_url}/files/{film}") as answer:
                begun = await answer.content.readexactly(100_000)
                running.process.tell(signal.SIGKILL)
                await asyncio.to_thread(running.process.event, "draining", nth=2)
                thron.faults.release()
                assert begun + await answer.content.read() == thron.tenant.bytes_of(film)
        # The end of the output is the end of all that write to it.
        assert await asyncio.to_thread(running.process.status) == -signal.SIGKILL


async def test_what_cannot_be(thron: Sandbox, tmp_path: Path) -> None:
    """What keeps the connector from starting is told once, and is its exit status."""
    environ = environ_for(thron, tmp_path) | {
        "TDC_WORKERS": "3",
        "TDC_LISTEN": "127.0.0.1:0",
        "TDC_ADMIN_LISTEN": "127.0.0.1:0",
        "TDC_DATABASE_URL": "sqlite:////dev/null/connector.db",
    }
    status, output = await run("serve", environ=environ)
    assert (status, output.count("TDC_DATABASE_URL"), output.count("Traceback")) == (2, 1, 0)


@pytest.mark.parametrize(
    ("setting", "status"),
    [("TDC_MAX_DOWNLOADS", 503), ("TDC_MAX_DOWNLOADS_PER_CLIENT", 429)],
)
async def test_limits_are_of_the_whole(
    thron: Sandbox, tmp_path: Path, setting: str, status: int
) -> None:
    """Two downloads are two, whichever process has them."""
    film = thron.tenant.find(FILM).id
    async with (
        workers(thron, tmp_path, **{setting: "2"}) as running,
        connected(running, "delivery-1") as one,
        connected(running, "delivery-2") as two,
        connected(running, "delivery-2") as three,
    ):
        url = f"{running.public_url}/files/{film}"
        thron.faults.stall_after(200_000, where="source", times=2)
        async with one.get(url) as first, two.get(url) as second:
            await first.content.readexactly(100_000)
            await second.content.readexactly(100_000)
            async with three.get(url) as refused:
                assert refused.status == status
        thron.faults.release()

        async def is_free() -> bool:
            async with three.get(url) as answer:
                return answer.status == 200

        await until(is_free)


async def test_connections_are_of_the_whole(thron: Sandbox, tmp_path: Path) -> None:
    """Beyond TDC_MAX_CONNECTIONS idle ones are closed, in whichever process; clients go on."""
    most = 8
    async with (
        workers(thron, tmp_path, TDC_MAX_CONNECTIONS=str(most)) as running,
        AsyncExitStack() as stack,
    ):
        host, _, port = running.public_url.removeprefix("http://").partition(":")
        idle = []
        for _ in range(4 * most):
            reader, writer = await asyncio.open_connection(host, int(port))
            stack.callback(writer.close)
            writer.write(b"GET /-/livez HTTP/1.1\r\nHost: a\r\n\r\n")
            assert b"200" in await reader.readline()
            idle.append(reader)

        async def as_many_as_allowed() -> bool:
            for reader in idle:  # the answer's rest, and the end of those that were closed
                with suppress(TimeoutError, ConnectionError):
                    async with asyncio.timeout(0.01):
                        await reader.read()
            return len(idle) - sum(reader.at_eof() for reader in idle) <= most

        await until(as_many_as_allowed)
        assert await running.status() == 200


async def test_questions_are_of_the_whole(thron: Sandbox, tmp_path: Path) -> None:
    """Unknown addresses are looked up at the pace of one process, whichever they come to.

    But for a moment: turns of the next five seconds that one took are not given back to another's
    even share.
    """
    async with workers(thron, tmp_path) as running:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:

            async def ask() -> int:
                async with http.get(f"{running.public_url}/files/{uuid4()}") as answer:
                    return answer.status

            begun = time.monotonic()
            statuses = await asyncio.gather(*(ask() for _ in range(300)))
            took_s = time.monotonic() - begun
        assert set(statuses) <= {404, 503}
        assert statuses.count(404) <= 20 * (1 + took_s) + 10 * 5


@dataclass(frozen=True, slots=True)
class Admin:
    """The admin listener, with a token of its API."""

    url: str
    token: str

    async def get(self, path: str) -> tuple[int, str]:
        """GET a path; give status and text."""
        headers = {"Authorization": f"Bearer {self.token}"}
        async with (
            aiohttp.ClientSession() as http,
            http.get(f"{self.url}{path}", headers=headers) as answer,
        ):
            return answer.status, await answer.text()

    async def figure(self, sample: str) -> float:
        """Return a figure of the metrics, 0 where there is none."""
        _, text = await self.get("/metrics")
        lines = (line.rsplit(" ", 1) for line in text.splitlines())
        return sum(float(value) for name, value in lines if name == sample)

    async def running(self) -> int:
        """Return how many requests are being answered."""
        found: int = orjson.loads((await self.get("/api/overview"))[1])["running"]
        return found


async def admin_of(running: Workers, state: Path) -> Admin:
    """Return the admin listener, with a token made in the database that the processes share."""
    async with Database.open(f"sqlite:///{state}/connector.db") as database:
        tokens = ApiTokens(database, now=utc_now)
        made = await tokens.make("test", can_change=False, actor="test")
    return Admin(running.admin_url, made.secret)


async def test_figures_of_the_whole(thron: Sandbox, tmp_path: Path) -> None:
    """Metrics, live view and recent requests are those of all; what a killed one counted stays."""
    film = thron.tenant.find(FILM).id
    labels = 'connector="files",ended_by="complete",method="GET",status="200"'
    count = f"thron_connector_downloads_total{{{labels}}}"
    async with (
        workers(thron, tmp_path) as running,
        connected(running, "delivery-1") as one,
        connected(running, "delivery-2") as two,
    ):
        admin, url = await admin_of(running, tmp_path), f"{running.public_url}/files/{film}"
        ids = set[str]()
        for client in (one, two):
            async with client.get(url) as answer:
                await answer.read()
                ids.add(answer.headers["X-Request-Id"])

        async def both_counted() -> bool:
            return await admin.figure(count) == 2

        await until(both_counted)
        items = orjson.loads((await admin.get("/api/requests"))[1])["items"]
        assert ids <= {each["request_id"] for each in items}
        numbers = [each["number"] for each in items]
        assert numbers == sorted(set(numbers), reverse=True)

        thron.faults.stall_after(200_000, where="source", times=2)
        async with one.get(url), two.get(url):

            async def both_run() -> bool:
                return await admin.running() == 2

            await until(both_run)
            os.kill(running.pid("delivery-1"), signal.SIGKILL)
            await asyncio.to_thread(running.process.event, "process ready", nth=4)

            async def one_runs() -> bool:
                return await admin.running() == 1

            await until(one_runs)
            assert await admin.figure(count) == 2
        thron.faults.release()


async def test_one_that_hangs(thron: Sandbox, tmp_path: Path) -> None:
    """A process that does not answer is told, and left out; the console waits for nobody."""
    name = "thron_connector_process_up"
    async with workers(thron, tmp_path) as running:
        admin = await admin_of(running, tmp_path)
        hangs = running.pid("delivery-1")
        os.kill(hangs, signal.SIGSTOP)
        try:

            async def is_told() -> bool:
                _, text = await admin.get("/readyz")
                return "delivery-1 does not answer" in text and "delivery-2" not in text

            await until(is_told)
            assert (await admin.get("/readyz"))[0] == 200
            assert await admin.figure(f'{name}{{process="delivery-1"}}') == 0
            assert await admin.figure(f'{name}{{process="delivery-2"}}') == 1
            assert (await admin.get("/api/overview"))[0] == 200
        finally:
            os.kill(hangs, signal.SIGCONT)

        async def is_back() -> bool:
            return await admin.figure(f'{name}{{process="delivery-1"}}') == 1

        await until(is_back)


async def test_the_console_is_killed(thron: Sandbox, tmp_path: Path) -> None:
    """Downloads go on meanwhile, and the new console knows the processes that deliver."""
    film = thron.tenant.find(FILM).id
    async with workers(thron, tmp_path) as running, connected(running, "delivery-1") as http:
        thron.faults.stall_after(200_000, where="source")
        async with http.get(f"{running.public_url}/files/{film}") as answer:
            begun = await answer.content.readexactly(100_000)
            os.kill(running.pid("console"), signal.SIGKILL)
            await asyncio.to_thread(running.process.event, "process ready", nth=4)
            admin = await admin_of(running, tmp_path)

            async def is_known() -> bool:
                return await admin.running() == 1

            await until(is_known)
            thron.faults.release()
            assert begun + await answer.content.read() == thron.tenant.bytes_of(film)


async def test_changes_reach_all(thron: Sandbox, tmp_path: Path) -> None:
    """A purge, and a connector that is removed, are obeyed by every process."""
    film = thron.tenant.find(FILM).id
    async with (
        workers(thron, tmp_path) as running,
        connected(running, "delivery-1") as one,
        connected(running, "delivery-2") as two,
    ):
        url = f"{running.public_url}/files/{film}"
        for client in (one, two):
            async with client.head(url) as answer:
                assert answer.status == 200
        assert (await run("purge", "--all", environ=running.environ))[0] == 0

        async def both_purged() -> bool:
            purged = {each["process"] for each in running.of("purged")}
            return {"delivery-1", "delivery-2"} <= purged

        await until(both_purged)
        removed = await run("connectors", "remove", "files", "--yes", environ=running.environ)
        assert removed[0] == 0

        async def both_forgot() -> bool:
            statuses = set[int]()
            for client in (one, two):
                async with client.head(url) as answer:
                    statuses.add(answer.status)
            return statuses == {404}

        await until(both_forgot)


async def test_the_end_is_announced(thron: Sandbox, tmp_path: Path) -> None:
    """After SIGTERM both listeners say so while connections are taken; then a download finishes.

    The addresses are free by then, and nobody who had connected has waited for nothing.
    """
    film = thron.tenant.find(FILM).id
    settings = {"TDC_LAME_DUCK_S": "10", "TDC_DRAIN_S": "3600"}
    async with workers(thron, tmp_path, **settings) as running:
        async with connected(running, "delivery-1") as http:
            thron.faults.stall_after(200_000, where="source")
            async with http.get(f"{running.public_url}/files/{film}") as answer:
                begun = await answer.content.readexactly(100_000)
                running.process.tell(signal.SIGTERM)
                announced = set[str]()

                async def are_free() -> bool:
                    for url in (f"{running.public_url}/-/readyz", f"{running.admin_url}/readyz"):
                        with suppress(aiohttp.ClientConnectorError):
                            async with aiohttp.ClientSession() as one, one.get(url) as probe:
                                if probe.status == 503:
                                    announced.add(url)
                    return all(map(_is_free, (running.public_url, running.admin_url)))

                await until(are_free)
                assert len(announced) == 2
                thron.faults.release()
                assert begun + await answer.content.read() == thron.tenant.bytes_of(film)
        assert await asyncio.to_thread(running.process.status) == 0


def _is_free(url: str) -> bool:
    host, _, port = url.removeprefix("http://").partition(":")
    try:
        socket.create_server((host, int(port))).close()
    except OSError:
        return False
    return True


async def test_a_reload_changes_how_many_there_are(thron: Sandbox, tmp_path: Path) -> None:
    """A successor of either kind follows a predecessor of either kind; a download goes on."""
    film = thron.tenant.find(FILM).id
    data = thron.tenant.bytes_of(film)
    async with workers(thron, tmp_path, TDC_DRAIN_S="3600") as running, AsyncExitStack() as stack:
        url = f"{running.public_url}/files/{film}"
        http = await stack.enter_async_context(aiohttp.ClientSession())
        answers = []
        for number in ("3", "1", "2"):
            thron.faults.stall_after(200_000, where="source")
            answer = await stack.enter_async_context(http.get(url))
            answers.append((answer, await answer.content.readexactly(100_000)))
            changed = running.at_its_addresses | {"TDC_WORKERS": number}
            status, output = await run("reload", environ=changed)
            assert status == 0, output
        thron.faults.release()
        for answer, begun in answers:
            assert begun + await answer.content.read() == data
        async with connected(running, "delivery-2"):
            pass
        running.process.tell(signal.SIGTERM)
        assert await asyncio.to_thread(running.process.status) == 0
        assert all(map(_is_free, (running.public_url, running.admin_url)))


@pytest.mark.parametrize("hanging", [["delivery-1"], ["delivery-1", "delivery-2"]])
async def test_hanging_processes_keep_nobody_waiting(
    thron: Sandbox, tmp_path: Path, hanging: list[str]
) -> None:
    """Once they are to stop, clients are refused instead of waiting, and the addresses are free."""
    async with workers(thron, tmp_path) as running:
        pids = [running.pid(name) for name in hanging]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            running.process.tell(signal.SIGTERM)

            async def are_free() -> bool:
                return all(map(_is_free, (running.public_url, running.admin_url)))

            await until(are_free)
            with pytest.raises(aiohttp.ClientConnectorError):
                await running.status()
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)
        assert await asyncio.to_thread(running.process.status) == 0


async def test_a_reload_beside_one_that_hangs(thron: Sandbox, tmp_path: Path) -> None:
    """The new processes take what comes; that one ends when it can."""
    async with workers(thron, tmp_path) as running:
        hangs = running.pid("delivery-1")
        await until(lambda: stopped_between_writes(hangs, tmp_path / "connector.db"))
        try:
            status, output = await run("reload", environ=running.at_its_addresses)
            assert status == 0, output
            for _ in range(20):
                assert await running.status() == 200
        finally:
            os.kill(hangs, signal.SIGCONT)

        async def has_ended() -> bool:
            return not is_there(hangs)

        await until(has_ended)
        running.process.tell(signal.SIGTERM)
        assert await asyncio.to_thread(running.process.status) == 0


async def test_without_descriptors(thron: Sandbox, tmp_path: Path) -> None:
    """A process that cannot be replaced now is replaced later."""
    async with workers(thron, tmp_path) as running:
        supervisor = running.process.pid
        before = resource.prlimit(supervisor, resource.RLIMIT_NOFILE)
        resource.prlimit(supervisor, resource.RLIMIT_NOFILE, (3, before[1]))
        os.kill(running.pid("delivery-1"), signal.SIGKILL)
        await asyncio.to_thread(running.process.event, "process not started")
        assert await running.status() == 200
        resource.prlimit(supervisor, resource.RLIMIT_NOFILE, before)
        await asyncio.to_thread(running.process.event, "process ready", nth=4)
        running.pid("delivery-1", nth=2)


async def stopped_between_writes(pid: int, database: Path) -> bool:
    """Stop a process unless it holds SQLite's lock just now, which nobody could then have."""
    os.kill(pid, signal.SIGSTOP)
    with closing(sqlite3.connect(database, timeout=1, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            os.kill(pid, signal.SIGCONT)
            return False
    return True


def is_there(pid: int) -> bool:
    """Tell whether a process runs."""
    return Path(f"/proc/{pid}").exists()


async def started_by(pid: int, *, known: set[int]) -> int:
    """Wait until a process has started another one, and return that."""

    async def is_started() -> bool:
        return bool(set(children(pid)) - known)

    await until(is_started)
    return (set(children(pid)) - known).pop()


async def successor_of(running: Workers) -> int:
    """Return the supervisor's successor, once it has been started."""
    known = {each["pid"] for each in running.of("process ready")}
    return await started_by(running.process.pid, known=known)


@pytest.mark.parametrize("has_started_others", [False, True])
async def test_a_killed_successor(
    thron: Sandbox, tmp_path: Path, *, has_started_others: bool
) -> None:
    """Whenever it is killed, the old ones go on, and the next reload succeeds; nobody is left."""
    async with workers(thron, tmp_path) as running:
        running.process.tell(signal.SIGHUP)
        successor = await successor_of(running)
        if has_started_others:
            console = await started_by(successor, known=set())
            os.kill(console, signal.SIGSTOP)  # so that it is not ready before the kill
        os.kill(successor, signal.SIGKILL)
        await asyncio.to_thread(running.process.event, "reload refused")
        if has_started_others:
            os.kill(console, signal.SIGCONT)
        assert await running.status() == 200
        assert not running.of("process ended")
        status, output = await run("reload", environ=running.at_its_addresses)
        assert status == 0, output
        assert await running.status() == 200
        running.process.tell(signal.SIGTERM)
        assert await asyncio.to_thread(running.process.status) == 0


async def test_the_end_during_a_reload(thron: Sandbox, tmp_path: Path) -> None:
    """SIGTERM ends what serves, and what was about to; the addresses are free."""
    async with workers(thron, tmp_path) as running:
        running.process.tell(signal.SIGHUP)
        await successor_of(running)
        running.process.tell(signal.SIGTERM)
        assert await asyncio.to_thread(running.process.status) == 0
        assert all(map(_is_free, (running.public_url, running.admin_url)))


async def test_a_reload_while_downloads_finish(thron: Sandbox, tmp_path: Path) -> None:
    """One that drains refuses it, by command and by signal, and says what to do; nothing is cut."""
    film = thron.tenant.find(FILM).id
    async with workers(thron, tmp_path, TDC_DRAIN_S="3600") as running:
        async with connected(running, "delivery-1") as http:
            thron.faults.stall_after(200_000, where="source")
            async with http.get(f"{running.public_url}/files/{film}") as answer:
                begun = await answer.content.readexactly(100_000)
                running.process.tell(signal.SIGTERM)
                await asyncio.to_thread(running.process.event, "draining", nth=2)

                async def are_free() -> bool:
                    return all(map(_is_free, (running.public_url, running.admin_url)))

                await until(are_free)
                status, output = await run("reload", environ=running.at_its_addresses)
                assert (status, "start it again" in output) == (2, True), output
                running.process.tell(signal.SIGHUP)
                refused = await asyncio.to_thread(running.process.event, "reload refused")
                assert refused["fix"] == "start it again"
                thron.faults.release()
                assert begun + await answer.content.read() == thron.tenant.bytes_of(film)
        assert await asyncio.to_thread(running.process.status) == 0


async def test_two_reloads_at_once(thron: Sandbox, tmp_path: Path) -> None:
    """The second one is refused, or comes after the first."""
    async with workers(thron, tmp_path) as running:
        environ = running.at_its_addresses
        both = await asyncio.gather(*(run("reload", environ=environ) for _ in range(2)))
        assert 0 in [status for status, _ in both], both
        for status, output in both:
            assert status == 0 or "under way" in output, output
        assert await running.status() == 200


# A supervisor that waits for a silent process for so long as is given.
_SUPERVISOR = """
import asyncio, os, sys
from contextlib import AsyncExitStack

from proxy.errors import GatewayError
from proxy.server.child_processes import ChildProcesses
from proxy.server.listeners import bind_all
from proxy.settings import load
from proxy.telemetry import log
from proxy.workers import Supervisor

async def main():
    log.configure("info")
    async with AsyncExitStack() as stack:
        sockets, settings = bind_all(stack, load(os.environ))
        processes = ChildProcesses(is_first=False, failed=print)
        async with Supervisor.open(
            settings,
            sockets=sockets,
            processes=processes,
            failed=print,
            silent_s=float(sys.argv[1]),
        ) as supervisor:
            supervisor.accept()
            await asyncio.Event().wait()

try:
    asyncio.run(main())
except GatewayError as exc:
    sys.exit(str(exc))
"""


@asynccontextmanager
async def supervisor(
    thron: Sandbox, state: Path, *, silent_s: float, workers: int
) -> AsyncIterator[Process]:
    """Run one without what ``serve`` has around it."""
    environ = environ_for(thron, state) | {
        "TDC_WORKERS": str(workers),
        "TDC_LISTEN": "127.0.0.1:0",
        "TDC_ADMIN_LISTEN": "127.0.0.1:0",
    }
    program = (sys.executable, "-c", _SUPERVISOR, str(silent_s))
    async with beside(environ=environ, program=program) as process:
        yield process


async def new_child(process: Process, known: Sequence[int]) -> int:
    """Return the first child of a process that is not among those known, as soon as it runs."""
    found: list[int] = []

    async def is_there() -> bool:
        for pid in set(children(process.pid)) - set(known):
            with suppress(FileNotFoundError, ProcessLookupError):  # it has ended
                if b"--control" in Path(f"/proc/{pid}/cmdline").read_bytes():  # noqa: ASYNC240 - no disk
                    found[:] = [pid]
        return bool(found)

    await until(is_there)
    return found[0]


async def test_one_that_hangs_at_the_start(thron: Sandbox, tmp_path: Path) -> None:
    """It is the failure of all, and is named."""
    async with supervisor(thron, tmp_path, silent_s=2, workers=2) as process:
        os.kill(await new_child(process, ()), signal.SIGSTOP)
        assert await asyncio.to_thread(process.status) == 1
        assert "console hung: no progress for 2 s" in process.output


async def test_those_that_hang_are_replaced(thron: Sandbox, tmp_path: Path) -> None:
    """One that has been ready, and one that never is: each is killed, and followed by another."""
    async with supervisor(thron, tmp_path, silent_s=30, workers=2) as process:
        await asyncio.to_thread(process.event, "process ready", nth=3)
        ready = {each["process"]: each["pid"] for each in process.events if "pid" in each}
        os.kill(ready["delivery-1"], signal.SIGSTOP)
        os.kill(ready["delivery-2"], signal.SIGKILL)
        os.kill(await new_child(process, list(ready.values())), signal.SIGSTOP)

        async def are_replaced() -> bool:
            again = [each["process"] for each in process.events if "pid" in each]
            return {"delivery-1", "delivery-2"} <= set(again[3:])

        await until(are_replaced, at_most_s=400)
        hung = [
            each["process"]
            for each in process.events
            if each["event"] == "process ended" and "hung" in str(each["problems"])
        ]
        assert {"delivery-1", "delivery-2"} <= set(hung)
