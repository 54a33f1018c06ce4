"""How many connections are open; where there are too many, which idle one gives way.

The longest idle connection of the client with the most of them is closed: whoever opens many
closes his own. A connection on which a request is answered is never closed. A trusted proxy's
connections are those of many clients: they give way only where no other is idle.
"""

import asyncio
from collections.abc import Callable

import structlog

from proxy.fairness import Shares, client_of
from proxy.semantics.forwarded import TrustedProxies
from proxy.server.shared_counts import SharedCount

log = structlog.get_logger("proxy.connections")

_WARNED_EVERY_S = 60.0
# Before anything else is done: so many may be open for a moment beyond the limit.
_ACCEPTED_AT_ONCE = 16


class OpenConnection:
    """One of the connections that are open; it is idle from the start.

    Attributes:
        abort: Ends it at once; whoever holds the transport sets it.
    """

    __slots__ = ("_limiter", "abort", "client")

    def __init__(self, limiter: "ConnectionLimiter", client: str | None) -> None:
        self._limiter = limiter
        self.client = client
        self.abort: Callable[[], object] = lambda: None

    def busy(self) -> None:
        """Note that a request is being answered: it is not closed now."""
        self._limiter.forget_idle(self)
        self._limiter.owed.add(self)

    def idle(self) -> None:
        """Note that it may be closed: no request is being answered."""
        self._limiter.keep_idle(self)
        self._limiter.owed.discard(self)
        self._limiter.settling.set()

    def used(self) -> None:
        """Note that a request has been answered since it became idle."""
        self._limiter.renew_idle(self)

    def close(self, reason: str) -> None:
        """Close it at once, and count why."""
        self._limiter.count(reason)
        self.abort()

    def closed(self) -> None:
        """Note that it is closed, and its descriptor free."""
        self._limiter.forget(self)


class ConnectionLimiter:
    """Bounds the open connections of one listener.

    Attributes:
        count: Is told why a connection was refused or closed.
        accepted_at_once: Connections of one socket to take before anything else is done.
        owed: Those that wait for an answer.
        settling: Set whenever one waits no more.
    """

    def __init__(
        self,
        *,
        most: int,
        trusted: TrustedProxies,
        count: Callable[[str], None],
        now: Callable[[], float],
        shared: SharedCount | None = None,
    ) -> None:
        """Make a limiter without connections.

        Args:
            most: Connections that may be open, in this process.
            trusted: The proxies whose connections are those of many clients.
            count: Is told why a connection was refused or closed.
            now: Monotonic seconds.
            shared: Those of all processes; None: there are no others.
        """
        # A burst wakes all processes, and is theirs together.
        self.accepted_at_once = _ACCEPTED_AT_ONCE if shared is None or shared.is_alone else 1
        self._most = most
        self._shared = shared or SharedCount()
        self._trusted = trusted
        self.count = count
        self._now = now
        self._open: set[OpenConnection] = set()
        self.owed: set[OpenConnection] = set()
        self.settling = asyncio.Event()
        # Client -> its idle connections, the longest idle first; None: all trusted proxies.
        self._idle: dict[str | None, dict[OpenConnection, None]] = {}
        self._idle_shares = Shares()
        self._warned_at = -_WARNED_EVERY_S

    @property
    def open(self) -> int:
        """How many connections are open."""
        return len(self._open)

    @property
    def is_ahead(self) -> bool:
        """Whether other processes have so few connections that they should take the next."""
        return self._shared.is_ahead

    def opened(self, address: str) -> OpenConnection | None:
        """Return a place for a connection that has been accepted.

        Args:
            address: Of the peer.

        Returns:
            Its place; None where all are taken, and a request is answered on every one.
        """
        if len(self._open) >= self._shared.allowed(self._most) and not self._make_room():
            self.count("refused")
            return None
        client = None if self._trusted.has(address) else client_of(address)
        connection = OpenConnection(self, client)
        self._open.add(connection)
        self._shared.note(len(self._open))
        self.owed.add(connection)
        self.keep_idle(connection)
        return connection

    def keep_idle(self, connection: OpenConnection) -> None:
        """Note that a connection that is open may be closed from now on."""
        if connection not in self._open:
            return
        same = self._idle.setdefault(connection.client, {})
        if connection not in same:
            same[connection] = None
            if connection.client is not None:
                self._idle_shares.add(connection.client)

    def renew_idle(self, connection: OpenConnection) -> None:
        """Note that an idle connection has been idle from now on."""
        same = self._idle.get(connection.client, {})
        if connection in same:
            del same[connection]
            same[connection] = None

    def forget_idle(self, connection: OpenConnection) -> None:
        """Note that a connection may not be closed."""
        same = self._idle.get(connection.client, {})
        if connection not in same:
            return
        del same[connection]
        if not same:
            del self._idle[connection.client]
        if connection.client is not None:
            self._idle_shares.remove(connection.client)

    def forget(self, connection: OpenConnection) -> None:
        """Note that a connection is closed."""
        self.forget_idle(connection)
        self._open.discard(connection)
        self._shared.note(len(self._open))
        self.owed.discard(connection)
        self.settling.set()

    async def settled(self, *, with_idle: bool) -> None:
        """Wait until every connection has been answered; the idle ones too if they are to close.

        Whoever has just connected is about to ask.
        """
        while self.owed or (with_idle and self._open):
            self.settling.clear()
            await self.settling.wait()

    def _make_room(self) -> bool:
        client = self._idle_shares.most_numerous()
        self._warn(client)
        if client not in self._idle:
            return False
        longest_idle = next(iter(self._idle[client]))
        longest_idle.close("full")
        self.forget(longest_idle)
        return True

    def _warn(self, client: str | None) -> None:
        if self._now() - self._warned_at >= _WARNED_EVERY_S:
            self._warned_at = self._now()
            log.warning(
                "connections full",
                open=self.open,
                most_numerous=client,
                idle_of_it=self._idle_shares.highest,
                fix="raise the limit of open files, or TDC_MAX_CONNECTIONS where it is set;"
                " if the most numerous is your proxy, name it in TDC_TRUSTED_PROXIES",
            )
