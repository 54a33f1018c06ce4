"""The demo as a new user meets it: what it prints is pasted, and works."""

import asyncio
import signal
import sys
from pathlib import Path

from proxy.demo import describe, open_demo
from tests.clients.command import run, sha256, sole_file, started
from tests.ports import free_port
from tests.waiting import PATIENCE_S

LIBRARY = Path(__file__).parents[2] / "proxy" / "sandbox" / "library" / "files"


def curl_lines(printed: str) -> list[str]:
    return [line.strip() for line in printed.splitlines() if line.strip().startswith("curl ")]


async def test_each_printed_curl_line_saves_the_library_s_file(tmp_path: Path) -> None:
    """For all three identifiers, the pasted line downloads the source file."""
    async with open_demo(library=None, port=0, state=tmp_path / "state") as demo:
        samples = [sample for each in demo.connectors for sample in each.samples]
        lines = curl_lines(describe(demo))
        assert [sample.curl for sample in samples] == lines
        assert len(lines) >= 9
        for number, sample in enumerate(samples):
            at = tmp_path / str(number)
            at.mkdir()
            await run("sh", "-c", sample.curl, at=at)
            saved = sole_file(at)
            source = demo.sandbox.tenant.bytes_of(sample.content_id)
            assert sha256(saved) == sha256(source), sample.curl


async def test_own_files(tmp_path: Path) -> None:
    """With --library, a directory of the user's own files is downloadable by the printed lines."""
    library = tmp_path / "Pictures"
    (library / "Été à la mer").mkdir(parents=True)
    (library / "Été à la mer" / "plage n° 1 & 2.txt").write_text("sable\n")
    async with open_demo(library=library, port=0, state=tmp_path / "state") as demo:
        lines = curl_lines(describe(demo))
        assert lines
        for line in lines:
            await run("sh", "-c", line, at=tmp_path)
        assert (tmp_path / "plage n° 1 & 2.txt").read_text() == "sable\n"


async def test_the_command(tmp_path: Path) -> None:
    """The command itself prints lines that work, and ends quietly at Ctrl-C."""
    port = free_port(following=1)
    command = Path(sys.executable).with_name("thron-connector")
    async with started(command, "demo", "--port", str(port)) as demo:
        assert demo.stdout is not None
        printed = await asyncio.wait_for(demo.stdout.readuntil(b"Stop with Ctrl-C.\n"), PATIENCE_S)
        lines = curl_lines(printed.decode())
        assert len(lines) >= 9
        places = [_made(tmp_path / f"{number:02}") for number in range(len(lines))]
        await asyncio.gather(*map(_pasted, lines, places))
        demo.send_signal(signal.SIGINT)
        out, err = await asyncio.wait_for(demo.communicate(), PATIENCE_S)
        assert (demo.returncode, err.decode(), out.decode().strip()) == (0, "", "")
    for line, place in zip(lines, places, strict=True):
        saved = sole_file(place)
        assert f":{port}/" in line
        assert sha256(saved) == sha256(_of_library(saved.name)), line


async def _pasted(line: str, place: Path) -> None:
    await run("sh", "-c", line, at=place)


def _made(directory: Path) -> Path:
    directory.mkdir()
    return directory


def _of_library(file_name: str) -> Path:
    renamed = {"Manuale Strada SL — regolazione.pdf": "manuale-strada-sl.pdf"}
    return LIBRARY / renamed.get(file_name, file_name)
