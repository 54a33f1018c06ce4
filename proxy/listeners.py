"""Sockets to listen on, bound before anything else is opened, and what is served on them."""

import asyncio
import errno
import os
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from aiohttp import web

from proxy.errors import ConfigurationError
from proxy.observe.connection import Connection
from proxy.observe.middleware import STOPPING
from proxy.settings import Listen

# Between requests of one connection, and for a request that does not end: CDNs keep 60 s.
_KEEP_ALIVE_S = 75
_BACKLOG = 1024
# For a download that is cut to notice it; aiohttp takes 0 for "as long as it likes".
_CUT_S = 0.05


def bind(listen: Listen, *, setting: str) -> socket.socket:
    """Return a socket that listens on an address.

    Args:
        listen: Where; port 0 takes any free one.
        setting: The name to tell the operator.

    Raises:
        ConfigurationError: The address is taken, not of this machine, or not permitted.
    """
    family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
    try:
        return socket.create_server(
            (listen.host, listen.port),
            family=family,
            backlog=_BACKLOG,
            dualstack_ipv6=family is socket.AF_INET6 and listen.host == "::",
        )
    except OSError as exc:
        raise ConfigurationError([f"{setting}: {listen}: {_mend(exc)}"]) from exc


def tls_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """Return what a native HTTPS listener needs.

    Raises:
        ConfigurationError: The files are no certificate and key, or do not belong together.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certificate, key)
    except (ssl.SSLError, OSError) as exc:
        raise ConfigurationError(
            [f"TDC_TLS_CERT, TDC_TLS_KEY: {exc}; give a PEM chain and the key it belongs to"]
        ) from exc
    return context


@asynccontextmanager
async def serving(
    app: web.Application,
    *sockets: tuple[socket.socket, ssl.SSLContext | None],
    drained: Callable[[], Awaitable[None]],
    keep_alive_s: float = _KEEP_ALIVE_S,
) -> AsyncIterator[None]:
    """Serve an application on sockets; at the end take no more, and let what runs finish.

    Args:
        app: Its requests are cancelled when their client leaves.
        sockets: Bound ones, with TLS or without.
        drained: Waits, after the end of the block, for what runs; what still runs then is cut.
            Open connections may ask once more meanwhile, and are closed by the answer.
        keep_alive_s: For the first header section of a connection to be whole, and between the
            requests after it.
    """
    last = _LastAnswers()
    app.on_response_prepare.append(last.close)
    app[STOPPING] = asyncio.Event()
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=_CUT_S)
    await runner.setup()
    listening: list[asyncio.Server] = []
    try:
        for sock, context in sockets:
            listening.append(await _listening(runner, sock, context, keep_alive_s))
        yield
    finally:
        try:
            for server in listening:
                server.close()
            last.are_due = True
            await drained()
        finally:
            app[STOPPING].set()
            await runner.cleanup()


class _LastAnswers:
    """Closes, once they are due, every connection by its next answer."""

    def __init__(self) -> None:
        self.are_due = False

    async def close(self, _request: web.Request, response: web.StreamResponse) -> None:
        if self.are_due:
            response.force_close()
            response.headers["Connection"] = "close"


async def _listening(
    runner: web.AppRunner,
    sock: socket.socket,
    context: ssl.SSLContext | None,
    keep_alive_s: float,
) -> asyncio.Server:
    manager = runner.server
    if manager is None:
        raise RuntimeError("the runner has not been set up")
    loop = asyncio.get_running_loop()
    connection = partial(
        Connection,
        manager,
        loop=loop,
        keepalive_timeout=keep_alive_s,
        auto_decompress=False,  # the content of a request is read past, whatever it is
        access_log=None,  # type: ignore[arg-type] # as aiohttp's own runner passes it
    )
    return await loop.create_server(connection, sock=sock, ssl=context, backlog=_BACKLOG)


def _mend(exc: OSError) -> str:
    match exc.errno:
        case errno.EADDRINUSE:
            return "another program listens there; choose another port"
        case errno.EADDRNOTAVAIL:
            return "this machine has no such address; 0.0.0.0 is all of them"
        case errno.EACCES:
            return "ports below 1024 need a right; choose a higher one, or a front proxy"
        case _:
            return os.strerror(exc.errno or 0)
