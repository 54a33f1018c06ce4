"""What the delivery asks of an HTTP client: two of them answer to it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from multidict import CIMultiDictProxy
from yarl import URL

Fields = Sequence[tuple[str, str]]
# Gives, for the host and port of an origin, what observes the seconds that it took.
Observers = Callable[[str, int], Callable[[float], None]]


class HttpResponse(Protocol):
    """An origin's answer whose header section is read, and whose content is not.

    Attributes:
        method: Of the request.
        url: Where it came from, byte-exact; secret where it is signed.
        status: A final one, never 1xx.
        fields: Its header section.
        content_length: As its Content-Length says, in answers to HEAD too; None without one.
    """

    method: str
    url: URL
    status: int
    fields: CIMultiDictProxy[str]
    content_length: int | None

    async def read(self) -> bytes:
        """Return the next octets of the content as they come, b"" at its end.

        Raises:
            OriginError: It broke off.
        """

    def unread(self, octets: bytes) -> None:
        """Put octets back, to be read again before what comes next."""

    def close(self) -> None:
        """Let go of the connection: it serves another request if the whole answer has come."""


class HttpClient(Protocol):
    """Sends one request to where its URL says, and follows nothing."""

    async def request(
        self,
        method: str,
        url: URL,
        *,
        fields: Fields,
        form: Mapping[str, str] | None = None,
        first_byte_timeout_s: float,
    ) -> HttpResponse:
        """Return the answer of one request.

        Args:
            method: GET, HEAD or, with a form, POST.
            url: Byte-exact.
            fields: What goes along.
            form: The content of a POST.
            first_byte_timeout_s: For the header section to come, from now.

        Raises:
            OriginProhibited: The host is at an address that is not allowed.
            OriginUnreachable: No connection, or one that broke before the answer.
            OriginTimeout: No connection or no answer in time.
            OriginAnswerInvalid: The answer is no HTTP.
        """
