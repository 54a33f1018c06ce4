"""Restart and reload of a running connector: whoever downloads notices nothing."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import aiohttp
import pytest

from proxy.admin.auth.api_tokens import ApiTokens
from proxy.clock import utc_now
from tests.commands.cli import FILM, Cli, document
from tests.ports import free_address
from tests.process import Process, beside, run, served
from tests.steady_load import steady_load
from tests.waiting import until

_BEGUN = 100_000

either = pytest.mark.parametrize("workers", ["1", "2"], ids=["one", "several"])
"""By one process, and by a supervisor of several."""


def at(cli: Cli, public: str, admin: str) -> dict[str, str]:
    """Return the environment of a connector on addresses that are known."""
    return {
        **cli.environ,
        "TDC_LISTEN": public,
        "TDC_ADMIN_LISTEN": admin,
        "TDC_LAME_DUCK_S": "0",
        "TDC_DRAIN_S": "3600",
    }


async def event(process: Process, name: str, *, nth: int = 1) -> dict[str, object]:
    """Wait for an event of a process, or of one that has its log."""
    return await asyncio.to_thread(process.event, name, nth=nth)


async def status_of(process: Process) -> int:
    """Wait for the end of a process."""
    return await asyncio.to_thread(process.status)


@asynccontextmanager
async def half_done(cli: Cli, public: str) -> AsyncIterator[aiohttp.StreamReader]:
    """Hold a download that stands still in its middle, until the sandbox is told to go on."""
    film = cli.thron.tenant.find(FILM).id
    cli.thron.faults.stall_after(200_000, where="source")
    async with aiohttp.ClientSession() as http, http.get(f"http://{public}/files/{film}") as answer:
        assert answer.status == 200
        await answer.content.readexactly(_BEGUN)
        yield answer.content


async def is_answered(address: str, path: str) -> int:
    """Ask on a connection of its own, and return the status."""
    async with aiohttp.ClientSession() as http, http.get(f"http://{address}{path}") as answer:
        await answer.read()
        return answer.status


@either
async def test_restart_in_place(cli: Cli, workers: str) -> None:
    """A second one takes both addresses of one that stops, whose downloads finish."""
    await cli.apply(document(cli.thron, "files"), "--yes")
    data = cli.thron.tenant.bytes_of(cli.thron.tenant.find(FILM).id)
    cli.environ["TDC_WORKERS"] = workers
    environ = {**cli.environ, "TDC_LAME_DUCK_S": "3600", "TDC_DRAIN_S": "3600"}
    async with served(environ) as (old, public, admin), AsyncExitStack() as stack:
        async with half_done(cli, public) as content:
            old.tell(signal.SIGTERM)

            async def is_lame() -> bool:
                return await is_answered(public, "/-/readyz") == 503

            await until(is_lame)
            new = await stack.enter_async_context(beside("serve", environ=at(cli, public, admin)))
            await event(new, "listening")
            await event(old, "draining")

            async def is_ready() -> bool:
                return await is_answered(public, "/-/readyz") == 200

            # One of several old ones may take one more connection before it hears that it drains.
            await until(is_ready)
            assert await is_answered(admin, "/livez") == 200
            cli.thron.faults.release()
            assert await content.read() == data[_BEGUN:]
        assert await status_of(old) == 0
        assert await is_answered(public, "/-/readyz") == 200
        new.tell(signal.SIGTERM)
        assert await status_of(new) == 0
        assert not [name for name in os.listdir(cli.state) if name.startswith("handover")]  # noqa: PTH208 - no Path in a coroutine


async def test_a_service_that_takes_over_is_ready(cli: Cli, tmp_path: Path) -> None:
    """Its own service manager hears of it: the one that stops has not started it."""
    environ = {**cli.environ, "TDC_LAME_DUCK_S": "3600"}
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(60)
        async with served(environ) as (old, public, admin), AsyncExitStack() as stack:
            old.tell(signal.SIGTERM)

            async def is_lame() -> bool:
                return await is_answered(public, "/-/readyz") == 503

            await until(is_lame)
            environ = at(cli, public, admin) | {"NOTIFY_SOCKET": str(tmp_path / "notify")}
            await stack.enter_async_context(beside("serve", environ=environ))
            assert await asyncio.to_thread(manager.recv, 100) == b"READY=1"


async def test_two_that_serve(cli: Cli) -> None:
    """A second one on the addresses of one that serves is refused; the first notices nothing."""
    async with served(cli.environ) as (_, public, admin):
        status, output = await run("serve", environ=at(cli, public, admin))
        assert status == 2
        assert f"TDC_LISTEN: {public}: another program listens there" in output
        assert f"TDC_ADMIN_LISTEN: {admin}: another program listens there" in output
        assert await is_answered(public, "/-/livez") == 200


async def test_after_a_kill(cli: Cli) -> None:
    """What a killed process leaves behind is in nobody's way."""
    again = {"TDC_LISTEN": free_address(), "TDC_ADMIN_LISTEN": free_address()}
    async with served(cli.environ | again) as (old, public, admin):
        old.tell(signal.SIGKILL)
        await status_of(old)
        async with beside("serve", environ=at(cli, public, admin)) as new:
            await event(new, "listening")
            status, output = await run("reload", environ=at(cli, public, admin))
            assert status == 0, output


