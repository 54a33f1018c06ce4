"""Hints: what the operator can do about a failure whose message does not say so itself."""

from proxy.errors import (
    ContentMissing,
    DatabaseFailed,
    GatewayError,
    OriginAnswerInvalid,
    OriginTimeout,
    OriginUnreachable,
    ThronAnswerInvalid,
    ThronBusy,
    ThronFailed,
    ThronTimeout,
    ThronUnreachable,
)
from proxy.text import Text

_CORPORATE = Text("TDC_OUTBOUND_PROXY and TDC_CA_FILE are for corporate networks")
_REACH_THRON = Text(
    "check that this machine reaches THRON's API (TDC_API_URL; {corporate}), or wait until it"
    " answers again",
    corporate=_CORPORATE,
)
_REACH_ORIGIN = Text(
    "check that this machine reaches THRON's delivery (TDC_CDN_URL; {corporate})",
    corporate=_CORPORATE,
)

_HINTS: dict[type[GatewayError], Text] = {
    ThronUnreachable: _REACH_THRON,
    ThronFailed: Text(
        "try again in a minute; if only this content keeps failing, contact THRON support"
    ),
    ThronTimeout: _REACH_THRON,
    ThronBusy: Text(
        "try again in a minute; if it keeps happening, something else is making too many requests"
        " with this application"
    ),
    ThronAnswerInvalid: Text("check TDC_API_URL, and that no proxy answers in THRON's place"),
    ContentMissing: Text("check in THRON that the content is still there and has a source file"),
    OriginUnreachable: _REACH_ORIGIN,
    OriginTimeout: _REACH_ORIGIN,
    OriginAnswerInvalid: Text("check TDC_CDN_URL, and that no proxy answers in THRON's place"),
    DatabaseFailed: Text("check that the database of TDC_DATABASE_URL is running and has space"),
}


def with_hint(failure: GatewayError, *, otherwise: str = "") -> Text:
    """Return the message of a failure, with a hint unless the message names a setting itself.

    ``otherwise`` is the hint for failures that this module does not know.
    """
    message = failure.text
    hint = _HINTS.get(type(failure), otherwise)
    texts = [message] if not hint or "TDC_" in message else [message, hint]
    return Text.joined("; ", texts)
