"""Optional whitespace is blanks and tabs, as RFC 9110, 5.6.3 has it, and nothing else."""

from collections.abc import Callable
from ipaddress import ip_network

import pytest
from multidict import CIMultiDict

from proxy.semantics.codings import codings, is_acceptable
from proxy.semantics.dates import parse_http_date
from proxy.semantics.entity_tags import parse_entity_tag, parse_entity_tags
from proxy.semantics.field_lines import combined, connection_options
from proxy.semantics.forwarded import X_FORWARDED, TrustedProxies, effective
from proxy.semantics.headers import is_loop, media_type
from proxy.semantics.ranges import parse_content_range, select


def _host(value: str) -> str | None:
    fields = CIMultiDict({"X-Forwarded-Host": f"other.example,{value}"})
    trusted = TrustedProxies([ip_network("10.0.0.0/8")], X_FORWARDED)
    return effective("10.0.0.1", scheme="http", fields=fields, trusted=trusted).host


def _is_coding_acceptable(accept_encoding: str) -> bool:
    fields = CIMultiDict({"Content-Encoding": "gzip"})
    return is_acceptable(fields, status=200, accept_encoding=accept_encoding)


@pytest.mark.parametrize(
    ("read", "value"),
    [
        pytest.param(lambda text: combined(CIMultiDict(A=text), "A"), "value", id="field"),
        pytest.param(
            lambda text: "close" in connection_options(CIMultiDict(Connection=f"a,{text},b")),
            "close",
            id="Connection",
        ),
        pytest.param(
            lambda text: codings(CIMultiDict({"Content-Encoding": f"br,{text},br"})),
            "gzip",
            id="Content-Encoding",
        ),
        pytest.param(
            lambda text: _is_coding_acceptable(f"br,{text}"), "gzip", id="Accept-Encoding"
        ),
        pytest.param(
            lambda text: _is_coding_acceptable(f"gzip;{text}"), "q=0.5", id="weight of a coding"
        ),
        pytest.param(_host, "media.example", id="X-Forwarded-Host"),
        pytest.param(parse_http_date, "Sun, 06 Nov 1994 08:49:37 GMT", id="date"),
        pytest.param(parse_entity_tag, '"v1"', id="entity-tag"),
        pytest.param(parse_entity_tags, "*", id="any entity-tag"),
        pytest.param(media_type, "text/html", id="Content-Type"),
        pytest.param(lambda text: is_loop(f"1.1 cdn,{text}", "us"), "1.1 us", id="Via"),
        pytest.param(parse_content_range, "bytes 0-4/10", id="Content-Range"),
        pytest.param(lambda text: select(text, length=10), "bytes=0-4", id="Range"),
        pytest.param(lambda text: select(f"bytes=0-1,{text},", length=10), "2-4", id="a range"),
    ],
)
def test_blanks_and_tabs_alone(read: Callable[[str], object], value: str) -> None:
    """A no-break space, or a letter, around a value is part of it."""
    assert read(f" \t{value}\t ") == read(value)
    for other in ("\u00a0", "\x0b", "X"):
        assert read(f"{other}{value}{other}") != read(value)
