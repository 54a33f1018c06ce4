"""The session with THRON: credentials, login, login as a user, validation, and its store; pure."""

import re
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol
from urllib.parse import quote

from proxy.errors import (
    CredentialsRefused,
    ThronAnswerInvalid,
    ThronRefused,
    ThronUnreachable,
    TokenRejected,
)
from proxy.text import Text
from proxy.thron.envelope import (
    FAILURE_CODES,
    codes_of,
    open_envelope,
    read_envelope,
    read_members,
)
from proxy.thron.exchange import Question, Reply, Request
from proxy.thron.json_fields import items, members, text

_OK = 200
_TIMEOUT = 408

# A token is a UUID (docs/thron.md 2.1); what matters is that it can stand in a field.
_TOKEN = re.compile(r"[!-~]{1,8192}")  # a field of 8 KiB is what most servers still take

_CAUSES = {
    "APP_AUTHENTICATION_FAILED": Text("the app key does not belong to the app id"),
    "APP_NOT_FOUND": Text("there is no application with this app id"),
    "APP_DISABLED": Text("the application is switched off in THRON"),
    "CLIENT_NOT_FOUND": Text("there is no tenant with this client id"),
}


@dataclass(frozen=True, slots=True)
class Credentials:
    """The tenant and its Custom Application.

    Attributes:
        username: The user to act as, for an application that cannot see the folder itself
            (docs/thron.md 2.4).
    """

    client_id: str
    app_id: str
    app_key: str = field(repr=False)
    username: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ThronSession:
    """What one login gave.

    Attributes:
        token: The session token.
        pkey: The share key for delivery URLs; None while public share is off in THRON.
        root_category_id: The folder on which the application is installed.
        logged_in_at: When it was given, in unix seconds.
    """

    token: str = field(repr=False)
    pkey: str | None = field(default=None, repr=False)
    root_category_id: str | None = None
    logged_in_at: float = 0.0


class SessionStore(Protocol):
    """Where processes with the same credentials share one session.

    No method raises: with a store that fails, each process logs in by itself.
    """

    async def load(self) -> ThronSession | None:
        """Return the newest session that was saved; None without any."""

    async def acquire(self) -> bool:
        """Try to take the lease to log in, and tell whether that succeeded."""

    async def save(self, session: ThronSession) -> None:
        """Share a session with the other processes."""

    async def release(self) -> None:
        """Give the lease back."""


class Unshared:
    """The store of a process that shares its session with no other."""

    async def load(self) -> ThronSession | None:
        """Return None: no other process shares its session."""
        return None

    async def acquire(self) -> bool:
        """Return True: nobody else logs in."""
        return True

    async def save(self, session: ThronSession) -> None:
        """Do nothing."""

    async def release(self) -> None:
        """Do nothing."""


@dataclass(frozen=True, slots=True)
class LoginAnswer:
    """What a login gives (docs/thron.md 2.1); the rest of its answer may hold credentials.

    Attributes:
        token: The session token.
        pkey: The share key that delivery URLs need; None while public share is off.
        root_category_id: The folder on which the application is installed.
    """

    token: str = field(repr=False)
    pkey: str | None = field(default=None, repr=False)
    root_category_id: str | None = None


def login(client_id: str, app_id: str, app_key: str) -> Question[LoginAnswer]:
    """Ask for a session token.

    Deciphering raises CredentialsRefused for any refusal, naming what to correct; ThronUnreachable
    and ThronBusy where THRON itself has trouble; ThronAnswerInvalid for what is no login answer.

    docs/thron.md 2.1.
    """
    path = f"/api/xadmin/resources/apps/loginApp/{quote(client_id, safe='')}"
    form = (("appId", app_id), ("appKey", app_key))
    return Question(Request("POST", path, form=form), partial(_read_login, client_id))


def act_as(credentials: Credentials, *, app_key: str) -> Question[str]:
    """Ask for the token of a user whom the application may act as.

    Deciphering raises CredentialsRefused for any refusal, naming what to correct, and else as
    ``login`` does.

    Args:
        credentials: With a username.
        app_key: The application's key, or the token of its login: which of them THRON takes is
            not certain.

    docs/thron.md 2.4.
    """
    body = {
        "clientId": credentials.client_id,
        "appId": credentials.app_id,
        "appKey": app_key,
        "username": credentials.username,
    }
    request = Request("POST", "/api/xadmin/resources/apps/su", json=body, is_text=True)
    return Question(request, partial(_read_user_token, credentials.username))


def validate(client_id: str) -> Question[bool]:
    """Ask whether the token that goes with the question is good; use renews it.

    The answer is False only where THRON says so; a failure of THRON is raised.

    docs/thron.md 2.3.
    """
    path = f"/api/xsso/resources/accessmanager/validateToken/{quote(client_id, safe='')}"
    return Question(Request("POST", path), _read_validity)


def _read_login(client_id: str, reply: Reply) -> LoginAnswer:
    envelope, codes = read_envelope(reply)
    if reply.status == _TIMEOUT or codes.any_of(FAILURE_CODES):
        raise ThronUnreachable(f"THRON failed to log in: {reply.status} {codes}".rstrip())
    if not codes.is_ok or reply.status != _OK:
        said = str(codes) if codes else f"status {reply.status}"
        cause = _CAUSES.get(
            codes.result,
            Text("check client id, app id and app key, and TDC_API_URL where it is set"),
        )
        raise CredentialsRefused(
            Text(
                "THRON refuses the login of tenant {tenant} ({said}): {cause}",
                tenant=repr(client_id),
                said=said,
                cause=cause,
            )
        )
    if envelope is None:
        raise ThronAnswerInvalid(Text("THRON's login answer is not JSON; check TDC_API_URL"))
    token = (text(envelope, "appUserTokenId") or "").strip()
    if not _TOKEN.fullmatch(token):
        raise ThronAnswerInvalid("THRON's login answer holds no token")
    app = members(envelope.get("app"))
    pkeys = [
        (text(each, "value") or "").strip()
        for each in map(members, items(app, "metadata"))
        if (text(each, "name") or "").lower() == "pkey"
    ]
    return LoginAnswer(
        token=token,
        pkey=next(filter(None, pkeys), None),
        root_category_id=text(app, "rootCategoryId") or None,
    )


def _read_user_token(username: str | None, reply: Reply) -> str:
    envelope, codes = read_envelope(reply)
    if reply.status == _TIMEOUT or codes.any_of(FAILURE_CODES):
        raise ThronUnreachable(f"THRON failed to act as a user: {reply.status} {codes}".rstrip())
    token = reply.body.decode("utf-8", "replace").strip().strip('"')
    if reply.status != _OK or not codes.is_ok or envelope is not None:
        said = str(codes) if codes else f"status {reply.status}"
        raise CredentialsRefused(
            f"THRON does not let the application act as user {username!r} ({said}): check"
            " TDC_USERNAME, and whether THRON allows the application to impersonate (canDisguise)"
        )
    if not _TOKEN.fullmatch(token) or token.startswith("<"):
        raise ThronAnswerInvalid("THRON's answer to apps/su holds no token")
    return token


def _read_validity(reply: Reply) -> bool:
    if reply.status == _OK and reply.media_type == "text/plain":
        return True  # as its sister services answer (docs/thron.md 1.2)
    try:
        return open_envelope(reply, expected="tokenId") is not None
    except (TokenRejected, ThronRefused):
        return False
    except ThronAnswerInvalid:
        # An envelope with a code, such as USERNAME_NOT_FOUND; a page is another server's.
        envelope = read_members(reply)
        if envelope is not None and not codes_of(envelope).is_ok:
            return False
        raise
