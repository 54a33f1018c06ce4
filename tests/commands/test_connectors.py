"""Connectors are installed, listed and removed: what is printed, asked and changed."""

import tomllib

import pytest

from proxy.connectors.store import ConnectorStore
from tests.commands.cli import Cli, document


async def test_apply_asks_for_the_number(cli: Cli) -> None:
    """The number of contents that become public has to be typed; any other changes nothing."""
    wanted = document(cli.thron, "files")
    declined = await cli.apply(wanted, typed="48\n")
    assert declined.status == 1
    assert "files (new): folder 'Brand portal', 49 contents" in declined.out
    assert "now and later, can then be downloaded by anyone" in declined.out
    assert "Nothing was changed." in declined.err
    async with cli.opened() as database:
        assert (await ConnectorStore(database).read()).all == ()
    assert (await cli.apply(wanted, typed="49\n")).status == 0
    async with cli.opened() as database:
        assert [each.slug for each in (await ConnectorStore(database).read()).all] == ["files"]


async def test_apply_twice(cli: Cli) -> None:
    """Applying the same again asks nothing and changes nothing."""
    wanted = document(cli.thron, "files", "more")
    assert (await cli.apply(wanted, "--yes")).out.endswith("Applied.\n")
    again = await cli.apply(wanted)
    assert (again.status, again.out) == (0, "Nothing to change.\n")
    async with cli.opened() as database:
        assert await database.revision() == 1


async def test_nobody_answers(cli: Cli) -> None:
    """Without anybody to answer nothing is changed, and --yes is named."""
    outcome = await cli.apply(document(cli.thron, "files"))
    assert outcome.status == 1
    assert "--yes goes on without asking" in outcome.err
    assert "Nothing was changed." in outcome.err


async def test_breaks_are_told(cli: Cli) -> None:
    """What a change would break is told before it is asked for."""
    await cli.apply(document(cli.thron, "files"), "--yes")
    outcome = await cli.apply(document(cli.thron, "files", identifier="pretty_id"), typed="no\n")
    assert outcome.status == 1
    assert "files (changed)" in outcome.out
    assert "Breaks: The identifier would change from content_id to pretty_id" in outcome.out


async def test_disabling_makes_nothing_public(cli: Cli) -> None:
    """A connector that is disabled asks for a yes, and warns of no publication."""
    await cli.apply(document(cli.thron, "files"), "--yes")
    wanted = document(cli.thron, "files", enabled=False)
    outcome = await cli.apply(wanted, typed="yes\n")
    assert outcome.status == 0
    assert "files (changed, disabled)" in outcome.out
    assert "Breaks: The connector would be disabled" in outcome.out
    assert "downloaded by anyone" not in outcome.out
    assert "files (disabled)" in (await cli.run("connectors", "list")).out


async def test_export_is_applied_back(cli: Cli) -> None:
    """What export prints makes the same connectors anew."""
    wanted = document(
        cli.thron, "files", content_types=["image", "video"], max_age_s=5, robots="noindex"
    ) + document(cli.thron, "codes", identifier="metadata", metadata="sku", host="x.example.com")
    await cli.apply(wanted, "--yes")
    async with cli.opened() as database:
        before = (await ConnectorStore(database).read()).all
    exported = await cli.run("connectors", "export")
    assert len(tomllib.loads(exported.out)["connector"]) == 2
    assert (await cli.apply(exported.out)).out == "Nothing to change.\n"
    for slug in ("files", "codes"):
        assert (await cli.run("connectors", "remove", slug, "--yes")).status == 0
    piped = await cli.run("connectors", "apply", "-", "--yes", typed=exported.out)
    assert piped.status == 0
    async with cli.opened() as database:
        assert (await ConnectorStore(database).read()).all == before


async def test_list(cli: Cli) -> None:
    """Each connector is a line with its URL pattern; a guessed base is said to be one."""
    empty = await cli.run("connectors", "list")
    assert (empty.status, empty.out) == (0, "")
    assert "connectors apply FILE" in empty.err
    await cli.apply(document(cli.thron, "files"), "--yes")
    assert "is guessed: set TDC_PUBLIC_URL" in (await cli.run("connectors", "list")).err
    listed = await cli.run("connectors", "list", TDC_PUBLIC_URL="https://dl.example.com")
    assert "https://dl.example.com/files/{content ID}/{file name}" in listed.out
    assert listed.err == ""


async def test_remove_asks_for_the_name(cli: Cli) -> None:
    """A connector is removed once its name is typed; one that is not there is a slip."""
    await cli.apply(document(cli.thron, "files"), "--yes")
    assert (await cli.run("connectors", "remove", "files", typed="file\n")).status == 1
    assert (await cli.run("connectors", "remove", "files")).status == 1
    assert (await cli.run("connectors", "remove", "files", typed="files\n")).status == 0
    gone = await cli.run("connectors", "remove", "files", "--yes")
    assert (gone.status, gone.err) == (2, "There is no connector 'files'; there are: none.\n")


async def test_remove_without_being_asked(cli: Cli) -> None:
    """With --yes nobody has to type anything."""
    await cli.apply(document(cli.thron, "files"), "--yes")
    removed = await cli.run("connectors", "remove", "files", "--yes")
    assert (removed.status, removed.out) == (0, "Removed files.\n")


async def test_every_slip_of_a_document(cli: Cli) -> None:
    """All that is wrong in a document is told at once, each with its connector."""
    wrong = document(cli.thron, "Bad Slug") + document(
        cli.thron, "b", identifier="metadata", delivery="by hand", colour="red"
    )
    outcome = await cli.apply(wrong)
    assert outcome.status == 2
    for words in ('"Bad Slug"', '"b", metadata: is missing', '"b", delivery', "colour"):
        assert words in outcome.err, words
    assert len(outcome.err.splitlines()) == 4


async def test_every_slip_against_thron(cli: Cli) -> None:
    """Folders, metadata and settings that are not there are told at once."""
    wrong = document(cli.thron, "a", folder="nowhere", force_https=True) + document(
        cli.thron, "b", identifier="metadata", metadata="skuu"
    )
    outcome = await cli.apply(wrong, "--yes")
    assert outcome.status == 2
    for words in ("force_https needs HTTPS", "no folder 'nowhere'", "did you mean 'sku'?"):
        assert words in outcome.err, words
    async with cli.opened() as database:
        assert (await ConnectorStore(database).read()).all == ()


@pytest.mark.parametrize(
    ("octets", "words"),
    [
        pytest.param(b"[[connector\n", "This is not TOML", id="no TOML"),
        pytest.param(b"slug = '\xff'", "connectors.toml is not UTF-8 text", id="no UTF-8"),
    ],
)
async def test_no_document(cli: Cli, octets: bytes, words: str) -> None:
    """A file that is no document is a slip."""
    file = cli.state / "connectors.toml"
    file.write_bytes(octets)
    outcome = await cli.run("connectors", "apply", str(file))
    assert outcome.status == 2
    assert words in outcome.err
