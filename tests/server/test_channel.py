"""Channels between two processes: messages, descriptors, and the other one's end."""

import os
import socket
from contextlib import suppress
from typing import Any

import pytest

from proxy.server.assignment import CONSOLE, Assignment, worker_name
from proxy.server.channel import Channel
from proxy.settings import load


async def test_an_assignment_arrives_whole() -> None:
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
    ours, theirs = Channel.pair()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = listening.getsockname()
        Assignment(CONSOLE, settings, 0, {"listen": listening}).post(ours)
    told = await Assignment.receive(Channel(theirs))
    with told.sockets["listen"] as listening:
        assert listening.getsockname() == address
        assert not os.get_inheritable(listening.fileno())
    os.close(told.memory)
    assert (told.number, told.settings) == (CONSOLE, settings)
    assert told.settings.app_key == settings.app_key
    ours.close()
    theirs.close()


class _Prompt(socket.socket):
    """One end whose other end answers a message with descriptors, and closes, at once."""

    other: socket.socket

    def sendmsg(self, *message: Any) -> int:
        sent = super().sendmsg(*message)
        self.other.sendall(b'{"failed": []}\n')
        self.other.recv(64 * 1024)
        self.other.close()
        return sent


async def test_an_answer_is_not_lost() -> None:
    """Whoever has read a message can have answered and ended before it is seen to be sent."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    prompt = _Prompt(fileno=ours.detach())
    prompt.other = theirs
    channel = Channel(prompt)
    with socket.socket() as given:
        await channel.send({"sockets": ["listen"]}, [given.fileno()])
    assert await channel.receive() == {"failed": []}
    channel.close()


def test_names() -> None:
    """Processes are called so in logs and metrics."""
    assert [worker_name(number) for number in range(3)] == ["console", "delivery-1", "delivery-2"]


async def test_what_nobody_reads() -> None:
    """Whoever posts to a process that hangs does not wait: it is given up, and told so."""
    ours, theirs = Channel.pair()
    for _ in range(10_000):
        ours.post({"order": "drain"})
    hanging = Channel(theirs)
    read = 0
    with suppress(ConnectionError):
        while await hanging.receive():
            read += 1
    assert 0 < read < 10_000
    hanging.close()
    ours.post({"order": "drain"})
    with pytest.raises(ConnectionError):
        await ours.receive()
    ours.close()


async def test_descriptors_come_in_order() -> None:
    """Each message's are its own, whatever is read at once; what nobody takes is closed."""
    ours, theirs = Channel.pair()
    ends = os.pipe()
    ours.post({"number": 0})
    for number, end in enumerate(ends, start=1):
        ours.post({"number": number}, [end])
    other = Channel(theirs)
    for number in range(3):
        assert await other.receive() == {"number": number}
    writes, reads = other.descriptors[::-1]
    os.write(writes, b"x")
    assert os.read(reads, 1) == b"x"
    other.close()
    assert not other.descriptors
    for end in ends:
        os.close(end)
    ours.close()
