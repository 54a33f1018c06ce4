"""The envelope of THRON's answers: which error each code and status means."""

import orjson
import pytest

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
from proxy.thron.envelope import Codes, codes_in_markup, open_envelope
from proxy.thron.exchange import Reply

JSON = "application/json"


def enveloped(status: int, result: str | None = None, sso: str | None = None) -> Reply:
    """Return an answer with these codes."""
    body = {"resultCode": result, "ssoCode": sso, "errorDescription": "session 0b5f ended"}
    return Reply(status, JSON, orjson.dumps(body))


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        pytest.param(enveloped(200, "OK", "SESSION_EXPIRED"), TokenRejected, id="200 expired"),
        pytest.param(enveloped(418, "EXCEPTION", "INVALID_TOKENID"), TokenRejected, id="418 token"),
        pytest.param(enveloped(403, "ACCESS_DENIED"), TokenRejected, id="403 denied"),
        pytest.param(enveloped(418, "ACCESS_DENIED", "OK"), TokenRejected, id="418 denied"),
        pytest.param(
            enveloped(200, "ACCESS_DENIED", "AUTHENTICATION_ERROR"), TokenRejected, id="200 denied"
        ),
        pytest.param(enveloped(403, None, "POLICY_NOT_ALLOWED"), ThronRefused, id="403 policy"),
        pytest.param(
            enveloped(418, "ACCESS_DENIED", "CAPABILITY_NOT_ALLOWED"), ThronRefused, id="capability"
        ),
        pytest.param(enveloped(418, "OPERATION_NOT_ALLOWED"), ThronRefused, id="operation"),
        pytest.param(enveloped(418, "EXCEPTION"), ThronFailed, id="THRON's exception"),
        pytest.param(enveloped(418, "SOMETHING_NEW"), ThronAnswerInvalid, id="unknown code"),
        pytest.param(enveloped(418, "OK"), ThronAnswerInvalid, id="418 that is OK"),
        pytest.param(enveloped(200), ThronAnswerInvalid, id="no code and no items"),
        pytest.param(Reply(403, "text/plain", b"denied"), TokenRejected, id="403 text"),
        pytest.param(Reply(401, "", b""), TokenRejected, id="401"),
        pytest.param(Reply(403, "text/html", b"<html>"), TokenRejected, id="403 page"),
        pytest.param(Reply(400, "text/plain", b"invalid"), ThronBadRequest, id="400 text"),
        pytest.param(Reply(404, "text/html", b"<html>"), ThronAnswerInvalid, id="404 page"),
        pytest.param(Reply(429, "", b"", 7), ThronBusy, id="429"),
        pytest.param(Reply(500, "text/plain", b"oops"), ThronFailed, id="500"),
        pytest.param(Reply(503, "text/html", b"<html>"), ThronUnreachable, id="503 page"),
        pytest.param(Reply(302, "", b""), ThronAnswerInvalid, id="redirect"),
        pytest.param(Reply(200, "text/html", b"<!doctype html>"), ThronAnswerInvalid, id="page"),
        pytest.param(Reply(200, JSON, b""), ThronAnswerInvalid, id="nothing"),
        pytest.param(Reply(200, JSON, b"[]"), ThronAnswerInvalid, id="a list"),
        pytest.param(Reply(200, JSON, b'{"resultCode":"OK"'), ThronAnswerInvalid, id="torn"),
        pytest.param(
            Reply(418, "application/xml", b"<r><ssoCode>SESSION_EXPIRED</ssoCode></r>"),
            TokenRejected,
            id="XML, expired",
        ),
        pytest.param(
            Reply(200, "application/xml", b"<r><resultCode>OK</resultCode></r>"),
            ThronAnswerInvalid,
            id="XML, OK",
        ),
    ],
)
def test_errors(reply: Reply, error: type[ThronError]) -> None:
    """Codes count for more than the status, and each is an error of ours."""
    with pytest.raises(ThronError) as raised:
        open_envelope(reply, expected="items")
    assert type(raised.value) is error
    assert "0b5f" not in str(raised.value), "a description may quote a token"


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(enveloped(418, "CONTENT_NOT_EXISTS"), id="418"),
        pytest.param(enveloped(200, "CATEGORY_NOT_EXISTS", "OK"), id="200"),
        pytest.param(enveloped(404, "CONTENT_NOT_FOUND"), id="404 envelope"),
        pytest.param(Reply(404, "text/plain", b"not found"), id="404 text"),
    ],
)
def test_absence(reply: Reply) -> None:
    """What THRON does not have is no error."""
    assert open_envelope(reply, expected="items") is None


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"resultCode":"OK","ssoCode":"OK","items":[]}', id="whole"),
        pytest.param(b'{"resultCode":"ok"}', id="lower case, list left out"),
        pytest.param(b'{"items":null}', id="no code, list null"),
        pytest.param(b'\xef\xbb\xbf{"resultCode":"OK","new":{}}', id="BOM and an unknown member"),
    ],
)
def test_members(body: bytes) -> None:
    """An answer of the service gives its members."""
    assert open_envelope(Reply(200, "text/plain", body), expected="items") is not None


