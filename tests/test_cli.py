"""The commands: what they print, ask and change, and their exit status.

0 is done, 1 is failed or declined, 2 is the operator's slip; a slip never shows a traceback.
"""

import asyncio
import os
import signal
import socket
import sys
import tomllib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from click.testing import CliRunner

from proxy import __version__
from proxy.catalogue.database import Database
from proxy.catalogue.purges import Purge, PurgeKind
from proxy.cli import main
from proxy.sandbox.server import Sandbox
from proxy.settings import table
from tests.logs import logged
from tests.process import environ_for

FILM = "strada-sl-film"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended."""

    status: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Cli:
    """Runs commands against a sandbox, with a state directory of its own."""

    thron: Sandbox
    state: Path
    environ: dict[str, str]

    async def run(self, *words: str, typed: str = "", **environ: str) -> Outcome:
        """Run a command in this process, in a thread beside the sandbox."""

        def invoked() -> Outcome:
            with logged():
                result = CliRunner(env={**_nothing_set(), **self.environ, **environ}).invoke(
                    main, words, input=typed
                )
            assert isinstance(result.exception, SystemExit | None), result.exception
            return Outcome(result.exit_code, result.stdout, result.stderr)

        return await asyncio.to_thread(invoked)

    async def apply(self, toml: str, *words: str, typed: str = "", **environ: str) -> Outcome:
        """Apply a document."""
        file = self.state / "connectors.toml"
        file.write_text(toml)
        return await self.run("connectors", "apply", str(file), *words, typed=typed, **environ)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Database]:
        """Open the database that the commands use."""
        async with Database.open(f"sqlite:///{self.state}/connector.db") as database:
            yield database


def _nothing_set() -> dict[str, None]:
    """Unset what the environment of the tests has of settings."""
    return {name: None for name in os.environ if name.startswith("TDC_")}


@pytest.fixture
def cli(thron: Sandbox, tmp_path: Path) -> Cli:
    return Cli(thron, tmp_path, environ_for(thron, tmp_path))


def document(thron: Sandbox, *slugs: str, **more: Any) -> str:
    """Return connectors on the root folder as TOML."""
    values = {"folder": thron.root_folder_id, "identifier": "content_id", **more}
    lines = "\n".join(f"{name} = {_toml(value)}" for name, value in values.items())
    return "\n".join(f'[[connector]]\nslug = "{slug}"\n{lines}\n' for slug in slugs)


def _toml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool | int) else orjson.dumps(value).decode()


# What is asked and answered


async def test_apply_asks_for_the_number(cli: Cli) -> None:
    """The number of contents that become public has to be typed; any other changes nothing."""
    wanted = document(cli.thron, "files")
    declined = await cli.apply(wanted, typed="48\n")
    assert declined.status == 1
    assert "files (new): folder 'Brand portal', 49 contents" in declined.out
    assert "now and later, can then be downloaded by anyone" in declined.out
    assert "Nothing was changed." in declined.err
    async with cli.opened() as database:
        assert (await database.connectors()).all == ()
    assert (await cli.apply(wanted, typed="49\n")).status == 0
    async with cli.opened() as database:
        assert [each.slug for each in (await database.connectors()).all] == ["files"]


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
        before = (await database.connectors()).all
    exported = await cli.run("connectors", "export")
    assert len(tomllib.loads(exported.out)["connector"]) == 2
    assert (await cli.apply(exported.out)).out == "Nothing to change.\n"
    for slug in ("files", "codes"):
        assert (await cli.run("connectors", "remove", slug, "--yes")).status == 0
    piped = await cli.run("connectors", "apply", "-", "--yes", typed=exported.out)
    assert piped.status == 0
    async with cli.opened() as database:
        assert (await database.connectors()).all == before


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


# Slips


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
        assert (await database.connectors()).all == ()


@pytest.mark.parametrize(
    ("octets", "words"),
    [
        pytest.param(b"[[connector\n", "This is no TOML", id="no TOML"),
        pytest.param(b"slug = '\xff'", "connectors.toml is no UTF-8 text", id="no UTF-8"),
    ],
)
async def test_no_document(cli: Cli, octets: bytes, words: str) -> None:
    """A file that is no document is a slip."""
    file = cli.state / "connectors.toml"
    file.write_bytes(octets)
    outcome = await cli.run("connectors", "apply", str(file))
    assert outcome.status == 2
    assert words in outcome.err


@pytest.mark.parametrize(
    "words", ["serve", "check", "connectors list", "resolve /x", "purge --all"]
)
async def test_every_slip_of_the_settings(cli: Cli, words: str) -> None:
    """All that is wrong in the settings is told at once, by each command."""
    outcome = await cli.run(*words.split(), TDC_LISTEN="8080", TDC_APP_ID="", TDC_LISTENN="x")
    assert outcome.status == 2
    for told in ("TDC_LISTEN: write HOST:PORT", "TDC_APP_ID is missing", "mean TDC_LISTEN?"):
        assert told in outcome.err, told


@pytest.mark.parametrize("words", ["resolve /files/x", "connectors apply {file}"])
async def test_no_credentials(cli: Cli, words: str) -> None:
    """A command that asks THRON names the credentials that are missing."""
    file = cli.state / "connectors.toml"
    file.write_text(document(cli.thron, "files"))
    nothing = dict.fromkeys(("TDC_CLIENT_ID", "TDC_APP_ID", "TDC_APP_KEY"), "")
    outcome = await cli.run(*words.format(file=file).split(), **nothing)
    assert outcome.status == 2
    assert "set TDC_CLIENT_ID, TDC_APP_ID and TDC_APP_KEY" in outcome.err


async def test_thron_down(cli: Cli) -> None:
    """Where THRON cannot be asked apply fails with the mend, and changes nothing."""
    cli.thron.api_down = True
    outcome = await cli.apply(document(cli.thron, "files"), "--yes")
    assert outcome.status == 1
    assert "see that this machine reaches THRON's API" in outcome.err


async def test_login_refused(cli: Cli) -> None:
    """A refused login names what is wrong, and shows no key."""
    outcome = await cli.apply(document(cli.thron, "f"), "--yes", TDC_APP_KEY="not-the-key")
    assert outcome.status == 1
    assert "the app key does not belong to the app id" in outcome.err
    assert "not-the-key" not in outcome.err + outcome.out


# check, resolve, purge


async def test_check(cli: Cli) -> None:
    """Check is 0 where all is well, 1 where something fails, which is marked."""
    assert (await cli.run("check")).status == 0
    cli.thron.tenant.app.may_share = False
    cli.thron.faults.fail(404, where="delivery", times=None)
    outcome = await cli.run("check")
    assert outcome.status == 1
    assert [line for line in outcome.out.splitlines() if line.startswith("FAIL")]


async def test_check_reports(cli: Cli, tmp_path: Path) -> None:
    """With --report what was asked and answered is written to a file, and its place is told."""
    place = tmp_path / "report.json"
    outcome = await cli.run("check", "--report", str(place))
    assert outcome.status == 0
    assert f"Written: {place}" in outcome.out
    assert b'"answers"' in place.read_bytes()


async def test_resolve(cli: Cli) -> None:
    """Resolve is 0 where an address leads to its content, 1 where it does not."""
    await cli.apply(document(cli.thron, "media", identifier="pretty_id"), "--yes")
    found = await cli.run("resolve", f"http://any.example.com/media/en/{FILM}")
    assert (found.status, found.out.count("ok  ")) == (0, 4)
    assert (await cli.run("resolve", "/media/en/nothing")).status == 1


@pytest.mark.parametrize(
    ("words", "order"),
    [
        pytest.param("--all", Purge(PurgeKind.ALL), id="all"),
        pytest.param("--content c-1", Purge(PurgeKind.CONTENT, "c-1"), id="content"),
        pytest.param("--connector media", Purge(PurgeKind.CONNECTOR, "media"), id="connector"),
        pytest.param(
            "--url https://x/media/EN/film/any.mp4?inline",
            Purge(PurgeKind.ADDRESS, "media/en/film"),
            id="url",
        ),
    ],
)
async def test_purge(cli: Cli, words: str, order: Purge) -> None:
    """A purge is ordered in the database, and audited."""
    await cli.apply(document(cli.thron, "media", identifier="pretty_id"), "--yes")
    outcome = await cli.run("purge", *words.split())
    assert (outcome.status, outcome.err) == (0, "")
    async with cli.opened() as database:
        assert [purge for _, purge in await database.purges_since(0)] == [order]
        newest = (await database.audit())[0]
        assert (newest.actor, newest.action, newest.subject) == ("cli", "purged", order.value)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        pytest.param("", "exactly one of", id="none"),
        pytest.param("--all --content c-1", "exactly one of", id="two"),
        pytest.param("--content a/b", "'a/b' is no content id", id="no id"),
        pytest.param("--connector nothing", "There is no connector 'nothing'", id="no connector"),
        pytest.param("--url /nothing/x", "no address of an enabled connector", id="no address"),
    ],
)
async def test_purge_of_what(cli: Cli, words: str, told: str) -> None:
    """A purge of nothing, of two things, or of what cannot be is a slip."""
    outcome = await cli.run("purge", *words.split())
    assert outcome.status == 2
    assert told in outcome.err
    async with cli.opened() as database:
        assert await database.last_purge() == 0


# Help


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(words, id=words or "main")
        for words in (
            *("", "serve", "demo", "sandbox", "check", "resolve", "purge", "connectors"),
            *(f"connectors {name}" for name in ("apply", "list", "export", "remove")),
        )
    ],
)
def test_help_fits(words: str) -> None:
    """Every help is readable in 80 columns, and no command's summary is cut."""
    result = CliRunner().invoke(main, [*words.split(), "--help"], terminal_width=80)
    assert result.exit_code == 0
    assert max(map(len, result.output.splitlines())) <= 80
    assert "..." not in result.output.replace("COMMAND [ARGS]...", "").replace("//...", "")


