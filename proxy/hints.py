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

_CORPORATE = "TDC_OUTBOUND_PROXY and TDC_CA_FILE are for corporate networks"
_REACH_THRON = (
    f"see that this machine reaches THRON's API (TDC_API_URL; {_CORPORATE}), or wait until it"
    " answers again"
)
_REACH_ORIGIN = f"see that this machine reaches THRON's delivery (TDC_CDN_URL; {_CORPORATE})"

_HINTS: dict[type[GatewayError], str] = {
    ThronUnreachable: _REACH_THRON,
    ThronFailed: "try again in a minute; if it lasts for this content alone, ask THRON's support",
    ThronTimeout: _REACH_THRON,
    ThronBusy: "try again in a minute; if it lasts, something else uses the application too much",
    ThronAnswerInvalid: "check TDC_API_URL, and that no proxy answers in THRON's place",
    ContentMissing: "see in THRON that the content is still there, and has a source file",
    OriginUnreachable: _REACH_ORIGIN,
    OriginTimeout: _REACH_ORIGIN,
    OriginAnswerInvalid: "check TDC_CDN_URL, and that no proxy answers in THRON's place",
    DatabaseFailed: "see that the database of TDC_DATABASE_URL runs, and has room",
}


def with_hint(failure: GatewayError, *, otherwise: str = "") -> str:
    """Return the message of a failure, with a hint unless the message names a setting itself.

    ``otherwise`` is the hint for failures that this module does not know.
    """
    told = str(failure)
    hint = _HINTS.get(type(failure), otherwise)
    return told if not hint or "TDC_" in told else f"{told}; {hint}"
