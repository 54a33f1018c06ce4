"""Ports for servers that are started later, or again at the same address."""

import secrets
import socket
from contextlib import ExitStack, suppress

# Below those that a system gives to anybody's connection: what is free now is free later.
_KEPT = range(10_000, 32_000)


def free_port(*, following: int = 0) -> int:
    """Return a port of loopback that nobody has, as nobody has so many that follow it."""
    while True:
        port = secrets.choice(_KEPT)  # any, as other tests look for one at the same time
        with suppress(OSError), ExitStack() as stack:
            for each in range(port, port + following + 1):
                stack.enter_context(socket.create_server(("127.0.0.1", each)))
            return port


def free_address() -> str:
    """Return an address of loopback that nobody has."""
    return f"127.0.0.1:{free_port()}"
