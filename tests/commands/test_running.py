"""What every command does: 0 is done, 1 is failed or declined, 2 is the operator's slip.

A slip never shows a traceback.
"""

import pytest
from click.testing import CliRunner

from proxy.cli import main
from proxy.settings import table
from tests.commands.cli import Cli, document, ran


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
    """Where THRON cannot be asked apply fails with the fix, and changes nothing."""
    cli.thron.api_down = True
    outcome = await cli.apply(document(cli.thron, "files"), "--yes")
    assert outcome.status == 1
    assert "check that this machine reaches THRON's API" in outcome.err


async def test_login_refused(cli: Cli) -> None:
    """A refused login names what is wrong, and shows no key."""
    outcome = await cli.apply(document(cli.thron, "f"), "--yes", TDC_APP_KEY="not-the-key")
    assert outcome.status == 1
    assert "the app key does not belong to the app id" in outcome.err
    assert "not-the-key" not in outcome.err + outcome.out


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


def test_help_has_every_setting() -> None:
    """The help of serve holds the table of settings."""
    result = CliRunner().invoke(main, ["serve", "--help"], terminal_width=100)
    listed = "".join(result.output.split())  # a line may end at a hyphen of a value
    for name, default, help_ in table():
        assert name in listed
        assert help_.split()[0] in listed
        assert default == "unset" or f"[{''.join(default.split())}]" in listed
