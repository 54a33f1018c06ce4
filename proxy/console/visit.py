"""Who asks, from where, and how they like to read: what every request of the console brings."""

import secrets
from dataclasses import dataclass, field
from enum import StrEnum

from aiohttp import web

from proxy.console.words import Language, preferred
from proxy.semantics import forwarded
from proxy.semantics.forwarded import TrustedProxies

LANGUAGE_COOKIE = "tdc_language"
THEME_COOKIE = "tdc_theme"
VISITOR_COOKIE = "tdc_visitor"

_A_YEAR_S = 365 * 24 * 3600


class Theme(StrEnum):
    """How pages look; ``AUTO`` is as the browser prefers."""

    AUTO = "auto"
    LIGHT = "light"
    DARK = "dark"


@dataclass(frozen=True, slots=True)
class Visit:
    """One request's circumstances.

    Attributes:
        client: The address of who asks, behind trusted proxies too.
        is_secure: Whether it was asked over HTTPS.
        host: The host that was asked, with its port, as the client names it.
        language: To answer in.
        theme: To show pages in.
        visitor: A random value of this browser, which ties forms to it before anyone signs in.
        is_new: Whether the browser does not have it yet.
    """

    client: str
    is_secure: bool
    host: str
    language: Language
    theme: Theme
    visitor: str = field(repr=False)
    is_new: bool


VISIT = web.RequestKey("visit", Visit)


def visit(request: web.Request, *, trusted: TrustedProxies) -> Visit:
    """Return the circumstances of a request.

    Args:
        request: As it came.
        trusted: The proxies in front.
    """
    effective = forwarded.effective(
        request.remote or "",
        scheme="https" if request.secure else "http",
        fields=request.headers,
        trusted=trusted,
    )
    known = request.cookies.get(VISITOR_COOKIE, "")
    is_new = not known or len(known) > 64  # noqa: PLR2004 - ours have 43 characters
    return Visit(
        client=effective.client,
        is_secure=effective.scheme == "https",
        host=effective.host or request.host,
        language=_language(request),
        theme=_theme(request),
        visitor=secrets.token_urlsafe(32) if is_new else known,
        is_new=is_new,
    )


def keep(response: web.StreamResponse, cookie: str, value: str, *, is_secure: bool) -> None:
    """Have the browser keep a choice for a year."""
    response.set_cookie(
        cookie,
        value,
        max_age=_A_YEAR_S,
        path="/",
        httponly=True,
        samesite="Lax",
        secure=is_secure,
    )


def keep_visitor(response: web.StreamResponse, visit_: Visit) -> None:
    """Have the browser keep the visitor's value until it is closed."""
    response.set_cookie(
        VISITOR_COOKIE,
        visit_.visitor,
        path="/",
        httponly=True,
        samesite="Lax",
        secure=visit_.is_secure,
    )


def _language(request: web.Request) -> Language:
    chosen = request.cookies.get(LANGUAGE_COOKIE)
    if chosen in list(Language):
        return Language(chosen)
    return preferred(request.headers.get("Accept-Language", ""))


def _theme(request: web.Request) -> Theme:
    chosen = request.cookies.get(THEME_COOKIE)
    return Theme(chosen) if chosen in list(Theme) else Theme.AUTO
