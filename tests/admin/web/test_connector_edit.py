"""A connector is changed, switched, removed and exported, once its consequences were shown."""

import re
import tomllib
from typing import Any

import pytest
from pydantic import TypeAdapter

from proxy.admin.web import forms
from proxy.admin.web.connector_fields import fields_of
from proxy.connectors.model import Connector, Disposition, Identifier
from proxy.sandbox.server import Fault, Kind
from proxy.thron.content import ContentType
from tests.admin.set_up import counted, number_to_confirm
from tests.admin.visitor import Page, Visitor
from tests.catalogue.audited import audited
from tests.listed import listed
from tests.running import Running

NUMBER = TypeAdapter(int)


def known(connector: Running, slug: str = "files") -> Connector:
    found = connector.gateway.watch.connectors.of_slug(slug)
    assert found is not None
    return found


def typed(connector: Running, slug: str = "files", **change: Any) -> dict[str, Any]:
    """Return the fields of the page, some of them changed."""
    shown = forms.filled(fields_of(known(connector, slug))).typed
    return {**{name: values for name, values in shown.items() if values}, **change}


async def send(admin: Visitor, path: str, values: dict[str, Any]) -> Page:
    """Send a form in which a field may have several values."""
    pairs = [
        (name, each)
        for name, value in values.items()
        for each in ((value,) if isinstance(value, str) else value)
    ]
    return await admin.ask(
        "POST",
        path,
        data=[("csrf", admin.csrf), *pairs],
        fields={"Sec-Fetch-Site": "same-origin"},
    )


def broken(page: Page) -> int:
    found = re.search(r"([\d,]+) address(es)? would stop working", page.words)
    return NUMBER.validate_python(found[1].replace(",", "")) if found else 0


async def test_what_somebody_else_changed_is_not_overwritten(
    connector: Running, admin: Visitor
) -> None:
    """A page that is older than the connector is shown again; saved once more, it goes first."""
    path = "/connectors/files/edit"
    old = typed(connector, robots="noindex")
    assert (await send(admin, path, typed(connector, max_age_s="7"))).status == 303
    page = await send(admin, path, old)
    assert page.status == 409
    assert "Somebody else has changed this connector" in page.words
    assert "Cache lifetime in seconds saved: 7 · yours: 300" in page.words
    assert "For search engines saved: none · yours: noindex" in page.words
    assert 'name="robots" type="text" value="noindex"' in page.text
    assert (known(connector).max_age_s, known(connector).robots) == (7, "")
    state = re.search(r'name="state" value="(\w+)"', page.text)
    assert state is not None
    assert (await send(admin, path, {**old, "state": state[1]})).status == 303
    assert (known(connector).max_age_s, known(connector).robots) == (300, "noindex")


@pytest.mark.parametrize(
    ("referer", "back"),
    [
        pytest.param("/?status=404", "/?status=404", id="the overview, filtered"),
        pytest.param("/connectors", "/connectors", id="the list"),
        pytest.param("/connectors/files/remove", "/connectors/files", id="another form"),
        pytest.param("", "/connectors/files", id="nowhere"),
    ],
)
async def test_cancel_leads_back(admin: Visitor, referer: str, back: str) -> None:
    """Cancel leads to the page that one came from, on the page of consequences too."""
    fields = {"Referer": admin.base + referer} if referer else {}
    page = await admin.get("/connectors/files/edit", **fields)
    assert f'href="{back}">Cancel' in page.text
    values = {"back": back, "go": "again"}
    assert f'href="{back}">Cancel' in (await admin.send("/connectors/files/edit", **values)).text


async def test_what_was_done_is_said_once(connector: Running, admin: Visitor) -> None:
    """The page after a change says that it was saved; loaded again it does not."""
    await admin.get("/connectors/files/edit")
    await send(admin, "/connectors/files/edit", typed(connector, robots="noindex"))
    assert "Changes saved." in (await admin.get("/connectors/files")).words
    assert "Changes saved." not in (await admin.get("/connectors/files")).words


async def test_what_harms_nobody_is_saved_at_once(connector: Running, admin: Visitor) -> None:
    """A change that breaks nothing and makes nothing more public asks for nothing."""
    page = await admin.get("/connectors/files/edit")
    assert "Edit files" in page.words
    values = typed(connector, disposition="inline", max_age_s="60", robots="noindex")
    page = await send(admin, "/connectors/files/edit", values)
    assert (page.status, page.fields["Location"]) == (303, "/connectors/files")
    found = known(connector)
    assert (found.disposition, found.max_age_s, found.robots) == (
        Disposition.INLINE,
        60,
        "noindex",
    )


