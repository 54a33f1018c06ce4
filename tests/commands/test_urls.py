"""The command that lists a connector's URLs, without THRON and without serve."""

import asyncio
import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from proxy.catalogue.database import Database
from proxy.cli import main
from proxy.connectors.store import ConnectorStore
from tests.catalogue.entering import NAMES, Catalogue, named
from tests.logs import logged


@pytest.fixture
async def environ(tmp_path: Path) -> Mapping[str, str]:
    """Keep a catalogue, and give the settings to find it by."""
    url = f"sqlite:///{tmp_path}/connector.db"
    async with Database.open(url) as database:
        await ConnectorStore(database).apply([NAMES], actor="test")
        await Catalogue(database).listed(
            NAMES, named(1, "en:brochure", "it:opuscolo"), named(2), named(3, "en:price-list")
        )
    return {"TDC_DATABASE_URL": url, "TDC_PUBLIC_URL": "https://dl.example.com"}


async def _urls(environ: Mapping[str, str], *words: str) -> Result:
    def invoked() -> Result:
        with logged():
            return CliRunner().invoke(main, ["urls", *words], env=dict(environ))

    return await asyncio.to_thread(invoked)


async def test_table(environ: Mapping[str, str]) -> None:
    """By default each line is told with its status and the URL that leads to it."""
    result = await _urls(environ, "names")
    assert result.exit_code == 0
    lines = {" ".join(each.split()) for each in result.stdout.splitlines()}
    assert "ok https://dl.example.com/names/en/brochure Title 1" in lines
    assert "ok https://dl.example.com/names/it/opuscolo Titolo 1" in lines
    assert "no_identifier - Title 2" in lines
    assert len(lines) == 4


async def test_csv(environ: Mapping[str, str]) -> None:
    """CSV is that of the console."""
    result = await _urls(environ, "names", "--format", "csv", "--status", "ok")
    records = list(csv.DictReader(io.StringIO(result.stdout, newline="")))
    assert [each["identifier"] for each in records] == ["brochure", "price-list", "opuscolo"]


async def test_json(environ: Mapping[str, str]) -> None:
    """So is JSON, narrowed and with file names on request."""
    words = ("names", "--format", "json", "--search", "price", "--names")
    (line,) = json.loads((await _urls(environ, *words)).stdout)
    assert line["url"] == "https://dl.example.com/names/en/price-list/file-3.pdf"


async def test_text(environ: Mapping[str, str]) -> None:
    """Text is for xargs."""
    result = await _urls(environ, "names", "--format", "txt")
    assert result.stdout.splitlines() == [
        "https://dl.example.com/names/en/brochure",
        "https://dl.example.com/names/en/price-list",
        "https://dl.example.com/names/it/opuscolo",
    ]


async def test_nothing(environ: Mapping[str, str]) -> None:
    """Where there are no lines it is said why there may be none."""
    result = await _urls(environ, "names", "--search", "nowhere")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "serve has not read the folder" in result.stderr


async def test_guessed(environ: Mapping[str, str]) -> None:
    """A base that is guessed is told to be."""
    guessed = {name: value for name, value in environ.items() if name != "TDC_PUBLIC_URL"}
    assert "is guessed: set TDC_PUBLIC_URL" in (await _urls(guessed, "names")).stderr


async def test_unknown(environ: Mapping[str, str]) -> None:
    """A connector that there is not is the operator's slip, with those that there are."""
    result = await _urls(environ, "nothing")
    assert result.exit_code == 2
    assert "there are: names" in result.stderr
