"""The demo: what it runs, what it prints, and which ports it takes.

That its lines work when they are pasted into a shell is held by tests/clients/test_demo.py.
"""

import shlex
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest
from yarl import URL

from proxy.connectors.model import Identifier
from proxy.demo import Demo, describe, open_demo
from proxy.errors import ConfigurationError

USUAL = (8080, 8081)


@contextmanager
def taken(*ports: int) -> Iterator[tuple[int, ...]]:
    """Listen on ports, those that nobody else listens on already; 0 is any."""
    with ExitStack() as stack:
        found: list[int] = []
        for port in ports:
            try:
                server = stack.enter_context(socket.create_server(("127.0.0.1", port)))
            except OSError:
                found.append(port)
            else:
                found.append(server.getsockname()[1])
        yield tuple(found)


async def fetched(url: str) -> tuple[int, str, bytes]:
    async with aiohttp.ClientSession() as http, http.get(URL(url, encoded=True)) as response:
        return response.status, response.headers["Content-Disposition"], await response.read()


async def test_samples_give_the_library_s_bytes(tmp_path: Path) -> None:
    """Each URL of each identifier gives the source file; a browser is shown it."""
    async with open_demo(library=None, port=0, state=tmp_path) as demo:
        kinds = [each.connector.identifier for each in demo.connectors]
        assert kinds == list(Identifier)
        for connector in demo.connectors:
            assert len(connector.samples) == 3
            for sample in connector.samples:
                status, _, body = await fetched(sample.url)
                assert (status, body) == (200, demo.sandbox.tenant.bytes_of(sample.content_id))
            _, disposition, _ = await fetched(connector.browser_url)
            assert disposition.startswith("inline")


async def test_it_says_what_is_served_and_where(tmp_path: Path) -> None:
    """What is printed names the files' directory, each pattern and count, and fits a screen."""
    async with open_demo(library=None, port=0, state=tmp_path) as demo:
        printed = describe(demo)
    assert str(demo.library) in printed
    assert (demo.library / "aurora-strada-film.mp4").exists()
    for each in demo.connectors:
        assert f"{each.contents} contents by" in printed
        assert each.pattern in printed
        assert each.browser_url in printed
    assert len(printed.splitlines()) <= 30
    assert demo.sandbox.app_key not in printed


async def test_own_files(tmp_path: Path) -> None:
    """A directory of any files is served whole, by all three identifiers."""
    library = tmp_path / "Pictures"
    (library / "2024").mkdir(parents=True)
    files = {"a photo.jpg": b"\xff\xd8\xff", "2024/notes & more.txt": b"notes", "2024/empty": b""}
    for name, data in files.items():
        (library / name).write_bytes(data)
    async with open_demo(library=library, port=0, state=tmp_path / "state") as demo:
        assert demo.library == library
        for connector in demo.connectors:
            assert connector.contents == 3
            bodies = {(await fetched(each.url))[2] for each in connector.samples}
            assert bodies == set(files.values())
        assert len(demo.connectors) == 3


async def test_an_empty_directory(tmp_path: Path) -> None:
    """A directory without files is named as the problem."""
    with pytest.raises(ConfigurationError, match=f"--library: {tmp_path} has no files"):
        async with open_demo(library=tmp_path, port=0, state=tmp_path / "state"):
            pass


@pytest.mark.parametrize("port", [pytest.param(port, id=str(port)) for port in USUAL])
async def test_usual_port_taken(port: int, tmp_path: Path) -> None:
    """Where one of the usual ports is taken and none was asked for, any two are used."""
    with taken(port):
        async with open_demo(library=None, port=None, state=tmp_path) as demo:
            assert port not in ports(demo)
            sample = demo.connectors[0].samples[0]
            assert urlsplit(sample.url).port == ports(demo)[0]
            assert (await fetched(sample.url))[0] == 200


async def test_a_port_that_was_asked_for_is_taken(tmp_path: Path) -> None:
    """A taken port that was asked for is a problem of that option."""
    with (
        taken(0) as (port,),
        pytest.raises(ConfigurationError, match=f"--port: .*:{port}: another"),
    ):
        async with open_demo(library=None, port=port, state=tmp_path):
            pass


async def test_curl_lines_survive_a_shell(tmp_path: Path) -> None:
    """Names with spaces, quotes and signs of the shell are one word each."""
    name = 'it\'s $HOME; "a" & b.txt'
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / name).write_bytes(b"x")
    async with open_demo(library=tmp_path / "files", port=0, state=tmp_path / "state") as demo:
        sample = demo.connectors[0].samples[0]
        assert shlex.split(sample.curl) == ["curl", "-fo", name, sample.url]


def ports(demo: Demo) -> tuple[int, int]:
    settings = demo.gateway.context.settings
    return settings.listen.port, settings.admin_listen.port
