"""The command line: its help, its version, and how little it costs to start."""

import gc
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
import trustme
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
    code = f"from proxy.cli import main\nmain({words!r}, standalone_mode=False)"
    imported = _imported_by(code)
    ours = {name for name in imported if name.partition(".")[0] == "proxy"}
    assert ours == {"proxy", "proxy.cli"}
    assert not {"aiohttp", "cryptography", "pydantic", "sqlalchemy", "structlog"} & imported


def _imported_by(code: str) -> set[str]:
    """Return the names of all modules that a program has imported."""
    told = f"{code}\nimport sys\nprint(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    return set(ran.stdout.split())


@pytest.mark.parametrize("command", ["password", "purge", "urls"])
def test_what_needs_the_database_alone_imports_no_server(command: str) -> None:
    """Commands beside a running connector do not import what that one consists of."""
    imported = _imported_by(f"import proxy.commands.{command}")
    assert (
        not {"proxy.admin.application", "proxy.app.gateway", "proxy.delivery.download"} & imported
    )


def test_serve_imports_nothing_that_few_need() -> None:
    """A connector holds nothing of demos, migrations and an ORM, nor of a page before its first."""
    imported = _imported_by("import proxy.commands.serve, proxy.app.gateway")
    few = {
        "alembic",
        "asyncpg",
        "babel",
        "difflib",
        "jinja2",
        "proxy.admin.web",
        "proxy.demo",
        "proxy.sandbox",
        "proxy.workers",
        "segno",
    }
    assert not (few | {"proxy.admin.web", "sqlalchemy.orm"}) & imported


def test_authorities_are_read_for_those_alone_who_trust_them(tmp_path: Path) -> None:
    """The import of aiohttp reads none, and what the operator has named stays named."""
    named = tmp_path / "authority.pem"
    trustme.CA().cert_pem.write_to_path(str(named))
    program = """
import gc, os, ssl
from proxy.cli import importing
with importing():
    import proxy.commands.serve
made = [each for each in gc.get_objects() if isinstance(each, ssl.SSLContext)]
print(sum(len(each.get_ca_certs()) for each in made))
print(len(ssl.create_default_context().get_ca_certs()), "SSL_CERT_DIR" in os.environ)
"""
    told = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "SSL_CERT_FILE": str(named)},
    )
    assert told.stdout.split() == ["0", "1", str("SSL_CERT_DIR" in os.environ)]


def test_garbage_is_collected_again_once_a_command_is_imported() -> None:
    """The pause while a command is imported ends with it."""
    assert main.get_command(click.Context(main), "serve") is not None
    assert gc.isenabled()
