"""The runs of the sync: one listing of one connector's folder each; pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class RunKind(StrEnum):
    """Whether a run lists the whole folder, or what changed since the last one."""

    FULL = "full"
    DELTA = "delta"


class RunState(StrEnum):
    """How a run stands.

    Attributes:
        ASKED: Somebody wants it; it begins within seconds.
        RUNNING: It lists.
        OK: All of it is in the catalogue.
        FAILED: It ended early; what it had read is in the catalogue, and nothing was removed.
        SUSPENDED: So much was missing that nothing is removed until another listing agrees.
        CANCELLED: The connector was changed, or the process ended.
    """

    ASKED = "asked"
    RUNNING = "running"
    OK = "ok"
    FAILED = "failed"
    SUSPENDED = "suspended"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Run:
    """One run.

    Attributes:
        id: Grows from run to run.
        connector: Its slug.
        ended: None while it is asked for or running.
        seen: Contents listed so far, each counted once.
        expected: THRON's estimate of how many there are; never to be counted on.
        added: Contents that were new, or back.
        changed: Contents that were different.
        removed: Contents that had left the folder.
        skipped: Items that could not be read.
        problem: Why it failed or is suspended, with the mend.
    """

    id: int
    connector: str
    kind: RunKind
    state: RunState
    started: datetime
    ended: datetime | None = None
    seen: int = 0
    expected: int | None = None
    added: int = 0
    changed: int = 0
    removed: int = 0
    skipped: int = 0
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class SyncState:
    """How a connector's contents are kept, for the console.

    Attributes:
        connector: Its slug.
        running: The run that lists now.
        is_asked: Whether one is asked for and has not begun yet.
        last: The run that ended last.
        last_ok: When the last run that did all its work ended: how old the catalogue is.
        next: When the next run is due; None while one runs, or if none is due by itself.
    """

    connector: str
    running: Run | None = None
    is_asked: bool = False
    last: Run | None = None
    last_ok: datetime | None = None
    next: datetime | None = None

    @property
    def seen(self) -> int:
        """Contents that the running listing has shown."""
        return self.running.seen if self.running is not None else 0

    @property
    def expected(self) -> int | None:
        """How many it is thought to show in all."""
        return self.running.expected if self.running is not None else None

    @property
    def since(self) -> datetime | None:
        """When the running listing began."""
        return self.running.started if self.running is not None else None

    @property
    def problem(self) -> str | None:
        """Why the last run did not do all its work; None if it did."""
        return self.last.problem if self.last is not None else None

    @property
    def is_suspended(self) -> bool:
        """Whether removals wait for another listing that agrees."""
        return self.last is not None and self.last.state is RunState.SUSPENDED
