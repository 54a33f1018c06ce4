"""Access: the password, the sessions, and the tokens."""

import re
from pathlib import Path

from pydantic import SecretStr

from proxy.admin.auth.login_rate_limiter import POLICY
from proxy.admin.auth.passwords import PasswordHashes
from proxy.sandbox.server import Sandbox
from tests.admin.visitor import PASSWORD, Visitor, give_password, visitor
from tests.logs import logged
from tests.running import Running, running

NEW = "copper meadow violin 9"


async def test_changing_the_password(connector: Running, admin: Visitor) -> None:
    """A new password needs the one so far, ends every other session, and keeps this one."""
    await give_password(connector.gateway)
    async with visitor(connector.gateway) as other:
        await other.sign_in()
        await admin.sign_in()
        page = await admin.send("/access/password", current="wrong", password=NEW, again=NEW)
        assert (page.status, "Wrong password." in page.words) == (422, True)
        page = await admin.send("/access/password", current=PASSWORD, password=NEW, again=NEW)
        assert page.status == 303
        assert (await admin.get("/access")).status == 200
        assert (await other.get("/access")).status == 303
        assert (await other.sign_in(PASSWORD)).status == 422
        assert (await other.sign_in(NEW)).status == 303


async def test_a_taken_session_does_not_guess(thron: Sandbox, tmp_path: Path) -> None:
    """Guessing the password so far is as slow as guessing at the door."""
    async with (
        running(thron, tmp_path, monotonic=lambda: 1000.0) as whole,
        visitor(whole.gateway) as admin,
    ):
        await give_password(whole.gateway)
        await admin.sign_in()
        for _ in range(2 * (POLICY.free + 1)):  # as this browser, then as any at its address
            await admin.send("/access/password", current="guess", password=NEW, again=NEW)
        page = await admin.send("/access/password", current=PASSWORD, password=NEW, again=NEW)
    assert (page.status, "Too many attempts." in page.words) == (422, True)


async def test_given_by_a_setting(thron: Sandbox, tmp_path: Path) -> None:
    """A hash in the settings is the password, and the console cannot change it."""
    given = SecretStr(await PasswordHashes().make(PASSWORD))
    async with running(thron, tmp_path, admin_password_hash=given) as whole:
        assert whole.gateway.set_up_url() is None
        async with visitor(whole.gateway) as known:
            assert (await known.sign_in()).status == 303
            page = await known.get("/access")
            assert "TDC_ADMIN_PASSWORD_HASH" in page.words
            assert given.get_secret_value() not in page.text
            page = await known.send("/access/password", current=PASSWORD, password=NEW, again=NEW)
            assert page.status == 403


async def test_signing_out_everywhere(connector: Running, admin: Visitor) -> None:
    """Every browser is signed out, this one too."""
    async with visitor(connector.gateway) as other:
        await other.enter(connector.gateway.demo_url())
        assert "2 browsers are signed in." in (await admin.get("/access")).words
        assert (await admin.send("/access/sign-out")).status == 303
        assert (await admin.get("/access")).status == 303
        assert (await other.get("/access")).status == 303


async def test_a_token(admin: Visitor, nobody: Visitor) -> None:
    """A token is shown once, works, and is revoked by its button."""
    with logged() as log:
        page = await admin.send("/access/tokens", name="monitoring", can_change="on")
        secret = re.findall(r"tdc_[\w-]{43}", page.text)[0]
        page = await admin.get("/access")
        assert secret not in page.text
        assert secret[:8] in page.text
        assert (await nobody.call("GET", "/api/tokens", token=secret)).status == 200
        assert secret not in log.text
    number = re.findall(r'name="id" value="(\d+)"', page.text)[0]
    assert (await admin.send("/access/tokens/revoke", id=number)).status == 303
    assert (await nobody.call("GET", "/api/tokens", token=secret)).status == 401


async def test_a_name_twice(admin: Visitor) -> None:
    """A name that is taken, or none, is said beside the field."""
    await admin.send("/access/tokens", name="a")
    page = await admin.send("/access/tokens", name="a")
    assert (page.status, "There is already a token with this name." in page.words) == (422, True)
    page = await admin.send("/access/tokens", name=" ")
    assert (page.status, "Fill this in." in page.words) == (422, True)


async def test_names_are_no_markup(admin: Visitor) -> None:
    """What is typed is shown as it was typed, and does nothing."""
    page = await admin.send("/access/tokens", name="<script>alert(1)</script>")
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert" in page.text