async def test_the_break_list(connector: Running, admin: Visitor) -> None:
    """The URLs that would stop working are counted and listed, and saved when that is accepted."""
    await listed(connector, "files", "media", "products")
    await admin.get("/connectors/files/edit")
    values = typed(connector, types=("video", "image", "document"))
    page = await send(admin, "/connectors/files/edit", values)
    number = broken(page)
    assert (page.status, number > 0) == (200, True)
    assert "Their type would no longer be served." in page.words
    url = f"{connector.gateway.context.settings.public_base}/files/"
    assert page.text.count(f"<code>{url}") == min(number, 20)
    assert ContentType.AUDIO in known(connector).content_types
    page = await send(admin, "/connectors/files/edit", {**values, "go": "save"})
    assert (page.status, "Tick this to continue." in page.words) == (422, True)
    accepted = {**values, "go": "save", "accept": str(number)}
    page = await send(admin, "/connectors/files/edit", accepted)
    assert page.status == 303
    assert ContentType.AUDIO not in known(connector).content_types


async def test_drafts_become_public(connector: Running, admin: Visitor) -> None:
    """The number of all that is linked has to be typed; the other way its URLs are told."""
    await counted(connector, connector.thron.root_folder_id)
    await admin.get("/connectors/files/edit")
    values = typed(connector, only_published="no")
    page = await send(admin, "/connectors/files/edit", values)
    assert (page.status, "Only published contents" in page.words) == (200, True)
    number = re.search(r"Type (\d+)", page.words)
    assert number is not None
    confirmed = {**values, "go": "save", "confirm": number[1]}
    assert (await send(admin, "/connectors/files/edit", confirmed)).status == 303
    assert not known(connector).only_published
    served = [
        each
        for each in connector.thron.tenant.contents()
        if connector.thron.tenant.sees(each) and each.content_type in set(ContentType)
    ]
    assert int(number[1]) == len(served) > sum(each.is_out for each in served)
    await listed(connector, "files")
    page = await send(admin, "/connectors/files/edit", typed(connector, only_published="yes"))
    assert broken(page) == len(served) - sum(each.is_out for each in served)
    assert "The contents are not published in THRON." in page.words


async def test_another_folder(connector: Running, admin: Visitor) -> None:
    """URLs of contents outside the new folder are told apart from those that go on."""
    await listed(connector, "files", "media", "products")
    thron = connector.thron
    music = next(
        each for each in thron.tenant.folders.values() if "Music and voices" in each.names.values()
    )
    await counted(connector, music.id)
    await admin.get("/connectors/files/edit")
    page = await send(
        admin, "/connectors/files/edit", typed(connector, folder=music.id, go="check")
    )
    assert "Brand portal → to Music and voices" in page.words
    tally = await connector.gateway.contents.tally(known(connector))
    assert 0 < broken(page) < tally.contents
    accepted = {"accept": str(broken(page)), "confirm": number_to_confirm(page), "go": "save"}
    values = typed(connector, folder=music.id, **accepted)
    assert (await send(admin, "/connectors/files/edit", values)).status == 303
    assert known(connector).folder_id == music.id


async def test_another_identifier(connector: Running, admin: Visitor) -> None:
    """Every URL changes, and the number of contents that become public is confirmed too."""
    await counted(connector, connector.thron.root_folder_id)
    await listed(connector, "files", "media", "products")
    await admin.get("/connectors/files/edit")
    page = await send(admin, "/connectors/files/edit", typed(connector, by="metadata:sku"))
    assert "Addresses would be built from something else." in page.words
    assert "from Content ID → to Custom metadata, sku" in page.words
    half = typed(connector, by="metadata:sku", accept=str(broken(page)), go="save")
    page = await send(admin, "/connectors/files/edit", half)
    assert (page.status, "the number of contents that will be public" in page.words) == (422, True)
    whole = {**half, "confirm": number_to_confirm(page)}
    assert (await send(admin, "/connectors/files/edit", whole)).status == 303
    assert (known(connector).identifier, known(connector).metadata) == (
        Identifier.METADATA,
        "sku",
    )


