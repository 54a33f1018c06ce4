"""When a session token is to be refreshed, and how long to wait after a failure; pure.

A token lives 60 minutes and each use renews it (docs/thron.md 2.2). Whether validateToken counts
as a use, and whether there is a hard maximum age, is not known; so an idle token is validated, a
token idle for nearly its life is replaced by a new login, and so is an old one.
"""

from dataclasses import dataclass
from enum import StrEnum

from proxy.backoff import Backoff
from proxy.errors import CredentialsRefused, ThronError

# Refreshes are early by up to a tenth, so that processes started together part.
_EARLY = 0.1


@dataclass(frozen=True, slots=True)
class Schedule:
    """The times of the keeper, in seconds.

    Attributes:
        validate_after_idle_s: Without use for so long, the token is validated.
        validate_doubted_after_s: The same while it is not known whether THRON answers.
        renew_after_idle_s: Without use for so long, a new login is made; less than the token's
            life of 3600.
        renew_after_s: At this age a new login is made in any case, which also reads the pkey and
            the root folder again.
        retry: The waits after failures of THRON.
        refused_retry: The waits after a login that was refused, which asking again does not cure.
    """

    validate_after_idle_s: float = 20 * 60
    validate_doubted_after_s: float = 60
    renew_after_idle_s: float = 50 * 60
    renew_after_s: float = 6 * 3600
    retry: Backoff = Backoff(first_s=1, longest_s=60)
    refused_retry: Backoff = Backoff(first_s=60, longest_s=15 * 60)


class RefreshAction(StrEnum):
    """What refreshes a token."""

    VALIDATE = "validate"
    LOG_IN = "log_in"


@dataclass(frozen=True, slots=True)
class Refresh:
    """The next action and its moment, in seconds of the keeper's clock."""

    action: RefreshAction
    at: float


@dataclass(frozen=True, slots=True)
class Failure:
    """The last failed refresh, and how long to wait before the next.

    Attributes:
        error: What it failed with.
        count: How many failed in a row, this one included.
        at: When, in seconds of the keeper's clock.
        delay_s: How long to wait since then.
    """

    error: ThronError
    count: int
    at: float
    delay_s: float

    def remaining_s(self, now: float) -> float:
        """Return how long to wait from now."""
        # Bounded on both sides, as a clock may be set back.
        return min(max(self.delay_s - (now - self.at), 0.0), self.delay_s)

    def new_error(self, now: float) -> ThronError:
        """Return a new error: one that is raised twice accumulates tracebacks."""
        wait_s = max(self.remaining_s(now), 1.0)
        return self.error.anew(retry_after_s=wait_s)


def next_refresh(
    schedule: Schedule,
    *,
    logged_in_at: float,
    used_at: float,
    validated_at: float,
    jitter: float,
    is_doubted: bool = False,
) -> Refresh:
    """Return what is due next for a token.

    Times are in seconds of one clock; before the first call and validation ``used_at`` and
    ``validated_at`` are the login's. The jitter, from 0 to 1, stays the same for a token's life.
    """
    early = 1 - _EARLY * jitter
    log_in_at = min(
        max(logged_in_at, used_at) + schedule.renew_after_idle_s * early,
        logged_in_at + schedule.renew_after_s * early,
    )
    known_good_at = max(logged_in_at, used_at, validated_at)
    idle_s = schedule.validate_after_idle_s
    if is_doubted:
        idle_s = min(idle_s, schedule.validate_doubted_after_s)
    validate_at = known_good_at + idle_s * early
    if validate_at < log_in_at:
        return Refresh(RefreshAction.VALIDATE, validate_at)
    return Refresh(RefreshAction.LOG_IN, log_in_at)


def backoff_s(schedule: Schedule, error: ThronError, *, failures: int, jitter: float) -> float:
    """Return the wait after a failure; a Retry-After that THRON sent with it is the least."""
    is_refused = isinstance(error, CredentialsRefused)
    backoff = schedule.refused_retry if is_refused else schedule.retry
    asked_s = min(error.asked_wait_s or 0.0, schedule.refused_retry.longest_s)
    return max(backoff.wait_s(failures, jitter=jitter), asked_s)
