"""Faults on order: what goes wrong with which requests, how often (docs/thron.md 12, Faults)."""

import asyncio
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Literal

Where = Literal["api", "login", "delivery", "static", "source", "storage"]


class Kind(StrEnum):
    """What goes wrong.

    The first group is an answer of another kind; the second a faithful answer sent badly; the
    third a faithful answer with something missing or wrong.
    """

    STATUS = "status"
    BUSY = "busy"
    HTML = "html"
    ENVELOPE = "envelope"
    EMPTY = "empty"
    REDIRECT_LOOP = "redirect_loop"
    REDIRECT_TO = "redirect_to"
    DNS = "dns"
    TLS = "tls"
    GARBAGE = "garbage"

    LATENCY = "latency"
    STALL = "stall"
    RESET = "reset"
    TRUNCATED = "truncated"
    TRICKLE = "trickle"

    MEDIA_TYPE = "media_type"
    NO_LENGTH = "no_length"
    NO_VALIDATOR = "no_validator"
    WEAK_VALIDATOR = "weak_validator"
    CHANGING_VALIDATOR = "changing_validator"
    RANGE_IGNORED = "range_ignored"
    RANGE_SHIFTED = "range_shifted"
    CODED = "coded"
    HEAD_REFUSED = "head_refused"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault.

    Attributes:
        where: Which kind of request it strikes.
        times: How many requests; None: all until cleared.
        at: For stall, reset, truncated: after how many octets of body; None: before the status
            line.
        seconds: For latency.
        octets_per_s: For trickle.
        status: For status (503 if not given), html and envelope (200 if not given).
        retry_after: For busy and status: the Retry-After field, if any.
        location: For redirect_to.
        media_type: For media_type.
        target: Strikes only requests whose raw target contains this.
        method: Strikes only this method.
    """

    kind: Kind
    where: Where = "static"
    times: int | None = 1
    at: int | None = None
    seconds: float = 0.0
    octets_per_s: int = 1024
    status: int | None = None
    retry_after: str | None = None
    location: str = ""
    media_type: str = "text/html"
    target: str = ""
    method: str = ""


@dataclass(slots=True)
class Faults:
    """The faults that wait for requests.

    Attributes:
        go_on: Ends every stall and latency once set; ``release`` sets it for those that wait now.
        hit: Set once a fault has struck; cleared by ``add``.
        struck: How many requests have been struck.
    """

    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    hit: asyncio.Event = field(default_factory=asyncio.Event)
    struck: int = 0
    _waiting: list[Fault] = field(default_factory=list)

    def add(self, *faults: Fault) -> None:
        """Let these faults strike from the next request on."""
        self._waiting.extend(faults)
        self.hit.clear()

    def clear(self) -> None:
        """Take back every fault and let everything that stalls go on."""
        self._waiting.clear()
        self.release()

    def release(self) -> None:
        """Let everything that stalls go on; later stalls stall again."""
        self.go_on.set()
        self.go_on = asyncio.Event()

    def tear_after(self, octets: int, *, where: Where = "static", times: int | None = 1) -> None:
        """Break bodies off after so many octets, whatever length was promised."""
        self.add(Fault(Kind.TRUNCATED, where, times, at=octets))

    def stall_after(self, octets: int, *, where: Where = "static", times: int | None = 1) -> None:
        """Let bodies stand still after so many octets, until released or given up."""
        self.add(Fault(Kind.STALL, where, times, at=octets))

    def fail(self, status: int = 503, *, where: Where = "static", times: int | None = 1) -> None:
        """Answer with a status instead."""
        self.add(Fault(Kind.STATUS, where, times, status=status))

    def take(self, where: Where, *, method: str, target: str) -> tuple[Fault, ...]:
        """Return the faults that strike a request, and count them down."""
        striking = [fault for fault in self._waiting if _strikes(fault, where, method, target)]
        for fault in striking:
            place = next(i for i, waiting in enumerate(self._waiting) if waiting is fault)
            if fault.times is not None and fault.times <= 1:
                del self._waiting[place]
            elif fault.times is not None:
                self._waiting[place] = replace(fault, times=fault.times - 1)
        if striking:
            self.struck += 1
            self.hit.set()
        return tuple(striking)

    @property
    def waiting(self) -> tuple[Fault, ...]:
        """The faults that have requests left to strike."""
        return tuple(self._waiting)


def _strikes(fault: Fault, where: Where, method: str, target: str) -> bool:
    return (
        fault.where == where
        and fault.target in target
        and fault.method in {"", method}
        and fault.times != 0
        and (fault.kind is not Kind.HEAD_REFUSED or method == "HEAD")
    )
