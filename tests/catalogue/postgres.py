"""A PostgreSQL server for the tests, on a Unix socket in a directory of its own."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

# The fastest server that still keeps its transactions; nothing here outlives a test.
_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=16MB")
# Once it is ready nobody reads what it says: a full pipe would stop it, in the middle of some test.
_SILENT = ("log_min_messages=log", "log_checkpoints=off")


@contextmanager
def postgres() -> Iterator[Path]:
    """Run a server, and give the directory of its socket; the superuser is ``postgres``."""
    with cluster() as home, server(home):
        yield home


@contextmanager
def cluster() -> Iterator[Path]:
    """Make what a server needs, in a directory that is gone at the end of the block."""
    home = Path(tempfile.mkdtemp(prefix="tdc-pg-"))
    try:
        if os.getuid() == 0:
            shutil.chown(home, "postgres", "postgres")
        initdb = [f"{_programs()}/initdb", "-D", f"{home}/data", "-U", "postgres"]
        quick = ["--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C"]
        subprocess.run([*_as_postgres(), *initdb, *quick], check=True, capture_output=True)
        yield home
    finally:
        shutil.rmtree(home)


@contextmanager
def frozen(home: Path) -> Iterator[None]:
    """Stop a server and its backends: until the end of the block it accepts, and never answers."""
    postmaster = (home / "data" / "postmaster.pid").read_text("ascii").split()[0]
    os.kill(int(postmaster), signal.SIGSTOP)  # first, so that it starts no other backend
    backends = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text("ascii").split()
    for backend in backends:
        with suppress(ProcessLookupError):  # its connection has been closed
            os.kill(int(backend), signal.SIGSTOP)
    try:
        yield
    finally:
        for process in (*backends, postmaster):
            with suppress(ProcessLookupError):
                os.kill(int(process), signal.SIGCONT)


@contextmanager
def server(home: Path) -> Iterator[None]:
    """Run the server of a cluster until the end of the block; then it is gone at once."""
    settings = [
        word for setting in (*_FAST, *_SILENT, "listen_addresses=") for word in ("-c", setting)
    ]
    command = [f"{_programs()}/postgres", "-D", f"{home}/data", "-k", f"{home}", *settings]
    with subprocess.Popen([*_as_postgres(), *command], stderr=subprocess.PIPE) as running:
        assert running.stderr is not None
        try:
            lines = iter(running.stderr.readline, b"")
            assert any(b"ready to accept connections" in line for line in lines)
            yield
        finally:
            running.send_signal(signal.SIGQUIT)  # at once: nobody reads what it would still write
            running.stderr.read()


def _as_postgres() -> list[str]:
    """PostgreSQL refuses root; and the server ends with the tests, however they end."""
    user = ["--reuid=postgres", "--regid=postgres", "--init-groups"] if os.getuid() == 0 else []
    return ["setpriv", *user, "--pdeathsig=INT"]


def _programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    assert found, "PostgreSQL is not installed: sudo apt-get install -y postgresql"
    return found[-1].parent
