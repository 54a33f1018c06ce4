"""Real proxies before the connector, with the recipes that are shipped in deploy/."""

import asyncio
import contextlib
import os
import re
import shutil
import signal
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme

from tests.clients.command import started
from tests.ports import free_port
from tests.waiting import PATIENCE_S

RECIPES = Path(__file__).parents[2] / "deploy"
LOOPBACK = "127.0.0.1"
# Where the proxy that ends TLS before Varnish asks from; all others are clients.
TLS_PROXY = "127.0.0.2"

NGINX = """
daemon off; master_process off; pid {home}/nginx.pid; error_log {home}/error.log;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {home}/1; proxy_temp_path {home}/2; fastcgi_temp_path {home}/3;
    uwsgi_temp_path {home}/4; scgi_temp_path {home}/5;
    include {home}/site.conf;
}}
"""


@dataclass(frozen=True, slots=True)
class Front:
    """A proxy that runs.

    Attributes:
        url: Base of its URLs.
        pid: Of its process, which may have others below it.
        secure_url: The same by https; None for a proxy that leaves TLS to another.
        states_url: Where HAProxy tells, as CSV, what it knows of the servers behind it.
    """

    url: str
    pid: int
    secure_url: str | None = None
    states_url: str | None = None

    @property
    def pids(self) -> tuple[int, ...]:
        """Return the ids of its processes, the one that was started first."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text("ascii")
        return (self.pid, *map(int, children.split()))

    @property
    def peak_memory(self) -> int:
        """Return the bytes of memory that its processes had at most."""
        return 1024 * sum(
            int(
                re.findall(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{each}/status").read_text("utf-8"))[0]
            )
            for each in self.pids
        )

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Let it do nothing, as a machine that hangs, until the end of the block."""
        for each in self.pids:
            os.kill(each, signal.SIGSTOP)
        try:
            yield
        finally:
            for each in self.pids:
                os.kill(each, signal.SIGCONT)


@asynccontextmanager
async def nginx(
    connector_port: int, home: Path, *, port: int | None = None
) -> AsyncIterator[Front]:
    """Run nginx with ``deploy/nginx.conf`` before a connector.

    Args:
        connector_port: The connector's public port on loopback.
        home: An empty directory of its own.
        port: To listen on; None for any.
    """
    port, secure_port = port or free_port(), free_port()
    pem = _certificate(home)
    changes = {
        "/var/cache/nginx/thron": f"{home}/cache",
        "server 127.0.0.1:8080;": f"server {LOOPBACK}:{connector_port};",
        "listen 80;": f"listen {LOOPBACK}:{port};",
        "# listen 443 ssl http2;": f"listen {LOOPBACK}:{secure_port} ssl http2;",
        "# ssl_certificate     /etc/ssl/media.example.com.pem;": f"ssl_certificate {pem};",
        "# ssl_certificate_key /etc/ssl/media.example.com.key;": f"ssl_certificate_key {pem};",
    }
    (home / "site.conf").write_text(_changed("nginx.conf", changes))
    (home / "nginx.conf").write_text(NGINX.format(home=home))
    command = (_program("nginx"), "-p", home, "-c", home / "nginx.conf")
    async with _listening(*map(str, command), port=port) as pid:
        yield Front(f"http://{LOOPBACK}:{port}", pid, f"https://{LOOPBACK}:{secure_port}")


@asynccontextmanager
async def varnish(
    connector_port: int, home: Path, *, port: int | None = None, has_xkey: bool = False
) -> AsyncIterator[Front]:
    """Run Varnish with ``deploy/varnish.vcl`` before a connector.

    Args:
        connector_port: The connector's public port on loopback.
        home: An empty directory of its own.
        port: To listen on; None for any.
        has_xkey: Whether the lines for varnish-modules count.
    """
    port = port or free_port()
    recipe = home / "default.vcl"
    changes = {
        '.port = "8080";': f'.port = "{connector_port}";',
        'acl tls_proxies {\n    "127.0.0.1";': f'acl tls_proxies {{\n    "{TLS_PROXY}";',
    }
    text = _changed("varnish.vcl", changes)
    if has_xkey:  # as the recipe says: "uncomment what has xkey in it"
        of_xkey = (
            r"^( *)# (import xkey;|set beresp.http.xkey|if \(req.http.xkey|    xkey|    return|\}$)"
        )
        text = re.sub(of_xkey, r"\1\2", text, flags=re.MULTILINE)
    recipe.write_text(text)
    place = ("-n", f"{home}/work", "-a", f"{LOOPBACK}:{port}", "-f", f"{recipe}")
    compiler = "cc_command=exec gcc -fpic -shared -o %o %s"  # to optimise takes longer than a test
    rest = ("-F", "-j", "none", "-T", "none", "-s", "malloc,64m", "-p", compiler)
    async with _listening(_program("varnishd"), *rest, *place, port=port) as pid:
        yield Front(f"http://{LOOPBACK}:{port}", pid)


