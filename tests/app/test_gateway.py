"""The running connector: set-up state, readiness, listeners that cannot be, and its end."""

import asyncio
import signal
from pathlib import Path

import aiohttp
import orjson
import pytest
from pydantic import SecretStr

from proxy.app.gateway import open_gateway
from proxy.catalogue.tenant import TenantRecord, TenantStore
from proxy.clock import Clock
from proxy.connectors.model import DeliveryMode
from proxy.connectors.store import ConnectorStore
from proxy.errors import ConfigurationError, DatabaseFailed
from proxy.sandbox.faults import Fault, Kind
from proxy.sandbox.server import Sandbox
from proxy.server.listeners import bind
from proxy.settings import Listen, Settings
from tests.logs import logged
from tests.process import installed, run, served
from tests.running import LOOPBACK, by_id, running, usual_settings
from tests.waiting import until

FILM = "strada-sl-film"
ANYWHERE = Listen(host=LOOPBACK, port=0)


async def _ready(admin_url: str) -> tuple[int, list[str]]:
    async with aiohttp.ClientSession() as http, http.get(f"{admin_url}/readyz") as answer:
        told = orjson.loads(await answer.read())
        return answer.status, told.get("reasons", [])


async def test_set_up_state(tmp_path: Path) -> None:
    """Without credentials it runs: public addresses are 503, and /readyz says what is missing."""
    settings = Settings(listen=ANYWHERE, admin_listen=ANYWHERE, drain_s=0)
    environ = {"STATE_DIRECTORY": str(tmp_path)}
    async with open_gateway(settings, environ) as gateway, aiohttp.ClientSession() as http:
        async with http.get(f"{gateway.public_url}/files/x") as answer:
            assert answer.status == 503
            assert answer.headers["Retry-After"] == "60"
            assert answer.headers["Proxy-Status"].endswith("error=proxy_configuration_error")
            assert "not been set up" in await answer.text()
        for path, status in (("/-/livez", 200), ("/-/readyz", 503)):
            async with http.get(gateway.public_url + path) as probe:
                assert probe.status == status
        status, reasons = await _ready(gateway.admin_url)
        assert status == 503
        assert "TDC_CLIENT_ID" in reasons[0]


async def test_set_up_in_the_console(thron: Sandbox, tmp_path: Path) -> None:
    """Credentials that the database has count as set up, for those who read the log too."""
    with logged() as log:
        async with running(thron, tmp_path) as whole:
            await TenantStore(whole.gateway.context.database).save(
                TenantRecord(client_id=thron.client_id, app_id=thron.app_id, app_key=thron.app_key),
                actor="test",
            )
        nothing = {"client_id": None, "app_id": None, "app_key": None}
        settings = usual_settings(thron).model_copy(update=nothing)
        async with open_gateway(settings, {"STATE_DIRECTORY": str(tmp_path)}):
            assert [each["set_up"] for each in log.of("listening")] == [True, True]


async def test_ready_when_logged_in(thron: Sandbox, tmp_path: Path) -> None:
    """With a session it is ready, on both listeners."""
    async with running(thron, tmp_path, by_id(thron)) as whole:
        await whole.tenant.thron.session()
        assert await _ready(whole.gateway.admin_url) == (200, [])
        assert (await whole.get("/-/readyz")).status == 200


async def test_refused_credentials_are_a_reason(thron: Sandbox, tmp_path: Path) -> None:
    """A wrong key does not end the connector; /readyz says so without the key."""
    wrong = SecretStr(thron.app_key_wrong)
    async with running(thron, tmp_path, app_key=wrong) as whole:
        status, reasons = await _ready(whole.gateway.admin_url)
        assert status == 503
        assert reasons
        assert thron.app_key_wrong not in str(reasons)
        assert (await whole.get("/-/readyz")).status == 503


async def test_ready_while_stale_answers_exist(thron: Sandbox, tmp_path: Path) -> None:
    """Where known addresses still work, THRON's absence is no reason to send clients elsewhere."""
    async with running(thron, tmp_path, by_id(thron)) as whole:
        path = f"/files/{thron.tenant.find(FILM).id}"
        assert (await whole.get(path, Range="bytes=0-0")).status == 206
        thron.api_down = True
        thron.expire_tokens()
        assert (await _ready(whole.gateway.admin_url))[0] == 200


