"""An error of THRON's where a file was expected."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import (
    ContentMissing,
    GatewayError,
    HtmlInsteadOfFile,
    OriginAnswerInvalid,
    OriginGone,
    ThronAnswerInvalid,
    ThronBusy,
    ThronFailed,
    ThronRefused,
    ThronUnreachable,
    TokenRejected,
)
from proxy.thron.error_answers import is_error_answer

JSON, HTML, XML = "application/json", "text/html", "application/xml"
PAGE = b"\n <!DOCTYPE html><html><head><title>THRON</title></head><body>Sign in</body></html>"


def envelope(result: str, sso: str = "OK") -> bytes:
    """Return an envelope with these codes."""
    return orjson.dumps({"resultCode": result, "errorDescription": "x", "ssoCode": sso})


@pytest.mark.parametrize(
    ("status", "media_type", "name", "head", "error"),
    [
        pytest.param(200, JSON, "a.pdf", envelope("ACCESS_DENIED"), TokenRejected, id="denied"),
        pytest.param(
            200,
            "text/plain",
            "a.pdf",
            envelope("OK", "SESSION_EXPIRED"),
            TokenRejected,
            id="expired",
        ),
        pytest.param(
            200, JSON, "a.json", envelope("OK", "POLICY_NOT_ALLOWED"), ThronRefused, id="policy"
        ),
        pytest.param(200, JSON, "a.pdf", envelope("CONTENT_NOT_FOUND"), ContentMissing, id="gone"),
        pytest.param(200, JSON, "a.pdf", envelope("OK"), OriginAnswerInvalid, id="an OK envelope"),
        pytest.param(200, JSON, "a.pdf", envelope("EXCEPTION"), ThronFailed, id="exception"),
        pytest.param(
            200,
            JSON,
            "a.pdf",
            b'{"errorDescription":"a \\" b","resultCode":"ACCESS_DENIED","more":"' + b"x" * 500,
            TokenRejected,
            id="longer than the head",
        ),
        pytest.param(
            200,
            XML,
            "a.xml",
            b"<?xml version='1.0'?>\n<r>\n<errorDescription>x</errorDescription>"
            b"<resultCode>ACCESS_DENIED</resultCode>",
            TokenRejected,
            id="XML",
        ),
        pytest.param(200, HTML, "a.pdf", PAGE, HtmlInsteadOfFile, id="login page"),
        pytest.param(200, HTML, "unnamed", PAGE, HtmlInsteadOfFile, id="login page for no name"),
        pytest.param(
            200, JSON, None, envelope("ACCESS_DENIED"), TokenRejected, id="denied, of no name"
        ),
        pytest.param(403, "text/plain", "a.pdf", b"denied", TokenRejected, id="403"),
        pytest.param(401, "", "a.pdf", b"", TokenRejected, id="401"),
        pytest.param(
            418, JSON, "a.pdf", envelope("VERSION_NOT_AVAILABLE"), ContentMissing, id="418"
        ),
        pytest.param(418, "", "a.pdf", b"", ThronAnswerInvalid, id="418 of nothing"),
        pytest.param(404, HTML, "a.pdf", PAGE, OriginGone, id="404"),
        pytest.param(429, "", "a.pdf", b"", ThronBusy, id="429"),
        pytest.param(502, HTML, "a.pdf", PAGE, ThronUnreachable, id="502"),
    ],
)
def test_errors(
    status: int, media_type: str, name: str | None, head: bytes, error: type[GatewayError]
) -> None:
    """An envelope or a page is never taken for the file, whatever its status."""
    found = is_error_answer(status=status, media_type=media_type, expected_name=name, head=head)
    assert type(found) is error


@pytest.mark.parametrize(
    ("status", "media_type", "name", "head"),
    [
        pytest.param(200, "application/pdf", "a.pdf", b"%PDF-1.7", id="PDF"),
        pytest.param(200, JSON, "a.json", b'{"a":{"resultCode":"ACCESS_DENIED"}}', id="JSON"),
        pytest.param(200, JSON, "a.json", b'{"a":{"resultCode":"ACCESS_DENIED"', id="long JSON"),
        pytest.param(200, JSON, "a.json", b'[{"resultCode":"ACCESS_DENIED"}]', id="JSON list"),
        pytest.param(200, HTML, "a.html", PAGE, id="HTML"),
        pytest.param(200, HTML, None, PAGE, id="HTML that has no name to tell it"),
        pytest.param(200, "application/vnd.ms-excel", "a.xls", PAGE, id="HTML that is a table"),
        pytest.param(200, XML, "a.xml", b"<a><b><resultCode>OK</resultCode></b></a>", id="XML"),
        pytest.param(200, "image/svg+xml", "a.svg", b"<svg><title>x</title></svg>", id="SVG"),
        pytest.param(200, "application/rtf", "a.rtf", b"{\\rtf1 x}", id="RTF"),
        pytest.param(200, "", "a.bin", b"", id="empty"),
        pytest.param(206, JSON, "a.json", envelope("ACCESS_DENIED"), id="a range"),
        pytest.param(304, "", "a.pdf", b"", id="not modified"),
    ],
)
def test_files(status: int, media_type: str, name: str | None, head: bytes) -> None:
    """A file passes, even one of JSON, XML or HTML."""
    found = is_error_answer(status=status, media_type=media_type, expected_name=name, head=head)
    assert found is None


@given(st.sampled_from([200, 206, 403, 418, 500]), st.text(max_size=8), st.binary(max_size=400))
def test_it_never_raises(status: int, media_type: str, head: bytes) -> None:
    """Any bytes are a file or an error."""
    is_error_answer(status=status, media_type=media_type, expected_name="a", head=head)
    is_error_answer(status=status, media_type=media_type, expected_name="a", head=b"{" + head)


def test_a_long_head_costs_little() -> None:
    """Heads made to confuse are told in one pass."""
    for head in (b'{"a":"' + b"\\" * 65_536, b"<a>" + b"<b>" * 20_000, b"<!--" * 16_000):
        found = is_error_answer(status=200, media_type=HTML, expected_name="a.pdf", head=head)
        assert found is None


@pytest.mark.parametrize(
    ("status", "media_type", "head", "words"),
    [
        pytest.param(429, "", b"", "429", id="429"),
        pytest.param(500, "", b"", "500", id="500"),
        pytest.param(401, "", b"", "401", id="401"),
        pytest.param(404, "", b"", "404", id="404"),
        pytest.param(410, "", b"", "410", id="410"),
        pytest.param(400, "", b"", "400", id="400"),
        pytest.param(200, JSON, envelope("OK"), "envelope", id="an envelope"),
        pytest.param(200, HTML, PAGE, "HTML", id="a page"),
        pytest.param(200, JSON, envelope("CONTENT_NOT_FOUND"), "CONTENT_NOT_FOUND", id="a code"),
        pytest.param(
            200,
            JSON,
            b"\xef\xbb\xbf" + envelope("CONTENT_NOT_FOUND"),
            "CONTENT_NOT_FOUND",
            id="BOM",
        ),
    ],
)
def test_words(status: int, media_type: str, head: bytes, words: str) -> None:
    """An error says what THRON sent instead of the file; a status stands as a number too."""
    error = is_error_answer(status=status, media_type=media_type, expected_name="a.pdf", head=head)
    assert error is not None
    assert words in str(error)
    assert str(error).startswith("THRON")
    if words != "CONTENT_NOT_FOUND":
        assert error.received_status == status
    assert (type(error) is OriginGone) is (status in {404, 410})
