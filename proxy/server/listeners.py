"""Sockets to listen on, bound before anything else is opened, and what is served on them."""

import asyncio
import errno
import math
import os
import socket
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial

import structlog
from aiohttp import web

from proxy.errors import ConfigurationError
from proxy.server import tls_buffer
from proxy.server.certificate import Certificate
from proxy.server.connection import AtOnce, ClientConnection
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
# After an error that has nothing to do with the client, such as no descriptor being left.
_ACCEPT_AGAIN_S = 0.1
# So long a connection is left to processes that have fewer; then whoever comes first takes it.
_LEFT_S = 0.001
_WARNED_EVERY_S = 60
# For a download that is cut to notice it; aiohttp takes 0 for "as long as it likes".
_CUT_S = 0.05


# The settings that say where, in the order of their problems.
LISTENERS = ("listen", "admin_listen", "tls_listen", "metrics_listen")


@dataclass(frozen=True, slots=True)
class Sockets:
    """What is bound.

    Attributes:
        named: By its setting.
        certificate: Of native HTTPS, where there is that.
        handed_over: Set once a successor accepts their connections.
        are_ours: Whether nobody listens on them once this process and its workers have ended.
    """

    named: Mapping[str, socket.socket]
    certificate: Certificate | None = None
    handed_over: asyncio.Event = field(default_factory=asyncio.Event)
    are_ours: bool = True

    @property
    def public(self) -> tuple[tuple[socket.socket, Certificate | None], ...]:
        """The public listener's, one perhaps with TLS."""
        found: list[tuple[socket.socket, Certificate | None]] = [(self.named["listen"], None)]
        if self.certificate is not None:
            found.append((self.named["tls_listen"], self.certificate))
        return tuple(found)

    @property
    def admin(self) -> socket.socket:
        """The admin listener's."""
        return self.named["admin_listen"]

    @property
    def metrics(self) -> socket.socket | None:
        """That of metrics and probes, where they have a listener of their own."""
        return self.named.get("metrics_listen")


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


def bind_all(
    stack: AsyncExitStack,
    settings: Settings,
    offered: Iterable[tuple[str, socket.socket]] = (),
) -> tuple[Sockets, Settings]:
    """Bind every listener, and return the settings with the ports that were bound.

    Args:
        stack: Closes the sockets.
        settings: Say where to listen.
        offered: Sockets that listen already, with the settings' names. Those that are at the right
            address are used; what is not used is closed.

    Raises:
        ConfigurationError: For all listeners together that cannot be.
    """
    left = [(name, stack.enter_context(sock)) for name, sock in offered]
    opened = ExitStack()
    problems: list[str] = []
    bound: dict[str, socket.socket] = {}
    for name in LISTENERS:
        listen = getattr(settings, name)
        if listen is None:
            continue
        fitting = next((each for each in left if _is_at(each, name, listen)), None)
        if fitting is not None:
            left.remove(fitting)
            bound[name] = fitting[1]
            continue
        try:
            bound[name] = opened.enter_context(bind(listen, setting=env_name(name)))
        except ConfigurationError as exc:
            problems += exc.problems
    certificate = None
    if settings.tls_cert is not None and settings.tls_key is not None:
        try:
            certificate = Certificate(settings.tls_cert, settings.tls_key)
        except ConfigurationError as exc:
            problems += exc.problems
    if problems:
        opened.close()
        raise ConfigurationError(problems)
    stack.enter_context(opened)
    for _, sock in left:
        log.warning(
            "socket not used",
            address=str(_address(sock)),
            fix="if systemd gives it, let it have the address of a listener, or its setting's name,"
            " such as FileDescriptorName=listen",
        )
        sock.close()
    ports = {
        name: Listen(host=getattr(settings, name).host, port=sock.getsockname()[1])
        for name, sock in bound.items()
    }
    return Sockets(bound, certificate), settings.model_copy(update=ports)


def stop_listening(sock: socket.socket) -> None:
    """End the listening of a socket in every process that has it: Linux resets what waits."""
    with suppress(OSError):  # another one has
        sock.shutdown(socket.SHUT_RD)


def addressed(settings: Settings, given: Iterable[tuple[str, socket.socket]]) -> Settings:
    """Return settings with the addresses of sockets that are given by their settings' names."""
    addresses = {name: _address(sock) for name, sock in given if name in LISTENERS}
    return settings.model_copy(update=addresses)


