"""Sessions, as docs/thron.md 2 has them."""

import re

import pytest

from proxy.sandbox.server import Sandbox
from tests.sandbox.conftest import Caller, Clock
from tests.sandbox.small import ROOT

VALIDATE = "/api/xsso/resources/accessmanager/validateToken/sandbox"
LOGIN = "/api/xadmin/resources/apps/loginApp/sandbox"
UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


async def test_login(stranger: Caller) -> None:
    """A login gives a UUID token, the root folder and the pkey."""
    answer = await stranger.login()
    assert answer.status == 200
    assert answer.json["resultCode"] == "OK"
    assert re.fullmatch(UUID, answer.json["appUserTokenId"])
    assert answer.json["app"]["rootCategoryId"] == ROOT
    pairs = {one["name"]: one["value"] for one in answer.json["app"]["metadata"]}
    assert pairs["pkey"] == stranger.thron.pkey


async def test_login_without_public_share(stranger: Caller) -> None:
    """While public share is off there is no pkey."""
    stranger.thron.tenant.app.pkey = None
    names = [one["name"] for one in (await stranger.login()).json["app"]["metadata"]]
    assert "pkey" not in names


@pytest.mark.parametrize(
    ("form", "code"),
    [
        pytest.param({"appKey": "wrong"}, "APP_AUTHENTICATION_FAILED", id="wrong key"),
        pytest.param({"appId": "nobody"}, "APP_NOT_FOUND", id="unknown app"),
    ],
)
async def test_login_refused(stranger: Caller, form: dict[str, str], code: str) -> None:
    """What does not fit is refused in a 418 envelope."""
    answer = await stranger.login(**form)
    assert (answer.status, answer.json["resultCode"]) == (418, code)
    assert "appUserTokenId" not in answer.json
    assert stranger.thron.logins == 0


async def test_login_of_a_disabled_app(stranger: Caller) -> None:
    """A disabled application does not get in."""
    stranger.thron.tenant.app.active = False
    assert (await stranger.login()).json["resultCode"] == "APP_DISABLED"


async def test_login_of_another_client(stranger: Caller) -> None:
    """An unknown client is refused, by switch with a page."""
    path = LOGIN.replace("/sandbox", "/nobody")
    answer = await stranger.ask("POST", path, data={"appId": "a", "appKey": "b"})
    assert (answer.status, answer.json["resultCode"]) == (418, "CLIENT_NOT_FOUND")
    stranger.thron.switches.unknown_client_as_html = True
    answer = await stranger.ask("POST", path, data={"appId": "a", "appKey": "b"})
    assert (answer.status, answer.media_type) == (404, "text/html")


async def test_login_with_json(stranger: Caller) -> None:
    """Only a form is understood."""
    answer = await stranger.ask("POST", LOGIN, json={"appId": "a"})
    assert (answer.status, answer.media_type) == (415, "text/plain")


async def test_login_by_get(stranger: Caller) -> None:
    """There is no GET form of it."""
    assert (await stranger.plain(f"{LOGIN}?appId=a&appKey=b")).status == 405


@pytest.mark.parametrize("status", [200, 403, 404])
async def test_login_refused_with_another_status(stranger: Caller, status: int) -> None:
    """The status of a refused login is a switch; the envelope stays."""
    stranger.thron.switches.login_refused_status = status
    answer = await stranger.login(appKey="wrong")
    assert (answer.status, answer.json["resultCode"]) == (status, "APP_AUTHENTICATION_FAILED")


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_validate(caller: Caller, method: str) -> None:
    """A valid token is confirmed, by either method."""
    answer = await caller.ask(method, VALIDATE, headers={"x-tokenid": caller.token})
    assert (answer.status, answer.json["tokenId"]) == (200, caller.token)


async def test_missing_token(stranger: Caller) -> None:
    """Without a token the status is 403 and the body a text."""
    answer = await stranger.plain(VALIDATE)
    assert (answer.status, answer.media_type) == (403, "text/plain")


async def test_token_in_query(caller: Caller) -> None:
    """A token in the query counts; one in the field wins over it."""
    assert (await caller.plain(f"{VALIDATE}?tokenId={caller.token}")).status == 200
    assert (await caller.plain(f"{VALIDATE}?tokenId={caller.token}", X_TOKENID="no")).status == 403


async def test_token_slides(caller: Caller, clock: Clock) -> None:
    """Sixty minutes from the last use, not from the login."""
    for _ in range(3):
        clock.pass_by(3599)
        assert (await caller.get(VALIDATE)).status == 200
    clock.pass_by(3600)
    assert (await caller.get(VALIDATE)).status == 403


async def test_token_has_a_maximum_age(caller: Caller, clock: Clock) -> None:
    """By switch use does not prolong it for ever."""
    caller.thron.switches.token_max_age_s = 5000
    clock.pass_by(3000)
    assert (await caller.get(VALIDATE)).status == 200
    clock.pass_by(2000)
    assert (await caller.get(VALIDATE)).status == 403


async def test_validate_may_not_renew(caller: Caller, clock: Clock) -> None:
    """By switch validateToken tells without renewing."""
    caller.thron.switches.validate_renews = False
    clock.pass_by(3000)
    assert (await caller.get(VALIDATE)).status == 200
    clock.pass_by(600)
    assert (await caller.get(VALIDATE)).status == 403


async def test_sessions_are_independent(caller: Caller) -> None:
    """A second login leaves the first token alive, unless switched."""
    first = caller.token
    await caller.login()
    assert caller.token != first
    assert (await caller.plain(VALIDATE, X_TOKENID=first)).status == 200
    caller.thron.switches.login_revokes_earlier = True
    await caller.login()
    assert (await caller.plain(VALIDATE, X_TOKENID=first)).status == 403
    assert caller.thron.logins == 3


@pytest.mark.parametrize(
    ("form", "status", "media_type"),
    [
        ("403 text", 403, "text/plain"),
        ("401 text", 401, "text/plain"),
        ("403 envelope", 403, "application/json"),
        ("418 envelope", 418, "application/json"),
        ("200 envelope", 200, "application/json"),
    ],
)
async def test_expired(caller: Caller, form: str, status: int, media_type: str) -> None:
    """All tokens can be ended at once; how a dead one is refused is a switch."""
    caller.thron.switches.expired_as = form  # type: ignore[assignment]  # the table's strings
    assert caller.thron.expire_tokens() == 1
    answer = await caller.get(VALIDATE)
    assert (answer.status, answer.media_type) == (status, media_type)
    if media_type == "application/json":
        assert answer.json["ssoCode"] == "SESSION_EXPIRED"


async def test_secrets_are_known(caller: Caller, thron: Sandbox) -> None:
    """The sandbox can say what may be printed nowhere, dead tokens too."""
    thron.expire_tokens()
    assert {caller.token, thron.app_key, str(thron.pkey)} <= thron.secrets
