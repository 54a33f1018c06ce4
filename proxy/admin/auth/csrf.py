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
_DEFAULT_PORTS = {"http": 80, "https": 443}


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


def is_foreign(
    fields: Mapping[str, str],
    *,
    host: str,
    port: int | None,
    is_port_known: bool,
    is_secure: bool,
) -> bool:
    """Tell whether a browser says that another site sends a request.

    Sec-Fetch-Site says it best. Browsers leave it out over plain http on a name that is not a
    loopback one, and old ones always do; they send an Origin (RFC 6454, 7).

    Args:
        fields: The request's field section.
        host: The host that was asked, an IPv6 address in brackets.
        port: The port that was asked, None where that is the scheme's own.
        is_port_known: Whether that is so; any port will do where it is not.
        is_secure: Whether it was asked over HTTPS. If that is not known, a proxy in front may have
            ended TLS all the same, and the Origin may be of either scheme.
    """
    site = fields.get("Sec-Fetch-Site")
    if site is not None:
        return site not in _OUR_OWN
    origin = fields.get("Origin")
    if origin is None:
        return False
    try:
        asking = urlsplit(origin)
        default = _DEFAULT_PORTS[asking.scheme]
        asking_port = asking.port or default
    except (KeyError, ValueError):  # null, or nothing that a browser would send
        return True
    return (
        (is_secure and asking.scheme != "https")
        or asking.hostname != host.strip("[]")
        or (is_port_known and asking_port != (port or default))
    )
