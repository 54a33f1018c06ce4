"""What is asked, in this order: an answer may depend on what was asked before it."""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from proxy.sandbox.faults import Fault, Kind
from tests.recorded.exchange import Request
from tests.recorded.library import ABROAD, AILING, DRAWING, EMPTY, PAGE, QUOTED, UNHEARD
from tests.sandbox.small import (
    DRAFT,
    FILM,
    FOREIGN,
    LINK,
    MANUAL,
    MANUALS,
    PAGELET,
    PDF,
    PHOTO,
    PLAYLIST,
    ROOT,
    SONG,
)

_ID = {"folder": ROOT, "identifier": "content_id"}
CONNECTORS: tuple[Mapping[str, Any], ...] = (
    {**_ID, "slug": "files"},
    {**_ID, "slug": "media", "identifier": "pretty_id", "disposition": "inline"},
    {**_ID, "slug": "products", "identifier": "metadata", "metadata": "sku"},
    {**_ID, "slug": "web", "delivery": "published", "max_age_s": 60, "robots": "noindex"},
    {**_ID, "slug": "secure", "force_https": True},
    {**_ID, "slug": "own", "host": "downloads.example", "disposition": "inline"},
    {**_ID, "slug": "images", "content_types": ["image"], "subfolders": False},
    {**_ID, "slug": "off", "enabled": False},
)

_IDS = (
    *(MANUAL, PHOTO, FILM, DRAFT, FOREIGN, LINK, PLAYLIST, PAGELET, SONG),
    *(PAGE, DRAWING, EMPTY, ABROAD, QUOTED, UNHEARD),
)
_MANUAL = f"/files/{MANUAL}"
_BEFORE = "Mon, 01 Jan 2024 00:00:00 GMT"
_ETAG = PDF.etag
_MODIFIED = "Mon, 01 Jan 2024 08:00:00 GMT"
_AFTER = "Mon, 01 Jan 2035 00:00:00 GMT"


def _each(line: str, field: str, *values: str) -> Iterable[Request]:
    return (Request(line, (f"{field}: {value}",)) for value in values)


