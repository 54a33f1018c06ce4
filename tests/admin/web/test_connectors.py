"""The list of connectors."""

import tomllib
from pathlib import Path

from proxy.sandbox.server import Fault, Kind, Sandbox
from tests.admin.visitor import Visitor, visitor
from tests.listed import listed
from tests.running import Running, by_name, running


async def test_every_connector_is_shown(connector: Running, admin: Visitor) -> None:
    """With its folder, identifier, illustrative address, contents and where it can be changed."""
    await listed(connector, "files", "media", "products")
    page = await admin.get("/connectors")
    for slug in ("files", "media", "products"):
        assert f'href="/connectors/{slug}/edit"' in page.text
    assert "Folder Brand portal" in page.words
    assert "Custom metadata sku" in page.words
    base = connector.gateway.context.settings.public_base
    assert f"{base}/media / {{language}} / {{prettyID}} / {{file name}}" in page.words
    tally = await connector.gateway.contents.tally(connector.gateway.watch.connectors.all[0])
    assert f"{tally.contents} contents in the folder" in page.words
    assert "As of" in page.words


async def test_addresses_in_italian(admin: Visitor) -> None:
    """What varies in an address is named in the reader's language."""
    admin.take(tdc_language="it")
    page = await admin.get("/connectors")
    assert "/media / {lingua} / {prettyID} / {nome del file}" in page.words


async def test_without_thron(connector: Running, admin: Visitor) -> None:
    """While THRON cannot be asked the list is there, with the folders' ids."""
    connector.thron.faults.add(Fault(Kind.STATUS, "api", times=None, status=503))
    page = await admin.get("/connectors")
    assert (page.status, connector.thron.root_folder_id in page.words) == (200, True)


async def test_one_that_is_off(thron: Sandbox, tmp_path: Path) -> None:
    """A connector that is switched off says so, and offers to be switched on."""
    async with (
        running(thron, tmp_path, by_name(thron, enabled=False)) as whole,
        visitor(whole.gateway) as admin,
    ):
        await admin.enter(whole.gateway.demo_url())
        page = await admin.get("/connectors")
        assert "switched off: no address works" in page.words
        assert 'href="/connectors/media/enable"' in page.text


async def test_none_yet(thron: Sandbox, tmp_path: Path) -> None:
    """Without connectors the page says what one is, and leads to the first step."""
    async with running(thron, tmp_path) as whole, visitor(whole.gateway) as admin:
        await admin.enter(whole.gateway.demo_url())
        page = await admin.get("/connectors")
        assert "No connectors yet" in page.words
        assert 'href="/connectors/new"' in page.text


async def test_export(admin: Visitor, thron: Sandbox) -> None:
    """All connectors are exported as the document that ``connectors apply`` takes."""
    page = await admin.get("/connectors.toml")
    assert page.fields["Content-Disposition"] == 'attachment; filename="connectors.toml"'
    found = tomllib.loads(page.text)["connector"]
    assert [each["slug"] for each in found] == ["files", "media", "products"]
    assert {each["folder"] for each in found} == {thron.root_folder_id}
