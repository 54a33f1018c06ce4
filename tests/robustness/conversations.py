"""Whatever a stranger may send on one connection, as hypothesis strategies."""

import re

from hypothesis import strategies as st

CRLF = b"\r\n"

_line_ends = st.sampled_from([CRLF] * 20 + [b"\n", b"\r", b"\r\r\n", b"\r\n "])
_noise = st.binary(max_size=40)

_methods = st.one_of(
    st.sampled_from(
        [
            b"GET",
            b"HEAD",
            b"OPTIONS",
            b"POST",
            b"PUT",
            b"DELETE",
            b"PROPFIND",
            b"TRACE",
            b"CONNECT",
            b"BREW",
            b"get",
            b"",
            b"GET GET",
            b"\xe9",
            b"PRI",
            b"A" * 200,
        ]
    ),
    _noise,
)

_segments = st.one_of(
    st.sampled_from(
        [
            b"files",
            b"media",
            b"products",
            b"EN",
            b"-",
            b"livez",
            b"..",
            b".",
            b"",
            b"%2e%2e",
            b"%2F",
            b"%00",
            b"%",
            b"%zz",
            b"%ff%fe",
            b"\xff\xfe",
            b"caf\xc3\xa9",
            b"\x00",
            b";a=b",
            b"~" * 500,
            b"%41" * 3000,
            b"robots.txt",
            b"strada-sl-film",
            b"VA-1001-FILM",
            b"*",
            b"\\",
            b"<script>",
            b"{}",
            b"[::1]",
            b"a b",
            b"\x7f",
            b"#",
            b"@",
            b":",
        ]
    ),
    _noise,
)
_queries = st.sampled_from(
    [b""] * 5 + [b"?download", b"?inline", b"?", b"?" + b"q" * 9000, b"?%0d"]
)
_paths = st.builds(
    lambda segments, query: b"/" + b"/".join(segments) + query,
    st.lists(_segments, max_size=5),
    _queries,
)


def _targets(known: list[bytes]) -> st.SearchStrategy[bytes]:
    hosts = st.sampled_from(
        [
            b"a",
            b"",
            b"[::1",
            b"[::1]",
            b"a:99999",
            b"a:b",
            b"u:p@a",
            b"xn--",
            b"xn--a-ecp.ru",
            b"\xff",
            b"a" * 300,
            b"127.0.0.1",
            b"[fe80::1%25lo]",
            b"..",
            b"a..b",
            b"%00",
        ]
    )
    schemes = st.sampled_from([b"http://", b"HTTPS://", b"ftp://", b"//", b"http:", b"://"])
    absolute = st.builds(lambda s, h, p: s + h + p, schemes, hosts, _paths)
    others = st.sampled_from([b"*", b"", b"a:443", b"x", b"?x", b"http:", b"/" + b"a" * 9000])
    return st.one_of(st.sampled_from(known), _paths, absolute, others, _noise)


_ranges = st.one_of(
    st.sampled_from(
        [
            b"bytes=0-0",
            b"bytes=-1",
            b"bytes=-0",
            b"bytes=0-",
            b"bytes=5-2",
            b"bytes=",
            b"items=0-1",
            b"bytes=0-0,2-2",
            b"bytes=" + b"0-0," * 1000,
            b"bytes=%d-" % 10**30,
            b"bytes=-%d" % 10**40,
            b"bytes=99999999-",
            b"bytes = 0-1",
            b"BYTES=0-1",
            b"bytes=0-0\xb2",
            b"bytes=0--1",
        ]
    ),
    _noise,
)
_validators = st.one_of(
    st.sampled_from(
        [
            b'"a"',
            b'W/"a"',
            b"*",
            b'"',
            b'"a", "b"',
            b"a",
            b'"\xff"',
            b"Sun, 06 Nov 1994 08:49:37 GMT",
            b"Sun, 06 Nov 99999 08:49:37 GMT",
            b"0",
            b"",
            b'"' + b"e" * 5000 + b'"',
            b'W/W/"a"',
        ]
    ),
    _noise,
)
_forwarded = st.one_of(
    st.sampled_from(
        [
            b"for=1.2.3.4;proto=https;host=a",
            b'for="[::1]:80"',
            b"for=_x, for=unknown",
            b'for="\\"',
            b"proto=https;" * 600,
            b";;,,==",
            b"https",
            b"1.2.3.4, ::1",
            b"a.example:80",
            b'for="',
        ]
    ),
    _noise,
)
_lengths = st.sampled_from(
    [b"0", b"5", b"-1", b"+5", b"5, 5", b"5, 6", b"0x5", b" 5", b"5 5", b"9" * 30, b"", b"\xb2"]
)
_codings = st.sampled_from(
    [
        b"chunked",
        b"Chunked",
        b"gzip, chunked",
        b"chunked, gzip",
        b"identity",
        b"x",
        b"\x0bchunked",
        b"chunked, chunked",
        b"",
        b" chunked",
    ]
)
_hosts = st.sampled_from(
    [
        b"a",
        b"127.0.0.1:80",
        b"",
        b"a b",
        b"a,b",
        b"[::1]:9",
        b"[::1",
        b"a:99999",
        b"\xff",
        b"a" * 5000,
        b"xn--",
        b"user@a",
        b"a/b",
        b"..",
        b"a\tb",
    ]
)
_connections = st.sampled_from(
    [b"close", b"keep-alive", b"upgrade", b"close, keep-alive", b"Range, Host", b"\xff", b","]
)