PUBLIC: tuple[Request, ...] = (
    # Every content, by each identifier, for the first time.
    *(Request(f"GET /files/{each}") for each in _IDS),
    *(Request(f"GET /web/{each}") for each in _IDS),
    *(
        Request(f"GET /media/{path}")
        for path in (
            "en/owner-manual",
            "it/Manuale_Utente",
            "it/manuale_utente",
            "EN/owner-manual",
            "de_at/page-de",
            "de/page-de",
            "fr/owner-manual",
            "en/no-such",
            "en",
            "en/",
            "english/owner-manual",
        )
    ),
    *(
        Request(f"GET /products/{path}")
        for path in ("AB-12", "ab-12", "page%2F1%20%25", "Gr%C3%B6%C3%9Fe%207", "none", "Q/")
    ),
    *(
        Request(f"GET {path}")
        for path in (
            f"/secure/{MANUAL}",
            f"/images/{PHOTO}",
            f"/images/{FILM}",
            f"/off/{MANUAL}",
            f"/own/{MANUAL}",
        )
    ),
    Request(f"GET /{MANUAL}", host="downloads.example"),
    Request(f"GET /{MANUAL}/name.pdf?download", host="Downloads.Example.:8443"),
    Request(f"GET /files/{MANUAL}", host="downloads.example"),
    Request(f"GET http://downloads.example/{MANUAL}"),
    # Methods.
    *(
        Request(f"{method} {_MANUAL}")
        for method in (
            *("HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND", "get"),
        )
    ),
    Request("OPTIONS *"),
    Request("OPTIONS /none/at/all"),
    Request(
        f"OPTIONS {_MANUAL}",
        (
            "Origin: https://shop.example",
            "Access-Control-Request-Method: GET",
            "Access-Control-Request-Headers: range",
        ),
    ),
    Request(f"GET {_MANUAL}", ("Origin: https://shop.example",)),
    Request(f"GET {_MANUAL}", version="HTTP/1.0"),
    Request(f"GET {_MANUAL}", version="HTTP/2.0"),
    *(Request(f"HEAD /files/{each}") for each in _IDS),
    *(Request(f"HEAD /web/{each}") for each in (MANUAL, PHOTO, FILM, DRAFT)),
    # Ranges: the manual has 11,200 octets.
    *_each(
        f"GET {_MANUAL}",
        "Range",
        *("bytes=0-9", "bytes=0-0", "bytes=11199-", "bytes=-5", "bytes=-99999", "bytes=5-99999"),
        *("bytes=11200-", "bytes=99999-", "bytes=-0", "bytes=9-0", "bytes=", "bytes=a-b"),
        *("bytes=0-4,10-14", "bytes=0-4,2-9", "bytes= 0 - 4", "bytes=0-4 , 6-7", "lines=0-4"),
        *("Bytes=0-4", "bytes=0-", "bytes=00000000000000000000000000000000000001-4"),
        ",".join(["bytes=0-1", *(f"{n}-{n + 1}" for n in range(10, 900, 10))]),
    ),
    *_each(f"HEAD {_MANUAL}", "Range", "bytes=0-9", "bytes=99999-"),
    *_each(f"GET /files/{EMPTY}", "Range", "bytes=0-", "bytes=-1"),
    *_each(f"GET /web/{FILM}", "Range", "bytes=0-9", "bytes=-9", "bytes=9999999-"),
    *(
        Request(f"GET {_MANUAL}", ("Range: bytes=0-9", f"If-Range: {value}"))
        for value in (_ETAG, f"W/{_ETAG}", '"other"', _MODIFIED, _AFTER, _BEFORE, "nonsense")
    ),
    # Conditions.
    *_each(
        f"GET {_MANUAL}", "If-None-Match", _ETAG, f"W/{_ETAG}", "*", f'"other", {_ETAG}', '"other"'
    ),
    *_each(f"GET {_MANUAL}", "If-Match", _ETAG, f"W/{_ETAG}", "*", f'"other", {_ETAG}', '"other"'),
    *_each(f"GET {_MANUAL}", "If-Modified-Since", _MODIFIED, _BEFORE, _AFTER, "nonsense"),
    *_each(f"GET {_MANUAL}", "If-Unmodified-Since", _MODIFIED, _BEFORE, _AFTER, "nonsense"),
    *_each(f"HEAD {_MANUAL}", "If-None-Match", _ETAG, '"other"'),
    *_each(f"HEAD {_MANUAL}", "If-Match", _ETAG, '"other"'),
    Request(f"GET {_MANUAL}", (f"If-None-Match: {_ETAG}", "Range: bytes=0-9")),
    Request(f"GET {_MANUAL}", (f"If-Match: {_ETAG}", "Range: bytes=0-9")),
    Request(f"GET {_MANUAL}", ('If-None-Match: "other"', f"If-Modified-Since: {_MODIFIED}")),
    Request(f"GET {_MANUAL}", (f"If-Match: {_ETAG}", f"If-Unmodified-Since: {_BEFORE}")),
    # File names and dispositions.
    *(
        Request(f"GET {_MANUAL}{end}")
        for end in (
            "/name.pdf",
            "/Gr%C3%B6%C3%9Fe%20%E2%82%AC.pdf",
            "/a%2Fb%5Cc.pdf",
            "/a%22b%3Bc.pdf",
            "/..%2f",
            "/.",
            "/%00",
            "/CON.pdf",
            "/" + "n" * 300 + ".pdf",
            "/name.pdf/more",
            "/",
            "?inline",
            "?download",
            "?inline&download",
            "?x=1&inline=0",
            "?q=%zz",
            "/name.pdf?inline",
        )
    ),
    Request("GET /media/en/owner-manual?download"),
    Request(f"GET /files/{PAGE}?inline"),
    Request(f"GET /files/{DRAWING}?inline"),
    Request(f"GET /files/{UNHEARD}?inline"),
    # Odd paths.
    *(
        Request(f"GET {path}")
        for path in (
            "/",
            "//",
            "/files",
            "/files/",
            "/Files/" + MANUAL,
            "/files//" + MANUAL,
            "/files/../files/" + MANUAL,
            "/files/%2e%2e/" + MANUAL,
            "/files/" + MANUAL.upper(),
            "/files/" + MANUAL.replace("-", "%2D"),
            "/files/" + "x" * 400,
            "/files/" + "x/" * 50,
            "/files/%",
            "/files/%zz",
            "/files/%ff",
            "/files/\udcc3\udca4",
            "/files/a%0d%0aX:1",
            "/-/livez",
            "/-/readyz",
            "/-/other",
            "/livez",
            "/metrics",
            "/robots.txt",
            "/favicon.ico",
            "/.well-known/acme-challenge/x",
            "/none/" + MANUAL,
            "*",
            "none",
            "http://",
            "/" + "p" * 9000,
        )
    ),
    Request("HEAD /-/livez"),
    Request("POST /-/livez"),
    Request(f"GET {_MANUAL}#part"),
    # Hosts, proxies and https.
    *(Request(f"GET {_MANUAL}", host=host) for host in ("", "a b", "x.example", "[::1]:80")),
    Request(f"GET {_MANUAL}", ("Host: second.example",)),
    Request(f"HEAD /secure/{MANUAL}", host="dl.example"),
    Request(f"GET /secure/{MANUAL}/a%20b.pdf?inline", host="dl.example:8080"),
    Request(f"POST /secure/{MANUAL}", host="dl.example"),
    Request("GET /secure/none", host="dl.example"),
    *(
        Request(f"GET /secure/{MANUAL}", fields, host="inner.example", source=source)
        for fields in (
            ("X-Forwarded-Proto: https", "X-Forwarded-Host: dl.example"),
            ("X-Forwarded-Proto: http", "X-Forwarded-Host: dl.example"),
            ("X-Forwarded-Host: dl.example",),
            ("X-Forwarded-Proto: https, http",),
        )
        for source in ("127.0.0.1", "127.0.0.9")
    ),
    Request(
        f"GET /{MANUAL}",
        ("X-Forwarded-Host: downloads.example", "X-Forwarded-Proto: https"),
        host="inner.example",
        source="127.0.0.1",
    ),
    # Fields that are passed, or not.
    Request(f"GET {_MANUAL}", ("Accept-Encoding: gzip, br", "Accept: text/html")),
    Request(f"GET {_MANUAL}", ("Cookie: a=b", "Authorization: Basic eDp5", "Referer: x")),
    Request(f"GET {_MANUAL}", ("Cache-Control: no-cache", "Pragma: no-cache")),
    Request(f"GET {_MANUAL}", ("X-Request-ID: mine-1", "TE: trailers", "Upgrade: h2c")),
    Request(f"GET {_MANUAL}", ("Expect: 100-continue",)),
    Request(f"GET {_MANUAL}", ("Transfer-Encoding: chunked", "Content-Length: 3"), body=""),
    Request(f"GET {_MANUAL}", body="a body"),
    Request(f"GET {_MANUAL}", ("Broken field",)),
    Request(f"GET {_MANUAL}", ("X: " + "x" * 20_000,)),
    Request(f"GET {_MANUAL}", tuple(f"X-{n}: x" for n in range(200))),
)


