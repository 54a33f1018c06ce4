"""Forms and scripts of our own pages are told from those of other sites; pure."""

import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import urlsplit

FIELD = "csrf"
HEADER = "X-CSRF-Token"

_OUR_OWN = frozenset({"same-origin", "none"})


def token(secret: str) -> str:
    """Return the token for the forms of one session, or of one browser before it signs in.

    Args:
        secret: The id of the session: it is in an HttpOnly cookie alone, and each sign-in makes
            a new one.
    """
    return hmac.new(secret.encode(), b"csrf", hashlib.sha256).hexdigest()


def fits(given: str, secret: str) -> bool:
    """Tell whether a token is that of a session."""
    return hmac.compare_digest(given.encode(), token(secret).encode())


def is_foreign(fields: Mapping[str, str], *, host: str) -> bool:
    """Tell whether a browser says that another site sends a request.

    Sec-Fetch-Site says it best; browsers without it send an Origin, whose scheme is left out of
    account, as a proxy in front may have ended TLS.

    Args:
        fields: The request's field section.
        host: The host that was asked, with its port.
    """
    site = fields.get("Sec-Fetch-Site")
    if site is not None:
        return site not in _OUR_OWN
    origin = fields.get("Origin")
    return origin is not None and urlsplit(origin).netloc.lower() != host.lower()
