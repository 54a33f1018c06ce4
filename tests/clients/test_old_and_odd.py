"""What design suites, mail clients and old programs send, line for line."""

import asyncio
from dataclasses import dataclass

import pytest
from yarl import URL

from tests.clients.conftest import Published
from tests.running import Running


@dataclass(frozen=True, slots=True)
class Raw:
    """An answer as it came, until the connection was closed."""

    status_line: str
    fields: dict[str, str]
    body: bytes


async def exchange(url: str, request: str) -> Raw:
    """Send a request to the host of a URL; ``{path}`` and ``{host}`` stand for the URL's.

    Returns when the other side closes, so the request must make it do so.
    """
    at = URL(url, encoded=True)
    assert at.host is not None
    reader, writer = await asyncio.open_connection(at.host, at.port)
    try:
        text = request.format(path=at.raw_path, host=at.authority)
        writer.write(text.replace("\n", "\r\n").encode())
        answer = await reader.read()
    finally:
        writer.close()
        await writer.wait_closed()
    head, _, body = answer.partition(b"\r\n\r\n")
    status_line, *lines = head.decode().split("\r\n")
    return Raw(status_line, dict(line.split(": ", 1) for line in lines), body)


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param("GET {path} HTTP/1.0\nHost: {host}\n\n", id="with Host"),
        pytest.param("GET {path} HTTP/1.0\n\n", id="without Host"),
        pytest.param(
            "GET {path} HTTP/1.1\nHost: {host}\nConnection: close\n\n", id="1.1 without User-Agent"
        ),
        pytest.param("GET http://{host}{path} HTTP/1.0\n\n", id="absolute-form"),
        pytest.param(
            "GET {path} HTTP/1.1\nHost: {host}\nTE: deflate,gzip;q=0.3\nConnection: TE, close\n\n",
            id="libwww-perl",
        ),
        pytest.param(
            "GET {path} HTTP/1.1\nHost: {host}\nContent-Length: 2\nConnection: close\n\n{{}}",
            id="with content",
        ),
    ],
)
async def test_get(film: Published, request_: str) -> None:
    """The whole content comes with its length, unchunked, and the connection is closed."""
    raw = await exchange(film.url, request_)
    assert raw.status_line.split()[1] == "200"
    assert raw.fields["Content-Length"] == str(len(film.data))
    assert "Transfer-Encoding" not in raw.fields
    assert raw.body == film.data


async def test_a_range_in_http_1_0(film: Published) -> None:
    """Ranges are no matter of the protocol's version."""
    raw = await exchange(film.url, "GET {path} HTTP/1.0\nRange: bytes=100-199\n\n")
    assert raw.status_line.split()[1] == "206"
    assert raw.body == film.data[100:200]


async def test_the_two_octets_that_safari_asks_for(connector: Running, film: Published) -> None:
    """Safari plays a film only if its first question, two octets, is answered by 206."""
    answer = await connector.get(film.url, Range="bytes=0-1", X_Playback_Session_Id="1")
    assert (answer.status, answer.body) == (206, film.data[:2])
    assert answer.fields["Content-Range"] == f"bytes 0-1/{len(film.data)}"


async def test_ranges_as_acrobat_asks_for_them(connector: Running, film: Published) -> None:
    """Of several ranges, those that touch are one, and others are the whole content."""
    touching = await connector.get(film.url, Range="bytes=0-99,100-199")
    assert (touching.status, touching.body) == (206, film.data[:200])
    apart = await connector.get(film.url, Range="bytes=0-99,1000-1099")
    assert (apart.status, apart.body == film.data) == (200, True)


async def test_a_content_without_length_in_http_1_0(connector: Running, film: Published) -> None:
    """Where THRON tells no length, HTTP/1.0 gets no chunks: the end of the connection ends it."""
    connector.thron.switches.source_length = False
    raw = await exchange(film.url, "GET {path} HTTP/1.0\n\n")
    assert "Transfer-Encoding" not in raw.fields
    assert raw.body == film.data


@pytest.mark.parametrize("path", ["/files/{id}", "/media/en/strada-sl-film/film.mp4"])
async def test_head_then_get(connector: Running, path: str) -> None:
    """HEAD tells what GET then gives: status, length, type, name, validators."""
    content = connector.thron.tenant.find("strada-sl-film")
    asked = path.format(id=content.id)
    head = await connector.ask("HEAD", asked)
    get = await connector.get(asked)
    assert head.body == b""
    assert get.body == connector.thron.tenant.bytes_of(content.id)
    told = ("Content-Length", "Content-Type", "Content-Disposition", "ETag", "Last-Modified")
    for name in (*told, "Accept-Ranges", "Cache-Control"):
        assert head.fields.get(name) == get.fields.get(name), name
    assert head.fields["Content-Length"] == str(len(get.body))


async def test_head_after_get_makes_no_request(connector: Running) -> None:
    """What an earlier GET told is not asked of THRON again."""
    path = f"/files/{connector.thron.tenant.find('logo').id}"
    await connector.get(path)
    connector.thron.log.clear()
    head = await connector.ask("HEAD", path)
    assert (head.status, list(connector.thron.log)) == (200, [])


async def test_options(connector: Running, film: Published) -> None:
    """OPTIONS, which Office sends before it opens a link, says what is allowed and nothing else."""
    answer = await connector.ask(
        "OPTIONS", film.url, User_Agent="Microsoft Office Protocol Discovery"
    )
    assert (answer.status, answer.body) == (204, b"")
    assert answer.fields["Allow"] == "GET, HEAD, OPTIONS"
    assert "DAV" not in answer.fields


@pytest.mark.parametrize("method", ["PROPFIND", "LOCK", "POST", "PUT", "DELETE", "PATCH", "TRACE"])
async def test_other_methods(connector: Running, film: Published, method: str) -> None:
    """Whoever takes the address for a folder or a form learns what it is for."""
    answer = await connector.ask(method, film.url)
    assert answer.status == 405
    assert answer.fields["Allow"] == "GET, HEAD, OPTIONS"


async def test_no_field_of_the_client_reaches_thron(connector: Running, film: Published) -> None:
    """Cookies, credentials and a client's name stay here."""
    fields = {
        "Cookie": "session=of-our-user",
        "Authorization": "Basic b3VyOnVzZXI=",
        "User_Agent": "Thunderbird of our user",
        "Accept": "image/webp,of-our-user",
    }
    answer = await connector.get(film.url, **fields)
    assert answer.body == film.data
    for secret in ("of-our-user", "b3VyOnVzZXI", "Thunderbird"):
        assert not any(each.holds(secret) for each in connector.thron.log)
