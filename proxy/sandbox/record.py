"""What each listener of the sandbox received, kept so that tests can prove what was sent where."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import overload
from urllib.parse import parse_qsl

# A soak run asks a million times; the newest requests are enough to judge by.
LIMIT = 20_000


@dataclass(frozen=True, slots=True)
class Recorded:
    """One request as it arrived.

    Attributes:
        listener: ``api``, ``cdn`` or ``storage``.
        target: The raw request target, path and query, undecoded.
        fields: Field lines in their order, names as sent.
        body: The request's content, at most 64 KiB of it.
        form: Its (name, value) pairs where it is a urlencoded form.
    """

    listener: str
    method: str
    target: str
    fields: tuple[tuple[str, str], ...]
    body: bytes = b""
    form: tuple[tuple[str, str], ...] = field(default=())

    @property
    def path(self) -> str:
        """The raw path, without the query."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> tuple[tuple[str, str], ...]:
        """The decoded (name, value) pairs of the query."""
        return tuple(parse_qsl(self.target.partition("?")[2], keep_blank_values=True))

    def value(self, name: str) -> str | None:
        """Return the field's value, lines combined; None where there was no such field."""
        lines = [value for key, value in self.fields if key.lower() == name.lower()]
        return ", ".join(lines) if lines else None

    def holds(self, secret: str) -> bool:
        """Say whether a string stands anywhere in the request."""
        return (
            secret in self.target
            or any(secret in value for _, value in self.fields)
            or secret.encode() in self.body
        )


class RequestLog(Sequence[Recorded]):
    """The newest requests of all listeners, oldest first."""

    def __init__(self) -> None:
        self._entries: list[Recorded] = []
        self._arrival = asyncio.Event()

    def add(self, recorded: Recorded) -> None:
        """Keep a request; the older half goes when there are too many."""
        self._entries.append(recorded)
        if len(self._entries) > LIMIT:
            del self._entries[: LIMIT // 2]
        self._arrival.set()
        self._arrival = asyncio.Event()

    def clear(self) -> None:
        """Forget what was received so far."""
        self._entries.clear()

    def of(self, listener: str, path: str = "") -> list[Recorded]:
        """Return the requests of one listener whose path contains a string."""
        return [entry for entry in self if entry.listener == listener and path in entry.path]

    async def wait_for(self, listener: str, path: str = "", *, count: int = 1) -> list[Recorded]:
        """Wait until so many requests have come to a listener and path; return them."""
        while len(found := self.of(listener, path)) < count:
            await self._arrival.wait()
        return found

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Recorded]:
        return iter(list(self._entries))

    @overload
    def __getitem__(self, index: int) -> Recorded: ...
    @overload
    def __getitem__(self, index: slice) -> list[Recorded]: ...
    def __getitem__(self, index: int | slice) -> Recorded | list[Recorded]:
        return self._entries[index]
