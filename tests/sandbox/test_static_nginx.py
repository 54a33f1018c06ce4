"""Our static answers beside those of a real nginx, request by request."""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import product
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from proxy.sandbox.blob import FileBlob, rule_bytes
from proxy.sandbox.static import respond

NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
MODIFIED = datetime(2024, 3, 20, 9, 0, 0, tzinfo=UTC)
FILES = {"empty.bin": 0, "ten.bin": 10, "long.bin": 200_001}

# if_modified_since: nginx's default is exact equality, kept for clients of the nineties.
CONFIG = """
daemon off; master_process off; pid {at}/nginx.pid; error_log {at}/error.log;
events {{ worker_connections 64; }}
http {{
    access_log off; default_type application/octet-stream; if_modified_since before;
    client_body_temp_path {at}/1; proxy_temp_path {at}/2; fastcgi_temp_path {at}/3;
    uwsgi_temp_path {at}/4; scgi_temp_path {at}/5;
    server {{ listen unix:{door}; root {at}/files; }}
}}
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request; `{etag}` in a field stands for the entity-tag of the server that is asked."""

    path: str
    method: str
    fields: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        fields = " ".join(f"{name}:{value}" for name, value in self.fields)
        return f"{self.method} {self.path} {fields}".replace("::", ":")


@dataclass(frozen=True, slots=True)
class Answered:
    """What is compared: entity-tags and boundaries are each server's own."""

    status: int
    content_length: str | None
    content_range: str | None
    last_modified: str | None
    body: bytes


def at(**delta: float) -> str:
    return format_datetime(MODIFIED + timedelta(**delta), usegmt=True)


