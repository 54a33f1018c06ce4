"""What is built and installed: sdist and wheel are whole, and every dependency is declared."""

import ast
import re
import sys
import tarfile
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from zipfile import ZipFile

import pytest

from proxy import __version__
from tests.installed import ROOT, Environment, run_in

_DOCUMENT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PROJECT = _DOCUMENT["project"]
_OWN = {"proxy", "tests"}


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the sdist, and return where it is unpacked."""
    built = tmp_path_factory.mktemp("sdist")
    done = run_in(ROOT, sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", built)
    assert done.returncode == 0, done.stderr
    (archive,) = built.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(built, filter="data")
    return built / archive.name.removesuffix(".tar.gz")


@pytest.fixture(scope="module")
def wheel(sdist: Path) -> Path:
    """Build the wheel of the sdist, as whoever installs that does."""
    done = run_in(sdist, sys.executable, "-m", "hatchling", "build", "-t", "wheel")
    assert done.returncode == 0, done.stderr
    (built,) = (sdist / "dist").glob("*.whl")
    return built


@pytest.fixture(scope="module")
def program(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel in an environment of its own, and return its thron-connector.

    Its dependencies are this environment's, all but those of extras: nothing is downloaded.
    """
    environment = Environment(tmp_path_factory.mktemp("installed"))
    environment.install(wheel)
    return environment.program


def test_mutants_are_of_files_that_exist() -> None:
    """What ``make mutants`` changes, and by what it is judged: a file that moved takes its line."""
    named = _DOCUMENT["tool"]["mutmut"]
    for path in (*named["only_mutate"], *named["pytest_add_cli_args_test_selection"]):
        assert list(ROOT.glob(path)), path


def test_wheel_is_whole(wheel: Path) -> None:
    """Every file of the package is in the wheel: templates, styles, catalogues, migrations too."""
    with ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if name.startswith("proxy/")}
    assert packed == {
        str(path.relative_to(ROOT))
        for path in (ROOT / "proxy").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.mark.parametrize("place", ["README.md", "LICENSE", "constraints.txt", "deploy", "docs"])
def test_sdist_has_what_is_beside_the_code(sdist: Path, place: str) -> None:
    """The sdist has recipes, handbook and licence with the code."""
    assert (sdist / place).exists()


def test_installed_program_answers_anywhere(program: Path, tmp_path: Path) -> None:
    """The installed program runs from another directory, with every command that there is."""
    done = run_in(tmp_path, program, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "serve" in done.stdout
    version = run_in(tmp_path, program, "--version").stdout
    assert version == f"thron-connector, version {__version__}\n"


def test_sqlite_needs_no_driver_of_postgresql(program: Path, tmp_path: Path) -> None:
    """Without the extra the installed connector works with SQLite."""
    done = run_in(tmp_path, program, "connectors", "list", STATE_DIRECTORY=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "No connectors yet" in done.stderr


def test_postgresql_without_its_driver_is_told(program: Path, tmp_path: Path) -> None:
    """Without the extra a PostgreSQL URL is an operator's slip, told with what to install."""
    listen = dict.fromkeys(("TDC_LISTEN", "TDC_ADMIN_LISTEN"), "127.0.0.1:0")
    url = "postgresql://u:hush@localhost/x"
    done = run_in(tmp_path, program, "serve", TDC_DATABASE_URL=url, **listen)
    assert done.returncode == 2
    assert "pip install 'thron-download-connector[postgresql]'" in done.stderr
    assert "hush" not in done.stderr


@pytest.mark.parametrize(
    ("shell", "position"),
    [
        pytest.param("bash", "1", id="bash"),
        pytest.param("zsh", "1", id="zsh"),
        pytest.param("fish", "con", id="fish"),  # which gives the word itself
    ],
)
def test_completion(program: Path, tmp_path: Path, shell: str, position: str) -> None:
    """The program writes its own completion for a shell, as the handbook shows."""
    done = run_in(tmp_path, program, _THRON_CONNECTOR_COMPLETE=f"{shell}_source")
    assert "thron-connector" in done.stdout
    typed = {"COMP_WORDS": "thron-connector con", "COMP_CWORD": position}
    asked = {**typed, "_THRON_CONNECTOR_COMPLETE": f"{shell}_complete"}
    assert "connectors" in run_in(tmp_path, program, **asked).stdout


@pytest.mark.parametrize(
    ("package", "extras"),
    [
        pytest.param("proxy", ("postgresql",), id="connector"),
        pytest.param("tests", ("postgresql", "test"), id="tests"),
    ],
)
def test_what_is_imported_is_declared(package: str, extras: tuple[str, ...]) -> None:
    """No module leans on a package that is there only because another one needs it."""
    optional = PROJECT["optional-dependencies"]
    wanted = [*PROJECT["dependencies"], *(each for extra in extras for each in optional[extra])]
    declared = {_normal(re.split(r"[^\w.-]", each)[0]) for each in wanted}
    given_by = packages_distributions()
    undeclared = {
        name
        for name in _imported(ROOT / package)
        if not declared & {_normal(each) for each in given_by.get(name, ())}
    }
    assert not undeclared


def _imported(package: Path) -> set[str]:
    """Return the top-level names of others that a package imports."""
    names = {each.partition(".")[0] for path in package.rglob("*.py") for each in _imports(path)}
    return names - sys.stdlib_module_names - _OWN


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
