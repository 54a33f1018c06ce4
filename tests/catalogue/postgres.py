"""A PostgreSQL server for the tests, on a Unix socket in a directory of its own."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# The fastest server that still keeps its transactions; nothing here outlives a test.
_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=16MB")


@contextmanager
def postgres() -> Iterator[Path]:
    """Run a server, and give the directory of its socket; the superuser is ``postgres``."""
    programs = _programs()
    home = Path(tempfile.mkdtemp(prefix="tdc-pg-"))
    try:
        if os.getuid() == 0:
            shutil.chown(home, "postgres", "postgres")
        initdb = [f"{programs}/initdb", "-D", f"{home}/data", "-U", "postgres"]
        quick = ["--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C"]
        subprocess.run([*_as_postgres(), *initdb, *quick], check=True, capture_output=True)
        with _server(programs, home):
            yield home
    finally:
        shutil.rmtree(home)


@contextmanager
def frozen(home: Path) -> Iterator[None]:
    """Stop a server and its backends: until the end of the block it accepts, and never answers."""
    server = (home / "data" / "postmaster.pid").read_text("ascii").split()[0]
    os.kill(int(server), signal.SIGSTOP)  # first, so that it starts no other backend
    backends = Path(f"/proc/{server}/task/{server}/children").read_text("ascii").split()
    for backend in backends:
        os.kill(int(backend), signal.SIGSTOP)
    try:
        yield
    finally:
        for process in (*backends, server):
            os.kill(int(process), signal.SIGCONT)


@contextmanager
def _server(programs: Path, home: Path) -> Iterator[None]:
    settings = [word for setting in (*_FAST, "listen_addresses=") for word in ("-c", setting)]
    command = [f"{programs}/postgres", "-D", f"{home}/data", "-k", f"{home}", *settings]
    with subprocess.Popen([*_as_postgres(), *command], stderr=subprocess.PIPE) as server:
        assert server.stderr is not None
        try:
            lines = iter(server.stderr.readline, b"")
            assert any(b"ready to accept connections" in line for line in lines)
            yield
        finally:
            server.send_signal(signal.SIGQUIT)  # at once: nobody reads what it would still write
            server.stderr.read()


def _as_postgres() -> list[str]:
    """PostgreSQL refuses root; and the server ends with the tests, however they end."""
    user = ["--reuid=postgres", "--regid=postgres", "--init-groups"] if os.getuid() == 0 else []
    return ["setpriv", *user, "--pdeathsig=INT"]


def _programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    assert found, "PostgreSQL is not installed: sudo apt-get install -y postgresql"
    return found[-1].parent
