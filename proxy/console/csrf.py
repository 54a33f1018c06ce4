"""Forms and scripts of our own pages are told from those of other sites."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from urllib.parse import urlsplit

FIELD = "csrf"
HEADER = "X-CSRF-Token"

_NONCE_OCTETS = 16
_OUR_OWN = frozenset({"same-origin", "none"})


def token(secret: str) -> str:
    """Return a token for the forms of one session, or of one browser before it signs in.

    Each is another, so that nothing can be told from the length of compressed pages (BREACH).

    Args:
        secret: The id of the session: it is in an HttpOnly cookie alone, and each sign-in makes
            a new one.
    """
    nonce = secrets.token_hex(_NONCE_OCTETS)
    return nonce + _sealed(nonce, secret)


def fits(given: str, secret: str) -> bool:
    """Tell whether a token is one of a session."""
    nonce, seal = given[: 2 * _NONCE_OCTETS], given[2 * _NONCE_OCTETS :]
    return hmac.compare_digest(seal.encode(), _sealed(nonce, secret).encode())


def _sealed(nonce: str, secret: str) -> str:
    return hmac.new(secret.encode(), b"csrf " + nonce.encode(), hashlib.sha256).hexdigest()


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
