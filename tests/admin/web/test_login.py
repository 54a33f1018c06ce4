"""Signing in and out, and the first start."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network
from pathlib import Path

import pytest

from proxy.admin.auth.login_rate_limiter import POLICY
from proxy.admin.auth.passwords import PasswordHashes, keep_hash
from proxy.clock import utc_now
from proxy.demo import describe, open_demo
from proxy.sandbox.server import Sandbox
from tests.admin.visitor import PASSWORD, Visitor, give_password, visitor
from tests.catalogue.audited import audited
from tests.logs import logged
from tests.running import Running, running


@pytest.fixture
async def guarded(connector: Running) -> Running:
    """Run a connector whose console has a password."""
    await give_password(connector.gateway)
    return connector


@pytest.fixture
async def frozen(thron: Sandbox, tmp_path: Path) -> AsyncIterator[Running]:
    """Run a connector whose console has a password, and for which no time passes."""
    async with running(thron, tmp_path, monotonic=lambda: 1000.0) as whole:
        await give_password(whole.gateway)
        yield whole


async def test_first_start(connector: Running, nobody: Visitor) -> None:
    """The link leads to a form, the form sets the password and signs in; the link is then gone."""
    link = connector.gateway.set_up_url()
    assert link is not None
    page = await nobody.get(link)
    assert (page.status, "Welcome" in page.words) == (200, True)
    secret = link.partition("link=")[2]
    page = await nobody.send("/set-up", link=secret, password=PASSWORD, again=PASSWORD)
    assert (page.status, page.fields["Location"]) == (303, "/")
    assert (await nobody.get("/audit")).status == 200
    assert connector.gateway.set_up_url() is None
    assert (await nobody.get(link)).status == 410
    page = await nobody.send("/set-up", link=secret, password="another one " * 2, again="x")
    assert page.status == 410
    async with visitor(connector.gateway) as other:
        assert (await other.sign_in()).status == 303
        assert (await other.get("/audit")).status == 200


async def test_looking_at_the_link_does_not_use_it(connector: Running, nobody: Visitor) -> None:
    """A chat that previews the link does not spoil it."""
    link = connector.gateway.set_up_url()
    assert link is not None
    assert [(await nobody.get(link)).status for _ in range(3)] == [200] * 3


@pytest.mark.parametrize(
    ("password", "again", "said"),
    [
        pytest.param("short", "short", "At least 12 characters", id="short"),
        pytest.param(PASSWORD, PASSWORD + "x", "The passwords do not match.", id="not the same"),
        pytest.param("sandbox password", "sandbox password", "less obvious", id="obvious"),
        pytest.param("", "", "Fill this in.", id="none"),
    ],
)
async def test_a_password_that_is_not_taken(
    connector: Running, nobody: Visitor, password: str, again: str, said: str
) -> None:
    """A password that is not taken is said beside its field, and the link stays good."""
    link = connector.gateway.set_up_url()
    assert link is not None
    await nobody.get(link)
    secret = link.partition("link=")[2]
    page = await nobody.send("/set-up", link=secret, password=password, again=again)
    assert (page.status, said in page.words) == (422, True)
    assert not password or password not in page.text
    assert (
        await nobody.send("/set-up", link=secret, password=PASSWORD, again=PASSWORD)
    ).status == 303


async def test_a_wrong_link(nobody: Visitor) -> None:
    """What is no link is told as one that has ended."""
    for path in ("/set-up", "/set-up?link=", "/set-up?link=" + "x" * 43):
        page = await nobody.get(path)
        assert (page.status, "no longer works" in page.words) == (410, True)


async def test_the_set_up_link_signs_nobody_in(connector: Running, nobody: Visitor) -> None:
    """Without a password chosen, the link opens no page."""
    link = connector.gateway.set_up_url()
    assert link is not None
    await nobody.get(link)
    assert (await nobody.get("/audit")).status == 303


async def test_the_link_does_not_go_before_a_password(connector: Running, nobody: Visitor) -> None:
    """Where a password was set meanwhile, by the command, the link is no longer good."""
    link = connector.gateway.set_up_url()
    assert link is not None
    await nobody.get(link)
    await keep_hash(
        connector.gateway.context.database,
        await PasswordHashes().make(PASSWORD),
        at=utc_now(),
        actor="cli",
    )
    secret = link.partition("link=")[2]
    typed = {"password": "another one, quite long", "again": "another one, quite long"}
    assert (await nobody.send("/set-up", link=secret, **typed)).status == 410
    assert (await nobody.get(link)).status == 410
    assert (await nobody.sign_in()).status == 303


async def test_before_there_is_a_password(nobody: Visitor) -> None:
    """The sign-in page tells where the link comes from, and no password opens anything."""
    page = await nobody.get("/login")
    assert "prints a link" in page.words
    assert 'type="password"' not in page.text
    assert (await nobody.send("/login", password=PASSWORD)).status == 422


async def test_signing_in(guarded: Running, nobody: Visitor) -> None:
    """The password opens the console, under a session of its own, and leads where one wanted."""
    await nobody.get("/login?next=/audit")
    page = await nobody.send("/login", password=PASSWORD, next="/audit")
    assert (page.status, page.fields["Location"]) == (303, "/audit")
    cookie = page.fields["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    page = await nobody.get("/audit")
    assert page.status == 200
    assert (await nobody.get("/login")).status == 303
    assert guarded.gateway.console.password.is_set


@pytest.mark.usefixtures("guarded")
async def test_it_leads_nowhere_else(nobody: Visitor) -> None:
    """Signing in leads to pages of the console only."""
    page = await nobody.get("/login?next=https://evil.example/")
    page = await nobody.send("/login", password=PASSWORD, next="//evil.example/")
    assert page.fields["Location"] == "/"


async def test_a_wrong_password(guarded: Running, nobody: Visitor) -> None:
    """A wrong password is told, not repeated, and stands in the audit with its address."""
    await nobody.get("/login")
    page = await nobody.send("/login", password="walnut harbour lantern 8")
    assert (page.status, "Wrong password." in page.words) == (422, True)
    assert "lantern 8" not in page.text
    entry = (await audited(guarded.gateway.context.database, newest=1))[0]
    assert (entry.actor, entry.action, entry.subject) == ("nobody", "sign-in failed", "127.0.0.1")


async def test_guessing_is_slow(frozen: Running) -> None:
    """After some failures even the right password has to wait, and the page says how long."""
    async with visitor(frozen.gateway) as nobody:
        await nobody.get("/login")
        for _ in range(POLICY.free + 1):
            assert (await nobody.send("/login", password="wrong")).status == 422
        page = await nobody.send("/login", password=PASSWORD)
        assert (page.status, page.fields["Retry-After"]) == (429, "2")
        assert "Try again in 2 s." in page.words
    failed = await audited(frozen.gateway.context.database)
    assert sum(each.action == "sign-in failed" for each in failed) == POLICY.free + 1


async def test_guessing_at_once_is_slow_too(frozen: Running) -> None:
    """Many guesses at the same time are not more than one after the other."""
    async with visitor(frozen.gateway) as nobody:
        await nobody.get("/login")
        pages = await asyncio.gather(
            *(nobody.send("/login", password=f"guess {number}") for number in range(20))
        )
    assert 1 <= sum(page.status == 422 for page in pages) <= POLICY.free + 1
    assert {page.status for page in pages} == {422, 429}


async def test_a_session_is_not_fixed_from_outside(guarded: Running, nobody: Visitor) -> None:
    """Signing in gives a new id, whatever the browser brought, and ends the forms of before."""
    nobody.take(tdc_session="x" * 43)
    await nobody.get("/login")
    before = nobody.csrf
    await nobody.send("/login", password=PASSWORD)
    first = nobody.cookies["tdc_session"]
    assert first != "x" * 43
    await nobody.get("/")
    assert nobody.csrf != before
    async with visitor(guarded.gateway) as other:
        await other.sign_in()
        assert other.cookies["tdc_session"] != first


@pytest.mark.usefixtures("guarded")
async def test_signing_out(nobody: Visitor) -> None:
    """Signing out ends the session itself, not only the cookie."""
    await nobody.sign_in()
    kept = nobody.cookies["tdc_session"]
    assert (await nobody.send("/logout")).fields["Location"] == "/login"
    assert "tdc_session" not in nobody.cookies
    nobody.take(tdc_session=kept)
    assert (await nobody.get("/audit")).status == 303


async def test_the_demo_prints_its_link(tmp_path: Path) -> None:
    """The demo prints a link that shows its console at once."""
    async with open_demo(library=None, port=0, state=tmp_path) as demo:
        link = re.findall(r"http://\S+/set-up\S+", describe(demo))[0]
        async with visitor(demo.gateway) as guest:
            await guest.enter(link)
            assert "sandbox" in (await guest.get("/connection")).words


async def test_the_demo_s_link(connector: Running, nobody: Visitor) -> None:
    """The demo's link signs in without a password, as often as it is opened."""
    link = connector.gateway.demo_url()
    for _ in range(2):
        assert (await nobody.get(link)).status == 303
        assert (await nobody.get("/audit")).status == 200


