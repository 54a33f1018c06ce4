"""What the supervisor tells a process that it has started: its part, and its end."""

import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, Self

from proxy.server.control_channel import Message
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

    @property
    def message(self) -> tuple[Message, Sequence[int]]:
        """It as a message with descriptors."""
        told = {
            "number": self.number,
            "settings": dump(self.settings),
            "sockets": list(self.sockets),
        }
        return told, [self.memory, *(sock.fileno() for sock in self.sockets.values())]

    @classmethod
    def of(cls, told: Message, descriptors: Sequence[int]) -> Self:
        """Return what a message said.

        Raises:
            ConfigurationError: A file that the settings name cannot be read any more.
        """
        memory, *sockets = descriptors
        return cls(
            number=told["number"],
            settings=restore(told["settings"]),
            memory=memory,
            sockets={
                name: socket.socket(fileno=descriptor)
                for name, descriptor in zip(told["sockets"], sockets, strict=True)
            },
        )


Introduce = Callable[[int, socket.socket], None]
"""Takes the number of a process, and a socket that leads to it."""


class Serving(Protocol):
    """What one process of several can be told."""

    @property
    def introduce(self) -> Introduce:
        """Makes another process known."""

    @property
    def end_soon(self) -> Callable[[], None]:
        """Sends new clients elsewhere, while their connections are still accepted."""

    @property
    def end_now(self) -> Callable[[], None]:
        """Lets nothing that runs finish."""