async def test_nothing_to_reload(cli: Cli) -> None:
    """Where none runs, ``reload`` names where it looked."""
    outcome = await cli.run("reload", TDC_LISTEN="127.0.0.1:9")
    assert outcome.status == 2
    assert "No connector that listens on 127.0.0.1:9 answers at" in outcome.err


@either
@pytest.mark.parametrize(
    ("downloads", "per_s"), [(10, 40), pytest.param(50, 200, marks=pytest.mark.soak)]
)
async def test_nobody_notices(cli: Cli, downloads: int, per_s: float, workers: str) -> None:
    """Through reloads and a restart in place no connection is refused, no answer cut or wrong."""
    await cli.apply(document(cli.thron, "files"), "--yes")
    film = cli.thron.tenant.find(FILM).id
    data = cli.thron.tenant.bytes_of(film)
    cli.environ["TDC_WORKERS"] = workers
    environ = {**cli.environ, "TDC_DRAIN_S": "3600"}
    cli.thron.faults.stall_after(200_000, where="source", times=downloads)
    async with (
        served(environ) as (first, public, admin),
        AsyncExitStack() as stack,
        steady_load(public, f"/files/{film}", data, downloads=downloads, per_s=per_s) as load,
    ):

        async def all_run() -> bool:
            return cli.thron.faults.struck >= downloads

        await until(all_run)
        # The last one stops by and by, so that another one can take its place.
        lame_ducks = ("0", "3600")
        for nth, seconds in enumerate(lame_ducks, start=1):
            changed = {**at(cli, public, admin), "TDC_LAME_DUCK_S": seconds}
            status, output = await run("reload", environ=changed)
            assert status == 0, output
            await event(first, "draining", nth=nth)
        first.tell(signal.SIGTERM)

        async def is_lame() -> bool:
            return await is_answered(public, "/-/readyz") == 503

        await until(is_lame)
        new = await stack.enter_async_context(beside("serve", environ=at(cli, public, admin)))
        await event(new, "listening")
        await event(first, "draining", nth=len(lame_ducks) + 1)
        asked = load.asked

        async def goes_on() -> bool:
            return load.asked > asked + 2 * per_s

        await until(goes_on)
        cli.thron.faults.release()
    print(f"Two reloads and a restart in place: {load}")
    assert (load.downloads, load.failures) == (downloads, {})
    assert "downloads cut" not in first.output


