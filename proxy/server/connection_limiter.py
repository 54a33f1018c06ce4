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
        limiter = self._limiter
        limiter.owed.add(self)
        if (same := limiter.idle.get(self.client)) is None or self not in same:
            return
        del same[self]
        if not same:
            del limiter.idle[self.client]
        if self.client is not None:
            limiter.idle_shares.change(self.client, -1)

    def idle(self) -> None:
        """Note that it may be closed: no request is being answered."""
        limiter = self._limiter
        limiter.owed.discard(self)
        limiter.settling.set()
        if self not in limiter.connections:
            return
        same = limiter.idle.setdefault(self.client, {})
        if self not in same:
            same[self] = None
            if self.client is not None:
                limiter.idle_shares.change(self.client, 1)

    def used(self) -> None:
        """Note that a request has been answered since it became idle, if it still is."""
        same = self._limiter.idle.get(self.client, {})
        if self in same:
            del same[self]
            same[self] = None

    def close(self, reason: str) -> None:
        """Close it at once, and count why."""
        self._limiter.count(reason)
        self.abort()

    def closed(self) -> None:
        """Note that it is closed, and its descriptor free."""
        self.busy()  # it is among the idle ones no more
        self._limiter.forget(self)


class ConnectionLimiter:
    """Bounds the open connections of one listener.

    Attributes:
        count: Is told why a connection was refused or closed.
        accepted_at_once: Connections of one socket to take before anything else is done.
        connections: Those that are open.
        idle: Those of each client that may be closed, the longest idle first; None is the client
            of all trusted proxies.
        idle_shares: How many those are, but for the trusted proxies'.
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
        self.connections: set[OpenConnection] = set()
        self.idle: dict[str | None, dict[OpenConnection, None]] = {}
        self.idle_shares = Shares()
        self.owed: set[OpenConnection] = set()
        self.settling = asyncio.Event()
        self._warned_at = -_WARNED_EVERY_S

    @property
    def open(self) -> int:
        """How many connections are open."""
        return len(self.connections)

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
        if len(self.connections) >= self._shared.allowed(self._most) and not self._make_room():
            self.count("refused")
            return None
        client = None if self._trusted.has(address) else client_of(address)
        connection = OpenConnection(self, client)
        self.connections.add(connection)
        self._shared.note(len(self.connections))
        connection.idle()
        self.owed.add(connection)  # whoever connects is about to ask
        return connection

    def forget(self, connection: OpenConnection) -> None:
        """Note that a connection is closed."""
        self.connections.discard(connection)
        self._shared.note(len(self.connections))
        self.owed.discard(connection)
        self.settling.set()

    async def settled(self, *, with_idle: bool) -> None:
        """Wait until every connection has been answered; the idle ones too if they are to close.

        Whoever has just connected is about to ask.
        """
        while self.owed or (with_idle and self.connections):
            self.settling.clear()
            await self.settling.wait()

    def _make_room(self) -> bool:
        client = self.idle_shares.most_numerous()
        self._warn(client)
        if client not in self.idle:
            return False
        longest_idle = next(iter(self.idle[client]))
        longest_idle.close("full")
        longest_idle.closed()
        return True

    def _warn(self, client: str | None) -> None:
        if self._now() - self._warned_at >= _WARNED_EVERY_S:
            self._warned_at = self._now()
            log.warning(
                "connections full",
                open=self.open,
                most_numerous=client,
                idle_of_it=self.idle_shares.highest,
                fix="raise the limit of open files, or TDC_MAX_CONNECTIONS where it is set;"
                " if the most numerous is your proxy, name it in TDC_TRUSTED_PROXIES",
            )
