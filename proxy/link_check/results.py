"""Runs of a link check over the addresses of a connector, and their results, as values; pure."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from proxy.catalogue.url_rows import UrlRow

# The process of a run that has noted nothing for so long is gone: no try takes longer.
_SILENCE = timedelta(seconds=60)


class Scope(StrEnum):
    """Which addresses a run tries: all that lead to a content, or those that had a problem."""

    ALL = "all"
    PROBLEMS = "problems"


class CheckState(StrEnum):
    """The state of a run.

    Attributes:
        RUNNING: It tries address after address.
        STOPPING: Somebody asked it to stop; it does within seconds.
        DONE: It tried them all.
        STOPPED: Somebody stopped it.
        FAILED: It gave up; the reason is with it.
        INTERRUPTED: Its process ended.
    """

    RUNNING = "running"
    STOPPING = "stopping"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


_UNDONE = frozenset({CheckState.RUNNING, CheckState.STOPPING})


@dataclass(frozen=True, slots=True)
class LinkCheck:
    """One run.

    Attributes:
        id: Grows from run to run.
        connector: Its slug.
        beat: When its process last noted anything.
        ended: None while it runs.
        expected: How many addresses there were at its beginning.
        checked: How many were tried.
        problems: How many of those do not work.
        reason: Why it failed.
    """

    id: int
    connector: Annotated[str, Field(exclude=True)]
    scope: Scope
    state: CheckState
    started: datetime
    beat: Annotated[datetime, Field(exclude=True)]
    ended: datetime | None
    expected: int
    checked: int
    problems: int
    reason: str | None = None

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.state not in _UNDONE

    def as_of(self, now: datetime) -> "LinkCheck":
        """Return the run as it stands now: interrupted, if its process has gone silent."""
        if self.is_over or now - self.beat <= _SILENCE:
            return self
        return replace(self, state=CheckState.INTERRUPTED, ended=self.beat)


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """The result of one try.

    Attributes:
        status: Of the answer that a client would get: 200, or an error's.
        media_type: As the origin names it.
        size: Complete length in octets, where it is told.
        problem: What is wrong, with the fix; None where it works.
    """

    status: int
    media_type: str | None = None
    size: int | None = None
    problem: str | None = None

    @property
    def is_ok(self) -> bool:
        """Whether the address works."""
        return self.problem is None


@dataclass(frozen=True, slots=True)
class LinkResult:
    """The last result for an address.

    Attributes:
        since: When it was first so, without another result in between.
        checked: When it was tried last.
    """

    outcome: ProbeResult
    since: datetime
    checked: datetime


@dataclass(frozen=True, slots=True)
class CheckedRow:
    """A line that leads to its content, and its result; None before the first try."""

    line: UrlRow
    result: LinkResult | None


class LinkStatus(StrEnum):
    """Lines by their last result."""

    PROBLEMS = "problems"
    WORKING = "working"
    UNTRIED = "untried"


@dataclass(frozen=True, slots=True)
class LinkTally:
    """The addresses of a connector that lead to a content, counted by their last result."""

    problems: int
    working: int
    untried: int

    @property
    def all(self) -> int:
        """How many addresses there are."""
        return self.problems + self.working + self.untried

    def of(self, status: LinkStatus) -> int:
        """Return one of the counts."""
        return {
            LinkStatus.PROBLEMS: self.problems,
            LinkStatus.WORKING: self.working,
            LinkStatus.UNTRIED: self.untried,
        }[status]


@dataclass(frozen=True, slots=True)
class CheckedPage:
    """Some lines, and how many there are in all.

    Attributes:
        offset: How many come before the first of these.
    """

    lines: tuple[CheckedRow, ...]
    total: int
    offset: int = 0
