"""What the resolver remembers of an address, and what an origin then tells of the content."""

from dataclasses import dataclass, field

from proxy.catalogue.connector import Connector, DeliveryMode


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
class Delivery:
    """How the bytes of one content are fetched.

    Attributes:
        content_id: THRON's id of the content.
        mode: The source file, or the rendition on the CDN.
        sources: Durable delivery URLs in the order to try; more than one where several channels
            may exist. A published one holds the pkey.
        file_name: THRON's name of the source file.
        target: The last hop, once an origin has told it.
    """

    content_id: str
    mode: DeliveryMode
    sources: tuple[str, ...] = field(repr=False)
    file_name: str
    target: Target | None = None


@dataclass(frozen=True, slots=True)
class Resolution:
    """The remembered answer for one address of one connector.

    Attributes:
        connector: As it was then; a changed connector makes every resolution void.
        delivery: The answer.
        verified_at: Monotonic seconds of THRON's word for it.
        is_former: The address is a former prettyID of the content.
    """

    connector: Connector
    delivery: Delivery
    verified_at: float
    is_former: bool = False