def _failing(kind: Kind, where: Any, **more: Any) -> Fault:
    return Fault(kind, where, times=None, **more)


_AILING = iter(AILING)


def _ailing(fault: Fault, *fields: str, connector: str = "web") -> tuple[Fault, Request]:
    return fault, Request(f"GET /{connector}/{next(_AILING)}", fields)


# What clients are answered while THRON or its CDN fails.
FAILING: tuple[tuple[Fault, Request], ...] = (
    _ailing(_failing(Kind.STATUS, "static", status=404)),
    _ailing(_failing(Kind.STATUS, "static", status=403)),
    _ailing(_failing(Kind.HTML, "static")),
    _ailing(_failing(Kind.HTML, "source"), connector="files"),
    _ailing(_failing(Kind.STATUS, "source", status=404), connector="files"),
    _ailing(_failing(Kind.ENVELOPE, "source"), connector="files"),
    _ailing(_failing(Kind.REDIRECT_LOOP, "static")),
    _ailing(_failing(Kind.REDIRECT_TO, "delivery", location="https://elsewhere.example/x")),
    _ailing(_failing(Kind.NO_VALIDATOR, "static"), "Range: bytes=1-3"),
    _ailing(_failing(Kind.NO_VALIDATOR, "static")),
    _ailing(_failing(Kind.WEAK_VALIDATOR, "static")),
    _ailing(_failing(Kind.NO_LENGTH, "static")),
    _ailing(_failing(Kind.NO_LENGTH, "source"), connector="files"),
    _ailing(_failing(Kind.RANGE_IGNORED, "static"), "Range: bytes=1-3"),
    _ailing(_failing(Kind.RANGE_SHIFTED, "static"), "Range: bytes=1-3"),
    _ailing(_failing(Kind.CODED, "static")),
    _ailing(_failing(Kind.CODED, "static"), "Accept-Encoding: gzip"),
    _ailing(_failing(Kind.MEDIA_TYPE, "static", media_type="application/pdf")),
    _ailing(Fault(Kind.TRUNCATED, "static", 1, at=100)),
    _ailing(Fault(Kind.STATUS, "static", 1, status=503)),
    _ailing(_failing(Kind.STATUS, "static", status=503, retry_after="7")),
    _ailing(_failing(Kind.BUSY, "api", retry_after="2")),
    _ailing(_failing(Kind.STATUS, "api", status=500)),
    _ailing(_failing(Kind.GARBAGE, "static")),
)


