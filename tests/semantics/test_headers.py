"""What crosses the gateway, in either direction, and what never does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from proxy.semantics.field_lines import is_writable
from proxy.semantics.headers import (
    INBOUND,
    OUTBOUND,
    inbound,
    is_loop,
    media_type,
    outbound,
)

DATE = "Sun, 06 Nov 1994 08:49:37 GMT"

Lines = list[tuple[str, str]]


@pytest.mark.parametrize(
    ("received", "sent"),
    [
        pytest.param([("range", "bytes=0-4")], [("Range", "bytes=0-4")], id="range"),
        pytest.param(
            [("Range", "bytes=0-4"), ("If-Range", '"v1"')],
            [("Range", "bytes=0-4"), ("If-Range", '"v1"')],
            id="range with its validator",
        ),
        pytest.param(
            [("Range", "bytes=0-4"), ("If-Range", DATE)],
            [("Range", "bytes=0-4"), ("If-Range", DATE)],
            id="range with a date",
        ),
        pytest.param([("Range", "bytes=0-4,9-")], [], id="ranges that stay apart"),
        pytest.param([("Range", "pages=1")], [], id="unknown unit"),
        pytest.param(
            [("Range", "bytes=0-4,9-"), ("If-Range", '"v1"')],
            [],
            id="no If-Range without its Range",
        ),
        pytest.param([("Range", "bytes=0-1"), ("Range", "bytes=2-3")], [], id="two Range lines"),
        pytest.param([("If-Range", '"v1"')], [], id="If-Range alone means nothing"),
        pytest.param(
            [("Range", "bytes=0-4"), ("If-Range", 'W/"v1"')], [], id="weak If-Range never holds"
        ),
        pytest.param([("Range", "bytes=0-4"), ("If-Range", "v1")], [], id="If-Range no validator"),
        pytest.param([("Range", "bytes=0-4"), ("If-Range", "")], [], id="empty If-Range"),
        pytest.param(
            [("Range", "bytes=0-4"), ("If-Range", '"a"'), ("If-Range", '"b"')],
            [],
            id="two If-Range lines",
        ),
        pytest.param(
            [("If-None-Match", '"a"'), ("If-None-Match", '"b"')],
            [("If-None-Match", '"a", "b"')],
            id="a precondition of two lines, combined",
        ),
        pytest.param(
            [("If-Match", '"a"'), ("If-None-Match", "*")],
            [("If-Match", '"a"'), ("If-None-Match", "*")],
            id="two preconditions",
        ),
        pytest.param(
            [("If-Unmodified-Since", DATE), ("If-Modified-Since", DATE)],
            [("If-Unmodified-Since", DATE), ("If-Modified-Since", DATE)],
            id="preconditions by date",
        ),
        pytest.param(
            [("If-Match", "*"), ("If-Unmodified-Since", DATE)],
            [("If-Match", "*")],
            id="no If-Unmodified-Since beside If-Match",
        ),
        pytest.param(
            [("If-Match", "v1"), ("If-Unmodified-Since", DATE)],
            [],
            id="nor beside an If-Match that cannot be read",
        ),
        pytest.param(
            [("If-None-Match", '"a"'), ("If-Modified-Since", DATE)],
            [("If-None-Match", '"a"')],
            id="no If-Modified-Since beside If-None-Match",
        ),
        pytest.param([("If-Unmodified-Since", "yesterday")], [], id="a date that is none"),
        pytest.param(
            [("If-Unmodified-Since", DATE), ("If-Unmodified-Since", DATE)], [], id="two dates"
        ),
        pytest.param([("If-None-Match", "v1")], [], id="a tag that is none"),
        pytest.param(
            [("If-Unmodified-Since", "Sunday, 06-Nov-94 08:49:37 GMT")],
            [("If-Unmodified-Since", DATE)],
            id="a date in an obsolete format",
        ),
        pytest.param(
            [("Range", "bytes=0-4"), ("Connection", "close, Range")], [], id="Range of this hop"
        ),
        pytest.param(
            [("Range", "bytes=0-4"), ("If-Range", '"a"'), ("Connection", "if-range")],
            [],
            id="no Range without the If-Range it came with",
        ),
        pytest.param(
            [
                ("Cookie", "session=1"),
                ("Authorization", "Bearer x"),
                ("Proxy-Authorization", "Basic x"),
                ("Accept", "image/webp"),
                ("Accept-Encoding", "gzip"),
                ("User-Agent", "curl"),
                ("Referer", "https://intranet.example/"),
                ("Origin", "https://shop.example"),
                ("X-TOKENID", "mine"),
                ("X-Forwarded-For", "1.2.3.4"),
                ("Forwarded", "for=1.2.3.4"),
                ("Host", "media.example.com"),
                ("Transfer-Encoding", "chunked"),
                ("Content-Length", "5"),
                ("Expect", "100-continue"),
                ("Upgrade", "h2c"),
                ("TE", "trailers"),
                ("Via", "1.1 cdn"),
            ],
            [],
            id="everything else stays here",
        ),
        pytest.param([("If-None-Match", '"a"\r\nX-Evil: 1')], [], id="line break in a value"),
        pytest.param([("If-None-Match", '"\udce9"')], [], id="octets that are no UTF-8"),
    ],
)
def test_inbound(received: Lines, sent: Lines) -> None:
    """A GET takes to the origin what narrows the answer, and nothing else."""
    assert inbound(CIMultiDict(received), method="GET") == sent


def test_head_takes_no_range() -> None:
    """HEAD ignores Range (14.2) and takes its preconditions along."""
    fields = CIMultiDict({"Range": "bytes=0-4", "If-Range": '"a"', "If-None-Match": '"a"'})
    assert inbound(fields, method="HEAD") == [("If-None-Match", '"a"')]


DESCRIPTION = [
    ("Content-Type", "video/mp4"),
    ("Content-Length", "10"),
    ("Content-Range", "bytes 0-9/20"),
    ("Content-Language", "it"),
    ("ETag", '"v1"'),
    ("Last-Modified", DATE),
    ("Accept-Ranges", "bytes"),
]


@pytest.mark.parametrize(
    ("received", "sent"),
    [
        pytest.param(DESCRIPTION, DESCRIPTION, id="what describes the representation"),
        pytest.param(
            [("etag", '"v1"'), ("CONTENT-TYPE", "image/png")],
            [("Content-Type", "image/png"), ("ETag", '"v1"')],
            id="canonical names in canonical order",
        ),
        pytest.param([("ETag", 'W/"v1"')], [("ETag", 'W/"v1"')], id="weak tag"),
        pytest.param([("ETag", "v1")], [], id="tag without quotes is none"),
        pytest.param([("ETag", '"a"'), ("ETag", '"b"')], [], id="two tags are none"),
        pytest.param([("Last-Modified", "yesterday")], [], id="no date"),
        pytest.param(
            [("Content-Length", "10"), ("Content-Length", "10")],
            [("Content-Length", "10")],
            id="the same length twice",
        ),
        pytest.param([("Content-Length", "10, 11")], [], id="two lengths"),
        pytest.param([("Content-Length", "-1")], [], id="negative length"),
        pytest.param([("Content-Range", "bytes 9-0/20")], [], id="impossible range"),
        pytest.param([("Content-Type", "nonsense")], [], id="no media type"),
        pytest.param([("Content-Type", "a/b; name=caf\xe9")], [], id="media type beyond ASCII"),
        pytest.param([("Accept-Ranges", "none")], [], id="no ranges, so nothing is said"),
        pytest.param(
            [("Content-Encoding", "gzip")],
            [("Content-Encoding", "gzip")],
            id="a coding the origin insists on",
        ),
        pytest.param([("Content-Encoding", "gz;ip")], [], id="no coding"),
        pytest.param([("ETag", '"v1"'), ("Connection", "etag")], [], id="ETag of this hop"),
        pytest.param(
            [
                ("Set-Cookie", "a=b"),
                ("Cache-Control", "no-store"),
                ("Expires", "0"),
                ("Age", "5"),
                ("Date", DATE),
                ("Vary", "*"),
                ("Server", "AmazonS3"),
                ("X-Amz-Request-Id", "1"),
                ("X-ORIGIN-HOST", "ip-10-0-0-1"),
                ("Via", "1.1 abc.cloudfront.net"),
                ("Location", "https://cdn/static/x?dt=exp=1~hmac=2"),
                ("Content-Location", "/static/x"),
                ("Link", "</static/x>; rel=canonical"),
                ("Content-Disposition", "inline"),
                ("Strict-Transport-Security", "max-age=1"),
                ("Access-Control-Allow-Origin", "https://thron"),
                ("Alt-Svc", "h3"),
                ("Transfer-Encoding", "chunked"),
                ("Trailer", "ETag"),
                ("Keep-Alive", "timeout=5"),
                ("Proxy-Connection", "close"),
            ],
            [],
            id="everything else stays here",
        ),
        pytest.param([("ETag", '"a\r\nSet-Cookie: b"')], [], id="line break in a value"),
        pytest.param([("ETag", '"caf\udce9"')], [], id="octets that are no UTF-8"),
    ],
)
def test_outbound(received: Lines, sent: Lines) -> None:
    """A 206 takes to the client what describes the content, and only where it is valid."""
    assert outbound(CIMultiDict(received), status=206) == sent


@pytest.mark.parametrize(
    ("status", "names"),
    [
        pytest.param(200, set(OUTBOUND) - {"Content-Range", "Content-Encoding"}, id="whole"),
        pytest.param(203, set(OUTBOUND) - {"Content-Range", "Content-Encoding"}, id="transformed"),
        pytest.param(206, set(OUTBOUND) - {"Content-Encoding"}, id="partial"),
        pytest.param(304, {"ETag", "Last-Modified"}, id="not modified"),
        pytest.param(416, {"Content-Range"}, id="unsatisfiable"),
        pytest.param(404, set(), id="an error page describes itself"),
        pytest.param(503, set(), id="so does a failure"),
        pytest.param(307, set(), id="and a redirect"),
    ],
)
def test_outbound_by_status(status: int, names: set[str]) -> None:
    """Each status takes along only what it may say."""
    lines = outbound(CIMultiDict(DESCRIPTION), status=status)
    assert {name for name, _ in lines} == names


@pytest.mark.parametrize(
    ("value", "found"),
    [
        pytest.param("text/html", "text/html", id="plain"),
        pytest.param("Text/HTML; charset=UTF-8", "text/html", id="parameters and capitals"),
        pytest.param(" image/svg+xml ;", "image/svg+xml", id="suffix, blanks"),
        pytest.param("text", None, id="no subtype"),
        pytest.param("text/", None, id="empty subtype"),
        pytest.param("text/html, image/png", None, id="two"),
        pytest.param("", None, id="empty"),
        pytest.param(None, None, id="none"),
    ],
)
def test_media_type(value: str | None, found: str | None) -> None:
    """The media type is told without parameters, in lower case (8.3.1)."""
    assert media_type(value) == found


def test_loop_is_seen_in_via() -> None:
    """A message that bears our name has been here before."""
    assert is_loop("1.1 cdn, 2 us, 1.1 lb", "us")
    assert not is_loop("1.1 cdn (us)", "us")
    assert not is_loop("1.1 us, nonsense", "us")  # what cannot be read tells nothing
    assert not is_loop("1.1 us, " + "1.1 cdn, " * 200 + "1.1 lb", "us")  # nor what is far too long
    assert not is_loop(None, "us")


all_names = st.sampled_from([*INBOUND, *OUTBOUND, "Connection", "Cookie", "Set-Cookie", "X-Any"])
field_values = st.one_of(
    st.text(st.characters(), max_size=20),
    st.sampled_from(["bytes=0-4", '"v1"', DATE, "10", "bytes 0-9/10", "etag", "text/html", "gzip"]),
)
sections = st.lists(st.tuples(all_names, field_values), max_size=8).map(CIMultiDict)


@given(fields=sections, method=st.sampled_from(["GET", "HEAD"]))
def test_inbound_is_closed(fields: CIMultiDict[str], method: str) -> None:
    """Whatever comes, each listed field goes at most once, with a value that can be written."""
    lines = inbound(fields, method=method)
    names = [name for name, _ in lines]
    assert len(set(names)) == len(names)
    assert set(names) <= set(INBOUND)
    assert all(is_writable(value) for _, value in lines)
    assert "If-Range" not in names or "Range" in names


@given(fields=sections, status=st.sampled_from([200, 206, 304, 404, 416]))
def test_outbound_is_closed(fields: CIMultiDict[str], status: int) -> None:
    """Whatever an origin says, each listed field goes at most once, with a writable value."""
    lines = outbound(fields, status=status)
    names = [name for name, _ in lines]
    assert len(set(names)) == len(names)
    assert set(names) <= set(OUTBOUND)
    assert all(is_writable(value) for _, value in lines)
    assert outbound(CIMultiDict(lines), status=status) == lines