@asynccontextmanager
async def haproxy(
    connector_port: int, home: Path, *, second_port: int | None = None
) -> AsyncIterator[Front]:
    """Run HAProxy with ``deploy/haproxy.cfg`` before a connector, or before two.

    Args:
        connector_port: The connector's public port on loopback.
        home: An empty directory of its own.
        second_port: The same of a replica.
    """
    port, secure_port, states_port = free_port(), free_port(), free_port()
    changes = {
        "    bind :80": f"    bind {LOOPBACK}:{port}",
        "    # bind :443 ssl crt /etc/ssl/media.example.com.pem": (
            f"    bind {LOOPBACK}:{secure_port} ssl crt {_certificate(home)}"
        ),
        "server connector 127.0.0.1:8080": f"server connector {LOOPBACK}:{connector_port}",
        # A busy machine may answer later than within the second that is between two looks.
        "    option httpchk": f"    timeout check {PATIENCE_S}s\n    option httpchk",
    }
    if second_port is not None:
        changes["# server connector-2 10.0.0.2:8080"] = (
            f"server connector-2 {LOOPBACK}:{second_port}"
        )
    # Little is on its way: what ends is in the middle of it.
    narrow = "global\n    tune.rcvbuf.server 131072\n    tune.sndbuf.client 131072\n"
    states = (
        f"listen states\n    bind {LOOPBACK}:{states_port}\n    stats enable\n    stats uri /\n"
    )
    (home / "haproxy.cfg").write_text(narrow + _changed("haproxy.cfg", changes) + states)
    async with _listening(
        _program("haproxy"), "-db", "-f", f"{home}/haproxy.cfg", port=port
    ) as pid:
        yield Front(
            f"http://{LOOPBACK}:{port}",
            pid,
            f"https://{LOOPBACK}:{secure_port}",
            f"http://{LOOPBACK}:{states_port}/;csv",
        )


@asynccontextmanager
async def caddy(connector_port: int, home: Path) -> AsyncIterator[Front]:
    """Run Caddy with ``deploy/Caddyfile`` before a connector; arguments as for nginx."""
    port, secure_port = free_port(), free_port()
    pem = _certificate(home)
    proxying = "reverse_proxy 127.0.0.1:8080"
    text = _changed("Caddyfile", {proxying: f"reverse_proxy {LOOPBACK}:{connector_port}"})
    _, _, site = text.partition("media.example.com {\n")  # certificates are not fetched here
    (home / "Caddyfile").write_text(
        f"{{\n\tadmin off\n\tauto_https off\n}}\n"
        f"http://:{port} {{\n\tbind {LOOPBACK}\n{site}"
        f"https://:{secure_port} {{\n\tbind {LOOPBACK}\n\ttls {pem} {pem}\n{site}"
    )
    command = (_program("caddy"), "run", "--config", f"{home}/Caddyfile", "--adapter", "caddyfile")
    async with _listening("env", f"HOME={home}", *command, port=port) as pid:
        yield Front(f"http://{LOOPBACK}:{port}", pid, f"https://{LOOPBACK}:{secure_port}")


@asynccontextmanager
async def apache(connector_port: int, home: Path) -> AsyncIterator[Front]:
    """Run Apache with ``deploy/apache.conf`` before a connector; arguments as for nginx."""
    port, secure_port = free_port(), free_port()
    pem = _certificate(home)
    changes = {
        "http://127.0.0.1:8080/": f"http://{LOOPBACK}:{connector_port}/",
        "<VirtualHost *:80>": f"<VirtualHost {LOOPBACK}:{port}>",
        "# <VirtualHost *:443>": f"<VirtualHost {LOOPBACK}:{secure_port}>",
        "#     Use Connector": "    Use Connector",
        "#     SSLEngine on": "    SSLEngine on",
        "#     SSLCertificateFile    /etc/ssl/media.example.com.pem": f"SSLCertificateFile {pem}",
        "#     SSLCertificateKeyFile /etc/ssl/media.example.com.key": (
            f"SSLCertificateKeyFile {pem}"
        ),
        "# </VirtualHost>": "</VirtualHost>",
    }
    (home / "site.conf").write_text(_changed("apache.conf", changes))
    loaded = "".join(
        f"LoadModule {each}_module /usr/lib/apache2/modules/mod_{each}.so\n"
        for each in (
            *("mpm_event", "authz_core", "headers", "macro", "proxy", "proxy_http"),
            *("setenvif", "socache_shmcb", "ssl", "env"),
        )
    )
    (home / "apache.conf").write_text(
        f"{loaded}ServerRoot {home}\nPidFile {home}/pid\nErrorLog {home}/error.log\n"
        f"DefaultRuntimeDir {home}\nMutex file:{home} default\nServerName {LOOPBACK}\n"
        f"User nobody\nGroup nogroup\n"
        f"Listen {LOOPBACK}:{port}\nListen {LOOPBACK}:{secure_port}\nInclude {home}/site.conf\n"
    )
    command = (_program("apache2"), "-D", "FOREGROUND", "-f", f"{home}/apache.conf")
    async with _listening(*command, port=port) as pid:
        yield Front(f"http://{LOOPBACK}:{port}", pid, f"https://{LOOPBACK}:{secure_port}")


def _certificate(home: Path) -> Path:
    """Return a file with a certificate of loopback, and its key."""
    pem = home / "media.pem"
    trustme.CA().issue_cert(LOOPBACK).private_key_and_cert_chain_pem.write_to_path(pem)
    return pem


def _changed(recipe: str, changes: Mapping[str, str]) -> str:
    """Return a recipe with the places and ports of a test."""
    text = (RECIPES / recipe).read_text()
    for shipped, ours in changes.items():
        assert text.count(shipped) == 1, f"{recipe}: {shipped}"
        text = text.replace(shipped, ours)
    return text


@asynccontextmanager
async def _listening(*command: str, port: int) -> AsyncIterator[int]:
    """Run a server, and give its process id; it is gone at the end of the block."""
    async with started(*command) as process:
        async with asyncio.timeout(PATIENCE_S):
            while not await _is_answering(port):
                assert process.returncode is None, (await process.communicate())[1].decode()
        try:
            yield process.pid
        finally:
            process.terminate()
            await process.wait()


async def _is_answering(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(LOOPBACK, port)
    except ConnectionError:
        await asyncio.sleep(0.02)
        return False
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
    return True


def _program(name: str) -> str:
    # Debian keeps servers off an ordinary user's PATH.
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    assert found, f"{name} is not installed: run tests/programs"
    return found