async def test_back_to_the_fields(connector: Running, admin: Visitor) -> None:
    """From the consequences one goes back, and nothing typed is lost."""
    await admin.get("/connectors/files/edit")
    values = typed(connector, types="video", robots="noindex", go="again")
    page = await send(admin, "/connectors/files/edit", values)
    assert page.status == 200
    assert 'value="noindex"' in page.text
    assert page.text.count('name="types" value="video" checked') == 1
    assert 'name="types" value="image" checked' not in page.text


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param({"types": ()}, "Choose at least one", id="no type"),
        pytest.param({"folder": "nowhere"}, "THRON knows no folder", id="unknown folder"),
        pytest.param({"by": "metadata:nothing"}, "no metadata has the key", id="unknown key"),
        pytest.param({"by": "other"}, "Enter the key of a metadata", id="no key"),
        pytest.param({"https": "yes"}, "This needs HTTPS first", id="HTTPS"),
        pytest.param({"host": "a b"}, "Enter a host name", id="no host"),
        pytest.param(
            {"only_published": "no", "delivery": "published"},
            "Contents that are not published have no renditions.",
            id="renditions of drafts",
        ),
    ],
)
async def test_problems(
    connector: Running, admin: Visitor, change: dict[str, Any], said: str
) -> None:
    """What cannot be is told, and nothing is saved."""
    before = known(connector)
    await admin.get("/connectors/files/edit")
    page = await send(admin, "/connectors/files/edit", typed(connector, **change))
    assert (page.status, said in page.words) == (422, True)
    assert known(connector) == before


async def test_off_and_on(connector: Running, admin: Visitor) -> None:
    """Switching off lists what stops working; switching on asks for the number."""
    await counted(connector, connector.thron.root_folder_id)
    await listed(connector, "files", "media", "products")
    page = await admin.get("/connectors/files/disable")
    assert "The connector would be switched off." in page.words
    off = typed(connector, enabled="no", accept=str(broken(page)), go="save")
    assert (await send(admin, "/connectors/files/edit", off)).status == 303
    assert not known(connector).enabled
    page = await admin.get("/connectors/files/enable")
    on = typed(connector, enabled="yes", go="save", confirm=number_to_confirm(page))
    assert (await send(admin, "/connectors/files/edit", on)).status == 303
    assert known(connector).enabled
    assert (await admin.get("/connectors/files/enable")).status == 303


async def test_it_is_switched_off_without_thron(connector: Running, admin: Visitor) -> None:
    """Switching off, and the page for it, need no THRON."""
    await listed(connector, "files", "media", "products")
    connector.thron.faults.add(Fault(Kind.STATUS, "api", times=None, status=503))
    page = await admin.get("/connectors/files/disable")
    off = typed(connector, enabled="no", accept=str(broken(page)), go="save")
    assert (await send(admin, "/connectors/files/edit", off)).status == 303
    assert not known(connector).enabled
    page = await admin.get("/connectors/files/edit")
    assert (page.status, "THRON cannot be reached" in page.words) == (200, True)


async def test_removal(connector: Running, admin: Visitor) -> None:
    """A connector is removed when its name is typed, and the audit tells of it."""
    await listed(connector, "files", "media", "products")
    page = await admin.get("/connectors/files/remove")
    assert broken(page) > 0
    page = await admin.send("/connectors/files/remove", name="file")
    assert (page.status, "Type files, the connector's name." in page.words) == (422, True)
    assert known(connector).enabled
    page = await admin.send("/connectors/files/remove", name="files")
    assert (page.status, page.fields["Location"]) == (303, "/connectors")
    assert connector.gateway.watch.connectors.of_slug("files") is None
    entry = (await audited(connector.gateway.context.database, newest=1))[0]
    assert (entry.action, entry.subject) == ("connector removed", "files")


async def test_what_somebody_else_changed_is_not_removed(
    connector: Running, admin: Visitor
) -> None:
    """A removal that was agreed to for another version shows what stops working now."""
    page = await admin.get("/connectors/files/remove")
    state = re.search(r'name="state" value="(\w+)"', page.text)
    assert state is not None
    await send(admin, "/connectors/files/edit", typed(connector, robots="noindex"))
    page = await admin.send("/connectors/files/remove", name="files", state=state[1])
    assert (page.status, "Somebody else has changed it" in page.words) == (409, True)
    assert known(connector).robots == "noindex"


async def test_export(admin: Visitor) -> None:
    """One connector is exported as the document that ``connectors apply`` takes."""
    page = await admin.get("/connectors/products/export")
    assert page.fields["Content-Disposition"] == 'attachment; filename="products.toml"'
    [found] = tomllib.loads(page.text)["connector"]
    assert (found["slug"], found["metadata"]) == ("products", "sku")


@pytest.mark.parametrize("what", ["edit", "disable", "enable", "remove", "export"])
async def test_what_is_not_there(admin: Visitor, what: str) -> None:
    """A connector that is not there is told so."""
    assert (await admin.get(f"/connectors/nowhere/{what}")).status == 404
