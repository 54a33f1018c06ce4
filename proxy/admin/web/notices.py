"""What was done, said once on the page that a form leads to.

It travels in a cookie of a word that stands in ``TEXTS``, so that addresses stay clean and a page
that is loaded again does not say it twice.
"""

from collections.abc import Mapping
from enum import StrEnum

from aiohttp import web

from proxy.admin.auth import cookies
from proxy.admin.auth.request_context import CONTEXT
from proxy.text import Text

COOKIE = "tdc_notice"
_MAX_AGE_S = 60


class Notice(StrEnum):
    """What was done."""

    CREATED = "created"
    SAVED = "saved"
    UNCHANGED = "unchanged"
    SWITCHED_ON = "switched-on"
    SWITCHED_OFF = "switched-off"
    REMOVED = "removed"
    CONNECTED = "connected"
    PASSWORD_CHANGED = "password-changed"  # noqa: S105 - says that it was
    RESTORED = "restored"
    TOKEN_REVOKED = "token-revoked"  # noqa: S105 - says that it was


TEXTS: Mapping[Notice, Text] = {
    Notice.CREATED: Text(
        "The connector has been created. Its folder is being read: the links appear below."
    ),
    Notice.SAVED: Text("Changes saved."),
    Notice.UNCHANGED: Text("There was nothing to change."),
    Notice.SWITCHED_ON: Text("The connector is on: its links work."),
    Notice.SWITCHED_OFF: Text("The connector is off: its links answer 404 until it is back on."),
    Notice.REMOVED: Text("The connector has been removed."),
    Notice.CONNECTED: Text("Connected to THRON. The credentials have been saved."),
    Notice.PASSWORD_CHANGED: Text("The password has been changed."),
    Notice.RESTORED: Text(
        "Your session had ended. What you typed is back, and nothing has been saved yet. Passwords"
        " and keys have to be typed again."
    ),
    Notice.TOKEN_REVOKED: Text("The token has been revoked."),
}


def leave(response: web.Response, notice: Notice, request: web.Request) -> web.Response:
    """Return an answer that has the next page say what was done."""
    is_secure = request[CONTEXT].is_secure
    cookies.keep(response, COOKIE, notice.value, is_secure=is_secure, max_age_s=_MAX_AGE_S)
    return response


def left(request: web.Request) -> Text | None:
    """Return what the page is to say, if anything."""
    word = cookies.read(request, COOKIE, is_secure=request[CONTEXT].is_secure)
    return TEXTS[Notice(word)] if word in list(Notice) else None


def drop(response: web.Response, request: web.Request) -> None:
    """Have the browser forget what has been said."""
    cookies.forget(response, COOKIE, is_secure=request[CONTEXT].is_secure)
