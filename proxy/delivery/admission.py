"""How many downloads, and from whom; when full, fair shares: a stalled download gives way.

Rule 1: below the limit everybody is admitted. Rule 2: when full, a client that has less than
another, whose downloads are more than its fair share, waits a moment for a place; every other is
refused at once. Rule 3: of such a greedy client, the download that has stalled the longest is cut
for the one that waits; one that moves is never cut. Rule 4: a trusted proxy stands for many
clients: its downloads are nobody's share.
"""

import asyncio
import math
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache

import structlog

from proxy.delivery.transfer import Transfer
from proxy.errors import Overloaded, TooManyForClient
from proxy.fairness import Shares, client_of
from proxy.semantics.forwarded import TrustedProxies
from proxy.server.shared_counts import SharedClients, SharedCount

log = structlog.get_logger("proxy.admission")

# A client that takes nothing of 64 KiB for so long is stalled, or slower than any line of today.
_STALLED_S = 1.0
# For a place to become free, or a download to be known as stalled.
_WAIT_S = 2.0
_LOOK_EVERY_S = 0.1
_WARNED_EVERY_S = 60.0
_REMEMBERED_CLIENTS = 1024


@dataclass(slots=True, eq=False)
class Place:
    """One download, and whether it has been told to give way."""

    client: str | None
    transfer: Transfer
    gives_way: bool = False


@dataclass(slots=True, eq=False)
class _Waiter:
    """A request that waits for the place of another's download."""

    client: str | None
    free: asyncio.Future[None]


