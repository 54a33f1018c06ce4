"""Cookies of the console: out of reach of scripts and of other sites.

Over HTTPS each bears the ``__Host-`` prefix, with which a browser takes it from this very host
alone, over HTTPS alone: no sister host and no plain http can plant one (RFC 6265bis, 4.1.3.2).
Over plain http browsers refuse that name, so there it is without.
"""

from aiohttp import web


def read(request: web.Request, cookie: str, *, is_secure: bool) -> str:
    """Return the value of a cookie, empty without one."""
    return request.cookies.get(_name(cookie, is_secure=is_secure), "")


def keep(
    response: web.StreamResponse,
    cookie: str,
    value: str,
    *,
    is_secure: bool,
    max_age_s: int | None = None,
) -> None:
    """Have the browser keep a cookie.

    Args:
        response: That tells it.
        cookie: Its name, without prefix.
        value: Its value.
        is_secure: Whether the console was asked over HTTPS.
        max_age_s: For so long; None until the browser is closed.
    """
    response.set_cookie(
        _name(cookie, is_secure=is_secure),
        value,
        max_age=max_age_s,
        path="/",
        httponly=True,
        samesite="Lax",
        secure=is_secure,
    )


def forget(response: web.StreamResponse, cookie: str, *, is_secure: bool) -> None:
    """Have the browser forget a cookie."""
    response.del_cookie(
        _name(cookie, is_secure=is_secure),
        path="/",
        httponly=True,
        samesite="Lax",
        secure=is_secure,
    )


def _name(cookie: str, *, is_secure: bool) -> str:
    return f"__Host-{cookie}" if is_secure else cookie
