"""The connector as it is installed: a wheel, in an environment of its own."""

import fcntl
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

_BUILT_FROM = ("pyproject.toml", "README.md", "LICENSE", "proxy")


def run_in(cwd: Path, *command: str | Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a program with nothing in its environment but what is given."""
    return subprocess.run(
        [*map(str, command)],
        cwd=cwd,
        env={"PATH": os.environ["PATH"], "HOME": str(cwd), **environ},
        capture_output=True,
        text=True,
        check=False,
    )


def release(version: str, places: pytest.TempPathFactory) -> Path:
    """Return a wheel of this code as another version, built once for all processes of a run."""
    base = places.getbasetemp()
    home = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / f"release-{version}"
    home.mkdir(exist_ok=True)
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for built in home.glob("dist/*.whl"):
            return built
        return _build(version, home)


def _build(version: str, home: Path) -> Path:
    for name in _BUILT_FROM:
        place = ROOT / name
        if place.is_dir():
            shutil.copytree(place, home / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(place, home / name)
    init = home / "proxy" / "__init__.py"
    text = re.sub(
        '^__version__ = ".*"$', f'__version__ = "{version}"', init.read_text(), flags=re.MULTILINE
    )
    init.write_text(text)
    done = run_in(home, sys.executable, "-m", "hatchling", "build", "-t", "wheel")
    assert done.returncode == 0, done.stderr
    (built,) = (home / "dist").glob("*.whl")
    return built


class Environment:
    """A virtual environment with this one's dependencies, all but those of extras."""

    def __init__(self, home: Path) -> None:
        """Make it; nothing is downloaded."""
        self.home = home
        venv.create(home, with_pip=False)
        packages = home / "dependencies"
        packages.mkdir()
        for each in Path(sysconfig.get_path("purelib")).iterdir():
            if not each.name.startswith(
                ("asyncpg", "thron_download_connector", "_thron", "__edit")
            ):
                (packages / each.name).symlink_to(each)
        place = sysconfig.get_path("purelib", vars={"base": str(home)})
        Path(place, "dependencies.pth").write_text(f"{packages}\n", "utf-8")
        self.program = home / "bin" / "thron-connector"

    def install(self, wheel: Path) -> None:
        """Install a wheel, in the place of the release that is there."""
        pip = (sys.executable, "-m", "pip", "--python", self.home / "bin" / "python")
        done = run_in(self.home, *pip, "install", "--quiet", "--no-deps", "--no-index", wheel)
        assert done.returncode == 0, done.stderr
