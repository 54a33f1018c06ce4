"""An error of THRON's API recognised where the bytes of a file were expected.

``downloadSource`` may say with status 200 that it refuses, in its envelope or with a page of a
login form (docs/thron.md 7.5 and 11, row 17). A file that happens to be JSON, XML or HTML is not
taken for one: an envelope has its codes at its top, and a page is one only where the file is not.
"""

import re

from proxy.errors import (
    ContentMissing,
    GatewayError,
    HtmlInsteadOfFile,
    OriginAnswerInvalid,
    OriginGone,
    ThronAnswerInvalid,
    ThronBusy,
    ThronUnreachable,
    TokenRejected,
)
from proxy.text import Text
from proxy.thron import json_fields
from proxy.thron.envelope import MISSING_CODES, Codes, codes_in_markup, codes_of, fault

_OK = 200
_PARTIAL = 206
_ERRORS = 400
_TOO_MANY_REQUESTS = 429
_SERVER_ERRORS = 500

_BOM = b"\xef\xbb\xbf"

# An envelope that is longer than the head: its codes stand among the first plain members.
_SCALAR = rb'(?:"(?:[^"\\]|\\.){0,512}"|-?[0-9.]{1,24}|true|false|null)'
_JSON_CODE = re.compile(
    rb'\{\s*(?:"(?!resultCode"|ssoCode")[^"\\]{1,64}"\s*:\s*' + _SCALAR + rb"\s*,\s*){0,8}"
    rb'"(resultCode|ssoCode)"\s*:\s*"([A-Za-z0-9_]{1,64})"'
)
_XML_CODE = re.compile(
    rb"(?:<\?xml[^>]{0,256}>\s*)?<[A-Za-z][^<>]{0,512}>\s*"
    rb"(?:<(?!resultCode>|ssoCode>)[A-Za-z][^<>]{0,128}>[^<]{0,512}</[^<>]{1,128}>\s*){0,8}"
    rb"<(resultCode|ssoCode)>\s*([A-Za-z0-9_]{1,64})\s*</"
)
_PAGE = re.compile(
    rb"(?:<!--.{0,1024}?-->\s*)?<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL
)

_HTML_TYPES = frozenset({"", "text/html", "application/xhtml+xml"})
_HTML_NAMES = (".html", ".htm", ".xhtml", ".xht", ".shtml")


def is_error_answer(
    *, status: int, media_type: str, expected_name: str | None, head: bytes
) -> GatewayError | None:
    """Return the error that an answer is instead of the file, None if it is the file.

    ``head`` is the beginning of the content, some KiB. The expected name tells whether the file may
    be HTML itself: a name without extension is not, a document without name (None) may be.
    """
    head = head.removeprefix(_BOM).lstrip()
    codes = _codes(head) if status != _PARTIAL else Codes()
    if status >= _ERRORS:
        return _error_of(status, codes)
    if codes:
        return _error_named(codes) or OriginAnswerInvalid(
            Text("THRON sent an envelope, not the file"), received_status=status
        )
    may_be_html = expected_name is None or expected_name.lower().endswith(_HTML_NAMES)
    if status == _OK and not may_be_html and media_type in _HTML_TYPES and _PAGE.match(head):
        return HtmlInsteadOfFile(
            Text("THRON sent an HTML page, not the file"), received_status=status
        )
    return None


def _error_of(status: int, codes: Codes) -> GatewayError:
    if status == _TOO_MANY_REQUESTS:
        return ThronBusy(Text("THRON answered {status}", status=status), received_status=status)
    if status >= _SERVER_ERRORS:
        return ThronUnreachable(
            Text("THRON answered {status}", status=status), received_status=status
        )
    named = _error_named(codes)
    if named is not None:
        return named
    if status in {401, 403}:
        return TokenRejected(Text("THRON answered {status}", status=status), received_status=status)
    if status in {404, 410}:
        return OriginGone(Text("THRON answered {status}", status=status), received_status=status)
    return ThronAnswerInvalid(
        Text("THRON answered {status}", status=status), received_status=status
    )


def _error_named(codes: Codes) -> GatewayError | None:
    if codes.any_of(MISSING_CODES):
        return fault(codes) or ContentMissing(f"THRON: {codes}")
    return fault(codes)


def _codes(head: bytes) -> Codes:
    if head.startswith(b"<"):
        return codes_in_markup(head) if _XML_CODE.match(head) else Codes()
    if not head.startswith(b"{"):
        return Codes()
    try:
        return codes_of(json_fields.members(json_fields.parse(head)))
    except ValueError:
        found = _JSON_CODE.match(head)
    return codes_of({found[1].decode(): found[2].decode()}) if found is not None else Codes()
