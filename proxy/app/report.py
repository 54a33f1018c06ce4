"""What a delivery process tells the console's: how it stands, and what has come and gone."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pydantic import TypeAdapter

from proxy.app.public import Public
from proxy.app.replica import Replica
from proxy.server.assignment import Introduce
from proxy.telemetry.families import Family, families
from proxy.telemetry.live import InFlight
from proxy.telemetry.minutes import Minute
from proxy.telemetry.recent_requests import EndedRequest
from proxy.tenant import Resolutions

# Of what runs, the console shows fewer.
_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Report:
    """How one process stands.

    Attributes:
        running: Requests that are being answered.
        rate: Octets a second that clients take.
        in_flight: Those that came first.
        hour: The last sixty minutes, oldest first.
        recent: The requests that ended since the last report, newest first.
        last: The number of the newest.
        families: Its metrics.
        not_ready: Why nothing new should come to it.
        resolutions: What its resolver holds.
    """

    running: int
    rate: float
    in_flight: tuple[InFlight, ...]
    hour: tuple[Minute, ...]
    recent: tuple[EndedRequest, ...]
    last: int
    families: tuple[Family, ...]
    not_ready: tuple[str, ...]
    resolutions: Resolutions


REPORT = TypeAdapter(Report)


def report(replica: Replica, public: Public, *, after: int) -> Report:
    """Return how this process stands, with the requests that ended after a number."""
    traffic = public.traffic
    return Report(
        running=traffic.running,
        rate=traffic.rate,
        in_flight=traffic.in_flight(most=_SHOWN),
        hour=traffic.hour(),
        recent=traffic.recent.newest(most=traffic.recent.last - after),
        last=traffic.recent.last,
        families=families(replica.metrics.registry),
        not_ready=tuple(public.not_ready()),
        resolutions=replica.context.connection.resolutions(),
    )


@contextmanager
def reporting(replica: Replica, public: Public) -> Iterator[Introduce]:
    """Report to whoever is introduced, until the end of the block."""
    answering: set[asyncio.Task[None]] = set()

    def introduce(_number: int, sock: socket.socket) -> None:
        task = asyncio.create_task(_answer(sock, replica, public), name="reports")
        answering.add(task)
        task.add_done_callback(answering.discard)

    yield introduce
    for task in answering:
        task.cancel()


async def _answer(sock: socket.socket, replica: Replica, public: Public) -> None:
    """Answer until the other process ends: each line has the number of the last request it has."""
    reader, writer = await asyncio.open_unix_connection(sock=sock)
    try:
        while line := await reader.readline():
            told = REPORT.dump_json(report(replica, public, after=int(line)))
            writer.write(b"%d\n%b" % (len(told), told))
            await writer.drain()
    except ConnectionError:
        pass  # it has ended before it could read
    finally:
        writer.close()
