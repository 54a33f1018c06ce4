"""The servers of a bench: an origin, and what stands before it, each a process on one core."""

import contextlib
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from importlib import metadata
from pathlib import Path

import trustme

from tests.bench.load import Address
from tests.bench.process_tree import cpu_s

_HOST = "127.0.0.1"
_ROOT = Path(__file__).parents[2]
_START_S = 60
_OUTPUT = "output"
_MEASURED, *_OTHERS = sorted(os.sched_getaffinity(0))

# Of one core: a worker, a thread. The origin's CPU is not measured.
_NGINX = """
daemon off; master_process off; pid {home}/nginx.pid; error_log {home}/error.log;
worker_rlimit_nofile 20000;
events {{ worker_connections 8192; }}
http {{
    client_body_temp_path {home}/1; proxy_temp_path {home}/2; fastcgi_temp_path {home}/3;
    uwsgi_temp_path {home}/4; scgi_temp_path {home}/5;
    types {{ video/mp4 mp4; image/jpeg jpg; }}
    keepalive_requests 1000000;
    ssl_certificate {certificate}; ssl_certificate_key {certificate};
    {servers}
}}
"""

# As THRON's CDN: a durable address redirects to the file (docs/thron.md 7.1).
_ORIGIN = """
    access_log off; sendfile on;
    server {{
        listen {plain} backlog=4096; listen {tls} ssl backlog=4096;
        root {files};
        location ~ ^/delivery/public/.*/(.+)\\.([a-z0-9]+)$ {{
            return 302 /media/en/$1/$1.$2;
        }}
    }}
"""

_PROXY = """
    access_log {home}/access.log combined;
    proxy_cache_path {home}/cache keys_zone=cache:10m inactive=1d use_temp_path=off;
    proxy_http_version 1.1; proxy_set_header Connection "";
    proxy_buffers 16 64k; proxy_max_temp_file_size 0;
    proxy_ssl_verify on; proxy_ssl_trusted_certificate {authority}; proxy_ssl_name localhost;
    upstream origin {{ server {origin}; keepalive 128; keepalive_requests 1000000; }}
    server {{
        listen {plain} backlog=4096; listen {tls} ssl backlog=4096;
        location / {{ proxy_pass {scheme}://origin; }}
    }}
    server {{
        listen {cached} backlog=4096;
        location / {{
            proxy_pass {scheme}://origin; proxy_cache cache; proxy_cache_valid 200 1d;
        }}
    }}
"""

# `option splice-response` with large pipes is the least that a proxy in user space can cost.
_HAPROXY = """
global
    nbthread 1
    maxconn 4096
    tune.pipesize 1048576
    log stdout format raw local0
defaults
    mode http
    log global
    option httplog
    option splice-response
    timeout connect 5s
    timeout client 60s
    timeout server 60s
frontend all
    bind {plain}
    bind {tls} ssl crt {certificate}
    default_backend origin
backend origin
    server origin {origin} {ssl}
"""

_CONNECTOR = """
[[connector]]
slug = "media"
folder = "{folder}"
identifier = "pretty_id"
delivery = "published"
"""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server.

    Attributes:
        plain: Where it answers by HTTP.
        tls: Where by HTTPS, if it does.
        cached: Where it answers from its cache, if it has one.
    """

    name: str
    pid: int
    plain: Address
    tls: Address | None = None
    cached: Address | None = None
    started_s: float = 0
    started_cpu_s: float = 0


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate for ``localhost`` with its key, and the authority that vouches for it."""

    chain: Path
    authority: Path

    @classmethod
    def issued(cls, home: Path) -> "Certificate":
        """Write one to a directory."""
        authority = trustme.CA()
        made = cls(home / "server.pem", home / "authority.pem")
        authority.cert_pem.write_to_path(str(made.authority))
        authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(
            str(made.chain)
        )
        return made


@dataclass(frozen=True, slots=True)
class Origin:
    """The origin that all servers are before, and what they need to reach it.

    Attributes:
        home: Where each server gets a directory.
        files: What is served, by its path.
    """

    home: Path
    files: Path
    certificate: Certificate
    plain: Address
    tls: Address

    def address(self, *, by_tls: bool) -> str:
        """Return where it is asked, as ``host:port``."""
        return _text(self.tls if by_tls else self.plain)

    def url(self, *, by_tls: bool) -> str:
        """Return its base URL, with the name that the certificate is for."""
        return f"https://localhost:{self.tls[1]}" if by_tls else f"http://{_text(self.plain)}"