class Admission:
    """Counts the downloads of this process, within what the others leave of the whole."""

    def __init__(
        self,
        *,
        max_downloads: int,
        max_per_client: int,
        trusted: TrustedProxies,
        now: Callable[[], float],
        shared: SharedCount | None = None,
        shared_clients: SharedClients | None = None,
    ) -> None:
        """Make an empty count.

        Args:
            max_downloads: At once, in this process.
            max_per_client: At once for one client address; 0 is no limit.
            trusted: The proxies that stand for many clients.
            now: Monotonic seconds, as the transfers have them.
            shared: Those of all processes; None: there are no others.
            shared_clients: The same by client.
        """
        self._max_downloads = max_downloads
        self._max_per_client = max_per_client
        self._client_of = lru_cache(_REMEMBERED_CLIENTS)(
            lambda address: None if trusted.has(address) else client_of(address)
        )
        self._now = now
        self._shared = shared
        self._shared_clients = shared_clients
        self._places: set[Place] = set()
        self._shares = Shares()  # of all but trusted proxies
        self._waiting: dict[_Waiter, None] = {}  # the longest first
        self._waiting_shares = Shares()
        self._taken = 0  # the places, and those given to waiters that are not there yet
        self._giving_way = 0
        self._look: asyncio.Handle | None = None
        self._pending = 0  # requests that have no place yet
        self._settling = asyncio.Event()
        self._warned_at = -math.inf
        self.is_closing = False

    @property
    def running(self) -> int:
        """How many downloads are under way."""
        return len(self._places)

    @property
    def _capacity(self) -> int:
        """How many this process may have now."""
        if self._shared is None:
            return self._max_downloads
        return self._shared.allowed(self._max_downloads)

    @contextmanager
    def pending(self) -> Iterator[None]:
        """Let a drain wait for a request that has no place yet, to the end of the block."""
        self._pending += 1
        try:
            yield
        finally:
            self._pending -= 1
            self._settling.set()

    async def enter(self, address: str, transfer: Transfer) -> Place:
        """Give a place to a download, to be given back by ``leave``.

        Args:
            address: The client's, behind trusted proxies too.
            transfer: Tells whether the download stalls, and lets it give way.

        Raises:
            Overloaded: There are too many already, and none gives way in time.
            TooManyForClient: This client has too many already.
        """
        client = self._client_of(address)
        if self._max_per_client and client:
            number = self._shares.of(client)
            if self._shared_clients is not None:
                number += self._shared_clients.elsewhere(client)
            if number >= self._max_per_client:
                raise TooManyForClient(f"{client} has {number} downloads")
        # What the others leave is not asked for where there are none.
        if self._taken >= self._max_downloads or (
            self._shared is not None and self._taken >= self._capacity
        ):
            with self.pending():
                await self._free_place(client)
        else:
            self._taken += 1
        place = Place(client, transfer)
        self._places.add(place)
        if client is not None:
            self._shares.change(client, 1)
            if self._shared_clients is not None:
                self._shared_clients.add(client)
        if self._shared is not None:
            self._shared.note(self._taken)
        return place

    def leave(self, place: Place) -> None:
        """Take a place back."""
        self._places.remove(place)
        self._taken -= 1
        if place.gives_way:  # it counts as its client's no more
            self._giving_way -= 1
        elif place.client is not None:
            self._shares.change(place.client, -1)
            if self._shared_clients is not None:
                self._shared_clients.remove(place.client)
        if self._waiting:
            self._promise()
        if self._shared is not None:
            self._shared.note(self._taken)
        self._settling.set()

    async def drained(self, *, at_most_s: float) -> int:
        """Wait for downloads, and for what may become one; return how many still run."""
        self.is_closing = True
        log.info("draining", downloads=self.running, at_most_s=at_most_s)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(at_most_s):
                    # Again: an open connection may have asked once more before this task woke.
                    while self._pending or self._places:
                        self._settling.clear()
                        await self._settling.wait()
        finally:  # a second signal cancels the wait
            if self.running:
                log.warning("downloads cut", downloads=self.running)
        return self.running

    async def _free_place(self, client: str | None) -> None:
        """Wait until another's download has ended for this client's.

        Raises:
            Overloaded: There is none that should, or it does not in time.
        """
        self._warn()
        loop = asyncio.get_running_loop()
        waiter = _Waiter(client, loop.create_future())
        self._waiting[waiter] = None
        if client is not None:
            self._waiting_shares.change(client, 1)
        try:
            asked = self._waiting_shares.of(client) if client is not None else 1
            if not self._may_claim(client, asked=asked, greedy=self._shares.highest):
                raise Overloaded(f"{self.running} downloads are running")
            if self._look is None:
                self._look = loop.call_soon(self._make_room)
            async with asyncio.timeout(_WAIT_S):
                await waiter.free
        except TimeoutError as exc:
            if waiter in self._waiting:
                raise Overloaded(f"{self.running} downloads are running, none stalled") from exc
        except asyncio.CancelledError:
            if waiter not in self._waiting:
                self._taken -= 1
                self._promise()
                if self._shared is not None:
                    self._shared.note(self._taken)
            raise
        finally:
            self._waiting.pop(waiter, None)
            if client is not None:
                self._waiting_shares.change(client, -1)

    def _may_claim(self, client: str | None, *, asked: int, greedy: int) -> bool:
        """Tell whether a download of a client that has so many gives way to this client's.

        Args:
            client: Who waits.
            asked: Its requests that wait, up to this one.
            greedy: Downloads of the other.
        """
        running = self._shares.of(client) if client is not None else 0
        own = running + asked if client is not None else 1
        of_proxies = self.running - self._shares.total - self._giving_way
        clients = self._shares.clients + (not running)
        fair = max(1, (self._capacity - of_proxies) / clients)
        return own <= fair < greedy and own < greedy

    def _make_room(self) -> None:
        """Cut stalled downloads for those that wait; look again while there are some."""
        self._look = None
        on_the_way = self._giving_way
        if len(self._waiting) > on_the_way:
            stalled = self._stalled()
            asked = Counter[str | None]()
            for number, waiter in enumerate(self._waiting):
                asked[waiter.client] += 1
                if number >= on_the_way:
                    self._cut_for(waiter.client, asked=asked[waiter.client], stalled=stalled)
        for _ in range(len(self._waiting)):  # other processes may have left places
            self._promise()
        if self._shared is not None:
            self._shared.note(self._taken)
        if self._waiting:
            self._look = asyncio.get_running_loop().call_later(_LOOK_EVERY_S, self._make_room)

    def _stalled(self) -> dict[str, list[Place]]:
        """Return the stalled downloads of each client, the longest stalled last."""
        since = self._now() - _STALLED_S
        found: dict[str, list[Place]] = {}
        for place in self._places:
            waits_since = place.transfer.waits_since
            if place.client is None or place.gives_way or waits_since is None:
                continue
            if waits_since <= since:
                found.setdefault(place.client, []).append(place)
        for places in found.values():
            places.sort(key=lambda place: place.transfer.waits_since or 0.0, reverse=True)
        return found

    def _cut_for(self, client: str | None, *, asked: int, stalled: dict[str, list[Place]]) -> None:
        """Cut a stalled download, if there is one that should give way to a client's."""
        greedy = max(stalled, key=self._shares.of, default=None)
        if greedy is None or not self._may_claim(
            client, asked=asked, greedy=self._shares.of(greedy)
        ):
            return
        place = stalled[greedy].pop()
        if not stalled[greedy]:
            del stalled[greedy]
        place.gives_way = True
        self._giving_way += 1
        # It counts no more as its client's: else too many of one client would give way at once.
        self._shares.change(greedy, -1)
        if self._shared_clients is not None:
            self._shared_clients.remove(greedy)
        place.transfer.give_way()

    def _promise(self) -> None:
        """Give a free place to the request that waits the longest."""
        if self._taken >= self._capacity:
            return
        for waiter in self._waiting:
            if not waiter.free.done():  # else it has left, and is about to say so
                del self._waiting[waiter]
                self._taken += 1
                waiter.free.set_result(None)
                return

    def _warn(self) -> None:
        if self._now() - self._warned_at >= _WARNED_EVERY_S:
            self._warned_at = self._now()
            log.warning(
                "downloads full",
                downloads=self.running,
                most_numerous=self._shares.most_numerous(),
                downloads_of_it=self._shares.highest,
                fix="raise TDC_MAX_DOWNLOADS; if the most numerous is your proxy, name it in"
                " TDC_TRUSTED_PROXIES: all clients count as one until then",
            )