async def test_a_database_that_is_deleted(thron: Sandbox, tmp_path: Path) -> None:
    """It is told at once, known links go on, and after a restart no address is called unknown."""
    path = f"/files/{thron.tenant.find(FILM).id}"
    with logged() as log:
        async with running(thron, tmp_path, by_id(thron)) as whole:
            await whole.tenant.thron.session()
            assert await _told(whole.gateway.admin_url) == ("ok", [])
            assert (await whole.get(path, Range="bytes=0-0")).status == 206
            database = whole.gateway.context.database
            for file in _database_files(tmp_path):
                file.unlink()
            status, (problem,) = await _told(whole.gateway.admin_url)
            assert (status, "deleted" in problem) == ("degraded", True)
            assert (await whole.get(path, Range="bytes=0-0")).status == 206
            assert (await whole.get("/-/readyz")).status == 200
            with pytest.raises(DatabaseFailed, match="backup"):
                await ConnectorStore(database).remove("files", actor="test")

            async def is_logged() -> bool:
                return any("deleted" in each["reason"] for each in log.of("not read"))

            await until(is_logged)
        assert not _database_files(tmp_path)
    for _ in range(2):  # the second start finds an empty database, and did not make it
        async with running(thron, tmp_path) as whole:
            await whole.tenant.thron.session()
            answer = await whole.get(path)
            assert (answer.status, answer.fields["Cache-Control"]) == (503, "no-store")
            status, (problem,) = await _told(whole.gateway.admin_url)
            assert (status, "no connector yet" in problem) == ("degraded", True)
    async with running(thron, tmp_path, by_id(thron)) as whole:
        await ConnectorStore(whole.gateway.context.database).remove("files", actor="test")
        await whole.gateway.watch.refresh()
        assert (await whole.get(path)).status == 404  # removed on purpose


def _database_files(state: Path) -> list[Path]:
    return list(state.glob("*.db*"))


async def _told(admin_url: str) -> tuple[str, list[str]]:
    async with aiohttp.ClientSession() as http, http.get(f"{admin_url}/readyz") as answer:
        told = orjson.loads(await answer.read())
        return told["status"], told["reasons"]


async def test_taken_ports_are_told_together(thron: Sandbox, tmp_path: Path) -> None:
    """Every listener that cannot be is named at once, before anything else is opened."""
    with (
        bind(ANYWHERE, setting="one") as one,
        bind(ANYWHERE, setting="other") as other,
        bind(ANYWHERE, setting="third") as third,
    ):
        settings = usual_settings(thron).model_copy(
            update={
                "listen": Listen(host=LOOPBACK, port=one.getsockname()[1]),
                "admin_listen": Listen(host=LOOPBACK, port=other.getsockname()[1]),
                "metrics_listen": Listen(host=LOOPBACK, port=third.getsockname()[1]),
            }
        )
        opening = open_gateway(settings, {"STATE_DIRECTORY": str(tmp_path)})
        with pytest.raises(ConfigurationError) as caught:
            await opening.__aenter__()
    first, second, last = caught.value.problems
    assert first.startswith("TDC_LISTEN: ")
    assert second.startswith("TDC_ADMIN_LISTEN: ")
    assert last.startswith("TDC_METRICS_LISTEN: ")
    assert not list(tmp_path.iterdir())  # noqa: ASYNC240 - a test may wait


async def test_pure_python_parser_is_refused(tmp_path: Path) -> None:
    """Without aiohttp's C parser it does not start: exit status 2, and the fix."""
    environ = {"STATE_DIRECTORY": str(tmp_path), "AIOHTTP_NO_EXTENSIONS": "1"}
    environ |= dict.fromkeys(("TDC_LISTEN", "TDC_ADMIN_LISTEN"), "127.0.0.1:0")
    status, output = await run("serve", environ=environ)
    assert status == 2
    assert "AIOHTTP_NO_EXTENSIONS" in output
    assert "Traceback" not in output


