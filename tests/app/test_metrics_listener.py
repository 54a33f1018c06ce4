"""A listener for metrics and probes alone, with one process and with several."""

from pathlib import Path

import aiohttp

from proxy.sandbox.server import Sandbox
from proxy.settings import Listen
from tests.ports import free_address
from tests.process import environ_for, served
from tests.running import LOOPBACK, by_id, running
from tests.waiting import until

PATHS = ("/metrics", "/livez", "/readyz", "/login", "/")


async def statuses(address: str) -> list[int]:
    """Return what somebody unknown is answered for each of the paths."""
    async with aiohttp.ClientSession(f"http://{address}") as http:
        found: list[int] = []
        for path in PATHS:
            async with http.get(path, allow_redirects=False) as answer:
                found.append(answer.status)
        return found


async def test_it_alone_has_metrics(thron: Sandbox, tmp_path: Path) -> None:
    """Monitors have no way to the console, and the console's address has no metrics."""
    own = Listen(host=LOOPBACK, port=0)
    async with running(thron, tmp_path, by_id(thron), metrics_listen=own) as whole:
        settings = whole.gateway.context.settings
        assert await statuses(str(settings.metrics_listen)) == [200, 200, 200, 404, 404]
        assert await statuses(str(settings.admin_listen)) == [303, 200, 200, 200, 303]
        async with whole.http.get(f"http://{settings.metrics_listen}/metrics") as answer:
            assert 'thron_connector_connections{listener="metrics"} 1.0' in await answer.text()


async def test_with_several_processes(thron: Sandbox, tmp_path: Path) -> None:
    """The console's process has it, with the figures of all."""
    own = free_address()
    environ = environ_for(thron, tmp_path) | {"TDC_WORKERS": "2", "TDC_METRICS_LISTEN": own}
    async with served(environ), aiohttp.ClientSession() as http:

        async def all_are_up() -> bool:
            async with http.get(f"http://{own}/metrics") as answer:
                told = await answer.text()
            up = (f'process_up{{process="delivery-{number}"}} 1.0' for number in (1, 2))
            return all(each in told for each in up)

        await until(all_are_up)
        assert await statuses(own) == [200, 200, 200, 404, 404]
