"""Resolution and Delivery: what is remembered of an address, and how its content is fetched."""

from dataclasses import dataclass, field
from datetime import datetime

from proxy.connectors.identifiers import Claim
from proxy.connectors.model import Connector, DeliveryMode
from proxy.delivery.response_headers import HeaderSections
from proxy.semantics.evaluation import RepresentationMetadata


@dataclass(frozen=True, slots=True)
class Target:
    """The last hop of a delivery: volatile, often signed; never shown, never stored on disk.

    Attributes:
        url: Byte-exact, as the redirect had it.
        until: Monotonic seconds from which on it counts no more.
    """

    url: str = field(repr=False)
    until: float


@dataclass(frozen=True, slots=True)
class Representation:
    """What an origin's last answer told of the content.

    Attributes:
        fields: The lines that describe the whole of it, Content-Length apart.
        known: Its validators and complete length.
        validators: Those of the lines that a 304 repeats (RFC 9110, 15.4.5).
    """

    fields: tuple[tuple[str, str], ...]
    known: RepresentationMetadata
    validators: tuple[tuple[str, str], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        validators = tuple([line for line in self.fields if line[0] in {"ETag", "Last-Modified"}])
        object.__setattr__(self, "validators", validators)


@dataclass(frozen=True, slots=True)
class Delivery:
    """How the bytes of one content are fetched.

    Attributes:
        content_id: THRON's id of the content.
        mode: The source file, or the rendition on the CDN.
        sources: Durable delivery URLs in the order to try; more than one where several channels
            may exist, or the service of source files may be in several places. A published one
            holds the pkey.
        file_name: THRON's name of the source file, or the content's id.
        is_nameless_document: Whether the name could not tell an HTML page that is the content from
            an error in its place.
        target: The last hop, once an origin has told it.
        representation: What an origin told of the content, once one has answered.
    """

    content_id: str
    mode: DeliveryMode
    sources: tuple[str, ...] = field(repr=False)
    file_name: str
    is_nameless_document: bool = False
    target: Target | None = None
    representation: Representation | None = None

    @property
    def expected_name(self) -> str | None:
        """The file name to sniff error pages by; None where the content may be a page itself."""
        return None if self.is_nameless_document else self.file_name


@dataclass(frozen=True, slots=True)
class Resolution:
    """The remembered answer for one address of one connector.

    Attributes:
        connector: As it was then; a changed connector makes every resolution void.
        delivery: The answer.
        verified_at: Monotonic seconds of THRON's word for it.
        current: The claim of the content that is current, where the address is a former prettyID.
        updated: THRON's date of the content's last change.
        sections: Of its answers' header sections, what is the same in each; written once.
    """

    connector: Connector
    delivery: Delivery
    verified_at: float
    current: Claim | None = None
    updated: datetime | None = None
    sections: HeaderSections = field(default_factory=HeaderSections, repr=False, compare=False)

    def is_of_another_version(self, newer: "Resolution") -> bool:
        """Tell whether the same connector's address has another content now, or another version."""
        before, after = self.delivery, newer.delivery
        return self.connector == newer.connector and (
            (before.content_id, before.file_name, self.updated)
            != (after.content_id, after.file_name, newer.updated)
        )


def is_another_version(before: Representation | None, after: Representation | None) -> bool:
    """Tell whether an origin's answers are of two versions of one content.

    By date and length, not by the entity-tag: servers that share their work may each have another.
    """
    if before is None or after is None:
        return False
    pairs = (
        (before.known.last_modified, after.known.last_modified),
        (before.known.complete_length, after.known.complete_length),
    )
    return any(old is not None and new is not None and old != new for old, new in pairs)