@contextmanager
def origin(home: Path, files: Path) -> Iterator[Origin]:
    """Run nginx before files, as THRON's CDN is."""
    plain, tls = _free(), _free()
    certificate = Certificate.issued(home)
    servers = _ORIGIN.format(plain=_text(plain), tls=_text(tls), files=files)
    with _nginx(_directory(home, "origin"), servers, certificate, plain):
        yield Origin(home, files, certificate, plain, tls)


@contextmanager
def nginx(to: Origin, *, by_tls: bool) -> Iterator[Server]:
    """Run nginx as a proxy, with and without a cache."""
    ports = _free(), _free(), _free()
    home = _directory(to.home, "nginx")
    servers = _PROXY.format(
        home=home,
        authority=to.certificate.authority,
        scheme="https" if by_tls else "http",
        origin=to.address(by_tls=by_tls),
        **dict(zip(("plain", "tls", "cached"), map(_text, ports), strict=True)),
    )
    with _nginx(home, servers, to.certificate, ports[0]) as process:
        yield Server("nginx", on_one_core(process.pid), *ports)


@contextmanager
def haproxy(to: Origin, *, by_tls: bool) -> Iterator[Server]:
    """Run HAProxy as a proxy that lets the kernel move the octets."""
    plain, tls = _free(), _free()
    home = _directory(to.home, "haproxy")
    verified = f"ssl verify required verifyhost localhost ca-file {to.certificate.authority}"
    config = home / "haproxy.cfg"
    config.write_text(
        _HAPROXY.format(
            plain=_text(plain),
            tls=_text(tls),
            certificate=to.certificate.chain,
            origin=to.address(by_tls=by_tls),
            ssl=verified if by_tls else "",
        )
    )
    words = (_program("haproxy"), "-db", "-f", str(config))
    with _started(home, *words, ready=partial(_listens, plain)) as process:
        yield Server("HAProxy", on_one_core(process.pid), plain, tls)


@contextmanager
def plain_proxy(kind: str, to: Origin, *, by_tls: bool) -> Iterator[Server]:
    """Run one of the proxies that a user would write: ``aiohttp`` or ``starlette``."""
    address = _free()
    words = [sys.executable, "-m", "tests.bench.plain_proxies", kind, to.url(by_tls=by_tls)]
    words += [str(address[1]), str(to.certificate.authority)]
    home = _directory(to.home, kind)
    with _started(home, *words, ready=partial(_listens, address)) as process:
        yield Server(kind, on_one_core(process.pid), address)


@contextmanager
def connector(to: Origin, *, by_tls: bool, workers: int = 1) -> Iterator[Server]:
    """Run the connector before a simulated THRON whose CDN is the origin.

    Several processes are left to run where the system likes, this one's core too.
    """
    plain, tls = _free(), _free()
    home = _directory(to.home, "connector")
    with _sandbox(to) as (settings, folder):
        environ = settings | {
            "STATE_DIRECTORY": str(home),
            "TDC_CDN_URL": to.url(by_tls=by_tls),
            "TDC_CA_FILE": str(to.certificate.authority),
            "TDC_LISTEN": _text(plain),
            "TDC_ADMIN_LISTEN": f"{_HOST}:0",
            "TDC_TLS_LISTEN": _text(tls),
            "TDC_TLS_CERT": str(to.certificate.chain),
            "TDC_TLS_KEY": str(to.certificate.chain),
            "TDC_TRUSTED_PROXIES": f"{_HOST}/32",
            "TDC_RESOLUTION_TTL_S": "86400",
            "TDC_SYNC_INTERVAL_S": "0",
            "TDC_DRAIN_S": "0",
            "TDC_WORKERS": str(workers),
        }
        document = home / "connectors.toml"
        document.write_text(_CONNECTOR.format(folder=folder))
        python = installed(to.home)
        subprocess.run(
            [python, "-m", "proxy", "connectors", "apply", "--yes", str(document)],
            check=True,
            cwd=_ROOT,
            env=_environ(environ),
            stdout=subprocess.DEVNULL,
        )
        words = (python, "-m", "proxy", "serve")
        ready = partial(_has_said, home, '"listening"')
        if workers > 1:
            ready = partial(_has_said, home, '"process ready"', times=1 + workers)
        began = time.perf_counter()
        with _started(home, *words, ready=ready, environ=environ) as process:
            yield Server(
                "connector",
                on_one_core(process.pid) if workers == 1 else process.pid,
                plain,
                tls,
                cached=plain,
                started_s=time.perf_counter() - began,
                started_cpu_s=cpu_s(process.pid),
            )


