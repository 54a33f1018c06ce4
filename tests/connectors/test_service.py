"""What applying connectors would do, before it is done."""

import pytest

from proxy.connectors.model import Connector
from proxy.connectors.service import Plan, plan
from proxy.errors import ConfigurationError
from proxy.sandbox.server import Sandbox
from proxy.thron.content import ContentType
from tests.running import Running, by_id, by_name, by_sku


async def planned(running: Running, *wanted: Connector, can_force_https: bool = False) -> Plan:
    return await plan(
        wanted,
        surveyor=running.tenant.surveyor,
        database=running.gateway.parts.database,
        can_force_https=can_force_https,
    )


async def test_nothing(connector: Running, thron: Sandbox) -> None:
    """Connectors as they are already are no change, though their folders are unresolved here."""
    found = await planned(connector, by_id(thron), by_name(thron), by_sku(thron))
    assert found.is_nothing
    assert (found.published, found.public_contents, found.broken) == ((), 0, {})


async def test_new_and_changed(connector: Running, thron: Sandbox) -> None:
    """New and changed connectors count what they make public; unchanged ones do not."""
    images = frozenset({ContentType.IMAGE})
    found = await planned(
        connector,
        by_id(thron),
        by_name(thron, content_types=images),
        by_id(thron, "more", content_types=images),
    )
    assert not found.is_nothing
    assert found.changes.unchanged == ("files",)
    media, more = found.published
    assert (media.connector.slug, more.connector.slug) == ("media", "more")
    assert found.public_contents == media.contents + more.contents
    assert [each.slug for each in found.connectors] == ["files", "media", "more"]
    assert all(each.folder_id for each in found.connectors)


async def test_breaks(connector: Running, thron: Sandbox) -> None:
    """What would break is told of the connectors that it would break of."""
    found = await planned(
        connector, by_id(thron, subfolders=False), by_name(thron, max_age_s=5), by_id(thron, "new")
    )
    assert found.broken == {"files": ("URLs of contents in folders below would stop working.",)}


async def test_disabled_connectors_publish_nothing(connector: Running, thron: Sandbox) -> None:
    """A connector that is to be disabled is a change, and makes nothing public."""
    found = await planned(connector, by_id(thron, enabled=False))
    assert (found.is_nothing, found.published, found.public_contents) == (False, (), 0)
    assert "disabled" in found.broken["files"][0]


async def test_every_problem_at_once(connector: Running, thron: Sandbox) -> None:
    """Problems of all connectors, of every kind, are told together."""
    with pytest.raises(ConfigurationError) as raised:
        await planned(
            connector,
            by_id(thron, "a", host="one.example.com", force_https=True),
            by_id(thron, "b", host="one.example.com").model_copy(update={"folder": "nowhere"}),
            by_sku(thron, "c").model_copy(update={"metadata": "skuu", "folder": "nowhere"}),
            by_sku(thron, "d", max_age_s=1),
        )
    told = " ".join(raised.value.problems)
    assert "host one.example.com: a and b want it" in told
    assert "connector a: force_https needs HTTPS" in told
    assert told.count("knows no folder 'nowhere'") == 2
    assert len(raised.value.problems) == 4


async def test_forced_https_that_can_be_known(connector: Running, thron: Sandbox) -> None:
    """With native TLS or trusted proxies force_https is no problem."""
    wanted = by_id(thron, force_https=True)
    assert (await planned(connector, wanted, can_force_https=True)).changes.changed == ("files",)


async def test_nothing_is_changed(connector: Running, thron: Sandbox) -> None:
    """A plan is only a plan."""
    before = connector.gateway.watch.connectors
    await planned(connector, by_name(thron, "new"))
    await connector.gateway.watch.refresh()
    assert connector.gateway.watch.connectors is before
