"""The envelope of THRON's answers: its codes, and which error of ours they mean.

THRON says what went wrong in two codes, at any of the statuses 200, 403 and 418
(docs/thron.md 1.4): ``resultCode`` of the service and ``ssoCode`` of the session. They count for
more than the status, in this order:

1. the session is in doubt: TokenRejected;
2. a right is named as missing: ThronRefused;
3. access is denied without a reason, which an expired session looks like too: TokenRejected;
4. the thing asked for does not exist: no error, but no members;
5. THRON failed: ThronFailed; anything else: ThronAnswerInvalid.

Only codes stand in messages: a description may quote a token.
"""

import re
from dataclasses import dataclass

from proxy.errors import (
    ThronAnswerInvalid,
    ThronBadRequest,
    ThronBusy,
    ThronError,
    ThronFailed,
    ThronRefused,
    ThronUnreachable,
    TokenRejected,
)
from proxy.text import Text
from proxy.thron import json_fields
from proxy.thron.exchange import Reply
from proxy.thron.json_fields import Members

SESSION_CODES = frozenset(
    {"SESSION_EXPIRED", "INVALID_TOKENID", "AUTHENTICATION_ERROR", "SESSION_NON_FOUND"}
)
MISSING_CODES = frozenset(
    {
        "CONTENT_NOT_EXISTS",
        "CONTENT_NOT_FOUND",
        "CATEGORY_NOT_EXISTS",
        "CLASSIFICATION_NOT_FOUND",
        "METADATA_NOT_FOUND",
        "METADATA_IN_TRASH",
        "LOCALE_NOT_EXISTS",
        "VERSION_NOT_AVAILABLE",
    }
)
FAILURE_CODES = frozenset({"EXCEPTION", "WRITE_ERROR", "OPERATION_LOCKED"})

_OK = 200
_BAD_REQUEST = 400
_NO_ANSWER_OF_THE_API = range(300, 400)
_UNAUTHORIZED = (401, 403)
_NOT_FOUND = 404
_TOO_MANY_REQUESTS = 429
_SERVER_ERROR = 500
# What a balancer before the services says; another 5xx may be about one question alone.
_OF_THE_HOST = (502, 503, 504)

_CODE = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
_CODE_IN_MARKUP = re.compile(rb"<(resultCode|ssoCode)>\s*([A-Za-z0-9_]{1,64})\s*</\1>")


@dataclass(frozen=True, slots=True)
class Codes:
    """The two codes of an envelope, upper case; empty where there is none."""

    result: str = ""
    sso: str = ""

    def __bool__(self) -> bool:
        return bool(self.result or self.sso)

    def __str__(self) -> str:
        return "/".join(code for code in (self.result, self.sso) if code)

    @property
    def is_ok(self) -> bool:
        """Whether neither names a fault."""
        return self.result in {"", "OK"} and self.sso in {"", "OK"}

    def any_of(self, codes: frozenset[str]) -> bool:
        """Whether one of the two is among these."""
        return self.result in codes or self.sso in codes


def codes_of(envelope: Members) -> Codes:
    """Return the codes of a JSON envelope."""
    return Codes(_code(envelope, "resultCode"), _code(envelope, "ssoCode"))


def codes_in_markup(body: bytes) -> Codes:
    """Return the codes of an XML envelope, which THRON sends when it overlooks Accept."""
    found = {name: code.decode().upper() for name, code in _CODE_IN_MARKUP.findall(body)}
    return Codes(found.get(b"resultCode", ""), found.get(b"ssoCode", ""))