RANGES = (
    "bytes=0-0",
    "bytes=0-4",
    "bytes=0-9",
    "bytes=0-",
    "bytes=3-",
    "bytes=9-",
    "bytes=9-9",
    "bytes=9-200000",
    "bytes=10-",
    "bytes=10-20",
    "bytes=0-99999999999",
    "bytes=-1",
    "bytes=-5",
    "bytes=-10",
    "bytes=-15",
    "bytes=-0",
    "bytes=65535-65536",
    "bytes=100000-199999",
    "bytes=200000-",
    "bytes=200001-",
    "bytes=0-1,4-5",
    "bytes=4-5,0-1",
    "bytes=0-1, 4-5",
    "bytes=0-0,-1",
    "bytes=0-1,500000-",
    "bytes=500000-,600000-",
    "bytes=0-9,0-9,0-9",
    "bytes=-0,0-1",
    "octets=0-4",
    "items=0-4",
    "0-4",
    "bytes=",
)
CONDITIONS: tuple[tuple[tuple[str, str], ...], ...] = (
    (("If-None-Match", "{etag}"),),
    (("If-None-Match", "W/{etag}"),),
    (("If-None-Match", '"other"'),),
    (("If-None-Match", '"other", {etag}'),),
    (("If-None-Match", '"a","b"'),),
    (("If-None-Match", "*"),),
    (("If-Match", "{etag}"),),
    (("If-Match", "W/{etag}"),),
    (("If-Match", '"other"'),),
    (("If-Match", '"other", {etag}'),),
    (("If-Match", "*"),),
    (("If-Modified-Since", at()),),
    (("If-Modified-Since", at(seconds=-1)),),
    (("If-Modified-Since", at(days=1)),),
    (("If-Modified-Since", "yesterday"),),
    (("If-Modified-Since", "Wednesday, 20-Mar-24 09:00:00 GMT"),),
    (("If-Modified-Since", "Wed Mar 20 09:00:00 2024"),),
    (("If-Unmodified-Since", at()),),
    (("If-Unmodified-Since", at(seconds=-1)),),
    (("If-Unmodified-Since", at(days=1)),),
    (("If-Match", "{etag}"), ("If-None-Match", "{etag}")),
    (("If-Match", '"other"'), ("If-None-Match", "{etag}")),
    (("If-Match", "{etag}"), ("If-None-Match", '"other"')),
    (("If-None-Match", "{etag}"), ("If-Modified-Since", at())),
    (("If-None-Match", '"other"'), ("If-Modified-Since", at(days=-1))),
    (("Range", "bytes=0-4"), ("If-None-Match", "{etag}")),
    (("Range", "bytes=0-4"), ("If-None-Match", '"other"')),
    (("Range", "bytes=0-4"), ("If-Match", '"other"')),
    (("Range", "bytes=0-4"), ("If-Match", "{etag}")),
    (("Range", "bytes=0-4"), ("If-Modified-Since", at())),
    (("Range", "bytes=0-4"), ("If-Unmodified-Since", at(seconds=-1))),
    (("Range", "bytes=500000-"), ("If-None-Match", "{etag}")),
)
IF_RANGES = (
    "{etag}",
    '"other"',
    "W/{etag}",
    at(),
    at(days=1),
    at(days=-1),
    "yesterday",
)
# Where nginx is not the measure: our status, and the section of RFC 9110 that says why.
DEPARTURES: dict[tuple[tuple[str, str], ...], tuple[int, str]] = {
    (("Range", "bytes=5-3"),): (200, "14.1.1: last-pos below first-pos is invalid; 14.2: ignored"),
    (("Range", "bytes=abc"),): (200, "14.2: an invalid specifier may be ignored, as S3 does"),
    (("Range", "bytes=1"),): (200, "14.2: the same"),
    (("Range", "bytes=--5"),): (200, "14.2: the same"),
    (("If-Unmodified-Since", "yesterday"),): (200, "13.1.4: what is no HTTP-date is ignored"),
    (("If-None-Match", "{etag}"), ("If-Modified-Since", at(days=-1))): (
        304,
        "13.1.3: If-Modified-Since is ignored beside If-None-Match",
    ),
    (("If-Match", "{etag}"), ("If-Unmodified-Since", at(days=-1))): (
        200,
        "13.1.4: If-Unmodified-Since is ignored beside If-Match",
    ),
}
# Of no octets, nginx sends 200 for a range from 0: 14.1.2 says that a first-pos not below the
# length is not satisfiable, nor is a suffix of 0.
EMPTY_DEPARTURES = (
    "bytes=0-0",
    "bytes=0-4",
    "bytes=0-9",
    "bytes=0-",
    "bytes=0-99999999999",
    "bytes=-0",
    "bytes=0-1,4-5",
    "bytes=4-5,0-1",
    "bytes=0-1, 4-5",
    "bytes=0-1,500000-",
    "bytes=0-9,0-9,0-9",
    "bytes=-0,0-1",
)

ASKED = [
    *(
        Asked(path, "GET", (("Range", value),))
        for path, value in product(FILES, RANGES)
        if path != "empty.bin" or value not in EMPTY_DEPARTURES
    ),
    *(
        Asked(path, method, fields)
        for path, method, fields in product(("ten.bin", "long.bin"), ("GET", "HEAD"), CONDITIONS)
        if method == "GET" or "Range" not in dict(fields)
    ),
    *(
        Asked(path, "GET", (("Range", "bytes=2-5"), ("If-Range", value)))
        for path, value in product(("ten.bin", "long.bin"), IF_RANGES)
    ),
    *(Asked(path, method, ()) for path, method in product(FILES, ("GET", "HEAD"))),
]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("nginx")
    (home / "files").mkdir()
    for name, length in FILES.items():
        file = home / "files" / name
        file.write_bytes(rule_bytes(0, length))
        os.utime(file, (MODIFIED.timestamp(), MODIFIED.timestamp()))
    return home / "files"


@pytest.fixture(scope="module")
def nginx(files: Path) -> Iterator[Path]:
    if NGINX is None:
        pytest.skip("no nginx here")
    config = files.parent / "nginx.conf"
    door = files.parent / "door"
    config.write_text(CONFIG.format(at=files.parent, door=door))
    with subprocess.Popen(
        [NGINX, "-c", config, "-p", files.parent, "-e", "stderr"], stderr=subprocess.DEVNULL
    ) as process:
        try:
            await_door(door, process)
            yield door
        finally:
            process.terminate()


