"""What the supervisor gives a process that it has started, and what it can tell it."""

import asyncio
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from proxy.server.channel import Channel
from proxy.settings import Settings, dump, restore

CONSOLE = 0
"""The number of the console's process; those that deliver are 1, 2, ..."""


def worker_name(number: int) -> str:
    """Return what a process is called in logs and metrics."""
    return f"delivery-{number}" if number != CONSOLE else "console"


@dataclass(frozen=True, slots=True)
class Assignment:
    """The part of one process.

    Attributes:
        number: ``CONSOLE``, or which of the delivery processes it is.
        settings: As the supervisor loaded them: a file that has changed since is not read again.
        memory: Descriptor of what all processes have together.
        sockets: Those that it serves, by the name of their setting.
    """

    number: int
    settings: Settings
    memory: int
    sockets: Mapping[str, socket.socket]

    def post(self, channel: Channel) -> None:
        """Send it to the process."""
        told = {
            "number": self.number,
            "settings": dump(self.settings),
            "sockets": list(self.sockets),
        }
        channel.post(told, [self.memory, *(sock.fileno() for sock in self.sockets.values())])

    @classmethod
    async def receive(cls, channel: Channel) -> Self:
        """Return the one that comes.

        Raises:
            ConfigurationError: A file that the settings name cannot be read any more.
            OSError: The supervisor has ended.
        """
        told = await channel.receive()
        settings = restore(told["settings"])
        memory = channel.descriptors.pop(0)
        return cls(
            number=told["number"],
            settings=settings,
            memory=memory,
            sockets={
                name: socket.socket(fileno=channel.descriptors.pop(0)) for name in told["sockets"]
            },
        )


Introduce = Callable[[int, socket.socket], None]
"""Takes the number of a process, and a socket that leads to it."""


def _nothing(*_: object) -> None:
    """Do nothing: it concerns the other kind of process."""


@dataclass(frozen=True, slots=True)
class Serving:
    """What one process of several serves, and what it can be told.

    Attributes:
        handed_over: To be set once a successor accepts the connections.
        not_ready: Why nothing new should come here.
        is_set_up: Whether there are credentials.
        accept: Takes connections from now on.
        introduce: Makes another process known.
        end_soon: Sends new clients elsewhere, while their connections are still accepted.
        close_listeners: Takes those that wait, unless a successor does, and no more.
        end_now: Lets nothing that runs finish.
        reloaded: Is told why a reload was refused; nothing if it was not.
        set_up_url: Gives a new link to set the console's password, if it has none.
    """

    handed_over: asyncio.Event
    not_ready: Callable[[], Sequence[str]]
    is_set_up: Callable[[], bool]
    accept: Callable[[], None]
    introduce: Introduce
    end_soon: Callable[[], None]
    close_listeners: Callable[[], None]
    end_now: Callable[[], None]
    reloaded: Callable[[Sequence[str]], None] = _nothing
    set_up_url: Callable[[], str | None] = _nothing