def _named(name: bytes, values: st.SearchStrategy[bytes]) -> st.SearchStrategy[tuple[bytes, bytes]]:
    return st.tuples(st.just(name), values)


_fields = st.one_of(
    _named(b"Host", _hosts),
    _named(b"Range", _ranges),
    _named(b"If-Range", _validators),
    _named(b"If-Match", _validators),
    _named(b"If-None-Match", _validators),
    _named(b"If-Modified-Since", _validators),
    _named(b"If-Unmodified-Since", _validators),
    _named(b"Forwarded", _forwarded),
    _named(b"X-Forwarded-For", _forwarded),
    _named(b"X-Forwarded-Proto", _forwarded),
    _named(b"X-Forwarded-Host", _hosts),
    _named(b"Content-Length", _lengths),
    _named(b"Transfer-Encoding", _codings),
    _named(b"Content-Encoding", st.sampled_from([b"gzip", b"br", b"deflate", b"x"])),
    _named(b"Connection", _connections),
    _named(b"Upgrade", st.sampled_from([b"websocket", b"h2c", b"\xff"])),
    _named(b"Expect", st.sampled_from([b"100-continue", b"200-ok", b""])),
    _named(b"Content-Type", st.sampled_from([b"multipart/form-data", b"text/html; charset=\xff"])),
    _named(b"Origin", st.sampled_from([b"null", b"https://a.example", b"\r"])),
    _named(b"Access-Control-Request-Method", st.sampled_from([b"GET", b"\xff", b"DELETE"])),
    _named(b"Cookie", st.sampled_from([b"a=b", b"\xff=\xff", b";" * 100])),
    _named(b"Accept-Encoding", st.sampled_from([b"gzip", b"*;q=0"])),
    _named(b"X-Huge", st.sampled_from([b"a" * 8000, b"a" * 70_000])),
    st.tuples(_noise, _noise),
)


@st.composite
def _requests(draw: st.DrawFn, known: list[bytes]) -> bytes:
    version = draw(
        st.sampled_from([b"HTTP/1.1"] * 12 + [b"HTTP/1.0", b"HTTP/2.0", b"HTTP/0.9", b"", b"HTTP"])
    )
    lines = [b" ".join([draw(_methods), draw(_targets(known)), version])]
    if draw(st.integers(0, 5)):
        lines.append(b"Host: a")
    separators = st.sampled_from([b": "] * 15 + [b":", b" : ", b"", b":\x00", b":\t"])
    lines += [
        name + draw(separators) + value for name, value in draw(st.lists(_fields, max_size=6))
    ]
    if not draw(st.integers(0, 30)):
        lines += [b"X-%d: y" % number for number in range(150)]
    head = b"".join(line + draw(_line_ends) for line in lines) + draw(_line_ends)
    content = st.sampled_from(
        [b"", b"", b"hello", b"5\r\nhello\r\n0\r\n\r\n", b"0\r\n\r\n", b"zz\r\n"]
    )
    return head + draw(content)


_conditions = st.one_of(
    _named(b"Range", _ranges),
    _named(b"If-Range", _validators),
    _named(b"If-Match", _validators),
    _named(b"If-None-Match", _validators),
)


@st.composite
def _sound_requests(draw: st.DrawFn, known: list[bytes]) -> bytes:
    """Ask for something that is there, with fields that are lines at least."""
    method = draw(st.sampled_from([b"GET", b"HEAD"]))
    fields = [(b"Host", b"a"), *draw(st.lists(_conditions, max_size=2))]
    lines = [b"%s: %s" % (name, re.sub(rb"[\x00-\x1f\x7f]", b"", value)) for name, value in fields]
    return b"%s %s HTTP/1.1\r\n%s\r\n\r\n" % (
        method,
        draw(st.sampled_from(known)),
        CRLF.join(lines),
    )


def conversations(known: list[bytes]) -> st.SearchStrategy[bytes]:
    """Return what is sent on one connection: requests one after the other, or anything at all.

    Args:
        known: Request targets that do address something.
    """
    requests = st.one_of(_sound_requests(known), _sound_requests(known), _requests(known))
    pipelined = st.lists(requests, min_size=1, max_size=4).map(b"".join)
    return st.one_of(pipelined, pipelined, pipelined, st.binary(max_size=300))