def test_retry_after_is_surfaced() -> None:
    """What THRON asks to wait goes with the error."""
    with pytest.raises(ThronBusy) as raised:
        open_envelope(Reply(429, "", b"", 7), expected="items")
    assert raised.value.retry_after_s == 7


def test_a_strange_code_is_not_quoted() -> None:
    """A code that is no word stays out of messages."""
    with pytest.raises(ThronAnswerInvalid, match="UNREADABLE"):
        open_envelope(enveloped(418, "x'; drop\n"), expected="items")


def test_codes_in_markup() -> None:
    """An XML envelope's codes are found."""
    body = b"<?xml version='1.0'?><a><resultCode>OK</resultCode><ssoCode> Ok </ssoCode></a>"
    assert codes_in_markup(body) == Codes("OK", "OK")


@pytest.mark.parametrize(
    ("reply", "words", "answered"),
    [
        pytest.param(enveloped(200, "OK", "SESSION_EXPIRED"), "OK/SESSION_EXPIRED", None, id="sso"),
        pytest.param(enveloped(403, "ACCESS_DENIED"), "ACCESS_DENIED", None, id="one code"),
        pytest.param(enveloped(418, "POLICY_NOT_ALLOWED"), "POLICY_NOT_ALLOWED", None, id="right"),
        pytest.param(enveloped(418, "EXCEPTION"), "EXCEPTION", None, id="THRON's exception"),
        pytest.param(enveloped(418, "OK"), "418 OK", 418, id="418 that is OK"),
        pytest.param(Reply(401, "", b""), "401", None, id="401"),
        pytest.param(Reply(400, "text/plain", b"x"), "answered 400", 400, id="400"),
        pytest.param(enveloped(400, "OK"), "answered 400 OK", 400, id="400 that is OK"),
        pytest.param(Reply(404, "text/html", b"<html>"), "answered 404", 404, id="404 page"),
        pytest.param(Reply(429, "", b""), "429", 429, id="429"),
        pytest.param(Reply(500, "", b""), "500", 500, id="500"),
        pytest.param(Reply(503, "", b""), "503", 503, id="503"),
        pytest.param(Reply(302, "", b""), "redirects (302); check TDC_API_URL", 302, id="302"),
        pytest.param(
            Reply(301, "", b"", moved_to="https://acme.example"),
            "set TDC_API_URL=https://acme.example",
            301,
            id="301 elsewhere",
        ),
        pytest.param(Reply(200, "", b""), "(untyped)", None, id="no media type"),
        pytest.param(Reply(200, "text/html", b"<html>"), "(text/html)", None, id="a page"),
        pytest.param(enveloped(200), "'items'", None, id="no code and no items"),
    ],
)
def test_words(reply: Reply, words: str, answered: int | None) -> None:
    """Each error says what THRON answered, by status or code; where it counts, as a number too."""
    with pytest.raises(ThronError) as raised:
        open_envelope(reply, expected="items")
    assert words in str(raised.value)
    assert not str(raised.value).endswith(" ")
    if answered is not None:
        assert raised.value.received_status == answered


def test_a_server_error_says_when_to_come_back() -> None:
    """Retry-After of a 503 is kept as that of a 429 is."""
    with pytest.raises(ThronUnreachable) as raised:
        open_envelope(Reply(503, "", b"", 7), expected="items")
    assert raised.value.retry_after_s == 7