@cache
def installed(home: Path) -> str:
    """Return a Python that has what users install, and nothing that tests need.

    One library imports another where that is there: structlog would bring rich, with 3 MB.
    """
    place = _directory(home, "python")
    venv.create(place, symlinks=True)
    (packages,) = place.glob("lib/python*/site-packages")
    pins = (_ROOT / "deploy" / "requirements.txt").read_text()
    for name in re.findall(r"^([\w.-]+)==", pins, re.MULTILINE):
        files = metadata.files(name) or []
        for top in {file.parts[0] for file in files} - {"..", "__pycache__"}:
            (packages / top).symlink_to(str(metadata.distribution(name).locate_file(top)))
    return str(place / "bin" / "python")


@contextmanager
def _sandbox(to: Origin) -> Iterator[tuple[dict[str, str], str]]:
    """Run a simulated THRON with the origin's files; give its settings and root folder."""
    home = _directory(to.home, "sandbox")
    words = (sys.executable, "-m", "proxy", "sandbox", "--library", str(to.files))
    with _started(home, *words, ready=partial(_has_said, home, "# root folder: ")):
        lines = (home / _OUTPUT).read_text().splitlines()
        exports = [line.removeprefix("export ") for line in lines if line.startswith("export ")]
        yield dict(line.split("=", 1) for line in exports), lines[-1].rpartition(" ")[2]


@contextmanager
def _nginx(
    home: Path, servers: str, certificate: Certificate, address: Address
) -> Iterator[subprocess.Popen[bytes]]:
    config = home / "nginx.conf"
    config.write_text(_NGINX.format(home=home, servers=servers, certificate=certificate.chain))
    words = (_program("nginx"), "-p", str(home), "-c", str(config))
    with _started(home, *words, ready=partial(_listens, address)) as process:
        yield process


@contextmanager
def _started(
    home: Path,
    *words: str,
    ready: Callable[[], bool],
    environ: Mapping[str, str] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program until the end of the block; what it says goes to a file, as a log does."""
    with (
        (home / _OUTPUT).open("wb") as output,
        subprocess.Popen(
            (
                "setpriv",
                "--pdeathsig",
                "KILL",
                *words,
            ),  # it ends with this process, however it does
            cwd=_ROOT,
            env=_environ(environ or {}),
            stdout=output,
            stderr=output,
        ) as process,
    ):
        try:
            until = time.monotonic() + _START_S
            while process.poll() is not None or not ready():
                if process.returncode is not None or time.monotonic() > until:
                    raise RuntimeError(f"{words[0]}: {(home / _OUTPUT).read_text()[-2000:]}")
                time.sleep(0.005)
            yield process
        finally:
            process.kill()


def _listens(address: Address) -> bool:
    # Not asked by connecting: a client may connect to itself where nobody listens yet.
    return f":{address[1]:04X} 00000000:0000 0A " in Path("/proc/net/tcp").read_text()


def _has_said(home: Path, words: str, *, times: int = 1) -> bool:
    return (home / _OUTPUT).read_text().count(words) >= times


def on_one_core(pid: int) -> int:
    """Give a server the first core for its own, where there are several; return its id."""
    if _OTHERS:
        os.sched_setaffinity(pid, {_MEASURED})
    return pid


def on_all_cores(pids: Iterable[int]) -> None:
    """Let processes run where the system likes."""
    for pid in pids:
        os.sched_setaffinity(pid, {_MEASURED, *_OTHERS})


def on_other_cores() -> None:
    """Leave the first core to the servers that are measured: this process, and what it starts."""
    if _OTHERS:
        os.sched_setaffinity(0, _OTHERS)


def _environ(more: Mapping[str, str]) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1", **more}


def _program(name: str) -> str:
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin") or name


def _directory(home: Path, name: str) -> Path:
    return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=home))


def _free() -> Address:
    """Return a free address whose port no client is given by itself (ip_local_port_range)."""
    for port in random.sample(range(10_000, 32_000), k=100):
        with contextlib.suppress(OSError), socket.create_server((_HOST, port)):
            return _HOST, port
    raise OSError("no port is free")


def _text(address: Address) -> str:
    return f"{address[0]}:{address[1]}"