async def test_nothing_is_logged(connector: Running, nobody: Visitor) -> None:
    """Neither links nor passwords nor session ids are ever logged."""
    with logged() as log:
        link = connector.gateway.set_up_url()
        assert link is not None
        await nobody.get(link)
        secret = link.partition("link=")[2]
        await nobody.send("/set-up", link=secret, password=PASSWORD, again=PASSWORD)
        await nobody.send("/logout")
        await nobody.sign_in("wrong password here")
        await nobody.sign_in()
        assert secret not in log.text
        assert PASSWORD not in log.text
        assert "wrong password here" not in log.text
        assert nobody.cookies["tdc_session"] not in log.text
        assert log.of("console")


@asynccontextmanager
async def behind_a_front(thron: Sandbox, tmp_path: Path) -> AsyncIterator[Running]:
    """Run a connector whose console has a password, behind a proxy that it trusts."""
    networks = (ip_network("127.0.0.0/8"),)
    async with running(thron, tmp_path, trusted_proxies=networks) as whole:
        await give_password(whole.gateway)
        yield whole


async def test_a_crowd_locks_nobody_out(thron: Sandbox, tmp_path: Path) -> None:
    """After wrong passwords from many addresses the right one opens, in a new browser too."""
    async with behind_a_front(thron, tmp_path) as whole, visitor(whole.gateway) as front:
        await front.get("/login")

        async def attempt(address: str, password: str) -> int:
            data = {"csrf": front.csrf, "password": password}
            fields = {"X-Forwarded-For": address}
            return (await front.ask("POST", "/login", fields=fields, data=data)).status

        guesses = [await attempt(f"192.0.2.{number}", "wrong") for number in range(55)]
        assert set(guesses) == {422}
        assert await attempt("198.51.100.1", PASSWORD) == 303


