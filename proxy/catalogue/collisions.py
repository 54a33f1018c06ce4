"""Which of several contents an address leads to, and the status of each of its lines; pure.

Rule 1: a current claim comes before a former one (a prettyID that was renamed since).
Rule 2: of current claims the content with the smallest (creation date, id) has it, so that the
answer never depends on who asks or when; one without a creation date comes last.
Rule 3: where there is no such claim, one under a shortened language (``en`` for ``en_US``) has
it, if it is the only one.
Rule 4: of former claims the latest has it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

_END_OF_TIME = datetime.max.replace(tzinfo=UTC)


class AddressStatus(StrEnum):
    """The status of a line of the table, in the order in which it is decided.

    Attributes:
        REMOVED: The content is not in the folder any more.
        UNPUBLISHED: It is, but THRON does not publish it.
        NO_IDENTIFIER: It has nothing that an address could be made of.
        NOT_ADDRESSABLE: What it has cannot stand in a URL.
        FORMER: A prettyID of before; it goes on leading to the content.
        COLLISION: Several contents claim the address.
        OK: It is the address of this content.
    """

    REMOVED = "removed"
    UNPUBLISHED = "unpublished"
    NO_IDENTIFIER = "no_identifier"
    NOT_ADDRESSABLE = "not_addressable"
    FORMER = "former"
    COLLISION = "collision"
    OK = "ok"


@dataclass(frozen=True, slots=True)
class AddressClaim:
    """A content's claim to one address.

    Attributes:
        content_id: Whose claim it is.
        created: The content's creation date, if THRON has one.
        is_servable: Whether the content may be served.
        is_current: Whether the content has this identifier now.
        since: When it got it, or when it lost it.
        is_removed: Whether the content left the folder.
        is_shortened: Whether it claims under a shortened language.
    """

    content_id: str
    created: datetime | None
    is_servable: bool
    is_current: bool
    since: datetime
    is_removed: bool = False
    is_shortened: bool = False


@dataclass(frozen=True, slots=True)
class ResolvedClaim:
    """The status of one claim, and whether the address leads to its content."""

    status: AddressStatus
    serves: bool


def ranked(claims: Iterable[AddressClaim]) -> tuple[AddressClaim, ...]:
    """Return the claims that can be served, the one that has the address first."""
    servable = [each for each in claims if each.is_servable and not each.is_removed]
    current = sorted((each for each in servable if each.is_current), key=_seniority)
    proper = [each for each in current if not each.is_shortened]
    if proper or len(current) > 1:
        current = proper
    former = sorted((each for each in servable if not each.is_current), key=_seniority)
    former.sort(key=lambda each: each.since, reverse=True)
    return (*current, *former)


def resolve_claims(claims: Sequence[AddressClaim]) -> tuple[ResolvedClaim, ...]:
    """Return the status of each claim to one address, in the same order."""
    order = ranked(claims)
    first = order[0] if order else None
    current = [each for each in claims if each.is_servable and each.is_current]
    current = [each for each in current if not each.is_removed]
    proper = sum(not each.is_shortened for each in current)
    return tuple(
        ResolvedClaim(_status(each, len(current) if each.is_shortened else proper), each is first)
        for each in claims
    )


def unaddressed(*, value: str, is_servable: bool) -> ResolvedClaim:
    """Return the status of a line that is no address."""
    if not is_servable:
        return ResolvedClaim(AddressStatus.UNPUBLISHED, serves=False)
    missing = AddressStatus.NOT_ADDRESSABLE if value else AddressStatus.NO_IDENTIFIER
    return ResolvedClaim(missing, serves=False)


def _seniority(claim: AddressClaim) -> tuple[datetime, str]:
    return (claim.created or _END_OF_TIME, claim.content_id)


def _status(claim: AddressClaim, rivals: int) -> AddressStatus:
    if claim.is_removed:
        return AddressStatus.REMOVED
    if not claim.is_servable:
        return AddressStatus.UNPUBLISHED
    if not claim.is_current:
        return AddressStatus.FORMER
    return AddressStatus.COLLISION if rivals > 1 else AddressStatus.OK