def _address(sock: socket.socket) -> Listen:
    host, port = sock.getsockname()[:2]
    return Listen(host=host, port=port)


def _is_at(offered: tuple[str, socket.socket], name: str, listen: Listen) -> bool:
    """Tell whether a socket listens where a setting says; port 0 is any of the same name."""
    offered_name, sock = offered
    family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
    if sock.family is not family or (not listen.port and offered_name != name):
        return False
    try:
        infos = socket.getaddrinfo(listen.host, listen.port, family, socket.SOCK_STREAM)
    except OSError:
        return False
    host, port = sock.getsockname()[:2]
    return (host, port if listen.port else 0) in {info[4][:2] for info in infos}


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """How what is served on sockets comes to its end.

    Attributes:
        handed_over: Set once a successor accepts the connections that wait.
        draining: Set once each answer is the last one of its connection; at the end it is set.
        stopping: Is set once what still runs is cut.
    """

    handed_over: asyncio.Event = field(default_factory=asyncio.Event)
    draining: asyncio.Event = field(default_factory=asyncio.Event)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)


class Listener:
    """What accepts the connections of some sockets."""

    def __init__(self, acceptors: Sequence["_Acceptor"], lifecycle: Lifecycle) -> None:
        self._acceptors = acceptors
        self._lifecycle = lifecycle

    def accept(self) -> None:
        """Take connections from now on."""
        for acceptor in self._acceptors:
            acceptor.start()

    def close(self, *, for_all: bool = False) -> None:
        """Take those that wait, unless a successor does, and no more.

        Args:
            for_all: Nor does any other process that has the sockets, unless a successor does: one
                that hangs would let clients wait for an answer.
        """
        is_handed_over = self._lifecycle.handed_over.is_set()
        for acceptor in self._acceptors:
            acceptor.close(takes_waiting=not is_handed_over, for_all=for_all and not is_handed_over)


@asynccontextmanager
async def serving(
    application: web.Application | web.Server | Handler,
    *sockets: tuple[socket.socket, Certificate | None],
    limiter: ConnectionLimiter,
    drained: Callable[[], Awaitable[object]],
    lifecycle: Lifecycle | None = None,
    accepts_at_once: bool = True,
    at_once: AtOnce | None = None,
    keep_alive_s: float = _KEEP_ALIVE_S,
    header_s: float = _HEADER_S,
) -> AsyncIterator[Listener]:
    """Serve an application on sockets; at the end take no more, and let what runs finish.

    Args:
        application: Or one handler, which aiohttp calls without a router or middlewares, or a
            server of such a handler. Requests are cancelled when their client leaves.
        sockets: Bound ones, with TLS or without.
        limiter: Bounds the connections of all of them.
        drained: Waits, after the end of the block, for what runs; what still runs then is cut.
            Open connections may ask once more meanwhile, and are closed by the answer.
        lifecycle: Tells when the end comes.
        accepts_at_once: Else once it is told to.
        at_once: Answers some requests before the application is asked, as ``ClientConnection``
            says.
        keep_alive_s: Between the requests of a connection.
        header_s: For a header section to be whole, from its first octet; of the first one from the
            connection's begin; and for the handshake of TLS.
    """
    lifecycle = lifecycle or Lifecycle()
    runner: web.BaseRunner
    if isinstance(application, web.Application):
        runner = web.AppRunner(application, handler_cancellation=True, shutdown_timeout=_CUT_S)
    else:
        if not isinstance(application, web.Server):
            application = web.Server(application, handler_cancellation=True)
        runner = web.ServerRunner(application, shutdown_timeout=_CUT_S)
    await runner.setup()
    manager = runner.server
    if manager is None:
        raise RuntimeError("the runner has not been set up")
    connection = partial(
        ClientConnection,
        manager,
        header_s=header_s,
        draining=lifecycle.draining,
        at_once=at_once,
        loop=asyncio.get_running_loop(),
        keepalive_timeout=keep_alive_s,
        auto_decompress=False,  # the content of a request is read past, whatever it is
        access_log=None,  # as aiohttp's own runner passes it
    )
    acceptors = [
        _Acceptor(sock, certificate, limiter, connection, handshake_s=header_s)
        for sock, certificate in sockets
    ]
    listener = Listener(acceptors, lifecycle)
    try:
        if accepts_at_once:
            listener.accept()
        yield listener
    finally:
        try:
            listener.close()
            lifecycle.draining.set()
            await drained()
        finally:
            lifecycle.stopping.set()
            for acceptor in acceptors:
                acceptor.abort()
            await runner.cleanup()