def test_help_has_every_setting() -> None:
    """The help of serve holds the table of settings."""
    result = CliRunner().invoke(main, ["serve", "--help"], terminal_width=100)
    listed = "".join(result.output.split())  # a line may end at a hyphen of a value
    for name, default, help_ in table():
        assert name in listed
        assert help_.split()[0] in listed
        assert default == "unset" or f"[{''.join(default.split())}]" in listed


# Processes


@dataclass(frozen=True, slots=True)
class Serving:
    """A connector that runs as a process of its own."""

    process: asyncio.subprocess.Process
    url: str

    async def event(self, name: str) -> dict[str, Any]:
        """Return the next event of a name in the log."""
        return await _event(self.process, name)

    async def end(self) -> tuple[int, str]:
        """Wait for the end, and return the exit status and the rest of the log."""
        _, err = await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode, err.decode()


async def _event(process: asyncio.subprocess.Process, name: str) -> dict[str, Any]:
    assert process.stderr is not None
    async for line in process.stderr:
        if not line.startswith(b"{"):
            continue  # a word to the operator
        found: dict[str, Any] = orjson.loads(line)
        if found["event"] == name:
            return found
    raise EOFError(name)


@asynccontextmanager
async def started(
    words: Sequence[str], environ: dict[str, str]
) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "proxy", *words),
        env={"PATH": os.environ["PATH"], **environ},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(60):
            yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@asynccontextmanager
