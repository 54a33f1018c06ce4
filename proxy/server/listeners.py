"""Sockets to listen on, bound before anything else is opened, and what is served on them."""

import asyncio
import errno
import math
import os
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog
from aiohttp import web

from proxy.errors import ConfigurationError
from proxy.server.connection import AtOnce, Connection
from proxy.server.connection_limiter import ConnectionLimiter, OpenConnection
from proxy.settings import Listen, Settings, env_name
from proxy.telemetry.middleware import Handler

log = structlog.get_logger("proxy.server.listeners")

# Between requests of one connection: CDNs keep 60 s.
_KEEP_ALIVE_S = 75
# For a header section to be whole, and for the handshake of TLS before it; whoever has not sent it
# by then will hardly do so.
_HEADER_S = 15
# For a client to answer the end of TLS, which none must.
_TLS_END_S = 2
_BACKLOG = 1024
# Of one listener before anything else is done: so many may be open for a moment beyond the limit.
_ACCEPTED_AT_ONCE = 16
# After an error that has nothing to do with the client, such as no descriptor being left.
_ACCEPT_AGAIN_S = 0.1
_WARNED_EVERY_S = 60
# For a download that is cut to notice it; aiohttp takes 0 for "as long as it likes".
_CUT_S = 0.05


@dataclass(frozen=True, slots=True)
class Sockets:
    """What is bound: the public listener's sockets, one perhaps with TLS, and the admin's."""

    public: tuple[tuple[socket.socket, ssl.SSLContext | None], ...]
    admin: socket.socket


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
        raise ConfigurationError([f"{setting}: {listen}: {_fix(exc)}"]) from exc


def bind_all(stack: AsyncExitStack, settings: Settings) -> tuple[Sockets, Settings]:
    """Bind every listener, and return the settings with the ports that were bound.

    Args:
        stack: Closes the sockets.
        settings: Say where to listen.

    Raises:
        ConfigurationError: For all listeners together that cannot be.
    """
    problems: list[str] = []
    bound: dict[str, socket.socket] = {}
    for name in ("listen", "admin_listen", "tls_listen"):
        listen = getattr(settings, name)
        if listen is None:
            continue
        try:
            bound[name] = stack.enter_context(bind(listen, setting=env_name(name)))
        except ConfigurationError as exc:
            problems += exc.problems
    if problems:
        raise ConfigurationError(problems)
    public: list[tuple[socket.socket, ssl.SSLContext | None]] = [(bound["listen"], None)]
    if settings.tls_cert is not None and settings.tls_key is not None:
        context = tls_context(settings.tls_cert, settings.tls_key)
        public.append((bound["tls_listen"], context))
    ports = {
        name: Listen(host=getattr(settings, name).host, port=sock.getsockname()[1])
        for name, sock in bound.items()
    }
    return Sockets(tuple(public), bound["admin_listen"]), settings.model_copy(update=ports)


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
    application: web.Application | Handler,
    *sockets: tuple[socket.socket, ssl.SSLContext | None],
    limiter: ConnectionLimiter,
    drained: Callable[[], Awaitable[object]],
    stopping: asyncio.Event | None = None,
    at_once: AtOnce | None = None,
    keep_alive_s: float = _KEEP_ALIVE_S,
    header_s: float = _HEADER_S,
) -> AsyncIterator[None]:
    """Serve an application on sockets; at the end take no more, and let what runs finish.

    Args:
        application: Or one handler, which aiohttp calls without a router or middlewares. Requests
            are cancelled when their client leaves.
        sockets: Bound ones, with TLS or without.
        limiter: Bounds the connections of all of them.
        drained: Waits, after the end of the block, for what runs; what still runs then is cut.
            Open connections may ask once more meanwhile, and are closed by the answer.
        stopping: Is set once what still runs is cut.
        at_once: Answers some requests before the application is asked, as ``Connection`` says.
        keep_alive_s: Between the requests of a connection.
        header_s: For a header section to be whole, from its first octet; of the first one from the
            connection's begin; and for the handshake of TLS.
    """
    draining = asyncio.Event()
    runner: web.BaseRunner
    if isinstance(application, web.Application):
        runner = web.AppRunner(application, handler_cancellation=True, shutdown_timeout=_CUT_S)
    else:
        server = web.Server(application, handler_cancellation=True)
        runner = web.ServerRunner(server, shutdown_timeout=_CUT_S)
    await runner.setup()
    manager = runner.server
    if manager is None:
        raise RuntimeError("the runner has not been set up")
    connection = partial(
        Connection,
        manager,
        header_s=header_s,
        draining=draining,
        at_once=at_once,
        loop=asyncio.get_running_loop(),
        keepalive_timeout=keep_alive_s,
        auto_decompress=False,  # the content of a request is read past, whatever it is
        access_log=None,  # as aiohttp's own runner passes it
    )
    acceptors = [
        _Acceptor(sock, context, limiter, connection, handshake_s=header_s)
        for sock, context in sockets
    ]
    try:
        for acceptor in acceptors:
            acceptor.start()
        yield
    finally:
        try:
            for acceptor in acceptors:
                acceptor.close()
            draining.set()
            await drained()
        finally:
            if stopping is not None:
                stopping.set()
            await runner.cleanup()


