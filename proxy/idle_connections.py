"""A connector of aiohttp with a bound on its idle connections, which aiohttp 3.14 does not have.

``limit`` counts connections in use, and a burst of downloads may leave as many idle ones behind as
there were downloads: descriptors of ours, and connections of the origins'. ``keepalive_timeout``
bounds their age, not their number. The private names that this needs of aiohttp are here and
nowhere else; the tests of this module say when they change.
"""

import ssl
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ConnectionKey

# As many as Go's net/http keeps (DefaultTransport.MaxIdleConns).
MOST_IDLE: Final = 100
# As long as CDNs keep theirs.
_KEEP_ALIVE_S: Final = 75


class IdleBoundedConnector(aiohttp.TCPConnector):
    """Keeps the connections that became idle last; the oldest makes room, whatever its host."""

    def __init__(
        self,
        *,
        ssl: ssl.SSLContext,
        resolver: AbstractResolver | None = None,
        most_idle: int = MOST_IDLE,
    ) -> None:
        """Make a connector; how many connections may be in use is for the admission to say."""
        super().__init__(limit=0, ssl=ssl, resolver=resolver, keepalive_timeout=_KEEP_ALIVE_S)
        self._most_idle = most_idle

    def _release(
        self, key: ConnectionKey, protocol: ResponseHandler, *, should_close: bool = False
    ) -> None:
        super()._release(key, protocol, should_close=should_close)
        if sum(len(idle) for idle in self._conns.values()) <= self._most_idle:
            return
        host = min(self._conns, key=lambda each: self._conns[each][0][1])
        oldest, _ = self._conns[host].popleft()
        if not self._conns[host]:
            del self._conns[host]
        oldest.close()