def _json(line: str, content: Any) -> Request:
    return Request(
        line,
        ("Authorization: Bearer <token>", "Content-Type: application/json"),
        body=orjson.dumps(content).decode(),
    )


def _get(*paths: str) -> Iterable[Request]:
    return (Request(f"GET {path}", ("Authorization: Bearer <token>",)) for path in paths)


# What sets the connectors up.
MADE = tuple(
    _json("POST /api/connectors", {"connector": each, "confirmed_contents": 100})
    for each in CONNECTORS
)

_URLS = "/api/connectors/media/urls"
_NO_SUCH = "b0000000-0000-4000-8000-00000000dead"

API: tuple[Request, ...] = (
    *_get(
        "/api/connectors",
        *(f"/api/connectors/{each['slug']}" for each in CONNECTORS),
        "/api/connectors/none",
        "/api/connectors/media/toml",
        "/api/connectors/products/toml",
        "/api/connectors/none/toml",
        *(f"/api/connectors/{each['slug']}/urls" for each in CONNECTORS),
        *(f"/api/connectors/{slug}/urls/count" for slug in ("files", "media", "products", "none")),
        f"{_URLS}?q=manual",
        f"{_URLS}?q=manual&names=true",
        f"{_URLS}?type=OTHER&type=VIDEO",
        f"{_URLS}?language=it",
        f"{_URLS}?language=-",
        f"{_URLS}?status=collides",
        f"{_URLS}?sort=updated&order=desc&size=3",
        f"{_URLS}?sort=updated&order=desc&size=3&page=2",
        *(f"{_URLS}?sort={sort}&size=2" for sort in ("title", "type", "language", "identifier")),
        f"{_URLS}?page=999",
        f"{_URLS}?page=0",
        f"{_URLS}?size=501",
        f"{_URLS}?unknown=1",
        f"{_URLS}?sort=none",
        *(
            f"/api/connectors/{slug}/urls/export?format={form}"
            for slug in ("files", "media", "products", "web")
            for form in ("csv", "json", "txt")
        ),
        f"{_URLS}/export?format=csv&bom=true&names=true",
        f"{_URLS}/export?format=csv&q=manual",
        f"{_URLS}/export?format=xml",
        f"{_URLS}/export",
        "/api/connectors/products/collisions",
        "/api/connectors/media/collisions",
        *(
            f"/api/connectors/media/contents/{each}{more}"
            for each in (MANUAL, DRAFT, _NO_SUCH)
            for more in ("", "/snippets", "/explanation")
        ),
        f"/api/connectors/media/contents/{MANUAL}/snippets?names=true",
        "/api/connectors/media/link-check",
        "/api/connectors/media/link-check/urls",
        "/api/connectors/none/link-check",
        "/api/folders",
        "/api/folders?search=manual",
        f"/api/folders?below={MANUALS}",
        "/api/folders?below=none",
        "/api/metadata-definitions",
        "/api/metadata-definitions?language=it",
        f"/api/survey?folder={ROOT}",
        f"/api/survey?folder={MANUALS}&content_types=document",
        "/api/survey?folder=none",
        "/api/survey",
        "/api/connection",
        "/api/tokens",
        "/api/sessions",
        "/api/none",
        "/api",
    ),
    _json("POST /api/connection/test", {}),
    _json("PUT /api/connection", {"client_id": "x", "app_id": "y", "app_key": "z"}),
    # What is refused.
    Request("GET /api/connectors"),
    Request("GET /api/connectors", ("Authorization: Bearer wrong",)),
    Request("GET /api/connectors", ("Authorization: Basic eDp5",)),
    Request("POST /api/connectors", ("Authorization: Bearer <reader>",)),
    Request("GET /api/connectors", ("Authorization: Bearer <reader>",)),
    Request("GET /api/connectors", host="console.example"),
    Request("DELETE /api/connectors", ("Authorization: Bearer <token>",)),
    Request("POST /api/connectors", ("Authorization: Bearer <token>",), body="{}"),
    Request(
        "POST /api/connectors",
        ("Authorization: Bearer <token>", "Content-Type: application/json"),
        body="{",
    ),
    _json("POST /api/connectors", {}),
    _json("POST /api/connectors", {"connector": {"slug": "Bad Slug", "folder": "", "x": 1}}),
    _json("POST /api/connectors", {"connector": {**_ID, "slug": "files"}}),
    _json("POST /api/connectors", {"connector": {**_ID, "slug": "new"}}),
    _json("POST /api/connectors", {"connector": {**_ID, "slug": "new", "folder": "none"}}),
    _json("POST /api/connectors", {"connector": {**_ID, "slug": "x", "host": "downloads.example"}}),
    _json(
        "POST /api/connectors",
        {"connector": {**_ID, "slug": "new", "identifier": "metadata", "metadata": "none"}},
    ),
    _json("POST /api/connectors/plan", {"connector": {**_ID, "slug": "new"}}),
    _json("POST /api/connectors/plan", {"connector": {**CONNECTORS[1], "max_age_s": 5}}),
    _json(
        "POST /api/connectors/plan",
        {"connector": {**CONNECTORS[1], "content_types": ["image", "video"]}},
    ),
    _json("PUT /api/connectors/media", {"connector": {**CONNECTORS[1], "slug": "other"}}),
    _json(
        "PUT /api/connectors/media", {"connector": {**CONNECTORS[1], "identifier": "content_id"}}
    ),
    _json("PUT /api/connectors/none", {"connector": CONNECTORS[1]}),
    _json("PUT /api/connectors/off", {"connector": {**CONNECTORS[7], "robots": "none"}}),
    Request("DELETE /api/connectors/none", ("Authorization: Bearer <token>",)),
    Request("DELETE /api/connectors/media", ("Authorization: Bearer <token>",)),
    Request("DELETE /api/connectors/off", ("Authorization: Bearer <token>",)),
    _json("POST /api/purge", {"by": "all"}),
    _json("POST /api/purge", {"by": "content", "value": MANUAL}),
    _json("POST /api/purge", {"by": "connector", "value": "media"}),
    _json("POST /api/purge", {"by": "connector", "value": "none"}),
    _json("POST /api/purge", {"by": "url", "value": "/media/en/owner-manual"}),
    _json("POST /api/purge", {"by": "url", "value": "nonsense"}),
    _json("POST /api/purge", {"by": "moon"}),
    Request(
        f"POST /api/connectors/media/contents/{MANUAL}/forget", ("Authorization: Bearer <token>",)
    ),
    Request(
        f"POST /api/connectors/media/contents/{_NO_SUCH}/forget",
        ("Authorization: Bearer <token>",),
    ),
    _json("POST /api/tokens", {"name": "third", "can_change": False}),
    Request("DELETE /api/tokens/99", ("Authorization: Bearer <token>",)),
    Request("DELETE /api/sessions", ("Authorization: Bearer <reader>",)),
    *_get("/api/audit", "/api/audit?page=0"),
    # Probes; the metrics are recorded by name.
    *(Request(f"GET {path}") for path in ("/livez", "/readyz", "/-/livez", "/none")),
    Request("POST /livez"),
    Request("HEAD /readyz"),
)