class _Acceptor:
    """Accepts the connections of one socket; asyncio's own server bounds and counts nothing."""

    def __init__(
        self,
        sock: socket.socket,
        certificate: Certificate | None,
        limiter: ConnectionLimiter,
        connection: Callable[..., ClientConnection],
        *,
        handshake_s: float,
    ) -> None:
        self._sock = sock
        self._certificate = certificate
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

    def close(self, *, takes_waiting: bool, for_all: bool = False) -> None:
        """Accept no more; what has been accepted goes on.

        Args:
            takes_waiting: Accept before what waits: the kernel resets it as the socket closes.
            for_all: End the listening itself, whichever processes have the socket.
        """
        if self._sock.fileno() < 0:
            return
        is_accepting = self._loop.remove_reader(self._sock) or self._again is not None
        if is_accepting and takes_waiting:
            for _ in range(_BACKLOG):
                if not self._accept_one():
                    break
        if self._again is not None:
            self._again.cancel()
        if for_all:
            stop_listening(self._sock)
        self._sock.close()

    def abort(self) -> None:
        """Give up on handshakes."""
        for place in list(self._beginning.values()):
            place.abort()

    def _accept(self) -> None:
        # All processes wake for a connection, and the one with the least to do is not the quickest.
        if self._limiter.is_ahead:
            self._pause(_LEFT_S)
        else:
            self._accept_some()

    def _accept_some(self) -> None:
        for _ in range(self._limiter.accepted_at_once):
            if not self._accept_one():
                return

    def _accept_one(self) -> bool:
        """Accept a connection; False if none waits, or none can be accepted."""
        try:
            sock, address = self._sock.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return False
        except OSError as exc:
            if exc.errno == errno.EINVAL:  # another process has ended the listening for all
                self._loop.remove_reader(self._sock)
            else:
                self._failed(exc)
            return False
        place = self._limiter.opened(address[0])
        if place is None:
            sock.close()
            return True
        place.abort = sock.close
        task = self._loop.create_task(self._begin(sock, place), name="connection")
        self._beginning[task] = place
        task.add_done_callback(self._beginning.pop)
        return True

    async def _begin(self, sock: socket.socket, place: OpenConnection) -> None:
        """Give a socket to a connection, after the handshake where there is TLS."""
        if sock.fileno() < 0 or (task := asyncio.current_task()) is None:
            place.closed()  # it has given way already
            return
        # The transport closes the socket from now on; it sets what ends it once it is made.
        place.abort = task.cancel
        sock.setblocking(False)  # noqa: FBT003 - the socket module's own signature
        context = self._certificate.context if self._certificate is not None else None
        is_tls = context is not None
        try:
            transport, _ = await self._loop.connect_accepted_socket(
                partial(self._connection, place=place),
                sock,
                ssl=context,
                ssl_handshake_timeout=self._handshake_s if is_tls else None,
                ssl_shutdown_timeout=_TLS_END_S if is_tls else None,
            )
        except (OSError, asyncio.CancelledError):  # the client's handshake, or our limit
            place.closed()
        else:
            tls_buffer.shrink(transport)

    def _failed(self, exc: OSError) -> None:
        self._limiter.count("accept_error")
        self._pause(_ACCEPT_AGAIN_S)
        if self._loop.time() - self._warned_at >= _WARNED_EVERY_S:
            self._warned_at = self._loop.time()
            log.warning(
                "cannot accept connections",
                reason=exc.strerror,
                fix="raise the limit of open files, or lower TDC_MAX_CONNECTIONS",
            )

    def _pause(self, seconds: float) -> None:
        """Stop accepting for a moment, as a socket that stays readable would spin the loop."""
        self._loop.remove_reader(self._sock)
        self._again = self._loop.call_later(seconds, self._resume)

    def _resume(self) -> None:
        self._again = None
        self._loop.add_reader(self._sock, self._accept)
        self._accept_some()


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