@either
async def test_reload_refused(cli: Cli, workers: str) -> None:
    """A reload that cannot be names all reasons, in the log too; the old one goes on."""
    cli.environ["TDC_WORKERS"] = workers
    async with served(cli.environ) as (process, public, admin):
        changed = {"TDC_LOG_LEVEL": "loud", "TDC_LISTENN": "x", "TDC_DRAIN_S": "-1"}
        status, output = await run("reload", environ=at(cli, public, admin) | changed)
        assert status == 2
        told = (await event(process, "reload refused"))["problems"]
        assert isinstance(told, list)
        assert len(told) == 3
        for problem in told:
            assert problem in output
        assert await is_answered(public, "/-/livez") == 200
        assert "handed over" not in process.output


# What changes, where {home} is a directory with connectors.toml alone, and {taken} an address that
# another program listens on; and what is told of it.
CANNOT_BE_OPENED = (
    (
        {
            "TDC_TLS_LISTEN": "127.0.0.1:0",
            "TDC_TLS_CERT": "{home}/connectors.toml",
            "TDC_TLS_KEY": "{home}/connectors.toml",
        },
        "TDC_TLS_CERT, TDC_TLS_KEY: ",
    ),
    ({"TDC_APP_KEY": "", "TDC_APP_KEY_FILE": "{home}/none"}, "TDC_APP_KEY_FILE: "),
    (
        {"TDC_ADMIN_LISTEN": "{taken}"},
        "TDC_ADMIN_LISTEN: {taken}: another program listens there",
    ),
)


@either
async def test_what_cannot_be_opened_refuses_a_reload(cli: Cli, workers: str) -> None:
    """Each reason is told by the command, in the log and on the console; the old one goes on."""
    cli.environ["TDC_WORKERS"] = workers
    await cli.apply(document(cli.thron, "files"), "--yes")
    async with cli.opened() as database:
        tokens = ApiTokens(database, now=utc_now)
        token = (await tokens.make("test", can_change=False, actor="test")).secret
    with socket.create_server(("127.0.0.1", 0)) as other:
        known = {"home": cli.state, "taken": f"127.0.0.1:{other.getsockname()[1]}"}
        async with (
            served(cli.environ) as (process, public, admin),
            aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as http,
        ):
            for nth, (changed, reason) in enumerate(CANNOT_BE_OPENED, start=1):
                wrong = {name: value.format(**known) for name, value in changed.items()}
                told = reason.format(**known)
                status, output = await run("reload", environ=at(cli, public, admin) | wrong)
                assert status == 2
                assert told in output
                assert told in str((await event(process, "reload refused", nth=nth))["problems"])
                async with http.get(f"http://{admin}/api/overview") as answer:
                    assert told in await answer.text()
                assert await is_answered(public, "/-/livez") == 200


@either
async def test_a_reload_that_could_not_answer_is_refused(cli: Cli, workers: str) -> None:
    """Where the old one is logged in to THRON, a new one that is not does not take its place."""
    cli.environ["TDC_WORKERS"] = workers
    async with served(cli.environ) as (process, public, admin):
        await event(process, "token.renewed")
        nothing = dict.fromkeys(("TDC_CLIENT_ID", "TDC_APP_ID", "TDC_APP_KEY"), "")
        status, output = await run("reload", environ=at(cli, public, admin) | nothing)
        assert status == 2
        assert "no credentials" in output
        assert await is_answered(public, "/-/readyz") == 200


async def test_hangup_reads_files_again(cli: Cli, tmp_path: Path) -> None:
    """SIGHUP takes what the files say that the old environment names."""
    file = tmp_path / "settings.toml"
    file.write_text('log_level = "info"\n')
    environ = {**cli.environ, "TDC_CONFIG": str(file), "TDC_LOG_LEVEL": ""}
    async with served(environ) as (process, public, _):
        file.write_text('log_level = "louder"\n')
        process.tell(signal.SIGHUP)
        assert "TDC_LOG_LEVEL" in str((await event(process, "reload refused"))["problems"])
        file.write_text('log_level = "debug"\n')
        process.tell(signal.SIGHUP)
        await event(process, "handed over")
        assert await is_answered(public, "/-/livez") == 200