async def serving(cli: Cli, **environ: str) -> AsyncIterator[Serving]:
    usual = {"TDC_LISTEN": "127.0.0.1:0", "TDC_ADMIN_LISTEN": "127.0.0.1:0"}
    async with started(["serve"], {**cli.environ, **usual, **environ}) as process:
        listening = await _event(process, "listening")
        yield Serving(process, f"http://{listening['public']}")


async def ran(words: str, environ: dict[str, str]) -> Outcome:
    async with started(words.split(), environ) as process:
        out, err = await process.communicate()
        assert process.returncode is not None
        return Outcome(process.returncode, out.decode(), err.decode())


@pytest.mark.parametrize(
    ("words", "changed", "status"),
    [
        pytest.param("check", {}, 0, id="done"),
        pytest.param("check", {"TDC_APP_KEY": "wrong"}, 1, id="failed"),
        pytest.param("check", {"TDC_API_URL": "thron"}, 2, id="slip"),
        pytest.param("serve", {"TDC_DATABASE_URL": "mysql://x"}, 2, id="database"),
        pytest.param("chekc", {}, 2, id="no such command"),
    ],
)
async def test_exit_status(cli: Cli, words: str, changed: dict[str, str], status: int) -> None:
    """As a process, a command ends with its status and no traceback."""
    outcome = await ran(words, {**cli.environ, **changed})
    assert outcome.status == status
    assert "Traceback" not in outcome.out + outcome.err
    assert outcome.out if status < 2 else outcome.err


async def test_version(cli: Cli) -> None:
    """The version is told."""
    assert (await ran("--version", cli.environ)).out.strip().endswith(__version__)


