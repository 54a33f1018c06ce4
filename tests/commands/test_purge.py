"""Purges are ordered in the database that running connectors read."""

from pathlib import Path

import pytest
from aiohttp import web

from proxy.catalogue.purges import Purge, PurgeKind, PurgeStore
from tests.catalogue.audited import audited
from tests.commands.cli import FILM, Cli, document
from tests.delivery.origin_server import origin_server
from tests.running import by_id, running
from tests.waiting import until


@pytest.mark.parametrize(
    ("words", "order"),
    [
        pytest.param("--all", Purge(PurgeKind.ALL), id="all"),
        pytest.param("--content c-1", Purge(PurgeKind.CONTENT, "c-1"), id="content"),
        pytest.param("--connector media", Purge(PurgeKind.CONNECTOR, "media"), id="connector"),
        pytest.param(
            "--url https://x/media/EN/film/any.mp4?inline",
            Purge(PurgeKind.ADDRESS, "media/en/film"),
            id="url",
        ),
    ],
)
async def test_purge(cli: Cli, words: str, order: Purge) -> None:
    """A purge is ordered in the database, and audited."""
    await cli.apply(document(cli.thron, "media", identifier="pretty_id"), "--yes")
    outcome = await cli.run("purge", *words.split())
    assert (outcome.status, outcome.err) == (0, "")
    async with cli.opened() as database:
        assert [each.purge for each in await PurgeStore(database).since(0)] == [order]
        newest = (await audited(database))[0]
        assert (newest.actor, newest.action, newest.subject) == ("cli", "purged", order.value)


async def test_purge_by_url_reaches_caches(cli: Cli, tmp_path: Path) -> None:
    """Caches in front are told of the content that the URL leads to."""
    content_id = cli.thron.tenant.find(FILM).id

    async def cache(_: web.Request) -> web.Response:
        return web.Response()

    async with origin_server(cache) as server:
        (hooks := tmp_path / "hooks.toml").write_text(
            f'hook = [{{name = "near", preset = "varnish-xkey", url = "{server.url}/"}}]'
        )
        environ = {"TDC_PURGE_HOOKS": str(hooks)}
        async with running(cli.thron, cli.state, by_id(cli.thron), purge_hooks=hooks) as connector:
            await connector.gateway.sync.request("files")

            async def is_listed() -> bool:
                state = await connector.gateway.sync.state("files")
                return state.last is not None and state.running is None

            await until(is_listed)
            url = connector.gateway.public_url + f"/files/{content_id}/any.mp4"
            outcome = await cli.run("purge", "--url", url, **environ)
            assert (outcome.status, outcome.err) == (0, "")
            assert "Then the caches of TDC_PURGE_HOOKS follow." in outcome.out

            async def is_told() -> bool:
                tags = [fields.get("xkey-purge") for _, _, fields in server.requests]
                return f"content-{content_id}" in tags

            await until(is_told)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        pytest.param("", "exactly one of", id="none"),
        pytest.param("--all --content c-1", "exactly one of", id="two"),
        pytest.param("--content a/b", "'a/b' is not a content ID", id="no id"),
        pytest.param("--connector nothing", "There is no connector 'nothing'", id="no connector"),
        pytest.param(
            "--url /nothing/x", "does not belong to an enabled connector", id="no address"
        ),
    ],
)
async def test_purge_of_what(cli: Cli, words: str, told: str) -> None:
    """A purge of nothing, of two things, or of what cannot be is a slip."""
    outcome = await cli.run("purge", *words.split())
    assert outcome.status == 2
    assert told in outcome.err
    async with cli.opened() as database:
        assert await PurgeStore(database).last() == 0