async def test_other_addresses(cli: Cli) -> None:
    """A reload may move a listener; the other one stays open."""
    moved = free_address()
    async with served(cli.environ) as (process, public, admin):
        environ = at(cli, public, admin) | {"TDC_ADMIN_LISTEN": moved}
        assert (await run("reload", environ=environ))[0] == 0
        await event(process, "draining")
        assert await is_answered(moved, "/livez") == 200
        assert await is_answered(public, "/-/livez") == 200
        with pytest.raises(aiohttp.ClientConnectorError):
            await is_answered(admin, "/livez")


async def test_a_listener_more(cli: Cli) -> None:
    """A reload may add a listener, and the next one takes it over; a taken port changes nothing."""
    own = free_address()
    async with served(cli.environ) as (process, public, admin):
        environ = at(cli, public, admin)
        status, output = await run("reload", environ=environ | {"TDC_METRICS_LISTEN": public})
        assert status == 2
        said = f"TDC_METRICS_LISTEN: {public}: another program listens there"
        assert said in output, process.output + output
        assert await is_answered(admin, "/metrics") == 200
        for nth in (1, 2):
            status, output = await run("reload", environ=environ | {"TDC_METRICS_LISTEN": own})
            assert status == 0, output + process.output
            await event(process, "draining", nth=nth)
            assert await is_answered(own, "/metrics") == 200


async def test_the_first_process_stays(cli: Cli) -> None:
    """In a shell or a container the first process ends with its last successor, as that does."""
    async with served(cli.environ) as (process, public, _):
        pids = [process.pid]
        for nth in (1, 2):
            process.tell(signal.SIGHUP)
            pids.append(int(str((await event(process, "handed over", nth=nth))["pid"])))
        first, between, newest = pids
        assert await is_answered(public, "/-/livez") == 200

        async def between_has_ended() -> bool:
            return not _is_there(between)

        await until(between_has_ended)

        async def is_adopted() -> bool:
            return _parent(newest) == first

        await until(is_adopted)
        process.tell(signal.SIGTERM)
        assert await status_of(process) == 0
        assert not _is_there(newest)


@either
async def test_a_successor_that_fails_ends_the_first_process(cli: Cli, workers: str) -> None:
    """Where nobody serves any more, whoever watches the first process is to start another."""
    cli.environ["TDC_WORKERS"] = workers
    environ = {**cli.environ, "TDC_DRAIN_S": "3600"}
    await cli.apply(document(cli.thron, "files"), "--yes")
    async with served(environ) as (process, public, _), half_done(cli, public):
        process.tell(signal.SIGHUP)
        newest = int(str((await event(process, "handed over"))["pid"]))
        await event(process, "draining")
        os.kill(newest, signal.SIGKILL)
        assert await status_of(process) == 128 + signal.SIGKILL


async def test_nothing_else_is_inherited(cli: Cli) -> None:
    """Of the old one's files and connections a successor has the listening sockets, and no more."""
    await cli.apply(document(cli.thron, "files"), "--yes")
    environ = {**cli.environ, "TDC_DRAIN_S": "3600"}
    async with served(environ) as (process, public, _), half_done(cli, public):
        before = _sockets(process.pid)
        process.tell(signal.SIGHUP)
        newest = int(str((await event(process, "handed over"))["pid"]))
        await event(process, "draining")
        assert len(before & _sockets(newest)) == 2


def _is_there(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def _parent(pid: int) -> int:
    (line,) = (
        line
        for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
        if line.startswith("PPid:")
    )
    return int(line.split()[1])


def _sockets(pid: int) -> set[str]:
    """Return the sockets that a process has open, its standard streams left out."""
    found = set()
    for each in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # it has been closed since it was listed
            if int(each.name) > 2:
                found.add(str(each.readlink()))
    return {each for each in found if each.startswith("socket:")}
