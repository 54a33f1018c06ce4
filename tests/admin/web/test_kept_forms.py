"""A session that ends during a form: the form comes back as it was typed."""

from collections.abc import AsyncIterator
from urllib.parse import unquote, urlsplit

import pytest

from tests.admin.set_up import given, last
from tests.admin.visitor import PASSWORD, Page, Visitor, give_password, visitor
from tests.running import Running


@pytest.fixture
async def admin(connector: Running) -> AsyncIterator[Visitor]:
    """Give somebody who has signed in by a password."""
    await give_password(connector.gateway)
    async with visitor(connector.gateway) as known:
        await known.sign_in()
        yield known


async def sent_too_late(
    connector: Running, admin: Visitor, page: str, to: str, **typed: str
) -> Page:
    """Open a page, let the session end, send its form, and sign in again."""
    await admin.get(page)
    await connector.gateway.console.sessions.end_all(actor="test", client="test")
    page_ = await admin.send(to, **typed)
    assert page_.status == 303
    place = page_.fields["Location"]
    assert place.startswith("/login?next=")
    await admin.get(place)
    signed_in = await admin.send(
        "/login", password=PASSWORD, next=unquote(urlsplit(place).query.removeprefix("next="))
    )
    shown = await admin.get(signed_in.fields["Location"])
    return await admin.get(shown.fields["Location"]) if shown.status == 303 else shown


async def test_settings_of_a_connector(connector: Running, admin: Visitor) -> None:
    """What was typed is there again, and nothing of it was saved."""
    typed = {"folder": connector.thron.root_folder_id, "types": "video", "by": "content_id"}
    path = "/connectors/files/edit"
    page = await sent_too_late(
        connector, admin, path, path, **typed, slug="files", max_age_s="61", robots="noindex, é&="
    )
    assert "Your session had ended." in page.words
    assert 'value="noindex, é&amp;="' in page.text
    assert 'value="61"' in page.text
    files = connector.gateway.watch.connectors.of_slug("files")
    assert files is not None
    assert (files.max_age_s, files.robots) == (300, "")


async def test_a_new_connector(connector: Running, admin: Visitor) -> None:
    """The last of the five steps is there again, with all that was chosen before it."""
    values = last(given(connector.thron.root_folder_id), slug="spring")
    page = await sent_too_late(connector, admin, "/connectors/new", "/connectors/new", **values)
    assert "Your session had ended." in page.words
    assert 'value="spring"' in page.text
    assert connector.gateway.watch.connectors.of_slug("spring") is None


async def test_the_name_of_a_token(connector: Running, admin: Visitor) -> None:
    """A form that shares its page with others is filled in alone."""
    page = await sent_too_late(connector, admin, "/access", "/access/tokens", name="monitoring")
    assert 'value="monitoring"' in page.text
    assert await connector.gateway.console.tokens.all() == ()


async def test_a_purge(connector: Running, admin: Visitor) -> None:
    """What was to be purged stands in its field."""
    page = await sent_too_late(
        connector, admin, "/purge", "/purge", by="url", value="/media/en/logo"
    )
    assert 'value="/media/en/logo"' in page.text


async def test_a_password_is_not_repeated(connector: Running, admin: Visitor) -> None:
    """Secrets of a form are in no address; the page is opened, no more."""
    await admin.get("/access")
    await connector.gateway.console.sessions.end_all(actor="test", client="test")
    new = "harbour walnut 7 lantern"
    page = await admin.send("/access/password", current=PASSWORD, password=new, again=new)
    assert page.status == 303
    assert "walnut" not in page.fields["Location"]


async def test_a_link_from_elsewhere_fills_in_nothing(admin: Visitor) -> None:
    """What is not sealed for this browser is passed over, and so is what another site sends."""
    forged = "0" * 64 + "robots%3Dnoindex"
    page = await admin.get(f"/connectors/files/edit?kept={forged}")
    assert (page.status, "noindex&" in page.text) == (200, False)
    assert "Your session had ended." not in page.words
    for odd in ("", "%C3%A9", "%FF" * 80, "0" * 70):
        assert (await admin.get(f"/connectors/files/edit?kept={odd}")).status == 200


async def test_another_site_is_led_nowhere(connector: Running, admin: Visitor) -> None:
    """A form of another site is not kept for the sign-in."""
    await connector.gateway.console.sessions.end_all(actor="test", client="test")
    fields = {"Sec-Fetch-Site": "cross-site"}
    page = await admin.ask("POST", "/access/tokens", data={"name": "x"}, fields=fields)
    assert (page.status, page.fields["Location"]) == (303, "/login")


async def test_too_much_is_dropped(connector: Running, admin: Visitor) -> None:
    """What no address holds is not kept: the form's page is opened all the same."""
    await admin.get("/purge")
    await connector.gateway.console.sessions.end_all(actor="test", client="test")
    for value in ("x" * 4000, "x" * 20_000):
        page = await admin.send("/purge", by="url", value=value)
        assert (page.status, page.fields["Location"]) == (303, "/login?next=/purge")