async def test_a_taken_port(cli: Cli) -> None:
    """A port that is taken is named with its setting, by serve and by sandbox."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        outcome = await ran("serve", {**cli.environ, "TDC_LISTEN": f"127.0.0.1:{port}"})
        assert (outcome.status, outcome.err.count("Traceback")) == (2, 0)
        assert f"TDC_LISTEN: 127.0.0.1:{port}: another program listens there" in outcome.err
        outcome = await ran(f"sandbox --port {port}", cli.environ)
        assert (outcome.status, outcome.err.count("Traceback")) == (2, 0)
        assert "--port: " in outcome.err


async def test_sandbox_prints_settings_that_work(cli: Cli) -> None:
    """What the sandbox command prints are the settings for check to succeed."""
    async with started(["sandbox", "--contents", "3"], {}) as process:
        assert process.stdout is not None
        printed = (await process.stdout.readuntil(b"# root folder")).decode()
        exported = dict(
            line.removeprefix("export ").split("=", 1)
            for line in printed.splitlines()
            if line.startswith("export ")
        )
        outcome = await ran("check", {**exported, "STATE_DIRECTORY": str(cli.state)})
        assert outcome.status == 0, outcome.out
        process.send_signal(signal.SIGTERM)
        _, err = await process.communicate()
        assert (process.returncode, err) == (0, b"")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
async def test_serve_ends_at_once_when_idle(cli: Cli, number: signal.Signals) -> None:
    """Without downloads the first signal ends it, with status 0."""
    async with serving(cli) as running:
        running.process.send_signal(number)
        status, log = await running.end()
        assert status == 0
        assert "downloads cut" not in log


@asynccontextmanager
async def half_done(cli: Cli, running: Serving) -> AsyncIterator[aiohttp.StreamReader]:
    """Hold a download that stands still in its middle."""
    film = cli.thron.tenant.find(FILM).id
    cli.thron.faults.stall_after(200_000, where="source")
    async with aiohttp.ClientSession() as http, http.get(f"{running.url}/files/{film}") as answer:
        assert answer.status == 200
        await answer.content.readexactly(100_000)
        yield answer.content


async def test_serve_lets_downloads_finish(cli: Cli) -> None:
    """After the first signal no connection is taken, and what runs is finished: status 0."""
    await cli.apply(document(cli.thron, "files"), "--yes")
    data = cli.thron.tenant.bytes_of(cli.thron.tenant.find(FILM).id)
    async with serving(cli) as running, half_done(cli, running) as content:
        running.process.send_signal(signal.SIGTERM)
        assert (await running.event("draining"))["downloads"] == 1
        host, port = running.url.removeprefix("http://").split(":")
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(host, int(port))
        cli.thron.faults.release()
        assert await content.read() == data[100_000:]
        status, log = await running.end()
        assert status == 0
        assert "downloads cut" not in log


async def test_a_second_signal_ends_serve_at_once(cli: Cli) -> None:
    """A second signal cuts what runs, and says how much that was: status 1."""
    await cli.apply(document(cli.thron, "files"), "--yes")
    async with serving(cli) as running, half_done(cli, running) as content:
        running.process.send_signal(signal.SIGTERM)
        await running.event("draining")
        running.process.send_signal(signal.SIGTERM)
        assert (await running.event("downloads cut"))["downloads"] == 1
        with pytest.raises(aiohttp.ClientError):
            await content.read()
        status, log = await running.end()
        assert (status, log.count("Traceback")) == (1, 0)


async def test_serve_cuts_what_does_not_end(cli: Cli) -> None:
    """What still runs after TDC_DRAIN_S is cut and told."""
    await cli.apply(document(cli.thron, "files"), "--yes")
    async with serving(cli, TDC_DRAIN_S="0.05") as running, half_done(cli, running) as content:
        running.process.send_signal(signal.SIGTERM)
        assert (await running.event("downloads cut"))["downloads"] == 1
        with pytest.raises(aiohttp.ClientError):
            await content.read()
        status, log = await running.end()
        assert (status, log.count("Traceback")) == (0, 0)


async def test_serve_without_credentials(cli: Cli) -> None:
    """In the set-up state it runs, and answers that it is not set up."""
    nothing = dict.fromkeys(("TDC_CLIENT_ID", "TDC_APP_ID", "TDC_APP_KEY"), "")
    async with (
        serving(cli, **nothing) as running,
        aiohttp.ClientSession() as http,
        http.get(f"{running.url}/files/x") as answer,
    ):
        assert answer.status == 503
        assert "has not been set up yet" in await answer.text()
