"""Another release is installed over the one that runs, and a reload starts it."""

import asyncio
from functools import partial
from pathlib import Path

import aiohttp
import pytest

from proxy.admin.auth.api_tokens import ApiTokens
from proxy.clock import utc_now
from tests.commands.cli import FILM, Cli, document
from tests.installed import Environment, release
from tests.ports import free_address
from tests.process import beside
from tests.steady_load import steady_load
from tests.waiting import until

OLD, NEW = "7.0.0", "8.0.0"


async def _installed(
    environment: Environment, places: pytest.TempPathFactory, version: str
) -> None:
    wheel = await asyncio.to_thread(release, version, places)
    await asyncio.to_thread(environment.install, wheel)


@pytest.mark.parametrize(
    ("downloads", "per_s", "workers"),
    [
        (4, 20, "1"),
        pytest.param(50, 200, "1", marks=pytest.mark.soak),
        pytest.param(50, 200, "2", marks=pytest.mark.soak),
    ],
)
async def test_upgrade(
    cli: Cli,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    downloads: int,
    per_s: float,
    workers: str,
) -> None:
    """The new release serves, the old one finishes its downloads, and nobody notices."""
    (home := tmp_path / "environment").mkdir()
    environment = await asyncio.to_thread(Environment, home)
    install = partial(_installed, environment, tmp_path_factory)

    await install(OLD)
    await cli.apply(document(cli.thron, "files"), "--yes")
    async with cli.opened() as database:
        tokens = ApiTokens(database, now=utc_now)
        token = (await tokens.make("test", can_change=False, actor="test")).secret
    film = cli.thron.tenant.find(FILM).id
    data = cli.thron.tenant.bytes_of(film)
    cli.thron.faults.stall_after(200_000, where="source", times=downloads)
    public, admin = free_address(), free_address()
    addresses = {"TDC_LISTEN": public, "TDC_ADMIN_LISTEN": admin}
    environ = {**cli.environ, **addresses, "TDC_WORKERS": workers}

    async def version_of() -> str:
        async with (
            aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as http,
            http.get(f"http://{admin}/metrics") as answer,
        ):
            lines = (await answer.text()).splitlines()
        (line,) = (each for each in lines if each.startswith("thron_connector_build_info{"))
        return line.partition('version="')[2].partition('"')[0]

    running = partial(beside, environ=environ, tree=tmp_path, program=(str(environment.program),))
    async with running("serve") as process:
        await asyncio.to_thread(process.event, "listening")
        assert await version_of() == OLD
        async with steady_load(
            public, f"/files/{film}", data, downloads=downloads, per_s=per_s
        ) as load:

            async def all_run() -> bool:
                return cli.thron.faults.struck >= downloads

            await until(all_run)
            await install(NEW)
            async with running("reload") as reload:
                assert await asyncio.to_thread(reload.status) == 0, reload.output
            await asyncio.to_thread(process.event, "draining")
            assert await version_of() == NEW
            cli.thron.faults.release()
        print(f"An upgrade: {load}")
        assert (load.downloads, load.failures) == (downloads, {})
        assert "downloads cut" not in process.output


async def test_the_console_before_the_reload(
    cli: Cli, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Pages that are open stay those of the release that runs; one not open yet says what to do.

    Meanwhile probes are answered, so that nothing restarts the connector.
    """
    (home := tmp_path / "environment").mkdir()
    environment = await asyncio.to_thread(Environment, home)
    install = partial(_installed, environment, tmp_path_factory)

    await install(OLD)
    admin = free_address()
    environ = {**cli.environ, "TDC_LISTEN": free_address(), "TDC_ADMIN_LISTEN": admin}
    running = partial(beside, environ=environ, tree=tmp_path, program=(str(environment.program),))

    async with running("serve") as process, aiohttp.ClientSession() as http:
        await asyncio.to_thread(process.event, "listening")

        async def ask(path: str, **fields: str) -> tuple[int, str]:
            async with http.get(f"http://{admin}{path}", headers=fields) as answer:
                return answer.status, await answer.text()

        async def probes() -> list[int]:
            foreign = {"Host": "balancer.example"}
            return [
                (await ask("/livez"))[0],
                (await ask("/livez", **foreign))[0],
                (await ask("/metrics"))[0],
                (await ask("/metrics", **foreign))[0],
            ]

        assert await probes() == [200, 200, 200, 421]
        await install(NEW)
        for _ in range(2):
            status, text = await ask("/login")
            assert (status, "thron-connector reload" in text) == (503, True)
            assert await probes() == [200, 200, 200, 421]
        async with running("reload") as reload:
            assert await asyncio.to_thread(reload.status) == 0, reload.output
        assert (await ask("/login"))[0] == 200

        for each in environment.home.glob("lib/*/site-packages/proxy/admin/web/*/**/*"):
            if each.is_file():  # as of a release whose pages are others
                each.write_text("{{ what_the_release_that_runs_does_not_have }}")
        for path in ("/login", "/set-up?link=none", "/preferences"):
            status, text = await ask(path, **{"Accept-Language": "it"})
            assert (status < 500, "what_the_release" in text) == (True, False), path
