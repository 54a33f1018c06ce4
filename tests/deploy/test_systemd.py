"""The systemd units: systemd itself finds them sound, and the service closed."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from proxy.server.listeners import LISTENERS
from proxy.settings import Settings
from tests.deploy.recipes import DEPLOY, loaded

SOCKET = (DEPLOY / "thron-connector.socket").read_text("utf-8")
UNIT = (DEPLOY / "thron-connector.service").read_text("utf-8")
# 0 is closed, 10 open; what is left is the network, which the connector is for.
EXPOSURE = 1.5


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """Return the unit with every secret given, and a program that is here."""
    text = re.sub(r"^#(LoadCredential|Environment)=", r"\1=", UNIT, flags=re.MULTILINE)
    program = Path(sys.executable).with_name("thron-connector")
    path = tmp_path / "thron-connector.service"
    path.write_text(text.replace("/opt/thron-connector/bin/thron-connector", str(program)))
    return path


def test_verified(unit: Path) -> None:
    """Systemd has nothing to say about them, together."""
    copied = unit.with_suffix(".socket")
    copied.write_text(SOCKET)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", unit, copied],
        check=False,
        capture_output=True,
        text=True,
    )
    said = [line for line in done.stderr.splitlines() if unit.stem in line]
    assert (done.returncode, said) == (0, []), done.stderr


def test_socket() -> None:
    """Its socket is one of ours, where the connector listens by itself."""
    ((name, address),) = zip(
        re.findall(r"^FileDescriptorName=(.+)$", SOCKET, re.MULTILINE),
        re.findall(r"^ListenStream=(.+)$", SOCKET, re.MULTILINE),
        strict=True,
    )
    assert name in LISTENERS
    assert address == str(getattr(Settings(), name))


def test_closed(unit: Path) -> None:
    """What the unit leaves open is little, by systemd's own figure."""
    threshold = f"--threshold={int(EXPOSURE * 10)}"
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--no-pager", threshold, unit],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


def test_settings(tmp_path: Path) -> None:
    """With every secret given the connector starts, and a restart outlasts its lame duck."""
    lines = re.findall(r"^#?Environment=(.+)$", UNIT, re.MULTILINE)
    environ = dict(pair.split("=", 1) for line in lines for pair in line.split())
    for name in re.findall(r"^#LoadCredential=([\w-]+):", UNIT, re.MULTILINE):
        (tmp_path / name).write_text("postgresql://connector@localhost/connector-database")
    here = {"%d": tmp_path}
    settings = loaded({**environ, "TDC_CLIENT_ID": "acme", "TDC_APP_ID": "app"}, secrets=here)
    assert settings.is_set_up
    assert settings.tls_listen is not None
    (stop_s,) = re.findall(r"^TimeoutStopSec=(\d+)$", UNIT, re.MULTILINE)
    assert int(stop_s) > settings.lame_duck_s
    assert settings.drain_s > int(stop_s), "that of a reload"