# Pages of the console: their status and fields, and where they lead; their words are translated.
PAGES = (
    *(
        Request(f"{method} {path}", (f"Cookie: {cookie}",) if cookie else ())
        for method in ("GET",)
        for cookie in ("", "<session>")
        for path in (
            "/",
            "/login",
            "/set-up",
            "/connectors",
            "/connectors.toml",
            "/connectors/new",
            "/connectors/new/types",
            "/connectors/new/nothing",
            "/connectors/media",
            "/connectors/none",
            "/connectors/media/edit",
            "/connectors/media/disable",
            "/connectors/media/remove",
            "/connectors/media/export",
            "/connectors/media/links",
            f"/connectors/media/contents/{MANUAL}",
            f"/connectors/media/contents/{MANUAL}/thumbnail",
            f"/connectors/media/contents/{MANUAL}/qr.svg",
            f"/connectors/media/contents/{MANUAL}/qr.png",
            "/connection",
            "/purge",
            "/audit",
            "/access",
            "/api",
            "/none",
            "/favicon.ico",
        )
    ),
    *(
        Request(f"POST {path}", ("Cookie: <session>",), body="a=b")
        for path in ("/purge", "/connectors/media/edit", "/access/tokens", "/logout", "/livez")
    ),
    Request("POST /login", ("Content-Type: application/x-www-form-urlencoded",), body="password=x"),
)
