"""The command line: its help, its version, and how little it costs to start."""

import subprocess
import sys

import pytest
from click.testing import CliRunner

from proxy import __version__
from proxy.cli import COMMANDS, main


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(words, id=words or "main")
        for words in (
            *("", *sorted(COMMANDS.keys() - {"urls"})),  # its list of choices is one long word
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


def test_version() -> None:
    """The version is told."""
    result = CliRunner().invoke(main, ["--version"])
    assert (result.exit_code, result.output) == (0, f"thron-connector, version {__version__}\n")


@pytest.mark.parametrize("words", [["--help"], ["--version"]], ids=["help", "version"])
def test_help_imports_no_command(words: list[str]) -> None:
    """Who asks what there is does not wait for a server to be imported."""
    code = f"""
import sys
from proxy.cli import main
main({words!r}, standalone_mode=False)
print(*sys.modules, file=sys.stderr)
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    imported = ran.stderr.split()
    ours = {name for name in imported if name.partition(".")[0] == "proxy"}
    assert ours == {"proxy", "proxy.cli"}
    assert not {"aiohttp", "cryptography", "pydantic", "sqlalchemy", "structlog"} & set(imported)
