"""The channel between the supervisor and its processes."""

import asyncio
import os
import socket

from proxy.server.assignment import CONSOLE, Assignment, worker_name
from proxy.server.control_channel import ControlChannel
from proxy.settings import load


def test_an_assignment_arrives_whole() -> None:
    """Settings arrive as they were loaded, secrets too, and sockets as the same ones."""
    settings = load(
        {
            "TDC_CLIENT_ID": "acme",
            "TDC_APP_ID": "app",
            "TDC_APP_KEY": "secret",
            "TDC_TRUSTED_PROXIES": "10.0.0.0/8,::1",
            "TDC_FORWARDED": "forwarded",
            "TDC_SECRET_KEY": "k" * 32,
            "TDC_WORKERS": "2",
        }
    )
    ours, theirs = ControlChannel.pair()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = listening.getsockname()
        ours.send(*Assignment(CONSOLE, settings, 0, {"listen": listening}).message)
    received = ControlChannel(theirs).receive()
    assert received is not None
    told = Assignment.of(*received)
    with told.sockets["listen"] as listening:
        assert listening.getsockname() == address
        assert not os.get_inheritable(listening.fileno())
    os.close(told.memory)
    assert (told.number, told.settings) == (CONSOLE, settings)
    assert told.settings.app_key == settings.app_key
    ours.close()
    theirs.close()


def test_names() -> None:
    """Processes are called so in logs and metrics."""
    assert [worker_name(number) for number in range(3)] == ["console", "delivery-1", "delivery-2"]


async def test_what_nobody_reads() -> None:
    """Whoever sends to a process that has ended, or hangs, neither fails nor waits."""
    ours, theirs = ControlChannel.pair()
    for _ in range(10_000):
        ours.send({"order": "drain"})
    theirs.close()
    ours.send({"order": "drain"})
    ended = asyncio.Event()
    ours.listen(lambda *_: None, ended=ended.set)
    await ended.wait()
    ours.close()