def fault(codes: Codes) -> ThronError | None:
    """Return the error that an envelope's codes mean, None where they name no fault or absence."""
    if codes.any_of(SESSION_CODES):
        return TokenRejected(Text("THRON refuses the session: {codes}", codes=str(codes)))
    if codes.result.endswith("_NOT_ALLOWED") or codes.sso.endswith("_NOT_ALLOWED"):
        return ThronRefused(
            Text("the application lacks a right in THRON: {codes}", codes=str(codes))
        )
    if codes.any_of(frozenset({"ACCESS_DENIED"})):
        return TokenRejected(Text("THRON denies access: {codes}", codes=str(codes)))
    if codes.is_ok or codes.any_of(MISSING_CODES):
        return None
    if codes.any_of(FAILURE_CODES):
        return ThronFailed(Text("THRON failed: {codes}", codes=str(codes)))
    return ThronAnswerInvalid(Text("THRON answered {codes}", codes=str(codes)))


def open_envelope(reply: Reply, *, expected: str) -> Members | None:
    """Return the members of an answer.

    Args:
        reply: The answer.
        expected: The member that the service answers with, such as ``items``; an answer with
            neither it nor a code is not the service's.

    Returns:
        The members, or None if THRON says that the thing asked for does not exist.

    Raises:
        ThronBusy: 429.
        ThronUnreachable: 502, 503 or 504.
        ThronFailed: Another status of 500 and above, or a code that says THRON failed.
        TokenRejected: 401, 403, or a code that may mean an expired session.
        ThronRefused: A code that names a missing right.
        ThronBadRequest: 400.
        ThronAnswerInvalid: Anything else that is not the service's answer.
    """
    envelope, codes = read_envelope(reply)
    error = fault(codes)
    if error is not None:
        raise error
    if reply.status in _UNAUTHORIZED:
        raise TokenRejected(
            Text("THRON answered {status}", status=reply.status), received_status=reply.status
        )
    # THRON's own 404 is a text; a page is that of a host which is not the API.
    is_absent = reply.status == _NOT_FOUND and reply.media_type == "text/plain" and not codes
    if is_absent or codes.any_of(MISSING_CODES):
        return None
    if reply.status != _OK:
        said = Text("THRON answered {status}", status=f"{reply.status} {codes}".rstrip())
        kind = ThronBadRequest if reply.status == _BAD_REQUEST else ThronAnswerInvalid
        raise kind(said, received_status=reply.status)
    if envelope is None:
        raise ThronAnswerInvalid(f"THRON's answer is not JSON ({reply.media_type or 'untyped'})")
    if not codes and expected not in envelope:
        raise ThronAnswerInvalid(f"THRON's answer has neither a resultCode nor {expected!r}")
    return envelope


def read_envelope(reply: Reply) -> tuple[Members | None, Codes]:
    """Return the members of an answer, None where it is not JSON, and its codes.

    Raises:
        ThronError: No service gave the answer: 429, 5xx, a redirect.
    """
    if reply.status == _TOO_MANY_REQUESTS:
        raise ThronBusy(
            Text("THRON answered {status}", status=reply.status),
            received_status=reply.status,
            retry_after_s=reply.retry_after_s,
        )
    if reply.status >= _SERVER_ERROR:
        error = ThronUnreachable if reply.status in _OF_THE_HOST else ThronFailed
        raise error(
            Text("THRON answered {status}", status=reply.status),
            retry_after_s=reply.retry_after_s,
            received_status=reply.status,
        )
    if reply.status in _NO_ANSWER_OF_THE_API:
        fix = Text("check TDC_API_URL")
        if reply.moved_to:
            fix = Text("set TDC_API_URL={url}", url=reply.moved_to)
        raise ThronAnswerInvalid(
            Text("THRON's API redirects ({status}); {fix}", status=reply.status, fix=fix),
            received_status=reply.status,
        )
    envelope = read_members(reply)
    if envelope is not None:
        return envelope, codes_of(envelope)
    return None, codes_in_markup(reply.body[:65_536])


def read_members(reply: Reply) -> Members | None:
    """Return the members of a JSON object in the body, whatever its media type says."""
    try:
        value = json_fields.parse(reply.body)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _code(envelope: Members, name: str) -> str:
    value = (json_fields.text(envelope, name) or "").strip().upper()
    if not value:
        return ""
    return value if _CODE.fullmatch(value) else "UNREADABLE"