async def test_a_known_browser_does_not_wait_for_its_address(
    guarded: Running, nobody: Visitor
) -> None:
    """A browser that has signed in before is apart from the others at its address."""
    await nobody.sign_in()
    await nobody.send("/logout")
    async with visitor(guarded.gateway) as other:
        await other.get("/login")
        while (await other.send("/login", password="wrong")).status != 429:
            pass
    assert (await nobody.sign_in()).status == 303


async def test_a_device_cookie_locks_nobody_out(guarded: Running, nobody: Visitor) -> None:
    """Who guesses with a stolen device cookie is slowed down, and its owner may sign in."""
    await nobody.sign_in()
    stolen = nobody.cookies["tdc_device"]
    await nobody.send("/logout")
    async with visitor(guarded.gateway) as thief:
        thief.take(tdc_device=stolen)
        await thief.get("/login")
        for _ in range(POLICY.free + 1):
            await thief.send("/login", password="wrong")
    assert (await nobody.sign_in()).status == 303
    assert nobody.cookies["tdc_device"] != stolen


async def test_the_demo_s_link_makes_no_known_browser(admin: Visitor) -> None:
    """Only who has proved to know the password is given a device cookie."""
    assert "tdc_session" in admin.cookies
    assert "tdc_device" not in admin.cookies


async def test_behind_a_proxy_with_https(thron: Sandbox, tmp_path: Path) -> None:
    """Over HTTPS every cookie is for this host alone, and clients wait by their own addresses."""
    async with behind_a_front(thron, tmp_path) as whole, visitor(whole.gateway) as front:
        fields = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.7"}
        page = await front.ask("GET", "/login", fields=fields)
        visitor_value = re.match(r"__Host-tdc_visitor=([^;]+);", page.fields["Set-Cookie"])
        assert visitor_value is not None
        fields |= {"Cookie": f"__Host-tdc_visitor={visitor_value[1]}"}
        data = {"csrf": front.csrf, "password": PASSWORD}
        page = await front.ask("POST", "/login", fields=fields, data=data)
        assert page.status == 303
        given = page.fields.getall("Set-Cookie")
        assert sorted(re.findall(r"^[\w-]+", each)[0] for each in given) == [
            "__Host-tdc_device",
            "__Host-tdc_session",
        ]
        for each in given:
            assert {"HttpOnly", "Path=/", "SameSite=Lax", "Secure"} <= set(each.split("; "))
            assert "Domain" not in each
        session = next(each for each in given if "session" in each).partition("=")[2].partition(";")
        for name, status in (("__Host-tdc_session", 200), ("tdc_session", 303)):
            fields["Cookie"] = f"{name}={session[0]}"
            assert (await front.ask("GET", "/audit", fields=fields)).status == status
        fields["Cookie"] = f"__Host-tdc_session={session[0]}"
        page = await front.ask("GET", "/access", fields=fields)
        page = await front.ask("POST", "/logout", fields=fields, data={"csrf": front.csrf})
        assert page.fields["Set-Cookie"].startswith('__Host-tdc_session="";')
        assert "Secure" in page.fields["Set-Cookie"]
        entries = await audited(whole.gateway.context.database, newest=2)
        assert [(each.action, each.subject) for each in entries] == [
            ("signed out", "192.0.2.7"),
            ("signed in", "192.0.2.7"),
        ]