def await_door(door: Path, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        with socket.socket(socket.AF_UNIX) as knock, contextlib.suppress(OSError):
            knock.connect(str(door))
            return
        time.sleep(0.01)  # nginx tells nobody that it is ready
    pytest.fail("nginx did not start")


async def answer(http: aiohttp.ClientSession, base: str, asked: Asked) -> Answered:
    async with http.head(f"{base}/{asked.path}") as known:
        etag = known.headers["ETag"]
    fields = [(name, value.replace("{etag}", etag)) for name, value in asked.fields]
    async with http.request(asked.method, f"{base}/{asked.path}", headers=fields) as response:
        body = await response.read()
        is_error = response.status >= 400
        boundary = re.search(r"boundary=(.+)", response.headers.get("Content-Type", ""))
        if boundary:
            body = body.replace(boundary[1].encode(), b"BOUNDARY")
        return Answered(
            status=response.status,
            content_length=None if is_error or boundary else response.headers.get("Content-Length"),
            content_range=response.headers.get("Content-Range"),
            last_modified=None if is_error else response.headers.get("Last-Modified"),
            body=b"" if is_error else body,
        )


async def both(files: Path, nginx: Path, asked: Asked) -> tuple[Answered, Answered]:
    async def handle(request: web.Request) -> web.StreamResponse:
        blob = FileBlob(files / request.match_info["name"], "application/octet-stream")
        return await respond(request, blob)

    app = web.Application()
    app.router.add_route("*", "/{name}", handle)
    async with TestServer(app) as server, aiohttp.ClientSession() as http:
        ours = await answer(http, f"http://127.0.0.1:{server.port}", asked)
    async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(nginx))) as http:
        return ours, await answer(http, "http://nginx", asked)


def test_enough_is_asked() -> None:
    """The comparison has some two hundred requests, no two alike."""
    assert len(set(ASKED)) == len(ASKED)
    assert len(ASKED) + 2 * len(DEPARTURES) + len(EMPTY_DEPARTURES) >= 200


@pytest.mark.parametrize("asked", ASKED, ids=str)
async def test_same_as_nginx(files: Path, nginx: Path, asked: Asked) -> None:
    """Status, octets, Content-Length, Content-Range and Last-Modified are those of nginx."""
    ours, theirs = await both(files, nginx, asked)
    assert ours == theirs


@pytest.mark.parametrize("path", ["ten.bin", "long.bin"])
@pytest.mark.parametrize("fields", DEPARTURES, ids=lambda fields: DEPARTURES[fields][1])
async def test_departs_from_nginx(
    files: Path, nginx: Path, fields: tuple[tuple[str, str], ...], path: str
) -> None:
    """Where nginx does otherwise, ours is the status that the RFC's section asks for."""
    ours, theirs = await both(files, nginx, Asked(path, "GET", fields))
    assert ours.status == DEPARTURES[fields][0]
    assert theirs.status != ours.status


@pytest.mark.parametrize("value", EMPTY_DEPARTURES)
async def test_nothing_of_nothing_is_416(files: Path, nginx: Path, value: str) -> None:
    """No octet of an empty representation is satisfiable (RFC 9110, 14.1.2); nginx sends 200."""
    ours, theirs = await both(files, nginx, Asked("empty.bin", "GET", (("Range", value),)))
    assert (ours.status, ours.content_range) == (416, "bytes */0")
    assert (theirs.status, theirs.body) == (200, b"")


@pytest.mark.parametrize("value", RANGES[:8])
async def test_head_has_no_ranges(files: Path, nginx: Path, value: str) -> None:
    """HEAD ignores Range (RFC 9110, 14.2: GET is the only method with ranges); nginx does not."""
    ours, theirs = await both(files, nginx, Asked("long.bin", "HEAD", (("Range", value),)))
    assert (ours.status, ours.content_length) == (200, "200001")
    assert theirs.status == 206
