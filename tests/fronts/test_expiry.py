"""What fronts do with what has expired: revalidate, replace, go on; and never mix two versions."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path

import aiohttp
import pytest

from proxy.sandbox.server import Sandbox
from proxy.sandbox.switches import Validator
from tests.clients.command import answered
from tests.fronts.conftest import LARGE, of_caches
from tests.fronts.front import Front, nginx, varnish
from tests.running import Answer, Running, by_id, running
from tests.waiting import PATIENCE_S

Kind = Callable[[int, Path], AbstractAsyncContextManager[Front]]


async def until(
    holds: Callable[[Answer, dict[str, int]], bool], connector: Running, url: str, **fields: str
) -> Answer:
    """Ask for a URL again and again until something holds of answer and connector's figures."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            answer = await connector.get(url, **fields)
            if holds(answer, await answered(connector)):
                return answer
            await asyncio.sleep(0.05)


@of_caches
async def test_revalidation(connector: Running, front: Front) -> None:
    """What has expired is revalidated: the connector answers 304, and no content crosses again."""
    content = connector.thron.tenant.find("logo")
    url = f"{front.url}/brief/{content.id}/logo.png"
    source = connector.thron.tenant.bytes_of(content.id)
    assert (await connector.get(url)).body == source
    fetched = await answered(connector)
    answer = await until(lambda _, figures: figures.get("304", 0) > 0, connector, url)
    assert (answer.status, answer.body) == (200, source)
    revalidated = await answered(connector)
    assert {**revalidated, "304": 0} == {**fetched, "304": 0}


@of_caches
async def test_new_version(connector: Running, front: Front, large: str) -> None:
    """After expiry the same URL gives the new version, whole; never a mixture on the way."""
    url = f"{front.url}/brief/{large}/kit.zip"
    assert (await connector.get(url)).body == LARGE
    new = bytes(reversed(LARGE))
    connector.thron.publish_new_version(large, new)
    async with asyncio.timeout(PATIENCE_S):
        while (body := await _whole_or_nothing(connector, url)) != new:
            assert body in {LARGE, b""}
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("validator", ["strong", "weak", "none"])
async def test_slices_of_two_versions_are_not_mixed(
    connector: Running, tmp_path: Path, large: str, validator: Validator
) -> None:
    """Where nginx has a slice of the old version, a download is whole and new, or broken off.

    By the entity-tag nginx sees it; parts without one are not stored. A second after the connector
    knows of the new version it comes whole, though nobody has told nginx.
    """
    connector.thron.switches.source_validator = validator
    (home := tmp_path / "front").mkdir()
    async with nginx(connector.gateway.context.settings.listen.port, home) as front:
        url = f"{front.url}/files/{large}/kit.zip"
        assert (await connector.get(url, Range="bytes=2097152-2097153")).status == 206
        new = bytes(reversed(LARGE))
        connector.thron.publish_new_version(large, new)
        direct = str(connector.url(f"/files/{large}"))
        await until(lambda answer, _: answer.body == new, connector, direct)
        async with asyncio.timeout(PATIENCE_S):
            while (body := await _whole_or_nothing(connector, url)) != new:
                assert body == b""
                await asyncio.sleep(0.05)
        for _ in range(20):
            assert (await _whole_or_nothing(connector, url)) == new


async def test_nginx_sees_a_withdrawal(connector: Running, tmp_path: Path, large: str) -> None:
    """A withdrawn content is a 404 through nginx a second later, in every part of it."""
    (home := tmp_path / "front").mkdir()
    async with nginx(connector.gateway.context.settings.listen.port, home) as front:
        url = f"{front.url}/files/{large}/kit.zip"
        assert (await connector.get(url)).body == LARGE
        connector.thron.unlink(large)
        # Each slice was stored by itself, perhaps in a later second than the first one was.
        for part in ("bytes=0-1", "bytes=2097152-2097153", "bytes=3145728-3145729"):
            await until(lambda answer, _: answer.status == 404, connector, url, Range=part)
        assert (await connector.get(url)).status == 404


async def test_a_download_across_the_change(connector: Running, tmp_path: Path, large: str) -> None:
    """A download that runs while its file is replaced is the old one, or broken off."""
    (home := tmp_path / "front").mkdir()
    async with nginx(connector.gateway.context.settings.listen.port, home) as front:
        url = f"{front.url}/files/{large}/kit.zip"
        body = b""
        try:
            async with connector.http.get(url) as response:
                body = await response.content.readexactly(1000)
                connector.thron.publish_new_version(large, bytes(reversed(LARGE)))
                await connector.get(f"/files/{large}")
                await asyncio.sleep(1.1)  # by the clock of nginx's cache
                body += await response.read()
        except (aiohttp.ClientError, asyncio.IncompleteReadError):
            assert LARGE.startswith(body)
        else:
            assert body == LARGE


@pytest.mark.parametrize("kind", [nginx, varnish], ids=["nginx", "varnish"])
async def test_goes_on_while_the_connector_is_down(
    thron: Sandbox, tmp_path: Path, kind: Kind
) -> None:
    """What a front has stored and what has expired since is served while nobody answers it."""
    content = thron.tenant.find("logo")
    source = thron.tenant.bytes_of(content.id)
    (home := tmp_path / "front").mkdir()
    (state := tmp_path / "state").mkdir()
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession())
        async with running(thron, state, by_id(thron, max_age_s=1)) as connector:
            port = connector.gateway.context.settings.listen.port
            front = await stack.enter_async_context(kind(port, home))
            url = f"{front.url}/files/{content.id}"
            assert (await connector.get(url)).body == source
        await stack.enter_async_context(asyncio.timeout(PATIENCE_S))
        stale = False
        while not stale:
            async with http.get(url) as response:
                assert (response.status, await response.read() == source) == (200, True)
                fields = response.headers
            stale = fields["X-Cache"] == "STALE" or int(fields.get("Age", "0")) > 1
            await asyncio.sleep(0.05)


async def _whole_or_nothing(connector: Running, url: str) -> bytes:
    """Return a body that came whole; empty where the front broke it off."""
    try:
        return (await connector.get(url)).body
    except aiohttp.ClientError:
        return b""
