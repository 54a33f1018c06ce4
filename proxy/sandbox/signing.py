"""Signed addresses: edge tokens of protected delivery, and storage addresses that lapse.

``dt=exp=<unix>~hmac=<64 hex>`` as docs/thron.md 7.2 shows it. Rule: the signature covers the raw
target byte for byte, so whoever re-quotes an address breaks it.
"""

import hashlib
import hmac
import re
import secrets
from datetime import UTC, datetime

_KEY = secrets.token_bytes(32)
_SIGNED = re.compile(r"(?P<target>.*)[?&]dt=exp=(?P<exp>[0-9]+)~hmac=(?P<hmac>[0-9a-f]{64})")
_S3_DATE = "%Y%m%dT%H%M%SZ"
_PRESIGNED = re.compile(
    r"(?P<target>.*[?&]X-Amz-Date=(?P<date>[0-9]{8}T[0-9]{6}Z)&X-Amz-Expires=(?P<life>[0-9]+))"
    r"&X-Amz-Signature=(?P<signature>[0-9a-f]{64})"
)


def sign(target: str, *, until_s: float) -> tuple[str, str]:
    """Return a raw target with its token appended, and the signature alone."""
    exp = int(until_s)
    signature = _signature(target, exp)
    mark = "&" if "?" in target else "?"
    return f"{target}{mark}dt=exp={exp}~hmac={signature}", signature


def is_signed(target: str, *, now: float) -> bool:
    """Say whether a raw target carries a token that is right and has not lapsed."""
    found = _SIGNED.fullmatch(target)
    if found is None:
        return False
    exp = int(found["exp"])
    return exp > now and hmac.compare_digest(found["hmac"], _signature(found["target"], exp))


def _signature(target: str, exp: int) -> str:
    return hmac.new(_KEY, f"{target}~exp={exp}".encode(), hashlib.sha256).hexdigest()


def presign(target: str, *, now: float, life_s: float) -> tuple[str, str]:
    """Return a raw target with S3's query signature appended, and the signature alone.

    That the storage is S3 is assumed (docs/thron.md 7.2).
    """
    begun = datetime.fromtimestamp(now, UTC).strftime(_S3_DATE)
    mark = "&" if "?" in target else "?"
    target += f"{mark}X-Amz-Date={begun}&X-Amz-Expires={int(life_s)}"
    signature = _signature(target, 0)
    return f"{target}&X-Amz-Signature={signature}", signature


def is_presigned(target: str, *, now: float) -> bool:
    """Say whether a raw target carries a query signature that is right and has not lapsed."""
    found = _PRESIGNED.fullmatch(target)
    if found is None or not hmac.compare_digest(found["signature"], _signature(found["target"], 0)):
        return False
    begun = datetime.strptime(found["date"], _S3_DATE).replace(tzinfo=UTC)
    return now < begun.timestamp() + int(found["life"])