class _Acceptor:
    """Accepts the connections of one socket; asyncio's own server bounds and counts nothing."""

    def __init__(
        self,
        sock: socket.socket,
        context: ssl.SSLContext | None,
        limiter: ConnectionLimiter,
        connection: Callable[..., Connection],
        *,
        handshake_s: float,
    ) -> None:
        self._sock = sock
        self._context = context
        self._limiter = limiter
        self._connection = connection
        self._handshake_s = handshake_s
        self._loop = asyncio.get_running_loop()
        self._beginning: dict[asyncio.Task[None], OpenConnection] = {}
        self._again: asyncio.TimerHandle | None = None
        self._warned_at = -math.inf

    def start(self) -> None:
        self._sock.setblocking(False)  # noqa: FBT003 - the socket module's own signature
        self._sock.listen(_BACKLOG)
        self._loop.add_reader(self._sock, self._accept)

    def close(self) -> None:
        """Accept no more, and give up on handshakes."""
        self._loop.remove_reader(self._sock)
        if self._again is not None:
            self._again.cancel()
        self._sock.close()
        for place in list(self._beginning.values()):
            place.abort()

    def _accept(self) -> None:
        for _ in range(_ACCEPTED_AT_ONCE):
            try:
                sock, address = self._sock.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as exc:
                self._pause(exc)
                return
            place = self._limiter.opened(address[0])
            if place is None:
                sock.close()
                continue
            place.abort = sock.close
            task = self._loop.create_task(self._begin(sock, place), name="connection")
            self._beginning[task] = place
            task.add_done_callback(self._beginning.pop)

    async def _begin(self, sock: socket.socket, place: OpenConnection) -> None:
        """Give a socket to a connection, after the handshake where there is TLS."""
        if sock.fileno() < 0 or (task := asyncio.current_task()) is None:
            place.closed()  # it has given way already
            return
        # The transport closes the socket from now on; it sets what ends it once it is made.
        place.abort = task.cancel
        sock.setblocking(False)  # noqa: FBT003 - the socket module's own signature
        is_tls = self._context is not None
        try:
            await self._loop.connect_accepted_socket(
                partial(self._connection, place=place),
                sock,
                ssl=self._context,
                ssl_handshake_timeout=self._handshake_s if is_tls else None,
                ssl_shutdown_timeout=_TLS_END_S if is_tls else None,
            )
        except (OSError, asyncio.CancelledError):  # the client's handshake, or our limit
            place.closed()

    def _pause(self, exc: OSError) -> None:
        """Stop accepting for a moment, as a socket that stays readable would spin the loop."""
        self._limiter.count("accept_error")
        self._loop.remove_reader(self._sock)
        self._again = self._loop.call_later(
            _ACCEPT_AGAIN_S, self._loop.add_reader, self._sock, self._accept
        )
        if self._loop.time() - self._warned_at >= _WARNED_EVERY_S:
            self._warned_at = self._loop.time()
            log.warning(
                "cannot accept connections",
                reason=exc.strerror,
                fix="raise the limit of open files, or lower TDC_MAX_CONNECTIONS",
            )


def _fix(exc: OSError) -> str:
    match exc.errno:
        case errno.EADDRINUSE:
            return "another program listens there; choose another port"
        case errno.EADDRNOTAVAIL:
            return "this machine has no such address; 0.0.0.0 is all of them"
        case errno.EACCES:
            return "ports below 1024 need a right; choose a higher one, or a front proxy"
        case _:
            return os.strerror(exc.errno or 0)