async def test_first_signal_drains(thron: Sandbox, tmp_path: Path) -> None:
    """After SIGTERM a running download is finished, none is begun, and the exit status is 0."""
    content = thron.tenant.find(FILM)
    environ = await installed(thron, tmp_path, by_id(thron)) | {"TDC_DRAIN_S": "3600"}
    for where in ("source", "static"):
        thron.faults.stall_after(100_000, where=where)
    async with served(environ) as (process, public, _), aiohttp.ClientSession() as http:
        async with http.get(f"http://{public}/files/{content.id}") as answer:
            first = await answer.content.readany()
            process.tell(signal.SIGTERM)
            draining = await asyncio.to_thread(process.event, "draining")
            assert (draining["downloads"], draining["at_most_s"]) == (1, 3600)
            host, _, port = public.rpartition(":")
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection(host, int(port))
            thron.faults.release()
            whole = first + await answer.content.read()
        assert await asyncio.to_thread(process.status) == 0
        assert whole == thron.tenant.bytes_of(content.id)
        assert not [each for each in process.events if each["event"] == "downloads cut"]


async def test_second_signal_ends(thron: Sandbox, tmp_path: Path) -> None:
    """A second SIGTERM does not wait: what is cut is told, and the client sees a torn content."""
    content = thron.tenant.find(FILM)
    environ = await installed(thron, tmp_path, by_id(thron)) | {"TDC_DRAIN_S": "3600"}
    for where in ("source", "static"):
        thron.faults.stall_after(100_000, where=where)
    async with served(environ) as (process, public, _), aiohttp.ClientSession() as http:
        async with http.get(f"http://{public}/files/{content.id}") as answer:
            await answer.content.readany()
            process.tell(signal.SIGTERM)
            await asyncio.to_thread(process.event, "draining")
            process.tell(signal.SIGTERM)
            with pytest.raises(aiohttp.ClientPayloadError):
                await answer.content.read()
        await asyncio.to_thread(process.status)
        (cut,) = [each for each in process.events if each["event"] == "downloads cut"]
        assert cut["downloads"] == 1
        assert "Traceback" not in process.output


async def test_no_drain(thron: Sandbox, tmp_path: Path) -> None:
    """Without time to drain the end comes at once, and the record says who ended the download."""
    for where in ("source", "static"):
        thron.faults.stall_after(100_000, where=where, times=None)
    with logged() as log:
        async with aiohttp.ClientSession() as http:
            async with running(thron, tmp_path, by_id(thron)) as whole:
                url = whole.url(f"/files/{thron.tenant.find(FILM).id}")
                answer = await http.get(url)
                await answer.content.readany()
            answer.close()
        (record,) = log.of("download")
        assert record["ended_by"] == "gateway"


async def test_one_client_has_no_more_than_the_setting_says(thron: Sandbox, tmp_path: Path) -> None:
    """TDC_MAX_DOWNLOADS_PER_CLIENT holds for the whole connector."""
    async with running(thron, tmp_path, by_id(thron), max_downloads_per_client=1) as connector:
        film = thron.tenant.find("strada-sl-film").id
        url = connector.url(f"/files/{film}")
        thron.faults.stall_after(1000, where="source")
        async with connector.http.get(url) as first:
            assert first.status == 200
            assert (await connector.get(f"/files/{film}")).status == 429


async def test_slow_source_files_leave_places(thron: Sandbox, tmp_path: Path) -> None:
    """A quarter of TDC_MAX_DOWNLOADS may wait long for source files; one more is told at once."""
    seconds = [0.0]
    film, kit = (thron.tenant.find(name).id for name in (FILM, "press-kit"))
    wanted = by_id(thron, delivery=DeliveryMode.ORIGINAL)
    clock = Clock(now=lambda: seconds[0])
    async with running(thron, tmp_path, wanted, clock=clock, max_downloads=4) as connector:
        thron.faults.add(Fault(Kind.STALL, "source", target=film))
        first = asyncio.create_task(connector.get(f"/files/{film}"))
        await thron.faults.hit.wait()
        seconds[0] += 4
        assert (await connector.get(f"/files/{kit}")).status == 503
        thron.faults.clear()
        assert (await first).status == 200
        assert (await connector.get(f"/files/{film}")).status == 200
