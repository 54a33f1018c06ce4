"""Who asks, from where, and how they like to read: what every request of the console brings."""

import re
import secrets
from dataclasses import dataclass, field
from enum import StrEnum

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from proxy.admin.auth import cookies
from proxy.admin.auth.api_tokens import ApiToken
from proxy.admin.auth.sessions import Session
from proxy.admin.web.i18n import Language, preferred
from proxy.semantics import forwarded
from proxy.semantics.forwarded import TrustedProxies

LANGUAGE_COOKIE = "tdc_language"
THEME_COOKIE = "tdc_theme"
BROWSER_COOKIE = "tdc_visitor"

ADMINISTRATOR = "admin"
"""The actor of whoever has signed in, for the audit."""

_A_YEAR_S = 365 * 24 * 3600


class Theme(StrEnum):
    """How pages look; ``AUTO`` is as the browser prefers."""

    AUTO = "auto"
    LIGHT = "light"
    DARK = "dark"


@dataclass(frozen=True, slots=True)
class RequestContext:
    """One request's circumstances.

    Attributes:
        client: The address of who asks, behind trusted proxies too.
        is_secure: Whether it was asked over HTTPS.
        host: The host that was asked, as ``forwarded.valid_host`` gives it; None if it cannot be
            read.
        port: The port that was asked, None where that is the scheme's own.
        is_port_known: Whether ``port`` is the browser's; a proxy that names the host in a field of
            its own does not tell.
        language: To answer in.
        theme: To show pages in.
        browser_id: A random value of this browser, which ties forms to it before anyone signs in.
        is_new: Whether the browser does not have it yet.
    """

    client: str
    is_secure: bool
    host: str | None
    port: int | None
    is_port_known: bool
    language: Language
    theme: Theme
    browser_id: str = field(repr=False)
    is_new: bool


CONTEXT = web.RequestKey("context", RequestContext)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks.

    Attributes:
        actor: For the audit.
        session: Of a browser.
        token: Of a machine.
    """

    actor: str
    session: Session | None = None
    token: ApiToken | None = None

    @property
    def can_change(self) -> bool:
        """Whether it may change anything."""
        return self.token is None or self.token.can_change


CALLER = web.RequestKey("caller", Caller)


def request_context(*, trusted: TrustedProxies) -> Middleware:
    """Return the middleware that notes the circumstances of each request.

    Args:
        trusted: The proxies in front.
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        request[CONTEXT] = context_of(request, trusted=trusted)
        return await handler(request)

    return middleware


def context_of(request: web.Request, *, trusted: TrustedProxies) -> RequestContext:
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
    is_secure = effective.scheme == "https"
    known = cookies.read(request, BROWSER_COOKIE, is_secure=is_secure)
    is_new = not known or len(known) > 64  # noqa: PLR2004 - ours have 43 characters
    asked = request.headers.get("Host", "")
    is_port_known = forwarded.valid_host(asked) == effective.host
    port = re.search(r":([0-9]+)$", asked)
    language = cookies.read(request, LANGUAGE_COOKIE, is_secure=is_secure)
    theme = cookies.read(request, THEME_COOKIE, is_secure=is_secure)
    return RequestContext(
        client=effective.client,
        is_secure=is_secure,
        host=effective.host,
        port=int(port[1]) if is_port_known and port is not None else None,
        is_port_known=is_port_known,
        language=Language(language)
        if language in list(Language)
        else preferred(request.headers.get("Accept-Language", "")),
        theme=Theme(theme) if theme in list(Theme) else Theme.AUTO,
        browser_id=secrets.token_urlsafe(32) if is_new else known,
        is_new=is_new,
    )


def keep(response: web.StreamResponse, cookie: str, value: str, *, is_secure: bool) -> None:
    """Have the browser keep a choice for a year."""
    cookies.keep(response, cookie, value, is_secure=is_secure, max_age_s=_A_YEAR_S)


def keep_browser_id(response: web.StreamResponse, context: RequestContext) -> None:
    """Have the browser keep its id until it is closed."""
    cookies.keep(response, BROWSER_COOKIE, context.browser_id, is_secure=context.is_secure)
