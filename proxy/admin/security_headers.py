"""What every answer of the admin listener tells browsers not to do."""

from aiohttp import web

from proxy.telemetry.middleware import PSEUDONYM

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)

FIELDS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not "no-referrer": with that, browsers send forms with "Origin: null".
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Server": PSEUDONYM,
}


async def secure(_request: web.Request, response: web.StreamResponse) -> None:
    """Add them; a signal of aiohttp, as the header section is about to go."""
    for name, value in FIELDS.items():
        response.headers.setdefault(name, value)
    response.headers["Server"] = PSEUDONYM
