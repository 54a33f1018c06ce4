"""Purges are ordered in the database that running connectors read."""

import pytest

from proxy.catalogue.purges import Purge, PurgeKind, PurgeStore
from tests.catalogue.audited import audited
from tests.commands.cli import Cli, document


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
