"""One exchange with THRON's API as plain values: what is sent, what came back, how to read it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Request:
    """One API request, without host and without token.

    Attributes:
        method: GET or POST.
        path: Path with its client id, such as ``/api/xcontents/resources/content/search/acme``.
        query: Query parameters, not yet encoded.
        form: Form fields; a login's hold the app key.
        json: Body of a JSON service, or None. A POST without it is a form service
            (docs/thron.md 1.2).
        is_text: Whether the service answers with plain text.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    form: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    json: Mapping[str, Any] | None = field(default=None, repr=False)
    is_text: bool = False

    @property
    def service(self) -> str:
        """The service that is asked, such as ``content/search``, without any id."""
        return "/".join(self.path.partition("/resources/")[2].split("/")[:2])


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as it was received.

    Attributes:
        status: Status code.
        media_type: Lower case, without parameters; empty if there was no Content-Type.
        body: The whole content; a login's holds the token.
        retry_after_s: The Retry-After field in seconds, or None.
        moved_to: Base of the host that a redirect leads to, such as ``https://api.example.com``;
            None without a redirect to another one. No more of it, as it may hold a token.
    """

    status: int
    media_type: str
    body: bytes = field(repr=False)
    retry_after_s: float | None = None
    moved_to: str | None = None


@dataclass(frozen=True, slots=True)
class Question(Generic[T_co]):
    """A request, and how its reply is deciphered.

    Attributes:
        request: What is sent.
        decipher: Gives the value of a reply, or raises a ThronError.
    """

    request: Request
    decipher: Callable[[Reply], T_co]
